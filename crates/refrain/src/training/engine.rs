//! Programs that run: compiled once for the shapes of a batch, on variables that stay in place.

use std::mem::take;
use std::sync::{Mutex, PoisonError, RwLockWriteGuard};

use refrain_cpu::{CompileOptions, Executable, Workspace};
use refrain_graph::{DType, Graph, Literal, ParamKind, Spec, interp};

use crate::error::{Error, ErrorKind, Result};
use crate::trace::Traced;
use crate::variable::Variable;
use crate::warnings;

/// Set to `interpreter`, programs run on the naive interpreter instead of the compiler.
const ENGINE_VARIABLE: &str = "REFRAIN_ENGINE";

/// A program for one mode and the shapes of one batch.
pub(crate) struct Program {
    /// As lowered, before any pass: what the search for a NaN runs on.
    graph: Graph,
    executable: Executable,
    interpreted: bool,
    variables: Vec<Variable>,
    /// For each variable, whether the program changes it.
    updated: Vec<bool>,
    inputs: Vec<Spec>,
    outputs: Vec<Spec>,
    /// Memory of runs that have ended, for the next ones.
    spare: Mutex<Vec<Buffers>>,
}

/// The memory of one run at a time.
pub(crate) struct Buffers {
    workspace: Workspace,
    pub(crate) inputs: Vec<Literal>,
    pub(crate) outputs: Vec<Literal>,
}

/// Lists of references whose memory is kept from run to run.
#[derive(Default)]
pub(crate) struct Scratch {
    guards: Vec<RwLockWriteGuard<'static, Literal>>,
    variables: Vec<&'static mut Literal>,
}

impl Program {
    pub(crate) fn new(traced: Traced) -> Result<Self> {
        let Traced {
            graph, variables, ..
        } = traced;
        warnings::slow_build();
        let executable = Executable::compile(&graph, &CompileOptions::default())
            .map_err(|e| Error::new(ErrorKind::Internal, e.to_string()))?;
        let interpreted = std::env::var_os(ENGINE_VARIABLE).is_some_and(|v| v == "interpreter");
        let inputs = graph.params_of(ParamKind::Input);
        let updated = |v| graph.updates().iter().any(|&(variable, _)| variable == v);
        Ok(Program {
            updated: graph.params_of(ParamKind::Variable).map(updated).collect(),
            inputs: inputs.map(|v| graph.spec(v).clone()).collect(),
            outputs: executable.output_specs().to_vec(),
            executable,
            interpreted,
            graph,
            variables,
            spare: Mutex::default(),
        })
    }

    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The steps of a run, a line each.
    #[cfg(test)]
    pub(crate) fn explain(&self) -> String {
        self.executable.explain()
    }

    pub(crate) fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// Bytes of memory of a run besides the variables and the batch.
    pub(crate) fn peak_memory(&self) -> usize {
        self.executable.peak_memory()
    }

    /// Floating-point operations of a run.
    pub(crate) fn flops(&self) -> u64 {
        self.executable.flops()
    }

    /// Memory for a run.
    pub(crate) fn buffers(&self) -> Buffers {
        let spare = self
            .spare
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let zeros = |specs: &[Spec]| specs.iter().map(zeros).collect();
        spare.unwrap_or_else(|| Buffers {
            workspace: self.executable.workspace(),
            inputs: zeros(&self.inputs),
            outputs: zeros(&self.outputs),
        })
    }

    /// Frees what the program keeps of the weights for its next runs.
    pub(crate) fn forget_packed(&self) {
        self.executable.forget_packed();
    }

    /// Keeps the memory of a run for the next.
    pub(crate) fn give_back(&self, buffers: Buffers) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        spare.push(buffers);
    }

    /// Runs on variables that nobody else may touch meanwhile. Allocates nothing once `scratch` has grown.
    pub(crate) fn run(&self, buffers: &mut Buffers, scratch: &mut Scratch) -> Result<()> {
        let mut guards = recycle(take(&mut scratch.guards));
        let each = self.variables.iter().zip(&self.updated);
        guards.extend(each.map(|(variable, updated)| match updated {
            true => variable.write(),
            false => variable.lock(),
        }));
        let mut variables = recycle(take(&mut scratch.variables));
        variables.extend(guards.iter_mut().map(|g| &mut **g));
        let Buffers {
            workspace,
            inputs,
            outputs,
        } = buffers;
        let result = match self.interpreted {
            true => self.interpret(inputs, &mut variables, outputs),
            false => self
                .executable
                .run(workspace, inputs, &mut variables, outputs)
                .map_err(run_error),
        };
        scratch.variables = recycle(variables);
        scratch.guards = recycle(guards);
        result
    }

    /// Runs on variables that others may read meanwhile, if the program changes none.
    pub(crate) fn run_shared(&self, buffers: &mut Buffers) -> Result<()> {
        if !self.graph.updates().is_empty() || self.interpreted {
            return self.run(buffers, &mut Scratch::default());
        }
        let variables: Vec<_> = self.variables.iter().map(Variable::read).collect();
        let version = self.variables.iter().map(Variable::version).max();
        let Buffers {
            workspace,
            inputs,
            outputs,
        } = buffers;
        self.executable
            .run_shared(workspace, inputs, &variables, outputs, version)
            .map_err(run_error)
    }

    fn interpret(
        &self,
        inputs: &[Literal],
        variables: &mut [&mut Literal],
        outputs: &mut [Literal],
    ) -> Result<()> {
        let before: Vec<Literal> = variables.iter().map(|l| (**l).clone()).collect();
        let run = interp::evaluate(&self.graph, inputs, &before)?;
        for (output, result) in outputs.iter_mut().zip(run.results) {
            *output = result;
        }
        let order: Vec<_> = self.graph.params_of(ParamKind::Variable).collect();
        for (&(variable, _), value) in self.graph.updates().iter().zip(run.updates) {
            if let Some(i) = order.iter().position(|&v| v == variable) {
                *variables[i] = value;
            }
        }
        Ok(())
    }
}

fn zeros(spec: &Spec) -> Literal {
    // Programs have known shapes only.
    Literal::zeros(spec.shape.known().unwrap_or_default(), spec.dtype)
}

fn run_error(error: refrain_cpu::RunError) -> Error {
    Error::new(ErrorKind::Internal, error.to_string())
}

/// An empty vector in the memory of another whose elements have the same size (the standard library collects in place).
fn recycle<A, B>(mut vec: Vec<A>) -> Vec<B> {
    vec.clear();
    vec.into_iter().filter_map(|_| None).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recycled_vectors_keep_their_memory() {
        let first: Vec<&str> = Vec::with_capacity(7);
        let address = first.as_ptr() as usize;
        let second: Vec<&[u8]> = recycle(first);
        assert_eq!((second.as_ptr() as usize, second.capacity()), (address, 7));
    }
}
