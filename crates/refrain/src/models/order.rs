//! The order of a model's layers and calls, exactly as Keras finds it: it fixes weights, files and summaries.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::layers::AnyLayer;
use crate::layers::masks;
use crate::layers::node::Node;
use crate::tensor::{Tensor, TensorKey};

/// The layers (Keras: operations) of a model and their calls, each in order.
pub(crate) struct Order {
    /// By depth from the outputs, deepest first; within a depth in the order of first visits.
    pub(crate) layers: Vec<AnyLayer>,
    /// The calls in an order in which they can run.
    pub(crate) nodes: Vec<Arc<Node>>,
    /// The calls' distances from the outputs, in the same order.
    pub(crate) depths: Vec<usize>,
}

/// Identity of a node.
fn node_key(node: &Arc<Node>) -> usize {
    Arc::as_ptr(node) as usize
}

/// The node that makes a symbolic tensor.
fn node_of(tensor: &Tensor) -> Result<Arc<Node>> {
    match tensor.as_symbolic() {
        Some(s) => Ok(s.node.clone()),
        None => Err(not_symbolic("a tensor of a layer's `call`")),
    }
}

pub(crate) fn not_symbolic(received: &str) -> Error {
    Error::mismatch(
        ErrorKind::Symbolic,
        "symbolic tensors as a model's inputs and outputs",
        received,
    )
}

/// What the depth-first walk from the outputs finds.
struct Walk {
    /// What a call needs.
    needs: fn(&Node) -> Vec<Tensor>,
    inputs: HashSet<TensorKey>,
    post_order: Vec<Arc<Node>>,
    finished: HashSet<usize>,
    first_visit: HashMap<usize, usize>,
}

/// A node on the way down, with the tensors it still has to visit.
struct Frame {
    node: Arc<Node>,
    pending: std::vec::IntoIter<Tensor>,
}

impl Walk {
    fn new(needs: fn(&Node) -> Vec<Tensor>, inputs: HashSet<TensorKey>) -> Self {
        Walk {
            needs,
            inputs,
            post_order: Vec::new(),
            finished: HashSet::new(),
            first_visit: HashMap::new(),
        }
    }

    // An explicit stack: graphs may be deeper than the thread's stack allows.
    fn visit(&mut self, output: &Tensor) -> Result<()> {
        let mut stack: Vec<Frame> = self.enter(output)?.into_iter().collect();
        while let Some(frame) = stack.last_mut() {
            match frame.pending.next() {
                Some(tensor) => stack.extend(self.enter(&tensor)?),
                None => {
                    let frame = stack.pop().expect("not empty");
                    if self.finished.insert(node_key(&frame.node)) {
                        self.post_order.push(frame.node);
                    }
                }
            }
        }
        Ok(())
    }

    /// Starts on the node of a tensor, unless it is done. Graphs made by calls cannot have cycles.
    fn enter(&mut self, tensor: &Tensor) -> Result<Option<Frame>> {
        let node = node_of(tensor)?;
        if self.finished.contains(&node_key(&node)) {
            return Ok(None);
        }
        let next = self.first_visit.len();
        self.first_visit.entry(node.layer.id()).or_insert(next);
        let declared = tensor.key().is_some_and(|k| self.inputs.contains(&k));
        let pending: Vec<Tensor> = match declared {
            true => Vec::new(),
            false => (self.needs)(&node),
        };
        Ok(Some(Frame {
            node,
            pending: pending.into_iter(),
        }))
    }
}

/// Depths in the order in which they are first set, as a Python dict keeps them.
struct Depths<T> {
    position: HashMap<usize, usize>,
    entries: Vec<(T, usize)>,
}

impl<T> Depths<T> {
    fn new() -> Self {
        Depths {
            position: HashMap::new(),
            entries: Vec::new(),
        }
    }

    fn get(&self, key: usize) -> Option<usize> {
        self.position.get(&key).map(|&p| self.entries[p].1)
    }

    fn set(&mut self, key: usize, item: impl FnOnce() -> T, depth: usize) {
        match self.position.get(&key) {
            Some(&p) => self.entries[p].1 = depth,
            None => {
                self.position.insert(key, self.entries.len());
                self.entries.push((item(), depth));
            }
        }
    }

    /// Deepest first; equal depths by `rank`.
    fn sorted<K: Ord>(mut self, rank: impl Fn(&T) -> K) -> (Vec<T>, Vec<usize>) {
        self.entries
            .sort_by(|(a, da), (b, db)| db.cmp(da).then_with(|| rank(a).cmp(&rank(b))));
        self.entries.into_iter().unzip()
    }
}

/// The order in which Keras 3 has layers and calls. It gives a call of one tensor the tensor's mask as an argument, which makes
/// what the mask is computed from deeper, whether the call here has the argument or not.
pub(crate) fn order(inputs: &[&Tensor], outputs: &[&Tensor]) -> Result<Order> {
    let plain = walk_back(inputs, outputs, given)?;
    if plain
        .nodes
        .iter()
        .all(|node| masks::given_by_keras(node).is_none())
    {
        return Ok(plain);
    }
    let masked = walk_back(inputs, outputs, given_by_keras)?;
    let nodes: HashSet<usize> = plain.nodes.iter().map(node_key).collect();
    let layers: HashSet<usize> = plain.layers.iter().map(AnyLayer::id).collect();
    let calls = masked.nodes.into_iter().zip(masked.depths);
    let calls = calls.filter(|(node, _)| nodes.contains(&node_key(node)));
    let (nodes, depths) = calls.unzip();
    let kept = masked
        .layers
        .into_iter()
        .filter(|l| layers.contains(&l.id()));
    Ok(Order {
        layers: kept.collect(),
        nodes,
        depths,
    })
}

/// The layers as Keras 2 orders them, which gives no masks as arguments.
pub(crate) fn keras2_layers(inputs: &[&Tensor], outputs: &[&Tensor]) -> Result<Vec<AnyLayer>> {
    walk_back(inputs, outputs, given_in_keras2).map(|order| order.layers)
}

fn given(node: &Node) -> Vec<Tensor> {
    node.inputs.tensors().into_iter().cloned().collect()
}

fn given_by_keras(node: &Node) -> Vec<Tensor> {
    given(node)
        .into_iter()
        .chain(masks::given_by_keras(node))
        .collect()
}

fn given_in_keras2(node: &Node) -> Vec<Tensor> {
    match node.inputs.has_made_mask() {
        true => masks::without(&node.inputs)
            .tensors()
            .into_iter()
            .cloned()
            .collect(),
        false => given(node),
    }
}

/// Walks back from the outputs to the inputs.
fn walk_back(
    inputs: &[&Tensor],
    outputs: &[&Tensor],
    needs: fn(&Node) -> Vec<Tensor>,
) -> Result<Order> {
    let mut walk = Walk::new(needs, inputs.iter().filter_map(|t| t.key()).collect());
    outputs.iter().try_for_each(|t| walk.visit(t))?;
    let mut node_depths: Depths<Arc<Node>> = Depths::new();
    let mut layer_depths: Depths<AnyLayer> = Depths::new();
    for node in walk.post_order.iter().rev() {
        let (key, layer) = (node_key(node), node.layer.id());
        let depth = node_depths.get(key).unwrap_or(0);
        let depth = depth.max(layer_depths.get(layer).unwrap_or(0));
        layer_depths.set(layer, || node.layer.clone(), depth);
        node_depths.set(key, || node.clone(), depth);
        for tensor in needs(node) {
            let parent = node_of(&tensor)?;
            let key = node_key(&parent);
            // Declared inputs stop the walk: what is behind them has no part in the model.
            if walk.finished.contains(&key) {
                let deeper = node_depths.get(key).unwrap_or(0).max(depth + 1);
                node_depths.set(key, || parent.clone(), deeper);
            }
        }
    }
    let mut rank: HashMap<usize, i64> = walk
        .first_visit
        .iter()
        .map(|(&layer, &visit)| (layer, visit as i64))
        .collect();
    for input in inputs {
        let node = node_of(input)?;
        let layer = node.layer.id();
        if layer_depths.get(layer).is_none() {
            layer_depths.set(layer, || node.layer.clone(), 0);
            node_depths.set(node_key(&node), || node.clone(), 0);
            rank.insert(layer, -1);
        }
    }
    let (layers, _) = layer_depths.sorted(|layer| rank.get(&layer.id()).copied());
    let (nodes, depths) = node_depths.sorted(|_| ());
    Ok(Order {
        layers,
        nodes,
        depths,
    })
}
