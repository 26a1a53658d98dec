//! Constants by their shape: filled, counted, spaced, and windows of signals.

use refrain_graph::{DType, Literal};

use crate::error::{Error, ErrorKind, Result};
use crate::tensor::Tensor;
use crate::utils::sizes;

/// Values by their position in row-major order.
fn filled(dims: Vec<usize>, dtype: DType, value: impl Fn(usize) -> f64) -> Tensor {
    let made = || -> Result<Tensor> {
        sizes::check_memory("a constant", &dims, size_of::<f64>())?;
        let values: Vec<f64> = (0..dims.iter().product()).map(value).collect();
        let literal = Literal::new(dims.clone(), values);
        let literal =
            literal.ok_or_else(|| Error::new(ErrorKind::Internal, "an array of another size"))?;
        Ok(Tensor::constant(literal.convert(dtype)))
    };
    Tensor::from_result(made())
}

/// A constant of zeros.
///
/// ```
/// use refrain::{DType, ops};
/// assert_eq!(ops::zeros([2, 3], DType::F32).shape().to_string(), "(2, 3)");
/// ```
pub fn zeros(shape: impl Into<Vec<usize>>, dtype: DType) -> Tensor {
    filled(shape.into(), dtype, |_| 0.0)
}

/// A constant of ones.
///
/// ```
/// use refrain::{DType, ops};
/// assert_eq!(ops::ones([2, 3], DType::I32).dtype(), DType::I32);
/// ```
pub fn ones(shape: impl Into<Vec<usize>>, dtype: DType) -> Tensor {
    filled(shape.into(), dtype, |_| 1.0)
}

/// A constant of one value.
///
/// ```
/// use refrain::{DType, ops};
/// assert_eq!(ops::full([2, 3], 0.5, DType::F32).shape().to_string(), "(2, 3)");
/// ```
pub fn full(shape: impl Into<Vec<usize>>, fill_value: f64, dtype: DType) -> Tensor {
    filled(shape.into(), dtype, |_| fill_value)
}

/// A constant of zeros; in Keras of any numbers.
///
/// ```
/// use refrain::{DType, ops};
/// assert_eq!(ops::empty([2], DType::F32).shape().to_string(), "(2,)");
/// ```
pub fn empty(shape: impl Into<Vec<usize>>, dtype: DType) -> Tensor {
    zeros(shape, dtype)
}

/// A constant matrix with ones on a diagonal, `k` places right of the main one; `columns`: by default as many as rows.
///
/// ```
/// use refrain::{DType, ops};
/// assert_eq!(ops::eye(3, None, 1, DType::F32).shape().to_string(), "(3, 3)");
/// ```
pub fn eye(rows: usize, columns: Option<usize>, k: i64, dtype: DType) -> Tensor {
    on_matrix(rows, columns, dtype, move |row, column| {
        column == row + i128::from(k)
    })
}

/// A constant square matrix with ones on the main diagonal.
///
/// ```
/// use refrain::{DType, ops};
/// assert_eq!(ops::identity(3, DType::F32).shape().to_string(), "(3, 3)");
/// ```
pub fn identity(n: usize, dtype: DType) -> Tensor {
    eye(n, None, 0, dtype)
}

/// A constant matrix with ones up to `k` places right of the main diagonal; `columns`: by default as many as rows.
///
/// ```
/// use refrain::{DType, ops};
/// assert_eq!(ops::tri(3, Some(4), 0, DType::F32).shape().to_string(), "(3, 4)");
/// ```
pub fn tri(rows: usize, columns: Option<usize>, k: i64, dtype: DType) -> Tensor {
    on_matrix(rows, columns, dtype, move |row, column| {
        column <= row + i128::from(k)
    })
}

/// Ones where it holds of row and column.
fn on_matrix(
    rows: usize,
    columns: Option<usize>,
    dtype: DType,
    holds: impl Fn(i128, i128) -> bool,
) -> Tensor {
    let columns = columns.unwrap_or(rows);
    filled(vec![rows, columns], dtype, |i| {
        f64::from(u8::from(holds(
            (i / columns) as i128,
            (i % columns) as i128,
        )))
    })
}

/// A constant of the numbers from `start` by steps to before `stop`.
///
/// A step of 0 is an error. Keras starts at 0 and goes by 1 by default.
///
/// ```
/// use refrain::{DType, ops};
/// assert_eq!(ops::arange(0.0, 1.0, 0.25, DType::F32).shape().to_string(), "(4,)");
/// ```
pub fn arange(start: f64, stop: f64, step: f64, dtype: DType) -> Tensor {
    let count = ((stop - start) / step).ceil();
    if !count.is_finite() {
        let received = format!("{start} to {stop} by {step}");
        return Tensor::invalid(Error::mismatch(
            ErrorKind::Config,
            "a finite range and a step other than 0",
            received,
        ));
    }
    let count = count.max(0.0) as usize;
    filled(vec![count], dtype, |i| start + i as f64 * step)
}

/// A constant of so many numbers from `start` to `stop`, equally far apart; without `endpoint` the last is one step before `stop`.
///
/// Keras has 50, the end among them, by default.
///
/// ```
/// use refrain::{DType, ops};
/// assert_eq!(ops::linspace(0.0, 1.0, 5, true, DType::F32).shape().to_string(), "(5,)");
/// ```
pub fn linspace(start: f64, stop: f64, num: usize, endpoint: bool, dtype: DType) -> Tensor {
    let at = spaced(start, stop, num, endpoint);
    // Integers are rounded down.
    filled(vec![num], dtype, |i| match dtype.is_float() {
        true => at(i),
        false => at(i).floor(),
    })
}

fn spaced(start: f64, stop: f64, num: usize, endpoint: bool) -> impl Fn(usize) -> f64 {
    let steps = num.saturating_sub(usize::from(endpoint)).max(1) as f64;
    move |i| {
        let part = i as f64 / steps;
        start * (1.0 - part) + stop * part
    }
}

/// A constant of `base` to the power of the numbers that [`linspace`] gives.
///
/// Keras's base is 10 by default.
///
/// ```
/// use refrain::{DType, ops};
/// assert_eq!(ops::logspace(0.0, 3.0, 4, true, 10.0, DType::F32).shape().to_string(), "(4,)");
/// ```
pub fn logspace(
    start: f64,
    stop: f64,
    num: usize,
    endpoint: bool,
    base: f64,
    dtype: DType,
) -> Tensor {
    let power = spaced(start, stop, num, endpoint);
    filled(vec![num], dtype, |i| base.powf(power(i)))
}

/// A constant of so many numbers from `start` to `stop` that grow by one factor.
///
/// Bounds of one sign, or it is an error.
///
/// ```
/// use refrain::{DType, ops};
/// assert_eq!(ops::geomspace(1.0, 1000.0, 4, true, DType::F32).shape().to_string(), "(4,)");
/// ```
pub fn geomspace(start: f64, stop: f64, num: usize, endpoint: bool, dtype: DType) -> Tensor {
    let factor = stop / start;
    if !factor.is_finite() || factor <= 0.0 {
        let received = format!("{start} and {stop}");
        return Tensor::invalid(Error::mismatch(
            ErrorKind::Config,
            "two numbers of one sign",
            received,
        ));
    }
    let part = spaced(0.0, 1.0, num, endpoint);
    filled(vec![num], dtype, |i| start * factor.powf(part(i)))
}

/// A window by its value at places from 0 to 1; one of a single element is 1.
fn window(length: usize, value: impl Fn(f64) -> f64) -> Tensor {
    let last = length.saturating_sub(1) as f64;
    filled(vec![length], DType::F32, |i| match length {
        1 => 1.0,
        _ => value(i as f64 / last),
    })
}

fn turn(part: f64) -> f64 {
    (std::f64::consts::TAU * part).cos()
}

/// Bartlett's window of so many elements: a triangle.
///
/// ```
/// use refrain::ops;
/// assert_eq!(ops::bartlett(5).shape().to_string(), "(5,)");
/// ```
pub fn bartlett(length: usize) -> Tensor {
    window(length, |part| 1.0 - (2.0 * part - 1.0).abs())
}

/// Blackman's window of so many elements.
///
/// ```
/// use refrain::ops;
/// assert_eq!(ops::blackman(5).shape().to_string(), "(5,)");
/// ```
pub fn blackman(length: usize) -> Tensor {
    window(length, |part| {
        0.42 - 0.5 * turn(part) + 0.08 * turn(2.0 * part)
    })
}

/// Hamming's window of so many elements.
///
/// ```
/// use refrain::ops;
/// assert_eq!(ops::hamming(5).shape().to_string(), "(5,)");
/// ```
pub fn hamming(length: usize) -> Tensor {
    window(length, |part| 0.54 - 0.46 * turn(part))
}

/// Hann's window of so many elements.
///
/// ```
/// use refrain::ops;
/// assert_eq!(ops::hanning(5).shape().to_string(), "(5,)");
/// ```
pub fn hanning(length: usize) -> Tensor {
    window(length, |part| 0.5 - 0.5 * turn(part))
}

/// Kaiser's window of so many elements; a larger `beta` makes it narrower.
///
/// ```
/// use refrain::ops;
/// assert_eq!(ops::kaiser(5, 8.6).shape().to_string(), "(5,)");
/// ```
pub fn kaiser(length: usize, beta: f64) -> Tensor {
    window(length, |part| {
        let place = 2.0 * part - 1.0;
        bessel(beta * (1.0 - place * place).max(0.0).sqrt()) / bessel(beta)
    })
}

/// The modified Bessel function of order 0, by its power series.
fn bessel(x: f64) -> f64 {
    const TERMS: i32 = 500;
    let square = x * x / 4.0;
    let terms = (1..TERMS).scan(1.0, |term, k| {
        *term *= square / f64::from(k * k);
        Some(*term)
    });
    1.0 + terms.sum::<f64>()
}
