//! Whole models, trained as Keras trained them: the same data, weights and steps, without shuffling.

#[path = "../src/data/golden.rs"]
#[allow(dead_code)]
mod golden;

use golden::{Golden, assert_close};
use refrain::activations::Activation;
use refrain::constraints::{Constraint, MaxNorm, UnitNorm};
use refrain::data::{Arrays, IntoArrays};
use refrain::layers::Activation as ActivationLayer;
use refrain::layers::*;
use refrain::losses::{Loss, Losses};
use refrain::metrics::{MeanAbsoluteError, MeanSquaredError, Metric, Metrics};
use refrain::optimizers::Optimizer;
use refrain::regularizers::Regularizer;
use refrain::training::Verbose;
use refrain::{DType, Input, Inputs, Literal, Model, Result, input, ops};
use serde_json::Value as Json;

/// Histories, evaluations and predictions agree to this, weights after all steps too.
const TOLERANCE: f64 = 1e-4;

struct Case {
    golden: Golden,
    json: Json,
}

impl Case {
    fn open(name: &str) -> Self {
        let golden = Golden::open("models");
        let all = golden.cases["training"].as_array().expect("cases");
        let found = all.iter().find(|c| c["name"] == name);
        let json = found.unwrap_or_else(|| panic!("no case `{name}`")).clone();
        Case { golden, json }
    }

    fn arrays(&mut self, field: &str) -> Vec<Literal> {
        let keys = self.json[field].as_array().cloned().unwrap_or_default();
        keys.iter().map(|k| self.golden.array(k)).collect()
    }

    fn set_initial(&mut self, model: &Model) -> Result<()> {
        let entries = self.json["initial"].as_array().expect("weights").clone();
        let weights = model.weights();
        assert_eq!(weights.len(), entries.len());
        for (weight, entry) in weights.iter().zip(&entries) {
            let value = match entry.get("array") {
                Some(key) => self.golden.array(key),
                None => by_formula(&entry["formula"], &weight.shape()),
            };
            weight.assign(value)?;
        }
        Ok(())
    }

    /// Compares a model trained like this with what Keras got.
    fn check(mut self, model: &Model, metrics: [Metrics; 2]) -> Result<()> {
        self.set_initial(model)?;
        self.compile(model, metrics)?;
        let (x, y) = (self.arrays("inputs"), self.arrays("targets"));
        let weights = self.arrays("sample_weight");
        self.fit(model, &x, &y, &weights)?;
        let finals = self.arrays("final");
        for (weight, expected) in model.weights().iter().zip(&finals) {
            // Attention does not depend on the keys' bias: its gradient is rounding, which Adam scales up.
            if weight.path().ends_with("key/bias") {
                continue;
            }
            assert_close(weight.path(), &weight.value()?, expected, TOLERANCE);
        }
        self.evaluate(model, &x, &y, &weights)?;
        let batch_size = self.number("batch_size");
        let predictions = model.predict(list(&x)).batch_size(batch_size).run()?;
        for (i, expected) in self.arrays("predictions").iter().enumerate() {
            let got = predictions.literal(i)?;
            assert_close("prediction", &got, expected, TOLERANCE);
        }
        Ok(())
    }

    fn number(&self, field: &str) -> usize {
        self.json[field].as_u64().expect("a number") as usize
    }

    fn compile(&self, model: &Model, [metrics, weighted]: [Metrics; 2]) -> Result<()> {
        let optimizer = Optimizer::from_config(&self.json["optimizer"])?;
        let activations = self.json["output_activations"].as_array().unwrap();
        let losses = self.json["loss"]
            .as_array()
            .unwrap()
            .iter()
            .zip(activations);
        let losses = losses.map(|(json, activation)| {
            // The model ends in the activation; Keras was given the logits.
            let mut json = json.clone();
            if !activation.is_null() {
                json["config"]["from_logits"] = false.into();
            }
            Loss::from_config(&json).map(Some)
        });
        let losses = Losses::List(losses.collect::<Result<_>>()?);
        let mut compile = model
            .compile(optimizer, losses)
            .metrics(metrics)
            .weighted_metrics(weighted);
        if let Some(weights) = self.json["loss_weights"].as_array() {
            let weights: Vec<f64> = weights.iter().filter_map(Json::as_f64).collect();
            compile = compile.loss_weights(weights);
        }
        compile.run()
    }

    fn fit(&self, model: &Model, x: &[Literal], y: &[Literal], weights: &[Literal]) -> Result<()> {
        let mut fit = model
            .fit(list(x), list(y))
            .epochs(self.number("epochs"))
            .batch_size(self.number("batch_size"))
            .validation_split(self.json["validation_split"].as_f64().unwrap())
            .shuffle(false)
            .verbose(Verbose::Silent);
        if !weights.is_empty() {
            fit = fit.sample_weight(list(weights));
        }
        if let Some(classes) = self.json["class_weight"].as_object() {
            let classes = classes
                .iter()
                .map(|(k, v)| (k.parse().unwrap(), v.as_f64().unwrap()));
            fit = fit.class_weight(classes);
        }
        let history = fit.run()?;
        let expected = self.json["history"].as_object().expect("a history");
        let keys: Vec<&str> = history.keys().collect();
        let mut expected_keys: Vec<&str> = expected.keys().map(String::as_str).collect();
        expected_keys.sort_unstable();
        assert_eq!(keys, expected_keys);
        // Keras on JAX loses the mask of the predictions between the loss and the metrics of `fit` (not of `evaluate`).
        let masked = self.json["name"] == "masked_loss";
        for (key, values) in expected
            .iter()
            .filter(|(k, _)| !(masked && *k == "accuracy"))
        {
            let values: Vec<f64> = values
                .as_array()
                .unwrap()
                .iter()
                .filter_map(Json::as_f64)
                .collect();
            let reported = history.get(key)?;
            assert_eq!(reported.len(), values.len());
            for (got, want) in reported.iter().zip(&values) {
                let allowed = TOLERANCE * want.abs().max(1.0);
                assert!(
                    (got - want).abs() < allowed,
                    "{key}: {:?}, Keras has {values:?}",
                    reported
                );
            }
        }
        Ok(())
    }

    fn evaluate(
        &self,
        model: &Model,
        x: &[Literal],
        y: &[Literal],
        weights: &[Literal],
    ) -> Result<()> {
        let expected = &self.json["evaluate"];
        if expected.is_null() {
            return Ok(());
        }
        let mut evaluate = model
            .evaluate(list(x), list(y))
            .batch_size(self.number("batch_size"));
        if !weights.is_empty() {
            evaluate = evaluate.sample_weight(list(weights));
        }
        let scores = evaluate.run()?;
        let want = expected["dict"].as_object().expect("values");
        assert_eq!(scores.iter().count(), want.len(), "{scores}");
        for (name, value) in scores.iter() {
            let keras = want[name].as_f64().expect("a number");
            let close = (value - keras).abs() < TOLERANCE * keras.abs().max(1.0);
            assert!(close, "{scores}, Keras has {want:?}");
        }
        // Keras lists a metric twice when a weighted one has its name; else the orders agree.
        if let Some(list) = expected["list"]
            .as_array()
            .filter(|l| l.len() == want.len())
        {
            for ((name, value), keras) in scores.iter().zip(list) {
                let keras = keras.as_f64().expect("a number");
                assert!(
                    (value - keras).abs() < TOLERANCE * keras.abs().max(1.0),
                    "{name}: {scores}"
                );
            }
        }
        Ok(())
    }
}

/// The initial weights of large models: `scale * sin(0.7 i + offset)`.
fn by_formula(formula: &Json, shape: &[usize]) -> Literal {
    let number = |key: &str| formula[key].as_f64().expect("a number");
    let (scale, offset) = (number("scale"), number("offset"));
    let values = (0..shape.iter().product::<usize>())
        .map(|i| (scale * (i as f64 * 0.7 + offset).sin()) as f32);
    Literal::new(shape.to_vec(), values.collect()).expect("as many values")
}

fn list(literals: &[Literal]) -> Arrays<'_> {
    literals
        .iter()
        .map(Arrays::new)
        .collect::<Vec<_>>()
        .into_arrays()
}

fn none() -> [Metrics; 2] {
    [Metrics::Empty, Metrics::Empty]
}

fn one(metric: impl Into<Metric>) -> [Metrics; 2] {
    [Metrics::Flat(vec![metric.into()]), Metrics::Empty]
}

#[test]
fn shared_dense() -> Result<()> {
    let (a, b) = (input([10]), input([10]));
    let shared = Dense::new(32).activation(Activation::Relu);
    let merged = concatenate([shared.call(&a)?, shared.call(&b)?])?;
    let y = Dense::new(1)
        .activation(Activation::Sigmoid)
        .call(&merged)?;
    Case::open("shared_dense").check(&Model::new([&a, &b], &y)?, one(Metric::Accuracy))
}

#[test]
fn siamese() -> Result<()> {
    let (a, b) = (input([28, 28, 1]), input([28, 28, 1]));
    let conv = |filters| {
        Conv2D::new(filters, 3)
            .activation(Activation::Relu)
            .padding(Padding::Same)
    };
    let (first, second) = (conv(32), conv(64));
    let branch = |x| Flatten::new().call(&second.call(&first.call(x)?)?);
    let distance = ops::abs(&subtract([branch(&a)?, branch(&b)?])?);
    let y = Dense::new(1)
        .activation(Activation::Sigmoid)
        .call(&distance)?;
    Case::open("siamese").check(&Model::new([&a, &b], &y)?, one(Metric::Accuracy))
}

#[test]
fn seq2seq() -> Result<()> {
    let (e, d) = (input([10, 20]), input([8, 20]));
    let lstm = Lstm::new(64).return_sequences(true).return_state(true);
    let encoded = lstm.call(&e)?;
    let decoded = lstm.call_from(&d, &encoded.state)?;
    let y = Dense::new(20)
        .activation(Activation::Softmax)
        .call(&decoded.output)?;
    Case::open("seq2seq").check(&Model::new([&e, &d], &y)?, one(Metric::Accuracy))
}

#[test]
fn two_outputs_with_loss_weights() -> Result<()> {
    for name in ["two_outputs", "two_outputs_weighted"] {
        let x = input([5]);
        let h = Dense::new(6).activation(Activation::Tanh).call(&x)?;
        let reg = Dense::new(1).name("reg").call(&h)?;
        let cls = Dense::new(3)
            .activation(Activation::Softmax)
            .name("cls")
            .call(&h)?;
        let metrics = [
            Metrics::Lists(vec![
                vec![MeanAbsoluteError::new().name("mae").into()],
                vec![Metric::Accuracy],
            ]),
            Metrics::Lists(vec![vec![], vec![Metric::Accuracy]]),
        ];
        Case::open(name).check(&Model::new(&x, [&reg, &cls])?, metrics)?;
    }
    Ok(())
}

fn classifier(units: usize, activation: Activation) -> Result<Model> {
    let x = input([5]);
    let h = Dense::new(6).activation(Activation::Relu).call(&x)?;
    Model::new(&x, &Dense::new(units).activation(activation).call(&h)?)
}

#[test]
fn class_weights_and_sample_weights() -> Result<()> {
    for name in ["class_weight", "sample_weight"] {
        let metrics = [
            Metrics::Flat(vec![Metric::Accuracy]),
            Metrics::Flat(vec![Metric::Accuracy]),
        ];
        Case::open(name).check(&classifier(3, Activation::Softmax)?, metrics)?;
    }
    Ok(())
}

#[test]
fn validation_split() -> Result<()> {
    let mae = MeanAbsoluteError::new().name("mae");
    Case::open("validation_split").check(&classifier(1, Activation::Linear)?, one(mae))
}

#[test]
fn masked_loss() -> Result<()> {
    let x = input([6, 4]);
    let h = Lstm::new(5)
        .return_sequences(true)
        .call(&Masking::new().call(&x)?)?
        .output;
    let y = Dense::new(3).activation(Activation::Softmax).call(&h)?;
    Case::open("masked_loss").check(&Model::new(&x, &y)?, one(Metric::Accuracy))
}

#[test]
fn batch_norm() -> Result<()> {
    let x = input([5]);
    let h = BatchNormalization::new().call(&Dense::new(6).use_bias(false).call(&x)?)?;
    let y = Dense::new(1).call(&ActivationLayer::new(Activation::Relu).call(&h)?)?;
    Case::open("batch_norm").check(&Model::new(&x, &y)?, none())
}

#[test]
fn batch_norm_shared() -> Result<()> {
    let (a, b) = (input([5]), input([5]));
    let dense = Dense::new(6).activation(Activation::Tanh);
    let norm = BatchNormalization::new().momentum(0.8);
    let branch = |x| norm.call(&dense.call(x)?);
    let y = Dense::new(1).call(&subtract([branch(&a)?, branch(&b)?])?)?;
    Case::open("batch_norm_shared").check(&Model::new([&a, &b], &y)?, none())
}

#[test]
fn frozen() -> Result<()> {
    let x = input([5]);
    let dense = Dense::new(6).activation(Activation::Tanh);
    let norm = BatchNormalization::new();
    let h = norm.call(&dense.call(&x)?)?;
    dense.set_trainable(false);
    norm.set_trainable(false);
    let y = Dense::new(1).call(&Dense::new(4).activation(Activation::Tanh).call(&h)?)?;
    Case::open("frozen").check(&Model::new(&x, &y)?, none())
}

#[test]
fn regularized() -> Result<()> {
    let (a, b) = (input([5]), input([5]));
    let shared = Dense::new(6)
        .activation(Activation::Tanh)
        .kernel_regularizer(Regularizer::l2(0.05))
        .bias_regularizer(Regularizer::l1(0.02));
    // Keras on JAX counts the activity penalty of a shared layer's last call only; so does this model.
    let penalty = ActivityRegularization::new(0.0, 0.03);
    let head = Dense::new(1).kernel_regularizer(Regularizer::l1_l2(0.01, 0.02));
    let parts = [shared.call(&a)?, penalty.call(&shared.call(&b)?)?];
    let y = head.call(&concatenate(parts)?)?;
    let mse = MeanSquaredError::new().name("mse");
    Case::open("regularized").check(&Model::new([&a, &b], &y)?, one(mse))
}

#[test]
fn constrained() -> Result<()> {
    let x = input([5]);
    let h = Dense::new(6)
        .activation(Activation::Tanh)
        .kernel_constraint(MaxNorm::new(0.8))
        .bias_constraint(Constraint::NonNeg)
        .call(&x)?;
    let y = Dense::new(1).kernel_constraint(UnitNorm::new()).call(&h)?;
    Case::open("constrained").check(&Model::new(&x, &y)?, none())
}

#[test]
fn every_optimizer() -> Result<()> {
    for name in [
        "adam",
        "rmsprop",
        "adamw",
        "sgd",
        "adam_clipped",
        "adam_ema",
    ] {
        let case = Case::open(&format!("optimizer_{name}"));
        case.check(&classifier(2, Activation::Linear)?, none())?;
    }
    Ok(())
}

#[test]
fn text() -> Result<()> {
    let x = Input::new([7]).dtype(DType::I32).tensor();
    let h = Embedding::new(12, 6).mask_zero(true).call(&x)?;
    let h = Bidirectional::new(Gru::new(4)).call(&h)?.output;
    let y = Dense::new(1).activation(Activation::Sigmoid).call(&h)?;
    Case::open("text").check(&Model::new(&x, &y)?, one(Metric::Accuracy))
}

#[test]
fn convolutional() -> Result<()> {
    let x = input([8, 8, 2]);
    let h = Conv2D::new(4, 3)
        .padding(Padding::Same)
        .use_bias(false)
        .call(&x)?;
    let h = ActivationLayer::new(Activation::Relu).call(&BatchNormalization::new().call(&h)?)?;
    let h = MaxPooling2D::new(2).call(&h)?;
    let h = DepthwiseConv2D::new(3).padding(Padding::Same).call(&h)?;
    let h = Conv2D::new(5, 3)
        .strides(2)
        .padding(Padding::Same)
        .activation(Activation::Relu)
        .call(&h)?;
    let h = GlobalAveragePooling2D::new().call(&h)?;
    let y = Dense::new(3).activation(Activation::Softmax).call(&h)?;
    Case::open("convolutional").check(&Model::new(&x, &y)?, one(Metric::Accuracy))
}

#[test]
fn transformer() -> Result<()> {
    let x = Input::new([5]).dtype(DType::I32).tensor();
    let h = Embedding::new(9, 8).call(&x)?;
    let attended = MultiHeadAttention::new(2, 4).call(Inputs::new(&h).arg(&h))?;
    let h = LayerNormalization::new().call(&add([&h, &attended])?)?;
    let g = Dense::new(8).call(&Dense::new(12).activation(Activation::Gelu).call(&h)?)?;
    let h = LayerNormalization::new().call(&add([&h, &g])?)?;
    let y = Dense::new(3)
        .activation(Activation::Softmax)
        .call(&GlobalAveragePooling1D::new().call(&h)?)?;
    Case::open("transformer").check(&Model::new(&x, &y)?, one(Metric::Accuracy))
}

#[test]
fn nested() -> Result<()> {
    let i = input([4]);
    let h = Dense::new(5).activation(Activation::Tanh).call(&i)?;
    let inner = Model::new(&i, &Dense::new(3).activation(Activation::Tanh).call(&h)?)?;
    let (a, b) = (input([4]), input([4]));
    let parts = [
        inner.call(&a)?,
        inner.call(&b)?,
        inner.call(&Dense::new(4).call(&b)?)?,
    ];
    let y = Dense::new(1).call(&concatenate(parts)?)?;
    Case::open("nested").check(&Model::new([&a, &b], &y)?, none())
}
