//! Activation functions.

mod layers;

pub use layers::{DTypePolicy, Elu, LeakyRelu, Relu, Softmax};

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::config::Config;
use crate::error::Result;
use crate::objects::{self, Class, Entry, FromConfig, Object, kind, own};
use crate::ops;
use crate::tensor::Tensor;

/// What an activation function computes.
///
/// ```
/// use refrain::activations::{Activation, ActivationClass};
/// use refrain::{Tensor, input, layers::Dense, ops};
///
/// refrain::options! {
///     /// `x + sin²(a x) / a`.
///     pub struct Snake: Activation [
///         /// Frequency of the periodic part.
///         a: f64 = 1.0,
///     ] {}
/// }
///
/// impl ActivationClass for Snake {
///     fn call(&self, x: &Tensor) -> Tensor {
///         x + ops::sin(&(x * self.a)).square() / self.a
///     }
/// }
///
/// let y = Dense::new(4).activation(Snake::new(0.5)).call(&input([3]))?;
/// # Ok::<(), refrain::Error>(())
/// ```
pub trait ActivationClass: Class {
    /// The function's value. An operation that does not fit is an error of the layer.
    fn call(&self, x: &Tensor) -> Tensor;
}

/// Declares Keras's functions, each with its names in files.
macro_rules! activations {
    ($($(#[$doc:meta])* $function:ident = $($name:literal)|+ => $apply:expr;)*) => {
        /// A class for each of Keras's functions.
        mod keras {
            use super::*;

            $(
                #[derive(Clone, Debug)]
                pub(super) struct $function;

                impl Class for $function {
                    fn class_name(&self) -> &'static str {
                        Self::CLASS
                    }

                    fn default_name(&self) -> String {
                        Self::CLASS.to_owned()
                    }

                    fn config(&self) -> Config {
                        Config::new()
                    }

                    fn written(&self) -> Option<Json> {
                        Some(Self::CLASS.into())
                    }
                }

                impl FromConfig for $function {
                    const CLASS: &'static str = [$($name),+][0];

                    fn from_config(_config: &Config) -> Result<Self> {
                        Ok($function)
                    }
                }

                impl ActivationClass for $function {
                    fn call(&self, x: &Tensor) -> Tensor {
                        let apply: fn(&Tensor) -> Tensor = $apply;
                        apply(x)
                    }
                }

                impl From<$function> for Activation {
                    fn from(_: $function) -> Self {
                        Activation::$function
                    }
                }
            )*
        }

        kind! {
            /// An activation function.
            ///
            /// The constants are Keras's functions, with its default parameters. For other parameters there are the classes of this
            /// module ([`LeakyRelu`], …), the functions of [`ops`] with [`Activation::custom`], and classes of your own
            /// ([`ActivationClass`]).
            ///
            /// ```
            /// use refrain::{activations::Activation, layers::Dense};
            /// let layer = Dense::new(4).activation(Activation::Gelu);
            /// ```
            ///
            /// Source: `keras/src/activations/activations.py`.
            Activation of ActivationClass, (), "an activation function", "keras.activations", read by read {
                $(keras::$function = $($name)|+;)*
                Elu = "ELU" in "keras.layers";
                LeakyRelu = "LeakyReLU" in "keras.layers";
                Relu = "ReLU" in "keras.layers";
                Softmax = "Softmax" in "keras.layers";
            }
        }

        #[allow(non_upper_case_globals)]
        impl Activation {
            $($(#[$doc])* pub const $function: Activation = Activation(Object::Static(&keras::$function));)*
        }
    };
}

activations! {
    /// `x`.
    Linear = "linear" => Tensor::clone;
    /// `max(x, 0) + α(exp(min(x, 0) / α) - 1)`, α = 1.
    Celu = "celu" => |x| ops::celu(x, 1.0);
    /// `x` above 0, else `exp(x) - 1`.
    Elu = "elu" => |x| ops::elu(x, 1.0);
    /// `exp(x)`.
    Exponential = "exponential" => ops::exp;
    /// `x` times the normal distribution's probability below it.
    Gelu = "gelu" => |x| ops::gelu(x, false);
    /// One half of the last axis times the sigmoid of the other half.
    Glu = "glu" => |x| ops::glu(x, -1);
    /// `x` where `|x| > 0.5`, else 0.
    HardShrink = "hard_shrink" => |x| ops::hard_shrink(x, 0.5);
    /// `relu6(x + 3) / 6`.
    HardSigmoid = "hard_sigmoid" => ops::hard_sigmoid;
    /// Keras 2's `hard_sigmoid`, which is not Keras 3's: `0.2 x + 0.5` cut to 0 … 1. Keras 3 refuses its name.
    Keras2HardSigmoid = "keras2_hard_sigmoid" => |x| ops::clip(&(x * 0.2 + 0.5), 0.0, 1.0);
    /// `x · hard_sigmoid(x)`.
    HardSilu = "hard_silu" | "hard_swish" => ops::hard_silu;
    /// `x` cut to -1 … 1.
    HardTanh = "hard_tanh" => ops::hard_tanh;
    /// `x` above 0, else `0.2 x`.
    LeakyRelu = "leaky_relu" => |x| ops::leaky_relu(x, 0.2);
    /// `log(sigmoid(x))`.
    LogSigmoid = "log_sigmoid" => ops::log_sigmoid;
    /// The logarithm of the softmax over the last axis.
    LogSoftmax = "log_softmax" => |x| ops::log_softmax(x, -1);
    /// `x · tanh(softplus(x))`.
    Mish = "mish" => ops::mish;
    /// `max(x, 0)`.
    Relu = "relu" => ops::relu;
    /// `min(max(x, 0), 6)`.
    Relu6 = "relu6" => ops::relu6;
    /// The scaled exponential unit, which keeps mean 0 and variance 1.
    Selu = "selu" => ops::selu;
    /// `1 / (1 + exp(-x))`.
    Sigmoid = "sigmoid" => ops::sigmoid;
    /// `x · sigmoid(x)`.
    Silu = "silu" | "swish" => ops::silu;
    /// `x` moved towards 0 by 0.5, and 0 within.
    SoftShrink = "soft_shrink" => |x| ops::soft_shrink(x, 0.5);
    /// Exponentials along the last axis divided by their sum.
    Softmax = "softmax" => |x| ops::softmax(x, -1);
    /// `log(1 + exp(x))`.
    Softplus = "softplus" => ops::softplus;
    /// `x / (1 + |x|)`.
    Softsign = "softsign" => ops::softsign;
    /// 0 up to -1, `x` from 1 on, `(x + 1)² / 4` between.
    SparsePlus = "sparse_plus" => ops::sparse_plus;
    /// `(x + 1) / 2` cut to 0 … 1.
    SparseSigmoid = "sparse_sigmoid" => ops::sparse_sigmoid;
    /// Keras's sparsemax over the last axis; see [`ops::sparsemax`].
    Sparsemax = "sparsemax" => |x| ops::sparsemax(x, -1);
    /// `(x + sqrt(x² + 4)) / 2`.
    Squareplus = "squareplus" => |x| ops::squareplus(x, 4.0);
    /// Hyperbolic tangent.
    Tanh = "tanh" => ops::tanh;
    /// `x - tanh(x)`.
    TanhShrink = "tanh_shrink" => ops::tanh_shrink;
}

impl Activation {
    /// A function of your own. A file knows it by its name; a program that loads one makes it known again:
    ///
    /// ```
    /// use refrain::{activations::Activation, input, layers::Dense};
    /// let squared_relu = || Activation::custom("squared_relu", |x| x.relu().square());
    /// refrain::register::<Activation, _>("squared_relu", move |_| Ok(squared_relu()));
    /// let y = Dense::new(4).activation(squared_relu()).call(&input([3]))?;
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Names of Keras's functions stay Keras's: a function called `gelu` is written and found as `Custom>gelu`, a
    /// function called `my_package>gelu` as such.
    pub fn custom(
        name: impl Into<String>,
        function: impl Fn(&Tensor) -> Tensor + Send + Sync + 'static,
    ) -> Self {
        Activation::new(Custom {
            name: name.into(),
            function: Arc::new(function),
        })
    }

    /// Applies it.
    pub fn apply(&self, x: &Tensor) -> Tensor {
        self.0.call(x)
    }
}

impl Default for Activation {
    fn default() -> Self {
        Activation::Linear
    }
}

/// A name, an object `{"class_name": "function", "config": name}`, a class with its options, or null for `linear`.
fn read(json: &Json) -> Result<Activation> {
    // As in Keras: a bare name is its own function's even where a load has another of this name.
    let keras = json.as_str().and_then(Entry::<Activation>::find);
    match (json, keras) {
        (Json::Null, _) => Ok(Activation::Linear),
        (_, Some(entry)) => entry.restore(&Config::new()),
        _ => objects::from_json(&renamed(json)),
    }
}

/// What older versions of Keras call otherwise.
fn renamed(json: &Json) -> Cow<'_, Json> {
    let old = &json["config"]["alpha"];
    let mut json = Cow::Borrowed(json);
    if json["class_name"] == "LeakyReLU" && !old.is_null() {
        let old = old.clone();
        json.to_mut()["config"]["negative_slope"] = old;
    }
    json
}

/// A function of a program's own.
struct Custom {
    name: String,
    function: Arc<dyn Fn(&Tensor) -> Tensor + Send + Sync>,
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Custom({:?})", self.name)
    }
}

impl Class for Custom {
    fn class_name(&self) -> &'static str {
        "Custom"
    }

    fn default_name(&self) -> String {
        self.name.clone()
    }

    fn config(&self) -> Config {
        Config::from_iter([("name".to_owned(), json!(self.name))])
    }

    fn written(&self) -> Option<Json> {
        Some(own::function_to_json(&self.name))
    }
}

impl ActivationClass for Custom {
    fn call(&self, x: &Tensor) -> Tensor {
        (self.function)(x)
    }
}

#[cfg(test)]
mod tests {
    use refrain_graph::DType;

    use super::*;
    use crate::config::{ConfigValue, dtype_policy};
    use crate::error::ErrorKind;

    #[test]
    fn names_lead_back_to_their_functions() -> Result<()> {
        let names = Activation::names();
        // Also Keras 2's hard sigmoid, and four layers.
        assert_eq!(names.len(), 29 + 1 + 4);
        for name in names {
            let activation = Activation::from_json(&name.into())?;
            let written = activation.to_json();
            assert_eq!(Activation::from_json(&written)?, activation);
        }
        assert_eq!(Activation::from_json(&"swish".into())?, Activation::Silu);
        Ok(())
    }

    #[test]
    fn layers_stand_for_functions() -> Result<()> {
        let json = |class: &str, config: Json| json!({"module": "keras.layers", "class_name": class, "config": config, "registered_name": null});
        let dtype = dtype_policy(DType::F32);
        let config = json!({"name": "l", "trainable": true, "dtype": dtype, "negative_slope": 0.1});
        let layer = json("LeakyReLU", config);
        let activation = Activation::from_json(&layer)?;
        assert_eq!(activation, LeakyRelu::new(0.1).name("l".to_owned()).into());
        assert_eq!(activation.to_json(), layer);
        let old = json!({"class_name": "LeakyReLU", "config": {"alpha": 0.2}});
        let old = Activation::from_json(&old)?;
        assert_eq!(old, LeakyRelu::new(0.2).into());
        let half = crate::input([2]) * 2.0;
        assert_eq!(old.apply(&ops::cast(half, DType::F16)).dtype(), DType::F32);
        let limited = Activation::from(Relu::new().max_value(2.0)).to_json();
        assert_eq!(limited["config"]["max_value"], 2.0);
        assert_eq!(Activation::from_json(&limited)?.to_json(), limited);
        assert!(Activation::from_json(&json("PReLU", json!({}))).is_err());
        Ok(())
    }

    #[test]
    fn negative_options_are_errors_where_keras_refuses_them() {
        let refused: [(Activation, &str); 4] = [
            (LeakyRelu::new(-0.1).into(), "negative_slope"),
            (Relu::new().negative_slope(-0.1).into(), "negative_slope"),
            (Relu::new().max_value(-1.0).into(), "max_value"),
            (Relu::new().threshold(-1.0).into(), "threshold"),
        ];
        let x = crate::input([2]);
        for (activation, option) in refused {
            let error = activation.apply(&x).check().expect_err(option).to_string();
            assert!(
                error.contains(&format!("`{option}` of at least 0")),
                "{error}"
            );
        }
        assert!(Activation::from(Elu::new(-1.0)).apply(&x).check().is_ok());
    }

    #[test]
    fn objects_and_null_are_read() -> Result<()> {
        let object = json!({"module": "builtins", "class_name": "function", "config": "relu"});
        assert_eq!(Activation::from_json(&object)?, Activation::Relu);
        assert_eq!(Activation::from_json(&Json::Null)?, Activation::Linear);
        let error = Activation::from_json(&"no_such".into()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        Ok(())
    }

    #[test]
    fn functions_of_ones_own_differ_by_their_names() {
        let named = |name: &str| Activation::custom(name, Tensor::clone);
        assert_eq!(named("a"), named("a"));
        assert_ne!(named("a"), named("b"));
    }
}
