//! Products of all layouts, batches and strides; loops of them.

use super::Maker;
use super::common::models::{self, Made};
use refrain_graph::{DType, DotDims, Op, Value};

/// Most multiplications of a product: the interpreter does them one by one.
const MULTIPLICATIONS: usize = 120_000;

/// The kinds of dimensions of an operand, each with its sizes, in a random order.
struct Side {
    dims: Vec<usize>,
    batch: Vec<usize>,
    contracting: Vec<usize>,
}

fn side(maker: &mut Maker, batch: &[usize], contracting: &[usize], free: &[usize]) -> Side {
    let all: Vec<usize> = [batch, contracting, free].concat();
    let order = maker.shuffled(all.len());
    let place = |of: usize| order.iter().position(|&o| o == of).unwrap_or(0);
    Side {
        dims: order.iter().map(|&o| all[o]).collect(),
        batch: (0..batch.len()).map(place).collect(),
        contracting: (batch.len()..batch.len() + contracting.len())
            .map(place)
            .collect(),
    }
}

/// Two operands and their product.
fn dot(maker: &mut Maker) -> Made<[Value; 3]> {
    let counts = [
        maker.below(3),
        1 + maker.below(2),
        maker.below(3),
        maker.below(3),
    ];
    let mut sizes = maker.dims(counts.iter().sum(), MULTIPLICATIONS);
    let mut take = |count: usize| sizes.split_off(sizes.len() - count);
    let [batch, contracting, left, right] = counts.map(&mut take);
    let lhs = side(maker, &batch, &contracting, &left);
    let rhs = side(maker, &batch, &contracting, &right);
    let (a, b) = (maker.operand(&lhs.dims)?, maker.operand(&rhs.dims)?);
    let dims = DotDims {
        lhs_batch: lhs.batch,
        rhs_batch: rhs.batch,
        lhs_contracting: lhs.contracting,
        rhs_contracting: rhs.contracting,
    };
    let y = maker.b.g.push(Op::DotGeneral(dims), &[a, b])?;
    Ok([a, b, y])
}

pub fn product(maker: &mut Maker) -> Made<()> {
    let [_, _, y] = dot(maker)?;
    let rank = maker.b.dims(y).len();
    let feature = (rank > 0).then(|| maker.below(rank));
    let y = maker.finished(y, feature)?;
    maker.b.g.result(y);
    Ok(())
}

/// Products of whole numbers, which wrap.
pub fn integers(maker: &mut Maker) -> Made<()> {
    maker.dtype = maker.pick(&[DType::I32, DType::I64, DType::U32, DType::U8]);
    let [_, _, y] = dot(maker)?;
    maker.b.g.result(y);
    Ok(())
}

pub fn gradients(maker: &mut Maker) -> Made<()> {
    let [a, b, y] = dot(maker)?;
    maker.with_gradients(y, &[a, b])
}

/// A recurrent layer: as many rows as are cut between threads, and few; trained or not.
pub fn recurrent(maker: &mut Maker) -> Made<()> {
    let batch = maker.pick(&[1, 2, 7, 16, 33, 64]);
    let [steps, features, units] = [
        maker.pick(&[1, 2, 7]),
        maker.size(33),
        maker.pick(&[1, 3, 8, 16, 17, 33]),
    ];
    let train = maker.once_in(2);
    maker.b.g = models::lstm(batch, steps, features, units, train)?;
    Ok(())
}
