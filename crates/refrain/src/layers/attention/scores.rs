//! Masks and weights of attention, and the forms in which its layers can be called.

use refrain_graph::{BinaryOp, Comparison, DType, Dim, Shape, UnaryOp};
use serde_json::Value as Json;

use crate::error::{Error, ErrorKind, Result};
use crate::inputs::{Argument, Inputs};
use crate::layers::{AnyLayer, Call};
use crate::ops::{self, prim};
use crate::structure::Structure;
use crate::tensor::Tensor;

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
}

/// The arguments of a call that are not one of these, added to others.
pub(super) fn with_options(mut call: Inputs, from: &Inputs, except: &[&str]) -> Inputs {
    for (name, argument) in from.kwargs() {
        if except.contains(&name.as_str()) {
            continue;
        }
        call = match argument {
            Argument::Tensors(tensors) => call.kwarg(name, tensors),
            Argument::Value(value) => call.option(name, value.clone()),
        };
    }
    call
}

/// A flag among the keyword arguments.
pub(super) fn flag(inputs: &Inputs, name: &str) -> bool {
    inputs.plain(usize::MAX, name).and_then(Json::as_bool) == Some(true)
}

/// Both masks where there are two.
pub(super) fn both(a: Option<Tensor>, b: Option<Tensor>) -> Result<Option<Tensor>> {
    match (a, b) {
        (Some(a), Some(b)) => prim::binary(BinaryOp::And, &a, &b).map(Some),
        (a, b) => Ok(a.or(b)),
    }
}

/// A mask with an axis of size 1 put in.
pub(super) fn expand(mask: &Tensor, axis: usize) -> Result<Tensor> {
    let mut dims = mask.shape().dims().to_vec();
    dims.insert(axis.min(dims.len()), Some(1));
    prim::reshape(mask, dims)
}

/// Positions of queries and of values, each of shape `(1, queries, values)`.
fn positions(like: &Tensor, queries: Dim, values: Dim) -> Result<(Tensor, Tensor)> {
    let shape = Shape::from(vec![Some(1), queries, values]);
    let along = |axis| prim::iota(like, &shape, DType::I32, axis);
    Ok((along(1)?, along(2)?))
}

/// True where a value is not later than the query: shape `(1, queries, values)`.
pub(super) fn causal_mask(like: &Tensor, queries: Dim, values: Dim) -> Result<Tensor> {
    let (query, value) = positions(like, queries, values)?;
    prim::compare(Comparison::Ge, &query, &value)
}

/// True where a value is nearer to the query than `window`: shape `(1, queries, values)`.
pub(super) fn window_mask(
    like: &Tensor,
    queries: Dim,
    values: Dim,
    window: usize,
) -> Result<Tensor> {
    let (query, value) = positions(like, queries, values)?;
    let difference = prim::binary(BinaryOp::Subtract, &query, &value)?;
    let distance = prim::unary(UnaryOp::Abs, &difference)?;
    let window = prim::constant_like(&distance, window as f64)?;
    prim::compare(Comparison::Lt, &distance, &window)
}

/// Keras's replacement for the logit of what a mask hides, in its explicit form of attention.
pub(super) fn hidden_logit(dtype: DType) -> f64 {
    match dtype {
        DType::F16 => -3e4,
        _ => -1e9,
    }
}

/// JAX's replacement for the logit of what a mask hides, in its fused form of attention.
pub(super) fn lowest_logit(dtype: DType) -> f64 {
    /// The part of the type's range that leaves room for subtracting the largest logit.
    const PART: f64 = 0.7;
    let range = if dtype == DType::F16 {
        dtype
    } else {
        DType::F32
    };
    -PART * prim::limits(range).1
}

/// Softmax over the last `axes` axes.
pub(super) fn softmax(scores: &Tensor, axes: usize) -> Result<Tensor> {
    let axes: Vec<usize> = (scores.rank() - axes..scores.rank()).collect();
    ops::softmax_traced(scores, &axes)
}

/// A tensor of scalars chosen by a mask that broadcasts against it: the tensor where true, a number elsewhere.
pub(super) fn fill(x: &Tensor, mask: &Tensor, hidden: f64) -> Result<Tensor> {
    prim::select(mask, x, &prim::constant_like(x, hidden)?)
}

/// The argument that asks for the scores.
pub(super) const RETURN_SCORES: &str = "return_attention_scores";

/// Calls a layer of this folder for its output and its scores.
pub(super) fn call_with_scores(layer: &AnyLayer, inputs: Inputs) -> Result<(Tensor, Tensor)> {
    let outputs = layer.call_structure(&inputs.option(RETURN_SCORES, true))?;
    let [output, scores] = <[Tensor; 2]>::try_from(outputs.into_leaves())
        .map_err(|_| Error::new(ErrorKind::Internal, "attention without its scores"))?;
    Ok((output, scores))
}

/// Gives a layer the call that also returns the scores.
macro_rules! scored_call {
    ($alias:ident) => {
        impl $alias {
            /// Calls the layer and also gives the scores `(batch, …, queries, values)`.
            ///
            /// # Errors
            /// As [`call`](crate::layers::Handle::call).
            pub fn call_with_scores(&self, inputs: impl Into<Inputs>) -> Result<(Tensor, Tensor)> {
                super::scores::call_with_scores(&self.any(), inputs.into())
            }
        }
    };
}

/// The parts of [`Layer`](crate::layers::Layer) that are the same for all attentions: those of what `attend` gives.
macro_rules! attention_methods {
    () => {
        fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
            self.attend(cx, inputs).map(|(output, _)| output)
        }

        fn call_nested(
            &self,
            cx: &Call,
            inputs: &Inputs,
        ) -> Result<$crate::structure::Structure<Tensor>> {
            let attended = self.attend(cx, inputs)?;
            Ok($crate::layers::attention::scores::outputs(inputs, attended))
        }

        fn duplicate(&self) -> Option<Self> {
            Some(self.clone())
        }

        fn supports_masking(&self) -> bool {
            true
        }
    };
}

/// The output alone, or with the scores where they are asked for.
pub(super) fn outputs(inputs: &Inputs, (output, scores): (Tensor, Tensor)) -> Structure<Tensor> {
    match flag(inputs, RETURN_SCORES) {
        true => Structure::tuple([output, scores]),
        false => Structure::Leaf(output),
    }
}

pub(super) use {attention_methods, scored_call};
