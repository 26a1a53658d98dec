//! Allocation in the arena: offsets by live range.

use crate::kernels::arena::ALIGN;

/// Memory that is needed from one step to another, both included.
#[derive(Clone, Debug)]
pub struct Allocation {
    /// Bytes.
    pub bytes: usize,
    /// First step.
    pub first: usize,
    /// Last step.
    pub last: usize,
    /// Its parts in order, where some are needed for fewer steps than others.
    pub parts: Vec<AllocationPart>,
}

/// A part of an allocation, from the end of the part before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocationPart {
    /// Its end in bytes.
    pub end: usize,
    /// Last step.
    pub last: usize,
}

/// What an order puts first.
type Rank = fn(&Allocation) -> usize;

/// Orders that are tried. No order is best for every program: large blocks leave the smallest gaps, those that are needed
/// long the least moving ground.
const ORDERS: [Rank; 3] = [
    |block| block.bytes,
    |block| block.bytes.saturating_mul(block.steps()),
    |block| block.steps(),
];

impl Allocation {
    /// Its parts from an offset on.
    fn placed(&self, offset: usize) -> impl Iterator<Item = Placed> {
        let whole = self.parts.is_empty().then_some(AllocationPart {
            end: self.bytes,
            last: self.last,
        });
        let parts = whole.into_iter().chain(self.parts.iter().copied());
        let (mut start, first) = (0, self.first);
        parts.map(move |AllocationPart { end, last }| {
            // What shares a line of the cache with the next part is counted as needed as long as either.
            let (from, to) = (start, end.next_multiple_of(ALIGN));
            start = end / ALIGN * ALIGN;
            Placed {
                start: offset + from,
                end: offset + to,
                first,
                last: last.max(first),
            }
        })
    }

    /// How many steps need it.
    fn steps(&self) -> usize {
        self.last - self.first + 1
    }
}

/// Memory that is in use from one step to another.
struct Placed {
    start: usize,
    end: usize,
    first: usize,
    last: usize,
}

/// Offsets of the blocks and the arena's size, in the order of those tried that needs least.
pub fn offsets(blocks: &[Allocation]) -> (Vec<usize>, usize) {
    let least = least(blocks);
    let mut best = (Vec::new(), usize::MAX);
    for rank in ORDERS {
        let found = in_order(blocks, rank);
        if found.1 < best.1 {
            best = found;
        }
        if best.1 <= least {
            break;
        }
    }
    best
}

/// The most bytes that are needed at one step; lines that two parts of a block share count twice.
fn least(blocks: &[Allocation]) -> usize {
    let steps = blocks.iter().map(|b| b.last + 1).max().unwrap_or(0);
    let mut change = vec![0isize; steps + 1];
    for part in blocks.iter().flat_map(|block| block.placed(0)) {
        let bytes = (part.end - part.start) as isize;
        change[part.first] += bytes;
        change[part.last + 1] -= bytes;
    }
    let live = change.iter().scan(0isize, |live, change| {
        *live += change;
        Some(*live)
    });
    live.max().unwrap_or(0).unsigned_abs()
}

/// Places the blocks of the highest rank first, each into the smallest gap that holds it.
fn in_order(blocks: &[Allocation], rank: Rank) -> (Vec<usize>, usize) {
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
    let mut placed: Vec<Placed> = Vec::with_capacity(blocks.len());
    let mut total = 0;
    // Blocks without bytes lie at the beginning: in a gap of none they would lie inside of another block.
    for &i in order.iter().filter(|&&i| blocks[i].bytes > 0) {
        let block = &blocks[i];
        let size = block.bytes.next_multiple_of(ALIGN);
        let (mut gap, mut best, mut end) = (usize::MAX, None, 0);
        // `placed` is sorted by offset.
        for other in &placed {
            if other.last < block.first || block.last < other.first {
                continue;
            }
            let free = other.start.saturating_sub(end);
            if free >= size && free < gap {
                (gap, best) = (free, Some(end));
            }
            end = end.max(other.end);
        }
        offsets[i] = best.unwrap_or(end);
        total = total.max(offsets[i] + size);
        for part in block.placed(offsets[i]) {
            let at = placed.partition_point(|other| other.start <= part.start);
            placed.insert(at, part);
        }
    }
    (offsets, total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(&(end, last): &(usize, usize)) -> AllocationPart {
        AllocationPart { end, last }
    }

    fn block(bytes: usize, first: usize, last: usize) -> Allocation {
        let parts = Vec::new();
        Allocation {
            bytes,
            first,
            last,
            parts,
        }
    }

    #[test]
    fn blocks_that_live_at_different_times_share_memory() {
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

    #[test]
    fn blocks_without_bytes_lie_inside_of_no_other() {
        let block = |bytes, first, last, parts: &[(usize, usize)]| Allocation {
            bytes,
            first,
            last,
            parts: parts.iter().map(part).collect(),
        };
        // The middle one's parts share a line, between which there is a gap of no bytes.
        let blocks = [
            block(256, 0, 1, &[]),
            block(192, 1, 3, &[(96, 3), (192, 2)]),
            block(0, 2, 2, &[]),
        ];
        assert_eq!(offsets(&blocks), (vec![0, 256, 0], 448));
    }

    #[test]
    fn what_of_a_block_is_not_needed_any_more_is_free() {
        let mut whole = Allocation {
            bytes: 256,
            first: 0,
            last: 2,
            parts: [(128, 1), (256, 2)].iter().map(part).collect(),
        };
        let late = |bytes| Allocation {
            bytes,
            first: 2,
            last: 3,
            parts: Vec::new(),
        };
        let (offsets, total) = offsets(&[whole.clone(), late(128)]);
        assert_eq!((offsets, total), (vec![0, 0], 256));
        // A line that both parts have bytes in is needed as long as either.
        whole.parts[0].end = 100;
        assert_eq!(super::offsets(&[whole.clone(), late(64)]).1, 256);
        assert_eq!(super::offsets(&[whole, late(128)]).1, 384);
    }
}
