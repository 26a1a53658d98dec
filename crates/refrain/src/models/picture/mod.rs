//! Pictures of models: every layer once, an arrow for each call, nested models as clusters.

mod dot;
mod layout;
mod svg;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::functional::Functional;
use super::model::Model;
use super::summary::thousands;
use crate::error::{Error, ErrorKind, Result};
use crate::layers::AnyLayer;
use crate::layers::node::Node;
use crate::utils::svg::write;

/// What a picture shows: boxes, some of which hold pictures, and arrows between boxes at any depth.
pub(super) struct Picture {
    pub(super) boxes: Vec<PictureBox>,
    pub(super) arrows: Vec<Arrow>,
}

/// A layer, or a nested model with what is inside it.
pub(super) struct PictureBox {
    /// `name (Class)`.
    pub(super) title: String,
    /// Shapes of each call, number of weights.
    pub(super) lines: Vec<String>,
    pub(super) inside: Option<Picture>,
    /// Distance from the outputs: boxes of a larger rank stand higher.
    pub(super) rank: usize,
}

/// An arrow for one input tensor of one call. Ends are paths of positions: box, box inside it, …
pub(super) struct Arrow {
    pub(super) from: Vec<usize>,
    pub(super) to: Vec<usize>,
    /// Which call of a layer that is called several times.
    pub(super) call: Option<usize>,
}

impl Picture {
    fn new(functional: &Functional) -> Self {
        let operations = &functional.operations;
        let index: HashMap<usize, usize> = operations
            .iter()
            .enumerate()
            .map(|(i, l)| (l.id(), i))
            .collect();
        let boxes: Vec<PictureBox> = operations
            .iter()
            .map(|layer| PictureBox::new(layer, functional))
            .collect();
        let mut arrows = Vec::new();
        for node in &functional.nodes {
            let calls = calls_of(&node.layer, functional);
            let position = calls.iter().position(|n| Arc::ptr_eq(n, node));
            let call = position.filter(|_| calls.len() > 1).map(|p| p + 1);
            for (i, tensor) in node.inputs.tensors().into_iter().enumerate() {
                let Some(symbolic) = tensor.as_symbolic() else {
                    continue;
                };
                let source = &symbolic.node.layer;
                let (Some(&from), Some(&to)) =
                    (index.get(&source.id()), index.get(&node.layer.id()))
                else {
                    continue;
                };
                arrows.push(Arrow {
                    from: exit(from, source, symbolic.index),
                    to: entrance(to, &node.layer, i),
                    call,
                });
            }
        }
        let mut picture = Picture { boxes, arrows };
        picture.raise_sources();
        picture
    }

    /// Puts each box above those that it feeds, unless they feed it in turn. The distance of a shared layer from the outputs
    /// is that of one of its calls; what feeds another call may be nearer to them.
    fn raise_sources(&mut self) {
        let mut targets = vec![Vec::new(); self.boxes.len()];
        for arrow in &self.arrows {
            targets[arrow.from[0]].push(arrow.to[0]);
        }
        let feeds: Vec<HashSet<usize>> = (0..targets.len()).map(|i| fed_by(&targets, i)).collect();
        let mut changed = true;
        while changed {
            changed = false;
            for arrow in &self.arrows {
                let (from, to) = (arrow.from[0], arrow.to[0]);
                if !feeds[to].contains(&from) && self.boxes[from].rank <= self.boxes[to].rank {
                    self.boxes[from].rank = self.boxes[to].rank + 1;
                    changed = true;
                }
            }
        }
    }
}

/// The boxes that a box feeds, directly or through others, and itself.
fn fed_by(targets: &[Vec<usize>], position: usize) -> HashSet<usize> {
    let mut fed = HashSet::from([position]);
    let mut waiting = vec![position];
    while let Some(from) = waiting.pop() {
        waiting.extend(targets[from].iter().filter(|&&to| fed.insert(to)));
    }
    fed
}

fn calls_of<'a>(layer: &AnyLayer, functional: &'a Functional) -> Vec<&'a Arc<Node>> {
    let nodes = functional.nodes.iter();
    let mut calls: Vec<&Arc<Node>> = nodes.filter(|n| n.layer == *layer).collect();
    calls.sort_by_key(|n| n.index);
    calls
}

/// The path to where output `output` of a box comes from: inside a nested model, the layer that makes it.
fn exit(position: usize, layer: &AnyLayer, output: usize) -> Vec<usize> {
    inner(
        position,
        layer,
        |f| f.outputs.flatten().get(output).map(|t| (*t).clone()),
        exit,
    )
}

/// The path to where input `input` of a box goes: inside a nested model, its input layer.
fn entrance(position: usize, layer: &AnyLayer, input: usize) -> Vec<usize> {
    inner(
        position,
        layer,
        |f| f.flat_inputs.get(input).cloned(),
        entrance,
    )
}

fn inner(
    position: usize,
    layer: &AnyLayer,
    tensor: impl Fn(&Functional) -> Option<crate::Tensor>,
    deeper: fn(usize, &AnyLayer, usize) -> Vec<usize>,
) -> Vec<usize> {
    let mut path = vec![position];
    let found = layer.options::<Functional>().and_then(|nested| {
        let tensor = tensor(nested)?;
        let symbolic = tensor.as_symbolic()?;
        let operations = &nested.operations;
        let inside = operations.iter().position(|l| *l == symbolic.node.layer)?;
        Some(deeper(inside, &operations[inside], symbolic.index))
    });
    path.extend(found.into_iter().flatten());
    path
}

impl PictureBox {
    fn new(layer: &AnyLayer, functional: &Functional) -> Self {
        let calls = calls_of(layer, functional);
        let nested = layer.options::<Functional>();
        let mut lines: Vec<String> = calls.iter().map(|n| shapes(n)).collect();
        lines.dedup();
        let params = layer.count_params();
        if params > 0 {
            lines.push(format!("{} weights", thousands(params)));
        }
        let depth = |n: &&Arc<Node>| {
            let position = functional.nodes.iter().position(|m| Arc::ptr_eq(m, n));
            position.map_or(0, |p| functional.depths[p])
        };
        PictureBox {
            title: format!("{} ({})", layer.get_name(), layer.class_name()),
            lines: if nested.is_some() { Vec::new() } else { lines },
            inside: nested.map(Picture::new),
            rank: calls.iter().map(depth).max().unwrap_or(0),
        }
    }
}

/// `(None, 10) → (None, 32)`.
fn shapes(node: &Node) -> String {
    let join = |shapes: Vec<String>| shapes.join(", ");
    let outputs = join(
        node.specs
            .iter()
            .map(|(s, _)| s.shape.to_string())
            .collect(),
    );
    let inputs = node.inputs.tensors();
    match inputs.is_empty() {
        true => outputs,
        false => {
            let inputs = join(inputs.iter().map(|t| t.shape().to_string()).collect());
            format!("{inputs} → {outputs}")
        }
    }
}

impl Model {
    /// The model as a Graphviz graph: shared layers once with an arrow for each call, nested models as clusters.
    ///
    /// ```
    /// use refrain::{Model, input, layers::Dense};
    /// let (a, b) = (input([10]), input([10]));
    /// let shared = Dense::new(32);
    /// let model = Model::new([&a, &b], [shared.call(&a)?, shared.call(&b)?])?;
    /// assert_eq!(model.to_dot().matches("(Dense)").count(), 1);
    /// assert_eq!(model.to_dot().matches("->").count(), 2);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn to_dot(&self) -> String {
        dot::dot(&Picture::new(self.functional()), self.get_name())
    }

    /// The model as a picture in SVG: shared layers once with an arrow for each call, nested models as clusters.
    ///
    /// ```
    /// use refrain::{Model, input, layers::Dense};
    /// let x = input([10]);
    /// let model = Model::new(&x, &Dense::new(32).call(&x)?)?;
    /// assert!(model.to_svg().starts_with("<svg"));
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn to_svg(&self) -> String {
        svg::svg(&Picture::new(self.functional()))
    }

    /// Writes the picture to a file: `.svg`, or `.dot` for Graphviz.
    ///
    /// # Errors
    /// Another extension, or the file cannot be written.
    pub fn plot(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let text = match path.extension().and_then(|e| e.to_str()) {
            Some("svg") => self.to_svg(),
            Some("dot") => self.to_dot(),
            _ => {
                let received = path.display().to_string();
                return Err(Error::mismatch(
                    ErrorKind::Io,
                    "a path ending in .svg or .dot",
                    received,
                ));
            }
        };
        write(path, &text)
    }
}
