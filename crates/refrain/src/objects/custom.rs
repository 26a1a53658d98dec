//! Functions of a program's own that stand for losses and metrics.

use std::fmt;
use std::sync::Arc;

use serde_json::Value as Json;

use super::{Base, Based, Class, own};
use crate::config::Config;
use crate::error::Result;
use crate::tensor::Tensor;

type Function = dyn Fn(&Tensor, &Tensor) -> Tensor + Send + Sync;

/// A function of targets and predictions, written as Keras writes a function: by its name.
#[derive(Clone)]
pub(crate) struct Custom<B> {
    base: B,
    name: String,
    function: Arc<Function>,
}

impl<B: Base> Custom<B> {
    pub(crate) fn new(
        name: String,
        function: impl Fn(&Tensor, &Tensor) -> Tensor + Send + Sync + 'static,
    ) -> Self {
        Custom {
            base: B::DEFAULT,
            name,
            function: Arc::new(function),
        }
    }

    /// The function's value; `what` stands before its name in errors.
    pub(crate) fn apply(&self, what: &str, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let value = (self.function)(y_true, y_pred).checked();
        value.map_err(|e| e.in_part(format!("{what} `{}`", self.name)))
    }
}

impl<B> fmt::Debug for Custom<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Custom({:?})", self.name)
    }
}

impl<B: Base + Send + Sync + 'static> Class for Custom<B> {
    fn class_name(&self) -> &'static str {
        "Custom"
    }

    fn default_name(&self) -> String {
        self.name.clone()
    }

    fn config(&self) -> Config {
        let mut config = Config::new();
        self.base.write(&mut config, &self.name);
        config
    }

    fn written(&self) -> Option<Json> {
        Some(own::function_to_json(&self.name))
    }
}

impl<B> Based<B> for Custom<B> {
    fn base(&self) -> &B {
        &self.base
    }

    fn base_mut(&mut self) -> &mut B {
        &mut self.base
    }
}
