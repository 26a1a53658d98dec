//! Attention.

use refrain_graph::DType;

use super::definition::operations;
use super::order::triangle;
use super::reduce::wide;
use super::{absent, einsum, logical_and, option, prim, softmax, tensor_argument, where_};
use crate::config::{Config, number_from_json};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::structure::Structure;
use crate::tensor::Tensor;

type Traced = Result<Structure<Tensor>>;

operations! { TABLE in table {
    /// Values averaged by the softmax of the products of queries and keys: tensors `(batch, time, heads, size)`.
    ///
    /// `bias` is added to the products, `mask` says which of them count; both broadcast to `(batch, heads, queries, keys)`. `scale`:
    /// by default one over the root of the size. `is_causal`: no query sees later keys. Tensors of other ranks are an error.
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

fn attention_call(inputs: &Inputs, config: &Config) -> Traced {
    absent(config, &["flash_attention", "attn_logits_soft_cap"])?;
    let argument = |i, name| tensor_argument(inputs, i, name);
    let (query, key, value) = (
        argument(0, "query")?,
        argument(1, "key")?,
        argument(2, "value")?,
    );
    for x in [&query, &key, &value] {
        if x.rank() != 4 {
            return Err(Error::mismatch(
                ErrorKind::Shape,
                "tensors of rank 4",
                x.shape().to_string(),
            ));
        }
    }
    let dtype = prim::promote(prim::promote(query.dtype(), key.dtype()), value.dtype());
    let [query, key, value] = [&query, &key, &value].map(|x| prim::convert(x, dtype));
    let (query, key, value) = (query?, key?, value?);
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
