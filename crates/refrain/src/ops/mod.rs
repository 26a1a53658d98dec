//! Functions on tensors, as `keras.ops`.
//!
//! Each works on symbolic tensors (it becomes a node of the declared graph, as a layer does) and on the traced tensors
//! of a layer's `call` (it becomes primitives). None fails at once: see [`Tensor`].
//!
//! Functions take tensors by value or by reference: `sum(square(&x), -1, false)`. Those of one tensor and nothing else take a
//! reference, so that they can be given where a function is wanted, as in `Lambda::new(ops::abs)`; most of them are methods
//! of [`Tensor`] too, which is shorter on the result of an operator: `(&a - &b).abs()`.
//!
//! ```
//! use refrain::{input, ops};
//! let (a, b) = (input([10]), input([10]));
//! let distance = ops::sum(ops::square(&(&a - &b)), -1, true);
//! let same = ops::sum((a - b).square(), -1, true);
//! assert_eq!(distance.shape(), same.shape());
//! ```

mod activation;
mod arithmetic;
mod attention;
mod bitwise;
mod blocks;
mod constant;
mod control;
mod conv;
mod conv_transpose;
mod crossentropy;
mod ctc;
mod definition;
mod distinct;
mod einsum;
mod fill;
mod gather;
pub(crate) mod gradient;
pub mod image;
mod index;
mod join;
mod linalg;
mod logic;
mod matrix;
mod nan;
mod nn;
mod normalization;
mod order;
mod pooling;
pub(crate) mod prim;
mod rearrange;
pub(crate) mod reduce;
mod scan;
mod scatter;
mod series;
mod shape;
mod special;
mod stacks;
mod statistics;

pub use activation::*;
pub use arithmetic::*;
pub use attention::*;
pub use bitwise::*;
pub use blocks::*;
pub use constant::convert_to_tensor;
pub(crate) use constant::{
    array_from_json, array_json, array_of_numbers, array_to_json, is_array, listed,
};
pub use control::*;
pub use conv::*;
pub use conv_transpose::*;
pub use crossentropy::*;
pub use ctc::*;
pub(crate) use definition::{
    Difference, OpDef, Operation, Parameter, ParameterKind, ToArgument, parameters,
};
pub use distinct::*;
pub use einsum::einsum;
pub(crate) use einsum::{Label, Subscripts};
pub use fill::*;
pub(crate) use gather::composed;
pub use gradient::gradient;
pub use index::*;
pub use join::*;
pub use linalg::*;
pub use logic::*;
pub use matrix::*;
pub use nan::*;
pub use nn::*;
pub use normalization::*;
pub use order::*;
pub use pooling::*;
pub use rearrange::*;
pub use reduce::*;
pub use scan::{ScanOptions, scan};
pub use scatter::*;
pub use shape::*;
pub use special::*;
pub use stacks::*;
pub use statistics::*;

use refrain_graph::{BinaryOp, DType, UnaryOp};
use serde_json::Value as Json;

use crate::config::{Config, ConfigValue, dtype_from_json, in_option};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::tensor::Tensor;

/// Every function, file by file.
static TABLES: &[&[&OpDef]] = &[
    activation::PLAIN,
    activation::TABLE,
    arithmetic::BINARY,
    arithmetic::TABLE,
    arithmetic::UNARY,
    attention::TABLE,
    bitwise::TABLE,
    bitwise::UNARY,
    blocks::TABLE,
    conv::TABLE,
    conv_transpose::TABLE,
    crossentropy::TABLE,
    ctc::TABLE,
    distinct::TABLE,
    einsum::TABLE,
    gradient::TABLE,
    index::TABLE,
    join::TABLE,
    linalg::TABLE,
    logic::BINARY,
    logic::TABLE,
    logic::UNARY,
    matrix::TABLE,
    nan::OTHERS,
    nan::TABLE,
    nn::TABLE,
    normalization::TABLE,
    order::TABLE,
    pooling::TABLE,
    rearrange::TABLE,
    reduce::OTHERS,
    reduce::TABLE,
    scatter::TABLE,
    shape::TABLE,
    special::BINARY,
    special::TABLE,
    special::UNARY,
    stacks::TABLE,
    statistics::OTHERS,
    statistics::QUANTILES,
    statistics::TABLE,
    &[&arithmetic::CONVERT_TO_TENSOR, &gather::BATCH_GATHER],
];

/// Everything in the tables.
pub(crate) fn definitions() -> impl Iterator<Item = &'static OpDef> {
    let tables = TABLES.iter().chain(image::TABLES);
    tables.copied().flatten().copied()
}

/// The functions that programs and expressions call by their names.
pub(crate) fn functions() -> impl Iterator<Item = &'static OpDef> {
    definitions().filter(|def| def.function.is_some())
}

/// The function of a Keras class with its config.
pub(crate) fn operation(class: &str, config: &Config) -> Option<Operation> {
    let def = definitions().find(|def| def.class == class)?;
    Some(Operation::new(def, config))
}

/// Keras's modules of most functions are this and a last part: `numpy`, `nn`, …
pub(crate) const OPS_MODULE: &str = "keras.src.ops.";

/// Whether functions are in this module of Keras.
pub(crate) fn is_module(module: &str) -> bool {
    module.starts_with(OPS_MODULE) || module == "keras.src.activations.activations"
}

/// An entry of an operation's config; what is missing reads as null.
pub(crate) fn option<T: ConfigValue>(config: &Config, name: &str) -> Result<T> {
    let json = config.get(name).unwrap_or(&Json::Null);
    T::from_json(json).map_err(|e| in_option(e, name))
}

/// An element type of an operation's config, if it names one.
pub(crate) fn dtype(config: &Config) -> Result<Option<DType>> {
    let json = config.get("dtype").filter(|json| !json.is_null());
    json.map(dtype_from_json).transpose()
}

/// Refuses options that are on: Keras has them, and here is nothing to compute them with.
pub(crate) fn absent(config: &Config, names: &[&str]) -> Result<()> {
    let on = |name: &&&str| {
        !matches!(
            config.get(**name),
            None | Some(Json::Null | Json::Bool(false))
        )
    };
    match names.iter().find(on) {
        None => Ok(()),
        Some(name) => {
            let message = format!("option `{name}` is not supported");
            Err(Error::new(ErrorKind::Unsupported, message))
        }
    }
}

/// A tensor argument by position or by name; a list of numbers is one too.
pub(crate) fn tensor_argument(inputs: &Inputs, position: usize, name: &str) -> Result<Tensor> {
    if let Some(tensor) = inputs.tensor(position, name) {
        return Ok(tensor.clone());
    }
    let missing = |received: &str| {
        let expected = format!("a tensor as argument `{name}`");
        Error::mismatch(ErrorKind::Structure, expected, received)
    };
    let json = inputs
        .plain(position, name)
        .ok_or_else(|| missing("none"))?;
    let literal = array_of_numbers(json).ok_or_else(|| missing(&json.to_string()))?;
    beside(inputs)?
        .expect_traced()?
        .trace
        .constant(literal)
        .checked()
}

/// The sum of all elements, a scalar.
pub(crate) fn sum_all(x: &Tensor) -> Tensor {
    sum(x, Axes::All, false)
}

/// The first tensor among the arguments: what constants are beside.
pub(crate) fn beside(inputs: &Inputs) -> Result<&Tensor> {
    let first = inputs.first()?.flatten().into_iter().next();
    first.ok_or_else(|| Error::mismatch(ErrorKind::Structure, "a tensor operand", "none"))
}

/// Uniform numbers in [0, 1) from random bits: the upper 24 bits, which f32 holds exactly.
pub(crate) fn random_bits_to_uniform(bits: &Tensor) -> Result<Tensor> {
    const UNUSED_BITS: f64 = 8.0;
    const STEP: f64 = 1.0 / (1u32 << 24) as f64;
    let shift = prim::constant_like(bits, UNUSED_BITS)?;
    let upper = prim::binary(BinaryOp::ShiftRightLogical, bits, &shift)?;
    let float = prim::convert(&upper, DType::F32)?;
    let step = prim::constant_like(&float, STEP)?;
    prim::binary(BinaryOp::Multiply, &float, &step)
}

/// Normally distributed numbers with a mean of zero from uniform ones in [0, 1).
pub(crate) fn uniform_to_normal(uniform: &Tensor, stddev: f64) -> Result<Tensor> {
    /// Keeps -1, whose quantile is minus infinity, out: half a step of the uniform numbers after doubling.
    const LOWEST: f64 = -1.0 + 1.0 / (1u32 << 24) as f64;
    let symmetric = (uniform * 2.0 - 1.0).checked()?;
    let lowest = prim::constant_like(&symmetric, LOWEST)?;
    let open = prim::binary(BinaryOp::Maximum, &symmetric, &lowest)?;
    let quantile = prim::unary(UnaryOp::ErfInv, &open)?;
    (quantile * (stddev * std::f64::consts::SQRT_2)).checked()
}
