//! Images of other sizes: samples between pixels, as `jax.image.resize` takes them.

use std::f32::consts::PI;

use refrain_graph::{DotDims, Literal};

use crate::error::{Error, ErrorKind, Result};
use crate::layers::Interpolation;
use crate::ops::linalg::dot_general;
use crate::ops::{as_float, gather_axis, prim};
use crate::tensor::Tensor;
use crate::utils::sizes;

/// How an axis is resampled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resampling {
    pub(crate) interpolation: Interpolation,
    /// Whether the kernel is widened where the axis becomes shorter.
    pub(crate) antialias: bool,
}

/// Other sizes along some axes. Values between pixels are floats; the nearest ones keep their type.
pub(crate) fn resize(x: &Tensor, axes: &[(usize, usize)], how: Resampling) -> Result<Tensor> {
    let moves = kernel(how.interpolation).is_none();
    let x = match moves {
        true => x.clone(),
        false => as_float(x)?,
    };
    let mut axes = axes.iter();
    axes.try_fold(x, |x, &(axis, size)| resize_axis(&x, axis, size, how))
}

fn resize_axis(x: &Tensor, axis: usize, size: usize, how: Resampling) -> Result<Tensor> {
    let Some(from) = x.shape().dim(axis) else {
        return pick(x, axis, vec![0; size]);
    };
    if from == size {
        return Ok(x.clone());
    }
    if from == 0 || size == 0 {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            "sizes of images other than 0",
            format!("{from} to {size} along axis {axis}"),
        ));
    }
    prim::check_axis("an image", x, axis, size)?;
    let Some(kernel) = kernel(how.interpolation) else {
        sizes::check_memory("positions of pixels", &[size], 4)?;
        let place = |i: usize| ((i as f32 + 0.5) * from as f32 / size as f32).floor() as usize;
        return pick(x, axis, (0..size).map(place).collect());
    };
    sizes::check_memory("weights of pixels", &[from, size], 4)?;
    let weights = Literal::new([from, size], weights(from, size, kernel, how.antialias));
    let weights =
        weights.ok_or_else(|| Error::new(ErrorKind::Internal, "weights of another size"))?;
    let trace = &x.expect_traced()?.trace;
    along_axis(x, &trace.constant(weights.convert(x.dtype())), axis)
}

/// Sums along an axis with weights `(elements, sums)`, in its place.
pub(super) fn along_axis(x: &Tensor, weights: &Tensor, axis: usize) -> Result<Tensor> {
    let dims = DotDims {
        lhs_contracting: vec![axis],
        rhs_contracting: vec![0],
        ..DotDims::default()
    };
    let resized = dot_general(x, weights, dims)?;
    let last = x.rank() - 1;
    let order = (0..=last).map(|i| match i.cmp(&axis) {
        std::cmp::Ordering::Less => i,
        std::cmp::Ordering::Equal => last,
        std::cmp::Ordering::Greater => i - 1,
    });
    prim::transpose(&resized, &order.collect::<Vec<_>>())
}

/// Elements at known positions along an axis.
pub(crate) fn pick(x: &Tensor, axis: usize, positions: Vec<usize>) -> Result<Tensor> {
    let positions: Vec<i32> = positions.into_iter().map(|p| p as i32).collect();
    let literal = Literal::new([positions.len()], positions);
    let literal =
        literal.ok_or_else(|| Error::new(ErrorKind::Internal, "positions of another number"))?;
    let positions = x.expect_traced()?.trace.constant(literal);
    gather_axis(x, &positions, axis)
}

/// What each pixel counts in each sample, `(pixels, samples)`: samples are sums of weights 1.
fn weights(from: usize, size: usize, kernel: Kernel, antialias: bool) -> Vec<f32> {
    /// Sums below it are of no pixel.
    const SMALLEST_SUM: f32 = 1000.0 * f32::EPSILON;
    let inverse = (from as f64 / size as f64) as f32;
    let width = if antialias { inverse.max(1.0) } else { 1.0 };
    let (mut weights, mut along) = (vec![0.0; from * size], vec![0.0; from]);
    for sample in 0..size {
        let center = (sample as f32 + 0.5) * inverse - 0.5;
        for (pixel, weight) in along.iter_mut().enumerate() {
            *weight = kernel((center - pixel as f32).abs() / width);
        }
        let sum: f32 = along.iter().sum();
        if sum.abs() > SMALLEST_SUM {
            for (pixel, weight) in along.iter().enumerate() {
                weights[pixel * size + sample] = weight / sum;
            }
        }
    }
    weights
}

/// What a pixel at a distance counts.
type Kernel = fn(f32) -> f32;

/// `None` where the nearest pixel counts alone.
fn kernel(interpolation: Interpolation) -> Option<Kernel> {
    match interpolation {
        Interpolation::Nearest => None,
        Interpolation::Bilinear => Some(|x| (1.0 - x).max(0.0)),
        Interpolation::Bicubic => Some(cubic),
        Interpolation::Lanczos3 => Some(|x| lanczos(3.0, x)),
        Interpolation::Lanczos5 => Some(|x| lanczos(5.0, x)),
    }
}

fn cubic(x: f32) -> f32 {
    match x {
        x if x >= 2.0 => 0.0,
        x if x >= 1.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
        x => ((1.5 * x - 2.5) * x) * x + 1.0,
    }
}

fn lanczos(radius: f32, x: f32) -> f32 {
    /// Distances up to it are none.
    const SMALLEST: f32 = 1e-3;
    if x > radius {
        return 0.0;
    }
    match x > SMALLEST {
        true => radius * (PI * x).sin() * (PI * x / radius).sin() / (PI * PI * x * x),
        false => 1.0,
    }
}
