//! What all losses have in common.

use serde_json::Value as Json;

use super::Reduction;
use crate::config::{Config, ConfigValue, in_option};
use crate::error::Result;
use crate::objects::{Base, read_name, write_name};
use crate::tensor::Tensor;

/// The options that all losses have.
#[derive(Clone, Debug)]
pub struct LossOptions {
    /// The name in logs instead of Keras's.
    pub name: Option<String>,
    /// How the samples' values become one.
    pub reduction: Reduction,
}

impl Base for LossOptions {
    const DEFAULT: Self = LossOptions {
        name: None,
        reduction: Reduction::SumOverBatchSize,
    };

    fn write(&self, config: &mut Config, default_name: &str) {
        write_name(&self.name, default_name, config);
        config.insert("reduction".to_owned(), self.reduction.to_json());
    }

    fn read(&mut self, config: &Config) -> Result<()> {
        self.name = read_name(config)?;
        if let Some(json) = config.get("reduction") {
            self.reduction = match json {
                Json::Null => Reduction::None,
                json => Reduction::from_json(json).map_err(|e| in_option(e, "reduction"))?,
            };
        }
        Ok(())
    }
}

/// The setters of [`LossOptions`] for a class.
#[macro_export]
#[doc(hidden)]
macro_rules! loss_setters {
    ($name:ident) => {
        #[allow(dead_code)]
        impl $name {
            /// How the losses of samples are reduced to that of a batch.
            ///
            /// Default: `Reduction::SumOverBatchSize`, their sum divided by their number.
            pub fn reduction(mut self, reduction: $crate::losses::Reduction) -> Self {
                self.base.reduction = reduction;
                self
            }
        }
    };
}

/// What a loss takes as targets. Whatever else is found among them is an error before the first step.
///
/// ```
/// use refrain::losses::Targets;
/// let segmentation = Targets::Classes { axis: -1, ignored: Some(255) };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Targets {
    /// Any numbers.
    Quantities,
    /// A probability of yes for each number predicted: 0, 1, or between.
    Probabilities,
    /// A probability for each class; the classes lie along this axis of the predictions.
    Distributions {
        /// The axis of the classes.
        axis: i64,
    },
    /// Numbers of classes from 0 on; the classes lie along an axis of the predictions. Such targets stay exact integers.
    Classes {
        /// The axis of the classes.
        axis: i64,
        /// A number that may stand for no class.
        ignored: Option<i64>,
    },
    /// Any integers, which stay exact: names of what belongs together, or labels in a sequence.
    Labels,
}

impl Targets {
    /// Whether they are integers that stay as they were given.
    pub(crate) fn are_exact(self) -> bool {
        matches!(self, Targets::Classes { .. } | Targets::Labels)
    }

    /// Number of classes that an output tells apart, if it is a classifier's.
    pub(crate) fn classes(self, output: &Tensor) -> Option<usize> {
        match self {
            Targets::Quantities | Targets::Labels => None,
            Targets::Probabilities => (output.dim(-1) == Some(1)).then_some(2),
            Targets::Distributions { axis } | Targets::Classes { axis, .. } => output.dim(axis),
        }
    }
}
