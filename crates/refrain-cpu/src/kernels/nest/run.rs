//! Running tasks and blocks of a loop nest.

use std::mem::MaybeUninit;

use super::walk::{fill, unwalk, walk};
use super::{Action, Extent, Loc, MAX_OPERANDS, MAX_SCRATCH, Nest, Reading, Sink, Slots};
use crate::kernels::elementwise::{BlockLoop, Ptrs};

impl Nest {
    pub(super) fn task(&self, task: usize, slots: Slots<'_>) {
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
        let mut block = NestBlock {
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
            self.stores.iter().for_each(|a| block.run(a));
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
    pub(in crate::kernels) unsafe fn rows_at(
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
                let result = &self.operands[tile].memory;
                if operand.memory.begins_with(result) && operand.reading == Reading::Flat {
                    *base = tile_base;
                }
            }
            let mut block = NestBlock {
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
                    self.stores.iter().for_each(|a| block.run(a));
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
    pub(super) fn combine(&self, slots: Slots<'_>) {
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

#[repr(align(64))]
struct Scratch<const N: usize>([MaybeUninit<u8>; N]);

/// One block of a nest: what instructions see.
struct NestBlock<'a> {
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

impl NestBlock<'_> {
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
    fn compute(
        &self,
        kernel: BlockLoop,
        dst: Loc,
        src: &[Option<(Loc, Extent)>; 3],
        extent: Extent,
    ) {
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
