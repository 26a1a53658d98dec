//! What the declarations of attention layers have in common.

use super::scores::RETURN_SCORES;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::{AnyLayer, Call};
use crate::tensor::Tensor;

/// A layer of this folder.
pub(super) trait Attend {
    /// The output and the scores.
    fn attend(&self, cx: &Call, inputs: &Inputs) -> Result<(Tensor, Tensor)>;

    /// The mask that the output carries. The scores carry none.
    fn output_mask(&self, inputs: &Inputs) -> Result<Option<Tensor>>;
}

/// The parts of [`Layer`](crate::layers::Layer) that are the same for all attention.
macro_rules! attention_methods {
    ($class:literal) => {
        type Output = $crate::Tensor;

        fn class_name(&self) -> &str {
            $class
        }

        fn call(
            &self,
            cx: &$crate::layers::Call,
            inputs: &$crate::Inputs,
        ) -> $crate::Result<$crate::Tensor> {
            self.attend(cx, inputs).map(|(output, _)| output)
        }

        fn call_nested(
            &self,
            cx: &$crate::layers::Call,
            inputs: &$crate::Inputs,
        ) -> $crate::Result<$crate::Structure<$crate::Tensor>> {
            Ok(super::scores::outputs(inputs, self.attend(cx, inputs)?))
        }

        fn compute_mask(
            &self,
            _cx: &$crate::layers::Call,
            inputs: &$crate::Inputs,
            outputs: &[$crate::Tensor],
        ) -> $crate::Result<Vec<Option<$crate::Tensor>>> {
            let mut masks = vec![self.output_mask(inputs)?];
            masks.resize(outputs.len(), None);
            Ok(masks)
        }

        fn duplicate(&self) -> Option<Self> {
            Some(self.clone())
        }

        fn supports_masking(&self) -> bool {
            true
        }
    };
}

/// The same for attention of a list of tensors.
macro_rules! list_methods {
    ($class:literal) => {
        super::options::attention_methods!($class);

        fn properties(&self) -> $crate::layers::Properties {
            $crate::layers::Properties {
                arguments: &["inputs", "mask"],
                ..$crate::layers::Properties::default()
            }
        }

        fn config(&self) -> $crate::config::Config {
            self.to_config()
        }

        fn validate(&self) -> $crate::Result<()> {
            $crate::layers::regularization::noise::check_rate("dropout", self.dropout)
        }
    };
}

/// Declares the options of attention in several heads: its sizes, what all such layers have, and its own.
macro_rules! heads_options {
    (
        $(#[$meta:meta])*
        $alias:ident, $options:ident,
        size { $($size:tt)* },
        own { $($own:tt)* }
    ) => {
        $crate::layers::weighted_options! {
            $(#[$meta])*
            $alias, $options {
                $($size)*
                /// Fraction of the attention scores that is dropped in training, in `[0, 1]`.
                dropout: f64 = 0.0,
                /// Whether the projections of query, key, value and output add a bias.
                use_bias: bool = true,
                /// Whether the outputs of the heads are multiplied by a gate, the sigmoid of a projection of the query.
                use_gate: bool = false,
                $($own)*
                /// Distance in steps below which a query attends to a key; by default to all.
                sliding_window: Option<usize> = None,
            }
            weights {
                kernel, "the kernels of all projections": kernel_initializer = GlorotUniform, kernel_regularizer, kernel_constraint;
                bias, "the biases of all projections": bias_initializer = Zeros, bias_regularizer, bias_constraint;
            }
            outputs { activity_regularizer, "the outputs of the projections" }
            then {
                /// Seed of the dropout, with which it draws the same numbers in each process.
                seed: Option<u64> = None,
            }
        }

        impl $options {
            /// The options that all attention in several heads has.
            fn common(&self) -> $crate::layers::attention::heads::Common<'_> {
                $crate::layers::attention::heads::Common {
                    dropout: self.dropout,
                    use_bias: self.use_bias,
                    use_gate: self.use_gate,
                    sliding_window: self.sliding_window,
                    kernel: self.kernel(),
                    bias: self.bias(),
                    activity_regularizer: &self.activity_regularizer,
                    seed: self.seed,
                }
            }
        }
    };
}

/// Calls a layer of this folder for its output and its scores.
pub(super) fn with_scores(layer: &AnyLayer, inputs: Inputs) -> Result<(Tensor, Tensor)> {
    let outputs = layer.call_structure(&inputs.option(RETURN_SCORES, true))?;
    let [output, scores] = <[Tensor; 2]>::try_from(outputs.into_leaves())
        .map_err(|_| Error::new(ErrorKind::Internal, "attention without its scores"))?;
    Ok((output, scores))
}

/// Gives a layer the call that also returns the scores.
macro_rules! call_with_scores {
    ($alias:ident) => {
        impl $alias {
            /// Calls the layer and also gives the scores `(batch, …, queries, values)`.
            ///
            /// # Errors
            /// As [`call`](crate::layers::Handle::call).
            pub fn call_with_scores(
                &self,
                inputs: impl Into<$crate::Inputs>,
            ) -> $crate::Result<($crate::Tensor, $crate::Tensor)> {
                super::options::with_scores(&self.any(), inputs.into())
            }
        }
    };
}

pub(super) use {attention_methods, call_with_scores, heads_options, list_methods};
