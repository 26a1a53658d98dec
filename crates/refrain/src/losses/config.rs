//! Which loss, with which options.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::Reduction;
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::Tensor;

/// A loss. The plain variants have Keras's defaults; methods change options.
///
/// ```
/// use refrain::losses::{Loss, Reduction};
/// let loss = Loss::BinaryCrossentropy.from_logits(true).label_smoothing(0.1);
/// let sums = Loss::MeanSquaredError.reduction(Reduction::Sum);
/// let own = Loss::custom("quartic", |y_true, y_pred| (y_true - y_pred).square().square());
/// ```
///
/// The cross-entropies refuse targets that they cannot take with an error of kind
/// [`Data`](crate::ErrorKind::Data): class numbers of no class, probabilities below 0 or above 1, NaN. Arrays are looked through
/// before the first step, those of validation before each pass. Probabilities are not looked at where a sample weight is 0 or
/// the predictions carry a mask. With other losses, NaN as a target makes the loss NaN, as in Keras.
///
/// Source: `keras/src/losses/losses.py`.
#[derive(Clone, Debug)]
pub enum Loss {
    /// Cross-entropy of probabilities of yes: targets 0 or 1, or probabilities, in the shape of the predictions.
    BinaryCrossentropy,
    /// Cross-entropy of a distribution over classes: targets are distributions too (one-hot).
    CategoricalCrossentropy,
    /// Cross-entropy of a distribution over classes: targets are class numbers.
    SparseCategoricalCrossentropy,
    /// Mean of squared differences over the last axis.
    MeanSquaredError,
    /// Mean of absolute differences over the last axis.
    MeanAbsoluteError,
    /// Squared below a difference of `delta`, linear above.
    Huber,
    /// One of the above with options, or a function of the user's.
    With(Box<LossOptions>),
}

/// A loss with its options.
#[derive(Clone, Debug)]
pub struct LossOptions {
    pub(crate) kind: Kind,
    pub(crate) name: Option<String>,
    pub(crate) reduction: Reduction,
    pub(crate) from_logits: bool,
    pub(crate) label_smoothing: f64,
    pub(crate) axis: i64,
    pub(crate) delta: f64,
    pub(crate) ignore_class: Option<i64>,
    /// Options that were set, to refuse those that the loss does not have.
    set: Vec<&'static str>,
}

/// What is computed for each sample.
#[derive(Clone)]
pub(crate) enum Kind {
    Binary,
    Categorical,
    Sparse,
    Squared,
    Absolute,
    Huber,
    Custom(Arc<Function>),
}

pub(crate) type Function = dyn Fn(&Tensor, &Tensor) -> Tensor + Send + Sync;

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.class())
    }
}

impl Kind {
    fn class(&self) -> &'static str {
        match self {
            Kind::Binary => "BinaryCrossentropy",
            Kind::Categorical => "CategoricalCrossentropy",
            Kind::Sparse => "SparseCategoricalCrossentropy",
            Kind::Squared => "MeanSquaredError",
            Kind::Absolute => "MeanAbsoluteError",
            Kind::Huber => "Huber",
            Kind::Custom(_) => "Custom",
        }
    }

    /// Keras's automatic name.
    pub(crate) fn default_name(&self) -> &'static str {
        match self {
            Kind::Binary => "binary_crossentropy",
            Kind::Categorical => "categorical_crossentropy",
            Kind::Sparse => "sparse_categorical_crossentropy",
            Kind::Squared => "mean_squared_error",
            Kind::Absolute => "mean_absolute_error",
            Kind::Huber => "huber_loss",
            Kind::Custom(_) => "custom",
        }
    }

    fn has(&self, option: &str) -> bool {
        match option {
            "from_logits" | "axis" => {
                matches!(self, Kind::Binary | Kind::Categorical | Kind::Sparse)
            }
            "label_smoothing" => matches!(self, Kind::Binary | Kind::Categorical),
            "ignore_class" => matches!(self, Kind::Sparse),
            "delta" => matches!(self, Kind::Huber),
            _ => true,
        }
    }
}

/// Keras's default of Huber's `delta`.
const HUBER_DELTA: f64 = 1.0;

impl LossOptions {
    /// Number of classes that an output tells apart, if the loss is a classifier's.
    pub(crate) fn classes(&self, output: &Tensor) -> Option<usize> {
        match self.kind {
            Kind::Binary => (output.dim(-1) == Some(1)).then_some(2),
            Kind::Categorical | Kind::Sparse => output.dim(self.axis),
            _ => None,
        }
    }

    fn new(kind: Kind) -> Self {
        LossOptions {
            kind,
            name: None,
            reduction: Reduction::SumOverBatchSize,
            from_logits: false,
            label_smoothing: 0.0,
            axis: -1,
            delta: HUBER_DELTA,
            ignore_class: None,
            set: Vec::new(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.kind.default_name())
    }

    pub(crate) fn validate(&self) -> Result<()> {
        if let Some(option) = self.set.iter().find(|o| !self.kind.has(o)) {
            let message = format!("loss `{}` has no option `{option}`", self.kind.class());
            return Err(Error::new(ErrorKind::Config, message));
        }
        if !(0.0..=1.0).contains(&self.label_smoothing) {
            let received = self.label_smoothing.to_string();
            let expected = "label_smoothing between 0 and 1";
            return Err(Error::mismatch(ErrorKind::Config, expected, received));
        }
        Ok(())
    }
}

impl Loss {
    /// The names that losses have in Keras, by which [`from_config`](Loss::from_config) knows them.
    pub const NAMES: [&str; 6] = [
        "binary_crossentropy",
        "categorical_crossentropy",
        "huber",
        "mae",
        "mse",
        "sparse_categorical_crossentropy",
    ];

    /// A loss of the user's: a function of targets and predictions that gives one value a sample (or more; they are
    /// averaged), written with [`ops`](crate::ops).
    pub fn custom(
        name: impl Into<String>,
        function: impl Fn(&Tensor, &Tensor) -> Tensor + Send + Sync + 'static,
    ) -> Self {
        let mut options = LossOptions::new(Kind::Custom(Arc::new(function)));
        options.name = Some(name.into());
        Loss::With(Box::new(options))
    }

    /// Keras's name in a log: `binary_crossentropy`, …
    pub fn name(self, name: impl Into<String>) -> Self {
        self.edit("name", |o| o.name = Some(name.into()))
    }

    /// How the samples' values become one; their sum over their number by default.
    pub fn reduction(self, reduction: Reduction) -> Self {
        self.edit("reduction", |o| o.reduction = reduction)
    }

    /// Whether predictions are logits rather than probabilities (cross-entropies).
    pub fn from_logits(self, from_logits: bool) -> Self {
        self.edit("from_logits", |o| o.from_logits = from_logits)
    }

    /// How far targets are drawn to the uniform distribution, 0 to 1 (binary and categorical cross-entropy).
    pub fn label_smoothing(self, label_smoothing: f64) -> Self {
        self.edit("label_smoothing", |o| o.label_smoothing = label_smoothing)
    }

    /// The axis of the classes (cross-entropies).
    pub fn axis(self, axis: i64) -> Self {
        self.edit("axis", |o| o.axis = axis)
    }

    /// Where Huber's loss becomes linear.
    pub fn delta(self, delta: f64) -> Self {
        self.edit("delta", |o| o.delta = delta)
    }

    /// A class number whose samples do not count (sparse categorical cross-entropy).
    pub fn ignore_class(self, class: i64) -> Self {
        self.edit("ignore_class", |o| o.ignore_class = Some(class))
    }

    fn edit(self, option: &'static str, change: impl FnOnce(&mut LossOptions)) -> Self {
        let mut options = self.into_options();
        options.set.push(option);
        change(&mut options);
        Loss::With(Box::new(options))
    }

    pub(crate) fn into_options(self) -> LossOptions {
        LossOptions::new(match self {
            Loss::BinaryCrossentropy => Kind::Binary,
            Loss::CategoricalCrossentropy => Kind::Categorical,
            Loss::SparseCategoricalCrossentropy => Kind::Sparse,
            Loss::MeanSquaredError => Kind::Squared,
            Loss::MeanAbsoluteError => Kind::Absolute,
            Loss::Huber => Kind::Huber,
            Loss::With(options) => return *options,
        })
    }

    /// Keras's configuration; `None` for a function of the user's.
    pub fn to_config(&self) -> Option<Json> {
        let o = self.clone().into_options();
        let mut config = json!({ "name": o.name(), "reduction": o.reduction.name() });
        for option in [
            "from_logits",
            "label_smoothing",
            "axis",
            "delta",
            "ignore_class",
        ] {
            if o.kind.has(option) {
                config[option] = match option {
                    "from_logits" => json!(o.from_logits),
                    "label_smoothing" => json!(o.label_smoothing),
                    "axis" => json!(o.axis),
                    "delta" => json!(o.delta),
                    _ => json!(o.ignore_class),
                };
            }
        }
        let custom = matches!(o.kind, Kind::Custom(_));
        (!custom).then(|| {
            json!({
                "module": "keras.losses", "class_name": o.kind.class(), "config": config, "registered_name": null,
            })
        })
    }

    /// From Keras's configuration: an object, or a name such as `mse` or `binary_crossentropy`.
    ///
    /// # Errors
    /// Keras has no such loss, or refrain does not have it: there are those of [`Loss::NAMES`].
    pub fn from_config(json: &Json) -> Result<Self> {
        let class = json.as_str().or_else(|| json["class_name"].as_str());
        let loss = match class.unwrap_or_default() {
            "BinaryCrossentropy" | "binary_crossentropy" | "bce" => Loss::BinaryCrossentropy,
            "CategoricalCrossentropy" | "categorical_crossentropy" => Loss::CategoricalCrossentropy,
            "SparseCategoricalCrossentropy" | "sparse_categorical_crossentropy" => {
                Loss::SparseCategoricalCrossentropy
            }
            "MeanSquaredError" | "mean_squared_error" | "mse" => Loss::MeanSquaredError,
            "MeanAbsoluteError" | "mean_absolute_error" | "mae" => Loss::MeanAbsoluteError,
            "Huber" | "huber" => Loss::Huber,
            _ => return Err(crate::layers::unexpected("a loss that refrain has", json)),
        };
        let mut o = loss.into_options();
        let config = &json["config"];
        if let Some(name) = config["name"].as_str() {
            o.name = Some(name.to_owned());
        }
        if let Some(reduction) = config["reduction"].as_str() {
            o.reduction = Reduction::from_name(reduction)
                .ok_or_else(|| crate::layers::unexpected("a reduction", &config["reduction"]))?;
        }
        o.from_logits = config["from_logits"].as_bool().unwrap_or(o.from_logits);
        o.label_smoothing = config["label_smoothing"].as_f64().unwrap_or(0.0);
        o.axis = config["axis"].as_i64().unwrap_or(o.axis);
        o.delta = config["delta"].as_f64().unwrap_or(o.delta);
        o.ignore_class = config["ignore_class"].as_i64();
        Ok(Loss::With(Box::new(o)))
    }
}

/// The losses of a model's outputs.
#[derive(Clone, Debug)]
pub enum Losses {
    /// The same for each output.
    Same(Loss),
    /// One for each output, in order; `None` for an output without a loss.
    List(Vec<Option<Loss>>),
    /// By the outputs' names.
    Dict(Vec<(String, Option<Loss>)>),
}

/// What `compile` takes as losses: one for all outputs, a list with one per output, or names with losses.
pub trait IntoLosses {
    /// As losses.
    fn into_losses(self) -> Losses;
}

impl IntoLosses for Losses {
    fn into_losses(self) -> Losses {
        self
    }
}

impl IntoLosses for Loss {
    fn into_losses(self) -> Losses {
        Losses::Same(self)
    }
}

/// A loss, or none.
pub trait MaybeLoss {
    #[doc(hidden)]
    fn maybe(self) -> Option<Loss>;
}

impl MaybeLoss for Loss {
    fn maybe(self) -> Option<Loss> {
        Some(self)
    }
}

impl MaybeLoss for Option<Loss> {
    fn maybe(self) -> Option<Loss> {
        self
    }
}

impl<L: MaybeLoss, const N: usize> IntoLosses for [L; N] {
    fn into_losses(self) -> Losses {
        Losses::List(self.into_iter().map(L::maybe).collect())
    }
}

impl<L: MaybeLoss> IntoLosses for Vec<L> {
    fn into_losses(self) -> Losses {
        Losses::List(self.into_iter().map(L::maybe).collect())
    }
}

impl<L: MaybeLoss, const N: usize> IntoLosses for [(&str, L); N] {
    fn into_losses(self) -> Losses {
        let named = self
            .into_iter()
            .map(|(name, l)| (name.to_owned(), l.maybe()));
        Losses::Dict(named.collect())
    }
}
