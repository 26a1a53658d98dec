//! Metrics that compute as an object made of their options does.

/// Implements [`MetricClass`](super::MetricClass) by the `state`, `update`, `result` and `validate` of what an expression makes.
macro_rules! delegate {
    ($($name:ident($this:ident): $to:expr, $direction:expr;)*) => {$(
        impl $crate::metrics::MetricClass for $name {
            fn state(&self, y_pred: &Tensor) -> Result<Vec<State>> {
                let $this = self;
                $to.state(y_pred)
            }

            fn update(
                &self,
                state: &[Tensor],
                y_true: &Tensor,
                y_pred: &Tensor,
                sample_weight: Option<&Tensor>,
            ) -> Result<Vec<Tensor>> {
                let $this = self;
                $to.update(state, y_true, y_pred, sample_weight)
            }

            fn result(&self, state: &[Tensor]) -> Result<Tensor> {
                let $this = self;
                $to.result(state)
            }

            fn direction(&self) -> Option<$crate::metrics::Direction> {
                $direction
            }

            fn validate(&self) -> Result<()> {
                let $this = self;
                $to.validate()
            }
        }
    )*};
}
pub(super) use delegate;
