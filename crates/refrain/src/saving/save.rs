//! Models to files.

use std::path::Path;

use serde_json::{Value as Json, json};

use super::KERAS_VERSION;
use super::config::{compile_to_json, spell_out_ellipses, warn_of_other_calls};
use super::open::{CONFIG, METADATA, SAFETENSORS_CONFIG, WEIGHTS};
use super::weights::{
    OptimizerGroup, legacy_tree, named_weights, optimizer_group, reordered_by_keras, unique,
    weights_tree,
};
use crate::error::{Error, ErrorKind, Result};
use crate::layers::serialized;
use crate::models::{Model, held_twice};
use crate::warnings;
use refrain_storage::{
    Attribute, Group, io, write_archive, write_hdf5, write_json, write_safetensors, write_whole,
};

/// What is written, as the end of a file's name says.
#[derive(Clone, Copy)]
enum Format {
    Keras,
    WeightsH5,
    H5,
    Safetensors,
    Json,
}

/// Ends of names, the more special ones first.
const ENDS: [(&str, Format); 5] = [
    (".keras", Format::Keras),
    (".weights.h5", Format::WeightsH5),
    (".h5", Format::H5),
    (".safetensors", Format::Safetensors),
    (".json", Format::Json),
];

impl Format {
    fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        let found = ENDS.iter().find(|(end, _)| name.ends_with(end));
        found.map(|(_, format)| *format)
    }

    /// The format of a whole model.
    fn of_model(path: &Path) -> Result<Self> {
        const ALLOWED: &str = "`.keras`, `.h5`, `.safetensors` or `.json`";
        match Format::of(path) {
            Some(Format::WeightsH5) => Err(wrong_end(path, ALLOWED)
                .hint("Weights alone are written by `model.save_weights(path)`")),
            Some(format) => Ok(format),
            None => Err(wrong_end(path, ALLOWED)),
        }
    }

    /// The format of weights alone.
    fn of_weights(path: &Path) -> Result<Self> {
        match Format::of(path) {
            Some(format @ (Format::WeightsH5 | Format::Safetensors)) => Ok(format),
            _ => Err(wrong_end(path, "`.weights.h5` or `.safetensors`")),
        }
    }
}

impl Model {
    /// Writes the model with its weights, and with its optimizer's state if it is compiled. The file is written whole or not
    /// at all.
    ///
    /// The extension gives the format: `.keras` (Keras 3.15 opens it), `.h5` (legacy HDF5), `.safetensors` (named weights and
    /// the architecture; no optimizer), `.json` (the architecture alone). Keras does not open a model that shares layers
    /// between nested models or wrappers; a warning says so, and [`for_keras`](Model::for_keras) gives a form that it opens.
    ///
    /// # Errors
    /// The extension is another, or writing fails.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let format = Format::of_model(path)?;
        if !matches!(format, Format::Safetensors) {
            let shared = held_twice(&self.any());
            let shared: Vec<&str> = shared.iter().map(|s| s.layer.get_name()).collect();
            warnings::keras_cannot_open(&self.any(), &shared);
            warnings::code_of_keras2(&self.any());
        }
        warnings::names_with_slashes(&self.any());
        warn_of_other_calls(&self.any());
        match format {
            Format::H5 => write_file(path, &write_hdf5(&self.legacy_file()?)?),
            Format::Safetensors => self.write_safetensors(path),
            Format::Json => write_file(path, self.to_json().as_bytes()),
            Format::Keras | Format::WeightsH5 => self.write_keras(path),
        }
    }

    /// Writes the weights, and the optimizer's state if the model is compiled: `.weights.h5` as Keras 3 does, or
    /// `.safetensors`.
    ///
    /// # Errors
    /// The extension is another, or writing fails.
    pub fn save_weights(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        match Format::of_weights(path)? {
            Format::Safetensors => self.write_safetensors(path),
            _ => write_file(path, &write_hdf5(&weights_tree(self)?)?),
        }
    }

    /// The architecture and what `compile` recorded, as Keras's JSON.
    ///
    /// ```
    /// use refrain::{Model, input, layers::Dense};
    /// let x = input([4]);
    /// let model = Model::new(&x, &Dense::new(2).call(&x)?)?;
    /// assert!(model.to_json().contains("\"class_name\":\"Dense\""));
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn to_json(&self) -> String {
        write_json(&self.description())
    }

    /// Refuses a file name without one of the extensions.
    pub(crate) fn check_end(&self, path: &Path, weights_only: bool) -> Result<()> {
        let format = match weights_only {
            true => Format::of_weights(path),
            false => Format::of_model(path),
        };
        format.map(drop)
    }

    fn description(&self) -> Json {
        let mut json = serialized::to_json(&self.any());
        json["compile_config"] = match self.kept_compilation() {
            Some(kept) => kept.config.clone(),
            None => compile_to_json(self),
        };
        json
    }

    fn write_keras(&self, path: &Path) -> Result<()> {
        let metadata = json!({ "keras_version": KERAS_VERSION, "date_saved": date() });
        let weights = write_hdf5(&weights_tree(self)?)?;
        let members = [
            (METADATA, metadata.to_string().into_bytes()),
            (CONFIG, self.to_json().into_bytes()),
            (WEIGHTS, weights),
        ];
        let members = members.each_ref().map(|(name, bytes)| (*name, &bytes[..]));
        Ok(write_archive(path, &members)?)
    }

    /// The tree of a legacy file.
    fn legacy_file(&self) -> Result<Group<crate::Literal>> {
        let mut description = self.description();
        let reordered = reordered_by_keras(self, &description);
        reordered
            .iter()
            .for_each(|m| warnings::weights_reordered_by_keras(m));
        spell_out_ellipses(&mut description);
        let compile = description["compile_config"].take();
        let text = |json: &Json| Attribute::Text(write_json(json));
        let mut root = Group::default();
        root.groups
            .insert("model_weights".to_owned(), legacy_tree(self)?);
        let attributes = &mut root.attributes;
        attributes.insert("backend".to_owned(), Attribute::Text("jax".to_owned()));
        let version = Attribute::Text(KERAS_VERSION.to_owned());
        attributes.insert("keras_version".to_owned(), version);
        attributes.insert("model_config".to_owned(), text(&description));
        if let Some(mut training) = compile.as_object().filter(|c| !c.is_empty()).cloned() {
            let optimizer = training.shift_remove("optimizer").unwrap_or_default();
            training.insert("optimizer_config".to_owned(), optimizer);
            attributes.insert("training_config".to_owned(), text(&training.into()));
            root.groups.extend(self.legacy_optimizer()?);
        }
        Ok(root)
    }

    /// The group of an optimizer's variables in a legacy file.
    fn legacy_optimizer(&self) -> Result<Option<(String, Group<crate::Literal>)>> {
        let Some(OptimizerGroup { paths, values, .. }) = optimizer_group(self)? else {
            return Ok(None);
        };
        let mut group: Group<crate::Literal> = Group::default();
        let names = unique(paths);
        for (name, value) in names.iter().zip(values) {
            let (inner, last) = name.rsplit_once('/').unwrap_or(("", name));
            group.group_mut(inner).arrays.insert(last.to_owned(), value);
        }
        let names = Attribute::Texts(names);
        group.attributes.insert("weight_names".to_owned(), names);
        Ok(Some(("optimizer_weights".to_owned(), group)))
    }

    fn write_safetensors(&self, path: &Path) -> Result<()> {
        let weights = named_weights(self);
        let weights = weights.into_iter().map(|(name, v)| Ok((name, v.value()?)));
        let mut description = self.description();
        description["compile_config"] = json!({});
        let metadata = [(SAFETENSORS_CONFIG.to_owned(), write_json(&description))];
        let weights = weights.collect::<Result<Vec<_>>>()?;
        Ok(write_whole(path, |out| {
            write_safetensors(out, &weights, &metadata.into())
        })?)
    }
}

/// Writes a file whole or not at all, as models are written: to a temporary file beside it, which is flushed to the disk and
/// then takes its name. Links and permissions stay.
///
/// ```
/// let path = std::env::temp_dir().join(format!("refrain-doc-{}.npy", std::process::id()));
/// refrain::saving::write_file(&path, b"numbers")?;
/// assert_eq!(std::fs::read(&path).unwrap(), b"numbers");
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// # Errors
/// Writing fails; what was there before is still there.
pub fn write_file(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    let path = path.as_ref();
    let failed = |e: std::io::Error| io("writing", path, &e);
    Ok(write_whole(path, |out| {
        out.write_all(bytes).map_err(failed)
    })?)
}

/// Makes sure that a file can be written at a path, before long work is done for it: that there is a folder, that it lets files
/// be made, and that no folder has the name.
///
/// ```
/// use refrain::saving::check_target;
/// assert!(check_target(std::env::temp_dir().join("model.keras")).is_ok());
/// assert!(check_target(std::env::temp_dir().join("no such folder/model.keras")).is_err());
/// ```
///
/// # Errors
/// Writing would fail.
pub fn check_target(path: impl AsRef<Path>) -> Result<()> {
    Ok(refrain_storage::check_target(path.as_ref())?)
}

fn wrong_end(path: &Path, expected: &str) -> Error {
    let expected = format!("a file name that ends in {expected}");
    Error::mismatch(ErrorKind::Io, expected, format!("`{}`", path.display()))
}

/// The present time as Keras writes it: `2026-11-23@16:11:51`, UTC.
fn date() -> String {
    const DAY: u64 = 86_400;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seconds = now.map_or(0, |d| d.as_secs());
    let (year, month, day) = civil(seconds / DAY);
    let (hour, minute, second) = (seconds % DAY / 3600, seconds % 3600 / 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}@{hour:02}:{minute:02}:{second:02}")
}

/// Year, month and day of a number of days since 1970.
fn civil(mut days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in months {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::civil;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(59), (1970, 3, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_783), (2026, 11, 26));
        assert_eq!(civil(20_818), (2026, 12, 31));
        assert_eq!(civil(20_819), (2027, 1, 1));
    }
}
