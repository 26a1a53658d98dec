//! Philox 4x32-10, the counter-based random generator (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as
//! 1, 2, 3", 2011), and a host-side stream of numbers drawn from it.

/// Multiplier of counter word 0.
const MULTIPLIER_0: u32 = 0xD251_1F53;
/// Multiplier of counter word 2.
const MULTIPLIER_1: u32 = 0xCD9E_8D57;
/// Added to key word 0 after each round: the golden ratio's fraction in 32 bits.
const WEYL_0: u32 = 0x9E37_79B9;
/// Added to key word 1 after each round: the fraction of √3 in 32 bits.
const WEYL_1: u32 = 0xBB67_AE85;
/// Rounds: ten pass all of BigCrush with margin.
const ROUNDS: usize = 10;
/// Words per block.
const BLOCK: usize = 4;

/// One block of four random words: a bijection of the counter for each key.
pub fn philox4x32_10(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let [mut k0, mut k1] = key;
    let mut c = counter;
    for _ in 0..ROUNDS {
        let p0 = u64::from(MULTIPLIER_0) * u64::from(c[0]);
        let p1 = u64::from(MULTIPLIER_1) * u64::from(c[2]);
        let (hi0, lo0) = ((p0 >> 32) as u32, p0 as u32);
        let (hi1, lo1) = ((p1 >> 32) as u32, p1 as u32);
        c = [hi1 ^ c[1] ^ k0, lo1, hi0 ^ c[3] ^ k1, lo0];
        k0 = k0.wrapping_add(WEYL_0);
        k1 = k1.wrapping_add(WEYL_1);
    }
    c
}

/// The state that a seed starts from: the key, and a counter of 0.
pub fn seeded(seed: u64) -> [u32; 4] {
    let [low, high] = split(seed);
    [low, high, 0, 0]
}

/// `count` random words and the state after them: what `Op::RngBitGenerator` computes.
///
/// The state is `[key 0, key 1, counter low, counter high]`. Block `i` has the 64-bit counter plus `i` in words 0 and 1
/// of Philox's counter and zero in words 2 and 3. The last block may be used in part; it counts as used.
pub fn random_bits(state: [u32; 4], count: usize) -> (Vec<u32>, [u32; 4]) {
    let [k0, k1, low, high] = state;
    let start = join(low, high);
    let blocks = count.div_ceil(BLOCK) as u64;
    let mut bits = Vec::with_capacity(count);
    for i in 0..blocks {
        let [low, high] = split(start.wrapping_add(i));
        let block = philox4x32_10([low, high, 0, 0], [k0, k1]);
        let wanted = (count - bits.len()).min(BLOCK);
        bits.extend_from_slice(&block[..wanted]);
    }
    let [low, high] = split(start.wrapping_add(blocks));
    (bits, [k0, k1, low, high])
}

fn join(low: u32, high: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

fn split(x: u64) -> [u32; 2] {
    [x as u32, (x >> 32) as u32]
}

/// A stream of random numbers on the host, a function of its seed and stream number alone.
///
/// ```
/// use refrain_graph::philox::Philox;
/// let (mut a, mut b) = (Philox::new(7), Philox::new(7));
/// assert_eq!(a.next_u32(), b.next_u32());
/// assert!(a.uniform() < 1.0);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Philox {
    key: [u32; 2],
    stream: [u32; 2],
    /// Number of the next block.
    counter: u64,
    block: [u32; BLOCK],
    /// Words of `block` already given; `BLOCK` when there is none left.
    used: usize,
}

impl Philox {
    /// The stream 0 of a seed. Its words are those of [`random_bits`] from the state `[seed low, seed high, 0, 0]`.
    pub fn new(seed: u64) -> Self {
        Philox::with_stream(seed, 0)
    }

    /// One of a seed's 2^64 independent streams (words 2 and 3 of Philox's counter).
    pub fn with_stream(seed: u64, stream: u64) -> Self {
        Philox {
            key: split(seed),
            stream: split(stream),
            counter: 0,
            block: [0; BLOCK],
            used: BLOCK,
        }
    }

    /// The next 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == BLOCK {
            let [low, high] = split(self.counter);
            let counter = [low, high, self.stream[0], self.stream[1]];
            self.block = philox4x32_10(counter, self.key);
            self.counter = self.counter.wrapping_add(1);
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// The next 64 random bits: two words, low first.
    pub fn next_u64(&mut self) -> u64 {
        let low = self.next_u32();
        join(low, self.next_u32())
    }

    /// Uniform in `[0, 1)`, a multiple of 2^-24 (from one word's upper 24 bits).
    pub fn uniform(&mut self) -> f32 {
        const UNIT: f32 = 1.0 / (1 << 24) as f32;
        (self.next_u32() >> 8) as f32 * UNIT
    }

    /// Normally distributed with mean 0 and deviation 1 (Box and Muller's cosine branch; two words).
    pub fn normal(&mut self) -> f32 {
        let radius = (-2.0 * (1.0 - f64::from(self.uniform())).ln()).sqrt();
        let angle = std::f64::consts::TAU * f64::from(self.uniform());
        (radius * angle.cos()) as f32
    }

    /// Uniform in `0..n` without bias; 0 if `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 {
            return 0;
        }
        // A 128-bit product's upper half is uniform once the lower halves below 2^64 mod n are refused (Lemire, 2019).
        let refused = n.wrapping_neg() % n;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(n);
            if product as u64 >= refused {
                return (product >> 64) as u64;
            }
        }
    }

    /// Puts the items into a random order, every order as likely as any other (Fisher and Yates, from the end).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        let ones = u32::MAX;
        let cases = [
            (
                [0; 4],
                [0; 2],
                [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
            ),
            (
                [ones; 4],
                [ones; 2],
                [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
            ),
            (
                [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
                [0xa4093822, 0x299f31d0],
                [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
            ),
        ];
        for (counter, key, expected) in cases {
            assert_eq!(philox4x32_10(counter, key), expected);
        }
    }

    #[test]
    fn bits_carry_into_the_high_counter_word() {
        let (bits, state) = random_bits([1, 2, u32::MAX, 5], 6);
        assert_eq!(bits[..4], philox4x32_10([u32::MAX, 5, 0, 0], [1, 2]));
        assert_eq!(bits[4..], philox4x32_10([0, 6, 0, 0], [1, 2])[..2]);
        assert_eq!(state, [1, 2, 1, 6]);
        assert_eq!(random_bits([1, 2, 3, 4], 0), (vec![], [1, 2, 3, 4]));
    }

    #[test]
    fn the_stream_gives_the_words_of_the_primitive() {
        let mut rng = Philox::new(3 << 32 | 9);
        let words: Vec<u32> = (0..11).map(|_| rng.next_u32()).collect();
        assert_eq!(words, random_bits([9, 3, 0, 0], 11).0);
        assert_ne!(words[0], Philox::with_stream(3 << 32 | 9, 1).next_u32());
    }

    #[test]
    fn uniform_and_normal_have_their_moments() {
        let mut rng = Philox::new(1);
        let n = 100_000;
        let uniform: Vec<f64> = (0..n).map(|_| f64::from(rng.uniform())).collect();
        assert!(uniform.iter().all(|u| (0.0..1.0).contains(u)));
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        // Five standard errors.
        assert!((mean(&uniform) - 0.5).abs() < 5.0 * (1.0 / 12.0 / n as f64).sqrt());
        let normal: Vec<f64> = (0..n).map(|_| f64::from(rng.normal())).collect();
        assert!(mean(&normal).abs() < 5.0 / (n as f64).sqrt());
        let squares: Vec<f64> = normal.iter().map(|x| x * x).collect();
        assert!((mean(&squares) - 1.0).abs() < 5.0 * (2.0 / n as f64).sqrt());
        let beyond_two = normal.iter().filter(|x| x.abs() > 2.0).count() as f64 / n as f64;
        assert!((beyond_two - 0.0455).abs() < 0.004);
    }

    #[test]
    fn below_covers_its_range_evenly() {
        let mut rng = Philox::new(2);
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[rng.below(7) as usize] += 1;
        }
        assert!(
            counts.iter().all(|c| c.abs_diff(10_000) < 500),
            "{counts:?}"
        );
        assert_eq!((rng.below(0), rng.below(1)), (0, 0));
        let huge = (1 << 63) + 1;
        assert!((0..100).all(|_| rng.below(huge) < huge));
    }

    #[test]
    fn shuffle_makes_every_order_equally_often() {
        let mut rng = Philox::new(3);
        let mut counts = std::collections::HashMap::new();
        for _ in 0..6_000 {
            let mut items = [0, 1, 2];
            rng.shuffle(&mut items);
            *counts.entry(items).or_insert(0u32) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(
            counts.values().all(|c| c.abs_diff(1_000) < 160),
            "{counts:?}"
        );
    }
}
