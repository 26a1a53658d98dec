//! What layers that move pixels share.

use refrain_graph::DType;

use crate::error::Result;
use crate::layers::preprocessing::images;
use crate::layers::{DataFormat, FillMode, Interpolation};
use crate::ops::image::{self, Sampling};
use crate::ops::{self, prim};
use crate::tensor::Tensor;

/// How pixels are read.
pub(super) fn sampling(
    (interpolation, data_format): (Interpolation, DataFormat),
    fill_mode: FillMode,
    fill_value: f64,
) -> Sampling {
    let how = Sampling::default().interpolation(interpolation);
    how.fill_mode(fill_mode)
        .fill_value(fill_value)
        .data_format(data_format)
}

/// Images of pixels that lie where `[a0, a1, a2, b0, b1, b2]` say, a number for each image, `(batch, 1, 1, 1)`, or for all.
pub(super) fn moved(x: &Tensor, transform: [Tensor; 6], how: &Sampling) -> Result<Tensor> {
    let each = transform.map(|number| match number.rank() {
        4 => ops::squeeze(number, -1),
        _ => number,
    });
    image::transformed(x, &each, how)
}

/// A number for all images.
pub(super) fn number(x: &Tensor, value: f64) -> Result<Tensor> {
    prim::constant_of(x, DType::F32, value)
}

/// Rows and columns of images.
pub(super) fn sizes(x: &Tensor, format: DataFormat) -> Result<[f64; 2]> {
    let axes = images::axes(x, format)?;
    Ok(axes.map(|axis| x.shape().dim(axis).unwrap_or(1) as f64))
}
