//! Dropping `stop_gradient` once gradients are made.

use super::{everywhere, rewrite};
use crate::{Graph, GraphError, Op};

/// Puts the input in place of each `stop_gradient`. For programs that will not be differentiated any more.
///
/// # Errors
/// If the graph is not sound.
pub fn drop_stop_gradient(graph: &Graph) -> Result<Graph, GraphError> {
    everywhere(graph, level)
}

/// The pass without the bodies of scans.
pub(super) fn level(graph: &Graph) -> Result<Graph, GraphError> {
    rewrite(graph, |rewriter, node| match graph.op(node) {
        Op::StopGradient => {
            let input = rewriter.value(graph.inputs(node)[0])?;
            rewriter.bind(graph.outputs(node)[0], input);
            Ok(())
        }
        _ => rewriter.copy(node),
    })
}
