//! Strided copies: slices, transposes, reversals, parts of concatenations and paddings.

use super::arena::{Memory, Place, PlanFault};
use super::pool::{Pool, SharedPtr};

/// Most dimensions of a copy.
pub const MAX_RANK: usize = 12;
/// Copies of fewer bytes run on the caller alone.
const MIN_PARALLEL: usize = 256 * 1024;
/// Bytes of a task.
const TASK: usize = 128 * 1024;
/// Side of the square pieces that a transposition is cut into: rows of both sides stay in the first-level cache.
const TILE: usize = 16;

/// Elements of one side of a copy.
#[derive(Clone, Debug)]
pub struct Side {
    /// The buffer.
    pub place: Place,
    /// Its bytes.
    pub bytes: usize,
    /// First element.
    pub offset: usize,
    /// Distances in elements.
    pub strides: Vec<isize>,
}

/// A copy that has been checked.
#[derive(Clone, Debug)]
pub struct Copy {
    dims: Vec<usize>,
    src: Side,
    dst: Side,
    size: usize,
}

impl Side {
    fn holds(&self, dims: &[usize], size: usize) -> bool {
        let (mut low, mut high) = (self.offset as isize, self.offset as isize);
        for (&d, &s) in dims.iter().zip(&self.strides) {
            let reach = (d as isize - 1) * s;
            *(if s < 0 { &mut low } else { &mut high }) += reach;
        }
        low >= 0
            && (high as usize + 1) * size <= self.bytes
            && self.place.offset.is_multiple_of(size)
    }

    /// Whether no two elements are one.
    fn is_injective(&self, dims: &[usize]) -> bool {
        let mut order: Vec<usize> = (0..dims.len()).filter(|&d| dims[d] > 1).collect();
        order.sort_by_key(|&d| self.strides[d].unsigned_abs());
        let mut span = 0;
        order.into_iter().all(|d| {
            let stride = self.strides[d].unsigned_abs();
            let apart = stride > span;
            span += (dims[d] - 1) * stride;
            apart
        })
    }
}

impl Copy {
    /// Checks a copy of `dims` elements of `size` bytes.
    pub fn new(dims: &[usize], src: Side, dst: Side, size: usize) -> Result<Copy, PlanFault> {
        let (dims, src_strides, dst_strides) = merge(dims, &src.strides, &dst.strides);
        let src = Side {
            strides: src_strides,
            ..src
        };
        let dst = Side {
            strides: dst_strides,
            ..dst
        };
        if dims.len() > MAX_RANK || !matches!(size, 1 | 2 | 4 | 8) {
            return Err(PlanFault::Kernel);
        }
        if !src.holds(&dims, size) || !dst.holds(&dims, size) || !dst.is_injective(&dims) {
            return Err(PlanFault::Bounds);
        }
        let (a, b) = (&src.place, &dst.place);
        let overlap = a.offset < b.offset + dst.bytes && b.offset < a.offset + src.bytes;
        if a.slot == b.slot && overlap {
            return Err(PlanFault::Overlap);
        }
        Ok(Copy {
            dims,
            src,
            dst,
            size,
        })
    }

    /// Runs it.
    pub fn run(&self, memory: &mut Memory<'_>, pool: &Pool) -> Result<(), PlanFault> {
        let src = memory.slot(self.src.place, self.src.bytes, false)?.ptr;
        let dst = memory.slot(self.dst.place, self.dst.bytes, true)?.ptr;
        match self.size {
            1 => self.typed::<u8>(src, dst, pool),
            2 => self.typed::<u16>(src, dst, pool),
            4 => self.typed::<u32>(src, dst, pool),
            _ => self.typed::<u64>(src, dst, pool),
        }
        Ok(())
    }

    fn typed<T: std::marker::Copy + Send + Sync>(&self, src: *mut u8, dst: *mut u8, pool: &Pool) {
        // SAFETY: `new` and `run` have checked that both offsets lie inside their buffers.
        let (src, dst) = unsafe {
            (
                SharedPtr(src.cast::<T>().add(self.src.offset)),
                SharedPtr(dst.cast::<T>().add(self.dst.offset)),
            )
        };
        let outer = self.dims[0];
        let inner: usize = self.dims[1..].iter().product();
        let bytes = outer * inner * self.size;
        let rows = if bytes < MIN_PARALLEL {
            outer
        } else {
            (TASK / (inner * self.size)).clamp(1, outer)
        };
        // Transpositions of two dimensions gain from tasks of whole tiles.
        let rows = rows.next_multiple_of(TILE.min(outer));
        pool.run(outer.div_ceil(rows), &|task| {
            let first = task * rows;
            let count = rows.min(outer - first);
            // SAFETY: the walks lie inside their buffers, which do not overlap (`new`); tasks write different rows of a
            // walk without repetitions.
            unsafe {
                let s = src.get().offset(first as isize * self.src.strides[0]);
                let d = dst.get().offset(first as isize * self.dst.strides[0]);
                self.walk(0, count, s, d);
            }
        });
    }

    /// # Safety
    /// The walk from `src` and `dst` over `count` elements of dimension `dim` and all of those behind it lies inside
    /// buffers that do not overlap.
    unsafe fn walk<T: std::marker::Copy>(
        &self,
        dim: usize,
        count: usize,
        src: *const T,
        dst: *mut T,
    ) {
        let (s, d) = (self.src.strides[dim], self.dst.strides[dim]);
        let left = self.dims.len() - dim;
        // SAFETY: the caller's.
        unsafe {
            if left == 1 {
                return row(count, src, s, dst, d);
            }
            if left == 2 && self.src.strides[dim + 1].abs() != 1 {
                return tiles(
                    [count, self.dims[dim + 1]],
                    src,
                    [s, self.src.strides[dim + 1]],
                    dst,
                    [d, self.dst.strides[dim + 1]],
                );
            }
            for i in 0..count as isize {
                self.walk(
                    dim + 1,
                    self.dims[dim + 1],
                    src.offset(i * s),
                    dst.offset(i * d),
                );
            }
        }
    }
}

/// # Safety
/// As [`Copy::walk`].
unsafe fn row<T: std::marker::Copy>(n: usize, src: *const T, s: isize, dst: *mut T, d: isize) {
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
/// As [`Copy::walk`].
unsafe fn tiles<T: std::marker::Copy>(
    n: [usize; 2],
    src: *const T,
    s: [isize; 2],
    dst: *mut T,
    d: [isize; 2],
) {
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
