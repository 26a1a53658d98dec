//! Blocks of images and sequences: moved into the channels and back, cut out, put together.

use refrain_graph::{DType, Dim, Op};

use super::conv::{per_axis, sizes, sizes_to_json, spread};
use super::definition::{OpResult, ToArgument, operations, to};
use super::index::gather_axis;
use super::join::{pad_constant, slice_traced};
use super::{option, prim};
use crate::config::{Config, ConfigValue};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::{Argument, Inputs};
use crate::layers::DataFormat;
use crate::tensor::Tensor;
use crate::trace::Trace;
use crate::utils::sizes as checks;

/// Which blocks of images [`unfold`] cuts out and [`fold`] puts together; one number stands for rows and columns. By default without
/// dilation and padding, a step of 1 apart.
///
/// ```
/// use refrain::ops::BlockOptions;
/// let apart = BlockOptions::new([3]).stride([3]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockOptions {
    kernel_size: Vec<usize>,
    dilation: Vec<usize>,
    padding: Vec<usize>,
    stride: Vec<usize>,
}

impl BlockOptions {
    /// Blocks of this size.
    pub fn new(kernel_size: impl Into<Vec<usize>>) -> Self {
        BlockOptions {
            kernel_size: kernel_size.into(),
            dilation: vec![1],
            padding: vec![0],
            stride: vec![1],
        }
    }

    /// The distance between the elements of a block.
    pub fn dilation(mut self, dilation: impl Into<Vec<usize>>) -> Self {
        self.dilation = dilation.into();
        self
    }

    /// Zeros around the image, on both sides of each axis.
    pub fn padding(mut self, padding: impl Into<Vec<usize>>) -> Self {
        self.padding = padding.into();
        self
    }

    /// The step from block to block.
    pub fn stride(mut self, stride: impl Into<Vec<usize>>) -> Self {
        self.stride = stride.into();
        self
    }

    /// The arguments in the order of Keras's signatures.
    fn arguments(&self) -> [Argument; 4] {
        let all = [
            &self.kernel_size,
            &self.dilation,
            &self.padding,
            &self.stride,
        ];
        all.map(|sizes| sizes_to_json(sizes).argument())
    }
}

operations! { TABLE in table {
    /// Channels of images as blocks of pixels: `block_size` times as many rows and columns, and so many times fewer channels.
    ///
    /// A block size below 2, a tensor of another rank than 4, and channels that are no multiple of its square are errors. Keras has the
    /// channels last by default.
    ///
    /// ```
    /// use refrain::{input, layers::DataFormat, ops};
    /// let y = ops::depth_to_space(input([4, 6, 8]), 2, DataFormat::ChannelsLast);
    /// assert_eq!(y.shape().to_string(), "(None, 8, 12, 2)");
    /// ```
    pub fn depth_to_space(x: impl AsRef<Tensor>, block_size: usize, data_format: DataFormat) -> Tensor {
        [x.as_ref(), block_size, data_format.to_json()]
    }
    "ops.nn" / "DepthToSpace" as "depth_to_space(x, block_size, data_format='channels_last')" [Tensor, Count, Plain]
    => |inputs, config| {
        let (x, [n, h, w, c], block, first) = image(inputs, config)?;
        let channels = divided(c, checks::times(block, block)?, &x)?;
        let (b, rows, columns) = (Some(block), times(h, block)?, times(w, block)?);
        match first {
            false => regrouped(&x, [n, h, w, b, b, channels], [0, 1, 3, 2, 4, 5], [n, rows, columns, channels]),
            true => regrouped(&x, [n, channels, b, b, h, w], [0, 1, 4, 2, 5, 3], [n, channels, rows, columns]),
        }
    };
    /// Blocks of pixels as channels: the inverse of [`depth_to_space`].
    ///
    /// A block size below 2, a tensor of another rank than 4, and rows or columns that are no multiple of it are errors. Keras has the
    /// channels last by default.
    ///
    /// ```
    /// use refrain::{input, layers::DataFormat, ops};
    /// let y = ops::space_to_depth(input([2, 8, 12]), 2, DataFormat::ChannelsFirst);
    /// assert_eq!(y.shape().to_string(), "(None, 8, 4, 6)");
    /// ```
    pub fn space_to_depth(x: impl AsRef<Tensor>, block_size: usize, data_format: DataFormat) -> Tensor {
        [x.as_ref(), block_size, data_format.to_json()]
    }
    "ops.nn" / "SpaceToDepth" as "space_to_depth(x, block_size, data_format='channels_last')" [Tensor, Count, Plain]
    => |inputs, config| {
        let (x, [n, h, w, c], block, first) = image(inputs, config)?;
        let channels = times(c, checks::times(block, block)?)?;
        let (b, rows, columns) = (Some(block), divided(h, block, &x)?, divided(w, block, &x)?);
        match first {
            false => regrouped(&x, [n, rows, b, columns, b, c], [0, 1, 3, 2, 4, 5], [n, rows, columns, channels]),
            true => regrouped(&x, [n, c, rows, b, columns, b], [0, 1, 3, 5, 2, 4], [n, channels, rows, columns]),
        }
    };
    /// All blocks of images `(batch, channels, rows, columns)`, each a column: `(batch, channels · block, blocks)`.
    ///
    /// A tensor of another rank and images smaller than a block are errors.
    ///
    /// ```
    /// use refrain::{input, ops, ops::BlockOptions};
    /// let blocks = ops::unfold(input([2, 6, 6]), BlockOptions::new([3]).stride([3]));
    /// assert_eq!(blocks.shape().to_string(), "(None, 18, 4)");
    /// ```
    pub fn unfold(x: impl AsRef<Tensor>, options: BlockOptions) -> Tensor {
        |op| op.apply([x.as_ref().argument()].into_iter().chain(options.arguments()))
    }
    "ops.nn" / "Unfold" as "unfold(x, kernel_size, dilation=1, padding=0, stride=1)" [Tensor, Plain, Plain, Plain, Plain] => unfold_call;
    /// Images `(batch, channels, rows, columns)` of this size put together from blocks as [`unfold`] gives them; where these overlap they
    /// are added.
    ///
    /// A tensor of another rank than 3, channels that are no multiple of a block's size, and another number of blocks are errors.
    ///
    /// ```
    /// use refrain::{input, ops, ops::BlockOptions};
    /// let images = ops::fold(input([18, 4]), [6], BlockOptions::new([3]).stride([3]));
    /// assert_eq!(images.shape().to_string(), "(None, 2, 6, 6)");
    /// ```
    pub fn fold(x: impl AsRef<Tensor>, output_size: impl Into<Vec<usize>>, options: BlockOptions) -> Tensor {
        |op| {
            let first = [x.as_ref().argument(), sizes_to_json(&to::<Vec<usize>>(output_size)).argument()];
            op.apply(first.into_iter().chain(options.arguments()))
        }
    }
    "ops.nn" / "Fold" as "fold(x, output_size, kernel_size, dilation=1, padding=0, stride=1)"
    [Tensor, Plain, Plain, Plain, Plain, Plain] => fold_call;
    /// Parts of this length along the last axis, a stride apart: `(…, parts, length)`.
    ///
    /// Without the last part if it is not whole. A length or stride of 0 and signals shorter than the length are errors.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::extract_sequences(input([10]), 4, 3).shape().to_string(), "(None, 3, 4)");
    /// ```
    pub fn extract_sequences(x: impl AsRef<Tensor>, sequence_length: usize, sequence_stride: usize) -> Tensor {
        [x.as_ref(), sequence_length, sequence_stride]
    }
    "ops.math" / "ExtractSequences" as "extract_sequences(x, sequence_length, sequence_stride)" [Tensor, Count, Count]
    => |inputs, config| {
        let x = inputs.one()?;
        let size = |name: &str| -> Result<usize> { Ok(per_axis(&[option(config, name)?], 1, name)?[0]) };
        let taps = Taps { size: size("sequence_length")?, dilation: 1, padding: 0, stride: size("sequence_stride")? };
        let axis = x.rank().checked_sub(1).ok_or_else(|| unfit("signals along an axis", x))?;
        Ok(windows(x, axis, &taps)?.into())
    };
}}

fn unfit(expected: impl Into<String>, x: &Tensor) -> Error {
    Error::mismatch(ErrorKind::Shape, expected, format!("shape {}", x.shape()))
}

fn times(size: Dim, by: usize) -> Result<Dim> {
    size.map(|size| checks::times(size, by)).transpose()
}

fn divided(size: Dim, by: usize, x: &Tensor) -> Result<Dim> {
    match size {
        Some(size) if size % by != 0 => Err(unfit(format!("a multiple of {by}, not {size}"), x)),
        size => Ok(size.map(|size| size / by)),
    }
}

/// Images, their sizes (batch, rows, columns, channels), the size of blocks, and whether the channels come first.
fn image(inputs: &Inputs, config: &Config) -> Result<(Tensor, [Dim; 4], usize, bool)> {
    let x = inputs.one()?;
    let block: usize = option(config, "block_size")?;
    if block < 2 {
        let expected = "a `block_size` of at least 2";
        return Err(Error::mismatch(
            ErrorKind::Config,
            expected,
            block.to_string(),
        ));
    }
    let shape = x.shape();
    let &[n, a, b, c] = shape.dims() else {
        return Err(unfit("images of rank 4", x));
    };
    let first = option::<DataFormat>(config, "data_format")? == DataFormat::ChannelsFirst;
    let sizes = if first { [n, b, c, a] } else { [n, a, b, c] };
    Ok((x.clone(), sizes, block, first))
}

/// The axes split, in another order, and joined.
fn regrouped(x: &Tensor, split: [Dim; 6], order: [usize; 6], joined: [Dim; 4]) -> OpResult {
    let split = prim::reshape(x, split.to_vec())?;
    Ok(prim::reshape(&prim::transpose(&split, &order)?, joined.to_vec())?.into())
}

/// Blocks along one axis.
struct Taps {
    size: usize,
    dilation: usize,
    padding: usize,
    stride: usize,
}

impl Taps {
    /// Those along rows and columns.
    fn of(config: &Config) -> Result<[Taps; 2]> {
        let pair = |name: &str| per_axis(&sizes(config, name)?.unwrap_or_else(|| vec![1]), 2, name);
        let (size, dilation, stride) = (pair("kernel_size")?, pair("dilation")?, pair("stride")?);
        let padding = sizes(config, "padding")?.unwrap_or_else(|| vec![0]);
        let padding = spread(&padding, 2, "padding")?;
        Ok([0, 1].map(|axis| Taps {
            size: size[axis],
            dilation: dilation[axis],
            padding: padding[axis],
            stride: stride[axis],
        }))
    }

    /// How many blocks there are along an axis of this size, padding not counted yet.
    fn count(&self, size: usize) -> Result<usize> {
        let padded = checks::times(self.padding, 2)?.saturating_add(size);
        let reach = checks::times(self.dilation, self.size - 1)?.saturating_add(1);
        let free = padded.checked_sub(reach).ok_or_else(|| {
            let expected = format!("at least {reach} elements along an axis for one block");
            Error::mismatch(ErrorKind::Shape, expected, padded.to_string())
        })?;
        Ok(free / self.stride + 1)
    }
}

/// The blocks along an axis, in place of it two: blocks, and what is in them. The padding is there already.
fn windows(x: &Tensor, axis: usize, taps: &Taps) -> Result<Tensor> {
    let mut shape = x.shape();
    let Some(size) = shape.dim(axis) else {
        shape.dims_mut()[axis] = None;
        shape.dims_mut().insert(axis + 1, Some(taps.size));
        return prim::reshape(x, shape);
    };
    let padded = Taps {
        padding: 0,
        ..*taps
    };
    let grid = [padded.count(size)?, taps.size];
    checks::check_memory("a tensor of blocks", &grid, x.dtype().size())?;
    let along = |axis| prim::iota(x, &grid.to_vec().into(), DType::I32, axis);
    let places = along(0)? * taps.stride + along(1)? * taps.dilation;
    gather_axis(x, &places.checked()?, axis)
}

fn unfold_call(inputs: &Inputs, config: &Config) -> OpResult {
    let x = inputs.one()?;
    let shape = x.shape();
    let &[n, c, ..] = shape.dims() else {
        return Err(unfit("images of rank 4", x));
    };
    if x.rank() != 4 {
        return Err(unfit("images of rank 4", x));
    }
    let [rows, columns] = Taps::of(config)?;
    let widths =
        [0, 0, rows.padding, columns.padding].map(|p| Ok((checks::signed(p)?, checks::signed(p)?)));
    let widths = widths.into_iter().collect::<Result<Vec<_>>>()?;
    let x = pad_constant(x, &widths, 0.0)?;
    let blocks = windows(&windows(&x, 2, &rows)?, 4, &columns)?;
    let blocks = prim::transpose(&blocks, &[0, 1, 3, 5, 2, 4])?;
    let of_block = checks::times(rows.size, columns.size)?;
    let count = blocks.shape().dim(4).zip(blocks.shape().dim(5));
    let count = count.map(|(a, b)| checks::times(a, b)).transpose()?;
    Ok(prim::reshape(&blocks, vec![n, times(c, of_block)?, count])?.into())
}

fn fold_call(inputs: &Inputs, config: &Config) -> OpResult {
    let x = inputs.one()?;
    let shape = x.shape();
    let &[n, features, count] = shape.dims() else {
        return Err(unfit("blocks of rank 3", x));
    };
    let [rows, columns] = Taps::of(config)?;
    let output = sizes(config, "output_size")?.unwrap_or_default();
    let output = per_axis(&output, 2, "output_size")?;
    let channels = divided(features, checks::times(rows.size, columns.size)?, x)?;
    let grid = [rows.count(output[0])?, columns.count(output[1])?];
    let blocks = checks::times(grid[0], grid[1])?;
    if count.is_some_and(|count| count != blocks) {
        return Err(unfit(format!("{blocks} blocks along the last axis"), x));
    }
    let split = [
        n,
        channels,
        Some(rows.size),
        Some(columns.size),
        Some(grid[0]),
        Some(grid[1]),
    ];
    let x = prim::reshape(x, split.to_vec())?;
    let x = put_together(&x, &rows, grid[0], output[0])?;
    Ok(put_together(&x, &columns, grid[1], output[1])?.into())
}

/// Blocks along an axis added where they belong: `(batch, channels, block, …, blocks, …)` without the axis of the block.
fn put_together(x: &Tensor, taps: &Taps, blocks: usize, size: usize) -> Result<Tensor> {
    const BLOCK: usize = 2;
    /// Of what is left without the axis of the block.
    const BLOCKS: usize = 3;
    checks::check_steps(taps.size)?;
    let reach = checks::times(blocks - 1, taps.stride)? + 1;
    let zero = prim::constant_like(x, 0.0)?;
    let placed = |tap: usize| -> Result<Tensor> {
        let part = slice_traced(x, BLOCK, tap, Some(tap + 1))?;
        let mut shape = part.shape();
        shape.dims_mut().remove(BLOCK);
        let part = prim::reshape(&part, shape)?;
        let mut pad = [vec![0; part.rank()], vec![0; part.rank()]];
        let mut interior = vec![0; part.rank()];
        let before = checks::signed(tap * taps.dilation)? - checks::signed(taps.padding)?;
        pad[0][BLOCKS] = before;
        pad[1][BLOCKS] = checks::signed(size)? - checks::signed(reach)? - before;
        interior[BLOCKS] = taps.stride - 1;
        let [low, high] = pad;
        Trace::apply(
            Op::Pad {
                low,
                high,
                interior,
            },
            &[&part, &zero],
        )
    };
    let mut sum = placed(0)?;
    for tap in 1..taps.size {
        sum = (sum + placed(tap)?).checked()?;
    }
    Ok(sum)
}
