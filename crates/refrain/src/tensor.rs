//! Tensors without values: symbolic ones that models are declared with, and traced ones inside a layer's `call`.

use std::fmt;
use std::sync::Arc;

use refrain_graph::{DType, Dim, Shape, Spec, Value};

use crate::error::{Error, ErrorKind, Result};
use crate::layers::node::Node;
use crate::names;
use crate::trace::Trace;

/// A tensor without values: what layers are called on and what they return.
///
/// Outside layers it is *symbolic*: it knows its shape, its element type and the layer call that makes it. Inside a
/// layer's `call` it is *traced*: each function of [`ops`](crate::ops) adds a primitive to the program being made. The
/// same code works on both.
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

/// Identity of a symbolic tensor: its call and its position among the call's outputs.
pub(crate) type TensorKey = (usize, usize);

impl Tensor {
    pub(crate) fn symbolic(
        spec: Spec,
        name: Option<String>,
        node: Arc<Node>,
        index: usize,
        mask: Option<Spec>,
    ) -> Self {
        let name = name.unwrap_or_else(|| names::unique("keras_tensor"));
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
            Inner::Invalid(e) => Err(e.clone()),
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
            Inner::Invalid(_) => &[],
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
            Inner::Invalid(_) => DType::F32,
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

    /// The traced tensor behind it, or an error for a symbolic or invalid one.
    pub(crate) fn expect_traced(&self) -> Result<&Traced> {
        match &*self.0 {
            Inner::Traced(t) => Ok(t),
            Inner::Invalid(e) => Err(e.clone()),
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

    /// The mask that a traced tensor carries: `bool`, true where an element counts.
    pub fn mask(&self) -> Option<Tensor> {
        self.as_traced()?.mask.clone()
    }

    /// The same traced tensor carrying this mask (or none).
    pub fn with_mask(&self, mask: Option<Tensor>) -> Tensor {
        match self.as_traced() {
            Some(t) => Tensor(Arc::new(Inner::Traced(Traced { mask, ..t.clone() }))),
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
            Inner::Invalid(e) => write!(f, "<Tensor with error: {e}>"),
        }
    }
}
