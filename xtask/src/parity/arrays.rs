//! Arrays in `.npz` files.

use std::error::Error;
use std::fs::File;
use std::path::Path;

use ndarray::{ArrayD, IxDyn, OwnedRepr};
use ndarray_npy::{NpzReader, ReadableElement};
use refrain::Literal;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The arrays `x0`, `x1`, … of a file, for a prefix `x`.
pub fn numbered(path: &Path, prefix: &str) -> Result<Vec<Literal>> {
    let mut npz = NpzReader::new(File::open(path)?)?;
    let names = npz.names()?;
    let mut found = Vec::new();
    for i in 0.. {
        let name = format!("{prefix}{i}");
        let Some(name) = names.iter().find(|n| n.trim_end_matches(".npy") == name) else { break };
        found.push(read(&mut npz, name)?);
    }
    Ok(found)
}

fn read(npz: &mut NpzReader<File>, name: &str) -> Result<Literal> {
    macro_rules! attempt {
        ($($t:ty),*) => {$(
            if let Some(literal) = typed::<$t>(npz, name) { return Ok(literal); }
        )*};
    }
    attempt!(f32, f64, i32, i64, u8, u32, bool);
    Err(format!("array `{name}` has a type that is not read").into())
}

fn typed<T: ReadableElement + refrain_graph::Element>(npz: &mut NpzReader<File>, name: &str) -> Option<Literal> {
    let array: ArrayD<T> = npz.by_name::<OwnedRepr<T>, IxDyn>(name).ok()?;
    let dims = array.shape().to_vec();
    let (values, _) = array.as_standard_layout().into_owned().into_raw_vec_and_offset();
    Literal::new(dims, values)
}
