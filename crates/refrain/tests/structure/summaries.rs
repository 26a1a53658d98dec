//! Tables of models.
//!
//! Two things differ from Keras on purpose, and are stated here as rules:
//! - A layer that is called several times has a line for each call. Folded into one row, with the shape of the last call
//!   and the sources of all, the lines say what Keras's row says.
//! - Layers inside nested models show no sources. Keras shows those of calls in the outer model, where there are such.

use std::process::Command;

use ndarray::Array2;
use refrain::losses::Loss;
use refrain::optimizers::Adam;
use refrain::training::Verbose;
use refrain::{Model, Result, Summary, testing};
use serde_json::Value as Json;

use super::{golden, items, steps, text};

/// Set for the runs of this test in a terminal of a known width.
const COLUMNS: &str = "COLUMNS";
const CHILD: &str = "REFRAIN_TEST_SUMMARIES";
const NAME: &str = "summaries::tables_say_what_keras_tables_say";

/// The width is read from the environment, which a test cannot change for itself: it runs itself once for each width.
#[test]
fn tables_say_what_keras_tables_say() -> Result<()> {
    let cases = golden("summaries");
    if std::env::var_os(CHILD).is_some() {
        return check_all(&cases);
    }
    let mut widths: Vec<u64> = cases.iter().filter_map(|c| c["columns"].as_u64()).collect();
    widths.sort_unstable();
    widths.dedup();
    assert_eq!(widths, [80, 112, 124]);
    for width in widths {
        let program = std::env::current_exe().expect("this test");
        let mut command = Command::new(program);
        command.args(["--exact", NAME, "--nocapture"]);
        let output = command
            .env(CHILD, "1")
            .env(COLUMNS, width.to_string())
            .output();
        let output = output.expect("a run of this test");
        let printed = String::from_utf8_lossy(&output.stdout);
        let failed = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{printed}\n{failed}");
        assert!(printed.contains("1 passed"), "{printed}");
    }
    Ok(())
}

fn check_all(cases: &[Json]) -> Result<()> {
    let columns: u64 = std::env::var(COLUMNS)
        .ok()
        .and_then(|c| c.parse().ok())
        .expect("a width");
    let (mut same, mut folded) = (0, 0);
    for case in cases.iter().filter(|c| c["columns"] == columns) {
        let made = steps::run(items(case, "steps"))?;
        // A stack of layers begins with its input here, so there is none that has no shapes yet.
        let Some(model) = made.models.get(text(case, "model")) else {
            assert!(text(case, "text").contains("(unbuilt)"), "{}", case["name"]);
            continue;
        };
        if case.get("fitted_with").is_some() {
            fit(model)?;
        }
        let got = summary(model, &case["options"]).to_string();
        match got.trim_end() == text(case, "text").trim_end() {
            true => same += 1,
            false => {
                check_folded(case, &got);
                folded += 1;
            }
        }
    }
    assert!(
        same > folded,
        "{same} tables are the same, {folded} are not"
    );
    Ok(())
}

fn summary(model: &Model, options: &Json) -> Summary {
    let flag = |key: &str| options[key].as_bool().unwrap_or(false);
    let summary = model
        .summary()
        .expand_nested(flag("expand_nested"))
        .show_trainable(flag("show_trainable"));
    match options["line_length"].as_u64() {
        Some(length) => summary.line_length(length as usize),
        None => summary,
    }
}

fn fit(model: &Model) -> Result<()> {
    model
        .compile(Adam::new(1e-3), Loss::MeanSquaredError)
        .run()?;
    let (x, y) = (Array2::<f32>::zeros((2, 10)), Array2::<f32>::zeros((2, 1)));
    model.fit([&x, &x], &y).verbose(Verbose::Silent).run()?;
    Ok(())
}

/// A table's rows, wrapped cells made whole, and the lines above and below them.
struct Parsed {
    rows: Vec<Vec<String>>,
    others: Vec<String>,
}

fn parse(table: &str) -> Parsed {
    let mut parsed = Parsed {
        rows: Vec::new(),
        others: Vec::new(),
    };
    let mut fresh = true;
    for line in table.lines() {
        match line.chars().next() {
            Some('│') => {
                let cells = line.trim_matches('│').split('│').map(str::trim_end);
                let cells: Vec<String> = cells.map(str::to_owned).collect();
                match parsed.rows.last_mut().filter(|_| !fresh) {
                    None => parsed.rows.push(cells),
                    Some(row) => row.iter_mut().zip(cells).for_each(|(a, b)| a.push_str(&b)),
                }
                fresh = false;
            }
            // Rules between rows: a model with more calls has more of them.
            Some('├' | '┡') => fresh = true,
            _ => parsed.others.push(line.trim_end().to_owned()),
        }
    }
    parsed
}

/// A row's indentation, and the layer's name in it.
fn layer(row: &[String]) -> (usize, &str) {
    let label = row[0].trim_start_matches(['└', ' ']);
    let name = label.split(" (").next().unwrap_or(label);
    (row[0].len() - label.len(), name.trim())
}

/// Rows of further calls merged into their layer's first; the number of rows that were.
fn fold(rows: Vec<Vec<String>>) -> (Vec<Vec<String>>, usize) {
    let mut folded: Vec<Vec<String>> = Vec::new();
    let mut further = 0;
    for row in rows {
        let (indent, name) = layer(&row);
        let first = folded.iter_mut().rfind(|first| layer(first).1 == name);
        match first.filter(|_| row[0].contains("(call ")) {
            None => folded.push(row),
            Some(first) => {
                further += 1;
                assert_eq!(row[2].trim(), "shared", "{row:?}");
                if layer(first).0 != indent {
                    continue; // a call in another model
                }
                first[1] = row[1].clone();
                if row.len() > 3 && row[3].trim() != "-" {
                    first[3] = format!("{}, {}", first[3], row[3].trim());
                }
            }
        }
    }
    (folded, further)
}

/// Keras's rows without the layers that it shows again, and counts again, in another model.
fn once(rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let mut seen: Vec<String> = Vec::new();
    let mut kept = Vec::new();
    for row in rows {
        let name = layer(&row).1.to_owned();
        if !seen.contains(&name) {
            seen.push(name);
            kept.push(row);
        }
    }
    kept
}

/// Words that a narrow cell has cut end in `…`.
fn same_word(a: &str, b: &str) -> bool {
    match (a.split_once('…'), b.split_once('…')) {
        (None, None) => a == b,
        (Some((a, _)), None) => b.starts_with(a),
        (None, Some((b, _))) => a.starts_with(b),
        (Some((a, _)), Some((b, _))) => a.starts_with(b) || b.starts_with(a),
    }
}

fn same_cell(a: &str, b: &str) -> bool {
    let (a, b): (Vec<&str>, Vec<&str>) = (
        a.split_whitespace().collect(),
        b.split_whitespace().collect(),
    );
    a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| same_word(a, b))
}

fn check_folded(case: &Json, got: &str) {
    let mut keras = parse(text(case, "text"));
    keras.rows = once(keras.rows);
    let parsed = parse(got);
    let context = || {
        format!(
            "{} {}\n{got}\n{}",
            case["name"],
            case["options"],
            text(case, "text")
        )
    };
    assert_eq!(parsed.others, keras.others, "{}", context());
    let (rows, further) = fold(parsed.rows);
    let mut nested_sources = 0;
    assert_eq!(rows.len(), keras.rows.len(), "{}", context());
    for (row, keras) in rows.iter().zip(&keras.rows) {
        let nested = row[0].trim_start().starts_with('└');
        for (i, (cell, keras)) in row.iter().zip(keras).enumerate() {
            let hidden = nested && i == 3 && cell.trim() == "-";
            nested_sources += usize::from(hidden && keras.trim() != "-");
            assert!(
                hidden || same_cell(cell, keras),
                "{cell} for {keras}: {}",
                context()
            );
        }
    }
    assert!(
        further + nested_sources > 0,
        "differs without a reason: {}",
        context()
    );
}

#[test]
fn json_lists_each_call_with_its_own_sources_and_shapes() -> Result<()> {
    for case in golden("summaries").iter().filter(|c| c["columns"] == 80) {
        let made = steps::run(items(case, "steps"))?;
        let Some(model) = made.models.get(text(case, "model")) else {
            continue;
        };
        let json = model.summary().to_json();
        assert_eq!(json["total_params"], model.count_params());
        let operations = testing::operations(model);
        let (layers, operations) = (items(&json, "layers"), operations.as_array());
        let operations = operations.expect("operations");
        assert_eq!(layers.len(), operations.len(), "{json}");
        for (layer, operation) in layers.iter().zip(operations) {
            assert_eq!(layer["name"], operation["name"]);
            let (calls, expected) = (items(layer, "calls"), items(operation, "calls"));
            assert_eq!(calls.len(), expected.len(), "{layer}");
            for (call, expected) in calls.iter().zip(expected) {
                let sources: Vec<String> = items(expected, "inputs").iter().map(source).collect();
                assert_eq!(call["connected_to"], Json::from(sources));
                let shapes: Vec<String> =
                    items(expected, "output_shapes").iter().map(shape).collect();
                assert_eq!(call["output_shapes"], Json::from(shapes));
            }
        }
    }
    Ok(())
}

/// `name[call][output]`.
fn source(tensor: &Json) -> String {
    let name = tensor[0].as_str().expect("a name");
    format!("{name}[{}][{}]", tensor[1], tensor[2])
}

fn shape(dims: &Json) -> String {
    let dims = dims.as_array().expect("dimensions").iter();
    let dims: Vec<Option<usize>> = dims.map(|d| d.as_u64().map(|d| d as usize)).collect();
    refrain::Shape::from(dims).to_string()
}
