//! Another order of axes.

use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::{Call, InputSpec, Layer, Properties, layer_methods, layer_options};
use crate::ops::prim;
use crate::tensor::Tensor;

layer_options! {
    /// The axes of each sample in another order.
    ///
    /// Input `(batch, …)`, output `(batch, …)`. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::Permute};
    /// let y = Permute::new([2, 1]).call(&input([10, 64]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 64, 10)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/reshaping/permute.py`.
    Permute, PermuteOptions {
        /// Permutation of the axes 1, 2, … behind the batch: axis `i` of the output is axis `dims[i - 1]` of the input.
        dims: Vec<usize> = Vec::new(),
    }
}

impl Permute {
    /// A layer with this order of axes, which are counted from 1.
    pub fn new(dims: impl Into<Vec<usize>>) -> Self {
        PermuteOptions { dims: dims.into() }.into_layer()
    }
}

impl Layer for PermuteOptions {
    type Output = Tensor;

    layer_methods!("Permute");

    fn properties(&self) -> Properties {
        Properties::reshaping()
    }

    fn validate(&self) -> Result<()> {
        let mut sorted = self.dims.clone();
        sorted.sort_unstable();
        if sorted.into_iter().eq(1..=self.dims.len()) {
            return Ok(());
        }
        let expected = format!("each of the axes 1 to {} once", self.dims.len());
        let received = format!("{:?}", self.dims);
        Err(Error::mismatch(ErrorKind::Config, expected, received))
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = inputs.one()?;
        let rank = self.dims.len() + 1;
        InputSpec::new().ndim(rank).check("Permute", &x.spec())?;
        let perm: Vec<usize> = [0].into_iter().chain(self.dims.iter().copied()).collect();
        prim::transpose(x, &perm)
    }
}
