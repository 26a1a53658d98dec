//! Steps of a linked plan, and how they run.

use std::sync::{Mutex, PoisonError};

use refrain_graph::DType;

use crate::compile::Plan;
use crate::kernels::arena::{Memory, Place, PlanFault, SharedMemory, SlotTable};
use crate::kernels::copy::Copy;
use crate::kernels::finish::Finish;
use crate::kernels::gemm::{Product, Right, Tile, pack_right};
use crate::kernels::halves;
use crate::kernels::nest::Nests;
use crate::kernels::pack::Matrix;
use crate::kernels::rng;
use crate::library::{Call, CallError, Part};
use crate::lower::{CONSTANTS, PARAMS};
use crate::plan::{
    ARENA, Carry, LoopConstant, LoopPack, Pack, PackLayout, RightHand, Stepwise, Strides,
};
use crate::{Pool, RunError};

/// Elements of a buffer.
#[derive(Clone, Copy, Debug)]
pub struct Tensor {
    /// The first.
    pub place: Place,
    /// How many.
    pub len: usize,
}

/// A product of matrices.
pub struct DotStep {
    /// Left-hand side.
    pub lhs: Tensor,
    /// Right-hand side.
    pub rhs: RightHand<Tensor, Tensor>,
    /// Result.
    pub out: Tensor,
    /// Number of products, then rows, columns and depth.
    pub sizes: [usize; 4],
    /// How the left-hand side lies: rows and depth.
    pub lhs_strides: Strides,
    /// Room for partial sums.
    pub scratch: Option<Tensor>,
    /// Work on the result as it is made.
    pub finish: Option<Finish>,
}

/// A loop.
#[derive(Clone, Debug)]
pub struct ScanStep {
    /// Which of the plan's bodies.
    pub body: usize,
    /// Number of steps.
    pub length: usize,
    /// Whether it runs from the last step to the first.
    pub reverse: bool,
    /// Its carries.
    pub carries: Vec<Carry<Place>>,
    /// Its sequences.
    pub sequences: Vec<Stepwise<Place>>,
    /// Parts of the rows, each of which runs all steps by itself.
    pub parts: usize,
    /// Its constants.
    pub constants: Vec<LoopConstant<Place>>,
    /// Its stacked outputs.
    pub stacked: Vec<Stepwise<Place>>,
    /// The body's packed matrices.
    pub packed: Vec<LoopPack<Part>>,
    /// The arenas of the body, one for each part.
    pub arena: Place,
    /// Their bytes.
    pub arena_bytes: usize,
}

/// A step of a linked plan.
pub enum Step {
    /// Loop nests.
    Loops(Nests),
    /// A strided copy.
    Copy(Copy),
    /// A product of matrices.
    Dot(Box<DotStep>),
    /// Random bits.
    Random {
        /// The state.
        state: Place,
        /// The state after.
        next: Place,
        /// The bits.
        bits: Place,
        /// How many words.
        count: usize,
    },
    /// A call of a ready-made kernel.
    Call(Box<Call>),
    /// A loop.
    Scan(Box<ScanStep>),
}

/// Slot tables of a plan and its bodies, kept between runs.
pub struct Frame {
    /// The plan's own.
    pub table: SlotTable,
    /// Those of its bodies, for each part that runs by itself.
    pub bodies: Vec<Vec<Frame>>,
}

impl Frame {
    /// Those of a plan.
    pub fn of(plan: &Plan) -> Frame {
        Frame {
            table: SlotTable::new(plan.slots),
            bodies: plan
                .bodies
                .iter()
                .map(|body| (0..body.parts).map(|_| Frame::of(body)).collect())
                .collect(),
        }
    }
}

/// Runs the steps of a plan whose memory is bound.
pub fn run_plan(
    plan: &Plan,
    memory: &mut Memory<'_>,
    bodies: &mut [Vec<Frame>],
    pool: &Pool,
) -> Result<(), RunError> {
    for (step, text) in &plan.steps {
        run_step(plan, step, memory, bodies, pool).map_err(|e| match e {
            Failure::Fault(fault) => RunError::Plan(fault, text.clone()),
            Failure::Run(error) => error,
        })?;
    }
    Ok(())
}

enum Failure {
    Fault(PlanFault),
    Run(RunError),
}

impl From<PlanFault> for Failure {
    fn from(fault: PlanFault) -> Self {
        Failure::Fault(fault)
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Failure::Run(error)
    }
}

impl From<crate::kernels::LengthError> for Failure {
    fn from(_: crate::kernels::LengthError) -> Self {
        Failure::Fault(PlanFault::Kernel)
    }
}

fn run_step(
    plan: &Plan,
    step: &Step,
    memory: &mut Memory<'_>,
    bodies: &mut [Vec<Frame>],
    pool: &Pool,
) -> Result<(), Failure> {
    match step {
        Step::Loops(nests) => nests.run(memory, pool)?,
        Step::Copy(copy) => copy.run(memory, pool)?,
        Step::Dot(dot) => run_dot(dot, memory, pool)?,
        Step::Random {
            state,
            next,
            bits,
            count,
        } => {
            let step = memory.step();
            let words = step.read::<u32>(*state, 4)?;
            let state = [words[0], words[1], words[2], words[3]];
            let after = rng::random_bits(pool, state, step.write::<u32>(*bits, *count)?);
            step.write::<u32>(*next, 4)?.copy_from_slice(&after);
        }
        Step::Call(call) => call.run(memory, pool).map_err(|e| match e {
            CallError::Fault(fault) => Failure::Fault(fault),
            CallError::Length(error) => Failure::from(error),
        })?,
        Step::Scan(scan) => run_scan(plan, scan, memory, bodies, pool)?,
    }
    Ok(())
}

fn run_dot(dot: &DotStep, memory: &mut Memory<'_>, pool: &Pool) -> Result<(), Failure> {
    let step = memory.step();
    let [batch, m, n, k] = dot.sizes;
    let matrix = |data, strides: Strides| Matrix {
        data,
        row_stride: strides.row,
        col_stride: strides.col,
        batch_stride: strides.batch,
        inner: strides.inner.0,
        inner_stride: strides.inner.1,
    };
    let a = matrix(
        step.read::<f32>(dot.lhs.place, dot.lhs.len)?,
        dot.lhs_strides,
    );
    let b = match &dot.rhs {
        RightHand::Packed(packed) => Right::Packed(step.read::<f32>(packed.place, packed.len)?),
        RightHand::Matrix(rhs, strides) => {
            Right::Matrix(matrix(step.read::<f32>(rhs.place, rhs.len)?, *strides))
        }
    };
    let out = step.write::<f32>(dot.out.place, dot.out.len)?;
    let scratch = match dot.scratch {
        Some(s) => step.write::<f32>(s.place, s.len)?,
        None => &mut [],
    };
    let mut product = Product::new(m, n, k, a, b);
    product.batch = batch;
    match &dot.finish {
        Some(finish) => {
            let bound = finish.bind(&step)?;
            let epilogue = |tile: &mut Tile<'_>| bound.run(tile);
            product.epilogue = Some(&epilogue);
            product.run(pool, out, scratch)?;
        }
        None => product.run(pool, out, scratch)?,
    }
    Ok(())
}

/// Packs a matrix in a parameter.
pub fn run_pack(
    pack: &Pack,
    from: Part,
    to: Part,
    memory: &mut Memory<'_>,
    pool: &Pool,
) -> Result<(), PlanFault> {
    let step = memory.step();
    let size = pack.dtype.size();
    let skipped = pack.offset * size;
    let first = Place {
        slot: from.place.slot,
        offset: from.place.offset + skipped,
    };
    let len = (from.bytes - skipped) / size;
    let wide: Vec<f32>;
    let data = match pack.dtype {
        DType::F16 => {
            wide = halves::widened_f16(pool.simd(), step.read(first, len)?);
            &wide
        }
        DType::BF16 => {
            wide = halves::widened_bf16(pool.simd(), step.read(first, len)?);
            &wide
        }
        _ => step.read::<f32>(first, len)?,
    };
    let out = step.write::<f32>(to.place, to.bytes / size_of::<f32>())?;
    let done = match &pack.layout {
        PackLayout::Matrix {
            strides: [row, col],
            sizes: [k, n],
        } => pack_right(pool, &Matrix::strided(data, *row, *col), *k, *n, out),
        PackLayout::Kernel(plan) => plan.pack(pool, data, out),
    };
    done.map_err(|_| PlanFault::Kernel)
}

/// Where step `t` of something stacked begins.
fn nth(place: Place, t: usize, bytes: usize) -> Place {
    Place {
        slot: place.slot,
        offset: place.offset + t * bytes,
    }
}

fn run_scan(
    plan: &Plan,
    scan: &ScanStep,
    memory: &mut Memory<'_>,
    frames: &mut [Vec<Frame>],
    pool: &Pool,
) -> Result<(), Failure> {
    let (body, frames) = (&plan.bodies[scan.body], &mut frames[scan.body]);
    // Constants come last among the inputs.
    let first = scan.carries.len() + scan.sequences.len();
    for (pack, to) in body.packs.iter().zip(&scan.packed) {
        if !to.before {
            let &LoopConstant { place, bytes, .. } = &scan.constants[pack.param - first];
            run_pack(pack, Part { place, bytes }, to.packed, memory, pool)?;
        }
    }
    let (shared, failure) = (memory.shared(), Mutex::new(None));
    match &mut frames[..] {
        [frame] => return run_part(body, scan, &shared, 0, frame, pool),
        [frame, ..] => bind_whole(scan, &shared, frame)?,
        [] => {}
    }
    pool.for_chunks_mut(frames, 1, |part, frames| {
        for frame in frames {
            if let Err(e) = run_part(body, scan, &shared, part, frame, pool) {
                let mut first = failure.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert(e);
            }
        }
    });
    let failure = failure.into_inner();
    match failure.unwrap_or_else(PoisonError::into_inner) {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// Binds all places of a loop with all of their rows and steps, which fails if one that is written lies over another.
fn bind_whole(
    scan: &ScanStep,
    memory: &SharedMemory<'_, '_>,
    frame: &mut Frame,
) -> Result<(), PlanFault> {
    let mut inner = frame.table.bind();
    let mut bind = |slot: usize, from: (Place, usize), writable: bool| {
        memory.bind(&mut inner, slot, from, (0, 1), writable)
    };
    bind(ARENA as usize, (scan.arena, scan.arena_bytes), true)?;
    let first = PARAMS as usize;
    let carries = || scan.carries.iter();
    let stepwise = |s: &Stepwise<Place>| (s.place, s.bytes * scan.length);
    let init = carries().map(|c| (c.init, c.bytes));
    let read = init.chain(scan.sequences.iter().map(stepwise));
    let read = read.chain(scan.constants.iter().map(|c| (c.place, c.bytes)));
    let last = carries().map(|c| (c.last, c.bytes));
    let written = last.chain(scan.stacked.iter().map(stepwise));
    let places = read.map(|p| (p, false)).chain(written.map(|p| (p, true)));
    let packed = scan.packed.iter().map(|p| &p.packed);
    let packed = packed.map(|part| ((part.place, part.bytes), false));
    for (i, (place, writable)) in places.chain(packed).enumerate() {
        bind(first + i, place, writable)?;
    }
    // Once the first values have been read, their slots hold those of every other step.
    let mut spare = carries().map(|c| (c.spare, c.bytes)).enumerate();
    spare.try_for_each(|(i, place)| bind(first + i, place, true))
}

/// Runs all steps of a loop for one part of the rows.
fn run_part(
    body: &Plan,
    scan: &ScanStep,
    memory: &SharedMemory<'_, '_>,
    part: usize,
    frame: &mut Frame,
    pool: &Pool,
) -> Result<(), Failure> {
    let parts = (part, scan.parts);
    for i in 0..scan.length {
        let t = if scan.reverse { scan.length - 1 - i } else { i };
        let mut inner = frame.table.bind();
        memory.bind(
            &mut inner,
            ARENA as usize,
            (scan.arena, scan.arena_bytes),
            parts,
            true,
        )?;
        inner.read_only(CONSTANTS as usize, body.constants.bytes());
        let mut slot = PARAMS as usize;
        let mut bind = |from: (Place, usize), parts: (usize, usize), writable: bool| {
            slot += 1;
            memory.bind(&mut inner, slot - 1, from, parts, writable)
        };
        // Carries alternate between two places so that the last step writes the final one.
        let to_last = (scan.length - 1 - i).is_multiple_of(2);
        for carry in &scan.carries {
            let from = match (i, to_last) {
                (0, _) => carry.init,
                (_, true) => carry.spare,
                (_, false) => carry.last,
            };
            bind((from, carry.bytes), parts, false)?;
        }
        for s in &scan.sequences {
            bind((nth(s.place, t, s.bytes), s.bytes), parts, false)?;
        }
        for c in &scan.constants {
            bind(
                (c.place, c.bytes),
                if c.cut { parts } else { (0, 1) },
                false,
            )?;
        }
        for carry in &scan.carries {
            let to = if to_last { carry.last } else { carry.spare };
            bind((to, carry.bytes), parts, true)?;
        }
        for s in &scan.stacked {
            bind((nth(s.place, t, s.bytes), s.bytes), parts, true)?;
        }
        for LoopPack { packed, .. } in &scan.packed {
            bind((packed.place, packed.bytes), (0, 1), false)?;
        }
        run_plan(body, &mut inner, &mut frame.bodies, pool)?;
    }
    Ok(())
}
