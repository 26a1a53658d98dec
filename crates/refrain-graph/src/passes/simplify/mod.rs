//! Algebraic simplification: a node and the nodes before it, replaced by something shorter.

mod arithmetic;
mod clamp;
mod join;
mod movement;
mod products;

use super::{everywhere, rewrite};
use crate::{Graph, GraphError, Op, Spec, Value};

/// A shorter way to the same value, if there is one.
type Found = Result<Option<Value>, GraphError>;

/// Replaces nodes by shorter equivalents: identities, inverses one after the other, chains of moves that are one move.
///
/// # Errors
/// If the graph is not sound.
pub fn simplify(graph: &Graph) -> Result<Graph, GraphError> {
    everywhere(graph, level)
}

/// The pass without the bodies of scans.
pub(super) fn level(graph: &Graph) -> Result<Graph, GraphError> {
    let clamps = clamp::Clamps::find(graph);
    rewrite(graph, |rewriter, node| {
        let &[output] = graph.outputs(node) else {
            return rewriter.copy(node);
        };
        rewriter.label_as(node);
        let mut inputs = rewriter.values(graph.inputs(node))?;
        if let Some(clamped) = clamps.instead(rewriter, node)? {
            inputs[0] = clamped;
            let compared = rewriter.push(graph.op(node).clone(), &inputs)?;
            rewriter.bind(output, compared);
            return Ok(());
        }
        let spec = graph.spec(output);
        let new = rewriter.new_graph_mut();
        match shortest(new, graph.op(node), &inputs, spec)? {
            Some(value) => rewriter.bind(output, value),
            None => rewriter.copy(node)?,
        }
        Ok(())
    })
}

/// Rewrites one after the other at one node; more than two or three do not occur.
const MAX_STEPS: usize = 16;

/// What is left after as many rewrites as there are.
fn shortest(graph: &mut Graph, op: &Op, inputs: &[Value], spec: &Spec) -> Found {
    let same = |graph: &Graph, found: Option<Value>| found.filter(|&v| graph.spec(v) == spec);
    let found = shorter(graph, op, inputs, spec)?;
    let mut best = same(graph, found);
    for _ in 0..MAX_STEPS {
        let made = best.and_then(|v| graph.op_of(v));
        let Some((op, inputs)) = made.map(|(op, inputs)| (op.clone(), inputs.to_vec())) else {
            break;
        };
        let found = shorter(graph, &op, &inputs, spec)?;
        match same(graph, found) {
            Some(value) if Some(value) != best => best = Some(value),
            _ => break,
        }
    }
    Ok(best)
}

fn shorter(graph: &mut Graph, op: &Op, inputs: &[Value], spec: &Spec) -> Found {
    match op {
        Op::Unary(op) => arithmetic::unary(graph, *op, inputs[0]),
        Op::Binary(op) => arithmetic::binary(graph, *op, inputs[0], inputs[1], spec),
        Op::Select => arithmetic::select(graph, inputs),
        Op::Convert(_) => Ok(arithmetic::convert(graph, inputs[0], spec)),
        Op::BroadcastInDim { dims, .. } => movement::broadcast(graph, dims, inputs[0], spec),
        Op::Reshape(_) => movement::reshape(graph, inputs[0], spec),
        Op::Transpose(perm) => movement::transpose(graph, perm, inputs[0], spec),
        Op::Reverse(dims) => movement::reverse(graph, dims, inputs[0], spec),
        Op::Pad {
            low,
            high,
            interior,
        } => {
            let none = low.iter().chain(high).all(|&n| n == 0) && interior.iter().all(|&n| n == 0);
            Ok(none.then_some(inputs[0]))
        }
        Op::Slice {
            starts,
            limits,
            strides,
        } => {
            let dims = &graph.spec(inputs[0]).shape;
            let limits = limits
                .iter()
                .zip(dims.dims())
                .map(|(&limit, &dim)| limit.or(dim));
            match limits.collect::<Option<Vec<usize>>>() {
                Some(limits) => {
                    let place = join::Slice {
                        starts: starts.clone(),
                        limits,
                        strides: strides.clone(),
                    };
                    join::slice(graph, &place, inputs[0], spec)
                }
                None => Ok(None),
            }
        }
        Op::Concatenate(dim) => join::concatenate(graph, *dim, inputs),
        Op::Reduce { dims, .. } => reduce(graph, dims, inputs[0], spec),
        Op::DotGeneral(dims) => products::dot_general(graph, dims, inputs[0], inputs[1]),
        _ => Ok(None),
    }
}

/// Reductions of nothing and of dimensions of size 1.
fn reduce(graph: &mut Graph, dims: &[usize], x: Value, spec: &Spec) -> Found {
    let sizes = graph.spec(x).shape.dims();
    if dims.is_empty() {
        return Ok(Some(x));
    }
    if spec.shape.is_known() && dims.iter().all(|&d| sizes[d] == Some(1)) {
        return graph.push(Op::Reshape(spec.shape.clone()), &[x]).map(Some);
    }
    Ok(None)
}
