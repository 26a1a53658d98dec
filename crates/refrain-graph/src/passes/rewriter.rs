//! Copying graphs.

use cranelift_entity::SecondaryMap;

use crate::{Graph, GraphError, Node, Op, Value};

/// Copies a graph node by node into a new one and remembers where each value went. Parameters (all, in order), labels,
/// results and updates come along.
pub struct Rewriter<'a> {
    old: &'a Graph,
    new: Graph,
    map: SecondaryMap<Value, Option<Value>>,
}

impl<'a> Rewriter<'a> {
    /// A new graph with the labels and parameters of `old`.
    pub fn new(old: &'a Graph) -> Self {
        let mut rewriter = Rewriter::without_params(old);
        for (value, kind, name) in old.params() {
            let spec = old.spec(value).clone();
            let param = rewriter.new.param(kind, name, spec);
            rewriter.bind(value, param);
        }
        rewriter
    }

    /// A new graph with the labels of `old` only; parameters are to be made and bound.
    pub fn without_params(old: &'a Graph) -> Self {
        let mut new = Graph::sized_as(old);
        for (_, label) in old.scopes() {
            new.add_scope(label);
        }
        let map = SecondaryMap::new();
        Rewriter { old, new, map }
    }

    /// The graph being copied.
    pub fn old(&self) -> &'a Graph {
        self.old
    }

    /// The copy so far.
    pub fn new_graph(&self) -> &Graph {
        &self.new
    }

    /// The copy so far, to be added to.
    pub fn new_graph_mut(&mut self) -> &mut Graph {
        &mut self.new
    }

    /// Lets a new value stand for an old one.
    pub fn bind(&mut self, old: Value, new: Value) {
        self.map[old] = Some(new);
    }

    /// The new value that stands for an old one, if there is one yet.
    pub fn get(&self, old: Value) -> Option<Value> {
        self.map[old]
    }

    /// The new value that stands for an old one.
    pub fn value(&self, old: Value) -> Result<Value, GraphError> {
        self.map[old].ok_or_else(|| GraphError::new(format!("{old} is used but was not copied")))
    }

    /// The new values that stand for old ones.
    pub fn values(&self, old: &[Value]) -> Result<Vec<Value>, GraphError> {
        old.iter().map(|&v| self.value(v)).collect()
    }

    /// Gives the nodes added from now on the label of an old node.
    pub fn label_as(&mut self, node: Node) {
        self.new.set_scope(self.old.scope(node));
    }

    /// Adds a node with one output to the copy, labelled as the last one that was copied.
    pub fn push(&mut self, op: Op, inputs: &[Value]) -> Result<Value, GraphError> {
        self.new.push(op, inputs)
    }

    /// Copies a node as it is.
    pub fn copy(&mut self, node: Node) -> Result<(), GraphError> {
        self.copy_as(node, self.old.op(node).clone())
    }

    /// Copies a node under another primitive with the same inputs and at least as many outputs.
    pub fn copy_as(&mut self, node: Node, op: Op) -> Result<(), GraphError> {
        self.label_as(node);
        let inputs = self.values(self.old.inputs(node))?;
        let copy = self.new.push_multi(op, &inputs).map_err(|e| e.at(node))?;
        let outputs = self.new.outputs(copy).to_vec();
        for (&old, new) in self.old.outputs(node).iter().zip(outputs) {
            self.bind(old, new);
        }
        Ok(())
    }

    /// The copy, with the results and updates of the old graph.
    pub fn finish(mut self) -> Result<Graph, GraphError> {
        self.new.set_scope(None);
        for &result in self.old.results() {
            let result = self.value(result)?;
            self.new.result(result);
        }
        for &(variable, value) in self.old.updates() {
            let (variable, value) = (self.value(variable)?, self.value(value)?);
            self.new.update(variable, value);
        }
        Ok(self.new)
    }

    /// The copy, without results and updates.
    pub fn into_graph(mut self) -> Graph {
        self.new.set_scope(None);
        self.new
    }
}

/// Copies a graph, letting `each` copy or replace one node after the other.
pub fn rewrite(
    graph: &Graph,
    mut each: impl FnMut(&mut Rewriter, Node) -> Result<(), GraphError>,
) -> Result<Graph, GraphError> {
    let mut rewriter = Rewriter::new(graph);
    for node in graph.nodes() {
        each(&mut rewriter, node)?;
    }
    rewriter.finish()
}
