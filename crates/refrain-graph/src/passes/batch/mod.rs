//! Batching of shared calls: independent calls with the same weights become one call on the rows of all.
//!
//! Two steps are repeated until neither finds anything:
//!
//! 1. Products, convolutions and lookups with one right operand (a weight), equal attributes and left operands that
//!    differ only in their number of rows become one, on the rows side by side; each old result is a slice of the new.
//! 2. Where all the slices of one value go through primitives that are alike and treat each row by itself, one primitive
//!    before the slices does it for all.
//!
//! So a network that is called several times becomes a network that is called once, on a longer batch.

mod cut;
mod merge;
mod rows;

pub use cut::{Cut, cut_rows};

use std::collections::{HashMap, HashSet};

use cranelift_entity::{EntityRef, SecondaryMap};

use super::everywhere;
use crate::{Graph, GraphError, Node, Op, Value};
use merge::{Merge, MergedInput};
use rows::{RowWise, row_wise};

/// Makes one call of independent calls with the same weights. May be used before gradients are made, which then come
/// batched as well.
///
/// # Errors
/// If the graph is not sound.
pub fn batch_shared_calls(graph: &Graph) -> Result<Graph, GraphError> {
    everywhere(graph, level)
}

/// The pass without the bodies of scans.
pub(super) fn level(graph: &Graph) -> Result<Graph, GraphError> {
    let mut graph = graph.clone();
    // Each merge leaves fewer nodes that could be merged.
    for _ in 0..graph.nodes().len() {
        let found = alike_after_slices(&graph).or_else(|| calls_of_one_weight(&graph));
        match found {
            Some(merge) => graph = merge.apply(&graph)?,
            None => break,
        }
    }
    Ok(graph)
}

/// Calls with the same weight, none of which depends on another.
fn calls_of_one_weight(graph: &Graph) -> Option<Merge> {
    let mut groups: HashMap<(&str, Value), Vec<(Node, RowWise)>> = HashMap::new();
    let mut keys = vec![];
    for node in graph.nodes() {
        let Some(rows) = row_wise(graph, node) else {
            continue;
        };
        let (op, inputs) = (graph.op(node), graph.inputs(node));
        let (Op::DotGeneral(_) | Op::Convolution(_) | Op::Gather(_), [false, true] | [true, false]) =
            (op, &rows.carries[..])
        else {
            continue;
        };
        let weight = inputs[usize::from(rows.carries[0])];
        let group = groups.entry((op.name(), weight)).or_default();
        if group.is_empty() {
            keys.push((op.name(), weight));
        }
        group.push((node, rows));
    }
    keys.iter().find_map(|key| {
        let group = &groups[key];
        let chained = chained(graph, group);
        let mut firsts = (0..group.len()).filter(|&first| !chained[first]);
        firsts.find_map(|first| independent(graph, &group[first..]))
    })
}

/// The calls like the first of these, and it among them.
fn like_first(graph: &Graph, group: &[(Node, RowWise)]) -> impl Iterator<Item = usize> {
    let (first, rows) = &group[0];
    let moving = usize::from(!rows.carries[0]);
    let row = move |node: Node| {
        let spec = graph.spec(graph.inputs(node)[moving]);
        (spec.dtype, &spec.shape.dims()[1..])
    };
    let same = move |(n, r): &(Node, RowWise)| r.op == rows.op && row(*n) == row(*first);
    (0..group.len()).filter(move |&i| same(&group[i]))
}

/// Of each call whether all later ones that are like it depend on it, as the steps of a loop do: found out from the last to the
/// first, by the next one alone.
fn chained(graph: &Graph, group: &[(Node, RowWise)]) -> Vec<bool> {
    let mut chained = vec![true; group.len()];
    for first in (0..group.len()).rev() {
        if let Some(next) = like_first(graph, &group[first..]).nth(1) {
            let next = first + next;
            chained[first] = chained[next] && depends(graph, group[next].0, group[first].0);
        }
    }
    chained
}

/// Whether a node depends on one before it.
fn depends(graph: &Graph, node: Node, on: Node) -> bool {
    let mut reached = vec![true];
    for between in (on.index() + 1..=node.index()).map(Node::new) {
        let is_behind = |&input: &Value| {
            let place = graph.node_of(input)?.index().checked_sub(on.index())?;
            reached.get(place).copied()
        };
        let behind = graph
            .inputs(between)
            .iter()
            .any(|v| is_behind(v) == Some(true));
        reached.push(behind);
    }
    reached[node.index() - on.index()]
}

/// The calls like the first of these that depend on none before them.
fn independent(graph: &Graph, group: &[(Node, RowWise)]) -> Option<Merge> {
    let rows = &group[0].1;
    let moving = usize::from(!rows.carries[0]);
    let alike: HashSet<Node> = like_first(graph, group).map(|i| group[i].0).collect();
    if alike.len() < 2 {
        return None;
    }
    let mut behind: SecondaryMap<Value, bool> = SecondaryMap::with_default(false);
    let mut members = vec![];
    for node in graph.nodes() {
        let depends = graph.inputs(node).iter().any(|&v| behind[v]);
        let joins = !depends && alike.contains(&node);
        if joins {
            members.push(node);
        }
        graph
            .outputs(node)
            .iter()
            .for_each(|&v| behind[v] = depends || joins);
    }
    if members.len() < 2 {
        return None;
    }
    let starts =
        |&node: &Node| merge::row_slice(graph, graph.inputs(node)[moving]).map(|s| (s.of, s.start));
    members.sort_by_key(|node| (starts(node), *node));
    let parts = rows.carries.iter().map(|&c| {
        if c {
            MergedInput::Rows
        } else {
            MergedInput::Shared
        }
    });
    Some(Merge {
        op: rows.op.clone(),
        parts: parts.collect(),
        members,
    })
}

/// For a value that is only cut into slices of rows: primitives alike on all of its slices.
fn alike_after_slices(graph: &Graph) -> Option<Merge> {
    let mut users: SecondaryMap<Value, Vec<(Node, usize)>> = SecondaryMap::new();
    let mut slices: HashMap<Value, Vec<Value>> = HashMap::new();
    let mut sources = vec![];
    for node in graph.nodes() {
        for (i, &input) in graph.inputs(node).iter().enumerate() {
            users[input].push((node, i));
        }
        if let &[output] = graph.outputs(node)
            && let Some(slice) = merge::row_slice(graph, output)
        {
            let siblings = slices.entry(slice.of).or_default();
            if siblings.is_empty() {
                sources.push(slice.of);
            }
            siblings.push(output);
        }
    }
    sources.iter().find_map(|source| {
        let mut siblings = slices[source].clone();
        siblings.sort_by_key(|&v| merge::row_slice(graph, v).map(|s| s.start));
        merge::covered(graph, &siblings)?;
        let firsts = users[siblings[0]].iter();
        let merges =
            firsts.filter_map(|&(node, place)| alike(graph, &users, &siblings, node, place));
        merges.into_iter().next()
    })
}

/// The users of all siblings that do the same as `first` does with the first sibling at input `place`.
fn alike(
    graph: &Graph,
    users: &SecondaryMap<Value, Vec<(Node, usize)>>,
    siblings: &[Value],
    first: Node,
    place: usize,
) -> Option<Merge> {
    let rows = row_wise(graph, first).filter(|r| r.carries[place])?;
    let mut members = vec![first];
    for (i, &sibling) in siblings.iter().enumerate().skip(1) {
        let fits = |node: Node| {
            let same = row_wise(graph, node).is_some_and(|r| r == rows);
            let siblings = &siblings[..=i];
            same && !members.contains(&node)
                && parts(
                    graph,
                    &[&members[..], &[node]].concat(),
                    &rows,
                    siblings.len(),
                )
                .is_some()
        };
        let mut candidates = users[sibling].iter().filter(|(_, p)| *p == place);
        let next = candidates.find(|&&(node, _)| fits(node))?.0;
        members.push(next);
    }
    let parts = parts(graph, &members, &rows, members.len())?;
    let whole = |(j, part): (usize, &MergedInput)| match part {
        MergedInput::Rows => {
            let inputs: Vec<Value> = members.iter().map(|&n| graph.inputs(n)[j]).collect();
            merge::covered(graph, &inputs).is_some()
        }
        _ => true,
    };
    let complete = parts.iter().enumerate().all(whole);
    complete.then_some(Merge {
        op: rows.op,
        parts,
        members,
    })
}

/// What each input is to all of these nodes, if their inputs agree.
fn parts(
    graph: &Graph,
    members: &[Node],
    rows: &RowWise,
    count: usize,
) -> Option<Vec<MergedInput>> {
    let part = |(j, &carries): (usize, &bool)| {
        let inputs: Vec<Value> = members.iter().map(|&n| graph.inputs(n)[j]).collect();
        let same = inputs.iter().all(|&v| v == inputs[0]);
        if !carries {
            return same.then_some(MergedInput::Shared);
        }
        if let Some(spread) = merge::common_spread(graph, &inputs) {
            return Some(spread);
        }
        merge::consecutive(graph, &inputs[..count]).then_some(MergedInput::Rows)
    };
    rows.carries.iter().enumerate().map(part).collect()
}
