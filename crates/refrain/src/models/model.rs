//! What users hold: a model that can be called, trained, looked at.

use std::fmt;

use super::functional::Functional;
use super::summary::Summary;
use crate::config::short;
use crate::data::{Arrays, IntoArrays};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::{AnyLayer, Handle, Outputs};
use crate::names;
use crate::structure::Structure;
use crate::tensor::Tensor;
use crate::variable::Variable;

/// A model: the graph of layer calls between its inputs and its outputs.
///
/// A cheap handle: clones are the same model. It is a layer too: [`call`](Model::call) it on other tensors and its
/// weights are shared.
///
/// ```
/// use refrain::{Model, input, layers::Dense};
///
/// let (left, right) = (input([10]), input([10]));
/// let shared = Dense::new(32);
/// let distance = (shared.call(&left)? - shared.call(&right)?).abs();
/// let model = Model::new([&left, &right], &Dense::new(1).call(&distance)?)?;
/// assert_eq!(model.count_params(), 352 + 33);
/// # Ok::<(), refrain::Error>(())
/// ```
#[derive(Clone)]
pub struct Model {
    handle: Handle<Functional>,
}

impl Model {
    /// The model between these inputs and outputs: tensors, lists, tuples, dicts, or any nesting of them.
    ///
    /// # Errors
    /// An output depends on an input that is not given, two layers have one name, or a tensor carries an error.
    pub fn new(
        inputs: impl Into<Structure<Tensor>>,
        outputs: impl Into<Structure<Tensor>>,
    ) -> Result<Self> {
        // Keras counts a model's name even if its construction fails.
        let name = names::unique("functional");
        let functional = Functional::new(inputs.into(), outputs.into())?;
        Ok(Model::from_functional(functional, &name))
    }

    /// [`Model::new`] under a given name.
    pub fn with_name(
        name: &str,
        inputs: impl Into<Structure<Tensor>>,
        outputs: impl Into<Structure<Tensor>>,
    ) -> Result<Self> {
        names::check(name)?;
        let functional = Functional::new(inputs.into(), outputs.into())?;
        Ok(Model::from_functional(functional, name))
    }

    pub(crate) fn from_functional(functional: Functional, name: &str) -> Self {
        let handle = Handle::with_name(functional, name);
        handle.options().remember(handle.downgrade());
        Model { handle }
    }

    pub(super) fn from_handle(handle: Handle<Functional>) -> Self {
        Model { handle }
    }

    pub(crate) fn functional(&self) -> &Functional {
        self.handle.options()
    }

    /// The model as a layer among others.
    pub fn any(&self) -> AnyLayer {
        self.handle.any()
    }

    /// Calls a model of one output on other tensors; its weights are shared.
    ///
    /// # Errors
    /// The inputs do not fit, or the model has several outputs (see [`call_structure`](Model::call_structure)).
    pub fn call(&self, inputs: impl Into<Inputs>) -> Result<Tensor> {
        Tensor::from_structure(self.call_structure(inputs)?)
    }

    /// Calls the model on other tensors; its outputs come in their declared structure.
    pub fn call_structure(&self, inputs: impl Into<Inputs>) -> Result<Structure<Tensor>> {
        self.any().call_structure(&inputs.into())
    }

    /// Its name.
    pub fn get_name(&self) -> &str {
        self.handle.get_name()
    }

    /// The input tensors in their declared structure.
    pub fn input(&self) -> Structure<Tensor> {
        self.functional().inputs.clone()
    }

    /// The output tensors in their declared structure.
    pub fn output(&self) -> Structure<Tensor> {
        self.functional().outputs.clone()
    }

    /// The flat input tensors.
    pub fn inputs(&self) -> Vec<Tensor> {
        self.functional()
            .inputs
            .flatten()
            .into_iter()
            .cloned()
            .collect()
    }

    /// The flat output tensors.
    pub fn outputs(&self) -> Vec<Tensor> {
        self.functional()
            .outputs
            .flatten()
            .into_iter()
            .cloned()
            .collect()
    }

    /// Names of the inputs, in flat order.
    ///
    /// ```
    /// use refrain::{Input, Model, layers::{Dense, add}};
    /// let (a, b) = (Input::new([2]).name("a").tensor(), Input::new([2]).name("b").tensor());
    /// let model = Model::with_name("sum", [&a, &b], &Dense::new(1).name("score").call(add([&a, &b])?)?)?;
    /// assert_eq!((model.get_name(), model.input_names()), ("sum", vec!["a".to_owned(), "b".to_owned()]));
    /// assert_eq!((model.output_names(), model.layers().len()), (vec!["score".to_owned()], 4));
    /// assert_eq!(model.get_layer_at(3)?.get_name(), "score");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn input_names(&self) -> Vec<String> {
        self.functional().input_names.to_vec()
    }

    /// Names of the layers behind the outputs, in flat order.
    pub fn output_names(&self) -> Vec<String> {
        self.functional().output_names.to_vec()
    }

    /// The layers in Keras's order: deepest first. Functions of [`ops`](crate::ops) are not among them.
    pub fn layers(&self) -> Vec<AnyLayer> {
        let functional = self.functional();
        let operations = functional.operations.iter();
        operations
            .filter(|l| functional.is_listed(l))
            .cloned()
            .collect()
    }

    /// The layer of this name.
    ///
    /// # Errors
    /// There is none; the error lists the names there are.
    pub fn get_layer(&self, name: &str) -> Result<AnyLayer> {
        let layers = self.layers();
        let found = layers.iter().find(|l| l.get_name() == name).cloned();
        found.ok_or_else(|| {
            let names: Vec<&str> = layers.iter().map(AnyLayer::get_name).collect();
            let message = format!("no layer `{}`; the model has {names:?}", short(name));
            Error::new(ErrorKind::NotFound, message)
        })
    }

    /// The layer at this position among [`layers`](Model::layers).
    ///
    /// # Errors
    /// There are fewer layers.
    pub fn get_layer_at(&self, index: usize) -> Result<AnyLayer> {
        let layers = self.layers();
        layers.get(index).cloned().ok_or_else(|| {
            let message = format!(
                "no layer at index {index}; the model has {} layers",
                layers.len()
            );
            Error::new(ErrorKind::NotFound, message)
        })
    }

    /// All weights, each once, in Keras's order.
    pub fn weights(&self) -> Vec<Variable> {
        self.any().weights()
    }

    /// The weights that training updates: those of layers that are trainable.
    pub fn trainable_weights(&self) -> Vec<Variable> {
        self.any().trainable_weights()
    }

    /// The weights that training does not update: those of frozen layers, and statistics.
    pub fn non_trainable_weights(&self) -> Vec<Variable> {
        self.any().non_trainable_weights()
    }

    /// Number of elements in all weights, shared ones once.
    pub fn count_params(&self) -> usize {
        self.any().count_params()
    }

    /// A table of the layers and their calls, in Keras's layout. Print it with `{}`.
    pub fn summary(&self) -> Summary {
        Summary::new(self)
    }

    /// Whether training updates the weights; `true` by default.
    pub fn trainable(&self) -> bool {
        self.handle.trainable()
    }

    /// Freezes or unfreezes all layers.
    ///
    /// ```
    /// use refrain::{Sequential, layers::Dense};
    /// let model = Sequential::new([4]).add(Dense::new(8).name("features")).add(Dense::new(1)).build()?;
    /// model.get_layer("features")?.set_trainable(false);
    /// assert_eq!((model.trainable_weights().len(), model.non_trainable_weights().len()), (2, 2));
    /// model.set_trainable(false);
    /// assert!(model.trainable_weights().is_empty() && !model.trainable());
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn set_trainable(&self, trainable: bool) {
        self.handle.set_trainable(trainable);
    }
}

impl AnyLayer {
    /// The model that this layer is, such as one nested in another: the same model, not a copy.
    ///
    /// ```
    /// use refrain::{Sequential, layers::Dense};
    /// let encoder = Sequential::new([8]).add(Dense::new(4)).name("encoder").build()?;
    /// let model = Sequential::new([8]).add(&encoder).add(Dense::new(2)).build()?;
    /// let inner = model.get_layer("encoder")?.as_model()?;
    /// assert_eq!(inner.weights(), encoder.weights());
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// # Errors
    /// The layer is not a model.
    pub fn as_model(&self) -> Result<Model> {
        let functional = self.options::<Functional>();
        let model = functional.and_then(Functional::model);
        model.ok_or_else(|| self.refuse("the layer is not a model"))
    }
}

impl<'a> Arrays<'a> {
    /// Arrays in the order of a model's inputs, in the structure of its inputs.
    ///
    /// ```
    /// use refrain::{Input, Model, data::Arrays, layers::{Dense, add}};
    /// let (a, b) = (Input::new([2]).name("a").tensor(), Input::new([2]).name("b").tensor());
    /// let model = Model::new([("a", &a), ("b", &b)], &Dense::new(1).call(add([&a, &b])?)?)?;
    /// let (x, y) = (ndarray::Array2::<f32>::zeros((3, 2)), ndarray::Array2::<f32>::ones((3, 2)));
    /// let inputs = Arrays::of_inputs(&model, [&x, &y]); // {"a": x, "b": y}
    /// assert_eq!(model.predict(inputs).run()?.get(0)?.shape(), [3, 1]);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn of_inputs(model: &Model, arrays: impl IntoArrays<'a>) -> Self {
        let arranged = arrays.into_arrays().0.map(|given| {
            let inputs = &model.functional().inputs;
            let flat = given.flatten().into_iter().cloned();
            inputs.with_leaves(flat).unwrap_or(given)
        });
        Arrays(arranged)
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}

impl From<Model> for AnyLayer {
    fn from(model: Model) -> Self {
        model.any()
    }
}

impl From<&Model> for AnyLayer {
    fn from(model: &Model) -> Self {
        model.any()
    }
}
