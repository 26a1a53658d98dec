//! Where boxes and arrows go: rows by rank, each row ordered so that arrows cross little.

use std::ops::Range;

use super::{Picture, PictureBox, Piece};

/// Lengths in SVG user units (pixels at scale 1).
/// The widest of the usual monospaced fonts at 12 pixels, bold or not.
pub(super) const CHARACTER_WIDTH: f64 = 7.3;
pub(super) const LINE_HEIGHT: f64 = 17.0;
pub(super) const BOX_PADDING: f64 = 10.0;
const GAP_X: f64 = 28.0;
const GAP_Y: f64 = 48.0;
const CLUSTER_PADDING: f64 = 22.0;
/// Room between a cluster's title and the first arrow that comes in beside it.
const TITLE_GAP: f64 = 12.0;
/// Distance between arrows that enter or leave one box.
const PORT_SPACING: f64 = 16.0;
/// Distance between arrows with the number of a call beside them.
const LABEL_SPACING: f64 = 46.0;
/// Room that an arrow passing between boxes takes.
pub(super) const LANE_WIDTH: f64 = 10.0;
/// How far an arrow that goes up swings out below and above, and how much further the next one around it does.
const SWING: f64 = 18.0;
const SWING_STEP: f64 = 6.0;
/// Sweeps over the rows; more change nothing visible.
const SWEEPS: usize = 8;

/// A rectangle by its left upper corner.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Rect {
    pub(super) fn center_x(&self) -> f64 {
        self.x + self.width / 2.0
    }

    pub(super) fn right(&self) -> f64 {
        self.x + self.width
    }

    pub(super) fn bottom(&self) -> f64 {
        self.y + self.height
    }
}

/// A picture with places: relative to its own left upper corner.
pub(super) struct Placed {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) boxes: Vec<(Rect, Option<Placed>)>,
    /// For each piece of an arrow the points between its ends, or how far right it goes around.
    pub(super) routes: Vec<Route>,
    /// How far right of a cluster's left side its inside begins.
    indent: f64,
    /// The width of the cluster.
    outer_width: f64,
}

/// How an arrow gets from one box to another.
pub(super) enum Route {
    /// Downwards through these points.
    Down(Vec<(f64, f64)>),
    /// Out of the bottom, around the right side, and in at the top.
    Around(Around),
}

/// A way up at the right of boxes.
#[derive(Clone, Copy)]
pub(super) struct Around {
    /// The `x` at which it goes up.
    pub(super) side: f64,
    /// How far it swings out below and above.
    pub(super) swing: f64,
    /// Below this `y` it turns to the side.
    pub(super) bottom: f64,
    /// Above this `y` it turns back.
    pub(super) top: f64,
}

/// A box of the picture, or a lane through which an arrow passes a row.
struct Item {
    width: f64,
    height: f64,
    x: f64,
    /// Room to the right for arrows from the box to itself.
    loops: f64,
    /// What it is connected to, and how far right of its own centre and of the other's the arrow ends.
    neighbours: Vec<Neighbour>,
}

#[derive(Clone, Copy)]
struct Neighbour {
    item: usize,
    own_shift: f64,
    shift: f64,
}

impl Item {
    fn lane() -> Self {
        Item {
            width: LANE_WIDTH,
            height: 0.0,
            x: 0.0,
            loops: 0.0,
            neighbours: Vec::new(),
        }
    }

    fn rect(&self, middle: f64) -> Rect {
        Rect {
            x: self.x,
            y: middle - self.height / 2.0,
            width: self.width,
            height: self.height,
        }
    }

    /// Where the next item may begin.
    fn end(&self) -> f64 {
        self.x + self.width + self.loops
    }
}

/// An item, and how far right of its centre an arrow meets it.
type End = (usize, f64);

struct Rows {
    items: Vec<Item>,
    rows: Vec<Vec<usize>>,
    /// For each piece of an arrow the lanes that it passes, from its start.
    lanes: Vec<Vec<usize>>,
}

/// The distance between arrows that meet one side of a box.
pub(super) fn port_spacing(labelled: bool, width: f64, arrows: usize) -> f64 {
    let wanted = if labelled {
        LABEL_SPACING
    } else {
        PORT_SPACING
    };
    wanted.min(width / (arrows + 1) as f64)
}

fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * CHARACTER_WIDTH
}

fn size(item: &PictureBox, inside: Option<&Placed>) -> (f64, f64) {
    let lines = item.lines.iter().map(|l| text_width(l));
    let text = lines.fold(text_width(&item.title), f64::max) + 2.0 * BOX_PADDING;
    match inside {
        Some(placed) => (
            placed.outer_width,
            placed.height + 2.0 * CLUSTER_PADDING + LINE_HEIGHT,
        ),
        None => {
            let lines = 1 + item.lines.len();
            (text, lines as f64 * LINE_HEIGHT + BOX_PADDING)
        }
    }
}

/// Places everything.
pub(super) fn place(picture: &Picture) -> Placed {
    let inside = |b: &PictureBox| Some(place_cluster(b.inside.as_ref()?, &b.title));
    let inside: Vec<Option<Placed>> = picture.boxes.iter().map(inside).collect();
    let mut rows = Rows::new(picture, &inside);
    rows.order();
    rows.spread();
    rows.finish(picture, inside)
}

/// Places the inside of a cluster, far enough to the right for arrows to come in beside the title.
fn place_cluster(picture: &Picture, title: &str) -> Placed {
    let mut placed = place(picture);
    let title = BOX_PADDING + text_width(title);
    let entry = placed.first_entry(picture);
    placed.indent = CLUSTER_PADDING.max(title + TITLE_GAP - entry);
    let text = title + BOX_PADDING;
    placed.outer_width = (placed.indent + placed.width + CLUSTER_PADDING).max(text);
    // What is narrower than the title stands in the middle, as far as that is to the right.
    let middle = (placed.outer_width - placed.width) / 2.0;
    placed.indent = placed.indent.max(middle);
    placed
}

impl Placed {
    /// How far left the first arrow comes in from outside or from below; infinite if there is none.
    fn first_entry(&self, picture: &Picture) -> f64 {
        let pieces = picture.pieces.iter().zip(&self.routes);
        let entry = pieces.filter_map(|(piece, route)| match route {
            Route::Down(_) if piece.from.is_some() => None,
            Route::Down(lanes) if !lanes.is_empty() => Some(lanes[0].0),
            _ => Some(self.first_port(picture, piece)),
        });
        entry.fold(f64::INFINITY, f64::min)
    }

    /// The leftmost of the places at which arrows meet the box that a piece goes to.
    fn first_port(&self, picture: &Picture, piece: &Piece) -> f64 {
        let Some(to) = &piece.to else {
            return f64::INFINITY;
        };
        let alike = picture.pieces.iter().filter(|p| p.to.as_ref() == Some(to));
        let count = alike.count();
        let (rect, inside) = &self.boxes[to[0]];
        let shift = inside.as_ref().map_or(0.0, |p| shift(p, &to[1..]));
        let spacing = port_spacing(true, rect.width, count);
        rect.center_x() + shift - spacing * (count.saturating_sub(1)) as f64 / 2.0
    }
}

impl Rows {
    fn new(picture: &Picture, inside: &[Option<Placed>]) -> Self {
        let mut ranks: Vec<usize> = picture.boxes.iter().map(|b| b.rank).collect();
        ranks.sort_unstable();
        ranks.dedup();
        let row_of = |b: &PictureBox| {
            let position = ranks.binary_search(&b.rank).unwrap_or(0);
            ranks.len() - 1 - position
        };
        let mut rows = vec![Vec::new(); ranks.len()];
        let mut items = Vec::new();
        for (i, (b, inside)) in picture.boxes.iter().zip(inside).enumerate() {
            let (width, height) = size(b, inside.as_ref());
            rows[row_of(b)].push(i);
            items.push(Item {
                width,
                height,
                x: 0.0,
                loops: LANE_WIDTH * loops(picture, i) as f64,
                neighbours: Vec::new(),
            });
        }
        let mut all = Rows {
            items,
            rows,
            lanes: Vec::new(),
        };
        for piece in &picture.pieces {
            let end = |path: &Vec<usize>| {
                let inside = inside[path[0]].as_ref();
                (path[0], inside.map_or(0.0, |p| shift(p, &path[1..])))
            };
            let row = |path: &Vec<usize>| row_of(&picture.boxes[path[0]]);
            let first = piece.from.as_ref().map_or(0, |from| row(from) + 1);
            let last = piece.to.as_ref().map_or(ranks.len(), row);
            all.add_lanes(
                piece.from.as_ref().map(end),
                first..last,
                piece.to.as_ref().map(end),
            );
        }
        all
    }

    /// An arrow that goes down passes a lane in every row between; one that goes up is drawn around.
    fn add_lanes(&mut self, from: Option<End>, between: Range<usize>, to: Option<End>) {
        let goes_down = between.start <= between.end;
        let mut lanes = Vec::new();
        let mut before = from;
        for row in between {
            let lane = self.items.len();
            self.items.push(Item::lane());
            self.rows[row].push(lane);
            self.connect(before, Some((lane, 0.0)));
            lanes.push(lane);
            before = Some((lane, 0.0));
        }
        if goes_down {
            self.connect(before, to);
        }
        self.lanes.push(lanes);
    }

    fn connect(&mut self, a: Option<End>, b: Option<End>) {
        let (Some(a), Some(b)) = (a, b) else {
            return; // one of them is outside of the cluster
        };
        for ((own, own_shift), (item, shift)) in [(a, b), (b, a)] {
            self.items[own].neighbours.push(Neighbour {
                item,
                own_shift,
                shift,
            });
        }
    }

    fn center(&self, item: usize) -> f64 {
        self.items[item].x + self.items[item].width / 2.0
    }

    /// The mean place where an item's arrows from some neighbours would be straight, or its own place if there are none.
    fn pull(&self, item: usize, counts: impl Fn(&Neighbour) -> bool) -> f64 {
        let neighbours = self.items[item].neighbours.iter().filter(|n| counts(n));
        let places = neighbours.map(|n| self.center(n.item) + n.shift - n.own_shift);
        let (sum, count) = places.fold((0.0, 0), |(sum, count), x| (sum + x, count + 1));
        match count {
            0 => self.center(item),
            n => sum / f64::from(n),
        }
    }

    /// Puts each row's items side by side in their order.
    fn pack(&mut self) {
        for row in &self.rows {
            let mut x = 0.0;
            for &item in row {
                self.items[item].x = x;
                x = self.items[item].end() + GAP_X;
            }
            let shift = (x - GAP_X) / 2.0;
            row.iter().for_each(|&item| self.items[item].x -= shift);
        }
    }

    /// Orders rows by where their neighbours stand.
    fn order(&mut self) {
        self.pack();
        for _ in 0..SWEEPS {
            for r in 0..self.rows.len() {
                let mut row = self.rows[r].clone();
                row.sort_by(|&a, &b| self.pull(a, |_| true).total_cmp(&self.pull(b, |_| true)));
                self.rows[r] = row;
                self.pack();
            }
        }
    }

    /// Moves items to where those above stand, then to where those below stand, and so on, as far as their row allows.
    fn spread(&mut self) {
        let mut row_of = vec![0; self.items.len()];
        for (r, row) in self.rows.iter().enumerate() {
            row.iter().for_each(|&item| row_of[item] = r);
        }
        for _ in 0..SWEEPS {
            for r in (0..self.rows.len()).rev() {
                self.shift_row(r, |n| row_of[n.item] > r);
            }
            for r in 0..self.rows.len() {
                self.shift_row(r, |n| row_of[n.item] < r);
            }
        }
    }

    /// Moves the items of a row towards some of their neighbours.
    fn shift_row(&mut self, r: usize, counts: impl Fn(&Neighbour) -> bool) {
        let row = self.rows[r].clone();
        let wanted: Vec<f64> = row
            .iter()
            .map(|&i| self.pull(i, &counts) - self.items[i].width / 2.0)
            .collect();
        let mut left = f64::NEG_INFINITY;
        for (&item, &x) in row.iter().zip(&wanted) {
            self.items[item].x = x.max(left);
            left = self.items[item].end() + GAP_X;
        }
        // What was pushed to the right goes back half the way on average, so that rows stay centred.
        let excess: f64 = row
            .iter()
            .zip(&wanted)
            .map(|(&i, &x)| self.items[i].x - x)
            .sum();
        let back = excess / row.len().max(1) as f64;
        row.iter().for_each(|&i| self.items[i].x -= back);
    }

    fn finish(mut self, picture: &Picture, inside: Vec<Option<Placed>>) -> Placed {
        let left = self.items.iter().map(|i| i.x).fold(f64::INFINITY, f64::min);
        self.items.iter_mut().for_each(|i| i.x -= left);
        let mut spans = vec![(0.0, 0.0); self.items.len()];
        let mut y = 0.0;
        for row in &self.rows {
            let heights = row.iter().map(|&i| self.items[i].height);
            let height = heights.fold(0.0, f64::max);
            row.iter().for_each(|&i| spans[i] = (y, y + height));
            y += height + GAP_Y;
        }
        let items = self.items.iter().zip(&spans).take(picture.boxes.len());
        let rects: Vec<Rect> = items
            .map(|(item, (top, bottom))| item.rect((top + bottom) / 2.0))
            .collect();
        let routes = self.routes(picture, &rects, &spans);
        let mut width = self.items.iter().map(Item::end).fold(0.0, f64::max);
        let mut height = (y - GAP_Y).max(0.0);
        for route in &routes {
            if let Route::Around(around) = route {
                width = width.max(around.side);
                height = height.max(around.bottom + around.swing);
            }
        }
        Placed {
            width,
            height,
            boxes: rects.into_iter().zip(inside).collect(),
            routes,
            indent: 0.0,
            outer_width: width,
        }
    }

    /// Arrows run straight through lanes, and around from the bottom of a row to the top of one.
    fn routes(&self, picture: &Picture, rects: &[Rect], spans: &[(f64, f64)]) -> Vec<Route> {
        let straight = |&lane: &usize| {
            let (x, (top, bottom)) = (self.center(lane), spans[lane]);
            [(x, top), (x, bottom)]
        };
        let route = |(i, piece): (usize, &Piece)| {
            let down = Route::Down(self.lanes[i].iter().flat_map(straight).collect());
            let Some((start, end)) = piece.tops() else {
                return down;
            };
            let (from, to) = (&rects[start], &rects[end]);
            if to.y >= from.bottom() {
                return down;
            }
            let (bottom, top) = match start == end {
                true => (from.bottom(), to.y),
                false => (spans[start].1, spans[end].0),
            };
            let alike = |p: &&Piece| p.tops() == Some((start, end));
            let order = picture.pieces[..=i].iter().filter(alike).count() as f64;
            let passed = |r: &&Rect| r.bottom() >= top && r.y <= bottom;
            let beside = rects.iter().filter(passed).map(Rect::right);
            let right = match start == end {
                true => from.right(),
                false => beside.fold(0.0, f64::max) + LANE_WIDTH,
            };
            Route::Around(Around {
                side: right + order * LANE_WIDTH,
                swing: (SWING + order * SWING_STEP).min(GAP_Y),
                bottom,
                top,
            })
        };
        picture.pieces.iter().enumerate().map(route).collect()
    }
}

/// How many arrows go from a box to itself.
fn loops(picture: &Picture, position: usize) -> usize {
    let own = |p: &&Piece| p.tops() == Some((position, position));
    picture.pieces.iter().filter(own).count()
}

/// How far right of a cluster's centre the box at a path inside it stands.
fn shift(placed: &Placed, path: &[usize]) -> f64 {
    let Some((&first, rest)) = path.split_first() else {
        return 0.0;
    };
    let (rect, inside) = &placed.boxes[first];
    let deeper = inside.as_ref().map_or(0.0, |p| shift(p, rest));
    placed.indent + rect.center_x() - placed.outer_width / 2.0 + deeper
}

/// Where the inside of a cluster begins, relative to the cluster's corner.
pub(super) fn inside_offset(cluster: &Rect, inside: &Placed) -> (f64, f64) {
    let x = cluster.x + inside.indent;
    (x, cluster.y + CLUSTER_PADDING + LINE_HEIGHT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Result;
    use crate::layers::{Dense, Lstm, add};
    use crate::models::picture::Diagram;
    use crate::{Model, input};

    fn overlap(a: &Rect, b: &Rect) -> bool {
        a.x < b.right() && b.x < a.right() && a.y < b.bottom() && b.y < a.bottom()
    }

    fn check(model: &Model) -> Placed {
        let placed = place(&Diagram::new(model.functional()).picture);
        let rects: Vec<&Rect> = placed.boxes.iter().map(|(rect, _)| rect).collect();
        for (i, a) in rects.iter().enumerate() {
            assert!(a.x >= 0.0 && a.right() <= placed.width && a.bottom() <= placed.height);
            assert!(rects[..i].iter().all(|b| !overlap(a, b)), "box {i}");
        }
        for route in &placed.routes {
            if let Route::Around(Around { side, .. }) = route {
                assert!(*side <= placed.width, "cut off at the right");
            }
        }
        placed
    }

    #[test]
    fn only_states_go_back_into_a_layer_that_goes_on_from_them() -> Result<()> {
        let (question, answer) = (input([10, 20]), input([8, 20]));
        let lstm = Lstm::new(4).return_state(true);
        let state = lstm.call(&question)?.state;
        let model = Model::new([&question, &answer], &lstm.call_from(&answer, &state)?)?;
        let placed = check(&model);
        let around = placed
            .routes
            .iter()
            .filter(|r| matches!(r, Route::Around(_)));
        assert_eq!(around.count(), 2);
        Ok(())
    }

    #[test]
    fn loops_and_long_arrows_pass_beside_boxes() -> Result<()> {
        let x = input([4]);
        let own = Dense::new(4);
        let y = own.call(&own.call(&own.call(&x)?)?)?;
        let placed = check(&Model::new(&x, &add([&x, &y, &x])?)?);
        let lanes = placed.routes.iter().filter_map(|route| match route {
            Route::Down(bends) => bends.first(),
            Route::Around(_) => None,
        });
        let inside = |rect: &Rect, x: f64, y: f64| {
            (rect.x..=rect.right()).contains(&x) && (rect.y..=rect.bottom()).contains(&y)
        };
        for &(x, y) in lanes {
            assert!(placed.boxes.iter().all(|(rect, _)| !inside(rect, x, y)));
        }
        Ok(())
    }

    #[test]
    fn a_chain_is_a_straight_line() -> Result<()> {
        let x = input([4]);
        let mut y = x.clone();
        for units in [300, 2, 40_000] {
            y = Dense::new(units).call(&y)?;
        }
        let placed = check(&Model::new(&x, &y)?);
        let first = placed.boxes[0].0.center_x();
        let straight = |(rect, _): &(Rect, _)| (rect.center_x() - first).abs() < 0.1;
        assert!(placed.boxes.iter().all(straight));
        Ok(())
    }
}
