//! An optimizer's variables in files.

use std::collections::HashMap;

use refrain_graph::Literal;

use super::legacy::WEIGHT_NAMES;
use super::unique;

use crate::error::{Error, ErrorKind, Result};
use crate::models::Model;
use crate::saving::storage::{ArrayFile, ArrayRef, Group};
use crate::variable::Variable;

/// The name and the variables of a compiled model's optimizer, as Keras orders them.
pub(crate) fn optimizer_group(model: &Model) -> Option<(String, Vec<Literal>)> {
    let optimizer = model.optimizer()?;
    let variables = model.optimizer_variables();
    let values = variables.iter().map(Variable::value);
    Some((optimizer.get_name().to_owned(), values.collect()))
}

/// The arrays of a group named by their positions, in order.
fn numbered(group: &Group<ArrayRef>) -> Vec<&ArrayRef> {
    let array = |i: usize| group.arrays.get(&i.to_string());
    (0..).map_while(array).collect()
}

/// Reads an optimizer's variables, so that training goes on where it stopped. A file from before the first step has no more
/// than the step and the learning rate.
pub(crate) fn load_optimizer(
    model: &Model,
    file: &ArrayFile,
    vars: &Group<ArrayRef>,
    before_keras_3: bool,
) -> Result<()> {
    let arrays = numbered(vars);
    if arrays.len() != vars.arrays.len() {
        let names: Vec<&String> = vars.arrays.keys().collect();
        let expected = format!(
            "variables of the optimizer numbered 0 to {}",
            names.len() - 1
        );
        return Err(misfit(expected, format!("{names:?}")));
    }
    let fresh = model.optimizer_variables().len();
    if arrays.len() > fresh {
        model.build_optimizer();
    }
    let mut variables = model.optimizer_variables();
    if before_keras_3 {
        // The rate is kept in the configuration alone.
        variables.retain(|v| v.name() != "learning_rate");
    }
    assign(file, &arrays, &variables)
}

/// Names of the slots in files of Keras 2, and Keras 3's.
const SLOTS: [(&str, &str); 5] = [
    ("m", "momentum"),
    ("v", "velocity"),
    ("vhat", "velocity_hat"),
    ("rms", "velocity"),
    ("mg", "average_gradient"),
];

/// Reads the optimizer's variables of a legacy file, if it has them: in Keras 3's order, or by the names of Keras 2.
pub(crate) fn load_legacy_optimizer(model: &Model, file: &ArrayFile) -> Result<bool> {
    let Some(group) = file.root().groups.get("optimizer_weights") else {
        return Ok(false);
    };
    let names = group.texts(WEIGHT_NAMES).unwrap_or_default();
    let arrays = names.iter().map(|name| group.array(name));
    let arrays: Vec<&ArrayRef> = arrays.collect::<Option<_>>().ok_or_else(|| {
        let message =
            "the file is damaged: it lists variables of the optimizer that it does not hold";
        Error::new(ErrorKind::Io, message)
    })?;
    if arrays.is_empty() {
        return Ok(false);
    }
    let fresh = model.optimizer_variables().len();
    if arrays.len() > fresh {
        model.build_optimizer();
    }
    let variables = model.optimizer_variables();
    let prefix = model.optimizer().map(|o| format!("{}/", o.get_name()));
    let own = unique(variables.iter().map(|v| v.path().to_owned()).collect());
    if names == own {
        return assign(file, &arrays, &variables).map(|()| true);
    }
    let mut named: HashMap<String, &ArrayRef> =
        names.iter().map(|n| plain(n)).zip(arrays).collect();
    let mut pairs = Vec::new();
    for variable in &variables {
        let own = variable
            .path()
            .strip_prefix(prefix.as_deref().unwrap_or_default());
        match find(&mut named, own.unwrap_or(variable.path())) {
            Some(array) => pairs.push((array, variable.clone())),
            // Keras 2 keeps the rate in its configuration.
            None if variable.name() == "learning_rate" => {}
            None => {
                let received = format!("{names:?}");
                return Err(misfit(
                    format!("a variable `{}`", variable.path()),
                    received,
                ));
            }
        }
    }
    if let Some(stray) = named.keys().next() {
        let expected = "only variables of the model's optimizer".to_owned();
        return Err(misfit(expected, format!("`{stray}`")));
    }
    let (arrays, variables): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    assign(file, &arrays, &variables).map(|()| true)
}

/// Takes the array of a name, or the one of the longest name that is its end: Keras 2 leaves the names of stacks out.
fn find<'f>(named: &mut HashMap<String, &'f ArrayRef>, name: &str) -> Option<&'f ArrayRef> {
    if let Some(array) = named.remove(name) {
        return Some(array);
    }
    let ends = |known: &&String| name.ends_with(&format!("_{known}"));
    let longest = named.keys().filter(ends).max_by_key(|known| known.len());
    let longest = longest.cloned()?;
    named.remove(&longest)
}

/// The name that Keras 3 would give a variable of Keras 2's optimizers, without the optimizer's own:
/// `Adam/m/dense/kernel:0` and `Adam/dense/kernel/m:0` are `dense_kernel_momentum`.
fn plain(name: &str) -> String {
    let name = name.strip_suffix(":0").unwrap_or(name);
    let parts: Vec<&str> = name.split('/').collect();
    let slot = |part: &str| {
        SLOTS
            .iter()
            .find(|(old, _)| *old == part)
            .map(|(_, new)| *new)
    };
    match parts[..] {
        ["iteration"] | [_, "iter" | "iteration"] => "iteration".to_owned(),
        [_, first, ref rest @ ..] if slot(first).is_some() && !rest.is_empty() => {
            format!("{}_{}", rest.join("_"), slot(first).unwrap_or_default())
        }
        [_, ref rest @ .., last] => {
            format!("{}_{}", rest.join("_"), slot(last).unwrap_or(last))
        }
        _ => name.to_owned(),
    }
}

/// Reads arrays into as many variables.
pub(super) fn assign(file: &ArrayFile, arrays: &[&ArrayRef], variables: &[Variable]) -> Result<()> {
    if arrays.len() != variables.len() {
        return Err(misfit(
            format!("{} variables of the optimizer", variables.len()),
            format!("{} in the file", arrays.len()),
        ));
    }
    for (array, variable) in arrays.iter().zip(variables) {
        let value = file.read(array)?;
        if value.dims() != variable.shape() {
            return Err(misfit(
                format!("`{}` of shape {:?}", variable.path(), variable.shape()),
                format!("`{}` of shape {:?}", array.path(), value.dims()),
            ));
        }
        variable.assign(value.convert(variable.dtype()))?;
    }
    Ok(())
}

fn misfit(expected: String, received: String) -> Error {
    Error::mismatch(ErrorKind::Shape, expected, received).hint(
        "The optimizer's state does not fit the model; load it without: `LoadOptions::compile(false)`",
    )
}
