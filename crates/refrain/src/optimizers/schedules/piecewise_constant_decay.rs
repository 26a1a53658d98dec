//! One rate after another.

use refrain_graph::Comparison;

use super::{Schedule, ScheduleClass};
use crate::error::{Error, ErrorKind, Result};
use crate::ops::prim;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// One rate up to and including each boundary, another after the last.
    ///
    /// ```
    /// use refrain::optimizers::{PiecewiseConstantDecay, Sgd};
    /// let sgd = Sgd::new(PiecewiseConstantDecay::new([1000.0, 2000.0], [0.1, 0.01, 0.001]));
    /// ```
    pub struct PiecewiseConstantDecay as "PiecewiseConstantDecay" named "PiecewiseConstant": Schedule [
        /// Increasing numbers of steps: each rate but the last holds up to and including its boundary.
        boundaries: Vec<f64>,
        /// Learning rates of the intervals, one more than boundaries.
        values: Vec<f64>,
    ] {}
}

impl ScheduleClass for PiecewiseConstantDecay {
    fn rate(&self, step: &Tensor) -> Result<Tensor> {
        let last = self.values.last().copied().unwrap_or(0.0);
        let mut rate = prim::constant_like(step, last)?;
        for (&boundary, &value) in self.boundaries.iter().zip(&self.values).rev() {
            let boundary = prim::constant_like(step, boundary)?;
            let within = prim::compare(Comparison::Le, step, &boundary)?;
            rate = prim::select(&within, &prim::constant_like(step, value)?, &rate)?;
        }
        Ok(rate)
    }

    fn validate(&self) -> Result<()> {
        let boundaries = self.boundaries.len();
        if self.values.len() == boundaries + 1 {
            return Ok(());
        }
        let expected = format!("{} rates for {boundaries} boundaries", boundaries + 1);
        let received = self.values.len().to_string();
        Err(Error::mismatch(ErrorKind::Config, expected, received))
    }
}
