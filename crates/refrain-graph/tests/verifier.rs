//! The verifier against texts with `; error: …` beside each line that it must refuse. It must accept the others.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use refrain_graph::{text, verify};

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

#[test]
fn texts_are_judged_as_they_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verifier");
    let mut wrong = Vec::new();
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        files += 1;
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
    assert!(files > 0);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
