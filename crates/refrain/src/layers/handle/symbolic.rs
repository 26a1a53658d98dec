//! Calls of layers on symbolic tensors, which record a node.

use std::sync::{Arc, OnceLock};

use super::AnyLayer;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::masks;
use crate::layers::node::{Node, OutputSpec, Recorded};
use crate::structure::Structure;
use crate::tensor::{Tensor, only_constants};
use crate::trace::Trace;
use crate::warnings;

impl AnyLayer {
    /// Calls the layer on symbolic tensors (which records a node) or on traced ones (which lowers it in place).
    pub fn call_structure(&self, inputs: &Inputs) -> Result<Structure<Tensor>> {
        self.call_under(inputs, None)
    }

    /// Calls the layer on symbolic tensors; weights that the call makes get paths inside the outer layer's.
    pub(crate) fn call_within(&self, inputs: &Inputs, outer: &str) -> Result<Structure<Tensor>> {
        self.call_under(inputs, Some(outer))
    }

    fn call_under(&self, inputs: &Inputs, outer: Option<&str>) -> Result<Structure<Tensor>> {
        let call = self.calls() + 1;
        let inputs = self.0.layer.arguments(inputs);
        let inputs = inputs.map(|inputs| masks::as_argument(self, inputs));
        let result = inputs.and_then(|inputs| self.call_either(&inputs, outer));
        result.map_err(|e| e.in_layer(self.get_name(), self.class_name()).at_call(call))
    }

    fn call_either(&self, inputs: &Inputs, outer: Option<&str>) -> Result<Structure<Tensor>> {
        if let Some(error) = self.0.base.lock().refused.clone() {
            return Err(error);
        }
        let tensors = inputs.tensors();
        tensors.iter().try_for_each(|t| t.check())?;
        let symbolic = tensors.iter().filter(|t| t.as_symbolic().is_some()).count();
        match (symbolic, tensors.len()) {
            (_, 0) => Err(no_tensors(inputs)),
            (0, _) => {
                let traces = Trace::innermost(&tensors)?;
                self.lower(&traces, inputs)
            }
            (s, n) if s == n => self.call_symbolic(inputs, outer),
            _ => Err(mixed()),
        }
    }

    fn call_symbolic(&self, inputs: &Inputs, outer: Option<&str>) -> Result<Structure<Tensor>> {
        let trace = Trace::new(false);
        if let Some(outer) = outer {
            trace.enter(outer, outer);
        }
        let placeholders = inputs.try_map(|t| placeholder(&trace, t))?;
        let outputs = self.lower(&trace, &placeholders)?;
        let flat = outputs.flatten();
        let keeps_mask = flat.iter().any(|t| t.mask().is_some());
        warnings::mask_destroyed(self, inputs, keeps_mask);
        let given = placeholders.tensors();
        let specs = flat.iter().map(|t| {
            Ok(OutputSpec {
                spec: t.expect_traced()?.spec.clone(),
                mask: t.mask().map(|m| m.spec()),
                same_as: given.iter().position(|input| input.is_same(t)),
            })
        });
        let specs = specs.collect::<Result<Vec<_>>>()?;
        let same = |o: &OutputSpec| o.same_as.is_some() && o.mask.is_some();
        if masks::keeps_on_jax(self) && specs.iter().any(same) {
            warnings::mask_of_same_tensor(self);
        }
        let positions = outputs
            .with_leaves(0..flat.len())
            .ok_or_else(|| Error::new(ErrorKind::Internal, "outputs without positions"))?;
        let node = self.record(inputs.clone(), positions, specs, Recorded::Call);
        Ok(node.tensors())
    }

    /// Records a call whose outputs are known.
    pub(crate) fn record(
        &self,
        inputs: Inputs,
        outputs: Structure<usize>,
        specs: Vec<OutputSpec>,
        recorded: Recorded<'_>,
    ) -> Arc<Node> {
        let names = recorded.names(specs.len());
        let carries_masks = specs.iter().any(|output| output.mask.is_some());
        let merges_masks = carries_masks && masks::are_merged(self, &inputs);
        self.connections().add(|index| Node {
            layer: self.clone(),
            inputs,
            index,
            outputs,
            specs,
            names,
            repeated: matches!(recorded, Recorded::Repetition),
            merges_masks,
            masks: OnceLock::new(),
        })
    }
}

/// What is wrong with arguments of both sorts.
pub(crate) fn mixed() -> Error {
    let message = "symbolic tensors and tensors of a layer's `call` cannot be mixed";
    Error::new(ErrorKind::Symbolic, message)
        .hint("Give the layer every tensor that it uses as an input of its call")
}

/// What is wrong with arguments that no input of a model leads to.
fn no_tensors(inputs: &Inputs) -> Error {
    let constants = inputs.map_constants(|_| Err(only_constants())).err();
    constants.unwrap_or_else(|| Error::mismatch(ErrorKind::Structure, "input tensors", "none"))
}

/// Stands for a symbolic tensor while shapes are inferred.
fn placeholder(trace: &Trace, tensor: &Tensor) -> Result<Tensor> {
    let Some(symbolic) = tensor.as_symbolic() else {
        return Err(Error::new(
            ErrorKind::Symbolic,
            "a symbolic tensor is needed",
        ));
    };
    let mask = symbolic.mask.clone().map(|spec| trace.input("mask", spec));
    Ok(trace
        .input(&symbolic.name, symbolic.spec.clone())
        .with_mask(mask))
}
