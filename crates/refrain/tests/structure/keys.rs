//! Names and order of what `fit` and `evaluate` report.

use ndarray::{Array1, Array2};
use refrain::activations::Activation;
use refrain::data::Arrays;
use refrain::layers::{ConfigValue, Dense};
use refrain::losses::{Loss, Losses};
use refrain::metrics::{Metric, Metrics};
use refrain::optimizers::Sgd;
use refrain::training::{Compile, LossWeights, Verbose};
use refrain::{Model, Result, Structure, Tensor, clear_session, input};
use serde_json::Value as Json;

use super::{golden, items, strings, text};

fn model(case: &Json) -> Result<Model> {
    let x = input([3]);
    let outputs = items(case, "outputs").iter().map(|output| {
        let units = output["units"].as_u64().expect("a number") as usize;
        let activation = Activation::from_json(&output["activation"])?;
        let layer = Dense::new(units).activation(activation);
        layer.name(text(output, "name")).call(&x)
    });
    let outputs: Vec<Tensor> = outputs.collect::<Result<_>>()?;
    Model::new(&x, outputs)
}

fn loss(json: &Json) -> Result<Option<Loss>> {
    (!json.is_null())
        .then(|| Loss::from_config(json))
        .transpose()
}

fn losses(json: &Json) -> Result<Losses> {
    Ok(match json {
        Json::Array(list) => Losses::List(list.iter().map(loss).collect::<Result<_>>()?),
        Json::Object(dict) => {
            let pairs = dict
                .iter()
                .map(|(name, json)| Ok((name.clone(), loss(json)?)));
            Losses::Dict(pairs.collect::<Result<_>>()?)
        }
        json => Losses::Same(Loss::from_config(json)?),
    })
}

fn metric_list(json: &Json) -> Result<Vec<Metric>> {
    let list = json.as_array().expect("a list of metrics").iter();
    list.map(Metric::from_config).collect()
}

fn metrics(json: &Json) -> Result<Metrics> {
    Ok(match json {
        Json::Array(list) if list.iter().all(Json::is_array) => {
            Metrics::Lists(list.iter().map(metric_list).collect::<Result<_>>()?)
        }
        Json::Object(dict) => {
            let pairs = dict
                .iter()
                .map(|(n, json)| Ok((n.clone(), metric_list(json)?)));
            Metrics::Dict(pairs.collect::<Result<_>>()?)
        }
        Json::Null => Metrics::Empty,
        json => Metrics::Flat(metric_list(json)?),
    })
}

fn compile<'m>(model: &'m Model, options: &Json) -> Result<Compile<'m>> {
    let mut compile = model
        .compile(Sgd::new(0.01), losses(&options["loss"])?)
        .metrics(metrics(&options["metrics"])?)
        .weighted_metrics(metrics(&options["weighted_metrics"])?);
    if let Some(weights) = options["loss_weights"].as_array() {
        let weights = weights.iter().filter_map(Json::as_f64).collect();
        compile = compile.loss_weights(LossWeights::List(weights));
    }
    Ok(compile)
}

/// The same array for each output.
fn each<'a, D: ndarray::Dimension>(
    array: &'a ndarray::Array<f32, D>,
    outputs: usize,
) -> Vec<Arrays<'a>> {
    vec![Arrays::new(array); outputs]
}

#[test]
fn fit_and_evaluate_report_under_keras_names_in_keras_order() -> Result<()> {
    let cases = golden("keys");
    assert!(cases.len() >= 15);
    for case in cases {
        let label = text(&case, "label");
        let model = model(&case)?;
        let outputs = model.outputs().len();
        compile(&model, &case["compile"])?.run()?;
        let x = Array2::<f32>::zeros((4, 3));
        let (y, w) = (Array2::<f32>::zeros((4, 1)), Array1::<f32>::ones(4));
        let mut fit = model
            .fit(&x, each(&y, outputs))
            .validation_data(&x, each(&y, outputs))
            .verbose(Verbose::Silent);
        if case["compile"].get("weighted_metrics").is_some() {
            fit = fit.sample_weight(each(&w, outputs));
        }
        let history = fit.run()?;
        let keys: Vec<&str> = history.keys().collect();
        assert_eq!(keys, strings(&case, "history"), "{label}");
        let scores = model.evaluate(&x, each(&y, outputs)).run()?;
        // Keras's list repeats a metric when another one of the same name follows; here each value is listed once.
        let mut keras = strings(&case, "evaluate_list");
        let mut seen = Vec::new();
        keras.retain(|key| {
            !seen.contains(key) && {
                seen.push(*key);
                true
            }
        });
        assert_eq!(scores.names(), keras, "{label}");
        let mut names = scores.names();
        names.sort_unstable();
        assert_eq!(names, strings(&case, "evaluate_dict"), "{label}");
    }
    Ok(())
}

#[test]
fn a_dict_of_outputs_goes_by_its_keys() -> Result<()> {
    clear_session();
    let x = input([3]);
    let [a, b] = ["a", "b"].map(|name| Dense::new(1).name(name).call(&x));
    let outputs = Structure::dict([
        ("right", Structure::Leaf(a?)),
        ("left", Structure::Leaf(b?)),
    ]);
    let model = Model::new(&x, outputs)?;
    assert_eq!(model.output_names(), ["b", "a"]);
    let x = Array2::<f32>::ones((4, 3));
    let y = Array2::<f32>::ones((4, 1));
    let both = [("left", &y), ("right", &y)];
    let reported = |model: &Model| -> Result<Vec<String>> {
        let history = model.fit(&x, both).run()?;
        Ok(history.keys().map(str::to_owned).collect())
    };
    let mean = Loss::MeanSquaredError;
    let named = [("right", mean.clone()), ("left", mean.clone())];
    let compile = model.compile(Sgd::new(0.0), named);
    let compile = compile.metrics([("left", [Metric::MeanAbsoluteError])]);
    compile.loss_weights([("right", 0.0)]).run()?;
    let keys = [
        "left_loss",
        "left_mean_absolute_error",
        "loss",
        "right_loss",
    ];
    assert_eq!(reported(&model)?, keys);
    let scores = model.evaluate(&x, both).run()?;
    assert_eq!(scores.get("left_loss")?, scores.loss());
    assert_eq!(
        scores.names(),
        [
            "loss",
            "left_loss",
            "right_loss",
            "left_mean_absolute_error"
        ]
    );
    // A loss for one key only: the other needs no targets of its own.
    model
        .compile(Sgd::new(0.0), [("left", mean.clone())])
        .run()?;
    assert_eq!(reported(&model)?, ["loss"]);
    let error = model
        .compile(Sgd::new(0.0), [("a", mean)])
        .run()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected losses named [\"left\", \"right\"] (the model's outputs), got [\"a\"]."
    );
    Ok(())
}
