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

/// Logged values by name, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logs(Vec<(String, f64)>);

impl Logs {
    /// The value of this name.
    ///
    /// # Errors
    /// There is none; the error lists the names there are.
    pub fn get(&self, name: &str) -> Result<f64> {
        let found = self.0.iter().find(|(n, _)| n == name);
        found
            .map(|&(_, v)| v)
            .ok_or_else(|| no_value(name, &self.names()))
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(n, v)| (n.as_str(), *v))
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
                "" => self.set(&tracker.key, value),
                prefix => self.set(&format!("{prefix}{}", tracker.key), value),
            }
        }
        Ok(())
    }
}

/// The result of `fit`: the values of each epoch under Keras's names, in alphabetical order.
///
/// Validation values have names beginning with `val_`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    epochs: Vec<usize>,
    values: BTreeMap<String, Vec<f64>>,
}

impl History {
    pub(crate) fn push(&mut self, epoch: usize, logs: &Logs) {
        self.epochs.push(epoch);
        for (name, value) in logs.iter() {
            self.values.entry(name.to_owned()).or_default().push(value);
        }
    }

    /// The numbers of the epochs that ran, from 0 (or from `initial_epoch`).
    pub fn epochs(&self) -> &[usize] {
        &self.epochs
    }

    /// The names, in alphabetical order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// The values of this name, epoch by epoch.
    ///
    /// # Errors
    /// There are none; the error lists the names there are.
    pub fn get(&self, name: &str) -> Result<&[f64]> {
        let found = self.values.get(name).map(Vec::as_slice);
        found.ok_or_else(|| no_value(name, &self.keys().collect::<Vec<_>>()))
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
        self.values.iter().map(|(k, v)| (k.as_str(), v.as_slice()))
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
        self.0.0.first().map_or(f64::NAN, |(_, v)| *v)
    }

    /// The value of this name.
    ///
    /// # Errors
    /// There is none; the error lists the names there are.
    pub fn get(&self, name: &str) -> Result<f64> {
        self.0.get(name)
    }

    /// Names and values in order.
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
