//! The layers that everything is made of.

mod base_embedding;
mod dense;
mod einsum_dense;
mod einsum_equation;
mod embedding;
mod identity;
mod input;
mod lambda;
mod lambda_arguments;
mod lambda_functions;
mod masking;
mod reversible_embedding;

pub use dense::{Dense, DenseOptions};
pub use einsum_dense::{BiasAxes, EinsumDense, EinsumDenseOptions};
pub use embedding::{Embedding, EmbeddingOptions};
pub use identity::{Identity, IdentityOptions};
pub use input::{Input, InputLayer, input};
pub(crate) use input::{absent, input_tensor, is_optional, not_optional};
pub(crate) use lambda::described_call;
pub use lambda::{Lambda, LambdaOptions};
pub use lambda_arguments::LambdaArguments;
pub use lambda_functions::LambdaFunction;
pub(crate) use lambda_functions::{Function, of_list, of_list_with, of_one, of_one_with};
pub use masking::{Masking, MaskingOptions};
pub use reversible_embedding::{ReversibleEmbedding, ReversibleEmbeddingOptions};

crate::layers::registry::rows! {
    "Dense" => DenseOptions,
    "EinsumDense" => EinsumDenseOptions,
    "Embedding" => EmbeddingOptions,
    "Identity" => IdentityOptions,
    "Lambda" => LambdaOptions with context,
    "Masking" => MaskingOptions,
    "ReversibleEmbedding" => ReversibleEmbeddingOptions,
}
