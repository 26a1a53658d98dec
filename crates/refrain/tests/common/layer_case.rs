//! One call of a layer in the golden file.

use refrain::engine::{self, Buffer};
use refrain::layers::AnyLayer;
use refrain::testing::{self, Masked, Program};
use refrain::{DType, Inputs, Literal, Spec, Structure, Tensor};
use refrain_graph::{Graph, ParamKind, Value, grad};
use serde_json::Value as Json;

use super::compare::{GRADIENT_TOLERANCE, OUTPUT_TOLERANCE, close, equal};
use super::npz::Golden;
use super::{config, gradient};

type Failures = Vec<String>;

/// A tensor argument with its mask.
#[derive(Clone)]
pub struct Leaf {
    pub value: Literal,
    pub mask: Option<Literal>,
}

impl Leaf {
    pub fn spec(&self) -> Masked {
        (self.value.spec(), self.mask.as_ref().map(Literal::spec))
    }
}

/// A case of the file with its layer built and its weights set.
pub struct Case<'g> {
    pub golden: &'g Golden,
    pub json: &'g Json,
    pub layer: AnyLayer,
    pub inputs: Inputs,
    pub leaves: Vec<Leaf>,
}

/// The batch is unknown while a model is declared.
fn declared(spec: &Spec) -> Spec {
    let mut spec = spec.clone();
    if let Some(batch) = spec.shape.dims_mut().first_mut() {
        *batch = None;
    }
    spec
}

impl<'g> Case<'g> {
    /// Makes the layer, calls it symbolically, and sets its weights.
    pub fn build(golden: &'g Golden, json: &'g Json) -> Result<(Self, Vec<Masked>), String> {
        Case::build_as(golden, json, DType::F32)
    }

    /// As [`build`](Case::build), with the layer, its weights and its float inputs of another type.
    pub fn build_as(
        golden: &'g Golden,
        json: &'g Json,
        dtype: DType,
    ) -> Result<(Self, Vec<Masked>), String> {
        let class = json["class_name"].as_str().expect("a class");
        let mut options = json["config"].as_object().expect("a config").clone();
        if dtype != DType::F32 {
            retype(&mut options, dtype);
        }
        let layer = testing::layer(class, &options).map_err(|e| e.to_string())?;
        let mut leaves = Vec::new();
        let inputs = arguments(golden, json, dtype, &mut leaves);
        let inferred = testing::infer(&layer, &inputs).map_err(|e| e.to_string())?;
        let case = Case {
            golden,
            json,
            layer,
            inputs,
            leaves,
        };
        case.set_weights(dtype)?;
        Ok((case, inferred))
    }

    fn set_weights(&self, dtype: DType) -> Result<(), String> {
        let expected = self.list("weights");
        let own = format!("{}/", self.layer.get_name());
        let weights = self.layer.weights();
        let paths = |p: &str| p.strip_prefix(&own).unwrap_or(p).to_owned();
        let got: Vec<String> = weights.iter().map(|w| paths(w.path())).collect();
        let wanted: Vec<&str> = expected.iter().filter_map(|w| w["path"].as_str()).collect();
        if got != wanted {
            return Err(format!("weights: expected {wanted:?}, got {got:?}"));
        }
        for (weight, json) in weights.iter().zip(expected) {
            let value = self.golden.named(&json["array"]).expect("a weight");
            weight
                .assign(floats(value, dtype))
                .map_err(|e| e.to_string())?;
            if json["trainable"].as_bool() != Some(weight.trainable()) {
                return Err(format!("weight {}: trainable", weight.path()));
            }
        }
        Ok(())
    }

    pub fn list(&self, key: &str) -> &'g [Json] {
        self.json[key].as_array().map_or(&[], Vec::as_slice)
    }

    pub fn program(&self) -> Result<Program, String> {
        let specs: Vec<Masked> = self.leaves.iter().map(Leaf::spec).collect();
        let training = self.json["training"].as_bool().unwrap_or(false);
        testing::trace(&self.layer, &self.inputs, &specs, training).map_err(|e| e.to_string())
    }
}

/// Another type in a layer's configuration, and in those of layers inside.
fn retype(options: &mut serde_json::Map<String, Json>, dtype: DType) {
    options.insert("dtype".to_owned(), dtype.keras_name().into());
    let values = options.values_mut().flat_map(|value| match value {
        Json::Array(values) => values.as_mut_slice(),
        value => std::slice::from_mut(value),
    });
    for value in values {
        if value["class_name"].is_string()
            && let Some(Json::Object(inner)) = value.get_mut("config")
            && inner.contains_key("dtype")
        {
            retype(inner, dtype);
        }
    }
}

/// Floats in another type; everything else as it is.
fn floats(value: &Literal, dtype: DType) -> Literal {
    match value.dtype().is_float() {
        true => value.convert(dtype),
        false => value.clone(),
    }
}

fn is_leaf(json: &Json) -> bool {
    json.get("array").is_some()
}

/// The call's arguments as symbolic tensors; their values go to `leaves`.
fn arguments(golden: &Golden, json: &Json, dtype: DType, leaves: &mut Vec<Leaf>) -> Inputs {
    let mut tensors = |json: &Json| structure(golden, json, dtype, leaves);
    let mut inputs = Inputs::new(tensors(&json["inputs"]));
    for argument in json["args_rest"].as_array().into_iter().flatten() {
        inputs = match holds_leaves(argument) {
            true => inputs.arg(tensors(argument)),
            false => inputs.value(argument.clone()),
        };
    }
    for (name, argument) in json["kwargs"].as_object().into_iter().flatten() {
        inputs = match holds_leaves(argument) {
            true => inputs.kwarg(name, tensors(argument)),
            false => inputs.option(name, argument.clone()),
        };
    }
    inputs
}

fn holds_leaves(json: &Json) -> bool {
    let items = json.as_array();
    is_leaf(json) || items.is_some_and(|a| !a.is_empty() && a.iter().all(holds_leaves))
}

fn structure(
    golden: &Golden,
    json: &Json,
    dtype: DType,
    leaves: &mut Vec<Leaf>,
) -> Structure<Tensor> {
    if let Some(items) = json.as_array() {
        let items = items.iter().map(|j| structure(golden, j, dtype, leaves));
        return Structure::List(items.collect());
    }
    let value = golden.named(&json["array"]).expect("an input");
    let leaf = Leaf {
        value: floats(value, dtype),
        mask: json.get("mask").and_then(|m| golden.named(m)).cloned(),
    };
    let (spec, mask) = leaf.spec();
    leaves.push(leaf);
    let symbol = testing::symbolic((declared(&spec), mask.as_ref().map(declared)));
    Structure::Leaf(symbol)
}

/// A program with its results and the literals of its parameters.
pub struct Run {
    pub graph: Graph,
    pub inputs: Vec<Literal>,
    pub variables: Vec<Literal>,
}

/// The results of a run, and all variables after it.
pub struct Ran {
    pub results: Vec<Literal>,
    pub variables: Vec<Literal>,
}

impl Run {
    pub fn interpreted(&self) -> Result<Ran, String> {
        self.on("interpreter")
    }

    pub fn compiled(&self) -> Result<Ran, String> {
        self.on("cpu")
    }

    fn on(&self, name: &str) -> Result<Ran, String> {
        let run = || {
            let program = engine::get(name)?.compile(&self.graph)?;
            let zeros = |s: &Spec| Literal::zeros(s.shape.known().expect("known sizes"), s.dtype);
            let results = self.graph.results().iter();
            let mut results: Vec<_> = results.map(|&v| zeros(self.graph.spec(v))).collect();
            let mut variables = self.variables.clone();
            let buffers = variables.iter_mut().map(|v| v as &mut dyn Buffer);
            let (mut buffers, mut workspace) = (buffers.collect::<Vec<_>>(), program.workspace()?);
            program.run(&mut *workspace, &self.inputs, &mut buffers, &mut results)?;
            Ok(Ran { results, variables })
        };
        run().map_err(|e: refrain::Error| format!("{name}: {e}"))
    }
}

/// Where the results of a case's program are.
struct Expected<'g> {
    what: String,
    value: &'g Literal,
    tolerance: f64,
}

impl<'g> Case<'g> {
    /// The program with outputs, mask and gradients as results, and what they should be.
    fn run(&self) -> Result<(Run, Program, Vec<Expected<'g>>), String> {
        let mut program = self.program()?;
        let mut expected = Vec::new();
        let keys = self.list("outputs");
        if keys.len() != program.outputs.len() {
            let got = program.outputs.len();
            return Err(format!("expected {} outputs, got {got}", keys.len()));
        }
        let mut want = |what: String, key: &Json, tolerance| {
            let value = self.golden.named(key)?;
            expected.push(Expected {
                what,
                value,
                tolerance,
            });
            Some(())
        };
        for (i, key) in keys.iter().enumerate() {
            program.graph.result(program.outputs[i]);
            want(format!("output {i}"), key, OUTPUT_TOLERANCE).expect("an output");
        }
        let mask = program.output_masks.first().copied().flatten();
        match (mask, self.json.get("output_mask")) {
            (Some(mask), Some(key)) => {
                program.graph.result(mask);
                want("mask".to_owned(), key, 0.0).expect("a mask");
            }
            (None, None) => {}
            (got, _) => return Err(format!("mask: {} one, Keras otherwise", got.is_some())),
        }
        let (mut wrt, mut names) = (Vec::new(), Vec::new());
        for (i, key) in self.list("input_grads").iter().enumerate() {
            let what = format!("gradient of input {i}");
            if want(what.clone(), key, GRADIENT_TOLERANCE).is_some() {
                wrt.push(program.inputs[i]);
                names.push(what);
            }
        }
        let params: Vec<Value> = program.graph.params_of(ParamKind::Variable).collect();
        let trainable = self.layer.trainable_weights();
        for (weight, key) in trainable.iter().zip(self.list("weight_grads")) {
            let place = program.variables.iter().position(|v| v == weight);
            let what = format!("gradient of {}", weight.path());
            let Some(place) = place else {
                // A call may leave a weight out.
                let gradient = self.golden.named(key).expect("a gradient");
                let zeros = Literal::zeros(gradient.dims().to_vec(), gradient.dtype());
                equal(&what, &zeros, gradient)?;
                continue;
            };
            want(what.clone(), key, GRADIENT_TOLERANCE).expect("a gradient");
            wrt.push(params[place]);
            names.push(what);
        }
        let cotangents = self.add_gradients(&mut program, &wrt)?;
        let run = Run {
            graph: program.graph.clone(),
            inputs: self.literals(cotangents),
            variables: program
                .variables
                .iter()
                .map(|v| v.value().expect("a value"))
                .collect(),
        };
        Ok((run, program, expected))
    }

    /// Adds the gradients as results and gives the cotangents, which became inputs.
    pub fn add_gradients(
        &self,
        program: &mut Program,
        wrt: &[Value],
    ) -> Result<Vec<Literal>, String> {
        let mut pairs = Vec::new();
        let mut literals = Vec::new();
        for (i, key) in self.list("cotangents").iter().enumerate() {
            let Some(cotangent) = self.golden.named(key) else {
                continue;
            };
            let output = program.outputs[i];
            let spec = program.graph.spec(output).clone();
            if spec.shape != cotangent.spec().shape {
                let (want, got) = (cotangent.spec().shape, spec.shape);
                return Err(format!("output {i}: expected shape {want}, got {got}"));
            }
            literals.push(cotangent.convert(spec.dtype));
            pairs.push((output, program.graph.input("cotangent", spec)));
        }
        let gradients = grad::vjp(&mut program.graph, &pairs, wrt);
        for (gradient, &value) in gradients.map_err(|e| e.to_string())?.into_iter().zip(wrt) {
            let gradient = match gradient {
                Some(gradient) => gradient,
                None => zeros(&mut program.graph, value)?,
            };
            program.graph.result(gradient);
        }
        Ok(literals)
    }

    /// The literals of the inputs in the order of the program's parameters.
    pub fn literals(&self, cotangents: Vec<Literal>) -> Vec<Literal> {
        let leaves = self.leaves.iter();
        let arguments = leaves.flat_map(|l| [Some(l.value.clone()), l.mask.clone()]);
        arguments.flatten().chain(cotangents).collect()
    }
}

fn zeros(graph: &mut Graph, like: Value) -> Result<Value, String> {
    let spec = graph.spec(like).clone();
    let dims = spec.shape.known().ok_or("an unknown size")?;
    let literal = std::sync::Arc::new(Literal::zeros(dims, spec.dtype));
    let constant = graph.push(refrain_graph::Op::Constant(literal), &[]);
    constant.map_err(|e| e.to_string())
}

/// All checks of a case; every failure is listed.
pub fn check(golden: &Golden, json: &Json) -> Failures {
    let mut failures = Failures::new();
    let mut note = |result: Result<(), String>| failures.extend(result.err());
    let (case, inferred) = match Case::build(golden, json) {
        Ok(built) => built,
        Err(e) => return vec![e],
    };
    note(round_trip(&case));
    let defect = json.get("keras_defect").is_some();
    match case.run() {
        Err(e) => note(Err(e)),
        Ok((run, program, expected)) => {
            note(shapes(&program, &inferred));
            for (by, ran) in [
                ("interpreter", run.interpreted()),
                ("compiler", run.compiled()),
            ] {
                let ran = match ran {
                    Ok(ran) => ran,
                    Err(e) => {
                        note(Err(e));
                        continue;
                    }
                };
                for (e, got) in expected.iter().zip(&ran.results).filter(|_| !defect) {
                    let result = match e.tolerance {
                        0.0 => equal(&e.what, got, e.value),
                        tolerance => close(&e.what, got, e.value, tolerance),
                    };
                    note(result.map_err(|e| format!("{by}: {e}")));
                }
                note(updates(&case, &program, &ran).map_err(|e| format!("{by}: {e}")));
            }
        }
    }
    note(gradient::check(golden, json));
    failures
}

/// What was inferred with an unknown batch must fit what the program computes.
fn shapes(program: &Program, inferred: &[Masked]) -> Result<(), String> {
    let fits = |a: &Spec, b: &Spec| a.dtype == b.dtype && a.shape.compatible(&b.shape);
    for (i, (spec, mask)) in inferred.iter().enumerate() {
        let got = program.graph.spec(program.outputs[i]);
        let unknown = spec.shape.dims().iter().filter(|d| d.is_none()).count();
        if !fits(spec, got) || unknown > 1 {
            return Err(format!("output {i}: inferred {spec}, computed {got}"));
        }
        let got = program.output_masks[i].map(|m| program.graph.spec(m));
        let same = match (mask, got) {
            (Some(mask), Some(got)) => fits(mask, got),
            (mask, got) => mask.is_none() && got.is_none(),
        };
        if !same {
            return Err(format!("mask {i}: inferred {mask:?}, computed {got:?}"));
        }
    }
    Ok(())
}

fn updates(case: &Case, program: &Program, ran: &Ran) -> Result<(), String> {
    let weights = case.layer.weights();
    for (weight, key) in weights.iter().zip(case.list("updated_weights")) {
        let place = program.variables.iter().position(|v| v == weight);
        let place = place.ok_or_else(|| format!("weight {} is not used", weight.path()))?;
        let expected = case.golden.named(key).expect("a weight");
        let what = format!("updated {}", weight.path());
        close(&what, &ran.variables[place], expected, OUTPUT_TOLERANCE)?;
    }
    let seeds = |path: &str| path.ends_with("seed_generator_state");
    let changed = program.graph.updates().iter().filter(|(v, _)| {
        let mut params = program.graph.params();
        params.any(|(value, _, name)| value == *v && !seeds(name))
    });
    match changed.count() {
        0 => Ok(()),
        _ if case.json.get("updated_weights").is_some() => Ok(()),
        n => Err(format!("{n} weights change, in Keras none")),
    }
}

/// The configuration is Keras's, and a layer made from it has it again.
fn round_trip(case: &Case) -> Result<(), String> {
    let own = Json::Object(testing::full_config(&case.layer));
    config::same("config", &own, &case.json["config"])?;
    let written = testing::to_json(&case.layer);
    let again = testing::from_json(&written).map_err(|e| e.to_string())?;
    // A fresh layer has not been built, and neither have the layers inside it.
    match Json::Object(testing::full_config(&again)) == unbuilt(&own) {
        true => Ok(()),
        false => Err("the configuration changes when a layer is made from it".to_owned()),
    }
}

/// The configuration without the shapes that layers inside were built for.
fn unbuilt(config: &Json) -> Json {
    match config {
        Json::Object(entries) => entries
            .iter()
            .filter(|(key, _)| *key != "build_config")
            .map(|(key, value)| (key.clone(), unbuilt(value)))
            .collect(),
        Json::Array(items) => items.iter().map(unbuilt).collect(),
        plain => plain.clone(),
    }
}
