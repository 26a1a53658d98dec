//! The text form of graphs, printed by [`Display`](std::fmt::Display) and parsed by [`FromStr`].
//!
//! ```
//! let text = r#"graph {
//!   %0 = input "x" : f32[?,10]
//!   %1 = variable "dense/kernel" : f32[10,32]
//!   %2 = dot_general %0, %1 {contracting=[1]x[0]} : f32[?,32] @"dense"
//!   %3 = tanh %2 : f32[?,32]
//!   return %3
//! }
//! "#;
//! let graph: refrain_graph::Graph = text.parse()?;
//! assert_eq!(graph.to_string(), text);
//! # Ok::<(), refrain_graph::GraphError>(())
//! ```
//!
//! A statement defines values (`%` and any name), by a parameter (`input` or `variable` with its name) or by a
//! primitive: its name, inputs, attributes, the body of a scan, the results' specs, and the label of its scope. Then come
//! `update %variable = %value` statements and the results. Line breaks mean no more than spaces; `;` starts a comment.
//!
//! Elements of a constant are written as one value that fills it, as a list, or as the bytes of its elements (row-major,
//! each little-endian) in hexadecimal. All three give back the same bits. Scopes with one label are read as one scope.

mod attrs;
mod lex;
mod literal;
mod ops;
mod parse;
mod print;

use std::fmt;
use std::str::FromStr;

use crate::{Graph, GraphError, verify};

/// A graph as its text says, before the verifier has seen it.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The graph. Its nodes need not fit their inputs.
    pub graph: Graph,
    /// The line (from 1) on which each node of the graph begins, in the order of the nodes.
    pub lines: Vec<usize>,
}

/// Parses text without verifying what it says. Errors name line and column.
pub fn parse_unchecked(text: &str) -> Result<Parsed, GraphError> {
    parse::parse(text).map_err(|error| GraphError::new(error.to_string()))
}

impl FromStr for Graph {
    type Err = GraphError;

    fn from_str(text: &str) -> Result<Self, GraphError> {
        let Parsed { graph, lines } = parse_unchecked(text)?;
        verify::verify(&graph).map_err(|error| {
            let node = error
                .node
                .and_then(|node| lines.get(node.as_u32() as usize));
            match node {
                Some(line) => GraphError {
                    message: format!("line {line}: {}", error.message),
                    ..error
                },
                None => error,
            }
        })?;
        Ok(graph)
    }
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("graph ")?;
        print::block(f, self, 0)?;
        f.write_str("\n")
    }
}

#[cfg(test)]
mod tests;
