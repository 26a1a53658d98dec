//! Metrics with variables of their own: against Keras, through files, and a user's.

use std::path::PathBuf;

use ndarray::{Array1, Array2, ArrayD};
use refrain::callbacks::{CsvLogger, EarlyStopping, MonitorMode};
use refrain::layers::{Activation, Dense};
use refrain::losses::{Huber, Loss, LossClass, Reduction, Targets};
use refrain::metrics::{
    Auc, Average, Direction, F1Score, FBetaScore, IoU, MeanIoU, Metric, MetricClass, Precision,
    PrecisionAtRecall, RecallAtPrecision, State, TruePositives,
};
use refrain::objects::FromConfig;
use refrain::optimizers::{Adam, Sgd};
use refrain::{ErrorKind, Model, Result, Tensor, activations, input, load_model, ops};
use refrain_graph::Literal;
use serde_json::{Value as Json, json};

#[path = "../src/data/golden.rs"]
#[allow(dead_code)]
mod golden;

const BATCH: usize = 16;

/// A number, or a list of them.
fn numbers(json: &Json) -> Vec<f64> {
    let all = json
        .as_array()
        .map_or(std::slice::from_ref(json), Vec::as_slice);
    all.iter().map(|v| v.as_f64().expect("a number")).collect()
}

/// A model whose predictions are its inputs.
fn identity(width: usize) -> Result<Model> {
    let x = input([width]);
    let linear = Activation::new(activations::Activation::Linear);
    Model::new(&x, &linear.call(&x)?)
}

fn file(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("refrain-{name}-{}.keras", std::process::id()))
}

/// The first columns of an array.
fn columns(literal: &Literal, width: usize) -> Array2<f32> {
    let values: Vec<f32> = literal.to_f64().iter().map(|v| *v as f32).collect();
    let all = Array2::from_shape_vec((values.len() / 4, 4), values).expect("four columns");
    all.slice(ndarray::s![.., ..width]).to_owned()
}

#[test]
fn results_are_those_of_keras() -> Result<()> {
    let mut golden = golden::Golden::open("stateful_metrics");
    let cases = golden.cases.as_array().cloned().expect("cases");
    assert!(cases.len() > 80, "{} cases", cases.len());
    let weights = golden.array(&json!("weights")).to_f64();
    let weights: Array1<f32> = weights.into_iter().map(|w| w as f32).collect();
    let path = file("stateful");
    for case in &cases {
        let width = case["width"].as_u64().expect("a width") as usize;
        let y = columns(&golden.array(&case["arrays"][0]), width);
        let p = columns(&golden.array(&case["arrays"][1]), width);
        let model = identity(width)?;
        let metric = || Metric::from_config(&case["metric"]);
        let name = metric()?.name();
        let compile = model.compile(Sgd::new(0.0), Loss::MeanSquaredError);
        let compile = compile.metrics([metric()?]);
        compile.weighted_metrics([metric()?]).run()?;
        model.save(&path)?;
        for model in [model, load_model(&path)?] {
            let scores = model.evaluate(&p, &y).sample_weight(&weights);
            let scores = scores.batch_size(BATCH).run()?;
            for (key, expected) in [
                (name.clone(), "plain"),
                (format!("weighted_{name}"), "weighted"),
            ] {
                let (got, expected) = (scores.values(&key)?, numbers(&case[expected]));
                // Counts are up to 100 in `f32`.
                let close = |(g, e): (&f64, &f64)| (g - e).abs() < 2e-6 * e.abs().max(1.0);
                assert!(
                    got.len() == expected.len() && got.iter().zip(&expected).all(close),
                    "{key} is {got:?}, Keras has {expected:?}: {case}"
                );
            }
        }
    }
    std::fs::remove_file(path).ok();
    Ok(())
}

/// An array of floats.
fn floats(literal: &Literal) -> ArrayD<f32> {
    let values = literal.to_f64().iter().map(|v| *v as f32).collect();
    ArrayD::from_shape_vec(literal.dims(), values).expect("as many values as the shape has")
}

#[test]
fn intersections_over_union_are_those_of_keras() -> Result<()> {
    let mut golden = golden::Golden::open("iou");
    let cases = golden.cases.as_array().cloned().expect("cases");
    assert!(cases.len() > 20, "{} cases", cases.len());
    for case in &cases {
        let metric = || Metric::from_config(&case["metric"]);
        assert_eq!(metric()?.to_config(), case["metric"]);
        let [y, p] = [0, 1].map(|i| floats(&golden.array(&case["arrays"][i])));
        let x = input(&p.shape()[1..]);
        let linear = Activation::new(activations::Activation::Linear);
        let model = Model::new(&x, &linear.call(&x)?)?;
        let loss = || Loss::custom("none", |_, p| ops::mean(p, -1, false) * 0.0);
        for weights in ["plain", "whole", "parts"] {
            if case[weights].is_null() {
                continue;
            }
            let compile = model.compile(Sgd::new(0.0), loss());
            compile.weighted_metrics([metric()?]).run()?;
            let given = (weights != "plain").then(|| floats(&golden.array(&json!(weights))));
            let evaluate = model.evaluate(&p, &y).batch_size(8);
            let evaluate = match &given {
                Some(given) => evaluate.sample_weight(given),
                None => evaluate,
            };
            let got = evaluate.run()?.get(&metric()?.name())?;
            let expected = case[weights].as_f64().expect("a number");
            let close = (got - expected).abs() < 1e-6;
            assert!(close, "{weights}: {got}, Keras has {expected}: {case}");
        }
    }
    Ok(())
}

#[test]
fn intersections_over_union_are_saved_and_refuse_weights_of_samples_for_pixels() -> Result<()> {
    let model = identity(3)?;
    let compile = model.compile(Sgd::new(0.0), Loss::MeanSquaredError);
    let metric = MeanIoU::new(2usize).dtype(refrain::DType::F32);
    compile.weighted_metrics([metric]).run()?;
    let x = Array2::from_shape_fn((6, 3), |(i, j)| ((i + j) % 2) as f32);
    let path = file("iou");
    model.save(&path)?;
    let again = load_model(&path)?;
    std::fs::remove_file(path).ok();
    for model in [model, again] {
        let alike = model.evaluate(&x, &x).run()?.get("mean_io_u")?;
        assert!((alike - 1.0).abs() < 1e-6, "{alike}");
        let of_samples = Array1::<f32>::ones(6);
        let weighted = model.evaluate(&x, &x).sample_weight(&of_samples);
        let error = weighted.run().expect_err("18 pixels").to_string();
        assert!(error.contains("one for each class number"), "{error}");
    }
    Ok(())
}

#[test]
fn options_that_do_not_fit_are_refused() -> Result<()> {
    let model = identity(3)?;
    let cases: [(Metric, &str); 11] = [
        (IoU::new(2usize, [0, 2]).into(), "target_class_ids"),
        (MeanIoU::new(0usize).into(), "num_classes"),
        (PrecisionAtRecall::new(1.5).into(), "recall between 0 and 1"),
        (
            RecallAtPrecision::new(0.5).num_thresholds(0).into(),
            "num_thresholds from 1",
        ),
        (
            TruePositives::new().thresholds(-0.5).into(),
            "between 0 and 1",
        ),
        (
            FBetaScore::new().average(Average::Micro).beta(0.0).into(),
            "beta",
        ),
        (Precision::new().thresholds(1.5).into(), "between 0 and 1"),
        (Auc::new().num_thresholds(1).into(), "num_thresholds"),
        (
            Auc::new().num_thresholds(1i64 << 62).into(),
            "num_thresholds from 2 to",
        ),
        (Auc::new().label_weights([1.0, 2.0]).into(), "label_weights"),
        (
            Auc::new().multi_label(true).num_labels(4).into(),
            "num_labels=4",
        ),
    ];
    for (metric, named) in cases {
        let compile = model.compile(Sgd::new(0.1), Loss::MeanSquaredError);
        let error = compile
            .metrics([metric])
            .run()
            .expect_err(named)
            .to_string();
        assert!(error.contains(named), "`{named}` is not in: {error}");
    }
    let x = Array2::<f32>::zeros((4, 3));
    let too_many = Precision::new().top_k(4);
    let compile = model.compile(Sgd::new(0.1), Loss::MeanSquaredError);
    compile.metrics([too_many]).run()?;
    assert!(model.evaluate(&x, &x).run().is_err());
    let one_class = Precision::new().class_id(3);
    let compile = model.compile(Sgd::new(0.1), Loss::MeanSquaredError);
    compile.metrics([one_class]).run()?;
    let error = model
        .evaluate(&x, &x)
        .run()
        .expect_err("there are three classes");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("class_id"), "{error}");
    Ok(())
}

/// Learnable pairs of numbers and yes or no.
fn pairs() -> (Array2<f32>, Array2<f32>) {
    let x = Array2::from_shape_fn((60, 3), |(i, j)| ((i * 7 + j * 5) % 11) as f32 / 11.0);
    let y = x.map_axis(ndarray::Axis(1), |row| f32::from(row.sum() > 1.3));
    (x, y.insert_axis(ndarray::Axis(1)))
}

#[test]
fn each_epoch_and_each_evaluation_begins_anew() -> Result<()> {
    let (x, y) = pairs();
    let at = input([3]);
    let sigmoid = activations::Activation::Sigmoid;
    let model = Model::new(&at, &Dense::new(1).activation(sigmoid).call(&at)?)?;
    let compile = model.compile(Adam::new(0.05), Loss::BinaryCrossentropy);
    compile
        .metrics([Metric::from(Auc::new()), Metric::Accuracy])
        .run()?;
    let stop = EarlyStopping::new("val_auc").patience(3);
    let fit = model
        .fit(&x, &y)
        .epochs(4)
        .batch_size(BATCH)
        .validation_data(&x, &y);
    let history = fit.callback(stop).run()?;
    // Validation sees the weights that the epoch left.
    let after = model.evaluate(&x, &y).batch_size(BATCH).run()?;
    assert_eq!(history.last("val_auc")?, after.get("auc")?);
    assert_eq!(
        model.evaluate(&x, &y).batch_size(60).run()?.get("auc")?,
        after.get("auc")?
    );
    assert_eq!(history.get("auc")?.len(), 4);
    Ok(())
}

refrain::options! {
    /// The error of a yes and of a no, each weighed by itself.
    struct Weighed as "tests>Weighed": Loss {
        /// How much a yes counts.
        yes: f64 = 2.0,
    }
}

impl LossClass for Weighed {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let weight = y_true * (self.yes - 1.0) + 1.0;
        ops::mean(&((y_true - y_pred).square() * weight), -1, false).checked()
    }

    fn targets(&self) -> Targets {
        Targets::Probabilities
    }
}

refrain::options! {
    /// The largest error of all samples.
    struct Worst as "tests>Worst": Metric {
        /// What errors are multiplied by.
        scale: f64 = 1.0,
    }
}

impl MetricClass for Worst {
    fn state(&self, y_pred: &Tensor) -> Result<Vec<State>> {
        Ok(vec![State::new("worst", [y_pred.dim(-1).unwrap_or(1)])])
    }

    fn update(
        &self,
        state: &[Tensor],
        y_true: &Tensor,
        y_pred: &Tensor,
        _sample_weight: Option<&Tensor>,
    ) -> Result<Vec<Tensor>> {
        let errors = ops::max(&(y_true - y_pred).abs(), 0, false);
        Ok(vec![ops::maximum(&state[0], &errors)])
    }

    fn result(&self, state: &[Tensor]) -> Result<Tensor> {
        Ok(ops::max(&state[0], ops::Axes::All, false) * self.scale)
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Down)
    }
}

#[test]
fn classes_of_a_program_train_and_are_found_again_in_files() -> Result<()> {
    refrain::register::<Loss, _>("tests>Weighed", Weighed::from_config);
    refrain::register::<Metric, _>("tests>Worst", Worst::from_config);
    let (x, y) = pairs();
    let at = input([3]);
    let model = Model::new(&at, &Dense::new(1).call(&at)?)?;
    let loss = Weighed::new().yes(3.0).reduction(Reduction::Sum);
    let watched = [
        Metric::from(Worst::new().scale(10.0).name("w")),
        Metric::from(Weighed::new()),
    ];
    model
        .compile(Adam::new(0.01), loss)
        .metrics(watched)
        .run()?;
    model.fit(&x, &y).epochs(2).batch_size(BATCH).run()?;
    let path = file("own-classes");
    model.save(&path)?;
    let again = load_model(&path)?;
    std::fs::remove_file(path).ok();
    let scores = model.evaluate(&x, &y).batch_size(BATCH).run()?;
    assert_eq!(scores.names(), ["loss", "w", "weighed"]);
    assert_eq!(again.evaluate(&x, &y).batch_size(BATCH).run()?, scores);
    let predicted: ArrayD<f32> = model.predict(&x).run()?.into_array()?;
    let errors = predicted.iter().zip(&y).map(|(p, y)| (p - y).abs());
    let worst = f64::from(errors.fold(0f32, f32::max)) * 10.0;
    assert!((scores.get("w")? - worst).abs() < 1e-5);
    let error = model
        .evaluate(&x, &(&y * 2.0))
        .run()
        .expect_err("2 is no probability");
    assert!(
        error.to_string().contains("whose loss is tests>Weighed"),
        "{error}"
    );
    Ok(())
}

#[test]
fn vectors_are_logged_and_shown_as_their_means_and_none_can_be_monitored() -> Result<()> {
    let model = identity(3)?;
    let x = Array2::from_shape_fn((30, 3), |(i, j)| ((i * 7 + j * 5) % 11) as f32 / 11.0);
    let y = Array2::from_shape_fn((30, 3), |(i, j)| f32::from(i % 3 == j));
    let compile = model.compile(Sgd::new(0.0), Loss::MeanSquaredError);
    let metrics: [Metric; 2] = [
        F1Score::new().into(),
        Precision::new().thresholds([0.2, 0.8]).into(),
    ];
    compile.metrics(metrics).run()?;
    let table = file("vectors").with_extension("csv");
    let fit = model.fit(&x, &y).epochs(2).validation_data(&x, &y);
    let history = fit.callback(CsvLogger::new(&table)).run()?;
    let scores = model.evaluate(&x, &y).run()?;
    let each = scores.values("f1_score")?;
    assert_eq!((each.len(), scores.values("precision")?.len()), (3, 2));
    assert_eq!(history.values("val_f1_score")?, [each, each]);
    let mean = each.iter().sum::<f64>() / 3.0;
    assert_eq!(
        (scores.get("f1_score")?, history.last("val_f1_score")?),
        (mean, mean)
    );
    assert_eq!(history.values("loss")?.concat(), history.get("loss")?);
    let written = std::fs::read_to_string(&table).expect("a table");
    std::fs::remove_file(table).ok();
    let precisions: Vec<f32> = scores
        .values("precision")?
        .iter()
        .map(|v| *v as f32)
        .collect();
    let cell = format!("\"\"\"{precisions:?}\"\"\"");
    assert!(written.contains(&cell), "{cell} is not in: {written}");
    let stop = EarlyStopping::new("val_f1_score").mode(MonitorMode::Max);
    let fit = model.fit(&x, &y).validation_data(&x, &y).callback(stop);
    let error = fit.run().expect_err("a vector has no order").to_string();
    assert!(error.contains("`val_f1_score`, a vector of 3"), "{error}");
    Ok(())
}

#[test]
fn losses_are_written_as_keras_metrics_where_it_has_them() -> Result<()> {
    let written = |metric: Metric| -> Json { metric.to_config() };
    let mse = written(Metric::from(Loss::MeanSquaredError));
    assert_eq!(mse["module"], "keras.metrics");
    let config = json!({ "name": "mean_squared_error", "dtype": "float32" });
    assert_eq!(mse["config"], config);
    let huber = written(Metric::from(Huber::new().delta(2.0)));
    assert_eq!(huber["module"], "keras.losses");
    assert_eq!(Metric::from_config(&huber)?.to_config(), huber);
    assert_eq!(written(Metric::Accuracy), json!("accuracy"));
    assert_eq!(written(Metric::from_config(&json!("acc"))?), json!("acc"));
    Ok(())
}
