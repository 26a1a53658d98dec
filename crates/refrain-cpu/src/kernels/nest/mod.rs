//! Loop nests: a tape of elementwise instructions over blocks that stay in the first-level cache, with reductions along
//! rows inside the tape and reductions over rows at its end.
//!
//! The index space is `batch * rows * cols` elements. A block is either some whole rows or a piece of one row. Registers
//! hold one block ([`Extent::Full`]), one element per row of the block, or one element.

mod check;
mod run;
mod walk;

use super::arena::{Memory, MemoryRange, PlanFault, Slot};
use super::elementwise::BlockLoop;
use super::pool::Pool;

/// Largest scratch of a nest, in bytes; it lies on the stack of each thread, which has 2 MiB at least.
pub const MAX_SCRATCH: usize = 256 * 1024;
/// Most operands of a nest.
pub const MAX_OPERANDS: usize = 48;
/// Most dimensions of an operand's walk.
pub const MAX_WALK: usize = 12;
/// Fewer elements than this (times the instructions over them) are not worth waking a thread for: measured, some 10 µs.
const MIN_PARALLEL_WORK: usize = 64 * 1024;

/// How many elements a register or instruction has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Extent {
    /// One element.
    Uniform,
    /// One per row of the block.
    Row,
    /// The whole block.
    Full,
}

/// How an operand's memory follows the index space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Element `i` is the index space's element `i`.
    Flat,
    /// Element `i` belongs to column `i`, whatever the row.
    Column,
    /// Element `i` belongs to row `i`, whatever the column.
    Row,
    /// One element for all.
    Fixed,
    /// By strides over the index space.
    Walk,
    /// By strides over the rows.
    RowWalk,
}

/// Memory that a nest reads or writes.
#[derive(Clone, Debug)]
pub struct Operand {
    /// The buffer.
    pub memory: MemoryRange,
    /// Bytes per element.
    pub size: usize,
    /// Its first element, in elements from the buffer's beginning.
    pub start: usize,
    /// How it follows the index space.
    pub reading: Reading,
    /// Sizes of a walk, outermost first.
    pub dims: Vec<usize>,
    /// Strides of a walk in elements.
    pub strides: Vec<isize>,
    /// Whether it is written.
    pub output: bool,
    /// Whether it is written only by stores at the end of the block, so that it may be the memory of an input.
    pub staged: bool,
}

/// Where an instruction finds or leaves a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loc {
    /// Scratch, at this byte.
    Scratch(usize),
    /// An operand's own memory.
    Operand(usize),
    /// A constant.
    Imm(usize),
}

/// One instruction.
#[derive(Clone, Debug)]
pub enum Action {
    /// An elementwise kernel.
    Compute {
        /// The loop.
        kernel: BlockLoop,
        /// The result.
        dst: Loc,
        /// The operands, each with its extent.
        src: [Option<(Loc, Extent)>; 3],
        /// Of the result.
        extent: Extent,
    },
    /// Copies an operand's elements of this block together.
    Gather {
        /// Which operand.
        operand: usize,
        /// Where to.
        dst: Loc,
        /// `Full` or `Row`.
        extent: Extent,
    },
    /// Reduces each row of a full register to an element of a row register.
    ReduceRows {
        /// The loop.
        kernel: BlockLoop,
        /// A row register.
        dst: Loc,
        /// A full register.
        src: Loc,
    },
    /// Copies a register to an operand.
    Store {
        /// Which operand.
        operand: usize,
        /// The register.
        src: Loc,
        /// Of the register.
        extent: Extent,
    },
}

/// A reduction over the rows of each batch.
#[derive(Clone, Debug)]
pub struct Sink {
    /// `dst = dst (+) src`.
    pub accumulate: BlockLoop,
    /// The register that is reduced.
    pub src: Loc,
    /// The accumulator, a full register.
    pub acc: usize,
    /// Bytes per element.
    pub size: usize,
    /// The identity.
    pub identity: u64,
    /// The operand that gets each part's sums, `batch * parts * cols` elements.
    pub partial: usize,
    /// The operand that gets the sum of the parts, if there is more than one part.
    pub total: Option<usize>,
}

/// A loop nest.
#[derive(Clone, Debug)]
pub struct Nest {
    /// Independent pieces.
    pub batch: usize,
    /// Rows of a piece.
    pub rows: usize,
    /// Elements of a row.
    pub cols: usize,
    /// Rows of a block.
    pub block_rows: usize,
    /// Elements of a row in a block; all, or `block_rows` is 1.
    pub block_cols: usize,
    /// Blocks that one task runs.
    pub blocks_per_task: usize,
    /// What is read and written.
    pub operands: Vec<Operand>,
    /// Constants.
    pub imms: Vec<u64>,
    /// Done once per task.
    pub prologue: Vec<Action>,
    /// Done for each block.
    pub body: Vec<Action>,
    /// Reductions over rows, which take in each block after its body.
    pub sinks: Vec<Sink>,
    /// Done last for each block: only here may the memory of an input be written, which nothing reads any more.
    pub stores: Vec<Action>,
    /// Bytes of scratch.
    pub scratch: usize,
}

/// Nests that run together: their tasks are spread over the threads.
pub struct Nests {
    nests: Vec<Nest>,
    /// The number of each nest's first task.
    first_task: Vec<usize>,
    tasks: usize,
    work: usize,
}

/// The slots of a memory for several threads.
#[derive(Clone, Copy)]
pub(super) struct Slots<'a>(pub(super) &'a [Slot]);
// SAFETY: tasks write disjoint ranges: `Nests::new` has checked that outputs overlap nothing but a staged output's own
// input, and each task writes the elements of its own blocks.
unsafe impl Sync for Slots<'_> {}

impl Slots<'_> {
    pub(super) fn pointer(&self, operand: &Operand) -> *mut u8 {
        let slot = &self.0[operand.memory.slot as usize];
        // SAFETY: `Nests::run` has checked that the buffer lies inside the slot and `Nest::check` that `start` lies
        // inside the buffer.
        unsafe {
            slot.ptr
                .add(operand.memory.offset + operand.start * operand.size)
        }
    }
}

impl Nest {
    pub(super) fn col_blocks(&self) -> usize {
        self.cols.div_ceil(self.block_cols)
    }

    pub(super) fn row_blocks(&self) -> usize {
        self.rows.div_ceil(self.block_rows)
    }

    /// Parts that each column of a batch is reduced in.
    pub fn parts(&self) -> usize {
        self.row_blocks().div_ceil(self.blocks_per_task)
    }

    pub(super) fn tasks(&self) -> usize {
        let columns = self.batch * self.col_blocks();
        if self.sinks.is_empty() {
            (columns * self.row_blocks()).div_ceil(self.blocks_per_task)
        } else {
            columns * self.parts()
        }
    }

    /// Blocks of a task; block `i` is row block `i % row_blocks` of column block `i / row_blocks` counted over batches.
    pub(super) fn blocks(&self, task: usize) -> std::ops::Range<usize> {
        let per_column = self.row_blocks();
        if self.sinks.is_empty() {
            let total = self.batch * self.col_blocks() * per_column;
            let first = task * self.blocks_per_task;
            return first..total.min(first + self.blocks_per_task);
        }
        let (column, part) = (task / self.parts(), task % self.parts());
        let first = part * self.blocks_per_task;
        let last = per_column.min(first + self.blocks_per_task);
        column * per_column + first..column * per_column + last
    }

    /// Elements of a full register.
    pub fn block_len(&self) -> usize {
        self.block_rows * self.block_cols
    }
}

impl Nests {
    /// Checks the nests by themselves and against each other.
    pub fn new(nests: Vec<Nest>) -> Result<Nests, PlanFault> {
        nests.iter().try_for_each(Nest::check)?;
        let all = || {
            nests
                .iter()
                .enumerate()
                .flat_map(|(n, nest)| nest.operands.iter().map(move |o| (n, o)))
        };
        for (n, out) in all().filter(|(_, o)| o.output) {
            for (m, other) in all() {
                if std::ptr::eq(out, other) || out.memory.slot != other.memory.slot {
                    continue;
                }
                let overlap = out.overlaps(other);
                let own = n == m
                    && out.staged
                    && !other.output
                    && out.memory.begins_with(&other.memory)
                    && out.size == other.size
                    && out.start == other.start
                    && out.reading == Reading::Flat
                    && other.reading == Reading::Flat;
                if overlap && !own && !(other.output && out.is_beside(other)) {
                    return Err(PlanFault::Overlap);
                }
            }
        }
        let mut first_task = Vec::with_capacity(nests.len());
        let (mut tasks, mut work) = (0, 0);
        for nest in &nests {
            first_task.push(tasks);
            tasks += nest.tasks();
            let actions = nest.body.len() + nest.sinks.len() + nest.stores.len();
            work += nest.batch * nest.rows * nest.cols * actions;
        }
        Ok(Nests {
            nests,
            first_task,
            tasks,
            work,
        })
    }

    /// Runs them all.
    pub fn run(&self, memory: &mut Memory<'_>, pool: &Pool) -> Result<(), PlanFault> {
        for operand in self.nests.iter().flat_map(|n| &n.operands) {
            memory.slot(operand.memory, operand.output)?;
        }
        let slots = Slots(memory.slots());
        let run = |task: usize| {
            let n = self.first_task.partition_point(|&first| first <= task) - 1;
            self.nests[n].task(task - self.first_task[n], slots);
        };
        if self.work < MIN_PARALLEL_WORK {
            (0..self.tasks).for_each(run);
        } else {
            pool.run(self.tasks, &run);
        }
        self.nests.iter().for_each(|n| n.combine(slots));
        Ok(())
    }
}
