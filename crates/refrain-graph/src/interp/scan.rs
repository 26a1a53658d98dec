//! The loop primitive.

use super::index::{around, build, values};
use super::run;
use crate::{Element, GraphError, Literal, Scan, Shape, Spec, with_data};

pub(super) fn scan(
    scan: &Scan,
    inputs: &[&Literal],
    out_specs: &[Spec],
) -> Result<Vec<Literal>, GraphError> {
    let (carries, rest) = inputs.split_at(scan.carries);
    let (sequences, constants) = rest.split_at(scan.sequences);
    let length = steps(scan, sequences)?;
    let mut state: Vec<Literal> = carries.iter().map(|&c| c.clone()).collect();
    let mut stacked: Vec<Vec<Literal>> = vec![Vec::new(); scan.body.results().len() - scan.carries];
    for i in 0..length {
        let at = if scan.reverse { length - 1 - i } else { i };
        let mut params = state;
        for sequence in sequences {
            params.push(step(sequence, at)?);
        }
        params.extend(constants.iter().map(|&c| c.clone()));
        let values = run(&scan.body, params, |_, _, _| {})
            .map_err(|e| GraphError::new(format!("step {at}, in the body: {e}")))?;
        let mut results = Vec::new();
        for &value in scan.body.results() {
            results.push(values.get(value)?.clone());
        }
        for (stack, output) in stacked.iter_mut().zip(results.drain(scan.carries..)) {
            stack.push(output);
        }
        state = results;
    }
    for (mut outputs, spec) in stacked.into_iter().zip(&out_specs[scan.carries..]) {
        if scan.reverse {
            outputs.reverse();
        }
        state.push(stack(&outputs, spec)?);
    }
    Ok(state)
}

/// Number of steps; it must agree between the attribute and all sequences.
fn steps(scan: &Scan, sequences: &[&Literal]) -> Result<usize, GraphError> {
    let mut length = scan.length;
    for sequence in sequences {
        let size = sequence.dims().first().copied();
        if length.is_some() && size != length {
            let (size, length) = (size.unwrap_or(0), length.unwrap_or(0));
            let message = format!("a sequence has {size} steps where {length} are expected");
            return Err(GraphError::new(message));
        }
        length = size;
    }
    length.ok_or_else(|| GraphError::new("the number of steps is unknown"))
}

/// One step of a sequence.
fn step(sequence: &Literal, at: usize) -> Result<Literal, GraphError> {
    let (_, _, inner) = around(sequence.dims(), 0);
    let dims = &sequence.dims()[1..];
    with_data!(sequence.data(), v => build(dims, v[at * inner..][..inner].to_vec()))
}

/// The steps of an output under a new leading dimension; `spec` gives the dimensions where there is no step.
fn stack(steps: &[Literal], spec: &Spec) -> Result<Literal, GraphError> {
    fn join<T: Element>(_: &[T], steps: &[Literal]) -> Result<Literal, GraphError> {
        let mut dims = vec![steps.len()];
        dims.extend_from_slice(steps[0].dims());
        let mut all: Vec<T> = Vec::new();
        for step in steps {
            if step.dims() != steps[0].dims() {
                return Err(GraphError::new("the steps of an output differ in shape"));
            }
            all.extend_from_slice(values(step)?);
        }
        build(&dims, all)
    }
    match steps.first() {
        Some(first) => with_data!(first.data(), v => join(v, steps)),
        None => {
            let mut dims = spec.shape.dims().to_vec();
            dims[0] = Some(0);
            let dims = Shape::from(dims)
                .known()
                .ok_or_else(|| GraphError::new("an output of no steps has unknown dimensions"))?;
            Ok(Literal::zeros(dims, spec.dtype))
        }
    }
}
