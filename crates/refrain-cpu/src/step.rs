//! Steps of a program, declared once for both of their stages: over virtual buffers, whose memory is planned, and over the
//! memory that they then have.

use std::ops;

use crate::buffer::{Buf, BufferRange};
use crate::kernels::arena::MemoryRange;
use crate::kernels::epilogue::FusedEpilogue;
use crate::kernels::nest::Nests;
use crate::library::Kernel;
use crate::tape::{Geometry, Tape};

/// What steps are made of.
pub trait Stage {
    /// Memory of an operand.
    type Range;
    /// Loop nests that do not depend on each other.
    type Loops;
    /// Elementwise work on the tiles of a result as they are computed.
    type EpilogueLoops;
}

/// Before memory is planned.
pub enum Virtual {}

impl Stage for Virtual {
    type Range = BufferRange;
    type Loops = Vec<(Tape, Geometry)>;
    type EpilogueLoops = Box<Tape>;
}

/// Ready to run.
pub enum Physical {}

impl Stage for Physical {
    type Range = MemoryRange;
    type Loops = Nests;
    type EpilogueLoops = FusedEpilogue;
}

/// A step.
pub enum Step<S: Stage> {
    /// Loop nests.
    Loops(S::Loops),
    /// A call of a ready-made kernel.
    Call(Box<Call<S>>),
    /// A loop.
    Scan(Box<ScanLoop<S::Range>>),
}

/// A step with a line of text.
pub type Noted<S> = (Step<S>, String);

/// A call of a kernel, which says what its operands are.
pub struct Call<S: Stage> {
    /// The kernel.
    pub kernel: Kernel,
    /// What it reads.
    pub reads: [Option<S::Range>; 2],
    /// What it writes: the result, which every kernel has, and another one or scratch memory.
    pub writes: [Option<S::Range>; 2],
    /// Work on the result.
    pub epilogue: Option<S::EpilogueLoops>,
}

/// A loop.
pub struct ScanLoop<M> {
    /// Which of the plan's bodies.
    pub body: usize,
    /// Number of steps.
    pub length: usize,
    /// Whether it runs from the last step to the first.
    pub reverse: bool,
    /// Parts of the rows, each of which runs all steps by itself.
    pub parts: usize,
    /// Its carries.
    pub carries: Vec<Carry<M>>,
    /// Its sequences.
    pub sequences: Vec<Stepwise<M>>,
    /// Its constants.
    pub constants: Vec<LoopConstant<M>>,
    /// Its stacked outputs.
    pub stacked: Vec<Stepwise<M>>,
    /// The body's packed matrices.
    pub packed: Vec<LoopPack<M>>,
    /// The body's arenas, one for each part.
    pub arena: M,
}

/// A value that each step of a loop takes from the one before.
pub struct Carry<M> {
    /// Its first value.
    pub init: M,
    /// Its final value.
    pub last: M,
    /// Scratch memory for that of every other step.
    pub spare: M,
}

/// A sequence that a loop reads, or a stacked output that it writes.
pub struct Stepwise<M> {
    /// All steps.
    pub memory: M,
    /// Bytes of a step.
    pub step: usize,
}

/// A value that all steps of a loop read.
pub struct LoopConstant<M> {
    /// The value.
    pub memory: M,
    /// Whether each part has rows of its own.
    pub cut: bool,
}

/// A matrix that all steps of a loop read packed.
pub struct LoopPack<M> {
    /// The packed matrix.
    pub packed: M,
    /// Whether it is packed before the program runs, not before the loop.
    pub before: bool,
}

impl<S: Stage> Call<S> {
    /// The same call of other memory.
    pub fn map<T: Stage>(
        self,
        f: impl Fn(S::Range) -> T::Range,
        epilogue: Option<T::EpilogueLoops>,
    ) -> Call<T> {
        Call {
            kernel: self.kernel,
            reads: self.reads.map(|r| r.map(&f)),
            writes: self.writes.map(|w| w.map(&f)),
            epilogue,
        }
    }
}

impl<M> ScanLoop<M> {
    /// The memory that it uses, and whether it writes there.
    pub fn operands(&self) -> impl Iterator<Item = (&M, bool)> {
        let carries = self.carries.iter();
        let carries = carries.flat_map(|c| [(&c.init, false), (&c.last, true), (&c.spare, true)]);
        let sequences = self.sequences.iter().map(|s| (&s.memory, false));
        let stacked = self.stacked.iter().map(|s| (&s.memory, true));
        let constants = self.constants.iter().map(|c| (&c.memory, false));
        let packed = self.packed.iter().map(|p| (&p.packed, !p.before));
        let walked = carries.chain(sequences).chain(stacked);
        let whole = constants.chain(packed).chain([(&self.arena, true)]);
        walked.chain(whole)
    }

    /// The same loop over other memory.
    pub fn map<N>(&self, f: impl Fn(&M) -> N) -> ScanLoop<N> {
        let carry = |c: &Carry<M>| Carry {
            init: f(&c.init),
            last: f(&c.last),
            spare: f(&c.spare),
        };
        let stepwise = |s: &Stepwise<M>| Stepwise {
            memory: f(&s.memory),
            step: s.step,
        };
        let constants = self.constants.iter().map(|c| LoopConstant {
            memory: f(&c.memory),
            cut: c.cut,
        });
        let packed = self.packed.iter().map(|p| LoopPack {
            packed: f(&p.packed),
            before: p.before,
        });
        ScanLoop {
            carries: self.carries.iter().map(carry).collect(),
            sequences: self.sequences.iter().map(stepwise).collect(),
            stacked: self.stacked.iter().map(stepwise).collect(),
            constants: constants.collect(),
            packed: packed.collect(),
            arena: f(&self.arena),
            body: self.body,
            length: self.length,
            reverse: self.reverse,
            parts: self.parts,
        }
    }
}

impl Step<Virtual> {
    /// Calls `f` with each buffer it reads or writes (`true`).
    pub fn visit(&self, f: &mut dyn FnMut(Buf, bool)) {
        match self {
            Step::Loops(nests) => nests.iter().for_each(|(tape, _)| tape.visit(f)),
            Step::Call(call) => {
                call.reads.iter().flatten().for_each(|r| f(r.buf, false));
                call.writes.iter().flatten().for_each(|w| f(w.buf, true));
                if let Some(tape) = &call.epilogue {
                    let result = call.writes[0].map(|w| w.buf);
                    tape.visit(&mut |buf, write| {
                        if Some(buf) != result {
                            f(buf, write);
                        }
                    });
                }
            }
            Step::Scan(scan) => scan
                .operands()
                .for_each(|(memory, write)| f(memory.buf, write)),
        }
    }

    /// The bytes of a buffer that it reads, from the first to the last, where it is known that they are not all.
    pub fn reads_part(&self, buf: Buf) -> Option<ops::Range<usize>> {
        let Step::Scan(scan) = self else {
            return None;
        };
        let read = scan
            .operands()
            .filter(|(memory, write)| !write && memory.buf == buf);
        let parts = read.map(|(memory, _)| memory.offset..memory.offset + memory.bytes);
        parts.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))
    }

    /// The tapes that run in this step, to be changed.
    pub fn tapes_mut(&mut self) -> impl Iterator<Item = &mut Tape> {
        let (many, one) = match self {
            Step::Loops(nests) => (&mut nests[..], None),
            Step::Call(call) => (&mut [][..], call.epilogue.as_deref_mut()),
            Step::Scan(_) => (&mut [][..], None),
        };
        many.iter_mut().map(|(tape, _)| tape).chain(one)
    }

    /// The tapes that run in this step.
    pub fn tapes(&self) -> impl Iterator<Item = &Tape> {
        let (many, one) = match self {
            Step::Loops(nests) => (&nests[..], None),
            Step::Call(call) => (&[][..], call.epilogue.as_deref()),
            Step::Scan(_) => (&[][..], None),
        };
        many.iter().map(|(tape, _)| tape).chain(one)
    }
}

#[cfg(test)]
mod tests {
    use cranelift_entity::EntityRef;

    use super::*;

    #[test]
    fn a_loop_reads_the_parts_of_buffers_that_it_walks_over() {
        let [carry, sequence, constant, all, none] = std::array::from_fn(Buf::new);
        let range = |buf, offset, bytes| BufferRange { buf, offset, bytes };
        let unread = range(none, 0, 1);
        let carry_of = |init| Carry {
            init,
            last: unread,
            spare: unread,
        };
        let stepwise = |memory, step| Stepwise { memory, step };
        let constant_of = |memory, cut| LoopConstant { memory, cut };
        let scan: Step<Virtual> = Step::Scan(Box::new(ScanLoop {
            body: 0,
            length: 3,
            reverse: true,
            parts: 1,
            carries: vec![carry_of(range(carry, 64, 32)), carry_of(range(all, 8, 4))],
            sequences: vec![
                stepwise(range(sequence, 40, 30), 10),
                stepwise(range(all, 100, 60), 20),
            ],
            constants: vec![
                constant_of(range(constant, 16, 48), false),
                constant_of(range(all, 0, 2), true),
            ],
            stacked: vec![stepwise(unread, 10)],
            packed: Vec::new(),
            arena: unread,
        }));
        let parts = [carry, sequence, constant, all, none].map(|buf| scan.reads_part(buf));
        let expected = [Some(64..96), Some(40..70), Some(16..64), Some(0..160), None];
        assert_eq!(parts, expected);
    }
}
