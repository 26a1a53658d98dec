//! The distributions.

use std::f64::consts::SQRT_2;

use refrain_graph::{BinaryOp, DType, Dim, Shape};

use super::draws::{Draws, Source};
use super::rejection;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{self, Operand, prim, where_};
use crate::tensor::{Tensor, resolve_axis};

/// Refuses types that these numbers have no meaning in.
fn check(dtype: DType, floats: bool) -> Result<()> {
    match dtype.is_float() == floats && dtype != DType::Bool {
        true => Ok(()),
        false => {
            let expected = if floats {
                "a type of floats"
            } else {
                "a type of integers"
            };
            Err(Error::mismatch(
                ErrorKind::DType,
                expected,
                dtype.keras_name(),
            ))
        }
    }
}

/// Normally distributed numbers.
///
/// Keras has mean 0, standard deviation 1 and `float32` by default. A type of integers is an error.
///
/// ```
/// use refrain::{DType, random};
/// assert_eq!(random::normal([2, 3], 0.0, 1.0, DType::F32, 1).shape().to_string(), "(2, 3)");
/// ```
pub fn normal<'a>(
    shape: impl Into<Shape>,
    mean: f64,
    stddev: f64,
    dtype: DType,
    seed: impl Into<Source<'a>>,
) -> Tensor {
    Draws::run(seed.into(), &[], |draws, _| {
        check(dtype, true)?;
        let numbers = draws.normal(&shape.into())? * stddev + mean;
        prim::convert(&numbers.checked()?, dtype)
    })
}

/// Normally distributed numbers of which none is more than two standard deviations from the mean.
///
/// Keras has mean 0, standard deviation 1 and `float32` by default. A type of integers is an error.
///
/// ```
/// use refrain::{DType, random};
/// let numbers = random::truncated_normal([100], 0.0, 1.0, DType::F32, 1);
/// assert!(numbers.value().unwrap().to_f64().iter().all(|n| n.abs() <= 2.0));
/// ```
pub fn truncated_normal<'a>(
    shape: impl Into<Shape>,
    mean: f64,
    stddev: f64,
    dtype: DType,
    seed: impl Into<Source<'a>>,
) -> Tensor {
    /// Of a normal distribution within two standard deviations: `erf(√2)`.
    const PART: f64 = 0.954_499_736_103_641_6;
    Draws::run(seed.into(), &[], |draws, _| {
        check(dtype, true)?;
        let part = (draws.open_uniform(&shape.into())? * 2 - 1) * PART;
        let inside = ops::clip(ops::erfinv(&part) * SQRT_2, -2.0, 2.0);
        prim::convert(&(inside * stddev + mean).checked()?, dtype)
    })
}

/// Uniform numbers from `minval` to before `maxval`.
///
/// Keras has 0, 1 and `float32` by default. A type of integers is an error.
///
/// ```
/// use refrain::{DType, random};
/// assert_eq!(random::uniform([2, 3], -1.0, 1.0, DType::F32, 1).shape().to_string(), "(2, 3)");
/// ```
pub fn uniform<'a>(
    shape: impl Into<Shape>,
    minval: f64,
    maxval: f64,
    dtype: DType,
    seed: impl Into<Source<'a>>,
) -> Tensor {
    Draws::run(seed.into(), &[], |draws, _| {
        check(dtype, true)?;
        let numbers = draws.uniform(&shape.into())? * (maxval - minval) + minval;
        prim::convert(&numbers.checked()?, dtype)
    })
}

/// Integers from `minval` to before `maxval`.
///
/// Keras has `int32` by default. A type of floats and an empty range are errors.
///
/// ```
/// use refrain::{DType, random};
/// let dice = random::randint([100], 1, 7, DType::I32, 1);
/// assert!(dice.value().unwrap().to_f64().iter().all(|n| (1.0..=6.0).contains(n)));
/// ```
pub fn randint<'a>(
    shape: impl Into<Shape>,
    minval: i32,
    maxval: i32,
    dtype: DType,
    seed: impl Into<Source<'a>>,
) -> Tensor {
    Draws::run(seed.into(), &[], |draws, _| {
        check(dtype, false)?;
        let range = i64::from(maxval) - i64::from(minval);
        if range <= 0 {
            let received = format!("{minval} and {maxval}");
            return Err(Error::mismatch(
                ErrorKind::Config,
                "`maxval` above `minval`",
                received,
            ));
        }
        let bits = draws.bits(&shape.into())?;
        let range = prim::constant_like(&bits, range as f64)?;
        let above = prim::convert(
            &prim::binary(BinaryOp::Remainder, &bits, &range)?,
            DType::I64,
        )?;
        prim::convert(&(above + i64::from(minval)).checked()?, dtype)
    })
}

/// So many classes for each row of logits `(batch, classes)`, each drawn by its probability: `(batch, num_samples)`.
///
/// Keras has `int32` by default. Logits of another rank and a type of floats are errors.
///
/// ```
/// use ndarray::array;
/// use refrain::{DType, ops, random};
/// let logits = ops::convert_to_tensor(&array![[0.0_f32, 1.0, 2.0]]);
/// assert_eq!(random::categorical(&logits, 5, DType::I32, 1).shape().to_string(), "(1, 5)");
/// ```
pub fn categorical<'a>(
    logits: &Tensor,
    num_samples: usize,
    dtype: DType,
    seed: impl Into<Source<'a>>,
) -> Tensor {
    Draws::run(seed.into(), &[logits], |draws, placed| {
        check(dtype, false)?;
        let logits = &placed[0];
        let shape = logits.shape();
        let &[batch, classes] = shape.dims() else {
            let received = shape.to_string();
            return Err(Error::mismatch(
                ErrorKind::Shape,
                "logits (batch, classes)",
                received,
            ));
        };
        let grid = Shape::from(vec![batch, Some(num_samples), classes]);
        let gumbel = -(-draws.open_uniform(&grid)?.log()).log();
        let logits = ops::expand_dims(ops::cast(logits, DType::F32), 1);
        prim::convert(&ops::argmax(logits + gumbel, -1, false).checked()?, dtype)
    })
}

/// Numbers of the gamma distribution with this shape parameter and scale 1.
///
/// `alpha` broadcasts to the shape. Keras has `float32` by default. A type of integers is an error.
///
/// ```
/// use refrain::{DType, random};
/// assert_eq!(random::gamma([2, 3], 0.5, DType::F32, 1).shape().to_string(), "(2, 3)");
/// ```
pub fn gamma<'a>(
    shape: impl Into<Shape>,
    alpha: impl Into<Operand>,
    dtype: DType,
    seed: impl Into<Source<'a>>,
) -> Tensor {
    let alpha = alpha.into();
    Draws::run(seed.into(), &tensors([&alpha]), |draws, placed| {
        check(dtype, true)?;
        let alpha = draws.parameter(&alpha, &mut placed.iter())?;
        let logs = rejection::log_gamma(draws, &shape.into(), &alpha)?;
        prim::convert(&logs.exp(), dtype)
    })
}

/// Logarithms of [`gamma`]'s numbers, for a tensor as `alpha` and in `f32`.
pub(crate) fn log_gamma(shape: &Shape, alpha: &Tensor, seed: Source) -> Tensor {
    Draws::run(seed, &[alpha], |draws, placed| {
        rejection::log_gamma(draws, shape, &placed[0])
    })
}

/// Numbers of the beta distribution.
///
/// `alpha` and `beta` broadcast to the shape. Keras has `float32` by default. A type of integers is an error.
///
/// ```
/// use refrain::{DType, random};
/// let parts = random::beta([100], 2.0, 3.0, DType::F32, 1);
/// assert!(parts.value().unwrap().to_f64().iter().all(|p| (0.0..=1.0).contains(p)));
/// ```
pub fn beta<'a>(
    shape: impl Into<Shape>,
    alpha: impl Into<Operand>,
    beta: impl Into<Operand>,
    dtype: DType,
    seed: impl Into<Source<'a>>,
) -> Tensor {
    let (alpha, beta) = (alpha.into(), beta.into());
    Draws::run(seed.into(), &tensors([&alpha, &beta]), |draws, placed| {
        check(dtype, true)?;
        let (shape, mut placed) = (shape.into(), placed.iter());
        let (alpha, beta) = (
            draws.parameter(&alpha, &mut placed)?,
            draws.parameter(&beta, &mut placed)?,
        );
        let (a, b) = (
            rejection::log_gamma(draws, &shape, &alpha)?,
            rejection::log_gamma(draws, &shape, &beta)?,
        );
        prim::convert(&(a - b).sigmoid().checked()?, dtype)
    })
}

/// How many of `counts` trials succeed, each with this probability.
///
/// Both broadcast to the shape. Floats that are whole numbers; Keras has `float32` by default. A type of integers is an error.
///
/// ```
/// use refrain::{DType, random};
/// let heads = random::binomial([100], 10, 0.5, DType::F32, 1);
/// assert!(heads.value().unwrap().to_f64().iter().all(|n| (0.0..=10.0).contains(n)));
/// ```
pub fn binomial<'a>(
    shape: impl Into<Shape>,
    counts: impl Into<Operand>,
    probabilities: impl Into<Operand>,
    dtype: DType,
    seed: impl Into<Source<'a>>,
) -> Tensor {
    let (count, chance) = (counts.into(), probabilities.into());
    Draws::run(seed.into(), &tensors([&count, &chance]), |draws, placed| {
        check(dtype, true)?;
        let mut placed = placed.iter();
        let (count, chance) = (
            draws.parameter(&count, &mut placed)?,
            draws.parameter(&chance, &mut placed)?,
        );
        prim::convert(
            &rejection::binomial(draws, &shape.into(), &count, &chance)?,
            dtype,
        )
    })
}

/// The slices of a tensor along an axis in random order.
///
/// Keras's axis is the first by default. A tensor without such an axis is an error.
///
/// ```
/// use ndarray::array;
/// use refrain::{ops, random};
/// let x = ops::convert_to_tensor(&array![1.0_f32, 2.0, 3.0]);
/// assert_eq!(random::shuffle(&x, 0, 1).value().unwrap().to_f64().iter().sum::<f64>(), 6.0);
/// ```
pub fn shuffle<'a>(x: &Tensor, axis: i64, seed: impl Into<Source<'a>>) -> Tensor {
    Draws::run(seed.into(), &[x], |draws, placed| {
        let x = &placed[0];
        let axis = resolve_axis(axis, x.rank())?;
        let keys = draws.bits(&vec![x.shape().dim(axis)].into())?;
        ops::take(x, &ops::argsort(keys, 0), axis as i64).checked()
    })
}

/// Elements set to 0 at a rate, the others scaled so that the expected sum stays.
///
/// `noise_shape`: elements that share a number of this shape share their fate; by default each has its own. Integers and a rate that is not
/// from 0 to below 1 are errors.
///
/// ```
/// use refrain::{DType, ops, random};
/// let kept = random::dropout(&ops::ones([100], DType::F32), 0.5, None, 1);
/// assert!(kept.value().unwrap().to_f64().iter().all(|n| [0.0, 2.0].contains(n)));
/// ```
pub fn dropout<'a>(
    inputs: &Tensor,
    rate: f64,
    noise_shape: Option<&[Dim]>,
    seed: impl Into<Source<'a>>,
) -> Tensor {
    Draws::run(seed.into(), &[inputs], |draws, placed| {
        let x = &placed[0];
        check(x.dtype(), true)?;
        if !(0.0..1.0).contains(&rate) {
            let expected = "a rate from 0 to below 1";
            return Err(Error::mismatch(
                ErrorKind::Config,
                expected,
                rate.to_string(),
            ));
        }
        let shape = match noise_shape {
            None => x.shape(),
            Some(dims) => {
                let own = x.shape();
                let own = own.dims().iter().copied().chain(std::iter::repeat(None));
                dims.iter()
                    .zip(own)
                    .map(|(dim, own)| dim.or(own))
                    .collect::<Vec<_>>()
                    .into()
            }
        };
        let kept = ops::greater_equal(draws.uniform(&shape)?, rate);
        let kept = prim::broadcast_to(&kept.checked()?, &x.shape())?;
        where_(kept, x / (1.0 - rate), 0).checked()
    })
}

/// Those of the parameters that are tensors.
fn tensors<const N: usize>(parameters: [&Operand; N]) -> Vec<&Tensor> {
    let parameters = parameters.into_iter();
    let tensors = parameters.filter_map(|parameter| match parameter {
        Operand::Tensor(tensor) => Some(tensor),
        _ => None,
    });
    tensors.collect()
}
