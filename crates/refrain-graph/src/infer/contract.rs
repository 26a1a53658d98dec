//! Sums of products: `dot_general` and `convolution`.

use super::{Inferred, check, window};
use crate::{Conv, ConvLayout, Dim, DotDims, Shape, Spec};

pub(super) fn dot_general(dims: &DotDims, inputs: &[&Spec]) -> Inferred {
    let [lhs, rhs] = check::arity(inputs)?;
    check::numeric("operands", lhs.dtype)?;
    check::same_dtype("a right operand", lhs.dtype, rhs.dtype)?;
    let mut out = paired(
        "batch",
        (&lhs.shape, &dims.lhs_batch),
        (&rhs.shape, &dims.rhs_batch),
    )?;
    paired(
        "contracting",
        (&lhs.shape, &dims.lhs_contracting),
        (&rhs.shape, &dims.rhs_contracting),
    )?;
    out.extend(free(
        "left",
        &lhs.shape,
        &dims.lhs_batch,
        &dims.lhs_contracting,
    )?);
    out.extend(free(
        "right",
        &rhs.shape,
        &dims.rhs_batch,
        &dims.rhs_contracting,
    )?);
    Ok(vec![Spec::new(out, lhs.dtype)])
}

/// Checks dimensions of both operands that stand for each other, and gives their sizes.
fn paired(
    role: &str,
    (lhs, lhs_dims): (&Shape, &[usize]),
    (rhs, rhs_dims): (&Shape, &[usize]),
) -> Result<Vec<Dim>, String> {
    let what = format!("{role} dimensions");
    check::distinct(&format!("left {what}"), lhs_dims, lhs.rank())?;
    check::distinct(&format!("right {what}"), rhs_dims, rhs.rank())?;
    check::length(&format!("right {what}"), rhs_dims.len(), lhs_dims.len())?;
    let pairs = lhs_dims.iter().zip(rhs_dims);
    pairs
        .map(|(&l, &r)| {
            let what = format!("{role} dimension {r} of {rhs} against {l} of {lhs}");
            check::merge_dim(&what, lhs.dim(l), rhs.dim(r))
        })
        .collect()
}

/// The sizes of an operand's dimensions that are neither batch nor contracting.
fn free(
    side: &str,
    shape: &Shape,
    batch: &[usize],
    contracting: &[usize],
) -> Result<Vec<Dim>, String> {
    let used = [batch, contracting].concat();
    check::distinct(
        &format!("{side} batch and contracting dimensions"),
        &used,
        shape.rank(),
    )?;
    let rest = shape.dims().iter().enumerate();
    Ok(rest
        .filter(|(i, _)| !used.contains(i))
        .map(|(_, &d)| d)
        .collect())
}

pub(super) fn convolution(conv: &Conv, inputs: &[&Spec]) -> Inferred {
    let [x, kernel] = check::arity(inputs)?;
    check::numeric("operands", x.dtype)?;
    check::same_dtype("a kernel", x.dtype, kernel.dtype)?;
    let rank = x.shape.rank();
    check::length(
        "dimensions of the kernel, as many as of the operand",
        kernel.shape.rank(),
        rank,
    )?;
    layout("left operand", &conv.lhs, rank)?;
    layout("kernel", &conv.rhs, rank)?;
    layout("result", &conv.out, rank)?;
    let spatial = conv.lhs.spatial.len();
    window::well_formed(&conv.window, spatial)?;
    check::length("reversal flags", conv.reversal.len(), spatial)?;
    groups(conv, &x.shape, &kernel.shape)?;

    let mut out = Shape::from(vec![None; rank]);
    let sizes = out.dims_mut();
    sizes[conv.out.batch] = x.shape.dim(conv.lhs.batch).map(|b| b / conv.batch_groups);
    sizes[conv.out.feature] = kernel.shape.dim(conv.rhs.feature);
    for i in 0..spatial {
        let in_kernel = kernel.shape.dim(conv.rhs.spatial[i]);
        let what = format!("spatial dimension {i} of the kernel");
        check::merge_dim(&what, Some(conv.window.size[i]), in_kernel)?;
        let base = x.shape.dim(conv.lhs.spatial[i]);
        sizes[conv.out.spatial[i]] = window::places(&conv.window, i, base)?;
    }
    Ok(vec![Spec::new(out, x.dtype)])
}

/// Checks that a layout names each dimension once.
fn layout(what: &str, layout: &ConvLayout, rank: usize) -> Result<(), String> {
    let mut all = vec![layout.batch, layout.feature];
    all.extend(&layout.spatial);
    let what = format!("dimensions in the layout of the {what}");
    check::length(&what, all.len(), rank)?;
    check::distinct(&what, &all, rank)
}

/// Checks the group counts against the sizes of batch and features.
fn groups(conv: &Conv, x: &Shape, kernel: &Shape) -> Result<(), String> {
    let (features, batches) = (conv.feature_groups, conv.batch_groups);
    if features == 0 || batches == 0 || (features > 1 && batches > 1) {
        return Err(format!(
            "expected group counts of at least 1, one of them 1, \
             got {features} feature groups and {batches} batch groups"
        ));
    }
    multiple("a batch size", x.dim(conv.lhs.batch), batches)?;
    multiple("input features", x.dim(conv.lhs.feature), features)?;
    let outputs = kernel.dim(conv.rhs.feature);
    multiple("output features", outputs, features)?;
    multiple("output features", outputs, batches)?;
    let per_group = x.dim(conv.lhs.feature).map(|f| f / features);
    let what = "an input-feature dimension of the kernel";
    check::merge_dim(what, per_group, kernel.dim(conv.rhs.batch)).map(|_| ())
}

fn multiple(what: &str, size: Dim, groups: usize) -> Result<(), String> {
    match size {
        Some(n) if n % groups != 0 => Err(format!(
            "expected {what} divisible into {groups} groups, got {n}"
        )),
        _ => Ok(()),
    }
}
