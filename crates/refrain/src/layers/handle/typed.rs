//! Handles on layers of a known kind: making, naming and changing them.

use std::sync::{Arc, Weak};

use refrain_graph::DType;

use super::{AnyLayer, Base, Core, Name, Origin, no_copy};
use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::layer::{Layer, Outputs};
use crate::names;
use crate::variable::Variable;

/// A layer of a known kind: [`Dense`](crate::layers::Dense) and all other layers are handles, and what is here they all have.
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

impl<L> Clone for Handle<L> {
    fn clone(&self) -> Self {
        Handle(self.0.clone())
    }
}

impl<L: Layer> Handle<L> {
    fn with_base(base: Base, layer: L) -> Self {
        Handle(Arc::new(Core { base, layer }))
    }

    /// A layer under an automatic name.
    pub(crate) fn from_options(layer: L) -> Self {
        Handle::with_base(Base::automatic(layer.class_name()), layer)
    }

    /// A layer under the name of a description, or one that was checked.
    pub(crate) fn with_name(layer: L, name: &str) -> Self {
        Handle::with_base(Base::read(name), layer)
    }

    /// A layer with the name, type and trainability of another.
    pub(crate) fn like(layer: L, template: &AnyLayer) -> Self {
        Handle::with_base(template.0.base.like(), layer)
    }

    pub(crate) fn downgrade(&self) -> WeakHandle<L> {
        WeakHandle(Arc::downgrade(&self.0))
    }

    /// The same layer, its kind forgotten.
    pub fn any(&self) -> AnyLayer {
        AnyLayer(self.0.clone())
    }

    /// The same handle, its kind forgotten.
    pub(in crate::layers) fn into_any(self) -> AnyLayer {
        AnyLayer(self.0)
    }

    /// Its name.
    pub fn get_name(&self) -> &str {
        &self.0.base.name.text
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
        self.any().trainable()
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
        if self.0.base.name.origin == Origin::Automatic {
            let prefix = names::snake_case(self.0.layer.class_name());
            names::give_back(&prefix, &self.0.base.name.text);
        }
        let text = name.into();
        let origin = Origin::Given;
        self.edit_core(|core| core.base.name = Name { text, origin })
    }

    /// The type of the weights and of the computation; `F32` by default.
    pub fn dtype(self, dtype: DType) -> Self {
        self.edit_core(|core| core.base.dtype = dtype)
    }

    /// Changes an option: of this layer if it is fresh and has one handle, of a new layer otherwise.
    pub(crate) fn edit(self, change: impl FnOnce(&mut L)) -> Self {
        self.edit_core(|core| change(&mut core.layer))
    }

    fn edit_core(mut self, change: impl FnOnce(&mut Core<L>)) -> Self {
        if let Some(core) = Arc::get_mut(&mut self.0)
            && !core.base.lock().built
        {
            change(core);
            return self;
        }
        let Some(layer) = self.0.layer.duplicate() else {
            self.0.base.lock().refused = Some(no_copy(
                "it was changed after its first call, which makes a new layer, and it cannot be copied",
            ));
            return self;
        };
        let mut copy = Handle::like(layer, &self.any());
        if let Some(core) = Arc::get_mut(&mut copy.0) {
            if core.base.name.origin == Origin::Automatic {
                core.base.name = Name::automatic(core.layer.class_name());
            }
            change(core);
        }
        copy
    }
}
