//! The long short-term memory layer.

use super::dense_cell::{Common, DenseCell, Weights};
use super::options::{rnn_layer_methods, rnn_options};
use super::output::RnnOutput;
use super::recurrence::columns;
use crate::error::Result;
use crate::initializers::ForgetBias;
use crate::layers::Layer;
use crate::tensor::Tensor;

rnn_options! {
    /// Long short-term memory (Hochreiter & Schmidhuber, 1997).
    ///
    /// Input `(batch, time, features)`; output `(batch, units)`, or `(batch, time, units)` with `return_sequences`; with
    /// `return_state` also the states `h` and `c`, each `(batch, units)`. Weights: `kernel (features, 4 units)`,
    /// `recurrent_kernel (units, 4 units)`, `bias (4 units,)`, their columns in the order input, forget, candidate,
    /// output.
    ///
    /// ```
    /// use refrain::{input, layers::Lstm};
    /// let lstm = Lstm::new(64).return_sequences(true).return_state(true);
    /// let encoded = lstm.call(&input([10, 20]))?;
    /// let decoded = lstm.call_from(&input([8, 20]), &encoded.state)?; // goes on where the encoder ended
    /// assert_eq!(decoded.output.shape().to_string(), "(None, 8, 64)");
    /// assert_eq!(lstm.count_params(), 4 * 64 * (20 + 64 + 1));
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/rnn/lstm.py`.
    Lstm, LstmOptions {
        /// Applied to the gates.
        recurrent_activation: Activation = Activation::Sigmoid,
        /// Whether the forget gate's bias starts at one.
        unit_forget_bias: bool = true,
    }
}

impl Layer for LstmOptions {
    type Output = RnnOutput;

    rnn_layer_methods!("LSTM", <Self as DenseCell>::PATH);
}

impl DenseCell for LstmOptions {
    const PATH: &'static str = "lstm_cell";
    const GATES: usize = 4;
    const STATES: usize = 2;

    fn common(&self) -> Common<'_> {
        LstmOptions::common(self)
    }

    fn bias(&self) -> (Vec<usize>, Initializer) {
        let initializer = match self.unit_forget_bias {
            true => Initializer::new(ForgetBias(self.bias_initializer.clone())),
            false => self.bias_initializer.clone(),
        };
        (vec![4 * self.units], initializer)
    }

    fn step(
        &self,
        weights: &Weights,
        projected: &Tensor,
        states: &[Tensor],
    ) -> Result<Vec<Tensor>> {
        let z = projected + weights.recur(&states[0], 0..4)?;
        let activations = [&self.activation, &self.recurrent_activation];
        next_states(&z, &states[1], weights.units, activations)
    }
}

/// The next states `h` and `c` from the sums of all gates, which are side by side along the last axis.
pub(super) fn next_states(
    z: &Tensor,
    carry: &Tensor,
    units: usize,
    [activation, recurrent_activation]: [&Activation; 2],
) -> Result<Vec<Tensor>> {
    let gate = |i: usize| columns(z, i * units, (i + 1) * units);
    let input = recurrent_activation.apply(&gate(0)?);
    let forget = recurrent_activation.apply(&gate(1)?);
    let candidate = activation.apply(&gate(2)?);
    let output = recurrent_activation.apply(&gate(3)?);
    let carry = forget * carry + input * candidate;
    let hidden = output * activation.apply(&carry);
    Ok(vec![hidden, carry])
}
