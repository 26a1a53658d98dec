//! Moves loop nests into the product or convolution whose result they work on.

use refrain_graph::DType;

use crate::kernels::gemm::Product;
use crate::library::Kernel;
use crate::plan::{Buf, Buffers, Draft, reads_in_place, root_of};
use crate::tape::{Geometry, Input, Instr, Tape};

/// What a kernel makes part by part.
struct Made {
    result: Buf,
    /// Columns of the result.
    cols: usize,
    /// Whether all parts have all columns.
    whole_rows: bool,
}

/// The result of a kernel that can work on its parts as it makes them.
fn result_of(draft: &Draft) -> Option<Made> {
    match draft {
        Draft::Dot(dot) if dot.finish.is_none() => {
            let [_, m, n, k] = dot.sizes;
            Some(Made {
                result: dot.out,
                cols: n,
                whole_rows: Product::has_whole_rows(m, n, k),
            })
        }
        Draft::Call {
            kernel,
            writes,
            finish: None,
            ..
        } => match &**kernel {
            Kernel::Conv(_, cols) | Kernel::PackedConv(_, cols) => Some(Made {
                result: writes[0],
                cols: *cols,
                whole_rows: false,
            }),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a tape can run on parts of a result; then its columns are set.
fn fit(tape: &mut Tape, made: &Made) -> bool {
    if !tape.sums.is_empty() || tape.outputs.is_empty() {
        return false;
    }
    let before = tape.split;
    if tape.reduces_rows() {
        if !made.whole_rows || tape.cols() != made.cols {
            return false;
        }
    } else {
        let cols = |s: usize| tape.dims[s..].iter().product::<usize>();
        match (0..=tape.dims.len()).find(|&s| cols(s) == made.cols) {
            Some(split) => tape.split = split,
            None => return false,
        }
    }
    let of_floats = |i: &Input| i.buf != made.result || i.dtype == DType::F32;
    let fits = reads_in_place(tape, made.result) && tape.inputs.iter().all(of_floats);
    if !fits {
        tape.split = before;
    }
    fits
}

/// Gives kernels the loop nests that work on their results, where nothing in between stands against it.
///
/// Nests that make a buffer of `late` stay where they are: new values of variables, which are computed over the old ones
/// once nothing reads those any more, and faster in one pass over memory than in the product's blocks.
pub(super) fn attach(drafts: &mut Vec<(Draft, String)>, buffers: &Buffers, late: &[Buf]) {
    let mut i = 0;
    while i < drafts.len() {
        if let Some(made) = result_of(&drafts[i].0)
            && let Some((j, before)) = user(drafts, buffers, i, made.result)
            && let Draft::Loops(tapes) = &mut drafts[j].0
            && tapes[0].0.numel() * size_of::<f32>() == buffers[made.result].bytes
            && !tapes[0].0.outputs.iter().any(|o| late.contains(&o.buf))
            && fit(&mut tapes[0].0, &made)
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
            for k in before {
                let draft = drafts.remove(k);
                drafts.insert(i, draft);
                i += 1;
            }
        }
        i += 1;
    }
}

fn touches(draft: &Draft, buf: Buf) -> bool {
    let mut found = false;
    draft.touches(&mut |b, _| found |= b == buf);
    found
}

/// The first step after `i` that reads `result`, if it is one loop nest that could run at `i`; and the steps between them
/// that have to run before `i` for that, in order.
fn user(
    drafts: &[(Draft, String)],
    buffers: &Buffers,
    i: usize,
    result: Buf,
) -> Option<(usize, Vec<usize>)> {
    let root = |buf: Buf| root_of(buffers, buf).0;
    let j = (i + 1..drafts.len()).find(|&j| touches(&drafts[j].0, result))?;
    let Draft::Loops(tapes) = &drafts[j].0 else {
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
    let needs = |draft: &Draft, needed: &mut Vec<Buf>| {
        draft.touches(&mut |buf, write| {
            if !write && buf != result {
                needed.push(root(buf));
            }
        });
    };
    needs(&drafts[j].0, &mut needed);
    for k in (i + 1..j).rev() {
        let mut makes = false;
        drafts[k]
            .0
            .touches(&mut |buf, write| makes |= write && needed.contains(&root(buf)));
        if makes {
            if !is_small(&drafts[k].0) {
                return None;
            }
            needs(&drafts[k].0, &mut needed);
            before.push(k);
        }
    }
    // What step `i` makes besides its result must not be among it.
    let mut free = true;
    drafts[i]
        .0
        .touches(&mut |buf, write| free &= !(write && needed.contains(&root(buf))));
    before.reverse();
    free.then_some((j, before))
}

/// Loop nests over so few elements that it does not matter when they run.
pub(super) fn is_small(draft: &Draft) -> bool {
    /// Elements of a vector of channels or less.
    const SMALL: usize = 1 << 12;
    match draft {
        Draft::Loops(tapes) => tapes.iter().all(|(tape, _)| tape.numel() <= SMALL),
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
