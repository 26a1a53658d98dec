//! Matching given arrays with what a model declares.

use std::collections::BTreeMap;

use super::array::DataArray;
use super::arrays::Arrays;
use crate::error::{Error, ErrorKind, Result};
use crate::structure::Structure;
use crate::tensor::Tensor;

type Given<'a> = Structure<Option<DataArray<'a>>>;

/// The flat arrays for a model's inputs or outputs: by position, or by name from a dict.
pub(crate) fn arrange<'a>(
    what: &str,
    declared: &Structure<Tensor>,
    names: &[String],
    given: Arrays<'a>,
) -> Result<Vec<Option<DataArray<'a>>>> {
    let flat = match (given.0?, declared) {
        (Structure::Dict(given), Structure::Dict(declared)) => by_key(what, declared, &given)?,
        (Structure::Dict(given), _) => {
            let picked = names.iter().map(|name| pick(what, &given, name, names));
            picked.collect::<Result<Vec<_>>>()?
        }
        (given, _) => given.into_leaves(),
    };
    if flat.len() != names.len() {
        return Err(Error::mismatch(
            ErrorKind::Structure,
            format!("{} arrays for {what} {names:?}", names.len()),
            format!("{} arrays", flat.len()),
        )
        .hint("Give one array for each, as a list in this order or as pairs of names and arrays"));
    }
    Ok(flat)
}

/// The same, but a dict may leave out those that are optional. It may not name others.
pub(crate) fn arrange_some<'a>(
    what: &str,
    declared: &Structure<Tensor>,
    names: &[String],
    optional: &[bool],
    given: Arrays<'a>,
) -> Result<Vec<Option<DataArray<'a>>>> {
    let mut dict = match given.0? {
        Structure::Dict(dict) => dict,
        other => return arrange(what, declared, names, Arrays(Ok(other))),
    };
    let parts: Vec<(&String, usize)> = match declared {
        Structure::Dict(parts) => parts.iter().map(|(k, p)| (k, p.flatten().len())).collect(),
        _ => names.iter().map(|n| (n, 1)).collect(),
    };
    if let Some(other) = dict.keys().find(|k| !parts.iter().any(|(n, _)| n == k)) {
        let known: Vec<&String> = parts.iter().map(|(n, _)| *n).collect();
        return Err(Error::mismatch(
            ErrorKind::Structure,
            format!("{what} under some of the names {known:?}"),
            format!("`{other}`"),
        )
        .hint("Name the model's outputs"));
    }
    let mut position = 0;
    for (name, leaves) in parts {
        let own = optional.iter().skip(position).take(leaves);
        if own.copied().all(|optional| optional) {
            let none = || Structure::list((0..leaves).map(|_| None));
            dict.entry(name.clone()).or_insert_with(none);
        }
        position += leaves;
    }
    arrange(what, declared, names, Arrays(Ok(Structure::Dict(dict))))
}

fn by_key<'a>(
    what: &str,
    declared: &BTreeMap<String, Structure<Tensor>>,
    given: &BTreeMap<String, Given<'a>>,
) -> Result<Vec<Option<DataArray<'a>>>> {
    let keys: Vec<String> = declared.keys().cloned().collect();
    let mut flat = Vec::new();
    for (key, part) in declared {
        let found = given
            .get(key)
            .ok_or_else(|| missing(what, key, given, &keys))?;
        let leaves = found.clone().into_leaves();
        let wanted = part.flatten().len();
        if leaves.len() != wanted {
            return Err(Error::mismatch(
                ErrorKind::Structure,
                format!("{wanted} arrays under `{key}` of {what}"),
                format!("{} arrays", leaves.len()),
            ));
        }
        flat.extend(leaves);
    }
    Ok(flat)
}

fn pick<'a>(
    what: &str,
    given: &BTreeMap<String, Given<'a>>,
    name: &str,
    names: &[String],
) -> Result<Option<DataArray<'a>>> {
    let found = given.get(name).and_then(Structure::single).cloned();
    found.ok_or_else(|| missing(what, name, given, names))
}

fn missing(what: &str, name: &str, given: &BTreeMap<String, Given<'_>>, all: &[String]) -> Error {
    let given: Vec<&String> = given.keys().collect();
    Error::mismatch(
        ErrorKind::Structure,
        format!("data for `{name}` ({what} are {all:?})"),
        format!("data named {given:?}"),
    )
    .hint("Give data under each of these names")
}

/// The common number of samples of all arrays, which must not be zero.
pub(crate) fn check_lengths(groups: &[(&str, &[Option<DataArray<'_>>])]) -> Result<usize> {
    let all = || groups.iter().flat_map(|(_, arrays)| *arrays).flatten();
    if all().any(|array| array.samples().is_none()) {
        let error = Error::mismatch(ErrorKind::Shape, "an array of samples", "a scalar");
        return Err(error.hint("Give it a first axis that counts samples"));
    }
    let mut sizes = all().filter_map(DataArray::samples);
    let Some(first) = sizes.next() else {
        return Err(Error::mismatch(
            ErrorKind::Data,
            "arrays of samples",
            "none",
        ));
    };
    if sizes.any(|n| n != first) {
        let mut listed = Vec::new();
        for (what, arrays) in groups {
            for (i, array) in arrays.iter().enumerate() {
                let samples = array.as_ref().and_then(DataArray::samples);
                listed.extend(samples.map(|n| format!("{what} {i}: {n}")));
            }
        }
        return Err(Error::mismatch(
            ErrorKind::Data,
            "arrays with the same number of samples",
            listed.join(", "),
        )
        .hint("The first axis of every array counts the samples"));
    }
    if first == 0 {
        return Err(
            Error::mismatch(ErrorKind::Data, "at least one sample", "an empty data set")
                .hint("See what made the data: nothing is left of them"),
        );
    }
    Ok(first)
}
