//! Names, orders, summaries and keys of models, as Keras makes them: everything in `golden/structure.json`.

mod graphs;
mod keys;
mod names;
mod steps;
mod summaries;

use std::fs::File;
use std::path::PathBuf;

use serde_json::Value as Json;

/// A list of the golden file.
fn golden(list: &str) -> Vec<Json> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/structure.json");
    let file = File::open(path).expect("the golden file");
    let mut json: Json = serde_json::from_reader(file).expect("JSON");
    match json[list].take() {
        Json::Array(cases) => cases,
        other => panic!("{list} is not a list: {other}"),
    }
}

fn text<'j>(json: &'j Json, key: &str) -> &'j str {
    json[key]
        .as_str()
        .unwrap_or_else(|| panic!("`{key}` of {json}"))
}

fn items<'j>(json: &'j Json, key: &str) -> &'j [Json] {
    json[key].as_array().map_or(&[], Vec::as_slice)
}

/// The strings of a list.
fn strings<'j>(json: &'j Json, key: &str) -> Vec<&'j str> {
    let items = items(json, key).iter();
    items.map(|item| item.as_str().expect("a string")).collect()
}
