//! Graphviz's language.

use std::fmt::Write;

use super::{Diagram, Picture};

// Writing to a `String` cannot fail.
/// The picture as a directed graph.
pub(super) fn dot(diagram: &Diagram, name: &str) -> String {
    let mut out = format!("digraph {} {{\n", quoted(name));
    out.push_str("  rankdir=TB;\n  node [shape=box, style=\"rounded,filled\", fillcolor=\"#eef2f8\", fontname=\"sans-serif\"];\n");
    boxes(&diagram.picture, &mut Vec::new(), &mut out);
    for arrow in &diagram.arrows {
        let call = arrow.call.map(|c| format!(" [label=\"call {c}\"]"));
        let (from, to) = (id(&arrow.from), id(&arrow.to));
        let _ = writeln!(out, "  {from} -> {to}{};", call.unwrap_or_default());
    }
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
