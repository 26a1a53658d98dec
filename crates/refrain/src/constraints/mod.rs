//! Constraints: projections of weights after each update.

mod max_norm;
mod min_max_norm;
mod non_neg;
mod unit_norm;

pub use max_norm::MaxNorm;
pub use min_max_norm::MinMaxNorm;
pub use non_neg::NonNeg;
pub use unit_norm::UnitNorm;

use serde_json::Value as Json;

use crate::config::{ConfigValue, unexpected};
use crate::error::Result;
use crate::objects::{Class, constants, kind};
use crate::ops;
use crate::tensor::Tensor;

/// What a constraint computes.
///
/// ```
/// use refrain::constraints::{Constraint, ConstraintClass};
/// use refrain::{Tensor, layers::Dense, ops};
///
/// refrain::options! {
///     /// Columns of norm 1.
///     pub struct UnitColumns: Constraint {}
/// }
///
/// impl ConstraintClass for UnitColumns {
///     fn project(&self, weight: &Tensor) -> Tensor {
///         weight / (ops::sum(&weight.square(), 0, true).sqrt() + 1e-7)
///     }
/// }
///
/// use refrain::{Model, input, losses::Loss, ndarray::Array2, optimizers::Sgd};
/// let x = input([3]);
/// let layer = Dense::new(4).kernel_constraint(UnitColumns::new());
/// let model = Model::new(&x, &layer.call(&x)?)?;
/// model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
/// let (samples, targets) = (Array2::<f32>::ones((8, 3)), Array2::<f32>::zeros((8, 4)));
/// model.train_on_batch(&samples, &targets).run()?;
/// let kernel = layer.weights()[0].value()?.to_f64();
/// let squares: f64 = kernel.iter().map(|w| w * w).sum();
/// assert!((squares - 4.0).abs() < 1e-5);
/// # Ok::<(), refrain::Error>(())
/// ```
pub trait ConstraintClass: Class {
    /// The weight's projection onto what is allowed: a tensor of its shape. An operation that does not fit is an error of the step.
    fn project(&self, weight: &Tensor) -> Tensor;
}

kind! {
    /// A constraint: a projection of a weight after each update.
    ///
    /// ```
    /// use refrain::constraints::{Constraint, MaxNorm};
    /// use refrain::layers::Dense;
    /// let layer = Dense::new(4).kernel_constraint(MaxNorm::new(2.0)).bias_constraint(Constraint::NonNeg);
    /// ```
    ///
    /// Source: `keras/src/constraints/constraints.py`.
    Constraint of ConstraintClass, (), "a constraint", "keras.constraints" {
        MaxNorm = "MaxNorm" | "max_norm";
        MinMaxNorm = "MinMaxNorm" | "min_max_norm";
        NonNeg = "NonNeg" | "non_neg";
        UnitNorm = "UnitNorm" | "unit_norm";
    }
}

constants! { Constraint
    /// No element is negative.
    NonNeg;
}

impl Constraint {
    /// The weight's projection.
    pub fn project(&self, weight: &Tensor) -> Tensor {
        self.0.project(weight)
    }
}

/// Axes that a norm is taken along: one, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NormAxes(Vec<i64>);

impl From<i64> for NormAxes {
    fn from(axis: i64) -> Self {
        NormAxes(vec![axis])
    }
}

impl<const N: usize> From<[i64; N]> for NormAxes {
    fn from(axes: [i64; N]) -> Self {
        NormAxes(axes.into())
    }
}

impl ConfigValue for NormAxes {
    fn to_json(&self) -> Json {
        match &self.0[..] {
            [one] => (*one).into(),
            many => many.into(),
        }
    }

    fn from_json(json: &Json) -> Result<Self> {
        let axes = match json {
            Json::Array(_) => Vec::from_json(json),
            json => i64::from_json(json).map(|axis| vec![axis]),
        };
        axes.map(NormAxes)
            .map_err(|_| unexpected("an axis or a list of axes", json))
    }
}

fn norms(weight: &Tensor, axes: &NormAxes) -> Tensor {
    ops::sum(&weight.square(), &axes.0[..], true).sqrt()
}
