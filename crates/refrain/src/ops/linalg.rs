//! Products of matrices.

use refrain_graph::{DotDims, Op};
use serde_json::Value as Json;

use super::arithmetic::float_input;
use super::order::triangle;
use super::{Axes, apply, config, definitions, max, option, power, prim, sum, tensor_argument};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::{Config, unexpected};
use crate::structure::Structure;
use crate::tensor::Tensor;
use crate::trace::Trace;

/// Sums of products over contracting axes; see [`DotDims`] for the order of the result's axes.
pub(crate) fn dot_general(a: &Tensor, b: &Tensor, dims: DotDims) -> Result<Tensor> {
    Trace::apply(Op::DotGeneral(dims), &[a, b])
}

definitions! { DEFS {
    MATMUL = "numpy" / "Matmul" => matmul_call;
    DOT = "numpy" / "Dot" => dot_call;
    TENSORDOT = "numpy" / "Tensordot" => tensordot_call;
    OUTER = "numpy" / "Outer" => |inputs, _| {
        let (a, b) = factors(inputs)?;
        let column = prim::reshape(&a, [a.shape().numel(), Some(1)])?;
        let row = prim::reshape(&b, [Some(1), b.shape().numel()])?;
        Ok((column * row).into())
    };
    NORM = "linalg" / "Norm" => norm_call;
    TRIL = "numpy" / "Tril" => |inputs, config| {
        let k = option::<Option<i64>>(config, "k")?.unwrap_or(0);
        Ok(triangle(inputs.one()?, k, true)?.into())
    };
    TRIU = "numpy" / "Triu" => |inputs, config| {
        let k = option::<Option<i64>>(config, "k")?.unwrap_or(0);
        Ok(triangle(inputs.one()?, k, false)?.into())
    };
}}

/// The two operands in their common type.
fn factors(inputs: &Inputs) -> Result<(Tensor, Tensor)> {
    let (a, b) = (
        tensor_argument(inputs, 0, "x1")?,
        tensor_argument(inputs, 1, "x2")?,
    );
    let dtype = prim::promote(a.dtype(), b.dtype());
    Ok((prim::convert(&a, dtype)?, prim::convert(&b, dtype)?))
}

/// NumPy's matrix product: the last axis of `a` with the second to last of `b`; leading axes are batches.
pub fn matmul(a: &Tensor, b: &Tensor) -> Tensor {
    apply(&MATMUL, Inputs::new(a).arg(b), Config::new())
}

/// NumPy's `dot`: the last axis of `a` with the second to last of `b`, all other axes side by side.
pub fn dot(a: &Tensor, b: &Tensor) -> Tensor {
    apply(&DOT, Inputs::new(a).arg(b), Config::new())
}

fn dot_call(inputs: &Inputs, _: &Config) -> Result<Structure<Tensor>> {
    let (a, b) = factors(inputs)?;
    if a.rank() == 0 || b.rank() == 0 {
        return Ok((a * b).into());
    }
    let dims = DotDims {
        lhs_contracting: vec![a.rank() - 1],
        rhs_contracting: vec![b.rank().saturating_sub(2)],
        ..DotDims::default()
    };
    Ok(dot_general(&a, &b, dims)?.into())
}

/// Sums of products over pairs of axes: `a_axes[i]` with `b_axes[i]`.
pub fn tensordot(
    a: &Tensor,
    b: &Tensor,
    a_axes: impl Into<Vec<i64>>,
    b_axes: impl Into<Vec<i64>>,
) -> Tensor {
    let axes = vec![Json::from(a_axes.into()), Json::from(b_axes.into())];
    apply(
        &TENSORDOT,
        Inputs::new(a).arg(b),
        config([("axes", axes.into())]),
    )
}

fn tensordot_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let (a, b) = factors(inputs)?;
    let json = config.get("axes").unwrap_or(&Json::Null);
    let bad = || unexpected("a number of axes, or axes of both tensors", json);
    let (lhs, rhs) = match json {
        Json::Null => (Axes::from([-2, -1]), Axes::from([0, 1])),
        Json::Number(n) => {
            let n = n.as_i64().filter(|&n| n >= 0).ok_or_else(bad)?;
            (Axes::Only((-n..0).collect()), Axes::Only((0..n).collect()))
        }
        Json::Array(pair) if pair.len() == 2 => (
            Axes::from_json(pair.first())?,
            Axes::from_json(pair.last())?,
        ),
        _ => return Err(bad()),
    };
    let dims = DotDims {
        lhs_contracting: lhs.resolve_in_order(a.rank())?,
        rhs_contracting: rhs.resolve_in_order(b.rank())?,
        ..DotDims::default()
    };
    Ok(dot_general(&a, &b, dims)?.into())
}

/// All products of an element of `a` and one of `b`: a matrix of the flattened tensors.
pub fn outer(a: &Tensor, b: &Tensor) -> Tensor {
    apply(&OUTER, Inputs::new(a).arg(b), Config::new())
}

/// The norm of vectors along an axis: `order` 1, 2, or infinity.
pub fn norm(x: impl AsRef<Tensor>, order: f64, axis: i64, keepdims: bool) -> Tensor {
    let order = match order {
        n if n.fract() == 0.0 => Json::from(n as i64),
        n if n.is_infinite() => "inf".into(),
        n => n.into(),
    };
    let config = config([
        ("ord", order),
        ("axis", axis.into()),
        ("keepdims", keepdims.into()),
    ]);
    apply(&NORM, Inputs::new(x.as_ref()), config)
}

fn norm_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = float_input(inputs)?;
    let axes = Axes::from_json(config.get("axis"))?;
    let keepdims = option::<Option<bool>>(config, "keepdims")?.unwrap_or(false);
    let order = config.get("ord").unwrap_or(&Json::Null);
    let vectors = matches!(&axes, Axes::Only(a) if a.len() == 1) || x.rank() == 1;
    let norm = match (order.as_f64(), order.as_str()) {
        (Some(2.0), _) if vectors => sum(&x.square(), axes, keepdims).sqrt(),
        (None, None | Some("fro")) => sum(&x.square(), axes, keepdims).sqrt(),
        (Some(1.0), _) if vectors => sum(&x.abs(), axes, keepdims),
        (_, Some("inf")) if vectors => max(&x.abs(), axes, keepdims),
        (Some(p), _) if vectors => power(sum(&power(x.abs(), p), axes, keepdims), 1.0 / p),
        _ => return Err(unexpected("the order of a vector norm", order)),
    };
    Ok(norm.into())
}

/// The lower triangle of matrices: elements at most `k` right of the diagonal; zeros elsewhere.
pub fn tril(x: impl AsRef<Tensor>, k: i64) -> Tensor {
    apply(&TRIL, Inputs::new(x.as_ref()), config([("k", k.into())]))
}

/// The upper triangle of matrices: elements at least `k` right of the diagonal; zeros elsewhere.
pub fn triu(x: impl AsRef<Tensor>, k: i64) -> Tensor {
    apply(&TRIU, Inputs::new(x.as_ref()), config([("k", k.into())]))
}

fn matmul_call(inputs: &Inputs, _: &Config) -> Result<Structure<Tensor>> {
    let (a, b) = factors(inputs)?;
    if a.rank() == 0 || b.rank() == 0 {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            "tensors of rank 1 or more",
            "a scalar",
        ));
    }
    let contract = b.rank().saturating_sub(2);
    if b.rank() <= 2 {
        let dims = DotDims {
            lhs_contracting: vec![a.rank() - 1],
            rhs_contracting: vec![contract],
            ..DotDims::default()
        };
        return Ok(dot_general(&a, &b, dims)?.into());
    }
    batched(&a, &b).map(Into::into)
}

/// A product of stacks of matrices whose leading axes broadcast.
fn batched(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let vector = a.rank() == 1;
    let a = if vector {
        prim::reshape(a, vec![Some(1), a.dim(0)])?
    } else {
        a.clone()
    };
    let split = |t: &Tensor| {
        let shape = t.shape();
        let (batch, matrix) = shape.dims().split_at(t.rank() - 2);
        (batch.to_vec(), matrix.to_vec())
    };
    let ((a_batch, a_matrix), (b_batch, b_matrix)) = (split(&a), split(b));
    let batch = prim::broadcast_shapes(&a_batch.into(), &b_batch.into())?;
    let full = |matrix: Vec<_>| [batch.dims(), &matrix].concat().into();
    let a = prim::broadcast_to(&a, &full(a_matrix))?;
    let b = prim::broadcast_to(b, &full(b_matrix))?;
    let rank = batch.rank();
    let dims = DotDims {
        lhs_batch: (0..rank).collect(),
        rhs_batch: (0..rank).collect(),
        lhs_contracting: vec![rank + 1],
        rhs_contracting: vec![rank],
    };
    let product = dot_general(&a, &b, dims)?;
    if !vector {
        return Ok(product);
    }
    let mut shape = product.shape();
    shape.dims_mut().remove(rank);
    prim::reshape(&product, shape)
}
