//! Equal numbers, and Keras's word for the accuracy that fits.

use refrain_graph::Comparison;
use serde_json::Value as Json;

use super::{
    BinaryAccuracy, CategoricalAccuracy, Direction, Metric, MetricClass, MetricOptions,
    SparseCategoricalAccuracy,
};
use crate::config::Config;
use crate::error::Result;
use crate::losses::align_ranks;
use crate::objects::{Base, Based, Class};
use crate::ops::prim;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// How often predictions are equal to targets. The accuracy of a classifier is [`Metric::Accuracy`].
    ///
    /// ```
    /// use refrain::metrics::Accuracy;
    /// let equal = Accuracy::new().name("equal");
    /// ```
    pub struct Accuracy: Metric {}
}

impl MetricClass for Accuracy {
    fn values(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let (y, p) = align_ranks(y_true, y_pred)?;
        let y = prim::convert(&y, p.dtype())?;
        prim::compare(Comparison::Eq, &y, &p)
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Up)
    }
}

/// Keras's words "accuracy" and "acc".
#[derive(Clone, Debug)]
pub(super) struct ByShapes {
    base: MetricOptions,
    word: &'static str,
}

impl ByShapes {
    pub(super) const ACCURACY: Self = ByShapes {
        base: MetricOptions::DEFAULT,
        word: "accuracy",
    };

    pub(super) fn named(word: &str) -> Self {
        match word {
            "acc" => ByShapes {
                word: "acc",
                ..ByShapes::ACCURACY
            },
            _ => ByShapes::ACCURACY,
        }
    }
}

impl Class for ByShapes {
    fn class_name(&self) -> &'static str {
        self.word
    }

    fn default_name(&self) -> String {
        self.word.to_owned()
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn written(&self) -> Option<Json> {
        Some(self.word.into())
    }
}

impl Based<MetricOptions> for ByShapes {
    fn base(&self) -> &MetricOptions {
        &self.base
    }

    fn base_mut(&mut self) -> &mut MetricOptions {
        &mut self.base
    }
}

impl MetricClass for ByShapes {
    fn values(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        if y_pred.dim(-1) == Some(1) {
            return BinaryAccuracy::DEFAULT.values(y_true, y_pred);
        }
        match y_true.rank() < y_pred.rank() || y_true.dim(-1) == Some(1) {
            true => SparseCategoricalAccuracy::DEFAULT.values(y_true, y_pred),
            false => CategoricalAccuracy::DEFAULT.values(y_true, y_pred),
        }
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Up)
    }
}
