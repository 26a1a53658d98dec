//! What convolutions of any number of dimensions share.

use crate::error::{Error, ErrorKind, Result};
use crate::layers::{Build, Call, DataFormat, InputSpec, Padding};
use crate::ops::{self, ConvOptions};
use crate::tensor::Tensor;

/// How a layer's window moves over its input.
pub(super) struct Geometry<'a> {
    pub(super) kernel_size: &'a [usize],
    pub(super) strides: &'a [usize],
    pub(super) padding: Padding,
    pub(super) data_format: DataFormat,
    pub(super) dilation_rate: &'a [usize],
}

impl Geometry<'_> {
    /// Refuses sizes of zero, and strides together with dilation.
    pub(super) fn validate(&self) -> Result<()> {
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
        if self.padding == Padding::Causal && self.kernel_size.len() > 1 {
            return Err(invalid("padding", "Valid or Same", "Causal"));
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
    pub(super) fn channels(&self, class: &str, cx: &mut Build) -> Result<usize> {
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

    pub(super) fn options(&self) -> ConvOptions {
        ConvOptions::default()
            .strides(self.strides)
            .padding(self.padding)
            .dilation_rate(self.dilation_rate)
    }

    /// The linear part of a layer: `convolve` on a tensor with channels last, and the bias.
    pub(super) fn apply(
        &self,
        cx: &Call,
        x: &Tensor,
        convolve: impl FnOnce(&Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let bias = cx.optional_weight("bias")?;
        ops::channels_last(x, self.data_format, |x| {
            let y = convolve(x)?;
            let y = match &bias {
                Some(bias) => y + bias,
                None => y,
            };
            y.check()?;
            Ok(y)
        })
    }
}

/// An option that makes no sense.
pub(super) fn invalid(option: &str, expected: &str, received: impl Into<String>) -> Error {
    Error::mismatch(
        ErrorKind::Config,
        format!("{expected} for option `{option}`"),
        received,
    )
}

/// Refuses causal padding where Keras has none.
pub(super) fn no_causal(padding: Padding) -> Result<()> {
    match padding {
        Padding::Causal => Err(invalid("padding", "Valid or Same", "Causal")),
        _ => Ok(()),
    }
}

/// Refuses groups that do not divide the filters.
pub(super) fn check_groups(filters: usize, groups: usize) -> Result<()> {
    if filters == 0 {
        return Err(invalid("filters", "a positive number", "0"));
    }
    if groups == 0 || !filters.is_multiple_of(groups) {
        let expected = "a positive number that divides the filters";
        let received = format!("{groups} groups of {filters} filters");
        return Err(invalid("groups", expected, received));
    }
    Ok(())
}

/// Declares a convolution of a number of spatial dimensions: options, constructor, and the layer itself.
macro_rules! conv_layer {
    ($(#[$meta:meta])* $alias:ident, $options:ident, $rank:literal) => {
        $crate::layers::layer_options! {
            $(#[$meta])*
            $alias, $options {
                /// Number of filters: the output's channels.
                filters: usize = 0,
                /// Size of the window.
                kernel_size: Sizes<$rank> = Sizes::from(1),
                /// Step of the window.
                strides: Sizes<$rank> = Sizes::from(1),
                /// What happens at the edges.
                padding: Padding = Padding::Valid,
                /// Where the channels are.
                data_format: DataFormat = DataFormat::ChannelsLast,
                /// Distance between the window's elements.
                dilation_rate: Sizes<$rank> = Sizes::from(1),
                /// Groups of channels that are convolved apart.
                groups: usize = 1,
                /// Applied to the output.
                activation: Activation = Activation::Linear,
                /// Whether there is a bias.
                use_bias: bool = true,
                /// First value of the kernel.
                kernel_initializer: Initializer = Initializer::GlorotUniform,
                /// First value of the bias.
                bias_initializer: Initializer = Initializer::Zeros,
                /// Penalty on the kernel.
                kernel_regularizer: Option<Regularizer> = None,
                /// Penalty on the bias.
                bias_regularizer: Option<Regularizer> = None,
                /// Penalty on the output.
                activity_regularizer: Option<Regularizer> = None,
                /// Rule for the kernel.
                kernel_constraint: Option<Constraint> = None,
                /// Rule for the bias.
                bias_constraint: Option<Constraint> = None,
            }
        }

        impl $alias {
            /// A layer of this many filters of this size.
            pub fn new(filters: usize, kernel_size: impl Into<Sizes<$rank>>) -> Self {
                let kernel_size = kernel_size.into();
                $options { filters, kernel_size, ..$options::default() }.into_layer()
            }
        }

        impl $options {
            fn geometry(&self) -> Geometry<'_> {
                Geometry {
                    kernel_size: &self.kernel_size.0,
                    strides: &self.strides.0,
                    padding: self.padding,
                    data_format: self.data_format,
                    dilation_rate: &self.dilation_rate.0,
                }
            }
        }

        impl Layer for $options {
            type Output = Tensor;

            fn class_name(&self) -> &str {
                stringify!($alias)
            }

            fn config(&self) -> Config {
                self.to_config()
            }

            fn validate(&self) -> Result<()> {
                check_groups(self.filters, self.groups)?;
                self.geometry().validate()
            }

            fn build(&self, cx: &mut Build) -> Result<()> {
                let channels = self.geometry().channels(self.class_name(), cx)?;
                if !channels.is_multiple_of(self.groups) {
                    let expected = "a number that divides the input's channels";
                    let received = format!("{} groups of {channels} channels", self.groups);
                    return Err(invalid("groups", expected, received));
                }
                let mut shape = self.kernel_size.0.to_vec();
                shape.extend([channels / self.groups, self.filters]);
                cx.add_weight(
                    Weight::new("kernel", shape)
                        .initializer(&self.kernel_initializer)
                        .regularizer(&self.kernel_regularizer)
                        .constraint(&self.kernel_constraint),
                )?;
                if self.use_bias {
                    cx.add_weight(
                        Weight::new("bias", [self.filters])
                            .initializer(&self.bias_initializer)
                            .regularizer(&self.bias_regularizer)
                            .constraint(&self.bias_constraint),
                    )?;
                }
                Ok(())
            }

            fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
                let (geometry, kernel) = (self.geometry(), cx.weight("kernel")?);
                let y = geometry.apply(cx, inputs.one()?, |x| {
                    ops::convolve(x, &kernel, &geometry.options())
                })?;
                Ok(self.activation.apply(&y))
            }

            fn duplicate(&self) -> Option<Self> {
                Some(self.clone())
            }

            fn activity_regularizer(&self) -> Option<Regularizer> {
                self.activity_regularizer.clone()
            }
        }
    };
}

/// The names that [`conv_layer`] and its siblings use.
macro_rules! conv_prelude {
    () => {
        use super::base_conv::*;
        use crate::activations::Activation;
        use crate::constraints::Constraint;
        use crate::error::Result;
        use crate::initializers::Initializer;
        use crate::inputs::Inputs;
        use crate::layers::{Build, Call, Config, DataFormat, Layer, Padding, Sizes, Weight};
        use crate::ops;
        use crate::regularizers::Regularizer;
        use crate::tensor::Tensor;
    };
}

pub(super) use {conv_layer, conv_prelude};
