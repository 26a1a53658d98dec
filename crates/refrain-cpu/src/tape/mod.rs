//! Loop nests before they have memory: a tape of instructions over virtual registers.

mod geometry;
mod nest;
mod rounding;

pub use geometry::Geometry;
pub use nest::compile_nest;

use refrain_graph::{BinaryOp, Comparison, DType, Reduction, UnaryOp};

use crate::buffer::Buf;
use crate::kernels::nest::{Extent, Reading};
use crate::view::{View, is_dense, is_repeated};

/// A virtual register: an instruction's result.
pub type Reg = usize;

/// What makes a register.
#[derive(Clone, Debug, PartialEq)]
pub enum Instr {
    /// The tape's input of this position.
    Input(usize),
    /// The same bits everywhere.
    Imm(u64),
    /// Elementwise.
    Unary(UnaryOp, Reg),
    /// Elementwise.
    Binary(BinaryOp, Reg, Reg),
    /// Elementwise.
    Compare(Comparison, Reg, Reg),
    /// Elementwise: predicate, on true, on false.
    Select(Reg, Reg, Reg),
    /// Elementwise.
    Convert(Reg),
    /// Elementwise: `f32` rounded to a type of 16 bits, still as `f32`.
    Round(Reg, DType),
    /// Along rows.
    ReduceRows(Reduction, Reg),
}

impl Instr {
    /// The registers it reads.
    pub fn operands(&self) -> Vec<Reg> {
        let mut copy = self.clone();
        copy.operands_mut().into_iter().map(|r| *r).collect()
    }

    /// The same, to be changed.
    fn operands_mut(&mut self) -> Vec<&mut Reg> {
        match self {
            Instr::Input(_) | Instr::Imm(_) => vec![],
            Instr::Unary(_, a)
            | Instr::Convert(a)
            | Instr::Round(a, _)
            | Instr::ReduceRows(_, a) => vec![a],
            Instr::Binary(_, a, b) | Instr::Compare(_, a, b) => vec![a, b],
            Instr::Select(a, b, c) => vec![a, b, c],
        }
    }

    /// Whether it changes the type of a value of 16 bits, or rounds to them, which is no arithmetic of the program's.
    pub fn is_rounding(&self, dtype: DType, of: impl Fn(Reg) -> DType) -> bool {
        match *self {
            Instr::Convert(a) => dtype.is_half() || of(a).is_half(),
            Instr::Round(..) => true,
            _ => false,
        }
    }
}

/// Memory that a tape reads: a view over the index space, or over its rows.
#[derive(Clone, Debug)]
pub struct Input {
    /// Whose memory.
    pub buf: Buf,
    /// Where in it.
    pub view: View,
    /// Whether the view has the rows' dimensions only.
    pub of_rows: bool,
    /// Type of the elements.
    pub dtype: DType,
}

/// A register that is kept.
#[derive(Clone, Debug)]
pub struct Output {
    /// Which register.
    pub reg: Reg,
    /// Where to.
    pub buf: Buf,
    /// `Full` or `Row`.
    pub extent: Extent,
    /// Where in the buffer, over the index space, if not side by side from its beginning.
    pub view: Option<View>,
}

/// A register that is reduced over the rows of each batch.
#[derive(Clone, Copy, Debug)]
pub struct Sum {
    /// How.
    pub kind: Reduction,
    /// Which register.
    pub reg: Reg,
    /// Where to.
    pub buf: Buf,
    /// Scratch memory for the parts' sums, if there are several parts.
    pub partial: Option<Buf>,
}

/// A loop nest over virtual registers.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    /// The index space.
    pub dims: Vec<usize>,
    /// The dimension where rows begin: those before it are batches.
    pub batch: usize,
    /// The dimension where columns begin.
    pub split: usize,
    /// What it reads.
    pub inputs: Vec<Input>,
    /// The instructions, in order, with the type of their results.
    pub instrs: Vec<(Instr, DType)>,
    /// What it keeps.
    pub outputs: Vec<Output>,
    /// What it sums.
    pub sums: Vec<Sum>,
}

impl Tape {
    /// Adds an instruction.
    pub fn push(&mut self, instr: Instr, dtype: DType) -> Reg {
        // Common subexpressions are eliminated: looking through a tape costs little.
        let same = self
            .instrs
            .iter()
            .position(|(i, d)| *i == instr && *d == dtype);
        same.unwrap_or_else(|| {
            self.instrs.push((instr, dtype));
            self.instrs.len() - 1
        })
    }

    /// Adds an input.
    pub fn input(&mut self, input: Input) -> Reg {
        let dtype = input.dtype;
        let same = self
            .inputs
            .iter()
            .position(|i| i.buf == input.buf && i.view == input.view && i.of_rows == input.of_rows);
        let index = same.unwrap_or_else(|| {
            self.inputs.push(input);
            self.inputs.len() - 1
        });
        self.push(Instr::Input(index), dtype)
    }

    /// Calls `f` with each buffer it reads or writes (`true`).
    pub fn visit(&self, f: &mut dyn FnMut(Buf, bool)) {
        self.inputs.iter().for_each(|i| f(i.buf, false));
        self.outputs.iter().for_each(|o| f(o.buf, true));
        for sum in &self.sums {
            f(sum.buf, true);
            sum.partial.into_iter().for_each(|b| f(b, true));
        }
    }

    /// Whether its only reading of a buffer is element for element from the beginning, so that it may be overwritten.
    pub fn reads_in_place(&self, buf: Buf) -> bool {
        let mut readings = self.inputs.iter().filter(|i| i.buf == buf);
        let only = readings
            .next()
            .is_some_and(|i| i.view.offset == 0 && self.reading(i) == Reading::Flat);
        only && readings.next().is_none()
    }

    /// Number of elements of the index space.
    pub fn numel(&self) -> usize {
        self.dims.iter().product()
    }

    /// Elements of a row.
    pub fn cols(&self) -> usize {
        self.dims[self.split..].iter().product()
    }

    /// Number of rows of all batches.
    pub fn rows(&self) -> usize {
        self.dims[..self.split].iter().product()
    }

    /// Whether it reduces along rows.
    pub fn reduces_rows(&self) -> bool {
        self.instrs
            .iter()
            .any(|(i, _)| matches!(i, Instr::ReduceRows(..)))
    }

    /// How an input follows the index space.
    pub fn reading(&self, input: &Input) -> Reading {
        reading(input, &self.dims, self.split)
    }

    /// How many elements an input's register has.
    pub fn input_extent(&self, input: &Input) -> Extent {
        match self.reading(input) {
            Reading::Fixed => Extent::Uniform,
            Reading::Row | Reading::RowWalk => Extent::Row,
            Reading::Flat | Reading::Column | Reading::Walk => Extent::Full,
        }
    }

    /// How many elements each register has.
    pub fn extents(&self) -> Vec<Extent> {
        let mut extents: Vec<Extent> = Vec::with_capacity(self.instrs.len());
        for (instr, _) in &self.instrs {
            extents.push(match instr {
                Instr::Input(i) => self.input_extent(&self.inputs[*i]),
                Instr::Imm(_) => Extent::Uniform,
                Instr::ReduceRows(..) => Extent::Row,
                other => {
                    let operands = other.operands();
                    let extents = operands.into_iter().map(|r| extents[r]);
                    extents.max().unwrap_or(Extent::Uniform)
                }
            });
        }
        extents
    }

    /// Chooses where columns begin so that inputs are read in long runs, for a tape without reductions.
    pub fn choose_split(&mut self) {
        let cost = |split: usize| -> usize {
            let inputs = self.inputs.iter();
            inputs
                .map(|i| match reading(i, &self.dims, split) {
                    Reading::Flat | Reading::Fixed => 0,
                    Reading::Row | Reading::Column => 1,
                    Reading::RowWalk => 2,
                    Reading::Walk => 6,
                })
                .sum()
        };
        self.split = (0..=self.dims.len()).min_by_key(|&s| cost(s)).unwrap_or(0);
    }
}

fn reading(input: &Input, dims: &[usize], split: usize) -> Reading {
    let strides = &input.view.strides;
    if input.of_rows {
        return match () {
            _ if is_repeated(&input.view.dims, strides) => Reading::Fixed,
            _ if is_dense(&input.view.dims, strides) => Reading::Row,
            _ => Reading::RowWalk,
        };
    }
    let (rows, cols) = dims.split_at(split);
    let (row_strides, col_strides) = strides.split_at(split);
    let repeats = |d: &[usize], s: &[isize]| is_repeated(d, s);
    // Rows of one element are no rows: loops over each of them would cost more than the arithmetic.
    let has_cols = cols.iter().any(|&d| d != 1);
    match () {
        _ if repeats(dims, strides) => Reading::Fixed,
        _ if is_dense(dims, strides) => Reading::Flat,
        _ if has_cols && repeats(cols, col_strides) && is_dense(rows, row_strides) => Reading::Row,
        _ if repeats(rows, row_strides) && is_dense(cols, col_strides) => Reading::Column,
        _ if has_cols && repeats(cols, col_strides) => Reading::RowWalk,
        _ => Reading::Walk,
    }
}
