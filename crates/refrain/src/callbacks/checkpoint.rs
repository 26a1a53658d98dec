//! Saving models and weights during training.

use std::path::{Path, PathBuf};

use refrain_graph::Literal;

use super::file_name::{file_name, names};
use super::monitor::Monitor;
use super::{Callback, MonitorMode, TrainContext};
use crate::error::{Error, ErrorKind, Result};
use crate::models::Model;
use crate::training::Logs;

/// Saves the model after each epoch, or only after the best epochs: to a file, or its weights in memory.
///
/// ```
/// use refrain::callbacks::{ModelCheckpoint, MonitorMode};
/// # use refrain::{Model, input, layers::Dense, losses::Loss, optimizers::Sgd};
/// # let x = input([2]);
/// # let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
/// # model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
/// # let (x, y) = (ndarray::Array2::<f32>::ones((32, 2)), ndarray::Array2::<f32>::ones((32, 1)));
/// let folder = std::env::temp_dir().join(format!("refrain-doc-checkpoint-{}", std::process::id()));
/// let each = ModelCheckpoint::new().filepath(folder.join("{epoch:02d}-{loss:.2f}.weights.h5")).save_weights_only(true);
/// let mut best = ModelCheckpoint::new() // in memory
///     .monitor("val_loss")
///     .mode(MonitorMode::Min)
///     .save_best_only(true)
///     .initial_value_threshold(1e3);
/// model.fit(&x, &y).validation_split(0.25).epochs(2).callback(each).callback(&mut best).run()?;
/// assert_eq!(std::fs::read_dir(&folder).map_or(0, Iterator::count), 2);
/// assert_eq!(best.weights().map(<[_]>::len), Some(2));
/// best.restore(&model)?;
/// # std::fs::remove_dir_all(&folder).ok();
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// Source: `keras/src/callbacks/model_checkpoint.py`.
pub struct ModelCheckpoint {
    monitor: Monitor,
    filepath: Option<PathBuf>,
    save_weights_only: bool,
    save_best_only: bool,
    save_with: Option<Box<SaveWith>>,
    weights: Option<Vec<Literal>>,
    epoch: Option<usize>,
}

type SaveWith = dyn FnMut(&Model, usize, &Logs) -> Result<()>;

impl Default for ModelCheckpoint {
    fn default() -> Self {
        ModelCheckpoint::new()
    }
}

impl ModelCheckpoint {
    /// Keeps the weights of each epoch in memory; monitors `val_loss`.
    pub fn new() -> Self {
        ModelCheckpoint {
            monitor: Monitor::new("val_loss".to_owned()),
            filepath: None,
            save_weights_only: false,
            save_best_only: false,
            save_with: None,
            weights: None,
            epoch: None,
        }
    }

    /// The file to write, instead of keeping the weights in memory. `{epoch:02d}` and `{val_loss:.2f}` in it are formatted with
    /// the epoch, from 1, and with logged values; the extension gives the format, as in [`Model::save`]. Missing folders are
    /// created.
    pub fn filepath(mut self, path: impl Into<PathBuf>) -> Self {
        self.filepath = Some(path.into());
        self
    }

    /// Whether only the weights are written, as by [`Model::save_weights`]; `false` by default.
    pub fn save_weights_only(mut self, weights_only: bool) -> Self {
        self.save_weights_only = weights_only;
        self
    }

    /// The value that tells which epoch is best; `val_loss` by default.
    pub fn monitor(mut self, key: impl Into<String>) -> Self {
        self.monitor.key = key.into();
        self
    }

    /// Whether the value is to fall or to rise; [`MonitorMode::Auto`] by default.
    pub fn mode(mut self, mode: MonitorMode) -> Self {
        self.monitor.mode = mode;
        self
    }

    /// Whether an epoch is saved only if it is the best so far; `false` by default: each is saved.
    pub fn save_best_only(mut self, best_only: bool) -> Self {
        self.save_best_only = best_only;
        self
    }

    /// A value that an epoch must beat to be saved, with [`save_best_only`](ModelCheckpoint::save_best_only); none by default.
    pub fn initial_value_threshold(mut self, value: f64) -> Self {
        self.monitor.best = Some(value);
        self
    }

    /// Called whenever an epoch is saved, with the model, the epoch (0 is the first) and its logs.
    pub fn save_with(
        mut self,
        save: impl FnMut(&Model, usize, &Logs) -> Result<()> + 'static,
    ) -> Self {
        self.save_with = Some(Box::new(save));
        self
    }

    fn write(&self, model: &Model, path: &Path, epoch: usize, logs: &Logs) -> Result<()> {
        let path = file_name(&path.to_string_lossy(), epoch, logs)?;
        make_folder(Path::new(&path))?;
        match self.save_weights_only {
            true => model.save_weights(path),
            false => model.save(path),
        }
    }

    /// The last epoch that was saved (0 is the first).
    pub fn epoch(&self) -> Option<usize> {
        self.epoch
    }

    /// The best value so far.
    pub fn best(&self) -> Option<f64> {
        self.monitor.best
    }

    /// The weights kept in memory, in the order of `model.weights()`.
    pub fn weights(&self) -> Option<&[Literal]> {
        self.weights.as_deref()
    }

    /// Assigns the weights kept in memory to a model.
    ///
    /// # Errors
    /// None are kept in memory, or they are those of another model.
    pub fn restore(&self, model: &Model) -> Result<()> {
        let kept = self
            .weights
            .as_ref()
            .ok_or_else(|| Error::new(ErrorKind::State, "the checkpoint holds no weights yet"))?;
        let weights = model.weights();
        if weights.len() != kept.len() {
            let expected = format!("a model of {} weights", kept.len());
            return Err(Error::mismatch(
                ErrorKind::Structure,
                expected,
                weights.len().to_string(),
            ));
        }
        let mut pairs = weights.iter().zip(kept);
        pairs.try_for_each(|(w, value)| w.assign(value.clone()))
    }
}

/// Makes the folder of a file, and those around it.
fn make_folder(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty());
    let made = folder.map_or(Ok(()), std::fs::create_dir_all);
    Ok(made.map_err(|e| refrain_storage::io("making the folder of", path, &e))?)
}

impl Callback for ModelCheckpoint {
    fn monitors(&self, _cx: &TrainContext<'_>) -> Vec<&str> {
        let path = self.filepath.as_ref().and_then(|path| path.to_str());
        let monitor = self.save_best_only.then_some(self.monitor.key.as_str());
        monitor
            .into_iter()
            .chain(path.into_iter().flat_map(names))
            .collect()
    }

    fn may_log(&self, _name: &str) -> bool {
        false
    }

    /// Refuses a path that nothing could be written to, as far as it is known yet.
    fn on_train_begin(&mut self, cx: &mut TrainContext<'_>) -> Result<()> {
        let Some(path) = &self.filepath else {
            return Ok(());
        };
        cx.model().check_end(path, self.save_weights_only)?;
        let folder = path.parent().map(|f| f.to_string_lossy());
        if folder.is_some_and(|f| f.contains('{')) {
            return Ok(());
        }
        make_folder(path)?;
        Ok(refrain_storage::check_target(path)?)
    }

    fn on_epoch_end(
        &mut self,
        cx: &mut TrainContext<'_>,
        epoch: usize,
        logs: &mut Logs,
    ) -> Result<()> {
        if self.save_best_only {
            let Some(value) = self.monitor.value(cx, logs)? else {
                return Ok(());
            };
            if !self.monitor.improve(cx, value)? {
                return Ok(());
            }
        }
        match &self.filepath {
            Some(path) => self.write(cx.model(), path, epoch, logs)?,
            None => self.weights = Some(cx.weights()?),
        }
        self.epoch = Some(epoch);
        match &mut self.save_with {
            Some(save) => save(cx.model(), epoch, logs),
            None => Ok(()),
        }
    }

    fn on_train_end(&mut self, cx: &mut TrainContext<'_>, logs: &Logs) -> Result<()> {
        match self.save_best_only {
            true => self.monitor.check_seen(cx, logs),
            false => Ok(()),
        }
    }
}
