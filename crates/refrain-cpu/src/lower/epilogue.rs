//! Fuses loop nests into the product or convolution whose result they work on, as epilogues.

use refrain_graph::DType;

use crate::buffer::{Buf, Buffers, root_of};
use crate::kernels::epilogue::Tiling;
use crate::step::{Noted, Step, Virtual};
use crate::tape::{Geometry, Input, Instr, Tape};

/// The result of a kernel that could take an epilogue, and how it is computed.
fn result_of(step: &Step<Virtual>) -> Option<(Buf, Tiling)> {
    match step {
        Step::Call(call) if call.epilogue.is_none() => {
            call.writes[0].map(|w| w.buf).zip(call.kernel.tiling())
        }
        _ => None,
    }
}

/// Whether a tape can run on the tiles of a result; then its columns are set.
fn fit(tape: &mut Tape, result: Buf, tiling: Tiling) -> bool {
    if !tape.sums.is_empty() || tape.outputs.is_empty() {
        return false;
    }
    let before = tape.split;
    if tape.reduces_rows() {
        if !tiling.whole_rows || tape.cols() != tiling.cols {
            return false;
        }
    } else {
        let cols = |s: usize| tape.dims[s..].iter().product::<usize>();
        match (0..=tape.dims.len()).find(|&s| cols(s) == tiling.cols) {
            Some(split) => tape.split = split,
            None => return false,
        }
    }
    let of_floats = |i: &Input| i.buf != result || i.dtype == DType::F32;
    let fits = tape.reads_in_place(result) && tape.inputs.iter().all(of_floats);
    if !fits {
        tape.split = before;
    }
    fits
}

/// Gives kernels the loop nests that work on their results as epilogues, where no step in between prevents it.
///
/// Nests that make a buffer of `late` stay where they are: new values of variables, which are computed over the old ones
/// once nothing reads those any more, and faster in one pass over memory than in the product's blocks.
pub(super) fn fuse_epilogues(steps: &mut Vec<Noted<Virtual>>, buffers: &Buffers, late: &[Buf]) {
    let mut i = 0;
    while i < steps.len() {
        if let Some((result, tiling)) = result_of(&steps[i].0)
            && let Some((j, before)) = user(steps, buffers, i, result)
            && let Step::Loops(tapes) = &mut steps[j].0
            && tapes[0].0.numel() * size_of::<f32>() == buffers[result].bytes
            && !tapes[0].0.outputs.iter().any(|o| late.contains(&o.buf))
            && fit(&mut tapes[0].0, result, tiling)
        {
            let (step, note) = steps.remove(j);
            let tape = match step {
                Step::Loops(mut tapes) => tapes.pop().map(|(tape, _)| tape),
                _ => None,
            };
            steps[i].1 = format!("{}, then {note}", steps[i].1);
            if let Step::Call(call) = &mut steps[i].0 {
                call.epilogue = tape.map(Box::new);
            }
            for k in before {
                let step = steps.remove(k);
                steps.insert(i, step);
                i += 1;
            }
        }
        i += 1;
    }
}

fn touches(step: &Step<Virtual>, buf: Buf) -> bool {
    let mut found = false;
    step.visit(&mut |b, _| found |= b == buf);
    found
}

/// The first step after `i` that reads `result`, if it is one loop nest that could run at `i`; and the steps between them
/// that have to run before `i` for that, in order.
fn user(
    steps: &[Noted<Virtual>],
    buffers: &Buffers,
    i: usize,
    result: Buf,
) -> Option<(usize, Vec<usize>)> {
    let root = |buf: Buf| root_of(buffers, buf).0;
    let j = (i + 1..steps.len()).find(|&j| touches(&steps[j].0, result))?;
    let Step::Loops(tapes) = &steps[j].0 else {
        return None;
    };
    let worthwhile = tapes[0]
        .0
        .instrs
        .iter()
        .any(|(i, _)| !matches!(i, Instr::Input(_) | Instr::Imm(_)));
    if tapes.len() != 1 || !worthwhile {
        return None;
    }
    // Buffers are written once at this stage, so only what makes the operands has to come before.
    let (mut needed, mut before) = (Vec::new(), Vec::new());
    let needs = |step: &Step<Virtual>, needed: &mut Vec<Buf>| {
        step.visit(&mut |buf, write| {
            if !write && buf != result {
                needed.push(root(buf));
            }
        });
    };
    needs(&steps[j].0, &mut needed);
    for k in (i + 1..j).rev() {
        let mut makes = false;
        steps[k]
            .0
            .visit(&mut |buf, write| makes |= write && needed.contains(&root(buf)));
        if makes {
            if !is_small(&steps[k].0) {
                return None;
            }
            needs(&steps[k].0, &mut needed);
            before.push(k);
        }
    }
    // What step `i` makes besides its result must not be among it.
    let mut free = true;
    steps[i]
        .0
        .visit(&mut |buf, write| free &= !(write && needed.contains(&root(buf))));
    before.reverse();
    free.then_some((j, before))
}

/// Loop nests over so few elements that it does not matter when they run.
pub(super) fn is_small(step: &Step<Virtual>) -> bool {
    /// Elements of a vector of channels or less.
    const SMALL: usize = 1 << 12;
    match step {
        Step::Loops(tapes) => tapes.iter().all(|(tape, _)| tape.numel() <= SMALL),
        _ => false,
    }
}

/// Blocks of several rows, where rows are short enough, and blocks of one row.
pub(crate) fn geometries(tape: &Tape) -> (Option<Geometry>, Geometry) {
    let own = Geometry::of(tape);
    let block = own.block_rows * own.block_cols;
    let whole = (own.block_cols == own.cols).then_some(own);
    let narrow = Geometry {
        block_rows: 1,
        block_cols: own.cols.min(block),
        ..own
    };
    (whole, narrow)
}
