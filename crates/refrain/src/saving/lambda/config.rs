//! The function of a Lambda layer in a Keras configuration.

use serde_json::{Map, Value as Json};

use super::bytecode::{self, Bindings};
use super::expression::Expression;
use super::term::{Literal, MAX_PARTS, Node, Term};
use super::{base64, marshal};
use crate::error::{Error, ErrorKind, Result};

/// How deep values in a configuration may be nested.
const MAX_NESTING: usize = 16;

/// The expression that the Python code of a Lambda layer computes; the code is read as data, never run.
///
/// `function` is the layer's `function`: Keras 3's `{"class_name": "__lambda__", "config": {"code", "defaults",
/// "closure"}}` or Keras 2's `["code", defaults, closure]`. `arguments` are the layer's `arguments`: values of further
/// parameters.
///
/// # Errors
/// What is not known, by name: an opcode, a global, a function, a value.
pub(crate) fn decode(function: &Json, arguments: &Map<String, Json>) -> Result<Expression> {
    let [code, defaults, closure] = parts(function)?;
    let text = code.as_str();
    let text = text.ok_or_else(|| unfit("code in base64", code))?;
    let objects = marshal::read(&base64::decode(text)?)?;
    let named = arguments.iter();
    let named = named.map(|(name, value)| Ok((name.clone(), term(value, 0)?)));
    let bindings = Bindings {
        defaults: terms(defaults)?,
        closure: terms(closure)?,
        arguments: named.collect::<Result<_>>()?,
    };
    bytecode::decode(&objects, &bindings).map(Expression::from_term)
}

/// The code, the defaults and the closure.
fn parts(function: &Json) -> Result<[&Json; 3]> {
    if let Some(items) = items(function) {
        return match items {
            [code, defaults, closure] => Ok([code, defaults, closure]),
            _ => Err(unfit("code, defaults and closure", function)),
        };
    }
    match function["class_name"].as_str() {
        Some("__lambda__") => {
            let config = &function["config"];
            Ok([&config["code"], &config["defaults"], &config["closure"]])
        }
        _ => Err(unfit("a lambda", function)),
    }
}

/// The items of a list, or of a tuple in Keras's form.
fn items(json: &Json) -> Option<&[Json]> {
    let json = match json["class_name"].as_str() {
        Some("__tuple__") => &json["items"],
        _ => json,
    };
    json.as_array().map(Vec::as_slice)
}

/// Values of parameters; `null` for none.
fn terms(json: &Json) -> Result<Vec<Term>> {
    if json.is_null() {
        return Ok(Vec::new());
    }
    let items = items(json).ok_or_else(|| unfit("a list of values", json))?;
    items.iter().map(|item| term(item, 0)).collect()
}

/// A plain value.
fn term(json: &Json, nesting: usize) -> Result<Term> {
    if let Some(items) = items(json) {
        if nesting == MAX_NESTING || items.len() > MAX_PARTS {
            return Err(unfit("a shorter list", json));
        }
        let items = items.iter().map(|item| term(item, nesting + 1));
        return Term::new(Node::Tuple(items.collect::<Result<_>>()?));
    }
    let literal = match json {
        Json::Null => Literal::None,
        Json::Bool(b) => Literal::Bool(*b),
        Json::String(text) => Literal::Text(text.clone()),
        Json::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(n), _) => Literal::Int(n),
            (_, Some(n)) if n.is_finite() => Literal::Float(n),
            _ => return Err(unfit("a number that fits 64 bits", json)),
        },
        _ if json["class_name"] == "__numpy__" && nesting == 0 => {
            return term(&json["config"]["value"], MAX_NESTING);
        }
        _ => return Err(unfit("a number, a flag, a string or a list of such", json)),
    };
    Ok(Term::literal(literal))
}

fn unfit(expected: &str, json: &Json) -> Error {
    /// As much of a value as an error shows, in characters.
    const SHOWN: usize = 60;
    let text = json.to_string();
    let shown: String = text.chars().take(SHOWN).collect();
    let dots = if shown.len() < text.len() { "…" } else { "" };
    Error::mismatch(ErrorKind::Config, expected, format!("{shown}{dots}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// `lambda x, p=2: x ** p` of CPython 3.11.
    const POWER: &str = "4wIAAAAAAAAAAAAAAAIAAAADAAAA8wwAAACXAHwAfAF6CAAAUwApAU6pACkC2gF42gFwcwIAAAAgINoA+gg8bGFtYmRhPnIGAAAAAQAAAHMKAAAAgACIcZBBiXaAAPMAAAAA";

    fn decoded(function: Json, arguments: Json) -> Result<String> {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        decode(&function, &arguments).map(|e| e.to_string())
    }

    #[test]
    fn every_form_of_keras_is_read() -> Result<()> {
        let lambda = |defaults: Json| {
            let config = json!({"code": POWER, "defaults": defaults, "closure": null});
            json!({"class_name": "__lambda__", "config": config})
        };
        let tuple = |items: Json| json!({"class_name": "__tuple__", "items": items});
        let number =
            json!({"class_name": "__numpy__", "config": {"value": 0.5, "dtype": "float32"}});
        for (function, arguments, expected) in [
            (lambda(json!([2])), json!({}), "x ** 2"),
            (lambda(tuple(json!([2]))), json!({}), "x ** 2"),
            (lambda(json!([number])), json!({}), "x ** 0.5"),
            (lambda(json!([2])), json!({"p": 3}), "x ** 3"),
            (lambda(Json::Null), json!({"p": -1}), "x ** -1"),
            (json!([POWER, [2], null]), json!({}), "x ** 2"),
            (tuple(json!([POWER, [2], null])), json!({}), "x ** 2"),
        ] {
            assert_eq!(decoded(function, arguments)?, expected);
        }
        Ok(())
    }

    #[test]
    fn other_forms_are_refused() {
        for (function, arguments, expected) in [
            (json!("relu"), json!({}), "expected a lambda, got \"relu\""),
            (json!([POWER]), json!({}), "code, defaults and closure"),
            (json!([null, null, null]), json!({}), "code in base64"),
            (json!(["####", null, null]), json!({}), "not base64"),
            (json!(["", null, null]), json!({}), "not marshal data"),
            (
                json!([POWER, null, null]),
                json!({}),
                "parameter `p` has no value",
            ),
            (
                json!([POWER, [2], null]),
                json!({"q": 1}),
                "no parameter `q`",
            ),
            (
                json!([POWER, [2], null]),
                json!({"x": 1}),
                "no parameter `x`",
            ),
            (
                json!([POWER, [{"a": 1}], null]),
                json!({}),
                "a number, a flag",
            ),
            (json!([POWER, 2, null]), json!({}), "a list of values"),
        ] {
            let error = decoded(function, arguments).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
