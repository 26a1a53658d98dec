//! What the crate is for: a compiled program that runs.

use refrain_graph::{Graph, Literal, ParamKind, Spec, interp};

use crate::{CompileError, RunError};

/// How a program is compiled.
#[derive(Clone, Debug)]
pub struct CompileOptions {
    /// Whether the graph is simplified first.
    pub optimize: bool,
    /// Whether elementwise work and reductions are fused.
    pub fuse: bool,
    /// Number of threads; `None`: those of the process's pool.
    pub threads: Option<usize>,
}

impl Default for CompileOptions {
    fn default() -> Self {
        CompileOptions {
            optimize: true,
            fuse: true,
            threads: None,
        }
    }
}

/// A compiled program. It is immutable; several threads may run it at once, each with its own [`Workspace`].
pub struct Executable {
    graph: Graph,
    inputs: Vec<(String, Spec)>,
    variables: Vec<(String, Spec)>,
    outputs: Vec<Spec>,
}

/// The memory of one run at a time.
pub struct Workspace {}

impl Executable {
    /// Compiles a graph whose shapes are all known.
    ///
    /// # Errors
    /// If a shape is unknown or the graph is broken.
    pub fn compile(graph: &Graph, _options: &CompileOptions) -> Result<Executable, CompileError> {
        for value in graph.values() {
            if !graph.spec(value).shape.is_known() {
                let text = format!("{value}: {}", graph.spec(value));
                return Err(CompileError::UnknownShape(text));
            }
        }
        let params = |kind| {
            let of_kind = graph.params().filter(move |&(_, k, _)| k == kind);
            of_kind
                .map(|(v, _, name)| (name.to_string(), graph.spec(v).clone()))
                .collect()
        };
        Ok(Executable {
            inputs: params(ParamKind::Input),
            variables: params(ParamKind::Variable),
            outputs: graph
                .results()
                .iter()
                .map(|&v| graph.spec(v).clone())
                .collect(),
            graph: graph.clone(),
        })
    }

    /// Everything that a run needs.
    pub fn workspace(&self) -> Workspace {
        Workspace {}
    }

    /// Bytes of memory besides the caller's arrays: arena, scratch, constants.
    pub fn peak_memory(&self) -> usize {
        0
    }

    /// Floating-point operations of a run.
    pub fn flops(&self) -> u64 {
        0
    }

    /// The specs of the outputs.
    pub fn output_specs(&self) -> &[Spec] {
        &self.outputs
    }

    /// The plan as text.
    pub fn explain(&self) -> String {
        String::new()
    }

    /// Runs the program: inputs and variables in the order of the graph's parameters of that kind, outputs in the order
    /// of its results, with the right dimensions and types. Updated variables are changed in place.
    ///
    /// # Errors
    /// If an array is missing or has another shape or type than the program's.
    pub fn run(
        &self,
        _ws: &mut Workspace,
        inputs: &[&Literal],
        variables: &mut [&mut Literal],
        outputs: &mut [Literal],
    ) -> Result<(), RunError> {
        check(
            "input",
            "inputs",
            inputs.iter().map(|l| l.spec()),
            &self.inputs,
        )?;
        check(
            "variable",
            "variables",
            variables.iter().map(|l| l.spec()),
            &self.variables,
        )?;
        let specs: Vec<_> = self
            .outputs
            .iter()
            .map(|s| (String::new(), s.clone()))
            .collect();
        check(
            "output",
            "outputs",
            outputs.iter().map(|l| l.spec()),
            &specs,
        )?;
        let ins: Vec<Literal> = inputs.iter().map(|&l| l.clone()).collect();
        let vars: Vec<Literal> = variables.iter().map(|l| (**l).clone()).collect();
        let run = interp::evaluate(&self.graph, &ins, &vars)?;
        for (o, r) in outputs.iter_mut().zip(run.results) {
            *o = r;
        }
        let order: Vec<_> = self.graph.params_of(ParamKind::Variable).collect();
        for (&(var, _), new) in self.graph.updates().iter().zip(run.updates) {
            if let Some(i) = order.iter().position(|&v| v == var) {
                *variables[i] = new;
            }
        }
        Ok(())
    }

    /// As [`Executable::run`] for a program without updates, which only reads its variables.
    ///
    /// # Errors
    /// As [`Executable::run`], and if the program has updates.
    pub fn run_shared(
        &self,
        ws: &mut Workspace,
        inputs: &[&Literal],
        variables: &[&Literal],
        outputs: &mut [Literal],
    ) -> Result<(), RunError> {
        if !self.graph.updates().is_empty() {
            return Err(RunError::HasUpdates);
        }
        let mut copies: Vec<Literal> = variables.iter().map(|&l| l.clone()).collect();
        let mut refs: Vec<&mut Literal> = copies.iter_mut().collect();
        self.run(ws, inputs, &mut refs, outputs)
    }
}

fn check(
    what: &'static str,
    plural: &'static str,
    received: impl ExactSizeIterator<Item = Spec>,
    expected: &[(String, Spec)],
) -> Result<(), RunError> {
    if received.len() != expected.len() {
        return Err(RunError::Count {
            what: plural,
            expected: expected.len(),
            received: received.len(),
        });
    }
    for (index, (received, (name, expected))) in received.zip(expected).enumerate() {
        if received != *expected {
            return Err(RunError::Spec {
                what,
                index,
                name: name.clone(),
                expected: expected.clone(),
                received,
            });
        }
    }
    Ok(())
}
