//! Elementwise work, reductions, rows, and moves of memory.

use super::Maker;
use super::common::models::Made;
use refrain_graph::{BinaryOp, Comparison, DType, Op, Reduction, Shape, UnaryOp, Value};

const TYPES: [DType; 8] = [
    DType::F32,
    DType::F32,
    DType::F64,
    DType::I32,
    DType::I64,
    DType::U8,
    DType::U32,
    DType::Bool,
];
const ELEMENTS: usize = 4000;

/// A value of these dimensions: full, or repeated along some of them.
fn repeated(maker: &mut Maker, dims: &[usize], dtype: DType) -> Made<Value> {
    let kept = match maker.below(3) {
        0 => maker.some_of(dims.len()),
        _ => return Ok(maker.param(dims, dtype)),
    };
    let from: Vec<usize> = kept.iter().map(|&d| dims[d]).collect();
    let x = maker.param(&from, dtype);
    let shape = Shape::from(dims);
    maker
        .b
        .g
        .push(Op::BroadcastInDim { shape, dims: kept }, &[x])
}

/// One function of one or two operands, of any type that has it.
pub fn elementwise(maker: &mut Maker) -> Made<()> {
    /// Enough tries to find a function for every type.
    const TRIES: usize = 50;
    let rank = maker.below(4);
    let dims = maker.dims(rank, ELEMENTS);
    let dtype = maker.pick(&TYPES);
    let (x, y) = (
        repeated(maker, &dims, dtype)?,
        repeated(maker, &dims, dtype)?,
    );
    for _ in 0..TRIES {
        let made = match maker.below(5) {
            0 | 1 => {
                let op = maker.pick(UnaryOp::ALL);
                maker.b.unary(op, x)
            }
            2 => {
                let op = maker.pick(BinaryOp::ALL);
                maker.b.binary(op, x, y)
            }
            3 => {
                let op = maker.pick(Comparison::ALL);
                let chosen = maker.b.g.push(Op::Compare(op), &[x, y])?;
                maker.b.g.push(Op::Select, &[chosen, x, y])
            }
            _ => {
                let to = maker.pick(&TYPES);
                maker.b.g.push(Op::Convert(to), &[x])
            }
        };
        if let Ok(result) = made {
            maker.b.g.result(result);
            return Ok(());
        }
    }
    Err(refrain_graph::GraphError::new("no function of this type"))
}

/// Sums, products and extremes of any dimensions, with work before and after.
pub fn reduction(maker: &mut Maker) -> Made<()> {
    let rank = 1 + maker.below(4);
    let dims = maker.dims(rank, 3 * ELEMENTS);
    let kind = maker.pick(Reduction::ALL);
    let mut x = match kind {
        Reduction::And | Reduction::Or => maker.param(&dims, DType::Bool),
        Reduction::Max | Reduction::Min => {
            let dtype = maker.pick(&[DType::F32, DType::F32, DType::F64, DType::I32]);
            maker.param(&dims, dtype)
        }
        _ => maker.operand(&dims)?,
    };
    if kind == Reduction::Product {
        // Factors near 1, or products of thousands would leave the range of numbers.
        let small = maker.b.scale(x, 1e-3)?;
        x = maker.b.unary(UnaryOp::Exponential, small)?;
    }
    let along = maker.some_of(rank);
    let mut y = maker.b.reduce(kind, x, &along)?;
    if kind == Reduction::Sum && maker.once_in(2) {
        y = maker.b.unary(UnaryOp::Tanh, y)?;
    }
    maker.b.g.result(y);
    Ok(())
}

/// Softmax and normalization of rows, and their gradients.
pub fn rows(maker: &mut Maker) -> Made<()> {
    let rank = 1 + maker.below(3);
    let dims = maker.dims(rank, ELEMENTS);
    let x = maker.operand(&dims)?;
    if maker.once_in(2) {
        let y = maker.b.softmax(x)?;
        return maker.with_gradients(y, &[x]);
    }
    let width = dims[rank - 1];
    let (gamma, beta) = (
        maker.param(&[width], DType::F32),
        maker.param(&[width], DType::F32),
    );
    let y = maker.b.layer_norm(x, gamma, beta)?;
    maker.b.g.result(y);
    Ok(())
}

/// Some moves of memory behind one another.
pub fn movement(maker: &mut Maker) -> Made<()> {
    let rank = 1 + maker.below(4);
    let dims = maker.dims(rank, ELEMENTS);
    let dtype = maker.pick(&TYPES);
    let mut x = maker.param(&dims, dtype);
    for _ in 0..1 + maker.below(3) {
        x = moved(maker, x)?;
    }
    maker.b.g.result(x);
    Ok(())
}

fn moved(maker: &mut Maker, x: Value) -> Made<Value> {
    let (dims, dtype) = (maker.b.dims(x), maker.b.g.spec(x).dtype);
    let rank = dims.len();
    let op = match maker.below(7) {
        0 | 1 => Op::Transpose(maker.shuffled(rank)),
        2 => Op::Reverse(maker.some_of(rank)),
        3 => {
            let starts: Vec<usize> = dims.iter().map(|&d| maker.below(d)).collect();
            Op::Slice {
                starts,
                limits: dims.iter().map(|&d| Some(d)).collect(),
                strides: dims.iter().map(|_| 1 + maker.below(3)).collect(),
            }
        }
        4 => {
            let filler = maker.param(&[], dtype);
            let low = dims.iter().map(|&d| pad(maker, d)).collect();
            let high = dims.iter().map(|_| maker.below(3) as i64).collect();
            let interior = dims.iter().map(|_| maker.below(2)).collect();
            let op = Op::Pad {
                low,
                high,
                interior,
            };
            return maker.b.g.push(op, &[x, filler]);
        }
        5 => {
            let at = maker.below(rank);
            let mut other = dims.clone();
            other[at] = maker.size(17);
            let other = maker.param(&other, dtype);
            return maker.b.g.push(Op::Concatenate(at), &[x, other, x]);
        }
        _ => {
            let numel = dims.iter().product::<usize>();
            let first = (2..6).find(|d| numel.is_multiple_of(*d)).unwrap_or(1);
            Op::Reshape(Shape::from([first, numel / first]))
        }
    };
    maker.b.g.push(op, &[x])
}

/// Elements before: one cut off where there are more, or up to two added.
fn pad(maker: &mut Maker, size: usize) -> i64 {
    maker.below(4) as i64 - i64::from(size > 1)
}
