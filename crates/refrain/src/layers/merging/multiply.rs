//! The product of tensors.

use refrain_graph::BinaryOp;

use super::base_merge::{aligned, mask_of};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::ops::prim;
use crate::tensor::Tensor;

super::base_merge::merge_layer! {
    /// The elementwise product of its inputs; where one is masked, it counts as 1.
    ///
    /// Input: a list of tensors of one shape, or of shapes whose axes can be repeated to one; smaller ranks get axes of
    /// size 1 after the batch. Output of the common shape. No weights. The output's mask is where any of the inputs' masks holds.
    ///
    /// ```
    /// use refrain::{input, layers};
    /// let (a, b) = (input([10]), input([10]));
    /// let y = layers::multiply([&a, &b])?;
    /// assert_eq!(y.shape().to_string(), "(None, 10)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/merging/multiply.py`.
    Multiply, MultiplyOptions, "Multiply", Keras2WithValues,
    /// The elementwise product; see [`Multiply`].
    multiply, product
}

/// Where all inputs are masked the product is 0.
fn product(inputs: &Inputs) -> Result<Tensor> {
    let xs = aligned(inputs)?;
    let masks = xs.iter().map(mask_of).collect::<Result<Vec<_>>>()?;
    let unmasked = xs.iter().zip(&masks).map(|(x, mask)| match mask {
        Some(mask) => prim::select(mask, x, &prim::constant_like(x, 1.0)?),
        None => Ok(x.clone()),
    });
    let factors = unmasked.collect::<Result<Vec<_>>>()?.into_iter().map(Ok);
    let product = factors.reduce(|a, b| prim::binary(BinaryOp::Multiply, &a?, &b?));
    let product =
        product.ok_or_else(|| Error::mismatch(ErrorKind::Structure, "input tensors", "none"))??;
    let all: Option<Vec<Tensor>> = masks.into_iter().collect();
    let either = all.into_iter().flatten().map(Ok);
    let either = either.reduce(|a, b| prim::binary(BinaryOp::Or, &a?, &b?));
    match either.transpose()? {
        Some(mask) => prim::select(&mask, &product, &prim::constant_like(&product, 0.0)?),
        None => Ok(product),
    }
}
