//! The separable convolution of any number of dimensions.

/// Declares a separable convolution of a number of spatial dimensions.
macro_rules! separable_conv_layer {
    ($(#[$meta:meta])* $alias:ident, $options:ident, $rank:literal) => {
        $crate::layers::convolutional::base_conv::convolution! {
            $(#[$meta])* $alias, $options, $rank,
            first {
                /// Number of depthwise output channels for each input channel.
                depth_multiplier: usize = 1,
                /// Number of filters, which is the number of output channels.
                filters: usize = 0
            },
            then {},
            kernels {
                depthwise_kernel, "the depthwise kernel": depthwise_initializer = GlorotUniform, depthwise_regularizer, depthwise_constraint;
                pointwise_kernel, "the pointwise kernel": pointwise_initializer = GlorotUniform, pointwise_regularizer, pointwise_constraint;
            },
            fn check(&self) -> Result<()> {
                base_conv::check_positive("filters", self.filters)?;
                base_conv::check_positive("depth_multiplier", self.depth_multiplier)?;
                base_conv::no_causal(self.padding)
            }

            fn kernels(&self, channels: usize) -> Result<(Vec<Weight>, usize)> {
                let inner = sizes::times(channels, self.depth_multiplier)?;
                let shape = self.geometry().kernel_shape([channels, self.depth_multiplier]);
                let depthwise = Weight::new("depthwise_kernel", shape).rules(self.depthwise_kernel());
                let shape = [&[1; $rank][..], &[inner, self.filters]].concat();
                let pointwise = Weight::new("pointwise_kernel", shape).rules(self.pointwise_kernel());
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
