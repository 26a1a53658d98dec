//! Models that refrain builds by itself, for Keras to open.

use std::error::Error;
use std::fs;
use std::path::Path;

use ndarray::{Array, ArrayD, IxDyn};
use own_cells::MinimalCell;
use refrain::activations::Activation;
use refrain::layers::*;
use refrain::losses::Loss;
use refrain::metrics::Metric;
use refrain::optimizers::Adam;
use refrain::{DType, Input, Literal, Model, Sequential, Tensor, input, model_from_json, ops};
use refrain_storage::npz::to_npz;
use serde_json::Value as Json;

#[path = "../../../crates/refrain/tests/sharing/models.rs"]
#[allow(dead_code, reason = "what the tests need besides the models")]
mod shared;

#[path = "../../../crates/refrain/tests/functions/models.rs"]
mod of_ops;

#[path = "../../../crates/refrain/tests/common/cells.rs"]
#[allow(dead_code, reason = "what the tests need besides")]
pub(super) mod own_cells;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const SAMPLES: usize = 3;
/// As many as some of TensorFlow's functions have constants for.
const SAMPLES_OF_FUNCTIONS: usize = 2;

/// Writes all models with inputs and what refrain predicts from them.
pub fn write_all(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for (name, make) in MODELS {
        write(folder, name, &make()?, SAMPLES)?;
    }
    for (name, make) in shared::MODELS {
        write_shared(folder, name, &make()?)?;
    }
    let of_ops = of_ops::models().into_iter();
    for (name, make) in of_ops.filter(|(name, _)| !of_ops::NOT_IN_KERAS.contains(name)) {
        write(folder, &format!("ops_{name}"), &make()?, of_ops::SAMPLES)?;
    }
    for (name, model) in functions()? {
        write(
            folder,
            &format!("tensorflow_{name}"),
            &model,
            SAMPLES_OF_FUNCTIONS,
        )?;
    }
    Ok(())
}

/// Models of TensorFlow's functions, as Keras 2 described them.
fn functions() -> Result<Vec<(String, Model)>> {
    const FUNCTIONS: &str = "crates/refrain/tests/fixtures/functions/functions.json";
    let text = fs::read_to_string(FUNCTIONS)?;
    let described: serde_json::Map<String, Json> = serde_json::from_str(&text)?;
    let known = described
        .into_iter()
        .filter(|(_, case)| case["refused"].is_null());
    let models = known.map(|(name, case)| Ok((name, model_from_json(&case["model"].to_string())?)));
    models.collect()
}

fn write(folder: &Path, name: &str, model: &Model, samples: usize) -> Result<()> {
    model.save(folder.join(format!("{name}.keras")))?;
    let inputs = inputs(model, samples);
    let mut arrays = numbered("x", inputs.clone());
    arrays.extend(numbered("y", predictions(model, &inputs)?));
    write_arrays(folder, name, &arrays)
}

/// Writes a model whose own file Keras does not open, in the form that it does, after a step of training; beside it what
/// refrain predicts, before and after one more step.
fn write_shared(folder: &Path, name: &str, model: &Model) -> Result<()> {
    model
        .compile(Adam::new(0.01), Loss::MeanSquaredError)
        .run()?;
    let inputs = inputs(model, SAMPLES);
    let targets: Vec<Literal> = predictions(model, &inputs)?
        .iter()
        .map(|y| Literal::zeros(y.dims(), y.dtype()))
        .collect();
    let step = |model: &Model| {
        let (x, y) = (
            super::arrays::arrays(&inputs),
            super::arrays::arrays(&targets),
        );
        model.train_on_batch(x, y).run().map(drop)
    };
    step(model)?;
    let model = model.for_keras()?;
    for end in ["keras", "h5"] {
        model.save(folder.join(format!("{name}.{end}")))?;
    }
    let mut arrays = numbered("x", inputs.clone());
    arrays.extend(numbered("y", predictions(&model, &inputs)?));
    step(&model)?;
    arrays.extend(numbered("z", predictions(&model, &inputs)?));
    write_arrays(folder, name, &arrays)
}

fn inputs(model: &Model, samples: usize) -> Vec<Literal> {
    let inputs = model.inputs();
    inputs.iter().map(|input| values(input, samples)).collect()
}

fn predictions(model: &Model, inputs: &[Literal]) -> Result<Vec<Literal>> {
    let predicted = model.predict_on_batch(super::arrays::arrays(inputs))?;
    let outputs = (0..predicted.len()).map(|i| predicted.literal(i));
    Ok(outputs.collect::<refrain::Result<_>>()?)
}

fn numbered(prefix: &str, arrays: Vec<Literal>) -> Vec<(String, Literal)> {
    let arrays = arrays.into_iter().enumerate();
    arrays.map(|(i, a)| (format!("{prefix}{i}"), a)).collect()
}

fn write_arrays(folder: &Path, name: &str, arrays: &[(String, Literal)]) -> Result<()> {
    let arrays: Vec<(&str, &Literal)> = arrays.iter().map(|(n, a)| (&**n, a)).collect();
    let npz = to_npz(&arrays).map_err(|e| e.to_string())?;
    Ok(fs::write(folder.join(format!("{name}.npz")), npz)?)
}

/// Numbers for an input: small class numbers, or waves.
fn values(tensor: &Tensor, samples: usize) -> Literal {
    const ANY_LENGTH: usize = 5;
    const CLASSES: usize = 5;
    let shape = tensor.shape();
    let dims = shape.dims().iter().enumerate();
    let dims = dims.map(|(i, d)| d.unwrap_or(if i == 0 { samples } else { ANY_LENGTH }));
    let dims: Vec<usize> = dims.collect();
    let count: usize = dims.iter().product();
    let value = |i: usize| match tensor.dtype() == DType::I32 {
        true => (i * 7 % CLASSES) as f64,
        false => (i as f64 * 0.7).sin(),
    };
    let values: Vec<f64> = (0..count).map(value).collect();
    let literal = Literal::new(dims, values).unwrap_or_else(|| Literal::scalar(0.0));
    literal.convert(tensor.dtype())
}

type Make = fn() -> refrain::Result<Model>;

/// Models by name.
const MODELS: [(&str, Make); 11] = [
    ("shared_dense", shared_dense),
    ("siamese", siamese),
    ("shared_lstm", shared_lstm),
    ("nested_twice", nested_twice),
    ("in_turn", in_turn),
    ("masked", masked),
    ("masked_states", masked_states),
    ("cells", cells),
    ("dicts", dicts),
    ("stack", stack),
    ("trained", trained),
];

fn shared_dense() -> refrain::Result<Model> {
    let (left, right) = (input([10]), input([10]));
    let shared = Dense::new(32).activation(Activation::Relu);
    let merged = concatenate([shared.call(&left)?, shared.call(&right)?])?;
    let output = Dense::new(1)
        .activation(Activation::Sigmoid)
        .call(&merged)?;
    Model::new([&left, &right], &output)
}

fn siamese() -> refrain::Result<Model> {
    let (left, right) = (input([8, 8, 1]), input([8, 8, 1]));
    let first = Conv2D::new(4, 3)
        .activation(Activation::Relu)
        .padding(Padding::Same);
    let second = Conv2D::new(6, 3)
        .activation(Activation::Relu)
        .padding(Padding::Same);
    let encode = |x: &Tensor| Flatten::new().call(&second.call(&first.call(x)?)?);
    let apart = ops::abs(&subtract([encode(&left)?, encode(&right)?])?);
    Model::new([&left, &right], &Dense::new(1).call(&apart)?)
}

fn shared_lstm() -> refrain::Result<Model> {
    let (encoder, decoder) = (input([10, 20]), input([8, 20]));
    let lstm = Lstm::new(16).return_sequences(true).return_state(true);
    let encoded = lstm.call(&encoder)?;
    let decoded = lstm.call_from(&decoder, &encoded.state)?;
    let output = Dense::new(20)
        .activation(Activation::Softmax)
        .call(&decoded.output)?;
    Model::new([&encoder, &decoder], &output)
}

fn nested_twice() -> refrain::Result<Model> {
    let x = input([4]);
    let inner = Model::new(
        &x,
        &BatchNormalization::new().call(&Dense::new(5).call(&x)?)?,
    )?;
    let (a, b) = (input([4]), input([4]));
    let sum = inner.call(&a)? * 2.0 + inner.call(&b)? / 3.0;
    Model::new([&a, &b], &sum)
}

/// A(B(A(B(x)))), with a nested model as B.
fn in_turn() -> refrain::Result<Model> {
    let (x, z) = (input([4]), input([4]));
    let a = Dense::new(4);
    let b = Model::new(&z, &Dense::new(4).activation(Activation::Tanh).call(&z)?)?;
    let y = a.call(&b.call(&a.call(&b.call(&x)?)?)?)?;
    Model::new(&x, &y)
}

fn masked() -> refrain::Result<Model> {
    let words = Input::new([None]).dtype(DType::I32).tensor();
    let embedded = Embedding::new(5, 4).mask_zero(true).call(&words)?;
    let read = Bidirectional::new(Gru::new(3)).call(&embedded)?;
    Model::new(&words, &Dense::new(2).call(&read.output)?)
}

/// Masks beside initial states, as arguments and as unrolled loops.
fn masked_states() -> refrain::Result<Model> {
    let words = Input::new([5]).dtype(DType::I32).tensor();
    let x = Embedding::new(5, 4).mask_zero(true).call(&words)?;
    let x = concatenate([&x, &Dense::new(2).call(&x)?])?;
    let state = input([3]);
    let gru = Gru::new(3).return_sequences(true);
    let zeroing = gru.clone().zero_before_first(true);
    let both = Bidirectional::new(Lstm::new(3))
        .call(refrain::Inputs::new(&x).kwarg("initial_state", [&state, &state, &state, &state]))?;
    let (read, zeroed) = (gru.call_from(&x, &state)?, zeroing.call_from(&x, &state)?);
    let mean = GlobalAveragePooling1D::new().call(&read)?;
    Model::new(
        [&words, &state],
        [&read.output, &zeroed.output, &both.output, &mean],
    )
}

/// Loops over cells, one of which goes on from the states of another, and cells by themselves.
fn cells() -> refrain::Result<Model> {
    let (x, h) = (input([5, 3]), input([2]));
    let stack = || Rnn::stacked([LstmCell::new(2).any(), GruCell::new(4).any()]);
    let read = stack().return_state(true).call(&x)?;
    let written = stack().return_sequences(true).call_from(&x, &read.state)?;
    let own = MinimalCell {
        units: 3,
        scale: 2.0,
    };
    let both = Bidirectional::new(Rnn::new(own.into_layer())).call(&written.output)?;
    let next = GruCell::new(2).step(&read.state[0], &h)?;
    Model::new(
        [&x, &h],
        [&read.output, &written.output, &both.output, &next.output],
    )
}

fn dicts() -> refrain::Result<Model> {
    let a = Input::new([6]).name("a").tensor();
    let b = Input::new([3, 2]).name("b").tensor();
    let x = Dense::new(4).call(&a)?;
    let y = GlobalAveragePooling1D::new().call(&Conv1D::new(4, 2).call(&b)?)?;
    let outputs = [("sum", &(&x + &y)), ("last", &y.slice((.., -1)))];
    Model::new([("a", &a), ("b", &b)], outputs)
}

fn stack() -> refrain::Result<Model> {
    Sequential::new([6, 6, 2])
        .add(Conv2D::new(3, 3))
        .add(BatchNormalization::new())
        .add(Relu::new())
        .add(MaxPooling2D::new(2))
        .add(Flatten::new())
        .add(Dense::new(3).activation(Activation::Softmax))
        .build()
}

/// Two outputs, compiled and trained, with the state of its optimizer.
fn trained() -> refrain::Result<Model> {
    let x = input([4]);
    let hidden = LayerNormalization::new().call(&Dense::new(6).call(&x)?)?;
    let class = Dense::new(3)
        .activation(Activation::Softmax)
        .name("class")
        .call(&hidden)?;
    let value = Dense::new(1).name("value").call(&hidden)?;
    let model = Model::new(&x, [&class, &value])?;
    let losses = [Loss::SparseCategoricalCrossentropy, Loss::MeanSquaredError];
    let metrics = [[Metric::Accuracy], [Metric::MeanAbsoluteError]];
    model
        .compile(Adam::new(0.01).clipnorm(1.0), losses)
        .loss_weights([1.0, 0.5])
        .metrics(metrics)
        .run()?;
    let x: ArrayD<f32> = Array::from_shape_fn(IxDyn(&[12, 4]), |i| (i[0] * 4 + i[1]) as f32 * 0.01);
    let classes: Vec<i32> = (0..12).map(|i| i % 3).collect();
    let values: Vec<f32> = (0..12).map(|i| i as f32 * 0.1).collect();
    model
        .fit(&x, (&classes, &values))
        .epochs(2)
        .batch_size(4)
        .run()?;
    Ok(model)
}
