//! Where buffers go: into the caller's arrays, over the memory of what dies, or into the arena.

use std::collections::HashMap;
use std::ops::Range;

use cranelift_entity::{EntityRef, SecondaryMap};

use super::arena::{Block, offsets};
use super::{Buf, Buffers, Draft, Home, reads_in_place};
use crate::kernels::arena::Place;
use crate::kernels::nest::Extent;
use crate::tape;

/// The slot of the arena.
pub const ARENA: u32 = 0;

/// The place of every buffer.
pub struct Places {
    places: Vec<Place>,
    bytes: Vec<usize>,
    /// Bytes of the arena.
    pub arena: usize,
}

impl tape::Places for Places {
    fn place(&self, buf: Buf) -> Place {
        self.places[buf.index()]
    }

    fn bytes(&self, buf: Buf) -> usize {
        self.bytes[buf.index()]
    }
}

/// First and last step that touches a buffer.
#[derive(Clone, Copy, Default)]
struct Life {
    first: Option<usize>,
    last: usize,
}

/// Where a new value of a variable may be computed: `(the variable's buffer, its slot, the new value)`.
pub type Update = (Buf, u32, Buf);

/// Decides where every buffer goes. `updates` are those whose new value is computed by a step.
///
/// Gives the updates that could not be computed in place: they are to be copied at the end.
pub fn settle_updates(
    drafts: &[(Draft, String)],
    buffers: &mut Buffers,
    updates: &[Update],
) -> Vec<Update> {
    let mut left = Vec::new();
    for &(variable, slot, new) in updates {
        if buffers[new].home == Home::Arena && may_overwrite(drafts, buffers, variable, new) {
            buffers[new].home = Home::Slot(slot, 0);
        } else {
            left.push((variable, slot, new));
        }
    }
    left
}

/// Whether no step that runs after the first write of `new` (or at the same time) reads `variable`.
fn may_overwrite(drafts: &[(Draft, String)], buffers: &Buffers, variable: Buf, new: Buf) -> bool {
    let mut written = false;
    for (draft, _) in drafts {
        let (mut reads, mut writes) = (false, false);
        draft.touches(&mut |buf, write| {
            reads |= buf == variable;
            writes |= write && root_of(buffers, buf).0 == new;
        });
        if reads && (written || (writes && !overwrites_in_place(draft, variable, new))) {
            return false;
        }
        written |= writes;
    }
    written
}

/// Whether a step reads `old` only where and when it writes the same element of `new`.
fn overwrites_in_place(draft: &Draft, old: Buf, new: Buf) -> bool {
    let Draft::Loops(tapes) = draft else {
        return false;
    };
    tapes.iter().all(|(tape, _)| {
        let reads = tape.inputs.iter().any(|i| i.buf == old);
        let full = |o: &tape::Output| o.buf == new && o.extent == Extent::Full && o.view.is_none();
        !reads || (reads_in_place(tape, old) && tape.outputs.iter().any(full))
    })
}

/// Gives every buffer its place.
pub fn place(drafts: &[&Draft], buffers: &Buffers) -> Places {
    let buffers = &mut buffers.clone();
    let mut lives = lives(drafts, buffers);
    reuse_dying(drafts, buffers, &mut lives);
    let mut parts = parts(drafts, buffers);
    let mut roots: Vec<Buf> = Vec::new();
    let mut blocks: Vec<Block> = Vec::new();
    for (buf, info) in buffers.iter() {
        if info.home == Home::Arena
            && let Some(first) = lives[buf].first
        {
            roots.push(buf);
            blocks.push(Block {
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
    let places = buffers.keys().map(|b| resolve(buffers, &at, b)).collect();
    Places {
        places,
        bytes: buffers.values().map(|b| b.bytes).collect(),
        arena,
    }
}

fn resolve(buffers: &Buffers, at: &SecondaryMap<Buf, usize>, buf: Buf) -> Place {
    let (root, inside) = root_of(buffers, buf);
    match buffers[root].home {
        Home::Slot(slot, offset) => Place {
            slot,
            offset: offset + inside,
        },
        _ => Place {
            slot: ARENA,
            offset: at[root] + inside,
        },
    }
}

/// The buffer that a buffer lies in, and where.
pub fn root_of(buffers: &Buffers, mut buf: Buf) -> (Buf, usize) {
    let mut inside = 0;
    while let Home::Within(outer, offset) = buffers[buf].home {
        inside += offset;
        buf = outer;
    }
    (buf, inside)
}

/// When the memory of each root buffer is in use.
fn lives(drafts: &[&Draft], buffers: &Buffers) -> SecondaryMap<Buf, Life> {
    let mut lives: SecondaryMap<Buf, Life> = SecondaryMap::new();
    for (step, draft) in drafts.iter().enumerate() {
        draft.touches(&mut |buf, _| {
            let life = &mut lives[root_of(buffers, buf).0];
            life.first.get_or_insert(step);
            life.last = step;
        });
    }
    lives
}

/// The parts of root buffers in the arena that are needed for fewer steps than others: their ends, and the last steps that
/// touch them.
fn parts(drafts: &[&Draft], buffers: &Buffers) -> HashMap<Buf, Vec<(usize, usize)>> {
    let mut uses: HashMap<Buf, Vec<(Range<usize>, usize)>> = HashMap::new();
    for draft in drafts {
        draft.touches(&mut |buf, write| {
            let root = root_of(buffers, buf).0;
            if !write && buffers[root].home == Home::Arena && draft.reads_part(buf).is_some() {
                uses.entry(root).or_default();
            }
        });
    }
    for (step, draft) in drafts.iter().enumerate() {
        draft.touches(&mut |buf, write| {
            let (root, inside) = root_of(buffers, buf);
            if let Some(uses) = uses.get_mut(&root) {
                let read = draft.reads_part(buf).filter(|_| !write);
                let bytes = read.unwrap_or(0..buffers[buf].bytes);
                uses.push((inside + bytes.start..inside + bytes.end, step));
            }
        });
    }
    let cut = |(root, uses): (Buf, Vec<_>)| (root, cut(buffers[root].bytes, &uses));
    uses.into_iter().map(cut).collect()
}

/// Cuts a block of memory where the last steps that use its bytes differ.
fn cut(bytes: usize, uses: &[(Range<usize>, usize)]) -> Vec<(usize, usize)> {
    let mut ends: Vec<usize> = uses.iter().flat_map(|(r, _)| [r.start, r.end]).collect();
    ends.push(bytes);
    ends.sort_unstable();
    ends.dedup();
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for end in ends.into_iter().filter(|&end| end > 0) {
        let start = parts.last().map_or(0, |part| part.0);
        let over = uses
            .iter()
            .filter(|(r, _)| r.start <= start && end <= r.end);
        let last = over.map(|&(_, step)| step).max().unwrap_or(0);
        match parts.last_mut() {
            Some(before) if before.1 == last => before.0 = end,
            _ => parts.push((end, last)),
        }
    }
    parts
}

/// Lets results of loop nests take over the memory of operands that die there.
fn reuse_dying(drafts: &[&Draft], buffers: &mut Buffers, lives: &mut SecondaryMap<Buf, Life>) {
    for (step, draft) in drafts.iter().enumerate() {
        let mut touched: Vec<Buf> = Vec::new();
        draft.touches(&mut |buf, _| touched.push(root_of(buffers, buf).0));
        let mut taken: Vec<Buf> = Vec::new();
        for tape in draft.tapes() {
            for output in tape
                .outputs
                .iter()
                .filter(|o| o.extent == Extent::Full && o.view.is_none())
            {
                let info = &buffers[output.buf];
                if info.home != Home::Arena || lives[output.buf].first != Some(step) {
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
                        let dies = lives[root].last == step && buffers[root].home == Home::Arena;
                        let once = touched.iter().filter(|&&b| b == root).count() == 1;
                        whole
                            && dies
                            && once
                            && dtype.size() == size
                            && !taken.contains(&root)
                            && reads_in_place(tape, buf)
                    });
                if let Some((buf, _)) = found {
                    let root = root_of(buffers, buf).0;
                    taken.push(root);
                    lives[root].last = lives[output.buf].last;
                    buffers[output.buf].home = Home::Within(root, 0);
                }
            }
        }
    }
}
