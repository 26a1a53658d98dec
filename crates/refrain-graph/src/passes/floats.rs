//! Float normalization: arithmetic of 16-bit floats in `f32`.
//!
//! Processors compute with `f32`. A program of `f16` or `bf16` becomes one whose values are kept in 16 bits and whose
//! operations each convert their operands to `f32`, compute, and round the result to 16 bits, as XLA's float
//! normalization has it. For `+`, `-`, `·`, `/` and square roots that is the same as rounding the exact result once: `f32` has
//! more than twice the bits of either type.

use cranelift_entity::{EntitySet, SecondaryMap};

use super::{Rewriter, everywhere, rewrite};
use crate::{DType, Graph, GraphError, Node, Op, UnaryOp, Value};

/// Lets operations on `f16` and `bf16` compute in `f32` and round each result to its type. What only moves values stays.
///
/// Sorting, running reductions and the inverse error function stay too: they round once, from `f64`.
///
/// # Errors
/// If the graph is not sound.
pub fn normalize_floats(graph: &Graph) -> Result<Graph, GraphError> {
    everywhere(graph, |graph| {
        let mut wide = Wide::default();
        rewrite(graph, |rewriter, node| wide.node(rewriter, node))
    })
}

/// Lets each elementwise operation and reduction convert a 16-bit value that it reads itself, unless others need the
/// converted value as a whole: what is kept in memory between them then has 16 bits. For programs that are not simplified any
/// more.
///
/// # Errors
/// If the graph is not sound.
pub fn convert_where_read(graph: &Graph) -> Result<Graph, GraphError> {
    everywhere(graph, |graph| {
        let whole = read_whole(graph);
        rewrite(graph, |rewriter, node| {
            let &[output] = graph.outputs(node) else {
                return rewriter.copy(node);
            };
            if !reads_by_element(graph.op(node)) {
                return rewriter.copy(node);
            }
            rewriter.label_as(node);
            let inputs = graph.inputs(node).iter().map(|&input| {
                match converted(graph, input).filter(|_| !whole.contains(input)) {
                    Some(half) => {
                        let half = rewriter.value(half)?;
                        rewriter.push(Op::Convert(DType::F32), &[half])
                    }
                    None => rewriter.value(input),
                }
            });
            let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
            let new = rewriter.push(graph.op(node).clone(), &inputs)?;
            rewriter.bind(output, new);
            Ok(())
        })
    })
}

/// Whether any value has 16 bits, bodies of loops included.
pub fn has_halves(graph: &Graph) -> bool {
    let inside = |node| match graph.op(node) {
        Op::Scan(scan) => has_halves(&scan.body),
        _ => false,
    };
    let mut values = graph.values();
    values.any(|v| graph.spec(v).dtype.is_half()) || graph.nodes().any(inside)
}

fn reads_by_element(op: &Op) -> bool {
    op.is_elementwise() || matches!(op, Op::Reduce { .. })
}

/// The 16-bit value that `value` is in `f32`.
fn converted(graph: &Graph, value: Value) -> Option<Value> {
    let (Op::Convert(DType::F32), &[half]) = graph.op_of(value)? else {
        return None;
    };
    graph.spec(half).dtype.is_half().then_some(half)
}

/// Converted values that something reads as a whole and not element by element. Those of parameters do not count: the
/// parameter is in memory anyway.
fn read_whole(graph: &Graph) -> EntitySet<Value> {
    let mut whole = EntitySet::with_capacity(graph.values().len());
    let readers = graph.nodes().filter(|&n| !reads_by_element(graph.op(n)));
    let read = readers.flat_map(|n| graph.inputs(n).iter().copied());
    for value in read.chain(graph.roots()) {
        if converted(graph, value).is_some_and(|half| graph.node_of(half).is_some()) {
            whole.insert(value);
        }
    }
    whole
}

/// The `f32` form of the new graph's 16-bit values, where one has been made.
#[derive(Default)]
struct Wide(SecondaryMap<Value, Option<Value>>);

impl Wide {
    fn node(&mut self, rewriter: &mut Rewriter<'_>, node: Node) -> Result<(), GraphError> {
        let old = rewriter.old();
        let (op, inputs) = (old.op(node), rewriter.values(old.inputs(node))?);
        let &[output] = old.outputs(node) else {
            return rewriter.copy(node);
        };
        let to = old.spec(output).dtype;
        let new = rewriter.new_graph();
        let reads = inputs.iter().any(|&v| new.spec(v).dtype.is_half());
        if !reads || !computes(new, op, &inputs) {
            return rewriter.copy(node);
        }
        rewriter.label_as(node);
        let inputs = inputs.into_iter().map(|v| self.widened(rewriter, v));
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        let result = match op {
            Op::Convert(DType::F32) => inputs[0],
            op => rewriter.push(op.clone(), &inputs)?,
        };
        let result = match to.is_half() && rewriter.new_graph().spec(result).dtype != to {
            true => rewriter.push(Op::Convert(to), &[result])?,
            false => result,
        };
        rewriter.bind(output, result);
        Ok(())
    }

    /// A value of the new graph in `f32`, if it has 16 bits.
    fn widened(&mut self, rewriter: &mut Rewriter<'_>, value: Value) -> Result<Value, GraphError> {
        let graph = rewriter.new_graph();
        if !graph.spec(value).dtype.is_half() {
            return Ok(value);
        }
        if let Some(wide) = self.0[value] {
            return Ok(wide);
        }
        let repeated = match graph.op_of(value) {
            Some((op @ Op::BroadcastInDim { .. }, &[inner])) => Some((op.clone(), inner)),
            _ => None,
        };
        let wide = match repeated {
            // A bias is converted once, not in each row.
            Some((op, inner)) => {
                let inner = self.widened(rewriter, inner)?;
                rewriter.push(op, &[inner])?
            }
            None => rewriter.push(Op::Convert(DType::F32), &[value])?,
        };
        self.0[value] = Some(wide);
        Ok(wide)
    }
}

/// Whether a primitive computes new values of its 16-bit operands. Choosing among some that have just been computed goes
/// along, so that they need not be rounded before it and widened after it.
fn computes(graph: &Graph, op: &Op, inputs: &[Value]) -> bool {
    match op {
        Op::Unary(op) => *op != UnaryOp::ErfInv,
        Op::Select => inputs.iter().any(|&v| is_rounded(graph, v)),
        Op::Binary(_)
        | Op::Compare(_)
        | Op::Convert(_)
        | Op::Reduce { .. }
        | Op::ReduceWindow { .. }
        | Op::SelectAndScatter { .. }
        | Op::DotGeneral(_)
        | Op::Convolution(_)
        | Op::Scatter { .. } => true,
        _ => false,
    }
}

fn is_rounded(graph: &Graph, value: Value) -> bool {
    match graph.op_of(value) {
        Some((Op::Convert(to), inputs)) if to.is_half() => {
            graph.spec(inputs[0]).dtype == DType::F32
        }
        _ => false,
    }
}
