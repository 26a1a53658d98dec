//! Philox 4x32-10 for many blocks at once.

use super::pool::Pool;
use crate::simd::simd_fn;

/// Blocks computed side by side, one per lane.
const LANES: usize = 16;
/// Words of a block.
const BLOCK: usize = 4;
/// Words of a task.
const TASK: usize = 32 * 1024;
const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: u32 = 10;

simd_fn! {
    /// The words of the blocks from counter `first` on.
    fn fill<S>(key: [u32; 2], first: u64, out: &mut [u32]) {
        let _ = S::F32;
        for (i, piece) in out.chunks_mut(LANES * BLOCK).enumerate() {
            let [mut c0, mut c1, mut c2, mut c3] = [[0u32; LANES]; BLOCK];
            for (lane, (low, high)) in c0.iter_mut().zip(&mut c1).enumerate() {
                let counter = first.wrapping_add((i * LANES + lane) as u64);
                (*low, *high) = (counter as u32, (counter >> 32) as u32);
            }
            for round in 0..ROUNDS {
                let k0 = key[0].wrapping_add(WEYL[0].wrapping_mul(round));
                let k1 = key[1].wrapping_add(WEYL[1].wrapping_mul(round));
                for (((c0, c1), c2), c3) in c0.iter_mut().zip(&mut c1).zip(&mut c2).zip(&mut c3) {
                    let p0 = MULTIPLIERS[0] as u64 * *c0 as u64;
                    let p1 = MULTIPLIERS[1] as u64 * *c2 as u64;
                    *c0 = (p1 >> 32) as u32 ^ *c1 ^ k0;
                    *c1 = p1 as u32;
                    *c2 = (p0 >> 32) as u32 ^ *c3 ^ k1;
                    *c3 = p0 as u32;
                }
            }
            let c = [c0, c1, c2, c3];
            for (at, word) in piece.iter_mut().enumerate() {
                *word = c[at % BLOCK][at / BLOCK];
            }
        }
    }
}

/// Random words from a state, and the state after them.
pub fn random_bits(pool: &Pool, state: [u32; 4], bits: &mut [u32]) -> [u32; 4] {
    let [k0, k1, low, high] = state;
    let start = (high as u64) << 32 | low as u64;
    let blocks = bits.len().div_ceil(BLOCK) as u64;
    pool.for_chunks_mut(bits, TASK, |i, piece| {
        let first = start.wrapping_add((i * (TASK / BLOCK)) as u64);
        fill(pool.simd(), [k0, k1], first, piece);
    });
    let end = start.wrapping_add(blocks);
    [k0, k1, end as u32, (end >> 32) as u32]
}

#[cfg(test)]
mod tests {
    use super::*;
    use refrain_graph::philox;

    #[test]
    fn the_words_are_the_generators() {
        let pool = Pool::new(2);
        for (state, len) in [([1, 2, 3, 4], 7), ([7, 0, u32::MAX - 3, 9], 70_001)] {
            let mut bits = vec![0; len];
            let next = random_bits(&pool, state, &mut bits);
            assert_eq!((bits, next), philox::random_bits(state, len));
        }
    }
}
