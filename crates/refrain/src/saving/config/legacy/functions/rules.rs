//! How the arguments of TensorFlow's functions become those of Keras's.

use serde_json::{Value as Json, json};

use super::call::{Call, unsupported};
use crate::config::unexpected;
use crate::error::Result;

/// How the arguments of a function change.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    /// `f(x, y)`: arguments after the first, tensors or numbers, under TensorFlow's names.
    Arguments(&'static [&'static str]),
    /// `f(x, option=…)`: TensorFlow's names of options and Keras's, which are part of the function's configuration.
    Options(&'static [(&'static str, &'static str)]),
    /// In a way of its own.
    Special(fn(&mut Call) -> Result<()>),
}

impl Rule {
    pub(super) fn apply(self, call: &mut Call) -> Result<()> {
        match self {
            Rule::Arguments(names) => {
                let given = names.iter().filter_map(|name| call.take(name));
                let given: Vec<Json> = given.collect();
                given.into_iter().for_each(|json| call.push(json));
                Ok(())
            }
            Rule::Options(options) => options.iter().try_for_each(|(old, new)| {
                let value = call.plain(old)?;
                value.into_iter().for_each(|value| call.set(new, value));
                Ok(())
            }),
            Rule::Special(rule) => rule(call),
        }
    }
}

/// A whole number, or its default where it is missing.
fn integer(call: &mut Call, name: &str, default: i64) -> Result<i64> {
    let Some(json) = call.plain(name)? else {
        return Ok(default);
    };
    json.as_i64()
        .ok_or_else(|| unsupported(name, &json.to_string()))
}

/// A list of whole numbers.
fn integers(call: &mut Call, name: &str) -> Result<Vec<i64>> {
    let json = call.plain(name)?.unwrap_or_default();
    let items = json.as_array().into_iter().flatten();
    let numbers: Option<Vec<i64>> = items.map(Json::as_i64).collect();
    let numbers = numbers.filter(|_| json.is_array());
    numbers.ok_or_else(|| unsupported(name, &json.to_string()))
}

/// The first argument by position, taken out.
fn operand(call: &mut Call) -> Result<Json> {
    match call.arguments().is_empty() {
        false => Ok(call.arguments().remove(0)),
        true => Err(unexpected("an argument", &Json::Null)),
    }
}

/// `x[…]`.
pub(super) fn get_item(call: &mut Call) -> Result<()> {
    if let Some(spec) = call.take("slice_spec") {
        call.push(slices(&spec)?);
    }
    Ok(())
}

/// TensorFlow's slices are objects with `start`, `stop` and `step`, its ellipsis a word or an object without more.
fn slices(spec: &Json) -> Result<Json> {
    let ellipsis = || json!({ "class_name": ELLIPSIS, "config": {} });
    Ok(match spec {
        Json::Array(items) => items.iter().map(slices).collect::<Result<_>>()?,
        Json::Object(slice) => match slice.get("class_name").map(Json::as_str) {
            Some(Some(ELLIPSIS)) => ellipsis(),
            Some(_) => return Err(unsupported("slice_spec", "a tensor")),
            None => json!({ "class_name": "__slice__", "config": slice }),
        },
        Json::String(word) if word == "..." || word == "Ellipsis" => ellipsis(),
        other => other.clone(),
    })
}

/// Keras's class of `...` in an index.
const ELLIPSIS: &str = "__ellipsis__";

/// The bias along the last axis.
pub(super) fn bias_add(call: &mut Call) -> Result<()> {
    const CHANNELS_LAST: [&str; 2] = ["NHWC", "channels_last"];
    let format = call.take("data_format").unwrap_or_default();
    let format = format.as_str().filter(|f| !CHANNELS_LAST.contains(f));
    if let Some(format) = format {
        return Err(unsupported("data_format", format));
    }
    let bias = call.take("bias");
    bias.into_iter().for_each(|bias| call.push(bias));
    Ok(())
}

/// `slice(x, begin, size)`; a size of -1 is all that is left.
pub(super) fn slice(call: &mut Call) -> Result<()> {
    let (begin, size) = (integers(call, "begin")?, integers(call, "size")?);
    let range = |(&start, &size): (&i64, &i64)| {
        let stop = (size >= 0).then(|| start.saturating_add(size));
        json!({ "start": start, "stop": stop, "step": null })
    };
    let key: Json = begin.iter().zip(&size).map(range).collect();
    call.push(slices(&key)?);
    Ok(())
}

pub(super) fn choose(call: &mut Call) -> Result<()> {
    match (call.take("x"), call.take("y")) {
        (Some(x), Some(y)) => {
            call.push(x);
            call.push(y);
            Ok(())
        }
        _ => Err(unsupported("x", "None")),
    }
}

/// Between numbers it is one function, between tensors two.
pub(super) fn clip(call: &mut Call) -> Result<()> {
    let missing = || unexpected("a limit", &Json::Null);
    let low = call.take("clip_value_min").ok_or_else(missing)?;
    let high = call.take("clip_value_max").ok_or_else(missing)?;
    if low.is_number() && high.is_number() {
        call.set("x_min", low);
        call.set("x_max", high);
        return Ok(());
    }
    let x = operand(call)?;
    let below = call.first("below", ("numpy", "Minimum"), vec![x, high], Json::Null);
    call.become_class(("numpy", "Maximum"));
    call.push(below);
    call.push(low);
    Ok(())
}

pub(super) fn gather(call: &mut Call) -> Result<()> {
    call.ignore("validate_indices");
    match integer(call, "batch_dims", 0)? {
        0 => {
            let axis = integer(call, "axis", 0)?;
            call.set("axis", axis);
        }
        batch_dims => {
            let axis = call.plain("axis")?.unwrap_or_default();
            call.become_class(("gather", "BatchGather"));
            call.set("axis", axis);
            call.set("batch_dims", batch_dims);
        }
    }
    let indices = call.take("indices");
    indices.into_iter().for_each(|indices| call.push(indices));
    Ok(())
}

pub(super) fn matmul(call: &mut Call) -> Result<()> {
    let b = call.take("b");
    let mut factors = vec![operand(call)?];
    factors.extend(b);
    for (factor, side) in factors.into_iter().zip(["a", "b"]) {
        let transposed = call.take(&format!("transpose_{side}")) == Some(true.into());
        let axes = json!({ "axis1": -2, "axis2": -1 });
        let factor = match transposed {
            true => call.first(side, ("numpy", "Swapaxes"), vec![factor], axes),
            false => factor,
        };
        call.push(factor);
    }
    Ok(())
}

pub(super) fn tensordot(call: &mut Call) -> Result<()> {
    let axes = call.plain("axes")?.unwrap_or_else(|| 2.into());
    call.set("axes", axes);
    Rule::Arguments(&["b"]).apply(call)
}

pub(super) fn squared_difference(call: &mut Call) -> Result<()> {
    let mut args = vec![operand(call)?];
    args.extend(call.take("y"));
    let difference = call.first("difference", ("numpy", "Subtract"), args, Json::Null);
    call.push(difference);
    Ok(())
}

/// The lower triangle, or the upper one.
pub(super) fn band_part(call: &mut Call) -> Result<()> {
    let (lower, upper) = (
        integer(call, "num_lower", 0)?,
        integer(call, "num_upper", 0)?,
    );
    let class = match (lower, upper) {
        (-1, 0) => ("numpy", "Tril"),
        (0, -1) => ("numpy", "Triu"),
        _ => return Err(unsupported("num_lower", &lower.to_string())),
    };
    call.become_class(class);
    call.set("k", 0);
    Ok(())
}

/// The position of an extreme; positions are 32 bits wide here, whatever was asked for.
pub(super) fn position(call: &mut Call) -> Result<()> {
    call.ignore("output_type");
    let axis = integer(call, "axis", 0)?;
    call.set("axis", axis);
    Ok(())
}

pub(super) fn count_nonzero(call: &mut Call) -> Result<()> {
    call.ignore("dtype");
    Rule::Options(&[("axis", "axis")]).apply(call)
}

pub(super) fn cumulative(call: &mut Call) -> Result<()> {
    let axis = integer(call, "axis", 0)?;
    call.set("axis", axis);
    Ok(())
}

/// The smallest norm is given as its square in TensorFlow.
pub(super) fn l2_normalize(call: &mut Call) -> Result<()> {
    const SMALLEST_SQUARE: f64 = 1e-12;
    let axis = call.plain("axis")?.unwrap_or_default();
    let square = call.plain("epsilon")?.and_then(|json| json.as_f64());
    call.set("axis", axis);
    call.set("order", 2);
    call.set("epsilon", square.unwrap_or(SMALLEST_SQUARE).sqrt());
    Ok(())
}

/// The norm of vectors in simple steps: Keras's own function fails on JAX in a graph.
pub(super) fn norm(call: &mut Call) -> Result<()> {
    let axis = call.plain("axis")?.unwrap_or_default();
    let keepdims = call.take("keepdims") == Some(true.into());
    let order = call.plain("ord")?.unwrap_or_default();
    let one_axis = axis.is_i64() || axis.as_array().is_some_and(|axes| axes.len() == 1);
    let x = operand(call)?;
    match (order.as_str(), order.as_f64()) {
        (Some("euclidean"), _) | (None, None) => {}
        (_, Some(2.0)) if one_axis => {}
        (_, Some(1.0)) if one_axis => {
            let absolute = call.first("absolute", ("numpy", "Absolute"), vec![x], Json::Null);
            call.become_class(("numpy", "Sum"));
            call.push(absolute);
            call.set("axis", axis);
            call.set("keepdims", keepdims);
            return Ok(());
        }
        _ => return Err(unsupported("ord", &order.to_string())),
    }
    let square = call.first("square", ("numpy", "Square"), vec![x], Json::Null);
    let options = json!({ "axis": axis, "keepdims": keepdims });
    let total = call.first("sum", ("numpy", "Sum"), vec![square], options);
    call.push(total);
    Ok(())
}

pub(super) fn one_hot(call: &mut Call) -> Result<()> {
    call.neutral("on_value", 1.0);
    call.neutral("off_value", 0.0);
    let axis = integer(call, "axis", -1)?;
    call.set("axis", axis);
    let options = [("depth", "num_classes"), ("dtype", "dtype")];
    for (old, new) in options {
        let value = call.plain(old)?;
        value.into_iter().for_each(|value| call.set(new, value));
    }
    Ok(())
}

pub(super) fn pad(call: &mut Call) -> Result<()> {
    let widths = call.plain("paddings")?.unwrap_or_default();
    let mode = call
        .take("mode")
        .and_then(|mode| mode.as_str().map(str::to_lowercase));
    let mode = mode.unwrap_or_else(|| "constant".to_owned());
    call.neutral("constant_values", 0.0);
    if let Some(value) = call
        .plain("constant_values")?
        .filter(|_| mode == "constant")
    {
        call.keyword("constant_values", value);
    }
    call.set("pad_width", widths);
    call.set("mode", mode);
    Ok(())
}

/// Parts of equal size, or of the sizes in a list, which Keras cuts between.
pub(super) fn split(call: &mut Call) -> Result<()> {
    let axis = integer(call, "axis", 0)?;
    call.set("axis", axis);
    call.ignore("num");
    let parts = call.plain("num_or_size_splits")?.unwrap_or_default();
    let Json::Array(sizes) = &parts else {
        call.set("indices_or_sections", parts);
        return Ok(());
    };
    let mut cuts = Vec::new();
    let mut position = 0u64;
    for size in &sizes[..sizes.len().saturating_sub(1)] {
        let size = size.as_u64();
        let size = size.ok_or_else(|| unsupported("num_or_size_splits", &parts.to_string()))?;
        position = position.saturating_add(size);
        cuts.push(position);
    }
    call.set("indices_or_sections", cuts);
    Ok(())
}

/// Whether the largest come first.
fn descends(call: &mut Call) -> bool {
    let direction = call.take("direction");
    direction.is_some_and(|direction| direction.as_str() == Some("DESCENDING"))
}

pub(super) fn sort(call: &mut Call) -> Result<()> {
    let axis = integer(call, "axis", -1)?;
    call.set("axis", axis);
    if descends(call) {
        let x = operand(call)?;
        let sorted = call.first(
            "ascending",
            ("numpy", "Sort"),
            vec![x],
            json!({ "axis": axis }),
        );
        call.become_class(("numpy", "Flip"));
        call.push(sorted);
    }
    Ok(())
}

pub(super) fn argsort(call: &mut Call) -> Result<()> {
    call.ignore("stable");
    let axis = integer(call, "axis", -1)?;
    call.set("axis", axis);
    if descends(call) {
        let x = operand(call)?;
        let negative = call.first("negative", ("numpy", "Negative"), vec![x], Json::Null);
        call.push(negative);
    }
    Ok(())
}

pub(super) fn top_k(call: &mut Call) -> Result<()> {
    call.ignore("index_type");
    let k = integer(call, "k", 1)?;
    call.set("k", k);
    let sorted = call.take("sorted").unwrap_or_else(|| true.into());
    call.set("sorted", sorted);
    Ok(())
}

pub(super) fn gelu(call: &mut Call) -> Result<()> {
    let approximate = call.take("approximate") == Some(true.into());
    call.set("approximate", approximate);
    Ok(())
}

pub(super) fn silu(call: &mut Call) -> Result<()> {
    call.neutral("beta", 1.0);
    Ok(())
}
