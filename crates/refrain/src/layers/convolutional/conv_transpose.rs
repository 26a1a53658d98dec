//! The transposed convolution of any number of dimensions.

use super::base_conv::{Geometry, invalid};
use super::prelude::*;

/// Refuses padding that is not less than the strides, and sizes that no run could use.
pub(super) fn check(geometry: &Geometry, output_padding: Option<&[usize]>) -> Result<()> {
    base_conv::no_causal(geometry.padding)?;
    let sizes = [
        ("kernel_size", geometry.kernel_size),
        ("strides", geometry.strides),
        ("dilation_rate", geometry.dilation_rate),
    ];
    for (option, sizes) in sizes {
        if sizes.iter().any(|&n| n > sizes::LARGEST_STEP) {
            let expected = format!("sizes of at most {}", sizes::LARGEST_STEP);
            return Err(invalid(option, &expected, format!("{sizes:?}")));
        }
    }
    let padding = output_padding.unwrap_or_default();
    if padding.iter().zip(geometry.strides).any(|(p, s)| p >= s) {
        let received = format!("{padding:?} at strides {:?}", geometry.strides);
        return Err(invalid("output_padding", "less than the strides", received));
    }
    Ok(())
}

/// Declares a transposed convolution of a number of spatial dimensions.
macro_rules! conv_transpose_layer {
    ($(#[$meta:meta])* $alias:ident, $options:ident, $rank:literal) => {
        use $crate::layers::OptionalSizes;
        use $crate::layers::convolutional::conv_transpose;

        $crate::layers::convolutional::base_conv::convolution! {
            $(#[$meta])* $alias, $options, $rank,
            first {
                /// Number of filters, which is the number of output channels.
                filters: usize = 0
            },
            then {
                /// Elements added to the output at the end of each spatial axis, fewer than the stride; by default as many as
                /// `padding` needs for an output of the strides times the input.
                output_padding: OptionalSizes<$rank> = OptionalSizes::default()
            },
            kernels {
                kernel, "the kernel": kernel_initializer = GlorotUniform, kernel_regularizer, kernel_constraint;
            },
            fn check(&self) -> Result<()> {
                base_conv::check_positive("filters", self.filters)?;
                conv_transpose::check(&self.geometry(), self.output_padding.as_slice())
            }

            fn kernels(&self, channels: usize) -> Result<(Vec<Weight>, usize)> {
                let kernel = Weight::new("kernel", self.geometry().kernel_shape([self.filters, channels])).rules(self.kernel());
                Ok((vec![kernel], self.filters))
            }

            fn convolve(&self, cx: &Call, x: &Tensor) -> Result<Tensor> {
                let padding = self.output_padding.as_slice();
                ops::convolve_transposed(x, &cx.weight("kernel")?, &self.geometry().options(), padding)
            }
        }

        $crate::layers::convolutional::base_conv::new_with_filters!($alias, $options, $rank);
    };
}

pub(super) use conv_transpose_layer;
