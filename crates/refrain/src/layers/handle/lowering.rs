//! What a call of a layer adds to a program: its weights at the first, and its function.

use super::{AnyLayer, BuildSpecs, Origin};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::{Inputs, MaskRule};
use crate::layers::build::Build;
use crate::layers::call::Call;
use crate::layers::layer::InputSpec;
use crate::names;
use crate::ops::{self, prim};
use crate::structure::Structure;
use crate::tensor::Tensor;
use crate::trace::{Penalties, Trace};

impl AnyLayer {
    /// Adds the layer's function to a program.
    pub(crate) fn lower(&self, trace: &Trace, inputs: &Inputs) -> Result<Structure<Tensor>> {
        self.lower_as(trace, inputs, Some(self.calls() + 1))
    }

    /// Adds the layer's function to a program as this call of it; `None` for the model that is run.
    pub(crate) fn lower_as(
        &self,
        trace: &Trace,
        inputs: &Inputs,
        call: Option<usize>,
    ) -> Result<Structure<Tensor>> {
        let label = match call {
            Some(call) => self.call_label(call),
            None => format!("model `{}`", self.get_name()),
        };
        let inputs = trace.place(inputs)?.try_map(|t| Ok(self.autocast(t)))?;
        self.build_for(&inputs, &trace.layer_path().join("/"))?;
        self.check_inputs(&inputs)?;
        let outer = trace.enter(self.get_name(), &label);
        let outer_training = trace.training();
        trace.set_training(inputs.training().unwrap_or(outer_training));
        let inputs = inputs.watched();
        let result = self.lower_inside(trace, &inputs, call);
        if inputs.mask_rule() == MaskRule::Taken {
            // Off what it was called on, not off what was cast for it.
            inputs.tensors().iter().for_each(|t| t.hang_mask(None));
        }
        trace.set_training(outer_training);
        trace.leave(outer);
        result
    }

    fn lower_inside(
        &self,
        trace: &Trace,
        inputs: &Inputs,
        number: Option<usize>,
    ) -> Result<Structure<Tensor>> {
        let cx = Call {
            trace: trace.clone(),
            layer: self.clone(),
            number,
        };
        let penalties = trace.penalties();
        let inner = Penalties {
            own: true,
            ..penalties
        };
        let outputs = trace.with_penalties(inner, || self.0.layer.call(&cx, inputs))?;
        inputs.check_asked()?;
        let flat: Vec<Tensor> = outputs.flatten().into_iter().cloned().collect();
        flat.iter().try_for_each(Tensor::check)?;
        if penalties.own {
            self.add_activity_loss(&cx, &flat)?;
        }
        let masks = self.compute_mask(&cx, inputs, &flat)?;
        let given = inputs.tensors();
        let masked = flat.iter().zip(masks).map(|(output, mask)| {
            let same = given.iter().find(|input| input.is_same(output));
            match (inputs.mask_rule(), same) {
                (MaskRule::Lost, Some(_)) => prim::copy(output),
                (MaskRule::Lost, None) => Ok(output.with_mask(None)),
                (_, Some(input)) => Ok(output.with_mask(mask_of(input, mask))),
                (_, None) => Ok(output.with_mask(mask)),
            }
        });
        let masked = masked.collect::<Result<Vec<_>>>()?;
        outputs
            .with_leaves(masked)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "fewer masks than outputs"))
    }

    /// The masks of the flat outputs of a call.
    pub(crate) fn compute_mask(
        &self,
        cx: &Call,
        inputs: &Inputs,
        outputs: &[Tensor],
    ) -> Result<Vec<Option<Tensor>>> {
        self.0.layer.compute_mask(cx, inputs, outputs)
    }

    /// Refuses options that make no sense.
    pub(crate) fn validate(&self) -> Result<()> {
        let valid = self.0.layer.validate();
        valid.map_err(|e| e.in_layer(self.get_name(), self.class_name()))
    }

    /// The states that a cell starts a sequence from, in a program.
    pub(crate) fn initial_state(&self, trace: &Trace, zeros: Vec<Tensor>) -> Result<Vec<Tensor>> {
        let cx = Call {
            trace: trace.clone(),
            layer: self.clone(),
            number: None,
        };
        let states = self.0.layer.initial_state(&cx, zeros);
        states.map_err(|e| e.in_layer(self.get_name(), self.class_name()))
    }

    fn add_activity_loss(&self, cx: &Call, outputs: &[Tensor]) -> Result<()> {
        match self.activity_regularizer() {
            Some(regularizer) => {
                let mut outputs = outputs.iter();
                outputs.try_for_each(|output| cx.add_penalty(&regularizer, output))
            }
            None => Ok(()),
        }
    }

    /// Floats come as the layer's type; integers and truth values stay what they are.
    fn autocast(&self, tensor: &Tensor) -> Tensor {
        match self.0.layer.casts_inputs() {
            true => ops::cast_floats(tensor, self.0.base.dtype).with_mask(tensor.mask()),
            false => tensor.clone(),
        }
    }

    fn check_inputs(&self, inputs: &Inputs) -> Result<()> {
        let spec = self.0.base.lock().input_spec.clone();
        if let Some(first) = inputs
            .first()
            .ok()
            .and_then(|s| s.flatten().first().copied())
        {
            spec.check(self.class_name(), &first.spec())?;
        }
        Ok(())
    }

    /// Makes the weights, unless they exist. Nothing is kept of a build that fails.
    pub(crate) fn build_for(&self, inputs: &Inputs, outer_path: &str) -> Result<()> {
        if self.built() {
            return Ok(());
        }
        if self.0.base.name.origin != Origin::Read {
            names::check(self.get_name())?;
        }
        self.validate()?;
        let path = match outer_path {
            "" => self.get_name().to_owned(),
            outer => format!("{outer}/{}", self.get_name()),
        };
        let mut build = Build {
            inputs: inputs.clone(),
            path,
            dtype: self.0.base.dtype,
            trainable: self.trainable(),
            weights: Vec::new(),
            states: Vec::new(),
            seed: None,
            input_spec: InputSpec::default(),
        };
        self.0.layer.build(&mut build)?;
        let mut state = self.0.base.lock();
        if state.built {
            return Ok(()); // another thread was faster
        }
        state.build_specs = BuildSpecs::of(inputs);
        state.weights = build.weights;
        state.states = build.states;
        state.seed = build.seed;
        state.input_spec = build.input_spec;
        state.built = true;
        Ok(())
    }
}

/// The mask of an output that is an input: the one that it has, else the computed one, which then hangs on the input too.
fn mask_of(input: &Tensor, computed: Option<Tensor>) -> Option<Tensor> {
    let own = input.with_hung_mask().mask();
    if own.is_none() && computed.is_some() {
        input.hang_mask(computed.as_ref());
    }
    own.or(computed)
}
