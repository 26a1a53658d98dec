//! Offsets in the arena by lifetime.

use crate::kernels::arena::ALIGN;

/// A block that needs memory from one step to another, both included.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// Bytes.
    pub bytes: usize,
    /// First step.
    pub first: usize,
    /// Last step.
    pub last: usize,
}

/// Offsets of the blocks and the arena's size: the largest block first, each into the smallest gap that holds it.
pub fn offsets(blocks: &[Block]) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(blocks[i].bytes), blocks[i].first, i));
    let mut offsets = vec![0usize; blocks.len()];
    let mut placed: Vec<usize> = Vec::with_capacity(blocks.len());
    let mut total = 0;
    for &i in &order {
        let block = &blocks[i];
        let size = block.bytes.next_multiple_of(ALIGN);
        let (mut gap, mut best, mut end) = (usize::MAX, None, 0);
        // `placed` is sorted by offset.
        for &j in &placed {
            let other = &blocks[j];
            if other.last < block.first || block.last < other.first {
                continue;
            }
            let free = offsets[j].saturating_sub(end);
            if free >= size && free < gap {
                (gap, best) = (free, Some(end));
            }
            end = end.max(offsets[j] + other.bytes.next_multiple_of(ALIGN));
        }
        offsets[i] = best.unwrap_or(end);
        total = total.max(offsets[i] + size);
        let at = placed.partition_point(|&j| offsets[j] <= offsets[i]);
        placed.insert(at, i);
    }
    (offsets, total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_live_at_different_times_share_memory() {
        let block = |bytes, first, last| Block { bytes, first, last };
        let blocks = [
            block(128, 0, 1),
            block(64, 1, 2),
            block(64, 2, 3),
            block(100, 2, 3),
        ];
        let (offsets, total) = offsets(&blocks);
        assert_eq!(total, 256);
        for i in 0..blocks.len() {
            for j in 0..i {
                let (a, b) = (&blocks[i], &blocks[j]);
                let together = a.first <= b.last && b.first <= a.last;
                let apart =
                    offsets[i] + a.bytes <= offsets[j] || offsets[j] + b.bytes <= offsets[i];
                assert!(!together || apart, "{i} and {j}");
            }
        }
    }
}
