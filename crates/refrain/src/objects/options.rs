//! The declaration of a class and its options.

/// Declares a class: a struct with its options under Keras's names and with Keras's defaults, a constructor, a setter for
/// each option, and the way to a configuration and back.
///
/// After the class stands its kind: [`Loss`](crate::losses::Loss), [`Metric`](crate::metrics::Metric),
/// [`Optimizer`](crate::optimizers::Optimizer), [`Schedule`](crate::optimizers::Schedule),
/// [`Initializer`](crate::initializers::Initializer), [`Regularizer`](crate::regularizers::Regularizer),
/// [`Constraint`](crate::constraints::Constraint) or [`Activation`](crate::activations::Activation); in parentheses, options of the kind that have another default here. Options
/// in brackets are arguments of `new`; those without a default must be in each configuration.
///
/// ```
/// use refrain::regularizers::{Regularizer, RegularizerClass};
/// use refrain::{Tensor, layers::Dense, ops};
///
/// refrain::options! {
///     /// Penalizes sums of weights that are not 1.
///     pub struct SumToOne as "my_package>SumToOne": Regularizer [
///         /// Factor of the penalty.
///         factor: f64 = 0.01,
///     ] {}
/// }
///
/// impl RegularizerClass for SumToOne {
///     fn penalty(&self, x: &Tensor) -> Tensor {
///         ops::square(&(ops::sum(x, ops::Axes::All, false) - 1.0)) * self.factor
///     }
/// }
///
/// refrain::register::<Regularizer, _>("my_package>SumToOne", SumToOne::from_config);
/// let layer = Dense::new(4).kernel_regularizer(SumToOne::new(0.1));
/// # use refrain::objects::FromConfig;
/// ```
#[macro_export]
macro_rules! options {
    // A class with constant defaults, which has them as `DEFAULT`.
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident $(as $class:literal $(named $auto:literal)?)? : const $kind:ident
        { $($(#[doc = $doc:literal])* $field:ident : $ty:ty = $default:expr),* $(,)? }
    ) => {
        $crate::options! {
            $(#[$meta])*
            $vis struct $name $(as $class $(named $auto)?)? : $kind {
                $($(#[doc = $doc])* $field : $ty = $default),*
            }
        }

        impl $name {
            pub(crate) const DEFAULT: Self = $name {
                base: <<$kind as $crate::objects::Serializable>::Base as $crate::objects::Base>::DEFAULT,
                $($field: $default,)*
            };
        }
    };
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident $(as $class:literal $(named $auto:literal)?)? : $kind:ident
        $(( $($over:ident = $value:expr),* $(,)? ))?
        $([ $($(#[doc = $arg_doc:literal])* $arg:ident : $arg_ty:ty $(= $arg_default:expr)?),* $(,)? ])?
        { $($(#[doc = $doc:literal])* $field:ident : $ty:ty = $default:expr),* $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        $vis struct $name {
            base: <$kind as $crate::objects::Serializable>::Base,
            $($($(#[doc = $arg_doc])* $arg: $arg_ty,)*)?
            $($(#[doc = $doc])* $field: $ty,)*
        }

        #[allow(dead_code)]
        impl $name {
            fn with_defaults($($($arg: $arg_ty),*)?) -> Self {
                $name {
                    base: $crate::options!(@base $kind $(($($over = $value),*))?),
                    $($($arg,)*)?
                    $($field: $default,)*
                }
            }

            $(
                $(#[doc = $doc])*
                #[doc = concat!("\n\nDefault: `", stringify!($default), "`.")]
                pub fn $field(mut self, $field: impl Into<$ty>) -> Self {
                    self.$field = $field.into();
                    self
                }
            )*
        }

        impl $crate::objects::Class for $name {
            fn class_name(&self) -> &'static str {
                <Self as $crate::objects::FromConfig>::CLASS
            }

            fn default_name(&self) -> String {
                $crate::options!(@name $name $($(named $auto)?)?, $kind)
            }

            fn config(&self) -> $crate::layers::Config {
                #[allow(unused_mut)]
                let mut config = $crate::layers::Config::new();
                let name = $crate::objects::Class::default_name(self);
                $crate::objects::Base::write(&self.base, &mut config, &name);
                $($($crate::objects::write_option(&mut config, stringify!($arg), &self.$arg);)*)?
                $($crate::objects::write_option(&mut config, stringify!($field), &self.$field);)*
                config
            }
        }

        impl $crate::objects::FromConfig for $name {
            const CLASS: &'static str = $crate::options!(@class $name $(as $class)?);

            fn from_config(config: &$crate::layers::Config) -> $crate::Result<Self> {
                #[allow(unused_mut)]
                let mut base: <$kind as $crate::objects::Serializable>::Base =
                    $crate::options!(@base $kind $(($($over = $value),*))?);
                $crate::objects::Base::read(&mut base, config)?;
                Ok($name {
                    base,
                    $($($arg: $crate::objects::read_option(
                        config,
                        stringify!($arg),
                        $crate::options!(@default $($arg_default)?),
                    )?,)*)?
                    $($field: $crate::objects::read_option(config, stringify!($field), Some($default))?,)*
                })
            }
        }

        impl $crate::objects::Based<<$kind as $crate::objects::Serializable>::Base> for $name {
            fn base(&self) -> &<$kind as $crate::objects::Serializable>::Base {
                &self.base
            }

            fn base_mut(&mut self) -> &mut <$kind as $crate::objects::Serializable>::Base {
                &mut self.base
            }
        }

        impl From<$name> for $kind {
            fn from(object: $name) -> Self {
                $kind::new(object)
            }
        }

        impl From<$name> for Option<$kind> {
            fn from(object: $name) -> Self {
                Some($kind::new(object))
            }
        }

        $crate::options!(@new $kind $name [$($($(#[doc = $arg_doc])* $arg: $arg_ty),*)?]);
        $crate::options!(@setters $kind $name);
    };
    (@base $kind:ident $(($($over:ident = $value:expr),*))?) => {{
        #[allow(unused_mut)]
        let mut base = <<$kind as $crate::objects::Serializable>::Base as $crate::objects::Base>::DEFAULT;
        $($(base.$over = $value.into();)*)?
        base
    }};
    (@class $name:ident as $class:literal) => { $class };
    (@class $name:ident) => { stringify!($name) };
    (@name $name:ident named $auto:literal, $kind:ident) => { $auto.to_owned() };
    (@name $name:ident, $kind:ident) => {
        <<$kind as $crate::objects::Serializable>::Base as $crate::objects::Base>::automatic_name(
            <Self as $crate::objects::FromConfig>::CLASS,
        )
    };
    (@default $default:expr) => { Some($default) };
    (@default) => { None };
    (@new Optimizer $name:ident []) => {
        impl $name {
            /// With this learning rate: a number, or a schedule of the steps.
            pub fn new(learning_rate: impl Into<$crate::optimizers::LearningRate>) -> Self {
                let mut optimizer = $name::with_defaults();
                optimizer.base.learning_rate = learning_rate.into();
                optimizer
            }
        }

        impl Default for $name {
            fn default() -> Self {
                $name::with_defaults()
            }
        }
    };
    (@new $kind:ident $name:ident []) => {
        impl $name {
            /// With the defaults.
            #[allow(clippy::new_without_default)]
            pub fn new() -> Self {
                $name::with_defaults()
            }
        }
    };
    (@new $kind:ident $name:ident [$($(#[doc = $arg_doc:literal])* $arg:ident : $arg_ty:ty),+]) => {
        impl $name {
            /// With these arguments, and the defaults of all other options.
            ///
            $(#[doc = concat!("- `", stringify!($arg), "`:", $($arg_doc, "\n  "),*)])+
            pub fn new($($arg: impl Into<$arg_ty>),+) -> Self {
                $name::with_defaults($($arg.into()),+)
            }
        }
    };
    (@setters Loss $name:ident) => { $crate::name_setter!($name); $crate::loss_setters!($name); };
    (@setters Metric $name:ident) => { $crate::name_setter!($name); };
    (@setters Optimizer $name:ident) => { $crate::name_setter!($name); $crate::optimizer_setters!($name); };
    (@setters Schedule $name:ident) => { $crate::name_setter!($name); };
    (@setters $kind:ident $name:ident) => {};
}
