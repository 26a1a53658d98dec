//! What a loop nest must fulfil so that it may run on raw memory.

use std::ops::Range;

use super::{Action, Extent, Loc, MAX_OPERANDS, MAX_SCRATCH, MAX_WALK, Nest, Operand, Reading};
use crate::kernels::arena::PlanFault;

impl Nest {
    pub(super) fn check(&self) -> Result<(), PlanFault> {
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
            fits(
                partial.output && partial.memory.bytes >= len * partial.size && partial.start == 0,
            )?;
            fits((self.parts() > 1) == sink.total.is_some())?;
            fits(sink.acc + self.block_len() * sink.size <= self.scratch)?;
            if let Some(total) = sink.total {
                let total = self.operands.get(total).ok_or(PlanFault::Kernel)?;
                fits(total.output && total.memory.bytes >= self.batch * self.cols * total.size)?;
            }
        }
        for (actions, last) in [
            (&self.prologue, false),
            (&self.body, false),
            (&self.stores, true),
        ] {
            for action in actions {
                fits(matches!(action, Action::Store { .. }) == last)?;
                self.check_action(action)?;
            }
        }
        self.check_stores()
    }

    /// Whether each store still finds the elements that it means: none before it has written over them.
    fn check_stores(&self) -> Result<(), PlanFault> {
        for (i, action) in self.stores.iter().enumerate() {
            let Action::Store {
                src: Loc::Operand(src),
                ..
            } = action
            else {
                continue;
            };
            let lost = self.stores[..i].iter().any(|before| {
                matches!(before, Action::Store { operand, .. }
                    if self.operands[*operand].overlaps(&self.operands[*src]))
            });
            if lost {
                return Err(PlanFault::Overlap);
            }
        }
        Ok(())
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
        let in_bounds = low <= o.start && (o.start + high + 1) * o.size <= o.memory.bytes;
        let writable = match o.reading {
            _ if !o.output => true,
            Reading::Flat | Reading::Row | Reading::Fixed => true,
            Reading::Walk => o.staged && o.intervals().is_some(),
            Reading::Column | Reading::RowWalk => false,
        };
        if in_bounds && walked && writable && o.memory.offset.is_multiple_of(o.size) {
            Ok(())
        } else {
            Err(PlanFault::Bounds)
        }
    }

    /// Elements of a register.
    fn extent_len(&self, extent: Extent) -> usize {
        match extent {
            Extent::Full => self.block_len(),
            Extent::Row => self.block_rows,
            Extent::Uniform => 1,
        }
    }

    /// Whether there are so many bytes at a place. Eight bytes hold any element; registers are as large as their own type needs.
    fn holds(&self, loc: &Loc, bytes: usize) -> bool {
        match *loc {
            Loc::Scratch(at) => at + bytes <= self.scratch,
            Loc::Operand(i) => i < self.operands.len(),
            Loc::Imm(i) => i < self.imms.len(),
        }
    }

    /// Whether a register may be made at a place.
    fn is_written(&self, loc: &Loc) -> bool {
        match *loc {
            Loc::Operand(i) => self.operands.get(i).is_some_and(|o| o.output && !o.staged),
            Loc::Imm(_) => false,
            Loc::Scratch(_) => true,
        }
    }

    fn check_action(&self, action: &Action) -> Result<(), PlanFault> {
        let at = |i: usize| self.operands.get(i);
        let ok = match action {
            Action::Compute {
                dst, src, extent, ..
            } => {
                self.is_written(dst)
                    && self.holds(dst, self.extent_len(*extent))
                    && src
                        .iter()
                        .flatten()
                        .all(|(l, e)| e <= extent && self.holds(l, self.extent_len(*e)))
            }
            Action::Gather {
                operand,
                dst,
                extent,
            } => {
                let reading = at(*operand).map(|o| (o.reading, o.size));
                match (reading, extent) {
                    (Some((Reading::Walk, size)), Extent::Full)
                    | (Some((Reading::RowWalk, size)), Extent::Row) => {
                        matches!(dst, Loc::Scratch(_))
                            && self.holds(dst, self.extent_len(*extent) * size)
                    }
                    _ => false,
                }
            }
            Action::ReduceRows { dst, src, .. } => {
                let by_rows = match *dst {
                    Loc::Operand(i) => at(i).is_some_and(|o| o.reading == Reading::Row),
                    _ => self.holds(dst, self.block_rows),
                };
                self.block_cols == self.cols
                    && self.is_written(dst)
                    && by_rows
                    && self.holds(src, 1)
            }
            Action::Store {
                operand,
                src,
                extent,
            } => at(*operand)
                .is_some_and(|o| o.output && self.holds(src, self.extent_len(*extent) * o.size)),
        };
        if ok { Ok(()) } else { Err(PlanFault::Kernel) }
    }
}

/// Equal intervals at equal distances.
pub(super) struct Intervals {
    /// From one to the next.
    pitch: usize,
    /// The first, counted from a multiple of the pitch.
    first: Range<usize>,
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
    /// Whether two operands' buffers have bytes in common.
    pub fn overlaps(&self, other: &Operand) -> bool {
        self.memory.overlaps(&other.memory)
    }

    /// The intervals that its elements lie in, if they do.
    pub(super) fn intervals(&self) -> Option<Intervals> {
        let of = |pitch, first| Intervals { pitch, first };
        match (&self.dims[..], &self.strides[..]) {
            (&[run], &[1]) => Some(of(usize::MAX, self.start..self.start + run)),
            (&[_, run], &[pitch, 1]) if pitch > 0 => {
                let pitch = pitch as usize;
                let first = self.start % pitch;
                (first + run <= pitch).then(|| of(pitch, first..first + run))
            }
            _ => None,
        }
    }

    /// Whether two outputs in one buffer have no element in common.
    pub(super) fn is_beside(&self, other: &Operand) -> bool {
        let same = self.memory.begins_with(&other.memory) && self.size == other.size;
        let walks = self.reading == Reading::Walk && other.reading == Reading::Walk;
        match (self.intervals(), other.intervals()) {
            (Some(a), Some(b)) => {
                let apart = a.first.end <= b.first.start || b.first.end <= a.first.start;
                same && walks && a.pitch == b.pitch && apart
            }
            _ => false,
        }
    }
}
