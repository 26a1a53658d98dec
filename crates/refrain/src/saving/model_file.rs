//! The weights of a model file, read one at a time.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;

use refrain_graph::{DType, Literal};

use super::open::Opened;
use super::weights::{read_array, unique};
use super::{LoadOptions, load};
use crate::error::{Error, Result};
use crate::layers::AnyLayer;
use crate::models::{Functional, Model};
use crate::variable::Variable;
use refrain_storage::{ArrayFile, ArrayRef};

/// A model file whose weights are read one at a time, so that models larger than memory can be compared or copied.
///
/// Memory is needed for one array at a time, and while it is opened for the file. One whose arrays are compressed stays in
/// memory as it is on the disk.
///
/// ```
/// use refrain::saving::LoadOptions;
/// use refrain::{Model, input, layers::Dense};
/// let x = input([4]);
/// let model = Model::new(&x, &Dense::new(2).name("out").call(&x)?)?;
/// let path = std::env::temp_dir().join(format!("refrain-model-file-{}.keras", std::process::id()));
/// model.save(&path)?;
/// let file = LoadOptions::new().open(&path)?;
/// let weights = file.weights();
/// assert_eq!(weights[0].to_string(), "out/kernel");
/// assert_eq!(weights[0].read()?, model.weights()[0].value()?);
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), refrain::Error>(())
/// ```
#[derive(Debug)]
pub struct ModelFile {
    json: String,
    stored: Option<(ArrayFile, Vec<Entry>)>,
}

/// A variable of the model and its array.
#[derive(Debug)]
struct Entry {
    path: Vec<String>,
    shape: Vec<usize>,
    dtype: DType,
    array: ArrayRef,
}

/// A weight in a [`ModelFile`]. Written as text, it is the names on the way to it with slashes between.
#[derive(Clone, Copy, Debug)]
pub struct StoredWeight<'f> {
    file: &'f ArrayFile,
    entry: &'f Entry,
}

impl LoadOptions {
    /// Opens a file that [`load`](LoadOptions::load) would load, without reading its weights.
    ///
    /// # Errors
    /// As for [`load`](LoadOptions::load), but for damage inside the arrays.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<ModelFile> {
        let path = path.as_ref();
        let limits = self.get_limits();
        let mut opened = Opened::new(path, limits)?;
        let read = || {
            let model = load::build(&opened, self)?;
            let entries = entries(&model, &opened)?;
            opened.release(path, limits)?;
            let stored = opened.weights.map(|(file, _)| file).zip(entries);
            let json = model.to_json();
            Ok(ModelFile { json, stored })
        };
        read().map_err(|e: Error| e.in_file(path))
    }
}

/// The model's variables, in the order of its tree, with their arrays.
fn entries(model: &Model, opened: &Opened) -> Result<Option<Vec<Entry>>> {
    let Some(plan) = load::plan(model, opened, false)? else {
        return Ok(None);
    };
    plan.check(false, false)?;
    let pairs = plan.into_pairs().map(|(array, v)| (v.id(), array));
    let mut arrays: HashMap<_, ArrayRef> = pairs.collect();
    let mut tree = Tree::default();
    tree.visit(&model.any(), &[]);
    let entry = |(path, variable): (Vec<String>, Variable)| {
        let array = arrays.remove(&variable.id())?;
        let (shape, dtype) = (variable.shape(), variable.dtype());
        Some(Entry {
            path,
            shape,
            dtype,
            array,
        })
    };
    Ok(Some(tree.variables.into_iter().filter_map(entry).collect()))
}

/// A walk over a model's layers and what is inside them.
#[derive(Default)]
struct Tree {
    variables: Vec<(Vec<String>, Variable)>,
    visited: HashSet<usize>,
}

impl Tree {
    fn visit(&mut self, layer: &AnyLayer, path: &[String]) {
        if !self.visited.insert(layer.id()) {
            return;
        }
        let below = |name: String| [path, &[name]].concat();
        let own = layer.named_weights().into_iter();
        self.variables.extend(own.map(|(name, v)| (below(name), v)));
        let inside = layer.sublayers();
        let names = match layer.options::<Functional>() {
            Some(model) => model.written_names(),
            None => inside.iter().map(|(name, _)| name.clone()).collect(),
        };
        let names = unique(names);
        for ((_, layer), name) in inside.iter().zip(names) {
            self.visit(layer, &below(name));
        }
    }
}

impl ModelFile {
    /// The architecture, as [`Model::to_json`] gives it.
    pub fn to_json(&self) -> &str {
        &self.json
    }

    /// Whether the file holds weights: the JSON of an architecture does not.
    pub fn has_weights(&self) -> bool {
        self.stored.is_some()
    }

    /// The model's weights, in the order of its layers. A layer that stands in several places has them in the first.
    pub fn weights(&self) -> Vec<StoredWeight<'_>> {
        let Some((file, entries)) = &self.stored else {
            return Vec::new();
        };
        let weight = |entry| StoredWeight { file, entry };
        entries.iter().map(weight).collect()
    }
}

impl StoredWeight<'_> {
    /// The names on the way to it: of nested models, its layer, inner layers, and its own. No two weights of a model have the
    /// same. Slashes in names of layers, which Keras 3 does not take, are `_` as in [`to_json`](ModelFile::to_json).
    pub fn path(&self) -> &[String] {
        &self.entry.path
    }

    /// Its shape.
    pub fn shape(&self) -> &[usize] {
        &self.entry.shape
    }

    /// Its element type in the model; that of the array in the file may differ.
    pub fn dtype(&self) -> DType {
        self.entry.dtype
    }

    /// Its values.
    ///
    /// # Errors
    /// The file cannot be read any more, or is damaged.
    pub fn read(&self) -> Result<Literal> {
        read_array(self.file, &self.entry.array, self.entry.dtype)
    }
}

impl fmt::Display for StoredWeight<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path().join("/"))
    }
}
