//! Similarities of vectors of targets and of predictions.

/// Declares a metric that compares vectors along an axis.
macro_rules! similarity {
    ($(#[$meta:meta])* $name:ident = $function:ident) => {
        use crate::error::Result;
        use crate::losses::align_ranks;
        use crate::metrics::{Direction, Metric, MetricClass};
        use crate::tensor::Tensor;

        $crate::options! {
            $(#[$meta])*
            pub struct $name: Metric {
                /// The axis of the vectors.
                axis: i64 = -1,
            }
        }

        impl MetricClass for $name {
            fn values(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
                let (y, p) = align_ranks(&ops::cast(y_true, y_pred.dtype()), y_pred)?;
                $function(&y, &p, self.axis).checked()
            }

            fn direction(&self) -> Option<Direction> {
                Some(Direction::Up)
            }
        }
    };
}

pub(super) use similarity;
