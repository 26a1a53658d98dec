//! The picture as SVG.

use std::fmt::Write;

use super::Picture;
use super::layout::{BOX_PADDING, LINE_HEIGHT, Placed, Rect, Route, inside_offset, place};
use crate::utils::svg::escaped;

/// Space around the picture, in user units.
const MARGIN: f64 = 24.0;
/// Orders loops behind all places in a picture.
const LOOPS: f64 = 1e9;
/// Distance between arrows that enter or leave one box.
const PORT_SPACING: f64 = 16.0;
/// Distance between arrows with the number of a call beside them.
const LABEL_SPACING: f64 = 46.0;

const STYLE: &str = "text{font:12px ui-monospace,monospace;fill:#1c2733}.t{font-weight:bold}.c{fill:#5c6b7a;font-size:10px}\
.c,.n{paint-order:stroke;stroke:#fff;stroke-width:3px}\
rect{fill:#eef2f8;stroke:#5b7aa8;rx:6}.input{fill:#e6f4ea;stroke:#4c8a5c}.cluster{fill:#fafafa;stroke:#9aa7b5;stroke-dasharray:5 3}\
path{fill:none;stroke:#48586a;stroke-width:1.3;marker-end:url(#a)}";

/// Texts lie on top, so that no arrow crosses one out.
#[derive(Default)]
struct Drawing {
    shapes: String,
    texts: String,
}

/// The picture as an SVG document.
pub(super) fn svg(picture: &Picture) -> String {
    let placed = place(picture);
    let mut drawing = Drawing::default();
    boxes(picture, &placed, (0.0, 0.0), &mut drawing);
    arrows(picture, &placed, (0.0, 0.0), &mut drawing);
    let Drawing { shapes, texts } = drawing;
    let (width, height) = (placed.width + 2.0 * MARGIN, placed.height + 2.0 * MARGIN);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"{:.0} {:.0} \
         {width:.0} {height:.0}\">\n<style>{STYLE}</style>\n<defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" \
         markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" \
         style=\"fill:#48586a;stroke:none;marker-end:none\"/></marker></defs>\n<rect x=\"{:.0}\" y=\"{:.0}\" width=\"100%\" \
         height=\"100%\" style=\"fill:#fff;stroke:none\"/>\n{shapes}{texts}</svg>\n",
        -MARGIN, -MARGIN, -MARGIN, -MARGIN
    )
}

// Writing to a `String` cannot fail.
fn boxes(picture: &Picture, placed: &Placed, (dx, dy): (f64, f64), out: &mut Drawing) {
    for (item, (rect, inside)) in picture.boxes.iter().zip(&placed.boxes) {
        let (x, y) = (rect.x + dx, rect.y + dy);
        let class = match (&item.inside, item.title.ends_with("(InputLayer)")) {
            (Some(_), _) => " class=\"cluster\"",
            (None, true) => " class=\"input\"",
            (None, false) => "",
        };
        let _ = writeln!(
            out.shapes,
            "<rect{class} x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            rect.width, rect.height
        );
        // A cluster's arrows come in at its middle, so its title stands at the side.
        let (title, anchor, text_x) = match inside {
            Some(_) => (" class=\"t n\"", "start", x + BOX_PADDING),
            None => (" class=\"t\"", "middle", x + rect.width / 2.0),
        };
        let lines = std::iter::once((&item.title, title)).chain(item.lines.iter().map(|l| (l, "")));
        for (i, (line, class)) in lines.enumerate() {
            let baseline = y + BOX_PADDING / 2.0 + (i as f64 + 0.75) * LINE_HEIGHT;
            let _ = writeln!(
                out.texts,
                "<text{class} x=\"{text_x:.1}\" y=\"{baseline:.1}\" text-anchor=\"{anchor}\">{}</text>",
                escaped(line)
            );
        }
        if let (Some(inner), Some(inside)) = (&item.inside, inside) {
            let (ix, iy) = inside_offset(rect, inside);
            boxes(inner, inside, (ix + dx, iy + dy), out);
            arrows(inner, inside, (ix + dx, iy + dy), out);
        }
    }
}

/// The rectangle at the end of a path of positions, in the coordinates of the outermost picture here.
fn locate(placed: &Placed, path: &[usize], (dx, dy): (f64, f64)) -> Rect {
    let (rect, inside) = &placed.boxes[path[0]];
    if let (Some(inside), true) = (inside, path.len() > 1) {
        let (ix, iy) = inside_offset(rect, inside);
        return locate(inside, &path[1..], (dx + ix, dy + iy));
    }
    Rect {
        x: rect.x + dx,
        y: rect.y + dy,
        ..*rect
    }
}

/// The places, from the left, at which arrows meet one side of a box: ordered by where they come from or go to.
fn ports(picture: &Picture, placed: &Placed, outgoing: bool) -> Vec<f64> {
    let ends = |i: usize| {
        let (from, to) = (&picture.arrows[i].from, &picture.arrows[i].to);
        let (from_x, to_x) = (
            locate(placed, from, (0.0, 0.0)).center_x(),
            locate(placed, to, (0.0, 0.0)).center_x(),
        );
        match (&placed.routes[i], outgoing) {
            // Loops stand at the right, the outer ones around the inner.
            (Route::Around { side, .. }, _) => (if outgoing { from } else { to }, LOOPS - side),
            (Route::Down(bends), true) => (from, bends.first().map_or(to_x, |b| b.0)),
            (Route::Down(bends), false) => (to, bends.last().map_or(from_x, |b| b.0)),
        }
    };
    let port = |i: usize| {
        let (mine, _) = ends(i);
        let mut same: Vec<usize> = (0..picture.arrows.len())
            .filter(|&j| ends(j).0 == mine)
            .collect();
        same.sort_by(|&a, &b| {
            let calls = picture.arrows[a].call.cmp(&picture.arrows[b].call);
            ends(a).1.total_cmp(&ends(b).1).then(calls)
        });
        let place = same.iter().position(|&j| j == i).unwrap_or(0) as f64;
        let rect = locate(placed, mine, (0.0, 0.0));
        let labelled = !outgoing && same.iter().any(|&j| picture.arrows[j].call.is_some());
        let wanted = if labelled {
            LABEL_SPACING
        } else {
            PORT_SPACING
        };
        let spacing = wanted.min(rect.width / (same.len() + 1) as f64);
        rect.center_x() + (place - (same.len() as f64 - 1.0) / 2.0) * spacing
    };
    (0..picture.arrows.len()).map(port).collect()
}

fn arrows(picture: &Picture, placed: &Placed, (dx, dy): (f64, f64), out: &mut Drawing) {
    let (outgoing, incoming) = (ports(picture, placed, true), ports(picture, placed, false));
    for (i, arrow) in picture.arrows.iter().enumerate() {
        let (from, to) = (
            locate(placed, &arrow.from, (dx, dy)),
            locate(placed, &arrow.to, (dx, dy)),
        );
        let (start, end) = ((outgoing[i] + dx, from.bottom()), (incoming[i] + dx, to.y));
        let path = match &placed.routes[i] {
            Route::Down(bends) => {
                downwards(start, bends.iter().map(|(x, y)| (x + dx, y + dy)), end)
            }
            Route::Around { side, swing } => around(start, (side + dx, *swing), end),
        };
        let _ = writeln!(out.shapes, "<path d=\"{path}\"/>");
        if let Some(call) = arrow.call {
            let _ = writeln!(
                out.texts,
                "<text class=\"c\" x=\"{:.1}\" y=\"{:.1}\">call {call}</text>",
                end.0 + 4.0,
                end.1 - 9.0
            );
        }
    }
}

/// A smooth line through points, vertical at each.
fn downwards(
    start: (f64, f64),
    bends: impl Iterator<Item = (f64, f64)>,
    end: (f64, f64),
) -> String {
    let mut path = format!("M{:.1} {:.1}", start.0, start.1);
    let (mut x, mut y) = start;
    for (next_x, next_y) in bends.chain(std::iter::once(end)) {
        let middle = (y + next_y) / 2.0;
        let _ = write!(
            path,
            "C{x:.1} {middle:.1} {next_x:.1} {middle:.1} {next_x:.1} {next_y:.1}"
        );
        (x, y) = (next_x, next_y);
    }
    path
}

/// Around the boxes at the right: a layer that feeds itself or one above it.
fn around(start: (f64, f64), (side, swing): (f64, f64), end: (f64, f64)) -> String {
    let (below, above) = (start.1 + swing, end.1 - swing);
    let mut path = format!("M{:.1} {:.1}C{:.1} {below:.1} ", start.0, start.1, start.0);
    let _ = write!(path, "{side:.1} {below:.1} {side:.1} {:.1}", start.1);
    let _ = write!(path, "L{side:.1} {:.1}C{side:.1} {above:.1} ", end.1);
    let _ = write!(path, "{:.1} {above:.1} {:.1} {:.1}", end.0, end.0, end.1);
    path
}
