//! Arrays in a structure: what `fit` is given for inputs, targets and sample weights.

use ndarray::{Array, ArrayBase, ArrayView, Data as Storage, Dimension};
use refrain_graph::Literal;

use super::array::{DataArray, Sample};
use super::batches::of_program;
use crate::error::{Error, ErrorKind, Result};
use crate::structure::Structure;

/// Arrays of samples, borrowed or owned, in the structure of a model's inputs or outputs.
///
/// Made by itself from what `fit`, `evaluate` and `predict` are given; only arrays of different types need to be wrapped
/// by hand:
///
/// ```
/// use refrain::data::Arrays;
/// let (pixels, words) = (ndarray::Array2::<f32>::zeros((8, 4)), ndarray::Array2::<i32>::zeros((8, 7)));
/// let inputs = [Arrays::new(&pixels), Arrays::new(&words)];
/// ```
#[derive(Clone, Debug)]
pub struct Arrays<'a>(pub(crate) Result<Structure<Option<DataArray<'a>>>>);

impl<'a> Arrays<'a> {
    /// Borrows an array or a structure of arrays.
    pub fn new(arrays: impl IntoArrays<'a>) -> Self {
        arrays.into_arrays()
    }

    fn one(array: DataArray<'a>) -> Self {
        Arrays(Ok(Structure::Leaf(Some(array))))
    }

    fn list(items: impl IntoIterator<Item = Arrays<'a>>) -> Self {
        let items: Result<Vec<_>> = items.into_iter().map(|a| a.0).collect();
        Arrays(items.map(Structure::List))
    }

    fn dict<'k>(items: impl IntoIterator<Item = (&'k str, Arrays<'a>)>) -> Self {
        let items: Result<Vec<_>> = items
            .into_iter()
            .map(|(k, a)| Ok((k.to_owned(), a.0?)))
            .collect();
        Arrays(items.map(Structure::dict))
    }
}

/// What can be given as data: an `ndarray` array, a reference to one, a view, a [`Literal`], a slice or `Vec` (one number a
/// sample), a slice with its shape, and lists, tuples and dicts of those. Elements are `f32`, `f64`, `i32`, `i64`, `u8`,
/// `u32` or `bool`; or a `Result` of them. Nothing is copied but one batch at a time, so that arrays mapped from a file are read as they are
/// needed; see [`Model::fit`](crate::Model::fit).
pub trait IntoArrays<'a> {
    /// As a structure of borrowed arrays.
    fn into_arrays(self) -> Arrays<'a>;
}

impl<'a> IntoArrays<'a> for Arrays<'a> {
    fn into_arrays(self) -> Arrays<'a> {
        self
    }
}

impl<'a> IntoArrays<'a> for &Arrays<'a> {
    fn into_arrays(self) -> Arrays<'a> {
        self.clone()
    }
}

impl<'a, T: Sample, S: Storage<Elem = T>, D: Dimension> IntoArrays<'a> for &'a ArrayBase<S, D> {
    fn into_arrays(self) -> Arrays<'a> {
        Arrays::one(DataArray::view(self))
    }
}

impl<'a, T: Sample, D: Dimension> IntoArrays<'a> for ArrayView<'a, T, D> {
    fn into_arrays(self) -> Arrays<'a> {
        Arrays::one(DataArray::of_view(self))
    }
}

impl<'a, T: Sample, D: Dimension> IntoArrays<'a> for Array<T, D> {
    fn into_arrays(self) -> Arrays<'a> {
        Arrays::one(DataArray::owned(self))
    }
}

impl<'a> IntoArrays<'a> for &'a Literal {
    fn into_arrays(self) -> Arrays<'a> {
        Arrays::one(DataArray::literal(self))
    }
}

fn shaped<'a, T: Sample>(values: &'a [T], shape: &[usize]) -> Arrays<'a> {
    match DataArray::slice(values, shape) {
        Some(array) => Arrays::one(array),
        None => Arrays(Err(Error::mismatch(
            ErrorKind::Data,
            format!("{shape:?} = {} values", shape.iter().product::<usize>()),
            format!("a slice of {}", values.len()),
        ))),
    }
}

impl<'a, T: Sample> IntoArrays<'a> for &'a [T] {
    fn into_arrays(self) -> Arrays<'a> {
        shaped(self, &[self.len()])
    }
}

impl<'a, T: Sample> IntoArrays<'a> for &'a Vec<T> {
    fn into_arrays(self) -> Arrays<'a> {
        shaped(self, &[self.len()])
    }
}

impl<'a, T: Sample, const N: usize> IntoArrays<'a> for (&'a [T], [usize; N]) {
    fn into_arrays(self) -> Arrays<'a> {
        shaped(self.0, &self.1)
    }
}

impl<'a, T: Sample, const N: usize> IntoArrays<'a> for (&'a Vec<T>, [usize; N]) {
    fn into_arrays(self) -> Arrays<'a> {
        shaped(self.0, &self.1)
    }
}

impl<'a, A: IntoArrays<'a>, const N: usize> IntoArrays<'a> for [A; N] {
    fn into_arrays(self) -> Arrays<'a> {
        Arrays::list(self.into_iter().map(A::into_arrays))
    }
}

impl<'a, A: IntoArrays<'a>> IntoArrays<'a> for Vec<A> {
    fn into_arrays(self) -> Arrays<'a> {
        Arrays::list(self.into_iter().map(A::into_arrays))
    }
}

impl<'a, A: IntoArrays<'a>, const N: usize> IntoArrays<'a> for [(&str, A); N] {
    fn into_arrays(self) -> Arrays<'a> {
        Arrays::dict(self.into_iter().map(|(k, a)| (k, a.into_arrays())))
    }
}

/// `None` stands for an output without targets or weights.
impl<'a, A: IntoArrays<'a>> IntoArrays<'a> for Option<A> {
    fn into_arrays(self) -> Arrays<'a> {
        match self {
            Some(array) => array.into_arrays(),
            None => Arrays(Ok(Structure::Leaf(None))),
        }
    }
}

/// An error is that of the run.
impl<'a, A: IntoArrays<'a>, E> IntoArrays<'a> for Result<A, E>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn into_arrays(self) -> Arrays<'a> {
        match self {
            Ok(arrays) => arrays.into_arrays(),
            Err(error) => Arrays(Err(of_program(error))),
        }
    }
}

impl<'a, A: IntoArrays<'a>, B: IntoArrays<'a>> IntoArrays<'a> for (A, B) {
    fn into_arrays(self) -> Arrays<'a> {
        Arrays::list([self.0.into_arrays(), self.1.into_arrays()])
    }
}

impl<'a, A: IntoArrays<'a>, B: IntoArrays<'a>, C: IntoArrays<'a>> IntoArrays<'a> for (A, B, C) {
    fn into_arrays(self) -> Arrays<'a> {
        Arrays::list([
            self.0.into_arrays(),
            self.1.into_arrays(),
            self.2.into_arrays(),
        ])
    }
}
