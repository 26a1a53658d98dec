//! Rematerialization: values are computed again where they are read late, instead of being kept in memory until then.
//!
//! A training step keeps what its forward pass made until the backward pass reads it. Where such a value is cheap
//! arithmetic on values that are kept anyway, the loop nests that read it late make it once more: what batch
//! normalization has centred comes again from the convolution's result, a clamp's operand too. The nests then read no more
//! than before, the forward pass writes less, and the copies compute the same bits. (Sums in a nest of other instructions may
//! be cut at other places.)

use std::collections::{BTreeSet, HashMap, HashSet};

use cranelift_entity::SecondaryMap;
use refrain_graph::passes::Rewriter;
use refrain_graph::{BinaryOp, Graph, GraphError, Node, Op, UnaryOp, Value};

use crate::CompileError;
use crate::fuse::{Unit, is_loop, units};
use crate::sources::{Sources, dims_of};

/// Most nodes that are computed again for one value: a few instructions hide behind the memory's speed.
const MAX_AGAIN: usize = 6;
/// How many times smaller a value must be to be kept longer for another's sake, as a mean is than what it is taken of.
const SMALL: usize = 16;
/// Which part of a program's memory a value must have to count.
const LEAST_PART: usize = 1024;
/// Rounds after which other values than before make up the peak.
const MAX_ROUNDS: usize = 3;

/// The graph with copies of nodes whose results would have to be kept over the program's peak of memory, if there are
/// any.
pub fn rematerialize(graph: &Graph) -> Result<Option<Graph>, CompileError> {
    let (mut before, mut latest) = (None, None);
    let mut least = usize::MAX;
    for round in 0..=MAX_ROUNDS {
        let graph = latest.as_ref().unwrap_or(graph);
        let sources = Sources::find(graph)?;
        let mut search = Search::new(graph, &sources);
        // Nests may have become too large to be one: then the copies are kept like what they replace.
        if search.peak.1 > least {
            return Ok(before);
        }
        least = search.peak.1;
        search.run();
        if search.again.is_empty() || round == MAX_ROUNDS {
            break;
        }
        let next = search.rewritten()?;
        before = latest.replace(next);
    }
    Ok(latest)
}

/// When a value is in memory.
#[derive(Clone, Debug, Default)]
struct LiveInterval {
    /// The unit that makes it.
    made: usize,
    /// The last unit that reads it.
    last: usize,
    /// The nodes that read it.
    readers: Vec<Node>,
}

/// What is computed again for a value that is not kept.
struct Recipe {
    /// Nodes, in order; the last one makes the value.
    nodes: Vec<Node>,
    /// Kept values as large as this one that they read.
    reads: Vec<Value>,
}

struct Search<'a> {
    graph: &'a Graph,
    sources: &'a Sources,
    units: Vec<Unit>,
    unit_of: SecondaryMap<Node, Option<usize>>,
    intervals: HashMap<Value, LiveInterval>,
    /// Values that the caller gets, and variables that get new values.
    kept: HashSet<Value>,
    /// The unit at which most memory is in use, and how much that is.
    peak: (usize, usize),
    /// Values that are not kept.
    dropped: HashMap<Value, Recipe>,
    /// Those that each unit computes again.
    again: HashMap<usize, BTreeSet<Value>>,
    /// Values that units read for the sake of these.
    extra: HashSet<(usize, Value)>,
}

impl<'a> Search<'a> {
    fn new(graph: &'a Graph, sources: &'a Sources) -> Self {
        let units = units(graph, sources, true);
        let mut unit_of = SecondaryMap::new();
        for (i, unit) in units.iter().enumerate() {
            unit.nodes().iter().for_each(|&n| unit_of[n] = Some(i));
        }
        let updated = graph.updates().iter().map(|&(variable, _)| variable);
        let kept = graph.roots().map(|v| sources.get(v).root);
        let mut search = Search {
            graph,
            sources,
            unit_of,
            intervals: HashMap::new(),
            kept: kept.chain(updated).collect(),
            peak: (0, 0),
            dropped: HashMap::new(),
            again: HashMap::new(),
            extra: HashSet::new(),
            units,
        };
        search.find_intervals();
        search.find_peak();
        search
    }

    fn find_intervals(&mut self) {
        for node in self.graph.nodes() {
            let Some(unit) = self.unit_of[node] else {
                continue;
            };
            for &value in self.graph.outputs(node) {
                let interval = self.intervals.entry(value).or_default();
                (interval.made, interval.last) = (unit, interval.last.max(unit));
            }
            for &input in self.graph.inputs(node) {
                let interval = self
                    .intervals
                    .entry(self.sources.get(input).root)
                    .or_default();
                interval.last = interval.last.max(unit);
                interval.readers.push(node);
            }
        }
    }

    fn find_peak(&mut self) {
        let mut change = vec![0isize; self.units.len() + 1];
        for (&value, interval) in &self.intervals {
            let made = self
                .graph
                .node_of(value)
                .is_some_and(|n| self.unit_of[n].is_some());
            if made && interval.last > interval.made && !self.kept.contains(&value) {
                let bytes = self.bytes(value) as isize;
                change[interval.made] += bytes;
                change[interval.last + 1] -= bytes;
            }
        }
        let mut live = 0isize;
        for (unit, change) in change.iter().enumerate() {
            live += change;
            if live > self.peak.1 as isize {
                self.peak = (unit, live as usize);
            }
        }
    }

    fn bytes(&self, value: Value) -> usize {
        self.graph.spec(value).bytes().unwrap_or(0)
    }

    /// Decides value by value, those first that others are made of.
    fn run(&mut self) {
        for node in self.graph.nodes() {
            let &[value] = self.graph.outputs(node) else {
                continue;
            };
            let late = self.late_units(value);
            let Some(&last) = late.last() else {
                continue;
            };
            let Some(recipe) = self.recipe(value, last) else {
                continue;
            };
            if late.iter().all(|&unit| self.reads_no_more(unit, &recipe)) {
                for unit in late {
                    self.again.entry(unit).or_default().insert(value);
                    let reads = recipe.reads.iter().map(|&r| (unit, r));
                    self.extra.extend(reads);
                }
                self.dropped.insert(value, recipe);
            }
        }
    }

    /// The loop nests that read a value after the peak, if it need not be kept for anything else.
    fn late_units(&self, value: Value) -> BTreeSet<usize> {
        let (peak, most) = self.peak;
        let crosses = |interval: &&LiveInterval| interval.made < peak && interval.last >= peak;
        let Some(interval) = self.intervals.get(&value).filter(crosses) else {
            return BTreeSet::new();
        };
        let counts = self.bytes(value) >= most / LEAST_PART && !self.kept.contains(&value);
        let unit = |n: &&Node| self.unit_of[**n].is_some_and(|u| u >= peak);
        let late: Vec<Node> = interval.readers.iter().filter(unit).copied().collect();
        if !counts || !late.iter().all(|&n| self.can_make(n, value)) {
            return BTreeSet::new();
        }
        late.iter().filter_map(|&n| self.unit_of[n]).collect()
    }

    /// Whether the loop nest of a node can make a value that the node reads.
    fn can_make(&self, reader: Node, value: Value) -> bool {
        let unit = self.unit_of[reader].map(|u| &self.units[u]);
        let Some(Unit::Loop(group)) = unit else {
            return false;
        };
        let mut inputs = self.graph.inputs(reader).iter();
        let same =
            |&input: &Value| self.is_whole(input, value) || self.sources.get(input).root != value;
        !group.scattered && group.dims == dims_of(self.graph, value) && inputs.all(same)
    }

    /// Whether `input` is all of `value`, element for element.
    fn is_whole(&self, input: Value, value: Value) -> bool {
        let source = self.sources.get(input);
        source.root == value
            && source.view.is_identity()
            && source.view.dims == dims_of(self.graph, value)
    }

    /// How to make a value again for units up to `last`.
    fn recipe(&self, value: Value, last: usize) -> Option<Recipe> {
        let mut recipe = Recipe {
            nodes: Vec::new(),
            reads: Vec::new(),
        };
        self.add(value, (value, last), 0, &mut recipe)
            .then_some(recipe)
    }

    fn add(&self, value: Value, wanted: (Value, usize), depth: usize, recipe: &mut Recipe) -> bool {
        if depth == MAX_AGAIN {
            return false;
        }
        let Some(node) = self.graph.node_of(value) else {
            return false;
        };
        if recipe.nodes.contains(&node) {
            return true;
        }
        if !is_cheap(self.graph.op(node)) || !is_loop(self.graph, node) {
            return false;
        }
        for &input in self.graph.inputs(node) {
            let root = self.sources.get(input).root;
            let there = self.is_at_hand(root, wanted)
                || self.is_kept(root, wanted) && {
                    recipe.reads.push(root);
                    true
                };
            let whole = dims_of(self.graph, root) == dims_of(self.graph, wanted.0);
            let made = whole && self.is_whole(input, root);
            if !(there || made && self.add(root, wanted, depth + 1, recipe)) {
                return false;
            }
        }
        recipe.nodes.push(node);
        recipe.nodes.len() <= MAX_AGAIN
    }

    /// Whether a value costs nothing to read late: a constant, an argument, or one that is small.
    fn is_at_hand(&self, root: Value, (value, last): (Value, usize)) -> bool {
        let small = self.bytes(root) <= self.bytes(value) / SMALL;
        match self.graph.node_of(root) {
            Some(node) => self.unit_of[node].is_none() || small,
            // A variable that is read after its update would have to be copied.
            None => {
                !self.kept.contains(&root) || self.interval(root).is_some_and(|l| l.last > last)
            }
        }
    }

    /// Whether a value is in memory after the peak for others' sake, and no more of it than of what it replaces.
    fn is_kept(&self, root: Value, (value, last): (Value, usize)) -> bool {
        let kept = self.interval(root).is_some_and(|interval| {
            let read = interval.last > interval.made && !self.dropped.contains_key(&root);
            let fits = self.bytes(root) <= self.bytes(value) && interval.last >= self.peak.0;
            read && (fits || interval.last >= last)
        });
        kept && self.graph.node_of(root).is_some()
    }

    fn interval(&self, value: Value) -> Option<&LiveInterval> {
        self.intervals.get(&value)
    }

    /// Whether a loop nest that makes a value itself reads no more from memory than before.
    fn reads_no_more(&self, unit: usize, recipe: &Recipe) -> bool {
        let reads = |value: &&Value| {
            let readers = self
                .interval(**value)
                .map_or(&[][..], |interval| &interval.readers);
            self.extra.contains(&(unit, **value))
                || readers.iter().any(|&n| self.unit_of[n] == Some(unit))
        };
        let mut new: Vec<Value> = recipe.reads.iter().filter(|v| !reads(v)).copied().collect();
        new.sort_unstable();
        new.dedup();
        new.len() <= 1
    }

    fn rewritten(&self) -> Result<Graph, GraphError> {
        let mut rewriter = Rewriter::new(self.graph);
        let mut copies = HashMap::new();
        for node in self.graph.nodes() {
            let unit = self.unit_of[node].and_then(|u| Some((u, self.again.get(&u)?)));
            let Some((unit, again)) = unit else {
                rewriter.copy(node)?;
                continue;
            };
            let mut inputs = Vec::new();
            for &input in self.graph.inputs(node) {
                let root = self.sources.get(input).root;
                inputs.push(match again.contains(&root) {
                    true => self.copy(&mut rewriter, &mut copies, unit, root)?,
                    false => rewriter.value(input)?,
                });
            }
            rewriter.label_as(node);
            let op = self.graph.op(node).clone();
            let copy = rewriter.new_graph_mut().push_multi(op, &inputs)?;
            let outputs = rewriter.new_graph().outputs(copy).to_vec();
            for (&old, new) in self.graph.outputs(node).iter().zip(outputs) {
                rewriter.bind(old, new);
            }
        }
        rewriter.finish()
    }

    /// The copy of a value in a unit.
    fn copy(
        &self,
        rewriter: &mut Rewriter<'_>,
        copies: &mut HashMap<(usize, Node), Value>,
        unit: usize,
        value: Value,
    ) -> Result<Value, GraphError> {
        let nodes = self.dropped.get(&value).map_or(&[][..], |r| &r.nodes);
        for &node in nodes {
            if copies.contains_key(&(unit, node)) {
                continue;
            }
            let mut inputs = Vec::new();
            for &input in self.graph.inputs(node) {
                let maker = self.graph.node_of(self.sources.get(input).root);
                let copied = maker.filter(|m| nodes.contains(m));
                inputs.push(match copied.and_then(|m| copies.get(&(unit, m))) {
                    Some(&copy) => copy,
                    None => rewriter.value(input)?,
                });
            }
            rewriter.label_as(node);
            let copy = rewriter.push(self.graph.op(node).clone(), &inputs)?;
            copies.insert((unit, node), copy);
        }
        let maker = self.graph.node_of(value);
        let copy = maker.and_then(|m| copies.get(&(unit, m))).copied();
        copy.ok_or_else(|| GraphError::new(format!("{value} was not made again")))
    }
}

/// Whether a primitive takes about as long as reading its result from memory.
fn is_cheap(op: &Op) -> bool {
    match op {
        Op::Compare(_) | Op::Select | Op::Convert(_) => true,
        Op::Unary(op) => matches!(
            op,
            UnaryOp::Abs
                | UnaryOp::Negate
                | UnaryOp::Sign
                | UnaryOp::Not
                | UnaryOp::IsFinite
                | UnaryOp::Erf
        ),
        Op::Binary(op) => matches!(
            op,
            BinaryOp::Add
                | BinaryOp::Subtract
                | BinaryOp::Multiply
                | BinaryOp::Maximum
                | BinaryOp::Minimum
                | BinaryOp::And
                | BinaryOp::Or
                | BinaryOp::Xor
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
