//! Images that are blurred.

use super::as_batch;
use crate::config::{Config, ConfigValue, Sizes};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::{DataFormat, Padding};
use crate::ops::definition::{OpResult, operations, to};
use crate::ops::{self, Axes, ConvOptions, as_float, option, prim, tensor_argument};
use crate::tensor::Tensor;
use crate::utils::sizes;

operations! { TABLE in table {
    /// Images whose pixels are means of those around them, with weights of a normal distribution. Beyond the edges are zeros.
    ///
    /// `kernel_size` and `sigma`, the standard deviations, are along columns and rows; Keras has 3 and 1 by default. The result has
    /// the shape of the images; integers become floats. Sizes and deviations of 0 are errors.
    ///
    /// ```
    /// use refrain::{input, layers::DataFormat, ops::image::gaussian_blur};
    /// let y = gaussian_blur(&input([64, 80, 3]), (5, 3), (1.5, 0.5), DataFormat::ChannelsLast);
    /// assert_eq!(y.shape().to_string(), "(None, 64, 80, 3)");
    /// ```
    pub fn gaussian_blur(
        images: &Tensor,
        kernel_size: impl Into<Sizes<2>>,
        sigma: (f64, f64),
        data_format: DataFormat,
    ) -> Tensor {
        [images, to::<Sizes<2>>(kernel_size).to_json(), vec![sigma.0, sigma.1].to_json(), data_format.to_json()]
    }
    "ops.image" / "GaussianBlur" as "gaussian_blur(images, kernel_size=None, sigma=None, data_format=None)"
    [Tensor, Plain, Plain, Plain] => gaussian_blur_call;
}}

fn gaussian_blur_call(inputs: &Inputs, config: &Config) -> OpResult {
    let x = as_float(&tensor_argument(inputs, 0, "images")?)?;
    let size = option::<Option<Sizes<2>>>(config, "kernel_size")?.unwrap_or(Sizes([3, 3]));
    let sigma = option::<Option<Vec<f64>>>(config, "sigma")?.unwrap_or_else(|| vec![1.0; 2]);
    let [across, down] = match sigma[..] {
        [across, down] if across > 0.0 && down > 0.0 && !size.0.contains(&0) => [across, down],
        _ => {
            return Err(Error::mismatch(
                ErrorKind::Config,
                "two positive sizes and two positive deviations",
                format!("{:?} and {sigma:?}", size.0),
            ));
        }
    };
    sizes::check_memory("the kernel of a blur", &size.0, 8)?;
    let columns = bell(size.0[0], &prim::constant_like(&x, across)?);
    let rows = bell(size.0[1], &prim::constant_like(&x, down)?);
    let kernel = ops::outer(&rows, &columns);
    let y = as_batch(&x, |x| blurred(x, &kernel, option(config, "data_format")?));
    Ok(y?.into())
}

/// The weights of pixels beside one, for a standard deviation that is a number or a vector of one.
pub(crate) fn bell(size: usize, sigma: &Tensor) -> Tensor {
    let middle = (size as f64 - 1.0) / 2.0;
    let places = ops::arange(-middle, middle + 1.0, 1.0, sigma.dtype());
    let bell = ops::exp(&((places / sigma).square() * -0.5));
    &bell / ops::sum(&bell, Axes::All, false)
}

/// Images whose pixels are sums of those around them, with the weights of a kernel `(rows, columns)`. Beyond the edges are zeros.
pub(crate) fn blurred(x: &Tensor, kernel: &Tensor, format: DataFormat) -> Result<Tensor> {
    let dims = [
        kernel.dim(0),
        kernel.dim(1),
        x.dim(super::colors::axis(format)),
    ];
    let [Some(rows), Some(columns), Some(channels)] = dims else {
        return Ok(x.clone());
    };
    let kernel = ops::reshape(kernel, [rows as i64, columns as i64, 1, 1]);
    let kernel = ops::broadcast_to(kernel, [rows, columns, channels, 1]);
    let same = ConvOptions::default().padding(Padding::Same);
    ops::depthwise_conv(x, &kernel, same.data_format(format)).checked()
}
