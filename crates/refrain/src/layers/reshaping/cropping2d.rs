//! Edges of images cut off.

use super::edges::{Edges, crop};
use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::{Call, Config, DataFormat, InputSpec, Layer, layer_options};
use crate::tensor::Tensor;

layer_options! {
    /// Elements cut off at the edges of rows and columns.
    ///
    /// Input and output: `(batch, rows, columns, channels)`, or with channels first `(batch, channels, rows, columns)`. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::Cropping2D};
    /// let y = Cropping2D::new(1).call(&input([8, 6, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 6, 4, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/reshaping/cropping2d.py`.
    Cropping2D, Cropping2DOptions {
        /// Elements cut off before and after.
        cropping: Edges<2> = Edges::from(0),
        /// Where the channels are.
        data_format: DataFormat = DataFormat::ChannelsLast,
    }
}

impl Cropping2D {
    /// A layer that cuts off so many elements.
    pub fn new(cropping: impl Into<Edges<2>>) -> Self {
        Cropping2DOptions {
            cropping: cropping.into(),
            ..Cropping2DOptions::default()
        }
        .into_layer()
    }
}

impl Layer for Cropping2DOptions {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "Cropping2D"
    }

    fn config(&self) -> Config {
        self.to_config()
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = inputs.one()?;
        InputSpec::new().ndim(4).check("Cropping2D", &x.spec())?;
        crop(x, &self.cropping, self.data_format)
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}
