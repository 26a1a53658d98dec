//! The layers that everything is made of.

mod dense;
mod embedding;
mod identity;
mod input;
mod lambda;
mod masking;

pub use dense::{Dense, DenseOptions};
pub use embedding::{Embedding, EmbeddingOptions};
pub use identity::{Identity, IdentityOptions};
pub use input::{Input, InputLayer, input};
pub(crate) use input::{absent, input_tensor, is_optional, not_optional};
pub(crate) use lambda::{Function, of_list, of_one};
pub use lambda::{Lambda, LambdaOptions, register_lambda, register_lambda_of_list};
pub use masking::{Masking, MaskingOptions};
