//! Runs the updates of large variables as soon as they can, so that their gradients need not wait for the others.

use std::collections::HashSet;

use super::finish::is_small;
use crate::plan::{Buf, Buffers, Draft, root_of};

/// Bytes of a variable from which its update runs by itself. The updates of smaller ones are faster as one step, and their
/// gradients take little memory.
const LARGE: usize = 1 << 20;

/// Moves the loop nests that compute new values of large variables up to where nothing in between makes what they read or
/// reads the old value, which they are to be computed over. `updates` are old and new values.
pub(super) fn hasten(drafts: &mut Vec<(Draft, String)>, buffers: &Buffers, updates: &[(Buf, Buf)]) {
    for k in 0..drafts.len() {
        let Draft::Loops(tapes) = &drafts[k].0 else {
            continue;
        };
        let made = |new: Buf| {
            let outputs = tapes.iter().flat_map(|(tape, _)| &tape.outputs);
            outputs.into_iter().any(|o| o.buf == new)
        };
        let settled: Vec<(Buf, Buf)> = updates.iter().filter(|u| made(u.1)).copied().collect();
        if settled.iter().any(|&(_, new)| buffers[new].bytes >= LARGE) {
            let old = settled.iter().map(|&(old, _)| old).collect();
            move_up(drafts, buffers, k, &old);
        }
    }
}

/// Moves a step up, with the small ones that it needs.
fn move_up(drafts: &mut Vec<(Draft, String)>, buffers: &Buffers, step: usize, old: &HashSet<Buf>) {
    let root = |buf: Buf| root_of(buffers, buf).0;
    let mut needed: HashSet<Buf> = HashSet::new();
    let needs = |draft: &Draft, needed: &mut HashSet<Buf>| {
        draft.touches(&mut |buf, write| {
            if !write {
                needed.insert(root(buf));
            }
        });
    };
    needs(&drafts[step].0, &mut needed);
    let (mut first, mut along) = (0, Vec::new());
    for i in (0..step).rev() {
        let (mut makes, mut reads) = (false, false);
        drafts[i].0.touches(&mut |buf, write| {
            makes |= write && needed.contains(&root(buf));
            reads |= !write && old.contains(&buf);
        });
        if reads || (makes && !is_small(&drafts[i].0)) {
            first = i + 1;
            break;
        }
        if makes {
            needs(&drafts[i].0, &mut needed);
            along.push(i);
        }
    }
    along.reverse();
    along.push(step);
    for (to, from) in (first..).zip(along) {
        let draft = drafts.remove(from);
        drafts.insert(to, draft);
    }
}
