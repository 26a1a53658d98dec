//! Gradients of `convolution`, which are convolutions again.
//!
//! Along one spatial dimension, with stride `s`, base dilation `b`, kernel dilation `d` and low padding `p`, the result is
//! `y[o] = Σ_j x[(o·s + j·d - p) / b]·w[j]` over the `j` where the division is exact. Reading the same sum for a fixed
//! element of `x` or of `w` gives both gradients.

use super::{Call, Cotangents, Term};
use crate::{Conv, ConvLayout, Op, Window};

pub(super) fn convolution<'b>(conv: &Conv, call: &Call<'b>) -> Cotangents<'b> {
    let tensors = [call.inputs[0], call.inputs[1], call.outputs[0]];
    if tensors.iter().any(|t| t.dims().contains(&0)) {
        let zeros = |i: usize| call.wanted[i].then(|| call.inputs[i].like(0.0));
        return vec![zeros(0), zeros(1)];
    }
    call.both(|| operand(conv, call), || kernel(conv, call))
}

/// The extents along one spatial dimension, dilated.
struct Extent {
    base: i64,
    window: i64,
    result: i64,
}

fn extents(conv: &Conv, call: &Call) -> Vec<Extent> {
    let dims = |term: Term, layout: &ConvLayout| -> Vec<usize> {
        let dims = term.dims();
        layout.spatial.iter().map(|&d| dims[d]).collect()
    };
    let x = dims(call.inputs[0], &conv.lhs);
    let w = dims(call.inputs[1], &conv.rhs);
    let y = dims(call.outputs[0], &conv.out);
    let dilated = |n: usize, step: usize| ((n - 1) * step + 1) as i64;
    let extent = |i: usize| Extent {
        base: dilated(x[i], conv.window.base_dilation[i]),
        window: dilated(w[i], conv.window.dilation[i]),
        result: dilated(y[i], conv.window.strides[i]),
    };
    (0..x.len()).map(extent).collect()
}

/// `dx[i] = Σ_j g[(i·b - j·d + p) / s]·w[j]`: the cotangent, dilated by the strides, with the kernel read backwards. Low
/// padding `window - 1 - p` lines `j` up; high padding makes the result as long as `x`.
fn operand<'b>(conv: &Conv, call: &Call<'b>) -> Term<'b> {
    let extents = extents(conv, call);
    let padding = extents
        .iter()
        .zip(&conv.window.padding)
        .map(|(e, &(p, _))| {
            let low = e.window - 1 - p;
            (low, e.base - 1 + e.window - e.result - low)
        });
    let window = Window {
        size: conv.window.size.clone(),
        strides: conv.window.base_dilation.clone(),
        padding: padding.collect(),
        base_dilation: conv.window.strides.clone(),
        dilation: conv.window.dilation.clone(),
    };
    let groups = conv.feature_groups.max(conv.batch_groups);
    let transposed = Conv {
        window,
        reversal: conv.reversal.iter().map(|r| !r).collect(),
        lhs: conv.out.clone(),
        rhs: swapped(&conv.rhs),
        out: conv.lhs.clone(),
        feature_groups: groups,
        batch_groups: 1,
    };
    let kernel = move_groups(call.inputs[1], groups, conv.rhs.feature, conv.rhs.batch);
    let dx = call
        .cotangent()
        .op2(Op::Convolution(Box::new(transposed)), kernel);
    move_groups(dx, conv.batch_groups, conv.lhs.feature, conv.lhs.batch)
}

/// `dw[j] = Σ_o x[(j·d + o·s - p) / b]·g[o]`: the operand with the cotangent as kernel, whose elements are a stride
/// apart. Batch and features change roles, so groups of features become groups of the batch, and the other way round.
fn kernel<'b>(conv: &Conv, call: &Call<'b>) -> Term<'b> {
    let extents = extents(conv, call);
    let padding = extents
        .iter()
        .zip(&conv.window.padding)
        .map(|(e, &(p, _))| (p, e.window - 1 + e.result - e.base - p));
    let g = call.cotangent();
    let sizes = g.dims();
    let window = Window {
        size: conv.out.spatial.iter().map(|&d| sizes[d]).collect(),
        strides: conv.window.dilation.clone(),
        padding: padding.collect(),
        base_dilation: conv.window.base_dilation.clone(),
        dilation: conv.window.strides.clone(),
    };
    let correlation = Conv {
        window,
        reversal: vec![false; conv.reversal.len()],
        lhs: swapped(&conv.lhs),
        rhs: conv.out.clone(),
        out: conv.rhs.clone(),
        feature_groups: conv.batch_groups,
        batch_groups: conv.feature_groups,
    };
    let dw = call.inputs[0].op2(Op::Convolution(Box::new(correlation)), g);
    let read_backwards = conv
        .rhs
        .spatial
        .iter()
        .zip(&conv.reversal)
        .filter(|(_, r)| **r);
    let read_backwards: Vec<usize> = read_backwards.map(|(&d, _)| d).collect();
    dw.reverse(&read_backwards)
}

fn swapped(layout: &ConvLayout) -> ConvLayout {
    ConvLayout {
        batch: layout.feature,
        feature: layout.batch,
        spatial: layout.spatial.clone(),
    }
}

/// Takes the outer factor `groups` of dimension `from` and makes it the outer factor of dimension `to`.
fn move_groups(x: Term<'_>, groups: usize, from: usize, to: usize) -> Term<'_> {
    if groups == 1 {
        return x;
    }
    let mut dims = x.dims();
    let rank = dims.len();
    dims[from] /= groups;
    let mut split = dims.clone();
    split.insert(from, groups);
    // `from` is the place of the groups now; what lay behind it has moved by one.
    let moved = |d: usize| if d >= from { d + 1 } else { d };
    let mut perm: Vec<usize> = (0..rank).map(moved).collect();
    perm.insert(to, from);
    dims[to] *= groups;
    x.reshape(&split).transpose(&perm).reshape(&dims)
}
