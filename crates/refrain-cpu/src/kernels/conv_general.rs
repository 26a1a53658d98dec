//! Convolutions with any attributes: any rank and layout, base dilation, reversal, groups of features or of the batch.
//!
//! Patches of some positions at a time are copied out and multiplied with the kernel laid out as a matrix. The plans
//! for images with channels last are several times faster; this is for what they cannot say.

use super::LengthError;
use super::gemm::{Product, Right};
use super::pack::Matrix;
use super::pool::Pool;
use refrain_graph::{Conv, ConvLayout};

/// Elements of the patches copied out at a time (512 KiB).
const PATCH_ELEMENTS: usize = 128 << 10;
/// Elements copied that are worth a task.
const TASK_ELEMENTS: usize = 16 << 10;

/// A convolution planned for its shapes.
#[derive(Clone, Debug)]
pub struct GeneralConvPlan {
    lhs: Layout,
    rhs: Layout,
    out: Layout,
    feature_groups: usize,
    batch_groups: usize,
    /// Along each spatial dimension the input's element for output position × kernel element, if it is one.
    reads: Vec<Vec<Option<usize>>>,
    out_dims: Vec<usize>,
}

/// Sizes and strides of a tensor in the order batch, feature, spatial.
#[derive(Clone, Debug)]
struct Layout {
    batch: (usize, usize),
    feature: (usize, usize),
    spatial: Vec<(usize, usize)>,
    len: usize,
}

impl Layout {
    fn new(dims: &[usize], layout: &ConvLayout) -> Option<Layout> {
        let mut seen = vec![false; dims.len()];
        let mut stride = vec![1usize; dims.len()];
        for d in (1..dims.len()).rev() {
            stride[d - 1] = stride[d].checked_mul(dims[d])?;
        }
        let len = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d))?;
        let mut axis = |d: usize| {
            let fresh = d < dims.len() && !std::mem::replace(&mut seen[d], true);
            fresh.then(|| (dims[d], stride[d]))
        };
        let (batch, feature) = (axis(layout.batch)?, axis(layout.feature)?);
        let spatial = layout
            .spatial
            .iter()
            .map(|&d| axis(d))
            .collect::<Option<_>>()?;
        let complete = seen.iter().all(|&s| s);
        complete.then_some(Layout {
            batch,
            feature,
            spatial,
            len,
        })
    }
}

/// The coordinates of element `at` of a grid, the last running fastest.
fn coordinates(
    mut at: usize,
    sizes: impl DoubleEndedIterator<Item = usize>,
    mut f: impl FnMut(usize),
) {
    for size in sizes.rev() {
        f(at % size);
        at /= size;
    }
}

impl GeneralConvPlan {
    /// The plan for operands of these dimensions.
    ///
    /// # Errors
    /// If the attributes contradict each other or the dimensions.
    pub fn new(lhs_dims: &[usize], rhs_dims: &[usize], conv: &Conv) -> Result<Self, LengthError> {
        Self::plan(lhs_dims, rhs_dims, conv).ok_or(LengthError)
    }

    fn plan(lhs_dims: &[usize], rhs_dims: &[usize], conv: &Conv) -> Option<Self> {
        let lhs = Layout::new(lhs_dims, &conv.lhs)?;
        let rhs = Layout::new(rhs_dims, &conv.rhs)?;
        let (fg, bg) = (conv.feature_groups, conv.batch_groups);
        let features = rhs.feature.0;
        let groups_fit = fg > 0
            && bg > 0
            && (fg == 1 || bg == 1)
            && lhs.feature.0 == rhs.batch.0.checked_mul(fg)?
            && features.is_multiple_of(fg * bg)
            && lhs.batch.0.is_multiple_of(bg);
        let same_rank = lhs.spatial.len() == rhs.spatial.len();
        if !groups_fit || !same_rank || conv.reversal.len() != lhs.spatial.len() {
            return None;
        }
        let mut out_dims = vec![0; lhs_dims.len()];
        *out_dims.get_mut(conv.out.batch)? = lhs.batch.0 / bg;
        *out_dims.get_mut(conv.out.feature)? = features;
        let mut reads = Vec::new();
        for d in 0..lhs.spatial.len() {
            let (count, table) = read_table(lhs.spatial[d].0, rhs.spatial[d].0, conv, d)?;
            *out_dims.get_mut(*conv.out.spatial.get(d)?)? = count;
            reads.push(table);
        }
        let out = Layout::new(&out_dims, &conv.out)?;
        (out.spatial.len() == reads.len()).then_some(GeneralConvPlan {
            lhs,
            rhs,
            out,
            feature_groups: fg,
            batch_groups: bg,
            reads,
            out_dims,
        })
    }

    /// The dimensions of the result.
    pub fn out_dims(&self) -> &[usize] {
        &self.out_dims
    }

    fn taps(&self) -> usize {
        self.rhs.spatial.iter().map(|s| s.0).product()
    }

    fn depth(&self) -> usize {
        self.taps() * self.rhs.batch.0
    }

    fn group_features(&self) -> usize {
        self.out.feature.0 / (self.feature_groups * self.batch_groups)
    }

    fn positions(&self) -> usize {
        self.out.batch.0 * self.out.spatial.iter().map(|s| s.0).product::<usize>()
    }

    /// Positions whose patches are copied out at a time.
    fn chunk(&self) -> usize {
        (PATCH_ELEMENTS / self.depth().max(1)).clamp(1, self.positions().max(1))
    }

    /// Elements of scratch memory that [`GeneralConvPlan::run`] needs.
    pub fn scratch_len(&self) -> usize {
        let (chunk, depth, og) = (self.chunk(), self.depth(), self.group_features());
        depth * og + chunk * (depth + og) + Product::scratch_len(1, chunk, og, depth)
    }

    /// Convolves `x` with `kernel` into `y`.
    ///
    /// # Errors
    /// If a slice is too short.
    pub fn run(
        &self,
        pool: &Pool,
        x: &[f32],
        kernel: &[f32],
        y: &mut [f32],
        scratch: &mut [f32],
    ) -> Result<(), LengthError> {
        let short = x.len() < self.lhs.len || kernel.len() < self.rhs.len || y.len() < self.out.len;
        if short || scratch.len() < self.scratch_len() {
            return Err(LengthError);
        }
        if self.out.len == 0 {
            return Ok(());
        }
        let (chunk, depth, og) = (self.chunk(), self.depth(), self.group_features());
        let (matrix, rest) = scratch.split_at_mut(depth * og);
        let (patches, rest) = rest.split_at_mut(chunk * depth);
        let (result, split) = rest.split_at_mut(chunk * og);
        for group in 0..self.feature_groups * self.batch_groups {
            self.lay_out(kernel, group * og, og, matrix);
            for first in (0..self.positions()).step_by(chunk) {
                let count = chunk.min(self.positions() - first);
                self.copy_patches(pool, x, group, first, &mut patches[..count * depth]);
                let left = Matrix::row_major(&patches[..count * depth], depth);
                let right = Right::Matrix(Matrix::row_major(matrix, og));
                let product = Product::new(count, og, depth, left, right);
                product.run(pool, &mut result[..count * og], split)?;
                self.place(result, first, count, group * og, y);
            }
        }
        Ok(())
    }

    /// The kernel's columns from `first` on as a matrix: rows are taps, then input features.
    fn lay_out(&self, kernel: &[f32], first: usize, og: usize, matrix: &mut [f32]) {
        let features = self.rhs.batch.0;
        for (row, to) in matrix.chunks_exact_mut(og).enumerate() {
            let mut at = row % features * self.rhs.batch.1 + first * self.rhs.feature.1;
            let mut strides = self.rhs.spatial.iter().rev();
            coordinates(row / features, self.rhs.spatial.iter().map(|s| s.0), |i| {
                at += i * strides.next().map_or(0, |s| s.1);
            });
            for (o, x) in to.iter_mut().enumerate() {
                *x = kernel[at + o * self.rhs.feature.1];
            }
        }
    }

    fn copy_patches(
        &self,
        pool: &Pool,
        x: &[f32],
        group: usize,
        first: usize,
        patches: &mut [f32],
    ) {
        let depth = self.depth();
        if depth == 0 {
            return;
        }
        let rows = TASK_ELEMENTS.div_ceil(depth);
        pool.for_chunks_mut(patches, rows * depth, |task, piece| {
            for (i, patch) in piece.chunks_exact_mut(depth).enumerate() {
                self.copy_patch(x, group, first + task * rows + i, patch);
            }
        });
    }

    fn copy_patch(&self, x: &[f32], group: usize, position: usize, patch: &mut [f32]) {
        let features = self.rhs.batch.0;
        let spatial: usize = self.out.spatial.iter().map(|s| s.0).product();
        let image = position / spatial;
        let (image, feature) = if self.batch_groups > 1 {
            (group * self.out.batch.0 + image, 0)
        } else {
            (image, group * features)
        };
        let base = image * self.lhs.batch.1 + feature * self.lhs.feature.1;
        for (tap, to) in patch.chunks_exact_mut(features).enumerate() {
            let (mut at, mut inside) = (base, true);
            let (mut p, mut k) = (position % spatial, tap);
            for d in (0..self.reads.len()).rev() {
                let (count, size) = (self.out.spatial[d].0, self.rhs.spatial[d].0);
                match self.reads[d][p % count * size + k % size] {
                    Some(i) => at += i * self.lhs.spatial[d].1,
                    None => inside = false,
                }
                (p, k) = (p / count, k / size);
            }
            for (c, to) in to.iter_mut().enumerate() {
                *to = if inside {
                    x[at + c * self.lhs.feature.1]
                } else {
                    0.0
                };
            }
        }
    }

    fn place(&self, result: &[f32], first: usize, count: usize, feature: usize, y: &mut [f32]) {
        let og = self.group_features();
        let spatial: usize = self.out.spatial.iter().map(|s| s.0).product();
        for (i, row) in result.chunks_exact(og).take(count).enumerate() {
            let position = first + i;
            let mut at = position / spatial * self.out.batch.1 + feature * self.out.feature.1;
            let mut strides = self.out.spatial.iter().rev();
            coordinates(
                position % spatial,
                self.out.spatial.iter().map(|s| s.0),
                |p| {
                    at += p * strides.next().map_or(0, |s| s.1);
                },
            );
            for (o, &x) in row.iter().enumerate() {
                y[at + o * self.out.feature.1] = x;
            }
        }
    }
}

/// Number of output positions along a dimension, and what each reads through each kernel element.
fn read_table(
    size: usize,
    kernel: usize,
    conv: &Conv,
    d: usize,
) -> Option<(usize, Vec<Option<usize>>)> {
    let w = &conv.window;
    let (stride, base, dilation) = (
        *w.strides.get(d)?,
        *w.base_dilation.get(d)?,
        *w.dilation.get(d)?,
    );
    let (before, after) = *w.padding.get(d)?;
    if stride == 0 || base == 0 || dilation == 0 {
        return None;
    }
    let spread = |n: usize, by: usize| Some(n.saturating_sub(1).checked_mul(by)? + n.min(1));
    let span = i64::try_from(spread(size, base)?)
        .ok()?
        .checked_add(before)?
        .checked_add(after)?;
    let reach = i64::try_from(spread(kernel, dilation)?).ok()?;
    let count = if span < reach {
        0
    } else {
        ((span - reach) / stride as i64) as usize + 1
    };
    let mut table = Vec::new();
    for p in 0..count {
        for k in 0..kernel {
            let k = if conv.reversal[d] { kernel - 1 - k } else { k };
            let at = (p * stride + k * dilation) as i64 - before;
            let index = at / base as i64;
            let inside = at >= 0 && at % base as i64 == 0 && index < size as i64;
            table.push(inside.then_some(index as usize));
        }
    }
    Some((count, table))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{assert_close, pools, random};
    use refrain_graph::Window;

    fn layout(batch: usize, feature: usize, spatial: &[usize]) -> ConvLayout {
        ConvLayout {
            batch,
            feature,
            spatial: spatial.to_vec(),
        }
    }

    fn conv(rank: usize) -> Conv {
        let last: Vec<usize> = (1..=rank).collect();
        let kernel: Vec<usize> = (0..rank).collect();
        Conv {
            window: Window {
                size: vec![1; rank],
                strides: vec![1; rank],
                padding: vec![(0, 0); rank],
                base_dilation: vec![1; rank],
                dilation: vec![1; rank],
            },
            reversal: vec![false; rank],
            lhs: layout(0, rank + 1, &last),
            rhs: layout(rank, rank + 1, &kernel),
            out: layout(0, rank + 1, &last),
            feature_groups: 1,
            batch_groups: 1,
        }
    }

    /// The definition, one element at a time, in StableHLO's words: pad and dilate the base, slide the kernel.
    fn naive(plan: &GeneralConvPlan, c: &Conv, x: &[f32], w: &[f32]) -> Vec<f32> {
        let mut y = vec![0.0f64; plan.out.len];
        let offset = |l: &Layout, b: usize, f: usize, s: &[usize]| {
            let s: usize = s.iter().zip(&l.spatial).map(|(i, a)| i * a.1).sum();
            b * l.batch.1 + f * l.feature.1 + s
        };
        let grid = |sizes: &[(usize, usize)]| {
            let mut all = vec![Vec::new()];
            for s in sizes {
                all = all
                    .iter()
                    .flat_map(|p: &Vec<usize>| (0..s.0).map(|i| [&p[..], &[i]].concat()))
                    .collect();
            }
            all
        };
        for (b, o) in
            (0..plan.out.batch.0).flat_map(|b| (0..plan.out.feature.0).map(move |o| (b, o)))
        {
            for p in grid(&plan.out.spatial) {
                for k in grid(&plan.rhs.spatial) {
                    let read: Option<Vec<usize>> = (0..p.len())
                        .map(|d| {
                            let k = if c.reversal[d] {
                                plan.rhs.spatial[d].0 - 1 - k[d]
                            } else {
                                k[d]
                            };
                            let at = (p[d] * c.window.strides[d] + k * c.window.dilation[d]) as i64
                                - c.window.padding[d].0;
                            let step = c.window.base_dilation[d] as i64;
                            let i = at.div_euclid(step);
                            (at.rem_euclid(step) == 0 && i >= 0 && i < plan.lhs.spatial[d].0 as i64)
                                .then_some(i as usize)
                        })
                        .collect();
                    let Some(read) = read else { continue };
                    for f in 0..plan.rhs.batch.0 {
                        let fg = o / (plan.out.feature.0 / c.feature_groups);
                        let bg = o / (plan.out.feature.0 / c.batch_groups);
                        let at = offset(
                            &plan.lhs,
                            bg * plan.out.batch.0 + b,
                            fg * plan.rhs.batch.0 + f,
                            &read,
                        );
                        let product = f64::from(x[at]) * f64::from(w[offset(&plan.rhs, f, o, &k)]);
                        y[offset(&plan.out, b, o, &p)] += product;
                    }
                }
            }
        }
        y.into_iter().map(|y| y as f32).collect()
    }

    fn check(lhs: &[usize], rhs: &[usize], c: &Conv) {
        let plan = GeneralConvPlan::new(lhs, rhs, c).unwrap();
        let (x, w) = (random(plan.lhs.len, 1), random(plan.rhs.len, 2));
        let expected = naive(&plan, c, &x, &w);
        for group in pools() {
            let results = group.each_ref().map(|pool| {
                let mut y = vec![f32::NAN; plan.out.len];
                plan.run(
                    pool,
                    &x,
                    &w,
                    &mut y,
                    &mut vec![f32::NAN; plan.scratch_len()],
                )
                .unwrap();
                assert_close(&y, &expected, 3e-5);
                y
            });
            assert!(results.windows(2).all(|r| r[0] == r[1]));
        }
    }

    #[test]
    fn three_dimensions_and_channels_first() {
        let mut c = conv(3);
        c.window.padding = vec![(1, 1), (0, 1), (2, -1)];
        c.window.strides = vec![1, 2, 1];
        check(&[2, 4, 5, 6, 3], &[2, 3, 2, 3, 7], &c);
        let mut c = conv(2);
        (c.lhs, c.out) = (layout(0, 1, &[2, 3]), layout(1, 0, &[3, 2]));
        c.rhs = layout(1, 0, &[2, 3]);
        check(&[3, 2, 6, 5], &[4, 2, 3, 2], &c);
        check(&[3, 4], &[4, 5], &conv(0));
    }

    #[test]
    fn dilations_reversal_and_groups() {
        let mut c = conv(2);
        c.window.base_dilation = vec![2, 3];
        c.window.dilation = vec![2, 1];
        c.window.padding = vec![(1, 2), (-1, 3)];
        c.reversal = vec![true, false];
        check(&[2, 4, 5, 3], &[2, 3, 3, 4], &c);
        c.feature_groups = 3;
        check(&[2, 4, 5, 6], &[2, 3, 2, 9], &c);
        (c.feature_groups, c.batch_groups) = (1, 2);
        check(&[4, 4, 5, 3], &[2, 3, 3, 6], &c);
    }

    #[test]
    fn many_positions_come_in_pieces() {
        let plan = GeneralConvPlan::new(&[2, 40, 40, 16], &[3, 3, 16, 5], &conv(2)).unwrap();
        assert!(plan.chunk() < plan.positions());
        check(&[2, 40, 40, 16], &[3, 3, 16, 5], &conv(2));
    }

    #[test]
    fn contradictions_are_refused() {
        let mut c = conv(1);
        assert!(GeneralConvPlan::new(&[1, 5, 3], &[2, 4, 3], &c).is_err());
        c.lhs = layout(0, 0, &[1]);
        assert!(GeneralConvPlan::new(&[1, 5, 3], &[2, 3, 3], &c).is_err());
    }
}
