//! Elements at positions that differ from sample to sample, as TensorFlow's `gather` reads them.

use super::definition::ToArgument;
use super::index::{Index, key_to_json, table};
use super::{OpDef, Operation, ParameterKind, option, tensor_argument};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::{Argument, Inputs};
use crate::layers::{AnyLayer, Handle};
use crate::names;
use crate::structure::Structure;
use crate::tensor::{Tensor, resolve_axis};

/// TensorFlow's `gather` with `batch_dims`. Keras has no such function: a call in a file becomes calls of functions that it has.
pub(super) static BATCH_GATHER: OpDef = OpDef {
    function: None,
    class: "BatchGather",
    module: "ops.gather",
    signature: "batch_gather(params, indices, axis=None, batch_dims=0)",
    kinds: &[
        ParameterKind::Tensor,
        ParameterKind::Tensor,
        ParameterKind::OptionalInteger,
        ParameterKind::Integer,
    ],
    aliases: &[],
    differences: &[],
    call: |inputs, config| gather(inputs, config, None),
};

/// What a call in a file gives, if it is of a function that is made of others. The last of these gets the name.
pub(crate) fn composed(
    layer: &AnyLayer,
    inputs: &Inputs,
    name: Option<&str>,
) -> Result<Option<Structure<Tensor>>> {
    let operation = layer.options::<Operation>();
    let Some(operation) = operation.filter(|o| o.def.class == BATCH_GATHER.class) else {
        return Ok(None);
    };
    let outputs = names::for_parts(|| gather(inputs, &operation.config, name));
    outputs
        .map(Some)
        .map_err(|e| e.in_layer(layer.get_name(), layer.class_name()))
}

/// A call of a function.
struct OpCall {
    def: &'static OpDef,
    arguments: Vec<Argument>,
}

impl OpCall {
    /// `x[key]`.
    fn index(x: &Tensor, key: Vec<Index>) -> Self {
        OpCall {
            def: &table::get_item,
            arguments: vec![x.argument(), key_to_json(key).argument()],
        }
    }

    /// A function of tensors, positions and an axis.
    fn along(def: &'static OpDef, axis: usize, x: &Tensor, indices: &Tensor) -> Self {
        OpCall {
            def,
            arguments: vec![x.argument(), indices.argument(), axis.argument()],
        }
    }

    fn apply(self) -> Result<Tensor> {
        Ok(self.apply_as(None)?.into_first())
    }

    /// Applies the function, as a layer of this name if there is one.
    fn apply_as(self, name: Option<&str>) -> Result<Structure<Tensor>> {
        let def = self.def;
        let (inputs, config) = def.bind(self.arguments);
        let Some(name) = name else {
            return def.call(inputs, config);
        };
        let layer = Handle::from_options(Operation { def, config }).name(name);
        layer.any().call_structure(&inputs)
    }
}

/// The first `batch_dims` axes of both tensors are the same; the further axes of the positions take the place of `axis`.
fn gather(inputs: &Inputs, config: &Config, name: Option<&str>) -> Result<Structure<Tensor>> {
    let x = tensor_argument(inputs, 0, "params")?;
    let indices = tensor_argument(inputs, 1, "indices")?;
    let batch_dims: i64 = option(config, "batch_dims")?;
    let axis = option::<Option<i64>>(config, "axis")?;
    let batch = from_end(batch_dims, indices.rank())
        .filter(|&batch| batch < x.rank())
        .ok_or_else(|| unfit("batch_dims", batch_dims, &x, &indices))?;
    let axis = axis.map_or(Ok(batch), |axis| resolve_axis(axis, x.rank()))?;
    if axis < batch {
        return Err(unfit("axis", axis as i64, &x, &indices));
    }
    if batch == 0 {
        return OpCall::along(&table::take, axis, &x, &indices).apply_as(name);
    }
    let (whole, new) = (Index::Slice(None, None, None), Index::NewAxis);
    let count = indices.rank() - batch;
    // All axes of the positions but the last one have an axis of size 1 beside them.
    let beside = count.saturating_sub(1);
    let x_key = [vec![whole; axis], vec![new; beside]].concat();
    let place = match count {
        0 => vec![new],
        _ => vec![whole; count],
    };
    let indices_key = [
        vec![whole; batch],
        vec![new; axis - batch],
        place,
        vec![new; x.rank() - axis - 1],
    ];
    let (values, indices) = (
        widened(&x, x_key)?,
        widened(&indices, indices_key.concat())?,
    );
    let taken = OpCall::along(&table::take_along_axis, axis + beside, &values, &indices);
    if count > 0 {
        return taken.apply_as(name);
    }
    let first = [vec![whole; axis], vec![Index::At(0)]];
    OpCall::index(&taken.apply()?, first.concat()).apply_as(name)
}

fn from_end(batch_dims: i64, rank: usize) -> Option<usize> {
    let rank = i64::try_from(rank).ok()?;
    let batch_dims = if batch_dims < 0 {
        batch_dims.checked_add(rank)?
    } else {
        batch_dims
    };
    (batch_dims <= rank)
        .then(|| usize::try_from(batch_dims).ok())
        .flatten()
}

fn unfit(name: &str, value: i64, x: &Tensor, indices: &Tensor) -> Error {
    let message = format!(
        "argument `{name}` = {value} of `tf.gather` for elements of {} at positions of {}",
        x.shape(),
        indices.shape()
    );
    Error::new(ErrorKind::Shape, message)
}

/// A tensor with the new axes of an index that keeps all others.
fn widened(x: &Tensor, key: Vec<Index>) -> Result<Tensor> {
    if !key.contains(&Index::NewAxis) {
        return Ok(x.clone());
    }
    let Some(constant) = x.as_constant() else {
        return OpCall::index(x, key).apply();
    };
    let mut dims = constant.dims().to_vec();
    for (place, _) in key
        .iter()
        .enumerate()
        .filter(|(_, i)| **i == Index::NewAxis)
    {
        dims.insert(place, 1);
    }
    let widened = (**constant).clone().reshaped(dims);
    let widened = widened.ok_or_else(|| Error::new(ErrorKind::Internal, "new axes"))?;
    Ok(Tensor::constant(widened))
}
