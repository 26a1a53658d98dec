//! Convolutions.

use refrain_graph::{Conv, ConvLayout, Op, Shape, Window};
use serde_json::Value as Json;

use super::definition::{ToArgument, operations};
use super::{option, prim, tensor_argument};
use crate::config::{Config, ConfigValue, in_option};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Argument;
use crate::layers::{DataFormat, Padding};
use crate::tensor::Tensor;
use crate::trace::Trace;
use crate::utils::sizes;

/// How a convolution moves. By default: stride 1, no padding, no dilation, channels last.
///
/// ```
/// use refrain::layers::Padding;
/// use refrain::ops::ConvOptions;
/// let halving = ConvOptions::default().strides([2, 2]).padding(Padding::Same);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvOptions {
    pub(super) strides: Vec<usize>,
    pub(super) padding: Padding,
    pub(super) data_format: DataFormat,
    pub(super) dilation_rate: Vec<usize>,
}

impl Default for ConvOptions {
    fn default() -> Self {
        ConvOptions {
            strides: vec![1],
            padding: Padding::Valid,
            data_format: DataFormat::ChannelsLast,
            dilation_rate: vec![1],
        }
    }
}

impl ConvOptions {
    /// The step along each spatial axis; one number stands for all.
    pub fn strides(mut self, strides: impl Into<Vec<usize>>) -> Self {
        self.strides = strides.into();
        self
    }

    /// What happens at the edges.
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    /// Where the channels are.
    pub fn data_format(mut self, data_format: DataFormat) -> Self {
        self.data_format = data_format;
        self
    }

    /// The distance between the kernel's elements along each spatial axis; one number stands for all.
    pub fn dilation_rate(mut self, rate: impl Into<Vec<usize>>) -> Self {
        self.dilation_rate = rate.into();
        self
    }

    /// The arguments of a function in the order of Keras's signatures.
    pub(super) fn with<const N: usize>(
        self,
        tensors: [&Tensor; N],
    ) -> impl Iterator<Item = Argument> {
        let options = [
            sizes_to_json(&self.strides),
            self.padding.to_json(),
            self.data_format.to_json(),
            sizes_to_json(&self.dilation_rate),
        ];
        let tensors = tensors.map(ToArgument::argument).into_iter();
        tensors.chain(options.map(ToArgument::argument))
    }

    pub(super) fn from_config(config: &Config) -> Result<Self> {
        Ok(ConvOptions {
            strides: sizes(config, "strides")?.unwrap_or_else(|| vec![1]),
            padding: option(config, "padding")?,
            data_format: option(config, "data_format")?,
            dilation_rate: sizes(config, "dilation_rate")?.unwrap_or_else(|| vec![1]),
        })
    }
}

/// One number for sizes that are all the same: Keras takes no list of another length than that of the axes, and some of its
/// functions on JAX no list at all.
pub(super) fn sizes_to_json(sizes: &[usize]) -> Json {
    match sizes {
        [first, rest @ ..] if rest.iter().all(|n| n == first) => (*first).into(),
        sizes => sizes.to_vec().into(),
    }
}

/// A list of sizes, which Keras may write as one number. `None` if there is none.
pub(super) fn sizes(config: &Config, key: &str) -> Result<Option<Vec<usize>>> {
    let sizes = match config.get(key) {
        None | Some(Json::Null) => return Ok(None),
        Some(json) if json.is_number() => usize::from_json(json).map(|n| vec![n]),
        Some(json) => Vec::from_json(json),
    };
    sizes.map(Some).map_err(|e| in_option(e, key))
}

/// One size for each of `rank` spatial axes, from one for each or one for all.
pub(super) fn spread(sizes: &[usize], rank: usize, what: &str) -> Result<Vec<usize>> {
    let full = match sizes {
        [one] => vec![*one; rank],
        sizes => sizes.to_vec(),
    };
    let refused = |expected: String| {
        let received = format!("{sizes:?}");
        Err(Error::mismatch(ErrorKind::Config, expected, received))
    };
    match full.iter().all(|&n| n <= sizes::LARGEST_STEP) {
        _ if full.len() != rank => refused(format!("{rank} {what}")),
        false => refused(format!("{what} of at most {}", sizes::LARGEST_STEP)),
        true => Ok(full),
    }
}

/// [`spread`] for sizes that are positive.
pub(super) fn per_axis(sizes: &[usize], rank: usize, what: &str) -> Result<Vec<usize>> {
    let expected = format!("positive {what}");
    match spread(sizes, rank, &expected)? {
        full if full.contains(&0) => {
            let received = format!("{sizes:?}");
            Err(Error::mismatch(ErrorKind::Config, expected, received))
        }
        full => Ok(full),
    }
}

operations! { TABLE in table {
    /// A convolution of `(batch, spatial…, channels)` with a kernel `(spatial…, channels / groups, filters)`.
    ///
    /// The result is `(batch, spatial…, filters)`, channels first if the options say so. The number of groups follows from the
    /// shapes. The kernel is not flipped. Channels that are no multiple of the kernel's and a kernel larger than the padded input are
    /// errors.
    ///
    /// ```
    /// use refrain::{Input, input, ops, ops::ConvOptions};
    /// let kernel = Input::new([3, 1, 4]).batch_size(3).tensor();
    /// let y = ops::conv(&input([28, 28, 1]), &kernel, ConvOptions::default().strides([2]));
    /// assert_eq!(y.shape().to_string(), "(None, 13, 13, 4)");
    /// ```
    pub fn conv(inputs: &Tensor, kernel: &Tensor, options: ConvOptions) -> Tensor {
        |op| op.apply(options.with([inputs, kernel]))
    }
    "ops.nn" / "Conv" as "conv(inputs, kernel, strides=1, padding='valid', data_format=None, dilation_rate=1)"
    [Tensor, Tensor, Plain, Plain, Plain, Plain] => |inputs, config| {
        let (x, kernel) = (tensor_argument(inputs, 0, "inputs")?, tensor_argument(inputs, 1, "kernel")?);
        Ok(convolve(&x, &kernel, &ConvOptions::from_config(config)?)?.into())
    };
    /// A convolution of each channel on its own, with a kernel `(spatial…, channels, depth_multiplier)`.
    ///
    /// The result has `channels · depth_multiplier` channels, those of one input channel side by side. Errors as with [`conv`].
    ///
    /// ```
    /// use refrain::{Input, input, ops, ops::ConvOptions};
    /// let kernel = Input::new([3, 2, 4]).batch_size(3).tensor();
    /// let y = ops::depthwise_conv(&input([28, 28, 2]), &kernel, ConvOptions::default());
    /// assert_eq!(y.shape().to_string(), "(None, 26, 26, 8)");
    /// ```
    pub fn depthwise_conv(inputs: &Tensor, kernel: &Tensor, options: ConvOptions) -> Tensor {
        |op| op.apply(options.with([inputs, kernel]))
    }
    "ops.nn" / "DepthwiseConv" as "depthwise_conv(inputs, kernel, strides=1, padding='valid', data_format=None, dilation_rate=1)"
    [Tensor, Tensor, Plain, Plain, Plain, Plain] => |inputs, config| {
        let (x, kernel) = (tensor_argument(inputs, 0, "inputs")?, tensor_argument(inputs, 1, "kernel")?);
        Ok(convolve_depthwise(&x, &kernel, &ConvOptions::from_config(config)?)?.into())
    };
    /// [`depthwise_conv`] followed by a convolution of size 1 that mixes the channels.
    ///
    /// The pointwise kernel is `(1…, channels · depth_multiplier, filters)`; the result has `filters` channels. Errors as with
    /// [`conv`].
    ///
    /// ```
    /// use refrain::{Input, input, ops, ops::ConvOptions};
    /// let depthwise = Input::new([3, 2, 4]).batch_size(3).tensor();
    /// let pointwise = Input::new([1, 8, 5]).batch_size(1).tensor();
    /// let y = ops::separable_conv(&input([28, 28, 2]), &depthwise, &pointwise, ConvOptions::default());
    /// assert_eq!(y.shape().to_string(), "(None, 26, 26, 5)");
    /// ```
    pub fn separable_conv(
        inputs: &Tensor,
        depthwise_kernel: &Tensor,
        pointwise_kernel: &Tensor,
        options: ConvOptions,
    ) -> Tensor {
        |op| op.apply(options.with([inputs, depthwise_kernel, pointwise_kernel]))
    }
    "ops.nn" / "SeparableConv" as
    "separable_conv(inputs, depthwise_kernel, pointwise_kernel, strides=1, padding='valid', data_format=None, dilation_rate=1)"
    [Tensor, Tensor, Tensor, Plain, Plain, Plain, Plain] => |inputs, config| {
        let x = tensor_argument(inputs, 0, "inputs")?;
        let depthwise = tensor_argument(inputs, 1, "depthwise_kernel")?;
        let pointwise = tensor_argument(inputs, 2, "pointwise_kernel")?;
        let options = ConvOptions::from_config(config)?;
        let inner = convolve_depthwise(&x, &depthwise, &options)?;
        let mixing = ConvOptions::default().data_format(options.data_format);
        Ok(convolve(&inner, &pointwise, &mixing)?.into())
    };
}}

/// The order of axes that brings the channels to the end, and the one that brings them back.
fn channel_moves(rank: usize) -> (Vec<usize>, Vec<usize>) {
    let mut to_last: Vec<usize> = (0..rank).collect();
    let channels = to_last.remove(1);
    to_last.push(channels);
    let mut to_first: Vec<usize> = (0..rank).collect();
    let channels = to_first.pop().unwrap_or_default();
    to_first.insert(1, channels);
    (to_last, to_first)
}

/// Runs a function of a tensor with channels last on one of either format.
pub(crate) fn channels_last(
    x: &Tensor,
    format: DataFormat,
    f: impl FnOnce(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    if format == DataFormat::ChannelsLast || x.rank() < 3 {
        return f(x);
    }
    let (to_last, to_first) = channel_moves(x.rank());
    prim::transpose(&f(&prim::transpose(x, &to_last)?)?, &to_first)
}

/// [`conv`] on traced tensors.
pub(crate) fn convolve(x: &Tensor, kernel: &Tensor, options: &ConvOptions) -> Result<Tensor> {
    channels_last(x, options.data_format, |x| {
        let per_group = kernel.dim(-2);
        let groups = match (x.dim(-1), per_group) {
            (Some(channels), Some(n)) if n > 0 && channels % n == 0 => channels / n,
            (Some(channels), Some(n)) => {
                return Err(Error::mismatch(
                    ErrorKind::Shape,
                    format!("input channels in multiples of the kernel's {n}"),
                    format!("{channels} channels in shape {}", x.shape()),
                ));
            }
            _ => 1,
        };
        grouped(x, kernel, groups, options)
    })
}

/// [`depthwise_conv`] on traced tensors.
pub(crate) fn convolve_depthwise(
    x: &Tensor,
    kernel: &Tensor,
    options: &ConvOptions,
) -> Result<Tensor> {
    channels_last(x, options.data_format, |x| {
        let mut shape = kernel.shape();
        let (Some(channels), Some(multiplier)) = (kernel.dim(-2), kernel.dim(-1)) else {
            return Err(Error::mismatch(
                ErrorKind::Shape,
                "a depthwise kernel of known channels",
                format!("shape {shape}"),
            ));
        };
        let rank = shape.rank();
        shape.dims_mut()[rank - 2] = Some(1);
        shape.dims_mut()[rank - 1] = Some(sizes::times(channels, multiplier)?);
        grouped(x, &prim::reshape(kernel, shape)?, channels, options)
    })
}

/// A convolution in groups, channels last.
fn grouped(x: &Tensor, kernel: &Tensor, groups: usize, options: &ConvOptions) -> Result<Tensor> {
    let rank = x.rank();
    if rank < 3 || kernel.rank() != rank {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            format!("an input and a kernel of rank {} each", rank.max(3)),
            format!("shapes {} and {}", x.shape(), kernel.shape()),
        ));
    }
    let window = window(x, kernel, options)?;
    let spatial = rank - 2;
    let x = prim::convert(x, kernel.dtype())?;
    let data = ConvLayout {
        batch: 0,
        feature: rank - 1,
        spatial: (1..rank - 1).collect(),
    };
    let conv = Conv {
        window,
        reversal: vec![false; spatial],
        lhs: data.clone(),
        rhs: ConvLayout {
            batch: spatial,
            feature: spatial + 1,
            spatial: (0..spatial).collect(),
        },
        out: data,
        feature_groups: groups,
        batch_groups: 1,
    };
    let y = Trace::apply(Op::Convolution(Box::new(conv)), &[&x, kernel])?;
    refuse_empty(&x.shape(), &y.shape())?;
    Ok(y)
}

fn window(x: &Tensor, kernel: &Tensor, options: &ConvOptions) -> Result<Window> {
    let spatial = x.rank() - 2;
    let strides = per_axis(&options.strides, spatial, "strides")?;
    let dilation = per_axis(&options.dilation_rate, spatial, "dilation rates")?;
    let (shape, kernel) = (x.shape(), kernel.shape());
    let size = (0..spatial).map(|i| kernel.dim(i));
    let size = size.collect::<Option<Vec<_>>>().ok_or_else(|| {
        Error::mismatch(
            ErrorKind::Shape,
            "a kernel of known spatial size",
            format!("shape {kernel}"),
        )
    })?;
    let padding = (0..spatial).map(|i| {
        let padding = options.padding;
        let (low, high) = padding.amounts(shape.dim(i + 1), size[i], strides[i], dilation[i]);
        Ok((sizes::signed(low)?, sizes::signed(high)?))
    });
    Ok(Window {
        padding: padding.collect::<Result<_>>()?,
        size,
        strides,
        base_dilation: vec![1; spatial],
        dilation,
    })
}

/// Refuses a window that found no place in an input that has elements.
pub(super) fn refuse_empty(input: &Shape, output: &Shape) -> Result<()> {
    let empty = |s: &Shape| s.dims().contains(&Some(0));
    if !empty(input) && empty(output) {
        let expected = "an input at least as large as the window";
        let error = Error::mismatch(ErrorKind::Shape, expected, format!("shape {input}"));
        return Err(error.hint("Use a smaller window, a smaller dilation, or padding Same"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Trace;
    use refrain_graph::{DType, Spec};

    fn traced(trace: &Trace, shape: &[Option<usize>]) -> Tensor {
        trace.input("x", Spec::new(shape.to_vec(), DType::F32))
    }

    fn shape(x: &[Option<usize>], kernel: [usize; 4], options: ConvOptions) -> String {
        let trace = Trace::new(false);
        let y = conv(
            &traced(&trace, x),
            &traced(&trace, &kernel.map(Some)),
            options,
        );
        y.check().unwrap();
        y.shape().to_string()
    }

    #[test]
    fn unknown_sizes_stay_unknown() {
        let same = ConvOptions::default().padding(Padding::Same).strides([2]);
        let image = [None, None, Some(9), Some(4)];
        assert_eq!(
            shape(&image, [3, 3, 4, 8], same.clone()),
            "(None, None, 5, 8)"
        );
        let first = [None, Some(4), Some(9), None];
        let options = same.data_format(DataFormat::ChannelsFirst);
        assert_eq!(shape(&first, [3, 3, 4, 8], options), "(None, 8, 5, None)");
    }

    #[test]
    fn a_kernel_larger_than_the_input_is_refused() {
        let trace = Trace::new(false);
        let x = traced(&trace, &[Some(1), Some(2), Some(2), Some(1)]);
        let kernel = traced(&trace, &[3, 3, 1, 1].map(Some));
        let error = conv(&x, &kernel, ConvOptions::default())
            .check()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Shape);
    }

    #[test]
    fn channels_that_do_not_divide_are_refused() {
        let trace = Trace::new(false);
        let x = traced(&trace, &[None, Some(5), Some(5), Some(3)]);
        let kernel = traced(&trace, &[3, 3, 2, 4].map(Some));
        assert!(conv(&x, &kernel, ConvOptions::default()).check().is_err());
    }
}
