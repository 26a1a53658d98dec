//! What a layer sees while its function is traced.

use refrain_graph::{Literal, Op, Shape};

use super::handle::AnyLayer;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{self, prim};
use crate::regularizers::Regularizer;
use crate::tensor::Tensor;
use crate::trace::{Indices, Trace};

/// What a layer sees while its function is traced: its weights, whether it trains, randomness, and places to put
/// losses and new values.
pub struct Call {
    pub(crate) trace: Trace,
    pub(crate) layer: AnyLayer,
    /// Which call of the layer it is (1 is the first); `None` for the model that is run.
    pub(crate) number: Option<usize>,
}

impl Call {
    /// Whether the program is for fitting (dropout drops, batch statistics are used).
    pub fn training(&self) -> bool {
        self.trace.training()
    }

    /// Whether the layer's weights are being trained (a frozen BatchNormalization uses its moving statistics).
    pub fn trainable(&self) -> bool {
        self.layer.trainable()
    }

    /// A weight's present value.
    pub fn weight(&self, name: &str) -> Result<Tensor> {
        let variable = self.layer.variable(name)?;
        self.trace.variable(&variable)
    }

    /// A weight's present value, or `None` if `build` did not declare it (an optional bias).
    pub fn optional_weight(&self, name: &str) -> Result<Option<Tensor>> {
        match self.layer.variable(name) {
            Ok(variable) => self.trace.variable(&variable).map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Gives a weight a new value after this call (moving statistics, states kept between batches).
    pub fn assign(&self, name: &str, value: &Tensor) -> Result<()> {
        self.trace.assign(&self.layer.variable(name)?, value)
    }

    /// Adds a scalar to the model's loss.
    pub fn add_loss(&self, loss: &Tensor) -> Result<()> {
        self.trace.add_loss(loss)
    }

    /// Adds the penalty of an output, a sample's share of it, to the model's loss.
    pub(crate) fn add_penalty(&self, regularizer: &Regularizer, output: &Tensor) -> Result<()> {
        let rows = output.dim(0).unwrap_or(1).max(1);
        let samples = rows as f64 / self.trace.penalties().steps as f64;
        self.add_loss(&(regularizer.penalty(output) / samples))
    }

    /// Says that values are indices below a size. Whether they are an input of the model, whose data are checked.
    pub(crate) fn check_indices(&self, indices: &Tensor, size: usize) -> Result<bool> {
        let value = self.trace.import(indices)?;
        Ok(self.trace.check_indices(Indices {
            value,
            size,
            layer: self.layer.get_name().to_owned(),
            class: self.layer.class_name().to_owned(),
            call: self.number,
        }))
    }

    /// Integers and truth values as numbers of the layer's type, for layers that compute with floats only; others as they
    /// are.
    pub(crate) fn floats(&self, x: &Tensor) -> Result<Tensor> {
        let dtype = self.layer.dtype();
        if x.dtype().is_float() || !dtype.is_float() {
            return Ok(x.clone());
        }
        Ok(prim::convert(x, dtype)?.with_mask(x.mask()))
    }

    /// A constant tensor.
    pub fn constant(&self, value: Literal) -> Tensor {
        self.trace.constant(value)
    }

    /// Uniform random numbers in [0, 1) as f32. The layer must have called [`add_seed`](super::Build::add_seed).
    pub fn random_uniform(&self, shape: impl Into<Shape>) -> Result<Tensor> {
        let seed = self.layer.seed().ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                "random numbers need `add_seed` in the layer's `build`",
            )
        })?;
        let state = self.trace.variable(&seed)?;
        let mut outputs = Trace::apply_multi(Op::RngBitGenerator(shape.into()), &[&state])?;
        let bits = outputs.pop().expect("two outputs");
        let next = outputs.pop().expect("two outputs");
        self.trace.assign(&seed, &next)?;
        ops::random_bits_to_uniform(&bits)
    }
}
