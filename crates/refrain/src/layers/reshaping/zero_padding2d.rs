//! Zeros around images.

use super::edges::{Edges, pad};
use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::{Call, Config, DataFormat, InputSpec, Layer, layer_options};
use crate::tensor::Tensor;

layer_options! {
    /// Zeros added around rows and columns.
    ///
    /// Input and output: `(batch, rows, columns, channels)`, or with channels first `(batch, channels, rows, columns)`. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::ZeroPadding2D};
    /// let y = ZeroPadding2D::new(1).call(&input([8, 6, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 10, 8, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/reshaping/zero_padding2d.py`.
    ZeroPadding2D, ZeroPadding2DOptions {
        /// Zeros before and after.
        padding: Edges<2> = Edges::from(1),
        /// Where the channels are.
        data_format: DataFormat = DataFormat::ChannelsLast,
    }
}

impl ZeroPadding2D {
    /// A layer with so many zeros.
    pub fn new(padding: impl Into<Edges<2>>) -> Self {
        ZeroPadding2DOptions {
            padding: padding.into(),
            ..ZeroPadding2DOptions::default()
        }
        .into_layer()
    }
}

impl Layer for ZeroPadding2DOptions {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "ZeroPadding2D"
    }

    fn config(&self) -> Config {
        self.to_config()
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = inputs.one()?;
        InputSpec::new().ndim(4).check("ZeroPadding2D", &x.spec())?;
        pad(x, &self.padding, self.data_format)
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}
