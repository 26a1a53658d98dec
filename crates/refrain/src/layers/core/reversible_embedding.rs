//! Vectors for whole numbers, and back.

use refrain_graph::{DType, DotDims};
use serde_json::Value as Json;

use super::base_embedding::embedding_layer;
use crate::error::{Error, ErrorKind};
use crate::layers::{Properties, Weight};
use crate::ops::{self, prim};

embedding_layer! {
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
    ReversibleEmbedding, ReversibleEmbeddingOptions,
    own {
        /// Whether both directions have one weight.
        tie_weights: bool = true,
        /// The type of the products with `reverse`; by default the layer's.
        reverse_dtype: Option<DType> = None,
        /// The largest absolute value of the products with `reverse`, which `tanh` brings them below.
        logit_soft_cap: Option<f64> = None,
    },

    fn properties(&self) -> Properties {
        Properties {
            arguments: &["inputs", "reverse"],
            ..Properties::default()
        }
    }

    fn validate(&self) -> Result<()> {
        self.table().validate()?;
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
        self.table().build(cx)?;
        match self.tie_weights {
            true => Ok(()),
            false => cx.add_weight(
                Weight::new("reverse_embeddings", [self.output_dim, self.input_dim])
                    .initializer(&self.embeddings_initializer),
            ),
        }
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = inputs.one()?;
        match is_reverse(inputs) {
            true => self.reversed(cx, x),
            false => self.table().look_up(cx, x),
        }
    }

    fn compute_mask(
        &self,
        _cx: &Call,
        inputs: &Inputs,
        _outputs: &[Tensor],
    ) -> Result<Vec<Option<Tensor>>> {
        match is_reverse(inputs) {
            true => Ok(vec![None]),
            false => Ok(vec![self.table().mask(inputs.one()?)?]),
        }
    }
}

/// Whether a call goes back from vectors.
fn is_reverse(inputs: &Inputs) -> bool {
    inputs.plain(1, "reverse").and_then(Json::as_bool) == Some(true)
}

impl ReversibleEmbeddingOptions {
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
