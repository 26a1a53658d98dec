//! Numbers that files give to functions of users: Keras's arrays, and lists of plain numbers.

use refrain_graph::DType;
use serde_json::{Value as Json, json};

use super::{array_from_json, to_number};
use crate::error::{Error, Result};
use crate::layers::unexpected;
use crate::tensor::Tensor;

/// Keras's class of an array of NumPy.
pub(crate) const ARRAY: &str = "__numpy__";

/// An array in Keras's form. Values of 64 bits are 32 bits wide, as they are in Keras on JAX, and in TensorFlow beside
/// others of 32.
pub(crate) fn array_json(values: &Json, dtype: &str) -> Json {
    let dtype = match dtype {
        "float64" => DType::F32.keras_name(),
        "int64" => DType::I32.keras_name(),
        "uint64" => DType::U32.keras_name(),
        dtype => dtype,
    };
    json!({ "class_name": ARRAY, "config": { "value": values, "dtype": dtype } })
}

/// Numbers as a constant in the program of another tensor: an array of a file in its type, a number or nested lists of
/// numbers in the type of that tensor, as TensorFlow takes them.
///
/// # Errors
/// What are no numbers of one shape, and numbers with a fraction beside integers.
pub(crate) fn listed(beside: &Tensor, json: &Json) -> Result<Tensor> {
    let config = &json["config"];
    let array = match config["dtype"].as_str() {
        Some(dtype) => {
            let mut array = array_json(&config["value"], dtype);
            array["class_name"] = json["class_name"].clone();
            array
        }
        None => array_json(json, listed_dtype(beside, json)?.keras_name()),
    };
    let literal = array_from_json(&array)?.ok_or_else(|| unfit(json))?;
    beside.expect_traced()?.trace.constant(literal).checked()
}

fn listed_dtype(beside: &Tensor, json: &Json) -> Result<DType> {
    let all = |is: fn(&Json) -> bool| all_leaves(json, is);
    if !all(|leaf| leaf.is_boolean() || to_number(leaf).is_some()) {
        return Err(unfit(json));
    }
    match beside.dtype() {
        _ if all(Json::is_boolean) => Ok(DType::Bool),
        dtype if dtype.is_float() => Ok(dtype),
        dtype if all(|leaf| leaf.is_i64() || leaf.is_u64()) => {
            let integer = dtype.is_integer();
            Ok(if integer { dtype } else { DType::I32 })
        }
        dtype => Err(unexpected(
            &format!("whole numbers beside a tensor of {}", dtype.keras_name()),
            json,
        )),
    }
}

fn all_leaves(json: &Json, is: fn(&Json) -> bool) -> bool {
    match json {
        Json::Array(items) => items.iter().all(|item| all_leaves(item, is)),
        leaf => is(leaf),
    }
}

fn unfit(json: &Json) -> Error {
    unexpected("numbers, or lists of numbers of one shape", json)
}
