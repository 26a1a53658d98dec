//! The separable convolution of any number of dimensions.

/// Declares a separable convolution of a number of spatial dimensions.
macro_rules! separable_conv_layer {
    ($(#[$meta:meta])* $alias:ident, $options:ident, $rank:literal) => {
        $crate::layers::convolutional::base_conv::convolution! {
            $(#[$meta])* $alias, $options, $rank,
            first {
                /// Channels between the two convolutions for each input channel.
                depth_multiplier: usize = 1,
                /// Number of filters: the output's channels.
                filters: usize = 0
            },
            then {},
            initializers {
                /// Initializer of the kernel that keeps channels apart.
                depthwise_initializer,
                /// Initializer of the kernel that mixes channels.
                pointwise_initializer
            },
            regularizers {
                /// Regularizer of the kernel that keeps channels apart.
                depthwise_regularizer,
                /// Regularizer of the kernel that mixes channels.
                pointwise_regularizer
            },
            constraints {
                /// Constraint on the kernel that keeps channels apart.
                depthwise_constraint,
                /// Constraint on the kernel that mixes channels.
                pointwise_constraint
            },
            fn check(&self) -> Result<()> {
                base_conv::check_positive("filters", self.filters)?;
                base_conv::check_positive("depth_multiplier", self.depth_multiplier)?;
                base_conv::no_causal(self.padding)
            }

            fn kernels(&self, channels: usize) -> Result<(Vec<Weight>, usize)> {
                let inner = sizes::times(channels, self.depth_multiplier)?;
                let shape = self.geometry().kernel_shape([channels, self.depth_multiplier]);
                let depthwise = Weight::new("depthwise_kernel", shape)
                    .initializer(&self.depthwise_initializer)
                    .regularizer(&self.depthwise_regularizer)
                    .constraint(&self.depthwise_constraint);
                let shape = [&[1; $rank][..], &[inner, self.filters]].concat();
                let pointwise = Weight::new("pointwise_kernel", shape)
                    .initializer(&self.pointwise_initializer)
                    .regularizer(&self.pointwise_regularizer)
                    .constraint(&self.pointwise_constraint);
                Ok((vec![depthwise, pointwise], self.filters))
            }

            fn convolve(&self, cx: &Call, x: &Tensor) -> Result<Tensor> {
                let depthwise = cx.weight("depthwise_kernel")?;
                let apart = ops::convolve_depthwise(x, &depthwise, &self.geometry().options())?;
                ops::convolve(&apart, &cx.weight("pointwise_kernel")?, &ConvOptions::default())
            }
        }

        $crate::layers::convolutional::base_conv::new_with_filters!($alias, $options, $rank);
    };
}

pub(super) use separable_conv_layer;
