//! A callback.

use std::sync::{Arc, Mutex};

use refrain::Result;
use refrain::callbacks::{Callback, TrainContext};
use refrain::training::Logs;

/// Keeps the loss of each epoch.
#[derive(Clone, Default)]
pub struct Epochs(Arc<Mutex<Vec<f64>>>);

impl Epochs {
    /// The losses so far.
    pub fn losses(&self) -> Vec<f64> {
        self.0
            .lock()
            .map(|losses| losses.clone())
            .unwrap_or_default()
    }
}

impl Callback for Epochs {
    fn on_epoch_end(
        &mut self,
        _cx: &mut TrainContext,
        _epoch: usize,
        logs: &mut Logs,
    ) -> Result<()> {
        if let (Ok(loss), Ok(mut losses)) = (logs.get("loss"), self.0.lock()) {
            losses.push(loss);
        }
        Ok(())
    }
}
