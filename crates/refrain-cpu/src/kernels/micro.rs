//! The register tile that matrix products and convolutions are made of.
//!
//! A tile is `rows × cols` sums over steps: `out[i][j] = alpha · Σ a[i](step) · b(step)[j]`. Where `a`'s elements lie is
//! the caller's choice, which is how patches of an image are multiplied without being copied out first.

use super::vector::{Plain, Vector};
use crate::simd::{Simd, SimdLevel};

/// Most rows that any tile has.
pub(crate) const MAX_ROWS: usize = 12;
/// Vectors of a tile of a lone row, the widest: as many sums as hide the latency of the multiply-add.
pub(crate) const ROW_VECTORS: usize = 8;

/// Where a tile reads and writes. Offsets and steps count elements.
pub(crate) struct TileArgs<'a> {
    /// First element of each row of `a`. Rows past `rows` must be readable too. Of a packed tile only the first counts:
    /// row `i` begins `i` elements later.
    pub a: [*const f32; MAX_ROWS],
    /// From one step to the next within a run.
    pub a_step: usize,
    /// Where each run begins, from the row's first element.
    pub runs: &'a [usize],
    /// Steps of a run.
    pub run: usize,
    /// The vectors of the first step.
    pub b: *const f32,
    /// From one step to the next.
    pub b_step: usize,
    /// From one vector to the next of the same step.
    pub b_vector: usize,
    /// First element of each row of the result.
    pub out: [*mut f32; MAX_ROWS],
    /// Rows to be written.
    pub rows: usize,
    /// Columns to be written.
    pub cols: usize,
    /// Factor of the sums.
    pub alpha: f32,
    /// Whether the result is added to what is there.
    pub accumulate: bool,
}

/// A tile's code, which computes the arguments' rows (and perhaps more, which it does not write).
pub(crate) type Micro = unsafe fn(&TileArgs);

/// Lanes of a vector at this level.
pub(crate) fn lanes(simd: Simd) -> usize {
    match simd.level() {
        SimdLevel::Avx512 => 16,
        SimdLevel::Avx2 => 8,
        SimdLevel::Neon | SimdLevel::Portable => 4,
    }
}

/// The most rows of a tile that is `vectors` wide, so that its sums stay in registers.
pub(crate) fn max_rows(simd: Simd, vectors: usize) -> usize {
    match (simd.level(), vectors) {
        (_, ROW_VECTORS) => 1,
        (SimdLevel::Avx512, 1 | 2) => 12,
        (SimdLevel::Avx512, _) => 8,
        (SimdLevel::Neon, 1 | 2) => 12,
        (SimdLevel::Neon, _) => 8,
        (_, 1) => 12,
        (_, 2) => 6,
        (_, _) => 4,
    }
}

/// How many vectors wide tiles are best made for `vectors` vectors of columns.
pub(crate) fn best_width(simd: Simd, vectors: usize, rows: usize) -> usize {
    let many_registers = matches!(simd.level(), SimdLevel::Avx512 | SimdLevel::Neon);
    match vectors {
        0 | 1 => 1,
        3 if many_registers => 3,
        // Few rows leave registers free; more sums hide the latency of the multiply-add.
        3.. if rows <= 4 => 3,
        _ => 2,
    }
}

/// The code for tiles `vectors` wide with at least `rows` rows (at most [`max_rows`]); `packed` tells how `a` lies.
pub(crate) fn select(simd: Simd, packed: bool, vectors: usize, rows: usize) -> Micro {
    if packed {
        select_for::<true>(simd, vectors, rows)
    } else {
        select_for::<false>(simd, vectors, rows)
    }
}

/// Expands to the choice among one level's instances.
macro_rules! choose {
    ($f:ident, $vectors:expr, $rows:expr, { $($v:literal: $($r:literal)+ ;)* }) => {
        match $vectors {
            $($v => {
                let wanted = $rows;
                $(if wanted <= $r { return $f::<P, $r, $v>; })+
                unreachable!("tiles have at most `max_rows` rows")
            })*
            _ => unreachable!("tiles are 1, 2, 3 or ROW_VECTORS wide"),
        }
    };
}

fn select_for<const P: bool>(simd: Simd, vectors: usize, rows: usize) -> Micro {
    match simd.level() {
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx512 => {
            choose!(avx512, vectors, rows, { 1: 1 4 8 12; 2: 1 2 4 8 12; 3: 1 4 8; 8: 1; })
        }
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx2 => choose!(avx2, vectors, rows, { 1: 1 4 8 12; 2: 1 2 4 6; 3: 1 4; 8: 1; }),
        #[cfg(target_arch = "aarch64")]
        SimdLevel::Neon => {
            choose!(neon, vectors, rows, { 1: 1 4 12; 2: 1 4 8 12; 3: 1 4 8; 8: 1; })
        }
        _ => choose!(portable, vectors, rows, { 1: 1 4 12; 2: 1 4 6; 3: 1 4; 8: 1; }),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text_avx512"))]
unsafe fn avx512<const P: bool, const R: usize, const V: usize>(args: &TileArgs) {
    // SAFETY: the caller answers for the arguments; the level is this function's.
    unsafe { tile::<super::vector::Zmm, P, R, V>(args) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".text_avx2"))]
unsafe fn avx2<const P: bool, const R: usize, const V: usize>(args: &TileArgs) {
    // SAFETY: as above.
    unsafe { tile::<super::vector::Ymm, P, R, V>(args) }
}

#[cfg(target_arch = "aarch64")]
unsafe fn neon<const P: bool, const R: usize, const V: usize>(args: &TileArgs) {
    // SAFETY: as above; NEON is part of the target.
    unsafe { tile::<super::vector::Quad, P, R, V>(args) }
}

unsafe fn portable<const P: bool, const R: usize, const V: usize>(args: &TileArgs) {
    // SAFETY: as above; needs no special instructions.
    unsafe { tile::<Plain, P, R, V>(args) }
}

/// A loop over rows written out, so that the sums stay in registers.
macro_rules! for_rows {
    ($rows:expr, |$i:ident| $body:block) => {
        for_rows!(@ $rows, $i, $body, 0 1 2 3 4 5 6 7 8 9 10 11)
    };
    (@ $rows:expr, $i:ident, $body:block, $($n:literal)*) => {
        $(if $n < $rows {
            let $i: usize = $n;
            $body
        })*
    };
}

/// Puts the code that follows at the beginning of a cache line. Where the tiles' loops of some 300 bytes begin by chance,
/// products were measured to differ by up to 8 %.
#[inline(always)]
fn align_code() {
    // SAFETY: nothing but instructions that do nothing.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!(".p2align 6", options(nomem, nostack, preserves_flags));
    }
}

/// # Safety
/// All rows of `a` are readable at every step, `b` has `VECTORS` readable vectors at every step, and the first `rows`
/// rows of `out` have `cols` writable elements that no one else touches.
#[inline(always)]
unsafe fn tile<V: Vector, const PACKED: bool, const ROWS: usize, const VECTORS: usize>(
    t: &TileArgs,
) {
    // SAFETY: the function's contract.
    unsafe {
        let mut sums = [[V::splat(0.0); VECTORS]; ROWS];
        let (a_step, b_step, b_vector) = (t.a_step, t.b_step, t.b_vector);
        let rows: [*const f32; ROWS] = std::array::from_fn(|i| {
            if PACKED {
                t.a[0].wrapping_add(i)
            } else {
                t.a[i]
            }
        });
        let mut b = t.b;
        for &start in t.runs {
            let mut at = start;
            align_code();
            for _ in 0..t.run {
                let columns: [V; VECTORS] = std::array::from_fn(|j| V::load(b.add(j * b_vector)));
                for_rows!(ROWS, |i| {
                    let a = V::splat(*rows[i].add(at));
                    for j in 0..VECTORS {
                        sums[i][j] = a.mul_add(columns[j], sums[i][j]);
                    }
                });
                at += a_step;
                b = b.wrapping_add(b_step);
            }
        }
        let alpha = V::splat(t.alpha);
        for_rows!(ROWS, |i| {
            if i < t.rows {
                finish_row(t, t.out[i], alpha, sums[i]);
            }
        });
    }
}

/// # Safety
/// As [`tile`], for one row.
#[inline(always)]
unsafe fn finish_row<V: Vector, const VECTORS: usize>(
    t: &TileArgs,
    out: *mut f32,
    alpha: V,
    sums: [V; VECTORS],
) {
    // SAFETY: the function's contract; a partial width goes through `line`.
    unsafe {
        if t.cols < VECTORS * V::LANES {
            // Wide enough for every level's vectors.
            let mut line = [[0.0f32; 16]; VECTORS];
            for (j, sum) in sums.into_iter().enumerate() {
                sum.mul(alpha)
                    .store(line.as_mut_ptr().cast::<f32>().add(j * V::LANES));
            }
            return finish_partial(t, out, line.as_flattened());
        }
        for (j, sum) in sums.into_iter().enumerate() {
            let p = out.wrapping_add(j * V::LANES);
            if t.accumulate {
                sum.mul_add(alpha, V::load(p)).store(p);
            } else {
                sum.mul(alpha).store(p);
            }
        }
    }
}

/// # Safety
/// As [`tile`], for one row.
#[cold]
#[inline(never)]
unsafe fn finish_partial(t: &TileArgs, out: *mut f32, line: &[f32]) {
    for (j, &x) in line.iter().enumerate().take(t.cols) {
        // SAFETY: the row has `cols` writable elements.
        unsafe {
            let p = out.add(j);
            *p = if t.accumulate { *p + x } else { x };
        }
    }
}
