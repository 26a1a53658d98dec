//! The graph: values, the nodes that make them, parameters, results and variable updates.

use cranelift_entity::{PrimaryMap, entity_impl};

use crate::{GraphError, Op, Spec, infer};

/// A tensor inside a graph, printed as `%7`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(u32);
entity_impl!(Value, "%");

/// One application of a primitive, printed as `n7`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node(u32);
entity_impl!(Node, "n");

/// A label that says where nodes come from (a layer and its call), printed as `s7`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope(u32);
entity_impl!(Scope, "s");

/// What makes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueDef {
    /// The graph's parameter of this position.
    Param(usize),
    /// A node's output of this position.
    Node(Node, usize),
}

/// What a parameter stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// Given anew for each run.
    Input,
    /// Kept between runs; [`Graph::updates`] may replace it.
    Variable,
}

#[derive(Clone, Debug, PartialEq)]
struct ValueData {
    spec: Spec,
    def: ValueDef,
}

#[derive(Clone, Debug, PartialEq)]
struct NodeData {
    op: Op,
    inputs: Vec<Value>,
    outputs: Vec<Value>,
    scope: Option<Scope>,
}

#[derive(Clone, Debug, PartialEq)]
struct Param {
    value: Value,
    kind: ParamKind,
    name: String,
}

/// A tensor program in single-assignment form. Nodes are stored in an order in which they can run.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Graph {
    values: PrimaryMap<Value, ValueData>,
    nodes: PrimaryMap<Node, NodeData>,
    scopes: PrimaryMap<Scope, String>,
    params: Vec<Param>,
    results: Vec<Value>,
    updates: Vec<(Value, Value)>,
    current_scope: Option<Scope>,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Graph::default()
    }

    /// An empty graph with the capacity of another.
    pub(crate) fn sized_as(other: &Graph) -> Self {
        Graph {
            values: PrimaryMap::with_capacity(other.values.len()),
            nodes: PrimaryMap::with_capacity(other.nodes.len()),
            ..Graph::default()
        }
    }

    /// Adds a parameter. Inputs and variables may come in any order; each kind is numbered by itself.
    pub fn param(&mut self, kind: ParamKind, name: impl Into<String>, spec: Spec) -> Value {
        let def = ValueDef::Param(self.params.len());
        let value = self.values.push(ValueData { spec, def });
        self.params.push(Param {
            value,
            kind,
            name: name.into(),
        });
        value
    }

    /// Adds an input parameter.
    pub fn input(&mut self, name: impl Into<String>, spec: Spec) -> Value {
        self.param(ParamKind::Input, name, spec)
    }

    /// Adds a variable parameter.
    pub fn variable(&mut self, name: impl Into<String>, spec: Spec) -> Value {
        self.param(ParamKind::Variable, name, spec)
    }

    /// Adds a node with one output after checking it, and gives the output.
    pub fn push(&mut self, op: Op, inputs: &[Value]) -> Result<Value, GraphError> {
        let node = self.push_multi(op, inputs)?;
        Ok(self.nodes[node].outputs[0])
    }

    /// Adds a node after checking it (shape inference refuses what does not fit).
    pub fn push_multi(&mut self, op: Op, inputs: &[Value]) -> Result<Node, GraphError> {
        let input_specs: Vec<&Spec> = inputs.iter().map(|&v| self.spec(v)).collect();
        let specs = infer::infer(&op, &input_specs)?;
        Ok(self.push_unchecked(op, inputs, specs))
    }

    /// Adds a node without checking it, for graphs that the verifier sees next.
    pub(crate) fn push_unchecked(&mut self, op: Op, inputs: &[Value], specs: Vec<Spec>) -> Node {
        let node = self.nodes.next_key();
        let outputs = specs
            .into_iter()
            .enumerate()
            .map(|(i, spec)| {
                let def = ValueDef::Node(node, i);
                self.values.push(ValueData { spec, def })
            })
            .collect();
        let scope = self.current_scope;
        self.nodes.push(NodeData {
            op,
            inputs: inputs.to_vec(),
            outputs,
            scope,
        })
    }

    /// Replaces a node's primitive by one that takes the same inputs and whose first outputs have the specs of the
    /// present outputs; its further outputs are added to the node.
    pub fn extend_node(&mut self, node: Node, op: Op) -> Result<(), GraphError> {
        let NodeData {
            inputs, outputs, ..
        } = &self.nodes[node];
        let input_specs: Vec<&Spec> = inputs.iter().map(|&v| self.spec(v)).collect();
        let specs = infer::infer(&op, &input_specs).map_err(|e| e.at(node))?;
        let have = outputs.len();
        if specs.len() < have || outputs.iter().zip(&specs).any(|(&v, s)| self.spec(v) != s) {
            let message = "an extended node must keep its outputs";
            return Err(GraphError::op(op.name(), message).at(node));
        }
        for (i, spec) in specs.into_iter().enumerate().skip(have) {
            let def = ValueDef::Node(node, i);
            let value = self.values.push(ValueData { spec, def });
            self.nodes[node].outputs.push(value);
        }
        self.nodes[node].op = op;
        Ok(())
    }

    /// Replaces the bodies of all scans by others that compute the same.
    pub(crate) fn change_bodies(
        &mut self,
        change: &mut dyn FnMut(&Graph) -> Result<Graph, GraphError>,
    ) -> Result<(), GraphError> {
        for (node, data) in self.nodes.iter_mut() {
            if let Op::Scan(scan) = &mut data.op {
                scan.body = change(&scan.body).map_err(|e| e.at(node))?;
            }
        }
        Ok(())
    }

    /// Marks a value as the next result.
    pub fn result(&mut self, value: Value) {
        self.results.push(value);
    }

    /// After a run, variable parameter `variable` has the value `value`.
    pub fn update(&mut self, variable: Value, value: Value) {
        self.updates.push((variable, value));
    }

    /// Labels the nodes added from now on; gives the label that was in force.
    pub fn set_scope(&mut self, scope: Option<Scope>) -> Option<Scope> {
        std::mem::replace(&mut self.current_scope, scope)
    }

    /// Makes a label.
    pub fn add_scope(&mut self, label: impl Into<String>) -> Scope {
        self.scopes.push(label.into())
    }

    /// A label's text.
    pub fn scope_label(&self, scope: Scope) -> &str {
        &self.scopes[scope]
    }

    /// Every label.
    pub fn scopes(&self) -> impl Iterator<Item = (Scope, &str)> {
        self.scopes.iter().map(|(s, l)| (s, l.as_str()))
    }

    /// A value's shape and type.
    pub fn spec(&self, value: Value) -> &Spec {
        &self.values[value].spec
    }

    /// What makes a value.
    pub fn def(&self, value: Value) -> ValueDef {
        self.values[value].def
    }

    /// The node that makes a value, if it is not a parameter.
    pub fn node_of(&self, value: Value) -> Option<Node> {
        match self.def(value) {
            ValueDef::Node(node, _) => Some(node),
            ValueDef::Param(_) => None,
        }
    }

    /// The primitive that makes a value and its inputs, if it is not a parameter.
    pub fn op_of(&self, value: Value) -> Option<(&Op, &[Value])> {
        let node = self.node_of(value)?;
        Some((self.op(node), self.inputs(node)))
    }

    /// A node's primitive.
    pub fn op(&self, node: Node) -> &Op {
        &self.nodes[node].op
    }

    /// A node's inputs.
    pub fn inputs(&self, node: Node) -> &[Value] {
        &self.nodes[node].inputs
    }

    /// A node's outputs.
    pub fn outputs(&self, node: Node) -> &[Value] {
        &self.nodes[node].outputs
    }

    /// A node's label.
    pub fn scope(&self, node: Node) -> Option<Scope> {
        self.nodes[node].scope
    }

    /// The nodes, in an order in which they can run.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = Node> + ExactSizeIterator + use<> {
        self.nodes.keys()
    }

    /// Number of values.
    pub fn num_values(&self) -> usize {
        self.values.len()
    }

    /// All values.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = Value> + ExactSizeIterator + use<> {
        self.values.keys()
    }

    /// The parameters in order: value, kind, name.
    pub fn params(&self) -> impl ExactSizeIterator<Item = (Value, ParamKind, &str)> {
        self.params
            .iter()
            .map(|p| (p.value, p.kind, p.name.as_str()))
    }

    /// The parameters of one kind, in order.
    pub fn params_of(&self, kind: ParamKind) -> impl Iterator<Item = Value> + '_ {
        self.params
            .iter()
            .filter(move |p| p.kind == kind)
            .map(|p| p.value)
    }

    /// The results, in order.
    pub fn results(&self) -> &[Value] {
        &self.results
    }

    /// The updates `(variable, new value)`.
    pub fn updates(&self) -> &[(Value, Value)] {
        &self.updates
    }

    /// Everything that must be computed: results, then the updates' new values.
    pub fn roots(&self) -> impl Iterator<Item = Value> + '_ {
        let updates = self.updates.iter().map(|&(_, new)| new);
        self.results.iter().copied().chain(updates)
    }
}
