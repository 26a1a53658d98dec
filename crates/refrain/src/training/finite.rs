//! The search for the operation that made a loss NaN.

use refrain_graph::{DType, Literal, ParamKind, interp};

use super::engine::{Buffers, Program, scalar};
use crate::error::{Error, ErrorKind};

/// The variables of a program before a step.
pub(crate) struct Snapshot(Vec<Literal>);

impl Snapshot {
    pub(crate) fn of(program: &Program) -> Self {
        Snapshot(program.variables().iter().map(|v| v.value()).collect())
    }

    /// Whether the loss and all variables after a step are finite.
    pub(crate) fn is_finite(program: &Program, buffers: &Buffers) -> bool {
        let loss = buffers
            .outputs
            .first()
            .is_none_or(|l| scalar(l).is_finite());
        loss && program.variables().iter().all(|v| finite(&v.read()))
    }

    /// Restores the variables and says which operation of which layer made the first NaN or infinity.
    pub(crate) fn diagnose(
        self,
        program: &Program,
        buffers: &Buffers,
        epoch: usize,
        step: usize,
    ) -> Error {
        let graph = program.graph();
        let node = interp::first_non_finite(graph, &buffers.inputs, &self.0)
            .ok()
            .flatten();
        let loss = buffers.outputs.first().map_or(f64::NAN, scalar);
        let what = match loss {
            loss if loss.is_nan() => "the loss became NaN".to_owned(),
            loss if loss.is_infinite() => "the loss became infinite".to_owned(),
            _ => "a weight became NaN or infinite".to_owned(),
        };
        let place = match node {
            Some(node) => {
                let scope = graph
                    .scope(node)
                    .map_or("no layer", |s| graph.scope_label(s));
                format!(
                    "the first operation to make such a number is `{}` in {scope}",
                    graph.op(node).name()
                )
            }
            None => match bad_input(program, buffers) {
                Some(name) => format!("input `{name}` already holds such a number"),
                None => "no single operation of the step made it".to_owned(),
            },
        };
        for (variable, value) in program.variables().iter().zip(self.0) {
            *variable.write() = value;
        }
        let message = format!("epoch {}, step {}: {what}; {place}", epoch + 1, step + 1);
        let cure = match node {
            Some(_) => "Try a smaller learning rate, or `clipnorm`",
            None => "Remove such numbers from the data",
        };
        let hint = format!("The weights are those from before the step. {cure}");
        Error::new(ErrorKind::NonFinite, message).hint(hint)
    }
}

fn bad_input(program: &Program, buffers: &Buffers) -> Option<String> {
    let params = program
        .graph()
        .params()
        .filter(|(_, kind, _)| *kind == ParamKind::Input);
    let mut pairs = params.zip(&buffers.inputs);
    let found = pairs.find(|(_, literal)| !finite(literal));
    found.map(|((_, _, name), _)| name.to_owned())
}

fn finite(literal: &Literal) -> bool {
    match literal.dtype() {
        DType::F32 => literal
            .values::<f32>()
            .is_none_or(|v| v.iter().all(|x| x.is_finite())),
        dtype if dtype.is_float() => literal.to_f64().iter().all(|x| x.is_finite()),
        _ => true,
    }
}
