//! Golden files: JSON beside an archive of arrays.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use ndarray::{ArrayD, OwnedRepr};
use ndarray_npy::{NpzReader, ReadableElement};
use refrain_graph::{Element, Literal};
use serde_json::Value as Json;

/// A JSON file and the arrays that it names.
pub struct Golden {
    pub json: Json,
    arrays: HashMap<String, Literal>,
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

impl Golden {
    /// Reads `<name>.json` and `<name>.npz`.
    pub fn read(name: &str) -> Golden {
        let json = File::open(path(&format!("{name}.json"))).expect("the golden file");
        let json = serde_json::from_reader(json).expect("JSON");
        Golden {
            json,
            ..Golden::of_arrays(&path(&format!("{name}.npz")))
        }
    }

    /// Reads an archive without JSON.
    pub fn of_arrays(path: &Path) -> Golden {
        let archive = File::open(path).expect("the golden archive");
        let mut archive = NpzReader::new(archive).expect("an archive");
        let names = archive.names().expect("names");
        let arrays = names.into_iter().map(|name| {
            let literal = element::<f32>(&mut archive, &name)
                .or_else(|| element::<i32>(&mut archive, &name))
                .or_else(|| element::<bool>(&mut archive, &name))
                .or_else(|| element::<i64>(&mut archive, &name))
                .or_else(|| element::<u32>(&mut archive, &name))
                .or_else(|| element::<u8>(&mut archive, &name));
            let literal = literal.unwrap_or_else(|| panic!("the type of array {name}"));
            (name.trim_end_matches(".npy").to_owned(), literal)
        });
        Golden {
            json: Json::Null,
            arrays: arrays.collect(),
        }
    }

    /// The array of this key.
    pub fn array(&self, key: &str) -> &Literal {
        self.arrays
            .get(key)
            .unwrap_or_else(|| panic!("no array {key}"))
    }

    /// Whether there is an array of this key.
    pub fn has(&self, key: &str) -> bool {
        self.arrays.contains_key(key)
    }

    /// The array that a JSON string names; `None` for null.
    pub fn named(&self, json: &Json) -> Option<&Literal> {
        json.as_str().map(|key| self.array(key))
    }
}

fn element<T: ReadableElement + Element>(
    archive: &mut NpzReader<File>,
    name: &str,
) -> Option<Literal> {
    let array: ArrayD<T> = archive.by_name::<OwnedRepr<T>, ndarray::IxDyn>(name).ok()?;
    let dims = array.shape().to_vec();
    Literal::new(dims, array.iter().copied().collect::<Vec<T>>())
}
