//! `fit` and `evaluate` from iterators of batches.

use std::cell::Cell;

use ndarray::{Array1, Array2, Axis};
use refrain::callbacks::LambdaCallback;
use refrain::data::{Arrays, Batch, Passes};
use refrain::layers::{Dense, Lstm};
use refrain::losses::Loss;
use refrain::metrics::Metric;
use refrain::optimizers::{Adam, Sgd};
use refrain::{Error, ErrorKind, Input, Literal, Model, Result, input};

const SAMPLES: usize = 20;

fn data() -> (Array2<f32>, Array2<f32>) {
    let x = Array2::from_shape_fn((SAMPLES, 3), |(i, j)| ((7 * i + 3 * j) % 11) as f32 / 11.0);
    let y = x.sum_axis(Axis(1)).insert_axis(Axis(1));
    (x, y)
}

/// The same model each time, with the same weights.
fn model() -> Result<Model> {
    let x = input([3]);
    let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    let weights = model.weights();
    weights[0].assign(Literal::new(vec![3, 1], vec![0.3f32, -0.2, 0.1]).expect("a literal"))?;
    model
        .compile(Adam::new(0.05), Loss::MeanSquaredError)
        .metrics([Metric::MeanAbsoluteError])
        .run()?;
    Ok(model)
}

fn weights(model: &Model) -> Vec<Literal> {
    model
        .weights()
        .iter()
        .map(|w| w.value().expect("a value"))
        .collect()
}

fn refused<T: std::fmt::Debug>(result: Result<T>, kind: ErrorKind, part: &str) {
    let error = result.expect_err("refused");
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(part), "{error}");
}

#[test]
fn batches_of_an_array_train_as_the_array_does() -> Result<()> {
    let (x, y) = data();
    let (by_array, by_batch) = (model()?, model()?);
    let wanted = by_array
        .fit(&x, &y)
        .shuffle(false)
        .batch_size(6)
        .epochs(3)
        .validation_data(&x, &y)
        .run()?;
    let passes = || {
        let (x, y) = (&x, &y);
        Passes::new(move |_| {
            x.axis_chunks_iter(Axis(0), 6)
                .zip(y.axis_chunks_iter(Axis(0), 6))
        })
    };
    let seen = Cell::new((0, 0));
    let count = LambdaCallback::new()
        .on_train_batch_end(|cx, batch, _| {
            assert_eq!(cx.steps(), 4, "known from the iterator");
            seen.set((seen.get().0 + 1, batch));
            Ok(())
        })
        .on_epoch_end(|_, _, logs| logs.get("val_loss").map(drop));
    let found = by_batch
        .fit_batches(passes())
        .epochs(3)
        .validation_batches(passes())
        .callback(count)
        .run()?;
    assert_eq!(seen.get(), (12, 3));
    assert_eq!(found, wanted);
    assert_eq!(weights(&by_batch), weights(&by_array));
    let by_array = by_array.evaluate(&x, &y).batch_size(6).run()?;
    assert_eq!(by_batch.evaluate_batches(passes()).run()?, by_array);
    Ok(())
}

#[test]
fn an_endless_iterator_goes_on_from_epoch_to_epoch() -> Result<()> {
    let (x, y) = data();
    let drawn = Cell::new(0);
    let batches = (0..).map(|i| {
        drawn.set(i + 1);
        let rows = Axis(0);
        let start = (i * 5) % SAMPLES;
        let part = |a: &Array2<f32>| a.slice_axis(rows, (start..start + 5).into()).to_owned();
        (part(&x), part(&y))
    });
    let model = model()?;
    let history = model
        .fit_batches(batches)
        .steps_per_epoch(3)
        .epochs(4)
        .run()?;
    assert_eq!((history.epochs().len(), drawn.get()), (4, 12));
    assert!(history.last("loss")? < history.get("loss")?[0]);
    let endless = || std::iter::repeat_with(|| (x.clone(), y.clone()));
    refused(
        model.fit_batches(endless()).run(),
        ErrorKind::Config,
        "steps_per_epoch",
    );
    let run = model.fit(&x, &y).validation_batches(endless()).run();
    refused(run, ErrorKind::Config, "validation_steps");
    refused(
        model.evaluate_batches(endless()).run(),
        ErrorKind::Config,
        "steps",
    );
    let history = model
        .fit_batches(endless())
        .steps_per_epoch(1)
        .epochs(2)
        .validation_batches(endless())
        .validation_steps(2)
        .run()?;
    assert_eq!(history.get("val_loss")?.len(), 2);
    Ok(())
}

#[test]
fn batches_differ_in_samples_and_in_steps() -> Result<()> {
    let x = input([None, Some(2)]);
    let y = Dense::new(1).call(&Lstm::new(4).call(&x)?)?;
    let model = Model::new(&x, &y)?;
    model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    let shapes = [(3, 5), (4, 2), (3, 5), (1, 9)];
    let batches = Passes::new(|_| {
        shapes.iter().map(|&(samples, steps)| {
            let x = ndarray::Array3::<f32>::ones((samples, steps, 2));
            (x, Array2::<f32>::ones((samples, 1)))
        })
    });
    let history = model.fit_batches(batches).epochs(5).run()?;
    assert!(history.last("loss")? < history.get("loss")?[0]);
    Ok(())
}

#[test]
fn weights_of_samples_and_classes_count() -> Result<()> {
    let (x, y) = data();
    let w = Array1::from_shape_fn(SAMPLES, |i| (i % 3) as f32);
    let (by_array, by_batch) = (model()?, model()?);
    by_array
        .fit(&x, &y)
        .sample_weight(&w)
        .batch_size(SAMPLES)
        .shuffle(false)
        .run()?;
    let batch = (x.view(), y.view(), w.view());
    by_batch.fit_batches(std::iter::once(batch)).run()?;
    assert_eq!(weights(&by_batch), weights(&by_array));

    let labels = Array2::from_shape_fn((SAMPLES, 1), |(i, _)| (i % 2) as f32);
    let (by_array, by_batch) = (model()?, model()?);
    let classes = [(0, 2.0), (1, 0.5)];
    by_array
        .fit(&x, &labels)
        .class_weight(classes)
        .batch_size(SAMPLES)
        .shuffle(false)
        .run()?;
    let batch = Batch::new(&x, &labels);
    by_batch
        .fit_batches(std::iter::once(batch))
        .class_weight(classes)
        .run()?;
    assert_eq!(weights(&by_batch), weights(&by_array));
    Ok(())
}

#[test]
fn a_failing_source_ends_the_run_and_keeps_what_was_trained() -> Result<()> {
    let (x, y) = data();
    let fails = |error: fn() -> Error| {
        let batches = (0..9).map(move |i| match i {
            0..5 => Ok((x.clone(), y.clone())),
            _ => Err(error()),
        });
        let model = model()?;
        let before = weights(&model);
        let result = model
            .fit_batches(batches)
            .steps_per_epoch(3)
            .epochs(3)
            .run();
        assert_ne!(weights(&model), before);
        let steps = model.optimizer_variables()[0].value()?.to_f64();
        assert_eq!(steps, [5.0]);
        Ok::<_, Error>(result)
    };
    refused(
        fails(|| Error::custom("no more disk"))?,
        ErrorKind::Config,
        "no more disk",
    );
    let (x, y) = data();
    let broken = std::io::Error::other("the file is cut off");
    let batches = [Ok((x, y)), Err(broken)].into_iter();
    let run = model()?.fit_batches(batches).run();
    refused(run, ErrorKind::Data, "the file is cut off");
    Ok(())
}

#[test]
fn a_source_that_ends_early_ends_the_training() -> Result<()> {
    let (x, y) = data();
    let batches = |count| std::iter::repeat_n((x.view(), y.view()), count);
    let model = model()?;
    let history = model
        .fit_batches(batches(5))
        .steps_per_epoch(3)
        .epochs(4)
        .run()?;
    assert_eq!(history.epochs(), [0, 1]);
    let history = model
        .fit_batches(batches(6))
        .steps_per_epoch(3)
        .epochs(4)
        .run()?;
    assert_eq!(history.epochs(), [0, 1]);
    let once = model.fit_batches(batches(6)).epochs(2).run();
    refused(once, ErrorKind::Config, "steps_per_epoch");
    refused(model.fit_batches(batches(0)).run(), ErrorKind::Data, "none");
    refused(
        model.evaluate_batches(batches(0)).run(),
        ErrorKind::Data,
        "none",
    );
    // Validation that has ended leaves later epochs without values.
    let validates = model
        .fit(&x, &y)
        .epochs(3)
        .validation_batches(batches(2))
        .validation_steps(1)
        .run()?;
    assert_eq!(validates.get("val_loss")?.len(), 2);
    let steps = Passes::new(|_| batches(2));
    let history = model
        .fit_batches(steps)
        .steps_per_epoch(3)
        .epochs(4)
        .run()?;
    assert_eq!(
        history.epochs().len(),
        4,
        "it begins again in the middle of an epoch"
    );
    Ok(())
}

#[test]
fn options_of_arrays_and_batches_that_do_not_fit_are_refused() -> Result<()> {
    let (x, y) = data();
    let model = model()?;
    let fit = || model.fit_batches(std::iter::once((x.view(), y.view())));
    let weight = Array1::<f32>::ones(SAMPLES);
    refused(fit().batch_size(4).run(), ErrorKind::Config, "batch_size");
    refused(
        fit().validation_split(0.5).run(),
        ErrorKind::Config,
        "validation_split",
    );
    refused(
        fit().sample_weight(&weight).run(),
        ErrorKind::Config,
        "sample_weight",
    );
    refused(fit().steps_per_epoch(0).run(), ErrorKind::Config, "step");
    refused(fit().plan(), ErrorKind::State, "batch");
    let wide = std::iter::once((Array2::<f32>::ones((4, 2)), y.clone()));
    refused(model.fit_batches(wide).run(), ErrorKind::Shape, "(None, 3)");
    let uneven = std::iter::once((x.clone(), Array2::<f32>::ones((4, 1))));
    refused(
        model.fit_batches(uneven).run(),
        ErrorKind::Data,
        "number of samples",
    );
    Ok(())
}

#[test]
fn owned_arrays_of_every_kind_are_data() -> Result<()> {
    let (x, y) = data();
    let model = model()?;
    let of_references = model.evaluate(&x, &y).run()?;
    assert_eq!(model.evaluate(x.clone(), y.clone()).run()?, of_references);
    let doubles = x.mapv(f64::from);
    let rows = Arrays::new(doubles.clone());
    assert_eq!(
        model.predict(rows).run()?.into_array()?,
        model.predict(&doubles).run()?.into_array()?
    );
    model.fit(x.clone(), y).validation_split(0.25).run()?;
    Ok(())
}

#[test]
fn batches_are_predicted_as_their_array_is() -> Result<()> {
    let (x, _) = data();
    let model = model()?;
    let expected = model.predict(&x).run()?.into_array()?;
    let parts = || {
        let lengths = [(0, 7), (7, 9), (9, 16), (16, SAMPLES)];
        let rows = |(start, end)| x.slice_axis(Axis(0), (start..end).into());
        lengths.into_iter().map(rows)
    };
    let found = model.predict_batches(parts()).run()?.into_array()?;
    assert_eq!(found, expected);
    let mut at = 0;
    for predictions in model.predict_batches(parts()) {
        for row in predictions?.get(0)?.outer_iter() {
            assert_eq!(row, expected.index_axis(Axis(0), at));
            at += 1;
        }
    }
    assert_eq!(at, SAMPLES);
    // The items may be results, of any error.
    let results = parts().map(Ok::<_, std::io::Error>);
    assert_eq!(
        model.predict_batches(results).run()?.into_array()?,
        expected
    );
    let broken = parts().map(|part| match part.nrows() {
        7 => Ok(part),
        _ => Err(std::io::Error::other("the cable is loose")),
    });
    refused(
        model.predict_batches(broken).run(),
        ErrorKind::Data,
        "the cable is loose",
    );
    let none = std::iter::empty::<Array2<f32>>();
    refused(model.predict_batches(none).run(), ErrorKind::Data, "none");
    let endless = std::iter::repeat_with(|| x.view());
    refused(
        model.predict_batches(endless).run(),
        ErrorKind::Config,
        "batches.take",
    );
    Ok(())
}

/// As many values in all as two rows of the first width have for each sample, and yet no array.
#[test]
fn outputs_of_other_widths_are_not_put_together() -> Result<()> {
    let x = Input::new([None]).tensor();
    let model = Model::new(&x, &(&x * 2.0))?;
    let widths = || [2, 1, 3].map(|width| Array2::<f32>::ones((1, width)));
    refused(
        model.predict_batches(widths()).run(),
        ErrorKind::Shape,
        "first axis",
    );
    for (predictions, width) in model.predict_batches(widths()).zip([2, 1, 3]) {
        assert_eq!(predictions?.get(0)?.shape(), [1, width]);
    }
    Ok(())
}
