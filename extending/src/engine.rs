//! An engine.

use std::sync::{Arc, Mutex};

use refrain::engine::{Buffer, CpuEngine, Engine, EngineError, Graph, Program, Workspace};
use refrain::{Literal, Result};

/// What an engine was asked to do.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    fn note(&self, what: &'static str) {
        if let Ok(mut all) = self.0.lock() {
            all.push(what);
        }
    }

    /// How often it was asked for this: `compile`, `run` or `run_shared`.
    pub fn count(&self, what: &str) -> usize {
        self.0
            .lock()
            .map_or(0, |all| all.iter().filter(|w| **w == what).count())
    }
}

/// The CPU's engine, with a log.
pub struct Logging(pub Log);

struct LoggedProgram {
    inner: Box<dyn Program>,
    log: Log,
}

impl Engine for Logging {
    fn name(&self) -> &str {
        "logging"
    }

    fn compile(&self, graph: &Graph) -> Result<Box<dyn Program>, EngineError> {
        self.0.note("compile");
        Ok(Box::new(LoggedProgram {
            inner: CpuEngine.compile(graph)?,
            log: self.0.clone(),
        }))
    }
}

impl Program for LoggedProgram {
    fn workspace(&self) -> Result<Box<dyn Workspace>, EngineError> {
        self.inner.workspace()
    }

    fn run(
        &self,
        workspace: &mut dyn Workspace,
        inputs: &[Literal],
        variables: &mut [&mut dyn Buffer],
        outputs: &mut [Literal],
    ) -> Result<(), EngineError> {
        self.log.note("run");
        self.inner.run(workspace, inputs, variables, outputs)
    }

    fn run_shared(
        &self,
        workspace: &mut dyn Workspace,
        inputs: &[Literal],
        variables: &[&dyn Buffer],
        outputs: &mut [Literal],
        version: Option<u64>,
    ) -> Result<(), EngineError> {
        self.log.note("run_shared");
        self.inner
            .run_shared(workspace, inputs, variables, outputs, version)
    }

    fn peak_memory(&self) -> usize {
        self.inner.peak_memory()
    }

    fn flops(&self) -> u64 {
        self.inner.flops()
    }

    fn explain(&self) -> String {
        self.inner.explain()
    }
}
