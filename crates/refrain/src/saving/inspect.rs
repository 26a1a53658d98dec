//! What is in a model file, also in one that cannot be loaded.

use std::fmt;
use std::path::Path;

use super::open::{FileFormat, Opened};
use super::weights::WeightsReport;
use super::{LoadOptions, load};
use crate::error::{Error, Result};

/// The contents of a model file, and whether it loads.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// What sort of file it is.
    pub format: &'static str,
    /// The version of Keras that wrote it, if it says so.
    pub keras_version: Option<String>,
    /// Whether its description is of an older Keras and was rewritten as Keras 3's.
    pub upgraded: bool,
    /// Where the weights go; `None` if the architecture does not load, or the file has none.
    pub weights: Option<WeightsReport>,
    /// The class of the optimizer that the model is compiled with.
    pub optimizer: Option<String>,
    /// Why the model is not compiled as the file says, or the optimizer's state is left, if so. The model loads nevertheless.
    pub not_compiled: Option<Error>,
    /// Arrays of the file with their shapes.
    pub arrays: Vec<(String, Vec<usize>)>,
    /// Why the model does not load, if it does not.
    pub error: Option<Error>,
}

/// Looks into a model file without loading it as a model.
///
/// # Errors
/// The file cannot be read at all. What keeps its model from loading is part of the result.
///
/// ```
/// use refrain::{Model, input, layers::Dense, saving};
/// let x = input([4]);
/// let model = Model::new(&x, &Dense::new(2).call(&x)?)?;
/// let path = std::env::temp_dir().join(format!("refrain-inspect-{}.keras", std::process::id()));
/// model.save(&path)?;
/// let inspection = saving::inspect(&path)?;
/// assert!(inspection.error.is_none());
/// assert_eq!(inspection.arrays[0].0, "layers/dense/vars/0");
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), refrain::Error>(())
/// ```
pub fn inspect(path: impl AsRef<Path>) -> Result<Inspection> {
    let path = path.as_ref();
    LoadOptions::new().inspect(path)
}

impl LoadOptions {
    /// Looks into a model file with these options; see [`inspect`].
    ///
    /// # Errors
    /// The file cannot be read at all.
    pub fn inspect(&self, path: impl AsRef<Path>) -> Result<Inspection> {
        let path = path.as_ref();
        self.look_into(path).map_err(|e| e.in_file(path))
    }

    fn look_into(&self, path: &Path) -> Result<Inspection> {
        let opened = Opened::new(path, self.get_limits())?;
        let mut inspection = Inspection {
            format: format_name(path)?,
            keras_version: opened.version.clone(),
            upgraded: opened.upgraded,
            weights: None,
            optimizer: None,
            not_compiled: None,
            arrays: opened.arrays(),
            error: None,
        };
        if opened.config.is_none() {
            return Ok(inspection);
        }
        let model = match load::build(&opened, self) {
            Ok(model) => model,
            Err(e) => {
                inspection.error = Some(e);
                return Ok(inspection);
            }
        };
        let plan = load::plan(&model, &opened, false)?;
        let fits = plan
            .as_ref()
            .map_or(Ok(()), |plan| plan.check(false, false));
        let compiled = fits.and_then(|()| load::compile(&model, &opened, self));
        let state = compiled
            .as_ref()
            .map(|()| load::try_optimizer_state(&model, &opened));
        let kept = model.kept_compilation().map(|kept| kept.error.clone());
        inspection.not_compiled = kept.or(state.ok().and_then(Result::err));
        inspection.error = compiled.err();
        inspection.optimizer = model.optimizer().map(|o| o.class_name().to_owned());
        inspection.weights = plan.map(|plan| plan.report);
        Ok(inspection)
    }
}

fn format_name(path: &Path) -> Result<&'static str> {
    Ok(match FileFormat::of(path)? {
        FileFormat::Archive if path.is_dir() => "Keras archive (folder)",
        FileFormat::Archive => "Keras archive",
        FileFormat::Hdf5 => "HDF5",
        FileFormat::Safetensors => "safetensors",
        FileFormat::Json => "JSON",
    })
}

impl fmt::Display for Inspection {
    /// The map as text: one line for each array and each variable.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.keras_version.as_deref().unwrap_or("unknown");
        writeln!(f, "Format: {}", self.format)?;
        writeln!(f, "Written by Keras: {version}")?;
        if self.upgraded {
            writeln!(
                f,
                "Architecture: of an older Keras, rewritten as Keras 3 has it"
            )?;
        }
        let shape = |dims: &[usize]| refrain_graph::Shape::from(dims).to_string();
        match &self.weights {
            Some(report) => {
                writeln!(f, "Weights: {}", report.habit)?;
                for p in &report.placed {
                    let (path, layer) = (&p.path, &p.layer);
                    let (class, variable) = (&p.class, &p.variable);
                    writeln!(
                        f,
                        "  {path} -> {layer} ({class}) {variable} {}",
                        shape(&p.shape)
                    )?;
                }
                for p in &report.mismatched {
                    let (path, stored) = (&p.path, shape(&p.stored));
                    let expected = shape(&p.shape);
                    let target = format!("{} ({}) {}", p.layer, p.class, p.variable);
                    writeln!(
                        f,
                        "  {path} {stored} -> {target} {expected}: the shapes differ"
                    )?;
                }
                for p in &report.missing {
                    let target = format!("{} ({}) {}", p.layer, p.class, p.variable);
                    writeln!(f, "  {} is missing -> {target} {}", p.path, shape(&p.shape))?;
                }
                for (path, dims) in &report.unused {
                    writeln!(f, "  {path} {} -> no place in the model", shape(dims))?;
                }
            }
            None => {
                for (path, dims) in &self.arrays {
                    writeln!(f, "  {path} {}", shape(dims))?;
                }
            }
        }
        if let Some(optimizer) = &self.optimizer {
            let state = |(path, _): &&(String, Vec<usize>)| path.starts_with("optimizer");
            let count = self.arrays.iter().filter(state).count();
            writeln!(f, "Optimizer: {optimizer}, {count} variables in the file")?;
        }
        if let Some(error) = &self.not_compiled {
            match self.optimizer {
                Some(_) => writeln!(f, "The optimizer's state is left: {error}")?,
                None => writeln!(f, "Does not compile: {error}")?,
            }
        }
        match &self.error {
            Some(error) => writeln!(f, "Does not load: {error}"),
            None => Ok(()),
        }
    }
}
