//! Dead code elimination.

use cranelift_entity::{EntityRef, EntitySet};

use super::{Rewriter, everywhere};
use crate::{Graph, GraphError, Node, Value};

/// Drops the nodes that no result and no update needs.
///
/// # Errors
/// If the graph is not sound.
pub fn remove_dead_code(graph: &Graph) -> Result<Graph, GraphError> {
    everywhere(graph, level)
}

/// The pass without the bodies of scans.
pub(super) fn level(graph: &Graph) -> Result<Graph, GraphError> {
    let live = live_nodes(graph, graph.roots());
    let mut rewriter = Rewriter::new(graph);
    for node in graph.nodes().filter(|&n| live.contains(n)) {
        rewriter.copy(node)?;
    }
    rewriter.finish()
}

/// The nodes that these values need.
pub(super) fn live_nodes(graph: &Graph, roots: impl Iterator<Item = Value>) -> EntitySet<Node> {
    let mut live = EntitySet::with_capacity(graph.nodes().len());
    let mut work: Vec<Node> = roots.filter_map(|v| graph.node_of(v)).collect();
    while let Some(node) = work.pop() {
        if node.index() < graph.nodes().len() && live.insert(node) {
            work.extend(graph.inputs(node).iter().filter_map(|&v| graph.node_of(v)));
        }
    }
    live
}
