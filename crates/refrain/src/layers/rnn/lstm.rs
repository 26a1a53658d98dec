//! The long short-term memory layer, and its cell.

use super::options::dense_layers;
use super::recurrence::columns;
use crate::initializers::ForgetBias;

dense_layers! {
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
    Lstm, LstmOptions, "LSTM";

    /// One step of an [`Lstm`].
    ///
    /// Input `(batch, features)` and the states `h` and `c`, each `(batch, units)`; the output is the next `h`. Weights as those
    /// of the layer.
    ///
    /// ```
    /// use refrain::input;
    /// use refrain::layers::{LstmCell, Rnn};
    /// let cell = LstmCell::new(8);
    /// let next = cell.step(&input([3]), [&input([8]), &input([8])])?;
    /// assert_eq!((next.shape().to_string(), next.state.len()), ("(None, 8)".to_owned(), 2));
    /// let whole = Rnn::new(cell).call(&input([None, Some(3)]))?; // the same weights in each step
    /// assert_eq!(whole.shape().to_string(), "(None, 8)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/rnn/lstm.py`.
    LstmCell, LstmCellOptions, "LSTMCell";

    own {
        /// Applied to the gates.
        recurrent_activation: Activation = Activation::Sigmoid,
        /// Whether the forget gate's bias starts at one.
        unit_forget_bias: bool = true,
    }
    step(self) -> LstmStep {
        LstmStep {
            common: self.common(),
            activations: [&self.activation, &self.recurrent_activation],
            unit_forget_bias: self.unit_forget_bias,
        }
    }
}

struct LstmStep<'a> {
    common: Common<'a>,
    activations: [&'a Activation; 2],
    unit_forget_bias: bool,
}

impl DenseCell for LstmStep<'_> {
    const PATH: &'static str = "lstm_cell";
    const GATES: usize = 4;
    const STATES: usize = 2;

    fn common(&self) -> &Common<'_> {
        &self.common
    }

    fn bias(&self) -> (Vec<usize>, Initializer) {
        let initializer = self.common.bias.initializer;
        let initializer = match self.unit_forget_bias {
            true => Initializer::new(ForgetBias(initializer.clone())),
            false => initializer.clone(),
        };
        (vec![4 * self.common.units], initializer)
    }

    fn step(
        &self,
        weights: &Weights,
        projected: &Tensor,
        states: &[Tensor],
    ) -> Result<Vec<Tensor>> {
        let z = projected + weights.recur(&states[0], 0..4)?;
        next_states(&z, &states[1], weights.units, self.activations)
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
