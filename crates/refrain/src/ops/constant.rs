//! Constants: tensors whose values are known when a model is declared.

use ndarray::{ArrayBase, Data, Dimension};
use refrain_graph::{DType, Element, Literal, with_data};
use serde_json::{Value as Json, json};

use crate::config::{dtype_from_json, unexpected};
use crate::config::{number_from_json, number_to_json};
use crate::data::Sample;
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::Tensor;

/// Keras's class of its own arrays in files.
const TENSOR: &str = "__tensor__";
/// Keras's class of NumPy's arrays in files.
const NUMPY: &str = "__numpy__";

/// An array as a tensor, to stand beside the tensors of a model as any argument of a layer or function. Its values become
/// part of the model and of its files.
///
/// Constants of `f64` count as `f32` where nothing else is `f64`.
///
/// ```
/// use ndarray::array;
/// use refrain::layers::Lstm;
/// use refrain::{Inputs, Model, input, ops};
/// let x = input([5, 3]);
/// let mask = ops::convert_to_tensor(&array![[true, true, true, false, false]]);
/// let y = Lstm::new(4).call(Inputs::new(&x).kwarg("mask", &mask))?;
/// let scaled = &y.output * ops::convert_to_tensor(&array![1.0_f32, 2.0, 3.0, 4.0]);
/// let model = Model::new(&x, &scaled)?;
/// # Ok::<(), refrain::Error>(())
/// ```
pub fn convert_to_tensor<T: Sample, S: Data<Elem = T>, D: Dimension>(
    array: &ArrayBase<S, D>,
) -> Tensor {
    let values: Vec<T> = array.iter().copied().collect();
    let literal = Literal::new(array.shape().to_vec(), values);
    let literal =
        literal.ok_or_else(|| Error::new(ErrorKind::Internal, "an array of another size"));
    Tensor::from_result(literal.map(Tensor::constant))
}

impl<T: Sample, S: Data<Elem = T>, D: Dimension> From<&ArrayBase<S, D>> for Tensor {
    fn from(array: &ArrayBase<S, D>) -> Self {
        convert_to_tensor(array)
    }
}

/// Whether it is an array of a file.
pub(crate) fn is_array(json: &Json) -> bool {
    let class = json["class_name"].as_str();
    class.is_some_and(|class| [TENSOR, NUMPY].contains(&class))
}

/// An array of a file; `None` if it is none.
pub(crate) fn array_from_json(json: &Json) -> Result<Option<Literal>> {
    if !is_array(json) {
        return Ok(None);
    }
    let config = &json["config"];
    let dtype = dtype_from_json(&config["dtype"])?;
    let literal = literal(&config["value"], dtype);
    let literal = literal.ok_or_else(|| unexpected("an array of numbers", json))?;
    Ok(Some(literal))
}

/// An array as Keras writes it. What JSON has no numbers for is written as text, which only NumPy's arrays are read from.
pub(crate) fn array_to_json(literal: &Literal) -> Json {
    let values: Vec<Json> = match literal.values::<i64>() {
        Some(values) => values.iter().map(|&v| v.into()).collect(),
        None => with_data!(literal.data(), v => {
            v.iter().map(|v| leaf(v.to_f64(), literal.dtype())).collect()
        }),
    };
    let class = match values.iter().any(Json::is_string) {
        true => NUMPY,
        false => TENSOR,
    };
    let value = nested(&values, literal.dims());
    json!({
        "class_name": class,
        "config": {"value": value, "dtype": literal.dtype().keras_name()},
    })
}

fn leaf(value: f64, dtype: DType) -> Json {
    match dtype {
        DType::Bool => (value != 0.0).into(),
        dtype if dtype.is_float() => number_to_json(value),
        _ => (value as i64).into(),
    }
}

/// Row-major values as nested lists.
fn nested(values: &[Json], dims: &[usize]) -> Json {
    match dims {
        [] => values.first().cloned().unwrap_or_default(),
        [0, ..] => Json::Array(Vec::new()),
        [rows, rest @ ..] => {
            let size = values.len() / rows;
            let row = |i: usize| nested(&values[i * size..(i + 1) * size], rest);
            (0..*rows).map(row).collect()
        }
    }
}

/// An array in Keras's form. Values of 64 bits are 32 bits wide, as they are in Keras on JAX, and in TensorFlow beside
/// others of 32.
pub(crate) fn array_json(values: &Json, dtype: &str) -> Json {
    let dtype = match dtype {
        "float64" => DType::F32.keras_name(),
        "int64" => DType::I32.keras_name(),
        "uint64" => DType::U32.keras_name(),
        dtype => dtype,
    };
    json!({ "class_name": NUMPY, "config": { "value": values, "dtype": dtype } })
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
    let all = |is: fn(&Json) -> bool| leaves(json, &is);
    if !all(|leaf| leaf.is_boolean() || number_from_json(leaf).is_some()) {
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

fn unfit(json: &Json) -> Error {
    unexpected("numbers, or lists of numbers of one shape", json)
}

/// Numbers as an array: a number, or nested lists of them, with the type that NumPy gives them, floats as `f32`. `None` for
/// anything else.
pub(crate) fn array_of_numbers(json: &Json) -> Option<Literal> {
    let mut first = json;
    while let Json::Array(items) = first {
        first = items.first()?;
    }
    let dtype = match leaves(json, &|leaf| leaf.is_boolean()) {
        true => DType::Bool,
        false if leaves(json, &|leaf| leaf.is_i64()) => DType::I32,
        false => DType::F32,
    };
    literal(json, dtype)
}

/// Whether something holds for all elements of nested lists.
fn leaves(json: &Json, holds: &impl Fn(&Json) -> bool) -> bool {
    match json {
        Json::Array(items) => items.iter().all(|item| leaves(item, holds)),
        leaf => holds(leaf),
    }
}

/// Nested lists of numbers as an array; `None` if they are not all of one shape.
fn literal(json: &Json, dtype: DType) -> Option<Literal> {
    let mut dims = Vec::new();
    let mut first = json;
    while let Json::Array(items) = first {
        dims.push(items.len());
        first = items.first().unwrap_or(&Json::Null);
    }
    if dtype == DType::I64 {
        let mut values = Vec::new();
        flatten(json, &dims, &mut values, &Json::as_i64)?;
        return Literal::new(dims, values);
    }
    let mut values = Vec::new();
    flatten(json, &dims, &mut values, &|leaf| match leaf {
        Json::Bool(truth) => Some(f64::from(u8::from(*truth))),
        number => number_from_json(number),
    })?;
    Some(Literal::new(dims, values)?.convert(dtype))
}

fn flatten<T>(
    json: &Json,
    dims: &[usize],
    values: &mut Vec<T>,
    leaf: &impl Fn(&Json) -> Option<T>,
) -> Option<()> {
    match (json, dims) {
        (Json::Array(items), [size, rest @ ..]) if items.len() == *size => items
            .iter()
            .try_for_each(|item| flatten(item, rest, values, leaf)),
        (element, []) => {
            values.push(leaf(element)?);
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

    #[test]
    fn arrays_are_written_as_they_are_read() {
        let cases = [
            Literal::new(vec![2, 2], vec![1.5f32, -2.0, 0.1, 3e-7]).unwrap(),
            Literal::new(vec![2], vec![f32::NEG_INFINITY, 1.0]).unwrap(),
            Literal::new(vec![2, 0], Vec::<i32>::new()).unwrap(),
            Literal::new(vec![1], vec![i64::MAX]).unwrap(),
            Literal::new(vec![], vec![true]).unwrap(),
        ];
        for case in cases {
            let read = array_from_json(&array_to_json(&case)).unwrap().unwrap();
            assert_eq!((read.dims(), read.data()), (case.dims(), case.data()));
        }
    }

    #[test]
    fn numbers_have_the_type_that_numpy_gives_them() {
        assert_eq!(
            array_of_numbers(&json!([1, 2])).unwrap().dtype(),
            DType::I32
        );
        assert_eq!(
            array_of_numbers(&json!([1, 2.5])).unwrap().dtype(),
            DType::F32
        );
        assert_eq!(
            array_of_numbers(&json!([[true]])).unwrap().dtype(),
            DType::Bool
        );
        for other in [json!([1, null]), json!(["a"]), json!({}), json!([])] {
            assert!(array_of_numbers(&other).is_none(), "{other}");
        }
    }
}
