//! The trait of all layers, built-in and users' own.

use std::any::Any;

use refrain_graph::Spec;

use super::build::Build;
use super::call::Call;
use super::graph::Graph;
use super::handle::{AnyLayer, Handle};
use super::properties::Properties;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::regularizers::Regularizer;
use crate::structure::Structure;
use crate::tensor::Tensor;

/// What a layer is: its options, its weights, and the function that it computes.
///
/// A type that implements it becomes a layer by [`into_layer`](Layer::into_layer). Shapes are inferred and gradients
/// derived from `call`, which is written with [`ops`](crate::ops).
///
/// ```
/// use refrain::layers::{Build, Call, Layer, Weight};
/// use refrain::{Inputs, Result, Tensor, input};
///
/// /// Multiplies each feature by a learned factor.
/// struct Scale;
///
/// impl Layer for Scale {
///     type Output = Tensor;
///
///     fn class_name(&self) -> &str {
///         "Scale"
///     }
///
///     fn build(&self, cx: &mut Build) -> Result<()> {
///         let features = cx.last_dim()?;
///         cx.add_weight(Weight::new("factor", [features]).ones())
///     }
///
///     fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
///         Ok(inputs.one()? * cx.weight("factor")?)
///     }
/// }
///
/// let scale = Scale.into_layer().name("scale");
/// let y = scale.call(&input([3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 3)");
/// assert_eq!(scale.count_params(), 3);
/// # Ok::<(), refrain::Error>(())
/// ```
pub trait Layer: Send + Sync + 'static {
    /// What a call returns: a [`Tensor`], a list, a [`Structure`], or a type of the layer's own.
    type Output: Outputs;

    /// The class: Keras's for built-in layers. Automatic names are made from it.
    fn class_name(&self) -> &str;

    /// The options under Keras's names, without `name`, `trainable` and `dtype`. Empty by default.
    fn config(&self) -> Config {
        Config::new()
    }

    /// Refuses options that make no sense. Asked once, before the layer is built. By default nothing is refused.
    ///
    /// # Errors
    /// An option makes no sense.
    fn validate(&self) -> Result<()> {
        Ok(())
    }

    /// Declares the weights, with [`Build::add_weight`], for inputs of the shapes of the first call. Asked once. By default there
    /// are none.
    ///
    /// # Errors
    /// The inputs do not fit the options, or a size that a weight needs is not known.
    fn build(&self, _cx: &mut Build) -> Result<()> {
        Ok(())
    }

    /// The function itself, written with [`ops`](crate::ops), on traced tensors: shapes and gradients follow from it.
    ///
    /// # Errors
    /// The inputs do not fit.
    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Self::Output>;

    /// The function where the number of outputs depends on the arguments (attention with or without its scores). By default
    /// the outputs of [`call`](Layer::call).
    ///
    /// # Errors
    /// The inputs do not fit.
    fn call_nested(&self, cx: &Call, inputs: &Inputs) -> Result<Structure<Tensor>> {
        self.call(cx, inputs).map(Outputs::into_structure)
    }

    /// The arguments of a call as Keras passes them, for layers that can be called in several forms. By default as they are.
    ///
    /// # Errors
    /// They have none of the forms.
    fn arguments(&self, inputs: &Inputs) -> Result<Inputs> {
        Ok(inputs.clone())
    }

    /// Whether float inputs are cast to the layer's type before the call: `true` by default.
    fn casts_inputs(&self) -> bool {
        true
    }

    /// Whether a mask on the input is used or may pass to the output. If not, masks end here, and a symbolic call with one
    /// gives a warning; only an output that is the input itself keeps its mask. `false` by default.
    fn supports_masking(&self) -> bool {
        false
    }

    /// The masks of the flat outputs. By default the first input's mask, if masks are supported.
    ///
    /// # Errors
    /// The masks do not fit each other.
    fn compute_mask(
        &self,
        _cx: &Call,
        inputs: &Inputs,
        outputs: &[Tensor],
    ) -> Result<Vec<Option<Tensor>>> {
        let mask = inputs.mask().filter(|_| self.supports_masking());
        Ok(vec![mask; outputs.len()])
    }

    /// The states that a cell starts each sequence from, given as zeros; [`Rnn`](super::Rnn) asks for them. They are flat, and by
    /// default those zeros.
    fn initial_state(&self, _cx: &Call, zeros: Vec<Tensor>) -> Result<Vec<Tensor>> {
        Ok(zeros)
    }

    /// The penalty on the output of each call, per sample of the batch. None by default.
    fn activity_regularizer(&self) -> Option<Regularizer> {
        None
    }

    /// What else is to be known of the layer; see the defaults of [`Properties`].
    fn properties(&self) -> Properties {
        Properties::default()
    }

    /// Layers inside this one, under the names of Keras's attributes (`cell`, `forward_layer`, …). None by default.
    fn sublayers(&self) -> Vec<(String, AnyLayer)> {
        Vec::new()
    }

    /// Itself, if it is a graph of layers.
    #[doc(hidden)]
    fn graph(&self) -> Option<&dyn Graph> {
        None
    }

    /// The same options for a new layer, without weights; `None`, the default, if it cannot be copied. Copies of models need it.
    fn duplicate(&self) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }

    /// Makes it a layer that can be called, under an automatic name.
    fn into_layer(self) -> Handle<Self>
    where
        Self: Sized,
    {
        Handle::from_options(self)
    }
}

/// What a layer's call can return.
pub trait Outputs: Sized {
    /// As a structure of tensors.
    fn into_structure(self) -> Structure<Tensor>;
    /// From the structure that [`into_structure`](Outputs::into_structure) gave.
    fn from_structure(structure: Structure<Tensor>) -> Result<Self>;
}

impl Outputs for Structure<Tensor> {
    fn into_structure(self) -> Structure<Tensor> {
        self
    }

    fn from_structure(structure: Structure<Tensor>) -> Result<Self> {
        Ok(structure)
    }
}

impl Outputs for Tensor {
    fn into_structure(self) -> Structure<Tensor> {
        Structure::Leaf(self)
    }

    fn from_structure(structure: Structure<Tensor>) -> Result<Self> {
        match structure.single() {
            Some(t) => Ok(t.clone()),
            None => Err(Error::mismatch(
                ErrorKind::Structure,
                "one output tensor",
                format!("{} output tensors", structure.flatten().len()),
            )
            .hint("Use `call_structure`, which gives them all")),
        }
    }
}

impl Outputs for Vec<Tensor> {
    fn into_structure(self) -> Structure<Tensor> {
        Structure::list(self)
    }

    fn from_structure(structure: Structure<Tensor>) -> Result<Self> {
        Ok(structure.into_leaves())
    }
}

/// [`Layer`] with its output type erased, so that layers of all kinds can be held together.
pub(crate) trait Erased: Send + Sync + 'static {
    fn class_name(&self) -> &str;
    fn config(&self) -> Config;
    fn validate(&self) -> Result<()>;
    fn build(&self, cx: &mut Build) -> Result<()>;
    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Structure<Tensor>>;
    fn arguments(&self, inputs: &Inputs) -> Result<Inputs>;
    fn supports_masking(&self) -> bool;
    fn compute_mask(
        &self,
        cx: &Call,
        inputs: &Inputs,
        outputs: &[Tensor],
    ) -> Result<Vec<Option<Tensor>>>;
    fn initial_state(&self, cx: &Call, zeros: Vec<Tensor>) -> Result<Vec<Tensor>>;
    fn activity_regularizer(&self) -> Option<Regularizer>;
    fn casts_inputs(&self) -> bool;
    fn properties(&self) -> Properties;
    fn sublayers(&self) -> Vec<(String, AnyLayer)>;
    fn graph(&self) -> Option<&dyn Graph>;
    fn as_any(&self) -> &dyn Any;
    fn duplicate(&self, template: &AnyLayer) -> Option<AnyLayer>;
}

impl<L: Layer> Erased for L {
    fn class_name(&self) -> &str {
        Layer::class_name(self)
    }

    fn config(&self) -> Config {
        Layer::config(self)
    }

    fn validate(&self) -> Result<()> {
        Layer::validate(self)
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        Layer::build(self, cx)
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Structure<Tensor>> {
        Layer::call_nested(self, cx, inputs)
    }

    fn arguments(&self, inputs: &Inputs) -> Result<Inputs> {
        Layer::arguments(self, inputs)
    }

    fn supports_masking(&self) -> bool {
        Layer::supports_masking(self)
    }

    fn compute_mask(
        &self,
        cx: &Call,
        inputs: &Inputs,
        outputs: &[Tensor],
    ) -> Result<Vec<Option<Tensor>>> {
        Layer::compute_mask(self, cx, inputs, outputs)
    }

    fn initial_state(&self, cx: &Call, zeros: Vec<Tensor>) -> Result<Vec<Tensor>> {
        Layer::initial_state(self, cx, zeros)
    }

    fn activity_regularizer(&self) -> Option<Regularizer> {
        Layer::activity_regularizer(self)
    }

    fn casts_inputs(&self) -> bool {
        Layer::casts_inputs(self)
    }

    fn properties(&self) -> Properties {
        Layer::properties(self)
    }

    fn sublayers(&self) -> Vec<(String, AnyLayer)> {
        Layer::sublayers(self)
    }

    fn graph(&self) -> Option<&dyn Graph> {
        Layer::graph(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn duplicate(&self, template: &AnyLayer) -> Option<AnyLayer> {
        let copy = Layer::duplicate(self)?;
        Some(Handle::like(copy, template).any())
    }
}

/// What to do about an input of another width.
const ONE_WIDTH: &str =
    "Give each input its own Dense to bring both to one width, or use two layers";

/// What to do about an input of another rank.
const OTHER_RANK: &str =
    "Change the Input's shape, or bring the tensor to this rank first, with Reshape or Flatten";

/// What a layer demands of its first input, whatever the call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InputSpec {
    /// Exactly this rank.
    pub ndim: Option<usize>,
    /// At least this rank.
    pub min_ndim: Option<usize>,
    /// At most this rank.
    pub max_ndim: Option<usize>,
    /// Sizes along axes (negative: from the end).
    pub axes: Vec<(i64, usize)>,
}

impl InputSpec {
    /// No demands.
    pub fn new() -> Self {
        InputSpec::default()
    }

    /// Demands exactly this rank.
    pub fn ndim(mut self, ndim: usize) -> Self {
        self.ndim = Some(ndim);
        self
    }

    /// Demands at least this rank.
    pub fn min_ndim(mut self, ndim: usize) -> Self {
        self.min_ndim = Some(ndim);
        self
    }

    /// Demands a size along an axis.
    pub fn axis(mut self, axis: i64, size: usize) -> Self {
        self.axes.push((axis, size));
        self
    }

    /// Checks an input; sizes fixed at an earlier call say so in the error.
    pub(crate) fn check(&self, class: &str, spec: &Spec) -> Result<()> {
        let rank = spec.shape.rank();
        let shape_error = |expected: String| {
            Error::mismatch(ErrorKind::Shape, expected, format!("shape {}", spec.shape))
        };
        let rank_error = |expected: String| Err(shape_error(expected).hint(OTHER_RANK));
        if let Some(n) = self.ndim.filter(|&n| n != rank) {
            return rank_error(format!("an input of rank {n}, the batch included"));
        }
        if let Some(n) = self.min_ndim.filter(|&n| n > rank) {
            return rank_error(format!("an input of rank {n} or more, the batch included"));
        }
        if let Some(n) = self.max_ndim.filter(|&n| n < rank) {
            return rank_error(format!("an input of rank {n} or less, the batch included"));
        }
        for &(axis, size) in &self.axes {
            let resolved = crate::tensor::resolve_axis(axis, rank)?;
            if spec.shape.dim(resolved).is_some_and(|d| d != size) {
                let (name, cure) = match axis {
                    -1 => ("the last axis".to_owned(), ONE_WIDTH.to_owned()),
                    axis => (
                        format!("axis {axis}"),
                        format!("Use a second {class} for inputs of this size"),
                    ),
                };
                let error = shape_error(format!("{name} to have size {size}"));
                return Err(error.hint(format!(
                    "Its weights were built for {size} at call 1. {cure}"
                )));
            }
        }
        Ok(())
    }
}
