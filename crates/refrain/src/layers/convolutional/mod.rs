//! Convolutions.

mod base_conv;
mod conv;
mod conv1d;
mod conv1d_transpose;
mod conv2d;
mod conv2d_transpose;
mod conv3d;
mod conv3d_transpose;
mod conv_transpose;
mod depthwise_conv;
mod depthwise_conv1d;
mod depthwise_conv2d;
mod separable_conv;
mod separable_conv1d;
mod separable_conv2d;

pub(super) use base_conv::{Geometry, no_causal};
pub use conv1d::{Conv1D, Conv1DOptions};
pub use conv1d_transpose::{Conv1DTranspose, Conv1DTransposeOptions};
pub use conv2d::{Conv2D, Conv2DOptions};
pub use conv2d_transpose::{Conv2DTranspose, Conv2DTransposeOptions};
pub use conv3d::{Conv3D, Conv3DOptions};
pub use conv3d_transpose::{Conv3DTranspose, Conv3DTransposeOptions};
pub use depthwise_conv1d::{DepthwiseConv1D, DepthwiseConv1DOptions};
pub use depthwise_conv2d::{DepthwiseConv2D, DepthwiseConv2DOptions};
pub use separable_conv1d::{SeparableConv1D, SeparableConv1DOptions};
pub use separable_conv2d::{SeparableConv2D, SeparableConv2DOptions};

/// What the files of this folder use.
mod prelude {
    pub(super) use super::base_conv::{self, Geometry};
    pub(super) use crate::activations::Activation;
    pub(super) use crate::config::Sizes;
    pub(super) use crate::constraints::Constraint;
    pub(super) use crate::error::Result;
    pub(super) use crate::initializers::Initializer;
    pub(super) use crate::inputs::Inputs;
    pub(super) use crate::layers::{Build, Call, DataFormat, Layer, Padding, Weight};
    pub(super) use crate::ops::{self, ConvOptions};
    pub(super) use crate::regularizers::Regularizer;
    pub(super) use crate::tensor::Tensor;
    pub(super) use crate::utils::sizes;
}

crate::layers::registry::rows! {
    "Conv1D" => Conv1DOptions,
    "Conv1DTranspose" => Conv1DTransposeOptions,
    "Conv2D" => Conv2DOptions,
    "Conv2DTranspose" => Conv2DTransposeOptions,
    "Conv3D" => Conv3DOptions,
    "Conv3DTranspose" => Conv3DTransposeOptions,
    "DepthwiseConv1D" => DepthwiseConv1DOptions,
    "DepthwiseConv2D" => DepthwiseConv2DOptions,
    "SeparableConv1D" => SeparableConv1DOptions,
    "SeparableConv2D" => SeparableConv2DOptions,
}
