//! Optimizations of loops.

mod hoist;
mod trim;

pub use hoist::hoist_loop_invariants;
pub(super) use hoist::level as hoist;
pub(super) use trim::level as trim;
pub use trim::remove_dead_code_in_loops;

use super::Rewriter;
use crate::{Graph, GraphError, Scan, Value};

/// What a parameter of a scan's body is, with its position among those of its kind.
#[derive(Clone, Copy, PartialEq)]
enum ParamRole {
    Carry(usize),
    Sequence(usize),
    Constant(usize),
}

fn role(scan: &Scan, param: usize) -> ParamRole {
    let (carries, sequences) = (scan.carries, scan.sequences);
    match param {
        i if i < carries => ParamRole::Carry(i),
        i if i < carries + sequences => ParamRole::Sequence(i - carries),
        i => ParamRole::Constant(i - carries - sequences),
    }
}

/// Adds to a new body a parameter like one of the old body's values.
fn add_param(rewriter: &mut Rewriter, like: Value, name: &str) -> Value {
    let spec = rewriter.old().spec(like).clone();
    rewriter.new_graph_mut().input(name, spec)
}

/// Number of steps, if known.
fn steps(scan: &Scan, graph: &Graph, inputs: &[Value]) -> Option<usize> {
    let first = || match scan.sequences {
        0 => None,
        _ => graph.spec(inputs[scan.carries]).shape.dim(0),
    };
    scan.length.or_else(first)
}

/// Ends a body with these values of the old body as results.
fn finish_body(rewriter: Rewriter, results: &[Value]) -> Result<Graph, GraphError> {
    let results = rewriter.values(results)?;
    let mut body = rewriter.into_graph();
    results.into_iter().for_each(|v| body.result(v));
    Ok(body)
}
