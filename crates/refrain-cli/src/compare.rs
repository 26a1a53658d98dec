//! What two models differ in.

use std::collections::HashMap;

use refrain::{Literal, Model, Shape};
use serde_json::Value as Json;

/// Keys of a description that say nothing of the architecture.
const LEFT_OUT: [&str; 1] = ["compile_config"];

/// A line for each difference of two descriptions, as Keras's JSON. Layers are matched by name, all else by its place.
pub fn architectures(a: &Json, b: &Json) -> Vec<String> {
    let mut lines = Vec::new();
    compare("", a, b, &mut lines);
    lines
}

fn compare(place: &str, a: &Json, b: &Json, lines: &mut Vec<String>) {
    match (a, b) {
        (Json::Object(x), Json::Object(y)) => {
            let more = y.keys().filter(|key| !x.contains_key(*key));
            let keys = x
                .keys()
                .chain(more)
                .filter(|key| !LEFT_OUT.contains(&key.as_str()));
            for key in keys {
                compare(&inside(place, key), &a[key], &b[key], lines);
            }
        }
        (Json::Array(x), Json::Array(y)) => match (named(x), named(y)) {
            (Some(x), Some(y)) => compare_layers(place, &x, &y, lines),
            _ if x.len() == y.len() => {
                for (i, (a, b)) in x.iter().zip(y).enumerate() {
                    compare(&format!("{place}[{i}]"), a, b, lines);
                }
            }
            _ => lines.push(format!("{place}: {a} and {b}")),
        },
        _ if equal(a, b) => {}
        _ => lines.push(format!("{place}: {a} and {b}")),
    }
}

/// A number that is written as a whole one or not is the same number.
fn equal(a: &Json, b: &Json) -> bool {
    a == b || (a.is_number() && a.as_f64() == b.as_f64())
}

/// The path of a key; those that only hold others are left out.
fn inside(place: &str, key: &str) -> String {
    match (place, key) {
        (place, "config" | "layers") => place.to_owned(),
        ("", key) => key.to_owned(),
        (place, key) => format!("{place}.{key}"),
    }
}

type Layers<'j> = Vec<(&'j str, &'j Json)>;

/// Layers by their names, if these are layers.
fn named(items: &[Json]) -> Option<Layers<'_>> {
    let name = |item: &Json| item["class_name"].is_string() && item["config"]["name"].is_string();
    let all = !items.is_empty() && items.iter().all(name);
    let layers = items
        .iter()
        .map(|item| (item["config"]["name"].as_str().unwrap_or_default(), item));
    all.then(|| layers.collect())
}

fn compare_layers(place: &str, a: &Layers<'_>, b: &Layers<'_>, lines: &mut Vec<String>) {
    let path = |name: &str| match place {
        "" => format!("layer `{name}`"),
        place => format!("{place}, layer `{name}`"),
    };
    let class = |layer: &Json| layer["class_name"].as_str().unwrap_or_default().to_owned();
    let find = |layers: &Layers<'_>, name: &str| layers.iter().any(|(n, _)| *n == name);
    let others: HashMap<&str, &Json> = b.iter().copied().collect();
    for (name, layer) in a {
        match others.get(name) {
            Some(other) => compare(&path(name), layer, other, lines),
            None => lines.push(format!(
                "{} ({}): only in the first",
                path(name),
                class(layer)
            )),
        }
    }
    for (name, layer) in b.iter().filter(|(name, _)| !find(a, name)) {
        lines.push(format!(
            "{} ({}): only in the second",
            path(name),
            class(layer)
        ));
    }
    let order = |from: &Layers<'_>, among: &Layers<'_>| -> Vec<String> {
        let common = from.iter().filter(|(name, _)| find(among, name));
        common.map(|(name, _)| (*name).to_owned()).collect()
    };
    if order(a, b) != order(b, a) {
        let at = if place.is_empty() { "layers" } else { place };
        lines.push(format!("{at}: the layers have another order"));
    }
}

/// A line for each weight that differs, matched by path.
pub fn weights(a: &Model, b: &Model) -> Vec<String> {
    let values = |model: &Model| -> Vec<(String, Literal)> {
        let weights = model.weights().into_iter();
        weights.map(|w| (w.path().to_owned(), w.value())).collect()
    };
    let (a, b) = (values(a), values(b));
    let mut others: HashMap<&str, &Literal> = b
        .iter()
        .map(|(path, value)| (path.as_str(), value))
        .collect();
    let mut lines = Vec::new();
    for (path, value) in &a {
        match others.remove(path.as_str()) {
            Some(other) => lines.extend(compare_weight(path, value, other)),
            None => lines.push(format!("weight {path} {}: only in the first", shape(value))),
        }
    }
    let rest = b
        .iter()
        .filter(|(path, _)| others.contains_key(path.as_str()));
    lines.extend(
        rest.map(|(path, value)| format!("weight {path} {}: only in the second", shape(value))),
    );
    lines
}

fn shape(value: &Literal) -> Shape {
    Shape::from(value.dims())
}

fn compare_weight(path: &str, a: &Literal, b: &Literal) -> Option<String> {
    if (a.dims(), a.dtype()) != (b.dims(), b.dtype()) {
        let described = |w: &Literal| format!("{} of {}", shape(w), w.dtype().keras_name());
        return Some(format!(
            "weight {path}: {} and {}",
            described(a),
            described(b)
        ));
    }
    let (x, y) = (a.to_f64(), b.to_f64());
    let apart = |(x, y): (&f64, &f64)| match x == y || (x.is_nan() && y.is_nan()) {
        true => None,
        // Beside a number, NaN is as far away as can be.
        false => Some(
            Some((x - y).abs())
                .filter(|d| !d.is_nan())
                .unwrap_or(f64::INFINITY),
        ),
    };
    let apart: Vec<f64> = x.iter().zip(&y).filter_map(apart).collect();
    if apart.is_empty() {
        return None;
    }
    let most = apart.iter().copied().fold(0.0, f64::max);
    let mean = apart.iter().sum::<f64>() / x.len() as f64;
    let (count, all, shape) = (apart.len(), x.len(), shape(a));
    Some(format!(
        "weight {path} {shape}: {count} of {all} values differ, by at most {most:.3e}, on average {mean:.3e}"
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn layer(name: &str, units: usize) -> Json {
        json!({ "class_name": "Dense", "config": { "name": name, "units": units } })
    }

    fn model(layers: &[Json]) -> Json {
        json!({ "class_name": "Functional", "config": { "name": "m", "layers": layers }, "compile_config": layers })
    }

    #[test]
    fn equal_architectures_have_no_difference() {
        let a = model(&[layer("a", 1), layer("b", 2)]);
        assert!(architectures(&a, &a).is_empty());
        assert!(architectures(&json!({ "rate": 1 }), &json!({ "rate": 1.0 })).is_empty());
    }

    #[test]
    fn layers_are_matched_by_name() {
        let a = model(&[layer("a", 1), layer("b", 2), layer("c", 3)]);
        let b = model(&[layer("b", 2), layer("a", 4), layer("d", 3)]);
        let expected = [
            "layer `a`.units: 1 and 4",
            "layer `c` (Dense): only in the first",
            "layer `d` (Dense): only in the second",
            "layers: the layers have another order",
        ];
        assert_eq!(architectures(&a, &b), expected);
    }

    #[test]
    fn weights_differ_by_a_measure() {
        let a = Literal::new([3], vec![1.0f32, 2.0, f32::NAN]).unwrap();
        assert_eq!(compare_weight("w", &a, &a), None);
        let b = Literal::new([3], vec![1.5f32, 2.0, f32::NAN]).unwrap();
        let line = compare_weight("w", &a, &b).unwrap();
        assert_eq!(
            line,
            "weight w (3,): 1 of 3 values differ, by at most 5.000e-1, on average 1.667e-1"
        );
        let c = Literal::new([3], vec![1.0f32, 2.0, 3.0]).unwrap();
        assert!(compare_weight("w", &a, &c).unwrap().contains("at most inf"));
    }
}
