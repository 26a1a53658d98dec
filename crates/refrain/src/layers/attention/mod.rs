//! Attention: sequences that look at sequences.

mod additive_attention;
#[allow(clippy::module_inception)]
mod attention;
mod multi_head_attention;
mod multi_head_scores;
mod scores;

pub use additive_attention::{AdditiveAttention, AdditiveAttentionOptions};
pub use attention::{Attention, AttentionOptions, ScoreMode};
pub use multi_head_attention::{MultiHeadAttention, MultiHeadAttentionOptions};
