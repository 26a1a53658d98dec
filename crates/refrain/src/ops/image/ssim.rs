//! How alike images are.

use super::{apply, check_rank, image_options};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::DataFormat;
use crate::ops::conv::{channels_last, convolve_depthwise};
use crate::ops::definition::{OpResult, operations};
use crate::ops::{self, ConvOptions, as_float, prim, tensor_argument};
use crate::tensor::Tensor;
use crate::utils::sizes;

image_options! {
    /// What structural similarity is measured with.
    ///
    /// ```
    /// use refrain::ops::image::SsimOptions;
    /// let of_bytes = SsimOptions::default().max_val(255.0);
    /// ```
    SsimOptions {
        /// The largest value that a pixel can have.
        max_val: f64 = 1.0,
        /// Rows and columns of the window that pixels are compared in.
        filter_size: usize = 11,
        /// The standard deviation of its weights.
        filter_sigma: f64 = 1.5,
        /// Keeps ratios of means finite.
        k1: f64 = 0.01,
        /// Keeps ratios of variances finite.
        k2: f64 = 0.03,
        /// Where the channels are.
        data_format: DataFormat = DataFormat::ChannelsLast,
    }
}

operations! { TABLE in table {
    /// The structural similarity of images, from -1 to 1: a number for each pair of a batch, of equal images 1.
    ///
    /// The result has the type of the first images. Images smaller than the window, and of other shapes, are errors.
    ///
    /// ```
    /// use refrain::{input, ops::image::{SsimOptions, ssim}};
    /// let y = ssim(&input([32, 32, 3]), &input([32, 32, 3]), SsimOptions::default());
    /// assert_eq!(y.shape().to_string(), "(None,)");
    /// ```
    pub fn ssim(image1: &Tensor, image2: &Tensor, options: SsimOptions) -> Tensor {
        |op| Tensor::from_result(apply(op, [image1, image2], options.to_config()))
    }
    "ops.image" / "SSIM" as "ssim(image1, image2, max_val=1.0, filter_size=11, filter_sigma=1.5, k1=0.01, k2=0.03, data_format=None)"
    [Tensor, Tensor, Number, Count, Number, Number, Number, Plain] => ssim_call;
}}

fn ssim_call(inputs: &Inputs, config: &Config) -> OpResult {
    let images = [
        tensor_argument(inputs, 0, "image1")?,
        tensor_argument(inputs, 1, "image2")?,
    ];
    images.iter().try_for_each(check_rank)?;
    let options = SsimOptions::from_config(config)?;
    let single = images[0].rank() == 3;
    let [a, b] = images.each_ref().map(|image| {
        let image = as_float(image)?;
        match single {
            true => ops::expand_dims(image, 0).checked(),
            false => Ok(image),
        }
    });
    let likeness = likeness(&a?, &b?, &options)?;
    let mean = ops::mean(likeness, [1, 2, 3], false).checked()?;
    let mean = match single {
        true => ops::squeeze(mean, 0).checked()?,
        false => mean,
    };
    Ok(prim::convert(&mean, images[0].dtype())?.into())
}

/// The similarity around each pixel of each channel.
fn likeness(a: &Tensor, b: &Tensor, options: &SsimOptions) -> Result<Tensor> {
    let window = window(a, options)?;
    let mean = |x: &Tensor| -> Result<Tensor> {
        channels_last(x, options.data_format, |x| {
            let channels = x.dim(-1).unwrap_or(1);
            let size = options.filter_size;
            let kernel = prim::broadcast_to(&window, &[size, size, channels, 1].into())?;
            convolve_depthwise(x, &kernel, &ConvOptions::default())
        })
    };
    let (c1, c2) = (
        (options.k1 * options.max_val).powi(2),
        (options.k2 * options.max_val).powi(2),
    );
    let (of_a, of_b) = (mean(a)?, mean(b)?);
    let product = &of_a * &of_b;
    let squares = of_a.square() + of_b.square();
    let variances = [
        mean(&a.square())? - of_a.square(),
        mean(&b.square())? - of_b.square(),
    ];
    let covariance = mean(&(a * b))? - &product;
    let [first, second] = variances;
    let above = (product * 2.0 + c1) * (covariance * 2.0 + c2);
    (above / ((squares + c1) * (first + second + c2))).checked()
}

/// The weights of pixels around one, `(rows, columns, 1, 1)`.
fn window(like: &Tensor, options: &SsimOptions) -> Result<Tensor> {
    let (size, sigma) = (options.filter_size, options.filter_sigma);
    if size == 0 || sigma <= 0.0 || !sigma.is_finite() {
        return Err(Error::mismatch(
            ErrorKind::Config,
            "a positive size and deviation of the window",
            format!("{size} and {sigma}"),
        ));
    }
    sizes::check_memory("the window of a similarity", &[size, size], 8)?;
    let bell = super::bell(size, &prim::constant_like(like, sigma)?);
    let size = size as i64;
    ops::reshape(ops::outer(&bell, &bell), [size, size, 1, 1]).checked()
}
