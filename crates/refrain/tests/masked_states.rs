//! Recurrent calls on masked sequences that start from given states: each file computes what the Keras that wrote it does,
//! and so does what refrain writes of it.

mod common;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use common::compare::{OUTPUT_TOLERANCE, close};
use common::npz::Golden;
use refrain::layers::{Bidirectional, Embedding, Gru, Lstm, Masking, SimpleRnn};
use refrain::saving::LoadOptions;
use refrain::{
    DType, Input, Inputs, Literal, Model, Tensor, clone_model, input, load_model, model_from_json,
};
use serde_json::Value;

const VERSIONS: [&str; 2] = ["2.21.0", "3.15.1"];
const MODELS: [&str; 6] = [
    "every_kind",
    "unknown_length",
    "decoder",
    "masking",
    "nested",
    "explicit",
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/masks")
}

/// A folder of its own for a test, which is removed afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("refrain-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    /// The files of a version of Keras.
    fn unpack(&self, version: &str) {
        let zip = fs::File::open(fixtures().join(format!("{version}.zip"))).expect("an archive");
        let mut zip = zip::ZipArchive::new(zip).expect("a zip archive");
        for i in 0..zip.len() {
            let mut member = zip.by_index(i).expect("a member");
            let mut bytes = Vec::new();
            member.read_to_end(&mut bytes).expect("its bytes");
            fs::write(self.0.join(member.name()), bytes).expect("a file");
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn predict(model: &Model, golden: &Golden, name: &str) -> Vec<Literal> {
    let inputs = (0..model.inputs().len()).map(|i| golden.array(&format!("{name}/x{i}")));
    let inputs: Vec<&Literal> = inputs.collect();
    let outputs = model.predict_on_batch(inputs).expect("predictions");
    (0..outputs.len())
        .map(|i| outputs.literal(i).expect("an output"))
        .collect()
}

fn check(model: &Model, golden: &Golden, name: &str, what: &str) {
    for (i, got) in predict(model, golden, name).iter().enumerate() {
        let expected = golden.array(&format!("{name}/y{i}"));
        close(
            &format!("{what}, output {i}"),
            got,
            expected,
            OUTPUT_TOLERANCE,
        )
        .unwrap_or_else(|e| panic!("{e}"));
    }
}

#[test]
fn files_compute_what_their_keras_does_and_so_do_their_copies() {
    for version in VERSIONS {
        let folder = Folder::new(&format!("masks-{version}"));
        folder.unpack(version);
        let golden = Golden::of_arrays(&fixtures().join(format!("{version}.npz")));
        for name in MODELS {
            let h5 = folder.0.join(format!("{name}.h5"));
            let described = LoadOptions::new()
                .load(folder.0.join(format!("{name}.json")))
                .expect("a model");
            described.load_weights(&h5).run().expect("weights");
            check(&described, &golden, name, &format!("{version}/{name}.json"));
            for end in ["keras", "h5"] {
                let what = format!("{version}/{name}.{end}");
                let model = load_model(folder.0.join(format!("{name}.{end}"))).expect(&what);
                check(&model, &golden, name, &what);
                check_copies(&model, &folder, &golden, name, &what);
            }
        }
    }
}

/// What refrain writes is read as Keras 3 reads it.
fn check_copies(model: &Model, folder: &Folder, golden: &Golden, name: &str, what: &str) {
    // Keras 3 has neither loops of unknown length with Keras 2's zeros, nor masks from outside of a nested model.
    let keras2 = what.starts_with('2');
    if keras2 && ["unknown_length", "nested"].contains(&name) {
        return;
    }
    for end in ["keras", "h5"] {
        let path = folder.0.join(format!("copy.{end}"));
        model.save(&path).expect("a file");
        let copy = load_model(&path).expect("its copy");
        check(&copy, golden, name, &format!("{what} as {end}"));
    }
    let clone = clone_model(model).expect("a clone");
    for (copied, weight) in clone.weights().iter().zip(model.weights()) {
        let value = weight.value().expect("a value");
        copied.assign(value).expect("a value of its shape");
    }
    check(&clone, golden, name, &format!("a clone of {what}"));
}

/// Word numbers, and the sequence that carries the mask of them.
fn masked(length: Option<usize>) -> (Tensor, Tensor) {
    let ids = Input::new([length]).dtype(DType::I32).tensor();
    let x = Embedding::new(5, 3).mask_zero(true).call(&ids);
    (ids, x.expect("a masked tensor"))
}

/// What a model of word numbers and a state gives for words that all are masked.
fn of_masked_words(model: &Model, start: &[f32; 2]) -> Vec<Vec<f64>> {
    let ids = Literal::new(vec![1, 4], vec![0i32; 4]).expect("words");
    let start = Literal::new(vec![1, 2], start.to_vec()).expect("a state");
    let outputs = model.predict_on_batch([&ids, &start]).expect("predictions");
    let outputs = (0..outputs.len()).map(|i| outputs.literal(i).expect("an output"));
    outputs.map(|o| o.to_f64()).collect()
}

#[test]
fn models_made_here_use_the_mask_and_write_it() {
    let ((ids, x), state) = (masked(Some(4)), input([2]));
    let given = [&state, &state];
    let lstm = Lstm::new(2).call_from(&x, given).expect("a call");
    let gru = Gru::new(2).call_from(&x, &state).expect("a call");
    let rnn = SimpleRnn::new(2).call_from(&x, &state).expect("a call");
    let both = Bidirectional::new(Gru::new(2));
    let both = both.call(Inputs::new(&x).kwarg("initial_state", given));
    let both = both.expect("a call");
    let outputs = [&lstm.output, &gru.output, &rnn.output, &both.output];
    let model = Model::new([&ids, &state], outputs).expect("a model");
    let start = [0.25, -0.5];
    let kept = [0.25, -0.5];
    let expected = vec![
        kept.to_vec(),
        kept.to_vec(),
        kept.to_vec(),
        [kept, kept].concat(),
    ];
    assert_eq!(of_masked_words(&model, &start), expected);
    let json = model.to_json();
    assert_eq!(json.matches("\"mask\":{").count(), 4, "{json}");
    assert_eq!(
        json.matches("\"class_name\":\"NotEqual\"").count(),
        1,
        "one mask for all calls: {json}"
    );
    let again = model_from_json(&json).expect("the model again");
    assert_eq!(of_masked_words(&again, &start), expected);
}

#[test]
fn a_mask_of_none_is_left_unused_beside_initial_states() {
    let ((ids, x), state) = (masked(Some(4)), input([2]));
    let rnn = SimpleRnn::new(2).return_sequences(true);
    let call = Inputs::new(&x).kwarg("initial_state", &state);
    let unused = rnn
        .call(call.clone().option("mask", Value::Null))
        .expect("a call");
    let unmasked = rnn.call(call.kwarg("mask", &refrain::ops::ones_like(&ids, Some(DType::Bool))));
    let outputs = [&unused.output, &unmasked.expect("a call").output];
    let model = Model::new([&ids, &state], outputs).expect("a model");
    let outputs = of_masked_words(&model, &[0.25, -0.5]);
    assert_eq!(outputs[0], outputs[1]);
    assert!(
        unused.output.mask().is_some(),
        "later layers still see the mask"
    );
}

#[test]
fn zeros_before_the_first_step_are_unrolled_in_files() {
    let ((ids, x), state) = (masked(Some(4)), input([2]));
    let rnn = SimpleRnn::new(2).zero_before_first(true);
    let y = rnn.call_from(&x, &state).expect("a call");
    let plain = rnn.call(&x).expect("a call without states");
    let model = Model::new([&ids, &state], [&y.output, &plain.output]).expect("a model");
    let start = [0.25, -0.5];
    assert_eq!(of_masked_words(&model, &start), [[0.0, 0.0], [0.0, 0.0]]);
    let json = model.to_json();
    assert!(
        json.contains("\"unroll\":true") && !json.contains("zero_before_first"),
        "{json}"
    );
    let again = model_from_json(&json).expect("the model again");
    assert_eq!(of_masked_words(&again, &start), [[0.0, 0.0], [0.0, 0.0]]);
}

#[test]
fn masks_of_symbolic_tensors_are_tensors_of_the_graph() {
    let x = input([4, 3]);
    let masked = Masking::new().call(&x).expect("a masked tensor");
    let y = refrain::layers::Dense::new(3)
        .call(&masked)
        .expect("a call");
    let sum = refrain::layers::add([&masked, &y]).expect("a call");
    let wide = refrain::layers::concatenate([&sum, &x]).expect("a call");
    let long = refrain::layers::Concatenate::new()
        .axis(1)
        .call([&sum, &x])
        .expect("a call");
    let masks = [&y, &sum, &wide, &long].map(|t| t.mask().expect("a mask"));
    let model = Model::new(&x, masks).expect("a model of masks");
    let steps = Literal::new(
        vec![1, 4, 3],
        (0..12)
            .map(|i| f32::from(u8::from(i < 3)))
            .collect::<Vec<f32>>(),
    );
    let outputs = model
        .predict_on_batch(&steps.expect("steps"))
        .expect("predictions");
    let expected: [&[f64]; 4] = [
        &[1.0, 0.0, 0.0, 0.0],
        &[1.0, 0.0, 0.0, 0.0],
        &[1.0, 1.0, 1.0, 1.0],
        &[1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0],
    ];
    for (i, expected) in expected.iter().enumerate() {
        assert_eq!(
            outputs.literal(i).expect("an output").to_f64(),
            *expected,
            "mask {i}"
        );
    }
    assert!(x.mask().is_none());
}
