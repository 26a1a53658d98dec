//! JSON as Python writes it.

use serde_json::Value;

use super::{Limits, beyond, damaged};
use crate::Result;

/// Reads JSON, which must not be longer or deeper than the limits. Python's bare `NaN`, `Infinity` and `-Infinity`, which JSON
/// does not have, become the texts `"NaN"`, `"Infinity"` and `"-Infinity"`.
pub fn parse_json(bytes: &[u8], limits: &Limits) -> Result<Value> {
    if bytes.len() as u64 > limits.get_json_bytes() {
        return Err(beyond("a JSON text", limits.get_json_bytes(), bytes.len()));
    }
    let quoted = scan(bytes, limits.get_json_depth())?;
    let mut json = serde_json::Deserializer::from_slice(quoted.as_deref().unwrap_or(bytes));
    // The depth was checked just now.
    json.disable_recursion_limit();
    let mut values = json.into_iter::<Value>();
    let value = values.next().ok_or_else(|| damaged("its JSON is empty"))?;
    let value = value.map_err(|e| damaged(format_args!("its JSON is not valid ({e})")))?;
    match values.next() {
        None => Ok(value),
        Some(_) => Err(damaged("something follows its JSON")),
    }
}

/// Python's numbers that JSON does not have.
const NUMBERS: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// Checks the depth. Returns the text with Python's numbers quoted, if it has any.
fn scan(bytes: &[u8], limit: usize) -> Result<Option<Vec<u8>>> {
    let (mut depth, mut i, mut copied) = (0usize, 0, 0);
    let mut out = Vec::new();
    while let Some(&byte) = bytes.get(i) {
        match byte {
            b'"' => i = end_of_text(bytes, i + 1),
            b'[' | b'{' => {
                depth += 1;
                if depth > limit {
                    return Err(beyond(
                        "lists and objects inside each other",
                        limit as u64,
                        "more",
                    ));
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'N' | b'I' | b'-' => {
                let rest = bytes.get(i..).unwrap_or_default();
                let names = NUMBERS.map(str::as_bytes);
                if let Some(name) = names.iter().find(|n| rest.starts_with(n)) {
                    out.extend_from_slice(bytes.get(copied..i).unwrap_or_default());
                    out.push(b'"');
                    out.extend_from_slice(name);
                    out.push(b'"');
                    i += name.len();
                    copied = i;
                    continue;
                }
            }
            _ => {}
        }
        i += 1;
    }
    if copied == 0 {
        return Ok(None);
    }
    out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
    Ok(Some(out))
}

/// JSON as Python writes it: what [`parse_json`] reads as the texts `"NaN"`, `"Infinity"` and `"-Infinity"` is bare again. Keys stay.
pub fn write_json(json: &Value) -> String {
    let text = json.to_string();
    let (mut i, mut copied) = (0, 0);
    let mut out = String::new();
    while let Some(start) = text
        .get(i..)
        .and_then(|rest| rest.find('"'))
        .map(|at| i + at)
    {
        let end = end_of_text(text.as_bytes(), start + 1);
        let is_key = text.as_bytes().get(end + 1) == Some(&b':');
        let content = text.get(start + 1..end).unwrap_or_default();
        if NUMBERS.contains(&content) && !is_key {
            out.push_str(text.get(copied..start).unwrap_or_default());
            out.push_str(content);
            copied = end + 1;
        }
        i = end + 1;
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out
}

/// The place of the quote that ends a text.
fn end_of_text(bytes: &[u8], mut i: usize) -> usize {
    while let Some(&byte) = bytes.get(i) {
        match byte {
            b'"' => return i,
            b'\\' => i += 2,
            _ => i += 1,
        }
    }
    i
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn python_numbers_are_texts() {
        let text = br#"{"a": [NaN, Infinity, -Infinity, -1.5], "b": "NaN, \" -Infinity"}"#;
        let value = parse_json(text, &Limits::new()).unwrap();
        let expected =
            json!({"a": ["NaN", "Infinity", "-Infinity", -1.5], "b": "NaN, \" -Infinity"});
        assert_eq!(value, expected);
        let text = r#"{"NaN":[-Infinity,{"b":NaN}],"c":"NaN, \" -Infinity"}"#;
        let value = parse_json(text.as_bytes(), &Limits::new()).unwrap();
        assert_eq!(write_json(&value), text);
    }

    #[test]
    fn depth_is_limited_and_may_exceed_128() {
        let nested = |n: usize| [vec![b'['; n], vec![b']'; n]].concat();
        let limits = Limits::new();
        assert!(parse_json(&nested(256), &limits).is_ok());
        assert!(parse_json(&nested(257), &limits).is_err());
        let most = limits.json_depth(usize::MAX);
        assert!(parse_json(&nested(1000), &most).is_ok());
        assert!(parse_json(&nested(1_000_000), &most).is_err());
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        for text in ["", "{", "[1,]", "\"\\", "nan", "[1] 2", "\"a\\u12\""] {
            assert!(
                parse_json(text.as_bytes(), &Limits::new()).is_err(),
                "{text}"
            );
        }
    }
}
