//! Reads the golden values that Keras computed (`tests/golden`).

use std::fs::File;
use std::path::PathBuf;

use ndarray::{ArrayD, IxDyn, OwnedRepr};
use ndarray_npy::NpzReader;
use refrain_graph::{Element, Literal};
use serde_json::Value as Json;

/// The cases of one JSON file and the arrays beside it.
pub(crate) struct Golden {
    pub(crate) cases: Json,
    arrays: NpzReader<File>,
}

impl Golden {
    pub(crate) fn open(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let open = |extension: &str| {
            let path = folder.join(name).with_extension(extension);
            File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
        };
        Golden {
            cases: serde_json::from_reader(open("json")).expect("valid JSON"),
            arrays: NpzReader::new(open("npz")).expect("a valid archive"),
        }
    }

    /// The array under a key, with the element type that it was written in.
    pub(crate) fn array(&mut self, key: &Json) -> Literal {
        let key = key.as_str().expect("the key of an array");
        let found = self.read::<f32>(key).or_else(|| self.read::<i32>(key));
        let found = found.or_else(|| self.read::<bool>(key));
        found.unwrap_or_else(|| panic!("no array `{key}` of a known type"))
    }

    /// The array under a key, or none for null.
    pub(crate) fn optional(&mut self, key: &Json) -> Option<Literal> {
        (!key.is_null()).then(|| self.array(key))
    }

    fn read<T: Element + ndarray_npy::ReadableElement>(&mut self, key: &str) -> Option<Literal> {
        let array: ArrayD<T> = self.arrays.by_name::<OwnedRepr<T>, IxDyn>(key).ok()?;
        Literal::new(array.shape().to_vec(), array.iter().copied().collect())
    }
}

/// Panics unless two arrays agree within `tolerance`, relative to the larger of 1 and the largest expected value.
#[track_caller]
pub(crate) fn assert_close(what: &str, got: &Literal, expected: &Literal, tolerance: f64) {
    assert_eq!(got.dims(), expected.dims(), "{what}: shapes");
    let (got, expected) = (got.to_f64(), expected.to_f64());
    let scale = expected.iter().fold(1.0f64, |m, x| m.max(x.abs()));
    compare(what, &got, &expected, tolerance * scale);
}

/// Panics unless two arrays agree within `tolerance`, relative to the largest expected value.
#[track_caller]
pub(crate) fn assert_relative(what: &str, got: &Literal, expected: &Literal, tolerance: f64) {
    assert_eq!(got.dims(), expected.dims(), "{what}: shapes");
    let (got, expected) = (got.to_f64(), expected.to_f64());
    let scale = expected.iter().fold(1e-6f64, |m, x| m.max(x.abs()));
    compare(what, &got, &expected, tolerance * scale);
}

#[track_caller]
fn compare(what: &str, got: &[f64], expected: &[f64], allowed: f64) {
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        let close = (g - e).abs() <= allowed || (g.is_nan() && e.is_nan());
        assert!(
            close,
            "{what}: element {i} is {g}, Keras has {e} (allowed {allowed:e})"
        );
    }
}
