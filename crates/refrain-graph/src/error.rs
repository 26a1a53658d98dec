//! What can be wrong with a graph.

use crate::Node;

/// A primitive that does not fit its inputs, a broken graph, or text that is not a graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", location(.node, .op))]
pub struct GraphError {
    /// The node at fault, where there is one.
    pub node: Option<Node>,
    /// The primitive at fault, where there is one.
    pub op: Option<&'static str>,
    /// What was expected and what came.
    pub message: String,
}

fn location(node: &Option<Node>, op: &Option<&'static str>) -> String {
    match (node, op) {
        (Some(n), Some(op)) => format!("{n} ({op}): "),
        (Some(n), None) => format!("{n}: "),
        (None, Some(op)) => format!("{op}: "),
        (None, None) => String::new(),
    }
}

impl GraphError {
    /// An error without a place.
    pub fn new(message: impl Into<String>) -> Self {
        GraphError {
            node: None,
            op: None,
            message: message.into(),
        }
    }

    /// An error of a primitive.
    pub fn op(op: &'static str, message: impl Into<String>) -> Self {
        GraphError {
            node: None,
            op: Some(op),
            message: message.into(),
        }
    }

    /// The same error, at a node.
    pub fn at(mut self, node: Node) -> Self {
        self.node = Some(node);
        self
    }
}
