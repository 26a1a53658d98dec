//! Features with mean 0 and variance 1.

use ndarray::{ArrayBase, ArrayD, Axis, Data, Dimension, IxDyn};
use refrain_graph::{BinaryOp, DType, Literal, Shape, Spec, UnaryOp};
use serde_json::Value as Json;

use crate::config::{ConfigValue, EPSILON, unexpected};
use crate::data::Sample;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::normalization::{broadcastable, known_sizes};
use crate::layers::{AxisList, Build, Call, Layer, Weight, layer_methods, layer_options};
use crate::ops::prim;
use crate::tensor::{Tensor, resolve_axis};
use crate::trace::Trace;

layer_options! {
    /// `(input - mean) / sqrt(variance)` with the mean and the variance of data, for each place along some axes.
    ///
    /// Input and output of any one shape; integers become the layer's type. Mean and variance are given, or
    /// [`adapt`](Self::adapt) takes them from data; until then they are 0 and 1. Weights, unless they are given: `mean` and `variance`
    /// (the sizes of the axes) and `count ()`, which Keras keeps for older files; none is trained. Masks pass.
    ///
    /// ```
    /// use ndarray::array;
    /// use refrain::{Model, input, layers::Normalization};
    /// let layer = Normalization::new();
    /// layer.adapt(&array![[1.0, 10.0], [3.0, 30.0_f32]])?;
    /// let x = input([2]);
    /// let model = Model::new(&x, layer.call(&x)?)?;
    /// let y = model.predict_on_batch(&array![[3.0, 10.0_f32]])?.into_arrays();
    /// assert_eq!(y[0], array![[1.0, -1.0_f32]].into_dyn());
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/normalization.py`.
    Normalization, NormalizationOptions {
        /// The axes whose places have means and variances of their own; none for one of all.
        axis: AxisList = AxisList::from(-1),
        /// Whether normalized features get their mean and variance back.
        invert: bool = false,
        /// The mean: one, or one for each place along the last of the axes.
        mean: Option<Statistic> = None,
        /// The variance, in the form of the mean.
        variance: Option<Statistic> = None,
    }
}

/// A mean or a variance: one number, or an array over the last of some axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistic(pub ArrayD<f64>);

impl From<f64> for Statistic {
    fn from(number: f64) -> Self {
        Statistic(ndarray::arr0(number).into_dyn())
    }
}

impl<const N: usize> From<[f64; N]> for Statistic {
    fn from(numbers: [f64; N]) -> Self {
        Statistic(ndarray::arr1(&numbers).into_dyn())
    }
}

impl From<Vec<f64>> for Statistic {
    fn from(numbers: Vec<f64>) -> Self {
        Statistic(ndarray::Array1::from(numbers).into_dyn())
    }
}

impl From<ArrayD<f64>> for Statistic {
    fn from(numbers: ArrayD<f64>) -> Self {
        Statistic(numbers)
    }
}

impl ConfigValue for Statistic {
    fn to_json(&self) -> Json {
        match self.0.ndim() {
            0 => self.0.sum().to_json(),
            _ => {
                let rows = self.0.outer_iter();
                rows.map(|row| Statistic(row.to_owned()).to_json())
                    .collect()
            }
        }
    }

    /// A number, or lists of numbers.
    fn from_json(json: &Json) -> Result<Self> {
        let array = json.get("config").and_then(|c| c.get("value"));
        let json = array.unwrap_or(json);
        let bad = || unexpected("a number, or lists of numbers", json);
        match json {
            Json::Array(items) => {
                let rows = items.iter().map(Statistic::from_json);
                let rows = rows.collect::<Result<Vec<_>>>()?;
                let views: Vec<_> = rows.iter().map(|row| row.0.view()).collect();
                ndarray::stack(Axis(0), &views)
                    .map(Statistic)
                    .map_err(|_| bad())
            }
            number => number.as_f64().map(Statistic::from).ok_or_else(bad),
        }
    }
}

impl Normalization {
    /// A layer for the last axis.
    pub fn new() -> Self {
        NormalizationOptions::default().into_layer()
    }

    /// A layer for the last axis with this mean and this variance.
    pub fn with_moments(mean: impl Into<Statistic>, variance: impl Into<Statistic>) -> Self {
        NormalizationOptions {
            mean: Some(mean.into()),
            variance: Some(variance.into()),
            ..NormalizationOptions::default()
        }
        .into_layer()
    }

    /// Takes mean and variance from data, the first axis of which are samples. What came before is forgotten.
    ///
    /// # Errors
    /// Mean and variance were given, the data are empty, or they do not fit the layer.
    pub fn adapt<T: Sample, S: Data<Elem = T>, D: Dimension>(
        &self,
        data: &ArrayBase<S, D>,
    ) -> Result<()> {
        let layer = self.any();
        let adapt = || {
            if self.options().mean.is_some() {
                let expected = "a layer without `mean` and `variance` of its own to adapt to data";
                return Err(Error::mismatch(
                    ErrorKind::Config,
                    expected,
                    "one with them",
                ));
            }
            let spec = Spec::new(Shape::from(data.shape()), DType::F32);
            let sample = Trace::new(false).input("data", spec);
            layer.build_for(&Inputs::new(&sample), "")?;
            let (mean, variance) = self.options().moments(data)?;
            layer
                .variable(MEAN)?
                .assign(mean.convert(self.any().dtype()))?;
            layer
                .variable(VARIANCE)?
                .assign(variance.convert(self.any().dtype()))
        };
        adapt().map_err(|e| e.in_layer(layer.get_name(), layer.class_name()))
    }
}

impl Default for Normalization {
    fn default() -> Self {
        Self::new()
    }
}

const MEAN: &str = "mean";
const VARIANCE: &str = "variance";

impl NormalizationOptions {
    /// The axes that are kept, in increasing order.
    fn kept(&self, rank: usize) -> Result<Vec<usize>> {
        let axes = self.axis.0.iter().map(|&axis| resolve_axis(axis, rank));
        let mut axes = axes.collect::<Result<Vec<_>>>()?;
        axes.sort_unstable();
        axes.dedup();
        // Given statistics are only broadcast, and Keras lets them.
        match self.mean.is_some() || axes.len() == self.axis.0.len() {
            true => Ok(axes),
            false => Err(self.repeats_axes()),
        }
    }

    fn repeats_axes(&self) -> Error {
        let received = format!("{:?}", self.axis.0);
        Error::mismatch(
            ErrorKind::Config,
            "different axes for option `axis`",
            received,
        )
    }

    /// Mean and variance of data over the axes that are not kept.
    fn moments<T: Sample, S: Data<Elem = T>, D: Dimension>(
        &self,
        data: &ArrayBase<S, D>,
    ) -> Result<(Literal, Literal)> {
        let internal = || Error::new(ErrorKind::Internal, "data of another size");
        let values: Vec<T> = data.iter().copied().collect();
        let values = Literal::new(data.shape().to_vec(), values).ok_or_else(internal)?;
        let array = ArrayD::from_shape_vec(IxDyn(data.shape()), values.to_f64());
        let mut array = array.map_err(|_| internal())?;
        if array.is_empty() {
            return Err(Error::mismatch(
                ErrorKind::Shape,
                "data",
                format!("shape {:?}", data.shape()),
            ));
        }
        let kept = self.kept(array.ndim())?;
        let reduced: Vec<usize> = (0..array.ndim())
            .filter(|axis| !kept.contains(axis))
            .collect();
        let mean_over = |array: &ArrayD<f64>| {
            let axes = reduced.iter().rev();
            axes.fold(array.clone(), |array, &axis| {
                let n = array.len_of(Axis(axis)) as f64;
                array.sum_axis(Axis(axis)).insert_axis(Axis(axis)) / n
            })
        };
        let mean = mean_over(&array);
        array -= &mean;
        let variance = mean_over(&array.mapv(|d| d * d));
        let sizes: Vec<usize> = kept.iter().map(|&axis| array.len_of(Axis(axis))).collect();
        let literal = |array: ArrayD<f64>| {
            Literal::new(sizes.clone(), array.into_iter().collect::<Vec<f64>>())
                .ok_or_else(internal)
        };
        Ok((literal(mean)?, literal(variance)?))
    }

    /// A given statistic, its axes in the places of the last of those that are kept.
    fn given(&self, cx: &Call, x: &Tensor, statistic: &Statistic) -> Result<Tensor> {
        let kept = self.kept(x.rank())?;
        let own = statistic.0.shape();
        let mut sizes = vec![1; x.rank()];
        for (&size, &axis) in own.iter().rev().zip(kept.iter().rev()) {
            if size != 1 && x.shape().dim(axis).is_some_and(|d| d != size) {
                return Err(Error::mismatch(
                    ErrorKind::Shape,
                    format!("{size} elements along axis {axis}, as `mean` and `variance` have"),
                    format!("shape {}", x.shape()),
                ));
            }
            sizes[axis] = size;
        }
        let literal = Literal::new(sizes, statistic.0.iter().copied().collect::<Vec<f64>>());
        let literal = literal.ok_or_else(|| self.repeats_axes())?;
        Ok(cx.constant(literal.convert(x.dtype())))
    }

    /// The mean or the variance, ready to be broadcast against a tensor.
    fn statistic(
        &self,
        cx: &Call,
        x: &Tensor,
        given: &Option<Statistic>,
        name: &str,
    ) -> Result<Tensor> {
        match given {
            Some(statistic) => self.given(cx, x, statistic),
            None => broadcastable(&cx.weight(name)?, &self.kept(x.rank())?, x.rank()),
        }
    }
}

impl Layer for NormalizationOptions {
    type Output = Tensor;

    layer_methods!("Normalization");

    fn validate(&self) -> Result<()> {
        let error = |expected: &str, received: String| {
            Err(Error::mismatch(ErrorKind::Config, expected, received))
        };
        let (mean, variance) = match (&self.mean, &self.variance) {
            (None, None) => return Ok(()),
            (Some(mean), Some(variance)) => (mean.0.shape(), variance.0.shape()),
            _ => return error("both `mean` and `variance`", "one of them".to_owned()),
        };
        if mean != variance {
            return error(
                "a `mean` and a `variance` of one shape",
                format!("{mean:?} and {variance:?}"),
            );
        }
        match mean.len() > self.axis.0.len() {
            true => error(
                "a `mean` of no more axes than option `axis` has",
                format!("shape {mean:?} for axes {:?}", self.axis.0),
            ),
            false => Ok(()),
        }
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        let shape = cx.spec()?.shape;
        let sizes = known_sizes(&shape, &self.kept(shape.rank())?)?;
        if self.mean.is_some() {
            return Ok(());
        }
        cx.add_weight(Weight::new(MEAN, sizes.clone()).zeros().trainable(false))?;
        cx.add_weight(Weight::new(VARIANCE, sizes).ones().trainable(false))?;
        let count = Weight::new("count", []).dtype(DType::I32);
        cx.add_weight(count.zeros().trainable(false))
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = prim::convert(inputs.one()?, cx.layer.dtype())?;
        let mean = self.statistic(cx, &x, &self.mean, MEAN)?;
        let variance = self.statistic(cx, &x, &self.variance, VARIANCE)?;
        let deviation = prim::unary(UnaryOp::Sqrt, &variance)?;
        let least = prim::constant_like(&deviation, EPSILON)?;
        let deviation = prim::binary(BinaryOp::Maximum, &deviation, &least)?;
        match self.invert {
            true => (mean + x * deviation).checked(),
            false => ((x - mean) / deviation).checked(),
        }
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
