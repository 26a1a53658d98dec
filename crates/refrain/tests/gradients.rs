//! Gradients of losses and of scores, against Keras on JAX and against differences.

mod common;

use common::npz::Golden;
use ndarray::{Array1, Array2, ArrayD, IxDyn};
use refrain::activations::Activation;
use refrain::layers::{
    BatchNormalization, Conv2D, Dense, Dropout, Embedding, Flatten, GlobalAveragePooling1D,
    GlobalAveragePooling2D, Identity, LayerNormalization, Lstm, MaxPooling2D, Reshape,
    ZeroPadding2D,
};
use refrain::losses::Loss;
use refrain::optimizers::Sgd;
use refrain::regularizers::Regularizer;
use refrain::training::{GradientFunction, Gradients};
use refrain::{
    DType, ErrorKind, Input, Literal, Model, Result, Sequential, Tensor, input, load_model, ops,
};

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
    let weights = || -> Result<Vec<_>> { model.weights().iter().map(|w| w.value()).collect() };
    let before = weights()?;
    let inference = model.gradients(x, y).sample_weight(w).run()?;
    check_loss(&golden, "inference", &inference)?;
    let training = model
        .gradients(x, y)
        .sample_weight(w)
        .training(true)
        .run()?;
    check_loss(&golden, "training", &training)?;
    assert_eq!(before, weights()?, "moving statistics stay as they are");
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
    let value = weight.value()?;
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

    // Indices that are floats are checked, too.
    let numbers = input([4]);
    let embedded = Embedding::new(9, 4).call(&numbers)?;
    let output = GlobalAveragePooling1D::new().call(&embedded)? * &numbers;
    let function = GradientFunction::new(&numbers, &output, [&numbers])?;
    let bad = bad.mapv(|i| i as f32);
    assert_eq!(function.run(&(&bad - 1.0))?.get(0)?.shape(), [2, 4]);
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

/// Numbers without a pattern that matters here.
fn spread(dims: &[usize], at: impl Fn(usize) -> f32) -> ArrayD<f32> {
    let values = (0..dims.iter().product()).map(at).collect();
    ArrayD::from_shape_vec(IxDyn(dims), values).expect("so many values")
}

fn fill(model: &Model) -> Result<()> {
    for (k, weight) in model.weights().iter().enumerate() {
        let dims = weight.shape();
        let values = spread(&dims, |i| ((i * 7 + 3 * k + 1) % 11) as f32 / 11.0 - 0.45);
        let literal = Literal::new(dims, values.into_iter().collect());
        weight.assign(literal.expect("so many values"))?;
    }
    Ok(())
}

/// The gradient penalty of a model with one output: `mean((norm of each sample's gradient - 1)²)`.
fn penalty(model: &Model) -> Result<(Tensor, Tensor)> {
    let (x, y) = (model.inputs()[0].clone(), model.outputs()[0].clone());
    let slope = Flatten::new().call(&ops::gradient(&y, &x))?;
    let norm = (ops::sum(slope.square(), -1, false) + 1e-12).sqrt();
    Ok((x, ops::mean((norm - 1.0).square(), ops::Axes::All, false)))
}

/// JAX's value of a penalty; of its gradients by the input and the weights the first element and the sum of all sizes
/// (`golden/print_penalties.py`).
type Penalty<'p> = (f64, &'p [(f64, f64)]);

fn check_penalty(model: &Model, wanted: Penalty<'_>) -> Result<()> {
    fill(model)?;
    let (x, penalty) = penalty(model)?;
    let weights = model.trainable_weights();
    let function = GradientFunction::new(&x, &penalty, [&x])?.weights(&weights)?;
    let dims: Vec<usize> = x.shape().dims().iter().map(|d| d.unwrap_or(2)).collect();
    let data = spread(&dims, |i| ((i * 5 + 2) % 13) as f32 / 13.0 - 0.4);
    let found = function.run(&data)?;
    assert!((found.value() - wanted.0).abs() < 1e-5, "{}", found.value());
    let by_weights = weights.iter().map(|w| found.weight(w));
    let all = std::iter::once(found.get(0)).chain(by_weights);
    for (i, (found, &(first, sum))) in all.zip(wanted.1).enumerate() {
        let found = found?;
        let sizes: f64 = found.iter().map(|v| f64::from(v.abs())).sum();
        let at = f64::from(found.iter().next().copied().unwrap_or_default());
        assert!((at - first).abs() < 1e-5, "{i}: {at} for {first}");
        assert!((sizes - sum).abs() < 5e-5, "{i}: {sizes} for {sum}");
    }
    assert_eq!(weights.len() + 1, wanted.1.len());
    Ok(())
}

#[test]
fn second_gradients_are_jax_s() -> Result<()> {
    let tanh = Dense::new(4).activation(Activation::Tanh);
    let dense = Sequential::new([3]).add(tanh).add(Dense::new(1)).build()?;
    let wanted = [
        (-0.00325293, 0.11047899),
        (0.13027513, 1.75494644),
        (-0.00225296, 0.20682628),
        (-0.56333631, 2.03565741),
        (0.0, 0.0),
    ];
    check_penalty(&dense, (0.42983871, &wanted))?;

    let convolved = Sequential::new([4, 4, 2])
        .add(Conv2D::new(3, 2).activation(Activation::Softplus))
        .add(ZeroPadding2D::new(1))
        .add(MaxPooling2D::new(2))
        .add(LayerNormalization::new())
        .add(Flatten::new())
        .add(Dense::new(1))
        .build()?;
    let wanted = [
        (-0.02183226, 2.88582883),
        (0.22756241, 3.18465496),
        (-0.52300482, 1.87479572),
        (-1.59560347, 1.99867137),
        (0.0, 0.0),
        (0.22800771, 2.49896164),
        (0.0, 0.0),
    ];
    check_penalty(&convolved, (0.39122587, &wanted))?;

    let recurrent = Sequential::new([3, 2])
        .add(Lstm::new(3))
        .add(Dense::new(1))
        .build()?;
    let wanted = [
        (0.00427621, 0.06208481),
        (0.00247703, 0.66426485),
        (-0.00037588, 0.10753805),
        (-0.03664938, 0.22759459),
        (-0.19768539, 0.52985252),
        (0.0, 0.0),
    ];
    check_penalty(&recurrent, (0.81376034, &wanted))
}

#[test]
fn second_gradients_are_the_limits_of_differences_in_f64() -> Result<()> {
    let x = Input::new([3]).dtype(DType::F64).tensor();
    let y = ops::exp(&ops::sin(&x)) * ops::sum(x.square() * &x, -1, true);
    let slope = ops::gradient(&y, &x);
    let first = GradientFunction::new(&x, &y, [&x])?;
    let second = GradientFunction::new(&x, &slope.square(), [&x])?;
    let data = |by: f64| Literal::new(vec![1, 3], vec![0.3 + by, -0.7, 1.1]).expect("values");
    let squares = |by: f64| -> Result<f64> {
        let slope = first.run(&data(by))?.literal(0)?.to_f64();
        Ok(slope.iter().map(|v| v * v).sum())
    };
    let step = 1e-5;
    let difference = (squares(step)? - squares(-step)?) / (2.0 * step);
    let found = second.run(&data(0.0))?;
    let by_x = found.literal(0)?;
    assert_eq!(by_x.dtype(), DType::F64);
    let at = by_x.to_f64()[0];
    assert!(
        (at - difference).abs() < 1e-7 * at.abs(),
        "{at} {difference}"
    );
    assert!((found.value() - squares(0.0)?).abs() < 1e-12);
    // The third, too: a gradient of a gradient's gradient.
    let third = ops::gradient(&ops::gradient(&slope, &x), &x);
    let third = Model::new(&x, &third)?.predict(&data(0.0)).run()?;
    let twice = GradientFunction::new(&x, &slope, [&x])?;
    let of = |by: f64| -> Result<f64> {
        let second = twice.run(&data(by))?.literal(0)?.to_f64();
        Ok(second.iter().sum())
    };
    let difference = (of(step)? - of(-step)?) / (2.0 * step);
    let thrice = third.literal(0)?.to_f64()[0];
    assert!(
        (thrice - difference).abs() < 1e-7 * thrice.abs(),
        "{thrice} {difference}"
    );
    Ok(())
}

#[test]
fn a_model_with_a_gradient_is_nested_and_read_back() -> Result<()> {
    let critic = Sequential::new([3])
        .add(Dense::new(4).activation(Activation::Tanh))
        .add(Dense::new(1))
        .build()?;
    let (x, penalty) = penalty(&critic)?;
    let inner = Model::new(&x, &penalty)?;
    let outer = input([3]);
    let model = Model::new(&outer, &inner.call(&outer)?)?;
    let data = spread(&[5, 3], |i| i as f32 / 15.0);
    let before = inner.predict(&data).run()?;
    assert_eq!(before.get(0)?, model.predict(&data).run()?.get(0)?);
    let path = std::env::temp_dir().join(format!("refrain_gradient_{}.keras", std::process::id()));
    model.save(&path)?;
    let read = load_model(&path)?;
    std::fs::remove_file(&path).expect("the file");
    assert_eq!(before.get(0)?, read.predict(&data).run()?.get(0)?);
    Ok(())
}

#[test]
fn gradients_by_tensors_of_nested_models_are_those_of_flat_ones() -> Result<()> {
    let image = input([3]);
    let hidden = Dense::new(4)
        .activation(Activation::Tanh)
        .name("hidden")
        .call(&image)?;
    let features = Dense::new(2).name("features").call(&hidden)?;
    let inner = Model::new(&image, &features.square())?;
    let head = Dense::new(1);
    let x = input([3]);
    let nested = Model::new(&x, &head.call(&inner.call(&x)?)?)?;
    let flat = Model::new(&image, &head.call(&features.square())?)?;
    let data = spread(&[2, 3], |i| i as f32 / 6.0);

    let weights = nested.trainable_weights();
    let wrt = [&hidden, &x, &features, &image];
    let found = GradientFunction::new(&x, &nested.outputs()[0], wrt)?.weights(&weights)?;
    let found = found.run(&data)?;
    let wrt = [&hidden, &image, &features, &image];
    let wanted = GradientFunction::new(&image, &flat.outputs()[0], wrt)?.weights(&weights)?;
    let wanted = wanted.run(&data)?;
    for i in 0..4 {
        assert_eq!(found.get(i)?, wanted.get(i)?, "{i}");
    }
    assert_eq!(found.by_name(features.name())?, found.get(2)?);
    for weight in &weights {
        assert_eq!(found.weight(weight)?, wanted.weight(weight)?);
        assert!(found.weight(weight)?.iter().any(|v| *v != 0.0));
    }

    // A model called twice computes the tensor twice; which of them is meant is not known.
    let two = inner.call(&x)? + inner.call(&(&x * 2.0))?;
    let error = GradientFunction::new(&x, &two, [&hidden])?.run(&data);
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Graph);
    assert!(error.to_string().contains("several times"), "{error}");
    let foreign = Dense::new(2);
    foreign.call(&image)?;
    let found = GradientFunction::new(&x, &two, [&x])?.weights(&foreign.weights());
    assert_eq!(found.err().map(|e| e.kind()), Some(ErrorKind::NotFound));
    Ok(())
}

#[test]
fn gradients_of_what_a_tensor_does_not_touch_are_refused() -> Result<()> {
    let x = input([3]);
    let (left, right) = (Dense::new(2).call(&x)?, Dense::new(2).call(&x)?);
    let error = Model::new(&x, &ops::gradient(&left, &right)).err();
    assert_eq!(error.map(|e| e.kind()), Some(ErrorKind::Graph));
    let whole = Input::new([3]).dtype(DType::I32).tensor();
    let error = Model::new(
        &whole,
        &ops::gradient(&ops::cast(&whole, DType::F32), &whole),
    )
    .err();
    assert_eq!(error.map(|e| e.kind()), Some(ErrorKind::DType));
    Ok(())
}

/// `h` itself, as another tensor.
fn unchanged(h: &Tensor) -> Result<[Tensor; 5]> {
    Ok([
        Dropout::new(0.5).call(h)?,
        Identity::new().call(h)?,
        refrain::layers::Activation::new(Activation::Linear).call(h)?,
        Reshape::new([2]).call(h)?,
        ops::cast(h, DType::F32),
    ])
}

/// The gradients of a tensor's sum by others, where `h` below is `[1, 2]`.
fn by<const N: usize>(x: &Tensor, of: &Tensor, wrt: [&Tensor; N]) -> Result<[Vec<f32>; N]> {
    let data = Array2::from_shape_vec((1, 2), vec![1f32, 2.0]).expect("two values");
    let found = GradientFunction::new(x, of, wrt)?.run(&data)?;
    let each = |i| found.get(i).map(|g| g.iter().copied().collect());
    let all: Vec<Vec<f32>> = (0..N).map(each).collect::<Result<_>>()?;
    Ok(all.try_into().expect("so many"))
}

/// JAX's numbers, of functions of both tensors.
#[test]
fn what_goes_past_a_tensor_is_not_in_its_gradient() -> Result<()> {
    let x = input([2]);
    let h = &x * 1.0;
    for d in unchanged(&h)? {
        let name = d.name().to_owned();
        let y = &d * 2.0 + &h * 3.0;
        assert_eq!(
            by(&x, &y, [&d, &h, &d])?,
            [[2.0; 2], [5.0; 2], [2.0; 2]],
            "{name}"
        );
        assert!(by(&x, &(&h * 3.0), [&d]).is_err(), "{name}");

        // The same as parts of a model, and their own gradients.
        let cubes = d.square() * &d + &d * h.square();
        let slope = ops::gradient(&cubes, &d);
        let all = ops::gradient(&cubes, &h);
        let data = Array2::from_shape_vec((1, 2), vec![1f32, 2.0]).expect("two values");
        let found = Model::new(&x, [&slope, &all])?.predict(&data).run()?;
        assert_eq!(found.get(0)?.as_slice(), Some(&[4.0, 16.0][..]), "{name}");
        assert_eq!(found.get(1)?.as_slice(), Some(&[6.0, 24.0][..]), "{name}");
        assert_eq!(
            by(&x, &slope, [&h, &d, &x])?,
            [[8.0, 16.0], [6.0, 12.0], [8.0, 16.0]],
            "{name}"
        );
        let second = Model::new(&x, [ops::gradient(&slope, &d), ops::gradient(&slope, &h)])?;
        let outer = input([2]);
        let nested = Model::new(&outer, second.call_structure(&outer)?)?;
        for model in [&second, &nested] {
            let found = model.predict(&data).run()?;
            assert_eq!(found.get(0)?.as_slice(), Some(&[6.0, 12.0][..]), "{name}");
            assert_eq!(found.get(1)?.as_slice(), Some(&[8.0, 16.0][..]), "{name}");
        }
    }
    Ok(())
}

#[test]
fn inputs_of_nested_models_are_tensors_of_their_own() -> Result<()> {
    let (a, b, x) = (input([2]), input([2]), input([2]));
    let product = &a * b.square();
    let nested = Model::new([&a, &b], &product)?;
    let y = nested.call([&x, &x])? + &x * 7.0;
    // By `x` all of it, by an input of the nested model what goes through that.
    let wanted = [[10.0, 19.0], [1.0, 4.0], [2.0, 8.0]];
    assert_eq!(by(&x, &y, [&x, &a, &b])?, wanted);

    // A model with gradients by its inputs, given one tensor for both, and called twice.
    let slopes = [ops::gradient(&product, &a), ops::gradient(&product, &b)];
    let slopes = Model::new([&a, &b], &slopes[0] + &slopes[1] * 10.0)?;
    let twice = slopes.call([&x, &x])? + slopes.call([&x, &(&x * 2.0)])? * 100.0;
    let data = Array2::from_shape_vec((1, 2), vec![1f32, 2.0]).expect("two values");
    let found = Model::new(&x, &twice)?.predict(&data).run()?.into_array()?;
    assert_eq!(found.as_slice(), Some(&[4421.0, 17684.0][..]));
    Ok(())
}

#[test]
fn outputs_of_one_call_are_apart() -> Result<()> {
    let x = input([3, 2]);
    let data = spread(&[2, 3, 2], |i| i as f32 / 12.0);
    for sequences in [false, true] {
        let lstm = Lstm::new(4).return_state(true).return_sequences(sequences);
        let outputs = lstm.call(&x)?;
        let (o, h, c) = (&outputs.output, &outputs.state[0], &outputs.state[1]);
        let of_state = h.square();
        for other in [o, c] {
            let error = ops::gradient(&of_state, other).check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Graph);
            assert!(error.to_string().contains(other.name()), "{error}");
            let function = GradientFunction::new(&x, &of_state, [other])?;
            let error = function.run(&data).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Graph);
        }
        let by_itself = GradientFunction::new(&x, &of_state, [h])?.run(&data)?;
        let state = Model::new(&x, h)?.predict(&data).run()?.into_array()?;
        assert_eq!(by_itself.get(0)?, &(state * 2.0));
        ops::gradient(&of_state, h).check()?;
        ops::gradient(&(h * c), c).check()?;
    }
    Ok(())
}
