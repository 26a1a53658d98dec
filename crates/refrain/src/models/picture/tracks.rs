//! Where arrows run, in the coordinates of the whole picture.

use super::layout::{Around, Placed, Rect, Route, inside_offset, port_spacing};
use super::{Arrow, Diagram, Picture};

/// Orders loops behind all places in a picture.
const LOOPS: f64 = 1e9;

/// An arrow's way from the bottom of one box to the top of another.
pub(super) struct Track {
    pub(super) start: (f64, f64),
    pub(super) end: (f64, f64),
    /// What it passes between, in order.
    pub(super) turns: Vec<Turn>,
}

/// What an arrow passes.
#[derive(Clone, Copy)]
pub(super) enum Turn {
    /// A point, which it passes downwards.
    Point(f64, f64),
    /// A way up at the right of boxes.
    Around(Around),
}

/// A turn before it is known where arrows meet boxes.
enum Waypoint {
    Turn(Turn),
    /// The side of a cluster at this `y`, which it leaves straight below the point before.
    Leave(f64),
    /// The side of a cluster at this `y`, which it enters straight above the point after.
    Enter(f64),
}

/// The tracks of all arrows.
pub(super) fn tracks(diagram: &Diagram, placed: &Placed) -> Vec<Track> {
    let arrows = diagram.arrows.iter().enumerate();
    let steps: Vec<Vec<Waypoint>> = arrows
        .map(|(i, arrow)| {
            let mut steps = Vec::new();
            let ends = (Some(&arrow.from[..]), Some(&arrow.to[..]));
            follow(&diagram.picture, placed, (0.0, 0.0), i, ends, &mut steps);
            steps
        })
        .collect();
    let ends = Ends {
        arrows: &diagram.arrows,
        placed,
        steps: &steps,
    };
    let (outgoing, incoming) = (ends.ports(true), ends.ports(false));
    let arrows = diagram.arrows.iter().zip(&steps);
    let ports = outgoing.into_iter().zip(incoming);
    arrows
        .zip(ports)
        .map(|((arrow, steps), (out, into))| {
            let start = (out, locate(placed, &arrow.from).bottom());
            let end = (into, locate(placed, &arrow.to).y);
            let turns = resolve(steps, start.0, end.0);
            Track { start, end, turns }
        })
        .collect()
}

type Path<'a> = Option<&'a [usize]>;

/// The steps of an arrow's pieces, from the innermost box that it leaves to the innermost that it enters.
fn follow(
    picture: &Picture,
    placed: &Placed,
    (dx, dy): (f64, f64),
    arrow: usize,
    (from, to): (Path, Path),
    steps: &mut Vec<Waypoint>,
) {
    let deeper = |path: &[usize], ends: (Path, Path), steps: &mut Vec<Waypoint>| {
        let (rect, inside) = &placed.boxes[path[0]];
        if let (Some(picture), Some(inside)) = (&picture.boxes[path[0]].inside, inside) {
            let (ix, iy) = inside_offset(rect, inside);
            follow(picture, inside, (dx + ix, dy + iy), arrow, ends, steps);
        }
        rect
    };
    let Some(piece) = picture.pieces.iter().position(|p| p.arrow == arrow) else {
        if let (Some(from), Some(to)) = (from, to) {
            deeper(from, (Some(&from[1..]), Some(&to[1..])), steps);
        }
        return;
    };
    if let Some(from) = from.filter(|from| from.len() > 1) {
        let rect = deeper(from, (Some(&from[1..]), None), steps);
        steps.push(Waypoint::Leave(dy + rect.bottom()));
    }
    match &placed.routes[piece] {
        Route::Down(lanes) => {
            let points = lanes.iter().map(|(x, y)| Turn::Point(x + dx, y + dy));
            steps.extend(points.map(Waypoint::Turn));
        }
        Route::Around(around) => steps.push(Waypoint::Turn(Turn::Around(Around {
            side: around.side + dx,
            bottom: around.bottom + dy,
            top: around.top + dy,
            ..*around
        }))),
    }
    if let Some(to) = to.filter(|to| to.len() > 1) {
        steps.push(Waypoint::Enter(dy + placed.boxes[to[0]].0.y));
        deeper(to, (None, Some(&to[1..])), steps);
    }
}

/// Puts the steps through the sides of clusters below or above the points beside them.
fn resolve(steps: &[Waypoint], start: f64, end: f64) -> Vec<Turn> {
    let after = |i: usize| {
        let points = steps[i..].iter().filter_map(Waypoint::x);
        points.take(1).next().unwrap_or(end)
    };
    let mut before = start;
    let turn = |(i, step): (usize, &Waypoint)| {
        let turn = match step {
            Waypoint::Turn(turn) => *turn,
            Waypoint::Leave(y) => Turn::Point(before, *y),
            Waypoint::Enter(y) => Turn::Point(after(i), *y),
        };
        if let Turn::Point(x, _) = turn {
            before = x;
        }
        turn
    };
    steps.iter().enumerate().map(turn).collect()
}

impl Waypoint {
    /// The place of a point on the way.
    fn x(&self) -> Option<f64> {
        match self {
            Waypoint::Turn(Turn::Point(x, _)) => Some(*x),
            _ => None,
        }
    }

    fn side(&self) -> Option<f64> {
        match self {
            Waypoint::Turn(Turn::Around(around)) => Some(around.side),
            _ => None,
        }
    }
}

/// What decides where arrows meet boxes.
struct Ends<'a> {
    arrows: &'a [Arrow],
    placed: &'a Placed,
    steps: &'a [Vec<Waypoint>],
}

impl Ends<'_> {
    /// The box that an arrow leaves or enters.
    fn own(&self, arrow: usize, outgoing: bool) -> &[usize] {
        match outgoing {
            true => &self.arrows[arrow].from,
            false => &self.arrows[arrow].to,
        }
    }

    /// Where an arrow goes to or comes from. Loops stand at the right, the outer ones around the inner.
    fn towards(&self, arrow: usize, outgoing: bool) -> f64 {
        let steps = &self.steps[arrow];
        let nearest = match outgoing {
            true => steps.iter().find_map(Waypoint::x),
            false => steps.iter().rev().find_map(Waypoint::x),
        };
        match steps.iter().find_map(Waypoint::side) {
            Some(side) => LOOPS - side,
            None => nearest.unwrap_or_else(|| {
                let other = self.own(arrow, !outgoing);
                locate(self.placed, other).center_x()
            }),
        }
    }

    /// The places, from the left, at which arrows meet one side of each box: ordered by where they come from or go to.
    fn ports(&self, outgoing: bool) -> Vec<f64> {
        let port = |i: usize| {
            let mine = self.own(i, outgoing);
            let mut same: Vec<usize> = (0..self.arrows.len())
                .filter(|&j| self.own(j, outgoing) == mine)
                .collect();
            same.sort_by(|&a, &b| {
                let (x, y) = (self.towards(a, outgoing), self.towards(b, outgoing));
                let calls = self.arrows[a].call.cmp(&self.arrows[b].call);
                x.total_cmp(&y).then(calls)
            });
            let place = same.iter().position(|&j| j == i).unwrap_or(0) as f64;
            let labelled = !outgoing && same.iter().any(|&j| self.arrows[j].call.is_some());
            let rect = locate(self.placed, mine);
            let spacing = port_spacing(labelled, rect.width, same.len());
            rect.center_x() + (place - (same.len() as f64 - 1.0) / 2.0) * spacing
        };
        (0..self.arrows.len()).map(port).collect()
    }
}

/// The rectangle at the end of a path of positions.
fn locate(placed: &Placed, path: &[usize]) -> Rect {
    let (rect, inside) = &placed.boxes[path[0]];
    match (inside, path.len() > 1) {
        (Some(inside), true) => {
            let (ix, iy) = inside_offset(rect, inside);
            let inner = locate(inside, &path[1..]);
            Rect {
                x: inner.x + ix,
                y: inner.y + iy,
                ..inner
            }
        }
        _ => *rect,
    }
}
