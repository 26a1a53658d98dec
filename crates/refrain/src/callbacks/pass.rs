//! Callbacks of a pass over data, and the calling of all callbacks.

use super::Callback;
use crate::error::Result;
use crate::models::Model;

/// The callbacks of a run in the order in which they are called.
pub(crate) type Callbacks<'a> = Vec<Box<dyn Callback + 'a>>;

/// Calls a method of each.
pub(crate) fn each(
    callbacks: &mut [Box<dyn Callback + '_>],
    mut call: impl FnMut(&mut dyn Callback) -> Result<()>,
) -> Result<()> {
    callbacks.iter_mut().try_for_each(|c| call(c.as_mut()))
}

/// What a callback sees of an evaluation or a prediction, and what it can do.
///
/// ```
/// use refrain::callbacks::{Callback, PassContext};
/// use refrain::training::{Logs, Predictions};
/// # use refrain::{Model, input, layers::Dense};
///
/// /// Counts batches, and needs no more than two.
/// #[derive(Default)]
/// struct Two(usize);
///
/// impl Callback for Two {
///     fn on_predict_batch_end(&mut self, cx: &mut PassContext, batch: usize, outputs: &Predictions) -> refrain::Result<()> {
///         println!("{batch} of {}: {:?}", cx.steps(), outputs.get(0)?.mean());
///         self.0 += 1;
///         if self.0 == 2 {
///             cx.stop();
///         }
///         Ok(())
///     }
/// }
///
/// # let x = input([4]);
/// # let model = Model::new(&x, &Dense::new(3).call(&x)?)?;
/// let samples = ndarray::Array2::<f32>::ones((40, 4));
/// let mut two = Two::default();
/// let y = model.predict(&samples).batch_size(8).callback(&mut two).run()?.into_array()?;
/// assert_eq!((two.0, y.shape()), (2, &[16, 3][..]));
/// # Ok::<(), refrain::Error>(())
/// ```
pub struct PassContext<'t> {
    model: &'t Model,
    steps: usize,
    stop: bool,
}

impl<'t> PassContext<'t> {
    pub(crate) fn new(model: &'t Model, steps: Option<usize>) -> Self {
        PassContext {
            model,
            steps: steps.unwrap_or_default(),
            stop: false,
        }
    }

    /// The model that evaluates or predicts.
    pub fn model(&self) -> &'t Model {
        self.model
    }

    /// Batches of the pass; 0 where their number is not known.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Ends the pass after this batch, with the results so far (Keras's `stop_evaluating` and `stop_predicting`).
    pub fn stop(&mut self) {
        self.stop = true;
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stop
    }
}

/// The methods of a builder that take callbacks into a field.
macro_rules! takes_callbacks {
    ($($field:ident).+) => {
        /// Adds a callback; `&mut callback` keeps it usable afterwards.
        pub fn callback(mut self, callback: impl $crate::callbacks::Callback + 'a) -> Self {
            self.$($field).+.push(Box::new(callback));
            self
        }

        /// Adds several callbacks of one type, or boxed ones.
        pub fn callbacks<C: $crate::callbacks::Callback + 'a>(
            mut self,
            callbacks: impl IntoIterator<Item = C>,
        ) -> Self {
            for callback in callbacks {
                self.$($field).+.push(Box::new(callback));
            }
            self
        }
    };
}
pub(crate) use takes_callbacks;
