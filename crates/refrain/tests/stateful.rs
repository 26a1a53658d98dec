//! Models that keep states from batch to batch, and data that do not come in batches of their size.

use ndarray::{Array2, Array3};
use refrain::layers::{Bidirectional, Dense, Lstm};
use refrain::losses::Loss;
use refrain::optimizers::Sgd;
use refrain::training::Verbose;
use refrain::{ErrorKind, Input, Model, Result};

const BATCH: usize = 4;

fn model(both: bool) -> Result<Model> {
    let x = Input::new([5, 3]).batch_size(BATCH).tensor();
    let lstm = Lstm::new(2).stateful(true).name("memory");
    let h = match both {
        true => Bidirectional::new(lstm).name("both").call(&x)?,
        false => lstm.call(&x)?,
    };
    let model = Model::with_name("keeper", &x, &Dense::new(1).call(&h)?)?;
    model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    Ok(model)
}

fn data(samples: usize) -> (Array3<f32>, Array2<f32>) {
    (Array3::ones((samples, 5, 3)), Array2::zeros((samples, 1)))
}

#[track_caller]
fn refused<T>(result: Result<T>, place: &str, received: &str) {
    let error = result.err().expect("an error");
    assert_eq!(error.kind(), ErrorKind::Data);
    assert_eq!(
        error.to_string(),
        format!(
            "{place}: expected batches of 4 samples for model `keeper`, in which this layer keeps a state for \
             each (`stateful`), got a batch of {received}. Set the batch size to 4 and give a multiple of 4 samples, or end \
             before the last batch with the number of steps."
        )
    );
}

#[test]
fn batches_of_another_size_are_refused_before_the_first_step() -> Result<()> {
    for (both, layer) in [(false, "memory"), (true, "forward_memory")] {
        let layer = &format!("layer `{layer}` (LSTM)");
        let model = model(both)?;
        let weights = || -> Result<Vec<_>> { model.weights().iter().map(|w| w.value()).collect() };
        let before = weights()?;
        let (x, y) = data(10);
        let last = "2 (10 samples in batches of 4)";
        let fit = || model.fit(&x, &y).verbose(Verbose::Silent);
        refused(fit().batch_size(4).run(), layer, last);
        refused(fit().run(), layer, "10 (10 samples in batches of 32)");
        refused(
            fit().batch_size(4).steps_per_epoch(2).epochs(2).run(),
            layer,
            last,
        );
        refused(model.evaluate(&x, &y).batch_size(4).run(), layer, last);
        refused(model.predict(&x).batch_size(4).run(), layer, last);
        refused(
            model.predict(&x).batch_size(5).run(),
            layer,
            "5 (10 samples in batches of 5)",
        );
        let whole = "10 (10 samples in batches of 10)";
        refused(model.predict_on_batch(&x), layer, whole);
        refused(model.train_on_batch(&x, &y).run(), layer, whole);
        refused(model.test_on_batch(&x, &y).run(), layer, whole);
        let (eight, targets) = data(8);
        let validated = model
            .fit(&eight, &targets)
            .batch_size(4)
            .validation_data(&x, &y);
        refused(validated.run(), &format!("{layer}: validation"), last);
        assert_eq!(weights()?, before);
    }
    Ok(())
}

#[test]
fn whole_batches_are_taken() -> Result<()> {
    let model = model(false)?;
    let ((x, y), (ten, tens)) = (data(8), data(10));
    model.fit(&x, &y).batch_size(4).epochs(2).run()?;
    model
        .fit(&x, &y)
        .batch_size(4)
        .validation_split(0.5)
        .run()?;
    model
        .fit(&ten, &tens)
        .batch_size(4)
        .steps_per_epoch(2)
        .run()?;
    model.evaluate(&ten, &tens).batch_size(4).steps(2).run()?;
    let steps = model.predict(&ten).batch_size(4).steps(2).run()?;
    assert_eq!(steps.into_array()?.shape(), [8, 1]);
    model.predict_on_batch(&data(4).0)?;
    Ok(())
}

#[test]
fn a_fixed_batch_size_without_states_binds_nothing() -> Result<()> {
    let x = Input::new([5, 3]).batch_size(BATCH).tensor();
    let model = Model::new(&x, &Lstm::new(2).call(&x)?)?;
    let y = model.predict(&data(7).0).batch_size(3).run()?;
    assert_eq!(y.into_array()?.shape(), [7, 2]);
    Ok(())
}

#[test]
fn a_model_around_a_stateful_one_names_the_states() -> Result<()> {
    let inner = model(false)?;
    let x = Input::new([5, 3]).tensor();
    let outer = Model::new(&x, &inner.call(&x)?)?;
    outer.predict(&data(4).0).run()?;
    let error = outer.predict(&data(3).0).run().unwrap_err().to_string();
    assert!(
        error.starts_with("layer `memory` (LSTM), call 1: "),
        "{error}"
    );
    assert!(
        error.contains(
            "states of shape (3, 2) from the batch before (`stateful`), got states of shape (4, 2)"
        ),
        "{error}"
    );
    Ok(())
}
