//! The order in which samples are seen.

use refrain_graph::philox::Philox;

/// The order in which samples are seen: as they come, or a new permutation for each pass.
#[derive(Debug)]
pub(crate) struct Order {
    rows: Vec<usize>,
    seed: Option<u64>,
    pass: u64,
}

impl Order {
    /// Samples `0..samples`, shuffled if there is a seed.
    pub(crate) fn new(samples: usize, seed: Option<u64>) -> Self {
        Order {
            rows: (0..samples).collect(),
            seed,
            pass: 0,
        }
    }

    pub(crate) fn shuffled(&self) -> bool {
        self.seed.is_some()
    }

    /// Begins the next pass over the data: a new permutation, a function of seed and pass alone.
    pub(crate) fn next_pass(&mut self) {
        let Some(seed) = self.seed else { return };
        let mut random = Philox::with_stream(seed, self.pass);
        self.rows.iter_mut().enumerate().for_each(|(i, r)| *r = i);
        for i in (1..self.rows.len()).rev() {
            // The remainder's bias is below n / 2^64.
            let j = (random.next_u64() % (i as u64 + 1)) as usize;
            self.rows.swap(i, j);
        }
        self.pass += 1;
    }

    pub(crate) fn rows(&self) -> &[usize] {
        &self.rows
    }
}
