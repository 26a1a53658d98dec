//! Products of matrices and their kin.

use super::super::arguments::Arguments;
use super::super::value::Value;
use super::functions;
use crate::error::{Error, ErrorKind, Result};
use crate::ops;
use crate::tensor::{Tensor, resolve_axis};

functions! { TABLE {
    ["tf.matmul(a, b, transpose_a=False, transpose_b=False)"] => |a| {
        let factor = |place: usize| -> Result<Tensor> {
            let t = a.tensor(place)?;
            Ok(if a.flag(place + 2)? { ops::swapaxes(&t, -1, -2) } else { t })
        };
        Ok(ops::matmul(&factor(0)?, &factor(1)?).into())
    };
    ["K.dot(x, y)"] => |a| {
        let (x, y) = (a.tensor(0)?, a.tensor(1)?);
        match x.rank() >= 2 && y.rank() >= 2 {
            true => Ok(ops::dot(&x, &y).into()),
            false => Err(a.unfit(usize::from(x.rank() >= 2), "a tensor of rank 2 or more")),
        }
    };
    ["K.batch_dot(x, y, axes=None)"] => batch_dot;
}}

/// Sums of products along an axis of each, sample by sample; of two matrices it is a column.
fn batch_dot(a: &Arguments) -> Result<Value> {
    let (x, y) = (a.tensor(0)?, a.tensor(1)?);
    let (rank_x, rank_y) = (x.rank(), y.rank());
    let axes = match a.value(2) {
        Value::None if rank_y == 2 => vec![-1, -1],
        Value::None => vec![-1, -2],
        _ => a.integers(2)?,
    };
    let (of_x, of_y) = match axes.as_slice() {
        [both] => (resolve_axis(*both, rank_x)?, resolve_axis(*both, rank_y)?),
        [of_x, of_y] => (resolve_axis(*of_x, rank_x)?, resolve_axis(*of_y, rank_y)?),
        _ => return Err(a.unfit(2, "an axis or two")),
    };
    if rank_x.min(rank_y) < 2 || of_x.min(of_y) == 0 {
        let message = "`K.batch_dot` needs tensors of rank 2 or more and axes after the first";
        return Err(Error::new(ErrorKind::Shape, message));
    }
    let mut letters = ('a'..='z').skip(2);
    let mut label = |rank: usize, summed: usize| -> String {
        let labels = (0..rank).map(|axis| match axis {
            0 => Some('a'),
            axis if axis == summed => Some('b'),
            _ => letters.next(),
        });
        labels.flatten().collect()
    };
    let (left, right) = (label(rank_x, of_x), label(rank_y, of_y));
    let rest = left
        .chars()
        .chain(right.chars())
        .filter(|c| !"ab".contains(*c));
    let subscripts = format!("{left},{right}->a{}", rest.collect::<String>());
    let product = ops::einsum(&subscripts, [&x, &y]);
    Ok(match (rank_x, rank_y) {
        (2, 2) => ops::expand_dims(&product, 1).into(),
        _ => product.into(),
    })
}
