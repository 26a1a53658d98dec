//! Where buffers are stored: in the caller's arrays, over the memory of what dies, or in the arena.

use std::collections::HashMap;
use std::ops::Range;

use cranelift_entity::{EntityRef, SecondaryMap};

use super::allocation::{Allocation, AllocationPart, offsets};
use crate::buffer::{Buf, BufferRange, Buffers, Storage, root_of};
use crate::kernels::arena::MemoryRange;
use crate::kernels::nest::Extent;
use crate::slots::ARENA;
use crate::step::{Noted, Step, Virtual};
use crate::tape::Output;

/// The memory of every buffer.
pub struct MemoryPlan {
    buffers: Vec<MemoryRange>,
    /// Bytes of the arena.
    pub arena: usize,
}

impl MemoryPlan {
    /// That of a buffer.
    pub fn of(&self, buf: Buf) -> MemoryRange {
        self.buffers[buf.index()]
    }

    /// That of a part of a buffer.
    pub fn of_range(&self, range: BufferRange) -> MemoryRange {
        self.of(range.buf).part(range.offset, range.bytes)
    }
}

/// First and last step that reads or writes a buffer.
#[derive(Clone, Copy, Default)]
struct LiveRange {
    first: Option<usize>,
    last: usize,
}

/// A new value of a variable, which may be computed where the variable lies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Update {
    /// The variable's buffer.
    pub variable: Buf,
    /// Its slot.
    pub slot: u32,
    /// The new value.
    pub value: Buf,
}

/// Decides where every buffer goes. `updates` are those whose new value is computed by a step.
///
/// Gives the updates that could not be computed in place: they are to be copied at the end.
pub fn settle_updates(
    steps: &[Noted<Virtual>],
    buffers: &mut Buffers,
    updates: &[Update],
) -> Vec<Update> {
    let mut left = Vec::new();
    for update in updates {
        let in_arena = buffers[update.value].storage == Storage::Arena;
        if in_arena && may_overwrite(steps, buffers, update.variable, update.value) {
            buffers[update.value].storage = Storage::Slot(update.slot, 0);
        } else {
            left.push(*update);
        }
    }
    left
}

/// Whether no step that runs after the first write of `new` (or at the same time) reads `variable`.
fn may_overwrite(steps: &[Noted<Virtual>], buffers: &Buffers, variable: Buf, new: Buf) -> bool {
    let mut written = false;
    for (step, _) in steps {
        let (mut reads, mut writes) = (false, false);
        step.visit(&mut |buf, write| {
            reads |= buf == variable;
            writes |= write && root_of(buffers, buf).0 == new;
        });
        if reads && (written || (writes && !overwrites_in_place(step, variable, new))) {
            return false;
        }
        written |= writes;
    }
    written
}

/// Whether a step reads `old` only where and when it writes the same element of `new`.
fn overwrites_in_place(step: &Step<Virtual>, old: Buf, new: Buf) -> bool {
    let Step::Loops(tapes) = step else {
        return false;
    };
    tapes.iter().all(|(tape, _)| {
        let reads = tape.inputs.iter().any(|i| i.buf == old);
        let full = |o: &Output| o.buf == new && o.extent == Extent::Full && o.view.is_none();
        !reads || (tape.reads_in_place(old) && tape.outputs.iter().any(full))
    })
}

/// Gives every buffer its memory.
pub fn plan_memory(steps: &[Noted<Virtual>], buffers: &Buffers) -> MemoryPlan {
    let buffers = &mut buffers.clone();
    let mut lives = live_ranges(steps, buffers);
    reuse_in_place(steps, buffers, &mut lives);
    let mut parts = parts(steps, buffers);
    let mut roots: Vec<Buf> = Vec::new();
    let mut blocks: Vec<Allocation> = Vec::new();
    for (buf, info) in buffers.iter() {
        if info.storage == Storage::Arena
            && let Some(first) = lives[buf].first
        {
            roots.push(buf);
            blocks.push(Allocation {
                bytes: info.bytes,
                first,
                last: lives[buf].last,
                parts: parts.remove(&buf).unwrap_or_default(),
            });
        }
    }
    let (offsets, arena) = offsets(&blocks);
    let mut at: SecondaryMap<Buf, usize> = SecondaryMap::new();
    roots.iter().zip(offsets).for_each(|(&b, o)| at[b] = o);
    let resolved = buffers.keys().map(|b| resolve(buffers, &at, b));
    MemoryPlan {
        buffers: resolved.collect(),
        arena,
    }
}

fn resolve(buffers: &Buffers, at: &SecondaryMap<Buf, usize>, buf: Buf) -> MemoryRange {
    let (root, inside) = root_of(buffers, buf);
    let (slot, offset) = match buffers[root].storage {
        Storage::Slot(slot, offset) => (slot, offset),
        _ => (ARENA, at[root]),
    };
    MemoryRange {
        slot,
        offset: offset + inside,
        bytes: buffers[buf].bytes,
    }
}

/// When the memory of each root buffer is in use.
fn live_ranges(steps: &[Noted<Virtual>], buffers: &Buffers) -> SecondaryMap<Buf, LiveRange> {
    let mut lives: SecondaryMap<Buf, LiveRange> = SecondaryMap::new();
    for (at, (step, _)) in steps.iter().enumerate() {
        step.visit(&mut |buf, _| {
            let life = &mut lives[root_of(buffers, buf).0];
            life.first.get_or_insert(at);
            life.last = at;
        });
    }
    lives
}

/// The parts of root buffers in the arena that are needed for fewer steps than others.
fn parts(steps: &[Noted<Virtual>], buffers: &Buffers) -> HashMap<Buf, Vec<AllocationPart>> {
    let mut uses: HashMap<Buf, Vec<(Range<usize>, usize)>> = HashMap::new();
    for (step, _) in steps {
        step.visit(&mut |buf, write| {
            let root = root_of(buffers, buf).0;
            if !write && buffers[root].storage == Storage::Arena && step.reads_part(buf).is_some() {
                uses.entry(root).or_default();
            }
        });
    }
    for (at, (step, _)) in steps.iter().enumerate() {
        step.visit(&mut |buf, write| {
            let (root, inside) = root_of(buffers, buf);
            if let Some(uses) = uses.get_mut(&root) {
                let read = step.reads_part(buf).filter(|_| !write);
                let bytes = read.unwrap_or(0..buffers[buf].bytes);
                uses.push((inside + bytes.start..inside + bytes.end, at));
            }
        });
    }
    let cut = |(root, uses): (Buf, Vec<_>)| (root, cut(buffers[root].bytes, &uses));
    uses.into_iter().map(cut).collect()
}

/// Cuts a block of memory where the last steps that use its bytes differ.
fn cut(bytes: usize, uses: &[(Range<usize>, usize)]) -> Vec<AllocationPart> {
    let mut ends: Vec<usize> = uses.iter().flat_map(|(r, _)| [r.start, r.end]).collect();
    ends.push(bytes);
    ends.sort_unstable();
    ends.dedup();
    let mut parts: Vec<AllocationPart> = Vec::new();
    for end in ends.into_iter().filter(|&end| end > 0) {
        let start = parts.last().map_or(0, |part| part.end);
        let over = uses
            .iter()
            .filter(|(r, _)| r.start <= start && end <= r.end);
        let last = over.map(|&(_, step)| step).max().unwrap_or(0);
        match parts.last_mut() {
            Some(before) if before.last == last => before.end = end,
            _ => parts.push(AllocationPart { end, last }),
        }
    }
    parts
}

/// Lets results of loop nests take over the memory of operands that die there.
fn reuse_in_place(
    steps: &[Noted<Virtual>],
    buffers: &mut Buffers,
    lives: &mut SecondaryMap<Buf, LiveRange>,
) {
    for (at, (step, _)) in steps.iter().enumerate() {
        let mut touched: Vec<Buf> = Vec::new();
        step.visit(&mut |buf, _| touched.push(root_of(buffers, buf).0));
        let mut taken: Vec<Buf> = Vec::new();
        for tape in step.tapes() {
            for output in tape
                .outputs
                .iter()
                .filter(|o| o.extent == Extent::Full && o.view.is_none())
            {
                let info = &buffers[output.buf];
                if info.storage != Storage::Arena || lives[output.buf].first != Some(at) {
                    continue;
                }
                let size = info.dtype.size();
                let found = tape
                    .inputs
                    .iter()
                    .map(|i| (i.buf, i.dtype))
                    .find(|&(buf, dtype)| {
                        let (root, inside) = root_of(buffers, buf);
                        let whole = inside == 0
                            && buffers[root].bytes == info.bytes
                            && buffers[buf].bytes == info.bytes;
                        let dies =
                            lives[root].last == at && buffers[root].storage == Storage::Arena;
                        let once = touched.iter().filter(|&&b| b == root).count() == 1;
                        whole
                            && dies
                            && once
                            && dtype.size() == size
                            && !taken.contains(&root)
                            && tape.reads_in_place(buf)
                    });
                if let Some((buf, _)) = found {
                    let root = root_of(buffers, buf).0;
                    taken.push(root);
                    lives[root].last = lives[output.buf].last;
                    buffers[output.buf].storage = Storage::Within(root, 0);
                }
            }
        }
    }
}
