//! What the declarations of recurrent layers and cells have in common.

/// Declares the options of products with kernels, which recurrent layers and cells have; `$units` names the size of the states,
/// or their channels. Its own options stand behind the common ones.
macro_rules! kernel_options {
    (
        $(#[$meta:meta])*
        $alias:ident, $options:ident, $units:ident,
        size { $($size:tt)* },
        own { $($own:tt)* }
    ) => {
        $crate::layers::weighted_options! {
            $(#[$meta])*
            $alias, $options {
                $($size)*
                /// Applied to candidates and outputs.
                activation: Activation = Activation::Tanh,
                /// Whether there is a bias.
                use_bias: bool = true,
            }
            weights {
                kernel, "the input kernel": kernel_initializer = GlorotUniform, kernel_regularizer, kernel_constraint;
                recurrent_kernel, "the recurrent kernel":
                    recurrent_initializer = Orthogonal, recurrent_regularizer, recurrent_constraint;
                bias, "the bias": bias_initializer = Zeros, bias_regularizer, bias_constraint;
            }
            then {
                /// Share of the inputs that is dropped, the same in every step.
                dropout: f64 = 0.0,
                /// Share of the state that is dropped, the same in every step.
                recurrent_dropout: f64 = 0.0,
                /// Seed of the dropout.
                seed: Option<u64> = None,
                $($own)*
            }
        }

        impl $options {
            /// The common options, for what all cells do alike.
            pub(crate) fn common(&self) -> $crate::layers::rnn::dense_cell::Common<'_> {
                $crate::layers::rnn::dense_cell::Common {
                    units: self.$units,
                    use_bias: self.use_bias,
                    kernel: self.kernel(),
                    recurrent: self.recurrent_kernel(),
                    bias: self.bias(),
                    dropout: self.dropout,
                    recurrent_dropout: self.recurrent_dropout,
                    seed: self.seed,
                }
            }
        }
    };
}

/// Declares a recurrent layer's options: those of its loop, then those of its cell.
macro_rules! recurrent_options {
    (
        $(#[$meta:meta])*
        $alias:ident, $options:ident, $units:ident,
        size { $($size:tt)* },
        own { $($own:tt)* }
    ) => {
        $crate::layers::rnn::options::kernel_options! {
            $(#[$meta])*
            $alias, $options, $units,
            size {
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
                /// Regularizer of the output.
                activity_regularizer: Option<Regularizer> = None,
                $($size)*
            },
            own { $($own)* }
        }

        $crate::layers::rnn::options::calls_from_states!($alias);

        impl $options {
            fn loop_rules(&self) -> $crate::layers::Recurrence {
                $crate::layers::Recurrence {
                    return_sequences: self.return_sequences,
                    return_state: self.return_state,
                    go_backwards: self.go_backwards,
                    stateful: self.stateful,
                    unroll: self.unroll,
                    zero_output_for_mask: self.zero_output_for_mask,
                    zero_before_first: self.zero_before_first,
                }
            }
        }
    };
}

/// The methods of recurrent layers.
macro_rules! calls_from_states {
    ($alias:ident) => {
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
    };
}

/// The method of cells.
macro_rules! steps_from_states {
    ($alias:ident) => {
        impl $alias {
            /// One step: gives the output and the next states.
            ///
            /// # Errors
            /// The input or the states do not fit the cell.
            pub fn step(
                &self,
                input: impl Into<$crate::Structure<$crate::Tensor>>,
                states: impl Into<$crate::Structure<$crate::Tensor>>,
            ) -> $crate::Result<$crate::layers::RnnOutput> {
                self.call($crate::Inputs::new(input).arg(states))
            }
        }
    };
}

/// Declares a recurrent layer of products with kernels, and its cell as a layer: both compute with the step `$step`.
macro_rules! dense_layers {
    (
        $(#[$meta:meta])*
        $alias:ident, $options:ident, $class:literal $(without $option:literal)?;
        $(#[$cell_meta:meta])*
        $cell:ident, $cell_options:ident, $cell_class:literal;
        own { $($own:tt)* }
        step($me:ident) -> $step:ident $body:block
    ) => {
        use $crate::activations::Activation;
        use $crate::constraints::Constraint;
        use $crate::initializers::Initializer;
        use $crate::layers::rnn::dense_cell::{self, Common, DenseCell, Weights};
        use $crate::layers::rnn::options;
        use $crate::layers::rnn::recurrence::{Cell, Recurrent};
        use $crate::layers::{Build, Call, Layer, Properties, Recurrence, RnnOutput};
        use $crate::regularizers::Regularizer;
        use $crate::{Inputs, Result, Tensor};

        options::recurrent_options! {
            $(#[$meta])*
            $alias, $options, units,
            size {
                /// Size of the state and of the output.
                units: usize = 0,
            },
            own { $($own)* }
        }

        options::kernel_options! {
            $(#[$cell_meta])*
            $cell, $cell_options, units,
            size {
                /// Size of the state and of the output.
                units: usize = 0,
            },
            own { $($own)* }
        }

        options::steps_from_states!($cell);

        impl $alias {
            /// A layer of this many units with Keras's defaults.
            pub fn new(units: usize) -> Self {
                $options { units, ..$options::default() }.into_layer()
            }
        }

        impl $cell {
            /// A cell of this many units with Keras's defaults.
            pub fn new(units: usize) -> Self {
                $cell_options { units, ..$cell_options::default() }.into_layer()
            }
        }

        impl $options {
            fn step(&$me) -> $step<'_> $body
        }

        impl $cell_options {
            fn step(&$me) -> $step<'_> $body
        }

        impl Layer for $options {
            type Output = RnnOutput;

            options::rnn_layer_methods!($class, $step::PATH $(, without: $option)?);
        }

        impl Recurrent for $options {
            fn rules(&self) -> Recurrence {
                self.loop_rules()
            }

            fn check(&self) -> Result<()> {
                self.common().validate("units")
            }

            fn build_cell(&self, cx: &mut Build) -> Result<Vec<Vec<usize>>> {
                dense_cell::build_layer(&self.step(), cx)
            }

            fn cell<'s>(&'s self, cx: &Call, x: &Tensor) -> Result<Cell<'s>> {
                dense_cell::cell(self.step(), cx, x)
            }
        }

        impl Layer for $cell_options {
            type Output = RnnOutput;

            fn class_name(&self) -> &str {
                $cell_class
            }

            fn config(&self) -> $crate::config::Config {
                self.to_config()
            }

            fn properties(&self) -> Properties {
                Properties::cell(self.step().state_shapes())
            }

            fn validate(&self) -> Result<()> {
                self.common().validate("units")
            }

            fn build(&self, cx: &mut Build) -> Result<()> {
                dense_cell::build(&self.step(), cx, "")
            }

            fn call(&self, cx: &Call, inputs: &Inputs) -> Result<RnnOutput> {
                dense_cell::call(&self.step(), cx, inputs)
            }

            fn duplicate(&self) -> Option<Self> {
                Some(self.clone())
            }
        }
    };
}

/// The parts of [`Layer`](crate::layers::Layer) that are the same for all recurrent layers with weights of their own; `$path` is
/// that of the cell's weights. Keras leaves the option `$option` out where it is not set.
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
            $crate::layers::rnn::recurrence::properties(self.loop_rules(), &[($path, "cell")])
        }

        fn arguments(&self, inputs: &$crate::Inputs) -> $crate::Result<$crate::Inputs> {
            Ok($crate::layers::rnn::masks::made_explicit(inputs))
        }

        fn duplicate(&self) -> Option<Self> {
            Some(self.clone())
        }

        fn activity_regularizer(&self) -> Option<$crate::regularizers::Regularizer> {
            self.activity_regularizer.clone()
        }

        $crate::layers::rnn::options::loop_methods!();
    };
}

/// The parts of [`Layer`](crate::layers::Layer) that are the same for all loops.
macro_rules! loop_methods {
    () => {
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

        fn supports_masking(&self) -> bool {
            true
        }

        fn compute_mask(
            &self,
            _cx: &$crate::layers::Call,
            inputs: &$crate::Inputs,
            outputs: &[$crate::Tensor],
        ) -> $crate::Result<Vec<Option<$crate::Tensor>>> {
            let rules = $crate::layers::rnn::recurrence::Recurrent::rules(self);
            let mut masks = vec![None; outputs.len()];
            masks[0] =
                $crate::layers::rnn::masks::carried(inputs).filter(|_| rules.return_sequences);
            Ok(masks)
        }
    };
}

pub(super) use {
    calls_from_states, dense_layers, kernel_options, loop_methods, recurrent_options,
    rnn_layer_methods, steps_from_states,
};
