//! Embeddings.

use super::base_embedding::embedding_layer;

embedding_layer! {
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
    Embedding, EmbeddingOptions,
    own {},

    fn validate(&self) -> Result<()> {
        self.table().validate()
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        self.table().build(cx)
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        self.table().look_up(cx, inputs.one()?)
    }

    fn compute_mask(
        &self,
        _cx: &Call,
        inputs: &Inputs,
        _outputs: &[Tensor],
    ) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![self.table().mask(inputs.one()?)?])
    }
}
