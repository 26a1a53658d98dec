//! Functions that change shapes, and join or cut tensors.

use super::super::arguments::Arguments;
use super::super::value::Value;
use super::functions;
use crate::error::Result;
use crate::ops;
use crate::tensor::Tensor;

functions! { TABLE {
    ["K.batch_flatten(x)"] => batch_flatten;
    ["tf.split(value, num_or_size_splits, axis=0)"] => split;
    ["K.repeat(x, n)"] => |a| match a.tensor(0)? {
        x if x.rank() == 2 => Ok(ops::repeat(&ops::expand_dims(&x, 1), a.count(1)?, 1).into()),
        _ => Err(a.unfit(0, "a tensor of rank 2")),
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

/// Into so many equal parts. TensorFlow's sizes mean something else than NumPy's positions and are refused.
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
