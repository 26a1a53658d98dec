//! Targets that a cross-entropy cannot take.

use ndarray::{Array2, Array3, ArrayD, Axis, array};
use refrain::activations::Activation;
use refrain::layers::{Dense, Lstm, Masking, Softmax};
use refrain::losses::{BinaryCrossentropy, CategoricalCrossentropy, Loss};
use refrain::optimizers::Sgd;
use refrain::{ErrorKind, Input, Model, Result, Tensor, input};

use crate::refused;

const SAMPLES: usize = 6;

fn x() -> Array2<f32> {
    Array2::from_shape_fn((SAMPLES, 3), |(i, j)| ((i * 3 + j) as f32).sin())
}

fn zeros(units: usize) -> Array2<f32> {
    Array2::zeros((SAMPLES, units))
}

fn model(units: usize, activation: Activation, loss: impl Into<Loss>) -> Result<Model> {
    let x = input([3]);
    let y = Dense::new(units)
        .activation(activation)
        .name("y")
        .call(&x)?;
    let model = Model::new(&x, &y)?;
    model.compile(Sgd::new(0.1), loss.into()).run()?;
    Ok(model)
}

fn binary() -> Result<Model> {
    model(2, Activation::Sigmoid, Loss::BinaryCrossentropy)
}

fn categorical() -> Result<Model> {
    model(3, Activation::Softmax, Loss::CategoricalCrossentropy)
}

fn no_binary(received: &str) -> String {
    format!(
        "expected 0 or 1, or probabilities, as targets of output `y`, whose loss is BinaryCrossentropy, got target \
         {received}. Scale or clip the targets, put factors into the sample weights, or take a loss for numbers, such as \
         MeanSquaredError, one for class numbers, SparseCategoricalCrossentropy, or a loss of your own."
    )
}

fn no_one_hot(received: &str) -> String {
    format!(
        "expected one-hot targets or probabilities for output `y`, whose loss is CategoricalCrossentropy, got target \
         {received}. Class numbers need SparseCategoricalCrossentropy; factors belong into the sample weights."
    )
}

/// Every way to give targets refuses these, and the weights stay what they were.
fn refused_everywhere(model: &Model, targets: &Array2<f32>, text: &str) -> Result<()> {
    let (x, good) = (x(), targets.mapv(|_| 0.0));
    let before = model.weights()[0].value()?;
    refused(model.fit(&x, targets).run(), ErrorKind::Data, text);
    refused(model.evaluate(&x, targets).run(), ErrorKind::Data, text);
    refused(
        model.train_on_batch(&x, targets).run(),
        ErrorKind::Data,
        text,
    );
    refused(
        model.test_on_batch(&x, targets).run(),
        ErrorKind::Data,
        text,
    );
    assert_eq!(model.weights()[0].value()?, before);
    let validated = model.fit(&x, &good).validation_data(&x, targets);
    let text = format!("validation: {text}");
    refused(validated.run(), ErrorKind::Data, &text);
    model.fit(&x, &good).run().map(|_| ())
}

#[test]
fn targets_that_are_no_probabilities() -> Result<()> {
    let (binary, categorical) = (binary()?, categorical()?);
    for (sample, value, shown) in [
        (0, 2.0, "2 at sample 0"),
        (5, -1.0, "-1 at sample 5"),
        (3, 1.5, "1.5 at sample 3"),
        (2, 255.0, "255 at sample 2"),
        (4, f32::NAN, "NaN at sample 4"),
        (1, f32::INFINITY, "inf at sample 1"),
        (1, -1e-3, "-0.0010000000474974513 at sample 1"),
    ] {
        let mut targets = zeros(2);
        targets[[sample, 1]] = value;
        refused_everywhere(&binary, &targets, &no_binary(shown))?;
        let mut targets = zeros(3);
        targets[[sample, 2]] = value;
        refused_everywhere(&categorical, &targets, &no_one_hot(shown))?;
    }
    Ok(())
}

#[test]
fn targets_of_other_types_and_layouts() -> Result<()> {
    let (model, x) = (binary()?, x());
    let bytes = Array2::<u8>::from_elem((SAMPLES, 2), 255);
    refused(
        model.fit(&x, &bytes).run(),
        ErrorKind::Data,
        &no_binary("255 at sample 0"),
    );
    let mut turned = Array2::<i64>::zeros((2, SAMPLES));
    turned[[1, 4]] = -3;
    refused(
        model.fit(&x, turned.t()).run(),
        ErrorKind::Data,
        &no_binary("-3 at sample 4"),
    );
    let yes = Array2::<bool>::from_elem((SAMPLES, 2), true);
    model.fit(&x, &yes).run()?;
    Ok(())
}

#[test]
fn the_output_at_fault_is_named() -> Result<()> {
    let x = input([3]);
    let head = |name: &str| -> Result<Tensor> {
        let head = Dense::new(2).activation(Activation::Softmax).name(name);
        head.call(&x)
    };
    let model = Model::new(&x, [&head("first")?, &head("second")?])?;
    let losses = [Loss::MeanSquaredError, Loss::CategoricalCrossentropy];
    model.compile(Sgd::new(0.1), losses).run()?;
    // Any number is a target of the first.
    let error = model
        .fit(&self::x(), [&(zeros(2) + 7.0), &(zeros(2) + 7.0)])
        .run();
    refused(
        error,
        ErrorKind::Data,
        &no_one_hot("7 at sample 0").replace("`y`", "`second`"),
    );
    model
        .fit(&self::x(), [&(zeros(2) + 7.0), &zeros(2)])
        .run()?;
    Ok(())
}

#[test]
fn probabilities_and_smoothed_labels_are_taken() -> Result<()> {
    let x = x();
    let soft = array![0.0f32, 0.25, 1.0, 1.000_001, -0.000_001, 0.5].insert_axis(Axis(1));
    for loss in [
        BinaryCrossentropy::new(),
        BinaryCrossentropy::new().label_smoothing(0.2),
        BinaryCrossentropy::new().from_logits(true),
    ] {
        let loss = model(1, Activation::Linear, loss)?.fit(&x, &soft).run()?;
        assert!(loss.last("loss")?.is_finite());
    }
    let smoothed = CategoricalCrossentropy::new().label_smoothing(0.2);
    let model = model(3, Activation::Softmax, smoothed)?;
    model.fit(&x, &(zeros(3) + 1.0 / 3.0)).run()?;
    Ok(())
}

#[test]
fn targets_without_weight_may_be_any_number() -> Result<()> {
    let (model, x) = (binary()?, x());
    let mut targets = zeros(2);
    targets.row_mut(4).fill(-1.0);
    let mut weights = ndarray::Array1::<f32>::ones(SAMPLES);
    let text = no_binary("-1 at sample 4");
    refused(
        model.fit(&x, &targets).sample_weight(&weights).run(),
        ErrorKind::Data,
        &text,
    );
    weights[4] = 0.0;
    let history = model.fit(&x, &targets).sample_weight(&weights).run()?;
    assert!(history.last("loss")?.is_finite());
    // A weight of zero does not save a loss from NaN.
    targets[[4, 0]] = f32::NAN;
    refused(
        model.fit(&x, &targets).sample_weight(&weights).run(),
        ErrorKind::Data,
        &no_binary("NaN at sample 4"),
    );
    Ok(())
}

/// A sequence model whose last steps are masked, with or without that mask.
fn sequences(masked: bool) -> Result<(Model, ArrayD<f32>, ArrayD<f32>)> {
    let inputs = Input::new([4, 2]).tensor();
    let h = match masked {
        true => Masking::new().call(&inputs)?,
        false => inputs.clone(),
    };
    let h = Lstm::new(3).return_sequences(true).call(&h)?.output;
    let y = Dense::new(1)
        .activation(Activation::Sigmoid)
        .name("y")
        .call(&h)?;
    let model = Model::new(&inputs, &y)?;
    model
        .compile(Sgd::new(0.1), Loss::BinaryCrossentropy)
        .run()?;
    let x = Array3::from_shape_fn((SAMPLES, 4, 2), |(_, t, _)| if t < 3 { 1.0 } else { 0.0 });
    let y = Array3::from_shape_fn((SAMPLES, 4, 1), |(_, t, _)| if t < 3 { 1.0 } else { -1.0 });
    Ok((model, x.into_dyn(), y.into_dyn()))
}

#[test]
fn targets_of_masked_steps_may_be_any_number() -> Result<()> {
    let (model, x, y) = sequences(true)?;
    let history = model.fit(&x, &y).run()?;
    assert!(history.last("loss")?.is_finite());
    let (model, x, y) = sequences(false)?;
    let text = no_binary("-1 at sample 0");
    refused(model.fit(&x, &y).run(), ErrorKind::Data, &text);
    let steps = Array2::from_shape_fn((SAMPLES, 4), |(_, t)| if t < 3 { 1.0f32 } else { 0.0 });
    let history = model.fit(&x, &y).sample_weight(&steps).run()?;
    assert!(history.last("loss")?.is_finite());
    Ok(())
}

/// Classes along axis 1: the weights `(samples, positions)` are not those of the leading axes.
#[test]
fn weights_of_positions_behind_the_classes() -> Result<()> {
    let x = input([2, 3]);
    let y = Softmax::new().axis(1).call(&x)?;
    let model = Model::new(&x, &y)?;
    let loss = CategoricalCrossentropy::new().axis(1);
    model.compile(Sgd::new(0.1), loss).run()?;
    let data = Array3::<f32>::zeros((SAMPLES, 2, 3));
    let mut targets = data.clone();
    targets[[0, 0, 2]] = 9.0;
    let mut weights = Array2::<f32>::ones((SAMPLES, 3));
    let wrong = model.evaluate(&data, &targets).sample_weight(&weights);
    let error = wrong.run().map(|_| ()).expect_err("9 is no probability");
    assert!(
        error.to_string().contains("target 9 at sample 0"),
        "{error}"
    );
    weights[[0, 2]] = 0.0;
    model
        .evaluate(&data, &targets)
        .sample_weight(&weights)
        .run()?;
    Ok(())
}
