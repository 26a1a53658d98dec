//! From a graph to a linked plan.

use cranelift_entity::EntityRef;
use refrain_graph::Graph;

use crate::buffer::{Buf, Buffers, Storage, root_of};
use crate::flatten::flatten;
use crate::kernels::arena::{AlignedBytes, MemoryRange, PlanFault};
use crate::kernels::epilogue::FusedEpilogue;
use crate::kernels::nest::{Nest, Nests};
use crate::lower::{Lowered, geometries, lower};
use crate::packing::Pack;
use crate::plan::{MemoryPlan, check, plan_memory};
use crate::rematerialize::rematerialize;
use crate::simd::Simd;
use crate::slots::PARAMS;
use crate::step::{Call, Noted, Physical, Step, Virtual};
use crate::tape::{Geometry, Tape, compile_nest};
use crate::{CompileError, CompileOptions};

/// Most loop nests that run as one step.
const MAX_TOGETHER: usize = 256;

/// A program whose every buffer has its memory.
pub struct Plan {
    /// The steps, with a line of text each.
    pub steps: Vec<Noted<Physical>>,
    /// Bytes of the arena.
    pub arena: usize,
    /// The constants.
    pub constants: AlignedBytes,
    /// Number of slots.
    pub slots: usize,
    /// Loops' bodies.
    pub bodies: Vec<Plan>,
    /// Parts of a loop's rows that run this body by themselves.
    pub parts: usize,
    /// Floating-point operations of a run.
    pub flops: u64,
    /// Parameters that products read packed, to be bound from slot `first_pack` on.
    pub packs: Vec<Pack>,
    /// The slot of the first packed matrix.
    pub first_pack: usize,
}

impl Plan {
    /// Bytes of constants, the bodies' included.
    pub fn constant_bytes(&self) -> usize {
        let own = self.constants.bytes().len();
        own + self.bodies.iter().map(Plan::constant_bytes).sum::<usize>()
    }
}

/// Compiles a graph that has been simplified. `lasting` tells of each parameter whether it stays the same in many runs.
pub(crate) fn compile_graph(
    graph: &Graph,
    options: &CompileOptions,
    simd: Simd,
    lasting: Vec<bool>,
) -> Result<Plan, CompileError> {
    let flat = flatten(graph)?;
    let graph = flat.as_ref().unwrap_or(graph);
    let again = match options.fuse {
        true => rematerialize(graph)?,
        false => None,
    };
    let graph = again.as_ref().unwrap_or(graph);
    let Lowered {
        mut steps,
        buffers,
        constants,
        bodies,
        flops,
        packs,
    } = lower(graph, options, simd, lasting)?;
    if options.fuse {
        steps = fuse_horizontally(steps, &buffers);
    }
    let memory = plan_memory(&steps, &buffers);
    check_plan(&steps, &buffers, &memory)?;
    let linker = Linker {
        memory: &memory,
        simd,
    };
    let steps = steps.into_iter().map(|step| linker.linked(step));
    let steps = steps.collect::<Result<_, CompileError>>()?;
    let mut bytes = AlignedBytes::zeroed(constants.len())?;
    bytes.bytes_mut().copy_from_slice(&constants);
    let first_pack = PARAMS as usize + graph.params().len() + graph.results().len();
    Ok(Plan {
        first_pack,
        steps,
        arena: memory.arena,
        constants: bytes,
        slots: first_pack + packs.len(),
        packs: packs.into_iter().map(|(pack, _)| pack).collect(),
        bodies,
        parts: 1,
        flops,
    })
}

/// In builds with debug assertions, refuses a plan in which a step would read what has been overwritten.
fn check_plan(
    steps: &[Noted<Virtual>],
    buffers: &Buffers,
    memory: &MemoryPlan,
) -> Result<(), CompileError> {
    match cfg!(debug_assertions).then(|| check(steps, buffers, memory)) {
        Some(Err(step)) => {
            let note = steps[step].1.clone();
            Err(CompileError::Plan(PlanFault::Overwritten, note))
        }
        _ => Ok(()),
    }
}

/// Horizontal fusion: loop nests that follow each other and do not depend on each other become one step.
fn fuse_horizontally(steps: Vec<Noted<Virtual>>, buffers: &Buffers) -> Vec<Noted<Virtual>> {
    let root = |buf: Buf| {
        let (root, _) = root_of(buffers, buf);
        // Buffers in one slot are one memory.
        match buffers[root].storage {
            Storage::Slot(slot, _) => (true, slot),
            _ => (false, root.as_u32()),
        }
    };
    let mut joined: Vec<Noted<Virtual>> = Vec::new();
    let mut written = std::collections::HashSet::new();
    let mut read = std::collections::HashSet::new();
    for (step, note) in steps {
        let (mut reads, mut writes) = (Vec::new(), Vec::new());
        step.visit(&mut |buf, write| {
            if write {
                writes.push(buf)
            } else {
                reads.push(buf)
            }
        });
        let independent = reads.iter().all(|&b| !written.contains(&root(b)))
            && writes
                .iter()
                .all(|&b| !written.contains(&root(b)) && !read.contains(&root(b)));
        match (joined.last_mut(), step) {
            (Some((Step::Loops(tapes), text)), Step::Loops(more))
                if independent && tapes.len() + more.len() <= MAX_TOGETHER =>
            {
                tapes.extend(more);
                text.push_str("\n    ");
                text.push_str(&note);
            }
            (_, step) => {
                written.clear();
                read.clear();
                joined.push((step, note));
            }
        }
        written.extend(writes.into_iter().map(root));
        read.extend(reads.into_iter().map(root));
    }
    joined
}

struct Linker<'a> {
    memory: &'a MemoryPlan,
    simd: Simd,
}

impl Linker<'_> {
    fn step(&self, step: Step<Virtual>) -> Result<Step<Physical>, PlanFault> {
        Ok(match step {
            Step::Loops(tapes) => {
                let nests = tapes
                    .iter()
                    .map(|(tape, geometry)| self.nest(tape, geometry));
                Step::Loops(Nests::new(nests.collect::<Result<_, _>>()?)?)
            }
            Step::Call(call) => {
                let tape = call.epilogue.as_deref();
                let epilogue = tape.map(|tape| self.epilogue(&call, tape)).transpose()?;
                Step::Call(Box::new(call.map(|r| self.memory.of_range(r), epilogue)))
            }
            Step::Scan(scan) => Step::Scan(Box::new(scan.map(|r| self.memory.of_range(*r)))),
        })
    }

    fn nest(&self, tape: &Tape, geometry: &Geometry) -> Result<Nest, PlanFault> {
        let nest = compile_nest(tape, geometry, &|buf| self.memory.of(buf), self.simd);
        nest.ok_or(PlanFault::Kernel)
    }

    /// The nests that work on a kernel's result.
    fn epilogue(&self, call: &Call<Virtual>, tape: &Tape) -> Result<FusedEpilogue, PlanFault> {
        let (whole, narrow) = geometries(tape);
        let whole = whole
            .map(|geometry| self.nest(tape, &geometry))
            .transpose()?;
        let narrow = self.nest(tape, &narrow)?;
        let (Some(result), Some(tiling)) = (call.writes[0], call.kernel.tiling()) else {
            return Err(PlanFault::Kernel);
        };
        let own = |buf: Buf| {
            tape.outputs.iter().any(|o| o.buf == buf) || tape.inputs.iter().any(|i| i.buf == buf)
        };
        let operands = call.reads.iter().chain(&call.writes).flatten();
        let others = operands.filter(|r| r.buf != result.buf && !own(r.buf));
        let others: Vec<MemoryRange> = others.map(|r| self.memory.of_range(*r)).collect();
        let result = self.memory.of_range(result);
        FusedEpilogue::new(whole, narrow, (result, tiling), &others)
    }

    /// The step over memory ranges, and its line.
    fn linked(
        &self,
        (step, note): Noted<Virtual>,
    ) -> Result<(Step<Physical>, String), CompileError> {
        let text = self.explain(&step, &note);
        let step = self.step(step);
        Ok((step.map_err(|f| CompileError::Plan(f, note))?, text))
    }

    /// The step's line: what it does, what it reads and where it writes.
    fn explain(&self, step: &Step<Virtual>, note: &str) -> String {
        let (mut reads, mut writes) = (Vec::new(), Vec::new());
        step.visit(&mut |buf, write| {
            let memory = self.memory.of(buf);
            let text = format!("{}@{}+{}", buf.index(), memory.slot, memory.offset);
            let list = if write { &mut writes } else { &mut reads };
            if !list.iter().any(|(t, _)| *t == text) {
                list.push((text, memory));
            }
        });
        let overwritten = |(_, read): &(String, MemoryRange)| {
            writes.iter().any(|(_, written)| written.begins_with(read))
        };
        let in_place = reads.iter().any(overwritten);
        let join = |list: &[(String, MemoryRange)]| {
            list.iter()
                .map(|(t, _)| t.as_str())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let mark = if in_place { " in place" } else { "" };
        format!("{note}: {} -> {}{mark}", join(&reads), join(&writes))
    }
}
