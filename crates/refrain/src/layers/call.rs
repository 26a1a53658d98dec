//! What a layer sees while its function is traced.

use refrain_graph::{Literal, Op, Shape};

use super::handle::AnyLayer;
use super::properties::STATES;
use super::states::{check_states, state_specs};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
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

    /// The sum of a tensor and the bias of this name, if `build` declared it.
    pub(crate) fn add_bias(&self, y: Tensor, name: &str) -> Result<Tensor> {
        match self.optional_weight(name)? {
            Some(bias) => (y + bias).checked(),
            None => y.checked(),
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

    /// What stays the same in all steps of the sequence that an [`Rnn`](super::Rnn) runs this layer over: made at the first of
    /// them, outside of the loop, and anew for each sequence. Factors of dropout, for which a step has no random numbers of its
    /// own, are made so. Outside of a loop it is made at each call.
    ///
    /// ```
    /// use refrain::layers::{Build, Call, Layer, Properties, Rnn, RnnOutput};
    /// use refrain::{Inputs, Result, input, ops};
    ///
    /// /// Sums of the steps, without half of the features.
    /// struct Sums;
    ///
    /// impl Layer for Sums {
    ///     type Output = RnnOutput;
    ///
    ///     fn class_name(&self) -> &str {
    ///         "Sums"
    ///     }
    ///
    ///     fn properties(&self) -> Properties {
    ///         Properties::cell([[3]])
    ///     }
    ///
    ///     fn build(&self, cx: &mut Build) -> Result<()> {
    ///         cx.add_seed(None);
    ///         Ok(())
    ///     }
    ///
    ///     fn call(&self, cx: &Call, inputs: &Inputs) -> Result<RnnOutput> {
    ///         let (x, states) = (inputs.one()?, cx.states(inputs)?);
    ///         let kept = cx.in_all_steps("kept", |cx| {
    ///             Ok(vec![ops::cast(&ops::less(&cx.random_uniform([3])?, 0.5), x.dtype())])
    ///         })?;
    ///         let sum = &states[0] + x * &kept[0];
    ///         Ok(RnnOutput { output: sum.clone(), state: vec![sum] })
    ///     }
    /// }
    ///
    /// let sums = Rnn::new(Sums.into_layer()).call(&input([None, Some(3)]))?;
    /// assert_eq!(sums.shape().to_string(), "(None, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn in_all_steps(
        &self,
        name: &str,
        make: impl FnOnce(&Call) -> Result<Vec<Tensor>>,
    ) -> Result<Vec<Tensor>> {
        let Some(outside) = self.trace.around_steps() else {
            return make(self);
        };
        let cx = Call {
            trace: outside.clone(),
            layer: self.layer.clone(),
            number: self.number,
        };
        let training = outside.training();
        outside.set_training(self.training());
        let made = outside.in_all_steps((self.layer.id(), name.to_owned()), || make(&cx));
        outside.set_training(training);
        made
    }

    /// The states that a cell is called with: its second argument, or the one by the name `states`.
    ///
    /// # Errors
    /// They are not as many as the layer's [`Properties`](super::Properties) say, or have other shapes.
    pub fn states(&self, inputs: &Inputs) -> Result<Vec<Tensor>> {
        let given = inputs.get(1, STATES).ok_or_else(|| {
            Error::mismatch(ErrorKind::Structure, "the states of a cell", "none")
                .hint("Call the cell with `Inputs::new(&x).arg([&state])`, or run it over a sequence with `Rnn`")
        })?;
        let states = given.flatten().into_iter().map(|s| self.floats(s));
        let states = states.collect::<Result<Vec<_>>>()?;
        if let Some(shapes) = self.layer.properties().states {
            let batch = inputs.first()?.flatten().first().and_then(|x| x.dim(0));
            let specs = state_specs(&shapes.into_leaves(), batch, self.layer.dtype());
            check_states(&states, &specs, "states")?;
        }
        Ok(states)
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
        ops::random_bits_to_uniform(&self.random_bits(shape)?)
    }

    /// Random bits as u32.
    pub(crate) fn random_bits(&self, shape: impl Into<Shape>) -> Result<Tensor> {
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
        Ok(bits)
    }
}
