//! Random masks and numbers, and what the layers that use them share.

use refrain_graph::{BinaryOp, Comparison, Dim, Shape};

use crate::error::{Error, ErrorKind, Result};
use crate::layers::{Call, DataFormat};
use crate::ops::{self, prim};
use crate::tensor::Tensor;

/// Refuses a rate outside of 0 to 1.
pub(crate) fn check_rate(option: &str, rate: f64) -> Result<()> {
    if (0.0..=1.0).contains(&rate) {
        return Ok(());
    }
    Err(Error::mismatch(
        ErrorKind::Config,
        format!("a number from 0 to 1 for option `{option}`"),
        rate.to_string(),
    ))
}

/// Refuses a rate of 1, for which the noise has no finite scale.
pub(super) fn check_below_one(rate: f64) -> Result<()> {
    match rate < 1.0 {
        true => Ok(()),
        false => Err(Error::mismatch(
            ErrorKind::Config,
            "a number below 1 for option `rate`",
            rate.to_string(),
        )),
    }
}

/// Refuses sizes of zero in the shape of the noise.
pub(super) fn check_noise_shape(shape: Option<&[Dim]>) -> Result<()> {
    match shape {
        Some(dims) if dims.contains(&Some(0)) => Err(Error::mismatch(
            ErrorKind::Config,
            "positive sizes or None for option `noise_shape`",
            Shape::from(dims).to_string(),
        )),
        _ => Ok(()),
    }
}

/// The shape of the noise: the input's, or the one that was asked for with the input's sizes for `None`.
pub(super) fn noise_shape(x: &Tensor, asked: Option<&[Dim]>) -> Result<Shape> {
    let shape = x.shape();
    let Some(asked) = asked else {
        return Ok(shape);
    };
    if asked.len() != shape.rank() {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            format!("a noise shape of rank {}", shape.rank()),
            Shape::from(asked).to_string(),
        ));
    }
    let dims = asked.iter().zip(shape.dims());
    Ok(dims.map(|(a, d)| a.or(*d)).collect::<Vec<_>>().into())
}

/// True with a probability of `1 - rate`, of the noise's shape.
pub(super) fn keep(cx: &Call, shape: Shape, rate: f64) -> Result<Tensor> {
    let uniform = cx.random_uniform(shape)?;
    let rate = prim::constant_like(&uniform, rate)?;
    prim::compare(Comparison::Ge, &uniform, &rate)
}

/// Sets elements to zero at a rate and scales the others so that the expected sum stays. All elements that one number
/// of the noise stands for share their fate. Needs `add_seed`.
pub(crate) fn drop(cx: &Call, x: &Tensor, rate: f64, noise: Option<&[Dim]>) -> Result<Tensor> {
    let zero = prim::constant_like(x, 0.0)?;
    if rate >= 1.0 {
        return prim::broadcast_to(&zero, &x.shape());
    }
    let keep = keep(cx, noise_shape(x, noise)?, rate)?;
    let scaled = prim::binary(BinaryOp::Divide, x, &prim::constant_like(x, 1.0 - rate)?)?;
    let keep = prim::broadcast_to(&keep, &x.shape())?;
    prim::select(&keep, &scaled, &zero)
}

/// As [`drop`] for whole channels.
pub(super) fn drop_channels(
    cx: &Call,
    x: &Tensor,
    rate: f64,
    format: DataFormat,
) -> Result<Tensor> {
    let first = format.first_spatial_axis();
    let spatial = first..first + x.rank() - 2;
    let noise: Vec<Dim> = (0..x.rank())
        .map(|axis| spatial.contains(&axis).then_some(1))
        .collect();
    drop(cx, x, rate, Some(&noise))
}

/// Normally distributed numbers of a tensor's shape and type, with a mean of zero. Needs `add_seed`.
pub(crate) fn normal(cx: &Call, like: &Tensor, stddev: f64) -> Result<Tensor> {
    let uniform = cx.random_uniform(like.shape())?;
    prim::convert(&ops::uniform_to_normal(&uniform, stddev)?, like.dtype())
}

/// Whether a call draws random numbers at all.
pub(super) fn active(cx: &Call, strength: f64) -> bool {
    cx.training() && strength > 0.0
}

/// Declares a layer that draws random numbers while fitting and hands masks on: options, constructor, the layer.
macro_rules! noise_layer {
    (
        $(#[$meta:meta])*
        $alias:ident, $options:ident, $strength:ident: $strength_doc:literal,
        { $( $(#[doc = $field_doc:literal])* $field:ident : $ty:ty = $default:expr ),* $(,)? },
        validate: $validate:expr, ndim: $ndim:expr, $(plain_config: $plain:literal,)? call: $call:expr
    ) => {
        use super::noise;
        use crate::error::Result;
        use crate::inputs::Inputs;
        use crate::layers::{Build, Call, InputSpec, Layer};
        use crate::tensor::Tensor;

        $crate::layers::layer_options! {
            $(#[$meta])*
            $alias, $options {
                #[doc = $strength_doc]
                $strength: f64 = 0.0,
                /// Seed of the random numbers, with which the layer draws the same in each process.
                seed: Option<u64> = None,
                $( $(#[doc = $field_doc])* $field: $ty = $default, )*
            }
        }

        impl $alias {
            #[doc = concat!("A layer of this `", stringify!($strength), "`.")]
            pub fn new($strength: f64) -> Self {
                $options { $strength, ..$options::default() }.into_layer()
            }
        }

        impl Layer for $options {
            type Output = Tensor;

            $crate::layers::layer_methods!(stringify!($alias));

            $(fn properties(&self) -> $crate::layers::Properties {
                $crate::layers::Properties {
                    plain_config: $plain,
                    ..$crate::layers::Properties::default()
                }
            })?

            fn validate(&self) -> Result<()> {
                noise::check_rate(stringify!($strength), self.$strength)?;
                $validate(self)
            }

            fn build(&self, cx: &mut Build) -> Result<()> {
                if self.$strength > 0.0 {
                    cx.add_seed(self.seed);
                }
                let ndim: Option<usize> = $ndim;
                cx.set_input_spec(InputSpec { ndim, ..InputSpec::new() });
                Ok(())
            }

            fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
                let x = inputs.one()?;
                if !noise::active(cx, self.$strength) {
                    return Ok(x.clone());
                }
                $call(self, cx, &$crate::ops::as_float(x)?)
            }

            fn supports_masking(&self) -> bool {
                true
            }
        }
    };
}

pub(super) use noise_layer;
