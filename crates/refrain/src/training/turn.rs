//! Taking turns at what only one run at a time may use.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use crate::error::{Error, ErrorKind, Result};
use crate::models::Model;

/// One evaluation of a model at a time: they share its running means.
#[derive(Default)]
pub(crate) struct Turn {
    taken: Mutex<()>,
    by: Mutex<Option<ThreadId>>,
}

/// Held while the model is being evaluated.
pub(crate) struct Taken<'t> {
    turn: &'t Turn,
    _taken: MutexGuard<'t, ()>,
}

impl Turn {
    /// Waits for evaluations of other threads.
    ///
    /// # Errors
    /// This thread is in the middle of one.
    pub(crate) fn take(&self, model: &Model) -> Result<Taken<'_>> {
        let this = Some(thread::current().id());
        if *self.by() == this {
            let message = format!("model `{}` is being evaluated already", model.get_name());
            return Err(Error::new(ErrorKind::State, message).hint(
                "What runs between batches of an evaluation may predict, not evaluate the model",
            ));
        }
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        *self.by() = this;
        Ok(Taken {
            turn: self,
            _taken: taken,
        })
    }

    fn by(&self) -> MutexGuard<'_, Option<ThreadId>> {
        self.by.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.turn.by() = None;
    }
}
