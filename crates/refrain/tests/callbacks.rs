//! Callbacks that write into the logs and use the model.

use std::cell::{Cell, RefCell};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ndarray::{Array1, Array2, Axis, s};
use refrain::callbacks::{
    Callback, CsvLogger, EarlyStopping, LambdaCallback, LearningRateScheduler, ModelCheckpoint,
    MonitorMode, PassContext, ReduceLROnPlateau, TerminateOnNaN, TrainContext,
};
use refrain::initializers::Initializer;
use refrain::layers::Dense;
use refrain::losses::Loss;
use refrain::metrics::Metric;
use refrain::optimizers::Sgd;
use refrain::training::{Evaluation, Logs, Predictions};
use refrain::{ErrorKind, Model, Result, input, load_model};

fn model() -> Result<(Model, Array2<f32>, Array1<f32>)> {
    let x = input([2]);
    let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    model
        .compile(Sgd::new(0.1), Loss::MeanSquaredError)
        .metrics([Metric::MeanAbsoluteError])
        .run()?;
    let x = Array2::from_shape_fn((12, 2), |(i, j)| ((i + 2 * j) % 5) as f32 / 5.0);
    let y = Array1::from_shape_fn(12, |i| i as f32 / 12.0);
    Ok((model, x, y))
}

/// Writes these values, epoch by epoch, under one name.
struct Writes(&'static str, Vec<Option<f64>>);

impl Callback for Writes {
    fn on_epoch_end(
        &mut self,
        _: &mut TrainContext<'_>,
        epoch: usize,
        logs: &mut Logs,
    ) -> Result<()> {
        if let Some(value) = self.1[epoch] {
            logs.set(self.0, value);
        }
        Ok(())
    }
}

fn f1(values: &[f64]) -> Writes {
    Writes("val_f1", values.iter().copied().map(Some).collect())
}

#[test]
fn a_number_of_the_user_s_stops_saves_and_is_recorded() -> Result<()> {
    let (model, x, y) = model()?;
    let folder = std::env::temp_dir().join(format!("refrain_callbacks_{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let table = folder.join("log.csv");
    let mut stop = EarlyStopping::new("val_f1")
        .mode(MonitorMode::Max)
        .patience(2);
    let best = ModelCheckpoint::new()
        .filepath(folder.join("best-{val_f1:.2f}.keras"))
        .monitor("val_f1")
        .mode(MonitorMode::Max)
        .save_best_only(true);
    let history = model
        .fit(&x, &y)
        .epochs(9)
        .callback(f1(&[0.5, 0.75, 0.6, 0.7, 0.9]))
        .callback(&mut stop)
        .callback(best)
        .callback(CsvLogger::new(&table))
        .run()?;
    assert_eq!(history.get("val_f1")?, [0.5, 0.75, 0.6, 0.7]);
    assert_eq!((stop.best(), stop.stopped_epoch()), (Some(0.75), Some(3)));
    load_model(folder.join("best-0.75.keras"))?;
    let table = std::fs::read_to_string(table).expect("a table");
    assert!(
        table.lines().nth(2).is_some_and(|l| l.contains("0.75")),
        "{table}"
    );
    std::fs::remove_dir_all(folder).expect("the folder");
    Ok(())
}

#[test]
fn a_reader_before_the_writer_is_told_so() -> Result<()> {
    let (model, x, y) = model()?;
    let stop = || EarlyStopping::new("val_f1").mode(MonitorMode::Max);
    let run = model
        .fit(&x, &y)
        .callback(stop())
        .callback(f1(&[0.5]))
        .run();
    let error = run.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("must come before"), "{error}");
    // Whether more is better is for the user to say.
    let stop = EarlyStopping::new("val_f1");
    let run = model.fit(&x, &y).callback(f1(&[0.5])).callback(stop).run();
    assert_eq!(run.map_err(|e| e.kind()).err(), Some(ErrorKind::Config));
    Ok(())
}

#[test]
fn epochs_without_validation_have_none_of_its_numbers() -> Result<()> {
    let (model, x, y) = model()?;
    let writes = Writes(
        "val_f1",
        vec![None, Some(0.5), None, Some(0.4), None, Some(0.3)],
    );
    let mut stop = EarlyStopping::new("val_f1").mode(MonitorMode::Max);
    let history = model
        .fit(&x, &y)
        .epochs(6)
        .validation_data(&x, &y)
        .validation_freq(2)
        .callback(writes)
        .callback(&mut stop)
        .run()?;
    assert_eq!(stop.stopped_epoch(), Some(3));
    assert_eq!(history.get("val_f1")?, [0.5, 0.4]);
    Ok(())
}

#[test]
fn a_number_may_be_left_out_of_epochs_once_it_was_there() -> Result<()> {
    let (model, x, y) = model()?;
    let values = [None, Some(0.5), None, Some(0.6), None, Some(0.4), Some(0.9)];
    let stop = || EarlyStopping::new("val_f1").mode(MonitorMode::Max);
    let mut late = stop().start_from_epoch(1);
    let history = model
        .fit(&x, &y)
        .epochs(7)
        .callback(Writes("val_f1", values.to_vec()))
        .callback(&mut late)
        .run()?;
    assert_eq!(late.stopped_epoch(), Some(5));
    assert_eq!(history.get("val_f1")?, [0.5, 0.6, 0.4]);
    let run = model
        .fit(&x, &y)
        .callback(Writes("val_f1", values.to_vec()))
        .callback(stop())
        .run();
    assert_eq!(run.map_err(|e| e.kind()).err(), Some(ErrorKind::NotFound));
    Ok(())
}

#[test]
fn what_steps_write_stays_until_the_end_of_the_epoch() -> Result<()> {
    let (model, x, y) = model()?;
    let write = LambdaCallback::new().on_train_batch_end(|_, batch, logs| {
        logs.set("batches", batch as f64 + 1.0);
        Ok(())
    });
    let seen = RefCell::new(Vec::new());
    let read = LambdaCallback::new().on_train_batch_end(|_, _, logs| {
        seen.borrow_mut().push(logs.get("batches")?);
        Ok(())
    });
    let history = model
        .fit(&x, &y)
        .batch_size(4)
        .epochs(2)
        .callback(write)
        .callback(read)
        .run()?;
    assert_eq!(*seen.borrow(), [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
    assert_eq!(history.get("batches")?, [3.0, 3.0]);
    Ok(())
}

/// Predicts, evaluates, reads weights, changes the learning rate and saves in the middle of a run.
struct UsesTheModel<'a> {
    x: &'a Array2<f32>,
    y: &'a Array1<f32>,
    file: std::path::PathBuf,
}

impl Callback for UsesTheModel<'_> {
    fn on_train_batch_end(
        &mut self,
        cx: &mut TrainContext<'_>,
        _: usize,
        logs: &mut Logs,
    ) -> Result<()> {
        let output = cx.model().predict(self.x).run()?.into_array()?;
        logs.set(
            "largest",
            f64::from(output.iter().copied().fold(f32::MIN, f32::max)),
        );
        Ok(())
    }

    fn on_epoch_end(&mut self, cx: &mut TrainContext<'_>, _: usize, logs: &mut Logs) -> Result<()> {
        let model = cx.model();
        logs.set("test_loss", model.evaluate(self.x, self.y).run()?.loss());
        let kernel = model.get_layer_at(1)?.weights()[0].value()?;
        logs.set("kernel", kernel.to_f64()[0]);
        model.set_learning_rate(model.learning_rate()? / 2.0)?;
        model.gradients(self.x, self.y).run()?;
        model.save(&self.file)
    }
}

#[test]
fn the_model_is_there_for_all_that_it_can_do() -> Result<()> {
    let (model, x, y) = model()?;
    let file =
        std::env::temp_dir().join(format!("refrain_in_training_{}.keras", std::process::id()));
    let uses = UsesTheModel {
        x: &x,
        y: &y,
        file: file.clone(),
    };
    let history = model
        .fit(&x, &y)
        .epochs(3)
        .batch_size(5)
        .callback(uses)
        .run()?;
    let last = history.last("test_loss")?;
    assert_eq!(last, model.evaluate(&x, &y).run()?.loss());
    assert!(last < history.get("test_loss")?[0]);
    assert_eq!(
        history.last("kernel")?,
        model.weights()[0].value()?.to_f64()[0]
    );
    assert!((model.learning_rate()? - 0.0125).abs() < 1e-9);
    assert_eq!(
        load_model(&file)?.weights()[0].value()?,
        model.weights()[0].value()?
    );
    assert_eq!(history.get("largest")?.len(), 3);
    std::fs::remove_file(file).expect("the file");
    Ok(())
}

/// Writes down each call, as Keras's callbacks are called.
#[derive(Default)]
struct Records(Vec<String>);

impl Records {
    fn note(&mut self, call: &str) -> Result<()> {
        self.0.push(call.to_owned());
        Ok(())
    }

    fn with(&mut self, call: &str, number: usize, logs: &Logs) -> Result<()> {
        let values: Vec<String> = logs.iter().map(|(n, v)| format!("{n}={v:.4}")).collect();
        self.0.push(format!("{call} {number} {}", values.join(" ")));
        Ok(())
    }
}

impl Callback for Records {
    fn on_train_begin(&mut self, _: &mut TrainContext<'_>) -> Result<()> {
        self.note("train begin")
    }
    fn on_train_end(&mut self, _: &mut TrainContext<'_>, _: &Logs) -> Result<()> {
        self.note("train end")
    }
    fn on_epoch_begin(&mut self, _: &mut TrainContext<'_>, epoch: usize) -> Result<()> {
        self.note(&format!("epoch begin {epoch}"))
    }
    fn on_epoch_end(&mut self, _: &mut TrainContext<'_>, n: usize, logs: &mut Logs) -> Result<()> {
        self.with("epoch end", n, logs)
    }
    fn on_train_batch_begin(&mut self, _: &mut TrainContext<'_>, batch: usize) -> Result<()> {
        self.note(&format!("train batch begin {batch}"))
    }
    fn on_train_batch_end(
        &mut self,
        _: &mut TrainContext<'_>,
        batch: usize,
        logs: &mut Logs,
    ) -> Result<()> {
        self.with("train batch end", batch, logs)
    }
    fn on_test_begin(&mut self, cx: &mut PassContext<'_>) -> Result<()> {
        self.note(&format!("test begin of {}", cx.steps()))
    }
    fn on_test_batch_begin(&mut self, _: &mut PassContext<'_>, batch: usize) -> Result<()> {
        self.note(&format!("test batch begin {batch}"))
    }
    fn on_test_batch_end(
        &mut self,
        _: &mut PassContext<'_>,
        batch: usize,
        logs: &Logs,
    ) -> Result<()> {
        self.with("test batch end", batch, logs)
    }
    fn on_test_end(&mut self, _: &mut PassContext<'_>, logs: &Logs) -> Result<()> {
        self.with("test end", 0, logs)
    }
    fn on_predict_begin(&mut self, cx: &mut PassContext<'_>) -> Result<()> {
        self.note(&format!("predict begin of {}", cx.steps()))
    }
    fn on_predict_batch_begin(&mut self, _: &mut PassContext<'_>, batch: usize) -> Result<()> {
        self.note(&format!("predict batch begin {batch}"))
    }
    fn on_predict_batch_end(
        &mut self,
        _: &mut PassContext<'_>,
        batch: usize,
        outputs: &Predictions,
    ) -> Result<()> {
        let outputs = outputs.get(0)?;
        self.note(&format!("predict batch end {batch} {outputs:.1}"))
    }
    fn on_predict_end(&mut self, _: &mut PassContext<'_>) -> Result<()> {
        self.note("predict end")
    }
}

/// The sum of two numbers, trained to be 1 by steps of 0.01.
fn adder() -> Result<(Model, Array2<f32>, Array2<f32>)> {
    let x = input([2]);
    let model = Model::new(
        &x,
        &Dense::new(1)
            .kernel_initializer(Initializer::Ones)
            .call(&x)?,
    )?;
    model
        .compile(Sgd::new(0.01), Loss::MeanSquaredError)
        .metrics([Metric::MeanAbsoluteError])
        .run()?;
    let x = Array2::from_shape_fn((5, 2), |(i, j)| (2 * i + j) as f32 / 10.0);
    Ok((model, x, Array2::ones((5, 1))))
}

/// What Keras 3.15 on JAX calls and logs: `golden/print_hooks.py`.
const FIT: &str = "train begin
epoch begin 0
train batch begin 0
train batch end 0 loss=0.5300 mean_absolute_error=0.7000
train batch begin 1
train batch end 1 loss=0.2918 mean_absolute_error=0.4502
train batch begin 2
train batch end 2 loss=0.3348 mean_absolute_error=0.5025
epoch end 0 loss=0.3348 mean_absolute_error=0.5025
epoch begin 1
train batch begin 0
train batch end 0 loss=0.5377 mean_absolute_error=0.7062
train batch begin 1
train batch end 1 loss=0.2935 mean_absolute_error=0.4521
train batch begin 2
train batch end 2 loss=0.3299 mean_absolute_error=0.4995
test begin of 2
test batch begin 0
test batch end 0 loss=0.5441 mean_absolute_error=0.7113
test batch begin 1
test batch end 1 loss=0.3680 mean_absolute_error=0.5160
test end 0 loss=0.3680 mean_absolute_error=0.5160
epoch end 1 loss=0.3299 mean_absolute_error=0.4995 val_loss=0.3680 val_mean_absolute_error=0.5160
train end";
const EVALUATE: &str = "test begin of 3
test batch begin 0
test batch end 0 loss=0.5300 mean_absolute_error=0.7000
test batch begin 1
test batch end 1 loss=0.2900 mean_absolute_error=0.4500
test batch begin 2
test batch end 2 loss=0.3300 mean_absolute_error=0.5000
test end 0 loss=0.3300 mean_absolute_error=0.5000";
const PREDICT: &str = "predict begin of 3
predict batch begin 0
predict batch end 0 [[0.1],\n [0.5]]
predict batch begin 1
predict batch end 1 [[0.9],\n [1.3]]
predict batch begin 2
predict batch end 2 [[1.7]]
predict end";

/// Pairs of samples.
fn pairs(x: &Array2<f32>) -> Vec<Array2<f32>> {
    x.axis_chunks_iter(Axis(0), 2)
        .map(|c| c.to_owned())
        .collect()
}

#[test]
fn hooks_are_called_in_keras_s_order() -> Result<()> {
    let (model, x, y) = adder()?;
    let start = model.weights()[0].value()?;
    let bias = model.weights()[1].value()?;
    let mut records = Records::default();
    let (vx, vy) = (x.slice(s![..3, ..]), y.slice(s![..3, ..]));
    model
        .fit(&x, &y)
        .batch_size(2)
        .epochs(2)
        .validation_data(&vx, &vy)
        .validation_freq(2)
        .shuffle(false)
        .callback(&mut records)
        .run()?;
    assert_eq!(records.0.join("\n"), FIT);

    model.weights()[0].assign(start)?;
    model.weights()[1].assign(bias)?;
    let batches = || pairs(&x).into_iter().zip(pairs(&y));
    let recorded = |run: &mut dyn FnMut(&mut Records) -> Result<()>| {
        let mut records = Records::default();
        run(&mut records)?;
        Ok::<_, refrain::Error>(records.0.join("\n"))
    };
    let calls = recorded(&mut |r| {
        let run = model.evaluate(&x, &y).batch_size(2);
        run.callback(r).run().map(drop)
    })?;
    assert_eq!(calls, EVALUATE);
    let calls = recorded(&mut |r| {
        let run = model.evaluate_batches(batches());
        run.callback(r).run().map(drop)
    })?;
    assert_eq!(calls.replace("of 0", "of 3"), EVALUATE);
    let calls = recorded(&mut |r| {
        let run = model.predict(&x).batch_size(2);
        run.callback(r).run().map(drop)
    })?;
    assert_eq!(calls, PREDICT);
    let calls = recorded(&mut |r| {
        let run = model.predict_batches(pairs(&x));
        run.callback(r).run().map(drop)
    })?;
    assert_eq!(calls, PREDICT);
    let calls = recorded(&mut |r| {
        let mut run = model.predict_batches(pairs(&x)).callback(r);
        for predictions in run.by_ref() {
            predictions?;
        }
        assert!(run.next().is_none());
        Ok(())
    })?;
    assert_eq!(calls, PREDICT);
    Ok(())
}

#[test]
fn validation_in_batches_calls_the_hooks_of_fit() -> Result<()> {
    let (model, x, y) = adder()?;
    let mut records = Records::default();
    model
        .fit(&x, &y)
        .batch_size(2)
        .validation_batches(pairs(&x).into_iter().zip(pairs(&y)))
        .callback(&mut records)
        .run()?;
    let tests = records.0.iter().filter(|c| c.starts_with("test")).count();
    assert_eq!(tests, 8);
    assert!(records.0[records.0.len() - 3].starts_with("test end"));
    Ok(())
}

#[test]
fn evaluations_and_predictions_may_be_stopped() -> Result<()> {
    let (model, x, y) = adder()?;
    let stop = || {
        LambdaCallback::new()
            .on_test_batch_end(|cx, batch, _| {
                if batch == 1 {
                    cx.stop();
                }
                Ok(())
            })
            .on_predict_batch_end(|cx, _, _| {
                cx.stop();
                Ok(())
            })
    };
    // Keras's numbers of the first two batches, and of the first.
    let scores = model.evaluate(&x, &y).batch_size(2).callback(stop());
    assert!((scores.run()?.loss() - 0.29).abs() < 1e-6);
    let batches = pairs(&x).into_iter().zip(pairs(&y));
    let scores = model.evaluate_batches(batches).callback(stop());
    assert!((scores.run()?.loss() - 0.29).abs() < 1e-6);
    let y = model.predict(&x).batch_size(2).callback(stop()).run()?;
    assert_eq!(y.into_array()?.shape(), [2, 1]);
    let y = model.predict_batches(pairs(&x)).callback(stop()).run()?;
    assert_eq!(y.into_array()?.shape(), [2, 1]);
    let whole = model.predict(&x).callback(stop()).run()?;
    assert_eq!(whole.into_array()?.shape(), [5, 1]);
    Ok(())
}

/// Evaluates in the same thread, and in one that is waited for.
fn evaluates_twice<'a>(
    x: &'a Array2<f32>,
    y: &'a Array2<f32>,
    wanted: &'a Evaluation,
) -> LambdaCallback<'a> {
    LambdaCallback::new().on_test_batch_end(move |cx, _, _| {
        assert_eq!(&cx.model().evaluate(x, y).batch_size(4).run()?, wanted);
        let (model, x, y) = (cx.model().clone(), x.clone(), y.clone());
        let (send, receive) = mpsc::channel();
        thread::spawn(move || send.send(model.evaluate(&x, &y).batch_size(4).run()));
        let scores = receive.recv_timeout(Duration::from_secs(60));
        assert_eq!(&scores.expect("no deadlock")?, wanted);
        Ok(())
    })
}

#[test]
fn evaluations_within_an_evaluation_do_not_disturb_it() -> Result<()> {
    let (model, x, y) = adder()?;
    let (part, ones) = (&x * 3.0, Array2::zeros((5, 1)));
    let inner = model.evaluate(&part, &ones).batch_size(4).run()?;
    let wanted = model.evaluate(&x, &y).batch_size(2).run()?;
    let nested = || evaluates_twice(&part, &ones, &inner);
    let found = model.evaluate(&x, &y).batch_size(2).callback(nested());
    assert_eq!(found.run()?, wanted);
    let batches = pairs(&x).into_iter().zip(pairs(&y));
    let found = model.evaluate_batches(batches).callback(nested());
    assert_eq!(found.run()?, wanted);
    let reset = LambdaCallback::new().on_test_batch_end(|cx, _, _| cx.model().reset_metrics());
    let found = model.evaluate(&x, &y).batch_size(2).callback(reset);
    assert_eq!(found.run()?, wanted);
    // Single batches are counted behind the last evaluation.
    let more = model.test_on_batch(&x, &y).run()?.loss();
    assert!((more - wanted.loss()).abs() < 1e-6, "{more}");

    let weights: Vec<_> = model
        .weights()
        .iter()
        .map(|w| w.value())
        .collect::<Result<_>>()?;
    let fit = |batches: bool| {
        for (weight, value) in model.weights().iter().zip(&weights) {
            weight.assign(value.clone())?;
        }
        let fit = model.fit(&x, &y).batch_size(5);
        match batches {
            true => fit.validation_batches(pairs(&x).into_iter().zip(pairs(&y))),
            false => fit.validation_data(&x, &y).validation_batch_size(2),
        }
        .callback(
            LambdaCallback::new()
                .on_test_batch_end(|cx, _, _| cx.model().evaluate(&part, &ones).run().map(drop)),
        )
        .run()
    };
    for batches in [false, true] {
        let history = fit(batches)?;
        let after = model.evaluate(&x, &y).batch_size(2).run()?;
        assert_eq!(history.last("val_loss")?, after.loss());
    }
    Ok(())
}

#[test]
fn an_error_ends_predictions_in_batches() -> Result<()> {
    let (model, x, _) = adder()?;
    let mut records = Records::default();
    let batches = pairs(&x).into_iter().enumerate();
    let batches = batches.map(|(i, batch)| match i {
        1 => Err(std::io::Error::other("the cable is loose")),
        _ => Ok(batch),
    });
    let mut run = model.predict_batches(batches).callback(&mut records);
    assert!(run.next().is_some_and(|p| p.is_ok()));
    assert!(run.next().is_some_and(|p| p.is_err()));
    assert!(run.next().is_none() && run.next().is_none());
    assert_eq!(run.size_hint(), (0, Some(0)));
    drop(run);
    let begins = records.0.iter().filter(|c| c.contains("begin")).count();
    assert_eq!(begins, 3, "{:?}", records.0);

    let begun = Cell::new(0);
    let refuses = LambdaCallback::new().on_predict_begin(|_| {
        begun.set(begun.get() + 1);
        model.get_layer("none").map(drop)
    });
    let mut run = model.predict_batches(pairs(&x)).callback(refuses);
    assert!(run.next().is_some_and(|p| p.is_err()));
    assert!(run.next().is_none());
    assert_eq!(begun.get(), 1);
    Ok(())
}

#[test]
fn misspelt_names_are_refused_before_the_first_step() -> Result<()> {
    let (model, x, y) = model()?;
    let steps = Cell::new(0);
    let count = || {
        LambdaCallback::new().on_train_batch_begin(|_, _| {
            steps.set(steps.get() + 1);
            Ok(())
        })
    };
    let run = |monitoring: Box<dyn Callback>| {
        let fit = model.fit(&x, &y).epochs(2).validation_data(&x, &y);
        let callbacks: [Box<dyn Callback + '_>; 5] = [
            Box::new(count()),
            Box::new(LearningRateScheduler::new(|_, rate| rate)),
            Box::new(TerminateOnNaN),
            Box::new(EarlyStopping::new("val_loss")),
            monitoring,
        ];
        fit.callbacks(callbacks).run().map(drop)
    };
    let files = std::env::temp_dir().join("refrain_never_{val_los:.2f}.keras");
    let monitoring: [Box<dyn Callback>; 4] = [
        Box::new(EarlyStopping::new("val_los")),
        Box::new(ReduceLROnPlateau::new("val_los")),
        Box::new(
            ModelCheckpoint::new()
                .monitor("val_los")
                .save_best_only(true),
        ),
        Box::new(ModelCheckpoint::new().filepath(files)),
    ];
    for monitoring in monitoring {
        let error = run(monitoring).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(
            error.to_string(),
            "no value `val_los`; there are [\"loss\", \"mean_absolute_error\", \"val_loss\", \
             \"val_mean_absolute_error\"]."
        );
    }
    assert_eq!(steps.get(), 0);
    // A value of validation without validation, too.
    let stop = EarlyStopping::new("val_loss");
    let fit = model.fit(&x, &y).callback(count()).callback(stop);
    let error = fit.run().unwrap_err();
    assert!(error.to_string().contains("validation_data"), "{error}");
    assert_eq!(steps.get(), 0);
    // What is not monitored in these epochs, or what another callback writes, is nobody's mistake.
    run(Box::new(
        EarlyStopping::new("learning_rate").mode(MonitorMode::Min),
    ))?;
    run(Box::new(ModelCheckpoint::new().monitor("val_los")))?;
    let late = EarlyStopping::new("val_loss").start_from_epoch(1);
    model.fit(&x, &y).callback(late).run()?;
    Ok(())
}
