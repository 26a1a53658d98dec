//! Connectionist temporal classification.

use refrain_graph::DType;

use super::{Loss, LossClass, Targets};
use crate::error::Result;
use crate::ops::{self, Axes};
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

const BLANK: usize = 0;

impl LossClass for Ctc {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let labels = ops::cast(y_true, DType::I32).checked()?;
        let given = ops::cast(ops::not_equal(&labels, 0), DType::I32);
        let counts = ops::sum(given, Axes::from(-1), false).checked()?;
        ops::alignment_loss(&labels, y_pred, &counts, None, BLANK)
    }

    fn targets(&self) -> Targets {
        Targets::Labels
    }
}
