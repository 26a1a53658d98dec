//! Layers of any kind: who they are, and what they say of themselves.

use std::sync::{Arc, MutexGuard, PoisonError};

use refrain_graph::DType;

use super::{AnyLayer, BuildSpecs, Name, Origin, no_copy};
use crate::config::{Config, ConfigValue};
use crate::error::Result;
use crate::layers::connections::Connections;
use crate::layers::layer::Layer;
use crate::layers::{Graph, InputLayer, Properties, registry};
use crate::regularizers::Regularizer;

impl AnyLayer {
    /// Identity.
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.0) as *const () as usize
    }

    /// Its name.
    pub fn get_name(&self) -> &str {
        &self.0.base.name.text
    }

    /// `layer `dense` (Dense), call 2`.
    pub(crate) fn call_label(&self, call: usize) -> String {
        format!(
            "layer `{}` ({}), call {call}",
            self.get_name(),
            self.class_name()
        )
    }

    /// Its class: `Dense`, `LSTM`, …
    pub fn class_name(&self) -> &str {
        self.0.layer.class_name()
    }

    /// Its options under Keras's names.
    pub fn config(&self) -> Config {
        self.0.layer.config()
    }

    /// Its options with its name, trainability and type, as Keras's `get_config` gives them.
    pub(crate) fn full_config(&self) -> Config {
        let mut config = Config::new();
        config.insert("name".to_owned(), self.get_name().into());
        config.insert("trainable".to_owned(), self.trainable().into());
        config.insert("dtype".to_owned(), self.0.base.dtype.keras_name().into());
        config.extend(self.config());
        if let Some(regularizer) = &self.0.base.activity_regularizer {
            config.insert(registry::ACTIVITY.to_owned(), regularizer.to_json());
        }
        if self.properties().plain_config {
            config.shift_remove("trainable");
        }
        if self.properties().own_options.contains(&"dtype") {
            config.shift_remove("dtype");
        }
        config
    }

    /// Gives a fresh layer another type.
    pub(in crate::layers) fn set_dtype(&mut self, dtype: DType) {
        if let Some(core) = Arc::get_mut(&mut self.0) {
            core.base.dtype = dtype;
        }
    }

    /// Gives a fresh layer a penalty on its outputs.
    pub(in crate::layers) fn set_activity_regularizer(&mut self, regularizer: Regularizer) {
        if let Some(core) = Arc::get_mut(&mut self.0) {
            core.base.activity_regularizer = Some(regularizer);
        }
    }

    /// The type of the weights and of the computation.
    pub fn dtype(&self) -> DType {
        self.0.base.dtype
    }

    /// Whether a mask on the input is used or may pass to the output.
    pub(crate) fn supports_masking(&self) -> bool {
        self.0.layer.supports_masking()
    }

    /// What else is to be known of the layer.
    pub fn properties(&self) -> Properties {
        self.0.layer.properties()
    }

    /// Whether it is the entrance of a model.
    pub(crate) fn is_input(&self) -> bool {
        self.options::<InputLayer>().is_some()
    }

    /// Itself, if it is a model.
    pub(crate) fn graph(&self) -> Option<&dyn Graph> {
        self.0.layer.graph()
    }

    /// Whether it is a model.
    pub(crate) fn is_model(&self) -> bool {
        self.graph().is_some()
    }

    /// Whether it is a model that is no stack of layers.
    pub(crate) fn is_graph(&self) -> bool {
        self.graph().is_some_and(|graph| !graph.is_sequential())
    }

    /// The penalty on its outputs.
    pub(crate) fn activity_regularizer(&self) -> Option<Regularizer> {
        let own = self.0.layer.activity_regularizer();
        own.or_else(|| self.0.base.activity_regularizer.clone())
    }

    /// The options, if the layer is of this kind.
    pub(crate) fn options<L: Layer>(&self) -> Option<&L> {
        self.0.layer.as_any().downcast_ref()
    }

    /// A layer of the same options under the same name, with weights of its own.
    pub(crate) fn fresh_copy(&self) -> Result<AnyLayer> {
        self.0.layer.duplicate(self).ok_or_else(|| {
            no_copy("this layer cannot be copied").in_layer(self.get_name(), self.class_name())
        })
    }

    /// [`fresh_copy`](AnyLayer::fresh_copy) under another name.
    pub(crate) fn fresh_copy_named(&self, name: &str) -> Result<AnyLayer> {
        let mut copy = self.fresh_copy()?;
        if name != self.get_name()
            && let Some(core) = Arc::get_mut(&mut copy.0)
        {
            core.base.name = Name {
                text: name.to_owned(),
                origin: Origin::Given,
            };
        }
        Ok(copy)
    }

    /// How often it has been called, in whatever model.
    pub fn calls(&self) -> usize {
        self.connections().made()
    }

    pub(in crate::layers) fn connections(&self) -> MutexGuard<'_, Connections> {
        self.0
            .base
            .calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The layers directly inside it.
    pub fn sublayers(&self) -> Vec<(String, AnyLayer)> {
        self.0.layer.sublayers()
    }

    /// This layer, then all layers inside it, depth first.
    pub(crate) fn visit_layers(&self, f: &mut impl FnMut(&AnyLayer)) {
        f(self);
        for (_, layer) in self.sublayers() {
            layer.visit_layers(f);
        }
    }

    /// Whether the weights exist.
    pub fn built(&self) -> bool {
        self.0.base.lock().built
    }

    /// The shapes that it was built for.
    pub(crate) fn build_specs(&self) -> BuildSpecs {
        self.0.base.lock().build_specs.clone()
    }
}
