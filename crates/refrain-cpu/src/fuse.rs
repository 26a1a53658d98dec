//! Loop fusion: which nodes become one loop nest.
//!
//! Nodes are visited from the last to the first and join the groups of those that use them, as long as all members walk
//! over one index space and no path leads from a group through other nodes back into it. Joining users rather than
//! producers keeps cheap arithmetic of a backward pass out of the forward pass, where its result would have to be stored.

use std::collections::HashMap;

use cranelift_entity::SecondaryMap;
use refrain_graph::{Graph, Node, Op, Value};

use crate::kernels::{convert, elementwise, reduce};
use crate::simd::Simd;
use crate::sources::{Sources, dims_of};
use crate::view::{View, is_dense, is_repeated};

/// Most nodes of a group that compute something: more registers than fit the first-level cache gain nothing.
const MAX_NODES: usize = 64;
/// Most values that a group reads or writes; the loop nest takes a few more.
const MAX_OPERANDS: usize = 40;
/// Longest row that is kept in cache for several passes, in elements.
const MAX_ROW: usize = 4096;

/// How a reduction walks over its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReductionPattern {
    /// The dimensions from `split` on, row by row.
    Rows {
        /// The first reduced dimension.
        split: usize,
    },
    /// The dimensions from `batch` to `split`, for each column behind them.
    Columns {
        /// The first reduced dimension.
        batch: usize,
        /// The first kept dimension behind them.
        split: usize,
    },
    /// Reduced dimensions lie between kept ones.
    Scattered,
}

/// Nodes that become one loop nest over one index space.
#[derive(Clone, Debug)]
pub struct Group {
    /// The nodes, in order.
    pub nodes: Vec<Node>,
    /// The index space.
    pub dims: Vec<usize>,
    /// Where columns begin, if a reduction says so.
    pub split: Option<usize>,
    /// Where the rows of column sums begin, if there are any.
    pub batch: Option<usize>,
    /// Whether it is a reduction with a permuted index space, which joins nothing.
    pub scattered: bool,
}

/// What is computed as one.
#[derive(Clone, Debug)]
pub enum Unit {
    /// A node by itself.
    Node(Node),
    /// A loop nest.
    Loop(Group),
}

impl Unit {
    /// Its nodes.
    pub fn nodes(&self) -> &[Node] {
        match self {
            Unit::Node(node) => std::slice::from_ref(node),
            Unit::Loop(group) => &group.nodes,
        }
    }
}

/// How a reduction of these dimensions walks.
pub fn pattern(dims: &[usize], reduced: &[usize]) -> ReductionPattern {
    let rank = dims.len();
    let (Some(&first), Some(&last)) = (reduced.first(), reduced.last()) else {
        return ReductionPattern::Rows { split: rank };
    };
    // Kept dimensions of size 1 between reduced ones do not matter.
    let holes = (first..last).any(|d| !reduced.contains(&d) && dims[d] != 1);
    if holes {
        return ReductionPattern::Scattered;
    }
    let row: usize = dims[first..].iter().product();
    if dims[last + 1..].iter().all(|&d| d == 1) {
        let rows: usize = dims[..first].iter().product();
        if row <= MAX_ROW && (rows > 1 || row < MAX_ROW / 4) {
            return ReductionPattern::Rows { split: first };
        }
        return ReductionPattern::Columns {
            batch: first,
            split: rank,
        };
    }
    ReductionPattern::Columns {
        batch: first,
        split: last + 1,
    }
}

/// Whether there is a loop for a node.
pub fn is_loop(graph: &Graph, node: Node) -> bool {
    let simd = Simd::native();
    let input = |i: usize| graph.spec(graph.inputs(node)[i]);
    let elements = |v: Value| graph.spec(v).shape.numel().unwrap_or(0);
    if graph.inputs(node).iter().any(|&v| elements(v) == 0) {
        return false;
    }
    match graph.op(node) {
        Op::Unary(op) => elementwise::unary(*op, input(0).dtype, simd).is_some(),
        Op::Binary(op) => elementwise::binary(*op, input(0).dtype, [false; 2], simd).is_some(),
        Op::Compare(op) => elementwise::compare(*op, input(0).dtype, [false; 2], simd).is_some(),
        Op::Select => true,
        Op::Convert(to) => convert::convert(input(0).dtype, *to, simd).is_some(),
        Op::Reduce { kind, .. } => reduce::reducer(*kind, input(0).dtype, simd).is_some(),
        _ => false,
    }
}

/// Whether a view of a value with one element per row gives each row's element to all its columns.
fn repeats_rows(view: &View, dims: &[usize], split: usize) -> bool {
    view.offset == 0
        && view.dims == dims
        && is_repeated(&dims[split..], &view.strides[split..])
        && is_dense(&dims[..split], &view.strides[..split])
}

/// Whether these are the rows' dimensions, perhaps with ones behind them.
fn are_rows(dims: &[usize], rows: &[usize]) -> bool {
    dims.len() >= rows.len()
        && dims[..rows.len()] == *rows
        && dims[rows.len()..].iter().all(|&d| d == 1)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Full,
    Row,
    Sink,
}

struct Fuser<'a> {
    graph: &'a Graph,
    sources: &'a Sources,
    groups: Vec<Option<Group>>,
    group_of: SecondaryMap<Node, Option<usize>>,
}

/// Cuts a graph into units, in an order in which they can run.
pub fn units(graph: &Graph, sources: &Sources, fuse: bool) -> Vec<Unit> {
    let mut fuser = Fuser {
        graph,
        sources,
        groups: Vec::new(),
        group_of: SecondaryMap::new(),
    };
    let users = fuser.users();
    for node in graph.nodes().rev().filter(|&n| sources.is_live(n)) {
        if !is_loop(graph, node) {
            continue;
        }
        fuser.add(node);
        if !fuse {
            continue;
        }
        for user in users.get(&node).into_iter().flatten() {
            if let (Some(a), Some(b)) = (fuser.group_of[node], fuser.group_of[*user]) {
                fuser.merge(a, b);
            }
        }
    }
    if fuse {
        fuser.merge_sums();
    }
    fuser.schedule()
}

impl Fuser<'_> {
    /// The nodes that read each node's outputs, in order.
    fn users(&self) -> HashMap<Node, Vec<Node>> {
        let mut users: HashMap<Node, Vec<Node>> = HashMap::new();
        for node in self.graph.nodes().filter(|&n| self.sources.is_live(n)) {
            for producer in self.producers(node) {
                users.entry(producer).or_default().push(node);
            }
        }
        users
    }

    /// The nodes that make what a node reads.
    fn producers(&self, node: Node) -> impl Iterator<Item = Node> + '_ {
        let inputs = self.graph.inputs(node).iter();
        inputs.filter_map(|&v| self.graph.node_of(self.sources.get(v).root))
    }

    fn add(&mut self, node: Node) {
        let mut group = Group {
            nodes: vec![node],
            dims: dims_of(self.graph, self.graph.outputs(node)[0]),
            split: None,
            batch: None,
            scattered: false,
        };
        if let Op::Reduce { dims, .. } = self.graph.op(node) {
            group.dims = dims_of(self.graph, self.graph.inputs(node)[0]);
            match pattern(&group.dims, dims) {
                ReductionPattern::Rows { split } => group.split = Some(split),
                ReductionPattern::Columns { batch, split } => {
                    group.batch = Some(batch);
                    group.split = Some(split);
                }
                ReductionPattern::Scattered => group.scattered = true,
            }
        }
        self.group_of[node] = Some(self.groups.len());
        self.groups.push(Some(group));
    }

    fn merge(&mut self, a: usize, b: usize) {
        if a == b {
            return;
        }
        let (Some(first), Some(second)) = (&self.groups[a], &self.groups[b]) else {
            return;
        };
        let Some(merged) = self.merged(first, second) else {
            return;
        };
        if !self.fits(&merged) || self.encloses(a, b) {
            return;
        }
        for &node in &merged.nodes {
            self.group_of[node] = Some(b);
        }
        self.groups[a] = None;
        self.groups[b] = Some(merged);
    }

    /// Both groups as one, if their index spaces agree.
    fn merged(&self, a: &Group, b: &Group) -> Option<Group> {
        let work = |group: &Group| group.nodes.iter().filter(|&&n| self.is_work(n)).count();
        if a.scattered || b.scattered || work(a) + work(b) > MAX_NODES {
            return None;
        }
        let both = |x: Option<usize>, y: Option<usize>| match (x, y) {
            (Some(x), Some(y)) if x != y => None,
            _ => Some(x.or(y)),
        };
        let rows_of = |rows: &Group, whole: &Group| {
            let plain = rows.split.is_none() && rows.batch.is_none();
            plain
                && whole
                    .split
                    .is_some_and(|s| are_rows(&rows.dims, &whole.dims[..s]))
        };
        let dims = if a.dims == b.dims || rows_of(b, a) {
            &a.dims
        } else if rows_of(a, b) {
            &b.dims
        } else {
            return None;
        };
        let mut nodes = [&a.nodes[..], &b.nodes[..]].concat();
        nodes.sort_unstable();
        Some(Group {
            nodes,
            dims: dims.clone(),
            split: both(a.split, b.split)?,
            batch: both(a.batch, b.batch)?,
            scattered: false,
        })
    }

    /// Whether a node counts: a conversion between `f32` and 16 bits is a part of what it converts for.
    fn is_work(&self, node: Node) -> bool {
        let half = |v: Value| self.graph.spec(v).dtype.is_half();
        let converts = matches!(self.graph.op(node), Op::Convert(_));
        let values = self
            .graph
            .inputs(node)
            .iter()
            .chain(self.graph.outputs(node));
        !converts || !values.copied().any(half)
    }

    fn role(&self, group: &Group, node: Node) -> Role {
        match self.graph.op(node) {
            Op::Reduce { dims, .. } => match pattern(&group.dims, dims) {
                ReductionPattern::Rows { .. } => Role::Row,
                _ => Role::Sink,
            },
            _ if dims_of(self.graph, self.graph.outputs(node)[0]) == group.dims => Role::Full,
            _ => Role::Row,
        }
    }

    /// Whether every member finds what it reads of other members in the block at hand.
    fn fits(&self, group: &Group) -> bool {
        let roles: HashMap<Node, Role> = group
            .nodes
            .iter()
            .map(|&n| (n, self.role(group, n)))
            .collect();
        let mut operands: Vec<Value> = Vec::new();
        for &node in &group.nodes {
            if self.is_work(node) {
                operands.extend(self.graph.outputs(node));
            }
            let reduces = matches!(self.graph.op(node), Op::Reduce { .. });
            for &input in self.graph.inputs(node) {
                let source = self.sources.get(input);
                let producer = self.graph.node_of(source.root).and_then(|p| roles.get(&p));
                let view = &source.view;
                let reads_rows = roles[&node] == Role::Row && !reduces;
                let fits = match (producer, group.split) {
                    (None, _) => {
                        operands.push(source.root);
                        true
                    }
                    (Some(Role::Sink), _) => false,
                    (Some(Role::Full), _) => {
                        !reads_rows && view.dims == group.dims && view.is_identity()
                    }
                    (Some(Role::Row), Some(_)) if reads_rows => view.is_identity(),
                    (Some(Role::Row), Some(s)) => !reduces && repeats_rows(view, &group.dims, s),
                    (Some(Role::Row), None) => false,
                };
                if !fits {
                    return false;
                }
            }
        }
        operands.sort_unstable();
        operands.dedup();
        let inner = group.nodes.iter().filter(|&&n| self.is_work(n)).count() / 2;
        operands.len().saturating_sub(inner) <= MAX_OPERANDS
    }

    /// Whether a path leads from one of the groups through other nodes to the other.
    fn encloses(&self, a: usize, b: usize) -> bool {
        let members = |g: usize| self.groups[g].as_ref().map_or(&[][..], |g| &g.nodes[..]);
        let first = members(a).iter().chain(members(b)).min().copied();
        let mine = |n: Node| self.group_of[n] == Some(a) || self.group_of[n] == Some(b);
        let mut seen: std::collections::HashSet<Node> = Default::default();
        let mut todo: Vec<Node> = Vec::new();
        let outside = |n: Node, todo: &mut Vec<Node>| {
            todo.extend(self.producers(n).filter(|&p| !mine(p)));
        };
        members(a)
            .iter()
            .chain(members(b))
            .for_each(|&n| outside(n, &mut todo));
        while let Some(node) = todo.pop() {
            if !seen.insert(node) {
                continue;
            }
            let unit = match self.group_of[node] {
                Some(g) => members(g),
                None => std::slice::from_ref(&node),
            };
            // A unit whose last node comes before the groups' first cannot depend on them.
            if unit.last().copied() < first {
                continue;
            }
            for &n in unit {
                seen.insert(n);
                for p in self.producers(n) {
                    if mine(p) {
                        return true;
                    }
                    todo.push(p);
                }
            }
        }
        false
    }

    /// Merges column sums over the same value, so that it is read once.
    fn merge_sums(&mut self) {
        let mut reading: HashMap<Value, Vec<usize>> = HashMap::new();
        for (i, group) in self.groups.iter().enumerate() {
            let Some(group) = group.as_ref().filter(|g| g.batch.is_some()) else {
                continue;
            };
            for &input in group.nodes.iter().flat_map(|&n| self.graph.inputs(n)) {
                let source = self.sources.get(input);
                if source.view.dims == group.dims && source.view.is_identity() {
                    let groups = reading.entry(source.root).or_default();
                    if groups.last() != Some(&i) {
                        groups.push(i);
                    }
                }
            }
        }
        let mut shared: Vec<_> = reading.into_iter().filter(|(_, g)| g.len() > 1).collect();
        shared.sort_unstable();
        for (_, groups) in shared {
            for pair in groups.windows(2) {
                self.merge(pair[0], pair[1]);
            }
        }
    }

    /// The units in an order in which they can run, as close to the nodes' order as can be.
    fn schedule(self) -> Vec<Unit> {
        let mut units: Vec<Unit> = Vec::new();
        let mut unit_of: HashMap<Node, usize> = HashMap::new();
        for node in self.graph.nodes().filter(|&n| self.sources.is_live(n)) {
            if unit_of.contains_key(&node) {
                continue;
            }
            let unit = match self.group_of[node].and_then(|g| self.groups[g].clone()) {
                Some(group) => Unit::Loop(group),
                None if is_value(self.graph, node) => continue,
                None => Unit::Node(node),
            };
            unit.nodes().iter().for_each(|&n| {
                unit_of.insert(n, units.len());
            });
            units.push(unit);
        }
        let mut waits = vec![0usize; units.len()];
        let mut next: Vec<Vec<usize>> = vec![Vec::new(); units.len()];
        for (i, unit) in units.iter().enumerate() {
            let mut needs: Vec<usize> = unit
                .nodes()
                .iter()
                .flat_map(|&n| self.producers(n))
                .filter_map(|p| unit_of.get(&p).copied())
                .filter(|&p| p != i)
                .collect();
            needs.sort_unstable();
            needs.dedup();
            waits[i] = needs.len();
            needs.into_iter().for_each(|p| next[p].push(i));
        }
        let key = |i: usize| std::cmp::Reverse((units[i].nodes().last().copied(), i));
        let ready = (0..units.len()).filter(|&i| waits[i] == 0).map(key);
        let mut ready: std::collections::BinaryHeap<_> = ready.collect();
        let mut order = Vec::with_capacity(units.len());
        while let Some(std::cmp::Reverse((_, i))) = ready.pop() {
            order.push(i);
            for &j in &next[i] {
                waits[j] -= 1;
                if waits[j] == 0 {
                    ready.push(key(j));
                }
            }
        }
        order.into_iter().map(|i| units[i].clone()).collect()
    }
}

/// Whether a node is known without computing.
fn is_value(graph: &Graph, node: Node) -> bool {
    matches!(graph.op(node), Op::Constant(_) | Op::Iota { .. })
}
