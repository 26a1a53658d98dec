//! Graphs and stacks of layers from Keras's JSON.

use std::collections::{BTreeSet, HashMap, HashSet};

use refrain_graph::{DType, Spec};
use serde_json::{Map, Value as Json};

use super::{is_input, versions};
use crate::config::{Config, short, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::{Inputs, MaskRule};
use crate::layers::core::described_call;
use crate::layers::restoring::Restoring;
use crate::layers::{AnyLayer, InputLayer, serialized};
use crate::models::description::arguments::{
    Reference, described, inputs_from_json, references, shape_from_json,
};
use crate::models::description::{KEEPS_MASKS, LOSES_MASKS};
use crate::models::{Functional, Model, stack};
use crate::names::Taken;
use crate::ops::composed;
use crate::structure::Structure;
use crate::tensor::Tensor;

/// The calls of one layer as the file describes them, and the outputs of those that have been made.
struct Entry {
    layer: AnyLayer,
    calls: Vec<Call>,
    made: Vec<Vec<Tensor>>,
    /// The numbers that the file gives the calls, if they are not 0, 1, ….
    numbers: Vec<usize>,
}

/// One call that is to be made.
struct Call {
    args: Vec<Json>,
    kwargs: Map<String, Json>,
    /// Whether it uses and leaves masks as they are where Keras does not.
    keeps_masks: bool,
    loses_masks: bool,
    /// The outputs of other calls that it needs.
    needs: Vec<Reference>,
}

/// The position of a layer among the entries, and of one of its calls.
type Position = (usize, usize);

/// A graph that is being made.
#[derive(Default)]
struct Graph {
    entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
    keras2: bool,
    takes_masks: bool,
    /// What calls give, if that is taken from the file.
    described: HashMap<Position, Spec>,
}

/// The model of a `Functional`'s configuration.
pub(super) fn functional(config: &Config, context: &Restoring) -> Result<Model> {
    let mut graph = Graph {
        keras2: context.keras2,
        takes_masks: context.takes_masks,
        ..Graph::default()
    };
    let layers = list(config, "layers")?;
    let names = layers.iter().filter_map(|json| json["name"].as_str());
    let _taken = Taken::new(names.map(str::to_owned).collect());
    layers
        .iter()
        .try_for_each(|json| graph.add(json, context))?;
    graph.renumber(config);
    if context.described_lambdas {
        graph.describe(layers);
    }
    for entry in 0..graph.entries.len() {
        for call in 0..graph.entries[entry].calls.len() {
            graph.make((entry, call))?;
        }
    }
    let inputs = graph.ends(config.get("input_layers"))?;
    let outputs = graph.ends(config.get("output_layers"))?;
    let functional = Functional::new(inputs, outputs)?;
    if functional.total_calls > MOST_CALLS {
        let expected = format!(
            "a model of at most {MOST_CALLS} calls of layers, those of nested models included"
        );
        let received = format!("{} calls", functional.total_calls);
        return Err(Error::mismatch(ErrorKind::Unsupported, expected, received));
    }
    Ok(Model::from_functional(functional, name(config)?))
}

/// Models nested in each other and called twice at each level double with every level: a few lines of a file would take
/// forever. The largest models in use have some thousand calls.
const MOST_CALLS: usize = 1 << 15;

/// The model of a `Sequential`'s configuration.
pub(super) fn sequential(config: &Config, context: &Restoring) -> Result<Model> {
    let mut layers = list(config, "layers")?.iter().peekable();
    let first = layers.peek().copied().unwrap_or(&Json::Null);
    let input = match is_input(first) {
        true => {
            layers.next();
            input_tensor(first)?
        }
        false => implied_input(config, first)?,
    };
    let mut made = Vec::new();
    while let Some(json) = layers.next() {
        let layer = serialized::from_json(json, context)?;
        let given = layers.peek().and_then(|next| built_for(next));
        made.push((layer, given, json[LOSES_MASKS] == true));
    }
    let name = name(config)?;
    stack(
        name,
        input,
        made.into_iter(),
        |(layer, given, loses_masks), inputs| {
            let inputs = match context.keras2 {
                true => versions::as_in_keras2(&layer, inputs.clone())?,
                false if loses_masks => inputs.clone().with_mask_rule(MaskRule::Lost),
                false => inputs.clone(),
            };
            match described_call(&layer, &inputs, || given)? {
                Some(outputs) => Ok(outputs),
                None => layer.call_within(&inputs, name),
            }
        },
    )
}

/// What a layer was built for, if it is one tensor.
fn built_for(json: &Json) -> Option<Spec> {
    let shape = shape_from_json(&json["build_config"]["input_shape"])?;
    Some(Spec::new(shape, DType::F32))
}

fn name(config: &Config) -> Result<&str> {
    let name = config.get("name").unwrap_or(&Json::Null);
    name.as_str().ok_or_else(|| unexpected("a name", name))
}

fn list<'c>(config: &'c Config, key: &str) -> Result<&'c [Json]> {
    let json = config.get(key).unwrap_or(&Json::Null);
    let items = json.as_array().ok_or_else(|| {
        let expected = format!("a list under `{key}` in a model's configuration");
        unexpected(&expected, json)
    })?;
    Ok(items)
}

/// The tensor of an `InputLayer`.
fn input_tensor(json: &Json) -> Result<Tensor> {
    let config = json["config"].as_object();
    let config = config.ok_or_else(|| unexpected("an InputLayer's configuration", json))?;
    let name = name(config)?;
    let layer = InputLayer::from_config(config).map_err(|e| e.in_layer(name, "InputLayer"))?;
    let spec = layer.spec();
    Ok(crate::layers::core::input_tensor(
        layer,
        Some(name.to_owned()),
        spec,
    ))
}

/// The input of a stack that does not begin with one: the shape that it or its first layer was built for.
fn implied_input(config: &Config, first: &Json) -> Result<Tensor> {
    let shapes = [
        config.get("build_input_shape"),
        Some(&first["config"]["batch_shape"]),
        Some(&first["build_config"]["input_shape"]),
    ];
    let shape = shapes.into_iter().flatten().find(|json| json.is_array());
    let shape = shape.ok_or_else(|| {
        let message = format!(
            "Sequential model `{}` has no input shape: it was saved before it was built",
            config
                .get("name")
                .and_then(Json::as_str)
                .unwrap_or_default()
        );
        Error::new(ErrorKind::Config, message)
            .hint("Call it on data in Keras, or give it an Input, and save it again")
    })?;
    let mut input = Config::new();
    input.insert("batch_shape".to_owned(), shape.clone());
    let layer = InputLayer::from_config(&input)?;
    let spec = layer.spec();
    let name = crate::names::unique("input_layer");
    Ok(crate::layers::core::input_tensor(layer, Some(name), spec))
}

impl Graph {
    /// Makes a layer of the file, without its calls.
    fn add(&mut self, json: &Json, context: &Restoring) -> Result<()> {
        let entry = match is_input(json) {
            true => {
                let tensor = input_tensor(json)?;
                let symbolic = tensor.as_symbolic();
                let layer = symbolic.map(|s| s.node.layer.clone());
                Entry {
                    layer: layer.ok_or_else(|| unexpected("an input", json))?,
                    calls: Vec::new(),
                    made: vec![vec![tensor]],
                    numbers: Vec::new(),
                }
            }
            false => Entry {
                layer: serialized::from_json(json, context)?,
                calls: calls(json)?,
                made: Vec::new(),
                numbers: Vec::new(),
            },
        };
        let name = json["name"].as_str().unwrap_or(entry.layer.get_name());
        let position = self.entries.len();
        if self.by_name.insert(name.to_owned(), position).is_some() {
            let message = format!("two layers of the model are called `{}`", short(name));
            return Err(Error::new(ErrorKind::Graph, message));
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Keras 3.0 counts the calls of a layer wherever they are; this model's are numbered again where the numbers tell which
    /// they are.
    fn renumber(&mut self, config: &Config) {
        let mut referred: HashMap<usize, BTreeSet<usize>> = HashMap::new();
        let needs = self
            .entries
            .iter()
            .flat_map(|e| &e.calls)
            .flat_map(|c| &c.needs);
        let mut ends = Vec::new();
        for key in ["input_layers", "output_layers"] {
            end_references(config.get(key).unwrap_or(&Json::Null), &mut ends);
        }
        for reference in needs.chain(&ends) {
            if let Some(&entry) = self.by_name.get(&reference.layer) {
                referred.entry(entry).or_default().insert(reference.node);
            }
        }
        for (entry, nodes) in referred {
            let Entry {
                layer,
                calls,
                numbers,
                ..
            } = &mut self.entries[entry];
            let beyond = nodes.last().is_some_and(|&last| last >= calls.len());
            if beyond && nodes.len() == calls.len() && !layer.is_graph() {
                *numbers = nodes.into_iter().collect();
            }
        }
    }

    /// Makes a call and, before it, all calls whose outputs it needs. A layer's calls are made in their order.
    fn make(&mut self, wanted: Position) -> Result<()> {
        let mut waiting = vec![(wanted, 0)];
        let mut begun = HashSet::from([wanted]);
        while let Some(&mut ((entry, call), ref mut next)) = waiting.last_mut() {
            let made = self.entries[entry].made.len();
            if made > call {
                waiting.pop();
                continue;
            }
            let need = match made < call {
                true => Some((entry, call - 1)),
                false => self.entries[entry].calls[call]
                    .needs
                    .get(*next)
                    .map(|reference| self.position(reference))
                    .transpose()?,
            };
            match need {
                None => {
                    self.call((entry, call))?;
                    waiting.pop();
                }
                Some((e, c)) if self.entries[e].made.len() > c => *next += 1,
                Some(need) if begun.insert(need) => waiting.push((need, 0)),
                Some(need) => {
                    let layer = &self.entries[need.0].layer;
                    let message = format!("call {} depends on its own output", need.1 + 1);
                    return Err(Error::new(ErrorKind::Graph, message)
                        .in_layer(layer.get_name(), layer.class_name()));
                }
            }
        }
        Ok(())
    }

    /// Where a reference points to.
    fn position(&self, reference: &Reference) -> Result<Position> {
        let missing = |what: String| {
            let message = format!("the model's graph refers to {what}");
            Err(Error::new(ErrorKind::Graph, message))
        };
        let Some(&entry) = self.by_name.get(&reference.layer) else {
            return missing(format!(
                "layer `{}`, which it does not have",
                short(&reference.layer)
            ));
        };
        let Entry {
            calls,
            made,
            numbers,
            ..
        } = &self.entries[entry];
        if let Some(call) = numbers.iter().position(|&n| n == reference.node) {
            return Ok((entry, call));
        }
        let known = calls.len().max(made.len());
        if reference.node >= known {
            return missing(format!(
                "call {} of layer `{}`, which has {known}",
                reference.node.saturating_add(1),
                short(&reference.layer)
            ));
        }
        Ok((entry, reference.node))
    }

    /// The tensor that a reference stands for, whose call has been made.
    fn tensor(&self, reference: &Reference) -> Result<Tensor> {
        let (entry, call) = self.position(reference)?;
        let outputs = self.entries[entry].made.get(call);
        let tensor = outputs.and_then(|outputs| outputs.get(reference.index));
        tensor.cloned().ok_or_else(|| {
            let message = format!(
                "the model's graph refers to output {} of a call of layer `{}`, which has fewer",
                reference.index,
                short(&reference.layer)
            );
            Error::new(ErrorKind::Graph, message)
        })
    }

    fn call(&mut self, (entry, call): Position) -> Result<()> {
        let described = &self.entries[entry].calls[call];
        let layer = &self.entries[entry].layer;
        let inputs = inputs_from_json(&described.args, &described.kwargs, |r| self.tensor(r));
        let inputs = inputs.map_err(|e| e.in_layer(layer.get_name(), layer.class_name()))?;
        let inputs = match self.keras2 {
            true => versions::as_in_keras2(layer, inputs)?,
            false => versions::as_in_keras3(layer, inputs),
        };
        let inputs = match self.keras2 || described.keeps_masks {
            true => inputs,
            false => versions::attending_as_in_keras3(layer, inputs, self.takes_masks),
        };
        let inputs = match described.loses_masks {
            true => inputs.with_mask_rule(MaskRule::Lost),
            false => inputs,
        };
        let outputs = self.outputs((entry, call), &inputs)?;
        self.entries[entry].made.push(outputs.into_leaves());
        Ok(())
    }

    /// What a call gives: what the file says, what functions give that stand for the layer, or what the layer gives.
    fn outputs(&self, (entry, call): Position, inputs: &Inputs) -> Result<Structure<Tensor>> {
        let Entry { layer, made, .. } = &self.entries[entry];
        let in_file = || self.described.get(&(entry, call)).cloned();
        if let Some(outputs) = described_call(layer, inputs, in_file)? {
            return Ok(outputs);
        }
        let name = made.is_empty().then(|| layer.get_name());
        match composed(layer, inputs, name)? {
            Some(outputs) => Ok(outputs),
            None => layer.call_structure(inputs),
        }
    }

    /// Notes what the layers' calls say of the tensors that they are given: the first word on each counts.
    fn describe(&mut self, layers: &[Json]) {
        let mut found = Vec::new();
        let calls = layers.iter().map(|json| &json["inbound_nodes"]);
        calls.for_each(|json| described(json, &mut found));
        for (reference, spec) in found {
            if let Ok(position) = self.position(&reference) {
                self.described.entry(position).or_insert(spec);
            }
        }
    }

    /// The tensors at a model's ends, in their structure. Keras counts the calls of nested models from 1 there.
    fn ends(&self, json: Option<&Json>) -> Result<Structure<Tensor>> {
        let json = json.unwrap_or(&Json::Null);
        if let Some(mut reference) = Reference::from_json(json) {
            let layer = self
                .by_name
                .get(&reference.layer)
                .map(|&i| &self.entries[i].layer);
            if layer.is_some_and(AnyLayer::is_graph) {
                reference.node = reference.node.saturating_sub(1);
            }
            return self.tensor(&reference).map(Structure::Leaf);
        }
        match json {
            Json::Array(items) => {
                let items = items.iter().map(|item| self.ends(Some(item)));
                items.collect::<Result<_>>().map(Structure::List)
            }
            Json::Object(map) => {
                let items = map
                    .iter()
                    .map(|(k, item)| Ok((k.clone(), self.ends(Some(item))?)));
                items.collect::<Result<_>>().map(Structure::Dict)
            }
            other => Err(unexpected("[layer, node, tensor]", other)),
        }
    }
}

/// All references at a model's ends.
fn end_references(json: &Json, found: &mut Vec<Reference>) {
    if let Some(reference) = Reference::from_json(json) {
        found.push(reference);
        return;
    }
    match json {
        Json::Array(items) => items.iter().for_each(|item| end_references(item, found)),
        Json::Object(map) => map.values().for_each(|item| end_references(item, found)),
        _ => {}
    }
}

/// The calls of a layer that belong to the model.
fn calls(json: &Json) -> Result<Vec<Call>> {
    let nodes = json["inbound_nodes"].as_array();
    let nodes = nodes.ok_or_else(|| unexpected("a list of calls", &json["inbound_nodes"]))?;
    let call = |node: &Json| {
        let (args, kwargs) = (node["args"].as_array(), node["kwargs"].as_object());
        let (Some(args), Some(kwargs)) = (args, kwargs) else {
            return Err(unexpected("the arguments of a call", node));
        };
        let mut needs = Vec::new();
        args.iter()
            .try_for_each(|json| references(json, &mut needs))?;
        kwargs
            .values()
            .try_for_each(|json| references(json, &mut needs))?;
        Ok(Call {
            args: args.clone(),
            kwargs: kwargs.clone(),
            keeps_masks: node[KEEPS_MASKS] == true,
            loses_masks: node[LOSES_MASKS] == true,
            needs,
        })
    };
    nodes.iter().map(call).collect()
}
