//! What a summary says of each layer and each of its calls.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::layers::AnyLayer;
use crate::layers::node::Node;
use crate::models::functional::Functional;
use crate::variable::{Variable, VariableId};

/// A layer of the model.
#[derive(Clone, Debug)]
pub(super) struct LayerRow {
    id: usize,
    /// Whether it is a model with layers of its own.
    nested: bool,
    is_input: bool,
    weights: Vec<VariableId>,
    pub(super) name: String,
    pub(super) class: String,
    pub(super) params: usize,
    pub(super) built: bool,
    pub(super) trainable: bool,
    /// 0 for the model's own layers, 1 for those of a nested model, …
    pub(super) level: usize,
    pub(super) calls: Vec<CallRow>,
}

/// One call of a layer in the model.
#[derive(Clone, Debug)]
pub(super) struct CallRow {
    outputs: Vec<String>,
    /// `name[call][output]` of every input tensor.
    inputs: Vec<String>,
}

impl CallRow {
    fn new(node: &Node) -> Self {
        let source = |t: &&crate::Tensor| {
            let symbolic = t.as_symbolic()?;
            let (node, index) = (&symbolic.node, symbolic.index);
            Some(format!(
                "{}[{}][{index}]",
                node.layer.get_name(),
                node.index
            ))
        };
        CallRow {
            outputs: node
                .specs
                .iter()
                .map(|output| output.spec.shape.to_string())
                .collect(),
            inputs: node.inputs.tensors().iter().filter_map(source).collect(),
        }
    }

    pub(super) fn shape(&self) -> String {
        match self.outputs.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        }
    }

    pub(super) fn sources(&self) -> String {
        match self.inputs.is_empty() {
            true => "-".to_owned(),
            false => self.inputs.join(", "),
        }
    }
}

impl LayerRow {
    fn new(layer: &AnyLayer, nodes: &[Arc<Node>], level: usize) -> Self {
        let mut calls: Vec<&Arc<Node>> = nodes.iter().filter(|n| n.layer == *layer).collect();
        calls.sort_by_key(|n| n.index);
        LayerRow {
            id: layer.id(),
            nested: layer.is_model(),
            is_input: layer.is_input(),
            weights: layer.weights().iter().map(Variable::id).collect(),
            name: layer.get_name().to_owned(),
            class: layer.class_name().to_owned(),
            params: layer.count_params(),
            built: layer.built() || layer.is_input(),
            trainable: layer.trainable(),
            level,
            calls: calls.into_iter().map(|n| CallRow::new(n)).collect(),
        }
    }

    fn to_json(&self, counted: bool) -> Json {
        let call = |c: &CallRow| json!({ "output_shapes": c.outputs, "connected_to": c.inputs });
        json!({
            "name": self.name,
            "class": self.class,
            "params": self.params,
            "shared": counted,
            "trainable": self.trainable,
            "level": self.level,
            "calls": self.calls.iter().map(call).collect::<Vec<_>>(),
        })
    }
}

/// A layer as a table shows it.
pub(super) struct Shown<'s> {
    pub(super) row: &'s LayerRow,
    /// Its calls in models further up in the table.
    pub(super) calls_before: usize,
    /// Whether rows further up count all its weights.
    pub(super) counted: bool,
}

impl Shown<'_> {
    pub(super) fn to_json(&self) -> Json {
        self.row.to_json(self.counted)
    }
}

/// The rows of a table, with the layers of nested models or without. What several models share is counted in its first row,
/// and a shared model is expanded there alone.
pub(super) fn shown(rows: &[LayerRow], expand_nested: bool) -> Vec<Shown<'_>> {
    let mut calls: HashMap<usize, usize> = HashMap::new();
    let mut counted: HashSet<VariableId> = HashSet::new();
    let mut deepest = if expand_nested { usize::MAX } else { 0 };
    let mut shown = Vec::new();
    for row in rows {
        if expand_nested && row.level <= deepest {
            deepest = usize::MAX;
        }
        if row.level > deepest {
            continue;
        }
        let again = calls.contains_key(&row.id);
        let before = calls.entry(row.id).or_insert(0);
        let calls_before = *before;
        *before += row.calls.len();
        let weights_before = row.weights.iter().all(|w| counted.contains(w));
        if again && row.nested {
            deepest = row.level;
        }
        if !row.nested {
            counted.extend(&row.weights);
        }
        shown.push(Shown {
            row,
            calls_before: if row.is_input { 0 } else { calls_before },
            counted: !row.weights.is_empty() && if row.nested { again } else { weights_before },
        });
    }
    shown
}

/// The layers of a model, each nested model followed by its own.
pub(super) fn rows(functional: &Functional, level: usize) -> Vec<LayerRow> {
    let mut rows = Vec::new();
    for layer in &functional.operations {
        if layer.is_input() && !functional.is_listed(layer) {
            continue;
        }
        rows.push(LayerRow::new(layer, &functional.nodes, level));
        if let Some(nested) = layer.options::<Functional>() {
            rows.extend(self::rows(nested, level + 1));
        }
    }
    rows
}

/// Whether every layer follows from the one before alone, so that sources need no column.
pub(super) fn is_chain(functional: &Functional) -> bool {
    if functional.is_sequential {
        return true;
    }
    let depths = &functional.depths;
    let alone = depths.windows(2).all(|w| w[0] != w[1]);
    let nodes = &functional.nodes;
    let single = nodes.iter().all(|n| n.inputs.tensors().len() <= 1);
    let once = |l: &AnyLayer| nodes.iter().filter(|n| n.layer == *l).count() <= 1;
    alone && single && functional.operations.iter().all(once)
}
