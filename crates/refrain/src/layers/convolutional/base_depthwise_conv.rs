//! What depthwise convolutions of any number of dimensions share.

/// Declares a depthwise convolution of a number of spatial dimensions.
macro_rules! depthwise_conv_layer {
    ($(#[$meta:meta])* $alias:ident, $options:ident, $rank:literal) => {
        $crate::layers::layer_options! {
            $(#[$meta])*
            $alias, $options {
                /// Output channels for each input channel.
                depth_multiplier: usize = 1,
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
                /// Applied to the output.
                activation: Activation = Activation::Linear,
                /// Whether there is a bias.
                use_bias: bool = true,
                /// First value of the kernel.
                depthwise_initializer: Initializer = Initializer::GlorotUniform,
                /// First value of the bias.
                bias_initializer: Initializer = Initializer::Zeros,
                /// Penalty on the kernel.
                depthwise_regularizer: Option<Regularizer> = None,
                /// Penalty on the bias.
                bias_regularizer: Option<Regularizer> = None,
                /// Penalty on the output.
                activity_regularizer: Option<Regularizer> = None,
                /// Rule for the kernel.
                depthwise_constraint: Option<Constraint> = None,
                /// Rule for the bias.
                bias_constraint: Option<Constraint> = None,
            }
        }

        impl $alias {
            /// A layer with a window of this size.
            pub fn new(kernel_size: impl Into<Sizes<$rank>>) -> Self {
                let kernel_size = kernel_size.into();
                $options { kernel_size, ..$options::default() }.into_layer()
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
                if self.depth_multiplier == 0 {
                    return Err(invalid("depth_multiplier", "a positive number", "0"));
                }
                no_causal(self.padding)?;
                self.geometry().validate()
            }

            fn build(&self, cx: &mut Build) -> Result<()> {
                let channels = self.geometry().channels(self.class_name(), cx)?;
                let mut shape = self.kernel_size.0.to_vec();
                shape.extend([channels, self.depth_multiplier]);
                cx.add_weight(
                    Weight::new("kernel", shape)
                        .initializer(&self.depthwise_initializer)
                        .regularizer(&self.depthwise_regularizer)
                        .constraint(&self.depthwise_constraint),
                )?;
                if self.use_bias {
                    cx.add_weight(
                        Weight::new("bias", [channels * self.depth_multiplier])
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
                    ops::convolve_depthwise(x, &kernel, &geometry.options())
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

pub(super) use depthwise_conv_layer;
