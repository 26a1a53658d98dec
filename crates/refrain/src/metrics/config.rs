//! Which metric, with which options.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::error::{Error, ErrorKind, Result};
use crate::losses::Loss;
use crate::tensor::Tensor;

/// A metric. The plain variants have Keras's defaults; methods change options; a [`Loss`] can be one too.
///
/// ```
/// use refrain::losses::Loss;
/// use refrain::metrics::Metric;
/// let strict = Metric::BinaryAccuracy.threshold(0.8).name("strict");
/// let error = Metric::from(Loss::Huber.delta(2.0));
/// let own = Metric::custom("bias", |y_true, y_pred| y_pred - y_true);
/// ```
///
/// Source: `keras/src/metrics/accuracy_metrics.py`.
#[derive(Clone, Debug)]
pub enum Metric {
    /// The one of the three accuracies below that fits the shapes of targets and predictions.
    Accuracy,
    /// How often a prediction above the threshold (0.5) meets a target of 1, and one below a target of 0.
    BinaryAccuracy,
    /// How often the largest prediction is at the largest target.
    CategoricalAccuracy,
    /// How often the largest prediction is at the target's class number.
    SparseCategoricalAccuracy,
    /// Mean squared error.
    MeanSquaredError,
    /// Mean absolute error.
    MeanAbsoluteError,
    /// One of the above with options, a loss, or a function of the user's.
    With(Box<MetricOptions>),
}

/// A metric with its options.
#[derive(Clone, Debug)]
pub struct MetricOptions {
    pub(crate) kind: Kind,
    name: Option<String>,
    pub(crate) threshold: f64,
    threshold_set: bool,
}

type Function = dyn Fn(&Tensor, &Tensor) -> Tensor + Send + Sync;

/// What is computed for each sample.
#[derive(Clone)]
pub(crate) enum Kind {
    Accuracy,
    /// Keras's class `Accuracy`: how often numbers are equal.
    Equal,
    Binary,
    Categorical,
    Sparse,
    Loss(Loss),
    Custom(Arc<Function>),
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.default_name())
    }
}

/// Which way a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Up,
    Down,
}

/// Keras's default: a probability of one half.
const THRESHOLD: f64 = 0.5;

impl Kind {
    fn default_name(&self) -> &'static str {
        match self {
            Kind::Accuracy | Kind::Equal => "accuracy",
            Kind::Binary => "binary_accuracy",
            Kind::Categorical => "categorical_accuracy",
            Kind::Sparse => "sparse_categorical_accuracy",
            Kind::Loss(_) => "loss",
            Kind::Custom(_) => "custom",
        }
    }
}

impl MetricOptions {
    fn new(kind: Kind) -> Self {
        let name = match &kind {
            Kind::Loss(loss) => Some(loss.clone().into_options().name().to_owned()),
            _ => None,
        };
        MetricOptions {
            kind,
            name,
            threshold: THRESHOLD,
            threshold_set: false,
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.kind.default_name())
    }

    pub(crate) fn direction(&self) -> Option<Direction> {
        match self.kind {
            Kind::Custom(_) => None,
            Kind::Loss(_) => Some(Direction::Down),
            _ => Some(Direction::Up),
        }
    }

    pub(crate) fn validate(&self) -> Result<()> {
        if let Kind::Loss(loss) = &self.kind {
            loss.clone().into_options().validate()?;
        }
        if self.threshold_set && !matches!(self.kind, Kind::Binary) {
            let message = format!("metric `{}` has no option `threshold`", self.name());
            return Err(Error::new(ErrorKind::Config, message).hint("BinaryAccuracy has one"));
        }
        Ok(())
    }
}

impl From<Loss> for Metric {
    fn from(loss: Loss) -> Self {
        Metric::With(Box::new(MetricOptions::new(Kind::Loss(loss))))
    }
}

impl Metric {
    /// The names that metrics have in Keras, by which [`from_config`](Metric::from_config) knows them. Losses are metrics too.
    pub const NAMES: [&str; 10] = [
        "accuracy",
        "binary_accuracy",
        "binary_crossentropy",
        "categorical_accuracy",
        "categorical_crossentropy",
        "huber",
        "mae",
        "mse",
        "sparse_categorical_accuracy",
        "sparse_categorical_crossentropy",
    ];

    /// A metric of the user's: a function of targets and predictions whose values are averaged over all samples.
    pub fn custom(
        name: impl Into<String>,
        function: impl Fn(&Tensor, &Tensor) -> Tensor + Send + Sync + 'static,
    ) -> Self {
        let mut options = MetricOptions::new(Kind::Custom(Arc::new(function)));
        options.name = Some(name.into());
        Metric::With(Box::new(options))
    }

    /// The name in logs instead of Keras's.
    pub fn name(self, name: impl Into<String>) -> Self {
        let mut options = self.into_options();
        options.name = Some(name.into());
        Metric::With(Box::new(options))
    }

    /// Above which prediction BinaryAccuracy counts a yes.
    pub fn threshold(self, threshold: f64) -> Self {
        let mut options = self.into_options();
        (options.threshold, options.threshold_set) = (threshold, true);
        Metric::With(Box::new(options))
    }

    pub(crate) fn into_options(self) -> MetricOptions {
        MetricOptions::new(match self {
            Metric::Accuracy => Kind::Accuracy,
            Metric::BinaryAccuracy => Kind::Binary,
            Metric::CategoricalAccuracy => Kind::Categorical,
            Metric::SparseCategoricalAccuracy => Kind::Sparse,
            Metric::MeanSquaredError => Kind::Loss(Loss::MeanSquaredError),
            Metric::MeanAbsoluteError => Kind::Loss(Loss::MeanAbsoluteError),
            Metric::With(options) => return *options,
        })
    }

    /// Keras's configuration; `None` for a function of the user's.
    pub fn to_config(&self) -> Option<Json> {
        let o = self.clone().into_options();
        let mut config = json!({ "name": o.name(), "dtype": "float32" });
        let class = match &o.kind {
            Kind::Accuracy => return Some(json!(o.name())),
            Kind::Equal => "Accuracy",
            Kind::Binary => {
                config["threshold"] = json!(o.threshold);
                "BinaryAccuracy"
            }
            Kind::Categorical => "CategoricalAccuracy",
            Kind::Sparse => "SparseCategoricalAccuracy",
            Kind::Loss(loss) => return loss_as_metric(loss, config),
            Kind::Custom(_) => return None,
        };
        Some(json!({
            "module": "keras.metrics", "class_name": class, "config": config, "registered_name": null,
        }))
    }

    /// From Keras's configuration: an object, or a name such as `accuracy` or `mae`.
    ///
    /// # Errors
    /// Keras has no such metric, or refrain does not have it: there are those of [`Metric::NAMES`].
    pub fn from_config(json: &Json) -> Result<Self> {
        if let Some("accuracy" | "acc") = json.as_str() {
            return Ok(Metric::Accuracy.name(json.as_str().unwrap_or_default()));
        }
        let kind = match json.as_str().or_else(|| json["class_name"].as_str()) {
            Some("Accuracy") => Kind::Equal,
            Some("BinaryAccuracy" | "binary_accuracy") => Kind::Binary,
            Some("CategoricalAccuracy" | "categorical_accuracy") => Kind::Categorical,
            Some("SparseCategoricalAccuracy" | "sparse_categorical_accuracy") => Kind::Sparse,
            _ => Kind::Loss(
                Loss::from_config(json)
                    .map_err(|_| crate::layers::unexpected("a metric that refrain has", json))?,
            ),
        };
        let mut options = MetricOptions::new(kind);
        let named = json.as_str().or_else(|| json["config"]["name"].as_str());
        options.name = named.map(str::to_owned);
        options.threshold = json["config"]["threshold"].as_f64().unwrap_or(THRESHOLD);
        Ok(Metric::With(Box::new(options)))
    }
}

/// The metrics of a model's outputs.
#[derive(Clone, Debug, Default)]
pub enum Metrics {
    /// None.
    #[default]
    Empty,
    /// For a model of one output; with several outputs, one metric each.
    Flat(Vec<Metric>),
    /// A list for each output, in order.
    Lists(Vec<Vec<Metric>>),
    /// By the outputs' names.
    Dict(Vec<(String, Vec<Metric>)>),
}

/// What `compile` takes as metrics: a list, a list of lists (one per output), or names with metrics.
pub trait IntoMetrics {
    /// As metrics.
    fn into_metrics(self) -> Metrics;
}

impl IntoMetrics for Metrics {
    fn into_metrics(self) -> Metrics {
        self
    }
}

impl IntoMetrics for Metric {
    fn into_metrics(self) -> Metrics {
        Metrics::Flat(vec![self])
    }
}

impl<const N: usize> IntoMetrics for [Metric; N] {
    fn into_metrics(self) -> Metrics {
        Metrics::Flat(self.into())
    }
}

impl IntoMetrics for Vec<Metric> {
    fn into_metrics(self) -> Metrics {
        Metrics::Flat(self)
    }
}

impl<const N: usize> IntoMetrics for [Vec<Metric>; N] {
    fn into_metrics(self) -> Metrics {
        Metrics::Lists(self.into())
    }
}

impl<const N: usize, const M: usize> IntoMetrics for [[Metric; M]; N] {
    fn into_metrics(self) -> Metrics {
        Metrics::Lists(self.into_iter().map(Into::into).collect())
    }
}

impl IntoMetrics for Vec<Vec<Metric>> {
    fn into_metrics(self) -> Metrics {
        Metrics::Lists(self)
    }
}

fn named<V>(
    items: impl IntoIterator<Item = (impl Into<String>, V)>,
    f: fn(V) -> Vec<Metric>,
) -> Metrics {
    let items = items.into_iter().map(|(name, m)| (name.into(), f(m)));
    Metrics::Dict(items.collect())
}

impl<const N: usize> IntoMetrics for [(&str, Metric); N] {
    fn into_metrics(self) -> Metrics {
        named(self, |m| vec![m])
    }
}

impl<const N: usize> IntoMetrics for [(&str, Vec<Metric>); N] {
    fn into_metrics(self) -> Metrics {
        named(self, |m| m)
    }
}

impl<const N: usize, const M: usize> IntoMetrics for [(&str, [Metric; M]); N] {
    fn into_metrics(self) -> Metrics {
        named(self, Into::into)
    }
}

/// A loss as Keras's metric of that name, which has neither a reduction nor all of the loss's options. Keras takes a loss that
/// is no metric (Huber) as it is.
fn loss_as_metric(loss: &Loss, mut config: Json) -> Option<Json> {
    const METRICS: [&str; 5] = [
        "BinaryCrossentropy",
        "CategoricalCrossentropy",
        "MeanAbsoluteError",
        "MeanSquaredError",
        "SparseCategoricalCrossentropy",
    ];
    let json = loss.to_config()?;
    let class = json["class_name"].as_str().unwrap_or_default();
    if !METRICS.contains(&class) {
        return Some(json);
    }
    for (key, value) in json["config"].as_object().into_iter().flatten() {
        // Of the binary one the axis is not an option.
        let axis_of_binary = class == "BinaryCrossentropy" && key == "axis";
        if !["name", "reduction"].contains(&key.as_str()) && !axis_of_binary {
            config[key] = value.clone();
        }
    }
    Some(json!({
        "module": "keras.metrics", "class_name": class, "config": config, "registered_name": null,
    }))
}
