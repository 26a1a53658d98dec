//! Passes: each takes a graph and gives one that computes the same with less work.
//!
//! Parameters, results and updates stay as they are, and so do the labels. All passes also work inside the bodies of
//! scans. Results stay the same but for the sign of zeros and for the order in which a merged product adds.

mod batch;
mod dead_code;
mod floats;
mod fold;
mod loops;
mod rewriter;
mod simplify;
mod stop_gradient;
mod subexpressions;

pub use batch::{Cut, batch_shared_calls, cut_rows};
pub use dead_code::remove_dead_code;
pub use floats::{convert_where_read, has_halves, normalize_floats};
pub use fold::fold_constants;
pub use loops::{hoist_loop_invariants, remove_dead_code_in_loops};
pub use rewriter::{Rewriter, rewrite};
pub use simplify::simplify;
pub use stop_gradient::drop_stop_gradient;
pub use subexpressions::eliminate_common_subexpressions;

use crate::{Graph, GraphError, Literal, Op, Spec, Value, verify};

/// A pass and what it is called.
#[derive(Clone, Copy)]
pub struct Pass {
    /// The pass's name among compilers.
    pub name: &'static str,
    /// The pass without the bodies of scans.
    level: Level,
}

type Level = fn(&Graph) -> Result<Graph, GraphError>;

impl Pass {
    /// Runs the pass, in the bodies of scans too.
    ///
    /// # Errors
    /// If the graph is not sound.
    pub fn run(&self, graph: &Graph) -> Result<Graph, GraphError> {
        everywhere(graph, self.level)
    }
}

/// What [`optimize`] does, in this order. For programs that will not be differentiated any more.
pub const PIPELINE: &[Pass] = &[
    pass("stop-gradient removal", stop_gradient::level),
    pass("constant folding", fold::level),
    pass("algebraic simplification", simplify::level),
    pass("common subexpression elimination", subexpressions::level),
    pass("dead code elimination in loops", loops::trim),
    pass("loop-invariant code motion", loops::hoist),
    pass("batching of shared calls", batch::level),
    pass("dead code elimination", dead_code::level),
];

/// Rounds of the pipeline after which [`optimize`] stops even if something still changes. Chains of simplifications that
/// need more than two or three rounds do not occur.
const MAX_ROUNDS: usize = 8;

const fn pass(name: &'static str, level: Level) -> Pass {
    Pass { name, level }
}

/// Runs the [`PIPELINE`] until nothing changes any more (at most 8 rounds).
///
/// # Errors
/// If the graph is not sound; in debug builds the verifier runs after each pass.
pub fn optimize(graph: Graph) -> Result<Graph, GraphError> {
    run_until_stable(graph, PIPELINE)
}

/// Runs these passes until nothing changes any more (at most 8 rounds).
///
/// The first round is not compared with what came in: it nearly always changes something, and that graph, the largest of
/// all, need not be kept meanwhile.
fn run_until_stable(graph: Graph, passes: &[Pass]) -> Result<Graph, GraphError> {
    let mut graph = passes.iter().try_fold(graph, run)?;
    for _ in 1..MAX_ROUNDS {
        let Some((first, rest)) = passes.split_first() else {
            break;
        };
        let next = rest.iter().try_fold(first.run(&graph)?, run)?;
        if next == graph {
            break;
        }
        graph = next;
    }
    Ok(graph)
}

/// Runs a pass on a graph that nobody else needs: the bodies of scans change in place.
fn run(mut graph: Graph, pass: &Pass) -> Result<Graph, GraphError> {
    graph.change_bodies(&mut |body| everywhere(body, pass.level))?;
    let next = (pass.level)(&graph)?;
    if cfg!(debug_assertions) {
        verify::verify(&next).map_err(|e| after(pass, e))?;
    }
    Ok(next)
}

fn after(pass: &Pass, error: GraphError) -> GraphError {
    let message = format!("after the pass \"{}\": {}", pass.name, error.message);
    GraphError { message, ..error }
}

/// Applies a pass to the bodies of all scans, the innermost first, and then to the graph itself.
fn everywhere(graph: &Graph, level: Level) -> Result<Graph, GraphError> {
    let is_scan = |node| matches!(graph.op(node), Op::Scan(_));
    if !graph.nodes().any(is_scan) {
        return level(graph);
    }
    let inner = rewrite(graph, |rewriter, node| match graph.op(node) {
        Op::Scan(scan) => {
            let mut scan = scan.clone();
            scan.body = everywhere(&scan.body, level)?;
            rewriter.copy_as(node, Op::Scan(scan))
        }
        _ => rewriter.copy(node),
    })?;
    level(&inner)
}

/// The value that fills a tensor, if it is a constant of one element or its broadcast.
fn splat(graph: &Graph, value: Value) -> Option<&Literal> {
    match graph.op_of(value)? {
        (Op::Constant(literal), _) if literal.numel() == 1 => Some(literal),
        (Op::BroadcastInDim { .. }, inputs) => splat(graph, inputs[0]),
        _ => None,
    }
}

/// [`splat`] as a number.
fn splat_number(graph: &Graph, value: Value) -> Option<f64> {
    splat(graph, value)?.to_f64().first().copied()
}

/// A tensor filled with the only element of `literal`.
fn filled(graph: &mut Graph, literal: Literal, spec: &Spec) -> Result<Value, GraphError> {
    let literal = literal.reshaped([]);
    let literal = literal.ok_or_else(|| GraphError::new("expected a literal of one element"))?;
    let scalar = graph.push(Op::Constant(literal.into()), &[])?;
    if spec.shape.rank() == 0 {
        return Ok(scalar);
    }
    let shape = spec.shape.clone();
    graph.push(
        Op::BroadcastInDim {
            shape,
            dims: vec![],
        },
        &[scalar],
    )
}
