//! Predictions as cross-entropies see them.

use refrain_graph::{Op, Reduction as Fold, UnaryOp};

use crate::config::EPSILON;
use crate::error::Result;
use crate::ops::{self, prim, reduce};
use crate::tensor::{Logits, Tensor, resolve_axis};
use crate::trace::Trace;

/// A prediction as a cross-entropy takes it: probabilities, or the logits that they were made from, which stay exact where
/// probabilities saturate.
///
/// ```
/// use refrain::losses::{Loss, LossClass, Prediction};
/// use refrain::{Result, Tensor, ops};
///
/// refrain::options! {
///     /// Cross-entropy of a yes that counts more than a no.
///     pub struct WeightedCrossentropy: Loss {
///         /// How much a yes counts.
///         pos_weight: f64 = 2.0,
///     }
/// }
///
/// impl LossClass for WeightedCrossentropy {
///     fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
///         let prediction = Prediction::of_sigmoid(y_pred, false)?;
///         let x = &prediction.tensor;
///         let (yes, no) = match prediction.is_logits {
///             true => (ops::log_sigmoid(x), ops::log_sigmoid(&-x)),
///             false => (x.log(), (1.0 - x).log()),
///         };
///         let each = -(y_true * yes * self.pos_weight + (1.0 - y_true) * no);
///         ops::mean(&each, -1, false).checked()
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Probabilities or logits.
    pub tensor: Tensor,
    /// Whether they are logits.
    pub is_logits: bool,
}

impl Prediction {
    /// Probabilities of yes; the logits if a sigmoid made them, or if they are logits themselves.
    ///
    /// # Errors
    /// The tensor is none of a program.
    pub fn of_sigmoid(y_pred: &Tensor, from_logits: bool) -> Result<Self> {
        Prediction::of(y_pred, from_logits, |logits| match logits {
            Logits::Sigmoid(_) => true,
            Logits::Softmax(_) => false,
        })
    }

    /// Probabilities of classes along an axis; the logits if a softmax made them, or if they are logits themselves.
    ///
    /// # Errors
    /// The tensor is none of a program.
    pub fn of_softmax(y_pred: &Tensor, from_logits: bool, axis: i64) -> Result<Self> {
        let last = resolve_axis(axis, y_pred.rank()).ok() == y_pred.rank().checked_sub(1);
        Prediction::of(y_pred, from_logits, |logits| match logits {
            Logits::Sigmoid(_) => false,
            Logits::Softmax(_) => last,
        })
    }

    fn of(y_pred: &Tensor, is_logits: bool, fits: impl Fn(&Logits) -> bool) -> Result<Self> {
        let traced = y_pred.expect_traced()?;
        let behind = traced.logits.filter(|l| !is_logits && fits(l));
        Ok(Prediction {
            tensor: behind.map_or_else(|| y_pred.clone(), |l| traced.trace.wrap(l.value())),
            is_logits: is_logits || behind.is_some(),
        })
    }

    /// Logarithms of the probabilities of classes along an axis. Probabilities need not add up to 1.
    ///
    /// # Errors
    /// There is no such axis.
    pub fn log_probabilities(&self, axis: i64) -> Result<Tensor> {
        let p = &self.tensor;
        let dims = [resolve_axis(axis, p.rank())?];
        if self.is_logits {
            let largest = reduce::reduce(p, Fold::Max, &dims, true)?;
            let largest = Trace::apply(Op::StopGradient, &[&largest])?;
            let shifted = (p - largest).checked()?;
            let powers = prim::unary(UnaryOp::Exponential, &shifted)?;
            let sum = reduce::reduce(&powers, Fold::Sum, &dims, true)?;
            return Ok(shifted - sum.log());
        }
        let sum = reduce::reduce(p, Fold::Sum, &dims, true)?;
        Ok(ops::clip(&(p / sum), EPSILON, 1.0 - EPSILON).log())
    }
}

/// Predictions after a change of their shape or type, and the logits that they remember after the same change.
pub(super) fn changed(p: &Tensor, change: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let result = change(p)?;
    let traced = p.expect_traced()?;
    let Some(logits) = traced.logits else {
        return Ok(result);
    };
    let behind = change(&traced.trace.wrap(logits.value()))?;
    Ok(result.with_logits(logits.with_value(behind.expect_traced()?.value)))
}
