//! Logarithms of hyperbolic cosines.

use super::common::{difference, mean};
use super::{Loss, LossClass};
use crate::error::Result;
use crate::ops;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// Mean of `log(cosh(difference))` over the last axis: squared for small differences, absolute for large ones.
    ///
    /// ```
    /// use refrain::losses::LogCosh;
    /// let loss = LogCosh::new().name("smooth");
    /// ```
    pub struct LogCosh: const Loss {}
}

impl LossClass for LogCosh {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let error = difference(y_true, y_pred)?;
        // log(cosh(x)) without an exponential that overflows, as Keras has it.
        mean(
            &(&error + ops::softplus(&(&error * -2.0)) - std::f64::consts::LN_2),
            -1,
        )
    }
}
