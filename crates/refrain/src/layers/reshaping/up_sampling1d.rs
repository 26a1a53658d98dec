//! Steps repeated.

use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::{Call, Config, InputSpec, Layer, layer_options};
use crate::ops;
use crate::tensor::Tensor;

layer_options! {
    /// Each step repeated.
    ///
    /// Input `(batch, steps, channels)`, output `(batch, steps · size, channels)`. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::UpSampling1D};
    /// let y = UpSampling1D::new(2).call(&input([10, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 20, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/reshaping/up_sampling1d.py`.
    UpSampling1D, UpSampling1DOptions {
        /// How often each step is repeated.
        size: usize = 2,
    }
}

impl UpSampling1D {
    /// A layer that repeats each step so many times.
    pub fn new(size: usize) -> Self {
        UpSampling1DOptions { size }.into_layer()
    }
}

impl Layer for UpSampling1DOptions {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "UpSampling1D"
    }

    fn config(&self) -> Config {
        self.to_config()
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = inputs.one()?;
        InputSpec::new().ndim(3).check("UpSampling1D", &x.spec())?;
        ops::repeat_traced(x, self.size, 1)
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}
