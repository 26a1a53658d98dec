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
mod constant;
mod conv;
mod einsum;
mod gather;
pub(crate) mod gradient;
mod index;
mod join;
mod linalg;
mod logic;
mod nn;
mod order;
mod pooling;
pub(crate) mod prim;
pub(crate) use arithmetic::{to_json, to_number};
pub(crate) mod reduce;
mod scan;
mod shape;

pub use activation::*;
pub use arithmetic::*;
pub use constant::convert_to_tensor;
pub(crate) use constant::{
    array_from_json, array_json, array_of_numbers, array_to_json, is_array, listed,
};
pub use conv::*;
pub use einsum::einsum;
pub(crate) use gather::composed;
pub use gradient::gradient;
pub use index::*;
pub use join::*;
pub use linalg::*;
pub use logic::*;
pub use nn::*;
pub use order::*;
pub use pooling::*;
pub use reduce::*;
pub use scan::{ScanOptions, scan};
pub use shape::*;

use refrain_graph::{BinaryOp, DType};
use serde_json::Value as Json;

use crate::error::{Error, ErrorKind, Result};
use crate::inputs::{Inputs, MaskRule};
use crate::layers::{AnyLayer, Call, Config, ConfigValue, Handle, Layer, Properties, in_option};
use crate::structure::Structure;
use crate::tensor::Tensor;
use crate::trace::Trace;

/// A function as Keras files name it: its class, its module, and how it lowers to primitives.
#[derive(Debug)]
pub(crate) struct OpDef {
    /// Keras's class: `Add`, `GetItem`, …
    pub(crate) class: &'static str,
    /// The last part of Keras's module: `numpy`, `nn`, `math`, `core`, …
    pub(crate) module: &'static str,
    /// The function on traced tensors. `Config` holds what Keras keeps in the operation's config (axes, …).
    pub(crate) call: fn(&Inputs, &Config) -> Result<Structure<Tensor>>,
}

/// Declares functions as Keras files name them, and the table that files are read with.
macro_rules! definitions {
    ($table:ident { $($name:ident = $module:literal / $class:literal => $call:expr;)* }) => {
        $(
            pub(super) static $name: $crate::ops::OpDef = $crate::ops::OpDef {
                class: $class,
                module: $module,
                call: $call,
            };
        )*
        pub(super) static $table: &[&$crate::ops::OpDef] = &[$(&$name),*];
    };
}

use definitions;

/// Every function of Keras that can stand in a file.
static TABLES: &[&[&OpDef]] = &[
    activation::DEFS,
    activation::PLAIN,
    arithmetic::BINARY,
    arithmetic::DEFS,
    arithmetic::UNARY,
    einsum::DEFS,
    index::DEFS,
    join::DEFS,
    linalg::DEFS,
    logic::BINARY,
    logic::DEFS,
    logic::UNARY,
    nn::DEFS,
    order::DEFS,
    reduce::DEFS,
    reduce::REDUCTIONS,
    shape::DEFS,
];

/// The classes of all functions that can stand in a file.
pub(crate) fn classes() -> impl Iterator<Item = &'static str> {
    TABLES.iter().copied().flatten().map(|def| def.class)
}

/// The function of a Keras class with its config.
pub(crate) fn operation(class: &str, config: &Config) -> Option<Operation> {
    let known = TABLES.iter().copied().flatten().copied();
    let def = known
        .chain([&gradient::GRADIENT, &gather::BATCH_GATHER])
        .find(|d| d.class == class)?;
    let mut config = config.clone();
    config.shift_remove("name");
    Some(Operation { def, config })
}

/// An entry of an operation's config; what is missing reads as null.
pub(crate) fn option<T: ConfigValue>(config: &Config, name: &str) -> Result<T> {
    let json = config.get(name).unwrap_or(&Json::Null);
    T::from_json(json).map_err(|e| in_option(e, name))
}

/// The config of an operation.
pub(crate) fn config<const N: usize>(entries: [(&str, Json); N]) -> Config {
    let entries = entries.into_iter();
    entries.map(|(k, v)| (k.to_owned(), v)).collect()
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

/// The first tensor among the arguments: what constants are beside.
pub(crate) fn beside(inputs: &Inputs) -> Result<&Tensor> {
    let first = inputs.first()?.flatten().into_iter().next();
    first.ok_or_else(|| Error::mismatch(ErrorKind::Structure, "a tensor operand", "none"))
}

/// Functions that give what they were given where they change nothing: on JAX, not on TensorFlow.
const MAY_RETURN_INPUT: [&str; 8] = [
    "BroadcastTo",
    "Concatenate",
    "Einsum",
    "ExpandDims",
    "GetItem",
    "Reshape",
    "Squeeze",
    "Transpose",
];

/// A function of `ops` recorded in a declared graph.
#[derive(Clone)]
pub(crate) struct Operation {
    pub(crate) def: &'static OpDef,
    pub(crate) config: Config,
}

impl Layer for Operation {
    type Output = Structure<Tensor>;

    fn class_name(&self) -> &str {
        self.def.class
    }

    fn config(&self) -> Config {
        self.config.clone()
    }

    fn properties(&self) -> Properties {
        let may_return_input = MAY_RETURN_INPUT.contains(&self.def.class);
        Properties {
            may_return_input,
            keras2_masks: match may_return_input {
                true => MaskRule::Lost,
                false => MaskRule::default(),
            },
            ..Properties::default()
        }
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Structure<Tensor>> {
        (self.def.call)(inputs, &self.config)
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }

    fn casts_inputs(&self) -> bool {
        false
    }
}

/// Applies a function: at once on traced tensors, as a new node on symbolic ones.
pub(crate) fn apply_all(
    def: &'static OpDef,
    inputs: Inputs,
    config: Config,
) -> Result<Structure<Tensor>> {
    let tensors = inputs.tensors();
    tensors.iter().try_for_each(|t| t.check())?;
    let traced = tensors.iter().filter(|t| t.as_traced().is_some()).count();
    let call = |inputs: &Inputs| (def.call)(inputs, &config).map_err(|e| e.in_function(def.class));
    match (traced, tensors.len()) {
        (0, 0) => return call(&inputs),
        (t, n) if t == n => return call(&Trace::innermost(&tensors)?.place(&inputs)?),
        (0, _) => {}
        _ => return Err(crate::layers::mixed()),
    }
    let layer: AnyLayer = Handle::from_options(Operation { def, config }).any();
    layer.call_structure(&inputs)
}

/// [`apply_all`] for a function with one result.
pub(crate) fn apply(def: &'static OpDef, inputs: Inputs, config: Config) -> Tensor {
    let outputs = apply_all(def, inputs, config);
    Tensor::from_result(outputs.map(|s| s.into_leaves().swap_remove(0)))
}

/// [`apply_all`] for a function with a known number of results.
pub(crate) fn apply_many(
    def: &'static OpDef,
    inputs: Inputs,
    config: Config,
    count: usize,
) -> Vec<Tensor> {
    match apply_all(def, inputs, config) {
        Ok(outputs) => outputs.into_leaves(),
        Err(e) => vec![Tensor::invalid(e); count],
    }
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
