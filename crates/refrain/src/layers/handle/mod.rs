//! Handles on layers: cheap to clone, all clones are one layer with one set of weights.

mod any_layer;
mod lowering;
mod symbolic;
mod typed;
mod weights;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use refrain_graph::{DType, Spec};

use super::connections::Connections;
use super::layer::{Erased, InputSpec};
use crate::error::{Error, ErrorKind};
use crate::inputs::{Argument, Inputs};
use crate::names;
use crate::regularizers::Regularizer;
use crate::structure::Structure;
use crate::tensor::Tensor;
use crate::variable::Variable;

pub(crate) use symbolic::mixed;
pub use typed::Handle;
pub(crate) use typed::WeakHandle;

/// What all handles of one layer share.
pub(crate) struct Core<L: ?Sized> {
    base: Base,
    layer: L,
}

/// What every layer has, whatever its class.
struct Base {
    name: Name,
    dtype: DType,
    trainable: AtomicBool,
    calls: Mutex<Connections>,
    /// The penalty on outputs of a layer that has no option for it; files may give every layer one.
    activity_regularizer: Option<Regularizer>,
    state: Mutex<State>,
}

#[derive(Clone)]
struct Name {
    text: String,
    origin: Origin,
}

impl Name {
    fn automatic(class_name: &str) -> Self {
        Name {
            text: names::unique(&names::snake_case(class_name)),
            origin: Origin::Automatic,
        }
    }
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
    /// Those of the first argument alone.
    pub(crate) fn of_first(mut self) -> Self {
        self.args.truncate(1);
        let by_name = if self.args.is_empty() { 1 } else { 0 };
        self.kwargs.truncate(by_name);
        self
    }

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

/// A layer of any kind.
#[derive(Clone)]
pub struct AnyLayer(Arc<Core<dyn Erased>>);

impl Base {
    fn new(name: Name) -> Self {
        Base {
            name,
            dtype: DType::F32,
            trainable: AtomicBool::new(true),
            calls: Mutex::default(),
            activity_regularizer: None,
            state: Mutex::default(),
        }
    }

    /// A layer's under an automatic name.
    fn automatic(class_name: &str) -> Self {
        Base::new(Name::automatic(class_name))
    }

    /// A layer's under the name of a description, or one that was checked.
    fn read(name: &str) -> Self {
        Base::new(Name {
            text: name.to_owned(),
            origin: Origin::Read,
        })
    }

    /// Another layer's with the same name, type and trainability.
    fn like(&self) -> Self {
        Base {
            dtype: self.dtype,
            trainable: AtomicBool::new(self.trainable.load(Ordering::Relaxed)),
            activity_regularizer: self.activity_regularizer.clone(),
            ..Base::new(self.name.clone())
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is wrong with a copy of a layer whose type does not say how.
fn no_copy(message: &str) -> Error {
    Error::new(ErrorKind::Unsupported, message).hint("Give its type the method `duplicate`")
}
