//! Embeddings.

use refrain_graph::DType;

use crate::config::Config;
use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::inputs::Inputs;
use crate::layers::registry::unquantized;
use crate::layers::{Build, Call, Layer, Weight, layer_options};
use crate::ops::{self, prim};
use crate::regularizers::Regularizer;
use crate::tensor::Tensor;

layer_options! {
    /// A learned vector for each whole number below `input_dim`.
    ///
    /// Input `(batch, …)` of integers from 0 to `input_dim - 1`, output `(batch, …, output_dim)`. Weights: `embeddings
    /// (input_dim, output_dim)`. With `mask_zero` the output carries a mask, false where the input is 0. Other
    /// numbers in the data are an error; where they are computed, negative ones count from the end, and all others give NaN.
    ///
    /// ```
    /// use refrain::{DType, Input, layers::Embedding};
    /// let words = Input::new([10]).dtype(DType::I32).tensor();
    /// let y = Embedding::new(1000, 64).mask_zero(true).call(&words)?;
    /// assert_eq!(y.shape().to_string(), "(None, 10, 64)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/core/embedding.py`.
    Embedding, EmbeddingOptions {
        /// Size of the vocabulary: the largest index plus 1.
        input_dim: usize = 0,
        /// Size of each embedding vector.
        output_dim: usize = 0,
        /// Initializer of the embedding matrix.
        embeddings_initializer: Initializer = Initializer::RandomUniform,
        /// Regularizer of the embedding matrix, whose penalty is added to the loss.
        embeddings_regularizer: Option<Regularizer> = None,
        /// Regularizer of the output, whose penalty per sample of the batch is added to the loss.
        activity_regularizer: Option<Regularizer> = None,
        /// Constraint on the embedding matrix, applied after each step of the optimizer.
        embeddings_constraint: Option<Constraint> = None,
        /// Whether index 0 is padding that is masked out; it then stands for no word, and `input_dim` counts it.
        mask_zero: bool = false,
    }
}

impl Embedding {
    /// A layer of `input_dim` vectors of size `output_dim`.
    pub fn new(input_dim: usize, output_dim: usize) -> Self {
        EmbeddingOptions {
            input_dim,
            output_dim,
            ..EmbeddingOptions::default()
        }
        .into_layer()
    }
}

impl Layer for EmbeddingOptions {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "Embedding"
    }

    fn config(&self) -> Config {
        unquantized(self.to_config())
    }

    fn validate(&self) -> Result<()> {
        match (self.input_dim, self.output_dim) {
            (0, _) => Err(Error::mismatch(
                ErrorKind::Config,
                "a positive `input_dim`",
                "0",
            )),
            (_, 0) => Err(Error::mismatch(
                ErrorKind::Config,
                "a positive `output_dim`",
                "0",
            )),
            _ => Ok(()),
        }
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        cx.add_weight(
            Weight::new("embeddings", [self.input_dim, self.output_dim])
                .initializer(&self.embeddings_initializer)
                .regularizer(&self.embeddings_regularizer)
                .constraint(&self.embeddings_constraint),
        )
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let checked = cx.check_indices(inputs.one()?, self.input_dim)?;
        let indices = match inputs.one()? {
            x if x.dtype().is_integer() => x.clone(),
            x => prim::convert(x, DType::I32)?,
        };
        let embeddings = cx.weight("embeddings")?;
        match checked {
            true => ops::gather_axis(&embeddings, &indices, 0),
            false => ops::take_axis(&embeddings, &indices, 0),
        }
    }

    fn casts_inputs(&self) -> bool {
        false
    }

    fn supports_masking(&self) -> bool {
        self.mask_zero
    }

    fn compute_mask(
        &self,
        _cx: &Call,
        inputs: &Inputs,
        _outputs: &[Tensor],
    ) -> Result<Vec<Option<Tensor>>> {
        if !self.mask_zero {
            return Ok(vec![None]);
        }
        let x = inputs.one()?;
        Ok(vec![Some(ops::not_equal(x, 0).checked()?)])
    }

    fn activity_regularizer(&self) -> Option<Regularizer> {
        self.activity_regularizer.clone()
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}
