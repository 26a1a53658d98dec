//! The picture as SVG.

use std::fmt::Write;

use super::layout::{Around, BOX_PADDING, LINE_HEIGHT, Placed, inside_offset, place};
use super::tracks::{Track, Turn, tracks};
use super::{Diagram, Picture};
use crate::utils::svg::escaped;

/// Space around the picture, in user units.
const MARGIN: f64 = 24.0;

const STYLE: &str = "text{font:12px ui-monospace,monospace;fill:#1c2733}.t{font-weight:bold}.c{fill:#5c6b7a;font-size:10px}\
.h{fill:#fff;stroke:#fff;stroke-width:3px}\
rect{fill:#eef2f8;stroke:#5b7aa8;rx:6}.input{fill:#e6f4ea;stroke:#4c8a5c}.cluster{fill:#fafafa;stroke:#9aa7b5;stroke-dasharray:5 3}\
path{fill:none;stroke:#48586a;stroke-width:1.3;marker-end:url(#a)}";

/// Texts lie on top, so that no arrow crosses one out.
#[derive(Default)]
struct Drawing {
    shapes: String,
    texts: String,
}

/// The picture as an SVG document.
pub(super) fn svg(diagram: &Diagram) -> String {
    let placed = place(&diagram.picture);
    let mut drawing = Drawing::default();
    boxes(&diagram.picture, &placed, (0.0, 0.0), &mut drawing);
    for (arrow, track) in diagram.arrows.iter().zip(tracks(diagram, &placed)) {
        drawing.arrow(&track, arrow.call);
    }
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
        // A cluster's arrows come in beside its title.
        let (anchor, text_x) = match inside {
            Some(_) => ("start", x + BOX_PADDING),
            None => ("middle", x + rect.width / 2.0),
        };
        let lines = std::iter::once((&item.title, " class=\"t\""))
            .chain(item.lines.iter().map(|l| (l, "")));
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
        }
    }
}

impl Drawing {
    fn arrow(&mut self, track: &Track, call: Option<usize>) {
        let _ = writeln!(self.shapes, "<path d=\"{}\"/>", path(track));
        let Some(call) = call else { return };
        let (x, y) = (track.end.0 + 4.0, track.end.1 - 9.0);
        // A light copy below keeps other arrows off the letters in every viewer.
        for class in ["c h", "c"] {
            let _ = writeln!(
                self.texts,
                "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">call {call}</text>"
            );
        }
    }
}

/// A smooth line, vertical at each point that it passes.
fn path(track: &Track) -> String {
    let (mut at, mut path) = (
        track.start,
        format!("M{:.1} {:.1}", track.start.0, track.start.1),
    );
    let mut turns = track.turns.iter().peekable();
    while let Some(turn) = turns.next() {
        at = match *turn {
            Turn::Point(x, y) => down(&mut path, at, (x, y)),
            Turn::Around(way) => {
                let next = match turns.next() {
                    Some(Turn::Point(x, y)) => (*x, *y),
                    _ => track.end,
                };
                around(&mut path, at.0, way, next)
            }
        };
    }
    if at != track.end {
        down(&mut path, at, track.end);
    }
    path
}

// Writing to a `String` cannot fail.
fn down(path: &mut String, (x, y): (f64, f64), next: (f64, f64)) -> (f64, f64) {
    let middle = (y + next.1) / 2.0;
    let _ = write!(path, "C{x:.1} {middle:.1} {:.1} {middle:.1} ", next.0);
    let _ = write!(path, "{:.1} {:.1}", next.0, next.1);
    next
}

/// Around the boxes at the right: to a layer beside or above.
fn around(path: &mut String, x: f64, way: Around, next: (f64, f64)) -> (f64, f64) {
    let Around {
        side, bottom, top, ..
    } = way;
    let (below, above) = (bottom + way.swing, top - way.swing);
    let _ = write!(path, "L{x:.1} {bottom:.1}C{x:.1} {below:.1} ");
    let _ = write!(path, "{side:.1} {below:.1} {side:.1} {bottom:.1}");
    let _ = write!(path, "L{side:.1} {top:.1}C{side:.1} {above:.1} ");
    let _ = write!(path, "{:.1} {above:.1} {:.1} {top:.1}", next.0, next.0);
    let _ = write!(path, "L{:.1} {:.1}", next.0, next.1);
    next
}
