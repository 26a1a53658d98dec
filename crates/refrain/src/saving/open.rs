//! What a file is, whatever its name says, and its parts.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::Value as Json;

use super::config::{is_before_keras3, is_legacy, upgrade, upgrade_training};
use super::weights::{all_arrays, array_dims};
use crate::Literal;
use crate::error::{Error, ErrorKind, Result};
use refrain_storage::{
    Archive, ArrayFile, ArrayRef, Group, Limits, hdf5_start, io, parse_json, write_hdf5,
};

/// Where Keras keeps the parts of a model in an archive.
pub(crate) const CONFIG: &str = "config.json";
pub(crate) const METADATA: &str = "metadata.json";
pub(crate) const WEIGHTS: &str = "model.weights.h5";

/// What a file of a model or of weights is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileFormat {
    Archive,
    Hdf5,
    Safetensors,
    Json,
}

impl FileFormat {
    /// From the first bytes of a file, or those behind a user block; a folder is an unzipped archive.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        if path.is_dir() {
            return match path.join(CONFIG).exists() {
                true => Ok(FileFormat::Archive),
                false => {
                    let message = format!(
                        "`{}` is a folder without a model: it has no `{CONFIG}`",
                        path.display()
                    );
                    Err(Error::new(ErrorKind::Io, message))
                }
            };
        }
        let mut start = Vec::new();
        let mut file = File::open(path).map_err(|e| io("opening", path, &e))?;
        let read = (&mut file).take(LONGEST_MAGIC).read_to_end(&mut start);
        read.map_err(|e| io("reading", path, &e))?;
        let json = start.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{');
        match &start[..] {
            [b'P', b'K', ..] => Ok(FileFormat::Archive),
            [0x89, b'H', b'D', b'F', ..] => Ok(FileFormat::Hdf5),
            [_, _, _, _, _, _, 0, 0, b'{', ..] => Ok(FileFormat::Safetensors),
            // Anything may stand in a user block.
            _ if hdf5_start(file).is_ok_and(|start| start.is_some()) => Ok(FileFormat::Hdf5),
            _ if json => Ok(FileFormat::Json),
            _ => Err(Error::new(
                ErrorKind::Io,
                format!(
                    "`{}` is not a model: neither a zip archive (.keras) nor HDF5, safetensors or JSON",
                    path.display()
                ),
            )),
        }
    }
}

/// Bytes that tell what a file is.
const LONGEST_MAGIC: u64 = 16;

/// Where weights stand in a file.
pub(crate) enum Layout {
    /// Keras 3's groups of numbered variables.
    Keras3,
    /// A group for each layer, below this one.
    Legacy(&'static str),
    Safetensors,
}

/// A file of a model or of weights, opened.
pub(crate) struct Opened {
    /// The model's description as Keras 3 would give it, if the file has one.
    pub(crate) config: Option<Json>,
    /// What `compile` recorded, likewise.
    pub(crate) compile: Json,
    /// The version of Keras that wrote the file.
    pub(crate) version: Option<String>,
    /// Whether the description was rewritten.
    pub(crate) upgraded: bool,
    /// Whether the description is of before Keras 3.
    pub(crate) keras2: bool,
    pub(crate) weights: Option<(ArrayFile, Layout)>,
}

/// The group of a legacy file that holds the layers' weights.
const MODEL_WEIGHTS: &str = "model_weights";

impl Opened {
    pub(crate) fn new(path: &Path, limits: &Limits) -> Result<Self> {
        Opened::any(path, limits).map_err(|e| e.in_file(path))
    }

    fn any(path: &Path, limits: &Limits) -> Result<Self> {
        match FileFormat::of(path)? {
            FileFormat::Archive => Opened::archive(path, limits),
            FileFormat::Hdf5 => Opened::hdf5(ArrayFile::open(path, limits)?, limits),
            FileFormat::Safetensors => Opened::safetensors(ArrayFile::open(path, limits)?, limits),
            FileFormat::Json => {
                let bytes = std::fs::read(path).map_err(|e| io("reading", path, &e))?;
                let json = parse_json(&bytes, limits)?;
                match json["weight_map"].is_object() {
                    true => Opened::hdf5(joined(path, &json, limits)?, limits),
                    false => Opened::described(json, None, Json::Null, None),
                }
            }
        }
    }

    pub(super) fn described(
        config: Json,
        version: Option<String>,
        compile: Json,
        weights: Option<(ArrayFile, Layout)>,
    ) -> Result<Self> {
        let upgraded = is_legacy(&config);
        let compile = match compile.is_null() {
            true => config["compile_config"].clone(),
            false => compile,
        };
        Ok(Opened {
            compile: upgrade_training(&compile),
            keras2: upgraded && is_before_keras3(&config, version.as_deref()),
            config: Some(match upgraded {
                true => upgrade(&config, version.as_deref())?,
                false => config,
            }),
            version,
            upgraded,
            weights,
        })
    }

    fn archive(path: &Path, limits: &Limits) -> Result<Self> {
        let mut archive = Archive::open(path, limits)?;
        let config = parse_json(&archive.read(CONFIG)?, limits)?;
        let metadata = match archive.contains(METADATA) {
            true => parse_json(&archive.read(METADATA)?, limits)?,
            false => Json::Null,
        };
        if !archive.contains(WEIGHTS) {
            let found = archive.members();
            let message = format!("the archive has no `{WEIGHTS}`, only {found:?}");
            return Err(Error::new(ErrorKind::Io, message));
        }
        let weights = ArrayFile::from_bytes(archive.read(WEIGHTS)?, limits)?;
        let version = metadata["keras_version"].as_str().map(str::to_owned);
        let weights = Some((weights, Layout::Keras3));
        Opened::described(config, version, Json::Null, weights)
    }

    fn hdf5(file: ArrayFile, limits: &Limits) -> Result<Self> {
        let root = file.root();
        let json = |name: &str| {
            let text = root.text(name);
            text.map(|text| parse_json(text.as_bytes(), limits))
                .transpose()
        };
        let (config, compile) = (json("model_config")?, json("training_config")?);
        let layout = match root.groups.contains_key(MODEL_WEIGHTS) {
            true => Layout::Legacy(MODEL_WEIGHTS),
            false if root.texts("layer_names").is_some() => Layout::Legacy(""),
            false => Layout::Keras3,
        };
        let group = match &layout {
            Layout::Legacy(path) => root.group(path),
            _ => None,
        };
        let version = root.text("keras_version");
        let version = version.or(group.and_then(|g| g.text("keras_version")));
        let version = version.map(str::to_owned);
        let weights = Some((file, layout));
        match config {
            Some(config) => {
                Opened::described(config, version, compile.unwrap_or_default(), weights)
            }
            None => Ok(Opened {
                config: None,
                compile: Json::Null,
                version,
                upgraded: false,
                keras2: false,
                weights,
            }),
        }
    }

    fn safetensors(file: ArrayFile, limits: &Limits) -> Result<Self> {
        let config = file.root().text(SAFETENSORS_CONFIG);
        let config = config
            .map(|text| parse_json(text.as_bytes(), limits))
            .transpose()?;
        let weights = Some((file, Layout::Safetensors));
        match config {
            Some(config) => Opened::described(config, None, Json::Null, weights),
            None => Ok(Opened {
                config: None,
                compile: Json::Null,
                version: None,
                upgraded: false,
                keras2: false,
                weights,
            }),
        }
    }

    /// Gives back the memory of the file's bytes, if its arrays can be read from the disk one by one.
    pub(super) fn release(&mut self, path: &Path, limits: &Limits) -> Result<()> {
        let Some((file, _)) = &mut self.weights else {
            return Ok(());
        };
        let place = match FileFormat::of(path)? {
            FileFormat::Hdf5 | FileFormat::Safetensors => Some((path.to_owned(), 0)),
            FileFormat::Archive => Archive::open(path, limits)?.plain_place(path, WEIGHTS)?,
            // Several files, joined in memory.
            FileFormat::Json => None,
        };
        match place {
            Some((path, start)) => Ok(file.release(path, start)?),
            None => Ok(()),
        }
    }

    /// All arrays with their shapes.
    pub(crate) fn arrays(&self) -> Vec<(String, Vec<usize>)> {
        let Some((file, _)) = &self.weights else {
            return Vec::new();
        };
        let arrays = all_arrays(file.root()).into_iter();
        arrays
            .map(|array| (array.path().to_owned(), array_dims(array)))
            .collect()
    }

    /// Whether Keras 3 wrote the file, or nothing says that it did not.
    pub(crate) fn is_keras_3(&self) -> bool {
        let major = self.version.as_deref().and_then(|v| v.split('.').next());
        major.map_or(!self.upgraded, |major| major == "3")
    }

    /// Whether there are variables of an optimizer.
    pub(crate) fn has_optimizer_state(&self) -> bool {
        let legacy =
            |(file, _): &(ArrayFile, Layout)| file.root().groups.contains_key("optimizer_weights");
        self.optimizer().is_some() || self.weights.as_ref().is_some_and(legacy)
    }

    /// The optimizer's variables in Keras 3's layout.
    pub(crate) fn optimizer(&self) -> Option<&Group<ArrayRef>> {
        let (file, layout) = self.weights.as_ref()?;
        match layout {
            Layout::Keras3 => file.root().group("optimizer/vars"),
            _ => None,
        }
    }
}

/// The weights that an index says are spread over several files beside it.
fn joined(index: &Path, json: &Json, limits: &Limits) -> Result<ArrayFile> {
    let map = json["weight_map"].as_object();
    let listed = map.into_iter().flat_map(|map| map.values());
    let names: BTreeSet<&str> = listed
        .flat_map(|entry| match entry {
            Json::Array(names) => names.iter().filter_map(Json::as_str).collect(),
            name => name.as_str().into_iter().collect::<Vec<_>>(),
        })
        .collect();
    let mut root: Group<Literal> = Group::default();
    for name in names {
        if Path::new(name).file_name() != Some(name.as_ref()) {
            let message = format!("the index names `{name}`, which is not a file beside it");
            return Err(Error::new(ErrorKind::Io, message));
        }
        let file = ArrayFile::open(&index.with_file_name(name), limits)?;
        copy_into(&file, file.root(), &mut root)?;
    }
    Ok(ArrayFile::from_bytes(write_hdf5(&root)?, limits)?)
}

fn copy_into(file: &ArrayFile, from: &Group<ArrayRef>, to: &mut Group<Literal>) -> Result<()> {
    to.attributes.extend(from.attributes.clone());
    for (name, array) in &from.arrays {
        if to.arrays.insert(name.clone(), file.read(array)?).is_some() {
            let message = format!("two of the files hold `{}`", array.path());
            return Err(Error::new(ErrorKind::Io, message));
        }
    }
    for (name, group) in &from.groups {
        copy_into(file, group, to.groups.entry(name.clone()).or_default())?;
    }
    Ok(())
}

/// The entry of a safetensors file's metadata that holds the model's description.
pub(crate) const SAFETENSORS_CONFIG: &str = "keras_config";
