//! The declaration of a layer's options.

/// The options of a layer as a table of its documentation.
macro_rules! options_table {
    () => {
        ""
    };
    ($( $field:ident : $ty:ty = $default:expr => $($doc:expr),* ; )+) => {
        concat!(
            "# Options\n\nEach is a method that takes the value and gives the layer; [`name`](crate::layers::Handle::name) and ",
            "[`dtype`](crate::layers::Handle::dtype) are methods of every layer.\n\n",
            "| method | takes | default | |\n|---|---|---|---|\n",
            $( "| `", stringify!($field), "` | `", stringify!($ty), "` | `", stringify!($default), "` |", $($doc,)* " |\n", )+
        )
    };
}

pub(crate) use options_table;

/// Declares a layer's options: the struct, Keras's defaults, a setter for each on the layer's handle, and reading and
/// writing under Keras's names (an option's name is Keras's key).
macro_rules! layer_options {
    (
        $(#[$meta:meta])*
        $alias:ident, $options:ident {
            $( $(#[doc = $field_doc:expr])* $field:ident : $ty:ty = $default:expr ),* $(,)?
        }
    ) => {
        #[doc = concat!("The options of [`", stringify!($alias), "`].")]
        #[doc(hidden)]
        #[derive(Clone, Debug)]
        pub struct $options {
            $( pub(crate) $field: $ty ),*
        }

        $(#[$meta])*
        #[doc = ""]
        #[doc = $crate::layers::options_table!($( $field: $ty = $default => $($field_doc),*; )*)]
        pub type $alias = $crate::layers::Handle<$options>;

        impl Default for $options {
            fn default() -> Self {
                $options { $( $field: $default ),* }
            }
        }

        #[allow(dead_code)]
        impl $options {
            pub(crate) fn to_config(&self) -> $crate::config::Config {
                #[allow(unused_mut)]
                let mut config = $crate::config::Config::new();
                $( $crate::config::write_option(&mut config, stringify!($field), &self.$field); )*
                config
            }

            /// Options that are missing have their defaults; options that are unknown are left alone.
            pub(crate) fn from_config(config: &$crate::config::Config) -> $crate::Result<Self> {
                let _ = config;
                #[allow(unused_mut)]
                let mut options = $options::default();
                $( $crate::config::replace_option(config, stringify!($field), &mut options.$field)?; )*
                Ok(options)
            }
        }

        impl $crate::layers::Handle<$options> {
            $(
                $(#[doc = $field_doc])*
                pub fn $field(self, $field: impl Into<$ty>) -> Self {
                    let value = $field.into();
                    self.edit(|options| options.$field = value)
                }
            )*
        }
    };
}

pub(crate) use layer_options;

/// The parts of [`Layer`](crate::layers::Layer) that follow from declared options, where Keras has no others.
macro_rules! layer_methods {
    ($class:expr) => {
        fn class_name(&self) -> &str {
            $class
        }

        fn config(&self) -> $crate::config::Config {
            self.to_config()
        }

        fn duplicate(&self) -> Option<Self> {
            Some(self.clone())
        }
    };
}

pub(crate) use layer_methods;

/// Declares the options of a layer with weights: its own, then the initializers of the weights, their regularizers, that of the
/// output, their constraints, and the rest. A method for each weight gives what the options say of it: `self.kernel()`.
macro_rules! weighted_options {
    (
        $(#[$meta:meta])*
        $alias:ident, $options:ident { $($own:tt)* }
        weights {
            $( $weight:ident, $of:literal: $initializer:ident = $default:ident $(, $regularizer:ident, $constraint:ident)?; )+
        }
        $( outputs { $activity_regularizer:ident, $outputs:literal } )?
        $( then { $($then:tt)* } )?
    ) => {
        $crate::layers::layer_options! {
            $(#[$meta])*
            $alias, $options {
                $($own)*
                $(
                    #[doc = concat!(" Initializer of ", $of, ".")]
                    $initializer: Initializer = Initializer::$default,
                )+
                $( $(
                    #[doc = concat!(" Regularizer of ", $of, ", whose penalty is added to the loss.")]
                    $regularizer: Option<Regularizer> = None,
                )? )+
                $(
                    #[doc = concat!(" Regularizer of ", $outputs, ", whose penalty per sample of the batch is added to the loss.")]
                    $activity_regularizer: Option<Regularizer> = None,
                )?
                $( $(
                    #[doc = concat!(" Constraint on ", $of, ", applied after each step of the optimizer.")]
                    $constraint: Option<Constraint> = None,
                )? )+
                $( $($then)* )?
            }
        }

        #[allow(dead_code)]
        impl $options {
            $( $(
                fn $weight(&self) -> $crate::layers::WeightRules<'_> {
                    $crate::layers::WeightRules {
                        initializer: &self.$initializer,
                        regularizer: &self.$regularizer,
                        constraint: &self.$constraint,
                    }
                }
            )? )+
        }
    };
}

pub(crate) use weighted_options;

#[cfg(test)]
mod tests {
    #[test]
    fn options_are_documented_with_their_defaults() {
        let table = options_table!(units: usize = 3 => " The size.", " Of the output."; bias: Option<f64> = None => " A number.";);
        let rows: Vec<&str> = table
            .lines()
            .skip_while(|line| !line.starts_with("|--"))
            .skip(1)
            .collect();
        assert_eq!(
            rows,
            [
                "| `units` | `usize` | `3` | The size. Of the output. |",
                "| `bias` | `Option<f64>` | `None` | A number. |",
            ]
        );
        assert_eq!(options_table!(), "");
    }
}
