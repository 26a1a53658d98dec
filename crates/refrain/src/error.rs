//! The one error type.

use std::fmt;

use refrain_graph::GraphError;
use refrain_graph::engine::EngineError;

use crate::config::short;

/// A `Result` with refrain's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A rank or dimension does not fit.
    Shape,
    /// An element type does not fit.
    DType,
    /// The number or nesting of tensors does not fit.
    Structure,
    /// An option of a layer, loss, optimizer, … is not valid.
    Config,
    /// The model's graph is not a model: disconnected outputs, duplicate names, a cycle.
    Graph,
    /// A tensor of the wrong sort: symbolic where values are needed, or the other way round.
    Symbolic,
    /// The data given to `fit`, `evaluate` or `predict` does not fit: lengths, labels, emptiness.
    Data,
    /// The model must be compiled, built or fitted first.
    State,
    /// A loss became NaN or infinite.
    NonFinite,
    /// Nothing of this name.
    NotFound,
    /// Reading or writing a file failed.
    Io,
    /// Keras has it, refrain does not.
    Unsupported,
    /// There is no memory for a weight, a constant, a run or its results.
    Memory,
    /// An engine could not compile or run a program, or keep a value.
    Engine,
    /// A defect in refrain.
    Internal,
}

/// What went wrong, where, what was expected, what came, and what to do.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    layer: Option<(String, String)>,
    call: Option<usize>,
    /// A loss or a metric of the user's, with its name, or a part of the work.
    part: Option<String>,
    /// The primitive at fault, or the function of `ops` that it is part of.
    operation: Option<String>,
    expected: Option<String>,
    received: Option<String>,
    hint: Option<String>,
    file: Option<std::path::PathBuf>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            kind,
            message: message.into(),
            layer: None,
            call: None,
            part: None,
            operation: None,
            expected: None,
            received: None,
            hint: None,
            file: None,
        }))
    }

    /// An error that a user's own layer, loss or callback reports.
    ///
    /// ```
    /// let error = refrain::Error::custom("the temperature must be positive");
    /// assert_eq!(error.to_string(), "the temperature must be positive.");
    /// ```
    pub fn custom(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Config, message)
    }

    /// "expected {expected}, got {received}".
    pub(crate) fn mismatch(
        kind: ErrorKind,
        expected: impl Into<String>,
        received: impl Into<String>,
    ) -> Self {
        let mut error = Error::new(kind, "");
        error.0.expected = Some(expected.into());
        error.0.received = Some(received.into());
        error
    }

    /// Names the layer at fault, unless a layer inside it is named already.
    pub(crate) fn in_layer(mut self, name: &str, class: &str) -> Self {
        self.0
            .layer
            .get_or_insert_with(|| (name.into(), class.into()));
        self
    }

    /// Names the user's function or the part of the work at fault: "loss `own`".
    pub(crate) fn in_part(mut self, part: String) -> Self {
        self.0.part.get_or_insert(part);
        self
    }

    /// Names the function of `ops`, by its class, in place of the primitive inside it that does not fit.
    pub(crate) fn in_function(mut self, class: &str) -> Self {
        if let Some(operation) = &mut self.0.operation {
            *operation = format!("`ops::{}`", crate::names::snake_case(class));
        }
        self
    }

    /// Names the call of the layer at fault (1 is the first).
    pub(crate) fn at_call(mut self, call: usize) -> Self {
        self.0.call.get_or_insert(call);
        self
    }

    /// Names the file at fault, unless the message does or another one is named already.
    pub(crate) fn in_file(mut self, path: &std::path::Path) -> Self {
        if !self.0.message.contains(&*path.to_string_lossy()) {
            self.0.file.get_or_insert_with(|| path.to_owned());
        }
        self
    }

    /// Adds what to do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// What sort of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The name of the layer at fault, where there is one.
    pub fn layer(&self) -> Option<&str> {
        self.0.layer.as_ref().map(|(name, _)| name.as_str())
    }

    /// Which call of the layer failed (1 is the first), where it is a call.
    pub fn call(&self) -> Option<usize> {
        self.0.call
    }

    /// The file at fault, where there is one that the message does not name.
    pub fn file(&self) -> Option<&std::path::Path> {
        self.0.file.as_deref()
    }

    /// What was expected, where something definite was.
    pub fn expected(&self) -> Option<&str> {
        self.0.expected.as_deref()
    }

    /// What came instead.
    pub fn received(&self) -> Option<&str> {
        self.0.received.as_deref()
    }
}

/// Full sentences: where, what, what to do, each with its full stop.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let e = &self.0;
        if let Some(file) = &e.file {
            write!(f, "`{}`: ", file.display())?;
        }
        if let Some((name, class)) = &e.layer {
            write!(f, "layer `{}` ({})", short(name), short(class))?;
            if let Some(call) = e.call {
                write!(f, ", call {call}")?;
            }
            f.write_str(": ")?;
        }
        for place in [&e.part, &e.operation].into_iter().flatten() {
            write!(f, "{place}: ")?;
        }
        f.write_str(unended(&e.message))?;
        if let (Some(expected), Some(received)) = (&e.expected, &e.received) {
            if !e.message.is_empty() {
                f.write_str(": ")?;
            }
            write!(f, "expected {expected}, got {}", unended(received))?;
        }
        if let Some(hint) = &e.hint {
            write!(f, ". {}", unended(hint))?;
        }
        f.write_str(".")
    }
}

/// A sentence without its full stop: texts that hold others' errors may have one already.
fn unended(text: &str) -> &str {
    text.strip_suffix('.').unwrap_or(text)
}

/// The same text as `Display`: what `main` prints when it returns an error.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

impl From<GraphError> for Error {
    fn from(e: GraphError) -> Self {
        let operation = e.op.map(str::to_owned);
        let message = GraphError { op: None, ..e }.to_string();
        let mut error = Error::new(ErrorKind::Shape, message);
        error.0.operation = operation;
        error
    }
}

impl From<refrain_storage::Error> for Error {
    fn from(e: refrain_storage::Error) -> Self {
        let parts = e.into_parts();
        let kind = match parts.kind {
            refrain_storage::ErrorKind::Io => ErrorKind::Io,
            refrain_storage::ErrorKind::NotFound => ErrorKind::NotFound,
            refrain_storage::ErrorKind::Unsupported => ErrorKind::Unsupported,
            refrain_storage::ErrorKind::Config => ErrorKind::Config,
        };
        let mut error = Error::new(kind, parts.message);
        (error.0.expected, error.0.received) = parts.mismatch.unzip();
        error.0.hint = parts.hint;
        error
    }
}

impl From<EngineError> for Error {
    fn from(e: EngineError) -> Self {
        let kind = match e.is_out_of_memory() {
            true => ErrorKind::Memory,
            false => ErrorKind::Engine,
        };
        Error::new(kind, e.to_string())
    }
}
