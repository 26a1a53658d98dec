//! Where the layers of a model and of the models inside it are drawn: each in one place.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Arrow;
use crate::layers::AnyLayer;
use crate::layers::node::Node;
use crate::models::functional::Functional;
use crate::tensor::Tensor;
use crate::variable::{Variable, VariableId};

/// A model among those that are drawn.
type Position = usize;

/// The models of a picture, where each of their layers is drawn, and the calls of each in all models together.
pub(super) struct Places<'m> {
    /// Each once, behind those inside it; the outermost one last.
    models: Vec<&'m Functional>,
    /// The model in which a layer is drawn, by the layer: the innermost of those that share it.
    homes: HashMap<usize, Position>,
    /// Paths of boxes, by the model in which a layer is drawn and the layer.
    paths: HashMap<(Position, usize), Vec<usize>>,
    /// By layer, in the order in which they were made.
    calls: HashMap<usize, Vec<(Position, &'m Arc<Node>)>>,
    /// What the boxes so far say the numbers of.
    counted: HashSet<VariableId>,
}

impl<'m> Places<'m> {
    pub(super) fn new(functional: &'m Functional) -> Self {
        let mut models = Vec::new();
        collect(functional, &mut models);
        let (mut homes, mut calls) = (HashMap::new(), HashMap::new());
        for (position, model) in models.iter().enumerate() {
            for layer in &model.operations {
                homes.entry(layer.id()).or_insert(position);
            }
            for node in &model.nodes {
                let calls: &mut Vec<_> = calls.entry(node.layer.id()).or_default();
                calls.push((position, node));
            }
        }
        calls
            .values_mut()
            .for_each(|c| c.sort_by_key(|(_, n)| n.index));
        let mut places = Places {
            models,
            homes,
            paths: HashMap::new(),
            calls,
            counted: HashSet::new(),
        };
        places.find_paths(functional, &[]);
        places
    }

    fn find_paths(&mut self, functional: &'m Functional, outer: &[usize]) {
        let home = self.position(functional);
        for (i, layer) in self.drawn_in(functional).into_iter().enumerate() {
            let path = [outer, &[i]].concat();
            if let Some(nested) = layer.options::<Functional>() {
                self.find_paths(nested, &path);
            }
            self.paths.insert((home, layer.id()), path);
        }
    }

    fn position(&self, functional: &Functional) -> Position {
        let found = self
            .models
            .iter()
            .position(|m| std::ptr::eq(*m, functional));
        found.unwrap_or_default()
    }

    /// The layers whose boxes are in a model's. Inputs are those of their model alone.
    pub(super) fn drawn_in(&self, functional: &'m Functional) -> Vec<&'m AnyLayer> {
        let home = self.position(functional);
        let here = |l: &&AnyLayer| self.home(home, l) == home;
        functional.operations.iter().filter(here).collect()
    }

    fn home(&self, model: Position, layer: &AnyLayer) -> Position {
        let home = self.homes.get(&layer.id()).filter(|_| !layer.is_input());
        home.copied().unwrap_or(model)
    }

    /// A layer's calls in all models, those in one of them first.
    pub(super) fn calls(&self, layer: &AnyLayer) -> &[(Position, &'m Arc<Node>)] {
        self.calls.get(&layer.id()).map_or(&[], |calls| calls)
    }

    /// The largest distance from a model's outputs at which it calls a layer.
    pub(super) fn rank(&self, functional: &Functional, layer: &AnyLayer) -> usize {
        let nodes = functional.nodes.iter().zip(&functional.depths);
        let depths = nodes
            .filter(|(n, _)| n.layer == *layer)
            .map(|(_, depth)| *depth);
        depths.max().unwrap_or(0)
    }

    /// Whether the weights of a layer are all counted by boxes before this one.
    pub(super) fn counts_anew(&mut self, weights: &[Variable]) -> bool {
        let anew = weights.iter().map(|w| self.counted.insert(w.id()));
        anew.fold(false, |any, anew| any | anew)
    }

    /// The arrows of all calls.
    pub(super) fn arrows(&self) -> Vec<Arrow> {
        let mut arrows = Vec::new();
        for (position, model) in self.models.iter().enumerate() {
            for node in &model.nodes {
                let call = self.number(position, node);
                for (i, tensor) in node.inputs.tensors().into_iter().enumerate() {
                    let from = self.source(position, tensor);
                    let to = self.target(position, &node.layer, i);
                    if let (Some(from), Some(to)) = (from, to) {
                        arrows.push(Arrow { from, to, call });
                    }
                }
            }
        }
        arrows
    }

    /// Which call of its layer it is, if there are several.
    fn number(&self, model: Position, node: &Arc<Node>) -> Option<usize> {
        let calls = self.calls(&node.layer);
        let same = |(p, n): &(Position, &Arc<Node>)| *p == model && Arc::ptr_eq(n, node);
        let position = calls.iter().position(same)?;
        (calls.len() > 1).then_some(position + 1)
    }

    fn path(&self, model: Position, layer: &AnyLayer) -> Option<Vec<usize>> {
        let key = (self.home(model, layer), layer.id());
        self.paths.get(&key).cloned()
    }

    /// The box that a tensor comes from: inside a nested model, that of the layer that makes it.
    fn source(&self, model: Position, tensor: &Tensor) -> Option<Vec<usize>> {
        let symbolic = tensor.as_symbolic()?;
        let layer = &symbolic.node.layer;
        match layer.options::<Functional>() {
            Some(nested) => {
                let outputs = nested.outputs.flatten();
                self.source(self.position(nested), outputs.get(symbolic.index)?)
            }
            None => self.path(model, layer),
        }
    }

    /// The box that an input of a layer goes to: inside a nested model, that of its input layer.
    fn target(&self, model: Position, layer: &AnyLayer, input: usize) -> Option<Vec<usize>> {
        match layer.options::<Functional>() {
            Some(nested) => {
                let input = nested.flat_inputs.get(input)?.as_symbolic()?;
                self.path(self.position(nested), &input.node.layer)
            }
            None => self.path(model, layer),
        }
    }
}

fn collect<'m>(functional: &'m Functional, models: &mut Vec<&'m Functional>) {
    for layer in &functional.operations {
        if let Some(nested) = layer.options::<Functional>()
            && !models.iter().any(|m| std::ptr::eq(*m, nested))
        {
            collect(nested, models);
        }
    }
    models.push(functional);
}
