//! The functions of Lambda layers in files: read as data into expressions over [`ops`](crate::ops), never run.

mod arguments;
mod arithmetic;
mod base64;
mod bytecode;
mod config;
mod evaluate;
mod expression;
mod functions;
mod marshal;
mod names;
mod opcodes;
mod operators;
mod parser;
mod portable;
mod print;
mod stack;
mod term;
mod tokens;
mod value;

pub(crate) use config::{
    ACTIVATIONS, OPS, decode, name_of_code, of_expression, of_keras, operation_as_text, unbound,
};
pub use expression::Expression;
pub(crate) use portable::obstacle;

#[cfg(test)]
mod tests;
