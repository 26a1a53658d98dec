//! Transpositions in registers: a line of the one side becomes a line of the other without touching single elements.

use crate::simd::{Simd, SimdLevel};

/// Side of the squares that are turned in registers.
const SQUARE: usize = 8;
/// Rows and columns of a piece whose lines stay in the first-level cache while it is turned.
const PIECE: usize = 32;

/// `dst[j · dst_stride + i] = src[i · src_stride + j]` for `rows` values of `i` and `cols` of `j`.
///
/// # Safety
/// The elements are readable at `src` and writable at `dst`, which do not overlap, and no one else touches them.
pub(crate) unsafe fn transpose(
    simd: Simd,
    src: *const f32,
    src_stride: usize,
    dst: *mut f32,
    dst_stride: usize,
    (rows, cols): (usize, usize),
) {
    for i0 in (0..rows).step_by(PIECE) {
        for j0 in (0..cols).step_by(PIECE) {
            let size = (PIECE.min(rows - i0), PIECE.min(cols - j0));
            // SAFETY: a part of the caller's elements.
            unsafe {
                let s = src.add(i0 * src_stride + j0);
                let d = dst.add(j0 * dst_stride + i0);
                piece(simd, s, src_stride, d, dst_stride, size);
            }
        }
    }
}

/// # Safety
/// As [`transpose`].
unsafe fn piece(
    simd: Simd,
    src: *const f32,
    src_stride: usize,
    dst: *mut f32,
    dst_stride: usize,
    (rows, cols): (usize, usize),
) {
    let squares = matches!(simd.level(), SimdLevel::Avx512 | SimdLevel::Avx2);
    let (whole_rows, whole_cols) = match squares {
        true => (rows / SQUARE * SQUARE, cols / SQUARE * SQUARE),
        false => (0, 0),
    };
    // SAFETY: the caller's; squares are turned only where the machine has the instructions.
    unsafe {
        for i in (0..whole_rows).step_by(SQUARE) {
            for j in (0..whole_cols).step_by(SQUARE) {
                let (s, d) = (src.add(i * src_stride + j), dst.add(j * dst_stride + i));
                #[cfg(target_arch = "x86_64")]
                square(s, src_stride, d, dst_stride);
                #[cfg(not(target_arch = "x86_64"))]
                let _ = (s, d);
            }
        }
        let rest = |rows: std::ops::Range<usize>, cols: std::ops::Range<usize>| {
            for i in rows {
                for j in cols.clone() {
                    *dst.add(j * dst_stride + i) = *src.add(i * src_stride + j);
                }
            }
        };
        rest(0..whole_rows, whole_cols..cols);
        rest(whole_rows..rows, 0..cols);
    }
}

/// Eight by eight elements.
///
/// # Safety
/// As [`transpose`], on a machine with AVX.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx")]
unsafe fn square(src: *const f32, src_stride: usize, dst: *mut f32, dst_stride: usize) {
    use std::arch::x86_64::{
        _mm256_loadu_ps, _mm256_permute2f128_ps, _mm256_shuffle_ps, _mm256_storeu_ps,
        _mm256_unpackhi_ps, _mm256_unpacklo_ps,
    };
    // SAFETY: eight elements of each of eight lines, as the caller says.
    unsafe {
        let line = |i: usize| _mm256_loadu_ps(src.add(i * src_stride));
        // Pairs of lines interleaved, then pairs of pairs, then halves exchanged.
        let pairs: [_; SQUARE] = std::array::from_fn(|i| {
            let (a, b) = (line(i / 2 * 2), line(i / 2 * 2 + 1));
            match i % 2 {
                0 => _mm256_unpacklo_ps(a, b),
                _ => _mm256_unpackhi_ps(a, b),
            }
        });
        let fours: [_; SQUARE] = std::array::from_fn(|i| {
            let first = i / 4 * 4 + i % 4 / 2;
            let (a, b) = (pairs[first], pairs[first + 2]);
            match i % 2 {
                0 => _mm256_shuffle_ps::<0b01_00_01_00>(a, b),
                _ => _mm256_shuffle_ps::<0b11_10_11_10>(a, b),
            }
        });
        for i in 0..SQUARE / 2 {
            let low = _mm256_permute2f128_ps::<0x20>(fours[i], fours[i + 4]);
            let high = _mm256_permute2f128_ps::<0x31>(fours[i], fours[i + 4]);
            _mm256_storeu_ps(dst.add(i * dst_stride), low);
            _mm256_storeu_ps(dst.add((i + 4) * dst_stride), high);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_sizes_around_squares_and_pieces() {
        for simd in Simd::available() {
            for (rows, cols) in [
                (1, 1),
                (7, 9),
                (8, 8),
                (16, 24),
                (33, 31),
                (40, 70),
                (64, 1),
            ] {
                let (src_stride, dst_stride) = (cols + 3, rows + 5);
                let src: Vec<f32> = (0..rows * src_stride).map(|i| i as f32).collect();
                let mut dst = vec![-1.0f32; cols * dst_stride];
                let size = (rows, cols);
                // SAFETY: both vectors hold all lines.
                unsafe {
                    let (s, d) = (src.as_ptr(), dst.as_mut_ptr());
                    transpose(simd, s, src_stride, d, dst_stride, size);
                }
                for (at, &found) in dst.iter().enumerate() {
                    let (j, i) = (at / dst_stride, at % dst_stride);
                    let expected = if i < rows {
                        (i * src_stride + j) as f32
                    } else {
                        -1.0
                    };
                    assert_eq!(found, expected, "{simd:?} {size:?} at {at}");
                }
            }
        }
    }
}
