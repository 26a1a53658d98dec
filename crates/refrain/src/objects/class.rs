//! What a class is: a name and options.

use std::any::Any;
use std::fmt;

use serde_json::Value as Json;

use super::own;
use crate::config::{Config, read_option};
use crate::error::Result;

/// A class of objects that files name: what [`options!`](crate::options) gives a struct.
pub trait Class: Any + fmt::Debug + Send + Sync {
    /// Keras's name of the class, or a name of the program's own (`my_package>Focal`).
    fn class_name(&self) -> &'static str;

    /// The name of an object that is not given one.
    fn default_name(&self) -> String;

    /// The options under Keras's names.
    fn config(&self) -> Config;

    /// How files write it, if not by its class and options: a function or a word.
    #[doc(hidden)]
    fn written(&self) -> Option<Json> {
        None
    }
}

/// A class whose objects can be made from their configuration.
pub trait FromConfig: Sized {
    /// The name of the class.
    const CLASS: &'static str;

    /// An object with the options of a configuration. Options that are missing have their defaults.
    ///
    /// # Errors
    /// An option is missing that has no default, or has a value of another type.
    fn from_config(config: &Config) -> Result<Self>;
}

/// The options that all classes of a kind have: the name and the reduction of losses, the learning rate of optimizers, …
pub trait Base: Sized {
    /// Keras's defaults.
    const DEFAULT: Self;

    /// Adds the options to a configuration.
    fn write(&self, config: &mut Config, default_name: &str);

    /// Takes the options that a configuration has.
    ///
    /// # Errors
    /// An option has a value of another type.
    fn read(&mut self, config: &Config) -> Result<()>;

    /// The name of an object of a class that is not given one.
    fn automatic_name(class: &str) -> String {
        crate::names::snake_case(own::short(class))
    }
}

impl Base for () {
    const DEFAULT: Self = ();

    fn write(&self, _config: &mut Config, _default_name: &str) {}

    fn read(&mut self, _config: &Config) -> Result<()> {
        Ok(())
    }
}

/// A class with the options that all classes of its kind have.
pub trait Based<B> {
    /// The options.
    fn base(&self) -> &B;
    /// The options, to change them.
    fn base_mut(&mut self) -> &mut B;
}

/// An object's name: the one that it was given, or that of its class.
pub(crate) fn name_of(object: &(impl Class + ?Sized), given: &Option<String>) -> String {
    given.clone().unwrap_or_else(|| object.default_name())
}

/// Adds an object's name to its configuration.
pub(crate) fn write_name(given: &Option<String>, default_name: &str, config: &mut Config) {
    let name = given.as_deref().unwrap_or(default_name);
    config.insert("name".to_owned(), name.into());
}

/// The name that a configuration gives an object.
pub(crate) fn read_name(config: &Config) -> Result<Option<String>> {
    read_option(config, "name", Some(None))
}

/// The setter of the name for a class of a kind with names.
#[macro_export]
#[doc(hidden)]
macro_rules! name_setter {
    ($class:ident) => {
        #[allow(dead_code)]
        impl $class {
            /// Name of the object: it stands in files, and in logs where the object has values there. By default the class's
            /// name.
            pub fn name(mut self, name: impl Into<String>) -> Self {
                self.base.name = Some(name.into());
                self
            }
        }
    };
}
