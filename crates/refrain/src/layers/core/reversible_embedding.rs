//! Vectors for whole numbers, and back.

use refrain_graph::{DType, DotDims};
use serde_json::Value as Json;

use super::EmbeddingOptions;
use crate::config::Config;
use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::inputs::Inputs;
use crate::layers::{Build, Call, Layer, Properties, Weight, layer_options};
use crate::ops::{self, prim};
use crate::regularizers::Regularizer;
use crate::tensor::Tensor;

layer_options! {
    /// An [`Embedding`](super::Embedding) that can also be called with `reverse`: a vector's product with the vector of each number.
    ///
    /// Input `(batch, …)` of integers from 0 to `input_dim - 1`, output `(batch, …, output_dim)`; with the argument `reverse` input
    /// `(batch, …, output_dim)`, output `(batch, …, input_dim)` of type `reverse_dtype`. Weights: `embeddings (input_dim, output_dim)`
    /// and, unless the weights are tied, `reverse_embeddings (output_dim, input_dim)`. Masks are those of an embedding; none with
    /// `reverse`.
    ///
    /// ```
    /// use refrain::{DType, Input, Inputs, layers::ReversibleEmbedding};
    /// let words = Input::new([10]).dtype(DType::I32).tensor();
    /// let embedding = ReversibleEmbedding::new(1000, 64);
    /// let vectors = embedding.call(&words)?;
    /// let logits = embedding.call(Inputs::new(&vectors).option("reverse", true))?;
    /// assert_eq!(logits.shape().to_string(), "(None, 10, 1000)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/core/reversible_embedding.py`; Press and Wolf, "Using the Output Embedding to Improve Language
    /// Models", 2016.
    ReversibleEmbedding, ReversibleEmbeddingOptions {
        /// How many numbers there are vectors for.
        input_dim: usize = 0,
        /// Size of the vectors.
        output_dim: usize = 0,
        /// Initializer of the vectors, in both directions.
        embeddings_initializer: Initializer = Initializer::RandomUniform,
        /// Regularizer of the vectors.
        embeddings_regularizer: Option<Regularizer> = None,
        /// Regularizer of the output.
        activity_regularizer: Option<Regularizer> = None,
        /// Constraint on the vectors.
        embeddings_constraint: Option<Constraint> = None,
        /// Whether 0 stands for a step to be masked.
        mask_zero: bool = false,
        /// Whether both directions have one weight.
        tie_weights: bool = true,
        /// The type of the products with `reverse`; by default the layer's.
        reverse_dtype: Option<DType> = None,
        /// The largest absolute value of the products with `reverse`, which `tanh` brings them below.
        logit_soft_cap: Option<f64> = None,
    }
}

impl ReversibleEmbedding {
    /// A layer of `input_dim` vectors of size `output_dim`, the same in both directions.
    pub fn new(input_dim: usize, output_dim: usize) -> Self {
        ReversibleEmbeddingOptions {
            input_dim,
            output_dim,
            ..ReversibleEmbeddingOptions::default()
        }
        .into_layer()
    }
}

/// Whether a call goes back from vectors.
fn is_reverse(inputs: &Inputs) -> bool {
    inputs.plain(1, "reverse").and_then(Json::as_bool) == Some(true)
}

impl ReversibleEmbeddingOptions {
    /// What it is forwards.
    fn embedding(&self) -> EmbeddingOptions {
        EmbeddingOptions {
            input_dim: self.input_dim,
            output_dim: self.output_dim,
            embeddings_initializer: self.embeddings_initializer.clone(),
            embeddings_regularizer: self.embeddings_regularizer.clone(),
            activity_regularizer: self.activity_regularizer.clone(),
            embeddings_constraint: self.embeddings_constraint.clone(),
            mask_zero: self.mask_zero,
        }
    }

    fn reversed(&self, cx: &Call, x: &Tensor) -> Result<Tensor> {
        if x.dim(-1).is_some_and(|size| size != self.output_dim) || x.rank() == 0 {
            return Err(Error::mismatch(
                ErrorKind::Shape,
                format!("vectors of size {}", self.output_dim),
                format!("shape {}", x.shape()),
            ));
        }
        let (kernel, axis) = match self.tie_weights {
            true => (cx.weight("embeddings")?, 1),
            false => (cx.weight("reverse_embeddings")?, 0),
        };
        let common = prim::promote(x.dtype(), kernel.dtype());
        let dtype = self.reverse_dtype.unwrap_or(common);
        let dims = DotDims {
            lhs_contracting: vec![x.rank() - 1],
            rhs_contracting: vec![axis],
            ..DotDims::default()
        };
        let (x, kernel) = (prim::convert(x, dtype)?, prim::convert(&kernel, dtype)?);
        let logits = ops::dot_general(&x, &kernel, dims)?;
        match self.logit_soft_cap {
            Some(cap) => (ops::tanh(&(logits / cap)) * cap).checked(),
            None => Ok(logits),
        }
    }
}

impl Layer for ReversibleEmbeddingOptions {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "ReversibleEmbedding"
    }

    fn properties(&self) -> Properties {
        Properties {
            arguments: &["inputs", "reverse"],
            ..Properties::default()
        }
    }

    fn config(&self) -> Config {
        let mut config = self.embedding().config();
        config.extend(self.to_config());
        config
    }

    fn validate(&self) -> Result<()> {
        self.embedding().validate()?;
        if let Some(dtype) = self.reverse_dtype.filter(|dtype| !dtype.is_float()) {
            return Err(Error::mismatch(
                ErrorKind::Config,
                "a type of floats for option `reverse_dtype`",
                dtype.keras_name(),
            ));
        }
        match self.logit_soft_cap {
            Some(0.0) => Err(Error::mismatch(
                ErrorKind::Config,
                "a number other than 0 for option `logit_soft_cap`",
                "0",
            )),
            _ => Ok(()),
        }
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        self.embedding().build(cx)?;
        match self.tie_weights {
            true => Ok(()),
            false => cx.add_weight(
                Weight::new("reverse_embeddings", [self.output_dim, self.input_dim])
                    .initializer(&self.embeddings_initializer),
            ),
        }
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        match is_reverse(inputs) {
            true => self.reversed(cx, inputs.one()?),
            false => self.embedding().call(cx, inputs),
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
        cx: &Call,
        inputs: &Inputs,
        outputs: &[Tensor],
    ) -> Result<Vec<Option<Tensor>>> {
        match is_reverse(inputs) {
            true => Ok(vec![None]),
            false => self.embedding().compute_mask(cx, inputs, outputs),
        }
    }

    fn activity_regularizer(&self) -> Option<Regularizer> {
        self.activity_regularizer.clone()
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}
