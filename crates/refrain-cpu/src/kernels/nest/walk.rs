//! Copies between registers and memory that does not lie side by side.

use super::{MAX_WALK, Operand};

/// Fills `len` elements of `size` bytes with the low bytes of `bits`.
///
/// # Safety
/// `dst` holds them, aligned.
pub(super) unsafe fn fill(dst: *mut u8, size: usize, bits: u64, len: usize) {
    // SAFETY: the caller's.
    unsafe {
        match size {
            1 => dst.write_bytes(bits as u8, len),
            2 => std::slice::from_raw_parts_mut(dst.cast::<u16>(), len).fill(bits as u16),
            4 => std::slice::from_raw_parts_mut(dst.cast::<u32>(), len).fill(bits as u32),
            _ => std::slice::from_raw_parts_mut(dst.cast::<u64>(), len).fill(bits),
        }
    }
}

/// Copies elements `first..first + len` of a walk together.
///
/// # Safety
/// `dst` holds `len` elements; the walk from `base` stays inside its buffer.
pub(super) unsafe fn walk(
    dst: *mut u8,
    base: *const u8,
    operand: &Operand,
    first: usize,
    len: usize,
) {
    // SAFETY: the caller's.
    unsafe {
        match operand.size {
            1 => walk_of::<u8>(dst, base, operand, first, len),
            2 => walk_of::<u16>(dst.cast(), base.cast(), operand, first, len),
            4 => walk_of::<u32>(dst.cast(), base.cast(), operand, first, len),
            _ => walk_of::<u64>(dst.cast(), base.cast(), operand, first, len),
        }
    }
}

/// Distributes elements `first..first + len` of a walk over intervals.
///
/// # Safety
/// `src` holds `len` elements; the walk from `base` has intervals ([`Operand::intervals`]) inside its buffer.
pub(super) unsafe fn unwalk(
    base: *mut u8,
    mut src: *const u8,
    operand: &Operand,
    first: usize,
    len: usize,
) {
    let run = operand.dims[operand.dims.len() - 1];
    let pitch = if operand.dims.len() == 1 {
        0
    } else {
        operand.strides[0] as usize
    };
    let (mut row, mut col, mut left) = (first / run, first % run, len);
    while left > 0 {
        let count = left.min(run - col);
        // SAFETY: the caller's.
        unsafe {
            let dst = base.add((row * pitch + col) * operand.size);
            std::ptr::copy_nonoverlapping(src, dst, count * operand.size);
            src = src.add(count * operand.size);
        }
        left -= count;
        (row, col) = (row + 1, 0);
    }
}

unsafe fn walk_of<T: Copy>(
    mut dst: *mut T,
    base: *const T,
    operand: &Operand,
    first: usize,
    len: usize,
) {
    let (dims, strides) = (&operand.dims[..], &operand.strides[..]);
    let rank = dims.len();
    let mut index = [0usize; MAX_WALK];
    let (mut rest, mut offset) = (first, 0isize);
    for d in (0..rank).rev() {
        index[d] = rest % dims[d];
        rest /= dims[d];
        offset += index[d] as isize * strides[d];
    }
    let (inner, stride) = (dims[rank - 1], strides[rank - 1]);
    let mut left = len;
    while left > 0 {
        let run = left.min(inner - index[rank - 1]);
        // SAFETY: the caller's: every index lies inside the walk.
        unsafe {
            let src = base.offset(offset);
            match stride {
                1 => std::ptr::copy_nonoverlapping(src, dst, run),
                0 => std::slice::from_raw_parts_mut(dst, run).fill(*src),
                _ => {
                    for i in 0..run {
                        *dst.add(i) = *src.offset(i as isize * stride);
                    }
                }
            }
            dst = dst.add(run);
        }
        left -= run;
        offset += run as isize * stride;
        index[rank - 1] += run;
        let mut d = rank - 1;
        while d > 0 && index[d] == dims[d] {
            offset += strides[d - 1] - dims[d] as isize * strides[d];
            index[d] = 0;
            index[d - 1] += 1;
            d -= 1;
        }
    }
}
