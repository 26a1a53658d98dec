//! Layers know what their calls took and gave; models are cut and nested models found.

use ndarray::{Array2, ArrayD};
use refrain::layers::{AnyLayer, Dense, Lstm};
use refrain::{ErrorKind, Model, Result, Sequential, Tensor, input, load_model};

fn refused<T: std::fmt::Debug>(result: Result<T>, parts: &[&str]) {
    let error = result.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Graph);
    for part in parts {
        assert!(error.to_string().contains(part), "{error}");
    }
}

fn fixture(name: &str) -> Result<Model> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/keras/3.15.1/");
    load_model(format!("{folder}{name}.keras"))
}

fn predicted(model: &Model, x: &Array2<f32>) -> Result<ArrayD<f32>> {
    model.predict(x).run()?.into_array()
}

fn samples(columns: usize) -> Array2<f32> {
    Array2::from_shape_fn((5, columns), |(i, j)| ((3 * i + j) % 5) as f32 / 5.0 - 0.3)
}

fn stack() -> Result<Model> {
    Sequential::new([4])
        .add(Dense::new(6).name("first"))
        .add(Dense::new(5).name("second"))
        .add(Dense::new(2).name("third"))
        .build()
}

#[test]
fn a_layer_gives_what_its_only_call_took_and_gave() -> Result<()> {
    let dense = Dense::new(3).name("dense");
    refused(dense.output(), &["never been called", "`dense`"]);
    let x = input([4]);
    let y = dense.call(&x)?;
    assert_eq!(dense.output()?.name(), y.name());
    assert_eq!(dense.any().output_at(0)?.name(), y.name());
    assert_eq!(dense.input()?.name(), x.name());
    refused(dense.output_at(1), &["no call 1", "0 to 0"]);
    Ok(())
}

#[test]
fn a_shared_layer_is_asked_for_one_of_its_calls() -> Result<()> {
    let (a, b) = (input([4]), input([4]));
    let dense = Dense::new(3);
    let outputs = [dense.call(&a)?, dense.call(&b)?];
    refused(dense.output(), &["called 2 times", "output_at(0)"]);
    refused(dense.input(), &["called 2 times", "input_at(0)"]);
    for (call, output) in outputs.iter().enumerate() {
        assert_eq!(dense.output_at(call)?.name(), output.name());
    }
    assert_eq!(dense.input_at(1)?.name(), b.name());
    Ok(())
}

#[test]
fn layers_with_several_tensors_give_them_all() -> Result<()> {
    let (x, h, c) = (input([5, 3]), input([4]), input([4]));
    let lstm = Lstm::new(4).return_state(true);
    lstm.call_from(&x, [&h, &c])?; // dropped: nothing holds it
    refused(lstm.output(), &["holds this call"]);
    let y = lstm.call_from(&x, [&h, &c])?;
    let layer = lstm.any();
    assert_eq!(lstm.output()?.state[1].name(), y.state[1].name());
    refused(layer.output(), &["3 output tensors", "outputs_at"]);
    refused(layer.input(), &["3 input tensors", "inputs_at"]);
    assert_eq!(layer.outputs_at(1)?.flatten().len(), 3);
    assert_eq!(layer.inputs_at(1)?.tensors()[2].name(), c.name());
    refused(layer.outputs_at(0), &["holds this call"]);
    Ok(())
}

#[test]
fn calls_live_as_long_as_a_model_or_a_tensor_that_needs_them() -> Result<()> {
    let dense = Dense::new(3);
    let x = input([4]);
    let last = Dense::new(1).call(&dense.call(&x)?)?;
    assert!(dense.output().is_ok(), "a later tensor holds it");
    let model = Model::new(&x, &last)?;
    drop((x, last));
    assert!(dense.output().is_ok(), "the model holds it");
    let layer: AnyLayer = model.get_layer(dense.get_name())?;
    drop(model);
    refused(layer.output(), &["neither a model nor a tensor"]);
    Ok(())
}

#[test]
fn many_calls_leave_nothing_behind() -> Result<()> {
    let dense = Dense::new(1);
    let x = input([1]);
    let kept = dense.call(&x)?;
    for _ in 0..1000 {
        dense.call(&x)?;
    }
    assert_eq!(dense.output()?.name(), kept.name());
    let another = dense.call(&x)?;
    assert_eq!(dense.output_at(1001)?.name(), another.name());
    Ok(())
}

#[test]
fn a_loaded_model_is_cut_frozen_and_given_a_head() -> Result<()> {
    let base = fixture("sequential")?;
    let layers = base.layers();
    let features = layers[layers.len() - 2].output()?;
    layers[0].set_trainable(false);
    let head = Dense::new(2).name("head");
    let model = Model::new(base.input(), &head.call(&features)?)?;
    let weights = model.trainable_weights();
    assert!(weights.ends_with(&head.weights()));
    assert!(layers[0].weights().iter().all(|w| !weights.contains(w)));
    assert!(model.weights().iter().any(|w| base.weights().contains(w)));
    Ok(())
}

#[test]
fn a_model_between_inner_tensors_computes_that_part() -> Result<()> {
    let model = stack()?;
    let (second, x) = (model.get_layer("second")?, samples(4));
    let lower = Model::new(model.input(), &second.input()?)?;
    let upper = Model::new(&second.input()?, model.output())?;
    let middle = Model::new(&second.input()?, &second.output()?)?;
    let inner = predicted(&lower, &x)?
        .into_dimensionality()
        .expect("a matrix");
    assert_eq!(predicted(&upper, &inner)?, predicted(&model, &x)?);
    assert_eq!(predicted(&middle, &inner)?.shape(), [5, 5]);
    assert_eq!(upper.weights(), model.weights()[2..]);
    // The calls that the upper model repeats do not hide the one that they repeat.
    assert_eq!(
        model.get_layer("third")?.output()?.name(),
        model.outputs()[0].name()
    );
    drop(model);
    assert_eq!(
        upper.get_layer("third")?.output()?.name(),
        upper.outputs()[0].name()
    );
    Ok(())
}

#[test]
fn a_nested_model_of_a_file_is_a_model() -> Result<()> {
    let model = fixture("nested")?;
    let found: Vec<Model> = model
        .layers()
        .iter()
        .filter_map(|l| l.as_model().ok())
        .collect();
    let inner = found.first().expect("a nested model");
    let layer = model.get_layer(inner.get_name())?;
    let called: Vec<Tensor> = layer.outputs_at(0)?.into_leaves();
    let own: Vec<Tensor> = inner.outputs();
    assert_ne!(called[0].name(), own[0].name());
    assert_eq!(layer.output()?.name(), own[0].name());
    assert!(inner.weights().iter().all(|w| model.weights().contains(w)));
    Model::new(inner.input(), inner.output())?;
    let dense = model.layers().into_iter().find(|l| l.as_model().is_err());
    refused(dense.expect("a layer").as_model(), &["not a model"]);
    Ok(())
}

#[test]
fn all_handles_of_a_model_share_its_compilation() -> Result<()> {
    use refrain::{losses::Loss, optimizers::Sgd};
    let inner = stack()?;
    let x = input([4]);
    let outer = Model::new(&x, &inner.call(&x)?)?;
    inner.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    let found = outer.get_layer(inner.get_name())?.as_model()?;
    assert!(found.is_compiled());
    assert!(!outer.is_compiled());
    Ok(())
}
