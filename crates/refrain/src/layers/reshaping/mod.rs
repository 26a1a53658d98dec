//! Layers that only move elements.

mod cropping1d;
mod cropping2d;
mod cropping3d;
mod edges;
mod flatten;
mod permute;
mod repeat_vector;
mod reshape;
mod spatial;
mod up_sampling1d;
mod up_sampling2d;
mod up_sampling3d;
mod zero_padding1d;
mod zero_padding2d;
mod zero_padding3d;

pub use cropping1d::{Cropping1D, Cropping1DOptions};
pub use cropping2d::{Cropping2D, Cropping2DOptions};
pub use cropping3d::{Cropping3D, Cropping3DOptions};
pub use edges::Edges;
pub use flatten::{Flatten, FlattenOptions};
pub use permute::{Permute, PermuteOptions};
pub use repeat_vector::{RepeatVector, RepeatVectorOptions};
pub use reshape::{Reshape, ReshapeOptions};
pub use up_sampling1d::{UpSampling1D, UpSampling1DOptions};
pub use up_sampling2d::{UpSampling2D, UpSampling2DOptions};
pub use up_sampling3d::{UpSampling3D, UpSampling3DOptions};
pub use zero_padding1d::{ZeroPadding1D, ZeroPadding1DOptions};
pub use zero_padding2d::{ZeroPadding2D, ZeroPadding2DOptions};
pub use zero_padding3d::{ZeroPadding3D, ZeroPadding3DOptions};

crate::layers::registry::rows! {
    "Cropping1D" => Cropping1DOptions,
    "Cropping2D" => Cropping2DOptions,
    "Cropping3D" => Cropping3DOptions,
    "Flatten" => FlattenOptions,
    "Permute" => PermuteOptions,
    "RepeatVector" => RepeatVectorOptions,
    "Reshape" => ReshapeOptions,
    "UpSampling1D" => UpSampling1DOptions,
    "UpSampling2D" => UpSampling2DOptions,
    "UpSampling3D" => UpSampling3DOptions,
    "ZeroPadding1D" => ZeroPadding1DOptions,
    "ZeroPadding2D" => ZeroPadding2DOptions,
    "ZeroPadding3D" => ZeroPadding3DOptions,
}
