//! Recurrent layers.

mod bidirectional;
mod gru;
mod lstm;
pub(crate) mod masks;
mod options;
mod output;
mod recurrence;
mod simple_rnn;
mod time_distributed;

pub use bidirectional::{Bidirectional, BidirectionalOptions, MergeMode};
pub use gru::{Gru, GruOptions};
pub use lstm::{Lstm, LstmOptions};
pub use output::RnnOutput;
pub use simple_rnn::{SimpleRnn, SimpleRnnOptions};
pub(crate) use time_distributed::has_batch_statistics;
pub use time_distributed::{TimeDistributed, TimeDistributedOptions};

/// The option that is Keras 2's rule of masked steps, under its name in configurations.
pub(crate) const ZERO_BEFORE_FIRST: &str = "zero_before_first";
