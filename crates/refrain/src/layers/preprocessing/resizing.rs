//! Images of other sizes.

use refrain_graph::DType;

use super::images;
use crate::config::ConfigValue;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::{
    Call, DataFormat, FillMode, Interpolation, Layer, layer_methods, layer_options,
};
use crate::ops::{self, prim};
use crate::tensor::Tensor;
use crate::utils::sizes;

layer_options! {
    /// An image at another size.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)`, with channels first `(batch, channels, rows,
    /// columns)`; output with `height` rows and `width` columns, of the input's type: integers are rounded and kept in its range. No
    /// weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::{Interpolation, Resizing}};
    /// let layer = Resizing::new(24, 20).interpolation(Interpolation::Bicubic).antialias(true);
    /// let y = layer.call(&input([28, 28, 1]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 24, 20, 1)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/resizing.py`.
    Resizing, ResizingOptions {
        /// Where the channels are.
        data_format: DataFormat = DataFormat::ChannelsLast,
        /// Rows of the output.
        height: usize = 0,
        /// Columns of the output.
        width: usize = 0,
        /// What lies between the pixels.
        interpolation: Interpolation = Interpolation::Bilinear,
        /// Whether the image is cut first to the ratio of the output.
        crop_to_aspect_ratio: bool = false,
        /// Whether the image is padded first to the ratio of the output.
        pad_to_aspect_ratio: bool = false,
        /// What it is padded with: one value; other modes are errors.
        fill_mode: FillMode = FillMode::Constant,
        /// The value that it is padded with.
        fill_value: f64 = 0.0,
        /// Whether more pixels count for one where the image becomes smaller.
        antialias: bool = false,
    }
}

impl Resizing {
    /// A layer whose output has so many rows and columns.
    pub fn new(height: usize, width: usize) -> Self {
        ResizingOptions {
            height,
            width,
            ..ResizingOptions::default()
        }
        .into_layer()
    }
}

impl ResizingOptions {
    /// The image between rows, or else columns, of the fill value, as many before as behind.
    fn padded(&self, x: &Tensor, axes: [usize; 2]) -> Result<Tensor> {
        let Some(given) = images::sizes_along(x, axes) else {
            return Ok(x.clone());
        };
        let wanted = images::in_ratio(given, [self.height, self.width]);
        let mut beside = axes.into_iter().zip(given).zip(wanted);
        let found = beside.find_map(|((axis, given), wanted)| {
            let each = wanted.saturating_sub(given) / 2;
            (each > 0).then_some((axis, each))
        });
        let Some((axis, each)) = found else {
            return Ok(x.clone());
        };
        let x = ops::as_float(x)?;
        let each = sizes::signed(each)?;
        let mut widths = vec![(0, 0); x.rank()];
        widths[axis] = (each, each);
        ops::pad_constant(&x, &widths, self.fill_value)
    }
}

/// Floats as the nearest integers of a type.
fn whole(x: &Tensor, dtype: DType) -> Result<Tensor> {
    if !dtype.is_integer() {
        let received = dtype.keras_name();
        return Err(Error::mismatch(
            ErrorKind::DType,
            "an image of numbers",
            received,
        ));
    }
    let (low, high) = prim::limits(dtype);
    let clipped = ops::clip(ops::round(x, 0), low, high).checked()?;
    prim::convert(&clipped, dtype)
}

impl Layer for ResizingOptions {
    type Output = Tensor;

    layer_methods!("Resizing");

    fn validate(&self) -> Result<()> {
        images::check_size([self.height, self.width])?;
        if self.fill_mode != FillMode::Constant {
            return Err(Error::mismatch(
                ErrorKind::Config,
                "`constant` for option `fill_mode`",
                self.fill_mode.to_json().to_string(),
            ));
        }
        match self.crop_to_aspect_ratio && self.pad_to_aspect_ratio {
            true => Err(Error::mismatch(
                ErrorKind::Config,
                "one of `crop_to_aspect_ratio` and `pad_to_aspect_ratio`",
                "both",
            )),
            false => Ok(()),
        }
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = inputs.one()?;
        let axes = images::axes(x, self.data_format)?;
        let size = [self.height, self.width];
        if images::sizes_along(x, axes).is_none() {
            return images::of_size(x, axes, size);
        }
        let fitted = match (self.crop_to_aspect_ratio, self.pad_to_aspect_ratio) {
            (true, _) => images::crop_to_ratio(x, axes, size)?,
            (_, true) => self.padded(x, axes)?,
            _ => x.clone(),
        };
        let how = (self.interpolation, self.antialias);
        let y = images::resized(&fitted, axes, size, how)?;
        match y.dtype() == x.dtype() {
            true => Ok(y),
            false => whole(&y, x.dtype()),
        }
    }
}
