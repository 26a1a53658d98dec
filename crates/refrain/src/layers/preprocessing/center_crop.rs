//! The middle of images.

use super::images;
use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::{Call, DataFormat, Interpolation, Layer, layer_methods, layer_options};
use crate::ops::prim;
use crate::tensor::Tensor;

layer_options! {
    /// The middle of an image, in the layer's type.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)`, with channels first `(batch, channels, rows,
    /// columns)`; output with `height` rows and `width` columns. An image with fewer rows or columns is cut to the ratio of the
    /// two and resized, bilinearly. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::CenterCrop};
    /// let y = CenterCrop::new(24, 20).call(&input([28, 28, 1]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 24, 20, 1)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/center_crop.py`.
    CenterCrop, CenterCropOptions {
        /// Where the channels are.
        data_format: DataFormat = DataFormat::ChannelsLast,
        /// Rows of the output.
        height: usize = 0,
        /// Columns of the output.
        width: usize = 0,
    }
}

impl CenterCrop {
    /// A layer whose output has so many rows and columns.
    pub fn new(height: usize, width: usize) -> Self {
        CenterCropOptions {
            height,
            width,
            ..CenterCropOptions::default()
        }
        .into_layer()
    }
}

impl Layer for CenterCropOptions {
    type Output = Tensor;

    layer_methods!("CenterCrop");

    fn validate(&self) -> Result<()> {
        images::check_size([self.height, self.width])
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = prim::convert(inputs.one()?, cx.layer.dtype())?;
        let axes = images::axes(&x, self.data_format)?;
        let size = [self.height, self.width];
        let Some([rows, columns]) = images::sizes_along(&x, axes) else {
            return images::of_size(&x, axes, size);
        };
        match (
            rows.checked_sub(self.height),
            columns.checked_sub(self.width),
        ) {
            (Some(above), Some(left)) => {
                let x = images::part(&x, axes[0], above / 2, self.height)?;
                images::part(&x, axes[1], left / 2, self.width)
            }
            _ => {
                let x = images::crop_to_ratio(&x, axes, size)?;
                images::resized(&x, axes, size, (Interpolation::Bilinear, false))
            }
        }
    }
}
