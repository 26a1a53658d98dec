//! The depthwise convolution of any number of dimensions.

/// Declares a depthwise convolution of a number of spatial dimensions.
macro_rules! depthwise_conv_layer {
    ($(#[$meta:meta])* $alias:ident, $options:ident, $rank:literal) => {
        $crate::layers::convolutional::base_conv::convolution! {
            $(#[$meta])* $alias, $options, $rank,
            first {
                /// Number of output channels for each input channel.
                depth_multiplier: usize = 1
            },
            then {},
            kernels {
                kernel, "the kernel": depthwise_initializer = GlorotUniform, depthwise_regularizer, depthwise_constraint;
            },
            fn check(&self) -> Result<()> {
                base_conv::check_positive("depth_multiplier", self.depth_multiplier)?;
                base_conv::no_causal(self.padding)
            }

            fn kernels(&self, channels: usize) -> Result<(Vec<Weight>, usize)> {
                let shape = self.geometry().kernel_shape([channels, self.depth_multiplier]);
                let kernel = Weight::new("kernel", shape).rules(self.kernel());
                Ok((vec![kernel], sizes::times(channels, self.depth_multiplier)?))
            }

            fn convolve(&self, cx: &Call, x: &Tensor) -> Result<Tensor> {
                ops::convolve_depthwise(x, &cx.weight("kernel")?, &self.geometry().options())
            }
        }

        impl $alias {
            /// A layer with a window of this size.
            pub fn new(kernel_size: impl Into<Sizes<$rank>>) -> Self {
                let kernel_size = kernel_size.into();
                $options { kernel_size, ..$options::default() }.into_layer()
            }
        }
    };
}

pub(super) use depthwise_conv_layer;
