//! What an optimizer sees of a step.

use refrain_graph::{DType, Literal};

use crate::error::{Error, ErrorKind, Result};
use crate::ops;
use crate::tensor::Tensor;
use crate::utils::sizes;
use crate::variable::Variable;

/// A variable that an optimizer keeps for a weight.
#[derive(Clone, Debug)]
pub struct Slot {
    pub(super) name: &'static str,
    shape: Option<Vec<usize>>,
    first: First,
}

/// What a slot holds at first.
#[derive(Clone, Copy, Debug)]
enum First {
    Constant(f64),
    CopyOfWeight,
}

impl Slot {
    /// Of the weight's shape, at first zero.
    pub fn new(name: &'static str) -> Self {
        Slot {
            name,
            shape: None,
            first: First::Constant(0.0),
        }
    }

    /// Of another shape than the weight's.
    pub fn shape(mut self, shape: impl Into<Vec<usize>>) -> Self {
        self.shape = Some(shape.into());
        self
    }

    /// At first a copy of the weight.
    pub fn copy_of_weight(mut self) -> Self {
        self.first = First::CopyOfWeight;
        self
    }

    /// At first this number everywhere.
    pub fn filled(mut self, value: f64) -> Self {
        self.first = First::Constant(value);
        self
    }

    /// Its first value.
    pub(super) fn first_value(&self, weight: &Variable) -> Result<Literal> {
        match (&self.shape, self.first) {
            (None, First::CopyOfWeight) => weight.value(),
            (Some(shape), First::CopyOfWeight) => {
                let expected = format!("slot `{}` as a copy of its weight", self.name);
                let received = format!("the shape {shape:?} of its own");
                Err(Error::mismatch(ErrorKind::Config, expected, received))
            }
            (shape, First::Constant(value)) => {
                let shape = shape.clone().unwrap_or_else(|| weight.shape());
                let what = || format!("slot `{}` of weight `{}`", self.name, weight.path());
                sizes::check_memory(&what(), &shape, weight.dtype().size())?;
                Ok(Literal::full(shape, weight.dtype(), value))
            }
        }
    }
}

/// Values by name, of which some are set anew.
#[derive(Clone, Debug, Default)]
pub(super) struct Named(pub(super) Vec<(&'static str, Tensor)>);

impl Named {
    fn get(&self, name: &str) -> Result<Tensor> {
        let found = self.0.iter().find(|(n, _)| *n == name);
        found.map(|(_, t)| t.clone()).ok_or_else(|| missing(name))
    }

    fn set(&mut self, name: &str, value: Tensor) -> Result<()> {
        let slot = self.0.iter_mut().find(|(n, _)| *n == name);
        slot.ok_or_else(|| missing(name))?.1 = value;
        Ok(())
    }
}

fn missing(name: &str) -> Error {
    let message = format!("the optimizer has declared no variable `{name}`");
    Error::new(ErrorKind::Config, message)
}

/// What an optimizer sees of one step of one weight.
pub struct Update<'a> {
    pub(super) weight: &'a Variable,
    pub(super) learning_rate: Tensor,
    pub(super) step: Tensor,
    pub(super) slots: Named,
    pub(super) scalars: &'a Named,
}

impl Update<'_> {
    /// The learning rate: a scalar of the weight's type.
    pub fn learning_rate(&self) -> &Tensor {
        &self.learning_rate
    }

    /// The number of this step, from 1: a scalar of the weight's type.
    pub fn step(&self) -> &Tensor {
        &self.step
    }

    /// The weight: its name, shape and type.
    pub fn weight(&self) -> &Variable {
        self.weight
    }

    /// A slot's value.
    ///
    /// # Errors
    /// The optimizer has declared no such slot.
    pub fn slot(&self, name: &str) -> Result<Tensor> {
        self.slots.get(name)
    }

    /// Moves a slot towards a value, an exponential moving average of this decay rate, and gives it.
    ///
    /// # Errors
    /// The optimizer has declared no such slot.
    pub fn average(&mut self, name: &str, value: &Tensor, decay: f64) -> Result<Tensor> {
        let old = self.slot(name)?;
        let new = &old + (value - &old) * (1.0 - decay);
        self.set_slot(name, new.clone())?;
        Ok(new)
    }

    /// What an average of this decay rate that began at 0 is divided by: 1 minus the rate to the power of the step.
    pub fn bias_correction(&self, decay: f64) -> Tensor {
        ops::subtract(1.0, ops::power(decay, &self.step))
    }

    /// Gives a slot its value after the step.
    ///
    /// # Errors
    /// The optimizer has declared no such slot.
    pub fn set_slot(&mut self, name: &str, value: Tensor) -> Result<()> {
        self.slots.set(name, value)
    }

    /// A variable of the optimizer itself, as [`prepare`](super::OptimizerClass::prepare) left it: a scalar of the weight's type.
    ///
    /// # Errors
    /// The optimizer has declared no such variable.
    pub fn scalar(&self, name: &str) -> Result<Tensor> {
        crate::ops::prim::convert(&self.scalars.get(name)?, self.weight.dtype())
    }
}

/// What an optimizer sees of one step of all weights together.
pub struct Updates<'a> {
    pub(super) weights: &'a [Variable],
    pub(super) gradients: Vec<Tensor>,
    pub(super) learning_rate: Tensor,
    pub(super) step: Tensor,
    pub(super) scalars: Named,
}

impl Updates<'_> {
    /// The weights: their names, shapes and types.
    pub fn weights(&self) -> &[Variable] {
        self.weights
    }

    /// Their gradients, which may be changed.
    pub fn gradients(&mut self) -> &mut [Tensor] {
        &mut self.gradients
    }

    /// The learning rate: a scalar of the first weight's type.
    pub fn learning_rate(&self) -> &Tensor {
        &self.learning_rate
    }

    /// The number of this step, from 1: a scalar of the first weight's type.
    pub fn step(&self) -> &Tensor {
        &self.step
    }

    /// A variable of the optimizer itself: a scalar of the first weight's type.
    ///
    /// # Errors
    /// The optimizer has declared no such variable.
    pub fn scalar(&self, name: &str) -> Result<Tensor> {
        self.scalars.get(name)
    }

    /// Gives a variable of the optimizer itself its value after the step.
    ///
    /// # Errors
    /// The optimizer has declared no such variable.
    pub fn set_scalar(&mut self, name: &str, value: Tensor) -> Result<()> {
        self.scalars.set(name, value)
    }
}

/// The type of an optimizer's own variables: the first weight's.
pub(super) fn scalar_type(weights: &[Variable]) -> DType {
    let first = weights.first().map(Variable::dtype);
    first.filter(|dtype| dtype.is_float()).unwrap_or(DType::F32)
}
