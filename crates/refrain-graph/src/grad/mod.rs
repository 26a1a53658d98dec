//! Reverse-mode gradients: one table of rules for each family of primitives.
//!
//! [`gradients`] and [`vjp`] append nodes to the graph that they differentiate. A rule gets the inputs, the outputs and
//! the outputs' cotangents of one node, and gives the cotangents of the inputs. Cotangents of all uses of a value are
//! added up, so the gradient of a shared weight is the sum over its uses.

mod contraction;
mod convolution;
mod elementwise;
mod indexing;
mod movement;
mod reduction;
mod scan;
mod term;
mod window;

use cranelift_entity::SecondaryMap;

use crate::{Graph, GraphError, Node, Op, UnaryOp, Value};
use term::{Builder, Term};

/// The gradients of a scalar float `output` with respect to `wrt`, appended to the graph. A value that does not
/// influence the output has a gradient of zeros. All shapes must be known.
pub fn gradients(
    graph: &mut Graph,
    output: Value,
    wrt: &[Value],
) -> Result<Vec<Value>, GraphError> {
    let spec = graph.spec(output).clone();
    if spec.shape.rank() != 0 || !spec.dtype.is_float() {
        let message = format!("gradients need a scalar float output, got {spec}");
        return Err(GraphError::new(message));
    }
    let one = crate::Literal::full([], spec.dtype, 1.0);
    let seed = graph.push(Op::Constant(one.into()), &[])?;
    let found = vjp(graph, &[(output, seed)], wrt)?;
    let builder = Builder::new(std::mem::take(graph));
    let complete = wrt
        .iter()
        .zip(found)
        .map(|(&value, gradient)| gradient.unwrap_or_else(|| builder.term(value).like(0.0).value));
    let complete = complete.collect();
    let (built, error) = builder.finish();
    *graph = built;
    error.map_or(Ok(complete), Err)
}

/// The product of cotangents with the Jacobian: for `(output, its cotangent)` pairs, the cotangents of `wrt`, appended to
/// the graph. `None` where a value does not influence the outputs. All shapes on the way must be known.
pub fn vjp(
    graph: &mut Graph,
    outputs: &[(Value, Value)],
    wrt: &[Value],
) -> Result<Vec<Option<Value>>, GraphError> {
    for &(output, cotangent) in outputs {
        if graph.spec(output) != graph.spec(cotangent) {
            let (want, got) = (graph.spec(output), graph.spec(cotangent));
            let message = format!("the cotangent of {output} must be {want}, got {got}");
            return Err(GraphError::new(message));
        }
    }
    let builder = Builder::new(std::mem::take(graph));
    let scope = builder.set_scope(None);
    builder.set_scope(scope);
    let found = backward(&builder, outputs, wrt);
    builder.set_scope(scope);
    let (built, error) = builder.finish();
    *graph = built;
    error.map_or(found, Err)
}

/// One node under differentiation.
struct Call<'b> {
    builder: &'b Builder,
    node: Node,
    inputs: Vec<Term<'b>>,
    outputs: Vec<Term<'b>>,
    /// The outputs' cotangents. `None`: the output has no influence.
    cotangents: Vec<Option<Term<'b>>>,
    /// The inputs whose cotangents are wanted.
    wanted: Vec<bool>,
}

/// The inputs' cotangents. `None`: no influence.
type Cotangents<'b> = Vec<Option<Term<'b>>>;

impl<'b> Call<'b> {
    /// The cotangent of the only differentiable output.
    fn cotangent(&self) -> Term<'b> {
        self.cotangents[0].unwrap_or_else(|| self.outputs[0].like(0.0))
    }

    /// Computes those of two cotangents that are wanted.
    fn both(
        &self,
        first: impl FnOnce() -> Term<'b>,
        second: impl FnOnce() -> Term<'b>,
    ) -> Cotangents<'b> {
        vec![self.wanted[0].then(first), self.wanted[1].then(second)]
    }

    fn error(&self, message: &str) -> GraphError {
        let name = self.builder.graph().op(self.node).name();
        GraphError::op(name, message).at(self.node)
    }
}

/// The rule of each primitive.
fn differentiate<'b>(op: &Op, call: &Call<'b>) -> Result<Cotangents<'b>, GraphError> {
    Ok(match op {
        Op::Unary(op) => vec![elementwise::unary(*op, call)],
        Op::Binary(op) => elementwise::binary(*op, call),
        Op::Select => elementwise::select(call),
        Op::Convert(_) => vec![Some(call.cotangent().convert(call.inputs[0].dtype()))],
        Op::BroadcastInDim { dims, .. } => vec![Some(movement::broadcast(dims, call))],
        Op::Reshape(_) => vec![Some(call.cotangent().reshape(&call.inputs[0].dims()))],
        Op::Transpose(perm) => vec![Some(movement::transpose(perm, call))],
        Op::Slice {
            starts, strides, ..
        } => vec![Some(movement::slice(starts, strides, call))],
        Op::Pad {
            low,
            high,
            interior,
        } => movement::pad(low, high, interior, call),
        Op::Concatenate(dim) => movement::concatenate(*dim, call),
        Op::Reverse(dims) => vec![Some(call.cotangent().reverse(dims))],
        Op::Reduce { kind, dims } => vec![reduction::reduce(*kind, dims, call)],
        Op::Cumulative { kind, dim, reverse } => {
            vec![reduction::cumulative(*kind, *dim, *reverse, call)?]
        }
        Op::Sort { dim, .. } => vec![Some(reduction::sort(*dim, call)?)],
        Op::ReduceWindow { kind, window } => vec![window::reduce_window(*kind, window, call)?],
        Op::SelectAndScatter { window } => window::select_and_scatter(window, call)?,
        Op::DotGeneral(dims) => contraction::dot_general(dims, call),
        Op::Convolution(conv) => convolution::convolution(conv, call),
        Op::Gather(dims) => indexing::gather(dims, call),
        Op::Scatter { dims, kind } => indexing::scatter(dims, *kind, call)?,
        Op::Scan(scan) => scan::scan(scan, call)?,
        Op::Constant(_)
        | Op::Iota { .. }
        | Op::Compare(_)
        | Op::StopGradient
        | Op::RngBitGenerator(_) => vec![None; call.inputs.len()],
    })
}

/// Whether no gradient passes this primitive: its outputs are constant, discrete or cut off.
fn is_flat(op: &Op) -> bool {
    use UnaryOp::{Ceil, Floor, IsFinite, Not, RoundNearestEven, Sign};
    matches!(
        op,
        Op::Constant(_)
            | Op::Iota { .. }
            | Op::Compare(_)
            | Op::StopGradient
            | Op::RngBitGenerator(_)
            | Op::Unary(Sign | Floor | Ceil | RoundNearestEven | Not | IsFinite)
    )
}

/// The float values that `wrt` influence differentiably, themselves included.
fn influenced(graph: &Graph, wrt: impl IntoIterator<Item = Value>) -> SecondaryMap<Value, bool> {
    let mut influenced = SecondaryMap::with_default(false);
    for value in wrt {
        influenced[value] = graph.spec(value).dtype.is_float();
    }
    for node in graph.nodes() {
        if is_flat(graph.op(node)) || !graph.inputs(node).iter().any(|&v| influenced[v]) {
            continue;
        }
        for &output in graph.outputs(node) {
            influenced[output] = graph.spec(output).dtype.is_float();
        }
    }
    influenced
}

fn backward(
    builder: &Builder,
    outputs: &[(Value, Value)],
    wrt: &[Value],
) -> Result<Vec<Option<Value>>, GraphError> {
    let influenced = influenced(&builder.graph(), wrt.iter().copied());
    let mut parts: SecondaryMap<Value, Vec<Value>> = SecondaryMap::new();
    for &(output, cotangent) in outputs.iter().filter(|(output, _)| influenced[*output]) {
        parts[output].push(cotangent);
    }
    let nodes = builder.graph().nodes();
    for node in nodes.rev() {
        let (op, call) = {
            let graph = builder.graph();
            let outputs = graph.outputs(node);
            if outputs
                .iter()
                .all(|&v| parts[v].is_empty() || !influenced[v])
            {
                continue;
            }
            known_shapes(&graph, node)?;
            let terms = |values: &[Value]| values.iter().map(|&v| builder.term(v)).collect();
            let inputs = graph.inputs(node);
            let call = Call {
                builder,
                node,
                inputs: terms(inputs),
                outputs: terms(outputs),
                cotangents: vec![],
                wanted: inputs.iter().map(|&v| influenced[v]).collect(),
            };
            (graph.op(node).clone(), call)
        };
        let scope = builder.graph().scope(node);
        builder.set_scope(scope);
        let totals = call.outputs.iter().map(|v| total(builder, &parts[v.value]));
        let cotangents = totals.collect();
        let call = Call { cotangents, ..call };
        let found = differentiate(&op, &call)?;
        for (input, cotangent) in call.inputs.iter().zip(found) {
            if let (Some(cotangent), true) = (cotangent, influenced[input.value]) {
                parts[input.value].push(cotangent.value);
            }
        }
    }
    let totals = wrt.iter().map(|&v| total(builder, &parts[v]));
    Ok(totals.map(|t| t.map(|t| t.value)).collect())
}

fn known_shapes(graph: &Graph, node: Node) -> Result<(), GraphError> {
    let mut values = graph.inputs(node).iter().chain(graph.outputs(node));
    match values.find(|&&v| !graph.spec(v).shape.is_known()) {
        None => Ok(()),
        Some(&v) => {
            let message = format!("gradients need known shapes, {v} is {}", graph.spec(v));
            Err(GraphError::op(graph.op(node).name(), message).at(node))
        }
    }
}

/// The sum of the cotangents that a value got from its uses.
fn total<'b>(builder: &'b Builder, parts: &[Value]) -> Option<Term<'b>> {
    if let Some(whole) = movement::side_by_side(builder, parts) {
        return Some(whole);
    }
    let terms = parts.iter().map(|&v| builder.term(v));
    terms.reduce(|sum, part| sum + part)
}
