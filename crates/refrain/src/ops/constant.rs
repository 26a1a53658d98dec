//! Arrays that files hold as arguments of functions.

use refrain_graph::{DType, Literal};
use serde_json::Value as Json;

use super::arithmetic::to_number;
use crate::error::Result;
use crate::layers::{registry, unexpected};
use crate::tensor::Tensor;

/// Keras's classes of arrays in files.
const CLASSES: [&str; 2] = ["__numpy__", "__tensor__"];

/// An array of a file as a constant in the program of another tensor; `None` if the argument is no array.
pub(super) fn array(beside: &Tensor, json: &Json) -> Result<Option<Tensor>> {
    let class = json["class_name"].as_str();
    if !class.is_some_and(|class| CLASSES.contains(&class)) {
        return Ok(None);
    }
    let config = &json["config"];
    let dtype = registry::dtype_from_json(&config["dtype"])?;
    let literal = literal(&config["value"], dtype);
    let literal = literal.ok_or_else(|| unexpected("an array of numbers", json))?;
    Ok(Some(beside.expect_traced()?.trace.constant(literal)))
}

/// Nested lists of numbers as an array; `None` if they are not all of one shape.
fn literal(json: &Json, dtype: DType) -> Option<Literal> {
    let mut dims = Vec::new();
    let mut first = json;
    while let Json::Array(items) = first {
        dims.push(items.len());
        first = items.first().unwrap_or(&Json::Null);
    }
    let mut values = Vec::new();
    flatten(json, &dims, &mut values)?;
    Some(Literal::new(dims, values)?.convert(dtype))
}

fn flatten(json: &Json, dims: &[usize], values: &mut Vec<f64>) -> Option<()> {
    match (json, dims) {
        (Json::Array(items), [size, rest @ ..]) if items.len() == *size => items
            .iter()
            .try_for_each(|item| flatten(item, rest, values)),
        (Json::Bool(truth), []) => {
            values.push(f64::from(u8::from(*truth)));
            Some(())
        }
        (number, []) => {
            values.push(to_number(number)?);
            Some(())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_become_arrays_of_one_shape() {
        let array = literal(&json!([[1, 2], [3, "NaN"]]), DType::F32).unwrap();
        assert_eq!(array.dims(), [2, 2]);
        assert_eq!(&array.values::<f32>().unwrap()[..3], [1.0, 2.0, 3.0]);
        let truth = literal(&json!(true), DType::Bool).unwrap();
        assert!(truth.dims().is_empty());
        assert_eq!(
            literal(&json!([[], []]), DType::I32).unwrap().dims(),
            [2, 0]
        );
        assert!(literal(&json!([[1, 2], [3]]), DType::F32).is_none());
        assert!(literal(&json!([1, [2]]), DType::F32).is_none());
        assert!(literal(&json!("a"), DType::F32).is_none());
    }
}
