//! Functions of positions.

use refrain_graph::DType;

use super::super::arguments::{Arguments, small};
use super::super::value::Value;
use super::functions;
use crate::error::Result;
use crate::ops::{self, Index};
use crate::tensor::{Tensor, resolve_axis};

functions! { TABLE {
    ["tf.one_hot(indices, depth, on_value=None, off_value=None, axis=-1, dtype=None)"] => |a| {
        a.must_be_none(2)?;
        a.must_be_none(3)?;
        let dtype = a.optional_dtype(5)?.unwrap_or(DType::F32);
        Ok(ops::one_hot(&a.tensor(0)?, a.count(1)?, a.axis(4)?, dtype).into())
    };
    ["tf.gather(params, indices, validate_indices=None, axis=0)"] => |a| gather(a, a.axis(3)?);
    ["K.gather(reference, indices)"] => |a| gather(a, 0);
}}

fn gather(a: &Arguments, axis: i64) -> Result<Value> {
    let x = a.tensor(0)?;
    let axis = resolve_axis(axis, x.rank())?;
    let at = |index: Index| {
        let mut key = vec![Index::Slice(None, None, None); axis];
        key.push(index);
        ops::get_item(&x, key)
    };
    let position = |v: &Value| small(v).filter(|&n| n >= 0);
    match a.value(1) {
        Value::Tensor(indices) => Ok(ops::take(&x, indices, axis as i64).into()),
        Value::List(items) if !items.is_empty() => {
            let positions: Option<Vec<i64>> = items.iter().map(position).collect();
            let positions = positions.ok_or_else(|| a.unfit(1, "positions"))?;
            let one = |n: i64| at(Index::Slice(Some(n), Some(n + 1), None));
            let parts: Vec<Tensor> = positions.into_iter().map(one).collect();
            Ok(ops::concatenate(parts, axis as i64).into())
        }
        value => {
            let n = position(value).ok_or_else(|| a.unfit(1, "positions"))?;
            Ok(at(Index::At(n)).into())
        }
    }
}
