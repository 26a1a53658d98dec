//! Callbacks that write into the logs and use the model.

use std::cell::RefCell;

use ndarray::{Array1, Array2};
use refrain::callbacks::{
    Callback, CsvLogger, EarlyStopping, LambdaCallback, ModelCheckpoint, MonitorMode, TrainContext,
};
use refrain::layers::Dense;
use refrain::losses::Loss;
use refrain::metrics::Metric;
use refrain::optimizers::Sgd;
use refrain::training::Logs;
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
        let kernel = model.get_layer_at(1)?.weights()[0].value();
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
        model.weights()[0].value().to_f64()[0]
    );
    assert!((model.learning_rate()? - 0.0125).abs() < 1e-9);
    assert_eq!(
        load_model(&file)?.weights()[0].value(),
        model.weights()[0].value()
    );
    assert_eq!(history.get("largest")?.len(), 3);
    std::fs::remove_file(file).expect("the file");
    Ok(())
}
