//! Penalties on weights and outputs.

mod l1;
mod l1_l2;
mod l2;
mod orthogonal;

pub use l1::L1;
pub use l1_l2::L1L2;
pub use l2::L2;
pub use orthogonal::{OrthogonalMode, OrthogonalRegularizer};

use crate::objects::{Class, kind};
use crate::ops;
use crate::tensor::Tensor;

/// What a regularizer computes.
///
/// ```
/// use refrain::regularizers::{Regularizer, RegularizerClass};
/// use refrain::{Tensor, layers::Dense, ops};
///
/// refrain::options! {
///     /// The largest absolute value, times a factor.
///     pub struct LInfinity: Regularizer [
///         /// Factor of the penalty.
///         factor: f64 = 0.01,
///     ] {}
/// }
///
/// impl RegularizerClass for LInfinity {
///     fn penalty(&self, x: &Tensor) -> Tensor {
///         ops::max(&x.abs(), ops::Axes::All, false) * self.factor
///     }
/// }
///
/// let layer = Dense::new(4).kernel_regularizer(LInfinity::new(0.1));
/// ```
pub trait RegularizerClass: Class {
    /// The penalty of a tensor: a scalar, which is added to the loss. An operation that does not fit is an error of the step.
    fn penalty(&self, x: &Tensor) -> Tensor;

    /// Whether the penalty of a tensor is the sum of the penalties of its elements: `false` by default.
    fn is_separable(&self) -> bool {
        false
    }
}

kind! {
    /// A penalty that is added to the loss.
    ///
    /// ```
    /// use refrain::layers::Dense;
    /// use refrain::regularizers::{L1L2, Regularizer};
    /// let layer = Dense::new(4).kernel_regularizer(L1L2::new(1e-5, 1e-4));
    /// let short = Dense::new(4).kernel_regularizer(Regularizer::l2(1e-4));
    /// ```
    ///
    /// Source: `keras/src/regularizers/regularizers.py`.
    Regularizer of RegularizerClass, (), "a regularizer", "keras.regularizers" {
        L1 = "L1" | "l1";
        L2 = "L2" | "l2";
        L1L2 = "L1L2" | "l1_l2" | "l1l2";
        OrthogonalRegularizer = "OrthogonalRegularizer" | "orthogonal_regularizer";
    }
}

impl Regularizer {
    /// `l1·Σ|x|`.
    pub fn l1(l1: f64) -> Self {
        L1::new(l1).into()
    }

    /// `l2·Σx²`.
    pub fn l2(l2: f64) -> Self {
        L2::new(l2).into()
    }

    /// `l1·Σ|x| + l2·Σx²`.
    pub fn l1_l2(l1: f64, l2: f64) -> Self {
        L1L2::new(l1, l2).into()
    }

    /// The penalty of a tensor: a scalar.
    pub fn penalty(&self, x: &Tensor) -> Tensor {
        self.0.penalty(x)
    }

    /// See [`RegularizerClass::is_separable`].
    pub(crate) fn is_separable(&self) -> bool {
        self.0.is_separable()
    }
}

fn sum_of_absolutes(x: &Tensor) -> Tensor {
    ops::sum(&x.abs(), ops::Axes::All, false)
}

fn sum_of_squares(x: &Tensor) -> Tensor {
    ops::sum(&x.square(), ops::Axes::All, false)
}
