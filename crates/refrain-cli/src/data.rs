//! Arrays of a file, matched with a model by the names of the contract: `x0`, `y0`, `w0`, `vx0`, `vy0`, `vw0`.

use std::path::Path;

use refrain::data::Arrays;
use refrain::{ErrorKind, Literal, Model};
use serde_json::Value as Json;

use crate::failure::{Failure, Result};
use refrain_storage::npz::{NpzFile, ONLY};

/// A file of arrays for a model.
pub struct DataFile {
    file: NpzFile,
    used: Vec<String>,
}

/// Inputs, labels and sample weights, in flat order.
pub struct Samples {
    x: Vec<Literal>,
    /// One for each output; none for outputs without a loss.
    y: Vec<Option<Literal>>,
    /// None, one for all outputs, or one for each.
    w: Vec<Literal>,
}

impl Samples {
    /// The inputs in the structure of the model's.
    pub fn x(&self, model: &Model) -> Arrays<'_> {
        Arrays::of_inputs(model, self.x.iter().collect::<Vec<_>>())
    }

    pub fn y(&self) -> Arrays<'_> {
        Arrays::new(self.y.iter().map(Option::as_ref).collect::<Vec<_>>())
    }

    pub fn w(&self) -> Option<Arrays<'_>> {
        match &self.w[..] {
            [] => None,
            [one] => Some(Arrays::new(one)),
            all => Some(Arrays::new(all.iter().collect::<Vec<_>>())),
        }
    }
}

impl DataFile {
    pub fn open(path: &Path) -> Result<Self> {
        Ok(DataFile {
            file: NpzFile::open(path)?,
            used: Vec::new(),
        })
    }

    /// Names the file as the place of a failure.
    pub fn at(&self, failure: impl Into<Failure>) -> Failure {
        failure
            .into()
            .at(format_args!("`{}`", self.file.path().display()))
    }

    /// Names what is at fault: the data, or a model without a loss.
    pub fn explain(&self, e: refrain::Error, model: &Path) -> Failure {
        match e.kind() {
            kind if of_data(kind) => self.at(e),
            ErrorKind::State if e.to_string().contains("no loss to compute") => {
                Failure::new("the model is compiled without a loss")
                    .at(format_args!("`{}`", model.display()))
                    .hint("Give `--loss`, for example `--loss mse`")
            }
            _ => Failure::from(e),
        }
    }

    pub fn has_validation(&self) -> bool {
        self.file
            .names()
            .iter()
            .any(|name| number(name, "vx").is_some())
    }

    /// The model's inputs in flat order: `x0`, `x1`, … or by the inputs' names.
    pub fn inputs(&mut self, model: &Model) -> Result<Vec<Literal>> {
        let names = model.input_names();
        if self.file.is_one_array() {
            return match names.len() {
                1 => Ok(vec![self.file.read(ONLY)?]),
                n => Err(self.at(Failure::new(format!(
                    "a .npy file holds one array, but the model has {n} inputs: {}",
                    list(&names)
                ))
                .hint("Give a .npz file with x0, x1, …"))),
            };
        }
        let numbered = self.numbered("x", names.len());
        let chosen = self.choose(&numbered, &names)?;
        chosen.iter().map(|name| self.read(name)).collect()
    }

    /// Which names the inputs have in the file.
    fn choose(&self, numbered: &[String], named: &[String]) -> Result<Vec<String>> {
        let all = |names: &[String]| names.iter().all(|name| self.file.contains(name));
        match (all(numbered), all(named)) {
            (true, true) if numbered != named => Err(self.at(Failure::new(format!(
                "the inputs are there twice: as {} and as {}",
                list(numbered),
                list(named)
            ))
            .hint("Keep one of both"))),
            (true, _) => Ok(numbered.to_vec()),
            (_, true) => Ok(named.to_vec()),
            _ => {
                let mut pairs = numbered.iter().zip(named);
                let missing = pairs.find(|(number, _)| !self.file.contains(number));
                let text =
                    missing.map(|(number, name)| format!("no array `{number}` for input `{name}`"));
                let text = text.unwrap_or_default();
                let hint = format!("Name the arrays {}, or {}", list(numbered), list(named));
                Err(self.missing(&text).hint(&hint))
            }
        }
    }

    /// Inputs, labels and sample weights; with the prefix `v`, those for validation.
    pub fn samples(&mut self, model: &Model, prefix: &str) -> Result<Samples> {
        if self.file.is_one_array() {
            let text = "a .npy file holds one array, but inputs and labels are needed";
            return Err(self.at(Failure::new(text).hint("Give a .npz file with x0, … and y0, …")));
        }
        let x = match prefix {
            "" => self.inputs(model)?,
            prefix => {
                let names = self.numbered(&format!("{prefix}x"), model.input_names().len());
                let read = names
                    .iter()
                    .map(|name| self.needed(name, "the model's inputs"));
                read.collect::<Result<_>>()?
            }
        };
        let outputs = model.output_names();
        let y = self.labels(model, prefix, &outputs)?;
        let w = self.weights(prefix, &outputs)?;
        Ok(Samples { x, y, w })
    }

    fn labels(
        &mut self,
        model: &Model,
        prefix: &str,
        outputs: &[String],
    ) -> Result<Vec<Option<Literal>>> {
        let config = model.get_compile_config();
        let mut labels = Vec::new();
        for (i, (name, output)) in self
            .numbered(&format!("{prefix}y"), outputs.len())
            .iter()
            .zip(outputs)
            .enumerate()
        {
            let wanted = ["loss", "metrics", "weighted_metrics"];
            let wanted = wanted.iter().any(|key| concerns(&config[key], i, outputs));
            labels.push(match wanted || self.file.contains(name) {
                true => Some(self.needed(name, &format!("the labels of output `{output}`"))?),
                false => None,
            });
        }
        Ok(labels)
    }

    fn weights(&mut self, prefix: &str, outputs: &[String]) -> Result<Vec<Literal>> {
        let names = self.numbered(&format!("{prefix}w"), outputs.len());
        let there: Vec<&String> = names
            .iter()
            .filter(|name| self.file.contains(name))
            .collect();
        match &there[..] {
            [] => Ok(Vec::new()),
            [one] if names.first() == Some(*one) => Ok(vec![self.read(one)?]),
            _ => {
                let read = names
                    .iter()
                    .map(|name| self.needed(name, "the sample weights"));
                read.collect()
            }
        }
    }

    fn numbered(&self, prefix: &str, count: usize) -> Vec<String> {
        (0..count).map(|i| format!("{prefix}{i}")).collect()
    }

    fn needed(&mut self, name: &str, what: &str) -> Result<Literal> {
        match self.file.contains(name) {
            true => self.read(name),
            false => Err(self.missing(&format!("no array `{name}` for {what}"))),
        }
    }

    fn read(&mut self, name: &str) -> Result<Literal> {
        self.used.push(name.to_owned());
        Ok(self.file.read(name)?)
    }

    fn missing(&self, what: &str) -> Failure {
        let there = match self.file.names().is_empty() {
            true => "nothing".to_owned(),
            false => list(&self.file.names()),
        };
        self.at(Failure::new(format!("{what}; the file holds {there}")))
    }

    /// Refuses arrays that are named as those of the contract but have no place in the model, and tells which others are not
    /// used.
    pub fn refuse_rest(&self, prefixes: &[&str]) -> Result<()> {
        let names = self.file.names();
        let stray = names.iter().find(|name| {
            let named = prefixes.iter().any(|prefix| number(name, prefix).is_some());
            named && !self.used.iter().any(|used| used == *name)
        });
        match stray {
            Some(name) => {
                let text = format!(
                    "the array `{name}` has no place in the model; used are {}",
                    list(&self.used)
                );
                Err(self.at(Failure::new(text).hint("Leave it out, or give it another name")))
            }
            None => {
                self.tell_unused();
                Ok(())
            }
        }
    }

    /// Arrays of the contract may be there for other commands.
    fn tell_unused(&self) {
        let names = self.file.names();
        let known = |name: &str| PREFIXES.iter().any(|p| number(name, p).is_some());
        let unused = |name: &&str| !known(name) && !self.used.iter().any(|used| used == name);
        let unused: Vec<&str> = names.into_iter().filter(unused).collect();
        if !unused.is_empty() && !self.file.is_one_array() {
            let (file, names) = (self.file.path().display(), list(&unused));
            eprintln!("refrain: warning: `{file}`: nothing uses {names}.");
        }
    }
}

/// What the names of the contract begin with.
const PREFIXES: [&str; 6] = ["x", "y", "w", "vx", "vy", "vw"];

/// Whether an error of such a kind is one of the data.
pub fn of_data(kind: ErrorKind) -> bool {
    use ErrorKind::{DType, Data, Shape, Structure};
    matches!(kind, DType | Data | Shape | Structure)
}

/// `x12` is number 12 of `x`.
fn number(name: &str, prefix: &str) -> Option<usize> {
    let digits = name.strip_prefix(prefix)?;
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

fn list(names: &[impl AsRef<str>]) -> String {
    let quoted: Vec<String> = names
        .iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    quoted.join(", ")
}

/// Whether losses or metrics, as `compile` recorded them, have one for an output.
fn concerns(recorded: &Json, output: usize, names: &[String]) -> bool {
    let something =
        |json: &Json| !json.is_null() && json.as_array().is_none_or(|items| !items.is_empty());
    match recorded {
        Json::Array(items) if names.len() > 1 => items.get(output).is_some_and(something),
        Json::Object(map) if !map.contains_key("class_name") => {
            // Dict outputs go by keys of their own, of which nothing is known here.
            let known = map.keys().all(|key| names.contains(key));
            !known
                || names
                    .get(output)
                    .and_then(|name| map.get(name))
                    .is_some_and(something)
        }
        recorded => something(recorded),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_the_contract_have_numbers() {
        assert_eq!(number("x0", "x"), Some(0));
        assert_eq!(number("x12", "x"), Some(12));
        assert_eq!(number("x", "x"), None);
        assert_eq!(number("xy", "x"), None);
        assert_eq!(number("vx3", "vx"), Some(3));
        assert_eq!(number("x+1", "x"), None);
    }

    #[test]
    fn labels_are_needed_where_there_is_a_loss() {
        let names = ["a".to_owned(), "b".to_owned()];
        let both = |recorded: Json| [0, 1].map(|i| concerns(&recorded, i, &names));
        assert_eq!(both(json!("mse")), [true, true]);
        assert_eq!(both(json!(["mse", null])), [true, false]);
        assert_eq!(both(json!({ "b": "mse" })), [false, true]);
        assert_eq!(
            both(json!({ "class_name": "MeanSquaredError" })),
            [true, true]
        );
        assert_eq!(both(json!([[], ["mae"]])), [false, true]);
        assert_eq!(both(json!(null)), [false, false]);
    }
}
