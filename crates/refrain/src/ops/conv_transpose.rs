//! The transposed convolution of any number of dimensions.

use refrain_graph::{Conv, ConvLayout, Op, Window};

use super::conv::{ConvOptions, per_axis, sizes, sizes_to_json, spread};
use super::definition::{ToArgument, operations};
use super::{channels_last, prim, tensor_argument};
use crate::error::{Error, ErrorKind, Result};
use crate::layers::Padding;
use crate::tensor::Tensor;
use crate::trace::Trace;
use crate::utils::sizes as checks;

operations! { TABLE in table {
    /// The transposed convolution of `(batch, spatial…, channels)` with a kernel `(spatial…, filters, channels)`: the gradient of a
    /// convolution with it.
    ///
    /// The result is `(batch, spatial…, filters)`, channels first if the options say so. `output_padding`: elements added to it at the end
    /// of each spatial axis, one number for all; by default as many as the padding needs for strides times the input. Other channels
    /// than the kernel's and padding that is neither valid nor same are errors.
    ///
    /// ```
    /// use refrain::{Input, input, ops, ops::ConvOptions};
    /// let kernel = Input::new([3, 4, 2]).batch_size(3).tensor();
    /// let y = ops::conv_transpose(&input([14, 14, 2]), &kernel, ConvOptions::default().strides([2]), None);
    /// assert_eq!(y.shape().to_string(), "(None, 29, 29, 4)");
    /// ```
    pub fn conv_transpose(inputs: &Tensor, kernel: &Tensor, options: ConvOptions, output_padding: Option<&[usize]>) -> Tensor {
        |op| {
            let mut arguments: Vec<_> = options.with([inputs, kernel]).collect();
            arguments.insert(4, output_padding.map(sizes_to_json).argument());
            op.apply(arguments)
        }
    }
    "ops.nn" / "ConvTranspose" as
    "conv_transpose(inputs, kernel, strides=1, padding='valid', output_padding=None, data_format=None, dilation_rate=1)"
    [Tensor, Tensor, Plain, Plain, Plain, Plain, Plain] => |inputs, config| {
        let (x, kernel) = (tensor_argument(inputs, 0, "inputs")?, tensor_argument(inputs, 1, "kernel")?);
        let (options, extra) = (ConvOptions::from_config(config)?, sizes(config, "output_padding")?);
        let y = channels_last(&x, options.data_format, |x| convolve_transposed(x, &kernel, &options, extra.as_deref()));
        Ok(y?.into())
    };
}}

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

/// The sizes of the kernel, if it fits the input.
fn kernel_size(x: &Tensor, kernel: &Tensor, options: &ConvOptions) -> Result<Vec<usize>> {
    let (shape, spatial) = (kernel.shape(), x.rank().saturating_sub(2));
    let sizes = shape.dims().iter().take(spatial);
    let sizes = sizes
        .map(|size| size.filter(|&n| n > 0))
        .collect::<Option<Vec<_>>>();
    let channels = x.dim(-1).zip(kernel.dim(-1)).is_none_or(|(a, b)| a == b);
    let fits = spatial > 0 && kernel.rank() == x.rank() && channels;
    match sizes.filter(|_| fits && options.padding != Padding::Causal) {
        Some(sizes) => Ok(sizes),
        None => {
            let expected = "an input and a kernel (spatial…, filters, channels) of one rank with as many channels, padding valid or same";
            let received = format!("shapes {} and {shape}, {:?}", x.shape(), options.padding);
            Err(Error::mismatch(ErrorKind::Shape, expected, received))
        }
    }
}

/// [`conv_transpose`] on traced tensors with channels last.
pub(crate) fn convolve_transposed(
    x: &Tensor,
    kernel: &Tensor,
    options: &ConvOptions,
    output_padding: Option<&[usize]>,
) -> Result<Tensor> {
    let size = kernel_size(x, kernel, options)?;
    let spatial = size.len();
    let strides = per_axis(&options.strides, spatial, "strides")?;
    let dilation = per_axis(&options.dilation_rate, spatial, "dilation rates")?;
    let extra = output_padding.map(|padding| spread(padding, spatial, "output_padding"));
    let extra = extra.transpose()?;
    let padding = (0..spatial).map(|i| {
        let window = (size[i] - 1).saturating_mul(dilation[i]);
        let window = window.saturating_add(1).min(checks::LARGEST_STEP);
        let extra = extra.as_ref().map(|padding| padding[i]);
        let (low, high) = padding(window, strides[i], options.padding, extra);
        Ok((checks::signed(low)?, checks::signed(high)?))
    });
    let data = ConvLayout {
        batch: 0,
        feature: spatial + 1,
        spatial: (1..=spatial).collect(),
    };
    let conv = Conv {
        window: Window {
            padding: padding.collect::<Result<_>>()?,
            size,
            strides: vec![1; spatial],
            base_dilation: strides,
            dilation,
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
