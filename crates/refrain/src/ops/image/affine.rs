//! Images that are moved, turned, sheared and scaled.

use super::sampling::{Sampling, warp};
use super::{apply, on_batch, places};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::ops::definition::{OpResult, operations};
use crate::ops::{self, tensor_argument};
use crate::tensor::Tensor;

operations! { TABLE in table {
    /// Images of pixels that lie elsewhere: the pixel at `(x, y)` is that at `(a0·x + a1·y + a2, b0·x + b1·y + b2)`.
    ///
    /// `transform` is `(8,)` or `(batch, 8)`: `[a0, a1, a2, b0, b1, b2, c0, c1]`. As in Keras on JAX `c0` and `c1` are no perspective,
    /// but move rows and columns by themselves times the channel. The result has the shape and the type of the images.
    ///
    /// ```
    /// use ndarray::array;
    /// use refrain::{input, ops};
    /// use refrain::ops::image::{Sampling, affine_transform};
    /// let shift = ops::convert_to_tensor(&array![1.0_f32, 0.0, -2.0, 0.0, 1.0, 3.0, 0.0, 0.0]);
    /// let y = affine_transform(&input([64, 80, 3]), &shift, Sampling::default());
    /// assert_eq!(y.shape().to_string(), "(None, 64, 80, 3)");
    /// ```
    pub fn affine_transform(images: &Tensor, transform: &Tensor, sampling: Sampling) -> Tensor {
        |op| Tensor::from_result(apply(op, [images, transform], sampling.to_config()))
    }
    "ops.image" / "AffineTransform" as
    "affine_transform(images, transform, interpolation='bilinear', fill_mode='constant', fill_value=0, data_format=None)"
    [Tensor, Tensor, Text, Text, Number, Plain] => affine_transform_call;
}}

fn affine_transform_call(inputs: &Inputs, config: &Config) -> OpResult {
    let x = tensor_argument(inputs, 0, "images")?;
    let transform = tensor_argument(inputs, 1, "transform")?;
    let how = Sampling::from_config(config)?;
    if !matches!(transform.rank(), 1 | 2) || transform.dim(-1) != Some(8) {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            "a transform of 8 numbers, or one for each image",
            format!("shape {}", transform.shape()),
        ));
    }
    let number = |i: usize| {
        let number = ops::slice_axis(&transform, -1, Some(i as i64), Some(i as i64 + 1));
        match transform.rank() {
            1 => number,
            _ => ops::expand_dims(number, [-1, -2]),
        }
    };
    let y = on_batch(&x, how.data_format, |x| {
        let rows_and_columns = [0, 1, 2, 3, 4, 5].map(number);
        let [row, column] = coordinates(x, &rows_and_columns, 4)?;
        let channel = places(x, 3, 4, transform.dtype())?;
        warp(
            x,
            [row + number(6) * &channel, column + number(7) * &channel],
            &how,
        )
    });
    Ok(y?.into())
}

/// Images `(batch, rows, columns, channels)` of pixels that lie where `[a0, a1, a2, b0, b1, b2]` say, numbers or `(batch, 1, 1)`.
pub(crate) fn transformed(x: &Tensor, transform: &[Tensor; 6], how: &Sampling) -> Result<Tensor> {
    on_batch(x, how.data_format, |x| {
        warp(x, coordinates(x, transform, 3)?, how)
    })
}

/// The rows and columns where pixels lie.
fn coordinates(
    x: &Tensor,
    [a0, a1, a2, b0, b1, b2]: &[Tensor; 6],
    rank: usize,
) -> Result<[Tensor; 2]> {
    let row = places(x, 1, rank, a0.dtype())?;
    let column = places(x, 2, rank, a0.dtype())?;
    Ok([&row * b1 + &column * b0 + b2, &row * a1 + &column * a0 + a2])
}
