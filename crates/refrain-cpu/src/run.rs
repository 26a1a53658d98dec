//! How the steps of a linked plan run.

use std::sync::{Mutex, PoisonError};

use crate::compile::Plan;
use crate::kernels::arena::{Memory, MemoryRange, Partition, PlanFault, SharedMemory, SlotTable};
use crate::slots::{ARENA, CONSTANTS, PARAMS};
use crate::step::{LoopPack, Physical, ScanLoop, Step, Stepwise};
use crate::{Pool, RunError};

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

fn run_step(
    plan: &Plan,
    step: &Step<Physical>,
    memory: &mut Memory<'_>,
    bodies: &mut [Vec<Frame>],
    pool: &Pool,
) -> Result<(), Failure> {
    match step {
        Step::Loops(nests) => nests.run(memory, pool)?,
        Step::Call(call) => call.run(memory, pool)?,
        Step::Scan(scan) => run_scan(plan, scan, memory, bodies, pool)?,
    }
    Ok(())
}

fn run_scan(
    plan: &Plan,
    scan: &ScanLoop<MemoryRange>,
    memory: &mut Memory<'_>,
    frames: &mut [Vec<Frame>],
    pool: &Pool,
) -> Result<(), Failure> {
    let (body, frames) = (&plan.bodies[scan.body], &mut frames[scan.body]);
    // Constants come last among the inputs.
    let first = scan.carries.len() + scan.sequences.len();
    for (pack, to) in body.packs.iter().zip(&scan.packed) {
        if !to.before {
            let constant = &scan.constants[pack.param - first];
            pack.run(constant.memory, to.packed, memory, pool)?;
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

/// Binds all memory of a loop with all of its rows and steps, which fails if a range that is written lies over another.
fn bind_whole(
    scan: &ScanLoop<MemoryRange>,
    memory: &SharedMemory<'_, '_>,
    frame: &mut Frame,
) -> Result<(), PlanFault> {
    let mut inner = frame.table.bind();
    let stepwise = |s: &Stepwise<MemoryRange>| s.memory;
    let read = scan.carries.iter().map(|c| c.init);
    let read = read.chain(scan.sequences.iter().map(stepwise));
    let read = read.chain(scan.constants.iter().map(|c| c.memory));
    let read = read.chain(scan.packed.iter().map(|p| p.packed));
    let written = scan.carries.iter().flat_map(|c| [c.last, c.spare]);
    let written = written.chain(scan.stacked.iter().map(stepwise));
    let written = written.chain([scan.arena]);
    let all = read.map(|r| (r, false)).chain(written.map(|r| (r, true)));
    all.enumerate().try_for_each(|(slot, (range, writable))| {
        memory.bind(&mut inner, slot, range, Partition::WHOLE, writable)
    })
}

/// Runs all steps of a loop for one part of the rows.
fn run_part(
    body: &Plan,
    scan: &ScanLoop<MemoryRange>,
    memory: &SharedMemory<'_, '_>,
    part: usize,
    frame: &mut Frame,
    pool: &Pool,
) -> Result<(), Failure> {
    let partition = Partition {
        index: part,
        count: scan.parts,
    };
    for i in 0..scan.length {
        let t = if scan.reverse { scan.length - 1 - i } else { i };
        let mut inner = frame.table.bind();
        inner.read_only(CONSTANTS as usize, body.constants.bytes());
        bind_step(scan, memory, &mut inner, (i, t), partition)?;
        run_plan(body, &mut inner, &mut frame.bodies, pool)?;
    }
    Ok(())
}

/// Binds what the body reads and writes in the `i`th step, which is that of position `t`.
fn bind_step<'s>(
    scan: &ScanLoop<MemoryRange>,
    memory: &SharedMemory<'s, '_>,
    inner: &mut Memory<'s>,
    (i, t): (usize, usize),
    partition: Partition,
) -> Result<(), PlanFault> {
    memory.bind(inner, ARENA as usize, scan.arena, partition, true)?;
    let mut slot = PARAMS as usize;
    let mut bind = |range: MemoryRange, partition: Partition, writable: bool| {
        slot += 1;
        memory.bind(inner, slot - 1, range, partition, writable)
    };
    let nth = |s: &Stepwise<MemoryRange>| s.memory.part(t * s.step, s.step);
    // Carries alternate between two ranges so that the last step writes the final one.
    let to_last = (scan.length - 1 - i).is_multiple_of(2);
    for carry in &scan.carries {
        let from = match (i, to_last) {
            (0, _) => carry.init,
            (_, true) => carry.spare,
            (_, false) => carry.last,
        };
        bind(from, partition, false)?;
    }
    for s in &scan.sequences {
        bind(nth(s), partition, false)?;
    }
    for c in &scan.constants {
        let rows = if c.cut { partition } else { Partition::WHOLE };
        bind(c.memory, rows, false)?;
    }
    for carry in &scan.carries {
        let to = if to_last { carry.last } else { carry.spare };
        bind(to, partition, true)?;
    }
    for s in &scan.stacked {
        bind(nth(s), partition, true)?;
    }
    for LoopPack { packed, .. } in &scan.packed {
        bind(*packed, Partition::WHOLE, false)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::Carry;

    #[test]
    fn a_loop_in_parts_whose_ranges_lie_over_each_other_is_refused() {
        let range = |first: usize| MemoryRange {
            slot: 0,
            offset: 8 * first,
            bytes: 16,
        };
        let bound = |init: usize, last: usize, spare: usize| {
            let carry = |first: usize| Carry {
                init: range(first + init),
                last: range(first + last),
                spare: range(first + spare),
            };
            let scan = ScanLoop {
                body: 0,
                length: 3,
                reverse: false,
                parts: 2,
                carries: vec![carry(0), carry(6)],
                sequences: Vec::new(),
                constants: Vec::new(),
                stacked: Vec::new(),
                packed: Vec::new(),
                arena: range(12),
            };
            let (mut outer, mut values) = (SlotTable::new(1), [0u64; 14]);
            let mut frame = Frame {
                table: SlotTable::new(7),
                bodies: Vec::new(),
            };
            let mut memory = outer.bind();
            memory.writable(0, &mut values);
            bind_whole(&scan, &memory.shared(), &mut frame)
        };
        assert_eq!(bound(0, 2, 4), Ok(()));
        for (init, last, spare) in [(0, 2, 1), (0, 1, 4), (0, 2, 3), (0, 2, 6), (6, 2, 4)] {
            assert_eq!(bound(init, last, spare), Err(PlanFault::Overlap));
        }
    }
}
