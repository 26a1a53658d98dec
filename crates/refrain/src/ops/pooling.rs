//! Pooling.

use refrain_graph::{BinaryOp, Literal, Op, Reduction, Shape, Window};

use super::arithmetic::as_float;
use super::conv::{per_axis, refuse_empty, sizes, sizes_to_json};
use super::definition::{ToArgument, operations};
use super::image::resize::pick;
use super::{OpDef, concatenate_traced, option, prim};
use crate::config::{Config, ConfigValue};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::{Argument, Inputs};
use crate::layers::{
    AdaptiveAveragePooling1D, AdaptiveAveragePooling2D, AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D, AdaptiveMaxPooling2D, AdaptiveMaxPooling3D, AveragePooling2D, DataFormat,
    MaxPooling2D, Padding,
};
use crate::structure::Structure;
use crate::tensor::Tensor;
use crate::trace::Trace;
use crate::utils::sizes;

/// How a pooling window moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolOptions {
    pool_size: Vec<usize>,
    strides: Option<Vec<usize>>,
    padding: Padding,
    data_format: DataFormat,
}

impl PoolOptions {
    /// A window of this size (one number stands for all spatial axes) that moves by its own size, without padding,
    /// channels last.
    pub fn new(pool_size: impl Into<Vec<usize>>) -> Self {
        PoolOptions {
            pool_size: pool_size.into(),
            strides: None,
            padding: Padding::Valid,
            data_format: DataFormat::ChannelsLast,
        }
    }

    /// The step along each spatial axis; one number stands for all.
    pub fn strides(mut self, strides: impl Into<Vec<usize>>) -> Self {
        self.strides = Some(strides.into());
        self
    }

    /// What happens at the edges. Padding never counts.
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    /// Where the channels are.
    pub fn data_format(mut self, data_format: DataFormat) -> Self {
        self.data_format = data_format;
        self
    }

    /// The arguments of a function in the order of Keras's signatures.
    fn with(self, inputs: &Tensor) -> [Argument; 5] {
        // Without strides Keras fails on JAX.
        let strides = self.strides.as_ref().unwrap_or(&self.pool_size);
        [
            inputs.argument(),
            sizes_to_json(&self.pool_size).argument(),
            sizes_to_json(strides).argument(),
            self.padding.to_json().argument(),
            self.data_format.to_json().argument(),
        ]
    }

    /// The sizes for a layer, where Keras on JAX does not take those of the function: they differ along the axes of declared images.
    fn of_layer(&self, inputs: &Tensor) -> Option<[[usize; 2]; 2]> {
        let declared = inputs.rank() == 4 && inputs.as_symbolic().is_some();
        let size = per_axis(&self.pool_size, 2, "pool sizes").ok()?;
        let strides = self.strides.as_deref().unwrap_or(&size);
        let strides = per_axis(strides, 2, "strides").ok()?;
        let (size, strides) = ([size[0], size[1]], [strides[0], strides[1]]);
        let uneven = [size, strides].iter().any(|[a, b]| a != b);
        (declared && uneven).then_some([size, strides])
    }

    fn from_config(config: &Config) -> Result<Self> {
        Ok(PoolOptions {
            pool_size: sizes(config, "pool_size")?.unwrap_or_default(),
            strides: sizes(config, "strides")?,
            padding: option(config, "padding")?,
            data_format: option(config, "data_format")?,
        })
    }
}

operations! { TABLE in table {
    /// The largest element in each position of a window.
    ///
    /// Of `(batch, spatial…, channels)` with fewer places along the spatial axes; channels first if the options say so. A window larger
    /// than the padded input is an error. A window over images that is no square becomes a `MaxPooling2D` in a declared graph:
    /// Keras on JAX does not run its own function from files there.
    ///
    /// ```
    /// use refrain::{input, ops, ops::PoolOptions};
    /// let y = ops::max_pool(&input([28, 28, 8]), PoolOptions::new([2]));
    /// assert_eq!(y.shape().to_string(), "(None, 14, 14, 8)");
    /// ```
    pub fn max_pool(inputs: &Tensor, options: PoolOptions) -> Tensor {
        |op| match options.of_layer(inputs) {
            Some([size, strides]) => {
                let layer = MaxPooling2D::new(size).strides(strides);
                let layer = layer.padding(options.padding).data_format(options.data_format);
                Tensor::from_result(layer.call(inputs))
            }
            None => op.apply(options.with(inputs)),
        }
    }
    "ops.nn" / "MaxPool" as "max_pool(inputs, pool_size, strides=None, padding='valid', data_format=None)"
    [Tensor, Plain, Plain, Plain, Plain] => |inputs, config| {
        Ok(pool(inputs.one()?, Reduction::Max, &PoolOptions::from_config(config)?)?.into())
    };
    /// The mean of the elements in each position of a window; padding does not count.
    ///
    /// Shapes and errors as with [`max_pool`]; means of integers are floats.
    ///
    /// ```
    /// use refrain::{input, ops, ops::PoolOptions};
    /// let y = ops::average_pool(&input([28, 8]), PoolOptions::new([4]).strides([1]));
    /// assert_eq!(y.shape().to_string(), "(None, 25, 8)");
    /// ```
    pub fn average_pool(inputs: &Tensor, options: PoolOptions) -> Tensor {
        |op| match options.of_layer(inputs) {
            Some([size, strides]) => {
                let layer = AveragePooling2D::new(size).strides(strides);
                let layer = layer.padding(options.padding).data_format(options.data_format);
                Tensor::from_result(layer.call(inputs))
            }
            None => op.apply(options.with(inputs)),
        }
    }
    "ops.nn" / "AveragePool" as "average_pool(inputs, pool_size, strides=None, padding='valid', data_format=None)"
    [Tensor, Plain, Plain, Plain, Plain] => |inputs, config| {
        Ok(pool(inputs.one()?, Reduction::Sum, &PoolOptions::from_config(config)?)?.into())
    };
    /// The largest element in each of so many windows along each spatial axis.
    ///
    /// Of `(batch, spatial…, channels)`, channels first if `data_format` says so, with one to three spatial axes. The windows of an
    /// axis cover it: each begins and ends where its part of the axis does, rounded outwards. One size stands for all axes. In a
    /// declared graph it becomes an `AdaptiveMaxPooling1D`, `…2D` or `…3D`: Keras on JAX does not run its own function from files.
    ///
    /// ```
    /// use refrain::{input, layers::DataFormat, ops};
    /// let y = ops::adaptive_max_pool(&input([28, 28, 8]), [7, 5], DataFormat::ChannelsLast);
    /// assert_eq!(y.shape().to_string(), "(None, 7, 5, 8)");
    /// ```
    pub fn adaptive_max_pool(inputs: &Tensor, output_size: impl Into<Vec<usize>>, data_format: DataFormat) -> Tensor {
        |op| adaptive(
            op,
            (inputs, output_size.into(), data_format),
            [
                |x, size, format| AdaptiveMaxPooling1D::new(one_for(size)?).data_format(format).call(x),
                |x, size, format| AdaptiveMaxPooling2D::new(one_for(size)?).data_format(format).call(x),
                |x, size, format| AdaptiveMaxPooling3D::new(one_for(size)?).data_format(format).call(x),
            ],
        )
    }
    "ops.nn" / "AdaptiveMaxPool" as "adaptive_max_pool(inputs, output_size, data_format=None)" [Tensor, Plain, Plain]
    => |inputs, config| adaptive_call(inputs, config, Reduction::Max);
    /// The mean of the elements in each of so many windows along each spatial axis.
    ///
    /// As [`adaptive_max_pool`]; means of integers are floats.
    ///
    /// ```
    /// use refrain::{input, layers::DataFormat, ops};
    /// let y = ops::adaptive_average_pool(&input([8, 28]), [4], DataFormat::ChannelsFirst);
    /// assert_eq!(y.shape().to_string(), "(None, 8, 4)");
    /// ```
    pub fn adaptive_average_pool(inputs: &Tensor, output_size: impl Into<Vec<usize>>, data_format: DataFormat) -> Tensor {
        |op| adaptive(
            op,
            (inputs, output_size.into(), data_format),
            [
                |x, size, format| AdaptiveAveragePooling1D::new(one_for(size)?).data_format(format).call(x),
                |x, size, format| AdaptiveAveragePooling2D::new(one_for(size)?).data_format(format).call(x),
                |x, size, format| AdaptiveAveragePooling3D::new(one_for(size)?).data_format(format).call(x),
            ],
        )
    }
    "ops.nn" / "AdaptiveAveragePool" as "adaptive_average_pool(inputs, output_size, data_format=None)" [Tensor, Plain, Plain]
    => |inputs, config| adaptive_call(inputs, config, Reduction::Sum);
}}

/// A layer of a number of spatial axes.
type AdaptiveLayer = fn(&Tensor, &[usize], DataFormat) -> Result<Tensor>;

/// A size for each of `N` axes, from one for each or one for all.
fn one_for<const N: usize>(sizes: &[usize]) -> Result<[usize; N]> {
    let sizes = per_axis(sizes, N, "output sizes")?;
    sizes
        .try_into()
        .map_err(|_| Error::new(ErrorKind::Internal, "sizes of another number"))
}

/// Adaptive pooling: in a declared graph as the layer of its rank.
fn adaptive(
    op: &'static OpDef,
    (inputs, output_size, data_format): (&Tensor, Vec<usize>, DataFormat),
    layers: [AdaptiveLayer; 3],
) -> Tensor {
    let layer = inputs.rank().checked_sub(3).and_then(|i| layers.get(i));
    match layer.filter(|_| inputs.as_symbolic().is_some()) {
        Some(layer) => Tensor::from_result(layer(inputs, &output_size, data_format)),
        None => op.apply([
            inputs.argument(),
            output_size.to_json().argument(),
            data_format.to_json().argument(),
        ]),
    }
}

fn adaptive_call(inputs: &Inputs, config: &Config, kind: Reduction) -> Result<Structure<Tensor>> {
    let output_size = sizes(config, "output_size")?.unwrap_or_default();
    let data_format = option(config, "data_format")?;
    Ok(adaptive_pool(inputs.one()?, kind, &output_size, data_format)?.into())
}

/// Adaptive pooling on a traced tensor: the maxima (`Max`), or else the means.
pub(crate) fn adaptive_pool(
    x: &Tensor,
    kind: Reduction,
    output_size: &[usize],
    data_format: DataFormat,
) -> Result<Tensor> {
    if !(3..=5).contains(&x.rank()) {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            "an input of rank 3 to 5, the batch included",
            format!("shape {}", x.shape()),
        ));
    }
    let places = per_axis(output_size, x.rank() - 2, "output sizes")?;
    let mut axes = places.into_iter().enumerate();
    axes.try_fold(x.clone(), |x, (i, places)| {
        adaptive_along(&x, kind, (i, data_format), places)
    })
}

/// Along one spatial axis. Windows are of two sizes, as their bounds are rounded: those of each size are made everywhere, and
/// then picked.
fn adaptive_along(
    x: &Tensor,
    kind: Reduction,
    (spatial, data_format): (usize, DataFormat),
    places: usize,
) -> Result<Tensor> {
    let axis = data_format.first_spatial_axis() + spatial;
    let windows = |size: usize, stride: usize| {
        let along = |n: usize| {
            let mut all = vec![1; x.rank() - 2];
            all[spatial] = n;
            all
        };
        let options = PoolOptions::new(along(size)).strides(along(stride));
        pool(x, kind, &options.data_format(data_format))
    };
    sizes::check_memory("a grid of windows", &[places], 64)?;
    prim::check_axis("pooled values", x, axis, places)?;
    let Some(n) = x.dim(axis as i64).filter(|&n| n > 0) else {
        return pick(x, axis, vec![0; places]);
    };
    let small = n.div_ceil(places);
    if n.is_multiple_of(places) {
        return windows(small, small);
    }
    let bounds = (0..places).map(|i| {
        let end = ((i + 1) as u128 * n as u128).div_ceil(places as u128) as usize;
        let start = (i as u128 * n as u128 / places as u128) as usize;
        (start, end - start)
    });
    let bounds: Vec<(usize, usize)> = bounds.collect();
    let pooled = windows(small, 1)?;
    if bounds.iter().all(|&(_, size)| size == small) {
        return pick(
            &pooled,
            axis,
            bounds.iter().map(|&(start, _)| start).collect(),
        );
    }
    let both = concatenate_traced(&[&pooled, &windows(small + 1, 1)?], axis as i64)?;
    let place = |&(start, size): &(usize, usize)| match size == small {
        true => start,
        false => n - small + 1 + start,
    };
    pick(&both, axis, bounds.iter().map(place).collect())
}

/// Pooling on a traced tensor: the maxima (`Max`), or else the means.
pub(crate) fn pool(x: &Tensor, kind: Reduction, options: &PoolOptions) -> Result<Tensor> {
    let rank = x.rank();
    if rank < 3 {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            "an input of rank 3 or more, the batch included",
            format!("shape {}", x.shape()),
        ));
    }
    // Means of integers are floats.
    let x = &match kind {
        Reduction::Sum => as_float(x)?,
        _ => x.clone(),
    };
    let first = options.data_format.first_spatial_axis();
    let size = per_axis(&options.pool_size, rank - 2, "pool sizes")?;
    let strides = options.strides.as_deref().unwrap_or(&size);
    let strides = per_axis(strides, rank - 2, "strides")?;
    let mut window = Window {
        size: vec![1; rank],
        strides: vec![1; rank],
        padding: vec![(0, 0); rank],
        base_dilation: vec![1; rank],
        dilation: vec![1; rank],
    };
    for i in 0..rank - 2 {
        let axis = first + i;
        let dim = x.shape().dim(axis);
        let (low, high) = options.padding.amounts(dim, size[i], strides[i], 1);
        window.size[axis] = size[i];
        window.strides[axis] = strides[i];
        window.padding[axis] = (sizes::signed(low)?, sizes::signed(high)?);
    }
    let reduce = Op::ReduceWindow {
        kind,
        window: window.clone(),
    };
    let pooled = Trace::apply(reduce, &[x])?;
    refuse_empty(&x.shape(), &pooled.shape())?;
    match kind {
        Reduction::Sum => {
            let counts = counts(x, &pooled.shape(), &window)?;
            prim::binary(BinaryOp::Divide, &pooled, &counts)
        }
        _ => Ok(pooled),
    }
}

/// How many elements of the input lie in each position of the window: a scalar where it is the same everywhere.
fn counts(x: &Tensor, grid: &Shape, window: &Window) -> Result<Tensor> {
    let shape = x.shape();
    let (mut dims, mut counts) = (Vec::new(), vec![1.0_f32]);
    for axis in 0..shape.rank() {
        let along = match (shape.dim(axis), grid.dim(axis)) {
            (Some(n), Some(places)) if window.padding[axis] != (0, 0) => {
                sizes::check_memory("a grid of windows", &[places, counts.len()], 4)?;
                counts_along(n, places, window, axis)
            }
            _ => vec![window.size[axis] as f32],
        };
        let all = counts.iter().flat_map(|c| along.iter().map(move |a| c * a));
        counts = all.collect();
        dims.push(along.len());
    }
    if let Some(&first) = counts.first().filter(|f| counts.iter().all(|c| c == *f)) {
        return prim::constant_like(x, first.into());
    }
    let literal = Literal::new(dims, counts)
        .ok_or_else(|| Error::new(ErrorKind::Internal, "counts of another size"))?;
    let trace = &x.expect_traced()?.trace;
    Ok(trace.constant(literal.convert(x.dtype())))
}

fn counts_along(n: usize, places: usize, window: &Window, axis: usize) -> Vec<f32> {
    let low = i128::from(window.padding[axis].0);
    let count = |place: usize| {
        let start = place as i128 * window.strides[axis] as i128 - low;
        let end = start + window.size[axis] as i128;
        (end.min(n as i128) - start.max(0)).max(0) as f32
    };
    (0..places).map(count).collect()
}

/// The mean along axes. Where a size is unknown there are no values either, and any divisor will do.
pub(crate) fn mean_of(x: &Tensor, axes: &[usize], keepdims: bool) -> Result<Tensor> {
    let x = as_float(x)?;
    let shape = x.shape();
    let sizes = axes.iter().map(|&a| shape.dim(a).unwrap_or(1) as f64);
    let count: f64 = sizes.product();
    let sum = super::reduce(&x, Reduction::Sum, axes, keepdims)?;
    prim::binary(BinaryOp::Divide, &sum, &prim::constant_like(&sum, count)?)
}
