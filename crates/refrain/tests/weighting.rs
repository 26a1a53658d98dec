//! Weights of samples and of outputs' samples, and targets in types of their own.

use ndarray::{Array1, Array2, Array3, Array4, array};
use refrain::data::IntoArrays;
use refrain::layers::{Dense, Masking};
use refrain::losses::Loss;
use refrain::metrics::Metric;
use refrain::optimizers::Sgd;
use refrain::training::Evaluation;
use refrain::{ErrorKind, Literal, Model, Result, Structure, Tensor, input};

/// Two outputs `a` and `b` of the same numbers: 1 for each sample.
fn twins() -> Result<(Tensor, [Tensor; 2])> {
    let x = input([1]);
    let [a, b] = ["a", "b"].map(|name| {
        let layer = Dense::new(1)
            .use_bias(false)
            .kernel_initializer(refrain::initializers::Initializer::Ones);
        layer.name(name).call(&x)
    });
    Ok((x, [a?, b?]))
}

fn compiled(model: Model) -> Result<Model> {
    let metrics = [[Metric::MeanSquaredError], [Metric::MeanSquaredError]];
    let compile = model.compile(Sgd::new(0.0), Loss::MeanSquaredError);
    compile.weighted_metrics(metrics).run()?;
    Ok(model)
}

#[track_caller]
fn near(value: f64, expected: f64) {
    assert!(
        (value - expected).abs() < 1e-5 * expected.abs(),
        "{value}, expected {expected}"
    );
}

/// What `evaluate` gives with these weights.
fn evaluated<'a>(
    model: &'a Model,
    x: impl IntoArrays<'a>,
    y: impl IntoArrays<'a>,
    weights: impl IntoArrays<'a>,
) -> Result<Evaluation> {
    model.evaluate(x, y).sample_weight(weights).run()
}

#[test]
fn weights_may_be_given_for_some_outputs_by_name() -> Result<()> {
    let (x, [a, b]) = twins()?;
    let list = compiled(Model::new(&x, [&a, &b])?)?;
    let dict = Structure::dict([("left", Structure::Leaf(a)), ("right", Structure::Leaf(b))]);
    let dict = compiled(Model::new(&x, dict)?)?;
    let x = Array2::<f32>::ones((3, 1));
    // Squared errors 1, 4, 9.
    let y = array![[2f32], [3.0], [4.0]];
    let w = array![3f32, 0.0, 0.0];
    let plain = 14.0 / 3.0;
    for (model, [first, second]) in [(&list, ["a", "b"]), (&dict, ["left", "right"])] {
        let y = [(first, &y), (second, &y)];
        near(evaluated(model, &x, y, [(first, &w)])?.loss(), 1.0 + plain);
        near(evaluated(model, &x, y, [(second, &w)])?.loss(), 1.0 + plain);
        let one = evaluated(model, &x, y, [(second, &w)])?;
        near(one.get(&format!("{first}_mean_squared_error"))?, plain);
        near(one.get(&format!("{second}_mean_squared_error"))?, 1.0);
        near(
            evaluated(model, &x, y, [(first, Some(&w)), (second, None)])?.loss(),
            1.0 + plain,
        );
        near(
            evaluated(model, &x, y, [(second, &w), (first, &w)])?.loss(),
            2.0,
        );
        near(evaluated(model, &x, y, &w)?.loss(), 2.0);
        let error = evaluated(model, &x, y, [("other", &w)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Structure);
        let expected = format!(
            "expected the sample weights under some of the names {:?}, got `other`. Name the model's outputs.",
            [first, second]
        );
        assert_eq!(error.to_string(), expected);
    }
    Ok(())
}

/// A model of sequences of 5 steps whose losses have the shape (4, 5).
fn sequences(mask: bool) -> Result<(Model, Array3<f32>, Array3<f32>)> {
    let x = input([5, 3]);
    let h = match mask {
        true => Masking::new().call(&x)?,
        false => x.clone(),
    };
    let model = Model::new(&x, &Dense::new(2).name("y").call(&h)?)?;
    let compile = model.compile(Sgd::new(0.0), Loss::MeanSquaredError);
    compile.weighted_metrics([Metric::MeanSquaredError]).run()?;
    Ok((model, Array3::ones((4, 5, 3)), Array3::zeros((4, 5, 2))))
}

#[test]
fn weights_of_steps_and_of_samples() -> Result<()> {
    for mask in [false, true] {
        let (model, x, y) = sequences(mask)?;
        let plain = model.evaluate(&x, &y).run()?.loss();
        let same = |loss: f64| near(loss, 2.0 * plain);
        same(evaluated(&model, &x, &y, &Array2::from_elem((4, 1), 2f32))?.loss());
        same(evaluated(&model, &x, &y, &Array2::from_elem((4, 5), 2f32))?.loss());
        same(evaluated(&model, &x, &y, &Array3::from_elem((4, 5, 1), 2f32))?.loss());
    }
    Ok(())
}

#[test]
fn weights_of_another_shape_are_refused_with_theirs() -> Result<()> {
    for mask in [false, true] {
        let (model, x, y) = sequences(mask)?;
        let refused = |loss: Result<Evaluation>, bound: &str, shape: &str, hint: &str| {
            let error = loss.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Shape);
            let expected = format!(
                "layer `y` (Dense): expected sample weights {bound} losses of shape (4, 5), got sample weights of shape \
                 {shape}. {hint}."
            );
            assert_eq!(error.to_string(), expected);
        };
        let fewer =
            "Give one number for each: to weigh whole samples, add axes of size 1 behind the first";
        let more =
            "A weight counts for a sample (or a step), not for a number in it; drop the last axes";
        let one = Array1::<f32>::ones(4);
        refused(
            evaluated(&model, &x, &y, &one),
            "with as many axes as",
            "(4,)",
            fewer,
        );
        let two = Array2::<f32>::ones((4, 3));
        refused(
            evaluated(&model, &x, &y, &two),
            "that fit",
            "(4, 3)",
            "Give one weight for each sample",
        );
        let three = Array3::<f32>::ones((4, 5, 2));
        refused(
            evaluated(&model, &x, &y, &three),
            "with no more axes than",
            "(4, 5, 2)",
            more,
        );
        let four = Array4::<f32>::ones((4, 5, 1, 1));
        refused(
            evaluated(&model, &x, &y, &four),
            "with no more axes than",
            "(4, 5, 1, 1)",
            more,
        );
    }
    Ok(())
}

#[test]
fn as_many_samples_as_steps_do_not_turn_weights_of_samples_into_weights_of_steps() -> Result<()> {
    let (model, ..) = sequences(false)?;
    let (x, y) = (
        Array3::<f32>::ones((5, 5, 3)),
        Array3::<f32>::zeros((5, 5, 2)),
    );
    let weights = array![1f32, 2.0, 3.0, 4.0, 5.0];
    let error = model
        .evaluate(&x, &y)
        .sample_weight(&weights)
        .run()
        .unwrap_err();
    assert!(error.to_string().contains("shape (5,)"), "{error}");
    Ok(())
}

#[test]
fn a_mask_that_does_not_fit_is_called_a_mask() -> Result<()> {
    let x = input([5, 3]);
    let model = Model::new(&x, &Masking::new().name("masks").call(&x)?)?;
    let mean = Loss::custom("mean", |y, p| {
        refrain::ops::mean(&(y - p).square(), [1, 2], false)
    });
    model.compile(Sgd::new(0.0), mean).run()?;
    let x = Array3::<f32>::ones((4, 5, 3));
    let error = model.evaluate(&x, &x).run().unwrap_err().to_string();
    assert!(
        error
            .contains("expected a mask that fits losses of shape (4,), got a mask of shape (4, 5)"),
        "{error}"
    );
    assert!(!error.contains("sample weight"), "{error}");
    Ok(())
}

#[test]
fn whole_numbers_beyond_32_bits_are_quantities_for_a_loss_of_distances() -> Result<()> {
    let x = input([1]);
    let layer = Dense::new(1)
        .use_bias(false)
        .kernel_initializer(refrain::initializers::Initializer::Ones);
    let model = Model::new(&x, &layer.call(&x)?)?;
    let compile = model.compile(Sgd::new(0.0), Loss::MeanAbsoluteError);
    compile
        .metrics([Metric::MeanAbsoluteError, Metric::Accuracy])
        .run()?;
    let x = Array2::<f32>::zeros((2, 1));
    let large = 1i64 << 40;
    let expected = large as f64 / 2.0;
    assert_eq!(
        model.evaluate(&x, &array![[large], [0]]).run()?.loss(),
        expected
    );
    let unsigned = array![[3_000_000_000u32], [3_000_000_000]];
    // The nearest f32, as Keras computes.
    assert_eq!(
        model.evaluate(&x, &unsigned).run()?.loss(),
        3_000_000_000u32 as f32 as f64
    );
    assert_eq!(
        model.fit(&x, &unsigned).run()?.last("loss")?,
        3_000_000_000u32 as f32 as f64
    );
    model.reset_metrics()?;
    let literal = Literal::new([2, 1], vec![large, large]).expect("two numbers");
    assert_eq!(
        model.train_on_batch(&x, &literal).run()?.loss(),
        large as f64
    );
    Ok(())
}

#[test]
fn outputs_without_a_loss_need_no_targets_in_a_dict() -> Result<()> {
    let (x, [a, b]) = twins()?;
    let list = Model::new(&x, [&a, &b])?;
    let outputs = Structure::dict([("a", Structure::Leaf(a)), ("b", Structure::Leaf(b))]);
    let dict = Model::new(&x, outputs)?;
    let (x, y) = (Array2::<f32>::ones((3, 1)), Array2::<f32>::zeros((3, 1)));
    for model in [list, dict] {
        let losses = [Some(Loss::MeanSquaredError), None];
        model.compile(Sgd::new(0.0), losses).run()?;
        assert_eq!(model.evaluate(&x, [("a", &y)]).run()?.loss(), 1.0);
        let error = model.evaluate(&x, [("b", &y)]).run().unwrap_err();
        assert!(error.to_string().contains("data for `a`"), "{error}");
        let error = model.fit(&x, [("a", &y), ("c", &y)]).run().unwrap_err();
        assert!(error.to_string().contains("got `c`"), "{error}");
    }
    Ok(())
}

#[test]
fn a_weighted_metric_of_a_whole_batch_is_refused_at_its_output() -> Result<()> {
    let (x, [a, _]) = twins()?;
    let model = Model::new(&x, &a)?;
    let whole = Metric::custom("whole", |y, p| {
        refrain::ops::mean(&(y - p), refrain::ops::Axes::All, false)
    });
    let compile = model.compile(Sgd::new(0.0), Loss::MeanSquaredError);
    compile.weighted_metrics([whole]).run()?;
    let (x, y) = (Array2::<f32>::ones((3, 1)), Array2::<f32>::zeros((3, 1)));
    assert_eq!(model.evaluate(&x, &y).run()?.get("whole")?, -1.0);
    let error = evaluated(&model, &x, &y, &array![1f32, 2.0, 3.0]).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("layer `a` (Dense): expected sample weights"),
        "{error}"
    );
    Ok(())
}
