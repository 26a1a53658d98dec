//! Connectionist temporal classification.

use refrain_graph::{DType, Dim};

use super::{Loss, LossClass, Targets};
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{self, Axes, PadMode, ScanOptions, prim};
use crate::options;
use crate::tensor::Tensor;

options! {
    /// Connectionist temporal classification (Graves et al., 2006): the negative logarithm of the probability of a sequence of labels
    /// in any alignment.
    ///
    /// Predictions are logits `(batch, time, classes)`, of which class 0 is the blank; targets are labels `(batch, length)` from 1 on,
    /// filled up with 0.
    ///
    /// ```
    /// use refrain::losses::Ctc;
    /// let loss = Ctc::new();
    /// ```
    pub struct Ctc as "CTC" named "ctc": const Loss {}
}

/// The logarithm of what cannot be: finite, so that gradients are.
const IMPOSSIBLE: f64 = -1e5;

/// Elements `start..stop` along the last axis.
fn columns(x: &Tensor, start: Option<i64>, stop: Option<i64>) -> Tensor {
    ops::slice_axis(x, -1, start, stop)
}

/// Blanks of which all but the first are joined by further ways, in logarithms.
fn joined(blanks: &Tensor, further: &Tensor) -> Tensor {
    let rest = ops::logaddexp(&columns(blanks, Some(1), None), further);
    ops::concatenate([columns(blanks, None, Some(1)), rest], -1)
}

/// The loss of each sample: `labels` `(batch, length)` in i32, of which the first `counts` `(batch,)` count, `logits`
/// `(batch, time, classes)`.
fn ctc(labels: &Tensor, logits: &Tensor, counts: &Tensor) -> Result<Tensor> {
    let batch = logits.shape().dim(0);
    let (length, classes) = (labels.dim(1).unwrap_or(0), logits.dim(-1).unwrap_or(0));
    let logs = ops::log_softmax(logits, -1).checked()?;
    let chosen = ops::one_hot(labels, classes, -1, logs.dtype());
    let of_labels = ops::einsum("btk,bnk->tbn", [&logs, &chosen]);
    let of_blank = ops::transpose(columns(&logs, None, Some(1)), Some(&[1, 0, 2]));
    // Whether a label is followed by itself, so that a blank must be between them.
    let (labels_before, labels_after) = (
        columns(labels, None, Some(-1)),
        columns(labels, Some(1), None),
    );
    let repeats = ops::cast(ops::equal(labels_before, labels_after), logs.dtype());
    let repeats = ops::pad(repeats, [(0, 0), (0, 1)], PadMode::Constant(0.0));
    let filled = |n: usize, value: f64| {
        let dims: [Dim; 2] = [batch, Some(n)];
        prim::full(&logs, &dims.to_vec().into(), logs.dtype(), value)
    };
    let impossible = filled(length, IMPOSSIBLE)?;
    let blanks = ops::concatenate([filled(1, 0.0)?, impossible.clone()], -1).checked()?;
    let sequences = [of_labels.checked()?, of_blank.checked()?];
    let (if_other, if_again) = (&repeats * IMPOSSIBLE, (1.0 - &repeats) * IMPOSSIBLE);
    let body = |before: &[Tensor], step: &[Tensor]| {
        let (blanks, ends) = (&before[0], &before[1]);
        let ready = joined(blanks, &(ends + &if_other));
        let label = ops::logaddexp(
            &(columns(&ready, None, Some(-1)) + &step[0]),
            &(ends + &step[0]),
        );
        let blank = joined(&(&ready + &step[1]), &(ends + &step[1] + &if_again));
        Ok((vec![blank.checked()?, label.checked()?], vec![]))
    };
    let carries = [blanks, impossible];
    let (last, _) = ops::scan(&carries, &sequences, ScanOptions::default(), body)?;
    let all = joined(&last[0], &last[1]);
    let end = ops::one_hot(counts, length + 1, -1, all.dtype());
    (-ops::sum(all * end, -1, false)).checked()
}

impl LossClass for Ctc {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        if y_true.rank() != 2 || y_pred.rank() != 3 || y_true.dim(1) == Some(0) {
            let expected = "labels (batch, length) and logits (batch, time, classes)";
            let received = format!("shapes {} and {}", y_true.shape(), y_pred.shape());
            return Err(Error::mismatch(ErrorKind::Shape, expected, received));
        }
        let labels = ops::cast(y_true, DType::I32).checked()?;
        let given = ops::cast(ops::not_equal(&labels, 0), DType::I32);
        let counts = ops::sum(given, Axes::from(-1), false).checked()?;
        ctc(&labels, y_pred, &counts)
    }

    fn targets(&self) -> Targets {
        Targets::Labels
    }
}
