//! Functions on images, as `keras.ops.image`.
//!
//! Images are `(rows, columns, channels)` or batches `(batch, rows, columns, channels)`, with channels first `(batch, channels,
//! rows, columns)`. Each function is differentiable where Keras's is.

mod affine;
mod blur;
pub(crate) mod colors;
mod elastic;
mod margins;
mod patches;
mod perspective;
pub(crate) mod resize;
mod sampling;
mod scale;
mod sobel;
mod ssim;

pub use affine::affine_transform;
pub(crate) use affine::transformed;
pub use blur::gaussian_blur;
pub(crate) use blur::{bell, blurred};
pub use colors::{hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv};
pub use elastic::elastic_transform;
pub(crate) use elastic::{displaced, largest_kernel, smooth};
pub use margins::{Margins, crop_images, pad_images};
pub use patches::{extract_patches, extract_patches_3d};
pub use perspective::perspective_transform;
pub(crate) use perspective::projected;
pub use sampling::{Sampling, map_coordinates};
pub use scale::scale_and_translate;
pub use sobel::sobel_edges;
pub use ssim::{SsimOptions, ssim};

use super::conv::channels_last;
use super::{OpDef, prim};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::DataFormat;
use crate::tensor::Tensor;

/// The functions of each file.
pub(super) static TABLES: &[&[&OpDef]] = &[
    affine::TABLE,
    blur::TABLE,
    colors::TABLE,
    margins::TABLE,
    elastic::TABLE,
    patches::TABLE,
    perspective::TABLE,
    sampling::TABLE,
    scale::TABLE,
    sobel::TABLE,
    ssim::TABLE,
];

/// Declares options of functions on images: the struct, Keras's defaults, a setter for each, reading and writing under Keras's names.
macro_rules! image_options {
    (
        $(#[$meta:meta])*
        $name:ident { $( $(#[doc = $doc:literal])* $field:ident : $ty:ty = $default:expr ),* $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $(pub(super) $field: $ty),*
        }

        impl Default for $name {
            fn default() -> Self {
                $name { $($field: $default),* }
            }
        }

        impl $name {
            $(
                $(#[doc = $doc])*
                #[doc = concat!("\n\nDefault: `", stringify!($default), "`.")]
                pub fn $field(mut self, $field: impl Into<$ty>) -> Self {
                    self.$field = $field.into();
                    self
                }
            )*

            pub(super) fn to_config(&self) -> $crate::config::Config {
                let mut config = $crate::config::Config::new();
                $( $crate::config::write_option(&mut config, stringify!($field), &self.$field); )*
                config
            }

            pub(super) fn from_config(config: &$crate::config::Config) -> $crate::Result<Self> {
                let mut options = $name::default();
                $( $crate::config::replace_option(config, stringify!($field), &mut options.$field)?; )*
                Ok(options)
            }
        }
    };
}
use image_options;

/// Calls a function with tensors and those of these options that it has.
fn apply<const N: usize>(
    op: &'static OpDef,
    tensors: [&Tensor; N],
    mut options: Config,
) -> Result<Tensor> {
    options.retain(|name, _| op.parameters().any(|(p, _)| p.name == name));
    let inputs = tensors.into_iter().fold(Inputs::default(), Inputs::arg);
    Ok(op.call(inputs, options)?.into_first())
}

/// Refuses what is neither one image nor a batch.
pub(crate) fn check_rank(x: &Tensor) -> Result<()> {
    match x.rank() {
        3 | 4 => Ok(()),
        _ => Err(Error::mismatch(
            ErrorKind::Shape,
            "an image or a batch of images, of rank 3 or 4",
            format!("shape {}", x.shape()),
        )),
    }
}

/// The axes of rows and columns of one image or of a batch.
pub(crate) fn axes(x: &Tensor, format: DataFormat) -> Result<[usize; 2]> {
    check_rank(x)?;
    let rank = x.rank();
    Ok(match format {
        DataFormat::ChannelsLast => [rank - 3, rank - 2],
        DataFormat::ChannelsFirst => [rank - 2, rank - 1],
    })
}

/// Runs a function of a batch on one image or a batch.
pub(crate) fn as_batch(x: &Tensor, f: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    check_rank(x)?;
    in_batch(x, 4, f)
}

/// Runs a function of tensors of a rank on one of this rank, or of a rank less.
fn in_batch(x: &Tensor, rank: usize, f: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    if x.rank() == rank {
        return f(x);
    }
    let y = f(&super::expand_dims(x, 0).checked()?)?;
    super::squeeze(y, 0).checked()
}

/// Runs a function of a batch with channels last on one image or a batch of either format.
fn on_batch(
    x: &Tensor,
    format: DataFormat,
    f: impl FnOnce(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    as_batch(x, |x| channels_last(x, format, f))
}

/// 0, 1, 2, … along one axis of a tensor of a rank, where the others have size 1.
fn places(x: &Tensor, axis: usize, rank: usize, dtype: refrain_graph::DType) -> Result<Tensor> {
    let mut dims = vec![Some(1); rank];
    dims[axis] = x.shape().dim(axis);
    prim::iota(x, &dims.into(), dtype, axis)
}
