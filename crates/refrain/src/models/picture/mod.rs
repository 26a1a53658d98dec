//! Pictures of models: every layer once, an arrow for each call, nested models as clusters.

mod dot;
mod layout;
mod places;
mod svg;
mod tracks;

use std::collections::HashSet;
use std::path::Path;

use self::places::Places;
use super::functional::Functional;
use super::model::Model;
use super::summary::thousands;
use crate::error::{Error, ErrorKind, Result};
use crate::layers::AnyLayer;
use crate::layers::node::Node;
use crate::utils::svg::write;

/// A model's boxes, and the arrows between them.
pub(super) struct Diagram {
    pub(super) picture: Picture,
    pub(super) arrows: Vec<Arrow>,
}

/// An arrow for one input tensor of one call. Ends are paths of positions: box, box inside it, …
pub(super) struct Arrow {
    pub(super) from: Vec<usize>,
    pub(super) to: Vec<usize>,
    /// Which call of a layer that is called several times, in whatever model.
    pub(super) call: Option<usize>,
}

/// What a model or a nested model shows: boxes, some of which hold pictures, and pieces of arrows.
pub(super) struct Picture {
    pub(super) boxes: Vec<PictureBox>,
    pub(super) pieces: Vec<Piece>,
}

/// The part of an arrow that is in a picture, between two of its boxes or from or to what is outside. Paths begin here.
pub(super) struct Piece {
    /// Its position among all arrows.
    pub(super) arrow: usize,
    /// `None`: it comes in at the top.
    pub(super) from: Option<Vec<usize>>,
    /// `None`: it goes out at the bottom.
    pub(super) to: Option<Vec<usize>>,
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

impl Diagram {
    fn new(functional: &Functional) -> Self {
        let mut places = Places::new(functional);
        let mut picture = Picture::new(functional, &mut places);
        let arrows = places.arrows();
        for (i, arrow) in arrows.iter().enumerate() {
            picture.add(i, Some(&arrow.from), Some(&arrow.to));
        }
        picture.raise_sources();
        Diagram { picture, arrows }
    }
}

impl Piece {
    /// The boxes of this picture that it goes between.
    pub(super) fn tops(&self) -> Option<(usize, usize)> {
        Some((self.from.as_ref()?[0], self.to.as_ref()?[0]))
    }
}

impl Picture {
    fn new<'m>(functional: &'m Functional, places: &mut Places<'m>) -> Self {
        let layers = places.drawn_in(functional).into_iter();
        let boxes = layers.map(|layer| PictureBox::new(layer, functional, places));
        Picture {
            boxes: boxes.collect(),
            pieces: Vec::new(),
        }
    }

    /// Adds an arrow to the innermost picture that holds both ends, and its pieces to those inside that it goes through.
    fn add(&mut self, arrow: usize, from: Option<&[usize]>, to: Option<&[usize]>) {
        if let (Some([a, from @ ..]), Some([b, to @ ..])) = (from, to)
            && a == b
            && !from.is_empty()
            && !to.is_empty()
        {
            self.add_inside(*a, arrow, Some(from), Some(to));
            return;
        }
        self.pieces.push(Piece {
            arrow,
            from: from.map(<[usize]>::to_vec),
            to: to.map(<[usize]>::to_vec),
        });
        if let Some([a, from @ ..]) = from
            && !from.is_empty()
        {
            self.add_inside(*a, arrow, Some(from), None);
        }
        if let Some([b, to @ ..]) = to
            && !to.is_empty()
        {
            self.add_inside(*b, arrow, None, Some(to));
        }
    }

    fn add_inside(
        &mut self,
        position: usize,
        arrow: usize,
        from: Option<&[usize]>,
        to: Option<&[usize]>,
    ) {
        if let Some(inside) = &mut self.boxes[position].inside {
            inside.add(arrow, from, to);
        }
    }

    /// Puts each box above those that it feeds, unless they feed it in turn. The distance of a shared layer from the outputs
    /// is that of one of its calls; what feeds another call may be nearer to them.
    fn raise_sources(&mut self) {
        let arrows: Vec<(usize, usize)> = self.pieces.iter().filter_map(Piece::tops).collect();
        let mut targets = vec![Vec::new(); self.boxes.len()];
        for &(from, to) in &arrows {
            targets[from].push(to);
        }
        let feeds: Vec<HashSet<usize>> = (0..targets.len()).map(|i| fed_by(&targets, i)).collect();
        let mut changed = true;
        while changed {
            changed = false;
            for &(from, to) in &arrows {
                if !feeds[to].contains(&from) && self.boxes[from].rank <= self.boxes[to].rank {
                    self.boxes[from].rank = self.boxes[to].rank + 1;
                    changed = true;
                }
            }
        }
        let inside = self.boxes.iter_mut().filter_map(|b| b.inside.as_mut());
        inside.for_each(Picture::raise_sources);
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

impl PictureBox {
    fn new<'m>(layer: &'m AnyLayer, functional: &Functional, places: &mut Places<'m>) -> Self {
        let nested = layer.options::<Functional>();
        PictureBox {
            title: format!("{} ({})", layer.get_name(), layer.class_name()),
            inside: nested.map(|nested| Picture::new(nested, places)),
            lines: match nested {
                Some(_) => Vec::new(),
                None => lines(layer, places),
            },
            rank: places.rank(functional, layer),
        }
    }
}

/// The shapes of a layer's calls, and the number of its weights.
fn lines(layer: &AnyLayer, places: &mut Places) -> Vec<String> {
    let calls = places.calls(layer).iter();
    let mut lines: Vec<String> = calls.map(|(_, node)| shapes(node)).collect();
    lines.dedup();
    let weights = layer.weights();
    if !weights.is_empty() {
        let count = thousands(layer.count_params());
        lines.push(match places.counts_anew(&weights) {
            true => format!("{count} weights"),
            false => format!("{count} weights, shared"),
        });
    }
    lines
}

/// `(None, 10) → (None, 32)`.
fn shapes(node: &Node) -> String {
    let join = |shapes: Vec<String>| shapes.join(", ");
    let outputs = join(
        node.specs
            .iter()
            .map(|output| output.spec.shape.to_string())
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
        dot::dot(&Diagram::new(self.functional()), self.get_name())
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
        svg::svg(&Diagram::new(self.functional()))
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
