//! Expressions applied to tensors.

use super::arguments::{Arguments, countable, small};
use super::arithmetic;
use super::term::{Node, Term};
use super::value::Value;
use crate::config::short;
use crate::error::{Error, ErrorKind, Result};
use crate::layers::LambdaArguments;
use crate::ops::{self, Index};
use crate::structure::Structure;
use crate::tensor::Tensor;

/// The tensor that an expression makes of a layer's first argument.
pub(super) fn apply(
    term: &Term,
    input: Structure<Tensor>,
    arguments: Option<&LambdaArguments>,
) -> Result<Tensor> {
    let none = || Error::mismatch(ErrorKind::Structure, "a tensor", "no tensor");
    let beside = (*input.flatten().first().ok_or_else(none)?).clone();
    let evaluation = Evaluation {
        input: input.into(),
        arguments,
        beside,
    };
    match evaluation.value(term)? {
        Value::Tensor(t) => t.checked(),
        other => Err(Error::mismatch(
            ErrorKind::Structure,
            "an expression that gives one tensor",
            other.described(),
        )),
    }
}

struct Evaluation<'a> {
    input: Value,
    arguments: Option<&'a LambdaArguments>,
    beside: Tensor,
}

impl Evaluation<'_> {
    fn value(&self, term: &Term) -> Result<Value> {
        let value = match term.node() {
            Node::Input => self.input.clone(),
            Node::Literal(literal) => Value::from(literal),
            Node::List(items) | Node::Tuple(items) => Value::List(self.values(items)?),
            Node::Prefix(operator, operand) => arithmetic::prefix(*operator, self.value(operand)?)?,
            Node::Infix(operator, a, b) => {
                arithmetic::infix(*operator, self.value(a)?, self.value(b)?)?
            }
            Node::Arguments => {
                let expected = "the name of an argument in brackets: `arguments['name']`";
                return Err(Error::mismatch(ErrorKind::Structure, expected, "none"));
            }
            Node::Index(of, key) if *of.node() == Node::Arguments => {
                self.argument(self.value(key)?)?
            }
            Node::Index(of, key) => index(self.value(of)?, self.value(key)?)?,
            Node::Slice(bounds) => self.slice(bounds)?,
            Node::Call(callee, arguments, keywords) => {
                let named = keywords.iter();
                let named = named.map(|(name, term)| Ok((name.clone(), self.value(term)?)));
                let arguments = Arguments::bind(
                    callee.signature(),
                    self.values(arguments)?,
                    named.collect::<Result<_>>()?,
                    self.beside.clone(),
                )?;
                callee.call(&arguments)?
            }
        };
        if let Value::Tensor(t) = &value {
            t.check()?;
            if !countable(t.shape().dims().iter().copied().flatten()) {
                return Err(unfit("a tensor of fewer elements", &value));
            }
        }
        Ok(value)
    }

    /// One of the layer's further arguments.
    fn argument(&self, key: Value) -> Result<Value> {
        let Value::Text(name) = &key else {
            return Err(unfit("the name of an argument", &key));
        };
        let found = self.arguments.and_then(|arguments| arguments.json(name));
        let json = found.ok_or_else(|| {
            let message = format!("the layer has no argument `{}`", short(name));
            Error::new(ErrorKind::Config, message)
        })?;
        Value::from_json(json, &self.beside)
    }

    fn values(&self, terms: &[Term]) -> Result<Vec<Value>> {
        terms.iter().map(|t| self.value(t)).collect()
    }

    fn slice(&self, bounds: &[Option<Box<Term>>; 3]) -> Result<Value> {
        let mut integers = [None; 3];
        for (integer, bound) in integers.iter_mut().zip(bounds) {
            let Some(term) = bound else { continue };
            let value = self.value(term)?;
            let found = small(&value);
            *integer = Some(found.ok_or_else(|| unfit("an integer in a slice", &value))?);
        }
        match integers {
            [_, _, Some(0)] => Err(unfit("a step", &Value::Int(0))),
            integers => Ok(Value::Slice(integers)),
        }
    }
}

fn unfit(expected: &str, value: &Value) -> Error {
    Error::mismatch(ErrorKind::Structure, expected, value.described())
}

/// `of[key]`: picks of a list or dict, indexes a tensor.
fn index(of: Value, key: Value) -> Result<Value> {
    match (of, key) {
        (Value::Tensor(t), Value::List(parts)) => {
            let parts = parts.iter().map(tensor_index).collect::<Result<Vec<_>>>()?;
            Ok(ops::get_item(&t, parts).into())
        }
        (Value::Tensor(t), key) => Ok(ops::get_item(&t, tensor_index(&key)?).into()),
        (Value::List(items), Value::Int(n)) => {
            let place = if n < 0 {
                n.checked_add(items.len() as i64)
            } else {
                Some(n)
            };
            let place = place.and_then(|n| usize::try_from(n).ok());
            let picked = place.and_then(|n| items.get(n)).cloned();
            picked.ok_or_else(|| {
                let expected = format!("a place in {}", Value::List(items).described());
                unfit(&expected, &Value::Int(n))
            })
        }
        (Value::List(items), Value::Slice(bounds)) => Ok(Value::List(part(&items, bounds))),
        (Value::Dict(items), Value::Text(key)) => items.get(&key).cloned().ok_or_else(|| {
            let keys: Vec<&str> = items.keys().map(String::as_str).collect();
            let expected = format!("one of the keys {}", keys.join(", "));
            Error::mismatch(ErrorKind::Structure, expected, format!("'{key}'"))
        }),
        (of, key) => {
            let expected = format!("an index of {}", of.described());
            Err(unfit(&expected, &key))
        }
    }
}

fn tensor_index(value: &Value) -> Result<Index> {
    Ok(match value {
        Value::None => Index::NewAxis,
        Value::Ellipsis => Index::Ellipsis,
        Value::Slice([start, stop, step]) => Index::Slice(*start, *stop, *step),
        value => Index::At(small(value).ok_or_else(|| {
            unfit(
                "an integer, a slice, an ellipsis or None in brackets",
                value,
            )
        })?),
    })
}

/// The items of a list from a start to a stop in steps, as Python takes them.
fn part(items: &[Value], [start, stop, step]: [Option<i64>; 3]) -> Vec<Value> {
    let (step, length) = (step.unwrap_or(1), items.len() as i64);
    let (lowest, highest) = if step < 0 {
        (-1, length - 1)
    } else {
        (0, length)
    };
    let place = |bound: Option<i64>, default: i64| match bound {
        None => default,
        Some(n) if n < 0 => (n + length).clamp(lowest, highest),
        Some(n) => n.clamp(lowest, highest),
    };
    let (first, end) = if step < 0 {
        (highest, lowest)
    } else {
        (lowest, highest)
    };
    let (mut at, stop) = (place(start, first), place(stop, end));
    let mut taken = Vec::new();
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        taken.extend(usize::try_from(at).ok().and_then(|i| items.get(i)).cloned());
        at += step;
    }
    taken
}
