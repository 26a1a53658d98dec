//! What layers that move pixels share.

use refrain_graph::DType;

use crate::error::Result;
use crate::layers::DataFormat;
use crate::layers::preprocessing::images;
use crate::ops::image::{self, Sampling};
use crate::ops::{self, prim};
use crate::tensor::Tensor;

/// Gives options the way that pixels are read, beyond the edges in a mode of their own or in this one.
macro_rules! sampled {
    ($options:ident) => {
        sampled!($options, |layer| layer.fill_mode);
    };
    ($options:ident, |$layer:ident| $fill_mode:expr) => {
        impl $options {
            fn sampling(&self) -> $crate::ops::image::Sampling {
                let $layer = self;
                $crate::ops::image::Sampling::default()
                    .interpolation($layer.interpolation)
                    .fill_mode($fill_mode)
                    .fill_value($layer.fill_value)
                    .data_format($layer.data_format)
            }
        }
    };
}
pub(super) use sampled;

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
