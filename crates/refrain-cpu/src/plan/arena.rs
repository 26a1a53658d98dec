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

/// What an order puts first.
type Rank = fn(&Block) -> usize;

/// Orders that are tried. No order is best for every program: large blocks leave the smallest gaps, those that are needed
/// long the least moving ground.
const ORDERS: [Rank; 3] = [
    |block| block.bytes,
    |block| block.bytes.saturating_mul(block.steps()),
    |block| block.steps(),
];

impl Block {
    /// How many steps need it.
    fn steps(&self) -> usize {
        self.last - self.first + 1
    }
}

/// Offsets of the blocks and the arena's size, in the order of those tried that needs least.
pub fn offsets(blocks: &[Block]) -> (Vec<usize>, usize) {
    let least = least(blocks);
    let mut best = (Vec::new(), usize::MAX);
    for rank in ORDERS {
        let found = in_order(blocks, rank);
        if found.1 < best.1 {
            best = found;
        }
        if best.1 == least {
            break;
        }
    }
    best
}

/// The most bytes that are needed at one step: no arena is smaller.
fn least(blocks: &[Block]) -> usize {
    let steps = blocks.iter().map(|b| b.last + 1).max().unwrap_or(0);
    let mut change = vec![0isize; steps + 1];
    for block in blocks {
        let bytes = block.bytes.next_multiple_of(ALIGN) as isize;
        change[block.first] += bytes;
        change[block.last + 1] -= bytes;
    }
    let live = change.iter().scan(0isize, |live, change| {
        *live += change;
        Some(*live)
    });
    live.max().unwrap_or(0).unsigned_abs()
}

/// Places the blocks of the highest rank first, each into the smallest gap that holds it.
fn in_order(blocks: &[Block], rank: Rank) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    order.sort_by_key(|&i| {
        let block = &blocks[i];
        (
            std::cmp::Reverse((rank(block), block.bytes)),
            block.first,
            i,
        )
    });
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

    #[test]
    fn the_order_that_needs_least_is_taken() {
        let block = |bytes, first, last| Block { bytes, first, last };
        // By size alone, one of two large blocks that meet goes on top of the other, and the small one, which meets both of
        // what lies at the bottom, on top of that.
        let blocks = [
            block(256, 3, 3),
            block(64, 1, 5),
            block(256, 0, 0),
            block(256, 0, 2),
        ];
        assert_eq!(in_order(&blocks, ORDERS[0]).1, 576);
        assert_eq!((offsets(&blocks).1, least(&blocks)), (512, 512));
    }
}
