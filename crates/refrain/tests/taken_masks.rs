//! Keras's attention takes the masks off its inputs; models made here keep them, and say so when they are written.

mod common;
#[path = "common/warned.rs"]
mod warned;

use common::compare::close;
use ndarray::array;
use refrain::layers::{
    Dense, Dropout, Embedding, GlobalAveragePooling1D, Lstm, Masking, MultiHeadAttention,
    SimpleRnn, add, concatenate,
};
use refrain::training::GradientFunction;
use refrain::{DType, Input, Inputs, Literal, Model, Result, Tensor, input, model_from_json, ops};
use warned::warnings;

const TAKEN: &str = "uses a mask here that Keras 3.8 and later do not use";

fn block(x: &Tensor) -> Result<Tensor> {
    let attended = MultiHeadAttention::new(1, 2).call([x, x])?;
    add([x, &attended])
}

fn words() -> Result<(Tensor, Tensor)> {
    let ids = Input::new([4]).dtype(DType::I32).tensor();
    let words = Embedding::new(6, 4).mask_zero(true).call(&ids)?;
    Ok((ids, words))
}

fn predict(model: &Model) -> Result<Literal> {
    let ids = array![[3, 1, 0, 0], [2, 0, 4, 1]];
    model.predict(&ids).run()?.literal(0)
}

/// The model that Keras would make of a description, which knows no `keeps_masks`.
fn as_keras_reads(model: &Model) -> Result<Model> {
    let json = model.to_json().replace("\"keeps_masks\":true", "\"x\":0");
    let copy = model_from_json(&json)?;
    for (weight, value) in copy.weights().iter().zip(model.weights()) {
        weight.assign(value.value()?)?;
    }
    Ok(copy)
}

fn save(model: &Model, name: &str) -> (Result<Model>, String) {
    let file = format!("refrain-{name}-{}.keras", std::process::id());
    let path = std::env::temp_dir().join(file);
    let texts = warnings(|| model.save(&path));
    let again = refrain::load_model(&path);
    std::fs::remove_file(path).ok();
    (again, texts.expect("saved").join("\n"))
}

#[test]
fn blocks_of_attention_keep_the_mask_in_files() -> Result<()> {
    let (ids, words) = words()?;
    let pooled = GlobalAveragePooling1D::new().call(block(&block(&words)?)?)?;
    let model = Model::new(&ids, &pooled)?;
    let expected = predict(&model)?;
    let (again, warnings) = save(&model, "blocks");
    assert!(warnings.contains(TAKEN), "{warnings}");
    close("again", &predict(&again?)?, &expected, 1e-6).expect("the same");
    let other = predict(&as_keras_reads(&model)?)?;
    assert!(close("Keras", &other, &expected, 1e-3).is_err());

    let for_keras = model.for_keras()?;
    let (again, warnings) = save(&for_keras, "blocks-for-keras");
    assert_eq!(warnings, "");
    for model in [again?, as_keras_reads(&for_keras)?] {
        close("for Keras", &predict(&model)?, &expected, 1e-6).expect("the same");
    }
    Ok(())
}

#[test]
fn one_block_of_attention_is_the_same_in_keras() -> Result<()> {
    let (ids, words) = words()?;
    let pooled = GlobalAveragePooling1D::new().call(block(&words)?)?;
    let model = Model::new(&ids, &pooled)?;
    let (again, warnings) = save(&model, "block");
    assert_eq!(warnings, "");
    close("again", &predict(&again?)?, &predict(&model)?, 1e-6).expect("the same");
    Ok(())
}

#[test]
fn a_mask_of_the_query_is_kept_here_and_named() -> Result<()> {
    let (ids, words) = words()?;
    let positive = ops::greater(ops::get_item(&words, (.., .., 0)), 0.0);
    let inputs = Inputs::new(&words)
        .arg(&words)
        .kwarg("query_mask", &positive);
    let attended = MultiHeadAttention::new(1, 2).call(inputs)?;
    let model = Model::new(&ids, &attended)?;
    let (again, warnings) = save(&model, "query");
    assert!(warnings.contains("query_mask"), "{warnings}");
    close("again", &predict(&again?)?, &predict(&model)?, 1e-6).expect("the same");
    Ok(())
}

/// Keras would make a function `concatenate` for the mask, which is the layer's name.
#[test]
fn a_mask_of_several_is_an_argument_under_a_name_of_its_own() -> Result<()> {
    let (ids, words) = words()?;
    let (others, more) = self::words()?;
    let state = Lstm::new(2).call(concatenate([&words, &more])?)?;
    let model = Model::new([&ids, &others], &state)?;
    assert!(model.to_json().contains("\"name\":\"mask_logical_or\""));
    assert!(model.to_json().contains("\"kwargs\":{\"mask\":{"));
    let (again, warnings) = save(&model, "several");
    assert_eq!(warnings, "");
    assert_eq!(again?.to_json(), model.to_json());
    Ok(())
}

/// Keras has the mask of `first` as an argument of `a`, which puts `first` before `second`; files store weights in that order.
#[test]
fn layers_have_the_order_that_masks_give_them_in_keras() -> Result<()> {
    let x = input([4, 3]);
    let masked = Masking::new().call(Dense::new(3).name("first").call(&x)?)?;
    let other = Dense::new(3).name("second").call(&x)?;
    let a = Lstm::new(2).name("a").call(&masked)?;
    let b = Lstm::new(2).name("b").call(other.tanh())?;
    let model = Model::new(&x, concatenate([&b.output, &a.output])?)?;
    let weights = model.weights();
    let owners: Vec<&str> = weights
        .iter()
        .filter_map(|w| w.path().split('/').next())
        .collect();
    let mut order = owners.clone();
    order.dedup();
    assert_eq!(order, ["first", "second", "b", "a"]);
    Ok(())
}

#[test]
fn a_call_is_named_once_however_often_its_model_is_called() -> Result<()> {
    let (x, state) = (input([4, 4]), input([2]));
    let rnn = SimpleRnn::new(2).call(Inputs::new(&x).kwarg("initial_state", &state))?;
    let mut model = Model::new([&x, &state], &rnn.output)?;
    for _ in 0..2 {
        let (x, state) = (input([4, 4]), input([2]));
        let first = model.call([&x, &state])?;
        model = Model::new([&x, &state], &model.call([&x, &first])?)?;
    }
    let (ids, words) = words()?;
    let outputs = [model.call([&words, &state])?, model.call([&words, &state])?];
    let (_, warnings) = save(&Model::new([&ids, &state], outputs)?, "often");
    let told = warnings.matches("beside initial states").count();
    assert_eq!(told, 1, "{warnings}");
    Ok(())
}

/// `Dropout` outside of `fit` gives its input back, whose mask is taken with its own.
#[test]
fn masks_are_taken_from_tensors_with_gradients_too() -> Result<()> {
    let (ids, words) = words()?;
    let dropped = Dropout::new(0.5).name("dropped").call(&words)?;
    let attended = MultiHeadAttention::new(1, 2).call([&dropped, &dropped])?;
    let pooled = [words, attended].map(|x| GlobalAveragePooling1D::new().call(&x));
    let [words, attended] = pooled;
    let model = Model::new(&ids, &add([words?, attended?])?)?;
    let read = as_keras_reads(&model)?;
    let sum = |model: &Model| Ok::<f64, refrain::Error>(predict(model)?.to_f64().iter().sum());
    let wanted = sum(&read)?;
    assert!((wanted - sum(&model)?).abs() > 1e-3, "{wanted}");
    let dropped = read.get_layer("dropped")?.output()?;
    let function = GradientFunction::new(read.input(), &read.outputs()[0], [&dropped])?;
    let found = function.run(&array![[3, 1, 0, 0], [2, 0, 4, 1]])?.value();
    assert!((found - wanted).abs() < 1e-5, "{found} for {wanted}");
    Ok(())
}
