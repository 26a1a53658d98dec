//! What two models differ in.

use std::collections::{HashMap, HashSet};
use std::fmt;

use refrain::saving::{ModelFile, StoredWeight};
use refrain::{Literal, Shape};
use serde_json::Value as Json;

use crate::failure::Result;

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
            _ => lines.push(format!("{place}: {}", both(a, b))),
        },
        _ if equal(a, b) => {}
        _ => lines.push(format!("{place}: {}", both(a, b))),
    }
}

/// Two values; of long ones a part from shortly before where they differ.
fn both(a: &Json, b: &Json) -> String {
    /// In characters.
    const MOST: usize = 60;
    const BEFORE: usize = 10;
    let texts = [a, b].map(|json| json.to_string().chars().collect::<Vec<char>>());
    let [x, y] = &texts;
    let equal = x.iter().zip(y).take_while(|(a, b)| a == b).count();
    let part = |text: &Vec<char>| {
        if text.len() <= MOST {
            return text.iter().collect::<String>();
        }
        let start = equal.saturating_sub(BEFORE).min(text.len() - MOST);
        let end = start + MOST;
        let dots = |there: bool| if there { "…" } else { "" };
        let part: String = text[start..end].iter().collect();
        format!("{}{part}{}", dots(start > 0), dots(end < text.len()))
    };
    format!("{} and {}", part(x), part(y))
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

/// Layers by their names, if these are layers and no two have the same.
fn named(items: &[Json]) -> Option<Layers<'_>> {
    let name = |item: &Json| item["class_name"].is_string() && item["config"]["name"].is_string();
    let all = !items.is_empty() && items.iter().all(name);
    let layers = items
        .iter()
        .map(|item| (item["config"]["name"].as_str().unwrap_or_default(), item));
    let mut seen = HashSet::new();
    (all && layers.clone().all(|(name, _)| seen.insert(name))).then(|| layers.collect())
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

/// A line for each weight that differs, matched by its place in the tree of layers. One array of each file is in memory at a time.
pub fn weights(
    a: &ModelFile,
    b: &ModelFile,
    line: &mut impl FnMut(String) -> Result<()>,
) -> Result<()> {
    let (first, second) = (a.weights(), b.weights());
    let mut others: HashMap<&[String], &StoredWeight<'_>> =
        second.iter().map(|w| (w.path(), w)).collect();
    for weight in &first {
        let difference = match others.remove(weight.path()) {
            Some(other) => compare_weights(weight, other)?,
            None => Some(format!(
                "weight {weight} {}: only in the first",
                shape(weight)
            )),
        };
        difference.map_or(Ok(()), &mut *line)?;
    }
    let mut rest = second.iter().filter(|w| others.contains_key(w.path()));
    rest.try_for_each(|w| line(format!("weight {w} {}: only in the second", shape(w))))
}

fn shape(weight: &StoredWeight<'_>) -> Shape {
    Shape::from(weight.shape())
}

fn compare_weights(a: &StoredWeight<'_>, b: &StoredWeight<'_>) -> Result<Option<String>> {
    if (a.shape(), a.dtype()) != (b.shape(), b.dtype()) {
        let described =
            |w: &StoredWeight<'_>| format!("{} of {}", shape(w), w.dtype().keras_name());
        let (a_is, b_is) = (described(a), described(b));
        return Ok(Some(format!("weight {a}: {a_is} and {b_is}")));
    }
    let distance = Distance::of(&a.read()?, &b.read()?);
    Ok(distance.map(|d| format!("weight {a} {}: {d}", shape(a))))
}

/// How far apart the values of two arrays are that differ.
struct Distance {
    /// Values that differ, and all.
    counts: (usize, usize),
    most: f64,
    mean: f64,
}

impl Distance {
    fn of(a: &Literal, b: &Literal) -> Option<Self> {
        let (mut count, mut most, mut sum) = (0, 0.0f64, 0.0);
        for (x, y) in values(a).zip(values(b)) {
            if x == y || (x.is_nan() && y.is_nan()) {
                continue;
            }
            let apart = (x - y).abs();
            // Beside a number, NaN is as far away as can be.
            let apart = if apart.is_nan() { f64::INFINITY } else { apart };
            count += 1;
            most = most.max(apart);
            sum += apart;
        }
        let mean = sum / a.numel() as f64;
        let counts = (count, a.numel());
        (count > 0).then_some(Distance { counts, most, mean })
    }
}

/// The values, without a copy of those of the most usual type.
fn values(array: &Literal) -> Box<dyn Iterator<Item = f64> + '_> {
    match array.values::<f32>() {
        Some(values) => Box::new(values.iter().copied().map(f64::from)),
        None => Box::new(array.to_f64().into_iter()),
    }
}

impl fmt::Display for Distance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((count, all), most, mean) = (self.counts, self.most, self.mean);
        write!(
            f,
            "{count} of {all} values differ, by at most {most:.3e}, on average {mean:.3e}"
        )
    }
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
    fn long_values_are_shown_where_they_differ() {
        let code = |end: &str| json!({ "code": format!("{}{end}", "A".repeat(300)) });
        let lines = architectures(&code("B"), &code("CC"));
        let [line] = &lines[..] else {
            panic!("{lines:?}")
        };
        assert!(
            line.starts_with("code: …A") && line.contains("AB\" and …A"),
            "{line}"
        );
        assert!(
            line.ends_with("ACC\"") && line.chars().count() < 150,
            "{line}"
        );
    }

    #[test]
    fn layers_of_one_name_are_matched_by_their_places() {
        let both = |units| model(&[layer("a", 1), layer("a", units)]);
        assert!(architectures(&both(2), &both(2)).is_empty());
        assert_eq!(architectures(&both(2), &both(3)), ["[1].units: 2 and 3"]);
    }

    #[test]
    fn values_differ_by_a_measure() {
        let distance = |a: &Literal, b: &Literal| Distance::of(a, b).map(|d| d.to_string());
        let a = Literal::new([3], vec![1.0f32, 2.0, f32::NAN]).unwrap();
        assert_eq!(distance(&a, &a), None);
        let b = Literal::new([3], vec![1.5f32, 2.0, f32::NAN]).unwrap();
        let expected = "1 of 3 values differ, by at most 5.000e-1, on average 1.667e-1";
        assert_eq!(distance(&a, &b).unwrap(), expected);
        let c = Literal::new([3], vec![1.0f32, 2.0, 3.0]).unwrap();
        assert!(distance(&a, &c).unwrap().contains("at most inf"));
        let whole = |last| Literal::new([2], vec![1i32, last]).unwrap();
        assert!(
            distance(&whole(2), &whole(4))
                .unwrap()
                .contains("at most 2")
        );
    }
}
