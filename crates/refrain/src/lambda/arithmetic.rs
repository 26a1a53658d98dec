//! Operators: on tensors by `ops`, on numbers as Python computes them.

use super::operators::{Infix, Prefix};
use super::value::Value;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{self, Operand, listed};
use crate::tensor::Tensor;
use refrain_graph::DType;

pub(super) fn prefix(operator: Prefix, operand: Value) -> Result<Value> {
    let refused = unsupported(operator.symbol(), &[&operand]);
    Ok(match (operator, operand) {
        (Prefix::Negative, Value::Tensor(t)) => ops::negative(&t).into(),
        (Prefix::Positive, Value::Tensor(t)) => t.into(),
        (Prefix::Invert, Value::Tensor(t)) if t.dtype() == DType::Bool => {
            ops::logical_not(&t).into()
        }
        (Prefix::Negative, Value::Int(n)) => Value::Int(n.checked_neg().ok_or_else(overflow)?),
        (Prefix::Negative, Value::Float(n)) => Value::Float(-n),
        (Prefix::Positive, value @ (Value::Int(_) | Value::Float(_))) => value,
        _ => return Err(refused),
    })
}

pub(super) fn infix(operator: Infix, a: Value, b: Value) -> Result<Value> {
    let (a, b) = beside_tensors(a, b)?;
    let refused = unsupported(operator.symbol(), &[&a, &b]);
    match (&a, &b) {
        (Value::Tensor(x), Value::Tensor(y)) if operator == Infix::MatMul => {
            Ok(ops::matmul(x, y).into())
        }
        (Value::Tensor(_), _) | (_, Value::Tensor(_)) => {
            let (Some(x), Some(y)) = (operand(&a), operand(&b)) else {
                return Err(refused);
            };
            tensors(operator, x, y).ok_or(refused).map(Value::Tensor)
        }
        (Value::Int(x), Value::Int(y)) => integers(operator, *x, *y).unwrap_or(Err(refused)),
        _ => match (a.number(), b.number()) {
            (Some(x), Some(y)) => numbers(operator, x, y).unwrap_or(Err(refused)),
            _ => Err(refused),
        },
    }
}

/// Lists of numbers as arrays where the other operand is a tensor, as TensorFlow takes them.
fn beside_tensors(a: Value, b: Value) -> Result<(Value, Value)> {
    let array = |list: &Value, beside: &Tensor| match list {
        Value::List(_) => list.to_json().map(|json| listed(beside, &json)).transpose(),
        _ => Ok(None),
    };
    let made = match (&a, &b) {
        (Value::Tensor(x), list) => (None, array(list, x)?),
        (list, Value::Tensor(y)) => (array(list, y)?, None),
        _ => (None, None),
    };
    let or = |made: Option<Tensor>, value| made.map_or(value, Value::Tensor);
    Ok((or(made.0, a), or(made.1, b)))
}

fn unsupported(symbol: &str, operands: &[&Value]) -> Error {
    let described: Vec<String> = operands.iter().map(|o| o.described()).collect();
    let message = format!("`{symbol}` does not go with {}", described.join(" and "));
    let error = Error::new(ErrorKind::Structure, message);
    match operands.iter().any(|o| matches!(o, Value::List(_))) {
        true => error.hint("Pick one of several inputs: `x[0]`"),
        false => error,
    }
}

fn overflow() -> Error {
    Error::new(ErrorKind::Unsupported, "an integer of more than 64 bits")
}

/// What can stand beside a tensor.
pub(super) fn operand(value: &Value) -> Option<Operand> {
    Some(match value {
        Value::Tensor(t) => t.into(),
        Value::Int(n) => Operand::Integer(*n),
        Value::Float(n) => Operand::Number(*n),
        Value::Bool(b) => Operand::Integer(i64::from(*b)),
        _ => return None,
    })
}

fn tensors(operator: Infix, a: Operand, b: Operand) -> Option<Tensor> {
    let function: fn(Operand, Operand) -> Tensor = match operator {
        Infix::Less => ops::less,
        Infix::LessEqual => ops::less_equal,
        Infix::Equal => ops::equal,
        Infix::NotEqual => ops::not_equal,
        Infix::Greater => ops::greater,
        Infix::GreaterEqual => ops::greater_equal,
        Infix::Add => ops::add,
        Infix::Subtract => ops::subtract,
        Infix::Multiply => ops::multiply,
        Infix::Divide => ops::divide,
        Infix::FloorDivide => ops::floor_divide,
        Infix::Modulo => ops::modulo,
        Infix::Power => ops::power,
        Infix::Or if truth(&a) && truth(&b) => ops::logical_or,
        Infix::Xor if truth(&a) && truth(&b) => ops::logical_xor,
        Infix::And if truth(&a) && truth(&b) => ops::logical_and,
        Infix::Or | Infix::Xor | Infix::And | Infix::MatMul => return None,
    };
    Some(function(a, b))
}

/// On integers these operators work on bits, which `ops` does not have.
fn truth(operand: &Operand) -> bool {
    matches!(operand, Operand::Tensor(t) if t.dtype() == DType::Bool)
}

/// `None`: not an operator of numbers.
fn integers(operator: Infix, a: i64, b: i64) -> Option<Result<Value>> {
    let whole = match operator {
        Infix::Add => a.checked_add(b),
        Infix::Subtract => a.checked_sub(b),
        Infix::Multiply => a.checked_mul(b),
        Infix::Power if b >= 0 => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
        Infix::FloorDivide if b != 0 => a.checked_rem(b).and_then(|rest| {
            let down = i64::from(rest != 0 && (rest < 0) != (b < 0));
            a.checked_div(b).map(|q| q - down)
        }),
        Infix::Modulo if b != 0 => a.checked_rem(b).map(|rest| {
            let wrong = rest != 0 && (rest < 0) != (b < 0);
            if wrong { rest + b } else { rest }
        }),
        Infix::Less => return Some(Ok(Value::Bool(a < b))),
        Infix::LessEqual => return Some(Ok(Value::Bool(a <= b))),
        Infix::Equal => return Some(Ok(Value::Bool(a == b))),
        Infix::NotEqual => return Some(Ok(Value::Bool(a != b))),
        Infix::Greater => return Some(Ok(Value::Bool(a > b))),
        Infix::GreaterEqual => return Some(Ok(Value::Bool(a >= b))),
        _ => return numbers(operator, a as f64, b as f64),
    };
    Some(whole.map(Value::Int).ok_or_else(overflow))
}

/// `None`: not an operator of numbers.
fn numbers(operator: Infix, a: f64, b: f64) -> Option<Result<Value>> {
    let by_zero = || Error::new(ErrorKind::Config, "division by zero");
    let divides = matches!(operator, Infix::Divide | Infix::FloorDivide | Infix::Modulo);
    if divides && b == 0.0 {
        return Some(Err(by_zero()));
    }
    let number = match operator {
        Infix::Add => a + b,
        Infix::Subtract => a - b,
        Infix::Multiply => a * b,
        Infix::Divide => a / b,
        Infix::FloorDivide => ((a - remainder(a, b)) / b).round(),
        Infix::Modulo => remainder(a, b),
        Infix::Power if a == 0.0 && b < 0.0 => return Some(Err(by_zero())),
        Infix::Power => a.powf(b),
        Infix::Less => return Some(Ok(Value::Bool(a < b))),
        Infix::LessEqual => return Some(Ok(Value::Bool(a <= b))),
        Infix::Equal => return Some(Ok(Value::Bool(a == b))),
        Infix::NotEqual => return Some(Ok(Value::Bool(a != b))),
        Infix::Greater => return Some(Ok(Value::Bool(a > b))),
        Infix::GreaterEqual => return Some(Ok(Value::Bool(a >= b))),
        Infix::Or | Infix::Xor | Infix::And | Infix::MatMul => return None,
    };
    if number.is_nan() {
        let message = format!("{a:?} {} {b:?} is not a real number", operator.symbol());
        return Some(Err(Error::new(ErrorKind::Unsupported, message)));
    }
    Some(Ok(Value::Float(number)))
}

/// The remainder with the sign of the divisor.
fn remainder(a: f64, b: f64) -> f64 {
    let rest = a % b;
    let wrong = rest != 0.0 && (rest < 0.0) != (b < 0.0);
    if wrong { rest + b } else { rest }
}
