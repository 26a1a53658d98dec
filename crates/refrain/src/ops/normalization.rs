//! Normalizations by given or own statistics, attention, and cross-entropies of elements.

use refrain_graph::{DType, Dim};

use super::arithmetic::float_operands;
use super::definition::{operations, to};
use super::order::triangle;
use super::reduce::wide;
use super::{
    Axes, absent, clip, einsum, log_sigmoid, log_softmax, mean, one_hot, option, prim, softmax,
    squeeze, sum, tensor_argument, var, where_,
};
use crate::config::{Config, number_from_json};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::structure::Structure;
use crate::tensor::{Tensor, resolve_axis};

type Traced = Result<Structure<Tensor>>;

/// Keras's epsilon.
const EPSILON: f64 = 1e-7;

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
    /// Values averaged by the softmax of the products of queries and keys: tensors `(batch, time, heads, size)`.
    ///
    /// `bias` is added to the products, `mask` says which of them count; both broadcast to `(batch, heads, queries, keys)`. `scale`:
    /// by default one over the root of the size. `is_causal`: no query sees later keys. Tensors of other ranks are an error.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// let (query, key) = (input([5, 2, 8]), input([7, 2, 8]));
    /// let y = ops::dot_product_attention(&query, &key, &key, None, None, None, false);
    /// assert_eq!(y.shape().to_string(), "(None, 5, 2, 8)");
    /// ```
    pub fn dot_product_attention(
        query: &Tensor,
        key: &Tensor,
        value: &Tensor,
        bias: Option<&Tensor>,
        mask: Option<&Tensor>,
        scale: Option<f64>,
        is_causal: bool,
    ) -> Tensor {
        [query, key, value, bias, mask, scale, is_causal]
    }
    "ops.nn" / "DotProductAttention"
    as "dot_product_attention(query, key, value, bias=None, mask=None, scale=None, is_causal=False, flash_attention=None, attn_logits_soft_cap=None)"
    [Tensor, Tensor, Tensor, Operand, Operand, Named, Flag, Plain, Plain] => attention_call;
    /// The cross-entropy of each element, a probability of yes or a logit, with its target.
    ///
    /// In the shape of both. Other shapes of targets are an error.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::binary_crossentropy(&input([3]), &input([3]), true).shape().to_string(), "(None, 3)");
    /// ```
    pub fn binary_crossentropy(target: &Tensor, output: &Tensor, from_logits: bool) -> Tensor { [target, output, from_logits] }
    "ops.nn" / "BinaryCrossentropy" as "binary_crossentropy(target, output, from_logits=False)" [Tensor, Tensor, Flag]
    => |inputs, config| {
        let (y, p) = (tensor_argument(inputs, 0, "target")?, tensor_argument(inputs, 1, "output")?);
        same_shape(&y, &p)?;
        if option(config, "from_logits")? {
            return Ok((-(&y * log_sigmoid(&p)) - (1.0 - &y) * log_sigmoid(&-&p)).into());
        }
        let p = clip(&p, EPSILON, 1.0 - EPSILON);
        Ok((-(&y * p.log() + (1.0 - &y) * (1.0 - &p).log())).into())
    };
    /// The cross-entropy of probabilities, or of logits, along an axis with target probabilities.
    ///
    /// Without the axis. Other shapes of targets are an error. Keras's axis is the last by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::categorical_crossentropy(&input([3]), &input([3]), true, -1).shape().to_string(), "(None,)");
    /// ```
    pub fn categorical_crossentropy(target: &Tensor, output: &Tensor, from_logits: bool, axis: i64) -> Tensor {
        [target, output, from_logits, axis]
    }
    "ops.nn" / "CategoricalCrossentropy" as "categorical_crossentropy(target, output, from_logits=False, axis=-1)"
    [Tensor, Tensor, Flag, Integer] => |inputs, config| {
        let (y, p) = (tensor_argument(inputs, 0, "target")?, tensor_argument(inputs, 1, "output")?);
        same_shape(&y, &p)?;
        entropy(&y, &p, config)
    };
    /// The cross-entropy of probabilities, or of logits, along an axis with target classes.
    ///
    /// Without the axis; classes beyond it give 0. Keras's axis is the last by default.
    ///
    /// ```
    /// use refrain::{DType, Input, Shape, input, ops};
    /// let classes = Input::new(Shape::scalar()).dtype(DType::I32).tensor();
    /// assert_eq!(ops::sparse_categorical_crossentropy(&classes, &input([3]), true, -1).shape().to_string(), "(None,)");
    /// ```
    pub fn sparse_categorical_crossentropy(target: &Tensor, output: &Tensor, from_logits: bool, axis: i64) -> Tensor {
        [target, output, from_logits, axis]
    }
    "ops.nn" / "SparseCategoricalCrossentropy" as "sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1)"
    [Tensor, Tensor, Flag, Integer] => |inputs, config| {
        let (classes, p) = (tensor_argument(inputs, 0, "target")?, tensor_argument(inputs, 1, "output")?);
        let axis = resolve_axis(option(config, "axis")?, p.rank())?;
        let column = classes.rank() == p.rank() && classes.dim(-1) == Some(1);
        let classes = if column { squeeze(&classes, -1) } else { classes };
        let mut expected = p.shape();
        expected.dims_mut().remove(axis);
        if !classes.shape().compatible(&expected) {
            let received = classes.shape().to_string();
            return Err(Error::mismatch(ErrorKind::Shape, format!("classes of shape {expected}"), received));
        }
        let count = p.shape().dim(axis);
        let count = count.ok_or_else(|| Error::mismatch(ErrorKind::Shape, "a known number of classes", p.shape().to_string()))?;
        entropy(&one_hot(&classes, count, axis as i64, p.dtype()), &p, config)
    };
    /// The peak signal-to-noise ratio of two tensors in decibels; `max_val` is the largest possible value.
    ///
    /// One number. Other shapes are an error.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::psnr(&input([3]), &input([3]), 255.0).rank(), 0);
    /// ```
    pub fn psnr(x1: &Tensor, x2: &Tensor, max_val: f64) -> Tensor { [x1, x2, max_val] }
    "ops.nn" / "PSNR" as "psnr(x1, x2, max_val)" [Tensor, Tensor, Number] => |inputs, config| {
        let (a, b) = float_operands(inputs)?;
        same_shape(&a, &b)?;
        let error = mean((a - b).square(), Axes::All, false);
        Ok((20.0 * option::<f64>(config, "max_val")?.log10() - error.log10() * 10).into())
    };
}}

fn epsilon(config: &Config) -> Result<f64> {
    Ok(option::<Option<f64>>(config, "epsilon")?.unwrap_or(EPSILON))
}

fn same_shape(a: &Tensor, b: &Tensor) -> Result<()> {
    let fit = |(a, b): (&Dim, &Dim)| a.is_none() || b.is_none() || a == b;
    let (of_a, of_b) = (a.shape(), b.shape());
    match a.rank() == b.rank() && of_a.dims().iter().zip(of_b.dims()).all(fit) {
        true => Ok(()),
        false => Err(Error::mismatch(
            ErrorKind::Shape,
            format!("shape {of_a}"),
            of_b.to_string(),
        )),
    }
}

fn batch_call(inputs: &Inputs, config: &Config) -> Traced {
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

fn layer_call(inputs: &Inputs, config: &Config) -> Traced {
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

fn attention_call(inputs: &Inputs, config: &Config) -> Traced {
    absent(config, &["flash_attention", "attn_logits_soft_cap"])?;
    let argument = |i, name| tensor_argument(inputs, i, name);
    let (query, key, value) = (
        argument(0, "query")?,
        argument(1, "key")?,
        argument(2, "value")?,
    );
    for x in [&query, &key, &value] {
        if x.rank() != 4 {
            return Err(Error::mismatch(
                ErrorKind::Shape,
                "tensors of rank 4",
                x.shape().to_string(),
            ));
        }
    }
    let dtype = prim::promote(prim::promote(query.dtype(), key.dtype()), value.dtype());
    let [query, key, value] = [&query, &key, &value].map(|x| prim::convert(x, dtype));
    let (query, key, value) = (query?, key?, value?);
    let size = query.shape().dim(3).unwrap_or(1) as f64;
    let scale = inputs.plain(5, "scale").and_then(number_from_json);
    let mut scores =
        wide(&einsum("btnh,bsnh->bnts", [&query, &key]))? * scale.unwrap_or(1.0 / size.sqrt());
    if let Some(bias) = inputs.tensor(3, "bias") {
        scores = scores + prim::convert(bias, dtype)?;
    }
    scores.check()?;
    let mut seen = inputs.tensor(4, "mask").cloned();
    if option(config, "is_causal")? {
        let ones = prim::full(&scores, &scores.shape(), DType::I32, 1.0)?;
        let causal = prim::convert(&triangle(&ones, 0, true)?, DType::Bool)?;
        seen = Some(match seen {
            Some(mask) => super::logical_and(mask, causal),
            None => causal,
        });
    }
    if let Some(seen) = seen {
        scores = where_(&seen, &scores, -0.7 * f64::from(f32::MAX));
    }
    let weights = prim::convert(&softmax(&scores, -1), dtype)?;
    Ok(einsum("bnts,bsnh->btnh", [&weights, &value]).into())
}

/// The sum of the targets' products with the logarithms of probabilities, negated.
fn entropy(y: &Tensor, p: &Tensor, config: &Config) -> Traced {
    let axis: i64 = option(config, "axis")?;
    let logs = match option(config, "from_logits")? {
        true => log_softmax(p, axis),
        false => clip(p / sum(p, axis, true), EPSILON, 1.0 - EPSILON).log(),
    };
    Ok((-sum(y * logs, axis, false)).into())
}
