//! Functions that change shapes, and join or cut tensors.

use super::super::arguments::Arguments;
use super::super::value::Value;
use super::functions;
use crate::error::Result;
use crate::ops::{self, Axes};
use crate::tensor::Tensor;

functions! { TABLE {
    ["expand_dims(x, axis)", "K.expand_dims(x, axis=-1)", "tf.expand_dims(input, axis)"] => |a| {
        Ok(ops::expand_dims(&a.tensor(0)?, a.integers(1)?).into())
    };
    ["squeeze(x, axis=None)", "K.squeeze(x, axis)", "tf.squeeze(input, axis=None)"] => |a| {
        Ok(ops::squeeze(&a.tensor(0)?, a.axes(1)?).into())
    };
    ["reshape(x, newshape)", "K.reshape(x, shape)", "tf.reshape(tensor, shape)"] => |a| {
        Ok(ops::reshape(&a.tensor(0)?, a.shape(1)?).into())
    };
    ["ravel(x)", "K.flatten(x)"] => |a| Ok(ops::ravel(&a.tensor(0)?).into());
    ["K.batch_flatten(x)"] => batch_flatten;
    ["transpose(x, axes=None)", "tf.transpose(a, perm=None)"] => transpose;
    ["K.transpose(x)"] => |a| Ok(ops::transpose(&a.tensor(0)?, None).into());
    ["K.permute_dimensions(x, pattern)"] => |a| {
        Ok(ops::transpose(&a.tensor(0)?, Some(&a.integers(1)?)).into())
    };
    ["swapaxes(x, axis1, axis2)"] => |a| {
        Ok(ops::swapaxes(&a.tensor(0)?, a.axis(1)?, a.axis(2)?).into())
    };
    ["moveaxis(x, source, destination)"] => |a| {
        Ok(ops::moveaxis(&a.tensor(0)?, a.integers(1)?, a.integers(2)?).into())
    };
    ["concatenate(xs, axis=0)", "K.concatenate(tensors, axis=-1)", "tf.concat(values, axis)"] => |a| {
        Ok(ops::concatenate(a.tensors(0)?, a.axis(1)?).into())
    };
    ["stack(x, axis=0)", "K.stack(x, axis=0)", "tf.stack(values, axis=0)"] => |a| {
        Ok(ops::stack(a.tensors(0)?, a.axis(1)?).into())
    };
    ["split(x, indices_or_sections, axis=0)", "tf.split(value, num_or_size_splits, axis=0)"] => split;
    ["tile(x, repeats)", "K.tile(x, n)", "tf.tile(input, multiples)"] => |a| {
        Ok(ops::tile(&a.tensor(0)?, a.counts(1)?).into())
    };
    ["repeat(x, repeats, axis)", "K.repeat_elements(x, rep, axis)", "tf.repeat(input, repeats, axis)"] => |a| {
        Ok(ops::repeat(&a.tensor(0)?, a.count(1)?, a.axis(2)?).into())
    };
    ["K.repeat(x, n)"] => |a| match a.tensor(0)? {
        x if x.rank() == 2 => Ok(ops::repeat(&ops::expand_dims(&x, 1), a.count(1)?, 1).into()),
        _ => Err(a.unfit(0, "a tensor of rank 2")),
    };
    ["flip(x, axis=None)", "K.reverse(x, axes)", "tf.reverse(tensor, axis)"] => |a| {
        Ok(ops::flip(&a.tensor(0)?, a.axes(1)?).into())
    };
    ["roll(x, shift, axis)", "tf.roll(input, shift, axis)"] => |a| {
        Ok(ops::roll(&a.tensor(0)?, a.axis(1)?, a.axis(2)?).into())
    };
}}

/// All axes but the first in one. Its size must be known.
fn batch_flatten(a: &Arguments) -> Result<Value> {
    let x = a.tensor(0)?;
    let shape = x.shape();
    let rest = shape.dims().iter().skip(1).copied();
    let size: Option<usize> = rest.product();
    match size {
        Some(size) => Ok(ops::reshape(&x, [None, Some(size)]).into()),
        None => Err(a.unfit(0, "a tensor of known sizes after the first")),
    }
}

fn transpose(a: &Arguments) -> Result<Value> {
    let x = a.tensor(0)?;
    let transposed = match a.axes(1)? {
        Axes::All => ops::transpose(&x, None),
        Axes::Only(axes) => ops::transpose(&x, Some(&axes)),
    };
    Ok(transposed.into())
}

/// Into so many equal parts. NumPy's positions and TensorFlow's sizes mean different things and are refused.
fn split(a: &Arguments) -> Result<Value> {
    let (x, parts, axis) = (a.tensor(0)?, a.count(1)?, a.axis(2)?);
    let size: Option<usize> = x.dim(axis);
    match size.is_some_and(|n| parts > 0 && n >= parts && n % parts == 0) {
        true => {
            let parts: Vec<Tensor> = ops::split(&x, parts, axis);
            Ok(parts.into())
        }
        false => Err(a.unfit(1, "a number of parts that divides the axis")),
    }
}
