//! Recurrent layers.

mod bidirectional;
mod conv_lstm;
mod conv_lstm1d;
mod conv_lstm2d;
mod conv_lstm3d;
mod dense_cell;
mod gru;
mod lstm;
pub(crate) mod masks;
mod options;
mod output;
mod recurrence;
#[allow(clippy::module_inception)]
mod rnn;
mod simple_rnn;
mod stacked_rnn_cells;
mod time_distributed;

pub use bidirectional::{Bidirectional, BidirectionalOptions, MergeMode};
pub use conv_lstm1d::{ConvLstm1D, ConvLstm1DOptions};
pub use conv_lstm2d::{ConvLstm2D, ConvLstm2DOptions};
pub use conv_lstm3d::{ConvLstm3D, ConvLstm3DOptions};
pub use gru::{Gru, GruCell, GruCellOptions, GruOptions};
pub use lstm::{Lstm, LstmCell, LstmCellOptions, LstmOptions};
pub use output::RnnOutput;
pub use rnn::{Rnn, RnnOptions};
pub use simple_rnn::{SimpleRnn, SimpleRnnCell, SimpleRnnCellOptions, SimpleRnnOptions};
pub use stacked_rnn_cells::{StackedRnnCells, StackedRnnCellsOptions};
pub(crate) use time_distributed::has_batch_statistics;
pub use time_distributed::{TimeDistributed, TimeDistributedOptions};

/// The option that is Keras 2's rule of masked steps, under its name in configurations.
pub(crate) const ZERO_BEFORE_FIRST: &str = "zero_before_first";

crate::layers::registry::rows! {
    "Bidirectional" => BidirectionalOptions with context,
    "ConvLSTM1D" => ConvLstm1DOptions,
    "ConvLSTM2D" => ConvLstm2DOptions,
    "ConvLSTM3D" => ConvLstm3DOptions,
    "GRU" => GruOptions,
    "GRUCell" => GruCellOptions,
    "LSTM" => LstmOptions,
    "LSTMCell" => LstmCellOptions,
    "RNN" => RnnOptions with context,
    "SimpleRNN" => SimpleRnnOptions,
    "SimpleRNNCell" => SimpleRnnCellOptions,
    "StackedRNNCells" => StackedRnnCellsOptions with context,
    "TimeDistributed" => TimeDistributedOptions with context,
}
