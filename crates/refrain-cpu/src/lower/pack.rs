//! Weights that stay the same between runs, laid out once as products and convolutions read them fastest.

use std::collections::HashSet;
use std::ops::Range;

use refrain_graph::{DType, Op};

use super::Lowerer;
use crate::buffer::{Buf, BufInfo, BufferRange, Storage, root_of};
use crate::fuse::Group;
use crate::packing::{Pack, PackLayout};
use crate::slots::PARAMS;

/// Rows from which a packed right-hand side is faster than one read where it lies, and from which packing it anew each time
/// costs next to nothing. One row alone streams it through once, which is fastest when it lies in one piece.
const PACKED_ROWS: Range<usize> = 8..768;
/// Bytes that a program keeps packed at most: they are there twice, those of Winograd's kernels five times.
const MAX_PACKED: usize = 64 << 20;

/// Whether it pays to keep the right-hand side of a product of so many rows packed.
pub(super) fn worthwhile(rows: usize) -> bool {
    rows == 1 || PACKED_ROWS.contains(&rows)
}

/// A 16-bit parameter as `f32`.
pub(super) struct Widened {
    /// The parameter.
    param: Buf,
    /// Whether a kernel reads it packed instead.
    is_packed: bool,
}

impl Lowerer<'_> {
    /// A parameter from this byte on as it will be packed before the program runs, if it stays the same.
    pub(super) fn pack(&mut self, from: BufferRange, layout: PackLayout) -> Option<BufferRange> {
        let buf = from.buf;
        let offset = from.offset / self.out.buffers[buf].dtype.size();
        let param = self.widened.get(&buf).map_or(buf, |w| w.param);
        let packed = self.pack_param(param, offset, layout);
        if let Some(widened) = self.widened.get_mut(&buf) {
            widened.is_packed |= packed.is_some();
        }
        packed.map(|buf| self.whole(buf))
    }

    fn pack_param(&mut self, buf: Buf, offset: usize, layout: PackLayout) -> Option<Buf> {
        let BufInfo { dtype, storage, .. } = self.out.buffers[buf];
        let Storage::Slot(slot, 0) = storage else {
            return None;
        };
        let param = slot.checked_sub(PARAMS)? as usize;
        let pack = Pack {
            param,
            offset,
            dtype,
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
            storage: Storage::Slot(PARAMS + (before + packs.len()) as u32, 0),
        });
        packs.push((pack, packed));
        Some(packed)
    }

    /// Remembers a group that only converts a 16-bit parameter to `f32`.
    pub(super) fn note_widened(&mut self, group: &Group) {
        let &[node] = &group.nodes[..] else {
            return;
        };
        let source = self.sources.get(self.graph.inputs(node)[0]);
        let is_param = self.graph.node_of(source.root).is_none();
        let halves = self.graph.spec(source.root).dtype.is_half();
        let to_f32 = matches!(self.graph.op(node), Op::Convert(DType::F32));
        let kept = self.kept.contains(&self.graph.outputs(node)[0]);
        if to_f32 && is_param && halves && !kept && source.view.is_identity() {
            let param = self.buf(source.root);
            let wide = self.buf(self.graph.outputs(node)[0]);
            let is_packed = false;
            self.widened.insert(wide, Widened { param, is_packed });
        }
    }

    /// Drops the conversions of parameters that all readers have packed.
    pub(super) fn drop_packed(&mut self) {
        let (buffers, widened) = (&self.out.buffers, &self.widened);
        // A reader of a whole reads its parts.
        let root = |buf: Buf| root_of(buffers, buf).0;
        let mut read = HashSet::new();
        for (step, _) in &self.out.steps {
            step.visit(&mut |buf, write| {
                if !write {
                    read.insert(root(buf));
                }
            });
        }
        self.out.steps.retain(|(step, _)| {
            let mut needed = false;
            step.visit(&mut |buf, write| {
                let packed = widened.get(&buf).is_some_and(|w| w.is_packed);
                needed |= write && (!packed || read.contains(&root(buf)));
            });
            needed
        });
    }
}
