//! The gated recurrent unit.

use super::dense_cell::{Common, DenseCell, Weights};
use super::options::{rnn_layer_methods, rnn_options};
use super::output::RnnOutput;
use super::recurrence::{columns, slice};
use crate::error::Result;
use crate::layers::Layer;
use crate::ops::prim;
use crate::tensor::Tensor;

rnn_options! {
    /// Gated recurrent unit (Cho et al., 2014).
    ///
    /// Input `(batch, time, features)`; output `(batch, units)`, or `(batch, time, units)` with `return_sequences`; with
    /// `return_state` also the state `h`. Weights: `kernel (features, 3 units)`, `recurrent_kernel (units, 3 units)`,
    /// `bias (2, 3 units)` with `reset_after`, else `(3 units,)`; columns in the order update, reset, candidate.
    ///
    /// ```
    /// use refrain::{input, layers::Gru};
    /// let gru = Gru::new(8);
    /// assert_eq!(gru.call(&input([None, Some(3)]))?.shape().to_string(), "(None, 8)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/rnn/gru.py`.
    Gru, GruOptions {
        /// Applied to the gates.
        recurrent_activation: Activation = Activation::Sigmoid,
        /// Whether the reset gate is applied after the product with the recurrent kernel instead of before.
        reset_after: bool = true,
    }
}

impl Layer for GruOptions {
    type Output = RnnOutput;

    rnn_layer_methods!("GRU", <Self as DenseCell>::PATH);
}

impl GruOptions {
    /// A row of the bias `(2, 3 units)`: 0 for the inputs, 1 for the state.
    fn bias_row(&self, bias: &Tensor, row: usize) -> Result<Tensor> {
        match self.reset_after {
            true => prim::reshape(&slice(bias, 0, row, row + 1)?, [3 * self.units]),
            false => Ok(bias.clone()),
        }
    }
}

impl DenseCell for GruOptions {
    const PATH: &'static str = "gru_cell";
    const GATES: usize = 3;
    const STATES: usize = 1;

    fn common(&self) -> Common<'_> {
        GruOptions::common(self)
    }

    fn bias(&self) -> (Vec<usize>, Initializer) {
        let width = 3 * self.units;
        let shape = if self.reset_after {
            vec![2, width]
        } else {
            vec![width]
        };
        (shape, self.bias_initializer.clone())
    }

    fn input_bias(&self, bias: &Tensor) -> Result<Tensor> {
        self.bias_row(bias, 0)
    }

    fn step(
        &self,
        weights: &Weights,
        projected: &Tensor,
        states: &[Tensor],
    ) -> Result<Vec<Tensor>> {
        let (hidden, units) = (&states[0], weights.units);
        let x = |gate: usize| columns(projected, gate * units, (gate + 1) * units);
        let gates = if self.reset_after { 0..3 } else { 0..2 };
        let mut inner = weights.recur(hidden, gates)?;
        if let (true, Some(bias)) = (self.reset_after, &weights.bias) {
            inner = inner + self.bias_row(bias, 1)?;
        }
        let h = |gate: usize| columns(&inner, gate * units, (gate + 1) * units);
        let update = self.recurrent_activation.apply(&(x(0)? + h(0)?));
        let reset = self.recurrent_activation.apply(&(x(1)? + h(1)?));
        let recurrent = match self.reset_after {
            true => reset * h(2)?,
            false => weights.recur(&(reset * hidden), 2..3)?,
        };
        let candidate = self.activation.apply(&(x(2)? + recurrent));
        Ok(vec![&update * hidden + (1.0 - &update) * candidate])
    }
}
