//! Strided copies: slices, transposes, reversals, parts of concatenations and paddings.

use super::LengthError;
use super::arena::Plain;
use super::pool::{Pool, SharedPtr};
use crate::view::View;

/// Copies of fewer bytes run on the caller alone.
const MIN_PARALLEL: usize = 256 * 1024;
/// Bytes of a task.
const TASK: usize = 128 * 1024;
/// Side of the square pieces that a transposition is cut into: rows of both sides stay in the first-level cache.
const TILE: usize = 16;

/// A copy from one view to another of the same dimensions, planned for both.
#[derive(Debug)]
pub struct CopyPlan {
    src: View,
    dst: View,
    /// Elements that source and target have at least; none if the copy is not possible.
    least: Option<(usize, usize)>,
}

/// Elements of a buffer that holds a view.
fn reach(view: &View) -> Option<usize> {
    let (mut low, mut high) = (view.offset as isize, view.offset as isize);
    for (&d, &s) in view.dims.iter().zip(&view.strides) {
        let reach = (d as isize - 1) * s;
        *(if s < 0 { &mut low } else { &mut high }) += reach;
    }
    (low >= 0).then_some(high as usize + 1)
}

/// Whether no two elements of a view are one.
fn is_injective(view: &View) -> bool {
    let mut order: Vec<usize> = (0..view.dims.len()).filter(|&d| view.dims[d] > 1).collect();
    order.sort_by_key(|&d| view.strides[d].unsigned_abs());
    let mut span = 0;
    order.into_iter().all(|d| {
        let stride = view.strides[d].unsigned_abs();
        let apart = stride > span;
        span += (view.dims[d] - 1) * stride;
        apart
    })
}

impl CopyPlan {
    /// Plans a copy of at least one element.
    pub fn new(src: &View, dst: &View) -> CopyPlan {
        let (dims, src_strides, dst_strides) = merge(&src.dims, &src.strides, &dst.strides);
        let merged = |view: &View, strides| View {
            offset: view.offset,
            dims: dims.clone(),
            strides,
        };
        let (src, dst) = (merged(src, src_strides), merged(dst, dst_strides));
        let least = reach(&src).zip(reach(&dst)).filter(|_| is_injective(&dst));
        CopyPlan { src, dst, least }
    }

    /// Which elements of the target it writes.
    pub fn target(&self) -> &View {
        &self.dst
    }

    /// Copies.
    pub fn run<T: Plain>(&self, pool: &Pool, src: &[T], dst: &mut [T]) -> Result<(), LengthError> {
        let fits = |(s, d): (usize, usize)| s <= src.len() && d <= dst.len();
        if !self.least.is_some_and(fits) {
            return Err(LengthError);
        }
        // SAFETY: both offsets lie inside their buffers.
        let (src, dst) = unsafe {
            (
                SharedPtr(src.as_ptr().add(self.src.offset).cast_mut()),
                SharedPtr(dst.as_mut_ptr().add(self.dst.offset)),
            )
        };
        let outer = self.src.dims[0];
        let inner: usize = self.src.dims[1..].iter().product();
        let bytes = outer * inner * size_of::<T>();
        let rows = if bytes < MIN_PARALLEL {
            outer
        } else {
            (TASK / (inner * size_of::<T>())).clamp(1, outer)
        };
        // Transpositions of two dimensions gain from tasks of whole tiles.
        let rows = rows.next_multiple_of(TILE.min(outer));
        pool.run(outer.div_ceil(rows), &|task| {
            let first = task * rows;
            let count = rows.min(outer - first);
            // SAFETY: the walks lie inside their buffers, as compared above; tasks write different rows of a
            // walk without repetitions.
            unsafe {
                let s = src.get().offset(first as isize * self.src.strides[0]);
                let d = dst.get().offset(first as isize * self.dst.strides[0]);
                self.walk(0, count, s, d);
            }
        });
        Ok(())
    }

    /// # Safety
    /// The walk from `src` and `dst` over `count` elements of dimension `dim` and all of those behind it lies inside
    /// buffers that do not overlap.
    unsafe fn walk<T: Plain>(&self, dim: usize, count: usize, src: *const T, dst: *mut T) {
        let (s, d) = (self.src.strides[dim], self.dst.strides[dim]);
        let left = self.src.dims.len() - dim;
        // SAFETY: the caller's.
        unsafe {
            if left == 1 {
                return row(count, src, s, dst, d);
            }
            if left == 2 && self.src.strides[dim + 1].abs() != 1 {
                return tiles(
                    [count, self.src.dims[dim + 1]],
                    src,
                    [s, self.src.strides[dim + 1]],
                    dst,
                    [d, self.dst.strides[dim + 1]],
                );
            }
            for i in 0..count as isize {
                self.walk(
                    dim + 1,
                    self.src.dims[dim + 1],
                    src.offset(i * s),
                    dst.offset(i * d),
                );
            }
        }
    }
}

/// # Safety
/// As [`CopyPlan::walk`].
unsafe fn row<T: Plain>(n: usize, src: *const T, s: isize, dst: *mut T, d: isize) {
    // SAFETY: the caller's.
    unsafe {
        match (s, d) {
            (1, 1) => std::ptr::copy_nonoverlapping(src, dst, n),
            (0, 1) => std::slice::from_raw_parts_mut(dst, n).fill(*src),
            _ => {
                for i in 0..n as isize {
                    *dst.offset(i * d) = *src.offset(i * s);
                }
            }
        }
    }
}

/// # Safety
/// As [`CopyPlan::walk`].
unsafe fn tiles<T: Plain>(n: [usize; 2], src: *const T, s: [isize; 2], dst: *mut T, d: [isize; 2]) {
    for i0 in (0..n[0]).step_by(TILE) {
        for j0 in (0..n[1]).step_by(TILE) {
            for i in i0..n[0].min(i0 + TILE) {
                for j in j0..n[1].min(j0 + TILE) {
                    let (i, j) = (i as isize, j as isize);
                    // SAFETY: the caller's.
                    unsafe { *dst.offset(i * d[0] + j * d[1]) = *src.offset(i * s[0] + j * s[1]) };
                }
            }
        }
    }
}

/// Drops dimensions of size 1 and merges those that follow each other on both sides; one dimension at least is left.
fn merge(dims: &[usize], a: &[isize], b: &[isize]) -> (Vec<usize>, Vec<isize>, Vec<isize>) {
    let (mut out, mut sa, mut sb): (Vec<usize>, Vec<isize>, Vec<isize>) = Default::default();
    for i in (0..dims.len()).filter(|&i| dims[i] != 1) {
        let d = dims[i] as isize;
        let follows = |s: &[isize], stride: isize| s.last() == Some(&(stride * d));
        if follows(&sa, a[i]) && follows(&sb, b[i]) {
            let last = out.len() - 1;
            out[last] *= dims[i];
            (sa[last], sb[last]) = (a[i], b[i]);
        } else {
            out.push(dims[i]);
            sa.push(a[i]);
            sb.push(b[i]);
        }
    }
    if out.is_empty() {
        return (vec![1], vec![1], vec![1]);
    }
    (out, sa, sb)
}
