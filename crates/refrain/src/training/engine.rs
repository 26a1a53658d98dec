//! Programs that run: compiled once for the shapes of a batch, on variables that stay in the memory of their engine.

use std::mem::take;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use refrain_graph::{DType, Graph, Literal, ParamKind, Spec, memory};

use crate::engine::{self, Buffer, Engine, EngineError, Workspace, recycle};
use crate::error::{Error, Result};
use crate::trace::Traced;
use crate::variable::Variable;
use crate::warnings;

/// A program for one mode and the shapes of one batch.
pub(crate) struct Program {
    /// As lowered, before any pass: what the search for a NaN runs on.
    graph: Graph,
    engine: Arc<dyn Engine>,
    compiled: Box<dyn engine::Program>,
    variables: Vec<Variable>,
    /// For each variable, whether the program changes it.
    updated: Vec<bool>,
    inputs: Vec<Spec>,
    outputs: Vec<Spec>,
    /// The version of the variables that was last found in the engine's memory.
    held: AtomicU64,
    /// Memory of runs that have ended, for the next ones.
    spare: Mutex<Vec<Buffers>>,
}

/// The memory of one run at a time.
pub(crate) struct Buffers {
    workspace: Box<dyn Workspace>,
    pub(crate) inputs: Vec<Literal>,
    outputs: Vec<Literal>,
    /// The memory of lists of the variables' locks and values.
    guards: Vec<&'static dyn Buffer>,
    values: Vec<&'static dyn Buffer>,
}

impl Buffers {
    /// The results of the last run, once it has ended.
    pub(crate) fn outputs(&mut self) -> Result<&[Literal]> {
        self.workspace.wait(&mut self.outputs)?;
        Ok(&self.outputs)
    }
}

impl Program {
    /// A program of the engine that is current.
    pub(crate) fn new(traced: Traced) -> Result<Self> {
        let Traced {
            graph, variables, ..
        } = traced;
        let engine = engine::current()?;
        warnings::of_engine(&*engine);
        let inputs = graph.params_of(ParamKind::Input);
        let updated = |v| graph.updates().iter().any(|&(variable, _)| variable == v);
        let results = graph.results().iter();
        Ok(Program {
            compiled: engine.compile(&graph)?,
            updated: graph.params_of(ParamKind::Variable).map(updated).collect(),
            inputs: inputs.map(|v| graph.spec(v).clone()).collect(),
            outputs: results.map(|&v| graph.spec(v).clone()).collect(),
            engine,
            graph,
            variables,
            held: AtomicU64::new(u64::MAX),
            spare: Mutex::default(),
        })
    }

    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Whether it is one of the engine that is current.
    pub(crate) fn is_current(&self) -> bool {
        engine::is_current(&self.engine)
    }

    /// The steps of a run, a line each.
    #[cfg(test)]
    pub(crate) fn explain(&self) -> String {
        self.compiled.explain()
    }

    pub(crate) fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// Bytes of memory of a run besides the variables and the batch.
    pub(crate) fn peak_memory(&self) -> usize {
        self.compiled.peak_memory()
    }

    /// Floating-point operations of a run.
    pub(crate) fn flops(&self) -> u64 {
        self.compiled.flops()
    }

    /// Memory for a run.
    ///
    /// # Errors
    /// There is not enough.
    pub(crate) fn buffers(&self) -> Result<Buffers> {
        let spare = || self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        // In a statement of its own, which ends the lock.
        let kept = spare().pop();
        match kept {
            Some(buffers) => Ok(buffers),
            None => self.new_buffers().map_err(|e| self.with_largest(e)),
        }
    }

    fn new_buffers(&self) -> Result<Buffers, EngineError> {
        // First, since it asks for all of the memory.
        let workspace = self.compiled.workspace()?;
        let zeros = |specs: &[Spec]| specs.iter().map(zeros).collect::<Result<_, _>>();
        Ok(Buffers {
            workspace,
            inputs: zeros(&self.inputs)?,
            outputs: zeros(&self.outputs)?,
            guards: Vec::new(),
            values: Vec::new(),
        })
    }

    /// Says of a program that does not fit in memory which is its largest array, and what makes it.
    fn with_largest(&self, error: EngineError) -> Error {
        let graph = &self.graph;
        let made = graph.nodes().flat_map(|node| {
            let outputs = graph.outputs(node).iter();
            outputs.map(move |&value| (node, graph.spec(value)))
        });
        match made.max_by_key(|(_, spec)| spec.bytes()) {
            Some((node, spec)) if error.is_out_of_memory() => {
                let of = graph.scope(node).map(|scope| graph.scope_label(scope));
                let of = of.map_or_else(String::new, |label| format!(" of {label}"));
                let hint = format!(
                    "The largest array is {spec}{of}. Use a smaller `batch_size`, or a smaller model"
                );
                Error::from(error)
                    .in_part("memory for a run".to_owned())
                    .hint(hint)
            }
            _ => error.into(),
        }
    }

    /// Frees what the program keeps of the weights for its next runs.
    pub(crate) fn forget_packed(&self) {
        self.compiled.forget_packed();
    }

    /// Keeps the memory of a run for the next.
    pub(crate) fn give_back(&self, buffers: Buffers) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        spare.push(buffers);
    }

    /// Runs on variables that nobody else may touch meanwhile, in the engine's memory. Allocates nothing after the first run.
    pub(crate) fn run(&self, buffers: &mut Buffers) -> Result<()> {
        let mut guards = recycle(take(&mut buffers.guards));
        let each = self.variables.iter().zip(&self.updated);
        guards.extend(each.map(|(variable, updated)| match updated {
            true => variable.write(),
            false => variable.lock(),
        }));
        let mut held = guards.iter_mut().zip(&self.variables);
        held.try_for_each(|(guard, variable)| self.hold(guard, variable))?;
        let mut values = recycle(take(&mut buffers.values));
        values.extend(guards.iter_mut().map(|g| &mut ***g));
        let Buffers {
            workspace,
            inputs,
            outputs,
            ..
        } = buffers;
        let ran = self
            .compiled
            .run(&mut **workspace, inputs, &mut values, outputs);
        buffers.values = recycle(values);
        buffers.guards = recycle(guards);
        Ok(ran?)
    }

    /// Moves a variable that is in the memory of another engine.
    fn hold(&self, buffer: &mut Box<dyn Buffer>, variable: &Variable) -> Result<()> {
        if !self.engine.holds(&**buffer) {
            let value = buffer.to_host()?.into_owned();
            *buffer = self.engine.buffer_from_host(value)?;
            variable.renew_version();
        }
        Ok(())
    }

    /// Runs on variables that others may read meanwhile, if the program changes none and the engine has them.
    pub(crate) fn run_shared(&self, buffers: &mut Buffers) -> Result<()> {
        if !self.graph.updates().is_empty() {
            return self.run(buffers);
        }
        let mut guards = recycle(take(&mut buffers.guards));
        guards.extend(self.variables.iter().map(Variable::read));
        let version = self.variables.iter().map(Variable::version).max();
        let held = Some(self.held.load(Ordering::Relaxed)) == version;
        if !held && !guards.iter().all(|g| self.engine.holds(&***g)) {
            drop(guards);
            return self.run(buffers);
        }
        if let Some(version) = version.filter(|_| !held) {
            self.held.store(version, Ordering::Relaxed);
        }
        let mut values = recycle(take(&mut buffers.values));
        values.extend(guards.iter().map(|g| &***g));
        let Buffers {
            workspace,
            inputs,
            outputs,
            ..
        } = buffers;
        let ran = self
            .compiled
            .run_shared(&mut **workspace, inputs, &values, outputs, version);
        buffers.values = recycle(values);
        buffers.guards = recycle(guards);
        Ok(ran?)
    }
}

fn zeros(spec: &Spec) -> Result<Literal, EngineError> {
    memory::check(spec.bytes().unwrap_or(usize::MAX))?;
    // Programs have known shapes only.
    let dims = spec.shape.known().unwrap_or_default();
    Ok(Literal::zeros(dims, spec.dtype))
}

/// The first element of a literal of floats.
pub(crate) fn scalar(literal: &Literal) -> f64 {
    match literal.dtype() {
        DType::F32 => literal
            .values::<f32>()
            .and_then(|v| v.first())
            .map(|&v| f64::from(v)),
        DType::F64 => literal.values::<f64>().and_then(|v| v.first()).copied(),
        _ => literal.to_f64().first().copied(),
    }
    .unwrap_or(f64::NAN)
}
