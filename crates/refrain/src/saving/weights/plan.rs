//! Which array of a file goes into which variable, and what has no counterpart.

use refrain_graph::{DType, Literal, Shape};

use crate::error::{Error, ErrorKind, Result};
use crate::variable::Variable;
use refrain_storage::{ArrayFile, ArrayRef};

/// An array of a file and the variable that it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Placed {
    /// Path of the array in the file.
    pub path: String,
    /// The layer, with the models that it is in: `encoder/dense`.
    pub layer: String,
    /// Keras's class of the layer.
    pub class: String,
    /// Name of the variable: `kernel`.
    pub variable: String,
    /// Shape of the variable.
    pub shape: Vec<usize>,
    /// Shape of the array in the file, which is the same unless it was skipped.
    pub stored: Vec<usize>,
}

/// What became of the arrays of a file and of the variables of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WeightsReport {
    /// Which program's habits the file shows.
    pub habit: String,
    /// Arrays that went into variables.
    pub placed: Vec<Placed>,
    /// Arrays whose shape is not that of their variable.
    pub mismatched: Vec<Placed>,
    /// Variables that the file has nothing for, and where it would have been.
    pub missing: Vec<Placed>,
    /// Arrays that no variable is for, with their shapes.
    pub unused: Vec<(String, Vec<usize>)>,
}

impl WeightsReport {
    /// Whether every array has its variable and every variable its array.
    pub fn is_complete(&self) -> bool {
        self.mismatched.is_empty() && self.missing.is_empty() && self.unused.is_empty()
    }
}

/// A variable and the place where its array is expected.
pub(super) struct Target {
    pub(super) variable: Variable,
    pub(super) layer: String,
    pub(super) class: String,
}

/// Pairs of arrays and variables, before anything has been changed.
#[derive(Default)]
pub(crate) struct WeightPlan {
    pub(crate) report: WeightsReport,
    pairs: Vec<(ArrayRef, Variable)>,
}

impl WeightPlan {
    pub(super) fn new(habit: &str) -> Self {
        let report = WeightsReport {
            habit: habit.to_owned(),
            ..WeightsReport::default()
        };
        WeightPlan {
            report,
            pairs: Vec::new(),
        }
    }

    /// An array for a variable, if the file has it.
    pub(super) fn place(&mut self, target: &Target, path: &str, array: Option<&ArrayRef>) {
        let shape = target.variable.shape();
        let mut placed = Placed {
            path: path.to_owned(),
            layer: target.layer.clone(),
            class: target.class.clone(),
            variable: target.variable.name().to_owned(),
            stored: Vec::new(),
            shape: shape.clone(),
        };
        let Some(array) = array else {
            self.report.missing.push(placed);
            return;
        };
        placed.stored = dims(array);
        if placed.stored != shape {
            self.report.mismatched.push(placed);
            return;
        }
        self.report.placed.push(placed);
        self.pairs.push((array.clone(), target.variable.clone()));
    }

    pub(super) fn unused(&mut self, array: &ArrayRef) {
        let entry = (array.path().to_owned(), dims(array));
        self.report.unused.push(entry);
    }

    /// Refuses a plan that leaves something out, unless that was asked for.
    pub(crate) fn check(&self, by_name: bool, skip_mismatch: bool) -> Result<()> {
        let r = &self.report;
        let missing = r.missing.iter().filter(|_| !by_name);
        let mismatched = r.mismatched.iter().filter(|_| !skip_mismatch);
        let unused = r.unused.iter().filter(|_| !by_name);
        let mut problems = Vec::new();
        let wrong: Vec<String> = mismatched.map(mismatch_text).collect();
        let without: Vec<String> = missing.map(|p| missing_text(p, &r.unused)).collect();
        let stray: Vec<String> = unused.map(|(path, dims)| array_text(path, dims)).collect();
        for (what, list) in [
            ("arrays of another shape", wrong),
            ("variables without weights in the file", without),
            ("arrays in the file without a variable", stray),
        ] {
            if !list.is_empty() {
                problems.push(format!("{} {what}: {}", list.len(), first_of(&list)));
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        let message = format!("the weights do not fit the model. {}", problems.join(". "));
        Err(Error::new(ErrorKind::Shape, message).hint(
            "`refrain inspect` shows the whole map; `load_weights` with `by_name` and `skip_mismatch` loads what does fit, on the \
             command line `--by-name` and `--skip-mismatch`",
        ))
    }

    /// Reads the arrays into their variables.
    pub(crate) fn apply(&self, file: &ArrayFile) -> Result<()> {
        let mut pairs = self.pairs.iter();
        pairs
            .try_for_each(|(array, variable)| variable.assign(read(file, array, variable.dtype())?))
    }

    /// The array of each variable.
    pub(crate) fn into_pairs(self) -> impl Iterator<Item = (ArrayRef, Variable)> {
        self.pairs.into_iter()
    }
}

/// An array's values in the type of the variable that it is for.
pub(crate) fn read(file: &ArrayFile, array: &ArrayRef, dtype: DType) -> Result<Literal> {
    let value = file.read(array)?;
    Ok(match value.dtype() == dtype {
        true => value,
        false => value.convert(dtype),
    })
}

/// The dimensions of an array in a file; none if it holds no numbers, which shows when it is read.
pub(crate) fn dims(array: &ArrayRef) -> Vec<usize> {
    let spec = array.spec();
    spec.and_then(|spec| spec.shape.known()).unwrap_or_default()
}

fn array_text(path: &str, dims: &[usize]) -> String {
    format!("`{path}` {}", Shape::from(dims))
}

fn target_text(placed: &Placed) -> String {
    format!(
        "`{}/{}` {}",
        placed.layer,
        placed.variable,
        Shape::from(&placed.shape[..])
    )
}

fn mismatch_text(placed: &Placed) -> String {
    let array = array_text(&placed.path, &placed.stored);
    format!("{} is for {}", array, target_text(placed))
}

/// A variable, where its array was looked for, and the array that is nearest.
fn missing_text(placed: &Placed, unused: &[(String, Vec<usize>)]) -> String {
    let distance = |(path, dims): &&(String, Vec<usize>)| {
        (*dims != placed.shape, common_ends(path, &placed.path))
    };
    let nearest = unused.iter().min_by_key(distance);
    let nearest = nearest.map(|(path, dims)| format!(", nearest {}", array_text(path, dims)));
    format!(
        "{} (looked for at `{}`{})",
        target_text(placed),
        placed.path,
        nearest.unwrap_or_default()
    )
}

/// How much of two paths differs: what is left without their common beginning and end.
fn common_ends(a: &str, b: &str) -> usize {
    let start = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    let end = a.bytes().rev().zip(b.bytes().rev());
    let end = end.take_while(|(x, y)| x == y).count();
    (a.len().max(b.len())).saturating_sub(start + end)
}

/// Entries of a list that an error names; the rest are counted.
const NAMED: usize = 5;

fn first_of(list: &[String]) -> String {
    let named = list[..list.len().min(NAMED)].join(", ");
    match list.len() > NAMED {
        true => format!("{named} and {} more", list.len() - NAMED),
        false => named,
    }
}
