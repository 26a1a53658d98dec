//! Schedules the updates of large variables as early as possible, so that their gradients need not wait for the others.

use std::collections::HashSet;

use super::epilogue::is_small;
use crate::buffer::{Buf, Buffers, root_of};
use crate::step::{Noted, Step, Virtual};

/// Bytes of a variable from which its update runs by itself. The updates of smaller ones are faster as one step, and their
/// gradients take little memory.
const LARGE: usize = 1 << 20;

/// Moves the loop nests that compute new values of large variables up to where nothing in between makes what they read or
/// reads the old value, which they are to be computed over. `updates` are old and new values.
pub(super) fn schedule_updates(
    steps: &mut Vec<Noted<Virtual>>,
    buffers: &Buffers,
    updates: &[(Buf, Buf)],
) {
    for k in 0..steps.len() {
        let Step::Loops(tapes) = &steps[k].0 else {
            continue;
        };
        let made = |new: Buf| {
            let outputs = tapes.iter().flat_map(|(tape, _)| &tape.outputs);
            outputs.into_iter().any(|o| o.buf == new)
        };
        let settled: Vec<(Buf, Buf)> = updates.iter().filter(|u| made(u.1)).copied().collect();
        if settled.iter().any(|&(_, new)| buffers[new].bytes >= LARGE) {
            let old = settled.iter().map(|&(old, _)| old).collect();
            move_up(steps, buffers, k, &old);
        }
    }
}

/// Moves a step up, with the small ones that it needs.
fn move_up(steps: &mut Vec<Noted<Virtual>>, buffers: &Buffers, step: usize, old: &HashSet<Buf>) {
    let root = |buf: Buf| root_of(buffers, buf).0;
    let mut needed: HashSet<Buf> = HashSet::new();
    let needs = |step: &Step<Virtual>, needed: &mut HashSet<Buf>| {
        step.visit(&mut |buf, write| {
            if !write {
                needed.insert(root(buf));
            }
        });
    };
    needs(&steps[step].0, &mut needed);
    let (mut first, mut along) = (0, Vec::new());
    for i in (0..step).rev() {
        let (mut makes, mut reads) = (false, false);
        steps[i].0.visit(&mut |buf, write| {
            makes |= write && needed.contains(&root(buf));
            reads |= !write && old.contains(&buf);
        });
        if reads || (makes && !is_small(&steps[i].0)) {
            first = i + 1;
            break;
        }
        if makes {
            needs(&steps[i].0, &mut needed);
            along.push(i);
        }
    }
    along.reverse();
    along.push(step);
    for (to, from) in (first..).zip(along) {
        let step = steps.remove(from);
        steps.insert(to, step);
    }
}
