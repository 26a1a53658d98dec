//! Losses: how far predictions are from targets.

mod arguments;
mod binary_crossentropy;
mod binary_focal_crossentropy;
mod categorical_crossentropy;
mod categorical_focal_crossentropy;
mod categorical_generalized_cross_entropy;
mod categorical_hinge;
mod circle;
mod common;
mod cosine_similarity;
mod ctc;
mod dice;
mod hinge;
mod huber;
mod kl_divergence;
mod log_cosh;
mod mean_absolute_error;
mod mean_absolute_percentage_error;
mod mean_squared_error;
mod mean_squared_logarithmic_error;
mod options;
mod poisson;
mod prediction;
mod reduce;
mod sparse_categorical_crossentropy;
mod squared_hinge;
#[cfg(test)]
mod tests;
mod tversky;

pub use arguments::{IntoLosses, Losses, MaybeLoss};
pub use binary_crossentropy::BinaryCrossentropy;
pub use binary_focal_crossentropy::BinaryFocalCrossentropy;
pub use categorical_crossentropy::CategoricalCrossentropy;
pub use categorical_focal_crossentropy::CategoricalFocalCrossentropy;
pub use categorical_generalized_cross_entropy::CategoricalGeneralizedCrossEntropy;
pub use categorical_hinge::CategoricalHinge;
pub use circle::Circle;
pub use cosine_similarity::CosineSimilarity;
pub use ctc::Ctc;
pub use dice::Dice;
pub use hinge::Hinge;
pub use huber::Huber;
pub use kl_divergence::KlDivergence;
pub use log_cosh::LogCosh;
pub use mean_absolute_error::MeanAbsoluteError;
pub use mean_absolute_percentage_error::MeanAbsolutePercentageError;
pub use mean_squared_error::MeanSquaredError;
pub use mean_squared_logarithmic_error::MeanSquaredLogarithmicError;
pub use options::{LossOptions, Targets};
pub use poisson::Poisson;
pub use prediction::Prediction;
pub use reduce::Reduction;
pub(crate) use reduce::{
    align_ranks, apply_mask, check_weights, class_numbers, expand_last, squeeze_last,
};
pub use sparse_categorical_crossentropy::SparseCategoricalCrossentropy;
pub use squared_hinge::SquaredHinge;
pub use tversky::Tversky;

use refrain_graph::BinaryOp;

use crate::error::Result;
use crate::objects::{Based, Class, Custom, constants, kind, name_of};
use crate::ops::prim;
use crate::tensor::Tensor;

/// What a loss computes.
///
/// ```
/// use refrain::losses::{Loss, LossClass, Prediction, Reduction, Targets};
/// use refrain::{Model, Result, Tensor, input, layers::Dense, ndarray::Array2, ops, optimizers::Adam};
///
/// refrain::options! {
///     /// Binary cross-entropy that down-weights easy examples.
///     pub struct FocalLoss as "my_package>FocalLoss": Loss {
///         /// Focusing parameter: the larger, the less easy examples count.
///         gamma: f64 = 2.0,
///     }
/// }
///
/// impl LossClass for FocalLoss {
///     fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
///         let p = ops::clip(y_pred, 1e-7, 1.0 - 1e-7);
///         let truth = y_true * &p + (1.0 - y_true) * (1.0 - &p);
///         let each = ops::power(&(1.0 - &truth), self.gamma) * -truth.log();
///         ops::mean(&each, -1, false).checked()
///     }
///
///     fn targets(&self) -> Targets {
///         Targets::Probabilities
///     }
/// }
///
/// use refrain::objects::FromConfig;
/// refrain::register::<Loss, _>("my_package>FocalLoss", FocalLoss::from_config);
/// let x = input([4]);
/// let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
/// model.compile(Adam::new(0.01), FocalLoss::new().gamma(1.5).reduction(Reduction::Sum)).run()?;
/// let (samples, targets) = (Array2::<f32>::ones((8, 4)), Array2::<f32>::zeros((8, 1)));
/// model.train_on_batch(&samples, &targets).run()?;
/// # Ok::<(), refrain::Error>(())
/// ```
pub trait LossClass: Class + Based<LossOptions> {
    /// The loss of each sample (of each step, …). Weights, masks and the reduction come behind it.
    ///
    /// Predictions are floats. Targets have their type, and their rank where an axis of size 1 makes the difference; class
    /// numbers ([`Targets::Classes`]) are as they were given. A mask on the result says which values count.
    ///
    /// # Errors
    /// Targets and predictions do not fit.
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor>;

    /// What targets must be, which is checked before the first step: any numbers by default.
    fn targets(&self) -> Targets {
        Targets::Quantities
    }

    /// Refuses options that make no sense, when a model is compiled. By default nothing is refused.
    ///
    /// # Errors
    /// An option makes no sense.
    fn validate(&self) -> Result<()> {
        Ok(())
    }
}

kind! {
    /// A loss. The constants are Keras's classes with their defaults.
    ///
    /// ```
    /// use refrain::losses::{BinaryCrossentropy, Loss, MeanSquaredError, Reduction};
    /// let plain = Loss::MeanSquaredError;
    /// let smoothed = BinaryCrossentropy::new().from_logits(true).label_smoothing(0.1);
    /// let sums = MeanSquaredError::new().reduction(Reduction::Sum);
    /// let own = Loss::custom("quartic", |y_true, y_pred| (y_true - y_pred).square().square());
    /// ```
    ///
    /// The cross-entropies refuse targets that they cannot take with an error of kind
    /// [`Data`](crate::ErrorKind::Data): class numbers of no class, probabilities below 0 or above 1, NaN. Arrays are looked through
    /// before the first step, those of validation before each pass. Probabilities are not looked at where a sample weight is 0 or
    /// the predictions carry a mask. With other losses, NaN as a target makes the loss NaN, as in Keras.
    ///
    /// Source: `keras/src/losses/losses.py`.
    Loss of LossClass, LossOptions, "a loss", "keras.losses" {
        BinaryCrossentropy = "BinaryCrossentropy" | "binary_crossentropy" | "bce" | "BCE";
        BinaryFocalCrossentropy = "BinaryFocalCrossentropy" | "binary_focal_crossentropy";
        CategoricalCrossentropy = "CategoricalCrossentropy" | "categorical_crossentropy";
        CategoricalFocalCrossentropy = "CategoricalFocalCrossentropy" | "categorical_focal_crossentropy";
        CategoricalGeneralizedCrossEntropy = "CategoricalGeneralizedCrossEntropy" | "categorical_generalized_cross_entropy";
        CategoricalHinge = "CategoricalHinge" | "categorical_hinge";
        Circle = "Circle" | "circle";
        CosineSimilarity = "CosineSimilarity" | "cosine_similarity";
        Ctc = "CTC" | "ctc";
        Dice = "Dice" | "dice";
        Hinge = "Hinge" | "hinge";
        Huber = "Huber" | "huber";
        KlDivergence = "KLDivergence" | "kl_divergence" | "kld" | "KLD";
        LogCosh = "LogCosh" | "log_cosh" | "logcosh";
        MeanAbsoluteError = "MeanAbsoluteError" | "mean_absolute_error" | "mae" | "MAE";
        MeanAbsolutePercentageError = "MeanAbsolutePercentageError" | "mean_absolute_percentage_error" | "mape" | "MAPE";
        MeanSquaredError = "MeanSquaredError" | "mean_squared_error" | "mse" | "MSE";
        MeanSquaredLogarithmicError = "MeanSquaredLogarithmicError" | "mean_squared_logarithmic_error" | "msle" | "MSLE";
        Poisson = "Poisson" | "poisson";
        SparseCategoricalCrossentropy = "SparseCategoricalCrossentropy" | "sparse_categorical_crossentropy";
        SquaredHinge = "SquaredHinge" | "squared_hinge";
        Tversky = "Tversky" | "tversky";
    }
}

constants! { Loss
    /// Cross-entropy of probabilities of the positive class: targets 0 or 1, or probabilities, in the shape of the predictions.
    BinaryCrossentropy;
    /// Binary cross-entropy that down-weights easy examples.
    BinaryFocalCrossentropy;
    /// Cross-entropy of a distribution over classes: targets are distributions too (one-hot).
    CategoricalCrossentropy;
    /// Categorical cross-entropy that down-weights easy examples.
    CategoricalFocalCrossentropy;
    /// A cross-entropy of class numbers that wrong labels disturb less.
    CategoricalGeneralizedCrossEntropy;
    /// The margin between the true class and the best other one: targets are one-hot.
    CategoricalHinge;
    /// Draws embeddings of one label together: targets are labels.
    Circle;
    /// The negative cosine of the angle between targets and predictions.
    CosineSimilarity;
    /// Connectionist temporal classification: targets are sequences of labels.
    Ctc;
    /// 1 minus the Dice coefficient of regions.
    Dice;
    /// The margin of signs: targets are -1 or 1, or 0 or 1.
    Hinge;
    /// Squared below a difference of 1, linear above.
    Huber;
    /// The Kullback-Leibler divergence of distributions.
    KlDivergence;
    /// The logarithm of the hyperbolic cosine of differences.
    LogCosh;
    /// Mean of absolute differences over the last axis.
    MeanAbsoluteError;
    /// Mean of absolute differences in percent of the targets.
    MeanAbsolutePercentageError;
    /// Mean of squared differences over the last axis.
    MeanSquaredError;
    /// Mean of squared differences of logarithms.
    MeanSquaredLogarithmicError;
    /// Of counts: predictions are expected counts.
    Poisson;
    /// Cross-entropy of a distribution over classes: targets are class numbers.
    SparseCategoricalCrossentropy;
    /// The squared margin of signs: targets are -1 or 1, or 0 or 1.
    SquaredHinge;
    /// 1 minus the Tversky index of regions.
    Tversky;
}

impl LossClass for Custom<LossOptions> {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        self.apply("loss", y_true, y_pred)
    }
}

impl Loss {
    /// A loss of the user's: a function of targets and predictions that gives one value a sample (or more; they are
    /// averaged), written with [`ops`](crate::ops).
    ///
    /// A file knows it by its name; a program that loads one makes it known again:
    ///
    /// ```
    /// use refrain::losses::Loss;
    /// let quartic = || Loss::custom("quartic", |y_true, y_pred| (y_true - y_pred).square().square());
    /// refrain::register::<Loss, _>("quartic", move |_| Ok(quartic()));
    /// ```
    pub fn custom(
        name: impl Into<String>,
        function: impl Fn(&Tensor, &Tensor) -> Tensor + Send + Sync + 'static,
    ) -> Self {
        Loss::new(Custom::new(name.into(), function))
    }

    /// Its name in logs: the one that it was given, or Keras's (`binary_crossentropy`, …).
    pub fn name(&self) -> String {
        name_of(&*self.0, &self.0.base().name)
    }

    /// See [`LossClass::targets`].
    pub(crate) fn targets(&self) -> Targets {
        self.0.targets()
    }

    pub(crate) fn validate(&self) -> Result<()> {
        self.0.validate()
    }

    /// The loss of each sample (of each step, …), with the mask that it carries itself.
    pub(crate) fn values(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let p = prediction::changed(y_pred, common::floating)?;
        let values = match self.targets().are_exact() {
            true => self.0.call(y_true, &p)?,
            false => {
                let y = prim::convert(y_true, p.dtype())?;
                let aligned = prediction::changed(&p, |p| Ok(align_ranks(&y, p)?.1))?;
                self.0.call(&align_ranks(&y, &p)?.0, &aligned)?
            }
        };
        values.check()?;
        Ok(common::floating(&values)?.with_mask(values.mask()))
    }

    /// The loss of a batch: weighted, masked and reduced.
    pub(crate) fn reduced(
        &self,
        y_true: &Tensor,
        y_pred: &Tensor,
        weights: Option<&Tensor>,
    ) -> Result<Tensor> {
        let values = self.values(y_true, y_pred)?;
        let mask = match (y_pred.mask(), values.mask()) {
            (Some(a), Some(b)) => Some(prim::binary(BinaryOp::And, &a, &b)?),
            (a, b) => a.or(b),
        };
        let reduction = self.0.base().reduction;
        reduction.reduce(&values, weights, mask.as_ref())?.checked()
    }
}
