//! Moves loop nests into the product or convolution whose result they work on.

use refrain_graph::DType;

use crate::library::Kernel;
use crate::plan::{Buf, Buffers, Draft, reads_in_place};
use crate::tape::{Geometry, Instr, Tape};

/// The result of a kernel that can work on its parts as it makes them, and its columns.
fn result_of(draft: &Draft) -> Option<(Buf, usize)> {
    match draft {
        Draft::Dot(dot) if dot.finish.is_none() => Some((dot.out, dot.sizes[2])),
        Draft::Call {
            kernel,
            writes,
            finish: None,
            ..
        } => match &**kernel {
            Kernel::Conv(_, cols) => Some((writes[0], *cols)),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a tape can run on parts of a result of `cols` columns; then its columns are set.
fn fit(tape: &mut Tape, result: Buf, cols: usize) -> bool {
    let plain = tape.sums.is_empty() && !tape.reduces_rows() && !tape.outputs.is_empty();
    let split = (0..=tape.dims.len()).find(|&s| tape.dims[s..].iter().product::<usize>() == cols);
    let Some(split) = split.filter(|_| plain) else {
        return false;
    };
    let before = std::mem::replace(&mut tape.split, split);
    let inputs = tape.inputs.iter();
    let fits = reads_in_place(tape, result)
        && inputs
            .clone()
            .all(|i| i.buf != result || i.dtype == DType::F32);
    if !fits {
        tape.split = before;
    }
    fits
}

/// Gives kernels the loop nests that work on their results, where nothing in between stands against it.
///
/// Nests that make a buffer of `late` stay where they are: new values of variables, which are computed over the old ones
/// once nothing reads those any more.
pub(super) fn attach(drafts: &mut Vec<(Draft, String)>, buffers: &Buffers, late: &[Buf]) {
    let mut i = 0;
    while i < drafts.len() {
        if let Some((result, cols)) = result_of(&drafts[i].0)
            && let Some(j) = user(drafts, i, result)
            && let Draft::Loops(tapes) = &mut drafts[j].0
            && tapes[0].0.numel() * size_of::<f32>() == buffers[result].bytes
            && !tapes[0].0.outputs.iter().any(|o| late.contains(&o.buf))
            && fit(&mut tapes[0].0, result, cols)
        {
            let (draft, note) = drafts.remove(j);
            let tape = match draft {
                Draft::Loops(mut tapes) => tapes.pop().map(|(tape, _)| tape),
                _ => None,
            };
            drafts[i].1 = format!("{}, then {note}", drafts[i].1);
            match &mut drafts[i].0 {
                Draft::Dot(dot) => dot.finish = tape.map(Box::new),
                Draft::Call { finish, .. } => *finish = tape.map(Box::new),
                _ => {}
            }
        }
        i += 1;
    }
}

/// The first step after `i` that reads `result`, if it is one loop nest that could run at `i`.
fn user(drafts: &[(Draft, String)], i: usize, result: Buf) -> Option<usize> {
    let touches = |draft: &Draft| {
        let mut found = false;
        draft.touches(&mut |buf, _| found |= buf == result);
        found
    };
    let j = (i + 1..drafts.len()).find(|&j| touches(&drafts[j].0))?;
    let Draft::Loops(tapes) = &drafts[j].0 else {
        return None;
    };
    let mut reads = Vec::new();
    drafts[j].0.touches(&mut |buf, write| {
        if !write {
            reads.push(buf);
        }
    });
    let mut ready = tapes.len() == 1;
    for (draft, _) in &drafts[i + 1..j] {
        draft.touches(&mut |buf, write| ready &= !(write && reads.contains(&buf)));
    }
    // What the kernel itself reads or uses as scratch must not be written by the nest; its outputs are new buffers.
    let worthwhile = tapes[0]
        .0
        .instrs
        .iter()
        .any(|(i, _)| !matches!(i, Instr::Input(_) | Instr::Imm(_)));
    (ready && worthwhile).then_some(j)
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
