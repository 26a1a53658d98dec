//! Gradients against differences of the program's own values, in f64 on the interpreter; and the compiler against it.

use refrain::{DType, Literal};
use refrain_graph::{ParamKind, Value};
use serde_json::Value as Json;

use super::compare::close;
use super::layer_case::{Case, Run};
use super::npz::Golden;

/// Step of the differences: its square, the error, is far below the tolerance, and rounding (1e-16 / step) too.
const STEP: f64 = 1e-5;
/// Relative to the largest of 1 and the derivative.
const TOLERANCE: f64 = 1e-6;

/// Of what the compiler adds up in another order, relative to the largest of 1 and the largest element.
const COMPILER_TOLERANCE: f64 = 1e-12;

/// Layers whose output jumps where their golden inputs lie, and one whose gradients leave a part of the derivative out.
const NOT_SMOOTH: [&str; 4] = [
    "CategoryEncoding",
    "Discretization",
    "Masking",
    "SpectralNormalization",
];

/// Compares the derivative along one direction in all float inputs and trainable weights.
pub fn check(golden: &Golden, json: &Json) -> Result<(), String> {
    // What is computed in another type than the case's is too coarse.
    if json["config"]["reverse_dtype"].is_string() {
        return Ok(());
    }
    let (case, _) = Case::build_as(golden, json, DType::F64).map_err(|e| format!("in f64: {e}"))?;
    let mut program = case.program().map_err(|e| format!("in f64: {e}"))?;
    let params: Vec<Value> = program.graph.params_of(ParamKind::Variable).collect();
    for &output in &program.outputs {
        program.graph.result(output);
    }
    let outputs = program.outputs.len();
    let inputs: Vec<Value> = case
        .list("input_grads")
        .iter()
        .zip(&program.inputs)
        .filter(|(key, _)| !key.is_null())
        .map(|(_, &value)| value)
        .collect();
    let trainable = case.layer.trainable_weights();
    let weights: Vec<Value> = (0..params.len())
        .filter(|&i| trainable.contains(&program.variables[i]))
        .map(|i| params[i])
        .collect();
    let wrt = [inputs, weights].concat();
    let cotangents = case.add_gradients(&mut program, &wrt)?;
    let run = Run {
        inputs: case.literals(cotangents.clone()),
        variables: program
            .variables
            .iter()
            .map(|v| v.value().expect("a value"))
            .collect(),
        graph: program.graph,
    };
    let directions: Vec<Vec<f64>> = wrt
        .iter()
        .enumerate()
        .map(|(i, &v)| {
            let n = run.graph.spec(v).shape.numel().unwrap_or(0);
            (0..n).map(|j| direction(i, j)).collect()
        })
        .collect();
    let at = run.interpreted()?;
    let compiled = run.compiled().map_err(|e| format!("in f64: {e}"))?;
    for (i, (got, want)) in compiled.results.iter().zip(&at.results).enumerate() {
        close(
            &format!("compiled in f64, result {i}"),
            got,
            want,
            COMPILER_TOLERANCE,
        )?;
    }
    if NOT_SMOOTH.contains(&json["class_name"].as_str().unwrap_or_default()) {
        return Ok(());
    }
    let slope: f64 = at.results[outputs..]
        .iter()
        .zip(&directions)
        .flat_map(|(gradient, direction)| {
            let gradient = gradient.to_f64().into_iter();
            gradient
                .zip(direction)
                .map(|(g, d)| g * d)
                .collect::<Vec<_>>()
        })
        .sum();
    let value = |step: f64| -> Result<f64, String> {
        let moved = moved(&run, &wrt, &directions, step);
        let results = moved.interpreted()?.results;
        let floats = results[..outputs].iter().filter(|r| r.dtype().is_float());
        Ok(floats.zip(&cotangents).map(|(r, c)| dot(r, c)).sum())
    };
    let difference = (value(STEP)? - value(-STEP)?) / (2.0 * STEP);
    let error = (difference - slope).abs() / slope.abs().max(1.0);
    match error <= TOLERANCE {
        true => Ok(()),
        false => Err(format!(
            "derivative in f64: {slope} by gradients, {difference} by differences"
        )),
    }
}

/// Fixed numbers between -1 and 1 without a pattern that a layer could share.
fn direction(i: usize, j: usize) -> f64 {
    ((1.0 + i as f64) * 12.9898 + (j as f64) * 78.233).sin()
}

fn dot(a: &Literal, b: &Literal) -> f64 {
    a.to_f64().iter().zip(b.to_f64()).map(|(a, b)| a * b).sum()
}

/// The run with its parameters a step along the direction.
fn moved(run: &Run, wrt: &[Value], directions: &[Vec<f64>], step: f64) -> Run {
    let mut moved = Run {
        graph: run.graph.clone(),
        inputs: run.inputs.clone(),
        variables: run.variables.clone(),
    };
    for (kind, literals) in [
        (ParamKind::Input, &mut moved.inputs),
        (ParamKind::Variable, &mut moved.variables),
    ] {
        for (param, literal) in run.graph.params_of(kind).zip(literals.iter_mut()) {
            let Some(i) = wrt.iter().position(|&v| v == param) else {
                continue;
            };
            let Some(values) = literal.values_mut::<f64>() else {
                continue;
            };
            let pairs = values.iter_mut().zip(&directions[i]);
            pairs.for_each(|(v, d)| *v += step * d);
        }
    }
    moved
}
