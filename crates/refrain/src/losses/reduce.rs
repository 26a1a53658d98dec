//! From values of samples to one number: ranks, weights, masks, reductions.

use refrain_graph::{Comparison, DType, Dim};

use crate::config::words;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{prim, sum_all};
use crate::tensor::Tensor;

/// How the values of samples become one loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Reduction {
    /// Their sum over their number (samples, times steps, …). Weights do not change the divisor.
    #[default]
    SumOverBatchSize,
    /// Their sum.
    Sum,
    /// The same as `SumOverBatchSize`.
    Mean,
    /// Their sum over the sum of the weights.
    MeanWithSampleWeight,
    /// One value a sample stays; a model adds them up.
    None,
}

words! {
    Reduction, "a reduction" {
        SumOverBatchSize = "sum_over_batch_size",
        Sum = "sum",
        Mean = "mean",
        MeanWithSampleWeight = "mean_with_sample_weight",
        None = "none"
    }
}

impl Reduction {
    fn is_plain_mean(self) -> bool {
        matches!(self, Reduction::SumOverBatchSize | Reduction::Mean)
    }

    /// Weighs and reduces the values of samples.
    pub(crate) fn reduce(
        self,
        values: &Tensor,
        weights: Option<&Tensor>,
        mask: Option<&Tensor>,
    ) -> Result<Tensor> {
        if values.rank() > 0 {
            weights.map_or(Ok(()), |w| check_weights(values, w))?;
            mask.map_or(Ok(()), |m| check_mask(values, m))?;
        }
        let weights = apply_mask(weights, mask, values.dtype(), self.is_plain_mean())?;
        let mut values = values.clone();
        let mut divisor = None;
        if let Some(weights) = weights {
            let (v, w) = align_ranks(&values, &weights)?;
            values = (&v * &w).checked()?;
            divisor = Some(w);
        }
        if self == Reduction::None || values.rank() == 0 {
            return Ok(values);
        }
        let sum = sum_all(&values);
        match (self, divisor) {
            (Reduction::MeanWithSampleWeight, Some(weights)) => {
                divide_no_nan(&sum, &sum_all(&weights))
            }
            (Reduction::Sum, _) => Ok(sum),
            _ => Ok(sum / count(&values)),
        }
    }
}

/// Refuses weights that do not weigh each sample (or each step, …) by its own number.
pub(crate) fn check_weights(values: &Tensor, weights: &Tensor) -> Result<()> {
    let expected =
        |bound: &str| format!("sample weights {bound} losses of shape {}", values.shape());
    let wrong = |expected: String, hint: &str| {
        let received = format!("sample weights of shape {}", weights.shape());
        Err(Error::mismatch(ErrorKind::Shape, expected, received).hint(hint))
    };
    let (v, w) = align_ranks(values, weights)?;
    if w.rank() > v.rank() {
        let hint =
            "A weight counts for a sample (or a step), not for a number in it; drop the last axes";
        return wrong(expected("with no more axes than"), hint);
    }
    if v.rank() > w.rank() {
        let hint =
            "Give one number for each: to weigh whole samples, add axes of size 1 behind the first";
        return wrong(expected("with as many axes as"), hint);
    }
    match spreads_to(&w, &v) {
        true => Ok(()),
        false => wrong(expected("that fit"), "Give one weight for each sample"),
    }
}

fn check_mask(values: &Tensor, mask: &Tensor) -> Result<()> {
    let (v, m) = align_ranks(values, mask)?;
    if m.rank() == v.rank() && spreads_to(&m, &v) {
        return Ok(());
    }
    Err(Error::mismatch(
        ErrorKind::Shape,
        format!("a mask that fits losses of shape {}", values.shape()),
        format!("a mask of shape {}", mask.shape()),
    )
    .hint("Layers hand the mask of their inputs on: take it off before the output, or keep the steps that it masks"))
}

/// Whether the sizes of one are those of the other, or 1; their ranks are equal.
fn spreads_to(from: &Tensor, to: &Tensor) -> bool {
    let (from, to) = (from.shape(), to.shape());
    let mut pairs = from.dims().iter().zip(to.dims());
    pairs.all(|(f, t): (&Dim, &Dim)| f.is_none_or(|f| f == 1 || t.is_none_or(|t| f == t)))
}

/// Number of elements; 1 while it is unknown.
fn count(x: &Tensor) -> f64 {
    x.shape().numel().unwrap_or(1).max(1) as f64
}

/// The quotient, or 0 where the divisor is 0.
pub(crate) fn divide_no_nan(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let zero = prim::constant_like(b, 0.0)?;
    let is_zero = prim::compare(Comparison::Eq, b, &zero)?;
    let safe = prim::select(&is_zero, &prim::constant_like(b, 1.0)?, b)?;
    let quotient = a / &safe;
    quotient.check()?;
    prim::select(&is_zero, &prim::constant_like(&quotient, 0.0)?, &quotient)
}

/// A tensor with a last axis of size 1 dropped or added, if two ranks differ by one and that makes them fit.
pub(crate) fn align_ranks(a: &Tensor, b: &Tensor) -> Result<(Tensor, Tensor)> {
    let (ra, rb) = (a.rank(), b.rank());
    if ra == rb + 1 && a.dim(-1) == Some(1) {
        return match rb {
            1 => Ok((a.clone(), expand_last(b)?)),
            _ => Ok((squeeze_last(a)?, b.clone())),
        };
    }
    if rb == ra + 1 && b.dim(-1) == Some(1) {
        return match ra {
            1 => Ok((expand_last(a)?, b.clone())),
            _ => Ok((a.clone(), squeeze_last(b)?)),
        };
    }
    Ok((a.clone(), b.clone()))
}

/// Class numbers without a last axis of size 1, where predictions have the classes along theirs.
pub(crate) fn class_numbers(y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
    match y_true.rank() == y_pred.rank() && y_true.dim(-1) == Some(1) {
        true => squeeze_last(y_true),
        false => Ok(y_true.clone()),
    }
}

pub(crate) fn squeeze_last(x: &Tensor) -> Result<Tensor> {
    let mut dims: Vec<Dim> = x.shape().dims().to_vec();
    dims.pop();
    prim::reshape(x, dims)
}

pub(crate) fn expand_last(x: &Tensor) -> Result<Tensor> {
    let mut dims: Vec<Dim> = x.shape().dims().to_vec();
    dims.push(Some(1));
    prim::reshape(x, dims)
}

/// Weights and mask as one: masked elements weigh 0. If `rescale`, the others weigh total / valid, so that a mean over
/// all is the mean over the valid ones.
pub(crate) fn apply_mask(
    weights: Option<&Tensor>,
    mask: Option<&Tensor>,
    dtype: DType,
    rescale: bool,
) -> Result<Option<Tensor>> {
    let weights = weights.map(|w| prim::convert(w, dtype)).transpose()?;
    let Some(mask) = mask else { return Ok(weights) };
    let mut float = prim::convert(mask, dtype)?;
    if rescale {
        let total = prim::constant_like(&float, count(&float))?;
        let factor = divide_no_nan(&total, &sum_all(&float))?;
        float = float * factor;
    }
    match weights {
        None => Ok(Some(float)),
        Some(weights) => {
            let (float, weights) = align_ranks(&float, &weights)?;
            Ok(Some(weights * float))
        }
    }
}
