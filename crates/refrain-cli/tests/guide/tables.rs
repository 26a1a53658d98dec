//! The guide's tables of what is supported, against what refrain knows.

use std::collections::BTreeSet;

use refrain::layers::Config;
use refrain::losses::Loss;
use refrain::metrics::Metric;
use refrain::optimizers::{Optimizer, Schedule};
use refrain::testing;
use serde_json::{Value as Json, json};

use crate::read;

/// A row of the table: the names that are there, and those that are not.
struct Row {
    there: BTreeSet<String>,
    missing: BTreeSet<String>,
}

/// Names in backquotes.
fn names(cell: &str) -> BTreeSet<String> {
    let odd = cell.split('`').skip(1).step_by(2);
    odd.map(str::to_owned).collect()
}

/// The row that begins with this word.
fn row(kind: &str) -> Row {
    let text = read("docs/FROM_KERAS.md");
    let start = format!("| {kind} |");
    let line = text.lines().find(|line| line.starts_with(&start));
    let line = line.unwrap_or_else(|| panic!("the guide has no row `{kind}`"));
    let cells: Vec<&str> = line.split('|').collect();
    let row = Row {
        there: names(cells[2]),
        missing: names(cells[3]),
    };
    assert!(!row.there.is_empty(), "{line}");
    row
}

/// Checks a row with a function that says whether refrain knows a name.
fn check(kind: &str, known: impl Fn(&str) -> bool) {
    let row = row(kind);
    let wrong: Vec<&String> = row.there.iter().filter(|name| !known(name)).collect();
    assert!(wrong.is_empty(), "{kind} that are not there: {wrong:?}");
    let wrong: Vec<&String> = row.missing.iter().filter(|name| known(name)).collect();
    assert!(wrong.is_empty(), "{kind} that are there by now: {wrong:?}");
}

/// Whether a layer takes this value for an option.
fn takes(option: &str, value: &str) -> bool {
    let mut config = Config::new();
    config.insert("units".to_owned(), json!(1));
    config.insert(option.to_owned(), json!(value));
    testing::layer("Dense", &config).is_ok()
}

#[test]
fn layers() {
    let row = row("Layers");
    let mut all: BTreeSet<String> = testing::classes().map(str::to_owned).collect();
    all.insert("InputLayer".to_owned());
    assert_eq!(row.there, all);
    assert_eq!(row.missing.intersection(&all).next(), None);
}

/// The page of all layers in the documentation.
#[test]
fn layers_in_the_documentation() {
    let text = read("crates/refrain/src/layers/mod.rs");
    let missing: Vec<&str> = testing::classes()
        .filter(|class| !text.contains(&format!("[`{class}`]")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn functions_as_nodes() {
    const NOT_KERAS: [&str; 2] = ["BatchGather", "Gradient"];
    let classes = testing::functions().map(|(class, _)| class);
    let all: BTreeSet<String> = classes
        .filter(|class| !NOT_KERAS.contains(class))
        .map(str::to_owned)
        .collect();
    assert_eq!(row("Functions of `ops` as nodes").there, all);
}

#[test]
fn losses_and_metrics() {
    check("Losses", |name| Loss::from_config(&json!(name)).is_ok());
    let arguments = json!({
        "precision": 0.5, "recall": 0.5, "sensitivity": 0.5, "specificity": 0.5, "num_classes": 2, "target_class_ids": [1],
    });
    let metric = |name: &str| -> Json { json!({ "class_name": name, "config": arguments }) };
    check("Metrics", |name| Metric::from_config(&metric(name)).is_ok());
}

#[test]
fn optimizers_and_schedules() {
    check("Optimizers", |name| {
        Optimizer::from_config(&json!(name)).is_ok()
    });
    let config = json!({
        "initial_learning_rate": 0.1, "decay_steps": 10, "first_decay_steps": 10, "decay_rate": 0.5, "boundaries": [1], "values": [0.1, 0.01],
    });
    let schedule = |name: &str| -> Json { json!({ "class_name": name, "config": config }) };
    check("Schedules", |name| {
        Schedule::from_config(&schedule(name)).is_ok()
    });
}

#[test]
fn options_of_layers() {
    check("Activations", |name| takes("activation", name));
    check("Initializers", |name| takes("kernel_initializer", name));
    check("Regularizers", |name| takes("kernel_regularizer", name));
    check("Constraints", |name| takes("kernel_constraint", name));
}
