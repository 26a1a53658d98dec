//! Golden files that are JSON alone.

use std::fs;
use std::path::Path;

use serde_json::Value as Json;

/// The golden file of a name.
pub fn golden(name: &str) -> Json {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let text = fs::read_to_string(folder.join(format!("{name}.json"))).expect("the golden file");
    serde_json::from_str(&text).expect("JSON")
}

/// A list of numbers, NaN and infinities as text.
pub fn numbers(json: &Json) -> Vec<f64> {
    let list = json.as_array().expect("a list").iter();
    let number = |json: &Json| match json.as_str() {
        Some(text) => text.parse().expect("a number"),
        None => json.as_f64().expect("a number"),
    };
    list.map(number).collect()
}
