//! The gradient of `scan`: a scan in the opposite direction.
//!
//! The body is differentiated first, in a copy of it that then holds both the forward and the backward nodes of one step
//! (the *joint* body). From there:
//!
//! - The backward scan carries the cotangents of the carries and reads those of the stacked outputs.
//! - Forward values that the backward nodes need are stacked by the forward scan, which is extended in place. What is a
//!   sequence, a constant or a stacked output already, or follows from constants, is not stacked again.
//! - What must be summed over all steps (the cotangents of constants) is summed outside the loop wherever it is a product
//!   or a sum over stacked values; see [`total`]. A recurrent kernel's gradient is one product over all steps.
//! - Products with a constant that only go out of the loop (the cotangents of sequences) are made outside for all steps.

mod emit;
mod plan;
mod total;

use super::{Call, Cotangents, influenced, vjp};
use crate::passes::Rewriter;
use crate::{Graph, GraphError, Op, Scan, Value};
use plan::BackwardPlan;

/// One step with its gradient, and what of it is what.
struct Joint {
    graph: Graph,
    /// Nodes before this index are the body's own.
    forward_nodes: usize,
    /// The cotangent of each of the body's results: a parameter, or `None` without influence.
    seeds: Vec<Option<Value>>,
    /// The cotangent of each of the body's parameters.
    found: Vec<Option<Value>>,
}

pub(super) fn scan<'b>(scan: &Scan, call: &Call<'b>) -> Result<Cotangents<'b>, GraphError> {
    let wanted = wanted_params(scan, call);
    let joint = differentiate_body(scan, call, &wanted)?;
    let plan = BackwardPlan::new(scan, &joint);
    if !plan.residuals.is_empty() {
        let extended = extended_forward(scan, &joint, &plan.residuals)?;
        call.builder
            .extend_node(call.node, Op::Scan(Box::new(extended)))?;
    }
    emit::emit(scan, &joint, &plan, call)
}

/// The float parameters of the body that lead back to something wanted: wanted inputs, and carries that depend on them.
fn wanted_params(scan: &Scan, call: &Call) -> Vec<bool> {
    let mut wanted = call.wanted.clone();
    let params: Vec<Value> = scan.body.params().map(|(v, ..)| v).collect();
    loop {
        let from = params
            .iter()
            .zip(&wanted)
            .filter(|(_, w)| **w)
            .map(|(&v, _)| v);
        let reached = influenced(&scan.body, from);
        let mut grown = false;
        for (i, &next) in scan.body.results()[..scan.carries].iter().enumerate() {
            grown |= reached[next] && !wanted[i];
            wanted[i] |= reached[next];
        }
        if !grown {
            return wanted;
        }
    }
}

/// Differentiates the body. A carry whose cotangent turns out to matter brings its own cotangent in, so this is repeated
/// until no carry is added: at most once for each.
fn differentiate_body(scan: &Scan, call: &Call, wanted: &[bool]) -> Result<Joint, GraphError> {
    let body = &scan.body;
    let params: Vec<Value> = body.params().map(|(v, ..)| v).collect();
    let mut active: Vec<bool> = call.cotangents.iter().map(Option::is_some).collect();
    active.truncate(body.results().len());
    for (i, active) in active.iter_mut().enumerate() {
        *active &= body.spec(body.results()[i]).dtype.is_float();
        *active &= i >= scan.carries || wanted[i];
    }
    loop {
        let mut graph = body.clone();
        let seeds: Vec<Option<Value>> = (0..active.len())
            .map(|i| {
                let spec = body.spec(body.results()[i]).clone();
                active[i].then(|| graph.input(format!("cotangent_{i}"), spec))
            })
            .collect();
        let pairs = body.results().iter().zip(&seeds);
        let pairs: Vec<(Value, Value)> = pairs.filter_map(|(&r, s)| s.map(|s| (r, s))).collect();
        let from: Vec<usize> = (0..params.len()).filter(|&i| wanted[i]).collect();
        let wrt: Vec<Value> = from.iter().map(|&i| params[i]).collect();
        let cotangents = vjp(&mut graph, &pairs, &wrt)?;
        let mut found = vec![None; params.len()];
        for (i, cotangent) in from.into_iter().zip(cotangents) {
            found[i] = cotangent;
        }
        let newly = |i: &usize| found[*i].is_some() && !active[*i];
        let added: Vec<usize> = (0..scan.carries).filter(newly).collect();
        if added.is_empty() {
            let forward_nodes = body.nodes().len();
            return Ok(Joint {
                graph,
                forward_nodes,
                seeds,
                found,
            });
        }
        for i in added {
            active[i] = true;
        }
    }
}

/// The forward scan with further stacked outputs.
fn extended_forward(scan: &Scan, joint: &Joint, residuals: &[Value]) -> Result<Scan, GraphError> {
    let mut rewriter = Rewriter::without_params(&joint.graph);
    for (value, kind, name) in joint.graph.params().take(scan.body.params().len()) {
        let spec = joint.graph.spec(value).clone();
        let param = rewriter.new_graph_mut().param(kind, name, spec);
        rewriter.bind(value, param);
    }
    for node in joint.graph.nodes().take(joint.forward_nodes) {
        rewriter.copy(node)?;
    }
    let results = rewriter.values(&[joint.graph.results(), residuals].concat())?;
    let mut body = rewriter.into_graph();
    results.into_iter().for_each(|v| body.result(v));
    Ok(Scan {
        body,
        ..scan.clone()
    })
}
