//! Zeros around sequences.

use super::edges::{Edges, pad};
use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::{Call, Config, DataFormat, InputSpec, Layer, layer_options};
use crate::tensor::Tensor;

layer_options! {
    /// Zeros added around steps.
    ///
    /// Input and output: `(batch, steps, channels)`, or with `channels_first` `(batch, channels, steps)`. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::ZeroPadding1D};
    /// let y = ZeroPadding1D::new(1).call(&input([10, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 12, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/reshaping/zero_padding1d.py`.
    ZeroPadding1D, ZeroPadding1DOptions {
        /// Zeros before and after.
        padding: Edges<1> = Edges::from(1),
        /// Where the channels are.
        data_format: DataFormat = DataFormat::ChannelsLast,
    }
}

impl ZeroPadding1D {
    /// A layer with so many zeros.
    pub fn new(padding: impl Into<Edges<1>>) -> Self {
        ZeroPadding1DOptions {
            padding: padding.into(),
            ..ZeroPadding1DOptions::default()
        }
        .into_layer()
    }
}

impl Layer for ZeroPadding1DOptions {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "ZeroPadding1D"
    }

    fn config(&self) -> Config {
        self.to_config()
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = inputs.one()?;
        InputSpec::new().ndim(3).check("ZeroPadding1D", &x.spec())?;
        pad(x, &self.padding, self.data_format)
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}
