//! Images whose pixels are moved by smooth noise.

use refrain_graph::philox::seeded;
use refrain_graph::{DType, Literal, Op};

use super::blur::blurred;
use super::sampling::{Sampling, warp};
use super::{apply, on_batch, places};
use crate::config::{Config, ConfigValue};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::DataFormat;
use crate::ops::definition::{OpResult, operations};
use crate::ops::{self, Axes, as_float, option, prim, tensor_argument};
use crate::tensor::Tensor;
use crate::trace::Trace;
use crate::utils::sizes;

operations! { TABLE in table {
    /// Images whose pixels are moved by smooth noise, along rows and columns alike, as Keras does on JAX.
    ///
    /// `alpha`: how far pixels are moved; `sigma`: the standard deviation of the noise and of what smooths it. Keras has 20 and 5 by
    /// default, and [`FillMode::Reflect`](crate::layers::FillMode). The noise is the same in each call with a `seed`; a file without one
    /// is an error. The result has the shape of the images; integers become floats.
    ///
    /// ```
    /// use refrain::{input, layers::FillMode, ops::image::{Sampling, elastic_transform}};
    /// let sampling = Sampling::default().fill_mode(FillMode::Reflect);
    /// let y = elastic_transform(&input([64, 80, 3]), 20.0, 5.0, 7, sampling);
    /// assert_eq!(y.shape().to_string(), "(None, 64, 80, 3)");
    /// ```
    pub fn elastic_transform(images: &Tensor, alpha: f64, sigma: f64, seed: u64, sampling: Sampling) -> Tensor {
        |op| {
            let mut config = sampling.to_config();
            config.insert("alpha".to_owned(), alpha.to_json());
            config.insert("sigma".to_owned(), sigma.to_json());
            config.insert("seed".to_owned(), seed.into());
            Tensor::from_result(apply(op, [images], config))
        }
    }
    "ops.image" / "ElasticTransform" as "elastic_transform(images, alpha=20.0, sigma=5.0, interpolation='bilinear', fill_mode='reflect', fill_value=0.0, seed=None, data_format=None)"
    [Tensor, Number, Number, Text, Text, Number, OptionalInteger, Plain] => elastic_transform_call;
}}

fn elastic_transform_call(inputs: &Inputs, config: &Config) -> OpResult {
    let x = as_float(&tensor_argument(inputs, 0, "images")?)?;
    let (alpha, sigma): (f64, f64) = (option(config, "alpha")?, option(config, "sigma")?);
    let seed = option::<Option<u64>>(config, "seed")?;
    let seed = seed.ok_or_else(|| {
        Error::new(
            ErrorKind::Unsupported,
            "`elastic_transform` without a `seed`",
        )
    })?;
    if sigma <= 0.0 || !sigma.is_finite() {
        let received = sigma.to_string();
        return Err(Error::mismatch(
            ErrorKind::Config,
            "a positive `sigma`",
            received,
        ));
    }
    let how = Sampling::from_config(config)?;
    let y = displaced(&x, &how, |x| {
        let noise = noise(x, seed)?;
        let sigma_of = prim::constant_like(&noise, sigma)?;
        (smooth(&noise, &sigma_of, largest_kernel(sigma)?)? * alpha).checked()
    });
    Ok(y?.into())
}

/// Normally distributed numbers `(batch, rows, columns)` of a seed.
fn noise(x: &Tensor, seed: u64) -> Result<Tensor> {
    let state = Literal::new([4], seeded(seed).to_vec());
    let state = state.ok_or_else(|| Error::new(ErrorKind::Internal, "a state of four words"))?;
    let state = x.expect_traced()?.trace.constant(state);
    let shape = x.dims()[..3].to_vec().into();
    let bits = Trace::apply_multi(Op::RngBitGenerator(shape), &[&state])?.pop();
    let bits = bits.ok_or_else(|| Error::new(ErrorKind::Internal, "two outputs"))?;
    ops::uniform_to_normal(&ops::random_bits_to_uniform(&bits)?, 1.0)
}

/// The size of the kernel that smooths noise of a standard deviation: three of them to each side.
pub(crate) fn largest_kernel(sigma: f64) -> Result<usize> {
    let size = (6.0 * sigma) as usize | 1;
    sizes::check_memory("the kernel of a blur", &[size], 8)?;
    Ok(size)
}

/// Noise `(batch, rows, columns)` times a standard deviation, smoothed with a kernel that belongs to it, of at most a size.
pub(crate) fn smooth(noise: &Tensor, sigma: &Tensor, most: usize) -> Result<Tensor> {
    let reach = (most / 2) as f64;
    let places = prim::iota(noise, &[most].into(), noise.dtype(), 0)? - reach;
    let inside = ops::less_equal(places.abs(), ((sigma * 6.0).floor() * 0.5).floor());
    let bell = ops::exp(&((places / sigma).square() * -0.5));
    let bell = ops::where_(inside, bell, 0.0);
    let bell = &bell / ops::sum(&bell, Axes::All, false);
    let x = ops::expand_dims(noise * sigma, -1).checked()?;
    let down = ops::expand_dims(&bell, 1).checked()?;
    let across = ops::expand_dims(&bell, 0).checked()?;
    let x = blurred(&x, &down, DataFormat::ChannelsLast)?;
    ops::squeeze(blurred(&x, &across, DataFormat::ChannelsLast)?, -1).checked()
}

/// Images of pixels that lie farther below and right, as far as a function of `(batch, rows, columns, channels)` says, `(batch,
/// rows, columns)`.
pub(crate) fn displaced(
    x: &Tensor,
    how: &Sampling,
    shift: impl FnOnce(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    on_batch(x, how.data_format, |x| {
        let shift = shift(x)?;
        let [row, column] = [1, 2].map(|axis| places(x, axis, 3, DType::F32).map(|at| at + &shift));
        warp(x, [row?, column?], how)
    })
}
