//! Callbacks made of closures.

use super::{Callback, PassContext, TrainContext};
use crate::error::Result;
use crate::training::{Logs, Predictions};

/// Declares [`LambdaCallback`]: a field, a setter and a callback's method for each of these.
macro_rules! lambda_callback {
    ($($(#[$doc:meta])* $method:ident($cx:ident $(, $name:ident: $t:ty)*);)*) => {
        /// A callback made of closures.
        ///
        /// ```
        /// use refrain::callbacks::LambdaCallback;
        /// # use refrain::{Model, input, layers::Dense, losses::Loss, optimizers::Sgd};
        /// # let x = input([2]);
        /// # let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
        /// # model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
        /// # let (x, y) = (ndarray::Array2::<f32>::ones((32, 2)), ndarray::Array2::<f32>::ones((32, 1)));
        /// let (mut batches, mut epochs) = (0, 0);
        /// let count = LambdaCallback::new()
        ///     .on_train_batch_end(|_, _, _| {
        ///         batches += 1;
        ///         Ok(())
        ///     })
        ///     .on_epoch_end(|_, _, _| {
        ///         epochs += 1;
        ///         Ok(())
        ///     });
        /// model.fit(&x, &y).batch_size(8).epochs(3).callback(count).run()?;
        /// assert_eq!((batches, epochs), (12, 3));
        /// # Ok::<(), refrain::Error>(())
        /// ```
        ///
        /// Source: `keras/src/callbacks/lambda_callback.py`.
        #[derive(Default)]
        pub struct LambdaCallback<'a> {
            $($method: Option<Box<dyn FnMut(&mut $cx<'_> $(, $t)*) -> Result<()> + 'a>>,)*
        }

        impl<'a> LambdaCallback<'a> {
            /// With no closures.
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
