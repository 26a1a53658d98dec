//! What can go wrong when a program is compiled or run.

use std::fmt;

use refrain_graph::memory::MemoryError;
use refrain_graph::{GraphError, Spec};

use crate::kernels::arena::PlanFault;

/// A graph that cannot be compiled.
#[derive(Clone, Debug, PartialEq)]
pub enum CompileError {
    /// A value's shape is not known (its text form is given).
    UnknownShape(String),
    /// The graph itself is broken.
    Graph(GraphError),
    /// A tensor is larger than the address space.
    TooLarge(String),
    /// There is no memory for the constants.
    Memory(MemoryError),
    /// A primitive of types or sizes that no kernel computes.
    NoKernel(String),
    /// The plan contradicts itself: a defect of the compiler.
    Plan(PlanFault, String),
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CompileError::UnknownShape(value) => {
                write!(f, "all shapes must be known to compile, but {value} is not")
            }
            CompileError::Graph(error) => error.fmt(f),
            CompileError::TooLarge(value) => write!(f, "{value} is larger than the address space"),
            CompileError::Memory(error) => error.fmt(f),
            CompileError::NoKernel(primitive) => write!(f, "no kernel computes {primitive}"),
            CompileError::Plan(fault, step) => {
                write!(f, "defect in the plan ({fault:?}) at {step}")
            }
        }
    }
}

impl std::error::Error for CompileError {}

impl From<GraphError> for CompileError {
    fn from(error: GraphError) -> Self {
        CompileError::Graph(error)
    }
}

impl From<MemoryError> for CompileError {
    fn from(error: MemoryError) -> Self {
        CompileError::Memory(error)
    }
}

/// A run that was refused or failed.
#[derive(Clone, Debug, PartialEq)]
pub enum RunError {
    /// Another number of arrays than the program has parameters or results.
    Count {
        /// `inputs`, `variables` or `outputs`.
        what: &'static str,
        /// How many the program has.
        expected: usize,
        /// How many came.
        received: usize,
    },
    /// An array of another shape or type than the program's.
    Spec {
        /// `input`, `variable` or `output`.
        what: &'static str,
        /// Which of them.
        index: usize,
        /// Its name in the program; empty for outputs.
        name: String,
        /// What the program has.
        expected: Spec,
        /// What came.
        received: Spec,
    },
    /// The program updates variables, which were given for reading only.
    HasUpdates,
    /// The workspace belongs to another program.
    Workspace,
    /// A variable is in the memory of another engine.
    Buffer,
    /// There is no memory for weights as products read them.
    Memory(MemoryError),
    /// The plan does not fit its memory: a defect of the compiler.
    Plan(PlanFault, String),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Count {
                what,
                expected,
                received,
            } => write!(f, "the program has {expected} {what}, got {received}"),
            RunError::Spec {
                what,
                index,
                name,
                expected,
                received,
            } => {
                let quoted = if name.is_empty() {
                    String::new()
                } else {
                    format!(" `{name}`")
                };
                write!(
                    f,
                    "{what} {index}{quoted}: expected {expected}, got {received}"
                )
            }
            RunError::HasUpdates => f.write_str(
                "the program updates variables; run it with variables that may be written",
            ),
            RunError::Workspace => f.write_str("the workspace was made for another program"),
            RunError::Buffer => f.write_str("a variable is in the memory of another engine"),
            RunError::Memory(error) => error.fmt(f),
            RunError::Plan(fault, step) => write!(f, "defect in the plan ({fault:?}) at {step}"),
        }
    }
}

impl std::error::Error for RunError {}

impl From<MemoryError> for RunError {
    fn from(error: MemoryError) -> Self {
        RunError::Memory(error)
    }
}
