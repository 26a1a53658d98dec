//! Validation: what it is computed from, and callbacks that monitor it.

use ndarray::{Array1, Array2};
use refrain::activations::Activation;
use refrain::callbacks::{CsvLogger, EarlyStopping, ModelCheckpoint, ReduceLROnPlateau};
use refrain::layers::*;
use refrain::losses::Loss;
use refrain::metrics::Metric;
use refrain::optimizers::Sgd;
use refrain::{DType, ErrorKind, Input, Model, Result, input};

fn classifier() -> Result<Model> {
    let x = input([2]);
    let y = Dense::new(3).activation(Activation::Softmax).call(&x)?;
    let model = Model::new(&x, &y)?;
    model
        .compile(Sgd::new(0.0), Loss::SparseCategoricalCrossentropy)
        .weighted_metrics([Metric::Accuracy])
        .run()?;
    Ok(model)
}

fn data() -> (Array2<f32>, Array1<i32>) {
    let x = Array2::from_shape_fn((20, 2), |(i, j)| ((i * 2 + j) as f32 * 0.7).sin());
    (x, Array1::from_shape_fn(20, |i| (i % 3) as i32))
}

#[test]
fn class_weights_do_not_weigh_validation() -> Result<()> {
    let (model, (x, y)) = (classifier()?, data());
    let fit = model.fit(&x, &y).validation_split(0.5);
    let history = fit.class_weight([(0, 10.0), (1, 1.0), (2, 0.1)]).run()?;
    let (rest, targets) = (x.slice(ndarray::s![10.., ..]), y.slice(ndarray::s![10..]));
    let plain = model.evaluate(rest, targets).run()?;
    assert_eq!(history.last("val_loss")?, plain.loss());
    assert_eq!(history.last("val_accuracy")?, plain.get("accuracy")?);
    assert!((history.last("loss")? - plain.loss()).abs() > 0.1);
    Ok(())
}

#[test]
fn callbacks_wait_for_epochs_with_validation() -> Result<()> {
    let (model, (x, y)) = (classifier()?, data());
    let mut kept = ModelCheckpoint::new().save_best_only(true);
    let fit = model.fit(&x, &y).validation_split(0.5).validation_freq(2);
    let history = fit
        .epochs(6)
        .callback(EarlyStopping::new("val_loss").patience(5))
        .callback(ReduceLROnPlateau::new("val_loss"))
        .callback(&mut kept)
        .run()?;
    assert_eq!(history.epochs().len(), 6);
    assert_eq!(history.get("val_loss")?.len(), 3);
    assert_eq!(kept.epoch(), Some(1));
    let never = model.fit(&x, &y).validation_split(0.5).validation_freq(2);
    let error = never.callback(EarlyStopping::new("val_nothing")).run();
    assert_eq!(error.err().map(|e| e.kind()), Some(ErrorKind::NotFound));
    Ok(())
}

#[test]
fn averages_of_weights_that_thaw_begin_at_the_weights() -> Result<()> {
    let x = input([2]);
    let first = Dense::new(2);
    let model = Model::new(&x, &Dense::new(1).call(&first.call(&x)?)?)?;
    let optimizer = Sgd::new(1e-6).use_ema(true);
    model.compile(optimizer, Loss::MeanSquaredError).run()?;
    let (x, y) = (Array2::<f32>::ones((4, 2)), Array1::<f32>::ones(4));
    first.set_trainable(false);
    model.fit(&x, &y).run()?;
    let before = first.weights()[0].value()?.to_f64();
    first.set_trainable(true);
    model.fit(&x, &y).epochs(2).run()?;
    let after = first.weights()[0].value()?.to_f64();
    let apart = before.iter().zip(&after).map(|(a, b)| (a - b).abs());
    assert!(
        apart.fold(0.0, f64::max) < 1e-3,
        "{before:?} became {after:?}"
    );
    Ok(())
}

#[test]
fn means_and_normalizations_of_integers_are_floats() -> Result<()> {
    let x = Input::new([2, 1]).dtype(DType::I32).tensor();
    let pooled = Model::new(&x, &AveragePooling1D::new(2).call(&x)?)?;
    let data = ndarray::arr3(&[[[1i32], [2]]]);
    assert_eq!(pooled.predict(&data).run()?.get(0)?[[0, 0, 0]], 1.5);
    let normal = BatchNormalization::new().epsilon(0.0);
    let model = Model::new(&x, &normal.call(&x)?)?;
    let variance = &normal.weights()[3];
    variance.assign(refrain::Literal::full([1], DType::F32, 4.0))?;
    assert_eq!(model.outputs()[0].dtype(), DType::F32);
    assert_eq!(model.predict(&data).run()?.get(0)?[[0, 0, 0]], 0.5);
    Ok(())
}

#[test]
fn a_model_does_not_begin_at_a_masked_tensor() -> Result<()> {
    let words = Input::new([4]).dtype(DType::I32).tensor();
    let embedded = Embedding::new(5, 3).mask_zero(true).call(&words)?;
    let read = Lstm::new(2).call(&embedded)?;
    let error = Model::new(&embedded, &read.output).err();
    let text = error.map(|e| e.to_string()).unwrap_or_default();
    assert!(text.contains("carries a mask"), "{text}");
    Ok(())
}

/// The lines of the table that a fit of 4 epochs writes.
fn table<'a>(fit: refrain::training::Fit<'a>, name: &str) -> Result<Vec<Vec<String>>> {
    let path = std::env::temp_dir().join(format!("refrain-{name}-{}.csv", std::process::id()));
    fit.epochs(4).callback(CsvLogger::new(&path)).run()?;
    let text = std::fs::read_to_string(&path).expect("a file");
    std::fs::remove_file(&path).expect("the file");
    let cells = |line: &str| line.split(',').map(str::to_owned).collect();
    Ok(text.lines().map(cells).collect())
}

#[test]
fn a_table_has_columns_for_epochs_that_validate_later() -> Result<()> {
    let (model, (x, y)) = (classifier()?, data());
    let header = ["epoch", "accuracy", "loss", "val_accuracy", "val_loss"];
    let fit = || model.fit(&x, &y);
    let lines = table(fit().validation_split(0.5).validation_freq(2), "freq")?;
    assert_eq!(lines[0], header);
    for (epoch, line) in lines[1..].iter().enumerate() {
        assert_eq!(line[0], epoch.to_string());
        let validated: Vec<bool> = line.iter().map(|cell| cell != "NA").collect();
        let validates = epoch % 2 == 1;
        assert_eq!(validated, [true, true, true, validates, validates]);
    }
    let each = table(fit().validation_split(0.5), "each")?;
    assert_eq!(each[0], header);
    assert_eq!(each[2][4], lines[2][4], "weights do not change");
    let never = table(fit(), "never")?;
    assert_eq!(never[0], header, "as in Keras");
    assert_eq!(never[1][3..], ["NA", "NA"]);
    Ok(())
}

#[test]
fn cells_with_the_separator_are_quoted() -> Result<()> {
    let x = input([2]);
    let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    let metric = Metric::custom("a,\"b\"", |y, p| (y - p).abs());
    let compile = model.compile(Sgd::new(0.0), Loss::MeanSquaredError);
    compile.metrics([metric]).run()?;
    let path = std::env::temp_dir().join(format!("refrain-quoted-{}.csv", std::process::id()));
    let (x, y) = (Array2::<f32>::ones((4, 2)), Array2::<f32>::ones((4, 1)));
    model.fit(&x, &y).callback(CsvLogger::new(&path)).run()?;
    let text = std::fs::read_to_string(&path).expect("a file");
    std::fs::remove_file(&path).expect("the file");
    let header = r#"epoch,"a,""b""",loss,"val_a,""b""",val_loss"#;
    assert_eq!(text.lines().next(), Some(header));
    Ok(())
}

#[test]
fn data_of_validation_that_do_not_fit_are_refused_before_the_first_epoch() -> Result<()> {
    let x = input([2]);
    let y = Dense::new(3).activation(Activation::Softmax).call(&x)?;
    let model = Model::new(&x, &y)?;
    let compile = model.compile(Sgd::new(0.1), Loss::SparseCategoricalCrossentropy);
    compile.run()?;
    let (x, y) = data();
    let before = model.weights()[0].value()?;
    let (class, wide) = (y.mapv(|y| y * 5), Array2::<i32>::zeros((20, 2)));
    let fit = || model.fit(&x, &y).epochs(2);
    let error = fit().validation_data(&x, &class).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    let error = fit().validation_data(&x, &wide).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    assert_eq!(model.weights()[0].value()?, before);
    let never = fit().validation_data(&x, &class).validation_freq(3).run()?;
    assert_eq!(never.epochs().len(), 2);
    Ok(())
}

#[test]
fn outputs_of_one_row_for_each_batch_are_joined_as_in_keras() -> Result<()> {
    let x = input([2]);
    let model = Model::new(&x, refrain::ops::sum(&x, [0], true))?;
    let x = Array2::from_shape_fn((5, 2), |(i, _)| i as f32);
    let sums = model.predict(&x).batch_size(2).run()?.into_array()?;
    assert_eq!(
        sums,
        ndarray::array![[1f32, 1.0], [5.0, 5.0], [4.0, 4.0]].into_dyn()
    );
    let square = input([2]);
    let square = Model::new(
        &square,
        refrain::ops::matmul(&square, &refrain::ops::transpose(&square, None)),
    )?;
    assert_eq!(square.predict(&x).run()?.into_array()?.shape(), [5, 5]);
    assert_eq!(
        square.predict(&x).batch_size(2).run().unwrap_err().kind(),
        ErrorKind::Shape
    );
    Ok(())
}
