//! Arrays of the zoo.

use std::error::Error;
use std::path::Path;

use refrain::Literal;
use refrain::data::{Arrays, IntoArrays};
use refrain_storage::npz::NpzFile;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The arrays `x0`, `x1`, … of a file, for a prefix `x`.
pub fn numbered(path: &Path, prefix: &str) -> Result<Vec<Literal>> {
    let mut npz = NpzFile::open(path).map_err(|e| e.to_string())?;
    let mut found = Vec::new();
    while npz.contains(&format!("{prefix}{}", found.len())) {
        let name = format!("{prefix}{}", found.len());
        found.push(npz.read(&name).map_err(|e| e.to_string())?);
    }
    Ok(found)
}

/// Arrays as what `predict` and `fit` take.
pub fn arrays(all: &[Literal]) -> Arrays<'_> {
    all.iter().collect::<Vec<_>>().into_arrays()
}

/// Some rows of an array.
pub fn rows(array: &Literal, start: usize, count: usize) -> Option<Literal> {
    let (_, inner) = array.dims().split_first()?;
    let row: usize = inner.iter().product();
    let dims = [&[count], inner].concat();
    macro_rules! of_type {
        ($($t:ty),*) => {$(
            if let Some(values) = array.values::<$t>() {
                return Literal::new(dims, values.get(start * row..(start + count) * row)?.to_vec());
            }
        )*};
    }
    of_type!(f32, f64, i32, i64, u8, u32, bool);
    None
}

/// The largest difference, relative where values are above 1; infinite where only one is NaN.
pub fn difference(got: &Literal, expected: &Literal) -> Result<f64> {
    if got.dims() != expected.dims() {
        return Err(format!("shape {:?} instead of {:?}", got.dims(), expected.dims()).into());
    }
    let pairs = got.to_f64().into_iter().zip(expected.to_f64());
    let apart = pairs.map(|(a, b)| match a == b || (a.is_nan() && b.is_nan()) {
        true => 0.0,
        false => (a - b).abs() / b.abs().max(1.0),
    });
    Ok(apart.fold(0.0, |worst, d| match d.is_nan() {
        true => f64::INFINITY,
        false => worst.max(d),
    }))
}

/// The largest difference of lists.
pub fn differences(got: &[Literal], expected: &[Literal]) -> Result<f64> {
    if got.len() != expected.len() {
        return Err(format!("{} arrays instead of {}", got.len(), expected.len()).into());
    }
    let pairs = got.iter().zip(expected);
    pairs
        .map(|(a, b)| difference(a, b))
        .try_fold(0.0, |worst: f64, d| Ok(worst.max(d?)))
}
