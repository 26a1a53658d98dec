//! What separable convolutions of any number of dimensions share.

/// Declares a separable convolution of a number of spatial dimensions.
macro_rules! separable_conv_layer {
    ($(#[$meta:meta])* $alias:ident, $options:ident, $rank:literal) => {
        $crate::layers::layer_options! {
            $(#[$meta])*
            $alias, $options {
                /// Channels between the two convolutions for each input channel.
                depth_multiplier: usize = 1,
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
                /// Applied to the output.
                activation: Activation = Activation::Linear,
                /// Whether there is a bias.
                use_bias: bool = true,
                /// First value of the kernel that keeps channels apart.
                depthwise_initializer: Initializer = Initializer::GlorotUniform,
                /// First value of the kernel that mixes channels.
                pointwise_initializer: Initializer = Initializer::GlorotUniform,
                /// First value of the bias.
                bias_initializer: Initializer = Initializer::Zeros,
                /// Penalty on the kernel that keeps channels apart.
                depthwise_regularizer: Option<Regularizer> = None,
                /// Penalty on the kernel that mixes channels.
                pointwise_regularizer: Option<Regularizer> = None,
                /// Penalty on the bias.
                bias_regularizer: Option<Regularizer> = None,
                /// Penalty on the output.
                activity_regularizer: Option<Regularizer> = None,
                /// Rule for the kernel that keeps channels apart.
                depthwise_constraint: Option<Constraint> = None,
                /// Rule for the kernel that mixes channels.
                pointwise_constraint: Option<Constraint> = None,
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
                check_groups(self.filters, 1)?;
                if self.depth_multiplier == 0 {
                    return Err(invalid("depth_multiplier", "a positive number", "0"));
                }
                no_causal(self.padding)?;
                self.geometry().validate()
            }

            fn build(&self, cx: &mut Build) -> Result<()> {
                let channels = self.geometry().channels(self.class_name(), cx)?;
                let mut depthwise = self.kernel_size.0.to_vec();
                depthwise.extend([channels, self.depth_multiplier]);
                let mut pointwise = vec![1; $rank];
                pointwise.extend([channels * self.depth_multiplier, self.filters]);
                cx.add_weight(
                    Weight::new("depthwise_kernel", depthwise)
                        .initializer(&self.depthwise_initializer)
                        .regularizer(&self.depthwise_regularizer)
                        .constraint(&self.depthwise_constraint),
                )?;
                cx.add_weight(
                    Weight::new("pointwise_kernel", pointwise)
                        .initializer(&self.pointwise_initializer)
                        .regularizer(&self.pointwise_regularizer)
                        .constraint(&self.pointwise_constraint),
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
                let depthwise = cx.weight("depthwise_kernel")?;
                let pointwise = cx.weight("pointwise_kernel")?;
                let geometry = self.geometry();
                let y = geometry.apply(cx, inputs.one()?, |x| {
                    let apart = ops::convolve_depthwise(x, &depthwise, &geometry.options())?;
                    ops::convolve(&apart, &pointwise, &ConvOptions::default())
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

pub(super) use separable_conv_layer;
