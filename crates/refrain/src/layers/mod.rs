//! Layers: the built-in ones under Keras's names, and the trait to write your own.
//!
//! | | |
//! |---|---|
//! | core | [`Input`], [`Dense`], [`EinsumDense`], [`Embedding`], [`Identity`], [`Lambda`], [`Masking`], [`ReversibleEmbedding`] |
//! | convolutions | [`Conv1D`], [`Conv1DTranspose`], [`Conv2D`], [`Conv2DTranspose`], [`Conv3D`], [`Conv3DTranspose`], [`DepthwiseConv1D`], [`DepthwiseConv2D`], [`SeparableConv1D`], [`SeparableConv2D`] |
//! | pooling | [`AdaptiveAveragePooling1D`], [`AdaptiveAveragePooling2D`], [`AdaptiveAveragePooling3D`], [`AdaptiveMaxPooling1D`], [`AdaptiveMaxPooling2D`], [`AdaptiveMaxPooling3D`], [`AveragePooling1D`], [`AveragePooling2D`], [`AveragePooling3D`], [`MaxPooling1D`], [`MaxPooling2D`], [`MaxPooling3D`], [`GlobalAveragePooling1D`], [`GlobalAveragePooling2D`], [`GlobalAveragePooling3D`], [`GlobalMaxPooling1D`], [`GlobalMaxPooling2D`], [`GlobalMaxPooling3D`] |
//! | recurrent | [`LSTM`](Lstm), [`GRU`](Gru), [`SimpleRNN`](SimpleRnn), [`RNN`](Rnn) of [`LSTMCell`](LstmCell), [`GRUCell`](GruCell), [`SimpleRNNCell`](SimpleRnnCell), [`StackedRNNCells`](StackedRnnCells) or your own, [`ConvLSTM1D`](ConvLstm1D), [`ConvLSTM2D`](ConvLstm2D), [`ConvLSTM3D`](ConvLstm3D), [`Bidirectional`], [`TimeDistributed`] |
//! | attention | [`Attention`], [`AdditiveAttention`], [`GroupQueryAttention`], [`MultiHeadAttention`] |
//! | normalization | [`BatchNormalization`], [`GroupNormalization`], [`LayerNormalization`], [`RMSNormalization`](RmsNormalization), [`SpectralNormalization`], [`UnitNormalization`] |
//! | regularization | [`ActivityRegularization`], [`AlphaDropout`], [`Dropout`], [`GaussianDropout`], [`GaussianNoise`], [`SpatialDropout1D`], [`SpatialDropout2D`], [`SpatialDropout3D`] |
//! | reshaping | [`Cropping1D`], [`Cropping2D`], [`Cropping3D`], [`Flatten`], [`Permute`], [`RepeatVector`], [`Reshape`], [`UpSampling1D`], [`UpSampling2D`], [`UpSampling3D`], [`ZeroPadding1D`], [`ZeroPadding2D`], [`ZeroPadding3D`] |
//! | merging | [`Add`], [`Average`], [`Concatenate`], [`Dot`], [`Maximum`], [`Minimum`], [`Multiply`], [`Subtract`], and as functions [`add`], [`average`], [`concatenate`], [`dot`], [`maximum`], [`minimum`], [`multiply`], [`subtract`] |
//! | activations | [`Activation`], [`ELU`](Elu), [`LeakyReLU`](LeakyRelu), [`PReLU`](PRelu), [`ReLU`](Relu), [`Softmax`] |
//! | preprocessing | [`AugMix`], [`AutoContrast`], [`CategoryEncoding`], [`CenterCrop`], [`ContrastLimitedAdaptiveHistogramEqualization`], [`CutMix`], [`Discretization`], [`Equalization`], [`MaxNumBoundingBoxes`], [`MixUp`], [`Normalization`], [`Pipeline`], [`RandAugment`], [`RandomBrightness`], [`RandomColorDegeneration`], [`RandomColorJitter`], [`RandomContrast`], [`RandomCrop`], [`RandomElasticTransform`], [`RandomErasing`], [`RandomFlip`], [`RandomGaussianBlur`], [`RandomGrayscale`], [`RandomHue`], [`RandomInvert`], [`RandomPerspective`], [`RandomPosterization`], [`RandomRotation`], [`RandomSaturation`], [`RandomSharpness`], [`RandomShear`], [`RandomTranslation`], [`RandomZoom`], [`Rescaling`], [`Resizing`], [`Solarization`] |
//! | your own | [`Layer`], with [`Build`], [`Call`], [`Weight`], [`InputSpec`], [`Properties`]; [`register`](crate::register) for files |
//!
//! Each is a [`Handle`], whose methods they all have: [`call`](Handle::call), [`name`](Handle::name),
//! [`weights`](Handle::weights), … Its own page lists its options with their defaults.

pub(crate) mod activations;
pub(crate) mod attention;
mod build;
mod call;
mod connections;
mod conversions;
pub(crate) mod convolutional;
pub(crate) mod core;
mod graph;
mod handle;
#[allow(clippy::module_inception)]
mod layer;
mod layer_options;
pub(crate) mod masks;
pub(crate) mod merging;
pub(crate) mod node;
pub(crate) mod normalization;
mod options;
pub(crate) mod pooling;
pub(crate) mod preprocessing;
mod properties;
pub(crate) mod registry;
pub(crate) mod regularization;
pub(crate) mod reshaping;
pub(crate) mod restoring;
pub(crate) mod rnn;
pub(crate) mod serialized;
mod states;

pub use crate::config::{Config, ConfigValue, OptionalSizes, Sizes};
pub use activations::*;
pub(crate) use attention::QUERY_MASK;
pub use attention::*;
pub use build::{Build, Weight};
pub(crate) use build::{Making, WeightRules};
pub use call::Call;
pub use convolutional::*;
pub use core::*;
pub(crate) use graph::Graph;
pub use handle::{AnyLayer, Handle};
pub(crate) use handle::{WeakHandle, mixed};
pub use layer::{InputSpec, Layer, Outputs};
pub(crate) use layer_options::{layer_methods, layer_options, options_table, weighted_options};
pub use merging::*;
pub use normalization::*;
pub use options::{DataFormat, FillMode, Interpolation, Padding};
pub use pooling::*;
pub use preprocessing::*;
pub use properties::{MaskMerging, Penalized, Properties, Recurrence};
pub use regularization::*;
pub use reshaping::*;
pub use rnn::*;
