//! Clamped values: comparisons that can be answered by the clamped value, so that nothing else needs to be kept.
//!
//! The gradient of `y = max(x, 0)` asks whether `x <= 0`. So does `y <= 0`, and `y` is kept anyway.

use std::collections::HashMap;

use crate::passes::{Rewriter, splat_number};
use crate::{BinaryOp, Comparison, DType, Graph, GraphError, Node, Op, Value};

/// Every `max(x, limit)` and `min(x, limit)` of a graph, by `x`.
pub(super) struct Clamps(HashMap<Value, Vec<Clamp>>);

#[derive(Clone, Copy)]
struct Clamp {
    result: Value,
    op: BinaryOp,
    inputs: [Value; 2],
    limit: f64,
}

impl Clamp {
    /// Whether comparing the result with `c` says the same as comparing what was clamped. NaN stays NaN, and compares
    /// alike.
    fn keeps(self, comparison: Comparison, c: f64) -> bool {
        use Comparison::{Ge, Gt, Le, Lt};
        match (self.op, comparison) {
            (BinaryOp::Maximum, Le | Gt) => self.limit <= c,
            (BinaryOp::Maximum, Lt | Ge) => self.limit < c,
            (BinaryOp::Minimum, Ge | Lt) => self.limit >= c,
            (BinaryOp::Minimum, Gt | Le) => self.limit > c,
            _ => false,
        }
    }
}

impl Clamps {
    pub(super) fn find(graph: &Graph) -> Clamps {
        let mut clamps: HashMap<Value, Vec<Clamp>> = HashMap::new();
        for node in graph.nodes().filter(|&n| is_exact(graph, n)) {
            if let Op::Binary(op @ (BinaryOp::Maximum | BinaryOp::Minimum)) = graph.op(node)
                && let &[a, b] = graph.inputs(node)
                && let Some((x, limit)) = with_limit(graph, a, b)
            {
                clamps.entry(x).or_default().push(Clamp {
                    result: graph.outputs(node)[0],
                    op: *op,
                    inputs: [a, b],
                    limit,
                });
            }
        }
        Clamps(clamps)
    }

    /// The clamped value that a comparison can be made with instead, in the copy: if it comes later, it is made here,
    /// and common subexpressions are eliminated.
    pub(super) fn instead(
        &self,
        rewriter: &mut Rewriter,
        node: Node,
    ) -> Result<Option<Value>, GraphError> {
        let graph = rewriter.old();
        let (Op::Compare(comparison), &[mut x, limit]) = (graph.op(node), graph.inputs(node))
        else {
            return Ok(None);
        };
        let Some(c) = splat_number(graph, limit) else {
            return Ok(None);
        };
        let mut found = None;
        // A result comes after what it was made of, so this ends.
        while let Some(clamp) = self.0.get(&x).and_then(|clamps| {
            let known = |v: &Value| *v == x || rewriter.get(*v).is_some();
            let usable =
                |clamp: &&Clamp| clamp.keeps(*comparison, c) && clamp.inputs.iter().all(known);
            clamps.iter().find(usable)
        }) {
            let made = match rewriter.get(clamp.result) {
                Some(made) => made,
                None => {
                    let clamped = found.or(rewriter.get(x));
                    let inputs = clamp
                        .inputs
                        .map(|v| if v == x { clamped } else { rewriter.get(v) });
                    let [Some(a), Some(b)] = inputs else { break };
                    rewriter.push(Op::Binary(clamp.op), &[a, b])?
                }
            };
            found = Some(made);
            x = clamp.result;
        }
        Ok(found)
    }
}

/// Whether every number of a result's type is one of `f64`, in which limits are compared.
fn is_exact(graph: &Graph, node: Node) -> bool {
    graph
        .outputs(node)
        .iter()
        .all(|&v| graph.spec(v).dtype != DType::I64)
}

/// The value and the number that it is clamped with.
fn with_limit(graph: &Graph, a: Value, b: Value) -> Option<(Value, f64)> {
    match (splat_number(graph, a), splat_number(graph, b)) {
        (None, Some(limit)) => Some((a, limit)),
        (Some(limit), None) => Some((b, limit)),
        _ => None,
    }
}

/// `x <= c ? c : x` as `max(x, c)` and `x >= c ? c : z` as `min(z, c)`, where `z` is `x` or `max(x, d)` with `d <= c`.
/// NaN compares false, so it stays NaN in both forms.
pub(super) fn of_select(graph: &Graph, inputs: &[Value]) -> Option<(BinaryOp, Value, Value)> {
    let &[predicate, on_true, on_false] = inputs else {
        return None;
    };
    let (Op::Compare(comparison), &[x, limit]) = graph.op_of(predicate)? else {
        return None;
    };
    let c = splat_number(graph, limit)?;
    let inexact = graph.spec(x).dtype == DType::I64;
    if inexact || splat_number(graph, on_true) != Some(c) {
        return None;
    }
    let op = match comparison {
        Comparison::Le => BinaryOp::Maximum,
        Comparison::Ge => BinaryOp::Minimum,
        _ => return None,
    };
    let inner = match graph.op_of(on_false) {
        Some((Op::Binary(BinaryOp::Maximum), &[a, b])) => with_limit(graph, a, b),
        _ => None,
    };
    let clamped = op == BinaryOp::Minimum && inner.is_some_and(|(z, d)| z == x && d <= c);
    (on_false == x || clamped).then_some((op, on_false, on_true))
}
