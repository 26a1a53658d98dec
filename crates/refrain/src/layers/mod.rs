//! Layers: the built-in ones under Keras's names, and the trait to write your own.
//!
//! | | |
//! |---|---|
//! | core | [`Input`], [`Dense`], [`Embedding`], [`Identity`], [`Lambda`], [`Masking`] |
//! | convolutions | [`Conv1D`], [`Conv2D`], [`DepthwiseConv1D`], [`DepthwiseConv2D`], [`SeparableConv1D`], [`SeparableConv2D`] |
//! | pooling | [`AveragePooling1D`], [`AveragePooling2D`], [`MaxPooling1D`], [`MaxPooling2D`], [`GlobalAveragePooling1D`], [`GlobalAveragePooling2D`], [`GlobalMaxPooling1D`], [`GlobalMaxPooling2D`] |
//! | recurrent | [`LSTM`](Lstm), [`GRU`](Gru), [`SimpleRNN`](SimpleRnn), [`Bidirectional`], [`TimeDistributed`] |
//! | attention | [`Attention`], [`AdditiveAttention`], [`MultiHeadAttention`] |
//! | normalization | [`BatchNormalization`], [`GroupNormalization`], [`LayerNormalization`], [`RMSNormalization`](RmsNormalization), [`UnitNormalization`] |
//! | regularization | [`ActivityRegularization`], [`AlphaDropout`], [`Dropout`], [`GaussianDropout`], [`GaussianNoise`], [`SpatialDropout1D`], [`SpatialDropout2D`] |
//! | reshaping | [`Cropping1D`], [`Cropping2D`], [`Flatten`], [`Permute`], [`RepeatVector`], [`Reshape`], [`UpSampling1D`], [`UpSampling2D`], [`ZeroPadding1D`], [`ZeroPadding2D`] |
//! | merging | [`Add`], [`Average`], [`Concatenate`], [`Dot`], [`Maximum`], [`Minimum`], [`Multiply`], [`Subtract`], and as functions [`add`], [`average`], [`concatenate`], [`dot`], [`maximum`], [`minimum`], [`multiply`], [`subtract`] |
//! | activations | [`Activation`], [`ELU`](Elu), [`LeakyReLU`](LeakyRelu), [`PReLU`](PRelu), [`ReLU`](Relu), [`Softmax`] |
//! | preprocessing | [`Rescaling`] |
//! | your own | [`Layer`], with [`Build`], [`Call`], [`Weight`], [`InputSpec`]; [`register`](crate::register) for files |
//!
//! Each is a [`Handle`], whose methods they all have: [`call`](Handle::call), [`name`](Handle::name),
//! [`weights`](Handle::weights), … Its own page lists its options with their defaults.

pub(crate) mod activations;
pub(crate) mod attention;
mod build;
mod call;
mod config;
mod connections;
mod conversions;
pub(crate) mod convolutional;
pub(crate) mod core;
mod handle;
#[allow(clippy::module_inception)]
mod layer;
pub(crate) mod masks;
pub(crate) mod merging;
pub(crate) mod node;
pub(crate) mod normalization;
mod options;
pub(crate) mod pooling;
pub(crate) mod preprocessing;
pub(crate) mod registry;
pub(crate) mod regularization;
pub(crate) mod reshaping;
pub(crate) mod restoring;
pub(crate) mod rnn;

pub use activations::*;
pub use attention::*;
pub(crate) use attention::{ATTENTION, QUERY_MASK};
pub(crate) use build::Making;
pub use build::{Build, Weight};
pub use call::Call;
pub use config::{Config, ConfigValue, Sizes};
pub(crate) use config::{in_option, layer_options, options_table, shown, unexpected, words};
pub use convolutional::*;
pub use core::*;
pub use handle::{AnyLayer, Handle};
pub(crate) use handle::{WeakHandle, mixed};
pub use layer::{InputSpec, Layer, Outputs};
pub use merging::*;
pub use normalization::*;
pub use options::{DataFormat, Padding};
pub use pooling::*;
pub use preprocessing::*;
pub use regularization::*;
pub use reshaping::*;
pub use rnn::*;
