//! Sorting and running reductions along any dimension, of any type.

use super::Maker;
use super::common::models::Made;
use refrain_graph::{DType, Op, Reduction, UnaryOp};

const ELEMENTS: usize = 4000;
const NUMBERS: [DType; 8] = [
    DType::F32,
    DType::F64,
    DType::F16,
    DType::BF16,
    DType::I32,
    DType::I64,
    DType::U32,
    DType::U8,
];

pub fn sort(maker: &mut Maker) -> Made<()> {
    let rank = 1 + maker.below(3);
    let dims = maker.dims(rank, ELEMENTS);
    maker.dtype = maker.pick(&[&NUMBERS[..], &[DType::Bool]].concat());
    let mut x = maker.operand(&dims)?;
    if maker.dtype.is_float() {
        // Few different values, so that equals and zeros of both signs occur.
        x = maker.b.unary(UnaryOp::RoundNearestEven, x)?;
    }
    let sort = Op::Sort {
        dim: maker.below(rank),
        descending: maker.once_in(2),
    };
    let node = maker.b.g.push_multi(sort, &[x])?;
    for value in maker.b.g.outputs(node).to_vec() {
        if !maker.once_in(4) {
            maker.b.g.result(value);
        }
    }
    Ok(())
}

pub fn cumulative(maker: &mut Maker) -> Made<()> {
    let rank = 1 + maker.below(3);
    let dims = maker.dims(rank, ELEMENTS);
    maker.dtype = maker.pick(&NUMBERS);
    let x = maker.operand(&dims)?;
    let kinds = [
        Reduction::Sum,
        Reduction::Product,
        Reduction::Max,
        Reduction::Min,
    ];
    let op = Op::Cumulative {
        kind: maker.pick(&kinds),
        dim: maker.below(rank),
        reverse: maker.once_in(2),
    };
    let y = maker.b.g.push(op, &[x])?;
    maker.b.g.result(y);
    Ok(())
}
