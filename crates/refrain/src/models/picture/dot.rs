//! Graphviz's language.

use std::fmt::Write;

use super::Picture;

/// The picture as a directed graph.
pub(super) fn dot(picture: &Picture, name: &str) -> String {
    let mut out = format!("digraph {} {{\n", quoted(name));
    out.push_str("  rankdir=TB;\n  node [shape=box, style=\"rounded,filled\", fillcolor=\"#eef2f8\", fontname=\"sans-serif\"];\n");
    boxes(picture, &mut Vec::new(), &mut out);
    arrows(picture, &mut Vec::new(), &mut out);
    out.push_str("}\n");
    out
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn id(path: &[usize]) -> String {
    let parts: Vec<String> = path.iter().map(usize::to_string).collect();
    format!("n{}", parts.join("_"))
}

// Writing to a `String` cannot fail.
fn boxes(picture: &Picture, path: &mut Vec<usize>, out: &mut String) {
    for (i, item) in picture.boxes.iter().enumerate() {
        path.push(i);
        let indent = "  ".repeat(path.len());
        match &item.inside {
            Some(inside) => {
                let _ = writeln!(out, "{indent}subgraph cluster_{} {{", id(path));
                let _ = writeln!(out, "{indent}  label={};", quoted(&item.title));
                boxes(inside, path, out);
                let _ = writeln!(out, "{indent}}}");
            }
            None => {
                let lines: Vec<&str> = std::iter::once(item.title.as_str())
                    .chain(item.lines.iter().map(String::as_str))
                    .collect();
                let label = quoted(&lines.join("\n")).replace('\n', "\\n");
                let _ = writeln!(out, "{indent}{} [label={label}];", id(path));
            }
        }
        path.pop();
    }
}

fn arrows(picture: &Picture, path: &mut Vec<usize>, out: &mut String) {
    for arrow in &picture.arrows {
        let end = |tail: &[usize]| id(&[path.as_slice(), tail].concat());
        let label = arrow
            .call
            .map_or(String::new(), |c| format!(" [label=\"call {c}\"]"));
        let _ = writeln!(out, "  {} -> {}{label};", end(&arrow.from), end(&arrow.to));
    }
    for (i, item) in picture.boxes.iter().enumerate() {
        if let Some(inside) = &item.inside {
            path.push(i);
            arrows(inside, path, out);
            path.pop();
        }
    }
}
