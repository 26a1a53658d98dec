//! The gated recurrent unit, and its cell.

use super::options::dense_layers;
use super::recurrence::{columns, slice};
use crate::ops::prim;

dense_layers! {
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
    Gru, GruOptions, "GRU";

    /// One step of a [`Gru`].
    ///
    /// Input `(batch, features)` and the state `h`, `(batch, units)`; the output is the next `h`. Weights as those of the layer.
    ///
    /// ```
    /// use refrain::{input, layers::GruCell};
    /// let next = GruCell::new(8).reset_after(false).step(&input([3]), &input([8]))?;
    /// assert_eq!(next.shape().to_string(), "(None, 8)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/rnn/gru.py`.
    GruCell, GruCellOptions, "GRUCell";

    own {
        /// Applied to the gates.
        recurrent_activation: Activation = Activation::Sigmoid,
        /// Whether the reset gate is applied after the product with the recurrent kernel instead of before.
        reset_after: bool = true,
    }
    step(self) -> GruStep {
        GruStep {
            common: self.common(),
            activations: [&self.activation, &self.recurrent_activation],
            reset_after: self.reset_after,
        }
    }
}

struct GruStep<'a> {
    common: Common<'a>,
    activations: [&'a Activation; 2],
    reset_after: bool,
}

impl GruStep<'_> {
    /// A row of the bias `(2, 3 units)`: 0 for the inputs, 1 for the state.
    fn bias_row(&self, bias: &Tensor, row: usize) -> Result<Tensor> {
        match self.reset_after {
            true => prim::reshape(&slice(bias, 0, row, row + 1)?, [3 * self.common.units]),
            false => Ok(bias.clone()),
        }
    }
}

impl DenseCell for GruStep<'_> {
    const PATH: &'static str = "gru_cell";
    const GATES: usize = 3;
    const STATES: usize = 1;

    fn common(&self) -> &Common<'_> {
        &self.common
    }

    fn bias(&self) -> (Vec<usize>, Initializer) {
        let width = 3 * self.common.units;
        let shape = if self.reset_after {
            vec![2, width]
        } else {
            vec![width]
        };
        (shape, self.common.bias.initializer.clone())
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
        let [activation, recurrent_activation] = self.activations;
        let x = |gate: usize| columns(projected, gate * units, (gate + 1) * units);
        let gates = if self.reset_after { 0..3 } else { 0..2 };
        let mut inner = weights.recur(hidden, gates)?;
        if let (true, Some(bias)) = (self.reset_after, &weights.bias) {
            inner = inner + self.bias_row(bias, 1)?;
        }
        let h = |gate: usize| columns(&inner, gate * units, (gate + 1) * units);
        let update = recurrent_activation.apply(&(x(0)? + h(0)?));
        let reset = recurrent_activation.apply(&(x(1)? + h(1)?));
        let recurrent = match self.reset_after {
            true => reset * h(2)?,
            false => weights.recur(&(reset * hidden), 2..3)?,
        };
        let candidate = activation.apply(&(x(2)? + recurrent));
        Ok(vec![&update * hidden + (1.0 - &update) * candidate])
    }
}
