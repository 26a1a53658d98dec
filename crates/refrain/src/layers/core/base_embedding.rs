//! What embeddings have in common.

use refrain_graph::DType;

use crate::error::{Error, ErrorKind, Result};
use crate::layers::{Build, Call, Weight, WeightRules};
use crate::ops::{self, prim};
use crate::tensor::Tensor;

/// The vectors of an embedding.
pub(super) struct Table<'a> {
    pub(super) input_dim: usize,
    pub(super) output_dim: usize,
    pub(super) rules: WeightRules<'a>,
    pub(super) mask_zero: bool,
}

impl Table<'_> {
    pub(super) fn validate(&self) -> Result<()> {
        let sizes = [
            ("input_dim", self.input_dim),
            ("output_dim", self.output_dim),
        ];
        match sizes.iter().find(|(_, size)| *size == 0) {
            None => Ok(()),
            Some((option, _)) => {
                let expected = format!("a positive `{option}`");
                Err(Error::mismatch(ErrorKind::Config, expected, "0"))
            }
        }
    }

    pub(super) fn build(&self, cx: &mut Build) -> Result<()> {
        let shape = [self.input_dim, self.output_dim];
        cx.add_weight(Weight::new("embeddings", shape).rules(self.rules))
    }

    /// The vectors of these numbers.
    pub(super) fn look_up(&self, cx: &Call, x: &Tensor) -> Result<Tensor> {
        let checked = cx.check_indices(x, self.input_dim)?;
        let indices = match x.dtype().is_integer() {
            true => x.clone(),
            false => prim::convert(x, DType::I32)?,
        };
        let embeddings = cx.weight("embeddings")?;
        match checked {
            true => ops::gather_axis(&embeddings, &indices, 0),
            false => ops::take_axis(&embeddings, &indices, 0),
        }
    }

    /// The mask that the vectors of these numbers carry.
    pub(super) fn mask(&self, x: &Tensor) -> Result<Option<Tensor>> {
        let mask = self.mask_zero.then(|| ops::not_equal(x, 0).checked());
        mask.transpose()
    }
}

/// Declares a layer with a vector for each whole number: the common options, then its own, its constructor, and what embeddings
/// have in common of [`Layer`](crate::layers::Layer).
macro_rules! embedding_layer {
    (
        $(#[$meta:meta])*
        $alias:ident, $options:ident,
        own { $($own:tt)* },
        $($methods:tt)*
    ) => {
        use crate::config::Config;
        use crate::constraints::Constraint;
        use crate::error::Result;
        use crate::initializers::Initializer;
        use crate::inputs::Inputs;
        use crate::layers::core::base_embedding::Table;
        use crate::layers::{Build, Call, Layer};
        use crate::regularizers::Regularizer;
        use crate::tensor::Tensor;

        $crate::layers::weighted_options! {
            $(#[$meta])*
            $alias, $options {
                /// Size of the vocabulary: the largest index plus 1.
                input_dim: usize = 0,
                /// Size of each embedding vector.
                output_dim: usize = 0,
            }
            weights {
                embeddings, "the embedding matrix":
                    embeddings_initializer = RandomUniform, embeddings_regularizer, embeddings_constraint;
            }
            outputs { activity_regularizer, "the output" }
            then {
                /// Whether index 0 is padding that is masked out; it then stands for no word, and `input_dim` counts it.
                mask_zero: bool = false,
                $($own)*
            }
        }

        impl $alias {
            /// A layer of `input_dim` vectors of size `output_dim`.
            pub fn new(input_dim: usize, output_dim: usize) -> Self {
                $options { input_dim, output_dim, ..$options::default() }.into_layer()
            }
        }

        impl $options {
            fn table(&self) -> Table<'_> {
                Table {
                    input_dim: self.input_dim,
                    output_dim: self.output_dim,
                    rules: self.embeddings(),
                    mask_zero: self.mask_zero,
                }
            }
        }

        impl Layer for $options {
            type Output = Tensor;

            fn class_name(&self) -> &str {
                stringify!($alias)
            }

            fn config(&self) -> Config {
                $crate::layers::registry::unquantized(self.to_config())
            }

            fn casts_inputs(&self) -> bool {
                false
            }

            fn supports_masking(&self) -> bool {
                self.mask_zero
            }

            fn activity_regularizer(&self) -> Option<Regularizer> {
                self.activity_regularizer.clone()
            }

            fn duplicate(&self) -> Option<Self> {
                Some(self.clone())
            }

            $($methods)*
        }
    };
}

pub(super) use embedding_layer;
