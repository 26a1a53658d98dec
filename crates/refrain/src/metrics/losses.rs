//! Losses as metrics, and Keras's metrics of its losses.

use serde_json::Value as Json;

use super::{Direction, Metric, MetricClass, MetricOptions};
use crate::config::Config;
use crate::error::Result;
use crate::losses::{self, Loss, LossClass};
use crate::objects::{Base, Based, Class, Entry, Serializable, from_json};
use crate::options;
use crate::tensor::Tensor;

/// A loss as a metric: the mean of its values, whatever its reduction.
#[derive(Clone, Debug)]
struct LossMetric {
    base: MetricOptions,
    loss: Loss,
}

impl From<Loss> for Metric {
    fn from(loss: Loss) -> Self {
        let base = MetricOptions::DEFAULT;
        Metric::new(LossMetric { base, loss })
    }
}

impl<L: LossClass> From<L> for Metric {
    fn from(loss: L) -> Self {
        Metric::from(Loss::new(loss))
    }
}

impl Class for LossMetric {
    fn class_name(&self) -> &'static str {
        self.loss.class_name()
    }

    fn default_name(&self) -> String {
        self.loss.name()
    }

    fn config(&self) -> Config {
        self.loss.config()
    }

    /// As Keras's metric of the loss; Keras takes a loss that it has no metric of as it is.
    fn written(&self) -> Option<Json> {
        let loss = self.loss.to_config();
        if loss["module"] != Loss::MODULE || Entry::<Metric>::find(self.class_name()).is_none() {
            return Some(loss);
        }
        let mut metric = loss.clone();
        metric["module"] = Metric::MODULE.into();
        let metric = from_json::<Metric>(&metric);
        Some(metric.map_or(loss, |metric| metric.to_config()))
    }
}

impl Based<MetricOptions> for LossMetric {
    fn base(&self) -> &MetricOptions {
        &self.base
    }

    fn base_mut(&mut self) -> &mut MetricOptions {
        &mut self.base
    }
}

impl MetricClass for LossMetric {
    fn values(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        self.loss.values(y_true, y_pred)
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Down)
    }

    fn validate(&self) -> Result<()> {
        self.loss.validate()
    }
}

/// Declares Keras's metrics of losses, with those of the losses' options that the metrics have.
macro_rules! metrics_of_losses {
    ($($(#[$meta:meta])* $name:ident $(as $class:literal named $auto:literal)? = $loss:ident {
        $($(#[doc = $doc:literal])* $field:ident : $ty:ty = $default:expr,)*
    })*) => {$(
        options! {
            $(#[$meta])*
            pub struct $name $(as $class named $auto)?: Metric {
                $($(#[doc = $doc])* $field: $ty = $default,)*
            }
        }

        impl $name {
            #[allow(dead_code)]
            pub(super) const DEFAULT: Self = $name {
                base: MetricOptions::DEFAULT,
                $($field: $default,)*
            };

            fn loss(&self) -> Loss {
                losses::$loss::new()$(.$field(self.$field))*.into()
            }
        }

        impl MetricClass for $name {
            fn values(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
                self.loss().values(y_true, y_pred)
            }

            fn direction(&self) -> Option<Direction> {
                Some(Direction::Down)
            }

            fn validate(&self) -> Result<()> {
                self.loss().validate()
            }
        }
    )*};
}

metrics_of_losses! {
    /// [`losses::CategoricalHinge`] as a metric.
    ///
    /// ```
    /// use refrain::metrics::CategoricalHinge;
    /// let metric = CategoricalHinge::new().name("own");
    /// ```
    CategoricalHinge = CategoricalHinge {}
    /// [`losses::Hinge`] as a metric.
    ///
    /// ```
    /// use refrain::metrics::Hinge;
    /// let metric = Hinge::new().name("own");
    /// ```
    Hinge = Hinge {}
    /// [`losses::KlDivergence`] as a metric.
    ///
    /// ```
    /// use refrain::metrics::KlDivergence;
    /// let metric = KlDivergence::new().name("own");
    /// ```
    KlDivergence as "KLDivergence" named "kl_divergence" = KlDivergence {}
    /// [`losses::MeanAbsolutePercentageError`] as a metric.
    ///
    /// ```
    /// use refrain::metrics::MeanAbsolutePercentageError;
    /// let metric = MeanAbsolutePercentageError::new().name("own");
    /// ```
    MeanAbsolutePercentageError = MeanAbsolutePercentageError {}
    /// [`losses::MeanSquaredLogarithmicError`] as a metric.
    ///
    /// ```
    /// use refrain::metrics::MeanSquaredLogarithmicError;
    /// let metric = MeanSquaredLogarithmicError::new().name("own");
    /// ```
    MeanSquaredLogarithmicError = MeanSquaredLogarithmicError {}
    /// [`losses::Poisson`] as a metric.
    ///
    /// ```
    /// use refrain::metrics::Poisson;
    /// let metric = Poisson::new().name("own");
    /// ```
    Poisson = Poisson {}
    /// [`losses::SquaredHinge`] as a metric.
    ///
    /// ```
    /// use refrain::metrics::SquaredHinge;
    /// let metric = SquaredHinge::new().name("own");
    /// ```
    SquaredHinge = SquaredHinge {}
    /// [`losses::MeanSquaredError`] as a metric.
    ///
    /// ```
    /// use refrain::metrics::MeanSquaredError;
    /// let error = MeanSquaredError::new().name("mse");
    /// ```
    MeanSquaredError = MeanSquaredError {}
    /// [`losses::MeanAbsoluteError`] as a metric.
    ///
    /// ```
    /// use refrain::metrics::MeanAbsoluteError;
    /// let error = MeanAbsoluteError::new().name("mae");
    /// ```
    MeanAbsoluteError = MeanAbsoluteError {}
    /// [`losses::LogCosh`] as a metric.
    ///
    /// ```
    /// use refrain::metrics::LogCoshError;
    /// let error = LogCoshError::new();
    /// ```
    LogCoshError as "LogCoshError" named "logcosh" = LogCosh {}
    /// [`losses::BinaryCrossentropy`] as a metric.
    ///
    /// ```
    /// use refrain::metrics::BinaryCrossentropy;
    /// let entropy = BinaryCrossentropy::new().from_logits(true);
    /// ```
    BinaryCrossentropy = BinaryCrossentropy {
        /// Whether predictions are logits rather than probabilities.
        from_logits: bool = false,
        /// Label smoothing in `[0, 1]`: targets become `y · (1 - label_smoothing) + label_smoothing / 2`.
        label_smoothing: f64 = 0.0,
    }
    /// [`losses::CategoricalCrossentropy`] as a metric.
    ///
    /// ```
    /// use refrain::metrics::CategoricalCrossentropy;
    /// let entropy = CategoricalCrossentropy::new().label_smoothing(0.1);
    /// ```
    CategoricalCrossentropy = CategoricalCrossentropy {
        /// Whether predictions are logits rather than probabilities.
        from_logits: bool = false,
        /// Label smoothing in `[0, 1]`: targets become `y · (1 - label_smoothing) + label_smoothing / classes`.
        label_smoothing: f64 = 0.0,
        /// Axis of the predictions along which the classes lie.
        axis: i64 = -1,
    }
    /// [`losses::SparseCategoricalCrossentropy`] as a metric.
    ///
    /// ```
    /// use refrain::metrics::SparseCategoricalCrossentropy;
    /// let entropy = SparseCategoricalCrossentropy::new().ignore_class(0);
    /// ```
    SparseCategoricalCrossentropy = SparseCategoricalCrossentropy {
        /// Whether predictions are logits rather than probabilities.
        from_logits: bool = false,
        /// Class index, such as -1 or 255 for void in segmentation, whose targets add nothing.
        ignore_class: Option<i64> = None,
        /// Axis of the predictions along which the classes lie.
        axis: i64 = -1,
    }
}
