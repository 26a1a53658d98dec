//! The public face of the expression language.

use std::fmt;
use std::str::FromStr;

use super::operators::Binding;
use super::term::Term;
use super::{evaluate, parser, print};
use crate::error::{Error, Result};
use crate::layers::LambdaArguments;
use crate::structure::Structure;
use crate::tensor::Tensor;

/// A function of a layer's input as text: what a Lambda layer computes, in a subset of Python.
///
/// `x` is the layer's first argument: one tensor, or a list of which `x[0]` picks, or a dict of which `x['name']` picks.
/// The result is one tensor, of whatever shape and type the functions give. Nothing is executed: a text is read into a
/// tree of [`ops`](crate::ops), or refused.
///
/// | form | examples |
/// |---|---|
/// | numbers, constants | `255`, `1e-7`, `True`, `None`, `'float32'` |
/// | arithmetic | `x / 255`, `-x`, `1 - x`, `x ** 2`, `x // 2`, `x % 2`, `x[0] @ x[1]` |
/// | comparisons | `x > 0`, `x[0] == x[1]`; truth values: `(x > 0) & (x < 1)`, `~(x > 0)` |
/// | picking inputs | `x[0] - x[1]`, `x[-1]`, `x['image']` |
/// | arguments of the function | `x * arguments['scale']`: what Keras's `Lambda(…, arguments={…})` gives |
/// | indexing a tensor | `x[:, 0]`, `x[:, -1, :]`, `x[..., 0]`, `x[:, ::2]`, `x[:, None]` |
/// | arrays | `array([1, 2], dtype='int32')`, `x - [0.5, 0.25]` |
/// | functions of `ops` | `abs(x)`, `mean(x, axis=1)`, `concatenate([x[0], x[1]], axis=-1)`, `where(x > 0, x, 0)` |
/// | the same, as Keras 3 imports them | `ops.abs(x)`, `keras.ops.abs(x)` |
/// | activation functions | `activations.relu(x, max_value=6)`, `keras.activations.gelu(x, approximate=True)` |
/// | Keras 2's backend | `K.sqrt(x)`, `backend.sqrt(x)`, `keras.backend.sqrt(x)`, `tf.keras.backend.sqrt(x)` |
/// | TensorFlow | `tf.reduce_sum(x, axis=1)`, `tf.math.abs(x)`, `tf.nn.relu(x)`, `tf.linalg.norm(x, axis=1)` |
///
/// A name means what it means in its module: `K.sqrt` takes negative numbers for 0, `sqrt` and `tf.sqrt` give NaN;
/// `K.concatenate` joins along the last axis by default, `concatenate` along the first. Element types are strings, or
/// `tf.float32`. Where TensorFlow makes 64-bit integers (`tf.argmax`), these are 32 bits wide, as in Keras 3 on JAX.
///
/// Not in the language: methods and attributes of tensors (`x.shape`), `and`, `or`, `not`, `if`, chained comparisons,
/// comprehensions, nested lambdas, NumPy. Length, nesting and number of parts are limited.
///
/// ```
/// use refrain::saving::Expression;
/// use refrain::input;
///
/// let distance = Expression::parse("sqrt(sum(square(x[0] - x[1]), axis=1, keepdims=True))")?;
/// let (a, b) = (input([3]), input([3]));
/// assert_eq!(distance.apply([&a, &b])?.shape().to_string(), "(None, 1)");
///
/// let scale = Expression::parse("x/255")?;
/// assert_eq!(scale.to_string(), "x / 255");
///
/// let error = Expression::parse("sqroot(x)").unwrap_err();
/// assert!(error.to_string().contains("`sqrt`"));
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// Printed, it is text that reads back to the same expression.
#[derive(Clone, PartialEq)]
pub struct Expression(Term);

impl Expression {
    /// Reads a text.
    ///
    /// # Errors
    /// Where in the text what was expected; for an unknown function the nearest names.
    pub fn parse(text: &str) -> Result<Self> {
        parser::parse(text).map(Expression)
    }

    /// The result for a layer's first argument: a tensor, an array or list of tensors, a dict.
    ///
    /// # Errors
    /// Arguments or shapes that do not fit, or a result that is not one tensor.
    pub fn apply(&self, x: impl Into<Structure<Tensor>>) -> Result<Tensor> {
        evaluate::apply(&self.0, x.into(), None)
    }

    /// The result for a layer's first argument and its further ones.
    pub(crate) fn apply_with(
        &self,
        x: impl Into<Structure<Tensor>>,
        arguments: &LambdaArguments,
    ) -> Result<Tensor> {
        evaluate::apply(&self.0, x.into(), Some(arguments))
    }

    pub(super) fn from_term(term: Term) -> Self {
        Expression(term)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::print(&self.0, Binding::Compare, f)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expression({self})")
    }
}

impl FromStr for Expression {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Expression::parse(text)
    }
}
