//! Common subexpression elimination.

use std::collections::HashMap;

use super::{everywhere, rewrite};
use crate::{BinaryOp, Data, Graph, GraphError, Literal, Op, Spec, Value};

/// Computes equal things once: nodes with the same primitive and the same inputs become one.
///
/// # Errors
/// If the graph is not sound.
pub fn share_subexpressions(graph: &Graph) -> Result<Graph, GraphError> {
    everywhere(graph, |graph| {
        let mut seen: HashMap<Key, Vec<(&Op, Vec<Value>)>> = HashMap::new();
        rewrite(graph, |rewriter, node| {
            let (op, outputs) = (graph.op(node), graph.outputs(node));
            let key = Key {
                name: op.name(),
                inputs: ordered(op, rewriter.values(graph.inputs(node))?),
                specs: outputs.iter().map(|&v| graph.spec(v).clone()).collect(),
            };
            let alike = seen.entry(key).or_default();
            if let Some((_, known)) = alike.iter().find(|(other, _)| same(op, other)) {
                for (&output, &known) in outputs.iter().zip(known) {
                    rewriter.bind(output, known);
                }
                return Ok(());
            }
            rewriter.copy(node)?;
            alike.push((op, rewriter.values(outputs)?));
            Ok(())
        })
    })
}

/// What equal nodes have in common and can be looked up by.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    name: &'static str,
    inputs: Vec<Value>,
    specs: Vec<Spec>,
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
