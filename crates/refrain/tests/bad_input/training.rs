//! Bad input while a model is trained, evaluated or asked.

use std::sync::{Barrier, Mutex};

use ndarray::{Array1, Array2, Array3, array, s};
use refrain::activations::Activation;
use refrain::callbacks::{Callback, LambdaCallback, TrainContext};
use refrain::data::Arrays;
use refrain::layers::{Dense, Embedding, Flatten};
use refrain::losses::Loss;
use refrain::metrics::Metric;
use refrain::optimizers::{Adam, Sgd};
use refrain::training::Logs;
use refrain::{DType, ErrorKind, Input, Literal, Model, Result, Tensor, ops};

use crate::refused;

fn named(name: &str, shape: &[usize]) -> Tensor {
    Input::new(shape).name(name).tensor()
}

/// One output `y` of one number.
fn regression() -> Result<Model> {
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
        .metrics([Metric::Accuracy])
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

#[test]
fn probe() -> Result<()> {
    let model = regression()?;
    let (x, y) = data(10);
    let show = |name: &str, r: Result<()>| {
        println!(
            "{name}: {}",
            r.map_or_else(|e| format!("{:?} {e}", e.kind()), |_| "OK".to_owned())
        )
    };
    show(
        "x short",
        model.fit(x.slice(s![..7, ..]), &y).run().map(drop),
    );
    show(
        "empty",
        model
            .fit(x.slice(s![..0, ..]), y.slice(s![..0, ..]))
            .run()
            .map(drop),
    );
    show(
        "empty evaluate",
        model
            .evaluate(x.slice(s![..0, ..]), y.slice(s![..0, ..]))
            .run()
            .map(drop),
    );
    show(
        "empty predict",
        model.predict(x.slice(s![..0, ..])).run().map(drop),
    );
    show(
        "wrong rank",
        model
            .fit(&Array3::<f32>::zeros((10, 4, 4)), &y)
            .run()
            .map(drop),
    );
    show(
        "wrong width",
        model
            .fit(&Array2::<f32>::zeros((10, 5)), &y)
            .run()
            .map(drop),
    );
    show(
        "wrong width predict",
        model
            .predict(&Array2::<f32>::zeros((10, 5)))
            .run()
            .map(drop),
    );
    show(
        "wrong labels",
        model
            .fit(&x, &Array2::<f32>::zeros((10, 2)))
            .run()
            .map(drop),
    );
    show(
        "labels rank 3",
        model
            .fit(&x, &Array3::<f32>::zeros((10, 1, 2)))
            .run()
            .map(drop),
    );
    show(
        "labels per dataset 1d",
        model.fit(&x, &Array1::<f32>::zeros(10)).run().map(drop),
    );
    show(
        "scalar x",
        model.predict(&ndarray::arr0(1.0f32)).run().map(drop),
    );
    show("two inputs", model.predict([&x, &x]).run().map(drop));
    show("two targets", model.fit(&x, [&y, &y]).run().map(drop));
    show("dict", model.predict([("z", &x)]).run().map(drop));
    show("batch 0", model.fit(&x, &y).batch_size(0).run().map(drop));
    show(
        "batch 0 evaluate",
        model.evaluate(&x, &y).batch_size(0).run().map(drop),
    );
    show(
        "batch 0 predict",
        model.predict(&x).batch_size(0).run().map(drop),
    );
    show(
        "batch 0 predict plan",
        model.predict(&x).batch_size(0).plan().map(drop),
    );
    show(
        "batch 0 fit plan",
        model.fit(&x, &y).batch_size(0).plan().map(drop),
    );
    show(
        "validation batch 0",
        model
            .fit(&x, &y)
            .validation_split(0.5)
            .validation_batch_size(0)
            .run()
            .map(drop),
    );
    show(
        "validation steps 0",
        model
            .fit(&x, &y)
            .validation_split(0.5)
            .validation_steps(0)
            .run()
            .map(drop),
    );
    show(
        "steps 0",
        model.fit(&x, &y).steps_per_epoch(0).run().map(drop),
    );
    show(
        "steps huge",
        model.evaluate(&x, &y).steps(usize::MAX).run().map(drop),
    );
    show(
        "predict steps huge",
        model.predict(&x).steps(usize::MAX).run().map(drop),
    );
    show(
        "predict steps 0",
        model.predict(&x).steps(0).run().map(drop),
    );
    show(
        "batch huge",
        model.predict(&x).batch_size(usize::MAX).run().map(drop),
    );
    show(
        "fit batch huge",
        model.fit(&x, &y).batch_size(usize::MAX).run().map(drop),
    );
    for split in [1.0, -0.1, 2.0, f64::NAN, f64::INFINITY, 0.01, 0.999] {
        show(
            &format!("split {split}"),
            model.fit(&x, &y).validation_split(split).run().map(drop),
        );
    }
    show(
        "split 0",
        model.fit(&x, &y).validation_split(0.0).run().map(drop),
    );
    show(
        "both validation",
        model
            .fit(&x, &y)
            .validation_split(0.5)
            .validation_data(&x, &y)
            .run()
            .map(drop),
    );
    show(
        "validation wrong",
        model
            .fit(&x, &y)
            .validation_data(&Array2::<f32>::zeros((3, 5)), &Array2::<f32>::zeros((3, 1)))
            .run()
            .map(drop),
    );
    show("epochs 0", model.fit(&x, &y).epochs(0).run().map(drop));
    show(
        "initial epoch",
        model.fit(&x, &y).epochs(2).initial_epoch(5).run().map(drop),
    );
    show("freq", model.fit(&x, &y).validation_freq(0).run().map(drop));
    show(
        "weights short",
        model
            .fit(&x, &y)
            .sample_weight(&Array1::<f32>::ones(9))
            .run()
            .map(drop),
    );
    show(
        "weights rank",
        model
            .fit(&x, &y)
            .sample_weight(&Array2::<f32>::ones((10, 3)))
            .run()
            .map(drop),
    );
    show(
        "weights two",
        model
            .fit(&x, &y)
            .sample_weight([&Array1::<f32>::ones(10), &Array1::<f32>::ones(10)])
            .run()
            .map(drop),
    );
    show(
        "weights evaluate",
        model
            .evaluate(&x, &y)
            .sample_weight(&Array1::<f32>::ones(9))
            .run()
            .map(drop),
    );
    show(
        "train_on_batch weights",
        model
            .train_on_batch(&x, &y)
            .sample_weight(&Array1::<f32>::ones(9))
            .run()
            .map(drop),
    );
    show(
        "validation weights",
        model
            .fit(&x, &y)
            .validation_data(&x, &y)
            .validation_sample_weight(&Array1::<f32>::ones(9))
            .run()
            .map(drop),
    );
    let c = classifier(3)?;
    let labels = array![0, 1, 2, 0, 1, 2, 0, 1, 2, 0];
    show(
        "class weight unknown",
        c.fit(&x, &labels).class_weight([(7, 2.0)]).run().map(drop),
    );
    show(
        "class weight negative",
        c.fit(&x, &labels).class_weight([(0, -2.0)]).run().map(drop),
    );
    show(
        "class weight nan",
        c.fit(&x, &labels)
            .class_weight([(0, f64::NAN)])
            .run()
            .map(drop),
    );
    show(
        "label 3",
        c.fit(&x, &array![0, 1, 2, 0, 1, 2, 0, 1, 3, 0])
            .run()
            .map(drop),
    );
    show(
        "label nan",
        c.fit(
            &x,
            &array![0.0, 1.0, f32::NAN, 0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 0.0],
        )
        .run()
        .map(drop),
    );
    show(
        "label eval",
        c.evaluate(&x, &array![0, 1, 2, 0, 1, 2, 0, 1, 3, 0])
            .run()
            .map(drop),
    );
    show(
        "label train_on_batch",
        c.train_on_batch(&x, &array![0, 1, 2, 0, 1, 2, 0, 1, 3, 0])
            .run()
            .map(drop),
    );
    show(
        "label validation",
        c.fit(&x, &labels)
            .validation_data(&x, &array![0, 1, 2, 0, 1, 2, 0, 1, 3, 0])
            .run()
            .map(drop),
    );
    show(
        "label fraction",
        c.fit(
            &x,
            &array![0.0, 1.0, 1.5, 0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 0.0],
        )
        .run()
        .map(drop),
    );
    let words = Input::new([2]).name("words").dtype(DType::I32).tensor();
    let e = Flatten::new().call(&Embedding::new(10, 3).name("rows").call(&words)?)?;
    let e = Model::new(&words, &Dense::new(1).call(&e)?)?;
    e.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    show(
        "index 10",
        e.predict(&array![[1, 2], [3, 10]]).run().map(drop),
    );
    show(
        "index -1",
        e.predict(&array![[1, 2], [3, -1]]).run().map(drop),
    );
    show(
        "index fit",
        e.fit(&array![[1, 2], [3, 10]], &array![1.0f32, 2.0])
            .run()
            .map(drop),
    );
    show(
        "index nan",
        e.predict(&array![[1.0, 2.0], [3.0, f32::NAN]])
            .run()
            .map(drop),
    );
    show(
        "index ok",
        e.predict(&array![[0, 2], [3, 9]]).run().map(drop),
    );
    let (mut nan, y10) = (x.clone(), y.clone());
    nan[[7, 2]] = f32::NAN;
    show(
        "nan input",
        model
            .fit(&nan, &y10)
            .batch_size(5)
            .shuffle(false)
            .check_finite(true)
            .run()
            .map(drop),
    );
    let mut nan_y = y.clone();
    nan_y[[7, 0]] = f32::NAN;
    show(
        "nan target",
        model
            .fit(&x, &nan_y)
            .batch_size(5)
            .shuffle(false)
            .check_finite(true)
            .run()
            .map(drop),
    );
    show(
        "nan weight",
        model
            .fit(&x, &y)
            .sample_weight(&Array1::from_elem(10, f32::NAN))
            .check_finite(true)
            .run()
            .map(drop),
    );
    show("predictions", model.predict(&x).run()?.get(1).map(drop));
    show(
        "predictions name",
        model.predict(&x).run()?.by_name("z").map(drop),
    );
    let history = model.fit(&x, &y).run()?;
    show("history", history.get("val_loss").map(drop));
    show("history2", history.last("accuracy").map(drop));
    show(
        "evaluation",
        model.evaluate(&x, &y).run()?.get("nope").map(drop),
    );
    let two = {
        let x = named("x", &[4]);
        Model::new(
            &x,
            [
                &Dense::new(1).name("p").call(&x)?,
                &Dense::new(1).name("q").call(&x)?,
            ],
        )?
    };
    show("not compiled", two.fit(&x, [&y, &y]).run().map(drop));
    two.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    show("one of two", two.fit(&x, &y).run().map(drop));
    show("three of two", two.fit(&x, [&y, &y, &y]).run().map(drop));
    show("none of two", two.fit(&x, [Some(&y), None]).run().map(drop));
    show("into_array", two.predict(&x).run()?.into_array().map(drop));
    show(
        "sgd nan",
        model
            .compile(Sgd::new(f64::NAN), Loss::MeanSquaredError)
            .run(),
    );
    show("set rate nan", model.set_learning_rate(f64::NAN));
    show(
        "assign",
        model.weights()[0].assign(Literal::zeros([3, 3], DType::F32)),
    );
    show(
        "assign dtype",
        model.weights()[0].assign(Literal::zeros([4, 8], DType::I32)),
    );
    let _ = (
        refused::<()>,
        Adam::new(0.1),
        Barrier::new(1),
        Mutex::new(1),
        ops::abs(&named("q", &[1])),
    );
    let _: Option<(
        &dyn Callback,
        LambdaCallback,
        Logs,
        Arrays,
        &TrainContext,
        ErrorKind,
    )> = None;
    assert_usable(&regression()?);
    Ok(())
}
