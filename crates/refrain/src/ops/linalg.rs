//! Products of matrices.

use refrain_graph::{DotDims, Op};

use super::{OpDef, apply, prim};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::Config;
use crate::structure::Structure;
use crate::tensor::Tensor;
use crate::trace::Trace;

/// Sums of products over contracting axes; see [`DotDims`] for the order of the result's axes.
pub(crate) fn dot_general(a: &Tensor, b: &Tensor, dims: DotDims) -> Result<Tensor> {
    Trace::apply(Op::DotGeneral(dims), &[a, b])
}

/// NumPy's matrix product: the last axis of `a` with the second to last of `b`; leading axes are batches.
pub fn matmul(a: &Tensor, b: &Tensor) -> Tensor {
    static DEF: OpDef = OpDef {
        class: "Matmul",
        module: "numpy",
        call: matmul_call,
    };
    apply(&DEF, Inputs::new(a).arg(b), Config::new())
}

fn matmul_call(inputs: &Inputs, _: &Config) -> Result<Structure<Tensor>> {
    let operand = |position, name| {
        inputs
            .tensor(position, name)
            .ok_or_else(|| Error::mismatch(ErrorKind::Structure, "two tensors", "fewer"))
    };
    let (a, b) = (operand(0, "x1")?, operand(1, "x2")?);
    let dtype = prim::promote(a.dtype(), b.dtype());
    let (a, b) = (prim::convert(a, dtype)?, prim::convert(b, dtype)?);
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
