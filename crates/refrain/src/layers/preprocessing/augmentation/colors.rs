//! Colours of images: gray, and hue, saturation and value.

use refrain_graph::DType;

use crate::error::{Error, ErrorKind, Result};
use crate::layers::DataFormat;
use crate::ops;
use crate::tensor::Tensor;

/// The axis of the channels of a batch.
pub(super) fn axis(format: DataFormat) -> i64 {
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
pub(super) fn grayscale(x: &Tensor, format: DataFormat) -> Result<Tensor> {
    if x.dim(axis(format)) == Some(1) {
        return Ok(x.clone());
    }
    let [red, green, blue] = planes(x, format)?;
    (red * 0.2989 + green * 0.5870 + blue * 0.1140).checked()
}

/// Hue, saturation and value as functions of the three colours.
pub(super) fn hsv(x: &Tensor, format: DataFormat) -> Result<[Tensor; 3]> {
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
pub(super) fn rgb([hue, saturation, value]: &[Tensor; 3], format: DataFormat) -> Result<Tensor> {
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
