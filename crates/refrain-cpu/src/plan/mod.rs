//! The plan before it is linked: steps over buffers that have no place yet.

mod arena;
mod check;
mod place;

pub use check::check;
pub use place::{ARENA, Places, place, root_of, settle_updates};

use std::ops::Range;

use cranelift_entity::{PrimaryMap, entity_impl};
use refrain_graph::DType;

use crate::kernels::conv::ConvPlan;
use crate::kernels::nest::Reading;
use crate::kernels::pack::panels_len;
use crate::library::Kernel;
use crate::simd::Simd;
use crate::tape::{Geometry, Tape};
use crate::view::View;

/// A tensor in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Buf(u32);
entity_impl!(Buf, "b");

/// Where a buffer lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// In the arena, where the plan puts it.
    Arena,
    /// In memory that is bound for the run, from this byte on.
    Slot(u32, usize),
    /// In another buffer, from this byte on.
    Within(Buf, usize),
}

/// What is known of a buffer.
#[derive(Clone, Debug)]
pub struct BufInfo {
    /// Type of the elements.
    pub dtype: DType,
    /// Its size.
    pub bytes: usize,
    /// Where it lives.
    pub home: Home,
}

/// All buffers.
pub type Buffers = PrimaryMap<Buf, BufInfo>;

/// A view of a buffer.
#[derive(Clone, Debug)]
pub struct Ref {
    /// The buffer.
    pub buf: Buf,
    /// The elements.
    pub view: View,
}

/// Elements copied from one view to another of the same dimensions.
#[derive(Clone, Debug)]
pub struct CopyDraft {
    /// From.
    pub src: Ref,
    /// To.
    pub dst: Ref,
    /// Bytes of an element.
    pub size: usize,
}

/// A parameter that is the same in every run, as a kernel reads it fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Pack {
    /// Which parameter.
    pub param: usize,
    /// First element.
    pub offset: usize,
    /// Type of the parameter's elements, `f32` or of 16 bits; packed they are `f32`.
    pub dtype: DType,
    /// For what.
    pub layout: PackLayout,
}

/// What a parameter is packed for.
#[derive(Clone, Debug)]
pub enum PackLayout {
    /// The right-hand side of a product.
    Matrix {
        /// Strides of depth and columns.
        strides: [usize; 2],
        /// Depth and columns.
        sizes: [usize; 2],
    },
    /// The kernel of a convolution.
    Kernel(Box<ConvPlan>),
}

impl PartialEq for PackLayout {
    fn eq(&self, other: &Self) -> bool {
        use PackLayout::{Kernel, Matrix};
        match (self, other) {
            (
                Matrix { strides, sizes },
                Matrix {
                    strides: s,
                    sizes: t,
                },
            ) => (strides, sizes) == (s, t),
            (Kernel(plan), Kernel(other)) => plan.is_same(other),
            _ => false,
        }
    }
}

impl Pack {
    /// Bytes of the packed parameter.
    pub fn bytes(&self, simd: Simd) -> usize {
        let elements = match &self.layout {
            PackLayout::Matrix { sizes, .. } => panels_len(simd, sizes[0], sizes[1]),
            PackLayout::Kernel(plan) => plan.packed_len(),
        };
        elements * size_of::<f32>()
    }
}

/// How the matrices of a batch lie in memory, in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strides {
    /// From one inner batch to the next.
    pub batch: usize,
    /// Matrices of an inner batch, and from one to the next.
    pub inner: (usize, usize),
    /// From one row to the next.
    pub row: usize,
    /// From one column to the next.
    pub col: usize,
}

/// The right-hand side of a product.
#[derive(Clone, Debug)]
pub enum RightHand<M, P> {
    /// As it lies, with the strides of its depth and columns.
    Matrix(M, Strides),
    /// Packed beforehand.
    Packed(P),
}

/// A product of matrices.
#[derive(Clone, Debug)]
pub struct DotDraft {
    /// Left-hand side.
    pub lhs: Ref,
    /// Right-hand side.
    pub rhs: RightHand<Ref, Buf>,
    /// The result.
    pub out: Buf,
    /// Number of products, then rows, columns and depth.
    pub sizes: [usize; 4],
    /// How the left-hand side lies: rows and depth.
    pub lhs_strides: Strides,
    /// Room for partial sums.
    pub scratch: Option<Buf>,
    /// Work on the result as it is made.
    pub finish: Option<Box<Tape>>,
}

/// A value that each step of a loop takes from the one before.
#[derive(Clone, Debug)]
pub struct Carry<P> {
    /// Its first value.
    pub init: P,
    /// Its final value.
    pub last: P,
    /// Room for that of every other step.
    pub spare: P,
    /// Bytes.
    pub bytes: usize,
}

/// A sequence that a loop reads, or a stacked output that it writes.
#[derive(Clone, Debug)]
pub struct Stepwise<P> {
    /// Its beginning.
    pub place: P,
    /// Bytes of a step.
    pub bytes: usize,
}

/// A value that all steps of a loop read.
#[derive(Clone, Debug)]
pub struct LoopConstant<P> {
    /// Its beginning.
    pub place: P,
    /// Bytes.
    pub bytes: usize,
    /// Whether each part has rows of its own.
    pub cut: bool,
}

/// A matrix that all steps of a loop read packed.
#[derive(Clone, Debug)]
pub struct LoopPack<P> {
    /// The packed matrix.
    pub packed: P,
    /// Whether it is packed before the program runs, not before the loop.
    pub before: bool,
}

/// A loop.
#[derive(Clone, Debug)]
pub struct ScanDraft {
    /// Which of the plan's bodies.
    pub body: usize,
    /// Number of steps.
    pub length: usize,
    /// Whether it runs from the last step to the first.
    pub reverse: bool,
    /// Its carries.
    pub carries: Vec<Carry<(Buf, usize)>>,
    /// Its sequences.
    pub sequences: Vec<Stepwise<(Buf, usize)>>,
    /// Parts of the rows, each of which runs all steps by itself.
    pub parts: usize,
    /// Its constants.
    pub constants: Vec<LoopConstant<(Buf, usize)>>,
    /// Its stacked outputs.
    pub stacked: Vec<Stepwise<Buf>>,
    /// The body's packed matrices.
    pub packed: Vec<LoopPack<Buf>>,
    /// The body's arenas, one for each part.
    pub arena: Buf,
}

/// A step over buffers.
#[derive(Clone, Debug)]
pub enum Draft {
    /// Loop nests that do not depend on each other.
    Loops(Vec<(Tape, Geometry)>),
    /// A strided copy.
    Copy(CopyDraft),
    /// A product of matrices.
    Dot(DotDraft),
    /// Random bits: state, new state, bits.
    Random {
        /// The generator's state.
        state: (Buf, usize),
        /// The state after.
        next: Buf,
        /// The bits.
        bits: Buf,
    },
    /// A loop.
    Scan(Box<ScanDraft>),
    /// A call of a ready-made kernel.
    Call {
        /// The kernel.
        kernel: Box<Kernel>,
        /// What it reads: buffers and first bytes.
        reads: Vec<(Buf, usize)>,
        /// What it writes.
        writes: Vec<Buf>,
        /// Work on the result as it is made.
        finish: Option<Box<Tape>>,
    },
}

impl Draft {
    /// Calls `f` with each buffer it reads or writes (`true`).
    pub fn touches(&self, f: &mut dyn FnMut(Buf, bool)) {
        match self {
            Draft::Loops(tapes) => tapes.iter().for_each(|(t, _)| tape_touches(t, f)),
            Draft::Copy(copy) => {
                f(copy.src.buf, false);
                f(copy.dst.buf, true);
            }
            Draft::Dot(dot) => {
                f(dot.lhs.buf, false);
                match &dot.rhs {
                    RightHand::Matrix(matrix, _) => f(matrix.buf, false),
                    RightHand::Packed(buf) => f(*buf, false),
                }
                f(dot.out, true);
                dot.scratch.into_iter().for_each(|b| f(b, true));
                finish_touches(dot.finish.as_deref(), dot.out, f);
            }
            Draft::Random { state, next, bits } => {
                f(state.0, false);
                f(*next, true);
                f(*bits, true);
            }
            Draft::Scan(scan) => {
                scan.carries.iter().for_each(|c| f(c.init.0, false));
                scan.sequences.iter().for_each(|c| f(c.place.0, false));
                scan.constants.iter().for_each(|c| f(c.place.0, false));
                scan.carries.iter().for_each(|c| f(c.last.0, true));
                scan.carries.iter().for_each(|c| f(c.spare.0, true));
                scan.stacked.iter().for_each(|s| f(s.place, true));
                scan.packed.iter().for_each(|p| f(p.packed, !p.before));
                f(scan.arena, true);
            }
            Draft::Call {
                reads,
                writes,
                finish,
                ..
            } => {
                reads.iter().for_each(|r| f(r.0, false));
                writes.iter().for_each(|&b| f(b, true));
                finish_touches(finish.as_deref(), writes[0], f);
            }
        }
    }

    /// The bytes of a buffer that it reads, from the first to the last, where it is known that they are not all.
    pub fn reads_part(&self, buf: Buf) -> Option<Range<usize>> {
        let Draft::Scan(scan) = self else {
            return None;
        };
        let init = scan.carries.iter().map(|c| (c.init, c.bytes));
        let sequences = scan.sequences.iter();
        let sequences = sequences.map(|s| (s.place, s.bytes * scan.length));
        let constants = scan.constants.iter().map(|c| (c.place, c.bytes));
        let parts = init.chain(sequences).chain(constants);
        let parts = parts.filter(|part| part.0.0 == buf);
        let parts = parts.map(|((_, first), bytes)| first..first + bytes);
        parts.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))
    }

    /// The tapes that run in this step, to be changed.
    pub fn tapes_mut(&mut self) -> impl Iterator<Item = &mut Tape> {
        let (many, one) = match self {
            Draft::Loops(tapes) => (&mut tapes[..], None),
            Draft::Dot(dot) => (&mut [][..], dot.finish.as_deref_mut()),
            Draft::Call { finish, .. } => (&mut [][..], finish.as_deref_mut()),
            _ => (&mut [][..], None),
        };
        many.iter_mut().map(|(tape, _)| tape).chain(one)
    }

    /// The tapes that run in this step.
    pub fn tapes(&self) -> impl Iterator<Item = &Tape> {
        let (many, one) = match self {
            Draft::Loops(tapes) => (&tapes[..], None),
            Draft::Dot(dot) => (&[][..], dot.finish.as_deref()),
            Draft::Call { finish, .. } => (&[][..], finish.as_deref()),
            _ => (&[][..], None),
        };
        many.iter().map(|(tape, _)| tape).chain(one)
    }
}

/// A nest's buffers, less the result that it works on.
fn finish_touches(tape: Option<&Tape>, result: Buf, f: &mut dyn FnMut(Buf, bool)) {
    if let Some(tape) = tape {
        tape_touches(tape, &mut |buf, write| {
            if buf != result {
                f(buf, write);
            }
        });
    }
}

fn tape_touches(tape: &Tape, f: &mut dyn FnMut(Buf, bool)) {
    tape.inputs.iter().for_each(|i| f(i.buf, false));
    tape.outputs.iter().for_each(|o| f(o.buf, true));
    for sum in &tape.sums {
        f(sum.buf, true);
        sum.partial.into_iter().for_each(|b| f(b, true));
    }
}

/// Whether a tape's only reading of a buffer is element for element from its beginning, so that it may be overwritten.
pub fn reads_in_place(tape: &Tape, buf: Buf) -> bool {
    let mut readings = tape.inputs.iter().filter(|i| i.buf == buf);
    let only = readings
        .next()
        .is_some_and(|i| i.view.offset == 0 && tape.reading(i) == Reading::Flat);
    only && readings.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cranelift_entity::EntityRef;

    #[test]
    fn a_loop_reads_the_parts_of_buffers_that_it_walks_over() {
        let [carry, sequence, constant, all, none] = std::array::from_fn(Buf::new);
        let carry_of = |init, bytes| Carry {
            init,
            last: (none, 0),
            spare: (none, 0),
            bytes,
        };
        let stepwise = |place, bytes| Stepwise { place, bytes };
        let constant_of = |place, bytes, cut| LoopConstant { place, bytes, cut };
        let scan = Draft::Scan(Box::new(ScanDraft {
            body: 0,
            length: 3,
            reverse: true,
            carries: vec![carry_of((carry, 64), 32), carry_of((all, 8), 4)],
            sequences: vec![stepwise((sequence, 40), 10), stepwise((all, 100), 20)],
            parts: 1,
            constants: vec![
                constant_of((constant, 16), 48, false),
                constant_of((all, 0), 2, true),
            ],
            stacked: vec![Stepwise {
                place: none,
                bytes: 10,
            }],
            packed: Vec::new(),
            arena: none,
        }));
        let parts = [carry, sequence, constant, all, none].map(|buf| scan.reads_part(buf));
        let expected = [Some(64..96), Some(40..70), Some(16..64), Some(0..160), None];
        assert_eq!(parts, expected);
    }
}
