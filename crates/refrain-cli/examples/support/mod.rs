//! What several examples share: a generator that Python repeats exactly.
#![allow(dead_code)]

/// A 64-bit linear congruential generator (Knuth's MMIX constants); `examples/keras` has the same in Python.
pub struct Lcg(u64);

impl Lcg {
    /// A generator that starts at this state.
    pub fn new(seed: u64) -> Self {
        Lcg(seed)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        ((self.0 >> 33) % n as u64) as usize
    }

    /// Fisher and Yates's shuffle, from the end.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i + 1);
            items.swap(i, j);
        }
    }
}
