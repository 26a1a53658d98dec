//! Input layers.

use refrain_graph::{DType, Dim, Shape, Spec};
use serde_json::Value as Json;

use crate::config::{Config, ConfigValue, dtype_from_json, in_option};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::node::Recorded;
use crate::layers::{Call, Handle, Layer, Properties};
use crate::structure::Structure;
use crate::tensor::Tensor;

/// The layer behind an input tensor. Made by [`input`] and [`Input`], never called.
#[derive(Clone, Debug)]
pub struct InputLayer {
    pub(crate) batch_shape: Shape,
    pub(crate) dtype: DType,
    pub(crate) optional: bool,
}

impl InputLayer {
    /// Shape and type of its tensor.
    pub(crate) fn spec(&self) -> Spec {
        Spec::new(self.batch_shape.clone(), self.dtype)
    }

    /// From Keras's configuration.
    pub(crate) fn from_config(config: &Config) -> Result<Self> {
        let flag = |key: &str| config.get(key).and_then(Json::as_bool) == Some(true);
        if let Some(kind) = ["sparse", "ragged"].into_iter().find(|key| flag(key)) {
            let message = format!("{kind} inputs are not supported; give it dense arrays");
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let shape = config.get("batch_shape").unwrap_or(&Json::Null);
        let dims = Vec::<Dim>::from_json(shape).map_err(|e| in_option(e, "batch_shape"))?;
        let dtype = config.get("dtype").filter(|json| !json.is_null());
        Ok(InputLayer {
            batch_shape: Shape::from(dims),
            dtype: dtype.map_or(Ok(DType::F32), dtype_from_json)?,
            optional: flag("optional"),
        })
    }
}

impl Layer for InputLayer {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "InputLayer"
    }

    fn properties(&self) -> Properties {
        Properties {
            plain_config: true,
            ..Properties::default()
        }
    }

    fn config(&self) -> Config {
        let dims: Vec<Option<usize>> = self.batch_shape.dims().to_vec();
        let mut config = Config::new();
        config.insert("batch_shape".to_owned(), dims.to_json());
        config.insert("dtype".to_owned(), self.dtype.keras_name().into());
        config.insert("sparse".to_owned(), false.into());
        config.insert("ragged".to_owned(), false.into());
        config.insert("optional".to_owned(), self.optional.into());
        config
    }

    fn call(&self, _cx: &Call, _inputs: &Inputs) -> Result<Tensor> {
        Err(Error::new(
            ErrorKind::Structure,
            "an input layer cannot be called",
        ))
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }

    fn casts_inputs(&self) -> bool {
        false
    }
}

/// An input tensor of this shape, without the batch axis, of type `F32` and under an automatic name.
///
/// ```
/// use refrain::input;
/// let image = input([28, 28, 1]);
/// let sequence = input([None, Some(20)]); // of any length
/// assert_eq!(sequence.shape().to_string(), "(None, None, 20)");
/// ```
pub fn input(shape: impl Into<Shape>) -> Tensor {
    Input::new(shape).tensor()
}

/// An input tensor with more than a shape: a name, a type, a batch size.
///
/// ```
/// use refrain::{DType, Input};
/// let words = Input::new([128]).name("words").dtype(DType::I32).tensor();
/// assert_eq!(words.name(), "words");
/// ```
#[derive(Clone, Debug)]
#[must_use = "call `tensor()` to get the input tensor"]
pub struct Input {
    shape: Shape,
    batch_size: Dim,
    name: Option<String>,
    dtype: DType,
    optional: bool,
}

impl Input {
    /// An input of this shape, without the batch axis.
    pub fn new(shape: impl Into<Shape>) -> Self {
        Input {
            shape: shape.into(),
            batch_size: None,
            name: None,
            dtype: DType::F32,
            optional: false,
        }
    }

    /// A name instead of the automatic `input_layer`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The element type.
    pub fn dtype(mut self, dtype: DType) -> Self {
        self.dtype = dtype;
        self
    }

    /// A fixed batch size (stateful layers need one).
    pub fn batch_size(mut self, size: usize) -> Self {
        self.batch_size = Some(size);
        self
    }

    /// Whether `None` may be given instead of data, as in Keras.
    ///
    /// The layers that take the input as an argument of its own, not as their first and not in a list, are then called
    /// without it: a recurrent layer without an `initial_state`, attention without a `key`, a layer of your own without what
    /// it asks [`Inputs::tensor`](crate::Inputs::tensor) for. Any other layer refuses.
    ///
    /// ```
    /// use refrain::layers::Gru;
    /// use refrain::{Input, Inputs, Model, input};
    /// let (x, state) = (input([8, 3]), Input::new([4]).optional(true).tensor());
    /// let y = Gru::new(4).call(Inputs::new(&x).kwarg("initial_state", &state))?;
    /// let model = Model::new([&x, &state], &y.output)?;
    /// let data = ndarray::Array3::<f32>::ones((2, 8, 3));
    /// assert_eq!(model.predict([Some(&data), None]).run()?.get(0)?.shape(), [2, 4]);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn optional(mut self, optional: bool) -> Self {
        self.optional = optional;
        self
    }

    /// The tensor.
    pub fn tensor(self) -> Tensor {
        let mut dims = vec![self.batch_size];
        dims.extend_from_slice(self.shape.dims());
        let spec = Spec::new(dims, self.dtype);
        let layer = InputLayer {
            batch_shape: spec.shape.clone(),
            dtype: self.dtype,
            optional: self.optional,
        };
        input_tensor(layer, self.name, spec)
    }
}

impl<S: Into<Shape>> From<S> for Input {
    fn from(shape: S) -> Self {
        Input::new(shape)
    }
}

/// The symbolic tensor of an input layer. Only a name that was given becomes the tensor's name, as in Keras.
pub(crate) fn input_tensor(layer: InputLayer, name: Option<String>, spec: Spec) -> Tensor {
    let handle = match &name {
        Some(name) => Handle::with_name(layer, name),
        None => Handle::from_options(layer),
    };
    let specs = vec![spec.into()];
    let recorded = Recorded::Input(name.as_deref());
    let node = handle
        .any()
        .record(Inputs::default(), Structure::Leaf(0), specs, recorded);
    node.tensors().into_first()
}

/// Whether a model's input may be left out.
pub(crate) fn is_optional(tensor: &Tensor) -> bool {
    let layer = tensor.as_symbolic().map(|s| &s.node.layer);
    let input = layer.and_then(|l| l.options::<InputLayer>());
    input.is_some_and(|input| input.optional)
}

/// Stands for an optional input without data: a tensor that tells whoever needs it.
pub(crate) fn absent(name: &str) -> Tensor {
    let received = format!("None: input `{name}` is optional and was not given");
    let error = Error::mismatch(ErrorKind::Structure, "a tensor", received)
        .hint("Give it, or pass it to the layer as an argument that the layer can do without");
    Tensor::absent(error)
}

/// The refusal of `None` for an input that is not optional.
pub(crate) fn not_optional(name: &str) -> Error {
    let expected = format!("data for input `{name}`, which is not optional");
    Error::mismatch(ErrorKind::Structure, expected, "None")
        .hint("Give it, or declare it with `Input::optional`")
}
