//! What tests of layers need: a layer from its configuration, a call on declared shapes, and the program of one call.

use refrain_graph::{Graph, Spec, Value};

use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::node::{OutputSpec, Recorded};
use crate::layers::{AnyLayer, InputLayer, Layer};
use crate::structure::Structure;
use crate::tensor::Tensor;
use crate::trace::Trace;
use crate::variable::Variable;

/// A tensor's shape and type, and those of the mask that it carries.
pub type Masked = (Spec, Option<Spec>);

/// The program of one call of a layer.
pub struct Program {
    /// The primitives. It has no results yet.
    pub graph: Graph,
    /// The variables in the order of the graph's variable parameters.
    pub variables: Vec<Variable>,
    /// The tensors of the call, in flat order.
    pub inputs: Vec<Value>,
    /// The masks that they carry.
    pub input_masks: Vec<Option<Value>>,
    /// The flat outputs.
    pub outputs: Vec<Value>,
    /// The masks that they carry.
    pub output_masks: Vec<Option<Value>>,
}

/// The whole configuration of a layer, with name, trainability and type.
pub fn full_config(layer: &AnyLayer) -> Config {
    layer.full_config()
}

/// A symbolic tensor that carries a mask.
pub fn symbolic((spec, mask): Masked) -> Tensor {
    let layer = InputLayer {
        batch_shape: spec.shape.clone(),
        dtype: spec.dtype,
        optional: false,
    };
    let outputs = Structure::Leaf(0);
    let layer = layer.into_layer().any();
    let output = OutputSpec {
        mask,
        ..spec.into()
    };
    let node = layer.record(
        Inputs::default(),
        outputs,
        vec![output],
        Recorded::Input(None),
    );
    node.tensors().into_first()
}

/// Calls a layer on symbolic tensors and gives what it infers of its flat outputs.
pub fn infer(layer: &AnyLayer, inputs: &Inputs) -> Result<Vec<Masked>> {
    let outputs = layer.call_structure(inputs)?;
    let masked = outputs.into_leaves().into_iter().map(|t| {
        let symbolic = t.as_symbolic();
        let symbolic = symbolic.ok_or_else(|| Error::new(ErrorKind::Internal, "no symbol"))?;
        Ok((symbolic.spec.clone(), symbolic.mask.clone()))
    });
    masked.collect()
}

/// Traces a call: the arguments of `inputs`, their tensors replaced by parameters of these specs.
pub fn trace(
    layer: &AnyLayer,
    inputs: &Inputs,
    specs: &[Masked],
    training: bool,
) -> Result<Program> {
    let trace = Trace::new(training);
    let (mut values, mut masks) = (Vec::new(), Vec::new());
    let mut next = specs.iter();
    let inputs = inputs.try_map(|_| {
        let (spec, mask) = next
            .next()
            .ok_or_else(|| {
                Error::mismatch(ErrorKind::Structure, "a spec for each tensor", "fewer")
            })?
            .clone();
        let input = trace.input(&format!("input_{}", values.len()), spec);
        let mask = mask.map(|spec| trace.input(&format!("mask_{}", values.len()), spec));
        values.push(trace.import(&input)?);
        masks.push(mask.as_ref().map(|m| trace.import(m)).transpose()?);
        Ok(input.with_mask(mask))
    })?;
    let outputs = layer.lower(&trace, &inputs)?.into_leaves();
    let import = |t: &Tensor| trace.import(t);
    let output_values = outputs.iter().map(import).collect::<Result<_>>()?;
    let output_masks = outputs
        .iter()
        .map(|t| t.mask().as_ref().map(import).transpose());
    let output_masks = output_masks.collect::<Result<_>>()?;
    let traced = trace.finish();
    Ok(Program {
        graph: traced.graph,
        variables: traced.variables,
        inputs: values,
        input_masks: masks,
        outputs: output_values,
        output_masks,
    })
}
