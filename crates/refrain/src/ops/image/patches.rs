//! Images cut into patches.

use refrain_graph::Dim;
use serde_json::Value as Json;

use super::in_batch;
use super::resize::pick;
use crate::config::{Config, ConfigValue};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::{DataFormat, Padding};
use crate::ops::conv::{channels_last, per_axis, refuse_empty, sizes, sizes_to_json};
use crate::ops::definition::{OpResult, operations};
use crate::ops::{option, pad_constant, prim, tensor_argument};
use crate::tensor::Tensor;
use crate::utils::sizes as limits;

operations! { TABLE in table {
    /// Patches of images, or with three sizes of volumes, side by side: each is a vector of its pixels' channels.
    ///
    /// `size`: rows and columns of a patch, or depth, rows and columns; one number stands for both. `strides`: how far patches are
    /// apart, by default as far as they reach. With [`Padding::Same`] there are zeros beyond the edges. Keras has dilation rate 1,
    /// [`Padding::Valid`] and channels last by default. Images smaller than a patch are an error.
    ///
    /// ```
    /// use refrain::{input, layers::{DataFormat, Padding}, ops::image::extract_patches};
    /// let y = extract_patches(&input([20, 20, 3]), [5, 5], None, 1, Padding::Valid, DataFormat::ChannelsLast);
    /// assert_eq!(y.shape().to_string(), "(None, 4, 4, 75)");
    /// ```
    pub fn extract_patches(
        images: &Tensor,
        size: impl Into<Vec<usize>>,
        strides: Option<Vec<usize>>,
        dilation_rate: usize,
        padding: Padding,
        data_format: DataFormat,
    ) -> Tensor {
        [
            images,
            match crate::ops::definition::to::<Vec<usize>>(size) {
                // Keras takes a list of one for neither.
                size if size.len() == 1 => Json::from(size[0]),
                size => Json::from(size),
            },
            strides.map(|strides| sizes_to_json(&strides)),
            dilation_rate,
            padding.to_json(),
            data_format.to_json(),
        ]
    }
    "ops.image" / "ExtractPatches" as
    "extract_patches(images, size, strides=None, dilation_rate=1, padding='valid', data_format=None)"
    [Tensor, Plain, Plain, Plain, Text, Plain] => extract_patches_call;
}}

/// [`extract_patches`] of volumes: one size stands for depth, rows and columns.
///
/// ```
/// use refrain::{input, layers::{DataFormat, Padding}, ops::image::extract_patches_3d};
/// let y = extract_patches_3d(&input([10, 10, 10, 3]), 3, None, 1, Padding::Valid, DataFormat::ChannelsLast);
/// assert_eq!(y.shape().to_string(), "(None, 3, 3, 3, 81)");
/// ```
pub fn extract_patches_3d(
    volumes: &Tensor,
    size: impl Into<crate::config::Sizes<3>>,
    strides: Option<Vec<usize>>,
    dilation_rate: usize,
    padding: Padding,
    data_format: DataFormat,
) -> Tensor {
    extract_patches(
        volumes,
        size.into().0,
        strides,
        dilation_rate,
        padding,
        data_format,
    )
}

/// How patches lie along one axis.
struct Along {
    size: usize,
    stride: usize,
    dilation: usize,
}

fn extract_patches_call(inputs: &Inputs, config: &Config) -> OpResult {
    let x = tensor_argument(inputs, 0, "images")?;
    let size = sizes(config, "size")?.unwrap_or_default();
    let spatial = if size.len() == 3 { 3 } else { 2 };
    if x.rank() != spatial + 1 && x.rank() != spatial + 2 {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            format!("images of rank {} or {}", spatial + 1, spatial + 2),
            format!("shape {}", x.shape()),
        ));
    }
    let size = per_axis(&size, spatial, "sizes of patches")?;
    let strides = sizes(config, "strides")?.unwrap_or_else(|| size.clone());
    let strides = per_axis(&strides, spatial, "strides")?;
    let dilation = sizes(config, "dilation_rate")?.unwrap_or_else(|| vec![1]);
    let dilation = per_axis(&dilation, spatial, "dilation rates")?;
    let along: Vec<Along> = (0..spatial)
        .map(|i| Along {
            size: size[i],
            stride: strides[i],
            dilation: dilation[i],
        })
        .collect();
    let padding = option(config, "padding")?;
    let y = in_batch(&x, spatial + 2, |x| {
        channels_last(x, option(config, "data_format")?, |x| {
            patches(x, &along, padding)
        })
    });
    Ok(y?.into())
}

/// Patches of `(batch, spatial…, channels)`: each axis becomes one of patches and one of places in them, and these go to the end.
fn patches(x: &Tensor, along: &[Along], padding: Padding) -> Result<Tensor> {
    let spatial = along.len();
    let mut y = x.clone();
    let mut counts: Vec<Dim> = vec![];
    for (i, along) in along.iter().enumerate() {
        let (cut, count) = cut(&y, i + 1, along, padding)?;
        y = cut;
        counts.push(count);
    }
    let sizes = || along.iter().map(|along| Some(along.size));
    let pairs = counts
        .iter()
        .copied()
        .zip(sizes())
        .flat_map(|(count, size)| [count, size]);
    let ends = (x.dims()[0], x.dims()[spatial + 1]);
    let apart: Vec<Dim> = [ends.0].into_iter().chain(pairs).chain([ends.1]).collect();
    let apart = prim::reshape(&y, apart)?;
    let patches = (0..spatial).map(|i| 1 + 2 * i);
    let inside = (0..spatial).map(|i| 2 + 2 * i);
    let order: Vec<usize> = [0]
        .into_iter()
        .chain(patches)
        .chain(inside)
        .chain([2 * spatial + 1])
        .collect();
    let sorted = prim::transpose(&apart, &order)?;
    let pixels = along
        .iter()
        .try_fold(1, |all, along| limits::times(all, along.size))?;
    let vector = ends
        .1
        .map(|channels| limits::times(pixels, channels))
        .transpose()?;
    let shape: Vec<Dim> = [ends.0].into_iter().chain(counts).chain([vector]).collect();
    let y = prim::reshape(&sorted, shape)?;
    refuse_empty(&x.shape(), &y.shape())?;
    Ok(y)
}

/// The elements of patches along one axis, patch by patch, and how many patches there are.
fn cut(x: &Tensor, axis: usize, along: &Along, padding: Padding) -> Result<(Tensor, Dim)> {
    let Some(size) = x.shape().dim(axis) else {
        return Ok((x.clone(), None));
    };
    let (low, high) = padding.amounts(Some(size), along.size, along.stride, along.dilation);
    let mut widths = vec![(0, 0); x.rank()];
    widths[axis] = (limits::signed(low)?, limits::signed(high)?);
    let x = pad_constant(x, &widths, 0.0)?;
    let reach = limits::times(along.size - 1, along.dilation)?;
    let places = (size + low + high).saturating_sub(reach);
    let count = places.div_ceil(along.stride);
    prim::check_axis("patches", &x, axis, limits::times(count, along.size)?)?;
    let of_patch =
        |patch: usize| (0..along.size).map(move |i| patch * along.stride + i * along.dilation);
    let positions = (0..count).flat_map(of_patch).collect();
    Ok((pick(&x, axis, positions)?, Some(count)))
}
