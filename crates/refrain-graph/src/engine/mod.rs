//! The seam between programs and what runs them.
//!
//! An [`Engine`] compiles a [`Graph`] whose shapes are all known into a [`Program`], and keeps the values of variables in
//! [`Buffer`]s of its own. The [`InterpreterEngine`] is the simplest one.
//!
//! Whoever runs programs moves a variable into the memory of an engine ([`Engine::buffer_from_host`]) before the first run that
//! needs it there, and reads it ([`Buffer::to_host`]) only when somebody asks for its value. Between runs nothing else is
//! copied, so that an engine of a device may
//!
//! - keep buffers on the device, and give a run's memory to the new values of the variables that it updates: such a run has
//!   them to itself ([`Program::run`]), and each is replaced in its `Buffer`;
//! - start a run and return: the outputs are there after [`Workspace::wait`], and `to_host` waits for what it reads. A run that
//!   fails later fails there.

mod interpreter;

use std::any::Any;
use std::borrow::Cow;

use crate::memory::MemoryError;
use crate::{Graph, GraphError, Literal};

pub use interpreter::InterpreterEngine;

/// An engine that could not do what was asked of it.
///
/// ```
/// use refrain_graph::engine::EngineError;
/// let error = EngineError::out_of_memory("no memory on the device");
/// assert_eq!(error.to_string(), "no memory on the device");
/// assert!(error.is_out_of_memory());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EngineError {
    message: String,
    out_of_memory: bool,
}

impl EngineError {
    /// An error that says this.
    pub fn new(message: impl Into<String>) -> Self {
        EngineError {
            message: message.into(),
            out_of_memory: false,
        }
    }

    /// An error that says so of memory that was not to be had.
    pub fn out_of_memory(message: impl Into<String>) -> Self {
        EngineError {
            message: message.into(),
            out_of_memory: true,
        }
    }

    /// Whether memory was not to be had.
    pub fn is_out_of_memory(&self) -> bool {
        self.out_of_memory
    }
}

impl From<GraphError> for EngineError {
    fn from(error: GraphError) -> Self {
        EngineError::new(error.to_string())
    }
}

impl From<MemoryError> for EngineError {
    fn from(error: MemoryError) -> Self {
        EngineError::out_of_memory(error.to_string())
    }
}

/// The value of a variable, in the memory of an engine.
///
/// A [`Literal`] is the buffer of engines on the host.
pub trait Buffer: Any + Send + Sync {
    /// The value, once all runs that change it have ended: borrowed where it lies on the host, copied from elsewhere.
    ///
    /// # Errors
    /// If one of these runs failed, or the copy did.
    fn to_host(&self) -> Result<Cow<'_, Literal>, EngineError>;
}

impl Buffer for Literal {
    fn to_host(&self) -> Result<Cow<'_, Literal>, EngineError> {
        Ok(Cow::Borrowed(self))
    }
}

impl dyn Buffer {
    /// The buffer, if it is a `B`.
    ///
    /// ```
    /// use refrain_graph::{Literal, engine::Buffer};
    /// let buffer: Box<dyn Buffer> = Box::new(Literal::scalar(2f32));
    /// assert_eq!(buffer.downcast_ref(), Some(&Literal::scalar(2f32)));
    /// ```
    pub fn downcast_ref<B: Buffer>(&self) -> Option<&B> {
        (self as &dyn Any).downcast_ref()
    }

    /// The buffer, if it is a `B`, to be changed.
    ///
    /// ```
    /// use refrain_graph::{Literal, engine::Buffer};
    /// let mut buffer: Box<dyn Buffer> = Box::new(Literal::scalar(2f32));
    /// *buffer.downcast_mut().unwrap() = Literal::scalar(3f32);
    /// assert_eq!(buffer.to_host()?.to_f64(), [3.0]);
    /// # Ok::<(), refrain_graph::engine::EngineError>(())
    /// ```
    pub fn downcast_mut<B: Buffer>(&mut self) -> Option<&mut B> {
        (self as &mut dyn Any).downcast_mut()
    }
}

/// The memory of one run of a program at a time.
pub trait Workspace: Any + Send {
    /// Waits until the last run in this memory has ended and all its results are in `outputs`, which are those that the run was
    /// given. Nothing by default: what a run leaves behind is complete.
    ///
    /// # Errors
    /// If the run failed after it had been started.
    fn wait(&mut self, _outputs: &mut [Literal]) -> Result<(), EngineError> {
        Ok(())
    }
}

/// A compiled program. Several threads may run it at once, each in its own [`Workspace`].
///
/// Inputs and variables come in the order of the graph's parameters of that kind, outputs in the order of its results, all with
/// the right dimensions and types; the buffers of variables are those of the program's engine. After the first run in a
/// workspace nothing should be allocated on the host (see [`recycle`]).
pub trait Program: Send + Sync {
    /// Everything that a run needs.
    ///
    /// # Errors
    /// If there is no memory for it, or would be none for the inputs and outputs beside it.
    fn workspace(&self) -> Result<Box<dyn Workspace>, EngineError>;

    /// Runs the program on variables that nobody else uses meanwhile, and replaces the values of those that it updates. The
    /// outputs are there after [`Workspace::wait`]; the inputs may be changed, and the variables used, once this returns.
    ///
    /// # Errors
    /// If the workspace is of another program, an array or a buffer does not fit, or the run fails.
    fn run(
        &self,
        workspace: &mut dyn Workspace,
        inputs: &[Literal],
        variables: &mut [&mut dyn Buffer],
        outputs: &mut [Literal],
    ) -> Result<(), EngineError>;

    /// As [`run`](Program::run) for a program without updates, on variables that others may read meanwhile.
    ///
    /// `version` is a number of the variables' values that is never given to other values: what the program has derived of them
    /// (weights laid out for products) counts as long as it sees the same number.
    ///
    /// # Errors
    /// As `run`, and if the program has updates.
    fn run_shared(
        &self,
        workspace: &mut dyn Workspace,
        inputs: &[Literal],
        variables: &[&dyn Buffer],
        outputs: &mut [Literal],
        version: Option<u64>,
    ) -> Result<(), EngineError>;

    /// Frees what is kept of the variables for the next runs. Nothing by default.
    fn forget_packed(&self) {}

    /// Bytes of memory of a run besides inputs, variables and outputs.
    fn peak_memory(&self) -> usize;

    /// Floating-point operations of a run: products count twice, elementwise primitives once per element.
    fn flops(&self) -> u64;

    /// What a run does, as text.
    fn explain(&self) -> String;
}

/// What compiles programs and keeps the values of their variables.
///
/// By default those are on the host:
///
/// ```
/// use refrain_graph::engine::{Engine, EngineError, InterpreterEngine, Program};
/// use refrain_graph::{BinaryOp, DType, Graph, Literal, Op, Spec};
///
/// /// The interpreter, for graphs of a few nodes.
/// struct Small;
///
/// impl Engine for Small {
///     fn name(&self) -> &str {
///         "small"
///     }
///
///     fn compile(&self, graph: &Graph) -> Result<Box<dyn Program>, EngineError> {
///         match graph.nodes().len() {
///             0..10 => InterpreterEngine.compile(graph),
///             nodes => Err(EngineError::new(format!("{nodes} nodes are too many"))),
///         }
///     }
/// }
///
/// let mut graph = Graph::new();
/// let w = graph.variable("w", Spec::new([2], DType::F32));
/// let doubled = graph.push(Op::Binary(BinaryOp::Add), &[w, w])?;
/// graph.update(w, doubled);
/// let program = Small.compile(&graph)?;
/// let mut w = Small.buffer_from_host(Literal::new([2], vec![1f32, 3.0]).unwrap())?;
/// program.run(&mut *program.workspace()?, &[], &mut [&mut *w], &mut [])?;
/// assert_eq!(w.to_host()?.to_f64(), [2.0, 6.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Engine: Send + Sync {
    /// What it is chosen by: `cpu`, `interpreter`.
    fn name(&self) -> &str;

    /// Compiles a graph whose shapes are all known.
    ///
    /// # Errors
    /// If a shape is unknown, the graph is broken, or the engine lacks something that it needs.
    fn compile(&self, graph: &Graph) -> Result<Box<dyn Program>, EngineError>;

    /// A buffer of this engine with a value. By default the value itself.
    ///
    /// # Errors
    /// If there is no memory for it.
    fn buffer_from_host(&self, value: Literal) -> Result<Box<dyn Buffer>, EngineError> {
        Ok(Box::new(value))
    }

    /// Whether the engine's programs can use a buffer as it is. By default, if it is a [`Literal`].
    fn holds(&self, buffer: &dyn Buffer) -> bool {
        buffer.downcast_ref::<Literal>().is_some()
    }

    /// What users should know before the first program of this engine runs; they are told once.
    fn warning(&self) -> Option<&str> {
        None
    }
}

/// An empty vector in the memory of another whose elements have the same size (the standard library collects in place): lists
/// of references are kept from run to run without their lifetimes.
///
/// ```
/// use refrain_graph::engine::recycle;
/// let mut kept: Vec<&'static str> = Vec::with_capacity(7);
/// let text = String::from("of one run");
/// let mut list: Vec<&str> = recycle(std::mem::take(&mut kept));
/// list.push(&text);
/// kept = recycle(list);
/// assert!(kept.is_empty() && kept.capacity() == 7);
/// ```
pub fn recycle<A, B>(mut vec: Vec<A>) -> Vec<B> {
    vec.clear();
    vec.into_iter().filter_map(|_| None).collect()
}
