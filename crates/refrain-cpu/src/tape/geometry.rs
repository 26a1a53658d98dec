//! How a tape's index space is cut into blocks and tasks: by its shape and registers alone, so that results do not
//! depend on the number of threads.

use super::{Instr, Tape};
use crate::kernels::nest::Extent;

/// Bytes of registers that stay in the first-level cache beside the operands' lines.
const REGISTER_BYTES: usize = 20 * 1024;
/// Largest and smallest block, in elements: calls cost some 3 ns each, a vector of 16 elements 0.3 ns and more.
const MAX_BLOCK: usize = 1024;
const MIN_BLOCK: usize = 256;
/// Elements times instructions' costs of a task: some 20 µs.
const TASK_WORK: usize = 1 << 17;
/// Costs of an instruction that computes a series, and of one that divides or takes a root; others' are 1.
const SERIES: usize = 6;
const DIVISION: usize = 3;
/// Parts that a sum over rows is cut into at most.
const MAX_PARTS: usize = 16;

/// Blocks and tasks of a loop nest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Independent pieces.
    pub batch: usize,
    /// Rows of a piece.
    pub rows: usize,
    /// Elements of a row.
    pub cols: usize,
    /// Rows of a block.
    pub block_rows: usize,
    /// Elements of a row in a block.
    pub block_cols: usize,
    /// Blocks of a task.
    pub blocks_per_task: usize,
}

impl Geometry {
    /// Cuts a tape that is not empty.
    pub fn of(tape: &Tape) -> Geometry {
        let batch = match tape.sums.is_empty() {
            true => 1,
            false => tape.dims[..tape.batch].iter().product(),
        };
        let cols = tape.cols();
        let rows = tape.rows() / batch;
        let block = block_len(tape);
        let (block_rows, block_cols) = if tape.reduces_rows() || cols <= block {
            ((block / cols).clamp(1, rows), cols)
        } else {
            (1, block)
        };
        let mut geometry = Geometry {
            batch,
            rows,
            cols,
            block_rows,
            block_cols,
            blocks_per_task: 1,
        };
        let cost: usize = tape.instrs.iter().map(|(instr, _)| cost(instr)).sum();
        let enough = TASK_WORK.div_ceil(block_rows * block_cols * cost.max(1));
        let row_blocks = rows.div_ceil(block_rows);
        let columns = batch * cols.div_ceil(block_cols);
        let (blocks, least) = if tape.sums.is_empty() {
            (row_blocks * columns, enough)
        } else {
            let parts = MAX_PARTS.div_ceil(columns);
            (row_blocks, enough.max(row_blocks.div_ceil(parts)))
        };
        // Tasks of one size keep all threads busy to the end.
        geometry.blocks_per_task = blocks.div_ceil(blocks.div_ceil(least)).max(1);
        geometry
    }

    /// Parts that sums over rows come in.
    pub fn parts(&self) -> usize {
        self.rows
            .div_ceil(self.block_rows)
            .div_ceil(self.blocks_per_task)
    }
}

fn cost(instr: &Instr) -> usize {
    use refrain_graph::{BinaryOp as B, UnaryOp as U};
    match instr {
        Instr::Unary(U::Abs | U::Negate | U::Sign | U::Floor | U::Ceil, _) => 1,
        Instr::Unary(U::RoundNearestEven | U::Not | U::IsFinite, _) => 1,
        Instr::Unary(U::Sqrt | U::Rsqrt, _) => DIVISION,
        Instr::Unary(..) | Instr::Binary(B::Power | B::Atan2, ..) => SERIES,
        Instr::Binary(B::Divide | B::Remainder, ..) => DIVISION,
        _ => 1,
    }
}

/// Elements of a block, by the number of registers that are alive at once.
fn block_len(tape: &Tape) -> usize {
    let mut last_use = vec![0; tape.instrs.len()];
    for (i, (instr, _)) in tape.instrs.iter().enumerate() {
        instr.operands().into_iter().for_each(|r| last_use[r] = i);
    }
    for reg in tape
        .outputs
        .iter()
        .map(|o| o.reg)
        .chain(tape.sums.iter().map(|s| s.reg))
    {
        last_use[reg] = tape.instrs.len();
    }
    let extents = tape.extents();
    let (mut alive, mut most) = (tape.sums.len(), 1);
    let mut ends = vec![0; tape.instrs.len() + 1];
    for (i, (instr, _)) in tape.instrs.iter().enumerate() {
        if extents[i] == Extent::Full && !matches!(instr, Instr::Imm(_)) {
            alive += 1;
            ends[last_use[i]] += 1;
        }
        most = most.max(alive);
        alive -= ends[i].min(alive);
    }
    let fitting = REGISTER_BYTES / (most * size_of::<f32>());
    fitting.clamp(MIN_BLOCK, MAX_BLOCK) / MIN_BLOCK * MIN_BLOCK
}
