//! Loop nests: a tape of elementwise instructions over blocks that stay in the first-level cache, with reductions along
//! rows inside the tape and reductions over rows at its end.
//!
//! The index space is `batch * rows * cols` elements. A block is either some whole rows or a piece of one row. Registers
//! hold one block ([`Extent::Full`]), one element per row of the block, or one element.

use std::mem::MaybeUninit;

use super::arena::{Memory, Place, PlanFault, Slot};
use super::elementwise::{Kernel, Ptrs};
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
    pub place: Place,
    /// Its size in bytes.
    pub bytes: usize,
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
        kernel: Kernel,
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
        kernel: Kernel,
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
    pub accumulate: Kernel,
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
    /// Reductions over rows.
    pub sinks: Vec<Sink>,
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
    fn pointer(&self, operand: &Operand) -> *mut u8 {
        let slot = &self.0[operand.place.slot as usize];
        // SAFETY: `Nests::run` has checked that the buffer lies inside the slot and `Nest::check` that `start` lies
        // inside the buffer.
        unsafe {
            slot.ptr
                .add(operand.place.offset + operand.start * operand.size)
        }
    }
}

impl Nest {
    fn col_blocks(&self) -> usize {
        self.cols.div_ceil(self.block_cols)
    }

    fn row_blocks(&self) -> usize {
        self.rows.div_ceil(self.block_rows)
    }

    /// Parts that each column of a batch is reduced in.
    pub fn parts(&self) -> usize {
        self.row_blocks().div_ceil(self.blocks_per_task)
    }

    fn tasks(&self) -> usize {
        let columns = self.batch * self.col_blocks();
        if self.sinks.is_empty() {
            (columns * self.row_blocks()).div_ceil(self.blocks_per_task)
        } else {
            columns * self.parts()
        }
    }

    /// Blocks of a task; block `i` is row block `i % row_blocks` of column block `i / row_blocks` counted over batches.
    fn blocks(&self, task: usize) -> std::ops::Range<usize> {
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

    fn check(&self) -> Result<(), PlanFault> {
        let fits = |ok: bool| if ok { Ok(()) } else { Err(PlanFault::Kernel) };
        fits(self.batch * self.rows * self.cols > 0)?;
        fits(self.block_rows > 0 && self.block_cols > 0 && self.blocks_per_task > 0)?;
        fits(
            self.block_cols == self.cols || (self.block_cols < self.cols && self.block_rows == 1),
        )?;
        fits(self.scratch <= MAX_SCRATCH && self.operands.len() <= MAX_OPERANDS)?;
        self.operands
            .iter()
            .try_for_each(|o| self.check_operand(o))?;
        for sink in &self.sinks {
            let partial = self.operands.get(sink.partial).ok_or(PlanFault::Kernel)?;
            let len = self.batch * self.parts() * self.cols;
            fits(partial.output && partial.bytes >= len * partial.size && partial.start == 0)?;
            fits((self.parts() > 1) == sink.total.is_some())?;
            fits(sink.acc + self.block_len() * sink.size <= self.scratch)?;
            if let Some(total) = sink.total {
                let total = self.operands.get(total).ok_or(PlanFault::Kernel)?;
                fits(total.output && total.bytes >= self.batch * self.cols * total.size)?;
            }
        }
        let mut stored = false;
        for action in &self.body {
            let store = matches!(action, Action::Store { .. });
            fits(store || !stored)?;
            stored |= store;
            self.check_action(action)?;
        }
        self.prologue.iter().try_for_each(|a| self.check_action(a))
    }

    fn check_operand(&self, o: &Operand) -> Result<(), PlanFault> {
        let rows = self.batch * self.rows;
        let (low, high) = match o.reading {
            Reading::Flat => (0, rows * self.cols - 1),
            Reading::Column => (0, self.cols - 1),
            Reading::Row => (0, rows - 1),
            Reading::Fixed => (0, 0),
            Reading::Walk | Reading::RowWalk => o.walk_span()?,
        };
        let walked = match o.reading {
            Reading::Walk => o.dims.iter().product::<usize>() == rows * self.cols,
            Reading::RowWalk => o.dims.iter().product::<usize>() == rows,
            _ => true,
        };
        let in_bounds = low <= o.start && (o.start + high + 1) * o.size <= o.bytes;
        let writable = match o.reading {
            _ if !o.output => true,
            Reading::Flat | Reading::Row | Reading::Fixed => true,
            Reading::Walk => o.staged && o.intervals().is_some(),
            Reading::Column | Reading::RowWalk => false,
        };
        if in_bounds && walked && writable && o.place.offset.is_multiple_of(o.size) {
            Ok(())
        } else {
            Err(PlanFault::Bounds)
        }
    }

    fn check_action(&self, action: &Action) -> Result<(), PlanFault> {
        let len = |extent| match extent {
            Extent::Full => self.block_len(),
            Extent::Row => self.block_rows,
            Extent::Uniform => 1,
        };
        // Eight bytes hold any element; registers are laid out with room for their own type.
        let inside = |loc: &Loc, bytes: usize| match *loc {
            Loc::Scratch(at) => at + bytes <= self.scratch,
            Loc::Operand(i) => i < self.operands.len(),
            Loc::Imm(i) => i < self.imms.len(),
        };
        let ok = match action {
            Action::Compute {
                dst, src, extent, ..
            } => {
                let written = match *dst {
                    Loc::Operand(i) => self.operands.get(i).is_some_and(|o| o.output && !o.staged),
                    Loc::Imm(_) => false,
                    Loc::Scratch(_) => true,
                };
                written
                    && inside(dst, len(*extent))
                    && src
                        .iter()
                        .flatten()
                        .all(|(l, e)| e <= extent && inside(l, len(*e)))
            }
            Action::Gather {
                operand,
                dst,
                extent,
            } => {
                let reading = self.operands.get(*operand).map(|o| (o.reading, o.size));
                match (reading, extent) {
                    (Some((Reading::Walk, size)), Extent::Full)
                    | (Some((Reading::RowWalk, size)), Extent::Row) => {
                        matches!(dst, Loc::Scratch(_)) && inside(dst, len(*extent) * size)
                    }
                    _ => false,
                }
            }
            Action::ReduceRows { dst, src, .. } => {
                let written = match *dst {
                    Loc::Operand(i) => self
                        .operands
                        .get(i)
                        .is_some_and(|o| o.output && !o.staged && o.reading == Reading::Row),
                    Loc::Imm(_) => false,
                    Loc::Scratch(_) => inside(dst, self.block_rows),
                };
                self.block_cols == self.cols && written && inside(src, 1)
            }
            Action::Store {
                operand,
                src,
                extent,
            } => self
                .operands
                .get(*operand)
                .is_some_and(|o| o.output && inside(src, len(*extent) * o.size)),
        };
        if ok { Ok(()) } else { Err(PlanFault::Kernel) }
    }

    fn task(&self, task: usize, slots: Slots<'_>) {
        /// Scratch of most nests; a small frame is cheap to enter.
        const SMALL: usize = 32 * 1024;
        if self.scratch <= SMALL {
            let mut scratch = Scratch::<SMALL>([MaybeUninit::uninit(); SMALL]);
            self.task_in(task, slots, scratch.0.as_mut_ptr().cast());
        } else {
            self.task_large(task, slots);
        }
    }

    #[inline(never)]
    fn task_large(&self, task: usize, slots: Slots<'_>) {
        let mut scratch = Scratch::<MAX_SCRATCH>([MaybeUninit::uninit(); MAX_SCRATCH]);
        self.task_in(task, slots, scratch.0.as_mut_ptr().cast());
    }

    fn task_in(&self, task: usize, slots: Slots<'_>, scratch: *mut u8) {
        let mut bases = [std::ptr::null_mut(); MAX_OPERANDS];
        for (base, operand) in bases.iter_mut().zip(&self.operands) {
            *base = slots.pointer(operand);
        }
        let mut block = Block {
            nest: self,
            bases: &bases,
            scratch,
            row: 0,
            col: 0,
            rows: self.block_rows,
            cols: self.block_cols,
        };
        for sink in &self.sinks {
            // SAFETY: the accumulator is a full register inside the scratch (`check`).
            unsafe {
                fill(
                    scratch.add(sink.acc),
                    sink.size,
                    sink.identity,
                    self.block_len(),
                )
            };
        }
        self.prologue.iter().for_each(|a| block.run(a));
        let per_column = self.row_blocks();
        for i in self.blocks(task) {
            let (column, r) = (i / per_column, i % per_column);
            let (batch, c) = (column / self.col_blocks(), column % self.col_blocks());
            block.row = batch * self.rows + r * self.block_rows;
            block.rows = self.block_rows.min(self.rows - r * self.block_rows);
            block.col = c * self.block_cols;
            block.cols = self.block_cols.min(self.cols - block.col);
            self.body.iter().for_each(|a| block.run(a));
            self.sinks.iter().for_each(|s| block.accumulate(s));
        }
        if !self.sinks.is_empty() {
            let (column, part) = (task / self.parts(), task % self.parts());
            let (batch, c) = (column / self.col_blocks(), column % self.col_blocks());
            let first = (batch * self.parts() + part) * self.cols + c * self.block_cols;
            block.cols = self.block_cols.min(self.cols - c * self.block_cols);
            self.sinks.iter().for_each(|s| block.finish(s, first));
        }
    }

    /// Runs the body over some rows and columns; operand `tile` begins at the given memory there.
    ///
    /// # Safety
    /// The rows and columns lie inside the index space, and are whole rows unless blocks have one row. The nest and the
    /// slots have passed their checks but for the operand `tile`, whose elements of these rows and columns lie at the
    /// pointer. Nothing else touches what is written.
    pub(super) unsafe fn rows_at(
        &self,
        slots: Slots<'_>,
        (tile, ptr): (usize, *mut u8),
        rows: std::ops::Range<usize>,
        cols: std::ops::Range<usize>,
    ) {
        /// Scratch of all but a few nests.
        const SMALL: usize = 32 * 1024;
        let body = |scratch: *mut u8| {
            let mut bases = [std::ptr::null_mut(); MAX_OPERANDS];
            for (base, operand) in bases.iter_mut().zip(&self.operands) {
                *base = slots.pointer(operand);
            }
            let first = (rows.start * self.cols + cols.start) * self.operands[tile].size;
            let tile_base = ptr.wrapping_sub(first);
            for (base, operand) in bases.iter_mut().zip(&self.operands) {
                // The result itself, as an operand and where it is overwritten.
                if operand.place == self.operands[tile].place && operand.reading == Reading::Flat {
                    *base = tile_base;
                }
            }
            let mut block = Block {
                nest: self,
                bases: &bases,
                scratch,
                row: rows.start,
                col: cols.start,
                rows: self.block_rows,
                cols: self.block_cols,
            };
            self.prologue.iter().for_each(|a| block.run(a));
            for row in rows.clone().step_by(self.block_rows) {
                block.row = row;
                block.rows = self.block_rows.min(rows.end - row);
                for col in cols.clone().step_by(self.block_cols) {
                    block.col = col;
                    block.cols = self.block_cols.min(cols.end - col);
                    self.body.iter().for_each(|a| block.run(a));
                }
            }
        };
        if self.scratch <= SMALL {
            let mut scratch = Scratch::<SMALL>([MaybeUninit::uninit(); SMALL]);
            body(scratch.0.as_mut_ptr().cast());
        } else {
            large(body);
        }
        #[inline(never)]
        fn large(body: impl FnOnce(*mut u8)) {
            let mut scratch = Scratch::<MAX_SCRATCH>([MaybeUninit::uninit(); MAX_SCRATCH]);
            body(scratch.0.as_mut_ptr().cast());
        }
    }

    /// Adds the parts of each sink together, in order.
    fn combine(&self, slots: Slots<'_>) {
        let parts = self.parts();
        for sink in &self.sinks {
            let Some(total) = sink.total else { continue };
            let partial = slots.pointer(&self.operands[sink.partial]);
            let total = slots.pointer(&self.operands[total]);
            let row = self.cols * sink.size;
            for batch in 0..self.batch {
                // SAFETY: `check` has compared the sizes of both; they do not overlap (`Nests::new`).
                unsafe {
                    let dst = total.add(batch * row);
                    let src = partial.add(batch * parts * row);
                    std::ptr::copy_nonoverlapping(src, dst, row);
                    for part in 1..parts {
                        let src = src.add(part * row).cast_const();
                        let ptrs = Ptrs {
                            dst,
                            src: [src; 3],
                            step: [0; 3],
                        };
                        (sink.accumulate)(&ptrs, 1, self.cols);
                    }
                }
            }
        }
    }
}

impl Operand {
    /// The smallest (negated) and largest element of a walk, from its start.
    fn walk_span(&self) -> Result<(usize, usize), PlanFault> {
        if self.dims.len() != self.strides.len() || self.dims.len() > MAX_WALK {
            return Err(PlanFault::Kernel);
        }
        let (mut low, mut high) = (0, 0);
        for (&d, &s) in self.dims.iter().zip(&self.strides) {
            let reach = (d - 1) * s.unsigned_abs();
            *(if s < 0 { &mut low } else { &mut high }) += reach;
        }
        Ok((low, high))
    }
}

impl Operand {
    /// For elements that lie in equal intervals at equal distances: `(distance, first, end)` of an interval, counted from
    /// a multiple of the distance.
    fn intervals(&self) -> Option<(usize, usize, usize)> {
        match (&self.dims[..], &self.strides[..]) {
            (&[run], &[1]) => Some((usize::MAX, self.start, self.start + run)),
            (&[_, run], &[pitch, 1]) if pitch > 0 => {
                let pitch = pitch as usize;
                let first = self.start % pitch;
                (first + run <= pitch).then_some((pitch, first, first + run))
            }
            _ => None,
        }
    }

    /// Whether two outputs in one buffer have no element in common.
    fn is_beside(&self, other: &Operand) -> bool {
        let same = self.place == other.place && self.size == other.size;
        let walks = self.reading == Reading::Walk && other.reading == Reading::Walk;
        match (self.intervals(), other.intervals()) {
            (Some((p, a, b)), Some((q, c, d))) => same && walks && p == q && (b <= c || d <= a),
            _ => false,
        }
    }
}

#[repr(align(64))]
struct Scratch<const N: usize>([MaybeUninit<u8>; N]);

/// One block of a nest: what instructions see.
struct Block<'a> {
    nest: &'a Nest,
    bases: &'a [*mut u8; MAX_OPERANDS],
    scratch: *mut u8,
    /// First row, counted over batches.
    row: usize,
    /// First column.
    col: usize,
    rows: usize,
    cols: usize,
}

impl Block<'_> {
    fn len(&self, extent: Extent) -> usize {
        match extent {
            Extent::Full => self.rows * self.cols,
            Extent::Row => self.rows,
            Extent::Uniform => 1,
        }
    }

    #[inline]
    fn pointer(&self, loc: Loc) -> *mut u8 {
        match loc {
            // SAFETY: inside the scratch (`Nest::check_action`).
            Loc::Scratch(at) => unsafe { self.scratch.add(at) },
            Loc::Imm(i) => std::ptr::from_ref(&self.nest.imms[i]).cast_mut().cast(),
            Loc::Operand(i) => {
                let operand = &self.nest.operands[i];
                let element = match operand.reading {
                    Reading::Flat => self.row * self.nest.cols + self.col,
                    Reading::Column => self.col,
                    Reading::Row => self.row,
                    Reading::Fixed | Reading::Walk | Reading::RowWalk => 0,
                };
                // Wrapping: the base of a part of a result lies outside of it. The element does not (`check_operand`).
                self.bases[i].wrapping_add(element * operand.size)
            }
        }
    }

    fn run(&self, action: &Action) {
        match action {
            Action::Compute {
                kernel,
                dst,
                src,
                extent,
            } => self.compute(*kernel, *dst, src, *extent),
            Action::Gather {
                operand,
                dst,
                extent,
            } => {
                let (dst, o) = (self.pointer(*dst), &self.nest.operands[*operand]);
                let first = match extent {
                    Extent::Full => self.row * self.nest.cols + self.col,
                    _ => self.row,
                };
                // SAFETY: `check_operand` has checked the walk's reach and `check_action` the register's size.
                unsafe { walk(dst, self.bases[*operand], o, first, self.len(*extent)) }
            }
            Action::ReduceRows { kernel, dst, src } => {
                let src = self.pointer(*src).cast_const();
                let ptrs = Ptrs {
                    dst: self.pointer(*dst),
                    src: [src; 3],
                    step: [self.cols; 3],
                };
                // SAFETY: `src` is a full register, `dst` a row register.
                unsafe { kernel(&ptrs, self.rows, self.cols) }
            }
            Action::Store {
                operand,
                src,
                extent,
            } => {
                let o = &self.nest.operands[*operand];
                let bytes = self.len(*extent) * o.size;
                if o.reading == Reading::Walk {
                    let first = self.row * self.nest.cols + self.col;
                    let src = self.pointer(*src);
                    // SAFETY: `check_operand` has checked the walk's reach and that it meets no element twice.
                    unsafe { unwalk(self.bases[*operand], src, o, first, self.len(*extent)) };
                    return;
                }
                let (dst, src) = (self.pointer(Loc::Operand(*operand)), self.pointer(*src));
                // SAFETY: this block's elements of the operand, and a register of as many.
                unsafe { std::ptr::copy(src, dst, bytes) }
            }
        }
    }

    #[inline]
    fn compute(&self, kernel: Kernel, dst: Loc, src: &[Option<(Loc, Extent)>; 3], extent: Extent) {
        let mut ptrs = Ptrs {
            dst: self.pointer(dst),
            src: [std::ptr::null(); 3],
            step: [0; 3],
        };
        let mut by_row = false;
        for (i, &(loc, e)) in src.iter().flatten().enumerate() {
            ptrs.src[i] = self.pointer(loc);
            ptrs.step[i] = match e {
                Extent::Uniform => 0,
                Extent::Row => 1,
                Extent::Full => self.cols,
            };
            by_row |= e == Extent::Row;
        }
        let (rows, cols) = if extent == Extent::Full && by_row {
            (self.rows, self.cols)
        } else {
            (1, self.len(extent))
        };
        // SAFETY: registers and operands hold a block of their extent (`Nest::check`); the tape's compiler gives a
        // result no register of an operand, and outputs that are inputs too are staged.
        unsafe { kernel(&ptrs, rows, cols) }
    }

    fn accumulate(&self, sink: &Sink) {
        let src = self.pointer(sink.src).cast_const();
        let ptrs = Ptrs {
            dst: self.pointer(Loc::Scratch(sink.acc)),
            src: [src; 3],
            step: [0; 3],
        };
        // SAFETY: both are full registers.
        unsafe { (sink.accumulate)(&ptrs, 1, self.rows * self.cols) }
    }

    /// Adds the accumulator's rows pairwise and writes the sums from element `first` of the sink's operand.
    fn finish(&self, sink: &Sink, first: usize) {
        let acc = self.pointer(Loc::Scratch(sink.acc));
        let row = self.cols * sink.size;
        let mut rows = self.nest.block_rows;
        while rows > 1 {
            let half = rows.div_ceil(2);
            // SAFETY: both halves lie inside the accumulator and do not overlap.
            unsafe {
                let src = acc.add(half * row).cast_const();
                let ptrs = Ptrs {
                    dst: acc,
                    src: [src; 3],
                    step: [0; 3],
                };
                (sink.accumulate)(&ptrs, 1, (rows - half) * self.cols);
            }
            rows = half;
        }
        // SAFETY: `check` has compared the size of the operand; each task has its own elements.
        unsafe {
            let dst = self.bases[sink.partial].add(first * sink.size);
            std::ptr::copy_nonoverlapping(acc, dst, row);
        }
    }
}

/// Fills `len` elements of `size` bytes with the low bytes of `bits`.
///
/// # Safety
/// `dst` holds them, aligned.
unsafe fn fill(dst: *mut u8, size: usize, bits: u64, len: usize) {
    // SAFETY: the caller's.
    unsafe {
        match size {
            1 => dst.write_bytes(bits as u8, len),
            2 => std::slice::from_raw_parts_mut(dst.cast::<u16>(), len).fill(bits as u16),
            4 => std::slice::from_raw_parts_mut(dst.cast::<u32>(), len).fill(bits as u32),
            _ => std::slice::from_raw_parts_mut(dst.cast::<u64>(), len).fill(bits),
        }
    }
}

/// Copies elements `first..first + len` of a walk together.
///
/// # Safety
/// `dst` holds `len` elements; the walk from `base` stays inside its buffer.
unsafe fn walk(dst: *mut u8, base: *const u8, operand: &Operand, first: usize, len: usize) {
    // SAFETY: the caller's.
    unsafe {
        match operand.size {
            1 => walk_of::<u8>(dst, base, operand, first, len),
            2 => walk_of::<u16>(dst.cast(), base.cast(), operand, first, len),
            4 => walk_of::<u32>(dst.cast(), base.cast(), operand, first, len),
            _ => walk_of::<u64>(dst.cast(), base.cast(), operand, first, len),
        }
    }
}

/// Distributes elements `first..first + len` of a walk over intervals.
///
/// # Safety
/// `src` holds `len` elements; the walk from `base` has intervals ([`Operand::intervals`]) inside its buffer.
unsafe fn unwalk(base: *mut u8, mut src: *const u8, operand: &Operand, first: usize, len: usize) {
    let run = operand.dims[operand.dims.len() - 1];
    let pitch = if operand.dims.len() == 1 {
        0
    } else {
        operand.strides[0] as usize
    };
    let (mut row, mut col, mut left) = (first / run, first % run, len);
    while left > 0 {
        let count = left.min(run - col);
        // SAFETY: the caller's.
        unsafe {
            let dst = base.add((row * pitch + col) * operand.size);
            std::ptr::copy_nonoverlapping(src, dst, count * operand.size);
            src = src.add(count * operand.size);
        }
        left -= count;
        (row, col) = (row + 1, 0);
    }
}

unsafe fn walk_of<T: Copy>(
    mut dst: *mut T,
    base: *const T,
    operand: &Operand,
    first: usize,
    len: usize,
) {
    let (dims, strides) = (&operand.dims[..], &operand.strides[..]);
    let rank = dims.len();
    let mut index = [0usize; MAX_WALK];
    let (mut rest, mut offset) = (first, 0isize);
    for d in (0..rank).rev() {
        index[d] = rest % dims[d];
        rest /= dims[d];
        offset += index[d] as isize * strides[d];
    }
    let (inner, stride) = (dims[rank - 1], strides[rank - 1]);
    let mut left = len;
    while left > 0 {
        let run = left.min(inner - index[rank - 1]);
        // SAFETY: the caller's: every index lies inside the walk.
        unsafe {
            let src = base.offset(offset);
            match stride {
                1 => std::ptr::copy_nonoverlapping(src, dst, run),
                0 => std::slice::from_raw_parts_mut(dst, run).fill(*src),
                _ => {
                    for i in 0..run {
                        *dst.add(i) = *src.offset(i as isize * stride);
                    }
                }
            }
            dst = dst.add(run);
        }
        left -= run;
        offset += run as isize * stride;
        index[rank - 1] += run;
        let mut d = rank - 1;
        while d > 0 && index[d] == dims[d] {
            offset += strides[d - 1] - dims[d] as isize * strides[d];
            index[d] = 0;
            index[d - 1] += 1;
            d -= 1;
        }
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
                if std::ptr::eq(out, other) || out.place.slot != other.place.slot {
                    continue;
                }
                let (a, b) = (out.place.offset, other.place.offset);
                let overlap = a < b + other.bytes && b < a + out.bytes;
                let own = n == m
                    && out.staged
                    && !other.output
                    && a == b
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
            work += nest.batch * nest.rows * nest.cols * (nest.body.len() + nest.sinks.len());
        }
        Ok(Nests {
            nests,
            first_task,
            tasks,
            work,
        })
    }

    /// The nests.
    pub fn nests(&self) -> &[Nest] {
        &self.nests
    }

    /// Runs them all.
    pub fn run(&self, memory: &mut Memory<'_>, pool: &Pool) -> Result<(), PlanFault> {
        for operand in self.nests.iter().flat_map(|n| &n.operands) {
            memory.slot(operand.place, operand.bytes, operand.output)?;
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
