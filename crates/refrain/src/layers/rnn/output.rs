//! What a recurrent layer returns.

use std::ops::Deref;

use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::Outputs;
use crate::structure::Structure;
use crate::tensor::Tensor;

/// The output of a recurrent layer and, with `return_state`, its last states; the output of a cell and its next states. Can be
/// used like its output.
#[derive(Clone, Debug)]
pub struct RnnOutput {
    /// The last step's output, or every step's with `return_sequences`.
    pub output: Tensor,
    /// The last states (LSTM: `h`, `c`; GRU and SimpleRNN: `h`), empty without `return_state`. A `Bidirectional` gives
    /// the forward layer's states, then the backward layer's; stacked cells those of each cell, one cell after the other.
    pub state: Vec<Tensor>,
}

impl RnnOutput {
    /// Next states, of which the first is the output.
    pub(crate) fn of_states(state: Vec<Tensor>) -> Self {
        RnnOutput {
            output: state[0].clone(),
            state,
        }
    }
}

impl Outputs for RnnOutput {
    fn into_structure(self) -> Structure<Tensor> {
        match self.state.is_empty() {
            true => Structure::Leaf(self.output),
            false => Structure::list(std::iter::once(self.output).chain(self.state)),
        }
    }

    fn from_structure(structure: Structure<Tensor>) -> Result<Self> {
        let mut tensors = structure.into_leaves().into_iter();
        let output = tensors.next().ok_or_else(|| {
            let expected = "an output and the states after it";
            Error::mismatch(ErrorKind::Structure, expected, "no tensor")
        })?;
        Ok(RnnOutput {
            output,
            state: tensors.collect(),
        })
    }
}

impl Deref for RnnOutput {
    type Target = Tensor;

    fn deref(&self) -> &Tensor {
        &self.output
    }
}

impl From<&RnnOutput> for Structure<Tensor> {
    fn from(rnn: &RnnOutput) -> Self {
        Structure::Leaf(rnn.output.clone())
    }
}

impl From<RnnOutput> for Structure<Tensor> {
    fn from(rnn: RnnOutput) -> Self {
        Structure::Leaf(rnn.output)
    }
}

/// The arguments of a call that goes on from given states.
pub(crate) fn from_state(
    sequence: impl Into<Structure<Tensor>>,
    state: impl Into<Structure<Tensor>>,
) -> Inputs {
    Inputs::new(sequence).kwarg("initial_state", state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_without_an_output_is_refused() {
        let error = RnnOutput::from_structure(Structure::List(Vec::new())).expect_err("no tensor");
        assert!(
            error.to_string().contains("an output and the states"),
            "{error}"
        );
    }
}
