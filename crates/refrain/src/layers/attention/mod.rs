//! Attention: sequences that look at sequences.

mod additive_attention;
#[allow(clippy::module_inception)]
mod attention;
mod group_query_attention;
mod heads;
mod multi_head_attention;
mod multi_head_scores;
mod operands;
mod options;
mod roles;
mod scores;

/// The argument of `MultiHeadAttention` that Keras 3.8 and later do not use.
pub(crate) const QUERY_MASK: &str = "query_mask";

pub use additive_attention::{AdditiveAttention, AdditiveAttentionOptions};
pub use attention::{Attention, AttentionOptions, ScoreMode};
pub use group_query_attention::{GroupQueryAttention, GroupQueryAttentionOptions};
pub use multi_head_attention::{MultiHeadAttention, MultiHeadAttentionOptions, OutputShape};

crate::layers::registry::rows! {
    "AdditiveAttention" => AdditiveAttentionOptions,
    "Attention" => AttentionOptions,
    "GroupQueryAttention" => GroupQueryAttentionOptions,
    "MultiHeadAttention" => MultiHeadAttentionOptions,
}
