//! Edges of sequences cut off.

use super::edges::{Edges, crop};
use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::{Call, Config, DataFormat, InputSpec, Layer, layer_options};
use crate::tensor::Tensor;

layer_options! {
    /// Elements cut off at the edges of steps.
    ///
    /// Input and output: `(batch, steps, channels)`. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::Cropping1D};
    /// let y = Cropping1D::new(1).call(&input([10, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 8, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/reshaping/cropping1d.py`.
    Cropping1D, Cropping1DOptions {
        /// Elements cut off before and after.
        cropping: Edges<1> = Edges::from(1),
    }
}

impl Cropping1D {
    /// A layer that cuts off so many elements.
    pub fn new(cropping: impl Into<Edges<1>>) -> Self {
        Cropping1DOptions {
            cropping: cropping.into(),
        }
        .into_layer()
    }
}

impl Layer for Cropping1DOptions {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "Cropping1D"
    }

    fn config(&self) -> Config {
        self.to_config()
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = inputs.one()?;
        InputSpec::new().ndim(3).check("Cropping1D", &x.spec())?;
        crop(x, &self.cropping, DataFormat::ChannelsLast)
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}
