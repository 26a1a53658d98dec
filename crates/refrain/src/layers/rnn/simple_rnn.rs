//! The fully connected recurrent layer, and its cell.

use super::options::dense_layers;

dense_layers! {
    /// The recurrence `h' = activation(x · kernel + bias + h · recurrent_kernel)`.
    ///
    /// Input `(batch, time, features)`; output `(batch, units)`, or `(batch, time, units)` with `return_sequences`; with
    /// `return_state` also the state `h`.
    ///
    /// ```
    /// use refrain::{input, layers::SimpleRnn};
    /// let rnn = SimpleRnn::new(8).return_sequences(true);
    /// assert_eq!(rnn.call(&input([5, 3]))?.shape().to_string(), "(None, 5, 8)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/rnn/simple_rnn.py`.
    SimpleRnn, SimpleRnnOptions, "SimpleRNN" without "seed";

    /// One step of a [`SimpleRnn`].
    ///
    /// Input `(batch, features)` and the state `h`, `(batch, units)`; the output is the next `h`.
    ///
    /// ```
    /// use refrain::{input, layers::SimpleRnnCell};
    /// let next = SimpleRnnCell::new(8).step(&input([3]), &input([8]))?;
    /// assert_eq!(next.state[0].shape().to_string(), "(None, 8)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/rnn/simple_rnn.py`.
    SimpleRnnCell, SimpleRnnCellOptions, "SimpleRNNCell";

    own {}
    step(self) -> SimpleRnnStep {
        SimpleRnnStep {
            common: self.common(),
            activation: &self.activation,
        }
    }
}

struct SimpleRnnStep<'a> {
    common: Common<'a>,
    activation: &'a Activation,
}

impl DenseCell for SimpleRnnStep<'_> {
    const PATH: &'static str = "simple_rnn_cell";
    const GATES: usize = 1;
    const STATES: usize = 1;

    fn common(&self) -> &Common<'_> {
        &self.common
    }

    fn step(
        &self,
        weights: &Weights,
        projected: &Tensor,
        states: &[Tensor],
    ) -> Result<Vec<Tensor>> {
        let z = projected + weights.recur(&states[0], 0..1)?;
        Ok(vec![self.activation.apply(&z)])
    }
}
