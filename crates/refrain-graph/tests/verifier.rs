//! The verifier against texts with `; error: …` beside each line that it must refuse. It must accept the others.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use refrain_graph::{Graph, Node, Spec, infer, text, verify};

/// Comment that announces a violation.
const ANNOTATION: &str = "; error: ";

fn annotations(text: &str) -> BTreeMap<usize, &str> {
    let lines = text.lines().enumerate();
    lines
        .filter_map(|(i, line)| Some((i + 1, line.split_once(ANNOTATION)?.1)))
        .collect()
}

/// The violations by line. Those without a node stand in the order of the annotated lines without one.
fn violations(text: &str) -> Result<Vec<(usize, String)>, String> {
    let parsed = text::parse_unchecked(text).map_err(|e| e.to_string())?;
    let mut other_lines = annotations(text)
        .into_keys()
        .filter(|line| !parsed.lines.contains(line));
    let violations = verify::violations(&parsed.graph);
    Ok(violations
        .map(|error| {
            let line = match error.node {
                Some(node) => parsed.lines[node.as_u32() as usize],
                None => other_lines.next().unwrap_or(0),
            };
            (line, error.message)
        })
        .collect())
}

fn texts() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verifier");
    let paths = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let texts: Vec<_> = paths
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    assert!(!texts.is_empty());
    texts
}

#[test]
fn texts_are_judged_as_they_say() {
    let mut wrong = Vec::new();
    for (name, text) in texts() {
        let mut expected = annotations(&text);
        for (line, message) in violations(&text).unwrap_or_else(|e| panic!("{name}: {e}")) {
            let announced = expected.remove(&line);
            if announced != Some(message.as_str()) {
                wrong.push(format!(
                    "{name}:{line}:\n   got      {message}\n   expected {announced:?}"
                ));
            }
        }
        let missed = expected.into_iter();
        wrong.extend(missed.map(|(line, m)| format!("{name}:{line}: accepted, expected {m}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Infers a node again with dimension `d` of input `i` unknown; gives what differs from what holds with it known.
fn with_unknown(graph: &Graph, node: Node, i: usize, d: usize) -> Result<(), String> {
    let inputs = graph.inputs(node).iter();
    let mut inputs: Vec<Spec> = inputs.map(|&v| graph.spec(v).clone()).collect();
    inputs[i].shape.dims_mut()[d] = None;
    let inputs: Vec<&Spec> = inputs.iter().collect();
    let got = infer::infer(graph.op(node), &inputs).map_err(|e| e.to_string())?;
    for (got, &known) in got.iter().zip(graph.outputs(node)) {
        let known = graph.spec(known);
        let knows_less = got.shape.merge(&known.shape).as_ref() == Some(&known.shape);
        if !knows_less || got.dtype != known.dtype {
            return Err(format!("{got} does not become {known}"));
        }
    }
    Ok(())
}

#[test]
fn an_unknown_dimension_fits_wherever_a_known_one_does() {
    let mut wrong = Vec::new();
    for (name, text) in texts() {
        let parsed = text::parse_unchecked(&text).unwrap();
        let refused = annotations(&text);
        for (node, line) in parsed.graph.nodes().zip(&parsed.lines) {
            if refused.contains_key(line) {
                continue;
            }
            for (i, &input) in parsed.graph.inputs(node).iter().enumerate() {
                for d in 0..parsed.graph.spec(input).shape.rank() {
                    if let Err(what) = with_unknown(&parsed.graph, node, i, d) {
                        wrong.push(format!("{name}:{line}: input {i}, dimension {d}: {what}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
