//! The arguments of a function: bound to its signature, read as what it takes.

use refrain_graph::DType;
use serde_json::Value as Json;

use super::arithmetic::operand;
use super::value::Value;
use crate::config::short;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Argument;
use crate::ops::{
    self, Axes, OpDef, Operand, Parameter, ParameterKind, ToArgument, array_json, listed,
    parameters,
};
use crate::structure::Structure;
use crate::tensor::Tensor;

/// The largest number of elements of a tensor in an expression, and the largest position: what 32 bits count. Products
/// of two such numbers do not overflow.
const MAX_SIZE: i64 = i32::MAX as i64;

/// The function's name in a signature.
pub(super) fn name(signature: &str) -> &str {
    signature.split('(').next().unwrap_or(signature)
}

/// Where a call's arguments belong: for each argument by name the place of its parameter, `None` for one that means
/// nothing here. An error for too many, unknown, repeated or missing arguments.
pub(super) fn places<'a>(
    signature: &str,
    positional: usize,
    names: impl Iterator<Item = &'a str>,
) -> Result<Vec<Option<usize>>> {
    let bad = |message: String| {
        Error::new(ErrorKind::Config, message).hint(format!("The function is `{signature}`"))
    };
    let known: Vec<Parameter> = parameters(signature).collect();
    let variadic = known.last().is_some_and(Parameter::is_variadic);
    if positional > known.len() && !variadic {
        return Err(bad(format!("{positional} arguments are too many")));
    }
    let mut given = vec![false; known.len()];
    given.iter_mut().take(positional).for_each(|g| *g = true);
    let mut places = Vec::new();
    for name in names {
        let place = known.iter().position(|p| p.name == name);
        let place = place.filter(|_| !name.starts_with('*'));
        match place.and_then(|i| given.get_mut(i)) {
            Some(true) => return Err(bad(format!("two values for argument `{name}`"))),
            Some(given) => *given = true,
            // TensorFlow's functions take a name for the operation.
            None if name == "name" && signature.starts_with("tf.") => (),
            None => return Err(bad(format!("no argument is named `{}`", short(name)))),
        }
        places.push(place);
    }
    let needed = |p: &Parameter| p.default.is_none() && !p.is_variadic();
    let missing = known
        .iter()
        .zip(given)
        .find(|(p, given)| needed(p) && !given);
    match missing {
        Some((p, _)) => Err(bad(format!("argument `{}` is missing", p.name))),
        None => Ok(places),
    }
}

/// Values in the order of a signature's parameters.
pub(super) struct Arguments {
    signature: &'static str,
    values: Vec<Value>,
    /// A tensor of the same program, which scalars are made beside.
    beside: Tensor,
}

impl Arguments {
    /// Binds values by position and by name.
    pub(super) fn bind(
        signature: &'static str,
        positional: Vec<Value>,
        keywords: Vec<(String, Value)>,
        beside: Tensor,
    ) -> Result<Self> {
        let names = keywords.iter().map(|(name, _)| name.as_str());
        let places = places(signature, positional.len(), names)?;
        let default = |p: Parameter| {
            p.default_value()
                .as_ref()
                .and_then(Value::plain)
                .unwrap_or(Value::None)
        };
        let defaults = parameters(signature).filter(|p| !p.is_variadic());
        let defaults = defaults.skip(positional.len()).map(default);
        let mut values: Vec<Value> = positional.into_iter().chain(defaults).collect();
        for (place, (_, value)) in places.into_iter().zip(keywords) {
            if let Some(bound) = place.and_then(|i| values.get_mut(i)) {
                *bound = value;
            }
        }
        Ok(Arguments {
            signature,
            values,
            beside,
        })
    }

    /// The name of the function.
    pub(super) fn name(&self) -> &'static str {
        name(self.signature)
    }

    /// The value at a place of the signature.
    pub(super) fn value(&self, place: usize) -> &Value {
        self.values.get(place).unwrap_or(&Value::None)
    }

    /// An error about the argument at a place.
    pub(super) fn unfit(&self, place: usize, expected: &str) -> Error {
        let parameter = parameters(self.signature).nth(place);
        let name = parameter.map_or(String::new(), |p| p.name.to_owned());
        let value = self.value(place);
        let error = Error::mismatch(
            ErrorKind::Structure,
            format!("{expected} as argument `{name}` of `{}`", self.signature),
            value.described(),
        );
        match value {
            Value::List(_) => error.hint("Pick one of several inputs: `x[0]`"),
            _ => error,
        }
    }

    fn read<T>(
        &self,
        place: usize,
        expected: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<T> {
        read(self.value(place)).ok_or_else(|| self.unfit(place, expected))
    }

    /// A tensor; a number becomes a scalar.
    pub(super) fn tensor(&self, place: usize) -> Result<Tensor> {
        self.read(place, "a tensor", |v| self.as_tensor(v))
    }

    fn as_tensor(&self, value: &Value) -> Option<Tensor> {
        let scalar = |n: Operand, dtype| {
            let one = ops::max(&self.beside, Axes::All, false);
            ops::full_like(&one, n, Some(dtype))
        };
        Some(match value {
            Value::Tensor(t) => t.clone(),
            Value::Int(n) => scalar(Operand::Integer(*n), DType::I32),
            Value::Float(n) => scalar(Operand::Number(*n), DType::F32),
            Value::Bool(b) => scalar(Operand::Integer(i64::from(*b)), DType::Bool),
            Value::List(_) => listed(&self.beside, &value.to_json()?).ok()?,
            _ => return None,
        })
    }

    /// Numbers in nested lists as an array of a type; of the type that NumPy gives them, at 32 bits, without one.
    pub(super) fn array(&self, place: usize, dtype: Option<DType>) -> Result<Tensor> {
        let value = self.value(place);
        let numbers = value.to_json();
        let numbers = numbers.ok_or_else(|| self.unfit(place, "numbers in lists"))?;
        let dtype = dtype.unwrap_or_else(|| value.natural());
        listed(&self.beside, &array_json(&numbers, dtype.keras_name()))
    }

    /// All arguments as an operation has them. What another signature leaves out has the operation's defaults.
    pub(super) fn of_operation(&self, def: &OpDef) -> Result<Vec<Argument>> {
        let mut given = Vec::new();
        for (place, kind) in def.kinds.iter().enumerate() {
            match kind {
                ParameterKind::Rest => {
                    given.extend(self.rest(place)?.iter().map(ToArgument::argument))
                }
                _ if place >= self.values.len() => given.extend(def.defaults(place).next()),
                kind => given.push(self.argument(place, *kind)?),
            }
        }
        Ok(given)
    }

    fn argument(&self, place: usize, kind: ParameterKind) -> Result<Argument> {
        Ok(match kind {
            ParameterKind::Operand if place > 0 || self.values.iter().any(Value::is_tensor) => {
                self.operand(place)?.argument()
            }
            ParameterKind::Tensor | ParameterKind::Operand | ParameterKind::Rest => {
                (&self.tensor(place)?).argument()
            }
            ParameterKind::Tensors => Structure::List(
                self.tensors(place)?
                    .into_iter()
                    .map(Structure::Leaf)
                    .collect(),
            )
            .argument(),
            ParameterKind::Indices => match self.value(place) {
                Value::Tensor(t) => t.argument(),
                _ => self.plain(place)?.argument(),
            },
            ParameterKind::Key | ParameterKind::Plain => self.plain(place)?.argument(),
            ParameterKind::Number => self.number(place)?.argument(),
            ParameterKind::Named | ParameterKind::OptionalNumber => {
                self.optional_number(place)?.argument()
            }
            ParameterKind::Flag => self.flag(place)?.argument(),
            ParameterKind::Integer => self.axis(place)?.argument(),
            ParameterKind::OptionalInteger => self.optional_axis(place)?.argument(),
            ParameterKind::Axes => self.axes(place)?.argument(),
            ParameterKind::Count => self.count(place)?.argument(),
            ParameterKind::Counts => self.counts(place)?.argument(),
            ParameterKind::Shape => self.shape(place)?.argument(),
            ParameterKind::Type => self.dtype(place)?.argument(),
            ParameterKind::OptionalType => self.optional_dtype(place)?.argument(),
            ParameterKind::Text => self.text(place)?.argument(),
        })
    }

    /// Numbers, flags, texts, and lists of such.
    fn plain(&self, place: usize) -> Result<Json> {
        fn json(value: &Value) -> Option<Json> {
            Some(match value {
                Value::None => Json::Null,
                Value::Text(text) => text.as_str().into(),
                Value::Int(_) => small(value)?.into(),
                Value::List(items) => items.iter().map(json).collect::<Option<_>>()?,
                value => value.to_json()?,
            })
        }
        self.read(place, "a number, a flag, a string or a list of such", json)
    }

    /// A list of tensors.
    pub(super) fn tensors(&self, place: usize) -> Result<Vec<Tensor>> {
        let list = |v: &Value| match v {
            Value::List(items) if !items.is_empty() => {
                items.iter().map(|i| self.as_tensor(i)).collect()
            }
            _ => None,
        };
        self.read(place, "a list of tensors", list)
    }

    /// All arguments from a place on, as tensors.
    pub(super) fn rest(&self, place: usize) -> Result<Vec<Tensor>> {
        (place..self.values.len()).map(|i| self.tensor(i)).collect()
    }

    /// Two operands, of which numbers take the other's type.
    pub(super) fn operands(&self) -> Result<(Operand, Operand)> {
        match (self.operand(0)?, self.operand(1)?) {
            (Operand::Tensor(a), b) => Ok((a.into(), b)),
            (a, Operand::Tensor(b)) => Ok((a, b.into())),
            (_, b) => Ok((self.tensor(0)?.into(), b)),
        }
    }

    /// A tensor or a number beside a tensor.
    pub(super) fn operand(&self, place: usize) -> Result<Operand> {
        let numbers = |list: &Value| self.as_tensor(list).map(Operand::from);
        self.read(place, "a tensor or a number", |v| match v {
            Value::List(_) => numbers(v),
            one => operand(one),
        })
    }

    pub(super) fn number(&self, place: usize) -> Result<f64> {
        self.read(place, "a number", Value::number)
    }

    /// A number or `None`.
    pub(super) fn optional_number(&self, place: usize) -> Result<Option<f64>> {
        match self.value(place) {
            Value::None => Ok(None),
            _ => self.number(place).map(Some),
        }
    }

    pub(super) fn flag(&self, place: usize) -> Result<bool> {
        self.read(place, "True or False", |v| match v {
            Value::Bool(b) => Some(*b),
            Value::Int(0) => Some(false),
            Value::Int(1) => Some(true),
            _ => None,
        })
    }

    pub(super) fn text(&self, place: usize) -> Result<&str> {
        match self.value(place) {
            Value::Text(text) => Ok(text),
            _ => Err(self.unfit(place, "a string")),
        }
    }

    /// An axis, a shift, or another number of places.
    pub(super) fn axis(&self, place: usize) -> Result<i64> {
        self.read(place, "an integer", small)
    }

    /// An axis or `None`.
    pub(super) fn optional_axis(&self, place: usize) -> Result<Option<i64>> {
        match self.value(place) {
            Value::None => Ok(None),
            _ => self.axis(place).map(Some),
        }
    }

    /// One integer or several.
    pub(super) fn integers(&self, place: usize) -> Result<Vec<i64>> {
        self.read(place, "integers", |v| match v {
            Value::List(items) => items.iter().map(small).collect(),
            one => small(one).map(|n| vec![n]),
        })
    }

    /// One axis, several, or `None` for all.
    pub(super) fn axes(&self, place: usize) -> Result<Axes> {
        match self.value(place) {
            Value::None => Ok(Axes::All),
            _ => self.integers(place).map(Axes::Only),
        }
    }

    /// A size or a number of repeats.
    pub(super) fn count(&self, place: usize) -> Result<usize> {
        let count = |v: &Value| usize::try_from(small(v)?).ok();
        self.read(place, "a size", count)
    }

    /// Sizes whose product can still be counted.
    pub(super) fn counts(&self, place: usize) -> Result<Vec<usize>> {
        let sizes = self.integers(place)?;
        let sizes: Option<Vec<usize>> = sizes.iter().map(|&n| usize::try_from(n).ok()).collect();
        let sizes = sizes.filter(|s| countable(s.iter().copied()));
        sizes.ok_or_else(|| self.unfit(place, "sizes"))
    }

    /// A shape in which one size may be -1.
    pub(super) fn shape(&self, place: usize) -> Result<Vec<i64>> {
        let shape = self.integers(place)?;
        let unknown = shape.iter().filter(|&&n| n == -1).count();
        let known = shape.iter().filter(|&&n| n != -1);
        let known: Option<Vec<usize>> = known.map(|&n| usize::try_from(n).ok()).collect();
        match known.is_some_and(|k| countable(k.into_iter())) && unknown <= 1 {
            true => Ok(shape),
            false => Err(self.unfit(place, "a shape with at most one -1")),
        }
    }

    pub(super) fn dtype(&self, place: usize) -> Result<DType> {
        self.read(place, "an element type", |v| match v {
            Value::Text(name) => DType::from_keras_name(name),
            _ => None,
        })
    }

    /// An element type or `None`.
    pub(super) fn optional_dtype(&self, place: usize) -> Result<Option<DType>> {
        match self.value(place) {
            Value::None => Ok(None),
            _ => self.dtype(place).map(Some),
        }
    }

    /// Checks an argument that only its default is supported of.
    pub(super) fn must_be_none(&self, place: usize) -> Result<()> {
        self.read(place, "None", |v| matches!(v, Value::None).then_some(()))
    }
}

/// An integer within the limit.
pub(super) fn small(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) if (-MAX_SIZE..=MAX_SIZE).contains(n) => Some(*n),
        _ => None,
    }
}

/// Whether a tensor of these sizes is within the limit.
pub(super) fn countable(mut sizes: impl Iterator<Item = usize>) -> bool {
    let product = sizes.try_fold(1usize, |product, n| product.checked_mul(n.max(1)));
    product.is_some_and(|p| i64::try_from(p).is_ok_and(|p| p <= MAX_SIZE))
}

#[cfg(test)]
mod tests {
    use super::super::functions::signatures;
    use super::*;

    #[test]
    fn every_default_of_every_signature_is_read() {
        for signature in signatures() {
            assert!(signature.ends_with(')'), "{signature}");
            for p in parameters(signature) {
                let read = p.default.map(|_| p.default_value().is_some());
                assert_ne!(read, Some(false), "{signature}: {}", p.name);
            }
        }
    }
}
