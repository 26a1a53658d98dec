//! An optimizer's variables in files.

use std::collections::HashMap;

use refrain_graph::Literal;

use super::legacy::WEIGHT_NAMES;
use super::plan::dims;
use crate::error::{Error, ErrorKind, Result};
use crate::models::Model;
use crate::variable::{Variable, VariableId};
use refrain_storage::{ArrayFile, ArrayRef, Group};

/// An optimizer's variables, as Keras orders them.
pub(crate) struct OptimizerGroup {
    /// The optimizer's name.
    pub(crate) name: String,
    /// The names of its variables.
    pub(crate) paths: Vec<String>,
    pub(crate) values: Vec<Literal>,
}

/// The variables of a compiled model's optimizer, or those that a file had for one that is not known.
pub(crate) fn optimizer_group(model: &Model) -> Result<Option<OptimizerGroup>> {
    if let Some(kept) = model.kept_compilation().filter(|k| !k.state.is_empty()) {
        let name = kept.config["optimizer"]["config"]["name"].as_str();
        let name = name.unwrap_or("optimizer").to_owned();
        let paths = (0..kept.state.len()).map(|i| format!("{name}/{i}"));
        return Ok(Some(OptimizerGroup {
            paths: paths.collect(),
            values: kept.state.clone(),
            name,
        }));
    }
    let Some(optimizer) = model.optimizer() else {
        return Ok(None);
    };
    let variables = model.optimizer_variables();
    let values = variables.iter().map(Variable::value);
    Ok(Some(OptimizerGroup {
        name: optimizer.get_name(),
        paths: variables.iter().map(|v| v.path().to_owned()).collect(),
        values: values.collect::<Result<_>>()?,
    }))
}

/// The optimizer's variables of a file that has them in Keras 3's order, below either of the groups that hold them.
pub(crate) fn stored_optimizer(file: &ArrayFile) -> Result<Vec<Literal>> {
    let root = file.root();
    let arrays = match (root.group("optimizer/vars"), root.groups.get(LEGACY_GROUP)) {
        (Some(vars), _) => numbered(vars),
        (None, Some(group)) => {
            let names = group.texts(WEIGHT_NAMES).unwrap_or_default();
            names.iter().filter_map(|name| group.array(name)).collect()
        }
        (None, None) => Vec::new(),
    };
    let values = arrays.into_iter().map(|array| Ok(file.read(array)?));
    values.collect()
}

/// The group of a legacy file that holds them.
const LEGACY_GROUP: &str = "optimizer_weights";

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
    load_in_order(model, file, arrays)
}

/// Reads variables that stand in Keras's order.
fn load_in_order(model: &Model, file: &ArrayFile, mut arrays: Vec<&ArrayRef>) -> Result<()> {
    let mut variables = variables_for(model, arrays.len())?;
    if has_unused_slots(model) && arrays.len() > variables.len() {
        arrays.truncate(1);
    }
    let left_out = left_out_by_keras_2(model)?;
    let kept = |v: &Variable| !left_out.contains(&v.id());
    if arrays.len() < variables.len()
        && arrays.len() == variables.iter().filter(|v| kept(v)).count()
    {
        variables.retain(kept);
    }
    assign(file, &arrays, &variables)?;
    derive_others(model, &variables)
}

/// Variables that Keras 2 does not store: the rate, which it keeps in its configuration, and numbers of an optimizer's own,
/// where they follow from the step counter.
fn left_out_by_keras_2(model: &Model) -> Result<Vec<VariableId>> {
    let variables = model.optimizer_variables().into_iter();
    let rate = variables.filter(|v| v.name() == LEARNING_RATE);
    let derived = model.derived_optimizer_scalars()?.into_iter();
    let derived = derived.map(|(variable, _)| variable);
    Ok(rate.chain(derived).map(|v| v.id()).collect())
}

/// Gives those of an optimizer's own numbers that were not read the values that they have after the steps so far.
fn derive_others(model: &Model, read: &[Variable]) -> Result<()> {
    for (variable, value) in model.derived_optimizer_scalars()? {
        if read.iter().all(|v| v.id() != variable.id()) {
            variable.assign(Literal::scalar(value as f32).convert(variable.dtype()))?;
        }
    }
    Ok(())
}

/// The model's optimizer's variables: all of them if the file has more than those of an optimizer that was never used.
fn variables_for(model: &Model, stored: usize) -> Result<Vec<Variable>> {
    if stored > model.optimizer_variables().len() {
        model.build_optimizer()?;
    }
    Ok(model.optimizer_variables())
}

/// Whether Keras 2 stores variables of weights that are not used.
fn has_unused_slots(model: &Model) -> bool {
    let optimizer = model.optimizer();
    optimizer.is_some_and(|o| o.has_unused_slots_in_keras2())
}

const LEARNING_RATE: &str = "learning_rate";

/// Slots of Keras 2's old optimizers under Keras 3's names.
const SLOTS: [(&str, &str); 6] = [
    ("m", "momentum"),
    ("v", "velocity"),
    ("vhat", "velocity_hat"),
    ("rms", "velocity"),
    ("u", "norm"),
    ("mg", "average_gradient"),
];

/// What the names of TensorFlow's variables end in: the number of the output.
const OUTPUT: &str = ":0";

/// Reads the optimizer's variables of a legacy file, if it has them: in their order, or by the names of Keras 2.
pub(crate) fn load_legacy_optimizer(model: &Model, file: &ArrayFile) -> Result<bool> {
    let Some(group) = file.root().groups.get(LEGACY_GROUP) else {
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
    match names.iter().any(|name| name.ends_with(OUTPUT)) {
        true => load_by_name(model, file, &names, arrays)?,
        false => load_in_order(model, file, arrays)?,
    }
    Ok(true)
}

/// Reads variables that stand under the names of Keras 2.
fn load_by_name(
    model: &Model,
    file: &ArrayFile,
    names: &[&str],
    arrays: Vec<&ArrayRef>,
) -> Result<()> {
    let variables = variables_for(model, arrays.len())?;
    let prefix = model.optimizer().map(|o| format!("{}/", o.get_name()));
    let prefix = prefix.unwrap_or_default();
    let slot_first = names.contains(&"iteration:0");
    let plain = names.iter().map(|name| plain(name, slot_first));
    let mut named: HashMap<String, &ArrayRef> = plain.zip(arrays).collect();
    let (mut pairs, left_out) = (Vec::new(), left_out_by_keras_2(model)?);
    for variable in &variables {
        let own = variable.path().strip_prefix(&*prefix);
        match find(&mut named, own.unwrap_or(variable.path())) {
            Some(array) => pairs.push((array, variable.clone())),
            None if left_out.contains(&variable.id()) => {}
            None => {
                let expected = format!("a variable `{}`", variable.path());
                return Err(misfit(expected, format!("{names:?}")));
            }
        }
    }
    if let Some(stray) = named.keys().next().filter(|_| !has_unused_slots(model)) {
        let expected = "only variables of the model's optimizer".to_owned();
        return Err(misfit(expected, format!("`{stray}`")));
    }
    let (arrays, variables): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    assign(file, &arrays, &variables)?;
    derive_others(model, &variables)
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

/// The name that Keras 3 would give a variable of Keras 2's optimizers, without the optimizer's own: `dense_kernel_momentum`.
/// New optimizers put the slot before the weight, `Adam/m/dense/kernel:0`, old ones behind it: `Adam/dense/kernel/m:0`.
fn plain(name: &str, slot_first: bool) -> String {
    let name = name.strip_suffix(OUTPUT).unwrap_or(name);
    let parts: Vec<&str> = name.split('/').collect();
    let named = |weight: &[&str], slot: &str| {
        let known = SLOTS.iter().find(|(old, _)| *old == slot);
        format!(
            "{}_{}",
            weight.join("_"),
            known.map_or(slot, |(_, new)| new)
        )
    };
    match parts[..] {
        ["iteration"] | [_, "iter" | "iteration"] => "iteration".to_owned(),
        [_, slot, ref weight @ ..] if slot_first && !weight.is_empty() => named(weight, slot),
        [_, ref weight @ .., slot] if !weight.is_empty() => named(weight, slot),
        _ => name.to_owned(),
    }
}

/// Reads arrays into as many variables. None changes before it is certain that all fit.
fn assign(file: &ArrayFile, arrays: &[&ArrayRef], variables: &[Variable]) -> Result<()> {
    if arrays.len() != variables.len() {
        return Err(misfit(
            format!("{} variables of the optimizer", variables.len()),
            format!("{} in the file", arrays.len()),
        ));
    }
    let pairs = || arrays.iter().zip(variables);
    if let Some((array, variable)) = pairs().find(|(a, v)| dims(a) != v.shape()) {
        return Err(misfit(
            format!("`{}` of shape {:?}", variable.path(), variable.shape()),
            format!("`{}` of shape {:?}", array.path(), dims(array)),
        ));
    }
    for (array, variable) in pairs() {
        let value = file.read(array)?;
        variable.assign(value.convert(variable.dtype()))?;
    }
    Ok(())
}

fn misfit(expected: String, received: String) -> Error {
    Error::mismatch(ErrorKind::Shape, expected, received)
}
