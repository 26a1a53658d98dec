//! dot_general and convolution. Float products accumulate in f64 and round once, whatever the element type.

use super::index::{
    build, for_each_index, offsets, others, pick, strides, try_for_each_index, values,
};
use super::number::{Accumulator, Number, fold, undefined};
use super::window::covered;
use crate::{BinaryOp, Conv, DotDims, GraphError, Literal, with_data};

pub(super) fn dot_general(
    dims: &DotDims,
    lhs: &Literal,
    rhs: &Literal,
    out_dims: &[usize],
) -> Result<Literal, GraphError> {
    fn each<T: Number>(
        l: &Side,
        r: &Side,
        (lhs, rhs): (&[T], &[T]),
        out_dims: &[usize],
    ) -> Result<Literal, GraphError> {
        let mut out = Vec::new();
        for (l_batch, r_batch) in l.batch.iter().zip(&r.batch) {
            for l_free in &l.free {
                for r_free in &r.free {
                    let mut acc = T::Acc::ZERO;
                    for (l_sum, r_sum) in l.contracting.iter().zip(&r.contracting) {
                        let a = lhs[l_batch + l_free + l_sum];
                        let b = rhs[r_batch + r_free + r_sum];
                        add_product(&mut acc, a, b)?;
                    }
                    out.push(T::narrow(acc));
                }
            }
        }
        build(out_dims, out)
    }
    let l = Side::new(lhs.dims(), &dims.lhs_batch, &dims.lhs_contracting);
    let r = Side::new(rhs.dims(), &dims.rhs_batch, &dims.rhs_contracting);
    with_data!(lhs.data(), v => each(&l, &r, (v, values(rhs)?), out_dims))
}

/// One operand of a dot product: the places of its batch, free and contracting dimensions.
struct Side {
    batch: Vec<usize>,
    free: Vec<usize>,
    contracting: Vec<usize>,
}

impl Side {
    fn new(dims: &[usize], batch: &[usize], contracting: &[usize]) -> Side {
        let strides = strides(dims);
        let places = |over: &[usize]| offsets(&pick(dims, over), &pick(&strides, over));
        Side {
            batch: places(batch),
            free: places(&others(dims.len(), &[batch, contracting])),
            contracting: places(contracting),
        }
    }
}

fn add_product<T: Number>(acc: &mut T::Acc, a: T, b: T) -> Result<(), GraphError> {
    let product = a
        .widen()
        .binary(BinaryOp::Multiply, b.widen(), T::BITS)
        .ok_or_else(|| undefined::<T>("multiply"))?;
    fold::<T>(BinaryOp::Add, acc, product)
}

pub(super) fn convolution(
    conv: &Conv,
    lhs: &Literal,
    kernel: &Literal,
    out_dims: &[usize],
) -> Result<Literal, GraphError> {
    fn each<T: Number>(
        taps: &Taps,
        (x, k): (&[T], &[T]),
        out_dims: &[usize],
    ) -> Result<Literal, GraphError> {
        let mut results = Vec::with_capacity(out_dims.iter().product());
        try_for_each_index(out_dims, |out| {
            let mut acc = T::Acc::ZERO;
            for (x_start, k_start) in taps.starts(out) {
                for c in 0..taps.group_features {
                    let (x_place, k_place) = (c * taps.x_step, c * taps.k_step);
                    add_product(&mut acc, x[x_start + x_place], k[k_start + k_place])?;
                }
            }
            results.push(T::narrow(acc));
            Ok(())
        })?;
        build(out_dims, results)
    }
    let taps = Taps::new(conv, lhs.dims(), kernel.dims(), out_dims);
    with_data!(lhs.data(), v => each(&taps, (v, values(kernel)?), out_dims))
}

/// Which elements of the operand and the kernel meet in an element of a convolution's result.
struct Taps<'a> {
    conv: &'a Conv,
    x_dims: &'a [usize],
    x_strides: Vec<usize>,
    k_strides: Vec<usize>,
    /// Size of the kernel in each spatial dimension.
    kernel: Vec<usize>,
    /// Number of input features that each output feature reads.
    group_features: usize,
    /// Distance between input features in the operand.
    x_step: usize,
    /// Distance between input features in the kernel.
    k_step: usize,
    /// Number of output features of a group of features, and of a group of the batch.
    feature_group: usize,
    batch_group: usize,
    out_batch: usize,
}

impl<'a> Taps<'a> {
    fn new(conv: &'a Conv, x_dims: &'a [usize], k_dims: &[usize], out_dims: &[usize]) -> Self {
        let (x_strides, k_strides) = (strides(x_dims), strides(k_dims));
        let features = k_dims[conv.rhs.feature];
        Taps {
            conv,
            x_dims,
            kernel: pick(k_dims, &conv.rhs.spatial),
            group_features: k_dims[conv.rhs.batch],
            x_step: x_strides[conv.lhs.feature],
            k_step: k_strides[conv.rhs.batch],
            feature_group: (features / conv.feature_groups).max(1),
            batch_group: (features / conv.batch_groups).max(1),
            out_batch: out_dims[conv.out.batch],
            x_strides,
            k_strides,
        }
    }

    /// For each element of the window that meets the operand: the places of the first input feature of the group in
    /// the operand and in the kernel.
    fn starts(&self, out: &[usize]) -> Vec<(usize, usize)> {
        let Conv { lhs, rhs, .. } = self.conv;
        let feature = out[self.conv.out.feature];
        let batch = out[self.conv.out.batch] + feature / self.batch_group * self.out_batch;
        let first_feature = feature / self.feature_group * self.group_features;
        let x_start = batch * self.x_strides[lhs.batch] + first_feature * self.x_step;
        let k_start = feature * self.k_strides[rhs.feature];
        let mut starts = Vec::new();
        for_each_index(&self.kernel, |offset| {
            let (mut x_place, mut k_place) = (x_start, k_start);
            for d in 0..offset.len() {
                let at = out[self.conv.out.spatial[d]];
                let size = self.x_dims[lhs.spatial[d]];
                let Some(at) = covered(&self.conv.window, d, at, offset[d], size) else {
                    return;
                };
                let tap = match self.conv.reversal[d] {
                    true => self.kernel[d] - 1 - offset[d],
                    false => offset[d],
                };
                x_place += at * self.x_strides[lhs.spatial[d]];
                k_place += tap * self.k_strides[rhs.spatial[d]];
            }
            starts.push((x_place, k_place));
        });
        starts
    }
}
