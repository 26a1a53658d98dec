//! Follows a plan through memory: whether every step still finds the values that it reads.
//!
//! Before memory is planned, each buffer has its own, and the steps' order alone says what they read. A plan is right if it
//! makes no difference to that.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::MemoryPlan;
use crate::buffer::{Buf, Buffers, Storage, root_of};
use crate::kernels::nest::Extent;
use crate::library::Kernel;
use crate::step::{Noted, Step, Virtual};
use crate::view::{View, collapse};

/// Runs of a view up to which each is followed by itself; more are taken as all between the first and the last.
const MAX_RUNS: usize = 1 << 12;

/// Whose value each byte holds; bytes that are missing hold none.
#[derive(Default)]
struct Owners(BTreeMap<usize, (usize, Buf)>);

impl Owners {
    fn overlapping(&self, range: &Range<usize>) -> Vec<(Range<usize>, Buf)> {
        let before = self.0.range(..range.end).rev();
        before
            .map(|(&start, &(end, owner))| (start..end, owner))
            .take_while(|(held, _)| held.end > range.start)
            .collect()
    }

    fn set(&mut self, range: Range<usize>, owner: Buf) {
        for (held, old) in self.overlapping(&range) {
            self.0.remove(&held.start);
            if held.start < range.start {
                self.0.insert(held.start, (range.start, old));
            }
            if range.end < held.end {
                self.0.insert(range.end, (held.end, old));
            }
        }
        self.0.insert(range.start, (range.end, owner));
    }

    fn holds(&self, range: &Range<usize>, owner: Buf) -> bool {
        let mut pieces = self.overlapping(range);
        pieces.reverse();
        let mut at = range.start;
        for (held, old) in pieces {
            if held.start > at || old != owner {
                return false;
            }
            at = held.end;
        }
        at >= range.end
    }
}

/// What a step reads or writes.
struct StepOperand {
    buf: Buf,
    slot: u32,
    /// Within the slot.
    bytes: Vec<Range<usize>>,
    write: bool,
}

struct Follower<'a> {
    buffers: &'a Buffers,
    plan: &'a MemoryPlan,
    /// By slot.
    memory: HashMap<u32, Owners>,
    /// What has been read of each root: it must not change any more.
    read: HashMap<Buf, Owners>,
}

/// Whether each step reads what it would read if every buffer had memory of its own, `buffers` being those before any was
/// placed over another. Gives the number of the first step that does not.
pub fn check(steps: &[Noted<Virtual>], buffers: &Buffers, plan: &MemoryPlan) -> Result<(), usize> {
    let mut follower = Follower {
        buffers,
        plan,
        memory: HashMap::new(),
        read: HashMap::new(),
    };
    follower.bind(steps);
    for (at, (step, _)) in steps.iter().enumerate() {
        if !(follower.is_apart(step) && follower.reads(step) && follower.writes(step)) {
            return Err(at);
        }
    }
    Ok(())
}

impl Follower<'_> {
    /// Parameters and constants are there from the beginning.
    fn bind(&mut self, steps: &[Noted<Virtual>]) {
        let mut made = std::collections::HashSet::new();
        for (step, _) in steps {
            step.visit(&mut |buf, write| {
                if write {
                    made.insert(root_of(self.buffers, buf).0);
                }
            });
        }
        for (buf, info) in self.buffers.iter() {
            if matches!(info.storage, Storage::Slot(..)) && !made.contains(&buf) {
                self.set(buf, 0..info.bytes);
            }
        }
    }

    /// Bytes of a buffer in its slot.
    fn in_slot(&self, buf: Buf, bytes: &Range<usize>) -> (u32, Range<usize>) {
        let memory = self.plan.of(buf);
        (
            memory.slot,
            memory.offset + bytes.start..memory.offset + bytes.end,
        )
    }

    fn set(&mut self, buf: Buf, bytes: Range<usize>) {
        let (slot, range) = self.in_slot(buf, &bytes);
        let root = root_of(self.buffers, buf).0;
        if !range.is_empty() {
            self.memory.entry(slot).or_default().set(range, root);
        }
    }

    fn whole(&self, buf: Buf) -> Range<usize> {
        0..self.buffers[buf].bytes
    }

    /// The bytes of a buffer that a step reads. Memory was planned with the same `reads_part`, whose own test says what it gives.
    fn wanted(&self, step: &Step<Virtual>, buf: Buf) -> Range<usize> {
        step.reads_part(buf).unwrap_or_else(|| self.whole(buf))
    }

    /// The bytes of a buffer that a step writes.
    fn written(&self, step: &Step<Virtual>, buf: Buf) -> Vec<Range<usize>> {
        let size = self.buffers[buf].dtype.size();
        let copy = match step {
            Step::Call(call) => match &call.kernel {
                Kernel::Copy { plan, .. } => Some(Some(plan.target())),
                _ => None,
            },
            _ => None,
        };
        let outputs = step.tapes().flat_map(|t| &t.outputs);
        let here = outputs.filter(|o| o.buf == buf);
        let views = copy.into_iter().chain(here.map(|o| o.view.as_ref()));
        let views: Vec<Option<&View>> = views.collect();
        if views.is_empty() || views.contains(&None) {
            return vec![self.whole(buf)];
        }
        let views = views.into_iter().flatten();
        views.flat_map(|v| runs(v, size)).collect()
    }

    /// Whether a step writes over nothing that it reads or writes besides, but where a loop nest works in place.
    fn is_apart(&self, step: &Step<Virtual>) -> bool {
        let mut operands: Vec<StepOperand> = Vec::new();
        step.visit(&mut |buf, write| {
            let parts = match write {
                true => self.written(step, buf),
                false => vec![self.wanted(step, buf)],
            };
            operands.push(StepOperand {
                buf,
                slot: self.plan.of(buf).slot,
                bytes: parts.iter().map(|r| self.in_slot(buf, r).1).collect(),
                write,
            });
        });
        let root = |buf: Buf| root_of(self.buffers, buf).0;
        operands.iter().filter(|new| new.write).all(|new| {
            let over = operands.iter().filter(|old| {
                let other = root(old.buf) != root(new.buf) || !old.write;
                other && old.slot == new.slot && meet(&old.bytes, &new.bytes)
            });
            let over: Vec<Buf> = over.map(|old| old.buf).collect();
            match over[..] {
                [] => true,
                // Of two outputs in one place either may be the one that lies over the other.
                [old] => self.in_place(step, old, new.buf) || self.in_place(step, new.buf, old),
                _ => false,
            }
        })
    }

    /// Whether a step's loop nest computes `new` element for element over `old`.
    fn in_place(&self, step: &Step<Virtual>, old: Buf, new: Buf) -> bool {
        let same = self.plan.of(old) == self.plan.of(new);
        same && step.tapes().any(|tape| {
            let makes = tape
                .outputs
                .iter()
                .any(|o| o.buf == new && o.extent == Extent::Full && o.view.is_none());
            makes && tape.reads_in_place(old)
        })
    }

    /// Whether a step finds what it reads.
    fn reads(&mut self, step: &Step<Virtual>) -> bool {
        let mut sound = true;
        step.visit(&mut |buf, write| {
            if !write {
                let wanted = self.wanted(step, buf);
                sound &= self.finds(buf, &wanted);
                let (root, inside) = root_of(self.buffers, buf);
                let bytes = inside + wanted.start..inside + wanted.end;
                if !bytes.is_empty() {
                    self.read.entry(root).or_default().set(bytes, root);
                }
            }
        });
        // A scatter changes a part of what it writes.
        if let Step::Call(call) = step
            && let Kernel::Scatter { .. } = call.kernel
        {
            let mut targets = call.writes.iter().flatten();
            sound &= targets.all(|w| self.finds(w.buf, &self.whole(w.buf)));
        }
        sound
    }

    /// Whether these bytes of a buffer are there.
    fn finds(&self, buf: Buf, bytes: &Range<usize>) -> bool {
        let (slot, range) = self.in_slot(buf, bytes);
        let owners = self.memory.get(&slot);
        let root = root_of(self.buffers, buf).0;
        range.is_empty() || owners.is_some_and(|o| o.holds(&range, root))
    }

    /// Notes what a step writes; whether none of it is a value that has been read.
    fn writes(&mut self, step: &Step<Virtual>) -> bool {
        let mut sound = true;
        step.visit(&mut |buf, write| {
            if !write {
                return;
            }
            let (root, inside) = root_of(self.buffers, buf);
            for bytes in self.written(step, buf) {
                let own = inside + bytes.start..inside + bytes.end;
                let read = self.read.get(&root);
                sound &= read.is_none_or(|r| r.overlapping(&own).is_empty());
                self.set(buf, bytes);
            }
        });
        sound
    }
}

/// Whether some ranges of two lists have something in common.
fn meet(a: &[Range<usize>], b: &[Range<usize>]) -> bool {
    let met = |x: &Range<usize>| b.iter().any(|y| x.start < y.end && y.start < x.end);
    a.iter().any(met)
}

/// The bytes of a view whose strides are not negative.
fn runs(view: &View, size: usize) -> Vec<Range<usize>> {
    let (mut dims, mut strides) = collapse(&view.dims, &view.strides);
    let run = match strides.last() {
        Some(1) => {
            strides.pop();
            dims.pop().unwrap_or(1)
        }
        _ => 1,
    };
    let reach = |(&d, &s): (&usize, &isize)| d.saturating_sub(1) * s.unsigned_abs();
    let count: usize = dims.iter().product();
    if count > MAX_RUNS {
        let last = view.offset + dims.iter().zip(&strides).map(reach).sum::<usize>();
        return std::iter::once(view.offset * size..(last + run) * size).collect();
    }
    let mut starts = vec![view.offset];
    for (&d, &s) in dims.iter().zip(&strides) {
        let next = |&start: &usize| (0..d).map(move |i| start + i * s.unsigned_abs());
        starts = starts.iter().flat_map(next).collect();
    }
    let bytes = |start: usize| start * size..(start + run) * size;
    starts.into_iter().map(bytes).collect()
}

#[cfg(test)]
mod tests {
    use refrain_graph::{BinaryOp, DType, UnaryOp};

    use super::*;
    use crate::buffer::{BufInfo, BufferRange};
    use crate::kernels::copy::CopyPlan;
    use crate::plan::plan_memory;
    use crate::step::Call;
    use crate::tape::{Geometry, Input, Instr, Output, Tape};

    const ROWS: usize = 8;

    fn buffers(slots: &[u32]) -> (Buffers, Vec<Buf>) {
        let mut buffers = Buffers::new();
        let info = |&slot| BufInfo {
            dtype: DType::F32,
            bytes: ROWS * size_of::<f32>(),
            storage: Storage::Slot(slot, 0),
        };
        let bufs = slots.iter().map(|s| buffers.push(info(s))).collect();
        (buffers, bufs)
    }

    fn copy(src: Buf, dst: Buf) -> Step<Virtual> {
        let (view, size) = (View::dense(&[ROWS]), size_of::<f32>());
        let whole = |buf| BufferRange {
            buf,
            offset: 0,
            bytes: ROWS * size,
        };
        let plan = CopyPlan::new(&view, &view);
        Step::Call(Box::new(Call {
            kernel: Kernel::Copy { plan, size },
            reads: [Some(whole(src)), None],
            writes: [Some(whole(dst)), None],
            epilogue: None,
        }))
    }

    /// `to = tanh(from)`, and `sum = from + other` if asked for.
    fn nest(from: Buf, to: Buf, sum: Option<(Buf, Buf)>) -> Step<Virtual> {
        let mut tape = Tape {
            dims: vec![ROWS],
            ..Tape::default()
        };
        let input = |buf| Input {
            buf,
            view: View::dense(&[ROWS]),
            of_rows: false,
            dtype: DType::F32,
        };
        let output = |reg, buf| Output {
            reg,
            buf,
            extent: Extent::Full,
            view: None,
        };
        let x = tape.input(input(from));
        let y = tape.push(Instr::Unary(UnaryOp::Tanh, x), DType::F32);
        tape.outputs.push(output(y, to));
        if let Some((other, sum)) = sum {
            let z = tape.input(input(other));
            let z = tape.push(Instr::Binary(BinaryOp::Add, x, z), DType::F32);
            tape.outputs.push(output(z, sum));
        }
        let geometry = Geometry::of(&tape);
        Step::Loops(vec![(tape, geometry)])
    }

    fn checked<const N: usize>(buffers: &Buffers, steps: [Step<Virtual>; N]) -> Result<(), usize> {
        let steps = steps.map(|step| (step, String::new()));
        check(&steps, buffers, &plan_memory(&steps, buffers))
    }

    #[test]
    fn a_value_is_read_before_its_memory_is_used_again() {
        let (buffers, b) = buffers(&[2, 3, 3, 4]);
        let [x, first, second, out] = b[..] else {
            panic!("four buffers")
        };
        let made = [copy(x, first), copy(first, out), copy(x, second)];
        assert_eq!(checked(&buffers, made), Ok(()));
        let late = [copy(x, first), copy(x, second), copy(first, out)];
        assert_eq!(checked(&buffers, late), Err(2));
    }

    #[test]
    fn a_value_is_there_before_it_is_read_and_stays_as_it_is() {
        let (buffers, b) = buffers(&[2, 3, 4]);
        let [x, y, out] = b[..] else {
            panic!("three buffers")
        };
        assert_eq!(checked(&buffers, [copy(y, out), copy(x, y)]), Err(0));
        let again = [copy(x, y), copy(y, out), copy(x, y)];
        assert_eq!(checked(&buffers, again), Err(2));
    }

    #[test]
    fn only_a_nest_that_reads_one_operand_there_works_in_place() {
        let (mut buffers, b) = buffers(&[2, 2, 3, 4]);
        let [x, over, sum, alias] = b[..] else {
            panic!("four buffers")
        };
        buffers[alias].storage = Storage::Within(x, 0);
        assert_eq!(checked(&buffers, [nest(x, over, None)]), Ok(()));
        assert_eq!(checked(&buffers, [copy(x, over)]), Err(0));
        let both = [nest(x, over, Some((alias, sum)))];
        assert_eq!(checked(&buffers, both), Err(0));
    }
}
