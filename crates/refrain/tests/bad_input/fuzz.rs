//! Any options of any layer on any input: a result or an error, never a panic, and no memory that is not there.

use ndarray::ArrayD;
use proptest::prelude::*;
use proptest::sample::Index;
use refrain::data::Arrays;
use refrain::layers::AnyLayer;
use refrain::losses::Loss;
use refrain::optimizers::Sgd;
use refrain::{DType, Dim, Inputs, Literal, Model, Result, Spec, Structure, Tensor, testing};
use serde_json::{Map, Value as Json, json};

use crate::common::npz::Golden;

const HUGE: usize = 1 << 62;
/// Samples in a batch, and the size of what a declaration leaves open.
const OPEN: usize = 3;
/// Models with more weights, inputs or outputs than this are declared, but not run.
const RUNNABLE: usize = 1 << 16;

/// Values for an option: small, zero, negative, huge, and of every wrong type.
fn values() -> Vec<Json> {
    vec![
        json!(0),
        json!(1),
        json!(2),
        json!(5),
        json!(-1),
        json!(-2),
        json!(-9),
        json!(i64::MIN),
        json!(i64::MAX),
        json!(HUGE),
        json!(usize::MAX),
        json!(1u64 << 40),
        json!(0.0),
        json!(0.5),
        json!(-0.5),
        json!(1e300),
        json!(""),
        json!("valid"),
        json!("same"),
        json!("causal"),
        json!("channels_first"),
        json!("relu"),
        json!("softmax"),
        json!("Orthogonal"),
        json!("float64"),
        json!("int32"),
        json!("bool"),
        json!(null),
        json!(true),
        json!(false),
        json!([]),
        json!({}),
        json!([0]),
        json!([1]),
        json!([-1]),
        json!([HUGE]),
        json!([0, 0]),
        json!([1, 2]),
        json!([2, 1]),
        json!([1, -1]),
        json!([-1, -1]),
        json!([HUGE, HUGE]),
        json!([usize::MAX, 2]),
        json!([3, 2, 1]),
        json!([[0, 0], [0, 0]]),
        json!([[HUGE, 1], [1, HUGE]]),
        json!([[usize::MAX, usize::MAX], [1, 1]]),
    ]
}

const DIMS: [Dim; 9] = [
    None,
    Some(0),
    Some(1),
    Some(2),
    Some(3),
    Some(4),
    Some(7),
    Some(HUGE),
    Some(usize::MAX),
];

const TYPES: [DType; 6] = [
    DType::F32,
    DType::F64,
    DType::BF16,
    DType::I32,
    DType::U8,
    DType::Bool,
];

/// What is done to an input that fits.
#[derive(Clone, Debug)]
enum Change {
    Nothing,
    Dim(Index, Index),
    Drop(Index),
    Insert(Index, Index),
    Type(Index),
    Scalar,
}

fn change() -> impl Strategy<Value = Change> {
    let any = any::<Index>;
    prop_oneof![
        4 => Just(Change::Nothing),
        3 => (any(), any()).prop_map(|(a, b)| Change::Dim(a, b)),
        1 => any().prop_map(Change::Drop),
        1 => (any(), any()).prop_map(|(a, b)| Change::Insert(a, b)),
        1 => any().prop_map(Change::Type),
        1 => Just(Change::Scalar),
    ]
}

impl Change {
    fn apply(&self, spec: &mut Spec) {
        let rank = spec.shape.rank();
        let dims = spec.shape.dims_mut();
        match self {
            Change::Dim(axis, dim) if rank > 0 => dims[axis.index(rank)] = *dim.get(&DIMS),
            Change::Drop(axis) if rank > 0 => {
                dims.remove(axis.index(rank));
            }
            Change::Insert(axis, dim) => dims.insert(axis.index(rank + 1), *dim.get(&DIMS)),
            Change::Type(dtype) => spec.dtype = *dtype.get(&TYPES),
            Change::Scalar => dims.clear(),
            _ => {}
        }
    }
}

/// A layer, what is changed of its options, and what it is called on.
#[derive(Clone, Debug)]
struct Trial {
    class: Index,
    case: Index,
    options: Vec<(Index, Index)>,
    inputs: Vec<Change>,
    unknown_batch: bool,
}

fn trial() -> impl Strategy<Value = Trial> {
    let option = (any::<Index>(), any::<Index>());
    (
        any::<Index>(),
        any::<Index>(),
        prop::collection::vec(option, 0..3),
        prop::collection::vec(change(), 3),
        any::<bool>(),
    )
        .prop_map(|(class, case, options, inputs, unknown_batch)| Trial {
            class,
            case,
            options,
            inputs,
            unknown_batch,
        })
}

impl Trial {
    /// A call of the class that is right, from the golden file where it has one.
    fn template(&self, golden: &Golden) -> (String, Json) {
        let classes: Vec<&str> = testing::classes().collect();
        let class = *self.class.get(&classes);
        let cases = golden.json.as_array().expect("cases").iter();
        let cases: Vec<&Json> = cases.filter(|c| c["class_name"] == class).collect();
        let case = match cases.is_empty() {
            true => json!({ "config": {}, "inputs": {"shape": [2, 4, 4, 3]} }),
            false => (*self.case.get(&cases)).clone(),
        };
        (class.to_owned(), case)
    }

    fn layer(&self, class: &str, config: &Json) -> Result<AnyLayer> {
        let mut config = config.as_object().expect("a configuration").clone();
        if let Ok(layer) = testing::layer(class, &config) {
            config = testing::full_config(&layer);
        }
        for (key, value) in &self.options {
            let keys: Vec<String> = config.keys().cloned().collect();
            if keys.is_empty() {
                break;
            }
            let (key, value) = (key.get(&keys), value.get(&values()).clone());
            // The options of a layer inside a wrapper, half of the time.
            let inner = config[key].get_mut("config").and_then(Json::as_object_mut);
            match inner.filter(|_| key == "layer") {
                Some(inner) => change_inner(inner, self.case, value),
                None => {
                    config.insert(key.clone(), value);
                }
            }
        }
        testing::layer(class, &config)
    }

    fn inputs(&self, golden: &Golden, case: &Json) -> Inputs {
        let mut changes = self.inputs.iter();
        let mut tensors = |json: &Json| {
            structure(json, &mut |leaf| {
                let mut spec = spec(golden, leaf);
                if self.unknown_batch
                    && let Some(batch) = spec.shape.dims_mut().first_mut()
                {
                    *batch = None;
                }
                if let Some(change) = changes.next() {
                    change.apply(&mut spec);
                }
                testing::symbolic((spec, None))
            })
        };
        let mut inputs = Inputs::new(tensors(&case["inputs"]));
        for argument in case["args_rest"].as_array().into_iter().flatten() {
            inputs = match argument.is_object() {
                true => inputs.arg(tensors(argument)),
                false => inputs.value(argument.clone()),
            };
        }
        for (name, argument) in case["kwargs"].as_object().into_iter().flatten() {
            inputs = match argument.is_object() || argument.is_array() {
                true => inputs.kwarg(name, tensors(argument)),
                false => inputs.option(name, argument.clone()),
            };
        }
        inputs
    }
}

fn change_inner(config: &mut Map<String, Json>, key: Index, value: Json) {
    let keys: Vec<String> = config.keys().cloned().collect();
    if !keys.is_empty() {
        config.insert(key.get(&keys).clone(), value);
    }
}

fn structure(json: &Json, leaf: &mut impl FnMut(&Json) -> Tensor) -> Structure<Tensor> {
    match json {
        Json::Array(items) => Structure::List(items.iter().map(|j| structure(j, leaf)).collect()),
        json => Structure::Leaf(leaf(json)),
    }
}

fn spec(golden: &Golden, leaf: &Json) -> Spec {
    if let Some(array) = golden.named(&leaf["array"]) {
        return array.spec();
    }
    let dims = leaf["shape"].as_array().into_iter().flatten();
    let dims: Vec<Dim> = dims.map(|d| d.as_u64().map(|d| d as usize)).collect();
    Spec::new(dims, DType::F32)
}

/// Declares the layer and a model of it; runs that if it is small.
fn attempt(trial: &Trial, golden: &Golden) -> Result<()> {
    let (class, case) = trial.template(golden);
    let layer = trial.layer(&class, &case["config"])?;
    let inputs = trial.inputs(golden, &case);
    let outputs = layer.call_structure(&inputs)?;
    let given: Vec<Tensor> = inputs.tensors().into_iter().cloned().collect();
    let sizes = given.iter().chain(outputs.flatten()).map(elements);
    let small = sizes.chain([layer.count_params()]).all(|n| n <= RUNNABLE);
    let model = Model::new(given.clone(), outputs)?;
    assert!(!model.summary().to_string().is_empty());
    if small { run(&model, &given) } else { Ok(()) }
}

fn known(tensor: &Tensor) -> Vec<usize> {
    let shape = tensor.shape();
    shape.dims().iter().map(|d| d.unwrap_or(OPEN)).collect()
}

fn elements(tensor: &Tensor) -> usize {
    known(tensor).iter().fold(1, |n, &d| n.saturating_mul(d))
}

fn run(model: &Model, inputs: &[Tensor]) -> Result<()> {
    let data = |t: &Tensor| Literal::full(known(t), DType::F32, 1.0);
    let arrays: Vec<Literal> = inputs.iter().map(data).collect();
    let x = || arrays.iter().map(Arrays::new).collect::<Vec<_>>();
    let predictions = model.predict_on_batch(x())?;
    let targets: Vec<ArrayD<f32>> = predictions.into_arrays();
    let y = || targets.iter().map(Arrays::new).collect::<Vec<_>>();
    model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    model.train_on_batch(x(), y()).run()?;
    model.evaluate(x(), y()).batch_size(2).run()?;
    Ok(())
}

#[test]
fn any_options_on_any_input_give_a_result_or_an_error() {
    let golden = Golden::read("layers");
    let runner = proptest::test_runner::Config {
        failure_persistence: None,
        ..Default::default()
    };
    proptest!(runner, |(trial in trial())| {
        if let Err(error) = attempt(&trial, &golden) {
            let text = error.to_string();
            let ours = [refrain::ErrorKind::Internal, refrain::ErrorKind::Engine];
            prop_assert!(!ours.contains(&error.kind()), "{text}");
            prop_assert!(text.len() > "error.".len(), "{text}");
        }
    });
}
