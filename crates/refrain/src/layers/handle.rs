//! Handles on layers: cheap to clone, all clones are one layer with one set of weights.

mod calls;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use refrain_graph::{DType, Literal, Spec};

use super::config::Config;
use super::connections::Connections;
use super::layer::{Erased, InputSpec, Layer, Outputs};
use super::{ConfigValue, registry};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::{Argument, Inputs};
use crate::models::Functional;
use crate::names;
use crate::regularizers::Regularizer;
use crate::structure::Structure;
use crate::tensor::Tensor;
use crate::variable::Variable;

/// What all handles of one layer share.
pub(crate) struct Core<L: ?Sized> {
    name: Name,
    dtype: DType,
    trainable: AtomicBool,
    calls: Mutex<Connections>,
    /// The penalty on outputs of a layer that has no option for it; files may give every layer one.
    activity_regularizer: Option<Regularizer>,
    state: Mutex<State>,
    layer: L,
}

#[derive(Clone)]
struct Name {
    text: String,
    origin: Origin,
}

/// Where a layer's name comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Automatic,
    Given,
    /// A description, whose names may be those that older versions of Keras allow.
    Read,
}

#[derive(Default)]
struct State {
    built: bool,
    /// Under the names that `call` reads them by.
    weights: Vec<(String, Variable)>,
    /// A change after the first call to a layer that cannot be copied; the next call reports it.
    refused: Option<Error>,
    /// Kept between batches, but no weights.
    states: Vec<(String, Variable)>,
    seed: Option<Variable>,
    input_spec: InputSpec,
    /// Specs of the arguments of the first call, masks excepted: those by position, those by name.
    build_specs: BuildSpecs,
}

/// What a layer was built for.
#[derive(Clone, Default)]
pub(crate) struct BuildSpecs {
    pub(crate) args: Vec<Structure<Spec>>,
    pub(crate) kwargs: Vec<(String, Structure<Spec>)>,
}

impl BuildSpecs {
    fn of(inputs: &Inputs) -> Self {
        let specs = |argument: &Argument| match argument {
            Argument::Tensors(tensors) => Some(tensors.map(Tensor::spec)),
            Argument::Value(_) => None,
        };
        let kwargs = inputs.kwargs().iter();
        let kwargs = kwargs.filter(|(name, _)| !name.ends_with("mask"));
        BuildSpecs {
            args: inputs.args().iter().filter_map(specs).collect(),
            kwargs: kwargs
                .filter_map(|(n, a)| Some((n.clone(), specs(a)?)))
                .collect(),
        }
    }
}

/// A layer of a known kind: [`Dense`](super::Dense) and all other layers are handles, and what is here they all have.
///
/// ```
/// use refrain::{input, layers::Dense};
/// let shared = Dense::new(8).name("shared");                          // a layer …
/// let (a, b) = (shared.call(&input([4]))?, shared.call(&input([4]))?); // … two calls, one set of weights
/// assert_eq!((shared.get_name(), shared.weights().len()), ("shared", 2));
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// Clones are the same layer. Setting an option of a layer that has been called, or that has other handles, makes a new
/// layer with that option instead.
pub struct Handle<L>(Arc<Core<L>>);

/// A [`Handle`] that does not keep its layer alive.
pub(crate) struct WeakHandle<L>(Weak<Core<L>>);

impl<L> WeakHandle<L> {
    pub(crate) fn upgrade(&self) -> Option<Handle<L>> {
        self.0.upgrade().map(Handle)
    }
}

/// Classes whose Keras configuration has no `trainable`, and whose constructor refuses it.
pub(crate) const WITHOUT_TRAINABLE: [&str; 2] = ["SpatialDropout1D", "SpatialDropout2D"];

/// What is wrong with arguments of both sorts.
pub(crate) fn mixed() -> Error {
    let message = "symbolic tensors and tensors of a layer's `call` cannot be mixed";
    Error::new(ErrorKind::Symbolic, message)
        .hint("Give the layer every tensor that it uses as an input of its call")
}

/// What is wrong with a copy of a layer whose type does not say how.
fn no_copy(message: &str) -> Error {
    Error::new(ErrorKind::Unsupported, message).hint("Give its type the method `duplicate`")
}

/// A layer of any kind.
#[derive(Clone)]
pub struct AnyLayer(Arc<Core<dyn Erased>>);

impl<L> Clone for Handle<L> {
    fn clone(&self) -> Self {
        Handle(self.0.clone())
    }
}

impl<L: Layer> Handle<L> {
    /// A layer under an automatic name.
    pub(crate) fn from_options(layer: L) -> Self {
        let text = names::unique(&names::snake_case(layer.class_name()));
        let origin = Origin::Automatic;
        Handle(Arc::new(Core::new(Name { text, origin }, layer)))
    }

    /// A layer under the name of a description, or one that was checked.
    pub(crate) fn with_name(layer: L, name: &str) -> Self {
        let name = Name {
            text: name.to_owned(),
            origin: Origin::Read,
        };
        Handle(Arc::new(Core::new(name, layer)))
    }

    /// A fresh layer of another type.
    pub(crate) fn with_dtype(mut self, dtype: DType) -> Self {
        if let Some(core) = Arc::get_mut(&mut self.0) {
            core.dtype = dtype;
        }
        self
    }

    /// A fresh layer with a penalty on its outputs.
    pub(crate) fn with_activity_regularizer(mut self, regularizer: Regularizer) -> Self {
        if let Some(core) = Arc::get_mut(&mut self.0) {
            core.activity_regularizer = Some(regularizer);
        }
        self
    }

    /// A layer with the name, type and trainability of another.
    pub(crate) fn like(layer: L, template: &AnyLayer) -> Self {
        let mut core = Core::new(template.0.name.clone(), layer);
        core.activity_regularizer = template.0.activity_regularizer;
        core.dtype = template.0.dtype;
        core.trainable = AtomicBool::new(template.trainable());
        Handle(Arc::new(core))
    }

    pub(crate) fn downgrade(&self) -> WeakHandle<L> {
        WeakHandle(Arc::downgrade(&self.0))
    }

    /// The same layer, its kind forgotten.
    pub fn any(&self) -> AnyLayer {
        AnyLayer(self.0.clone())
    }

    /// Its name.
    pub fn get_name(&self) -> &str {
        &self.0.name.text
    }

    /// The options.
    pub(crate) fn options(&self) -> &L {
        &self.0.layer
    }

    /// Calls the layer. All calls share one set of weights, which is made at the first.
    ///
    /// # Errors
    /// The inputs do not fit the layer, or an input carries an error. A failed call leaves no trace.
    pub fn call(&self, inputs: impl Into<Inputs>) -> Result<L::Output> {
        L::Output::from_structure(self.any().call_structure(&inputs.into())?)
    }

    /// Number of elements in all its weights.
    pub fn count_params(&self) -> usize {
        self.any().count_params()
    }

    /// The weights: its own trainable ones, its own others, then those of the layers inside.
    pub fn weights(&self) -> Vec<Variable> {
        self.any().weights()
    }

    /// Whether training changes its weights.
    pub fn trainable(&self) -> bool {
        self.0.trainable.load(Ordering::Relaxed)
    }

    /// Freezes or unfreezes the layer, the layers inside it, and their weights.
    pub fn set_trainable(&self, trainable: bool) {
        self.any().set_trainable(trainable);
    }
}

impl<L: Layer> Handle<L> {
    /// Gives the layer a name instead of its automatic one.
    ///
    /// A layer of your own that has been called, or that has other handles, needs [`Layer::duplicate`] for this, as for each
    /// change: without it the next call is an error.
    pub fn name(self, name: impl Into<String>) -> Self {
        if self.0.name.origin == Origin::Automatic {
            let prefix = names::snake_case(self.0.layer.class_name());
            names::give_back(&prefix, &self.0.name.text);
        }
        let text = name.into();
        let origin = Origin::Given;
        self.edit_core(|core| core.name = Name { text, origin })
    }

    /// The type of the weights and of the computation; `F32` by default.
    pub fn dtype(self, dtype: DType) -> Self {
        self.edit_core(|core| core.dtype = dtype)
    }

    /// Changes an option: of this layer if it is fresh and has one handle, of a new layer otherwise.
    pub(crate) fn edit(self, change: impl FnOnce(&mut L)) -> Self {
        self.edit_core(|core| change(&mut core.layer))
    }

    fn edit_core(mut self, change: impl FnOnce(&mut Core<L>)) -> Self {
        if let Some(core) = Arc::get_mut(&mut self.0)
            && !core.lock().built
        {
            change(core);
            return self;
        }
        let Some(layer) = self.0.layer.duplicate() else {
            self.0.lock().refused = Some(no_copy(
                "it was changed after its first call, which makes a new layer, and it cannot be copied",
            ));
            return self;
        };
        let name = match self.0.name.origin {
            Origin::Automatic => Name {
                text: names::unique(&names::snake_case(self.0.layer.class_name())),
                origin: Origin::Automatic,
            },
            _ => self.0.name.clone(),
        };
        let mut core = Core::new(name, layer);
        core.dtype = self.0.dtype;
        core.activity_regularizer = self.0.activity_regularizer;
        core.trainable = AtomicBool::new(self.trainable());
        change(&mut core);
        Handle(Arc::new(core))
    }
}

impl<L> Core<L> {
    fn new(name: Name, layer: L) -> Self {
        Core {
            name,
            dtype: DType::F32,
            trainable: AtomicBool::new(true),
            calls: Mutex::default(),
            activity_regularizer: None,
            state: Mutex::default(),
            layer,
        }
    }
}

impl<L: ?Sized> Core<L> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AnyLayer {
    /// Its name.
    pub fn get_name(&self) -> &str {
        &self.0.name.text
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
        config.insert("dtype".to_owned(), self.0.dtype.keras_name().into());
        config.extend(self.config());
        if let Some(regularizer) = &self.0.activity_regularizer {
            config.insert(registry::ACTIVITY.to_owned(), regularizer.to_json());
        }
        if WITHOUT_TRAINABLE.contains(&self.class_name()) {
            config.shift_remove("trainable");
        }
        config
    }

    /// The type of the weights and of the computation.
    pub fn dtype(&self) -> DType {
        self.0.dtype
    }

    /// Whether a mask on the input is used or may pass to the output.
    pub(crate) fn supports_masking(&self) -> bool {
        self.0.layer.supports_masking()
    }

    /// Whether it is a model.
    pub(crate) fn is_model(&self) -> bool {
        self.options::<Functional>().is_some()
    }

    /// The penalty on its outputs.
    pub(crate) fn activity_regularizer(&self) -> Option<Regularizer> {
        let own = self.0.layer.activity_regularizer();
        own.or(self.0.activity_regularizer)
    }

    /// The options, if the layer is of this kind.
    pub(crate) fn options<L: Layer>(&self) -> Option<&L> {
        self.0.layer.as_any().downcast_ref()
    }

    /// Whether the weights exist.
    pub fn built(&self) -> bool {
        self.0.lock().built
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
            core.name = Name {
                text: name.to_owned(),
                origin: Origin::Given,
            };
        }
        Ok(copy)
    }

    /// All that the layer itself keeps: its weights, what it keeps between batches, and the state of its random numbers.
    pub(crate) fn kept_variables(&self) -> Vec<Variable> {
        let state = self.0.lock();
        let named = state.weights.iter().chain(&state.states);
        let variables = named.map(|(_, variable)| variable.clone());
        variables.chain(state.seed.clone()).collect()
    }

    /// Identity.
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.0) as *const () as usize
    }

    /// How often it has been called, in whatever model.
    pub fn calls(&self) -> usize {
        self.connections().made()
    }

    pub(super) fn connections(&self) -> MutexGuard<'_, Connections> {
        self.0.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The layers directly inside it.
    pub fn sublayers(&self) -> Vec<(String, AnyLayer)> {
        self.0.layer.sublayers()
    }

    pub(crate) fn seed(&self) -> Option<Variable> {
        self.0.lock().seed.clone()
    }

    /// The shapes that it was built for.
    pub(crate) fn build_specs(&self) -> BuildSpecs {
        self.0.lock().build_specs.clone()
    }

    /// Its own weight of this name.
    pub(crate) fn variable(&self, name: &str) -> Result<Variable> {
        let state = self.0.lock();
        let mut all = state.weights.iter().chain(&state.states);
        let found = all.find(|(n, _)| n == name);
        found.map(|(_, w)| w.clone()).ok_or_else(|| {
            let names: Vec<&str> = state.weights.iter().map(|(n, _)| n.as_str()).collect();
            Error::new(
                ErrorKind::NotFound,
                format!("no weight `{name}`; the layer has {names:?}"),
            )
        })
    }

    /// Its own weights, without those of layers inside: trainable ones first, as Keras stores them.
    pub(crate) fn own_weights(&self) -> Vec<Variable> {
        self.named_weights().into_iter().map(|(_, w)| w).collect()
    }

    /// Its own weights under the names that `call` reads them by (`kernel`, `lstm_cell/kernel`), in the same order.
    pub(crate) fn named_weights(&self) -> Vec<(String, Variable)> {
        let mut weights = self.0.lock().weights.clone();
        weights.sort_by_key(|(_, w)| !w.declared_trainable());
        weights
    }

    /// The weights: its own trainable ones, its own others, then those of the layers inside, each once.
    pub fn weights(&self) -> Vec<Variable> {
        let (mut all, mut seen) = (Vec::new(), HashSet::new());
        self.visit_layers(&mut |layer| {
            let own = layer.own_weights().into_iter();
            all.extend(own.filter(|w| seen.insert(w.id())));
        });
        all
    }

    /// This layer, then all layers inside it, depth first.
    pub(crate) fn visit_layers(&self, f: &mut impl FnMut(&AnyLayer)) {
        f(self);
        for (_, layer) in self.sublayers() {
            layer.visit_layers(f);
        }
    }

    /// The weights that training changes.
    pub fn trainable_weights(&self) -> Vec<Variable> {
        if !self.trainable() {
            return Vec::new();
        }
        self.weights()
            .into_iter()
            .filter(Variable::trainable)
            .collect()
    }

    /// The weights that training does not change.
    pub fn non_trainable_weights(&self) -> Vec<Variable> {
        let all_frozen = !self.trainable();
        let mut weights = self.weights();
        weights.retain(|w| all_frozen || !w.trainable());
        weights
    }

    /// Number of elements in all its weights.
    pub fn count_params(&self) -> usize {
        self.weights().iter().map(Variable::numel).sum()
    }

    /// Whether training changes its weights.
    pub fn trainable(&self) -> bool {
        self.0.trainable.load(Ordering::Relaxed)
    }

    /// Forgets what the layer and the layers inside it have kept between batches (`stateful`).
    pub fn reset_states(&self) {
        self.visit_layers(&mut |layer| {
            for (_, variable) in &layer.0.lock().states {
                variable.set(Literal::zeros(variable.shape(), variable.dtype()));
            }
        });
    }

    /// Freezes or unfreezes the layer, the layers inside it, and their weights.
    pub fn set_trainable(&self, trainable: bool) {
        self.visit_layers(&mut |layer| {
            layer.0.trainable.store(trainable, Ordering::Relaxed);
            let state = layer.0.lock();
            let weights = state.weights.iter();
            weights.for_each(|(_, w)| w.set_trainable(trainable));
        });
    }

    /// Freezes the layer but not the layers inside it, as Keras does for a model made with `trainable=False`.
    pub(crate) fn freeze_alone(&self) {
        self.0.trainable.store(false, Ordering::Relaxed);
    }

    /// `layer `dense` (Dense), call 2`.
    pub(crate) fn call_label(&self, call: usize) -> String {
        format!(
            "layer `{}` ({}), call {call}",
            self.get_name(),
            self.class_name()
        )
    }
}
