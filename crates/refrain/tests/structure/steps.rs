//! The small language in which the golden file describes graphs (`golden/README.md`).

use std::collections::HashMap;

use refrain::layers::{AnyLayer, Bidirectional, TimeDistributed};
use refrain::{DType, Input, Inputs, Model, Result, Sequential, Structure, Tensor, ops, testing};
use serde_json::Value as Json;

use super::{items, strings, text};

/// What the steps of one graph have made.
#[derive(Default)]
pub struct Made {
    tensors: HashMap<String, Tensor>,
    layers: HashMap<String, AnyLayer>,
    pub models: HashMap<String, Model>,
    /// Stacks that are built at their first call, as Keras builds them.
    waiting: HashMap<String, Sequential>,
}

/// Runs the steps in a fresh session.
pub fn run(steps: &[Json]) -> Result<Made> {
    refrain::clear_session();
    let mut made = Made::default();
    for (i, step) in steps.iter().enumerate() {
        match text(step, "op") {
            "input" => made.input(step),
            "layer" => made.layer(step)?,
            "call" => made.call(step)?,
            "operator" => made.operator(step)?,
            "model" => made.model(step)?,
            "sequential" => made.sequential(step, steps, i),
            "trainable" => {
                let value = step["value"].as_bool().expect("a flag");
                made.layers[text(step, "layer")].set_trainable(value);
            }
            other => panic!("unknown step {other}"),
        }
    }
    Ok(made)
}

fn shape(step: &Json) -> Vec<Option<usize>> {
    let dims = items(step, "shape").iter();
    dims.map(|d| d.as_u64().map(|d| d as usize)).collect()
}

impl Made {
    fn tensor(&self, id: &str) -> Tensor {
        self.tensors[id].clone()
    }

    fn tensors(&self, step: &Json, key: &str) -> Vec<Tensor> {
        let ids = strings(step, key).into_iter();
        ids.map(|id| self.tensor(id)).collect()
    }

    /// One tensor bare, several as a list.
    fn one_or_list(&self, step: &Json, key: &str) -> Structure<Tensor> {
        let mut all = self.tensors(step, key);
        match all.len() {
            1 => Structure::Leaf(all.swap_remove(0)),
            _ => Structure::list(all),
        }
    }

    fn bind(&mut self, step: &Json, outputs: Vec<Tensor>) {
        let ids = strings(step, "outputs");
        assert_eq!(ids.len(), outputs.len(), "{step}");
        let ids = ids.into_iter().map(str::to_owned);
        self.tensors.extend(ids.zip(outputs));
    }

    fn input(&mut self, step: &Json) {
        let mut input = Input::new(shape(step));
        if let Some(name) = step["name"].as_str() {
            input = input.name(name);
        }
        if let Some(dtype) = step["dtype"].as_str() {
            input = input.dtype(DType::from_keras_name(dtype).expect("a type"));
        }
        let id = text(step, "id").to_owned();
        self.tensors.insert(id, input.tensor());
    }

    fn layer(&mut self, step: &Json) -> Result<()> {
        let class = text(step, "class");
        let config = step["config"].as_object().expect("a configuration");
        let layer = match step["wrapped"].as_str() {
            Some(inner) => wrapper(class, &self.layers[inner]),
            None => testing::layer(class, config)?,
        };
        self.layers.insert(text(step, "id").to_owned(), layer);
        Ok(())
    }

    fn call(&mut self, step: &Json) -> Result<()> {
        let id = text(step, "layer");
        if let Some(stack) = self.waiting.remove(id) {
            self.insert(id, stack.build()?);
        }
        let tensors = self.tensors(step, "inputs");
        let mut inputs = match step["list"].as_bool() {
            Some(true) => Inputs::new(tensors),
            _ => tensors.iter().fold(Inputs::default(), |i, t| i.arg(t)),
        };
        if step.get("initial_state").is_some() {
            inputs = inputs.kwarg("initial_state", self.tensors(step, "initial_state"));
        }
        let outputs = self.layers[id].call_structure(&inputs)?;
        self.bind(step, outputs.into_leaves());
        Ok(())
    }

    fn operator(&mut self, step: &Json) -> Result<()> {
        let x = self.tensors(step, "inputs");
        let y = match text(step, "kind") {
            "add" => &x[0] + &x[1],
            "subtract" => &x[0] - &x[1],
            "multiply" => &x[0] * &x[1],
            "abs" => x[0].abs(),
            "negative" => -&x[0],
            "square" => x[0].square(),
            "relu" => ops::relu(&x[0]),
            "scale" => &x[0] * 2.0,
            other => panic!("unknown operator {other}"),
        };
        self.bind(step, vec![y.checked()?]);
        Ok(())
    }

    fn model(&mut self, step: &Json) -> Result<()> {
        let (inputs, outputs) = (
            self.one_or_list(step, "inputs"),
            self.one_or_list(step, "outputs"),
        );
        let model = match step["name"].as_str() {
            Some(name) => Model::with_name(name, inputs, outputs)?,
            None => Model::new(inputs, outputs)?,
        };
        self.insert(text(step, "id"), model);
        Ok(())
    }

    fn insert(&mut self, id: &str, model: Model) {
        self.layers.insert(id.to_owned(), model.any());
        self.models.insert(id.to_owned(), model);
    }

    /// A stack knows its input from the start; in Keras the first call gives it.
    fn sequential(&mut self, step: &Json, steps: &[Json], now: usize) {
        let id = text(step, "id");
        let Some(input) = first_input(steps, now, id) else {
            return;
        };
        let mut stack = Sequential::new(shape(input));
        if let Some(name) = step["name"].as_str() {
            stack = stack.name(name);
        }
        for layer in strings(step, "layers") {
            stack = stack.add(&self.layers[layer]);
        }
        self.waiting.insert(id.to_owned(), stack);
    }
}

fn wrapper(class: &str, inner: &AnyLayer) -> AnyLayer {
    match class {
        "Bidirectional" => Bidirectional::new(inner).any(),
        "TimeDistributed" => TimeDistributed::new(inner).any(),
        other => panic!("unknown wrapper {other}"),
    }
}

/// The step of the input that a layer is first called on.
fn first_input<'s>(steps: &'s [Json], now: usize, layer: &str) -> Option<&'s Json> {
    let call = steps[now..].iter().find(|s| s["layer"] == layer)?;
    steps
        .iter()
        .find(|s| s["op"] == "input" && s["id"] == call["inputs"][0])
}
