//! The root of the mean of squared differences.

use super::mean::contribution;
use super::{Direction, Metric, MetricClass, State};
use crate::error::Result;
use crate::losses::align_ranks;
use crate::ops;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// The root of the mean of squared differences over all samples so far.
    ///
    /// ```
    /// use refrain::metrics::RootMeanSquaredError;
    /// let error = RootMeanSquaredError::new().name("rmse");
    /// ```
    pub struct RootMeanSquaredError: Metric {}
}

impl MetricClass for RootMeanSquaredError {
    fn state(&self, _y_pred: &Tensor) -> Result<Vec<State>> {
        Ok(["total", "count"].map(|name| State::new(name, [])).into())
    }

    fn update(
        &self,
        state: &[Tensor],
        y_true: &Tensor,
        y_pred: &Tensor,
        sample_weight: Option<&Tensor>,
    ) -> Result<Vec<Tensor>> {
        let (y, p) = align_ranks(y_true, y_pred)?;
        let (total, count) = contribution(&(p - y).square(), sample_weight, None)?;
        Ok(vec![&state[0] + total, &state[1] + count])
    }

    fn result(&self, state: &[Tensor]) -> Result<Tensor> {
        ops::divide_no_nan(&state[0], &state[1]).sqrt().checked()
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Down)
    }
}
