//! Images that are scaled and moved.

use std::f64::consts::PI;

use refrain_graph::Shape;
use serde_json::Value as Json;

use super::resize::along_axis;
use crate::config::{Config, ConfigValue, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::Interpolation;
use crate::ops::definition::{OpResult, operations, to};
use crate::ops::{self, as_float, option, prim, tensor_argument};
use crate::tensor::{Tensor, resolve_axis};
use crate::utils::sizes;

operations! { TABLE in table {
    /// A tensor resampled along axes at other places: element `i` of the result lies at `(i + 0.5 - translation) / scale - 0.5`.
    ///
    /// `output_shape` has the sizes of the result, and those of the tensor along all other axes; `scale` and `translation` are vectors
    /// of a number for each of `spatial_dims`. `method`: any but [`Interpolation::Nearest`]. `antialias`, on in Keras by default: more
    /// elements count where an axis becomes shorter. Beyond the edges are zeros. Integers become floats.
    ///
    /// ```
    /// use ndarray::array;
    /// use refrain::{input, layers::Interpolation, ops::{convert_to_tensor, image::scale_and_translate}};
    /// let (scale, shift) = (convert_to_tensor(&array![2.0_f32, 1.0]), convert_to_tensor(&array![0.5_f32, -1.0]));
    /// let shape = [None, Some(8), Some(5), Some(3)];
    /// let y = scale_and_translate(&input([4, 5, 3]), shape, &scale, &shift, [1, 2], Interpolation::Bicubic, true);
    /// assert_eq!(y.shape().to_string(), "(None, 8, 5, 3)");
    /// ```
    pub fn scale_and_translate(
        images: &Tensor,
        output_shape: impl Into<Shape>,
        scale: &Tensor,
        translation: &Tensor,
        spatial_dims: impl Into<Vec<i64>>,
        method: Interpolation,
        antialias: bool,
    ) -> Tensor {
        [
            images,
            to::<Shape>(output_shape).dims().to_vec().to_json(),
            scale,
            translation,
            to::<Vec<i64>>(spatial_dims),
            method.to_json(),
            antialias,
        ]
    }
    "ops.image" / "ScaleAndTranslate" as
    "scale_and_translate(images, output_shape, scale, translation, spatial_dims, method, antialias=True)"
    [Tensor, Key, Tensor, Tensor, Plain, Text, Flag] => scale_and_translate_call;
}}

fn scale_and_translate_call(inputs: &Inputs, config: &Config) -> OpResult {
    let x = as_float(&tensor_argument(inputs, 0, "images")?)?;
    let shape = inputs.plain(1, "output_shape").unwrap_or(&Json::Null);
    let shape = Vec::<Option<usize>>::from_json(shape)?;
    let scale = as_float(&tensor_argument(inputs, 2, "scale")?)?;
    let translation = as_float(&tensor_argument(inputs, 3, "translation")?)?;
    let spatial: Vec<i64> = option(config, "spatial_dims")?;
    let spatial = spatial.iter().map(|&axis| resolve_axis(axis, x.rank()));
    let spatial = spatial.collect::<Result<Vec<_>>>()?;
    check_shapes(&x, &shape, &spatial, [&scale, &translation])?;
    let kernel = kernel(&option::<String>(config, "method")?)?;
    let antialias = option(config, "antialias")?;
    let mut y = x.clone();
    for (i, &axis) in spatial.iter().enumerate() {
        let (Some(from), Some(size)) = (x.shape().dim(axis), shape[axis]) else {
            return Err(Error::mismatch(
                ErrorKind::Shape,
                "known sizes along the axes that are scaled",
                format!("shape {}", x.shape()),
            ));
        };
        prim::check_axis("an image", &y, axis, size)?;
        sizes::check_memory("weights of pixels", &[from, size], 4)?;
        let [scale, shift] = [&scale, &translation].map(|numbers| numbers.slice(i));
        let weights = weights([from, size], &scale, &shift, kernel, antialias)?;
        y = along_axis(&y, &prim::convert(&weights, x.dtype())?, axis)?;
    }
    Ok(y.into())
}

fn check_shapes(
    x: &Tensor,
    shape: &[Option<usize>],
    spatial: &[usize],
    numbers: [&Tensor; 2],
) -> Result<()> {
    let vector = |x: &Tensor| x.rank() == 1 && x.dim(0) == Some(spatial.len());
    if !numbers.into_iter().all(vector) {
        let [scale, translation] = numbers.map(Tensor::shape);
        return Err(Error::mismatch(
            ErrorKind::Shape,
            format!(
                "a scale and a translation for each of {} axes",
                spatial.len()
            ),
            format!("shapes {scale} and {translation}"),
        ));
    }
    let kept = |axis: usize| {
        spatial.contains(&axis)
            || shape[axis].is_none()
            || x.shape().dim(axis).is_none()
            || shape[axis] == x.shape().dim(axis)
    };
    match shape.len() == x.rank() && (0..x.rank()).all(kept) {
        true => Ok(()),
        false => Err(Error::mismatch(
            ErrorKind::Shape,
            format!(
                "an output shape that differs from {} along axes {spatial:?}",
                x.shape()
            ),
            Shape::from(shape).to_string(),
        )),
    }
}

/// What a pixel at a distance counts.
type Kernel = fn(&Tensor) -> Tensor;

fn kernel(method: &str) -> Result<Kernel> {
    Ok(match method {
        "linear" | "bilinear" | "trilinear" => |x| ops::maximum(1.0 - x, 0.0),
        "cubic" | "bicubic" | "tricubic" => cubic,
        "lanczos3" => |x| lanczos(3.0, x),
        "lanczos5" => |x| lanczos(5.0, x),
        _ => {
            let expected =
                "linear, bilinear, trilinear, cubic, bicubic, tricubic, lanczos3 or lanczos5";
            return Err(unexpected(expected, &method.into()));
        }
    })
}

fn cubic(x: &Tensor) -> Tensor {
    let near = ((x * 1.5 - 2.5) * x) * x + 1.0;
    let far = ((x * -0.5 + 2.5) * x - 4.0) * x + 2.0;
    let y = ops::where_(ops::greater_equal(x, 1.0), far, near);
    ops::where_(ops::greater_equal(x, 2.0), 0.0, y)
}

fn lanczos(radius: f64, x: &Tensor) -> Tensor {
    /// Distances up to it are none.
    const SMALLEST: f64 = 1e-3;
    let apart = ops::greater(x, SMALLEST);
    let distance = ops::where_(&apart, x, 1.0);
    let wave = (&distance * PI).sin() * (&distance * (PI / radius)).sin() * radius;
    let y = ops::where_(&apart, wave / (distance.square() * (PI * PI)), 1.0);
    ops::where_(ops::greater(x, radius), 0.0, y)
}

/// What each of so many pixels counts in each of so many samples.
fn weights(
    [pixels, samples]: [usize; 2],
    scale: &Tensor,
    translation: &Tensor,
    kernel: Kernel,
    antialias: bool,
) -> Result<Tensor> {
    /// Sums below it are of no pixel.
    const SMALLEST_SUM: f64 = 1000.0 * f32::EPSILON as f64;
    let dtype = prim::promote(scale.dtype(), translation.dtype());
    let inverse = 1.0 / prim::convert(scale, dtype)?;
    let of_samples = prim::iota(scale, &[1, samples].into(), dtype, 1)?;
    let of_pixels = prim::iota(scale, &[pixels, 1].into(), dtype, 0)?;
    let center =
        (of_samples + 0.5) * &inverse - prim::convert(translation, dtype)? * &inverse - 0.5;
    let distance = (&center - of_pixels).abs();
    let weights = match antialias {
        true => kernel(&(distance / ops::maximum(&inverse, 1.0))),
        false => kernel(&distance),
    };
    let sum = ops::sum(&weights, 0, true);
    let safe = ops::where_(ops::not_equal(&sum, 0.0), &sum, 1.0);
    let inside = ops::logical_and(
        ops::greater_equal(&center, -0.5),
        ops::less_equal(&center, pixels as f64 - 0.5),
    );
    let counted = ops::logical_and(ops::greater(sum.abs(), SMALLEST_SUM), inside);
    ops::where_(counted, weights / safe, 0.0).checked()
}
