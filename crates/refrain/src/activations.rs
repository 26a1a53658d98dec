//! Activation functions.

use std::fmt;

use serde_json::Value as Json;

use crate::config::{Config, ConfigValue, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::objects::{self, Holds, Kind, own};
use crate::ops;
use crate::tensor::Tensor;

/// An activation function: a function of one tensor under the name that files call it by.
///
/// The constants are Keras's functions, with its default parameters. For other parameters there are the layers
/// ([`LeakyRelu`](crate::layers::LeakyRelu), …), the functions of [`ops`], and [`Activation::custom`].
///
/// ```
/// use refrain::{activations::Activation, layers::Dense};
/// let layer = Dense::new(4).activation(Activation::Gelu);
/// ```
///
/// Source: `keras/src/activations/activations.py`.
#[derive(Clone, Copy)]
pub struct Activation {
    name: &'static str,
    function: fn(&Tensor) -> Tensor,
    is_keras: bool,
}

/// Declares Keras's functions, each with its names in files.
macro_rules! activations {
    ($($(#[$doc:meta])* $constant:ident = $name:literal $(| $alias:literal)* => $apply:expr;)*) => {
        #[allow(non_upper_case_globals)]
        impl Activation {
            $($(#[$doc])* pub const $constant: Activation = Activation { name: $name, function: $apply, is_keras: true };)*

            /// Every function of Keras.
            pub const ALL: &'static [Activation] = &[$(Activation::$constant),*];

            fn built_in(name: &str) -> Option<Self> {
                match name {
                    $($name $(| $alias)* => Some(Activation::$constant),)*
                    _ => None,
                }
            }
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
    /// A function of your own, under a name that files can refer to from now on.
    ///
    /// Names of Keras's functions stay Keras's: a function called `gelu` is written and found as `Custom>gelu`, a
    /// function called `my_package>gelu` as such.
    ///
    /// ```
    /// use refrain::{activations::Activation, input, layers::Dense};
    /// let squared_relu = Activation::custom("squared_relu", |x| x.relu().square());
    /// let y = Dense::new(4).activation(squared_relu).call(&input([3]))?;
    /// assert_eq!(Activation::from_name("squared_relu"), Some(squared_relu));
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn custom(name: &'static str, function: fn(&Tensor) -> Tensor) -> Self {
        let custom = Activation {
            name,
            function,
            is_keras: false,
        };
        objects::register::<Activation, _>(name, move |_| Ok(custom));
        custom
    }

    /// Applies it.
    pub fn apply(self, x: &Tensor) -> Tensor {
        (self.function)(x)
    }

    /// Keras's name, or the one that it was made with.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// The function of this name: one of Keras's, else one made by [`Activation::custom`], with its package
    /// (`my_package>name`) or without.
    pub fn from_name(name: &str) -> Option<Self> {
        Activation::known(name).ok().flatten()
    }

    fn known(name: &str) -> Result<Option<Self>> {
        match Activation::built_in(name) {
            Some(keras) => Ok(Some(keras)),
            None => Activation::own(name),
        }
    }

    fn own(name: &str) -> Result<Option<Self>> {
        let restore = objects::custom::<Activation>(name);
        restore.map(|restore| restore(&Config::new())).transpose()
    }
}

impl Default for Activation {
    fn default() -> Self {
        Activation::Linear
    }
}

impl fmt::Debug for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Activation {
    fn eq(&self, other: &Self) -> bool {
        (self.name, self.is_keras) == (other.name, other.is_keras)
    }
}

impl Eq for Activation {}

impl Kind for Activation {
    const WHAT: &'static str = "an activation function";
}

impl Holds<Activation> for Activation {
    fn hold(activation: Activation, _config: &Config) -> Result<Self> {
        Ok(activation)
    }
}

impl ConfigValue for Activation {
    /// The name of a function of Keras's, or a user's as Keras writes it.
    fn to_json(&self) -> Json {
        match self.is_keras {
            true => self.name.into(),
            false => own::function_to_json(self.name),
        }
    }

    /// A name, an object `{"class_name": "function", "config": name}`, or null for `linear`.
    fn from_json(json: &Json) -> Result<Self> {
        if json.is_null() {
            return Ok(Activation::Linear);
        }
        let name = own::function_name(json).or(json.as_str());
        let name = name.ok_or_else(|| unexpected("an activation function", json))?;
        let found = match own::own_name(json) {
            Some(own) => Activation::own(own)?,
            // As in Keras: a bare name is its own function's, an object's is the load's first.
            None if json.is_object() => match objects::scoped::<Activation>(name) {
                Some(restore) => Some(restore(&Config::new())?),
                None => Activation::known(name)?,
            },
            None => Activation::known(name)?,
        };
        found.ok_or_else(|| {
            Error::mismatch(ErrorKind::NotFound, "an activation function", name)
                .hint("Make a function of your own known with `Activation::custom`")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_functions() {
        for &activation in Activation::ALL {
            assert_eq!(Activation::from_name(activation.name()), Some(activation));
            let json = activation.to_json();
            assert_eq!(Activation::from_json(&json).unwrap(), activation);
        }
        assert_eq!(Activation::ALL.len(), 29);
        assert_eq!(Activation::from_name("swish"), Some(Activation::Silu));
    }

    #[test]
    fn objects_and_null_are_read() {
        let object =
            serde_json::json!({"module": "builtins", "class_name": "function", "config": "relu"});
        assert_eq!(Activation::from_json(&object).unwrap(), Activation::Relu);
        assert_eq!(
            Activation::from_json(&Json::Null).unwrap(),
            Activation::Linear
        );
        let error = Activation::from_json(&"no_such".into()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
