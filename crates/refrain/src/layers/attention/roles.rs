//! The tensors that attention is called on.

use crate::error::{Error, ErrorKind, Result};
use crate::inputs::{Argument, Inputs};
use crate::layers::Call;
use crate::structure::Structure;
use crate::tensor::Tensor;

/// The names of the arguments.
pub(super) const ROLES: &[&str] = &["query", "value", "key"];

/// The tensors of a call.
pub(super) struct Roles {
    pub(super) query: Tensor,
    pub(super) value: Tensor,
    /// `None`: the value.
    pub(super) key: Option<Tensor>,
}

fn too_few() -> Error {
    Error::mismatch(
        ErrorKind::Structure,
        "a query and a value, and perhaps a key",
        "something else",
    )
}

impl Roles {
    /// From a list of two or three, from positions, or from the names `query`, `value` and `key`. A query alone is its
    /// own value.
    pub(super) fn of(inputs: &Inputs) -> Result<Self> {
        if let Some(Structure::List(items) | Structure::Tuple(items)) = inputs.get(0, "query") {
            return Roles::from_list(items);
        }
        let query = inputs.tensor(0, "query").ok_or_else(too_few)?;
        let value = inputs.tensor(1, "value").unwrap_or(query);
        Ok(Roles {
            query: query.clone(),
            value: value.clone(),
            key: inputs.tensor(2, "key").cloned(),
        })
    }

    fn from_list(items: &[Structure<Tensor>]) -> Result<Self> {
        let tensors = items.iter().map(|item| match item {
            Structure::Leaf(tensor) => Ok(tensor.clone()),
            _ => Err(too_few()),
        });
        let mut tensors = tensors.collect::<Result<Vec<_>>>()?.into_iter();
        let (query, value, key) = (tensors.next(), tensors.next(), tensors.next());
        match (query, value, tensors.next()) {
            (Some(query), Some(value), None) => Ok(Roles { query, value, key }),
            _ => Err(too_few()),
        }
    }

    /// The same tensors as floats.
    pub(super) fn floats(self, cx: &Call) -> Result<Self> {
        Ok(Roles {
            query: cx.floats(&self.query)?,
            value: cx.floats(&self.value)?,
            key: self.key.map(|key| cx.floats(&key)).transpose()?,
        })
    }

    /// The key, or the value in its place.
    pub(super) fn key(&self) -> &Tensor {
        self.key.as_ref().unwrap_or(&self.value)
    }

    /// The arguments of a call, in which a list of tensors becomes those that it stands for.
    pub(super) fn as_arguments(inputs: &Inputs) -> Result<Inputs> {
        let roles = Roles::of(inputs)?;
        let listed =
            |argument: &Argument| matches!(argument, Argument::Tensors(Structure::List(_)));
        if !inputs.args().first().is_some_and(listed) {
            return Ok(inputs.clone());
        }
        let mut call = Inputs::new(&roles.query).arg(&roles.value);
        if let Some(key) = &roles.key {
            call = call.kwarg("key", key);
        }
        let others = inputs.kwargs().iter();
        for (name, argument) in others.filter(|(name, _)| !ROLES.contains(&name.as_str())) {
            call = match argument {
                Argument::Tensors(tensors) => call.kwarg(name, tensors),
                Argument::Value(value) => call.option(name, value.clone()),
            };
        }
        Ok(call)
    }
}
