//! The small linear maps of Winograd's convolution, on one vector of channels at a time.
//!
//! All use the points 0, 1, -1, 2, -2 and infinity: six elements of an image, four of a result, three of a kernel. In
//! two dimensions a map is applied to all columns and then to all rows.

use crate::kernels::vector::Vector;

/// Side of a transformed tile.
pub const SIDE: usize = 6;
/// Side of a tile of the result.
pub const STEP: usize = 4;
/// Side of the kernel.
pub const KERNEL: usize = 3;

/// A map of one dimension.
///
/// # Safety
/// As the functions of [`Vector`].
pub trait Transform<const I: usize, const O: usize> {
    unsafe fn apply<V: Vector>(x: [V; I]) -> [V; O];
}

/// Six elements of an image, ready to be multiplied.
pub struct ImageTransform;
/// Three elements of a kernel, ready to be multiplied.
pub struct KernelTransform;
/// Six products added up to four elements of the result.
pub struct ResultTransform;
/// Four elements of the result's gradient, ready to be multiplied.
pub struct GradientTransform;
/// Six products added up to three elements of the kernel's gradient.
pub struct KernelGradientTransform;

impl Transform<6, 6> for ImageTransform {
    #[inline(always)]
    unsafe fn apply<V: Vector>(d: [V; 6]) -> [V; 6] {
        // SAFETY (here and below): the trait's contract.
        unsafe {
            let n = |x: f32| V::splat(x);
            let a = d[2].mul_add(n(-4.0), d[4]);
            let b = d[1].mul_add(n(-4.0), d[3]);
            let (c, e) = (d[4].sub(d[2]), d[3].sub(d[1]));
            [
                d[0].mul_add(n(4.0), d[2].mul_add(n(-5.0), d[4])),
                a.add(b),
                a.sub(b),
                e.mul_add(n(2.0), c),
                e.mul_add(n(-2.0), c),
                d[1].mul_add(n(4.0), d[3].mul_add(n(-5.0), d[5])),
            ]
        }
    }
}

impl Transform<3, 6> for KernelTransform {
    #[inline(always)]
    unsafe fn apply<V: Vector>(g: [V; 3]) -> [V; 6] {
        // SAFETY: as above.
        unsafe {
            let n = |x: f32| V::splat(x);
            let (sixth, ends) = (n(-1.0 / 6.0), g[0].add(g[2]));
            let far = g[0].mul_add(n(1.0 / 24.0), g[2].mul(n(1.0 / 6.0)));
            let middle = g[1].mul(n(1.0 / 12.0));
            [
                g[0].mul(n(0.25)),
                ends.add(g[1]).mul(sixth),
                ends.sub(g[1]).mul(sixth),
                far.add(middle),
                far.sub(middle),
                g[2],
            ]
        }
    }
}

impl Transform<6, 4> for ResultTransform {
    #[inline(always)]
    unsafe fn apply<V: Vector>(m: [V; 6]) -> [V; 4] {
        // SAFETY: as above.
        unsafe {
            let n = |x: f32| V::splat(x);
            let (s1, d1) = (m[1].add(m[2]), m[1].sub(m[2]));
            let (s2, d2) = (m[3].add(m[4]), m[3].sub(m[4]));
            [
                m[0].add(s1).add(s2),
                d2.mul_add(n(2.0), d1),
                s2.mul_add(n(4.0), s1),
                d2.mul_add(n(8.0), d1).add(m[5]),
            ]
        }
    }
}

impl Transform<4, 6> for GradientTransform {
    #[inline(always)]
    unsafe fn apply<V: Vector>(h: [V; 4]) -> [V; 6] {
        // SAFETY: as above.
        unsafe {
            let n = |x: f32| V::splat(x);
            let (even, odd) = (h[0].add(h[2]), h[1].add(h[3]));
            let even_far = h[2].mul_add(n(4.0), h[0]);
            let odd_far = h[3].mul_add(n(4.0), h[1]).mul(n(2.0));
            let (sixth, last) = (n(-1.0 / 6.0), n(1.0 / 24.0));
            [
                h[0].mul(n(0.25)),
                even.add(odd).mul(sixth),
                even.sub(odd).mul(sixth),
                even_far.add(odd_far).mul(last),
                even_far.sub(odd_far).mul(last),
                h[3],
            ]
        }
    }
}

impl Transform<6, 3> for KernelGradientTransform {
    #[inline(always)]
    unsafe fn apply<V: Vector>(m: [V; 6]) -> [V; 3] {
        // SAFETY: as above.
        unsafe {
            let n = |x: f32| V::splat(x);
            let (s1, d1) = (m[1].add(m[2]), m[1].sub(m[2]));
            let (s2, d2) = (m[3].add(m[4]), m[3].sub(m[4]));
            [
                m[0].add(s1).add(s2),
                d2.mul_add(n(2.0), d1),
                s2.mul_add(n(4.0), s1).add(m[5]),
            ]
        }
    }
}

/// A map in two dimensions: of the columns of `read(row, column)`, then of the rows, each element of which `write` gets.
///
/// Plain loops: what the library's functions on arrays call is not always compiled into the code for the level.
///
/// # Safety
/// As the functions of [`Vector`].
#[inline(always)]
#[allow(clippy::needless_range_loop)]
pub unsafe fn square<V: Vector, M: Transform<I, O>, const I: usize, const O: usize>(
    mut read: impl FnMut(usize, usize) -> V,
    mut write: impl FnMut(usize, usize, V),
) {
    // SAFETY: the caller's.
    unsafe {
        let zero = V::splat(0.0);
        let mut rows = [[zero; I]; O];
        for j in 0..I {
            let mut column = [zero; I];
            for i in 0..I {
                column[i] = read(i, j);
            }
            let column = M::apply(column);
            for i in 0..O {
                rows[i][j] = column[i];
            }
        }
        for i in 0..O {
            let row = M::apply(rows[i]);
            for j in 0..O {
                write(i, j, row[j]);
            }
        }
    }
}
