//! What parts of an expression are while it is applied.

use std::collections::BTreeMap;

use refrain_graph::DType;
use serde_json::Value as Json;

use super::config::items;
use super::term::Literal;
use crate::config::number_to_json;
use crate::error::Result;
use crate::ops::{is_array, listed};
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

    /// What a file writes: a plain value, an array of numbers beside a tensor, or a list or a dict of such.
    pub(super) fn from_json(json: &Json, beside: &Tensor) -> Result<Value> {
        if let Some(items) = items(json) {
            let items = items.iter().map(|item| Value::from_json(item, beside));
            return Ok(Value::List(items.collect::<Result<_>>()?));
        }
        if let Some(value) = Value::plain(json) {
            return Ok(value);
        }
        Ok(match json {
            Json::Object(map) if !is_array(json) => {
                let items = map.iter();
                let items = items.map(|(k, item)| Ok((k.clone(), Value::from_json(item, beside)?)));
                Value::Dict(items.collect::<Result<_>>()?)
            }
            array => listed(beside, array)?.into(),
        })
    }

    /// A number, a flag, a text or nothing.
    pub(super) fn plain(json: &Json) -> Option<Value> {
        Some(match json {
            Json::Null => Value::None,
            Json::Bool(b) => Value::Bool(*b),
            Json::String(text) => Value::Text(text.clone()),
            Json::Number(n) => match (n.as_i64(), n.as_f64()) {
                (Some(n), _) => Value::Int(n),
                (None, n) => Value::Float(n.unwrap_or(f64::NAN)),
            },
            _ => return None,
        })
    }

    /// Whether it is a tensor, or a list that can become one.
    pub(super) fn is_tensor(&self) -> bool {
        matches!(self, Value::Tensor(_) | Value::List(_))
    }

    /// Numbers, or nested lists of them, as a file writes them; `None` for what holds anything else.
    pub(super) fn to_json(&self) -> Option<Json> {
        Some(match self {
            Value::Bool(b) => Json::Bool(*b),
            Value::Int(n) => Json::from(*n),
            Value::Float(n) => number_to_json(*n),
            Value::List(items) => items.iter().map(Value::to_json).collect::<Option<_>>()?,
            _ => return None,
        })
    }

    /// The type of 32 bits that numbers in lists make an array of.
    pub(super) fn natural(&self) -> DType {
        if self.all(|v| matches!(v, Value::Bool(_))) {
            DType::Bool
        } else if self.all(|v| matches!(v, Value::Bool(_) | Value::Int(_))) {
            DType::I32
        } else {
            DType::F32
        }
    }

    /// Whether something is true of a value, or of all in a list that is not empty.
    fn all(&self, is: fn(&Value) -> bool) -> bool {
        match self {
            Value::List(items) => !items.is_empty() && items.iter().all(|item| item.all(is)),
            leaf => is(leaf),
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
