//! A cross-entropy of class numbers that wrong labels disturb less.

use refrain_graph::DType;

use super::{Loss, LossClass, Targets};
use crate::error::{Error, ErrorKind, Result};
use crate::ops;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// `(1 - p^q) / q` for the probability `p` of the true class, between cross-entropy and absolute error (Zhang and Sabuncu,
    /// 2018): targets are class numbers, in the predictions' shape without the last axis.
    ///
    /// ```
    /// use refrain::losses::CategoricalGeneralizedCrossEntropy;
    /// let loss = CategoricalGeneralizedCrossEntropy::new().q(0.7);
    /// ```
    pub struct CategoricalGeneralizedCrossEntropy: const Loss {
        /// How little wrong labels count, between 0 (cross-entropy) and 1 (absolute error).
        q: f64 = 0.5,
    }
}

impl LossClass for CategoricalGeneralizedCrossEntropy {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let mut expected = y_pred.shape();
        expected.dims_mut().pop();
        if !y_true.shape().compatible(&expected) {
            return Err(Error::mismatch(
                ErrorKind::Shape,
                format!("class numbers of shape {expected}"),
                format!("shape {}", y_true.shape()),
            ));
        }
        let classes = y_pred.dim(-1).unwrap_or(1);
        let chosen = ops::one_hot(ops::cast(y_true, DType::I32), classes, -1, y_pred.dtype());
        let p = ops::sum(y_pred * chosen, -1, false);
        ((1.0 - ops::power(p, self.q)) / self.q).checked()
    }

    fn targets(&self) -> Targets {
        Targets::Classes {
            axis: -1,
            ignored: None,
        }
    }

    fn validate(&self) -> Result<()> {
        match self.q > 0.0 && self.q < 1.0 {
            true => Ok(()),
            false => Err(Error::mismatch(
                ErrorKind::Config,
                "q between 0 and 1",
                self.q.to_string(),
            )),
        }
    }
}
