//! The naive interpreter: the oracle of every test.
//!
//! It computes each primitive the way its definition reads, one element at a time, and as exactly as it can: elementwise
//! functions of f32, f16 and bf16 are computed in f64 and rounded once, and so are their sums, products, dot products
//! and convolutions (a compiler that adds in f32 is compared with the better number). Integers wrap.
//!
//! Dimensions that a graph leaves unknown are taken from the literals: every primitive's result is inferred anew from
//! the values that reach it. A primitive whose attributes leave a dimension of its result open is an error.

mod elementwise;
mod float;
mod gather;
mod index;
mod integer;
mod layout;
mod number;
mod product;
mod reduce;
mod scan;
mod special;
mod window;

#[cfg(test)]
mod tests;

use cranelift_entity::SecondaryMap;

use crate::{
    Graph, GraphError, Literal, Node, Op, ParamKind, Spec, Value, infer, philox, with_data,
};

/// What a graph computes.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The results, in order.
    pub results: Vec<Literal>,
    /// The new values of the updated variables, in the order of [`Graph::updates`].
    pub updates: Vec<Literal>,
}

/// Every value of a graph after a run.
#[derive(Clone, Debug)]
pub struct Trace {
    values: SecondaryMap<Value, Option<Literal>>,
}

impl Trace {
    /// A value of the graph that ran.
    pub fn get(&self, value: Value) -> Result<&Literal, GraphError> {
        self.values[value]
            .as_ref()
            .ok_or_else(|| GraphError::new(format!("{value} is used but nothing makes it")))
    }
}

/// Runs a graph. `inputs` and `variables` are its parameters of each kind, in order.
///
/// # Errors
/// If a literal does not fit its parameter, or a primitive does not fit the values that reach it.
///
/// ```
/// use refrain_graph::{BinaryOp, DType, Graph, Literal, Op, Spec, interp};
/// let mut g = Graph::new();
/// let x = g.input("x", Spec::new([None], DType::F32));
/// let y = g.push(Op::Binary(BinaryOp::Multiply), &[x, x])?;
/// g.result(y);
/// let x = Literal::new([3], vec![1f32, 2.0, 3.0]).unwrap();
/// let run = interp::evaluate(&g, &[x], &[])?;
/// assert_eq!(run.results[0].values::<f32>(), Some(&[1.0, 4.0, 9.0][..]));
/// # Ok::<(), refrain_graph::GraphError>(())
/// ```
pub fn evaluate(
    graph: &Graph,
    inputs: &[Literal],
    variables: &[Literal],
) -> Result<Evaluation, GraphError> {
    let trace = evaluate_all(graph, inputs, variables)?;
    let results = graph.results().iter().map(|&v| trace.get(v).cloned());
    let updates = graph.updates().iter().map(|&(_, v)| trace.get(v).cloned());
    Ok(Evaluation {
        results: results.collect::<Result<_, _>>()?,
        updates: updates.collect::<Result<_, _>>()?,
    })
}

/// Runs a graph and keeps every value.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_all(
    graph: &Graph,
    inputs: &[Literal],
    variables: &[Literal],
) -> Result<Trace, GraphError> {
    run(graph, parameters(graph, inputs, variables)?, |_, _, _| {})
}

/// The first node that makes a NaN from inputs without one, or an infinity from finite inputs. Constants are taken to
/// be meant as they are. For a loop it is the loop's node.
///
/// # Errors
/// As [`evaluate`].
pub fn first_non_finite(
    graph: &Graph,
    inputs: &[Literal],
    variables: &[Literal],
) -> Result<Option<Node>, GraphError> {
    let mut first = None;
    let params = parameters(graph, inputs, variables)?;
    run(graph, params, |node, inputs, outputs| {
        if first.is_none() && !matches!(graph.op(node), Op::Constant(_)) {
            let before = inputs.iter().map(|x| worst(x)).max();
            let after = outputs.iter().map(worst).max();
            first = (after > Some(before.unwrap_or(Health::Finite))).then_some(node);
        }
    })?;
    Ok(first)
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Health {
    Finite,
    Infinite,
    Nan,
}

fn worst(literal: &Literal) -> Health {
    if !literal.dtype().is_float() {
        return Health::Finite;
    }
    let health = |x: f64| match x {
        x if x.is_nan() => Health::Nan,
        x if x.is_infinite() => Health::Infinite,
        _ => Health::Finite,
    };
    let values = literal.to_f64().into_iter();
    values.map(health).max().unwrap_or(Health::Finite)
}

/// The values of all parameters, in the order of the graph's parameters.
fn parameters(
    graph: &Graph,
    inputs: &[Literal],
    variables: &[Literal],
) -> Result<Vec<Literal>, GraphError> {
    for (kind, given, what) in [
        (ParamKind::Input, inputs.len(), "inputs"),
        (ParamKind::Variable, variables.len(), "variables"),
    ] {
        let wanted = graph.params_of(kind).count();
        if wanted != given {
            let message = format!("expected {wanted} {what}, got {given}");
            return Err(GraphError::new(message));
        }
    }
    let (mut inputs, mut variables) = (inputs.iter(), variables.iter());
    let each = graph.params().map(|(_, kind, _)| match kind {
        ParamKind::Input => inputs.next(),
        ParamKind::Variable => variables.next(),
    });
    Ok(each.flatten().cloned().collect())
}

/// Runs a graph on the values of its parameters; `visit` sees each node with its inputs and outputs.
fn run(
    graph: &Graph,
    params: Vec<Literal>,
    mut visit: impl FnMut(Node, &[&Literal], &[Literal]),
) -> Result<Trace, GraphError> {
    let mut trace = Trace {
        values: SecondaryMap::new(),
    };
    for ((value, kind, name), literal) in graph.params().zip(params) {
        check_param(graph.spec(value), &literal.spec(), kind, name)?;
        trace.values[value] = Some(literal);
    }
    for node in graph.nodes() {
        let inputs = graph.inputs(node).iter().map(|&v| trace.get(v));
        let inputs = inputs
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| e.at(node))?;
        let outputs = evaluate_op(graph.op(node), &inputs).map_err(|e| e.at(node))?;
        visit(node, &inputs, &outputs);
        for (&value, output) in graph.outputs(node).iter().zip(outputs) {
            trace.values[value] = Some(output);
        }
    }
    Ok(trace)
}

fn check_param(
    expected: &Spec,
    given: &Spec,
    kind: ParamKind,
    name: &str,
) -> Result<(), GraphError> {
    if expected.dtype == given.dtype && expected.shape.compatible(&given.shape) {
        return Ok(());
    }
    let what = match kind {
        ParamKind::Input => "input",
        ParamKind::Variable => "variable",
    };
    Err(GraphError::new(format!(
        "{what} {name:?}: expected {expected}, got {given}"
    )))
}

/// Runs one primitive on values; gives its outputs in order.
///
/// # Errors
/// If the primitive does not fit its inputs, or leaves a dimension of its result unknown.
pub fn evaluate_op(op: &Op, inputs: &[&Literal]) -> Result<Vec<Literal>, GraphError> {
    let specs: Vec<Spec> = inputs.iter().map(|x| x.spec()).collect();
    let specs = infer::infer(op, &specs.iter().collect::<Vec<_>>())?;
    let outputs = match op {
        Op::Scan(scan) => scan::scan(scan, inputs, &specs),
        Op::Sort { dim, descending } => reduce::sort(*dim, *descending, inputs[0]),
        Op::RngBitGenerator(_) => known_dims(&specs[1]).and_then(|d| random(inputs[0], &d)),
        _ => known_dims(&specs[0])
            .and_then(|dims| single(op, inputs, &dims))
            .map(|output| vec![output]),
    };
    outputs.map_err(|e| GraphError {
        op: e.op.or(Some(op.name())),
        ..e
    })
}

fn known_dims(spec: &Spec) -> Result<Vec<usize>, GraphError> {
    let dims = spec.shape.known().filter(|_| spec.bytes().is_some());
    dims.ok_or_else(|| {
        GraphError::new(format!(
            "its result {spec} has no definite size, so it has no value"
        ))
    })
}

/// A primitive with one output of these dimensions, whose inputs inference has accepted.
fn single(op: &Op, inputs: &[&Literal], dims: &[usize]) -> Result<Literal, GraphError> {
    match op {
        Op::Constant(value) => Ok(value.as_ref().clone()),
        Op::Iota { dtype, dim, .. } => layout::iota(dims, *dtype, *dim),
        Op::Unary(op) => elementwise::unary(*op, inputs[0]),
        Op::Binary(op) => elementwise::binary(*op, inputs[0], inputs[1]),
        Op::Compare(op) => elementwise::compare(*op, inputs[0], inputs[1]),
        Op::Select => elementwise::select(inputs[0], inputs[1], inputs[2]),
        Op::Convert(dtype) => elementwise::convert(*dtype, inputs[0]),
        Op::BroadcastInDim { dims: to, .. } => layout::broadcast_in_dim(inputs[0], dims, to),
        Op::Reshape(_) => {
            with_data!(inputs[0].data(), v => index::build(dims, v.clone()))
        }
        Op::Transpose(perm) => layout::transpose(inputs[0], perm),
        Op::Slice {
            starts,
            limits,
            strides,
        } => layout::slice(inputs[0], starts, limits, strides),
        Op::Pad { low, interior, .. } => layout::pad(inputs[0], inputs[1], dims, low, interior),
        Op::Concatenate(dim) => layout::concatenate(inputs, dims, *dim),
        Op::Reverse(over) => layout::reverse(inputs[0], over),
        Op::Reduce { kind, dims: over } => reduce::reduce(*kind, over, inputs[0]),
        Op::ReduceWindow { kind, window } => window::reduce_window(*kind, window, inputs[0], dims),
        Op::SelectAndScatter { window } => window::select_and_scatter(window, inputs[0], inputs[1]),
        Op::DotGeneral(numbers) => product::dot_general(numbers, inputs[0], inputs[1], dims),
        Op::Convolution(conv) => product::convolution(conv, inputs[0], inputs[1], dims),
        Op::Gather(numbers) => gather::gather(numbers, inputs[0], inputs[1], dims),
        Op::Scatter {
            dims: numbers,
            kind,
        } => gather::scatter(numbers, *kind, inputs[0], inputs[1], inputs[2]),
        Op::StopGradient => Ok(inputs[0].clone()),
        Op::Cumulative { kind, dim, reverse } => {
            reduce::cumulative(*kind, *dim, *reverse, inputs[0])
        }
        Op::Scan(_) | Op::Sort { .. } | Op::RngBitGenerator(_) => {
            Err(GraphError::new("has more than one output"))
        }
    }
}

fn random(state: &Literal, dims: &[usize]) -> Result<Vec<Literal>, GraphError> {
    let words: [u32; 4] = index::values(state)?
        .try_into()
        .map_err(|_| GraphError::new("expected a state of four words"))?;
    let (bits, next) = philox::random_bits(words, dims.iter().product());
    Ok(vec![
        index::build(&[4], next.to_vec())?,
        index::build(dims, bits)?,
    ])
}
