//! Changes to JSON that keep it JSON.

use serde_json::{Value as Json, json};

/// Xorshift: the same changes in every run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

/// Values that some reader of a configuration may not expect.
pub fn odd_values() -> Vec<Json> {
    let huge = 1_000_000_000;
    vec![
        Json::Null,
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(-1),
        json!(100_000),
        json!(huge),
        json!(1u64 << 31),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(i64::MAX),
        json!(0.5),
        json!(1e308),
        json!(1e-45),
        json!("NaN"),
        json!(""),
        json!("a/b"),
        json!("naïve 層\u{0}"),
        json!("__keras_tensor__"),
        json!("Functional"),
        json!("float16"),
        json!("int8"),
        json!("causal"),
        json!([]),
        json!([null]),
        json!({}),
        json!([[1, 2], [3, 4]]),
        json!([huge, huge, huge]),
        json!({"class_name": "Sequential", "config": {}}),
    ]
}

/// The JSON pointers of everything inside.
fn pointers(json: &Json, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match json {
        Json::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                pointers(item, &format!("{here}/{i}"), found);
            }
        }
        Json::Object(map) => {
            for (key, item) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                pointers(item, &format!("{here}/{key}"), found);
            }
        }
        _ => {}
    }
}

/// Takes what stands at a place out of the list or object that holds it.
fn remove(json: &mut Json, pointer: &str) {
    let Some((parent, key)) = pointer.rsplit_once('/') else {
        return;
    };
    match json.pointer_mut(parent) {
        Some(Json::Array(items)) => {
            if let Some(at) = key.parse().ok().filter(|&i: &usize| i < items.len()) {
                items.remove(at);
            }
        }
        Some(Json::Object(map)) => {
            map.shift_remove(key);
        }
        _ => {}
    }
}

/// A value changed in one of the ways that its type allows.
fn changed(value: &Json, random: &mut Random) -> Json {
    match (value, random.below(5)) {
        (Json::Number(n), way) => {
            let n = n.as_f64().unwrap_or_default();
            let numbers = [n + 1.0, n - 1.0, -n, n * 1e3, n * 1e9];
            json!(numbers[way] as i64)
        }
        (Json::Array(items), 0) => items.iter().rev().cloned().collect(),
        (Json::Array(items), 1) => items.iter().chain(items).cloned().collect(),
        (Json::Array(items), 2) => {
            let repeated = items.iter().cycle().take(100 * items.len().min(50));
            repeated.cloned().collect()
        }
        (value, 3) => (0..200).fold(value.clone(), |inner, _| json!([inner])),
        (value, 4) => (0..50).fold(value.clone(), |inner, _| json!({"config": inner})),
        (value, _) => json!([value]),
    }
}

/// One to three changes; tells which.
pub fn mutate(json: &mut Json, random: &mut Random) -> Vec<String> {
    let odd = odd_values();
    let mut done = Vec::new();
    for _ in 0..=random.below(3) {
        let mut all = Vec::new();
        pointers(json, "", &mut all);
        let place = all[random.below(all.len())].clone();
        let from = all[random.below(all.len())].clone();
        let value = match random.below(8) {
            0 => {
                remove(json, &place);
                done.push(format!("without {place}"));
                continue;
            }
            1 | 2 => json.pointer(&from).cloned().unwrap_or_default(),
            3 | 4 => changed(json.pointer(&place).unwrap_or(&Json::Null), random),
            _ => odd[random.below(odd.len())].clone(),
        };
        if let Some(at) = json.pointer_mut(&place) {
            done.push(format!("{place} = {value:.80}"));
            *at = value;
        }
    }
    done
}
