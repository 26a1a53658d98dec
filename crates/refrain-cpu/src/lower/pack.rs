//! Weights that stay the same between runs, laid out once as products and convolutions read them fastest.

use std::ops::Range;

use refrain_graph::DType;

use super::{Lowerer, PARAMS};
use crate::plan::{Buf, BufInfo, Home, Pack, PackLayout};

/// Rows from which a packed right-hand side is faster than one read where it lies, and from which packing it anew each time
/// costs next to nothing. One row alone streams it through once, which is fastest when it lies in one piece.
const PACKED_ROWS: Range<usize> = 8..768;
/// Bytes that a program keeps packed at most: they are there twice, those of Winograd's kernels five times.
const MAX_PACKED: usize = 64 << 20;

/// Whether it pays to keep the right-hand side of a product of so many rows packed.
pub(super) fn worthwhile(rows: usize) -> bool {
    rows == 1 || PACKED_ROWS.contains(&rows)
}

impl Lowerer<'_> {
    /// A parameter as it will be packed before the program runs, if it stays the same. `offset` counts elements.
    pub(super) fn pack(&mut self, buf: Buf, offset: usize, layout: PackLayout) -> Option<Buf> {
        let Home::Slot(slot, 0) = self.out.buffers[buf].home else {
            return None;
        };
        let param = slot.checked_sub(PARAMS)? as usize;
        let pack = Pack {
            param,
            offset,
            layout,
        };
        let simd = self.simd;
        let packs = &mut self.out.packs;
        if let Some((_, same)) = packs.iter().find(|(p, _)| *p == pack) {
            return Some(*same);
        }
        let bytes = pack.bytes(simd);
        let all = bytes + packs.iter().map(|(p, _)| p.bytes(simd)).sum::<usize>();
        if !*self.lasting.get(param)? || all > MAX_PACKED {
            return None;
        }
        let before = self.graph.params().len() + self.graph.results().len();
        let packed = self.out.buffers.push(BufInfo {
            dtype: DType::F32,
            bytes,
            home: Home::Slot(PARAMS + (before + packs.len()) as u32, 0),
        });
        packs.push((pack, packed));
        Some(packed)
    }
}
