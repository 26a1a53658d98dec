//! The circle loss of embeddings.

use refrain_graph::DType;

use super::{Loss, LossClass, Targets};
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{self, prim};
use crate::options;
use crate::tensor::Tensor;

options! {
    /// Draws embeddings of one label together and those of different labels apart (Sun et al., 2020): predictions are L2-normalized
    /// embeddings `(batch, features)`, targets labels `(batch,)` or `(batch, 1)`. Samples without a loss do not count.
    ///
    /// ```
    /// use refrain::losses::Circle;
    /// let loss = Circle::new().gamma(32.0).margin(0.25);
    /// ```
    pub struct Circle: const Loss {
        /// Scale of the similarities.
        gamma: f64 = 80.0,
        /// How far similarities are relaxed.
        margin: f64 = 0.4,
        /// Whether an embedding is not paired with itself.
        remove_diagonal: bool = true,
    }
}

impl LossClass for Circle {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let labels = ops::cast(y_true, DType::I32);
        let n = y_pred.shape().dim(0);
        let fits = y_pred.rank() == 2 && matches!(y_true.shape().dims(), [_] | [_, Some(1)]);
        if !fits {
            let expected = "embeddings (batch, features) and labels (batch,)";
            let received = format!("shapes {} and {}", y_pred.shape(), y_true.shape());
            return Err(Error::mismatch(ErrorKind::Shape, expected, received));
        }
        let column = prim::reshape(&labels.checked()?, vec![n, Some(1)])?;
        let same = ops::equal(&column, ops::transpose(&column, None));
        let different = ops::logical_not(&same);
        let positive = match self.remove_diagonal {
            true => {
                let index = |dim| prim::iota(&column, &same.shape(), DType::I32, dim);
                ops::logical_and(&same, ops::not_equal(index(0)?, index(1)?))
            }
            false => same.clone(),
        };
        let similarity = ops::matmul(y_pred, &ops::transpose(y_pred, None));
        let distance = ops::maximum(1.0 - similarity, 0.0);
        // The logarithm of the sum of exponentials over the pairs.
        let pooled = |pairs: &Tensor, weight: Tensor, distance: Tensor, gamma: f64| {
            let factors = ops::cast(pairs, y_pred.dtype());
            let weight = ops::maximum(weight * factors, 0.0);
            let scores = ops::where_(pairs, weight * gamma * distance, f64::NEG_INFINITY);
            ops::logsumexp(scores, 1, false)
        };
        let near = pooled(
            &positive,
            &distance + self.margin,
            self.margin - &distance,
            -self.gamma,
        );
        let far = (1.0 + self.margin) - &distance;
        let far = pooled(&different, far, (1.0 - self.margin) - &distance, self.gamma);
        let loss = ops::softplus(&(near + far)).checked()?;
        let counts = ops::greater(&loss, 0.0).checked()?;
        Ok(loss.with_mask(Some(counts)))
    }

    fn targets(&self) -> Targets {
        Targets::Labels
    }
}
