//! Loops and random bits.

use cranelift_entity::EntityRef;

use super::{Inferred, check};
use crate::{DType, Dim, Graph, ParamKind, Scan, Shape, Spec};

/// Words of the generator's state: two of the key, two of the block counter.
const STATE_WORDS: usize = 4;

pub(super) fn scan(scan: &Scan, inputs: &[&Spec]) -> Inferred {
    let steps = scan.carries.checked_add(scan.sequences);
    let Some(steps) = steps.filter(|&n| n <= inputs.len()) else {
        return Err(format!(
            "expected an input for each of {} carries and {} sequences, got {}",
            scan.carries,
            scan.sequences,
            inputs.len()
        ));
    };
    self_contained(&scan.body)?;
    let (carries, rest) = inputs.split_at(scan.carries);
    let (sequences, constants) = rest.split_at(steps - scan.carries);
    let length = scan_length(scan.length, sequences)?;

    let expected = carries.iter().map(|&c| Ok(c.clone()));
    let expected = expected
        .chain(sequences.iter().enumerate().map(|(i, s)| step_of(i, s)))
        .chain(constants.iter().map(|&c| Ok(c.clone())));
    let expected: Vec<Spec> = expected.collect::<Result<_, _>>()?;
    let merged = merge_params(&scan.body, &expected)?;
    body_results(scan, &merged, length)
}

/// Checks that all the body needs comes in by its inputs, and that all it makes goes out by its results.
fn self_contained(body: &Graph) -> Result<(), String> {
    if let Some((value, _, name)) = body.params().find(|(_, k, _)| *k == ParamKind::Variable) {
        return Err(format!(
            "expected a body without variables, got variable {name:?} at {value}"
        ));
    }
    let values = body.num_values();
    if let Some(value) = body.results().iter().find(|v| v.index() >= values) {
        return Err(format!(
            "expected results of the body among its {values} values, got {value}"
        ));
    }
    match body.updates().len() {
        0 => Ok(()),
        n => Err(format!("expected a body without updates, got {n}")),
    }
}

/// The number of steps that the attribute and the sequences agree on.
fn scan_length(given: Dim, sequences: &[&Spec]) -> Result<Dim, String> {
    if given.is_none() && sequences.is_empty() {
        return Err("expected a length or at least 1 sequence, got neither".into());
    }
    let mut length = given;
    for (i, s) in sequences.iter().enumerate() {
        let Some(&steps) = s.shape.dims().first() else {
            return Err(format!(
                "expected sequence {i} with a leading dimension, got {s}"
            ));
        };
        let what = format!("a leading dimension of sequence {i}");
        length = check::merge_dim(&what, length, steps)?;
    }
    Ok(length)
}

fn step_of(index: usize, sequence: &Spec) -> Result<Spec, String> {
    match sequence.shape.dims() {
        [_, step @ ..] => Ok(Spec::new(step, sequence.dtype)),
        [] => Err(format!(
            "expected sequence {index} with a leading dimension, got {sequence}"
        )),
    }
}

/// Checks the body's parameters, and gives what they and the inputs know together.
fn merge_params(body: &Graph, expected: &[Spec]) -> Result<Vec<Spec>, String> {
    let params = body.params();
    check::length("parameters of the body", params.len(), expected.len())?;
    let pairs = params.zip(expected).enumerate();
    pairs
        .map(|(i, ((value, _, _), expected))| {
            merge_spec(
                &format!("parameter {i} of the body"),
                expected,
                body.spec(value),
            )
        })
        .collect()
}

fn merge_spec(what: &str, expected: &Spec, got: &Spec) -> Result<Spec, String> {
    check::same_dtype(what, expected.dtype, got.dtype)?;
    let shape = check::merge(what, &expected.shape, &got.shape)?;
    Ok(Spec::new(shape, expected.dtype))
}

/// Checks the carries that the body gives back, and stacks its other results.
fn body_results(scan: &Scan, params: &[Spec], length: Dim) -> Inferred {
    let results: Vec<&Spec> = scan
        .body
        .results()
        .iter()
        .map(|&v| scan.body.spec(v))
        .collect();
    if results.len() < scan.carries {
        return Err(format!(
            "expected a result of the body for each of {} carries, got {}",
            scan.carries,
            results.len()
        ));
    }
    let mut out = Vec::with_capacity(results.len());
    for (i, result) in results.into_iter().enumerate() {
        if i < scan.carries {
            let what = format!("result {i} of the body (a carry)");
            out.push(merge_spec(&what, &params[i], result)?);
        } else {
            let mut stacked = result.clone();
            stacked.shape.dims_mut().insert(0, length);
            out.push(stacked);
        }
    }
    if out.is_empty() {
        return Err("expected a body with at least 1 result, got 0".into());
    }
    Ok(out)
}

pub(super) fn rng_bit_generator(shape: &Shape, inputs: &[&Spec]) -> Inferred {
    let [state] = check::arity(inputs)?;
    check::same_dtype("a state", DType::U32, state.dtype)?;
    let state = check::merge("a state", &Shape::from([STATE_WORDS]), &state.shape)?;
    Ok(vec![
        Spec::new(state, DType::U32),
        Spec::new(shape.clone(), DType::U32),
    ])
}
