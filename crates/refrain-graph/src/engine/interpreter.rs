//! The interpreter as an engine.

use super::{Buffer, Engine, EngineError, Program, Workspace};
use crate::interp::{self, Evaluation};
use crate::{Graph, Literal, Op, ParamKind, Spec, Value, memory};

/// The naive [interpreter](crate::interp): slow, and as exact as it can be. Its name is `interpreter`.
#[derive(Clone, Copy, Debug, Default)]
pub struct InterpreterEngine;

impl Engine for InterpreterEngine {
    fn name(&self) -> &str {
        "interpreter"
    }

    fn compile(&self, graph: &Graph) -> Result<Box<dyn Program>, EngineError> {
        Ok(Box::new(Interpreted(graph.clone())))
    }
}

/// A program is its graph.
struct Interpreted(Graph);

/// Runs make their memory as they go.
struct NoWorkspace;

impl Workspace for NoWorkspace {}

impl Interpreted {
    fn evaluate<'b>(
        &self,
        inputs: &[Literal],
        variables: impl Iterator<Item = &'b dyn Buffer>,
        outputs: &mut [Literal],
    ) -> Result<Vec<Literal>, EngineError> {
        let values = variables.map(|buffer| buffer.to_host().map(|value| value.into_owned()));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        let Evaluation { results, updates } = interp::evaluate(&self.0, inputs, &values)?;
        if outputs.len() != results.len() {
            let (expected, received) = (results.len(), outputs.len());
            let message = format!("expected {expected} outputs, received {received}");
            return Err(EngineError::new(message));
        }
        for (output, result) in outputs.iter_mut().zip(results) {
            *output = result;
        }
        Ok(updates)
    }
}

impl Program for Interpreted {
    fn workspace(&self) -> Result<Box<dyn Workspace>, EngineError> {
        memory::check(bytes(&self.0))?;
        Ok(Box::new(NoWorkspace))
    }

    fn run(
        &self,
        _: &mut dyn Workspace,
        inputs: &[Literal],
        variables: &mut [&mut dyn Buffer],
        outputs: &mut [Literal],
    ) -> Result<(), EngineError> {
        let updates = self.evaluate(inputs, variables.iter().map(|v| &**v), outputs)?;
        let order: Vec<Value> = self.0.params_of(ParamKind::Variable).collect();
        for (&(variable, _), value) in self.0.updates().iter().zip(updates) {
            let place = order.iter().position(|&v| v == variable);
            let buffer = place.and_then(|place| variables[place].downcast_mut());
            *buffer.ok_or_else(|| EngineError::new("an update of what is no literal"))? = value;
        }
        Ok(())
    }

    fn run_shared(
        &self,
        _: &mut dyn Workspace,
        inputs: &[Literal],
        variables: &[&dyn Buffer],
        outputs: &mut [Literal],
        _: Option<u64>,
    ) -> Result<(), EngineError> {
        match self.0.updates() {
            [] => self.evaluate(inputs, variables.iter().copied(), outputs),
            _ => Err(EngineError::new("the program updates variables")),
        }
        .map(drop)
    }

    fn peak_memory(&self) -> usize {
        bytes(&self.0)
    }

    fn flops(&self) -> u64 {
        flops(&self.0)
    }

    fn explain(&self) -> String {
        self.0.to_string()
    }
}

/// Bytes of all values of a graph: none is freed before the end.
fn bytes(graph: &Graph) -> usize {
    let own = graph.values().filter_map(|v| graph.spec(v).bytes());
    let bodies = graph.nodes().map(|node| match graph.op(node) {
        Op::Scan(scan) => bytes(&scan.body),
        _ => 0,
    });
    own.chain(bodies).fold(0, usize::saturating_add)
}

fn flops(graph: &Graph) -> u64 {
    let numel = |value: &Value| size(graph.spec(*value));
    let of = |node| {
        let (inputs, outputs) = (graph.inputs(node), graph.outputs(node));
        let made: u64 = outputs.iter().map(numel).sum();
        // For each element, as many products as the operand has elements along these of its dimensions.
        let products = |operand: usize, along: &dyn Fn(usize) -> bool| {
            let dims = graph.spec(inputs[operand]).shape.dims().iter().enumerate();
            let along = dims.filter_map(|(i, d)| d.filter(|_| along(i)));
            along.fold(2 * made, |n, d| n.saturating_mul(d as u64))
        };
        match graph.op(node) {
            Op::DotGeneral(dot) => products(0, &|dim| dot.lhs_contracting.contains(&dim)),
            Op::Convolution(conv) => products(1, &|dim| dim != conv.rhs.feature),
            Op::Scan(scan) => flops(&scan.body).saturating_mul(scan.length.unwrap_or(1) as u64),
            Op::Reduce { .. } => inputs.first().map_or(0, numel),
            Op::Unary(_) | Op::Binary(_) | Op::Compare(_) | Op::Select => made,
            _ => 0,
        }
    };
    graph.nodes().map(of).fold(0, u64::saturating_add)
}

fn size(spec: &Spec) -> u64 {
    spec.shape.numel().unwrap_or(0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_and_bytes_are_counted() {
        let graph: Graph = "graph {
  %x = input \"x\" : f32[5,2,3]
  %w = variable \"w\" : f32[3,4]
  %i = input \"i\" : f32[2,4]
  %e, %y = scan %i, %x, %w {carries=1, sequences=1, length=5} body {
    %c = input \"c\" : f32[2,4]
    %s = input \"s\" : f32[2,3]
    %k = input \"k\" : f32[3,4]
    %d = dot_general %s, %k {contracting=[1]x[0]} : f32[2,4]
    %n = add %c, %d : f32[2,4]
    return %n, %n
  } : f32[2,4], f32[5,2,4]
  %z = reshape %y : f32[1,10,4]
  return %z
}"
        .parse()
        .unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(flops(&graph), 5 * (2 * 2 * 4 * 3 + 2 * 4));
        let body = 8 + 6 + 12 + 8 + 8;
        assert_eq!(bytes(&graph), 4 * (30 + 12 + 8 + 8 + 40 + 40 + body));
    }
}
