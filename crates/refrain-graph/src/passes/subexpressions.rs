//! Common subexpression elimination.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Rewriter, everywhere, rewrite};
use crate::{BinaryOp, Data, Graph, GraphError, Literal, Node, Op, Value};

/// Common subexpression elimination: nodes with the same primitive and the same inputs become one.
///
/// # Errors
/// If the graph is not sound.
pub fn eliminate_common_subexpressions(graph: &Graph) -> Result<Graph, GraphError> {
    everywhere(graph, level)
}

/// The pass without the bodies of scans.
pub(super) fn level(graph: &Graph) -> Result<Graph, GraphError> {
    let mut seen: HashMap<u64, Vec<Node>> = HashMap::new();
    rewrite(graph, |rewriter, node| {
        let inputs = inputs(rewriter, node)?;
        let alike = seen.entry(hash(graph, node, &inputs)).or_default();
        for &known in alike.iter() {
            if is_same(rewriter, (node, &inputs), known)? {
                for (&output, &known) in graph.outputs(node).iter().zip(graph.outputs(known)) {
                    rewriter.bind(output, rewriter.value(known)?);
                }
                return Ok(());
            }
        }
        alike.push(node);
        rewriter.copy(node)
    })
}

/// A node's inputs in the copy.
fn inputs(rewriter: &Rewriter<'_>, node: Node) -> Result<Vec<Value>, GraphError> {
    let graph = rewriter.old();
    let inputs = rewriter.values(graph.inputs(node))?;
    Ok(ordered(graph.op(node), inputs))
}

/// What equal nodes can be looked up by.
fn hash(graph: &Graph, node: Node, inputs: &[Value]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (graph.op(node).name(), inputs).hash(&mut hasher);
    let outputs = graph.outputs(node).iter();
    outputs.for_each(|&v| graph.spec(v).hash(&mut hasher));
    hasher.finish()
}

/// Whether a node, whose inputs in the copy are given, computes what an earlier one does.
fn is_same(
    rewriter: &Rewriter<'_>,
    (node, with): (Node, &[Value]),
    earlier: Node,
) -> Result<bool, GraphError> {
    let graph = rewriter.old();
    let specs = |node| graph.outputs(node).iter().map(|&v| graph.spec(v));
    Ok(graph.op(node).name() == graph.op(earlier).name()
        && specs(node).eq(specs(earlier))
        && inputs(rewriter, earlier)? == with
        && same(graph.op(node), graph.op(earlier)))
}

/// The inputs in an order of their own where the primitive does not mind.
fn ordered(op: &Op, mut inputs: Vec<Value>) -> Vec<Value> {
    use BinaryOp::{Add, And, Multiply, Or, Xor};
    if let Op::Binary(Add | Multiply | And | Or | Xor) = op {
        inputs.sort_unstable();
    }
    inputs
}

fn same(a: &Op, b: &Op) -> bool {
    match (a, b) {
        (Op::Constant(a), Op::Constant(b)) => same_bits(a, b),
        // The text tells constants apart that compare equal (0 and -0).
        (Op::Scan(x), Op::Scan(y)) => a == b && x.body.to_string() == y.body.to_string(),
        _ => a == b,
    }
}

/// Whether constants of one spec are the same to the bit.
fn same_bits(a: &Literal, b: &Literal) -> bool {
    fn equal<T: Copy, B: PartialEq>(a: &[T], b: &[T], bits: impl Fn(T) -> B) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| bits(a) == bits(b))
    }
    match (a.data(), b.data()) {
        (Data::F32(a), Data::F32(b)) => equal(a, b, f32::to_bits),
        (Data::F64(a), Data::F64(b)) => equal(a, b, f64::to_bits),
        (Data::F16(a), Data::F16(b)) => equal(a, b, crate::f16::to_bits),
        (Data::BF16(a), Data::BF16(b)) => equal(a, b, crate::bf16::to_bits),
        (a, b) => a == b,
    }
}
