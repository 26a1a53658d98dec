//! The `arguments` of a Lambda layer.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::config::{Config, ConfigValue, in_option, short, shown};
use crate::error::{Error, ErrorKind, Result};
use crate::ops::listed;
use crate::tensor::Tensor;

/// The further arguments of a Lambda layer's function, by name: what Keras's `Lambda(function, arguments={…})` gives.
///
/// A function takes them out by their names. One that it never asks for is an error of the layer, so that none is lost.
///
/// ```
/// use refrain::layers::LambdaFunction;
///
/// let function = LambdaFunction::with_arguments(|x, arguments| {
///     let scale = arguments.tensor("scale")?; // a number or an array
///     let shift: f64 = arguments.get_or("shift", 0.0)?;
///     Ok(x * scale + shift)
/// });
/// refrain::register::<LambdaFunction, _>("scale_and_shift", move |_| Ok(function.clone()));
/// ```
#[derive(Debug)]
pub struct LambdaArguments {
    values: Config,
    used: RefCell<BTreeSet<String>>,
    /// A tensor of the program that arrays become constants of.
    beside: Tensor,
}

impl LambdaArguments {
    pub(crate) fn new(values: Config, beside: Tensor) -> Self {
        LambdaArguments {
            values,
            used: RefCell::default(),
            beside,
        }
    }

    /// The names, in the file's order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// An argument as Keras writes it; `None` if it is not given.
    pub fn json(&self, name: &str) -> Option<&Json> {
        self.used.borrow_mut().insert(name.to_owned());
        self.values.get(name)
    }

    /// A number, a flag, a string, or a list or a map ([`BTreeMap`](std::collections::BTreeMap)) of such.
    ///
    /// # Errors
    /// The argument is not given, or is something else.
    pub fn get<T: ConfigValue>(&self, name: &str) -> Result<T> {
        let json = self.json(name).ok_or_else(|| missing(name))?;
        T::from_json(json).map_err(|e| in_option(e, name))
    }

    /// [`get`](LambdaArguments::get) with a value for an argument that is not given.
    ///
    /// # Errors
    /// The argument is something else.
    pub fn get_or<T: ConfigValue>(&self, name: &str, default: T) -> Result<T> {
        match self.json(name) {
            Some(json) => T::from_json(json).map_err(|e| in_option(e, name)),
            None => Ok(default),
        }
    }

    /// A number, an array, or nested lists of numbers as a tensor. What has no type of its own takes that of the layer's
    /// first input; 64 bits become 32.
    ///
    /// # Errors
    /// The argument is not given, or holds no numbers of one shape.
    pub fn tensor(&self, name: &str) -> Result<Tensor> {
        let json = self.json(name).ok_or_else(|| missing(name))?;
        listed(&self.beside, json).map_err(|e| in_option(e, name))
    }

    /// Takes all arguments.
    pub(crate) fn use_all(&self) {
        let names = self.values.keys().cloned();
        self.used.borrow_mut().extend(names);
    }

    /// Refuses arguments that the function did not ask for.
    pub(super) fn check_used(&self) -> Result<()> {
        let used = self.used.borrow();
        let Some((name, json)) = self.values.iter().find(|(name, _)| !used.contains(*name)) else {
            return Ok(());
        };
        let (name, value) = (short(name), shown(json));
        let message = format!("the function does not take the layer's argument `{name}` = {value}");
        Err(Error::new(ErrorKind::Config, message).hint(format!(
            "Give a function that takes it: `LambdaFunction::with_arguments` or `LoadOptions::lambda_with` and \
             `arguments.get(\"{name}\")`, as text `arguments['{name}']`"
        )))
    }
}

fn missing(name: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("the layer has no argument `{name}`"),
    )
}
