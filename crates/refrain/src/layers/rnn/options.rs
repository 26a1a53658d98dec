//! The options that all recurrent layers have.

/// Declares a recurrent layer's options: the common ones, with those of its size before and its own behind; `$units` names
/// the size of the states, or their channels.
macro_rules! recurrent_options {
    (
        $(#[$meta:meta])*
        $alias:ident, $options:ident, $units:ident,
        size { $($size:tt)* },
        own { $($own:tt)* }
    ) => {
        use $crate::activations::Activation;
        use $crate::constraints::Constraint;
        use $crate::initializers::Initializer;
        use $crate::regularizers::Regularizer;

        $crate::layers::layer_options! {
            $(#[$meta])*
            $alias, $options {
                /// Whether to return every step's output instead of the last one's.
                return_sequences: bool = false,
                /// Whether to return the last states too.
                return_state: bool = false,
                /// Whether to read the sequence from its end. Outputs come in the order in which they are made.
                go_backwards: bool = false,
                /// Whether each batch goes on from the states in which the one before ended (needs a fixed batch size).
                stateful: bool = false,
                /// Whether to write the steps out one by one instead of as a loop (needs a fixed length).
                unroll: bool = false,
                /// Whether the output of a masked step is zero instead of the one before.
                zero_output_for_mask: bool = false,
                /// Whether masked steps before the first that counts give zeros instead of the state that the layer starts from,
                /// as in Keras 2. Files for Keras 3 have `unroll` for it, which is the same there and needs a fixed length.
                zero_before_first: bool = false,
                $($size)*
                /// Applied to candidates and outputs.
                activation: Activation = Activation::Tanh,
                /// Whether there is a bias.
                use_bias: bool = true,
                /// Initializer of the input kernel.
                kernel_initializer: Initializer = Initializer::GlorotUniform,
                /// Initializer of the recurrent kernel.
                recurrent_initializer: Initializer = Initializer::Orthogonal,
                /// Initializer of the bias.
                bias_initializer: Initializer = Initializer::Zeros,
                /// Regularizer of the input kernel.
                kernel_regularizer: Option<Regularizer> = None,
                /// Regularizer of the recurrent kernel.
                recurrent_regularizer: Option<Regularizer> = None,
                /// Regularizer of the bias.
                bias_regularizer: Option<Regularizer> = None,
                /// Regularizer of the output.
                activity_regularizer: Option<Regularizer> = None,
                /// Constraint on the input kernel.
                kernel_constraint: Option<Constraint> = None,
                /// Constraint on the recurrent kernel.
                recurrent_constraint: Option<Constraint> = None,
                /// Constraint on the bias.
                bias_constraint: Option<Constraint> = None,
                /// Share of the inputs that is dropped, the same in every step.
                dropout: f64 = 0.0,
                /// Share of the state that is dropped, the same in every step.
                recurrent_dropout: f64 = 0.0,
                /// Seed of the dropout.
                seed: Option<u64> = None,
                $($own)*
            }
        }

        impl $alias {
            /// Calls the layer so that it goes on from given states instead of zeros.
            ///
            /// A mask that the sequence carries counts here too, and becomes the call's argument `mask`: Keras 3 uses no other
            /// beside initial states. The option `mask` of null among the arguments of
            /// [`call`](crate::layers::Handle::call) leaves it unused, as Keras 3 does.
            ///
            /// # Errors
            /// The inputs or the states do not fit the layer.
            pub fn call_from(
                &self,
                sequence: impl Into<$crate::Structure<$crate::Tensor>>,
                state: impl Into<$crate::Structure<$crate::Tensor>>,
            ) -> $crate::Result<$crate::layers::RnnOutput> {
                self.call($crate::layers::rnn::output::from_state(sequence, state))
            }

            /// Forgets the states that a `stateful` layer has kept.
            pub fn reset_states(&self) {
                self.any().reset_states();
            }
        }

        impl $options {
            /// The common options, for what all recurrent layers do alike.
            pub(crate) fn common(&self) -> $crate::layers::rnn::dense_cell::Common<'_> {
                $crate::layers::rnn::dense_cell::Common {
                    rules: $crate::layers::Recurrence {
                        return_sequences: self.return_sequences,
                        return_state: self.return_state,
                        go_backwards: self.go_backwards,
                        stateful: self.stateful,
                        unroll: self.unroll,
                        zero_output_for_mask: self.zero_output_for_mask,
                        zero_before_first: self.zero_before_first,
                    },
                    units: self.$units,
                    use_bias: self.use_bias,
                    kernel: (&self.kernel_initializer, &self.kernel_regularizer, &self.kernel_constraint),
                    recurrent: (
                        &self.recurrent_initializer,
                        &self.recurrent_regularizer,
                        &self.recurrent_constraint,
                    ),
                    bias: (&self.bias_initializer, &self.bias_regularizer, &self.bias_constraint),
                    dropout: self.dropout,
                    recurrent_dropout: self.recurrent_dropout,
                    seed: self.seed,
                }
            }
        }
    };
}

/// Declares the options of a recurrent layer of products with kernels.
macro_rules! rnn_options {
    ($(#[$meta:meta])* $alias:ident, $options:ident { $($own:tt)* }) => {
        $crate::layers::rnn::options::recurrent_options! {
            $(#[$meta])*
            $alias, $options, units,
            size {
                /// Size of the state and of the output.
                units: usize = 0,
            },
            own { $($own)* }
        }

        impl $alias {
            /// A layer of this many units with Keras's defaults.
            pub fn new(units: usize) -> Self {
                $crate::layers::Layer::into_layer($options { units, ..$options::default() })
            }
        }
    };
}

/// The parts of [`Layer`](crate::layers::Layer) that are the same for all recurrent layers; `$path` is that of the cell's weights.
/// Keras leaves the option `$option` out where it is not set.
macro_rules! rnn_layer_methods {
    ($class:literal, $path:expr $(, without: $option:literal)?) => {
        fn class_name(&self) -> &str {
            $class
        }

        fn config(&self) -> $crate::config::Config {
            let mut config = self.to_config();
            $( config.retain(|key, value| key != $option || !value.is_null()); )?
            if !self.zero_before_first {
                config.shift_remove($crate::layers::rnn::ZERO_BEFORE_FIRST);
            }
            config
        }

        fn properties(&self) -> $crate::layers::Properties {
            $crate::layers::rnn::recurrence::properties(self.common().rules, &[($path, "cell")])
        }

        fn validate(&self) -> $crate::Result<()> {
            $crate::layers::rnn::recurrence::Recurrent::check(self)
        }

        fn build(&self, cx: &mut $crate::layers::Build) -> $crate::Result<()> {
            $crate::layers::rnn::recurrence::build(self, cx)
        }

        fn call(
            &self,
            cx: &$crate::layers::Call,
            inputs: &$crate::Inputs,
        ) -> $crate::Result<$crate::layers::RnnOutput> {
            $crate::layers::rnn::recurrence::call(self, cx, inputs)
        }

        fn arguments(&self, inputs: &$crate::Inputs) -> $crate::Result<$crate::Inputs> {
            Ok($crate::layers::rnn::masks::made_explicit(inputs))
        }

        fn duplicate(&self) -> Option<Self> {
            Some(self.clone())
        }

        fn supports_masking(&self) -> bool {
            true
        }

        fn compute_mask(
            &self,
            _cx: &$crate::layers::Call,
            inputs: &$crate::Inputs,
            outputs: &[$crate::Tensor],
        ) -> $crate::Result<Vec<Option<$crate::Tensor>>> {
            let mut masks = vec![None; outputs.len()];
            masks[0] =
                $crate::layers::rnn::masks::carried(inputs).filter(|_| self.return_sequences);
            Ok(masks)
        }

        fn activity_regularizer(&self) -> Option<$crate::regularizers::Regularizer> {
            self.activity_regularizer.clone()
        }
    };
}

pub(super) use {recurrent_options, rnn_layer_methods, rnn_options};
