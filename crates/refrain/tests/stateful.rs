//! Models that keep states from batch to batch, and data that do not come in batches of their size.

use ndarray::{Array2, Array3, Array5, ArrayD, Axis};
use refrain::initializers::set_random_seed;
use refrain::layers::{Bidirectional, ConvLstm2D, Dense, Lstm, Padding};
use refrain::losses::Loss;
use refrain::optimizers::Sgd;
use refrain::training::Verbose;
use refrain::{DType, ErrorKind, Input, Inputs, Literal, Model, Result};

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

/// A layer over images, and the same weights with other options.
fn over_images(change: impl Fn(ConvLstm2D) -> ConvLstm2D) -> Result<(ConvLstm2D, Vec<Literal>)> {
    set_random_seed(3);
    let layer = change(ConvLstm2D::new(2, 3).padding(Padding::Same));
    layer.call(&Input::new([6, 4, 3, 2]).batch_size(BATCH).tensor())?;
    let weights = layer
        .weights()
        .iter()
        .map(|w| w.value())
        .collect::<Result<_>>()?;
    Ok((layer, weights))
}

fn images(steps: usize) -> Array5<f32> {
    let value = |(b, t, i, j, c): (usize, usize, usize, usize, usize)| {
        ((b * 7 + t * 5 + i * 3 + j * 2 + c) % 9) as f32 / 4.0 - 1.0
    };
    Array5::from_shape_fn((BATCH, steps, 4, 3, 2), value)
}

#[test]
fn states_of_images_are_kept_from_batch_to_batch() -> Result<()> {
    let (whole, weights) = over_images(|layer| layer)?;
    let (kept, same) = over_images(|layer| layer.stateful(true))?;
    assert_eq!(weights, same);
    let model = |layer: &ConvLstm2D, steps: usize| {
        let x = Input::new([steps, 4, 3, 2]).batch_size(BATCH).tensor();
        Model::new(&x, &layer.call(&x)?.output)
    };
    let data = images(6);
    let expected = model(&whole, 6)?.predict(&data).run()?.get(0)?.clone();
    let model = model(&kept, 3)?;
    let (first, second) = data.view().split_at(Axis(1), 3);
    model.predict(&first.to_owned()).batch_size(BATCH).run()?;
    let last = model.predict(&second.to_owned()).batch_size(BATCH).run()?;
    close(last.get(0)?, &expected);
    Ok(())
}

#[test]
fn a_masked_loop_over_images_gives_what_its_steps_give_one_by_one() -> Result<()> {
    let mask = Array2::from_shape_fn((BATCH, 6), |(b, t)| (b + t) % 3 != 0 || b == t);
    let run = |unroll: bool, zeroed: bool| {
        let all = |layer: ConvLstm2D| {
            let layer = layer.return_sequences(true).return_state(true);
            layer.unroll(unroll).zero_output_for_mask(zeroed)
        };
        let (layer, _) = over_images(all)?;
        let x = Input::new([6, 4, 3, 2]).batch_size(BATCH).tensor();
        let kept = Input::new([6])
            .batch_size(BATCH)
            .dtype(DType::Bool)
            .tensor();
        let y = layer.call(Inputs::new(&x).kwarg("mask", &kept))?;
        let model = Model::new([&x, &kept], [&y.output, &y.state[1]])?;
        let mask = Literal::new([BATCH, 6], mask.iter().copied().collect::<Vec<bool>>());
        let predicted = model
            .predict([&literal(&images(6)), &mask.expect("a mask")])
            .run()?;
        Ok::<_, refrain::Error>([predicted.get(0)?.clone(), predicted.get(1)?.clone()])
    };
    let (steps, looped) = (run(true, false)?, run(false, false)?);
    close(&looped[0], &steps[0]);
    // Zeros in masked steps are a loop's alone, as in Keras on JAX; the states are the same in all.
    let (steps_zeroed, looped_zeroed) = (run(true, true)?, run(false, true)?);
    close(&steps_zeroed[0], &steps[0]);
    for states in [&looped[1], &steps_zeroed[1], &looped_zeroed[1]] {
        close(states, &steps[1]);
    }
    let zeroed = |(b, t): (usize, usize)| {
        looped_zeroed[0]
            .index_axis(Axis(0), b)
            .index_axis(Axis(0), t)
            .iter()
            .all(|&v| v == 0.0)
    };
    for ((b, t), &counts) in mask.indexed_iter() {
        assert_eq!(zeroed((b, t)), !counts, "sample {b}, step {t}");
    }
    Ok(())
}

fn literal(array: &Array5<f32>) -> Literal {
    let values: Vec<f32> = array.iter().copied().collect();
    Literal::new(array.shape().to_vec(), values).expect("as many values as the shape has")
}

#[track_caller]
fn close(got: &ArrayD<f32>, expected: &ArrayD<f32>) {
    assert_eq!(got.shape(), expected.shape());
    let largest = got.iter().zip(expected).map(|(a, b)| (a - b).abs());
    assert!(largest.fold(0.0, f32::max) < 1e-6, "{got} {expected}");
}

/// As in Keras a rate of 1 drops nothing, where LSTM drops everything.
#[test]
fn dropout_over_images_is_drawn_once_for_all_steps() -> Result<()> {
    let run = |rate: f64| {
        let both = |layer: ConvLstm2D| layer.dropout(rate).recurrent_dropout(rate);
        let (layer, _) = over_images(both)?;
        let x = Input::new([6, 4, 3, 2]).batch_size(BATCH).tensor();
        let y = layer.call(Inputs::new(&x).option("training", true))?;
        let predicted = Model::new(&x, &y.output)?.predict(&images(6)).run()?;
        Ok::<_, refrain::Error>(predicted.get(0)?.clone())
    };
    close(&run(1.0)?, &run(0.0)?);
    assert_ne!(run(0.5)?, run(0.0)?);
    Ok(())
}
