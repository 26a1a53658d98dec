//! What each loss computes for each sample.

use refrain_graph::{BinaryOp, Comparison, DType, Dim, Op, Reduction as Fold, UnaryOp};

use super::config::{Kind, LossOptions};
use super::reduce::{align_ranks, squeeze_last};
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{self, prim, reduce};
use crate::tensor::{Logits, Tensor, resolve_axis};
use crate::trace::Trace;

/// Probabilities are kept this far from 0 and 1 before their logarithm (Keras's epsilon).
const EPSILON: f64 = 1e-7;

/// A prediction as a cross-entropy sees it.
pub(crate) struct Prediction {
    tensor: Tensor,
    is_logits: bool,
}

impl Prediction {
    /// The prediction, or the logits that it was made from: they are stable where probabilities saturate.
    fn of(y_pred: &Tensor, options: &LossOptions) -> Result<Self> {
        let plain = |is_logits| {
            Ok(Prediction {
                tensor: floating(y_pred)?,
                is_logits,
            })
        };
        if options.from_logits {
            return plain(true);
        }
        let traced = y_pred.expect_traced()?;
        let last = resolve_axis(options.axis, y_pred.rank()).ok() == y_pred.rank().checked_sub(1);
        let logits = match (&options.kind, traced.logits) {
            (Kind::Binary, Some(Logits::Sigmoid(v))) => Some(v),
            (Kind::Categorical | Kind::Sparse, Some(Logits::Softmax(v))) if last => Some(v),
            _ => None,
        };
        match logits {
            Some(value) => Ok(Prediction {
                tensor: floating(&traced.trace.wrap(value))?,
                is_logits: true,
            }),
            None => plain(false),
        }
    }
}

/// Losses are computed in f32 at least.
fn floating(x: &Tensor) -> Result<Tensor> {
    match x.dtype() {
        DType::F64 => Ok(x.clone()),
        _ => prim::convert(x, DType::F32),
    }
}

/// The loss of a batch: weighted, masked and reduced.
pub(crate) fn loss(
    options: &LossOptions,
    y_true: &Tensor,
    y_pred: &Tensor,
    weights: Option<&Tensor>,
) -> Result<Tensor> {
    let (values, own_mask) = values(options, y_true, y_pred)?;
    let mask = match (y_pred.mask(), own_mask) {
        (Some(a), Some(b)) => Some(prim::binary(BinaryOp::And, &a, &b)?),
        (a, b) => a.or(b),
    };
    let loss = options.reduction.reduce(&values, weights, mask.as_ref())?;
    loss.check()?;
    Ok(loss)
}

/// The loss of each sample (of each step, …), and the mask that it carries itself.
pub(crate) fn values(
    options: &LossOptions,
    y_true: &Tensor,
    y_pred: &Tensor,
) -> Result<(Tensor, Option<Tensor>)> {
    let prediction = Prediction::of(y_pred, options)?;
    let is_logits = prediction.is_logits;
    let p = prediction.tensor;
    if let Kind::Sparse = options.kind {
        return sparse(options, y_true, &p, is_logits);
    }
    let (y, p) = align_ranks(&prim::convert(y_true, p.dtype())?, &p)?;
    let values = match &options.kind {
        Kind::Binary => binary(options, &y, &p, is_logits)?,
        Kind::Categorical => categorical(options, &y, &p, is_logits)?,
        Kind::Custom(function) => function(&y, &p)
            .checked()
            .and_then(|values| floating(&values))
            .map_err(|e| e.in_part(format!("loss `{}`", options.name())))?,
        _ => {
            no_wider(&y, &p)?;
            distance(options, &y, &p)?
        }
    };
    values.check()?;
    Ok((values, None))
}

/// Targets may have size 1 where predictions have more, as in Keras, but not the other way round.
fn no_wider(y: &Tensor, p: &Tensor) -> Result<()> {
    let (ys, ps) = (y.shape(), p.shape());
    let mut pairs = ys.dims().iter().zip(ps.dims());
    let fits = |(y, p): (&Dim, &Dim)| y.is_none_or(|y| y == 1 || p.is_none_or(|p| y == p));
    if ys.rank() == ps.rank() && pairs.all(fits) {
        return Ok(());
    }
    Err(targets_mismatch(y, p).hint("Bring the targets to this shape, or change the last layer"))
}

fn same_shape(y: &Tensor, p: &Tensor) -> Result<()> {
    if y.shape().compatible(&p.shape()) {
        return Ok(());
    }
    Err(targets_mismatch(y, p))
}

fn targets_mismatch(y: &Tensor, p: &Tensor) -> Error {
    Error::mismatch(
        ErrorKind::Shape,
        format!("targets of the predictions' shape {}", p.shape()),
        format!("shape {}", y.shape()),
    )
}

fn distance(options: &LossOptions, y: &Tensor, p: &Tensor) -> Result<Tensor> {
    let error = p - y;
    let each = match options.kind {
        Kind::Squared => error.square(),
        Kind::Absolute => error.abs(),
        _ => {
            let (size, delta) = (error.abs(), options.delta);
            let near = prim::compare(Comparison::Le, &size, &prim::constant_like(&size, delta)?)?;
            prim::select(
                &near,
                &(error.square() * 0.5),
                &(&size * delta - 0.5 * delta * delta),
            )?
        }
    };
    mean(&each, -1)
}

/// The mean along an axis; a tensor without axes is its own mean.
fn mean(x: &Tensor, axis: i64) -> Result<Tensor> {
    x.check()?;
    let dim = resolve_axis(axis, x.rank())?;
    let sum = reduce::reduce(x, Fold::Sum, &[dim], false)?;
    let n = x.shape().dim(dim).unwrap_or(1);
    Ok(sum / n as f64)
}

fn binary(options: &LossOptions, y: &Tensor, p: &Tensor, is_logits: bool) -> Result<Tensor> {
    same_shape(y, p)?;
    let smoothing = options.label_smoothing;
    let y = match smoothing {
        0.0 => y.clone(),
        s => y * (1.0 - s) + 0.5 * s,
    };
    let each = if is_logits {
        // max(x, 0) - x·y + log(1 + exp(-|x|)): no exponential of a positive number.
        ops::maximum(p, 0.0) - p * &y + (-p.abs()).exp().log1p()
    } else {
        let p = ops::clip(p, EPSILON, 1.0 - EPSILON);
        let no = ops::subtract(1.0, &y) * ops::subtract(1.0, &p).log();
        -(y * p.log() + no)
    };
    mean(&each, options.axis)
}

fn categorical(options: &LossOptions, y: &Tensor, p: &Tensor, is_logits: bool) -> Result<Tensor> {
    same_shape(y, p).map_err(|e| {
        e.hint("Class numbers as targets need SparseCategoricalCrossentropy; this loss takes one-hot targets")
    })?;
    let classes = y.dim(-1).unwrap_or(1) as f64;
    let y = match options.label_smoothing {
        0.0 => y.clone(),
        s => y * (1.0 - s) + s / classes,
    };
    let dim = resolve_axis(options.axis, p.rank())?;
    let log_probabilities = log_probabilities(p, dim, is_logits)?;
    let products = y * log_probabilities;
    products.check()?;
    Ok(-reduce::reduce(&products, Fold::Sum, &[dim], false)?)
}

/// Logarithms of probabilities along an axis, from logits or from probabilities that need not add up to 1.
fn log_probabilities(p: &Tensor, dim: usize, is_logits: bool) -> Result<Tensor> {
    if is_logits {
        let largest = reduce::reduce(p, Fold::Max, &[dim], true)?;
        let largest = Trace::apply(Op::StopGradient, &[&largest])?;
        let shifted = p - largest;
        shifted.check()?;
        let sum = reduce::reduce(
            &prim::unary(UnaryOp::Exponential, &shifted)?,
            Fold::Sum,
            &[dim],
            true,
        )?;
        return Ok(shifted - sum.log());
    }
    let sum = reduce::reduce(p, Fold::Sum, &[dim], true)?;
    Ok(ops::clip(&(p / sum), EPSILON, 1.0 - EPSILON).log())
}

fn sparse(
    options: &LossOptions,
    y_true: &Tensor,
    p: &Tensor,
    is_logits: bool,
) -> Result<(Tensor, Option<Tensor>)> {
    let rank = p.rank();
    let dim = resolve_axis(options.axis, rank)?;
    let y = match y_true.rank() == rank && y_true.dim(options.axis) == Some(1) {
        true if dim + 1 == rank => squeeze_last(y_true)?,
        _ => y_true.clone(),
    };
    let mut dims = p.shape().dims().to_vec();
    dims.remove(dim);
    let expected = refrain_graph::Shape::from(dims);
    if !y.shape().compatible(&expected) {
        let what = format!(
            "class numbers of shape {expected} for predictions of shape {}",
            p.shape()
        );
        let received = format!("shape {}", y_true.shape());
        let error = Error::mismatch(ErrorKind::Shape, what, received);
        return Err(error.hint("One-hot targets need CategoricalCrossentropy"));
    }
    let y = prim::convert(&y, DType::I32)?;
    let valid = options.ignore_class.map(|class| {
        let class = prim::constant_like(&y, class as f64)?;
        prim::compare(Comparison::Ne, &y, &class)
    });
    let valid = valid.transpose()?;
    let chosen = one_hot_mask(&y, p, dim)?;
    let logs = log_probabilities(p, dim, is_logits)?;
    logs.check()?;
    let zero = prim::constant_like(&logs, 0.0)?;
    let picked = prim::select(&chosen, &logs, &zero)?;
    let mut loss = -reduce::reduce(&picked, Fold::Sum, &[dim], false)?;
    if let Some(valid) = &valid {
        loss = prim::select(valid, &loss, &prim::constant_like(&loss, 0.0)?)?;
    }
    Ok((loss, valid))
}

/// True where the index along `dim` is the class number.
fn one_hot_mask(y: &Tensor, like: &Tensor, dim: usize) -> Result<Tensor> {
    let shape = like.shape();
    let index = prim::iota(like, &shape, DType::I32, dim)?;
    let mut dims = y.shape().dims().to_vec();
    dims.insert(dim, Some(1));
    let y = prim::broadcast_to(&prim::reshape(y, dims)?, &shape)?;
    prim::compare(Comparison::Eq, &index, &y)
}
