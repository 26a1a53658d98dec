//! Shapes whose dimensions may be unknown, and the spec (shape and type) of a tensor.

use std::fmt;

use crate::DType;

/// A dimension: `None` while it is unknown (batch, time, height, …).
pub type Dim = Option<usize>;

/// The dimensions of a tensor, outermost first.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Shape(Vec<Dim>);

impl Shape {
    /// The shape of a scalar.
    pub fn scalar() -> Self {
        Shape(Vec::new())
    }

    /// Number of dimensions.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// The dimensions.
    pub fn dims(&self) -> &[Dim] {
        &self.0
    }

    /// The dimensions, to be changed.
    pub fn dims_mut(&mut self) -> &mut Vec<Dim> {
        &mut self.0
    }

    /// Dimension `axis`, which must be below the rank.
    pub fn dim(&self, axis: usize) -> Dim {
        self.0[axis]
    }

    /// All dimensions, if all are known.
    pub fn known(&self) -> Option<Vec<usize>> {
        self.0.iter().copied().collect()
    }

    /// Whether all dimensions are known.
    pub fn is_known(&self) -> bool {
        self.0.iter().all(Option::is_some)
    }

    /// Number of elements, if all dimensions are known and the product fits.
    pub fn numel(&self) -> Option<usize> {
        self.0
            .iter()
            .try_fold(1usize, |n, d| d.and_then(|d| n.checked_mul(d)))
    }

    /// Whether both could be the same shape once the unknown dimensions are known.
    pub fn compatible(&self, other: &Shape) -> bool {
        self.rank() == other.rank()
            && self
                .0
                .iter()
                .zip(&other.0)
                .all(|(a, b)| a.is_none() || b.is_none() || a == b)
    }

    /// The shape that knows what either of two compatible shapes knows.
    pub fn merge(&self, other: &Shape) -> Option<Shape> {
        self.compatible(other)
            .then(|| Shape(self.0.iter().zip(&other.0).map(|(a, b)| a.or(*b)).collect()))
    }
}

impl From<Vec<Dim>> for Shape {
    fn from(dims: Vec<Dim>) -> Self {
        Shape(dims)
    }
}

impl FromIterator<Dim> for Shape {
    fn from_iter<I: IntoIterator<Item = Dim>>(dims: I) -> Self {
        Shape(dims.into_iter().collect())
    }
}

impl From<&[Dim]> for Shape {
    fn from(dims: &[Dim]) -> Self {
        Shape(dims.to_vec())
    }
}

impl From<&[usize]> for Shape {
    fn from(dims: &[usize]) -> Self {
        dims.iter().map(|&d| Some(d)).collect()
    }
}

impl From<Vec<usize>> for Shape {
    fn from(dims: Vec<usize>) -> Self {
        Shape::from(dims.as_slice())
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Self {
        Shape::from(dims.as_slice())
    }
}

impl<const N: usize> From<[Dim; N]> for Shape {
    fn from(dims: [Dim; N]) -> Self {
        Shape(dims.to_vec())
    }
}

/// Keras's spelling: `(None, 10)`, `(32,)`, `()`.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, d) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            match d {
                Some(d) => write!(f, "{d}")?,
                None => f.write_str("None")?,
            }
        }
        f.write_str(if self.0.len() == 1 { ",)" } else { ")" })
    }
}

/// What is known of a tensor before it has values: its shape and element type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// The dimensions, some perhaps unknown.
    pub shape: Shape,
    /// The element type.
    pub dtype: DType,
}

impl Spec {
    /// A spec of this shape and type.
    pub fn new(shape: impl Into<Shape>, dtype: DType) -> Self {
        Spec {
            shape: shape.into(),
            dtype,
        }
    }

    /// A scalar of this type.
    pub fn scalar(dtype: DType) -> Self {
        Spec::new(Shape::scalar(), dtype)
    }

    /// Bytes that the values take, if the shape is known.
    pub fn bytes(&self) -> Option<usize> {
        self.shape.numel()?.checked_mul(self.dtype.size())
    }
}

/// The text form's spelling: `f32[2,?]`.
impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[", self.dtype)?;
        for (i, d) in self.shape.dims().iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            match d {
                Some(d) => write!(f, "{d}")?,
                None => f.write_str("?")?,
            }
        }
        f.write_str("]")
    }
}
