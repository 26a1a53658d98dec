//! Colours of images: gray, and hue, saturation and value.

use refrain_graph::DType;

use super::check_rank;
use crate::config::ConfigValue;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::DataFormat;
use crate::ops::definition::operations;
use crate::ops::{self, as_float, option, prim, tensor_argument};
use crate::tensor::Tensor;

operations! { TABLE in table {
    /// The brightness of images that is seen, with one channel.
    ///
    /// Images of one channel stay as they are; of others than one or three it is an error. The type is that of the images.
    ///
    /// ```
    /// use refrain::{input, layers::DataFormat, ops::image::rgb_to_grayscale};
    /// let y = rgb_to_grayscale(&input([8, 9, 3]), DataFormat::ChannelsLast);
    /// assert_eq!(y.shape().to_string(), "(None, 8, 9, 1)");
    /// ```
    pub fn rgb_to_grayscale(images: &Tensor, data_format: DataFormat) -> Tensor { [images, data_format.to_json()] }
    "ops.image" / "RGBToGrayscale" as "rgb_to_grayscale(images, data_format=None)" [Tensor, Plain] => |inputs, config| {
        let x = tensor_argument(inputs, 0, "images")?;
        check_rank(&x)?;
        let gray = grayscale(&as_float(&x)?, option(config, "data_format")?)?;
        Ok(prim::convert(&gray, x.dtype())?.into())
    };
    /// Hue, saturation and value, each from 0 to 1, of images of three colours from 0 to 1.
    ///
    /// Integers are an error.
    ///
    /// ```
    /// use refrain::{input, layers::DataFormat, ops::image::rgb_to_hsv};
    /// let y = rgb_to_hsv(&input([8, 9, 3]), DataFormat::ChannelsLast);
    /// assert_eq!(y.shape().to_string(), "(None, 8, 9, 3)");
    /// ```
    pub fn rgb_to_hsv(images: &Tensor, data_format: DataFormat) -> Tensor { [images, data_format.to_json()] }
    "ops.image" / "RGBToHSV" as "rgb_to_hsv(images, data_format=None)" [Tensor, Plain] => |inputs, config| {
        let format = option(config, "data_format")?;
        Ok(ops::concatenate(hsv(&floats(inputs)?, format)?, axis(format)).checked()?.into())
    };
    /// The colours of images of hue, saturation and value: the inverse of [`rgb_to_hsv`].
    ///
    /// Integers are an error.
    ///
    /// ```
    /// use refrain::{input, layers::DataFormat, ops::image::hsv_to_rgb};
    /// let y = hsv_to_rgb(&input([8, 9, 3]), DataFormat::ChannelsLast);
    /// assert_eq!(y.shape().to_string(), "(None, 8, 9, 3)");
    /// ```
    pub fn hsv_to_rgb(images: &Tensor, data_format: DataFormat) -> Tensor { [images, data_format.to_json()] }
    "ops.image" / "HSVToRGB" as "hsv_to_rgb(images, data_format=None)" [Tensor, Plain] => |inputs, config| {
        let format = option(config, "data_format")?;
        Ok(rgb(&planes(&floats(inputs)?, format)?, format)?.into())
    };
}}

/// Images of floats.
fn floats(inputs: &Inputs) -> Result<Tensor> {
    let x = tensor_argument(inputs, 0, "images")?;
    check_rank(&x)?;
    match x.dtype().is_float() {
        true => Ok(x),
        false => {
            let received = x.dtype().keras_name();
            Err(Error::mismatch(
                ErrorKind::DType,
                "images of floats",
                received,
            ))
        }
    }
}

/// The axis of the channels of a batch.
pub(crate) fn axis(format: DataFormat) -> i64 {
    match format {
        DataFormat::ChannelsLast => -1,
        DataFormat::ChannelsFirst => -3,
    }
}

/// The three colours, each with an axis of one channel.
fn planes(x: &Tensor, format: DataFormat) -> Result<[Tensor; 3]> {
    let planes = match x.dim(axis(format)) {
        Some(3) | None => ops::split(x, 3usize, axis(format)),
        _ => vec![],
    };
    planes.try_into().map_err(|_| {
        Error::mismatch(
            ErrorKind::Shape,
            "images of three colours",
            format!("shape {}", x.shape()),
        )
    })
}

/// The brightness that is seen, with one channel.
pub(crate) fn grayscale(x: &Tensor, format: DataFormat) -> Result<Tensor> {
    if x.dim(axis(format)) == Some(1) {
        return Ok(x.clone());
    }
    let [red, green, blue] = planes(x, format)?;
    (red * 0.2989 + green * 0.5870 + blue * 0.1140).checked()
}

/// Hue, saturation and value as functions of the three colours.
pub(crate) fn hsv(x: &Tensor, format: DataFormat) -> Result<[Tensor; 3]> {
    let epsilon = match x.dtype() {
        DType::F64 => f64::EPSILON,
        DType::F16 => 2f64.powi(-10),
        DType::BF16 => 2f64.powi(-7),
        _ => f64::from(f32::EPSILON),
    };
    let x = ops::where_(ops::less(x.abs(), epsilon), 0.0, x);
    let [r, g, b] = planes(&x, format)?;
    let value = ops::maximum(&ops::maximum(&r, &g), &b);
    let range = &value - ops::minimum(&ops::minimum(&r, &g), &b);
    let (bright, coloured) = (ops::greater(&value, 0.0), ops::greater(&range, 0.0));
    let saturation = &range / ops::where_(&bright, &value, 1.0);
    let saturation = ops::where_(&bright, saturation, 0.0);
    let norm = 1.0 / (ops::where_(&coloured, &range, 1.0) * 6.0);
    let of_green = &norm * (&b - &r) + 2.0 / 6.0;
    let of_blue = &norm * (&r - &g) + 4.0 / 6.0;
    let hue = ops::where_(ops::equal(&value, &g), of_green, of_blue);
    let hue = ops::where_(ops::equal(&value, &r), norm * (g - b), hue);
    let turned = ops::cast(ops::less(&hue, 0.0), hue.dtype());
    let hue = ops::where_(&coloured, hue, 0.0) + turned;
    Ok([hue, saturation, value])
}

/// The colours of a hue, saturation and value.
pub(crate) fn rgb([hue, saturation, value]: &[Tensor; 3], format: DataFormat) -> Result<Tensor> {
    let sixths = (hue - hue.floor()) * 6.0;
    let shares = [
        (&sixths - 3.0).abs() - 1.0,
        2.0 - (&sixths - 2.0).abs(),
        2.0 - (&sixths - 4.0).abs(),
    ];
    let white = 1.0 - saturation;
    let planes = shares.map(|share| value * (&white + saturation * ops::clip(share, 0.0, 1.0)));
    ops::concatenate(planes, axis(format)).checked()
}
