//! The convolution of any number of dimensions.

use super::base_conv::{check_positive, invalid};
use crate::error::Result;

/// Refuses groups that do not divide the filters.
pub(super) fn check_groups(filters: usize, groups: usize) -> Result<()> {
    check_positive("filters", filters)?;
    if groups == 0 || !filters.is_multiple_of(groups) {
        let expected = "a positive number that divides the filters";
        let received = format!("{groups} groups of {filters} filters");
        return Err(invalid("groups", expected, received));
    }
    Ok(())
}

/// The input channels of each group.
pub(super) fn channels_per_group(channels: usize, groups: usize) -> Result<usize> {
    match channels.is_multiple_of(groups) {
        true => Ok(channels / groups),
        false => {
            let expected = "a number that divides the input's channels";
            let received = format!("{groups} groups of {channels} channels");
            Err(invalid("groups", expected, received))
        }
    }
}

/// Declares a convolution of a number of spatial dimensions.
macro_rules! conv_layer {
    ($(#[$meta:meta])* $alias:ident, $options:ident, $rank:literal) => {
        use $crate::layers::convolutional::conv::{channels_per_group, check_groups};

        $crate::layers::convolutional::base_conv::convolution! {
            $(#[$meta])* $alias, $options, $rank,
            first {
                /// Number of filters, which is the number of output channels.
                filters: usize = 0
            },
            then {
                /// Number of groups that the channels are split into, each convolved with its own filters; divides input
                /// channels and filters.
                groups: usize = 1
            },
            kernels {
                kernel, "the kernel": kernel_initializer = GlorotUniform, kernel_regularizer, kernel_constraint;
            },
            fn check(&self) -> Result<()> {
                check_groups(self.filters, self.groups)
            }

            fn kernels(&self, channels: usize) -> Result<(Vec<Weight>, usize)> {
                let channels = channels_per_group(channels, self.groups)?;
                let kernel = Weight::new("kernel", self.geometry().kernel_shape([channels, self.filters])).rules(self.kernel());
                Ok((vec![kernel], self.filters))
            }

            fn convolve(&self, cx: &Call, x: &Tensor) -> Result<Tensor> {
                ops::convolve(x, &cx.weight("kernel")?, &self.geometry().options())
            }
        }

        $crate::layers::convolutional::base_conv::new_with_filters!($alias, $options, $rank);
    };
}

pub(super) use conv_layer;
