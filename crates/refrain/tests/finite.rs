//! Training that meets numbers that are not finite.

use ndarray::{Array2, s};
use refrain::callbacks::{LambdaCallback, ModelCheckpoint};
use refrain::initializers::Initializer;
use refrain::layers::Dense;
use refrain::losses::Loss;
use refrain::metrics::Metric;
use refrain::optimizers::{Adam, Sgd};
use refrain::training::Fit;
use refrain::{DType, ErrorKind, Literal, Model, Result, input, ops};

/// A Dense layer, the logarithm of what it gives, and another; all weights are 0.5.
fn logarithm() -> Result<Model> {
    let x = input([2]);
    let h = Dense::new(3).name("before").call(&x)?;
    let model = Model::new(&x, &Dense::new(1).name("after").call(ops::log(&h))?)?;
    for w in model.weights() {
        w.assign(Literal::full(w.shape(), DType::F32, 0.5))?;
    }
    model
        .compile(Adam::new(1e-3), Loss::MeanSquaredError)
        .run()?;
    Ok(model)
}

/// Samples of which the logarithm can be taken, and their targets.
fn data(samples: usize) -> (Array2<f32>, Array2<f32>) {
    let x = Array2::from_shape_fn((samples, 2), |(i, j)| 1.0 + (i * 2 + j) as f32 % 7.0);
    let y = Array2::from_shape_fn((samples, 1), |(i, _)| (i % 5) as f32);
    (x, y)
}

fn values(model: &Model) -> Vec<Literal> {
    model
        .weights()
        .iter()
        .map(|w| w.value().expect("a value"))
        .collect()
}

/// Runs in the order of the data, two samples a step; gives what the error says.
fn refused(fit: Fit<'_>) -> String {
    let error = fit.batch_size(2).shuffle(false).check_finite(true).run();
    let error = error.expect_err("a number is not finite");
    assert_eq!(error.kind(), ErrorKind::NonFinite);
    error.to_string()
}

#[test]
fn the_step_is_found_and_undone_however_many_went_before() -> Result<()> {
    let (mut x, y) = data(100);
    let reference = logarithm()?;
    let whole = (x.slice(s![..74, ..]), y.slice(s![..74, ..]));
    reference
        .fit(whole.0, whole.1)
        .batch_size(2)
        .shuffle(false)
        .run()?;
    x[[75, 0]] = -50.0;
    let model = logarithm()?;
    let text = refused(model.fit(&x, &y));
    let expected = "epoch 1, step 38: the loss became NaN; the first operation to make such a number is `log` in layer `log";
    assert!(text.starts_with(expected), "{text}");
    assert_eq!(values(&model), values(&reference));
    Ok(())
}

#[test]
fn what_callbacks_change_between_steps_is_part_of_the_search() -> Result<()> {
    let rates = || {
        LambdaCallback::new().on_train_batch_begin(|cx, batch| {
            cx.model().set_learning_rate(1e-3 * (batch + 1) as f64)
        })
    };
    let (mut x, y) = data(40);
    let reference = logarithm()?;
    let whole = (x.slice(s![..18, ..]), y.slice(s![..18, ..]));
    let fit = reference.fit(whole.0, whole.1).batch_size(2).shuffle(false);
    fit.callback(rates()).run()?;
    x[[19, 1]] = -50.0;
    let model = logarithm()?;
    let text = refused(model.fit(&x, &y).callback(rates()));
    assert!(text.starts_with("epoch 1, step 10: "), "{text}");
    assert_eq!(values(&model), values(&reference));
    Ok(())
}

/// The gradient of the root of 0 is infinite, and the root itself is not.
fn root() -> Result<Model> {
    let x = input([2]);
    let dense = Dense::new(1)
        .use_bias(false)
        .kernel_initializer(Initializer::Zeros);
    let model = Model::new(&x, &ops::sqrt(&dense.name("inner").call(&x)?))?;
    model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    Ok(model)
}

#[test]
fn a_weight_that_leaves_the_loss_finite_is_found_too() -> Result<()> {
    let (x, y) = (Array2::<f32>::ones((6, 2)), Array2::<f32>::ones((6, 1)));
    let text = "epoch 1, step 1: a weight became NaN or infinite; the first operation to make such a number is `";
    for samples in [2, 6] {
        let model = root()?;
        let (x, y) = (x.slice(s![..samples, ..]), y.slice(s![..samples, ..]));
        let mut checkpoint = ModelCheckpoint::new();
        let found = refused(model.fit(x, y).callback(&mut checkpoint));
        assert!(
            found.starts_with(text) && found.contains("in layer `sqrt"),
            "{found}"
        );
        assert!(checkpoint.weights().is_none(), "nothing of it is saved");
        assert!(values(&model).iter().all(|w| w.to_f64() == [0.0, 0.0]));
    }
    Ok(())
}

#[test]
fn weights_that_were_not_finite_before_are_named() -> Result<()> {
    let (x, y) = data(4);
    let model = logarithm()?;
    let kernel = model.get_layer("after")?.weights()[0].clone();
    kernel.assign(Literal::full(kernel.shape(), DType::F32, f64::NAN))?;
    let text = refused(model.fit(&x, &y));
    let expected =
        "epoch 1, step 1: the loss became NaN; weight `after/kernel` already held such a number";
    assert!(text.starts_with(expected), "{text}");

    let model = logarithm()?;
    let spoil = LambdaCallback::new().on_train_batch_end(|cx, batch, _| {
        let bias = &cx.model().weights()[1];
        let value = if batch == 1 { f64::INFINITY } else { 0.5 };
        bias.assign(Literal::full(bias.shape(), DType::F32, value))
    });
    let text = refused(model.fit(&x, &y).callback(spoil));
    assert!(text.contains("a callback has set it"), "{text}");
    Ok(())
}

#[test]
fn validation_must_stay_finite_too() -> Result<()> {
    let (x, y) = data(8);
    let (mut bad_x, mut bad_y) = data(8);
    bad_x[[5, 0]] = f32::NAN;
    bad_y[[2, 0]] = f32::NAN;
    let model = logarithm()?;
    let name = model.input_names()[0].clone();
    let text = refused(model.fit(&x, &y).validation_data(&bad_x, &y));
    let expected = format!(
        "epoch 1, validation step 3: the loss became NaN; input `{name}` already holds such a number"
    );
    assert!(text.starts_with(&expected), "{text}");
    let text = refused(model.fit(&x, &y).validation_data(&x, &bad_y));
    let expected = "epoch 1, validation step 2: the loss became NaN; input `y_0` already holds";
    assert!(text.starts_with(expected), "{text}");
    bad_x[[5, 0]] = -50.0;
    let fit = model.fit(&x, &y).validation_data(&bad_x, &y);
    let text = refused(fit.validation_freq(2).epochs(2));
    let expected = "epoch 2, validation step 3: the loss became NaN; the first operation to make such a number is `log`";
    assert!(text.starts_with(expected), "{text}");
    let batches = [(&x, &y), (&bad_x, &y)];
    let fit = model.fit(&x, &y).validation_batches(batches.into_iter());
    let text = refused(fit);
    assert!(text.starts_with("epoch 1, validation step 2: "), "{text}");
    let history = model.fit(&x, &y).validation_data(&bad_x, &y).run()?;
    assert!(history.last("val_loss")?.is_nan());
    Ok(())
}

#[test]
fn a_metric_may_be_nan() -> Result<()> {
    let (x, y) = data(8);
    let model = logarithm()?;
    let nothing = Metric::custom("nothing", |y, _| ops::log(&(y - y - 1.0)));
    model
        .compile(Adam::new(1e-3), Loss::MeanSquaredError)
        .metrics([nothing])
        .run()?;
    let history = model.fit(&x, &y).batch_size(2).check_finite(true).run()?;
    assert!(history.last("nothing")?.is_nan());
    Ok(())
}
