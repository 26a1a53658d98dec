//! A table of each epoch's values in a file.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use super::{Callback, TrainContext};
use crate::error::{Error, ErrorKind, Result};
use crate::training::Logs;

/// Writes each epoch's values as a line of a CSV file, as it ends.
///
/// The columns are the epoch and the names of the first epoch's values in alphabetical order. If none of them is of
/// validation, a `val_` column for each follows, so that a later epoch that validates (`validation_freq`) finds its place;
/// `NA` stands where an epoch has no value, and a list in quotes, `"[0.25, 0.5]"`, for a metric with a vector.
///
/// ```
/// use refrain::callbacks::CsvLogger;
/// # use refrain::{Model, input, layers::Dense, losses::Loss, optimizers::Sgd};
/// # let x = input([2]);
/// # let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
/// # model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
/// # let (x, y) = (ndarray::Array2::<f32>::ones((32, 2)), ndarray::Array2::<f32>::ones((32, 1)));
/// let path = std::env::temp_dir().join(format!("refrain-doc-{}.csv", std::process::id()));
/// model.fit(&x, &y).epochs(2).callback(CsvLogger::new(&path).separator(';')).run()?;
/// model.fit(&x, &y).initial_epoch(2).epochs(3).callback(CsvLogger::new(&path).separator(';').append(true)).run()?;
/// let text = std::fs::read_to_string(&path).unwrap_or_default();
/// assert!(text.starts_with("epoch;loss") && text.lines().count() == 4);
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// Source: `keras/src/callbacks/csv_logger.py`.
#[derive(Debug)]
pub struct CsvLogger {
    path: PathBuf,
    separator: char,
    append: bool,
    file: Option<File>,
    columns: Vec<String>,
}

/// What stands where an epoch has no value.
const MISSING: &str = "NA";
/// How the names of validation's values begin.
const VALIDATION: &str = "val_";

impl CsvLogger {
    /// Writes this file, replacing it.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        CsvLogger {
            path: path.into(),
            separator: ',',
            append: false,
            file: None,
            columns: Vec::new(),
        }
    }

    /// The separator of columns; a comma by default.
    pub fn separator(mut self, separator: char) -> Self {
        self.separator = separator;
        self
    }

    /// Whether lines are appended to an existing file; it is overwritten by default.
    pub fn append(mut self, append: bool) -> Self {
        self.append = append;
        self
    }

    fn write(&mut self, cells: impl Iterator<Item = String>) -> Result<()> {
        let cells: Vec<String> = cells.map(|c| quoted(c, self.separator)).collect();
        let line = cells.join(&self.separator.to_string());
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        writeln!(file, "{line}").map_err(|e| failed(&self.path, e))
    }
}

/// A cell that holds the separator, a quote or the end of a line, in quotes.
fn quoted(cell: String, separator: char) -> String {
    match cell.contains([separator, '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    }
}

/// A number, or a vector as Keras writes it.
fn cell(values: Option<&[f64]>) -> String {
    match values {
        None => MISSING.to_owned(),
        Some([value]) => value.to_string(),
        Some(vector) => {
            let numbers: Vec<String> = vector.iter().map(|v| format!("{:?}", *v as f32)).collect();
            format!("\"[{}]\"", numbers.join(", "))
        }
    }
}

/// Keras's columns for an epoch with these values.
fn columns(logs: &Logs) -> Vec<String> {
    let mut columns: Vec<String> = logs.names().into_iter().map(str::to_owned).collect();
    columns.sort();
    if !columns.iter().any(|name| name.starts_with(VALIDATION)) {
        let later: Vec<String> = columns.iter().map(|n| format!("{VALIDATION}{n}")).collect();
        columns.extend(later);
    }
    columns
}

fn failed(path: &std::path::Path, error: std::io::Error) -> Error {
    Error::new(
        ErrorKind::Io,
        format!("cannot write `{}`: {error}", path.display()),
    )
}

impl Callback for CsvLogger {
    fn may_log(&self, _name: &str) -> bool {
        false
    }

    fn on_train_begin(&mut self, _cx: &mut TrainContext<'_>) -> Result<()> {
        self.columns.clear();
        let mut options = OpenOptions::new();
        options
            .create(true)
            .append(self.append)
            .write(true)
            .truncate(!self.append);
        self.file = Some(
            options
                .open(&self.path)
                .map_err(|e| failed(&self.path, e))?,
        );
        Ok(())
    }

    fn on_epoch_end(
        &mut self,
        _cx: &mut TrainContext<'_>,
        epoch: usize,
        logs: &mut Logs,
    ) -> Result<()> {
        if self.columns.is_empty() {
            self.columns = columns(logs);
            let size = self
                .file
                .as_ref()
                .and_then(|f| f.metadata().ok())
                .map_or(0, |m| m.len());
            if size == 0 {
                let names = self.columns.clone();
                self.write(std::iter::once("epoch".to_owned()).chain(names))?;
            }
        }
        let values = self.columns.iter().map(|name| cell(logs.values(name).ok()));
        let cells: Vec<String> = std::iter::once(epoch.to_string()).chain(values).collect();
        self.write(cells.into_iter())
    }

    fn on_train_end(&mut self, _cx: &mut TrainContext<'_>, _logs: &Logs) -> Result<()> {
        self.file = None;
        Ok(())
    }
}
