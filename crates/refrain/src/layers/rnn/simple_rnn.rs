//! The fully connected recurrent layer.

use super::dense_cell::{Common, DenseCell, Weights};
use super::options::{rnn_layer_methods, rnn_options};
use super::output::RnnOutput;
use crate::error::Result;
use crate::layers::Layer;
use crate::tensor::Tensor;

rnn_options! {
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
    SimpleRnn, SimpleRnnOptions {}
}

impl Layer for SimpleRnnOptions {
    type Output = RnnOutput;

    rnn_layer_methods!("SimpleRNN", <Self as DenseCell>::PATH, without: "seed");
}

impl DenseCell for SimpleRnnOptions {
    const PATH: &'static str = "simple_rnn_cell";
    const GATES: usize = 1;
    const STATES: usize = 1;

    fn common(&self) -> Common<'_> {
        SimpleRnnOptions::common(self)
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
