//! The compiler as an engine.

use std::any::Any;
use std::env;
use std::mem::take;

use refrain_graph::engine::{self, Buffer, Engine, EngineError, Program, recycle};
use refrain_graph::{Graph, Literal};

use crate::{CompileError, CompileOptions, Executable, RunError, Workspace};

/// Set to `0`, the warning of a slow build is not given.
const SLOW_BUILD_VARIABLE: &str = "REFRAIN_SLOW_BUILD_WARNING";

/// What a program whose kernels are not optimised is told.
const SLOW_BUILD: &str = "\
refrain is compiled without optimisation and computes many times slower than it can. Use `cargo run --release`, or add to \
Cargo.toml:

[profile.dev.package.\"*\"]
opt-level = 3

(REFRAIN_SLOW_BUILD_WARNING=0 hides this.)";

/// The CPU compiler, on the process's pool of threads. Its name is `cpu`, and its buffers are literals.
///
/// ```
/// use refrain_cpu::CpuEngine;
/// use refrain_graph::engine::Engine;
/// use refrain_graph::{BinaryOp, DType, Graph, Literal, Op, Spec};
/// let mut graph = Graph::new();
/// let x = graph.input("x", Spec::new([3], DType::F32));
/// let y = graph.push(Op::Binary(BinaryOp::Multiply), &[x, x])?;
/// graph.result(y);
/// let program = CpuEngine.compile(&graph)?;
/// let mut workspace = program.workspace()?;
/// let (x, mut y) = (Literal::full([3], DType::F32, 2.0), [Literal::zeros([3], DType::F32)]);
/// program.run(&mut *workspace, &[x], &mut [], &mut y)?;
/// workspace.wait(&mut y)?;
/// assert_eq!(y[0].to_f64(), [4.0; 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuEngine;

impl Engine for CpuEngine {
    fn name(&self) -> &str {
        "cpu"
    }

    fn compile(&self, graph: &Graph) -> Result<Box<dyn Program>, EngineError> {
        let executable = Executable::compile(graph, &CompileOptions::default())?;
        Ok(Box::new(executable))
    }

    fn warning(&self) -> Option<&str> {
        let hidden = || env::var_os(SLOW_BUILD_VARIABLE).is_some_and(|value| value == "0");
        (cfg!(unoptimized) && !hidden()).then_some(SLOW_BUILD)
    }
}

impl engine::Workspace for Workspace {}

impl Program for Executable {
    fn workspace(&self) -> Result<Box<dyn engine::Workspace>, EngineError> {
        Ok(Box::new(self.workspace()?))
    }

    fn run(
        &self,
        workspace: &mut dyn engine::Workspace,
        inputs: &[Literal],
        variables: &mut [&mut dyn Buffer],
        outputs: &mut [Literal],
    ) -> Result<(), EngineError> {
        let ws = own(workspace)?;
        let mut literals = recycle(take(&mut ws.literals));
        for variable in variables {
            literals.push(variable.downcast_mut().ok_or(RunError::Buffer)?);
        }
        let result = self.run(ws, inputs, &mut literals, outputs);
        ws.literals = recycle(literals);
        Ok(result?)
    }

    fn run_shared(
        &self,
        workspace: &mut dyn engine::Workspace,
        inputs: &[Literal],
        variables: &[&dyn Buffer],
        outputs: &mut [Literal],
        version: Option<u64>,
    ) -> Result<(), EngineError> {
        let ws = own(workspace)?;
        let mut literals = recycle(take(&mut ws.literals));
        for variable in variables {
            literals.push(variable.downcast_ref().ok_or(RunError::Buffer)?);
        }
        let result = self.run_shared(ws, inputs, &literals, outputs, version);
        ws.literals = recycle(literals);
        Ok(result?)
    }

    fn forget_packed(&self) {
        self.forget_packed();
    }

    fn peak_memory(&self) -> usize {
        self.peak_memory()
    }

    fn flops(&self) -> u64 {
        self.flops()
    }

    fn explain(&self) -> String {
        self.explain()
    }
}

fn own(workspace: &mut dyn engine::Workspace) -> Result<&mut Workspace, RunError> {
    let workspace: &mut dyn Any = workspace;
    workspace.downcast_mut().ok_or(RunError::Workspace)
}

impl From<CompileError> for EngineError {
    fn from(error: CompileError) -> Self {
        match error {
            CompileError::Memory(error) => error.into(),
            error => EngineError::new(error.to_string()),
        }
    }
}

impl From<RunError> for EngineError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Memory(error) => error.into(),
            error => EngineError::new(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SLOW_BUILD;

    #[test]
    fn a_slow_build_is_told_the_cure_of_the_readme() {
        let cure = "[profile.dev.package.\"*\"]\nopt-level = 3\n";
        assert!(SLOW_BUILD.contains(cure));
        assert!(include_str!("../../../README.md").contains(cure));
    }
}
