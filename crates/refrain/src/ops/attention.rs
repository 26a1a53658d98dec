//! Attention.

use refrain_graph::DType;

use super::definition::{OpResult, operations};
use super::order::triangle;
use super::reduce::wide;
use super::{
    absent, einsum, logical_and, option, prim, repeat_traced, softmax, tensor_argument, where_,
};
use crate::config::{Config, number_from_json};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::tensor::Tensor;

operations! { TABLE in table {
    /// Values averaged by the softmax of the products of queries and keys: tensors `(batch, time, heads, size)`.
    ///
    /// `bias` is added to the products, `mask` says which of them count; both broadcast to `(batch, heads, queries, keys)`. `scale`:
    /// by default one over the root of the size. `is_causal`: no query sees later keys.
    ///
    /// Keys and values may have fewer heads than the query: each is shared by as many heads of the query, in their order. Numbers of
    /// heads that do not divide that of the query are an error, and so are tensors of other ranks.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// let (query, key) = (input([5, 2, 8]), input([7, 2, 8]));
    /// let y = ops::dot_product_attention(&query, &key, &key, None, None, None, false);
    /// assert_eq!(y.shape().to_string(), "(None, 5, 2, 8)");
    /// ```
    pub fn dot_product_attention(
        query: &Tensor,
        key: &Tensor,
        value: &Tensor,
        bias: Option<&Tensor>,
        mask: Option<&Tensor>,
        scale: Option<f64>,
        is_causal: bool,
    ) -> Tensor {
        [query, key, value, bias, mask, scale, is_causal]
    }
    "ops.nn" / "DotProductAttention"
    as "dot_product_attention(query, key, value, bias=None, mask=None, scale=None, is_causal=False, flash_attention=None, attn_logits_soft_cap=None)"
    [Tensor, Tensor, Tensor, Operand, Operand, Named, Flag, Plain, Plain] => attention_call;
}}

fn attention_call(inputs: &Inputs, config: &Config) -> OpResult {
    absent(config, &["flash_attention", "attn_logits_soft_cap"])?;
    let [query, key, value] = operands(inputs)?;
    let dtype = query.dtype();
    let size = query.shape().dim(3).unwrap_or(1) as f64;
    let scale = inputs.plain(5, "scale").and_then(number_from_json);
    let mut scores =
        wide(&einsum("btnh,bsnh->bnts", [&query, &key]))? * scale.unwrap_or(1.0 / size.sqrt());
    if let Some(bias) = inputs.tensor(3, "bias") {
        scores = scores + prim::convert(bias, dtype)?;
    }
    scores.check()?;
    let mut seen = inputs.tensor(4, "mask").cloned();
    if option(config, "is_causal")? {
        let ones = prim::full(&scores, &scores.shape(), DType::I32, 1.0)?;
        let causal = prim::convert(&triangle(&ones, 0, true)?, DType::Bool)?;
        seen = Some(match seen {
            Some(mask) => logical_and(mask, causal),
            None => causal,
        });
    }
    if let Some(seen) = seen {
        scores = where_(&seen, &scores, -0.7 * prim::limits(DType::F32).1);
    }
    let weights = prim::convert(&softmax(&scores, -1), dtype)?;
    Ok(einsum("bnts,bsnh->btnh", [&weights, &value]).into())
}

/// Query, key and value, of one type and with as many heads as the query.
fn operands(inputs: &Inputs) -> Result<[Tensor; 3]> {
    const HEADS: usize = 2;
    let argument = |i, name| tensor_argument(inputs, i, name);
    let (query, key, value) = (
        argument(0, "query")?,
        argument(1, "key")?,
        argument(2, "value")?,
    );
    if let Some(x) = [&query, &key, &value].into_iter().find(|x| x.rank() != 4) {
        let received = x.shape().to_string();
        return Err(Error::mismatch(
            ErrorKind::Shape,
            "tensors of rank 4",
            received,
        ));
    }
    let heads = |x: &Tensor| x.shape().dim(HEADS);
    if let (Some(keys), Some(values)) = (heads(&key), heads(&value))
        && ![1, keys].contains(&values)
    {
        let expected = "as many heads of values as of keys, or one";
        let received = format!("{keys} of keys, {values} of values");
        return Err(Error::mismatch(ErrorKind::Shape, expected, received));
    }
    let dtype = prim::promote(prim::promote(query.dtype(), key.dtype()), value.dtype());
    let of_query = |x: &Tensor| {
        let x = prim::convert(x, dtype)?;
        heads(&query).map_or(Ok(x.clone()), |all| repeat_heads(&x, all))
    };
    Ok([
        prim::convert(&query, dtype)?,
        of_query(&key)?,
        of_query(&value)?,
    ])
}

/// Each head of keys or values `(…, steps, heads, size)` repeated, so that there are as many as of the query.
pub(crate) fn repeat_heads(x: &Tensor, heads: usize) -> Result<Tensor> {
    let axis = x.rank() - 2;
    match x.shape().dim(axis) {
        Some(own) if own == 0 || !heads.is_multiple_of(own) => Err(Error::mismatch(
            ErrorKind::Shape,
            format!("keys and values whose number of heads divides the {heads} of the query"),
            format!("{own} heads"),
        )),
        Some(own) if own < heads => repeat_traced(x, heads / own, axis),
        _ => Ok(x.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input;

    #[test]
    fn heads_that_cannot_be_shared_are_an_error() {
        let query = input([5, 6, 4]);
        let attend = |keys: usize, values: usize| {
            let (key, value) = (input([3, keys, 4]), input([3, values, 4]));
            let y = dot_product_attention(&query, &key, &value, None, None, None, false);
            y.checked().map_err(|e| e.to_string())
        };
        for (keys, values) in [(6, 6), (2, 2), (1, 1), (3, 1)] {
            assert!(attend(keys, values).is_ok(), "{keys} and {values}");
        }
        for keys in [4, 12] {
            let error = attend(keys, keys).expect_err("heads");
            assert!(error.contains("divides the 6 of the query"), "{error}");
        }
        let error = attend(2, 3).expect_err("heads");
        assert!(
            error.contains("as many heads of values as of keys"),
            "{error}"
        );
    }
}
