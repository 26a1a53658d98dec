//! Rows and columns repeated.

use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::{Call, Config, DataFormat, InputSpec, Layer, Sizes, layer_options};
use crate::ops;
use crate::tensor::Tensor;

layer_options! {
    /// Each row and each column repeated.
    ///
    /// Input `(batch, rows, columns, channels)`, or with channels first `(batch, channels, rows, columns)`; output with rows and
    /// columns multiplied by `size`. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::UpSampling2D};
    /// let y = UpSampling2D::new(2).call(&input([8, 6, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 16, 12, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/reshaping/up_sampling2d.py`.
    UpSampling2D, UpSampling2DOptions {
        /// How often each row and each column is repeated.
        size: Sizes<2> = Sizes::from(2),
        /// Where the channels are.
        data_format: DataFormat = DataFormat::ChannelsLast,
        /// `nearest`; Keras's other methods are not supported.
        interpolation: String = "nearest".to_owned(),
    }
}

impl UpSampling2D {
    /// A layer that repeats rows and columns so many times.
    pub fn new(size: impl Into<Sizes<2>>) -> Self {
        UpSampling2DOptions {
            size: size.into(),
            ..UpSampling2DOptions::default()
        }
        .into_layer()
    }
}

impl Layer for UpSampling2DOptions {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "UpSampling2D"
    }

    fn config(&self) -> Config {
        self.to_config()
    }

    fn validate(&self) -> Result<()> {
        match self.interpolation.as_str() {
            "nearest" => Ok(()),
            other => Err(Error::mismatch(
                ErrorKind::Unsupported,
                "the interpolation `nearest`",
                other,
            )),
        }
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = inputs.one()?;
        InputSpec::new().ndim(4).check("UpSampling2D", &x.spec())?;
        let axis = self.data_format.first_spatial_axis();
        let rows = ops::repeat_traced(x, self.size.0[0], axis)?;
        ops::repeat_traced(&rows, self.size.0[1], axis + 1)
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}
