//! Replacing nodes that are alike by one node on all their rows.

use cranelift_entity::EntitySet;

use super::rows::for_rows;
use crate::passes::Rewriter;
use crate::{Graph, GraphError, Node, Op, Value};

/// What an input is to the nodes that are merged.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum MergedInput {
    /// The same value for all.
    Shared,
    /// Each node has its own rows.
    Rows,
    /// Each node has as many copies of one value as it has rows.
    Spread(Value, Vec<usize>),
}

/// Nodes to be merged. None depends on another.
pub(super) struct Merge {
    /// The primitive, with the number of rows left open.
    pub(super) op: Op,
    /// What each input is.
    pub(super) parts: Vec<MergedInput>,
    /// The nodes, in the order in which their rows follow one another.
    pub(super) members: Vec<Node>,
}

/// Consecutive rows of a value.
pub(super) struct RowSlice {
    pub(super) of: Value,
    pub(super) start: usize,
    limit: usize,
}

pub(super) fn row_slice(graph: &Graph, value: Value) -> Option<RowSlice> {
    let (
        Op::Slice {
            starts,
            limits,
            strides,
        },
        inputs,
    ) = graph.op_of(value)?
    else {
        return None;
    };
    let sizes = graph.spec(inputs[0]).shape.known()?;
    let whole = |d: usize| starts[d] == 0 && limits[d].is_none_or(|n| n == sizes[d]);
    let rows = !sizes.is_empty() && strides.iter().all(|&s| s == 1) && (1..sizes.len()).all(whole);
    rows.then(|| RowSlice {
        of: inputs[0],
        start: starts[0],
        limit: limits[0].unwrap_or(sizes[0]),
    })
}

/// Whether these are slices of rows of one value that follow one another from its first row on.
pub(super) fn consecutive(graph: &Graph, values: &[Value]) -> bool {
    let (mut of, mut end) = (None, 0);
    values.iter().all(|&value| match row_slice(graph, value) {
        Some(slice) if slice.start == end && of.is_none_or(|of| of == slice.of) => {
            (of, end) = (Some(slice.of), slice.limit);
            true
        }
        _ => false,
    })
}

/// The value of which these are all rows, in order, in at least two slices.
pub(super) fn covered(graph: &Graph, values: &[Value]) -> Option<Value> {
    if values.len() < 2 || !consecutive(graph, values) {
        return None;
    }
    let last = row_slice(graph, *values.last()?)?;
    let rows = graph.spec(last.of).shape.dim(0);
    (rows == Some(last.limit)).then_some(last.of)
}

/// The one value that all of these repeat in each row.
pub(super) fn common_spread(graph: &Graph, values: &[Value]) -> Option<MergedInput> {
    let spread = |value: Value| match graph.op_of(value) {
        Some((Op::BroadcastInDim { dims, .. }, inputs)) if dims.first() != Some(&0) => {
            let shape = &graph.spec(value).shape.dims()[1..];
            Some((inputs[0], dims, shape))
        }
        _ => None,
    };
    let first = spread(values[0])?;
    let same = values.iter().all(|&v| spread(v) == Some(first));
    same.then(|| MergedInput::Spread(first.0, first.1.clone()))
}

impl Merge {
    /// The graph with one node in place of the members, followed by a slice for each.
    pub(super) fn apply(&self, graph: &Graph) -> Result<Graph, GraphError> {
        let mut rewriter = Rewriter::new(graph);
        let mut done: EntitySet<Node> = EntitySet::with_capacity(graph.nodes().len());
        for node in graph.nodes() {
            // What a member needs may come after another member: nodes are copied when they are needed.
            let mut work = vec![node];
            while let Some(&node) = work.last() {
                let missing = |n: &Node| !done.contains(*n);
                let before = self.needed(graph, node).into_iter().filter(missing);
                let before: Vec<Node> = before.collect();
                if done.contains(node) {
                    work.pop();
                } else if !before.is_empty() {
                    work.extend(before);
                } else if self.members.contains(&node) {
                    self.emit(&mut rewriter)?;
                    self.members.iter().for_each(|&m| _ = done.insert(m));
                } else {
                    rewriter.copy(node)?;
                    done.insert(node);
                }
            }
        }
        rewriter.finish()
    }

    /// The nodes that must come before a node.
    fn needed(&self, graph: &Graph, node: Node) -> Vec<Node> {
        let of = |node: Node| graph.inputs(node).iter().filter_map(|&v| graph.node_of(v));
        match self.members.contains(&node) {
            true => self.members.iter().flat_map(|&m| of(m)).collect(),
            false => of(node).collect(),
        }
    }

    fn emit(&self, rewriter: &mut Rewriter) -> Result<(), GraphError> {
        let old = rewriter.old();
        let rows_of = |node: Node| {
            let rows = old
                .spec(old.outputs(node)[0])
                .shape
                .dims()
                .first()
                .copied()
                .flatten();
            rows.ok_or_else(|| GraphError::new("calls to be batched must have known rows"))
        };
        let counts: Vec<usize> = self
            .members
            .iter()
            .map(|&n| rows_of(n))
            .collect::<Result<_, _>>()?;
        let total = counts.iter().sum();
        rewriter.label_as(self.members[0]);
        let mut inputs = vec![];
        for (j, part) in self.parts.iter().enumerate() {
            let own: Vec<Value> = self.members.iter().map(|&n| old.inputs(n)[j]).collect();
            inputs.push(joined(rewriter, part, &own, total)?);
        }
        let all = rewriter.push(for_rows(&self.op, total), &inputs)?;
        let mut start = 0;
        for (&member, count) in self.members.iter().zip(counts) {
            rewriter.label_as(member);
            let rank = rewriter.new_graph().spec(all).shape.rank();
            let mut starts = vec![0; rank];
            let mut limits = rewriter.new_graph().spec(all).shape.dims().to_vec();
            (starts[0], limits[0]) = (start, Some(start + count));
            start += count;
            let strides = vec![1; rank];
            let slice = rewriter.push(
                Op::Slice {
                    starts,
                    limits,
                    strides,
                },
                &[all],
            )?;
            rewriter.bind(old.outputs(member)[0], slice);
        }
        Ok(())
    }
}

/// One input for all members.
fn joined(
    rewriter: &mut Rewriter,
    part: &MergedInput,
    own: &[Value],
    rows: usize,
) -> Result<Value, GraphError> {
    match part {
        MergedInput::Shared => rewriter.value(own[0]),
        MergedInput::Rows => match covered(rewriter.old(), own) {
            Some(whole) => rewriter.value(whole),
            None => {
                let own = rewriter.values(own)?;
                rewriter.push(Op::Concatenate(0), &own)
            }
        },
        MergedInput::Spread(value, dims) => {
            let mut shape = rewriter.old().spec(own[0]).shape.clone();
            shape.dims_mut()[0] = Some(rows);
            let value = rewriter.value(*value)?;
            let dims = dims.clone();
            rewriter.push(Op::BroadcastInDim { shape, dims }, &[value])
        }
    }
}
