//! The function of a Lambda layer in a Keras configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::bytecode::{self, Bindings};
use super::expression::Expression;
use super::functions::Callee;
use super::term::{Literal, MAX_PARTS, Node, Term};
use super::{base64, marshal};
use crate::config::number_from_json;
use crate::config::unexpected;
use crate::error::Result;
use crate::layers::core::Function;
use crate::ops::{array_json, is_array};

/// How deep values in a configuration may be nested.
const MAX_NESTING: usize = 16;

/// The expression that the Python code of a Lambda layer computes; the code is read as data, never run.
///
/// `function` is the layer's `function`: Keras 3's `{"class_name": "__lambda__", "config": {"code", "defaults",
/// "closure"}}` or Keras 2's `["code", defaults, closure]`. `arguments` are the layer's `arguments`: values of further
/// parameters. Those that hold dicts stand in the expression by their names.
///
/// # Errors
/// What is not known, by name: an opcode, a global, a function, a value.
pub(crate) fn decode(function: &Json, arguments: &Map<String, Json>) -> Result<Expression> {
    let [code, defaults, closure] = parts(function)?;
    let bindings = Bindings {
        defaults: terms(defaults)?,
        closure: terms(closure)?,
        arguments: bound(arguments)?,
    };
    bytecode::decode(&objects(code)?, &bindings).map(Expression::from_term)
}

pub(super) fn objects(code: &Json) -> Result<marshal::Objects> {
    let text = code.as_str();
    let text = text.ok_or_else(|| unexpected("code in base64", code))?;
    marshal::read(&base64::decode(text)?)
}

/// Keras's modules of functions.
pub(crate) const OPS: &str = "keras.ops";
pub(crate) const ACTIVATIONS: &str = "keras.activations";

/// The name of the Python function that stands in a configuration as code; `None` for a lambda, and for what is no code.
///
/// Keras 2 writes the code of functions that have names too.
pub(crate) fn name_of_code(function: &Json) -> Option<String> {
    const LAMBDA: &str = "<lambda>";
    let [code, ..] = parts(function).ok()?;
    let objects = objects(code).ok()?;
    let name = objects.name().filter(|name| *name != LAMBDA)?;
    Some(name.to_owned())
}

/// The function of Keras with this name in one of its modules, bound to a layer's `arguments`; `None` if there is none.
///
/// # Errors
/// Arguments that it does not have, by name.
pub(crate) fn of_keras(
    module: &str,
    name: &str,
    arguments: &Map<String, Json>,
) -> Result<Option<Function>> {
    let Ok(callee) = Callee::find(&format!("{module}.{name}")) else {
        return Ok(None);
    };
    let keywords = named(arguments).collect::<Result<Vec<_>>>()?;
    let call = Term::new(Node::Call(callee, vec![Term::input()], keywords))?;
    Ok(Some(of_expression(Expression::from_term(call))))
}

/// A call of Keras's operation with this name and these arguments, as text; `None` if there is none.
pub(crate) fn operation_as_text<'n>(
    name: &str,
    arguments: impl Iterator<Item = &'n String>,
) -> Option<String> {
    let callee = Callee::find(&format!("{OPS}.{name}")).ok()?;
    let arguments = arguments.map(|a| format!(", {a}=arguments['{a}']"));
    let arguments = arguments.collect::<String>();
    Some(format!("{}(x{arguments})", callee.name()))
}

/// An expression as a layer's function.
pub(crate) fn of_expression(expression: Expression) -> Function {
    Arc::new(move |inputs, arguments| expression.apply_with(inputs.first()?, arguments))
}

/// Values of a lambda's parameters by name.
fn bound(arguments: &Map<String, Json>) -> Result<BTreeMap<String, Term>> {
    let by_name = |name: &str| {
        let name = Term::literal(Literal::Text(name.to_owned()));
        Term::new(Node::Index(
            Box::new(Term::new(Node::Arguments)?),
            Box::new(name),
        ))
    };
    let value = |(name, json): (&String, &Json)| {
        let value = match holds_dict(json) {
            true => by_name(name)?,
            false => term(json, 0)?,
        };
        Ok((name.clone(), value))
    };
    arguments.iter().map(value).collect()
}

/// The arguments that a decoded expression is to be given: those that it does not hold as values.
pub(crate) fn unbound(mut arguments: Map<String, Json>) -> Map<String, Json> {
    arguments.retain(|_, json| holds_dict(json));
    arguments
}

/// Whether a value is a dict, or a list with one in it.
fn holds_dict(json: &Json) -> bool {
    match items(json) {
        Some(items) => items.iter().any(holds_dict),
        None => json.is_object() && !is_array(json),
    }
}

/// Values of arguments by name.
fn named(arguments: &Map<String, Json>) -> impl Iterator<Item = Result<(String, Term)>> {
    let named = arguments.iter();
    named.map(|(name, value)| Ok((name.clone(), term(value, 0)?)))
}

/// The code, the defaults and the closure.
fn parts(function: &Json) -> Result<[&Json; 3]> {
    if let Some(items) = items(function) {
        return match items {
            [code, defaults, closure] => Ok([code, defaults, closure]),
            _ => Err(unexpected("code, defaults and closure", function)),
        };
    }
    match function["class_name"].as_str() {
        Some("__lambda__") => {
            let config = &function["config"];
            Ok([&config["code"], &config["defaults"], &config["closure"]])
        }
        _ => Err(unexpected("a lambda", function)),
    }
}

/// The items of a list, or of a tuple in Keras's form.
pub(super) fn items(json: &Json) -> Option<&[Json]> {
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
    let items = items(json).ok_or_else(|| unexpected("a list of values", json))?;
    items.iter().map(|item| term(item, 0)).collect()
}

/// A plain value.
fn term(json: &Json, nesting: usize) -> Result<Term> {
    if let Some(items) = items(json) {
        if nesting == MAX_NESTING || items.len() > MAX_PARTS {
            return Err(unexpected("a shorter list", json));
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
            _ => return Err(unexpected("a number that fits 64 bits", json)),
        },
        _ if nesting == 0 && is_array(json) => return array(&json["config"]),
        _ => {
            return Err(unexpected(
                "a number, a flag, a string or a list of such",
                json,
            ));
        }
    };
    Ok(Term::literal(literal))
}

/// An array as a call of the function that makes it; one without axes as a number.
fn array(config: &Json) -> Result<Term> {
    let (value, dtype) = (&config["value"], config["dtype"].as_str());
    if !value.is_array() {
        return term(value, MAX_NESTING);
    }
    let array = array_json(value, dtype.unwrap_or_default());
    let dtype = array["config"]["dtype"].as_str().unwrap_or_default();
    let dtype = Term::literal(Literal::Text(dtype.to_owned()));
    let keywords = vec![("dtype".to_owned(), dtype)];
    let callee = Callee::find("array")?;
    Term::new(Node::Call(callee, vec![numbers(value, 0)?], keywords))
}

/// Nested lists of numbers.
fn numbers(json: &Json, nesting: usize) -> Result<Term> {
    match json {
        Json::Array(items) if nesting < MAX_NESTING && items.len() <= MAX_PARTS => {
            let items = items.iter().map(|item| numbers(item, nesting + 1));
            Term::new(Node::List(items.collect::<Result<_>>()?))
        }
        Json::String(_) => {
            let number = number_from_json(json).filter(|n| !n.is_nan());
            let number = number.ok_or_else(|| unexpected("a number", json))?;
            Ok(Term::literal(Literal::Float(number)))
        }
        _ => term(json, MAX_NESTING),
    }
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
            (
                json!([POWER, null, null]),
                json!({"p": {"a": 3}}),
                "x ** arguments['p']",
            ),
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
