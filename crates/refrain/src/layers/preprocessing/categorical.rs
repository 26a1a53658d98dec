//! Categories as vectors.

use refrain_graph::{Comparison, DType, Dim, Reduction, Shape};

use crate::config::words;
use crate::error::Result;
use crate::ops::{prim, reduce};
use crate::tensor::Tensor;
use crate::utils::sizes;

/// What a layer makes of categories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OutputMode {
    /// The numbers of the categories.
    #[default]
    Int,
    /// A vector for each number, 1 in its place. An axis of size 1 at the end gives way to it.
    OneHot,
    /// A vector for each sample, 1 in the place of each category that is there.
    MultiHot,
    /// A vector for each sample, how often each category is there.
    Count,
}

words! {
    OutputMode, "int, one_hot, multi_hot or count" {
        Int = "int", OneHot = "one_hot", MultiHot = "multi_hot" | "binary", Count = "count"
    }
}

/// Categories below `depth` in another form. Numbers that are no category count as none; `weights` say how much each counts.
pub(super) fn encode(
    categories: &Tensor,
    mode: OutputMode,
    depth: usize,
    dtype: DType,
    weights: Option<&Tensor>,
) -> Result<Tensor> {
    let mut shape = categories.shape();
    let x = match mode {
        OutputMode::Int => return prim::convert(categories, DType::I32),
        OutputMode::OneHot if shape.rank() > 1 && categories.dim(-1) == Some(1) => {
            shape.dims_mut().pop();
            prim::reshape(categories, shape)?
        }
        OutputMode::MultiHot => prim::convert(categories, DType::I32)?,
        _ => categories.clone(),
    };
    prim::check_axis("encoded categories", &x, x.rank(), depth)?;
    let hot = one_hot(&x, depth, weights.map_or(dtype, Tensor::dtype))?;
    let axis = [usize::from(x.rank() > 1)];
    match mode {
        OutputMode::MultiHot => reduce(&hot, Reduction::Max, &axis, false),
        OutputMode::Count => {
            let hot = match weights {
                Some(weights) => (hot * column(weights, Some(1))?).checked()?,
                None => hot,
            };
            reduce(&hot, Reduction::Sum, &axis, false)
        }
        _ => Ok(hot),
    }
}

/// With one more axis, of this size.
fn column(x: &Tensor, size: Dim) -> Result<Tensor> {
    let mut dims = x.shape().dims().to_vec();
    dims.push(size);
    prim::reshape(x, dims)
}

/// 1 where a number is that of its place along a new last axis.
fn one_hot(x: &Tensor, depth: usize, dtype: DType) -> Result<Tensor> {
    sizes::check_memory("a vector of categories", &[depth], dtype.size())?;
    let x = match x.dtype() {
        DType::Bool => prim::convert(x, DType::I32)?,
        _ => x.clone(),
    };
    let column = column(&x, Some(1))?;
    let mut dims = x.shape().dims().to_vec();
    dims.push(Some(depth));
    let places = prim::iota(&x, &Shape::from(dims), x.dtype(), x.rank())?;
    let hit = prim::compare(Comparison::Eq, &column, &places)?;
    prim::convert(&hit, dtype)
}
