//! One vector as a sequence.

use refrain_graph::Dim;

use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::{Call, InputSpec, Layer, layer_methods, layer_options};
use crate::ops::prim;
use crate::tensor::Tensor;

layer_options! {
    /// A vector repeated as the steps of a sequence.
    ///
    /// Input `(batch, features)`, output `(batch, n, features)`. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::RepeatVector};
    /// let y = RepeatVector::new(3).call(&input([32]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 3, 32)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/reshaping/repeat_vector.py`.
    RepeatVector, RepeatVectorOptions {
        /// Repetition factor: the number of steps of the output.
        n: usize = 1,
    }
}

impl RepeatVector {
    /// A layer that repeats its input so many times.
    pub fn new(n: usize) -> Self {
        RepeatVectorOptions { n }.into_layer()
    }
}

impl Layer for RepeatVectorOptions {
    type Output = Tensor;

    layer_methods!("RepeatVector");

    fn validate(&self) -> Result<()> {
        match self.n {
            0 => Err(Error::mismatch(ErrorKind::Config, "a positive `n`", "0")),
            _ => Ok(()),
        }
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = inputs.one()?;
        InputSpec::new().ndim(2).check("RepeatVector", &x.spec())?;
        let row: Vec<Dim> = vec![x.dim(0), Some(1), x.dim(1)];
        let sequence: Vec<Dim> = vec![x.dim(0), Some(self.n), x.dim(1)];
        prim::broadcast_to(&prim::reshape(x, row)?, &sequence.into())
    }
}
