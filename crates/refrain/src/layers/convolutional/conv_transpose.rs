//! The transposed convolution of any number of dimensions.

use refrain_graph::{Conv, ConvLayout, Op, Window};

use super::base_conv::{Geometry, invalid};
use super::prelude::*;
use crate::ops::prim;
use crate::trace::Trace;

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

/// Elements added before and after an axis whose elements lie `stride` apart.
fn padding(window: usize, stride: usize, padding: Padding, extra: Option<usize>) -> (usize, usize) {
    match padding {
        Padding::Same => {
            let total = match extra {
                None => stride + window - 2,
                Some(extra) => window + window % 2 - 2 + extra,
            };
            let low = total.div_ceil(2).min(window - 1);
            (low, total - low)
        }
        _ => {
            let extra = extra.unwrap_or(window.max(stride) - window);
            (window - 1, window - 1 + extra)
        }
    }
}

/// The gradient of a convolution with this kernel `(spatial…, filters, channels)`, of a tensor with channels last.
pub(super) fn convolve(
    x: &Tensor,
    kernel: &Tensor,
    geometry: &Geometry,
    output_padding: Option<&[usize]>,
) -> Result<Tensor> {
    let spatial = geometry.kernel_size.len();
    let padding = (0..spatial).map(|i| {
        let window = (geometry.kernel_size[i] - 1).saturating_mul(geometry.dilation_rate[i]);
        let window = window.saturating_add(1).min(sizes::LARGEST_STEP);
        let extra = output_padding.map(|padding| padding[i]);
        let (low, high) = padding(window, geometry.strides[i], geometry.padding, extra);
        Ok((sizes::signed(low)?, sizes::signed(high)?))
    });
    let data = ConvLayout {
        batch: 0,
        feature: spatial + 1,
        spatial: (1..=spatial).collect(),
    };
    let conv = Conv {
        window: Window {
            padding: padding.collect::<Result<_>>()?,
            size: geometry.kernel_size.to_vec(),
            strides: vec![1; spatial],
            base_dilation: geometry.strides.to_vec(),
            dilation: geometry.dilation_rate.to_vec(),
        },
        reversal: vec![true; spatial],
        lhs: data.clone(),
        rhs: ConvLayout {
            batch: spatial + 1,
            feature: spatial,
            spatial: (0..spatial).collect(),
        },
        out: data,
        feature_groups: 1,
        batch_groups: 1,
    };
    let x = prim::convert(x, kernel.dtype())?;
    Trace::apply(Op::Convolution(Box::new(conv)), &[&x, kernel])
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
                conv_transpose::convolve(x, &cx.weight("kernel")?, &self.geometry(), padding)
            }
        }

        $crate::layers::convolutional::base_conv::new_with_filters!($alias, $options, $rank);
    };
}

pub(super) use conv_transpose_layer;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_what_keras_adds() {
        assert_eq!(padding(3, 2, Padding::Valid, None), (2, 2));
        assert_eq!(padding(2, 3, Padding::Valid, None), (1, 2));
        assert_eq!(padding(3, 2, Padding::Same, None), (2, 1));
        assert_eq!(padding(3, 2, Padding::Same, Some(0)), (1, 1));
        assert_eq!(padding(1, 3, Padding::Same, None), (0, 2));
    }
}
