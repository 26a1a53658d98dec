//! Callbacks made of closures.

use super::{Callback, PassContext, TrainContext};
use crate::error::Result;
use crate::training::{Logs, Predictions};

/// Makes [`LambdaCallback`]: a field, a builder's method and a callback's method for each of these.
macro_rules! lambda_callback {
    ($($(#[$doc:meta])* $method:ident($cx:ident $(, $name:ident: $t:ty)*);)*) => {
        /// A callback made of closures.
        ///
        /// ```
        /// use refrain::callbacks::LambdaCallback;
        /// let print = LambdaCallback::new().on_epoch_end(|_, epoch, logs| {
        ///     println!("{epoch}: {:?}", logs.get("loss"));
        ///     Ok(())
        /// });
        /// ```
        ///
        /// Source: `keras/src/callbacks/lambda_callback.py`.
        #[derive(Default)]
        pub struct LambdaCallback<'a> {
            $($method: Option<Box<dyn FnMut(&mut $cx<'_> $(, $t)*) -> Result<()> + 'a>>,)*
        }

        impl<'a> LambdaCallback<'a> {
            /// One that does nothing yet.
            pub fn new() -> Self {
                LambdaCallback::default()
            }

            $(
                $(#[$doc])*
                pub fn $method(
                    mut self,
                    f: impl FnMut(&mut $cx<'_> $(, $t)*) -> Result<()> + 'a,
                ) -> Self {
                    self.$method = Some(Box::new(f));
                    self
                }
            )*
        }

        impl Callback for LambdaCallback<'_> {
            fn may_log(&self, _name: &str) -> bool {
                self.on_epoch_end.is_some() || self.on_train_batch_end.is_some()
            }

            $(lambda_callback!(@ $method($cx $(, $name: $t)*));)*
        }
    };
    // What the run ends with is for callbacks that are types of their own.
    (@ on_train_end($cx:ident)) => {
        fn on_train_end(&mut self, cx: &mut $cx<'_>, _logs: &Logs) -> Result<()> {
            self.on_train_end.as_mut().map_or(Ok(()), |f| f(cx))
        }
    };
    (@ $method:ident($cx:ident $(, $name:ident: $t:ty)*)) => {
        fn $method(&mut self, cx: &mut $cx<'_> $(, $name: $t)*) -> Result<()> {
            self.$method.as_mut().map_or(Ok(()), |f| f(cx $(, $name)*))
        }
    };
}

lambda_callback! {
    /// Called before the first epoch.
    on_train_begin(TrainContext);
    /// Called after the last epoch.
    on_train_end(TrainContext);
    /// Called before each epoch with its number.
    on_epoch_begin(TrainContext, epoch: usize);
    /// Called after each epoch with its number and logs, which it may add to.
    on_epoch_end(TrainContext, epoch: usize, logs: &mut Logs);
    /// Called before each step with its number.
    on_train_batch_begin(TrainContext, batch: usize);
    /// Called after each step with its number and logs, which it may add to.
    on_train_batch_end(TrainContext, batch: usize, logs: &mut Logs);
    /// Called before the first batch of an evaluation.
    on_test_begin(PassContext);
    /// Called before each batch of an evaluation with its number.
    on_test_batch_begin(PassContext, batch: usize);
    /// Called after each batch of an evaluation with its number and the means so far.
    on_test_batch_end(PassContext, batch: usize, logs: &Logs);
    /// Called after the last batch of an evaluation with its values.
    on_test_end(PassContext, logs: &Logs);
    /// Called before the first batch of a prediction.
    on_predict_begin(PassContext);
    /// Called before each batch of a prediction with its number.
    on_predict_batch_begin(PassContext, batch: usize);
    /// Called after each batch of a prediction with its number and its outputs.
    on_predict_batch_end(PassContext, batch: usize, outputs: &Predictions);
    /// Called after the last batch of a prediction.
    on_predict_end(PassContext);
}
