//! Rules of weights and outputs: an initializer, a regularizer, a constraint, an activation function.

use refrain::activations::{Activation, ActivationClass};
use refrain::constraints::{Constraint, ConstraintClass};
use refrain::initializers::{Initializer, InitializerClass, literal};
use refrain::regularizers::{Regularizer, RegularizerClass};
use refrain::{DType, Literal, Result, Tensor, ops, options};

options! {
    /// 0, `step`, 2 `step`, … in the order of the elements.
    pub struct Ramp as "extending>Ramp": Initializer [
        /// The difference between two elements.
        step: f64 = 0.1,
    ] {}
}

impl InitializerClass for Ramp {
    fn sample(&self, shape: &[usize], dtype: DType) -> Result<Literal> {
        let values = (0..shape.iter().product()).map(|i: usize| i as f64 * self.step);
        literal(shape, values.collect(), dtype)
    }
}

options! {
    /// The largest absolute value, times a factor.
    pub struct LInfinity as "extending>LInfinity": Regularizer [
        /// Factor of the penalty.
        factor: f64 = 0.01,
    ] {}
}

impl RegularizerClass for LInfinity {
    fn penalty(&self, x: &Tensor) -> Tensor {
        ops::max(&x.abs(), ops::Axes::All, false) * self.factor
    }
}

options! {
    /// Elements are multiples of `step`.
    pub struct Halves as "extending>Halves": Constraint [
        /// The distance between two values.
        step: f64 = 0.5,
    ] {}
}

impl ConstraintClass for Halves {
    fn project(&self, weight: &Tensor) -> Tensor {
        (weight / self.step + 0.5).floor() * self.step
    }
}

options! {
    /// `x + sin²(a x) / a`.
    pub struct Snake as "extending>Snake": Activation [
        /// Frequency of the periodic part.
        a: f64 = 1.0,
    ] {}
}

impl ActivationClass for Snake {
    fn call(&self, x: &Tensor) -> Tensor {
        x + ops::sin(&(x * self.a)).square() / self.a
    }
}
