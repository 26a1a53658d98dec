//! What parts of an expression are while it is applied.

use std::collections::BTreeMap;

use super::term::Literal;
use crate::structure::Structure;
use crate::tensor::Tensor;

/// A value of a part of an expression.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Tensor(Tensor),
    None,
    Ellipsis,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// A list or a tuple.
    List(Vec<Value>),
    Dict(BTreeMap<String, Value>),
    Slice([Option<i64>; 3]),
}

impl Value {
    /// As an error names it.
    pub(super) fn described(&self) -> String {
        match self {
            Value::Tensor(t) => format!("a tensor of shape {}", t.shape()),
            Value::None => "None".to_owned(),
            Value::Ellipsis => "an ellipsis".to_owned(),
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::Int(n) => n.to_string(),
            Value::Float(n) => format!("{n:?}"),
            Value::Text(text) => format!("'{text}'"),
            Value::List(items) => format!("a list of {} values", items.len()),
            Value::Dict(items) => format!("a dict of {} values", items.len()),
            Value::Slice(_) => "a slice".to_owned(),
        }
    }

    /// A number, as Python counts truth values among them.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Value::Int(n) => Some(*n as f64),
            Value::Float(n) => Some(*n),
            Value::Bool(b) => Some(f64::from(*b)),
            _ => None,
        }
    }
}

impl From<Tensor> for Value {
    fn from(t: Tensor) -> Self {
        Value::Tensor(t)
    }
}

impl From<Vec<Tensor>> for Value {
    fn from(tensors: Vec<Tensor>) -> Self {
        Value::List(tensors.into_iter().map(Value::Tensor).collect())
    }
}

impl From<Structure<Tensor>> for Value {
    fn from(structure: Structure<Tensor>) -> Self {
        match structure {
            Structure::Leaf(t) => Value::Tensor(t),
            Structure::List(items) | Structure::Tuple(items) => {
                Value::List(items.into_iter().map(Value::from).collect())
            }
            Structure::Dict(items) => {
                let items = items.into_iter();
                Value::Dict(items.map(|(k, v)| (k, Value::from(v))).collect())
            }
        }
    }
}

impl From<&Literal> for Value {
    fn from(literal: &Literal) -> Self {
        match literal {
            Literal::None => Value::None,
            Literal::Ellipsis => Value::Ellipsis,
            Literal::Bool(b) => Value::Bool(*b),
            Literal::Int(n) => Value::Int(*n),
            Literal::Float(n) => Value::Float(*n),
            Literal::Text(text) => Value::Text(text.clone()),
        }
    }
}
