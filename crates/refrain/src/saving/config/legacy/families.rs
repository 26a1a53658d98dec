//! Classes of Keras 2 that are described or called in a way of their own.

/// What a class of Keras 2 has in common with others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// A loop over steps, whose further inputs are states.
    Recurrent,
    /// A layer around such loops, called as they are.
    AroundRecurrent,
    /// A layer that takes a list even if it has one tensor, and whose masks combine in another way than in Keras 3.
    Merging,
    /// A layer that takes a list even if it has one tensor.
    Listing,
    Other,
}

impl Family {
    pub(super) fn of(class: &str) -> Self {
        match class {
            "LSTM" | "GRU" | "SimpleRNN" | "RNN" | "ConvLSTM1D" | "ConvLSTM2D" | "ConvLSTM3D" => {
                Family::Recurrent
            }
            "Bidirectional" => Family::AroundRecurrent,
            "Add" | "Average" | "Concatenate" | "Maximum" | "Minimum" | "Multiply" | "Subtract" => {
                Family::Merging
            }
            "Dot" => Family::Listing,
            _ => Family::Other,
        }
    }

    /// Whether further inputs are states.
    pub(super) fn takes_states(self) -> bool {
        matches!(self, Family::Recurrent | Family::AroundRecurrent)
    }

    /// Whether even one tensor comes in a list.
    pub(super) fn takes_lists(self) -> bool {
        matches!(self, Family::Merging | Family::Listing)
    }
}
