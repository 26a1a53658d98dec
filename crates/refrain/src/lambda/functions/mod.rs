//! The functions of expressions: those of `ops` as they are declared, and forms of Keras 2 and TensorFlow that mean something
//! else, in a table of signatures and what each computes.
//!
//! A signature begins with the function's name. Names of Keras 3's `ops` stand alone, those of Keras 2's backend have `K.`
//! before them, those of TensorFlow `tf.`, activation functions `activations.`. Signatures share an entry where their arguments
//! mean the same.

mod activations;
mod elementwise;
mod indexing;
mod products;
mod reductions;
mod shapes;

use std::fmt;

use super::arguments::{Arguments, name};
use super::names::{canonical, nearest};
use super::value::Value;
use crate::config::short;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{self, OpDef};

/// An entry of the table.
pub(super) struct Function {
    signatures: &'static [&'static str],
    call: fn(&Arguments) -> Result<Value>,
}

/// Declares a part of the table.
macro_rules! functions {
    ($table:ident { $([$($signature:literal),+ $(,)?] => $call:expr;)* }) => {
        pub(super) static $table: &[super::Function] = &[
            $(super::Function { signatures: &[$($signature),+], call: $call }),*
        ];
    };
}
use functions;

static TABLES: &[&[Function]] = &[
    activations::TABLE,
    elementwise::TABLE,
    indexing::TABLE,
    products::TABLE,
    reductions::TABLE,
    shapes::TABLE,
];

/// A function as it is called: under one of its names.
#[derive(Clone, Copy)]
pub(super) struct Callee {
    computes: Computes,
    signature: &'static str,
}

/// What a function computes.
#[derive(Clone, Copy)]
enum Computes {
    /// What one of `ops` does.
    Operation(&'static OpDef),
    /// Something else.
    Form(fn(&Arguments) -> Result<Value>),
}

impl Callee {
    /// The function with this path, such as `abs` or `tf.keras.backend.abs`.
    pub(super) fn find(path: &str) -> Result<Callee> {
        let name = canonical(path);
        let found = all().find(|c| Some(c.name()) == name.as_deref());
        found.ok_or_else(|| {
            let error = Error::new(
                ErrorKind::NotFound,
                format!("no function is named `{}`", short(path)),
            );
            let wanted = name.as_deref().unwrap_or(path);
            let near = nearest(wanted, all().map(|c| c.name()));
            match near.is_empty() {
                true => error,
                false => error.hint(format!("The nearest names are `{}`", near.join("`, `"))),
            }
        })
    }

    pub(super) fn signature(&self) -> &'static str {
        self.signature
    }

    /// The name with which it is printed.
    pub(super) fn name(&self) -> &'static str {
        name(self.signature)
    }

    pub(super) fn call(&self, arguments: &Arguments) -> Result<Value> {
        match self.computes {
            Computes::Operation(def) => {
                let (inputs, config) = def.bind(arguments.of_operation(def)?);
                def.call(inputs, config).map(Value::from)
            }
            Computes::Form(call) => call(arguments),
        }
    }
}

impl PartialEq for Callee {
    fn eq(&self, other: &Self) -> bool {
        self.signature == other.signature
    }
}

impl fmt::Debug for Callee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.signature)
    }
}

fn all() -> impl Iterator<Item = Callee> {
    let operations = ops::functions().flat_map(|def| {
        let signatures = std::iter::once(&def.signature).chain(def.aliases);
        signatures.map(move |&signature| Callee {
            computes: Computes::Operation(def),
            signature,
        })
    });
    let forms = TABLES.iter().copied().flatten().flat_map(|form| {
        let signatures = form.signatures.iter();
        signatures.map(move |&signature| Callee {
            computes: Computes::Form(form.call),
            signature,
        })
    });
    operations.chain(forms)
}

#[cfg(test)]
pub(super) fn signatures() -> Vec<&'static str> {
    all().map(|c| c.signature).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_name_has_one_signature() {
        let mut seen = HashSet::new();
        for callee in all() {
            assert!(seen.insert(callee.name()), "{} twice", callee.name());
            assert_eq!(Callee::find(callee.name()).unwrap(), callee);
        }
    }

    #[test]
    fn an_unknown_name_lists_the_nearest() {
        let error = Callee::find("tf.reduce_sums").unwrap_err().to_string();
        assert!(error.contains("`tf.reduce_sum`"), "{error}");
        let error = Callee::find("np.abs").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
