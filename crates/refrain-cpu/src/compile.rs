//! From a graph to a linked plan.

use cranelift_entity::EntityRef;
use refrain_graph::Graph;

use crate::flatten::flatten;
use crate::kernels::arena::{AlignedBytes, Place, PlanFault};
use crate::kernels::copy::{Copy, Side};
use crate::kernels::finish::{Finish, Parts};
use crate::kernels::gemm::Product;
use crate::kernels::nest::Nests;
use crate::library::{Call, Part};
use crate::lower::{Lowered, PARAMS, geometries, lower};
use crate::plan::{
    Buf, Buffers, Carry, CopyDraft, DotDraft, Draft, Home, LoopConstant, LoopPack, Pack, Places,
    RightHand, ScanDraft, Stepwise, check, place,
};
use crate::recompute::recompute;
use crate::simd::Simd;
use crate::step::{DotStep, ScanStep, Step, Tensor};
use crate::tape::{self, Geometry, Places as _, Tape};
use crate::{CompileError, CompileOptions};

/// Most loop nests that run as one step.
const MAX_TOGETHER: usize = 256;

/// A program whose every buffer has its place.
pub struct Plan {
    /// The steps, with a line of text each.
    pub steps: Vec<(Step, String)>,
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
        true => recompute(graph)?,
        false => None,
    };
    let graph = again.as_ref().unwrap_or(graph);
    let Lowered {
        drafts,
        buffers,
        constants,
        bodies,
        flops,
        packs,
    } = lower(graph, options, simd, lasting)?;
    let drafts = if options.fuse {
        run_together(drafts, &buffers)
    } else {
        drafts
    };
    let only: Vec<&Draft> = drafts.iter().map(|(d, _)| d).collect();
    let places = place(&only, &buffers);
    if cfg!(debug_assertions)
        && let Err(step) = check(&only, &buffers, &places)
    {
        let note = drafts[step].1.clone();
        return Err(CompileError::Plan(PlanFault::Overwritten, note));
    }
    let linker = Linker {
        places: &places,
        buffers: &buffers,
        simd,
    };
    let mut steps = Vec::with_capacity(drafts.len());
    for (draft, note) in &drafts {
        let step = linker
            .step(draft)
            .map_err(|f| CompileError::Plan(f, note.clone()))?;
        steps.push((step, linker.explain(draft, note)));
    }
    let mut bytes = AlignedBytes::zeroed(constants.len());
    bytes.bytes_mut().copy_from_slice(&constants);
    let first_pack = PARAMS as usize + graph.params().len() + graph.results().len();
    Ok(Plan {
        first_pack,
        steps,
        arena: places.arena,
        constants: bytes,
        slots: first_pack + packs.len(),
        packs: packs.into_iter().map(|(pack, _)| pack).collect(),
        bodies,
        parts: 1,
        flops,
    })
}

/// Joins loop nests that follow each other and do not depend on each other into one step.
fn run_together(drafts: Vec<(Draft, String)>, buffers: &Buffers) -> Vec<(Draft, String)> {
    let root = |mut buf: Buf| {
        while let Home::Within(outer, _) = buffers[buf].home {
            buf = outer;
        }
        // Buffers in one slot are one memory.
        match buffers[buf].home {
            Home::Slot(slot, _) => (true, slot),
            _ => (false, buf.as_u32()),
        }
    };
    let mut joined: Vec<(Draft, String)> = Vec::new();
    let mut written = std::collections::HashSet::new();
    let mut read = std::collections::HashSet::new();
    for (draft, note) in drafts {
        let (mut reads, mut writes) = (Vec::new(), Vec::new());
        draft.touches(&mut |buf, write| {
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
        match (joined.last_mut(), draft) {
            (Some((Draft::Loops(tapes), text)), Draft::Loops(more))
                if independent && tapes.len() + more.len() <= MAX_TOGETHER =>
            {
                tapes.extend(more);
                text.push_str("\n    ");
                text.push_str(&note);
            }
            (_, draft) => {
                written.clear();
                read.clear();
                joined.push((draft, note));
            }
        }
        written.extend(writes.into_iter().map(root));
        read.extend(reads.into_iter().map(root));
    }
    joined
}

struct Linker<'a> {
    places: &'a Places,
    buffers: &'a Buffers,
    simd: Simd,
}

impl Linker<'_> {
    fn step(&self, draft: &Draft) -> Result<Step, PlanFault> {
        Ok(match draft {
            Draft::Loops(tapes) => {
                let nests = tapes
                    .iter()
                    .map(|(tape, geometry)| tape::link(tape, geometry, self.places, self.simd))
                    .collect::<Option<Vec<_>>>()
                    .ok_or(PlanFault::Kernel)?;
                Step::Loops(Nests::new(nests)?)
            }
            Draft::Copy(copy) => Step::Copy(self.copy(copy)?),
            Draft::Dot(dot) => Step::Dot(Box::new(self.dot(dot)?)),
            Draft::Random { state, next, bits } => Step::Random {
                state: self.at(*state),
                next: self.at((*next, 0)),
                bits: self.at((*bits, 0)),
                count: self.buffers[*bits].bytes / size_of::<u32>(),
            },
            Draft::Call {
                kernel,
                reads,
                writes,
                finish,
            } => Step::Call(Box::new(Call {
                kernel: (**kernel).clone(),
                reads: reads.iter().map(|&r| self.part(r)).collect(),
                writes: writes.iter().map(|&b| self.part((b, 0))).collect(),
                finish: match finish {
                    Some(tape) => {
                        let parts = Parts {
                            place: self.places.place(writes[0]),
                            rows: usize::MAX,
                            whole_rows: false,
                        };
                        Some(self.finish(draft, tape, writes[0], parts)?)
                    }
                    None => None,
                },
            })),
            Draft::Scan(scan) => Step::Scan(Box::new(self.scan(scan))),
        })
    }

    fn at(&self, (buf, byte): (Buf, usize)) -> Place {
        let place = self.places.place(buf);
        Place {
            slot: place.slot,
            offset: place.offset + byte,
        }
    }

    fn part(&self, (buf, byte): (Buf, usize)) -> Part {
        Part {
            place: self.at((buf, byte)),
            bytes: self.places.bytes(buf) - byte,
        }
    }

    fn copy(&self, copy: &CopyDraft) -> Result<Copy, PlanFault> {
        let side = |r: &crate::plan::Ref| Side {
            place: self.places.place(r.buf),
            bytes: self.places.bytes(r.buf),
            offset: r.view.offset,
            strides: r.view.strides.clone(),
        };
        Copy::new(
            &copy.src.view.dims,
            side(&copy.src),
            side(&copy.dst),
            copy.size,
        )
    }

    /// The nests that work on `result` while it is made.
    fn finish(
        &self,
        draft: &Draft,
        tape: &Tape,
        result: Buf,
        parts: Parts,
    ) -> Result<Finish, PlanFault> {
        let (whole, narrow) = geometries(tape);
        let link =
            |g: &Geometry| tape::link(tape, g, self.places, self.simd).ok_or(PlanFault::Kernel);
        let whole = whole.as_ref().map(link).transpose()?;
        let own = |buf: Buf| {
            tape.outputs.iter().any(|o| o.buf == buf) || tape.inputs.iter().any(|i| i.buf == buf)
        };
        let mut others = Vec::new();
        draft.touches(&mut |buf, _| {
            if buf != result && !own(buf) {
                others.push((self.places.place(buf), self.places.bytes(buf)));
            }
        });
        Finish::new(whole, link(&narrow)?, parts, &others)
    }

    fn dot(&self, dot: &DotDraft) -> Result<DotStep, PlanFault> {
        let elements = |buf: Buf, first: usize| self.places.bytes(buf) / size_of::<f32>() - first;
        let side = |r: &crate::plan::Ref| Tensor {
            place: self.at((r.buf, r.view.offset * size_of::<f32>())),
            len: elements(r.buf, r.view.offset),
        };
        let whole = |buf: Buf| Tensor {
            place: self.places.place(buf),
            len: elements(buf, 0),
        };
        Ok(DotStep {
            lhs: side(&dot.lhs),
            rhs: match &dot.rhs {
                RightHand::Matrix(matrix, strides) => RightHand::Matrix(side(matrix), *strides),
                RightHand::Packed(buf) => RightHand::Packed(whole(*buf)),
            },
            out: whole(dot.out),
            sizes: dot.sizes,
            lhs_strides: dot.lhs_strides,
            scratch: dot.scratch.map(whole),
            finish: match &dot.finish {
                Some(tape) => {
                    let draft = Draft::Dot(dot.clone());
                    let [_, m, n, k] = dot.sizes;
                    let parts = Parts {
                        place: self.places.place(dot.out),
                        rows: m,
                        whole_rows: Product::has_whole_rows(m, n, k),
                    };
                    Some(self.finish(&draft, tape, dot.out, parts)?)
                }
                None => None,
            },
        })
    }

    fn scan(&self, scan: &ScanDraft) -> ScanStep {
        let stepwise = |place: (Buf, usize), bytes| Stepwise {
            place: self.at(place),
            bytes,
        };
        let carries = scan.carries.iter().map(|c| Carry {
            init: self.at(c.init),
            last: self.at(c.last),
            spare: self.at(c.spare),
            bytes: c.bytes,
        });
        let constants = scan.constants.iter().map(|c| LoopConstant {
            place: self.at(c.place),
            bytes: c.bytes,
            cut: c.cut,
        });
        let packed = scan.packed.iter().map(|p| LoopPack {
            packed: self.part((p.packed, 0)),
            before: p.before,
        });
        let sequences = scan.sequences.iter().map(|s| stepwise(s.place, s.bytes));
        let stacked = scan.stacked.iter().map(|s| stepwise((s.place, 0), s.bytes));
        ScanStep {
            body: scan.body,
            length: scan.length,
            parts: scan.parts,
            reverse: scan.reverse,
            carries: carries.collect(),
            sequences: sequences.collect(),
            constants: constants.collect(),
            stacked: stacked.collect(),
            packed: packed.collect(),
            arena: self.places.place(scan.arena),
            arena_bytes: self.places.bytes(scan.arena),
        }
    }

    /// The step's line: what it does, what it reads and where it writes.
    fn explain(&self, draft: &Draft, note: &str) -> String {
        let (mut reads, mut writes) = (Vec::new(), Vec::new());
        let mut in_place = false;
        draft.touches(&mut |buf, write| {
            let place = self.places.place(buf);
            let text = format!("{}@{}+{}", buf.index(), place.slot, place.offset);
            in_place |= write && reads.iter().any(|(_, p)| *p == place);
            let list = if write { &mut writes } else { &mut reads };
            if !list.iter().any(|(t, _)| *t == text) {
                list.push((text, place));
            }
        });
        let join = |list: &[(String, Place)]| {
            list.iter()
                .map(|(t, _)| t.as_str())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let mark = if in_place { " in place" } else { "" };
        format!("{note}: {} -> {}{mark}", join(&reads), join(&writes))
    }
}
