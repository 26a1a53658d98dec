//! Tensors: symbolic ones that models are declared with, traced ones inside a layer's `call`, and constants.

use std::fmt;
use std::sync::Arc;

use refrain_graph::{DType, Dim, Literal, Shape, Spec, Value};

use crate::error::{Error, ErrorKind, Result};
use crate::layers::masks;
use crate::layers::node::Node;
use crate::trace::Trace;

/// What layers are called on and what they return.
///
/// Outside layers it is *symbolic*: it knows its shape, its element type and the layer call that makes it, but has no
/// values. Inside a layer's `call` it is *traced*: each function of [`ops`](crate::ops) adds a primitive to the program
/// being made. The same code works on both. A *constant* ([`ops::convert_to_tensor`](crate::ops::convert_to_tensor)) has
/// values, and may stand beside either kind as any argument of a layer or function.
///
/// Functions and operators on tensors cannot fail: one that does not fit gives a tensor that carries the error, and the
/// next layer call or [`Model::new`](crate::Model::new) reports it ([`Tensor::check`] asks at once).
///
/// ```
/// use refrain::{input, ops};
/// let (a, b) = (input([10]), input([10]));
/// let distance = ops::abs(&(&a - &b)) * 2.0;
/// assert_eq!(distance.shape().to_string(), "(None, 10)");
/// assert!((&a + &input([7])).check().is_err());
/// ```
#[derive(Clone)]
pub struct Tensor(Arc<Inner>);

enum Inner {
    Symbolic(Symbolic),
    Traced(Traced),
    Constant(Constant),
    /// Stands where no tensor was given, with the error for whoever needs one.
    Absent(Error),
    Invalid(Error),
}

/// An output of a layer call in a declared graph.
pub(crate) struct Symbolic {
    pub(crate) spec: Spec,
    pub(crate) name: String,
    /// The call that makes it.
    pub(crate) node: Arc<Node>,
    /// Which of the call's flat outputs it is.
    pub(crate) index: usize,
    /// Shape and type of the mask that it will carry.
    pub(crate) mask: Option<Spec>,
}

/// Values that are known when a model is declared.
pub(crate) struct Constant {
    spec: Spec,
    pub(crate) value: Arc<Literal>,
}

/// A value of a program being made.
#[derive(Clone)]
pub(crate) struct Traced {
    pub(crate) trace: Trace,
    pub(crate) value: Value,
    pub(crate) spec: Spec,
    pub(crate) mask: Option<Tensor>,
    pub(crate) logits: Option<Logits>,
}

/// The logits behind a probability, so that a cross-entropy can be computed from them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Logits {
    Sigmoid(Value),
    Softmax(Value),
}

impl Logits {
    pub(crate) fn value(self) -> Value {
        match self {
            Logits::Sigmoid(value) | Logits::Softmax(value) => value,
        }
    }

    /// Logits of the same kind.
    pub(crate) fn with_value(self, value: Value) -> Self {
        match self {
            Logits::Sigmoid(_) => Logits::Sigmoid(value),
            Logits::Softmax(_) => Logits::Softmax(value),
        }
    }
}

/// Identity of a symbolic tensor: its call and its position among the call's outputs.
pub(crate) type TensorKey = (usize, usize);

impl Tensor {
    pub(crate) fn symbolic(
        spec: Spec,
        name: String,
        node: Arc<Node>,
        index: usize,
        mask: Option<Spec>,
    ) -> Self {
        Tensor(Arc::new(Inner::Symbolic(Symbolic {
            spec,
            name,
            node,
            index,
            mask,
        })))
    }

    pub(crate) fn traced(trace: Trace, value: Value, spec: Spec) -> Self {
        Tensor(Arc::new(Inner::Traced(Traced {
            trace,
            value,
            spec,
            mask: None,
            logits: None,
        })))
    }

    pub(crate) fn constant(literal: Literal) -> Self {
        Tensor(Arc::new(Inner::Constant(Constant {
            spec: literal.spec(),
            value: Arc::new(literal),
        })))
    }

    /// Stands where no tensor was given; the error is for whoever needs one.
    pub(crate) fn absent(error: Error) -> Self {
        Tensor(Arc::new(Inner::Absent(error)))
    }

    pub(crate) fn invalid(error: Error) -> Self {
        Tensor(Arc::new(Inner::Invalid(error)))
    }

    /// The tensor, or the error that it carries.
    pub(crate) fn from_result(result: Result<Tensor>) -> Self {
        result.unwrap_or_else(Tensor::invalid)
    }

    /// The error that the tensor carries, if a function that made it did not fit.
    pub fn check(&self) -> Result<()> {
        match &*self.0 {
            Inner::Invalid(e) | Inner::Absent(e) => Err(e.clone()),
            _ => Ok(()),
        }
    }

    /// The tensor, or the error that it carries.
    pub fn checked(self) -> Result<Tensor> {
        self.check().map(|()| self)
    }

    /// The shape; `None` dimensions are known only when there is data. Scalar for a tensor that carries an error.
    pub fn shape(&self) -> Shape {
        self.dims().into()
    }

    /// The dimensions; none for a tensor that carries an error.
    pub(crate) fn dims(&self) -> &[Dim] {
        match &*self.0 {
            Inner::Symbolic(s) => s.spec.shape.dims(),
            Inner::Traced(t) => t.spec.shape.dims(),
            Inner::Constant(c) => c.spec.shape.dims(),
            Inner::Absent(_) | Inner::Invalid(_) => &[],
        }
    }

    /// Number of dimensions, the batch included.
    pub fn rank(&self) -> usize {
        self.dims().len()
    }

    /// Size along an axis; negative axes count from the end. `None` if it is unknown or there is no such axis.
    pub fn dim(&self, axis: i64) -> Dim {
        let axis = resolve_axis(axis, self.rank()).ok()?;
        self.dims()[axis]
    }

    /// The element type. `F32` for a tensor that carries an error.
    pub fn dtype(&self) -> DType {
        match &*self.0 {
            Inner::Symbolic(s) => s.spec.dtype,
            Inner::Traced(t) => t.spec.dtype,
            Inner::Constant(c) => c.spec.dtype,
            Inner::Absent(_) | Inner::Invalid(_) => DType::F32,
        }
    }

    /// Shape and element type.
    pub fn spec(&self) -> Spec {
        Spec::new(self.shape(), self.dtype())
    }

    /// Keras's name of a symbolic tensor (`keras_tensor_3`, or the input's name); empty otherwise.
    pub fn name(&self) -> &str {
        self.as_symbolic().map_or("", |s| &s.name)
    }

    pub(crate) fn as_symbolic(&self) -> Option<&Symbolic> {
        match &*self.0 {
            Inner::Symbolic(s) => Some(s),
            _ => None,
        }
    }

    pub(crate) fn as_constant(&self) -> Option<&Arc<Literal>> {
        match &*self.0 {
            Inner::Constant(c) => Some(&c.value),
            _ => None,
        }
    }

    /// The values of a constant; `None` for a tensor that a model or a program computes.
    ///
    /// ```
    /// use refrain::{DType, input, ops};
    /// assert_eq!(ops::ones([2], DType::F32).value().unwrap().to_f64(), [1.0, 1.0]);
    /// assert!(input([2]).value().is_none());
    /// ```
    pub fn value(&self) -> Option<&Literal> {
        self.as_constant().map(|value| &**value)
    }

    /// Whether it stands where no tensor was given.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(&*self.0, Inner::Absent(_))
    }

    /// Whether a call or a program makes it: it is neither a constant nor absent.
    pub(crate) fn is_computed(&self) -> bool {
        !matches!(&*self.0, Inner::Constant(_) | Inner::Absent(_))
    }

    pub(crate) fn as_traced(&self) -> Option<&Traced> {
        match &*self.0 {
            Inner::Traced(t) => Some(t),
            _ => None,
        }
    }

    /// Identity of a symbolic tensor.
    pub(crate) fn key(&self) -> Option<TensorKey> {
        let s = self.as_symbolic()?;
        Some((Arc::as_ptr(&s.node) as usize, s.index))
    }

    /// The traced tensor behind it, or an error for any other one.
    pub(crate) fn expect_traced(&self) -> Result<&Traced> {
        match &*self.0 {
            Inner::Traced(t) => Ok(t),
            Inner::Invalid(e) | Inner::Absent(e) => Err(e.clone()),
            Inner::Constant(_) => Err(only_constants()),
            Inner::Symbolic(s) => Err(Error::new(
                ErrorKind::Symbolic,
                format!(
                    "symbolic tensor `{}` of shape {} has no value: it belongs to a model's declaration and cannot be \
                     used inside a layer's `call`",
                    s.name, s.spec.shape
                ),
            )),
        }
    }

    /// The mask that the tensor carries: `bool`, true where an element counts.
    ///
    /// The mask of a symbolic tensor is a tensor of the declared graph, made of calls as Keras makes them. `None` also where
    /// there are none for it: behind a nested model, behind a call that gives what it was given, or behind a layer of your own
    /// whose [`compute_mask`](crate::layers::Layer::compute_mask) needs more than functions of [`ops`](crate::ops).
    ///
    /// ```
    /// use refrain::{DType, Input, layers::Embedding};
    /// let ids = Input::new([6]).dtype(DType::I32).tensor();
    /// let x = Embedding::new(10, 4).mask_zero(true).call(&ids)?;
    /// assert_eq!(x.mask().unwrap().shape().to_string(), "(None, 6)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn mask(&self) -> Option<Tensor> {
        match &*self.0 {
            Inner::Traced(t) => t.mask.clone(),
            Inner::Symbolic(s) => masks::symbolic(s),
            Inner::Constant(_) | Inner::Absent(_) | Inner::Invalid(_) => None,
        }
    }

    /// Whether both are one value of a program.
    pub(crate) fn is_same(&self, other: &Tensor) -> bool {
        match (self.as_traced(), other.as_traced()) {
            (Some(a), Some(b)) => a.value == b.value && a.trace.same(&b.trace),
            _ => false,
        }
    }

    /// The same traced tensor carrying this mask (or none).
    pub fn with_mask(&self, mask: Option<Tensor>) -> Tensor {
        match self.as_traced() {
            Some(t) => Tensor(Arc::new(Inner::Traced(Traced { mask, ..t.clone() }))),
            None => self.clone(),
        }
    }

    /// Hangs a mask on the object that a traced tensor is in Keras, or takes it off. One of an inner loop cannot hang on it.
    pub(crate) fn hang_mask(&self, mask: Option<&Tensor>) {
        let Some(traced) = self.as_traced() else {
            return;
        };
        let mask = mask.map(|mask| traced.trace.import(mask)).transpose();
        if let Ok(mask) = mask {
            traced.trace.hang_mask(traced.value, mask);
        }
    }

    /// The same tensor with the mask that hangs on it now.
    pub(crate) fn with_hung_mask(&self) -> Tensor {
        let traced = self.as_traced();
        match traced.and_then(|t| t.trace.hung_mask(t.value)) {
            Some(mask) => self.with_mask(mask),
            None => self.clone(),
        }
    }

    /// The same traced tensor, remembering the logits that it was made from.
    pub(crate) fn with_logits(&self, logits: Logits) -> Tensor {
        match self.as_traced() {
            Some(t) => Tensor(Arc::new(Inner::Traced(Traced {
                logits: Some(logits),
                ..t.clone()
            }))),
            None => self.clone(),
        }
    }
}

/// The refusal of a call whose arguments all are constants.
pub(crate) fn only_constants() -> Error {
    let expected = "a tensor that depends on an input among the arguments";
    Error::mismatch(ErrorKind::Symbolic, expected, "constants only")
        .hint("Compute the result beforehand, and use it as a constant")
}

/// The axis counted from the front, or an error for one that does not exist.
pub(crate) fn resolve_axis(axis: i64, rank: usize) -> Result<usize> {
    let resolved = if axis < 0 { axis + rank as i64 } else { axis };
    if (0..rank as i64).contains(&resolved) {
        return Ok(resolved as usize);
    }
    Err(Error::mismatch(
        ErrorKind::Shape,
        format!("an axis between -{rank} and {}", rank as i64 - 1),
        format!("axis {axis}"),
    ))
}

/// Functions that take `impl AsRef<Tensor>` take a tensor or a reference to one.
impl AsRef<Tensor> for Tensor {
    fn as_ref(&self) -> &Tensor {
        self
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Inner::Symbolic(s) => write!(
                f,
                "<Tensor shape={}, dtype={}, name={}>",
                s.spec.shape,
                s.spec.dtype.keras_name(),
                s.name
            ),
            Inner::Traced(t) => write!(f, "<Tensor {}: {}>", t.value, t.spec),
            Inner::Constant(c) => write!(f, "<Tensor constant: {}>", c.spec),
            Inner::Absent(e) | Inner::Invalid(e) => write!(f, "<Tensor with error: {e}>"),
        }
    }
}
