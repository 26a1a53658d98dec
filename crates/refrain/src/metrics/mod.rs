//! Metrics: what is watched besides the loss.

mod accuracy;
mod arguments;
mod base_iou;
mod base_similarity;
mod binary_accuracy;
mod binary_iou;
mod categorical_accuracy;
mod concordance_correlation;
mod confusion;
mod cosine_similarity;
mod delegate;
mod f1_score;
mod fbeta_score;
mod from_config;
mod iou;
mod losses;
mod mean;
mod mean_iou;
mod one_hot_iou;
mod one_hot_mean_iou;
mod options;
mod pearson_correlation;
mod r2_score;
mod root_mean_squared_error;
mod sparse_categorical_accuracy;
#[cfg(test)]
mod tests;
mod top_k_categorical_accuracy;

pub use accuracy::Accuracy;
pub use arguments::{IntoMetrics, Metrics};
pub use binary_accuracy::BinaryAccuracy;
pub use binary_iou::BinaryIoU;
pub use categorical_accuracy::CategoricalAccuracy;
pub use concordance_correlation::ConcordanceCorrelation;
pub use confusion::{
    Auc, Curve, FalseNegatives, FalsePositives, Precision, PrecisionAtRecall, Recall,
    RecallAtPrecision, SensitivityAtSpecificity, SpecificityAtSensitivity, SummationMethod,
    TrueNegatives, TruePositives,
};
pub use cosine_similarity::CosineSimilarity;
pub use f1_score::F1Score;
pub use fbeta_score::{Average, FBetaScore};
pub use iou::IoU;
pub use losses::{
    BinaryCrossentropy, CategoricalCrossentropy, CategoricalHinge, Hinge, KlDivergence,
    LogCoshError, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredError,
    MeanSquaredLogarithmicError, Poisson, SparseCategoricalCrossentropy, SquaredHinge,
};
pub use mean_iou::MeanIoU;
pub use one_hot_iou::OneHotIoU;
pub use one_hot_mean_iou::OneHotMeanIoU;
pub use options::{Direction, MetricOptions, Numbers, State};
pub use pearson_correlation::PearsonCorrelation;
pub use r2_score::{ClassAggregation, R2Score};
pub use root_mean_squared_error::RootMeanSquaredError;
pub use sparse_categorical_accuracy::SparseCategoricalAccuracy;
pub use top_k_categorical_accuracy::{SparseTopKCategoricalAccuracy, TopKCategoricalAccuracy};

use refrain_graph::DType;

use crate::error::{Error, ErrorKind, Result};
use crate::objects::{Based, Class, Custom, Object, constants, kind, name_of};
use crate::ops::prim;
use crate::tensor::Tensor;

/// What a metric computes.
///
/// The simplest has [`values`](MetricClass::values), one a sample, and is their running mean, as Keras's `MeanMetricWrapper` is. Any
/// other has variables, which add up over the batches of an epoch or an evaluation, and makes its value of them:
///
/// ```
/// use refrain::metrics::{Direction, Metric, MetricClass, State};
/// use refrain::{Model, Result, Tensor, input, layers::Dense, losses::Loss, ndarray::Array2, ops, optimizers::Adam};
///
/// refrain::options! {
///     /// The harmonic mean of precision and recall of the positive class.
///     pub struct F1 as "my_package>F1": Metric {
///         /// Predictions above it are of the positive class.
///         threshold: f64 = 0.5,
///     }
/// }
///
/// impl MetricClass for F1 {
///     fn state(&self, _y_pred: &Tensor) -> Result<Vec<State>> {
///         Ok(["true_positives", "predicted", "actual"].map(|name| State::new(name, [])).into())
///     }
///
///     fn update(&self, state: &[Tensor], y: &Tensor, p: &Tensor, weight: Option<&Tensor>) -> Result<Vec<Tensor>> {
///         let yes = ops::cast(&ops::greater(p, self.threshold), p.dtype());
///         let sum = |x: Tensor| match weight {
///             Some(weight) => ops::sum(&(x * ops::expand_dims(weight, -1)), ops::Axes::All, false),
///             None => ops::sum(&x, ops::Axes::All, false),
///         };
///         Ok(vec![&state[0] + sum(y * &yes), &state[1] + sum(yes), &state[2] + sum(y.clone())])
///     }
///
///     fn result(&self, state: &[Tensor]) -> Result<Tensor> {
///         ops::divide_no_nan(&(&state[0] * 2.0), &(&state[1] + &state[2])).checked()
///     }
///
///     fn direction(&self) -> Option<Direction> {
///         Some(Direction::Up)
///     }
/// }
///
/// use refrain::objects::FromConfig;
/// refrain::register::<Metric, _>("my_package>F1", F1::from_config);
/// let x = input([4]);
/// let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
/// model.compile(Adam::new(0.01), Loss::BinaryCrossentropy).metrics([F1::new().threshold(0.4)]).run()?;
/// let (samples, targets) = (Array2::<f32>::ones((8, 4)), Array2::<f32>::ones((8, 1)));
/// let logs = model.train_on_batch(&samples, &targets).run()?;
/// assert!((0.0..=1.0).contains(&logs.get("f1")?));
/// # Ok::<(), refrain::Error>(())
/// ```
pub trait MetricClass: Class + Based<MetricOptions> {
    /// The metric of each sample (of each step, …), of which the mean is taken; for metrics without variables of their own.
    /// Targets and predictions are as they come.
    ///
    /// # Errors
    /// Targets and predictions do not fit. By default: the class has no `values`.
    fn values(&self, _y_true: &Tensor, _y_pred: &Tensor) -> Result<Tensor> {
        Err(missing(self.class_name(), "values"))
    }

    /// The variables that add up over batches, for predictions of this shape. None, the default: a running mean of
    /// [`values`](MetricClass::values).
    ///
    /// # Errors
    /// There is no such metric of these predictions.
    fn state(&self, _y_pred: &Tensor) -> Result<Vec<State>> {
        Ok(Vec::new())
    }

    /// The variables after another batch. Targets, predictions and weights are `float32`. Weights are given to
    /// [`weighted_metrics`](crate::training::Compile::weighted_metrics) alone, and the mask of predictions hangs on them, as in
    /// Keras.
    ///
    /// # Errors
    /// Targets, predictions and weights do not fit. By default: the class has no `update`.
    fn update(
        &self,
        _state: &[Tensor],
        _y_true: &Tensor,
        _y_pred: &Tensor,
        _sample_weight: Option<&Tensor>,
    ) -> Result<Vec<Tensor>> {
        Err(missing(self.class_name(), "update"))
    }

    /// The metric's value: a number, or a vector of them.
    ///
    /// # Errors
    /// An operation does not fit. By default: the class has no `result`.
    fn result(&self, _state: &[Tensor]) -> Result<Tensor> {
        Err(missing(self.class_name(), "result"))
    }

    /// Which way the metric is better, for callbacks that are not told. Not known by default.
    fn direction(&self) -> Option<Direction> {
        None
    }

    /// Refuses options that make no sense, when a model is compiled. By default nothing is refused.
    ///
    /// # Errors
    /// An option makes no sense.
    fn validate(&self) -> Result<()> {
        Ok(())
    }
}

fn missing(class: &str, method: &str) -> Error {
    let message = format!("metric class `{class}` lacks `{method}`");
    Error::new(ErrorKind::Unsupported, message)
        .hint("A metric has `values`, or all of `state`, `update` and `result`")
}

kind! {
    /// A metric. The constants are Keras's classes with their defaults; a [`Loss`](crate::losses::Loss) can be one too.
    ///
    /// ```
    /// use refrain::losses::Huber;
    /// use refrain::metrics::{BinaryAccuracy, Metric};
    /// let plain = Metric::Accuracy;
    /// let strict = BinaryAccuracy::new().threshold(0.8).name("strict");
    /// let error = Metric::from(Huber::new().delta(2.0));
    /// let own = Metric::custom("bias", |y_true, y_pred| y_pred - y_true);
    /// ```
    ///
    /// Source: `keras/src/metrics/`.
    Metric of MetricClass, MetricOptions, "a metric", "keras.metrics", read by from_config::read {
        Accuracy = "Accuracy" | "accuracy";
        Auc = "AUC" | "auc";
        BinaryAccuracy = "BinaryAccuracy" | "binary_accuracy";
        BinaryCrossentropy = "BinaryCrossentropy" | "binary_crossentropy" | "bce" | "BCE";
        BinaryIoU = "BinaryIoU" | "binary_io_u";
        CategoricalAccuracy = "CategoricalAccuracy" | "categorical_accuracy";
        CategoricalCrossentropy = "CategoricalCrossentropy" | "categorical_crossentropy";
        CategoricalHinge = "CategoricalHinge" | "categorical_hinge";
        ConcordanceCorrelation = "ConcordanceCorrelation" | "concordance_correlation";
        CosineSimilarity = "CosineSimilarity" | "cosine_similarity";
        F1Score = "F1Score" | "f1_score";
        FBetaScore = "FBetaScore" | "f_beta_score";
        FalseNegatives = "FalseNegatives" | "false_negatives";
        FalsePositives = "FalsePositives" | "false_positives";
        Hinge = "Hinge" | "hinge";
        IoU = "IoU" | "io_u";
        KlDivergence = "KLDivergence" | "kl_divergence" | "kld" | "KLD";
        LogCoshError = "LogCoshError" | "log_cosh_error";
        MeanAbsoluteError = "MeanAbsoluteError" | "mean_absolute_error" | "mae" | "MAE";
        MeanAbsolutePercentageError = "MeanAbsolutePercentageError" | "mean_absolute_percentage_error" | "mape" | "MAPE";
        MeanIoU = "MeanIoU" | "mean_io_u";
        MeanSquaredError = "MeanSquaredError" | "mean_squared_error" | "mse" | "MSE";
        MeanSquaredLogarithmicError = "MeanSquaredLogarithmicError" | "mean_squared_logarithmic_error" | "msle" | "MSLE";
        OneHotIoU = "OneHotIoU" | "one_hot_io_u";
        OneHotMeanIoU = "OneHotMeanIoU" | "one_hot_mean_io_u";
        PearsonCorrelation = "PearsonCorrelation" | "pearson_correlation";
        Poisson = "Poisson" | "poisson";
        Precision = "Precision" | "precision";
        PrecisionAtRecall = "PrecisionAtRecall" | "precision_at_recall";
        R2Score = "R2Score" | "r2_score";
        Recall = "Recall" | "recall";
        RecallAtPrecision = "RecallAtPrecision" | "recall_at_precision";
        RootMeanSquaredError = "RootMeanSquaredError" | "root_mean_squared_error";
        SensitivityAtSpecificity = "SensitivityAtSpecificity" | "sensitivity_at_specificity";
        SparseCategoricalAccuracy = "SparseCategoricalAccuracy" | "sparse_categorical_accuracy";
        SparseCategoricalCrossentropy = "SparseCategoricalCrossentropy" | "sparse_categorical_crossentropy";
        SparseTopKCategoricalAccuracy = "SparseTopKCategoricalAccuracy" | "sparse_top_k_categorical_accuracy";
        SpecificityAtSensitivity = "SpecificityAtSensitivity" | "specificity_at_sensitivity";
        SquaredHinge = "SquaredHinge" | "squared_hinge";
        TopKCategoricalAccuracy = "TopKCategoricalAccuracy" | "top_k_categorical_accuracy";
        TrueNegatives = "TrueNegatives" | "true_negatives";
        TruePositives = "TruePositives" | "true_positives";
    }
}

constants! { Metric
    /// How often a prediction above 0.5 meets a target of 1, and one below a target of 0.
    BinaryAccuracy;
    /// How often the largest prediction is at the largest target.
    CategoricalAccuracy;
    /// How often the largest prediction is at the target's class number.
    SparseCategoricalAccuracy;
    /// Mean squared error.
    MeanSquaredError;
    /// Mean absolute error.
    MeanAbsoluteError;
}

impl MetricClass for Custom<MetricOptions> {
    fn values(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        self.apply("metric", &prim::convert(y_true, y_pred.dtype())?, y_pred)
    }
}

impl Metric {
    /// Keras's word "accuracy": the one of the three accuracies below that fits the shapes of targets and predictions. The class
    /// of that name, which counts equal numbers, is [`metrics::Accuracy`](Accuracy).
    #[allow(non_upper_case_globals)]
    pub const Accuracy: Metric = Metric(Object::Static(&accuracy::ByShapes::ACCURACY));

    /// A metric of the user's: a function of targets and predictions whose values are averaged over all samples.
    ///
    /// A file knows it by its name; a program that loads one makes it known again:
    ///
    /// ```
    /// use refrain::metrics::Metric;
    /// refrain::register::<Metric, _>("bias", |_| Ok(Metric::custom("bias", |y_true, y_pred| y_pred - y_true)));
    /// ```
    pub fn custom(
        name: impl Into<String>,
        function: impl Fn(&Tensor, &Tensor) -> Tensor + Send + Sync + 'static,
    ) -> Self {
        Metric::new(Custom::new(name.into(), function))
    }

    /// Its name in logs: the one that it was given, or Keras's.
    pub fn name(&self) -> String {
        name_of(&*self.0, &self.0.base().name)
    }

    /// See [`MetricClass::direction`].
    pub(crate) fn direction(&self) -> Option<Direction> {
        self.0.direction()
    }

    pub(crate) fn validate(&self) -> Result<()> {
        self.0.validate()
    }

    /// See [`MetricClass::state`].
    pub(crate) fn state(&self, y_pred: &Tensor) -> Result<Vec<State>> {
        self.0.state(y_pred)
    }

    /// See [`MetricClass::result`].
    pub(crate) fn result(&self, state: &[Tensor]) -> Result<Tensor> {
        prim::convert(&self.0.result(state)?.checked()?, DType::F32)
    }

    /// The variables after another batch: a metric's own, or the total and the count of a mean.
    pub(crate) fn update(
        &self,
        state: &[Tensor],
        y_true: &Tensor,
        y_pred: &Tensor,
        weights: Option<&Tensor>,
    ) -> Result<Vec<Tensor>> {
        if self.state(y_pred)?.is_empty() {
            let values = self.sample_values(y_true, y_pred)?;
            let batch = mean::contribution(&values, weights, y_pred.mask().as_ref())?;
            return Ok(state
                .iter()
                .zip(<[Tensor; 2]>::from(batch))
                .map(|(s, by)| s + by)
                .collect());
        }
        let float = |x: &Tensor| prim::convert(x, DType::F32);
        let weights = weights.map(float).transpose()?;
        let p = float(y_pred)?.with_mask(y_pred.mask());
        self.0.update(state, &float(y_true)?, &p, weights.as_ref())
    }

    /// The metric of each sample.
    fn sample_values(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        prim::convert(&self.0.values(y_true, y_pred)?.checked()?, DType::F32)
    }
}
