//! Convolutions.

mod base_conv;
mod base_depthwise_conv;
mod base_separable_conv;
mod conv1d;
mod conv2d;
mod depthwise_conv1d;
mod depthwise_conv2d;
mod separable_conv1d;
mod separable_conv2d;

pub use conv1d::{Conv1D, Conv1DOptions};
pub use conv2d::{Conv2D, Conv2DOptions};
pub use depthwise_conv1d::{DepthwiseConv1D, DepthwiseConv1DOptions};
pub use depthwise_conv2d::{DepthwiseConv2D, DepthwiseConv2DOptions};
pub use separable_conv1d::{SeparableConv1D, SeparableConv1DOptions};
pub use separable_conv2d::{SeparableConv2D, SeparableConv2DOptions};
