//! Gradients of losses and of scores, against Keras on JAX and against differences.

mod common;

use common::npz::Golden;
use ndarray::{Array1, Array2, ArrayD, IxDyn};
use refrain::activations::Activation;
use refrain::layers::{
    BatchNormalization, Conv2D, Dense, Dropout, Embedding, GlobalAveragePooling1D,
    GlobalAveragePooling2D,
};
use refrain::losses::Loss;
use refrain::optimizers::Sgd;
use refrain::regularizers::Regularizer;
use refrain::training::{GradientFunction, Gradients};
use refrain::{DType, ErrorKind, Input, Literal, Model, Result, Tensor, input, ops};

/// Keras's numbers and refrain's differ by the rounding of `f32` only.
const TOLERANCE: f32 = 2e-6;

fn array(literal: &Literal) -> ArrayD<f32> {
    let values = literal.to_f64().iter().map(|&v| v as f32).collect();
    ArrayD::from_shape_vec(IxDyn(literal.dims()), values).expect("a literal's values")
}

fn close(what: &str, found: &ArrayD<f32>, wanted: &Literal) {
    let wanted = array(wanted);
    assert_eq!(found.shape(), wanted.shape(), "{what}");
    let difference = found
        .iter()
        .zip(&wanted)
        .fold(0f32, |most, (a, b)| most.max((a - b).abs()));
    assert!(difference < TOLERANCE, "{what}: off by {difference}");
    assert!(wanted.iter().any(|v| v.abs() > 100.0 * TOLERANCE), "{what}");
}

/// The model of the golden values.
fn classifier(golden: &Golden) -> Result<(Model, Tensor)> {
    let image = input([6, 6, 2]);
    let features = Conv2D::new(3, 3)
        .activation(Activation::Tanh)
        .kernel_regularizer(Regularizer::l2(0.01))
        .call(&image)?;
    let normalized = BatchNormalization::new().call(&features)?;
    let pooled = GlobalAveragePooling2D::new().call(&normalized)?;
    let scores = Dense::new(4)
        .activation(Activation::Softmax)
        .call(&pooled)?;
    let model = Model::new(&image, &scores)?;
    for (i, weight) in model.weights().iter().enumerate() {
        weight.assign(golden.array(&format!("weight_{i}")).clone())?;
    }
    Ok((model, features))
}

fn check_loss(golden: &Golden, mode: &str, gradients: &Gradients) -> Result<()> {
    let wanted = golden.json["values"][mode].as_f64().expect("a number");
    assert!((gradients.value() - wanted).abs() < 1e-6, "{mode}");
    let key = format!("{mode}_input");
    close(&key, gradients.get(0)?, golden.array(&key));
    for (i, (weight, gradient)) in gradients.weights().enumerate() {
        let key = format!("{mode}_weight_{i}");
        close(&key, gradient, golden.array(&key));
        assert_eq!(gradients.weight(weight)?, gradient);
    }
    assert_eq!(gradients.weights().count(), 6);
    Ok(())
}

#[test]
fn gradients_of_a_loss_are_keras_s() -> Result<()> {
    let golden = Golden::read("gradients");
    let (model, _) = classifier(&golden)?;
    model
        .compile(Sgd::new(0.1), Loss::SparseCategoricalCrossentropy)
        .run()?;
    let [x, y, w] = ["x", "y", "sample_weight"].map(|key| golden.array(key));
    let before: Vec<Literal> = model.weights().iter().map(|w| w.value()).collect();
    let inference = model.gradients(x, y).sample_weight(w).run()?;
    check_loss(&golden, "inference", &inference)?;
    let training = model
        .gradients(x, y)
        .sample_weight(w)
        .training(true)
        .run()?;
    check_loss(&golden, "training", &training)?;
    let after: Vec<Literal> = model.weights().iter().map(|w| w.value()).collect();
    assert_eq!(before, after, "moving statistics stay as they are");
    let moving = model.get_layer("batch_normalization")?.weights();
    let error = inference.weight(&moving[2]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    Ok(())
}

#[test]
fn gradients_of_a_score_are_keras_s() -> Result<()> {
    let golden = Golden::read("gradients");
    let (model, features) = classifier(&golden)?;
    let class = golden.json["class"].as_i64().expect("a class");
    let score = model.outputs()[0].slice((.., class));
    let image = model.inputs()[0].clone();
    let function = GradientFunction::new(model.input(), &score, [&image, &features])?;
    let gradients = function.run(golden.array("x"))?;
    let wanted = golden.json["values"]["score"].as_f64().expect("a number");
    assert!((gradients.value() - wanted).abs() < 1e-6);
    close("input", gradients.get(0)?, golden.array("score_input"));
    close(
        "features",
        gradients.get(1)?,
        golden.array("score_features"),
    );
    assert_eq!(gradients.by_name(features.name())?, gradients.get(1)?);
    assert!(gradients.get(2).is_err() && gradients.by_name("other").is_err());
    Ok(())
}

/// A model with a shared layer, a nested model, two inputs and all sorts of losses.
fn shared() -> Result<Model> {
    let (a, b) = (input([3]), input([3]));
    let inner = input([3]);
    let dense = Dense::new(4).activation(Activation::Tanh);
    let nested = Model::new(&inner, &dense.call(&inner)?)?;
    let merged = nested.call(&a)? * nested.call(&b)?;
    let hidden = Dense::new(2)
        .activity_regularizer(Regularizer::l2(0.1))
        .call(&merged)?;
    Model::new([&a, &b], &ops::exp(&(hidden * 0.1)))
}

#[test]
fn gradients_are_the_limits_of_differences() -> Result<()> {
    let model = shared()?;
    model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    let numbers = |seed: usize, columns: usize| {
        Array2::from_shape_fn((2, columns), |(i, j)| {
            ((seed + 5 * i + 3 * j) % 7) as f32 / 7.0 - 0.4
        })
    };
    let (a, b, y) = (numbers(1, 3), numbers(4, 3), numbers(2, 2));
    let loss =
        |a: &Array2<f32>| Ok::<f64, refrain::Error>(model.gradients([a, &b], &y).run()?.value());
    let gradients = model.gradients([&a, &b], &y).run()?;
    let step = 1e-2;
    for i in 0..2 {
        for j in 0..3 {
            let (mut up, mut down) = (a.clone(), a.clone());
            up[[i, j]] += step;
            down[[i, j]] -= step;
            let difference = (loss(&up)? - loss(&down)?) / f64::from(2.0 * step);
            let found = f64::from(gradients.get(0)?[[i, j]]);
            assert!((found - difference).abs() < 1e-4, "{found} {difference}");
        }
    }
    let weight = &model.trainable_weights()[0];
    let value = weight.value();
    let moved = |by: f32| -> Result<f64> {
        let mut values = value.values::<f32>().expect("f32").to_vec();
        values[1] += by;
        weight.assign(Literal::new(value.dims().to_vec(), values).expect("a literal"))?;
        loss(&a)
    };
    let difference = (moved(step)? - moved(-step)?) / f64::from(2.0 * step);
    let found = gradients.weight(weight)?.iter().nth(1).copied();
    let found = f64::from(found.expect("two values"));
    assert!((found - difference).abs() < 1e-4, "{found} {difference}");
    Ok(())
}

#[test]
fn inputs_of_integers_have_no_gradient_and_what_follows_them_has() -> Result<()> {
    let words = Input::new([4]).name("words").dtype(DType::I32).tensor();
    let embedded = Embedding::new(9, 5).call(&words)?;
    let pooled = GlobalAveragePooling1D::new().call(&embedded)?;
    let dropped = Dropout::new(0.5).call(&pooled)?;
    let model = Model::new(&words, &Dense::new(1).call(&dropped)?)?;
    model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    let x = Array2::from_shape_fn((2, 4), |(i, j)| (i + j) as i32);
    let y = Array1::from(vec![0.0f32, 1.0]);
    let gradients = model.gradients(&x, &y).run()?;
    assert_eq!(gradients.get(0).unwrap_err().kind(), ErrorKind::DType);
    assert_eq!(gradients.weights().count(), 3);
    let twice = model.gradients(&x, &y).run()?;
    let table = &model.trainable_weights()[0];
    assert_eq!(
        twice.weight(table)?,
        gradients.weight(table)?,
        "nothing is dropped"
    );

    let output = &model.outputs()[0];
    let function = GradientFunction::new(&words, output, [&embedded])?;
    assert_eq!(function.run(&x)?.get(0)?.shape(), [2, 4, 5]);
    let refused = GradientFunction::new(&words, output, [&words]);
    assert_eq!(refused.err().map(|e| e.kind()), Some(ErrorKind::DType));
    let bad = Array2::from_elem((2, 4), 9i32);
    assert_eq!(function.run(&bad).unwrap_err().kind(), ErrorKind::Data);
    Ok(())
}

#[test]
fn tensors_without_influence_and_models_without_loss_are_refused() -> Result<()> {
    let x = input([3]);
    let (left, right) = (Dense::new(2).call(&x)?, Dense::new(2).call(&x)?);
    let model = Model::new(&x, &left)?;
    let data = Array2::<f32>::ones((1, 3));
    let function = GradientFunction::new(&x, &left, [&right])?;
    let error = function.run(&data).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Graph, "{error}");
    assert!(error.to_string().contains(right.name()), "{error}");
    let error = model.gradients(&data, &data).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::State);
    Ok(())
}
