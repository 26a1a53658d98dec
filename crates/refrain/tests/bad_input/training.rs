//! Bad input while a model is trained, evaluated or asked.

use ndarray::{Array1, Array2, Array3, array, s};
use refrain::activations::Activation;
use refrain::callbacks::LambdaCallback;
use refrain::layers::{Dense, Embedding, Flatten};
use refrain::losses::Loss;
use refrain::optimizers::Sgd;
use refrain::training::{Fit, Verbose};
use refrain::{DType, ErrorKind, Input, Literal, Model, Result, Tensor, clear_session, ops};
use serde_json::json;

use crate::refused;

fn named(name: &str, shape: &[usize]) -> Tensor {
    Input::new(shape).name(name).tensor()
}

/// One output `y` of one number.
fn regression() -> Result<Model> {
    clear_session();
    let x = named("x", &[4]);
    let h = Dense::new(8).activation(Activation::Tanh).call(&x)?;
    let model = Model::with_name("regression", &x, &Dense::new(1).name("y").call(&h)?)?;
    model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    Ok(model)
}

fn classifier(classes: usize) -> Result<Model> {
    let x = named("x", &[4]);
    let y = Dense::new(classes)
        .activation(Activation::Softmax)
        .name("y")
        .call(&x)?;
    let model = Model::with_name("classifier", &x, &y)?;
    model
        .compile(Sgd::new(0.1), Loss::SparseCategoricalCrossentropy)
        .run()?;
    Ok(model)
}

fn data(samples: usize) -> (Array2<f32>, Array2<f32>) {
    let x = Array2::from_shape_fn((samples, 4), |(i, j)| ((i * 4 + j) as f32).sin());
    let y = x.slice(s![.., ..1]).to_owned();
    (x, y)
}

/// The model predicts finite numbers, trains, and learns.
#[track_caller]
fn assert_usable(model: &Model) {
    let (x, y) = data(12);
    let run = || -> Result<[f64; 2]> {
        let before = model.evaluate(&x, &y).run()?.loss();
        model.fit(&x, &y).epochs(20).run()?;
        let predictions = model.predict(&x).run()?.into_array()?;
        assert!(predictions.iter().all(|p| p.is_finite()), "{predictions}");
        Ok([before, model.evaluate(&x, &y).run()?.loss()])
    };
    let [before, after] = run().expect("a usable model");
    assert!(after < before, "the loss went from {before} to {after}");
}

/// A fit that must fail, then a model that still works.
#[track_caller]
fn fit_refused<'a>(
    model: &'a Model,
    (x, y): &'a (Array2<f32>, Array2<f32>),
    options: impl FnOnce(Fit<'a>) -> Fit<'a>,
    kind: ErrorKind,
    text: &str,
) {
    refused(
        options(model.fit(x, y).verbose(Verbose::Silent)).run(),
        kind,
        text,
    );
    assert_usable(model);
}

#[test]
fn arrays_of_different_lengths() -> Result<()> {
    let (model, (x, y)) = (regression()?, data(10));
    let hint = "The first axis of every array counts the samples.";
    refused(
        model.fit(x.slice(s![..7, ..]), &y).run(),
        ErrorKind::Data,
        &format!("expected arrays with the same number of samples, got x 0: 7, y 0: 10. {hint}"),
    );
    let short = Array1::<f32>::ones(9);
    let weights = format!(
        "expected arrays with the same number of samples, got x 0: 10, y 0: 10, sample_weight 0: 9. {hint}"
    );
    refused(
        model.fit(&x, &y).sample_weight(&short).run(),
        ErrorKind::Data,
        &weights,
    );
    refused(
        model.evaluate(&x, &y).sample_weight(&short).run(),
        ErrorKind::Data,
        &weights,
    );
    refused(
        model.train_on_batch(&x, &y).sample_weight(&short).run(),
        ErrorKind::Data,
        &weights,
    );
    let validated = model
        .fit(&x, &y)
        .validation_data(&x, &y)
        .validation_sample_weight(&short);
    let text = format!("validation: {weights}");
    refused(validated.run(), ErrorKind::Data, &text);
    assert_usable(&model);
    Ok(())
}

#[test]
fn no_data() -> Result<()> {
    let (model, (x, y)) = (regression()?, data(10));
    let (none, nothing) = (x.slice(s![..0, ..]), y.slice(s![..0, ..]));
    let text = "expected at least one sample, got an empty data set. See what made the data: nothing is left of them.";
    refused(model.fit(none, nothing).run(), ErrorKind::Data, text);
    refused(model.evaluate(none, nothing).run(), ErrorKind::Data, text);
    refused(model.predict(none).run(), ErrorKind::Data, text);
    refused(
        model.predict(&ndarray::arr0(1.0f32)).run(),
        ErrorKind::Shape,
        "expected an array of samples, got a scalar. Give it a first axis that counts samples.",
    );
    assert_usable(&model);
    Ok(())
}

#[test]
fn data_of_another_shape() -> Result<()> {
    let (model, (x, y)) = (regression()?, data(10));
    let text = |received: &str| {
        format!(
            "expected data of shape (None, 4) for input `x`, got shape {received}. Reshape the data, or give the Input \
             their shape."
        )
    };
    let (wide, deep) = (
        Array2::<f32>::zeros((10, 5)),
        Array3::<f32>::zeros((10, 4, 4)),
    );
    refused(
        model.fit(&wide, &y).run(),
        ErrorKind::Shape,
        &text("(10, 5)"),
    );
    refused(
        model.predict(&wide).run(),
        ErrorKind::Shape,
        &text("(10, 5)"),
    );
    refused(
        model.predict(&deep).run(),
        ErrorKind::Shape,
        &text("(10, 4, 4)"),
    );
    let validated = model.fit(&x, &y).validation_data(&wide, &y);
    let wide = format!("validation: {}", text("(10, 5)"));
    refused(validated.run(), ErrorKind::Shape, &wide);
    let labels = |received: &str| {
        format!(
            "layer `y` (Dense): expected targets of the predictions' shape (10, 1), got shape {received}. Bring the targets \
             to this shape, or change the last layer."
        )
    };
    let two = Array2::<f32>::zeros((10, 2));
    refused(
        model.fit(&x, &two).run(),
        ErrorKind::Shape,
        &labels("(10, 2)"),
    );
    refused(
        model.evaluate(&x, &two).run(),
        ErrorKind::Shape,
        &labels("(10, 2)"),
    );
    let cube = Array3::<f32>::zeros((10, 1, 2));
    refused(
        model.fit(&x, &cube).run(),
        ErrorKind::Shape,
        &labels("(10, 1, 2)"),
    );
    let weights = Array2::<f32>::ones((10, 3));
    refused(
        model.fit(&x, &y).sample_weight(&weights).run(),
        ErrorKind::Shape,
        "layer `y` (Dense): expected sample weights with no more axes than losses of shape (10,), got sample weights of \
         shape (10, 3). A weight counts for a sample (or a step), not for a number in it; drop the last axes.",
    );
    assert_usable(&model);
    Ok(())
}

#[test]
fn too_many_or_too_few_arrays() -> Result<()> {
    let (model, (x, y)) = (regression()?, data(10));
    let hint = "Give one array for each, as a list in this order or as pairs of names and arrays.";
    refused(
        model.predict([&x, &x]).run(),
        ErrorKind::Structure,
        &format!("expected 1 arrays for the model's inputs [\"x\"], got 2 arrays. {hint}"),
    );
    refused(
        model.fit(&x, [&y, &y]).run(),
        ErrorKind::Structure,
        &format!("expected 1 arrays for the model's outputs [\"y\"], got 2 arrays. {hint}"),
    );
    refused(
        model.predict([("z", &x)]).run(),
        ErrorKind::Structure,
        "expected data for `x` (the model's inputs are [\"x\"]), got data named [\"z\"]. Give data under each of these names.",
    );
    assert_usable(&model);
    let input = named("x", &[4]);
    let (p, q) = (
        Dense::new(1).name("p").call(&input)?,
        Dense::new(1).name("q").call(&input)?,
    );
    let two = Model::with_name("two", &input, [&p, &q])?;
    refused(
        two.fit(&x, [&y, &y]).run(),
        ErrorKind::State,
        "model `two` has not been compiled. Call `model.compile(optimizer, loss).run()?` first.",
    );
    two.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    for (targets, count) in [(vec![&y], 1), (vec![&y, &y, &y], 3)] {
        refused(
            two.fit(&x, targets).run(),
            ErrorKind::Structure,
            &format!(
                "expected 2 arrays for the model's outputs [\"p\", \"q\"], got {count} arrays. {hint}"
            ),
        );
    }
    two.fit(&x, [&y, &y]).run()?;
    Ok(())
}

#[test]
fn options_that_make_no_sense() -> Result<()> {
    let (model, data) = (regression()?, data(10));
    let config = ErrorKind::Config;
    let batch = "expected a batch size of 1 or more, got 0.";
    fit_refused(&model, &data, |f| f.batch_size(0), config, batch);
    refused(
        model.fit(&data.0, &data.1).batch_size(0).plan(),
        config,
        batch,
    );
    refused(
        model.evaluate(&data.0, &data.1).batch_size(0).run(),
        config,
        batch,
    );
    refused(model.predict(&data.0).batch_size(0).run(), config, batch);
    refused(model.predict(&data.0).batch_size(0).plan(), config, batch);
    let steps = "expected at least one step, got 0.";
    fit_refused(&model, &data, |f| f.steps_per_epoch(0), config, steps);
    refused(model.predict(&data.0).steps(0).run(), config, steps);
    for (split, shown) in [
        (1.0, "1"),
        (-0.1, "-0.1"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "inf"),
    ] {
        let text =
            format!("expected a validation_split of 0 or more and less than 1, got {shown}.");
        fit_refused(&model, &data, |f| f.validation_split(split), config, &text);
    }
    fit_refused(
        &model,
        &data,
        |f| f.validation_split(0.999),
        ErrorKind::Data,
        "expected enough samples that validation_split=0.999 leaves some for training and some for validation, got 10 \
         samples.",
    );
    let text = |option: &str| format!("expected a {option} of 1 or more, got 0.");
    fit_refused(
        &model,
        &data,
        |f| f.validation_freq(0),
        config,
        &text("validation_freq"),
    );
    fit_refused(
        &model,
        &data,
        |f| f.validation_steps(0),
        config,
        &text("validation_steps"),
    );
    let size = text("validation_batch_size");
    fit_refused(&model, &data, |f| f.validation_batch_size(0), config, &size);
    fit_refused(
        &model,
        &data,
        |f| f.epochs(0),
        config,
        "expected 1 epoch or more, got 0.",
    );
    let rate = "expected a finite learning rate of 0 or more, got NaN.";
    refused(model.set_learning_rate(f64::NAN), config, rate);
    Ok(())
}

#[test]
fn options_at_their_limits_work() -> Result<()> {
    let (model, (x, y)) = (regression()?, data(10));
    model.fit(&x, &y).validation_split(0.0).run()?;
    model.fit(&x, &y).batch_size(usize::MAX).run()?;
    assert_eq!(
        model
            .predict(&x)
            .batch_size(usize::MAX)
            .steps(usize::MAX)
            .run()?
            .len(),
        1
    );
    model.evaluate(&x, &y).steps(usize::MAX).run()?;
    let nothing = model.fit(&x, &y).epochs(2).initial_epoch(5).run()?;
    assert!(nothing.epochs().is_empty());
    refused(
        nothing.last("loss"),
        ErrorKind::NotFound,
        "no value `loss`; there are [].",
    );
    Ok(())
}

#[test]
fn classes_that_are_not_there() -> Result<()> {
    let (model, (x, _)) = (classifier(3)?, data(10));
    let text = |received: &str| {
        format!(
            "expected class numbers from 0 to 2 as targets of output `y`, which has 3 classes, got label {received}. Give \
             the output as many units as there are classes, or number the classes from 0."
        )
    };
    let good = array![0.0f32, 1.0, 2.0, 0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 0.0];
    for (sample, label, shown) in [
        (8, 3.0, "3 at sample 8"),
        (0, -1.0, "-1 at sample 0"),
        (2, f32::NAN, "NaN at sample 2"),
        (4, 1.5, "1.5 at sample 4"),
    ] {
        let mut labels = good.clone();
        labels[sample] = label;
        refused(model.fit(&x, &labels).run(), ErrorKind::Data, &text(shown));
        refused(
            model.evaluate(&x, &labels).run(),
            ErrorKind::Data,
            &text(shown),
        );
        refused(
            model.train_on_batch(&x, &labels).run(),
            ErrorKind::Data,
            &text(shown),
        );
        let validated = model.fit(&x, &good).validation_data(&x, &labels);
        let text = format!("validation: {}", text(shown));
        refused(validated.run(), ErrorKind::Data, &text);
    }
    for class in [3, -1] {
        refused(
            model.fit(&x, &good).class_weight([(class, 2.0)]).run(),
            ErrorKind::Config,
            &format!(
                "expected class_weight for classes from 0 to 2 of output `y`, got class {class}. Name classes by their \
                 numbers, or give the output more units."
            ),
        );
    }
    refused(
        model
            .train_on_batch(&x, &good)
            .class_weight([(0, f64::NAN)])
            .run(),
        ErrorKind::Config,
        "expected finite numbers as class_weight, got NaN for class 0.",
    );
    model.fit(&x, &good).class_weight([(0, 2.0)]).run()?;
    Ok(())
}

#[test]
fn indices_that_an_embedding_has_no_row_for() -> Result<()> {
    let words = Input::new([2]).name("words").dtype(DType::I32).tensor();
    let rows = Embedding::new(10, 3).name("rows");
    let (first, second) = (rows.call(&words)?, rows.call(&words)?);
    let inner = Model::with_name("inner", &words, ops::add(&first, &second))?;
    let outer = Input::new([2]).name("outer").dtype(DType::I32).tensor();
    let y = Dense::new(1).call(&Flatten::new().call(&inner.call(&outer)?)?)?;
    let model = Model::new(&outer, &y)?;
    model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    let text = |index: i32| {
        format!(
            "layer `rows` (Embedding), call 1: expected indices from 0 to 9 in input `outer`, got index {index} at sample \
             1. Make its `input_dim` larger than the largest index, or number from 0."
        )
    };
    let y = array![1.0f32, 2.0];
    for index in [10, -1, i32::MAX] {
        let x = array![[1, 2], [3, index]];
        refused(model.predict(&x).run(), ErrorKind::Data, &text(index));
        refused(model.fit(&x, &y).run(), ErrorKind::Data, &text(index));
        refused(model.evaluate(&x, &y).run(), ErrorKind::Data, &text(index));
    }
    model.fit(&array![[0, 9], [3, 1]], &y).run()?;
    Ok(())
}

#[test]
fn numbers_that_are_not_finite() -> Result<()> {
    let (model, (x, y)) = (regression()?, data(10));
    let text = |step: usize, input: &str| {
        format!(
            "epoch 1, step {step}: the loss became NaN; input `{input}` already holds such a number. The weights are those \
             from before the step. Remove such numbers from the data."
        )
    };
    let (mut bad_x, mut bad_y) = (x.clone(), y.clone());
    bad_x[[7, 2]] = f32::NAN;
    bad_y[[2, 0]] = f32::NAN;
    let weights = Array1::from_elem(10, f32::NAN);
    let checked = |fit: Fit<'_>| fit.batch_size(5).shuffle(false).check_finite(true).run();
    let kind = ErrorKind::NonFinite;
    refused(checked(model.fit(&bad_x, &y)), kind, &text(2, "x"));
    assert_usable(&model);
    refused(checked(model.fit(&x, &bad_y)), kind, &text(1, "y_0"));
    refused(
        checked(model.fit(&x, &y).sample_weight(&weights)),
        kind,
        &text(1, "sample_weight_0"),
    );
    assert_usable(&model);
    let prediction = model.predict(&bad_x).run()?.into_array()?;
    let bad: Vec<usize> = (0..10).filter(|&i| prediction[[i, 0]].is_nan()).collect();
    assert_eq!(bad, [7], "other samples are not touched");
    Ok(())
}

#[test]
fn a_loss_that_explodes_names_the_operation() -> Result<()> {
    clear_session();
    let x = named("x", &[4]);
    let h = Dense::new(3).name("before").call(&x)?;
    let model = Model::new(
        &x,
        &Dense::new(1).name("after").call(ops::exp(&(&h * 1e4)))?,
    )?;
    for w in model.weights() {
        w.assign(Literal::full(w.shape(), DType::F32, 0.5))?;
    }
    model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    let (x, y) = (Array2::<f32>::ones((4, 4)), Array2::<f32>::zeros((4, 1)));
    let before = model.weights()[0].value()?;
    refused(
        model.fit(&x, &y).check_finite(true).run(),
        ErrorKind::NonFinite,
        "epoch 1, step 1: the loss became infinite; the first operation to make such a number is `exponential` in layer `exp` \
         (Exp), call 1. The weights are those from before the step. Try a smaller learning rate, or `clipnorm`.",
    );
    assert_eq!(model.weights()[0].value()?, before);
    Ok(())
}

#[test]
fn one_fit_at_a_time() -> Result<()> {
    let (model, (x, y)) = (regression()?, data(10));
    let text = "model `regression` is being fitted already. Wait for the other `fit` to end; callbacks may evaluate and \
                predict, not fit.";
    let mut asked = 0;
    let ask = LambdaCallback::new().on_train_batch_end(|_, _, _| {
        asked += 1;
        std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                refused(model.fit(&x, &y).run(), ErrorKind::State, text);
                refused(model.train_on_batch(&x, &y).run(), ErrorKind::State, text);
                model.predict(&x).run().map(|p| p.len())
            });
            assert_eq!(other.join().expect("no panic")?, 1);
            Ok(())
        })
    });
    model.fit(&x, &y).callback(ask).run()?;
    assert_eq!(asked, 1);
    assert_usable(&model);
    Ok(())
}

/// The lock is given back even if a callback panics: that is the user's panic, not the model's end.
#[test]
fn a_panic_of_a_callback_leaves_the_model_usable() -> Result<()> {
    let (model, (x, y)) = (regression()?, data(10));
    let panics = std::thread::scope(|scope| {
        let fit = scope.spawn(|| {
            let callback = LambdaCallback::new().on_train_batch_end(|_, _, _| panic!("on purpose"));
            model.fit(&x, &y).callback(callback).run().map(drop)
        });
        fit.join().is_err()
    });
    assert!(panics);
    assert_usable(&model);
    Ok(())
}

#[test]
fn values_and_outputs_that_are_not_there() -> Result<()> {
    let (model, (x, y)) = (regression()?, data(10));
    let kind = ErrorKind::NotFound;
    let history = model.fit(&x, &y).run()?;
    refused(
        history.get("val_loss"),
        kind,
        "no value `val_loss`; there are [\"loss\"]. Values of validation need validation_data or validation_split.",
    );
    refused(
        history.last("accuracy"),
        kind,
        "no value `accuracy`; there are [\"loss\"].",
    );
    let scores = model.evaluate(&x, &y).run()?;
    refused(
        scores.get("accuracy"),
        kind,
        "no value `accuracy`; there are [\"loss\"].",
    );
    let predictions = model.predict(&x).run()?;
    refused(
        predictions.get(1),
        kind,
        "no output 1; the model's outputs are [\"y\"].",
    );
    refused(
        predictions.by_name("z"),
        kind,
        "no output `z`; the model's outputs are [\"y\"].",
    );
    refused(
        predictions.literal(1),
        kind,
        "no output 1; the model's outputs are [\"y\"].",
    );
    refused(
        model.weights()[0].assign(Literal::zeros([3, 3], DType::F32)),
        ErrorKind::Shape,
        "expected a value of f32[4,8] for variable `dense/kernel`, got f32[3,3].",
    );
    Ok(())
}

#[test]
fn what_a_model_is_compiled_with() -> Result<()> {
    let model = regression()?;
    let clipped = Sgd::new(0.1).clipnorm(1.0).clipvalue(0.5);
    refused(
        model.compile(clipped, Loss::MeanSquaredError).run(),
        ErrorKind::Config,
        "expected one of clipnorm, clipvalue and global_clipnorm, got clipnorm = 1, clipvalue = 0.5.",
    );
    refused(
        model
            .compile(Sgd::new(0.1).clipnorm(-1.0), Loss::MeanSquaredError)
            .run(),
        ErrorKind::Config,
        "expected a positive clipnorm, got -1.",
    );
    let of_loss = |class: &str| {
        let config = json!({ "delta": "wide" });
        let loss = json!({ "module": "keras.losses", "class_name": class, "config": config });
        model.compile_from_config(&json!({ "optimizer": "sgd", "loss": loss }))
    };
    refused(
        of_loss("Huber"),
        ErrorKind::Config,
        "option `delta`: expected a number, got \"wide\".",
    );
    let error = of_loss(&"x".repeat(200)).expect_err("an unknown class");
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("no loss `{}…`: there are", "x".repeat(60))),
        "{text}"
    );
    assert!(text.contains("refrain::register::<Loss, _>"), "{text}");
    let error = model.get_layer(&"x".repeat(200)).expect_err("no layer");
    assert!(error.to_string().contains("x…`"), "{error}");
    Ok(())
}
