//! Normalizations by given or own statistics.

use refrain_graph::Dim;

use super::definition::{OpResult, operations, to};
use super::reduce::wide;
use super::{Axes, mean, option, prim, tensor_argument, var};
use crate::config::{Config, EPSILON};
use crate::error::Result;
use crate::inputs::Inputs;
use crate::tensor::{Tensor, resolve_axis};

operations! { TABLE in table {
    /// `(x - mean) / sqrt(variance + epsilon) · scale + offset`, all of these vectors along an axis.
    ///
    /// In the shape of `x`. Keras's `epsilon` is 0.001 by default.
    ///
    /// ```
    /// use refrain::{Input, Shape, input, ops};
    /// let (x, mean) = (input([4, 3]), Input::new(Shape::scalar()).batch_size(3).tensor());
    /// let y = ops::batch_normalization(&x, &mean, &(&mean + 1), -1, None, None, 1e-3);
    /// assert_eq!(y.shape(), x.shape());
    /// ```
    pub fn batch_normalization(
        x: &Tensor,
        mean: &Tensor,
        variance: &Tensor,
        axis: i64,
        offset: Option<&Tensor>,
        scale: Option<&Tensor>,
        epsilon: f64,
    ) -> Tensor {
        [x, mean, variance, axis, offset, scale, epsilon]
    }
    "ops.nn" / "BatchNorm" as "batch_normalization(x, mean, variance, axis, offset=None, scale=None, epsilon=0.001)"
    [Tensor, Tensor, Tensor, Integer, Operand, Operand, Number] => batch_call;
    /// Normalized to mean 0 and variance 1 along axes, times `gamma`, plus `beta`; by default both are left out.
    ///
    /// In the shape and type of `x`. Keras has the last axis and 1e-7 by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// let y = ops::layer_normalization(&input([4, 3]), None, None, -1, None);
    /// assert_eq!(y.shape().to_string(), "(None, 4, 3)");
    /// ```
    pub fn layer_normalization(
        x: &Tensor,
        gamma: Option<&Tensor>,
        beta: Option<&Tensor>,
        axis: impl Into<Axes>,
        epsilon: Option<f64>,
    ) -> Tensor {
        [x, gamma, beta, to::<Axes>(axis), epsilon, false]
    }
    "ops.nn" / "LayerNorm" as "layer_normalization(x, gamma=None, beta=None, axis=-1, epsilon=None, rms_scaling=False)"
    [Tensor, Operand, Operand, Axes, OptionalNumber, Flag] => layer_call;
    /// Divided by the root of the mean square along axes, times `scale`; by default that is left out.
    ///
    /// In the shape and type of `x`. Keras has the last axis and 1e-7 by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::rms_normalization(&input([4, 3]), None, -1, None).shape().to_string(), "(None, 4, 3)");
    /// ```
    pub fn rms_normalization(x: &Tensor, scale: Option<&Tensor>, axis: impl Into<Axes>, epsilon: Option<f64>) -> Tensor {
        [x, scale, to::<Axes>(axis), epsilon]
    }
    "ops.nn" / "RMSNorm" as "rms_normalization(x, scale=None, axis=-1, epsilon=None)" [Tensor, Operand, Axes, OptionalNumber]
    => |inputs, config| {
        let x = tensor_argument(inputs, 0, "x")?;
        let float = wide(&x)?;
        let axes = Axes::from_json(config.get("axis"))?;
        let y = &float * (mean(float.square(), axes, true) + epsilon(config)?).rsqrt();
        let y = match inputs.tensor(1, "scale") {
            Some(scale) => y * prim::convert(scale, float.dtype())?,
            None => y,
        };
        Ok(prim::convert(&y, x.dtype())?.into())
    };
}}

fn epsilon(config: &Config) -> Result<f64> {
    Ok(option::<Option<f64>>(config, "epsilon")?.unwrap_or(EPSILON))
}

fn batch_call(inputs: &Inputs, config: &Config) -> OpResult {
    let x = tensor_argument(inputs, 0, "x")?;
    let axis = resolve_axis(option(config, "axis")?, x.rank())?;
    let along = |v: &Tensor| -> Result<Tensor> {
        let mut shape: Vec<Dim> = vec![Some(1); x.rank()];
        shape[axis] = v.shape().numel();
        prim::reshape(v, shape)
    };
    let average = along(&tensor_argument(inputs, 1, "mean")?)?;
    let variance = along(&tensor_argument(inputs, 2, "variance")?)?;
    let inverse = (variance + option::<f64>(config, "epsilon")?).rsqrt();
    let inverse = match inputs.tensor(4, "scale") {
        Some(scale) => inverse * along(scale)?,
        None => inverse,
    };
    let rest = -(average * &inverse);
    let rest = match inputs.tensor(3, "offset") {
        Some(offset) => rest + along(offset)?,
        None => rest,
    };
    Ok((&x * inverse + rest).into())
}

fn layer_call(inputs: &Inputs, config: &Config) -> OpResult {
    let given = tensor_argument(inputs, 0, "x")?;
    let x = wide(&given)?;
    let axes = Axes::from_json(config.get("axis"))?;
    let dims = axes.resolve(x.rank())?;
    // Vectors lie along the axes, in the order that these have.
    let along = |v: &Tensor| -> Result<Tensor> {
        let v = prim::convert(v, x.dtype())?;
        if v.rank() == x.rank() || dims == [x.rank() - 1] {
            return Ok(v);
        }
        let own = |d: usize| {
            if dims.contains(&d) {
                x.shape().dim(d)
            } else {
                Some(1)
            }
        };
        prim::reshape(&v, (0..x.rank()).map(own).collect::<Vec<Dim>>())
    };
    let inverse = (var(&x, axes.clone(), true) + epsilon(config)?).rsqrt();
    let gamma = inputs.tensor(1, "gamma").map(&along).transpose()?;
    let beta = inputs.tensor(2, "beta").map(&along).transpose()?;
    let inverse = match gamma {
        Some(gamma) => inverse * gamma,
        None => inverse,
    };
    let y = &x * &inverse;
    let y = match option::<Option<bool>>(config, "rms_scaling")? {
        Some(true) => y,
        _ => match beta {
            Some(beta) => y + (beta - mean(&x, axes, true) * inverse),
            None => y - mean(&x, axes, true) * inverse,
        },
    };
    Ok(prim::convert(&y, given.dtype())?.into())
}
