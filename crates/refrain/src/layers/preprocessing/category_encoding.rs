//! Whole numbers as vectors.

use super::categorical::{OutputMode, encode};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::{Call, Layer, Properties, layer_methods, layer_options};
use crate::ops::prim;
use crate::tensor::Tensor;

layer_options! {
    /// Vectors of size `num_tokens` that say which numbers are there.
    ///
    /// Input `(batch, numbers)` of integers from 0 to `num_tokens - 1`, output `(batch, num_tokens)`; with
    /// [`OutputMode::OneHot`] input `(batch, …)`, output `(batch, …, num_tokens)`, an axis of size 1 at the end left out. Numbers outside
    /// count as none. With [`OutputMode::Count`] the argument `count_weights`, of the input's shape, says how much each
    /// number counts. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{DType, Input, layers::{CategoryEncoding, OutputMode}};
    /// let x = Input::new([3]).dtype(DType::I32).tensor();
    /// let y = CategoryEncoding::new(5).call(&x)?;
    /// assert_eq!(y.shape().to_string(), "(None, 5)");
    /// let y = CategoryEncoding::new(5).output_mode(OutputMode::OneHot).call(&x)?;
    /// assert_eq!(y.shape().to_string(), "(None, 3, 5)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/category_encoding.py`.
    CategoryEncoding, CategoryEncodingOptions {
        /// How many numbers there are.
        num_tokens: usize = 0,
        /// What the vectors say.
        output_mode: OutputMode = OutputMode::MultiHot,
    }
}

impl CategoryEncoding {
    /// A layer for so many numbers.
    pub fn new(num_tokens: usize) -> Self {
        CategoryEncodingOptions {
            num_tokens,
            ..CategoryEncodingOptions::default()
        }
        .into_layer()
    }
}

impl Layer for CategoryEncodingOptions {
    type Output = Tensor;

    layer_methods!("CategoryEncoding");

    fn properties(&self) -> Properties {
        Properties {
            arguments: &["inputs", "count_weights"],
            ..Properties::default()
        }
    }

    fn validate(&self) -> Result<()> {
        let (expected, received) = match (self.num_tokens, self.output_mode) {
            (0, _) => ("a positive `num_tokens`", "0"),
            (_, OutputMode::Int) => (
                "one_hot, multi_hot or count for option `output_mode`",
                "int",
            ),
            _ => return Ok(()),
        };
        Err(Error::mismatch(ErrorKind::Config, expected, received))
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = inputs.one()?;
        let dtype = cx.layer.dtype();
        let weights = inputs.tensor(1, "count_weights");
        let weights = weights
            .map(|weights| prim::convert(weights, dtype))
            .transpose()?;
        if weights.is_some() && self.output_mode != OutputMode::Count {
            return Err(Error::mismatch(
                ErrorKind::Structure,
                "`count_weights` with the output mode `count` only",
                "them with another",
            ));
        }
        encode(
            x,
            self.output_mode,
            self.num_tokens,
            dtype,
            weights.as_ref(),
        )
    }

    fn casts_inputs(&self) -> bool {
        false
    }
}
