//! What convolutions of all kinds and of any number of dimensions share.

use super::prelude::*;
use crate::error::{Error, ErrorKind};
use crate::layers::{InputSpec, WeightRules};

/// How a layer's window moves over its input.
pub(in crate::layers) struct Geometry<'a> {
    pub(in crate::layers) kernel_size: &'a [usize],
    pub(in crate::layers) strides: &'a [usize],
    pub(in crate::layers) padding: Padding,
    pub(in crate::layers) data_format: DataFormat,
    pub(in crate::layers) dilation_rate: &'a [usize],
}

impl Geometry<'_> {
    /// Refuses sizes of zero, and strides together with dilation.
    pub(in crate::layers) fn validate(&self) -> Result<()> {
        let sizes = [
            ("kernel_size", self.kernel_size),
            ("strides", self.strides),
            ("dilation_rate", self.dilation_rate),
        ];
        for (option, sizes) in sizes {
            if sizes.contains(&0) {
                return Err(invalid(option, "positive sizes", format!("{sizes:?}")));
            }
        }
        if self.kernel_size.len() > 1 {
            no_causal(self.padding)?;
        }
        let larger = |sizes: &[usize]| sizes.iter().any(|&n| n > 1);
        if larger(self.strides) && larger(self.dilation_rate) {
            let received = format!(
                "strides {:?} and dilation_rate {:?}",
                self.strides, self.dilation_rate
            );
            let expected = "either strides or a dilation rate above 1, not both";
            return Err(Error::mismatch(ErrorKind::Config, expected, received));
        }
        Ok(())
    }

    /// Checks the first input's rank and gives its number of channels, which later calls must have too.
    fn channels(&self, class: &str, cx: &mut Build) -> Result<usize> {
        let rank = self.kernel_size.len() + 2;
        let spec = cx.spec()?;
        InputSpec::new().ndim(rank).check(class, &spec)?;
        let axis = match self.data_format {
            DataFormat::ChannelsLast => -1,
            DataFormat::ChannelsFirst => 1,
        };
        let channels = cx.dim(axis)?;
        cx.set_input_spec(InputSpec::new().ndim(rank).axis(axis, channels));
        Ok(channels)
    }

    /// The shape of a kernel, of which the last axes are not spatial.
    pub(in crate::layers) fn kernel_shape(&self, others: [usize; 2]) -> Vec<usize> {
        [self.kernel_size, &others].concat()
    }

    /// The output's size along a spatial axis.
    pub(in crate::layers) fn output_size(&self, axis: usize, size: usize) -> usize {
        let (window, stride) = (self.kernel_size[axis], self.strides[axis]);
        let dilation = self.dilation_rate[axis];
        let (low, high) = self.padding.amounts(Some(size), window, stride, dilation);
        let reach = dilation.saturating_mul(window - 1).saturating_add(1);
        let padded = size.saturating_add(low).saturating_add(high);
        padded
            .checked_sub(reach)
            .map_or(0, |free| free / stride + 1)
    }

    pub(in crate::layers) fn options(&self) -> ConvOptions {
        ConvOptions::default()
            .strides(self.strides)
            .padding(self.padding)
            .dilation_rate(self.dilation_rate)
    }
}

/// A layer that moves kernels over its input, adds a bias and applies an activation.
pub(super) trait Convolution {
    fn geometry(&self) -> Geometry<'_>;

    fn activation(&self) -> &Activation;

    /// Refuses values of the options that only this kind has.
    fn check(&self) -> Result<()>;

    /// The kernels for so many input channels, and the number of output channels.
    fn kernels(&self, channels: usize) -> Result<(Vec<Weight>, usize)>;

    /// The product of the kernels and a tensor with channels last.
    fn convolve(&self, cx: &Call, x: &Tensor) -> Result<Tensor>;
}

pub(super) fn validate(layer: &impl Convolution) -> Result<()> {
    layer.check()?;
    layer.geometry().validate()
}

pub(super) fn build<C: Convolution + Layer>(
    layer: &C,
    cx: &mut Build,
    bias: Option<WeightRules>,
) -> Result<()> {
    let channels = layer.geometry().channels(layer.class_name(), cx)?;
    let (kernels, filters) = layer.kernels(channels)?;
    let bias = bias.map(|rules| Weight::new("bias", [filters]).rules(rules));
    let mut weights = kernels.into_iter().chain(bias);
    weights.try_for_each(|weight| cx.add_weight(weight))
}

pub(super) fn call(layer: &impl Convolution, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
    let format = layer.geometry().data_format;
    let y = ops::channels_last(inputs.one()?, format, |x| {
        cx.add_bias(layer.convolve(cx, x)?, "bias")
    })?;
    Ok(layer.activation().apply(&y))
}

/// An option that makes no sense.
pub(super) fn invalid(option: &str, expected: &str, received: impl Into<String>) -> Error {
    Error::mismatch(
        ErrorKind::Config,
        format!("{expected} for option `{option}`"),
        received,
    )
}

/// Refuses a number of zero.
pub(super) fn check_positive(option: &str, number: usize) -> Result<()> {
    match number {
        0 => Err(invalid(option, "a positive number", "0")),
        _ => Ok(()),
    }
}

/// Refuses causal padding where Keras has none.
pub(in crate::layers) fn no_causal(padding: Padding) -> Result<()> {
    match padding {
        Padding::Causal => Err(invalid("padding", "Valid or Same", "Causal")),
        _ => Ok(()),
    }
}

/// Declares a layer with kernels of a number of spatial dimensions: its options with those that only its kind has in their
/// places, and what is left of [`Convolution`].
macro_rules! convolution {
    (
        $(#[$meta:meta])* $alias:ident, $options:ident, $rank:literal,
        first { $( $(#[doc = $first_doc:literal])* $first:ident : $first_ty:ty = $first_default:expr ),* },
        then { $( $(#[doc = $then_doc:literal])* $then:ident : $then_ty:ty = $then_default:expr ),* },
        kernels { $($kernels:tt)* },
        $($methods:tt)*
    ) => {
        use $crate::layers::convolutional::prelude::*;

        $crate::layers::weighted_options! {
            $(#[$meta])*
            $alias, $options {
                $( $(#[doc = $first_doc])* $first: $first_ty = $first_default, )*
                /// Size of the convolution window along each spatial axis: one number, or one for each.
                kernel_size: Sizes<$rank> = Sizes::from(1),
                /// Stride of the convolution along each spatial axis: one number, or one for each. Strides and dilation above 1
                /// exclude each other.
                strides: Sizes<$rank> = Sizes::from(1),
                /// `Valid`: windows stay inside the input. `Same`: zeros are added evenly, so that at stride 1 the output has
                /// the size of the input.
                padding: Padding = Padding::Valid,
                /// `ChannelsLast`: `(batch, …, channels)`. `ChannelsFirst`: `(batch, channels, …)`.
                data_format: DataFormat = DataFormat::ChannelsLast,
                /// Dilation of the convolution along each spatial axis: the distance between neighbouring elements of the
                /// window.
                dilation_rate: Sizes<$rank> = Sizes::from(1),
                $( $(#[doc = $then_doc])* $then: $then_ty = $then_default, )*
                /// Activation function of the output; linear by default.
                activation: Activation = Activation::Linear,
                /// Whether a bias is added before the activation.
                use_bias: bool = true,
            }
            weights {
                $($kernels)*
                bias, "the bias": bias_initializer = Zeros, bias_regularizer, bias_constraint;
            }
            outputs { activity_regularizer, "the output" }
        }

        impl base_conv::Convolution for $options {
            fn geometry(&self) -> Geometry<'_> {
                Geometry {
                    kernel_size: &self.kernel_size.0,
                    strides: &self.strides.0,
                    padding: self.padding,
                    data_format: self.data_format,
                    dilation_rate: &self.dilation_rate.0,
                }
            }

            fn activation(&self) -> &Activation {
                &self.activation
            }

            $($methods)*
        }

        impl Layer for $options {
            type Output = Tensor;

            $crate::layers::layer_methods!(stringify!($alias));

            fn validate(&self) -> Result<()> {
                base_conv::validate(self)
            }

            fn build(&self, cx: &mut Build) -> Result<()> {
                base_conv::build(self, cx, self.use_bias.then(|| self.bias()))
            }

            fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
                base_conv::call(self, cx, inputs)
            }

            fn activity_regularizer(&self) -> Option<Regularizer> {
                self.activity_regularizer.clone()
            }
        }
    };
}

/// The constructor of a layer with filters.
macro_rules! new_with_filters {
    ($alias:ident, $options:ident, $rank:literal) => {
        impl $alias {
            /// A layer of this many filters of this size.
            pub fn new(filters: usize, kernel_size: impl Into<Sizes<$rank>>) -> Self {
                let kernel_size = kernel_size.into();
                $options {
                    filters,
                    kernel_size,
                    ..$options::default()
                }
                .into_layer()
            }
        }
    };
}

pub(super) use {convolution, new_with_filters};
