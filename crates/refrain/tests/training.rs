//! What a user sees of training: options, reports, callbacks, and refusals.

use ndarray::{Array1, Array2, Axis, array, s};
use refrain::activations::Activation;
use refrain::callbacks::*;
use refrain::data::Arrays;
use refrain::layers::{BatchNormalization, Dense, Dropout};
use refrain::losses::{BinaryCrossentropy, Loss, MeanSquaredError, Reduction};
use refrain::metrics::{MeanAbsoluteError, Metric};
use refrain::optimizers::{Adam, ExponentialDecay, Sgd};
use refrain::regularizers::Regularizer;
use refrain::training::{Logs, Verbose};
use refrain::{DType, ErrorKind, Input, Literal, Model, Result, Structure, input, ops};

/// Numbers between -1 and 1 without a pattern that a small model could miss.
fn noise(rows: usize, columns: usize, seed: usize) -> Array2<f32> {
    let value = |(i, j): (usize, usize)| {
        ((i * 37 + j * 101 + seed * 7919) as f32 * 0.618_034).fract() * 2.0 - 1.0
    };
    Array2::from_shape_fn((rows, columns), value)
}

fn regression() -> Result<(Model, Array2<f32>, Array2<f32>)> {
    let x = input([4]);
    let h = Dense::new(8).activation(Activation::Tanh).call(&x)?;
    let model = Model::new(&x, &Dense::new(1).call(&h)?)?;
    let x = noise(40, 4, 1);
    let y = x.sum_axis(Axis(1)).insert_axis(Axis(1));
    Ok((model, x, y))
}

/// Two inputs, two named outputs.
fn two_by_two() -> Result<Model> {
    let a = Input::new([3]).name("a").tensor();
    let b = Input::new([2]).name("b").tensor();
    let h = ops::concatenate([&a, &b], -1);
    let reg = Dense::new(1).name("reg").call(&h)?;
    let cls = Dense::new(3)
        .activation(Activation::Softmax)
        .name("cls")
        .call(&h)?;
    Model::new([&a, &b], [&reg, &cls])
}

#[test]
fn fitting_lowers_the_loss_and_validation_has_its_own_keys() -> Result<()> {
    let (model, x, y) = regression()?;
    model
        .compile(Adam::new(0.02), Loss::MeanSquaredError)
        .metrics([Metric::MeanAbsoluteError])
        .run()?;
    let history = model
        .fit(&x, &y)
        .epochs(20)
        .batch_size(8)
        .validation_split(0.25)
        .seed(3)
        .run()?;
    let keys: Vec<&str> = history.keys().collect();
    assert_eq!(
        keys,
        [
            "loss",
            "mean_absolute_error",
            "val_loss",
            "val_mean_absolute_error"
        ]
    );
    let losses = history.get("loss")?;
    assert!(losses[19] < 0.2 * losses[0], "{losses:?}");
    assert_eq!(history.epochs().len(), 20);
    let plans = [model.fit(&x, &y).plan()?, model.predict(&x).plan()?];
    assert!(plans[0].flops > plans[1].flops && plans[0].peak_memory > 0);
    let scores = model.evaluate(&x, &y).run()?;
    assert_eq!(scores.names(), ["loss", "mean_absolute_error"]);
    let predictions = model.predict(&x).batch_size(7).run()?.into_array()?;
    let errors = predictions.iter().zip(y.iter()).map(|(p, y)| (p - y).abs());
    let mean = errors.sum::<f32>() / 40.0;
    assert!((f64::from(mean) - scores.get("mean_absolute_error")?).abs() < 1e-5);
    Ok(())
}

#[test]
fn the_same_seed_gives_the_same_weights() -> Result<()> {
    let trained = |seed| -> Result<Vec<Literal>> {
        let (model, x, y) = regression()?;
        for (i, w) in model.weights().iter().enumerate() {
            let values = (0..w.numel())
                .map(|j| ((i + j * 3) as f32).sin() * 0.3)
                .collect();
            w.assign(Literal::new(w.shape(), values).expect("as many values"))?;
        }
        model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
        model.fit(&x, &y).epochs(3).batch_size(8).seed(seed).run()?;
        model.weights().iter().map(|w| w.value()).collect()
    };
    assert_eq!(trained(5)?, trained(5)?);
    assert_ne!(trained(5)?, trained(6)?);
    Ok(())
}

#[test]
fn arrays_come_in_many_forms() -> Result<()> {
    let model = two_by_two()?;
    let losses = [Loss::MeanSquaredError, Loss::SparseCategoricalCrossentropy];
    model.compile(Sgd::new(0.1), losses).run()?;
    let (a, b) = (noise(10, 3, 1), noise(10, 2, 2));
    let (reg, cls) = (
        Array1::<f64>::zeros(10),
        Array1::from_shape_fn(10, |i| (i % 3) as i64),
    );
    let y = || [Arrays::new(&reg), Arrays::new(&cls)];
    let expected = model.evaluate([&a, &b], y()).run()?;
    let by_name = model
        .evaluate(
            [("b", &b), ("a", &a)],
            [("cls", Arrays::new(&cls)), ("reg", Arrays::new(&reg))],
        )
        .run()?;
    assert_eq!(by_name, expected);
    let views = model
        .evaluate((a.view(), b.slice(s![.., ..])), (&reg, &cls))
        .run()?;
    assert_eq!(views, expected);
    let flat: Vec<f32> = a.iter().copied().collect();
    let literal =
        Literal::new([10, 2], b.iter().copied().collect::<Vec<f32>>()).expect("20 values");
    let slices = model
        .evaluate(((flat.as_slice(), [10, 3]), &literal), y())
        .run()?;
    assert_eq!(slices, expected);
    let transposed = a.t().as_standard_layout().into_owned();
    assert_eq!(model.evaluate((transposed.t(), &b), y()).run()?, expected);
    Ok(())
}

#[test]
fn outputs_are_named_and_ordered_as_in_keras() -> Result<()> {
    let model = two_by_two()?;
    let compile = model.compile(
        Sgd::new(0.1),
        [
            ("cls", Loss::SparseCategoricalCrossentropy),
            ("reg", Loss::MeanSquaredError),
        ],
    );
    let compile = compile.loss_weights([("reg", 0.5)]).metrics([
        ("reg", vec![MeanAbsoluteError::new().name("mae").into()]),
        ("cls", vec![Metric::Accuracy]),
    ]);
    compile
        .weighted_metrics([("cls", Metric::Accuracy)])
        .run()?;
    let (a, b) = (noise(10, 3, 1), noise(10, 2, 2));
    let cls = Array1::from_shape_fn(10, |i| (i % 3) as u8);
    let scores = model
        .evaluate([&a, &b], (&Array1::<f32>::zeros(10), &cls))
        .run()?;
    let names = [
        "loss",
        "reg_loss",
        "cls_loss",
        "cls_accuracy",
        "cls_weighted_accuracy",
        "reg_mae",
    ];
    assert_eq!(scores.names(), names);
    let parts = 0.5 * scores.get("reg_loss")? + scores.get("cls_loss")?;
    assert!((scores.loss() - parts).abs() < 1e-6);
    let predictions = model.predict([&a, &b]).run()?;
    assert_eq!(predictions.by_name("cls")?.shape(), [10, 3]);
    assert_eq!(predictions.get(0)?.shape(), [10, 1]);
    assert!(matches!(predictions.structure(), Structure::List(_)));
    Ok(())
}

#[test]
fn predict_works_on_many_threads_and_without_compile() -> Result<()> {
    let (model, x, _) = regression()?;
    let expected = model.predict(&x).run()?.into_array()?;
    std::thread::scope(|scope| {
        let run = || {
            model
                .predict(&x)
                .batch_size(16)
                .run()
                .and_then(|p| p.into_array())
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        for thread in threads {
            let got = thread.join().expect("no panic")?;
            assert!(got.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6));
        }
        Ok(())
    })
}

#[test]
fn freezing_after_compile_takes_effect_and_keeps_the_optimizer_whole() -> Result<()> {
    let (model, x, y) = regression()?;
    model
        .compile(Adam::new(0.01), Loss::MeanSquaredError)
        .run()?;
    let layers = model.layers();
    layers[1].set_trainable(false);
    let frozen = layers[1].weights()[0].value()?;
    model.fit(&x, &y).epochs(2).run()?;
    assert_eq!(layers[1].weights()[0].value()?, frozen);
    assert_eq!(model.optimizer_variables().len(), 2 + 2 * 2);
    layers[1].set_trainable(true);
    let slot = model.optimizer_variables()[2].value()?;
    model.fit(&x, &y).epochs(1).run()?;
    assert_ne!(layers[1].weights()[0].value()?, frozen);
    assert_eq!(model.optimizer_variables().len(), 2 + 2 * 4);
    assert_ne!(model.optimizer_variables()[2].value()?, slot);
    Ok(())
}

#[test]
fn the_learning_rate_changes_between_steps() -> Result<()> {
    let (model, x, y) = regression()?;
    model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    model.set_learning_rate(0.0)?;
    let before = model.weights()[0].value()?;
    model.fit(&x, &y).run()?;
    assert_eq!(model.weights()[0].value()?, before);
    model.set_learning_rate(0.1)?;
    model.fit(&x, &y).run()?;
    assert_ne!(model.weights()[0].value()?, before);
    model
        .compile(
            Sgd::new(ExponentialDecay::new(0.1, 10.0, 0.5)),
            Loss::MeanSquaredError,
        )
        .run()?;
    assert_eq!(
        model.set_learning_rate(0.1).unwrap_err().kind(),
        ErrorKind::State
    );
    Ok(())
}

#[test]
fn batches_one_by_one_train_as_fit_does() -> Result<()> {
    let (model, x, y) = regression()?;
    let start: Vec<Literal> = model
        .weights()
        .iter()
        .map(|w| w.value())
        .collect::<Result<_>>()?;
    model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    model.fit(&x, &y).batch_size(20).shuffle(false).run()?;
    let fitted = model.weights()[0].value()?;
    for (w, value) in model.weights().iter().zip(start) {
        w.assign(value)?;
    }
    for half in [0..20, 20..40] {
        let (x, y) = (x.slice(s![half.clone(), ..]), y.slice(s![half, ..]));
        model.train_on_batch(x, y).run()?;
    }
    assert_eq!(model.weights()[0].value()?, fitted);
    model.reset_metrics()?;
    let scores = model.test_on_batch(&x, &y).run()?;
    assert!((scores.loss() - model.evaluate(&x, &y).run()?.loss()).abs() < 1e-6);
    assert_eq!(model.predict_on_batch(&x)?.get(0)?.shape(), [40, 1]);
    Ok(())
}

#[test]
fn dropout_and_batch_statistics_differ_between_fit_and_evaluate() -> Result<()> {
    let x = input([4]);
    let h = BatchNormalization::new().call(&Dropout::new(0.5).call(&x)?)?;
    let model = Model::new(&x, &Dense::new(1).call(&h)?)?;
    model.compile(Sgd::new(0.0), Loss::MeanSquaredError).run()?;
    let (x, y) = (noise(40, 4, 1), noise(40, 1, 2));
    let moving = || model.non_trainable_weights()[0].value();
    let before = moving()?;
    let first = model.evaluate(&x, &y).run()?;
    assert_eq!(moving()?, before);
    model.fit(&x, &y).run()?;
    assert_ne!(moving()?, before);
    assert_ne!(model.evaluate(&x, &y).run()?, first);
    assert_eq!(model.evaluate(&x, &y).run()?, model.evaluate(&x, &y).run()?);
    Ok(())
}

#[test]
fn early_stopping_brings_the_best_weights_back() -> Result<()> {
    let (model, x, y) = regression()?;
    model
        .compile(Sgd::new(0.05), Loss::MeanSquaredError)
        .run()?;
    // From epoch 3 on the steps are far too long.
    let explode = LearningRateScheduler::new(|epoch, rate| if epoch < 3 { rate } else { 3.0 });
    let mut stop = EarlyStopping::new("val_loss")
        .patience(2)
        .restore_best_weights(true);
    let mut kept = ModelCheckpoint::new().save_best_only(true);
    let fit = model
        .fit(&x, &y)
        .epochs(30)
        .validation_split(0.2)
        .batch_size(8)
        .seed(1);
    let history = fit
        .callback(explode)
        .callback(&mut stop)
        .callback(&mut kept)
        .run()?;
    assert!(history.epochs().len() < 30);
    assert_eq!(stop.stopped_epoch(), history.epochs().last().copied());
    assert_eq!(kept.epoch(), Some(stop.best_epoch()));
    assert_eq!(history.get("learning_rate")?.len(), history.epochs().len());
    let weights: Vec<Literal> = model
        .weights()
        .iter()
        .map(|w| w.value())
        .collect::<Result<_>>()?;
    assert_eq!(kept.weights(), Some(weights.as_slice()));
    let tail = model
        .evaluate(x.slice(s![32.., ..]), y.slice(s![32.., ..]))
        .run()?;
    assert!((tail.loss() - stop.best().expect("a best value")).abs() < 1e-6);
    Ok(())
}

#[test]
fn callbacks_see_every_epoch_and_step() -> Result<()> {
    let (model, x, y) = regression()?;
    model
        .compile(Sgd::new(0.05), Loss::MeanSquaredError)
        .run()?;
    let events = std::cell::RefCell::new(Vec::new());
    let note = |text: String| {
        events.borrow_mut().push(text);
        Ok(())
    };
    let lambda = LambdaCallback::new()
        .on_train_begin(|_| note("begin".into()))
        .on_epoch_begin(|_, e| note(format!("epoch {e}")))
        .on_train_batch_end(|cx, b, logs| {
            logs.get("loss")?;
            assert_eq!(cx.steps(), 2);
            note(format!("batch {b}"))
        })
        .on_epoch_end(|cx, e, _| {
            cx.model().evaluate(&x, &y).run()?; // a model in training can be asked
            note(format!("end {e}"))
        })
        .on_train_end(|_| note("over".into()));
    model
        .fit(&x, &y)
        .epochs(2)
        .batch_size(20)
        .callback(lambda)
        .run()?;
    let expected = "begin,epoch 0,batch 0,batch 1,end 0,epoch 1,batch 0,batch 1,end 1,over";
    assert_eq!(events.into_inner().join(","), expected);
    Ok(())
}

#[test]
fn plateaus_reduce_the_learning_rate_and_values_go_to_a_table() -> Result<()> {
    let (model, x, y) = regression()?;
    model
        .compile(Sgd::new(1e-6), Loss::MeanSquaredError)
        .run()?;
    let path = std::env::temp_dir().join(format!("refrain-{}.csv", std::process::id()));
    let reduce = ReduceLROnPlateau::new("loss").factor(0.5).patience(2);
    let fit = model
        .fit(&x, &y)
        .epochs(5)
        .callback(reduce)
        .callback(CsvLogger::new(&path));
    fit.run()?;
    assert!((model.learning_rate()? - 0.25e-6).abs() < 1e-12);
    let table = std::fs::read_to_string(&path).expect("a file");
    std::fs::remove_file(&path).expect("the file");
    assert_eq!(
        table.lines().next(),
        Some("epoch,learning_rate,loss,val_learning_rate,val_loss")
    );
    assert_eq!(table.lines().count(), 6);
    Ok(())
}

#[test]
fn a_number_that_is_not_finite_names_step_and_operation_and_undoes_the_step() -> Result<()> {
    let x = input([2]);
    let h = Dense::new(3).name("before").call(&x)?;
    let model = Model::new(&x, &Dense::new(1).name("after").call(ops::log(&h))?)?;
    model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    for w in model.weights() {
        w.assign(Literal::full(w.shape(), DType::F32, 0.5))?;
    }
    let (mut x, y) = (Array2::<f32>::ones((30, 2)), Array2::<f32>::zeros((30, 1)));
    x[[25, 0]] = -50.0;
    let error = model
        .fit(&x, &y)
        .batch_size(10)
        .shuffle(false)
        .check_finite(true)
        .run()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NonFinite);
    let text = error.to_string();
    assert!(
        text.contains("epoch 1, step 3") && text.contains("`log`"),
        "{text}"
    );
    for w in model.weights() {
        assert!(w.value()?.to_f64().iter().all(|v| v.is_finite()));
    }
    let mut stop = TerminateOnNaN;
    let history = model
        .fit(&x, &y)
        .epochs(4)
        .batch_size(10)
        .callback(&mut stop)
        .run()?;
    assert_eq!(history.epochs().len(), 1);
    Ok(())
}

#[test]
fn custom_losses_and_metrics_are_closures() -> Result<()> {
    let (model, x, y) = regression()?;
    let quartic = Loss::custom("quartic", |y, p| (y - p).square().square());
    let bias = Metric::custom("bias", |y, p| p - y);
    model
        .compile(Adam::new(0.02), quartic)
        .metrics([bias])
        .run()?;
    let history = model.fit(&x, &y).epochs(10).run()?;
    assert!(history.last("loss")? < history.get("loss")?[0]);
    history.get("bias")?;
    Ok(())
}

#[track_caller]
fn refused<T>(result: Result<T>, kind: ErrorKind, parts: &[&str]) {
    let error = result.err().expect("an error");
    let text = error.to_string();
    assert_eq!(error.kind(), kind, "{text}");
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

#[test]
fn data_and_callbacks_that_do_not_fit_are_refused_before_anything_changes() -> Result<()> {
    let (model, x, y) = regression()?;
    model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    let before = model.weights()[0].value()?;
    let ones = Array1::<f32>::ones(40);
    let both = model
        .fit(&x, &y)
        .class_weight([(0, 2.0)])
        .sample_weight(&ones);
    refused(
        both.run(),
        ErrorKind::Config,
        &["class_weight", "sample_weight"],
    );
    refused(
        model.fit((&[1f32, 2.0][..], [3, 4]), &y).run(),
        ErrorKind::Data,
        &["12 values", "slice of 2"],
    );
    let file = ModelCheckpoint::new().filepath("model.txt");
    refused(
        model.fit(&x, &y).callback(file).run(),
        ErrorKind::Io,
        &["model.txt", ".keras"],
    );
    assert_eq!(model.weights()[0].value()?, before);
    let early = EarlyStopping::new("val_loss");
    refused(
        model.fit(&x, &y).callback(early).run(),
        ErrorKind::NotFound,
        &["val_loss", "validation_data"],
    );
    model.fit(&x, &y).verbose(Verbose::Silent).run()?; // still usable
    Ok(())
}

#[test]
fn class_weights_and_names_are_checked_with_several_outputs() -> Result<()> {
    let model = two_by_two()?;
    let losses = [Loss::MeanSquaredError, Loss::SparseCategoricalCrossentropy];
    model.compile(Sgd::new(0.1), losses).run()?;
    let (a, b) = (noise(6, 3, 1), noise(6, 2, 2));
    let (reg, valid) = (Array1::<f32>::zeros(6), array![0, 1, 2, 0, 0, 1]);
    let classes = model.fit([&a, &b], (&reg, &valid)).class_weight([(0, 1.0)]);
    refused(classes.run(), ErrorKind::Config, &["one output"]);
    refused(
        model.fit([&a, &b], (&reg, &array![0, 1, 2, 0, 3, 1])).run(),
        ErrorKind::Data,
        &["`cls`", "3 classes", "label 3 at sample 4"],
    );
    refused(
        model.predict([("a", &a)]).run(),
        ErrorKind::Structure,
        &["`b`"],
    );
    Ok(())
}

#[test]
fn one_hot_and_class_numbers_are_not_confused() -> Result<()> {
    let x = input([4]);
    let model = Model::new(&x, &Dense::new(3).activation(Activation::Softmax).call(&x)?)?;
    let x = noise(6, 4, 1);
    model
        .compile(Sgd::new(0.1), Loss::CategoricalCrossentropy)
        .run()?;
    let numbers = array![0, 1, 2, 0, 1, 2];
    refused(
        model.fit(&x, &numbers).run(),
        ErrorKind::Shape,
        &["SparseCategoricalCrossentropy"],
    );
    model
        .compile(Sgd::new(0.1), Loss::SparseCategoricalCrossentropy)
        .run()?;
    let one_hot = Array2::<f32>::eye(3).select(Axis(0), &[0, 1, 2, 0, 1, 2]);
    refused(
        model.fit(&x, &one_hot).run(),
        ErrorKind::Shape,
        &["CategoricalCrossentropy"],
    );
    model.fit(&x, &numbers).run()?;
    Ok(())
}

#[test]
fn compile_refuses_what_does_not_fit_the_outputs() -> Result<()> {
    let model = two_by_two()?;
    let sgd = || Sgd::new(0.1);
    let mse = || Loss::MeanSquaredError;
    refused(
        model.compile(sgd(), [mse(), mse(), mse()]).run(),
        ErrorKind::Structure,
        &["2 losses", "3"],
    );
    refused(
        model.compile(sgd(), [("reg", mse())]).run(),
        ErrorKind::Structure,
        &["cls"],
    );
    refused(
        model.compile(sgd(), mse()).loss_weights([1.0]).run(),
        ErrorKind::Structure,
        &["loss weights"],
    );
    let flat =
        model
            .compile(sgd(), mse())
            .metrics([Metric::Accuracy, Metric::Accuracy, Metric::Accuracy]);
    refused(
        flat.run(),
        ErrorKind::Structure,
        &["metrics", "for each output"],
    );
    let named = model
        .compile(sgd(), mse())
        .metrics([("nope", Metric::Accuracy)]);
    refused(named.run(), ErrorKind::Structure, &["nope"]);
    refused(
        model.compile(Sgd::new(-1.0), mse()).run(),
        ErrorKind::Config,
        &["learning rate"],
    );
    refused(
        model.compile(sgd().momentum(2.0), mse()).run(),
        ErrorKind::Config,
        &["momentum"],
    );
    let smoothed = BinaryCrossentropy::new().label_smoothing(1.1);
    refused(
        model.compile(sgd(), smoothed).run(),
        ErrorKind::Config,
        &["label_smoothing"],
    );
    Ok(())
}

#[test]
fn an_output_without_a_loss_needs_no_targets() -> Result<()> {
    let model = two_by_two()?;
    model
        .compile(
            Sgd::new(0.1),
            [
                Some(MeanSquaredError::new().reduction(Reduction::Sum)),
                None,
            ],
        )
        .run()?;
    let (a, b) = (noise(10, 3, 1), noise(10, 2, 2));
    let history = model.fit([&a, &b], &Array1::<f32>::zeros(10)).run()?;
    assert_eq!(history.keys().collect::<Vec<_>>(), ["loss"]);
    Ok(())
}

#[test]
fn numbers_with_a_fraction_are_no_indices() -> Result<()> {
    let x = Input::new([2]).dtype(DType::I32).tensor();
    let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    model.predict(&array![[1.0f32, 2.0]]).run()?;
    refused(
        model.predict(&array![[1.5f32, 2.0]]).run(),
        ErrorKind::DType,
        &["1.5", "int32"],
    );
    Ok(())
}

#[test]
fn a_failed_callback_leaves_the_model_usable() -> Result<()> {
    struct Fails;
    impl Callback for Fails {
        fn on_train_batch_end(
            &mut self,
            _: &mut TrainContext<'_>,
            batch: usize,
            _: &mut Logs,
        ) -> Result<()> {
            match batch {
                1 => Err(refrain::Error::custom("enough")),
                _ => Ok(()),
            }
        }
    }
    let (model, x, y) = regression()?;
    model
        .compile(Adam::new(0.01), Loss::MeanSquaredError)
        .run()?;
    refused(
        model.fit(&x, &y).batch_size(10).callback(Fails).run(),
        ErrorKind::Config,
        &["enough"],
    );
    assert_eq!(model.fit(&x, &y).run()?.epochs().len(), 1);
    Ok(())
}

#[test]
fn epochs_of_a_given_number_of_steps_go_on_in_the_data() -> Result<()> {
    let weights = |steps: Option<usize>, epochs| -> Result<Literal> {
        let (model, x, y) = regression()?;
        for w in model.weights() {
            w.assign(Literal::full(w.shape(), DType::F32, 0.1))?;
        }
        model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
        let mut fit = model
            .fit(&x, &y)
            .epochs(epochs)
            .batch_size(10)
            .shuffle(false);
        if let Some(steps) = steps {
            fit = fit.steps_per_epoch(steps);
        }
        fit.run()?;
        model.weights()[0].value()
    };
    assert_eq!(weights(Some(2), 4)?, weights(None, 2)?);
    assert_eq!(weights(Some(8), 1)?, weights(None, 2)?);
    Ok(())
}

#[test]
fn activity_penalties_count_once_for_each_call() -> Result<()> {
    let (a, b) = (input([2]), input([2]));
    let shared = Dense::new(3).activity_regularizer(Regularizer::l2(0.5));
    let model = Model::new([&a, &b], &(shared.call(&a)? - shared.call(&b)?))?;
    model.compile(Sgd::new(0.0), Loss::MeanSquaredError).run()?;
    let (x, z) = (noise(4, 2, 1), noise(4, 2, 2));
    let hidden = Model::new([&a, &b], [&shared.call(&a)?, &shared.call(&b)?])?;
    let outputs = hidden.predict([&x, &z]).run()?;
    let (first, second) = (outputs.get(0)?, outputs.get(1)?);
    let target = first - second;
    let squares: f32 = first.iter().chain(second.iter()).map(|v| v * v).sum();
    let loss = model.evaluate([&x, &z], &target).run()?.loss();
    assert!(
        (loss - f64::from(0.5 * squares / 4.0)).abs() < 1e-5,
        "{loss}"
    );
    Ok(())
}
