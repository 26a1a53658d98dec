//! The picture as SVG.

use std::fmt::Write;

use super::Picture;
use super::layout::{BOX_PADDING, LINE_HEIGHT, Placed, Rect, inside_offset, place};
use crate::utils::svg::escaped;

/// Space around the picture, in user units.
const MARGIN: f64 = 24.0;
/// How far an arrow that goes up swings out to the side.
const SWING: f64 = 46.0;
/// Distance between arrows that enter or leave one box.
const PORT_SPACING: f64 = 16.0;

const STYLE: &str = "text{font:12px ui-monospace,monospace;fill:#1c2733}.t{font-weight:bold}.c{fill:#5c6b7a;font-size:10px}\
rect{fill:#eef2f8;stroke:#5b7aa8;rx:6}.input{fill:#e6f4ea;stroke:#4c8a5c}.cluster{fill:#fafafa;stroke:#9aa7b5;stroke-dasharray:5 3}\
path{fill:none;stroke:#48586a;stroke-width:1.3;marker-end:url(#a)}";

/// The picture as an SVG document.
pub(super) fn svg(picture: &Picture) -> String {
    let placed = place(picture);
    let mut body = String::new();
    boxes(picture, &placed, (0.0, 0.0), &mut body);
    arrows(picture, &placed, (0.0, 0.0), &mut body);
    let (width, height) = (
        placed.width + 2.0 * MARGIN + SWING,
        placed.height + 2.0 * MARGIN,
    );
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"{:.0} {:.0} \
         {width:.0} {height:.0}\">\n<style>{STYLE}</style>\n<defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" \
         markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" \
         style=\"fill:#48586a;stroke:none;marker-end:none\"/></marker></defs>\n<rect x=\"{:.0}\" y=\"{:.0}\" width=\"100%\" \
         height=\"100%\" style=\"fill:#fff;stroke:none\"/>\n{body}</svg>\n",
        -MARGIN, -MARGIN, -MARGIN, -MARGIN
    )
}

// Writing to a `String` cannot fail.
fn boxes(picture: &Picture, placed: &Placed, (dx, dy): (f64, f64), out: &mut String) {
    for (item, (rect, inside)) in picture.boxes.iter().zip(&placed.boxes) {
        let (x, y) = (rect.x + dx, rect.y + dy);
        let class = match (&item.inside, item.title.ends_with("(InputLayer)")) {
            (Some(_), _) => " class=\"cluster\"",
            (None, true) => " class=\"input\"",
            (None, false) => "",
        };
        let _ = writeln!(
            out,
            "<rect{class} x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            rect.width, rect.height
        );
        let center = x + rect.width / 2.0;
        let lines = std::iter::once((&item.title, " class=\"t\""))
            .chain(item.lines.iter().map(|l| (l, "")));
        for (i, (line, class)) in lines.enumerate() {
            let baseline = y + BOX_PADDING / 2.0 + (i as f64 + 0.75) * LINE_HEIGHT;
            let _ = writeln!(
                out,
                "<text{class} x=\"{center:.1}\" y=\"{baseline:.1}\" text-anchor=\"middle\">{}</text>",
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

/// Where arrow `i` meets a box: arrows at one side stand next to each other.
fn port(picture: &Picture, i: usize, outgoing: bool, rect: &Rect) -> f64 {
    let end = |a: &super::Arrow| {
        if outgoing {
            a.from.clone()
        } else {
            a.to.clone()
        }
    };
    let mine = end(&picture.arrows[i]);
    let same: Vec<usize> = (0..picture.arrows.len())
        .filter(|&j| end(&picture.arrows[j]) == mine)
        .collect();
    let place = same.iter().position(|&j| j == i).unwrap_or(0) as f64;
    let spacing = PORT_SPACING.min(rect.width / (same.len() + 1) as f64);
    rect.center_x() + (place - (same.len() as f64 - 1.0) / 2.0) * spacing
}

fn arrows(picture: &Picture, placed: &Placed, (dx, dy): (f64, f64), out: &mut String) {
    for (i, arrow) in picture.arrows.iter().enumerate() {
        let (from, to) = (
            locate(placed, &arrow.from, (dx, dy)),
            locate(placed, &arrow.to, (dx, dy)),
        );
        let start = (port(picture, i, true, &from), from.y + from.height);
        let end = (port(picture, i, false, &to), to.y);
        let bends = placed.bends[i].iter().map(|(x, y)| (x + dx, y + dy));
        let path = match end.1 > start.1 {
            true => downwards(start, bends, end),
            false => upwards(start, from, to, end),
        };
        let _ = writeln!(out, "<path d=\"{path}\"/>");
        if let Some(call) = arrow.call {
            let _ = writeln!(
                out,
                "<text class=\"c\" x=\"{:.1}\" y=\"{:.1}\">call {call}</text>",
                end.0 + 4.0,
                end.1 - 8.0
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

/// Around the right side: a layer that feeds itself or one above it.
fn upwards(start: (f64, f64), from: Rect, to: Rect, end: (f64, f64)) -> String {
    let side = (from.x + from.width).max(to.x + to.width) + SWING / 2.0;
    let below = start.1 + SWING / 2.0;
    let above = end.1 - SWING / 2.0;
    format!(
        "M{:.1} {:.1}C{:.1} {below:.1} {side:.1} {below:.1} {side:.1} {:.1}L{side:.1} {:.1}C{side:.1} {above:.1} {:.1} \
         {above:.1} {:.1} {:.1}",
        start.0, start.1, start.0, start.1, end.1, end.0, end.0, end.1
    )
}
