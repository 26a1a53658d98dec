//! Recurrent layers.

mod bidirectional;
mod gru;
mod lstm;
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
pub use time_distributed::{TimeDistributed, TimeDistributedOptions};
