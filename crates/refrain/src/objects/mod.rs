//! Objects of Keras that are no layers: losses, metrics, optimizers, schedules, initializers, regularizers, constraints.
//!
//! What all of them have in common: a class with a name and options ([`Class`], declared by [`options!`](crate::options)), a place
//! in Keras's files, and the [registry](register) in which a program's own classes and functions are found.

mod class;
mod custom;
mod options;
pub(crate) mod own;
mod registry;

pub use crate::config::{read_option, write_option};
pub use class::{Base, Based, Class, FromConfig};
pub(crate) use class::{name_of, read_name, write_name};
pub(crate) use custom::Custom;
pub use registry::{CustomObjects, Entry, Holds, Kind, Serializable, register};
pub(crate) use registry::{
    Object, Restore, constants, custom, from_json, kind, scope, scoped, to_json,
};
