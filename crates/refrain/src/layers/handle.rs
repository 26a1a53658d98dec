//! Handles on layers: cheap to clone, all clones are one layer with one set of weights.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use refrain_graph::{DType, Literal, Spec};

use super::build::Build;
use super::call::Call;
use super::config::Config;
use super::connections::Connections;
use super::layer::{Erased, InputSpec, Layer, Outputs};
use super::node::{Node, Recorded};
use super::{ConfigValue, registry};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::{Argument, Inputs};
use crate::names;
use crate::ops;
use crate::regularizers::Regularizer;
use crate::structure::Structure;
use crate::tensor::{Tensor, only_constants};
use crate::trace::Trace;
use crate::variable::Variable;
use crate::warnings;

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
        let mut all = Vec::new();
        self.visit_layers(&mut |layer| {
            for w in layer.own_weights() {
                if !all.contains(&w) {
                    all.push(w);
                }
            }
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
        let trainable = self.trainable_weights();
        let mut weights = self.weights();
        weights.retain(|w| !trainable.contains(w));
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
                let mut value = variable.write();
                *value = Literal::zeros(value.dims(), value.dtype());
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

    /// Calls the layer on symbolic tensors (which records a node) or on traced ones (which lowers it in place).
    pub fn call_structure(&self, inputs: &Inputs) -> Result<Structure<Tensor>> {
        self.call_under(inputs, None)
    }

    /// Calls the layer on symbolic tensors; weights that the call makes get paths inside the outer layer's.
    pub(crate) fn call_within(&self, inputs: &Inputs, outer: &str) -> Result<Structure<Tensor>> {
        self.call_under(inputs, Some(outer))
    }

    fn call_under(&self, inputs: &Inputs, outer: Option<&str>) -> Result<Structure<Tensor>> {
        let call = self.calls() + 1;
        let inputs = self.0.layer.arguments(inputs);
        let result = inputs.and_then(|inputs| self.call_either(&inputs, outer));
        result.map_err(|e| e.in_layer(self.get_name(), self.class_name()).at_call(call))
    }

    fn call_either(&self, inputs: &Inputs, outer: Option<&str>) -> Result<Structure<Tensor>> {
        if let Some(error) = self.0.lock().refused.clone() {
            return Err(error);
        }
        let tensors = inputs.tensors();
        tensors.iter().try_for_each(|t| t.check())?;
        let symbolic = tensors.iter().filter(|t| t.as_symbolic().is_some()).count();
        match (symbolic, tensors.len()) {
            (_, 0) => Err(no_tensors(inputs)),
            (0, _) => {
                let traces = Trace::innermost(&tensors)?;
                self.lower(&traces, inputs)
            }
            (s, n) if s == n => self.call_symbolic(inputs, outer),
            _ => Err(mixed()),
        }
    }

    fn call_symbolic(&self, inputs: &Inputs, outer: Option<&str>) -> Result<Structure<Tensor>> {
        let trace = Trace::new(false);
        if let Some(outer) = outer {
            trace.enter(outer, outer);
        }
        let placeholders = inputs.try_map(|t| placeholder(&trace, t))?;
        let outputs = self.lower(&trace, &placeholders)?;
        let flat = outputs.flatten();
        let keeps_mask = flat.iter().any(|t| t.mask().is_some());
        warnings::mask_destroyed(self, inputs, keeps_mask);
        let specs = flat
            .iter()
            .map(|t| Ok((t.expect_traced()?.spec.clone(), t.mask().map(|m| m.spec()))))
            .collect::<Result<Vec<_>>>()?;
        let positions = outputs
            .with_leaves(0..flat.len())
            .ok_or_else(|| Error::new(ErrorKind::Internal, "outputs without positions"))?;
        let node = self.record(inputs.clone(), positions, specs, Recorded::Call);
        Ok(node.tensors())
    }

    /// Records a call whose outputs are known.
    pub(crate) fn record(
        &self,
        inputs: Inputs,
        outputs: Structure<usize>,
        specs: Vec<(Spec, Option<Spec>)>,
        recorded: Recorded<'_>,
    ) -> Arc<Node> {
        let names = recorded.names(specs.len());
        self.connections().add(|index| Node {
            layer: self.clone(),
            inputs,
            index,
            outputs,
            specs,
            names,
            repeated: matches!(recorded, Recorded::Repetition),
            masks: OnceLock::new(),
        })
    }

    /// Adds the layer's function to a program.
    pub(crate) fn lower(&self, trace: &Trace, inputs: &Inputs) -> Result<Structure<Tensor>> {
        self.lower_as(trace, inputs, Some(self.calls() + 1))
    }

    /// Adds the layer's function to a program as this call of it; `None` for the model that is run.
    pub(crate) fn lower_as(
        &self,
        trace: &Trace,
        inputs: &Inputs,
        call: Option<usize>,
    ) -> Result<Structure<Tensor>> {
        let label = match call {
            Some(call) => self.call_label(call),
            None => format!("model `{}`", self.get_name()),
        };
        let inputs = trace.place(inputs)?.try_map(|t| self.autocast(t))?;
        self.build_for(&inputs, &trace.layer_path().join("/"))?;
        self.check_inputs(&inputs)?;
        let outer = trace.enter(self.get_name(), &label);
        let outer_training = trace.training();
        trace.set_training(inputs.training().unwrap_or(outer_training));
        let result = self.lower_inside(trace, &inputs.watched(), call);
        trace.set_training(outer_training);
        trace.leave(outer);
        result
    }

    fn lower_inside(
        &self,
        trace: &Trace,
        inputs: &Inputs,
        number: Option<usize>,
    ) -> Result<Structure<Tensor>> {
        let cx = Call {
            trace: trace.clone(),
            layer: self.clone(),
            number,
        };
        let outputs = self.0.layer.call(&cx, inputs)?;
        inputs.check_asked()?;
        let flat: Vec<Tensor> = outputs.flatten().into_iter().cloned().collect();
        flat.iter().try_for_each(Tensor::check)?;
        self.add_activity_loss(&cx, &flat)?;
        let masks = self.compute_mask(&cx, inputs, &flat)?;
        let masked = flat.iter().zip(masks).map(|(t, m)| t.with_mask(m));
        outputs
            .with_leaves(masked)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "fewer masks than outputs"))
    }

    /// The masks of the flat outputs of a call.
    pub(crate) fn compute_mask(
        &self,
        cx: &Call,
        inputs: &Inputs,
        outputs: &[Tensor],
    ) -> Result<Vec<Option<Tensor>>> {
        self.0.layer.compute_mask(cx, inputs, outputs)
    }

    fn add_activity_loss(&self, cx: &Call, outputs: &[Tensor]) -> Result<()> {
        let own = self.0.layer.activity_regularizer();
        let Some(regularizer) = own.or(self.0.activity_regularizer.as_ref()) else {
            return Ok(());
        };
        for output in outputs {
            let batch = output.dim(0).unwrap_or(1).max(1);
            cx.add_loss(&(regularizer.loss(output) / batch as f64))?;
        }
        Ok(())
    }

    /// Floats come as the layer's type; integers and truth values stay what they are.
    fn autocast(&self, tensor: &Tensor) -> Result<Tensor> {
        let fits = !tensor.dtype().is_float() || tensor.dtype() == self.0.dtype;
        if fits || !self.0.layer.casts_inputs() {
            return Ok(tensor.clone());
        }
        let cast = ops::cast(tensor, self.0.dtype).with_mask(tensor.mask());
        cast.check()?;
        Ok(cast)
    }

    fn check_inputs(&self, inputs: &Inputs) -> Result<()> {
        let spec = self.0.lock().input_spec.clone();
        if let Some(first) = inputs
            .first()
            .ok()
            .and_then(|s| s.flatten().first().copied())
        {
            spec.check(self.class_name(), &first.spec())?;
        }
        Ok(())
    }

    /// Makes the weights, unless they exist. Nothing is kept of a build that fails.
    pub(crate) fn build_for(&self, inputs: &Inputs, outer_path: &str) -> Result<()> {
        if self.built() {
            return Ok(());
        }
        if self.0.name.origin != Origin::Read {
            names::check(self.get_name())?;
        }
        self.0.layer.validate()?;
        let path = match outer_path {
            "" => self.get_name().to_owned(),
            outer => format!("{outer}/{}", self.get_name()),
        };
        let mut build = Build {
            inputs: inputs.clone(),
            path,
            dtype: self.0.dtype,
            trainable: self.trainable(),
            weights: Vec::new(),
            states: Vec::new(),
            seed: None,
            input_spec: InputSpec::default(),
        };
        self.0.layer.build(&mut build)?;
        let mut state = self.0.lock();
        if state.built {
            return Ok(()); // another thread was faster
        }
        state.build_specs = BuildSpecs::of(inputs);
        state.weights = build.weights;
        state.states = build.states;
        state.seed = build.seed;
        state.input_spec = build.input_spec;
        state.built = true;
        Ok(())
    }
}

/// What is wrong with arguments that no input of a model leads to.
fn no_tensors(inputs: &Inputs) -> Error {
    let constants = inputs.map_constants(|_| Err(only_constants())).err();
    constants.unwrap_or_else(|| Error::mismatch(ErrorKind::Structure, "input tensors", "none"))
}

/// Stands for a symbolic tensor while shapes are inferred.
fn placeholder(trace: &Trace, tensor: &Tensor) -> Result<Tensor> {
    let Some(symbolic) = tensor.as_symbolic() else {
        return Err(Error::new(
            ErrorKind::Symbolic,
            "a symbolic tensor is needed",
        ));
    };
    let mask = symbolic.mask.clone().map(|spec| trace.input("mask", spec));
    Ok(trace
        .input(&symbolic.name, symbolic.spec.clone())
        .with_mask(mask))
}
