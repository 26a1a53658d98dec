//! Weights from files into a model that exists.

use std::path::{Path, PathBuf};

use super::open::Opened;
use super::weights::WeightsReport;
use super::{Limits, load};
use crate::error::{Error, ErrorKind, Result};
use crate::models::Model;
use crate::warnings;

/// Builder of [`Model::load_weights`]: options, then [`run`](LoadWeights::run).
#[must_use = "nothing is read until `.run()`"]
pub struct LoadWeights<'m> {
    model: &'m Model,
    path: PathBuf,
    by_name: bool,
    skip_mismatch: bool,
    limits: Limits,
}

impl Model {
    /// Reads weights from a `.weights.h5` (also sharded, `.weights.json`), `.keras`, `.h5` or `.safetensors` file.
    ///
    /// ```
    /// use refrain::{Model, clone_model, input, layers::Dense};
    /// let x = input([4]);
    /// let model = Model::new(&x, &Dense::new(2).call(&x)?)?;
    /// let path = std::env::temp_dir().join(format!("refrain-doc-{}.weights.h5", std::process::id()));
    /// model.save_weights(&path)?;
    /// let copy = clone_model(&model)?;
    /// let report = copy.load_weights(&path).run()?;
    /// assert!(report.is_complete());
    /// assert_eq!(copy.weights()[0].value()?, model.weights()[0].value()?);
    /// # std::fs::remove_file(&path).ok();
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn load_weights(&self, path: impl AsRef<Path>) -> LoadWeights<'_> {
        LoadWeights {
            model: self,
            path: path.as_ref().to_owned(),
            by_name: false,
            skip_mismatch: false,
            limits: Limits::default(),
        }
    }
}

impl LoadWeights<'_> {
    /// Whether layers are matched by name, and those that only the file or only the model has are skipped; `false` by default.
    pub fn by_name(mut self, by_name: bool) -> Self {
        self.by_name = by_name;
        self
    }

    /// Whether arrays whose shape differs from that of their variable are skipped; `false` by default: they are an error.
    pub fn skip_mismatch(mut self, skip_mismatch: bool) -> Self {
        self.skip_mismatch = skip_mismatch;
        self
    }

    /// Upper bounds on what the file may ask for.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Reads them, and says what became of each array and each variable. The optimizer's state is read too if the model is
    /// compiled and the state fits, as in Keras; a state that does not fit is left, with a warning.
    ///
    /// # Errors
    /// There is no such file, it is damaged, or not every array has its variable and every variable its array. No variable
    /// is assigned before all are known to fit.
    pub fn run(self) -> Result<WeightsReport> {
        let opened = Opened::new(&self.path, &self.limits)?;
        let read = || {
            let plan = load::plan(self.model, &opened, self.by_name)?;
            let (Some(plan), Some((file, _))) = (plan, &opened.weights) else {
                return Err(Error::new(ErrorKind::Io, "the file holds no weights"));
            };
            plan.check(self.by_name, self.skip_mismatch)?;
            plan.apply(file)?;
            if self.model.is_compiled()
                && let Err(e) = load::load_optimizer_state(self.model, &opened)
            {
                warnings::optimizer_state_left(self.model.get_name(), &e);
            }
            Ok(plan.report)
        };
        read().map_err(|e| e.in_file(&self.path))
    }
}
