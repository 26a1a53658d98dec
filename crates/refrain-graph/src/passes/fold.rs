//! Constant folding.

use super::{everywhere, filled, rewrite, splat};
use crate::{Graph, GraphError, Literal, Node, Op, interp};

/// The largest constant that folding makes, in bytes: beyond that, computing beats keeping.
const MAX_CONSTANT: usize = 1 << 20;

/// Computes nodes whose inputs are constants. Tensors filled with one value stay broadcasts of a scalar.
///
/// # Errors
/// If the graph is not sound.
pub fn fold_constants(graph: &Graph) -> Result<Graph, GraphError> {
    everywhere(graph, level)
}

/// The pass without the bodies of scans.
pub(super) fn level(graph: &Graph) -> Result<Graph, GraphError> {
    rewrite(graph, |rewriter, node| {
        rewriter.label_as(node);
        let inputs = rewriter.values(graph.inputs(node))?;
        let new = rewriter.new_graph_mut();
        let op = graph.op(node);
        let outputs = graph.outputs(node);
        if inputs.is_empty() {
            return rewriter.copy(node);
        }
        if op.is_elementwise()
            && let Some(scalars) = inputs
                .iter()
                .map(|&v| splat(new, v))
                .collect::<Option<Vec<_>>>()
        {
            let folded = on_scalars(op, &scalars)?;
            let value = filled(new, folded, graph.spec(outputs[0]))?;
            rewriter.bind(outputs[0], value);
            return Ok(());
        }
        let known: Option<Vec<Literal>> = match is_foldable(op) && small_outputs(graph, node) {
            true => inputs.iter().map(|&v| constant(new, v)).collect(),
            false => None,
        };
        let Some(known) = known else {
            return rewriter.copy(node);
        };
        let folded = interp::evaluate_op(op, &known.iter().collect::<Vec<_>>())?;
        for (&output, literal) in outputs.iter().zip(folded) {
            let value = rewriter.push(Op::Constant(literal.into()), &[])?;
            rewriter.bind(output, value);
        }
        Ok(())
    })
}

fn on_scalars(op: &Op, scalars: &[&Literal]) -> Result<Literal, GraphError> {
    let scalars = scalars.iter().map(|&s| s.clone().reshaped([]));
    let scalars: Option<Vec<Literal>> = scalars.collect();
    let scalars = scalars.ok_or_else(|| GraphError::new("expected scalars"))?;
    let mut folded = interp::evaluate_op(op, &scalars.iter().collect::<Vec<_>>())?;
    Ok(folded.swap_remove(0))
}

fn small_outputs(graph: &Graph, node: Node) -> bool {
    let mut bytes = graph.outputs(node).iter().map(|&v| graph.spec(v).bytes());
    bytes.all(|b| b.is_some_and(|b| b <= MAX_CONSTANT))
}

/// Primitives whose work is about the size of their inputs and outputs. A broadcast stays, since it takes no memory.
fn is_foldable(op: &Op) -> bool {
    !matches!(
        op,
        Op::BroadcastInDim { .. }
            | Op::StopGradient
            | Op::Scan(_)
            | Op::DotGeneral(_)
            | Op::Convolution(_)
            | Op::ReduceWindow { .. }
            | Op::SelectAndScatter { .. }
    )
}

/// A value that is known now, where it is not larger than what folding may make.
fn constant(graph: &Graph, value: crate::Value) -> Option<Literal> {
    let (op, inputs) = graph.op_of(value)?;
    if graph.spec(value).bytes()? > MAX_CONSTANT {
        return None;
    }
    match op {
        Op::Constant(literal) => Some(Literal::clone(literal)),
        Op::Iota { .. } => interp::evaluate_op(op, &[]).ok()?.pop(),
        Op::BroadcastInDim { .. } => {
            let input = constant(graph, inputs[0])?;
            interp::evaluate_op(op, &[&input]).ok()?.pop()
        }
        _ => None,
    }
}
