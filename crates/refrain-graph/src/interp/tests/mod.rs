//! The primitives against values computed by hand, by mpmath (40 digits) and by JAX 0.10.

mod control;
mod elementwise;
mod index;
mod layout;
mod product;
mod reduce;
mod window;

use super::evaluate_op;
use crate::{Element, Literal, Op};

fn lit<T: Element>(dims: &[usize], values: &[T]) -> Literal {
    Literal::new(dims, values.to_vec()).expect("values fill the dimensions")
}

/// Small integers without regularity: `(3i² + 5i + 2) mod modulus - shift`.
fn pattern(dims: &[usize], modulus: usize, shift: usize) -> Literal {
    let n: usize = dims.iter().product();
    let value = |i: usize| ((3 * i * i + 5 * i + 2) % modulus) as f32 - shift as f32;
    lit(dims, &(0..n).map(value).collect::<Vec<f32>>())
}

fn eval_all(op: &Op, inputs: &[&Literal]) -> Vec<Literal> {
    evaluate_op(op, inputs).expect("the primitive fits its inputs")
}

fn eval(op: &Op, inputs: &[&Literal]) -> Literal {
    eval_all(op, inputs).remove(0)
}

#[track_caller]
fn assert_values(actual: &Literal, dims: &[usize], expected: &[f64]) {
    assert_eq!(actual.dims(), dims);
    assert_eq!(actual.to_f64(), expected);
}
