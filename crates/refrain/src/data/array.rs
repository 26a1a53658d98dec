//! One array whose first axis counts samples.

use std::ops::RangeInclusive;

use ndarray::{ArcArray, Array, ArrayBase, ArrayViewD, Axis, Data as Storage, Dimension, IxDyn};
use refrain_graph::{DType, Element, Literal, bf16, f16, with_data};

use crate::error::{Error, ErrorKind, Result};

/// An array of samples, borrowed from the caller or owned; the first axis counts samples.
#[derive(Clone, Debug)]
pub struct DataArray<'a>(Values<'a>);

/// A borrowed array, or one whose values its clones share.
#[derive(Clone, Debug)]
enum ArrayStorage<'a, T> {
    View(ArrayViewD<'a, T>),
    Shared(ArcArray<T, IxDyn>),
}

impl<T: Clone> ArrayStorage<'_, T> {
    /// All values, if they lie row by row.
    fn as_slice(&self) -> Option<&[T]> {
        match self {
            ArrayStorage::View(view) => view.as_slice(),
            ArrayStorage::Shared(array) => array.as_slice(),
        }
    }

    fn view(&self) -> ArrayViewD<'_, T> {
        match self {
            ArrayStorage::View(view) => view.view(),
            ArrayStorage::Shared(array) => array.view(),
        }
    }

    fn shape(&self) -> &[usize] {
        match self {
            ArrayStorage::View(view) => view.shape(),
            ArrayStorage::Shared(array) => array.shape(),
        }
    }

    fn keep(&mut self, samples: ndarray::Slice) {
        match self {
            ArrayStorage::View(view) => view.slice_axis_inplace(Axis(0), samples),
            ArrayStorage::Shared(array) => array.slice_axis_inplace(Axis(0), samples),
        }
    }
}

#[derive(Clone, Debug)]
enum Values<'a> {
    F32(ArrayStorage<'a, f32>),
    F64(ArrayStorage<'a, f64>),
    F16(ArrayStorage<'a, f16>),
    BF16(ArrayStorage<'a, bf16>),
    I32(ArrayStorage<'a, i32>),
    I64(ArrayStorage<'a, i64>),
    U8(ArrayStorage<'a, u8>),
    U32(ArrayStorage<'a, u32>),
    Bool(ArrayStorage<'a, bool>),
}

macro_rules! with_part {
    ($values:expr, $part:ident => $body:expr) => {
        match $values {
            Values::F32($part) => $body,
            Values::F64($part) => $body,
            Values::F16($part) => $body,
            Values::BF16($part) => $body,
            Values::I32($part) => $body,
            Values::I64($part) => $body,
            Values::U8($part) => $body,
            Values::U32($part) => $body,
            Values::Bool($part) => $body,
        }
    };
}

macro_rules! with_view {
    ($values:expr, $view:ident => $body:expr) => {
        with_part!($values, part => {
            let $view = &part.view();
            $body
        })
    };
}

/// An element type that arrays of samples can have: `f32`, `f64`, `f16`, `bf16`, `i32`, `i64`, `u8`, `u32`, `bool`.
pub trait Sample: Element + private::Sealed {
    #[doc(hidden)]
    fn borrow<'a>(view: ArrayViewD<'a, Self>) -> DataArray<'a>;
    #[doc(hidden)]
    fn share<'a>(array: ArcArray<Self, IxDyn>) -> DataArray<'a>;
}

mod private {
    pub trait Sealed {}
}

macro_rules! samples {
    ($($t:ty => $variant:ident),*) => {$(
        impl private::Sealed for $t {}
        impl Sample for $t {
            fn borrow<'a>(view: ArrayViewD<'a, Self>) -> DataArray<'a> {
                DataArray(Values::$variant(ArrayStorage::View(view)))
            }
            fn share<'a>(array: ArcArray<Self, IxDyn>) -> DataArray<'a> {
                DataArray(Values::$variant(ArrayStorage::Shared(array)))
            }
        }
    )*};
}
samples!(f32 => F32, f64 => F64, f16 => F16, bf16 => BF16, i32 => I32, i64 => I64, u8 => U8, u32 => U32, bool => Bool);

/// Which samples make a batch, in this order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rows<'r> {
    /// Samples side by side: the first, and how many.
    Range(usize, usize),
    /// Samples picked one by one.
    Picked(&'r [usize]),
}

impl Rows<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Rows::Range(_, n) => *n,
            Rows::Picked(rows) => rows.len(),
        }
    }

    /// The sample at a position of the batch.
    pub(crate) fn sample(&self, position: usize) -> usize {
        match self {
            Rows::Range(start, _) => start + position,
            Rows::Picked(rows) => rows[position],
        }
    }
}

impl<'a> DataArray<'a> {
    /// Borrows an `ndarray` array.
    pub fn view<T: Sample, S: Storage<Elem = T>, D: Dimension>(
        array: &'a ArrayBase<S, D>,
    ) -> DataArray<'a> {
        T::borrow(array.view().into_dyn())
    }

    /// Borrows a view of an array for as long as what it borrows.
    pub(crate) fn of_view<T: Sample, D: Dimension>(
        view: ndarray::ArrayView<'a, T, D>,
    ) -> DataArray<'a> {
        T::borrow(view.into_dyn())
    }

    /// Borrows row-major values of a shape. `None` if their number is not the product of the dimensions.
    pub fn slice<T: Sample>(values: &'a [T], shape: &[usize]) -> Option<DataArray<'a>> {
        let view = ArrayViewD::from_shape(IxDyn(shape), values).ok()?;
        Some(T::borrow(view))
    }

    /// Borrows a literal.
    pub fn literal(literal: &'a Literal) -> DataArray<'a> {
        fn of<'a, T: Sample>(values: &'a [T], dims: &[usize]) -> DataArray<'a> {
            let view = ArrayViewD::from_shape(IxDyn(dims), values);
            // A literal's length is the product of its dimensions, so the other case does not occur.
            T::borrow(view.unwrap_or_else(|_| ndarray::ArrayView1::from(values).into_dyn()))
        }
        with_data!(literal.data(), v => of(v.as_slice(), literal.dims()))
    }

    /// The dimensions, samples first.
    pub fn dims(&self) -> &[usize] {
        with_part!(&self.0, part => part.shape())
    }

    /// Number of samples; `None` for a scalar.
    pub fn samples(&self) -> Option<usize> {
        self.dims().first().copied()
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        match &self.0 {
            Values::F32(_) => DType::F32,
            Values::F64(_) => DType::F64,
            Values::F16(_) => DType::F16,
            Values::BF16(_) => DType::BF16,
            Values::I32(_) => DType::I32,
            Values::I64(_) => DType::I64,
            Values::U8(_) => DType::U8,
            Values::U32(_) => DType::U32,
            Values::Bool(_) => DType::Bool,
        }
    }

    /// Some of the samples.
    pub(crate) fn slice_samples(&self, samples: std::ops::Range<usize>) -> DataArray<'a> {
        let mut values = self.0.clone();
        let slice = ndarray::Slice::from(samples);
        with_part!(&mut values, part => part.keep(slice));
        DataArray(values)
    }

    /// Keeps an array of its own.
    pub(crate) fn owned<T: Sample, D: Dimension>(array: Array<T, D>) -> DataArray<'a> {
        T::share(array.into_shared().into_dyn())
    }

    /// Copies samples into a literal whose first dimension is the number of samples and whose others are the array's.
    /// The values are converted to the literal's type.
    ///
    /// # Errors
    /// A number does not fit an integer type.
    pub(crate) fn copy_rows(&self, rows: Rows<'_>, into: &mut Literal) -> Result<()> {
        let bad = with_part!(&self.0, part => copy_any(part, rows, into));
        let Some(value) = bad else { return Ok(()) };
        let target = into.dtype().keras_name();
        Err(Error::mismatch(
            ErrorKind::DType,
            format!("whole numbers that fit {target}"),
            format!("{value} in data of type {}", self.dtype().keras_name()),
        )
        .hint("Convert the data, or give the Input the data's type"))
    }

    /// Whether all values are numbers in this range.
    pub(crate) fn all_within(&self, range: &RangeInclusive<f64>) -> bool {
        // Blocks without an early end inside are compared several values at a time.
        const BLOCK: usize = 1024;
        let (low, high) = (*range.start(), *range.end());
        with_view!(&self.0, v => {
            let within = |x: f64| x >= low && x <= high;
            match v.as_slice() {
                Some(all) => all
                    .chunks(BLOCK)
                    .all(|block| block.iter().fold(true, |ok, &x| ok & within(x.to_f64()))),
                None => v.iter().all(|&x| within(x.to_f64())),
            }
        })
    }

    /// Calls `f` with each value of a sample.
    pub(crate) fn for_each(&self, sample: usize, f: &mut dyn FnMut(f64)) {
        with_view!(&self.0, v => {
            v.index_axis(Axis(0), sample).iter().for_each(|&x| f(x.to_f64()));
        });
    }
}

fn copy_any<T: Sample>(
    array: &ArrayStorage<'_, T>,
    rows: Rows<'_>,
    into: &mut Literal,
) -> Option<f64> {
    match into.values_mut::<T>() {
        Some(out) => copy_into(array, rows, out),
        None => return convert_into(&array.view(), rows, into),
    }
    None
}

fn copy_into<T: Sample>(array: &ArrayStorage<'_, T>, rows: Rows<'_>, out: &mut [T]) {
    if let (Some(all), Rows::Range(start, _)) = (array.as_slice(), rows) {
        let size = out.len() / rows.len().max(1);
        out.copy_from_slice(&all[start * size..start * size + out.len()]);
        return;
    }
    for_each_row(&array.view(), rows, out, |row, out| match row {
        Row::Slice(row) => out.copy_from_slice(row),
        Row::View(row) => out.iter_mut().zip(row.iter()).for_each(|(o, &x)| *o = x),
    });
}

/// Values that are converted at a time.
const BLOCK: usize = 256;

/// Copies and converts; gives the first value that does not fit. Goes through `f64`, so that there is a loop for each type
/// and not for each pair of types.
fn convert_into<T: Sample>(
    view: &ArrayViewD<'_, T>,
    rows: Rows<'_>,
    into: &mut Literal,
) -> Option<f64> {
    let mut bad = None;
    let mut wide = [0.0; BLOCK];
    let size = into.numel() / rows.len().max(1);
    let contiguous = view.as_slice();
    for i in 0..rows.len() {
        let sample = rows.sample(i);
        let mut at = i * size;
        let mut put = |block: &[f64]| {
            bad = bad.or(narrow(block, at, into));
            at += block.len();
        };
        match contiguous {
            Some(all) => {
                for part in all[sample * size..(sample + 1) * size].chunks(BLOCK) {
                    let block = &mut wide[..part.len()];
                    block
                        .iter_mut()
                        .zip(part)
                        .for_each(|(w, x)| *w = x.to_f64());
                    put(block);
                }
            }
            None => {
                let row = view.index_axis(Axis(0), sample);
                let mut values = row.iter().map(|x| x.to_f64()).peekable();
                while values.peek().is_some() {
                    let count = wide
                        .iter_mut()
                        .zip(&mut values)
                        .map(|(w, x)| *w = x)
                        .count();
                    put(&wide[..count]);
                }
            }
        }
    }
    bad
}

/// Writes values into a literal from one of its elements on; gives the first that does not fit.
fn narrow(values: &[f64], at: usize, into: &mut Literal) -> Option<f64> {
    fn to<U: Element>(values: &[f64], at: usize, into: &mut Literal) -> Option<f64> {
        let out: &mut [U] = into.values_mut().unwrap_or_default();
        let exact = U::DTYPE.is_integer();
        let mut bad = None;
        for (o, &value) in out.iter_mut().skip(at).zip(values) {
            *o = U::from_f64(value);
            if exact && o.to_f64() != value {
                bad.get_or_insert(value);
            }
        }
        bad
    }
    match into.dtype() {
        DType::F32 => to::<f32>(values, at, into),
        DType::F64 => to::<f64>(values, at, into),
        DType::F16 => to::<f16>(values, at, into),
        DType::BF16 => to::<bf16>(values, at, into),
        DType::I32 => to::<i32>(values, at, into),
        DType::I64 => to::<i64>(values, at, into),
        DType::U8 => to::<u8>(values, at, into),
        DType::U32 => to::<u32>(values, at, into),
        DType::Bool => to::<bool>(values, at, into),
    }
}

/// One sample's values.
enum Row<'r, T> {
    Slice(&'r [T]),
    View(ArrayViewD<'r, T>),
}

fn for_each_row<T, U>(
    view: &ArrayViewD<'_, T>,
    rows: Rows<'_>,
    out: &mut [U],
    mut f: impl FnMut(Row<'_, T>, &mut [U]),
) {
    let size = out.len() / rows.len().max(1);
    if size == 0 {
        return;
    }
    let contiguous = view.as_slice();
    for (i, out) in out.chunks_exact_mut(size).enumerate() {
        let sample = rows.sample(i);
        match contiguous {
            Some(all) => f(Row::Slice(&all[sample * size..(sample + 1) * size]), out),
            None => f(Row::View(view.index_axis(Axis(0), sample)), out),
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    /// Longer than two blocks, and no whole number of them.
    const WIDTH: usize = 2 * BLOCK + 7;

    fn converted(array: &DataArray<'_>, dtype: DType) -> Result<Vec<f64>> {
        let mut into = Literal::zeros([2, WIDTH], dtype);
        array.copy_rows(Rows::Picked(&[2, 0]), &mut into)?;
        Ok(into.to_f64())
    }

    #[test]
    fn rows_of_several_blocks_are_converted_however_they_lie() {
        let rows = Array2::from_shape_fn((3, WIDTH), |(i, j)| (1000 * i + j) as f64);
        let columns = rows.t().as_standard_layout().into_owned();
        let wanted: Vec<f64> = [2, 0].iter().flat_map(|&i| rows.row(i).to_vec()).collect();
        for array in [DataArray::view(&rows), DataArray::of_view(columns.t())] {
            for dtype in [DType::F32, DType::I32, DType::I64, DType::F64] {
                assert_eq!(converted(&array, dtype).unwrap(), wanted, "{dtype:?}");
            }
        }
    }

    #[test]
    fn the_first_number_that_does_not_fit_is_named() {
        let mut rows = Array2::zeros((3, WIDTH));
        rows[[2, WIDTH - 1]] = 0.25;
        rows[[0, 3]] = 0.75;
        let error = converted(&DataArray::view(&rows), DType::I32).unwrap_err();
        assert!(error.to_string().contains("0.25"), "{error}");
    }
}
