//! The cross-entropy of class numbers.

use refrain_graph::{Comparison, DType, Reduction as Fold, Shape};

use super::{Loss, LossClass, Prediction, Targets, class_numbers};
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{prim, reduce};
use crate::options;
use crate::tensor::{Tensor, resolve_axis};

options! {
    /// Cross-entropy of a distribution over classes: targets are class numbers.
    ///
    /// ```
    /// use refrain::losses::SparseCategoricalCrossentropy;
    /// let loss = SparseCategoricalCrossentropy::new().from_logits(true).ignore_class(0);
    /// ```
    pub struct SparseCategoricalCrossentropy: const Loss {
        /// Whether predictions are logits rather than probabilities.
        from_logits: bool = false,
        /// Class index, such as -1 or 255 for void in segmentation, whose targets are left out of the loss.
        ignore_class: Option<i64> = None,
        /// Axis of the predictions along which the classes lie.
        axis: i64 = -1,
    }
}

impl SparseCategoricalCrossentropy {
    /// The class numbers, in the predictions' shape without the axis of the classes.
    fn classes(&self, y_true: &Tensor, p: &Tensor, dim: usize) -> Result<Tensor> {
        let y = match dim + 1 == p.rank() {
            true => class_numbers(y_true, p)?,
            false => y_true.clone(),
        };
        let mut dims = p.shape().dims().to_vec();
        dims.remove(dim);
        let expected = Shape::from(dims);
        if y.shape().compatible(&expected) {
            return prim::convert(&y, DType::I32);
        }
        let what = format!(
            "class numbers of shape {expected} for predictions of shape {}",
            p.shape()
        );
        let received = format!("shape {}", y_true.shape());
        let error = Error::mismatch(ErrorKind::Shape, what, received);
        Err(error.hint("One-hot targets need CategoricalCrossentropy"))
    }
}

impl LossClass for SparseCategoricalCrossentropy {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let prediction = Prediction::of_softmax(y_pred, self.from_logits, self.axis)?;
        let p = &prediction.tensor;
        let dim = resolve_axis(self.axis, p.rank())?;
        let y = self.classes(y_true, p, dim)?;
        let valid = self.ignore_class.map(|class| {
            let class = prim::constant_like(&y, class as f64)?;
            prim::compare(Comparison::Ne, &y, &class)
        });
        let valid = valid.transpose()?;
        let chosen = one_hot_mask(&y, p, dim)?;
        let logs = prediction.log_probabilities(self.axis)?.checked()?;
        let zero = prim::constant_like(&logs, 0.0)?;
        let picked = prim::select(&chosen, &logs, &zero)?;
        let mut loss = -reduce::reduce(&picked, Fold::Sum, &[dim], false)?;
        if let Some(valid) = &valid {
            loss = prim::select(valid, &loss, &prim::constant_like(&loss, 0.0)?)?;
        }
        Ok(loss.with_mask(valid))
    }

    fn targets(&self) -> Targets {
        Targets::Classes {
            axis: self.axis,
            ignored: self.ignore_class,
        }
    }
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
