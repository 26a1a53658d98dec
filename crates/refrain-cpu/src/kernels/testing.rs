//! What the tests of kernels share.

use super::pool::Pool;
use crate::simd::Simd;

/// Numbers in [-1, 1) that look random and are the same for the same seed.
pub(crate) fn random(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        })
        .collect()
}

/// For each SIMD level of this machine pools of 1, 2 and 3 threads, whose results must have the same bits.
pub(crate) fn pools() -> Vec<[Pool; 3]> {
    Simd::available()
        .map(|simd| [1, 2, 3].map(|threads| Pool::with_level(threads, simd.level())))
        .collect()
}

/// Fails if an element differs by more than `tolerance` relative to the largest expected one (at least 1).
#[track_caller]
pub(crate) fn assert_close(got: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(got.len(), expected.len());
    let scale = expected.iter().fold(1.0f32, |m, x| m.max(x.abs()));
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        assert!(
            (g - e).abs() <= tolerance * scale,
            "element {i}: {g} instead of {e}"
        );
    }
}
