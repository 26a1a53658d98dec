//! The results of training.

use std::collections::BTreeMap;
use std::fmt;

use super::tracker::Tracker;
use crate::config::short;
use crate::error::{Error, ErrorKind, Result};

/// What is wrong with a name that has no value.
fn no_value(name: &str, names: &[&str]) -> Error {
    let message = format!("no value `{}`; there are {names:?}", short(name));
    let error = Error::new(ErrorKind::NotFound, message);
    let validation = |name: &str| name.starts_with("val_");
    match validation(name) && !names.iter().any(|n| validation(n)) {
        true => error.hint("Values of validation need validation_data or validation_split"),
        false => error,
    }
}

/// A number, or the vector that some metrics have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogValue {
    /// The mean of a vector.
    number: f64,
    /// Empty if it is a number.
    vector: Vec<f64>,
}

impl LogValue {
    /// The numbers of a metric's value, at least one.
    pub(crate) fn new(numbers: Vec<f64>) -> Self {
        let number = numbers.iter().sum::<f64>() / numbers.len() as f64;
        let vector = if numbers.len() > 1 {
            numbers
        } else {
            Vec::new()
        };
        LogValue { number, vector }
    }

    fn numbers(&self) -> &[f64] {
        match self.vector.is_empty() {
            true => std::slice::from_ref(&self.number),
            false => &self.vector,
        }
    }
}

impl From<f64> for LogValue {
    fn from(number: f64) -> Self {
        let vector = Vec::new();
        LogValue { number, vector }
    }
}

/// Values under names, in an order of their own.
///
/// Most are numbers. A metric such as [`F1Score`](crate::metrics::F1Score) of several classes has a vector: its
/// [`values`](Logs::values) are the vector, and where one number is asked for or shown, it is their mean.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logs(Vec<(String, LogValue)>);

impl Logs {
    fn find(&self, name: &str) -> Result<&LogValue> {
        let found = self.0.iter().find(|(n, _)| n == name);
        found
            .map(|(_, v)| v)
            .ok_or_else(|| no_value(name, &self.names()))
    }

    /// The value of this name; the mean of a vector.
    ///
    /// # Errors
    /// There is none; the error lists the names there are.
    pub fn get(&self, name: &str) -> Result<f64> {
        self.find(name).map(|value| value.number)
    }

    /// The numbers of this name: those of a vector, or one.
    ///
    /// # Errors
    /// There are none; the error lists the names there are.
    pub fn values(&self, name: &str) -> Result<&[f64]> {
        self.find(name).map(LogValue::numbers)
    }

    /// Names and values in order, with the means of vectors.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.number))
    }

    /// The names in order.
    pub fn names(&self) -> Vec<&str> {
        self.iter().map(|(n, _)| n).collect()
    }

    /// Sets a value; a new name goes to its alphabetical place.
    ///
    /// ```
    /// let mut logs = refrain::training::Logs::default();
    /// logs.set("val_f1", 0.75);
    /// assert_eq!(logs.get("val_f1")?, 0.75);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn set(&mut self, name: &str, value: f64) {
        self.insert(name, value.into());
    }

    fn insert(&mut self, name: &str, value: LogValue) {
        match self.0.iter_mut().find(|(n, _)| n == name) {
            Some(entry) => entry.1 = value,
            None => {
                let at = self.0.partition_point(|(n, _)| n.as_str() < name);
                self.0.insert(at, (name.to_owned(), value));
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn update_if(&mut self, wanted: bool, trackers: &[Tracker]) -> Result<()> {
        match wanted {
            true => self.update(trackers, ""),
            false => Ok(()),
        }
    }

    pub(crate) fn update(&mut self, trackers: &[Tracker], prefix: &str) -> Result<()> {
        for tracker in trackers {
            let value = tracker.value()?;
            match prefix {
                "" => self.insert(&tracker.key, value),
                prefix => self.insert(&format!("{prefix}{}", tracker.key), value),
            }
        }
        Ok(())
    }

    /// Adds the values of a validation.
    pub(crate) fn add_validation(&mut self, evaluation: Evaluation) {
        for (name, value) in evaluation.0.0 {
            self.insert(&format!("val_{name}"), value);
        }
    }
}

/// The result of `fit`: the values of each epoch under Keras's names, in alphabetical order.
///
/// Validation values have names beginning with `val_`. As in [`Logs`], one number of a metric with a vector is its mean.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    epochs: Vec<usize>,
    numbers: BTreeMap<String, Vec<f64>>,
    values: BTreeMap<String, Vec<LogValue>>,
}

impl History {
    pub(crate) fn push(&mut self, epoch: usize, logs: &Logs) {
        self.epochs.push(epoch);
        for (name, value) in &logs.0 {
            let (numbers, values) = (&mut self.numbers, &mut self.values);
            numbers.entry(name.clone()).or_default().push(value.number);
            values.entry(name.clone()).or_default().push(value.clone());
        }
    }

    /// The numbers of the epochs that ran, from 0 (or from `initial_epoch`).
    pub fn epochs(&self) -> &[usize] {
        &self.epochs
    }

    /// The names, in alphabetical order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.numbers.keys().map(String::as_str)
    }

    /// The values of this name, epoch by epoch.
    ///
    /// # Errors
    /// There are none; the error lists the names there are.
    pub fn get(&self, name: &str) -> Result<&[f64]> {
        let found = self.numbers.get(name).map(Vec::as_slice);
        found.ok_or_else(|| no_value(name, &self.keys().collect::<Vec<_>>()))
    }

    /// The numbers of this name, epoch by epoch: those of a vector, or one.
    ///
    /// ```
    /// # use refrain::{Model, input, layers::Dense, losses::Loss, metrics::F1Score, optimizers::Sgd};
    /// # let x = input([4]);
    /// # let model = Model::new(&x, &Dense::new(3).call(&x)?)?;
    /// # let (x, y) = (ndarray::Array2::<f32>::ones((8, 4)), ndarray::Array2::<f32>::ones((8, 3)));
    /// model.compile(Sgd::new(0.1), Loss::MeanSquaredError).metrics([F1Score::new()]).run()?;
    /// let history = model.fit(&x, &y).epochs(2).run()?;
    /// let of_each_class: &[f64] = history.values("f1_score")?[1];
    /// assert_eq!(of_each_class.len(), 3);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// # Errors
    /// There are none; the error lists the names there are.
    pub fn values(&self, name: &str) -> Result<Vec<&[f64]>> {
        self.get(name)?;
        let values = self.values.get(name).into_iter().flatten();
        Ok(values.map(LogValue::numbers).collect())
    }

    /// The last value of this name.
    ///
    /// # Errors
    /// There is none; the error lists the names there are.
    pub fn last(&self, name: &str) -> Result<f64> {
        let last = self.get(name)?.last().copied();
        last.ok_or_else(|| no_value(name, &[]))
    }

    /// Names with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[f64])> {
        self.numbers.iter().map(|(k, v)| (k.as_str(), v.as_slice()))
    }
}

/// The result of `evaluate`: the loss, then the metrics in Keras's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation(Logs);

impl Evaluation {
    pub(crate) fn new(trackers: &[Tracker], order: &[usize]) -> Result<Self> {
        let values = order.iter().map(|&i| {
            let tracker = &trackers[i];
            Ok((tracker.key.clone(), tracker.value()?))
        });
        values
            .collect::<Result<_>>()
            .map(|values| Evaluation(Logs(values)))
    }

    /// The total loss.
    pub fn loss(&self) -> f64 {
        self.0.0.first().map_or(f64::NAN, |(_, v)| v.number)
    }

    /// The value of this name; the mean of a vector.
    ///
    /// # Errors
    /// There is none; the error lists the names there are.
    pub fn get(&self, name: &str) -> Result<f64> {
        self.0.get(name)
    }

    /// The numbers of this name: those of a vector, such as the scores of classes, or one.
    ///
    /// # Errors
    /// There are none; the error lists the names there are.
    pub fn values(&self, name: &str) -> Result<&[f64]> {
        self.0.values(name)
    }

    /// Names and values in order, with the means of vectors.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter()
    }

    /// The names in order.
    pub fn names(&self) -> Vec<&str> {
        self.0.names()
    }
}

/// `loss: 0.1234 - accuracy: 0.9500`.
impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, value)) in self.iter().enumerate() {
            let separator = if i > 0 { " - " } else { "" };
            write!(f, "{separator}{name}: {}", super::progress::number(value))?;
        }
        Ok(())
    }
}
