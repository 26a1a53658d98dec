//! Expressions as trees of bounded size.

use super::arguments::places;
use super::functions::Callee;
use super::operators::{Infix, Prefix};
use crate::error::{Error, ErrorKind, Result};

/// How many levels an expression may have. Trees are walked by recursion, which this keeps within a small stack.
pub(super) const MAX_DEPTH: usize = 128;

/// How many parts an expression may have.
pub(super) const MAX_PARTS: usize = 4096;

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    None,
    Ellipsis,
    Bool(bool),
    Int(i64),
    /// Not NaN, which has no literal in Python.
    Float(f64),
    Text(String),
}

/// What an expression is at its root.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// `x`, the layer's first argument.
    Input,
    /// `arguments`, the layer's further arguments by name.
    Arguments,
    Literal(Literal),
    List(Vec<Term>),
    Tuple(Vec<Term>),
    Prefix(Prefix, Box<Term>),
    Infix(Infix, Box<Term>, Box<Term>),
    /// `a[key]`.
    Index(Box<Term>, Box<Term>),
    /// `start:stop:step`, which stands in brackets only.
    Slice([Option<Box<Term>>; 3]),
    Call(Callee, Vec<Term>, Vec<(String, Term)>),
}

/// An expression that is known to be small enough and well formed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Term {
    node: Node,
    depth: usize,
    parts: usize,
}

impl Term {
    /// Checks the size, that slices stand in brackets only, and that calls fit their functions.
    pub(super) fn new(node: Node) -> Result<Term> {
        let node = simplified(node);
        if let Node::Call(callee, arguments, keywords) = &node {
            let names = keywords.iter().map(|(name, _)| name.as_str());
            places(callee.signature(), arguments.len(), names)?;
        }
        let children = children(&node);
        let depth = 1 + children.iter().map(|c| c.depth).max().unwrap_or(0);
        let parts = 1 + children.iter().map(|c| c.parts).sum::<usize>();
        let sliced = children.iter().any(|c| c.is_slice());
        let keys = matches!(node, Node::Tuple(_) | Node::Index(..));
        let nested = children.iter().any(|c| c.has_slices());
        if (sliced && !keys) || (nested && !matches!(node, Node::Index(..))) || misplaced(&node) {
            return Err(Error::new(
                ErrorKind::Config,
                "a slice stands outside of brackets",
            ));
        }
        if depth > MAX_DEPTH || parts > MAX_PARTS {
            return Err(Error::mismatch(
                ErrorKind::Unsupported,
                format!("an expression of at most {MAX_DEPTH} levels and {MAX_PARTS} parts"),
                "more",
            ));
        }
        Ok(Term { node, depth, parts })
    }

    pub(super) fn literal(literal: Literal) -> Term {
        Term {
            node: Node::Literal(literal),
            depth: 1,
            parts: 1,
        }
    }

    pub(super) fn input() -> Term {
        Term {
            node: Node::Input,
            depth: 1,
            parts: 1,
        }
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    pub(super) fn parts(&self) -> usize {
        self.parts
    }

    pub(super) fn into_node(self) -> Node {
        self.node
    }

    fn is_slice(&self) -> bool {
        matches!(self.node, Node::Slice(_))
    }

    /// Whether it is a tuple that can only be a key.
    fn has_slices(&self) -> bool {
        matches!(&self.node, Node::Tuple(items) if items.iter().any(Term::is_slice))
    }

    /// Whether it can stand by itself.
    pub(super) fn is_value(&self) -> bool {
        !self.is_slice() && !self.has_slices()
    }
}

/// Whether an indexed value is itself a slice.
fn misplaced(node: &Node) -> bool {
    matches!(node, Node::Index(of, _) if !of.is_value())
}

/// Negative numbers as literals, and bounds of slices without `None`: one form for each meaning.
fn simplified(node: Node) -> Node {
    match node {
        Node::Prefix(Prefix::Negative, operand) => match &operand.node {
            Node::Literal(Literal::Int(n)) if n.checked_neg().is_some() => {
                Node::Literal(Literal::Int(-n))
            }
            Node::Literal(Literal::Float(n)) => Node::Literal(Literal::Float(-n)),
            _ => Node::Prefix(Prefix::Negative, operand),
        },
        Node::Slice(bounds) => {
            let none = Node::Literal(Literal::None);
            Node::Slice(bounds.map(|b| b.filter(|t| t.node != none)))
        }
        node => node,
    }
}

fn children(node: &Node) -> Vec<&Term> {
    match node {
        Node::Input | Node::Arguments | Node::Literal(_) => Vec::new(),
        Node::List(items) | Node::Tuple(items) => items.iter().collect(),
        Node::Prefix(_, a) => vec![a],
        Node::Infix(_, a, b) | Node::Index(a, b) => vec![a, b],
        Node::Slice(bounds) => bounds.iter().flatten().map(Box::as_ref).collect(),
        Node::Call(_, arguments, keywords) => {
            let keywords = keywords.iter().map(|(_, t)| t);
            arguments.iter().chain(keywords).collect()
        }
    }
}
