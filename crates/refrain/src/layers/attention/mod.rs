//! Attention: sequences that look at sequences.

mod additive_attention;
#[allow(clippy::module_inception)]
mod attention;
mod multi_head_attention;
mod multi_head_scores;
mod scores;

/// The class whose calls take the masks off their inputs in Keras 3.8 and later.
pub(crate) const ATTENTION: &str = "MultiHeadAttention";

/// Its argument that they do not use.
pub(crate) const QUERY_MASK: &str = "query_mask";

pub use additive_attention::{AdditiveAttention, AdditiveAttentionOptions};
pub use attention::{Attention, AttentionOptions, ScoreMode};
pub use multi_head_attention::{MultiHeadAttention, MultiHeadAttentionOptions, OutputShape};
