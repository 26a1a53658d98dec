//! What is wrong with a file.

use std::fmt;

/// A `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Reading or writing a file failed, it is damaged, or it asks for too much.
    Io,
    /// Nothing of this name.
    NotFound,
    /// The file is sound, but of a sort that is not read.
    Unsupported,
    /// What is to be written does not fit the format.
    Config,
}

/// What went wrong, what was expected, what came, and what to do.
#[derive(Clone)]
pub struct Error(Box<Parts>);

/// What an error says.
#[derive(Clone, Debug)]
pub struct Parts {
    /// What sort of thing went wrong.
    pub kind: ErrorKind,
    /// What went wrong; may be empty if something else was expected.
    pub message: String,
    /// What was expected and what came instead, where something definite was.
    pub mismatch: Option<(String, String)>,
    /// What to do.
    pub hint: Option<String>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Box::new(Parts {
            kind,
            message: message.into(),
            mismatch: None,
            hint: None,
        }))
    }

    /// A file that cannot be read.
    #[cfg(feature = "npz")]
    pub(crate) fn damaged(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Io, message)
    }

    /// Says where it went wrong.
    #[cfg(feature = "npz")]
    pub(crate) fn at(mut self, place: impl fmt::Display) -> Self {
        let place = place.to_string();
        if !self.0.message.contains(&place) {
            self.0.message = format!("{place}: {}", self.0.message);
        }
        self
    }

    /// "expected {expected}, got {received}".
    pub(crate) fn mismatch(
        kind: ErrorKind,
        expected: impl Into<String>,
        received: impl Into<String>,
    ) -> Self {
        let mut error = Error::new(kind, "");
        error.0.mismatch = Some((expected.into(), received.into()));
        error
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

    /// What it says.
    pub fn into_parts(self) -> Parts {
        *self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts {
            message,
            mismatch,
            hint,
            ..
        } = &*self.0;
        f.write_str(message)?;
        if let Some((expected, received)) = mismatch {
            let colon = if message.is_empty() { "" } else { ": " };
            write!(f, "{colon}expected {expected}, got {received}")?;
        }
        match hint {
            Some(hint) => write!(f, ". {hint}"),
            None => Ok(()),
        }
    }
}

/// The same text as `Display`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}
