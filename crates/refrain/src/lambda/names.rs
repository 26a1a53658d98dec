//! Names in expressions: the modules that functions come from, and what is not a function.

use super::term::{Literal, Node, Term};
use crate::config::short;
use crate::error::{Error, ErrorKind, Result};

/// Modules as they are imported, with what stands before the names of their functions in the table. Keras's `ops` have
/// nothing there.
const MODULES: [(&str, &str); 19] = [
    ("ops", ""),
    ("ops.image", ""),
    ("keras.ops", ""),
    ("keras.ops.image", ""),
    ("activations", "activations."),
    ("keras.activations", "activations."),
    ("K", "K."),
    ("backend", "K."),
    ("keras.backend", "K."),
    ("tf.keras.backend", "K."),
    ("tensorflow.keras.backend", "K."),
    ("tf", "tf."),
    ("tf.math", "tf."),
    ("tf.nn", "tf."),
    ("tf.linalg", "tf."),
    ("tensorflow", "tf."),
    ("tensorflow.math", "tf."),
    ("tensorflow.nn", "tf."),
    ("tensorflow.linalg", "tf."),
];

/// Modules that only hold others.
const PACKAGES: [&str; 3] = ["keras", "tf.keras", "tensorflow.keras"];

/// Whether a path names a module that functions may come from, or one that holds such.
pub(super) fn is_module(path: &str) -> bool {
    PACKAGES.contains(&path) || MODULES.iter().any(|(module, _)| *module == path)
}

/// The name in the table of the function with this path: `tf.keras.backend.sum` is `K.sum`, `ops.sum` is `sum`.
pub(super) fn canonical(path: &str) -> Option<String> {
    let Some((module, name)) = path.rsplit_once('.') else {
        return Some(path.to_owned());
    };
    let (_, prefix) = MODULES.iter().find(|(m, _)| *m == module)?;
    Some(format!("{prefix}{name}"))
}

/// What a name stands for where it is not called.
pub(super) fn value(name: &str) -> Result<Term> {
    let literal = match name {
        "x" => return Ok(Term::input()),
        "arguments" => return Term::new(Node::Arguments),
        "None" => Literal::None,
        "True" => Literal::Bool(true),
        "False" => Literal::Bool(false),
        name => {
            return constant(name).ok_or_else(|| {
                let hint = match name.strip_prefix("x.") {
                    Some(_) => "Tensors have neither attributes nor methods here",
                    None => "The layer's input is `x`; an argument of its function is `arguments['name']`",
                };
                Error::new(ErrorKind::NotFound, format!("no value is named `{}`", short(name))).hint(hint)
            });
        }
    };
    Ok(Term::literal(literal))
}

/// An attribute of a module that is not a function: an element type, or TensorFlow's name for `None`.
pub(super) fn constant(path: &str) -> Option<Term> {
    let name = canonical(path)?;
    let name = name.strip_prefix("tf.")?;
    if name == "newaxis" {
        return Some(Term::literal(Literal::None));
    }
    let dtype = refrain_graph::DType::from_keras_name(name)?;
    Some(Term::literal(Literal::Text(dtype.keras_name().to_owned())))
}

/// How many candidates an error lists.
const NEAREST: usize = 3;

/// The candidates most like a name, at a distance of at most half its length.
pub(super) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let bare = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
    let wanted = bare(name);
    let limit = 1 + wanted.chars().count() / 2;
    let mut found: Vec<(usize, bool, &str)> = candidates
        .map(|c| (distance(&wanted, &bare(c)), prefix(c) != prefix(name), c))
        .filter(|(d, ..)| *d <= limit)
        .collect();
    found.sort();
    found.into_iter().take(NEAREST).map(|(.., c)| c).collect()
}

fn prefix(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(prefix, _)| prefix)
}

/// How many characters must be added, taken away or changed to make one word of another.
fn distance(a: &str, b: &str) -> usize {
    /// Longer names are cut: a table of distances grows with both lengths.
    const LONGEST: usize = 32;
    let b: Vec<char> = b.chars().take(LONGEST).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(LONGEST).enumerate() {
        let mut next = vec![i + 1];
        let mut left = i + 1;
        for ((&to, &diagonal), &above) in b.iter().zip(&row).zip(row.iter().skip(1)) {
            let changed = diagonal + usize::from(from != to);
            left = changed.min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
