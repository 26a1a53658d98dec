//! From graphs to text.

use std::fmt::{self, Display, Formatter, Write};

use super::literal;
use crate::{
    Conv, ConvLayout, Dim, DotDims, Graph, Node, Op, ParamKind, Shape, Spec, ValueDef, Window,
};

/// Spaces before a statement for each body that it is in.
const INDENT: usize = 2;

/// Prints `{`, the statements and `}`.
pub(super) fn block(f: &mut Formatter, graph: &Graph, depth: usize) -> fmt::Result {
    let indent = INDENT * (depth + 1);
    f.write_str("{\n")?;
    let params: Vec<_> = graph.params().collect();
    for value in graph.values() {
        match graph.def(value) {
            ValueDef::Param(i) => {
                let (_, kind, name) = params[i];
                let kind = match kind {
                    ParamKind::Input => "input",
                    ParamKind::Variable => "variable",
                };
                let spec = graph.spec(value);
                writeln!(f, "{:indent$}{value} = {kind} {name:?} : {spec}", "")?;
            }
            ValueDef::Node(node, 0) => {
                write!(f, "{:indent$}", "")?;
                statement(f, graph, node, depth)?;
            }
            ValueDef::Node(..) => {}
        }
    }
    for (variable, value) in graph.updates() {
        writeln!(f, "{:indent$}update {variable} = {value}", "")?;
    }
    write!(f, "{:indent$}return", "")?;
    let space = if graph.results().is_empty() { "" } else { " " };
    writeln!(f, "{space}{}", list(graph.results(), ", "))?;
    write!(f, "{:1$}}}", "", INDENT * depth)
}

fn statement(f: &mut Formatter, graph: &Graph, node: Node, depth: usize) -> fmt::Result {
    let op = graph.op(node);
    write!(f, "{} = {}", list(graph.outputs(node), ", "), op.name())?;
    if let Op::Constant(value) = op {
        write!(f, " {}", literal::print(value))?;
    }
    if !graph.inputs(node).is_empty() {
        write!(f, " {}", list(graph.inputs(node), ", "))?;
    }
    let specs: Vec<&Spec> = graph.outputs(node).iter().map(|&v| graph.spec(v)).collect();
    let attrs = attrs(op, &specs);
    if !attrs.0.is_empty() {
        write!(f, " {{{}}}", attrs.0.join(", "))?;
    }
    if let Op::Scan(scan) = op {
        f.write_str(" body ")?;
        block(f, &scan.body, depth + 1)?;
    }
    write!(f, " : {}", list(&specs, ", "))?;
    if let Some(scope) = graph.scope(node) {
        write!(f, " @{:?}", graph.scope_label(scope))?;
    }
    f.write_char('\n')
}

fn list<T: Display>(items: &[T], separator: &str) -> String {
    let items: Vec<String> = items.iter().map(T::to_string).collect();
    items.join(separator)
}

fn bracketed<T: Display>(items: &[T]) -> String {
    format!("[{}]", list(items, ","))
}

fn dim(dim: &Dim) -> String {
    dim.map_or("?".into(), |d| d.to_string())
}

fn dims(dims: &[Dim]) -> String {
    bracketed(&dims.iter().map(dim).collect::<Vec<_>>())
}

/// Printed attributes, in order.
#[derive(Default)]
struct PrintedAttrs(Vec<String>);

impl PrintedAttrs {
    fn put(mut self, key: &str, value: impl Display) -> Self {
        self.0.push(format!("{key}={value}"));
        self
    }

    fn list<T: Display>(self, key: &str, items: &[T]) -> Self {
        self.put(key, bracketed(items))
    }

    fn flag(mut self, key: &str, set: bool) -> Self {
        self.0.extend(set.then(|| key.into()));
        self
    }

    fn put_unless(self, default: bool, key: &str, value: impl Display) -> Self {
        if default { self } else { self.put(key, value) }
    }

    /// A shape that the spec of a result repeats is left out.
    fn shape(self, shape: &Shape, result: Option<&&Spec>) -> Self {
        let repeated = result.is_some_and(|spec| spec.shape == *shape);
        self.put_unless(repeated, "shape", dims(shape.dims()))
    }

    fn pair(self, key: &str, left: &[usize], right: &[usize]) -> Self {
        let none = left.is_empty() && right.is_empty();
        let value = format!("{}x{}", bracketed(left), bracketed(right));
        self.put_unless(none, key, value)
    }

    /// A list with one entry per window dimension, left out if all are `default`.
    fn per_dim<T: Display + PartialEq>(self, key: &str, items: &[T], n: usize, default: T) -> Self {
        let plain = items.len() == n && items.iter().all(|item| *item == default);
        self.put_unless(plain, key, bracketed(items))
    }

    fn window(self, window: &Window) -> Self {
        let n = window.size.len();
        let pairs = window.padding.iter();
        let pairs: Vec<String> = pairs.map(|(low, high)| format!("[{low},{high}]")).collect();
        self.list("size", &window.size)
            .per_dim("strides", &window.strides, n, 1)
            .per_dim("padding", &pairs, n, "[0,0]".into())
            .per_dim("base_dilation", &window.base_dilation, n, 1)
            .per_dim("dilation", &window.dilation, n, 1)
    }
}

fn attrs(op: &Op, results: &[&Spec]) -> PrintedAttrs {
    let attrs = PrintedAttrs::default();
    match op {
        Op::Constant(_)
        | Op::Unary(_)
        | Op::Binary(_)
        | Op::Select
        | Op::Convert(_)
        | Op::StopGradient => attrs,
        Op::Iota { dim, .. } | Op::Concatenate(dim) => attrs.put("dim", dim),
        Op::Compare(comparison) => attrs.put("direction", comparison.name()),
        Op::BroadcastInDim { shape, dims } => {
            attrs.list("dims", dims).shape(shape, results.first())
        }
        Op::Reshape(shape) => attrs.shape(shape, results.first()),
        Op::RngBitGenerator(shape) => attrs.shape(shape, results.get(1)),
        Op::Transpose(permutation) => attrs.list("permutation", permutation),
        Op::Slice {
            starts,
            limits,
            strides,
        } => attrs
            .list("starts", starts)
            .put("limits", dims(limits))
            .list("strides", strides),
        Op::Pad {
            low,
            high,
            interior,
        } => attrs
            .list("low", low)
            .list("high", high)
            .list("interior", interior),
        Op::Reverse(dims) => attrs.list("dims", dims),
        Op::Reduce { kind, dims } => attrs.put("kind", kind.name()).list("dims", dims),
        Op::ReduceWindow { kind, window } => attrs.put("kind", kind.name()).window(window),
        Op::SelectAndScatter { window } => attrs.window(window),
        Op::DotGeneral(dims) => dot_general(dims),
        Op::Convolution(conv) => convolution(conv),
        Op::Gather(g) => attrs
            .list("offset_dims", &g.offset_dims)
            .list("collapsed_slice_dims", &g.collapsed_slice_dims)
            .list("start_index_map", &g.start_index_map)
            .put("index_vector_dim", g.index_vector_dim)
            .put("slice_sizes", dims(&g.slice_sizes)),
        Op::Scatter { dims, kind } => attrs
            .put("kind", kind.name())
            .list("update_window_dims", &dims.update_window_dims)
            .list("inserted_window_dims", &dims.inserted_window_dims)
            .list(
                "scatter_dims_to_operand_dims",
                &dims.scatter_dims_to_operand_dims,
            )
            .put("index_vector_dim", dims.index_vector_dim),
        Op::Scan(scan) => attrs
            .put("carries", scan.carries)
            .put("sequences", scan.sequences)
            .put("length", dim(&scan.length))
            .flag("reverse", scan.reverse),
        Op::Sort { dim, descending } => attrs.put("dim", dim).flag("descending", *descending),
        Op::Cumulative { kind, dim, reverse } => attrs
            .put("kind", kind.name())
            .put("dim", dim)
            .flag("reverse", *reverse),
    }
}

fn dot_general(dims: &DotDims) -> PrintedAttrs {
    PrintedAttrs::default()
        .pair("batch", &dims.lhs_batch, &dims.rhs_batch)
        .pair("contracting", &dims.lhs_contracting, &dims.rhs_contracting)
}

fn convolution(conv: &Conv) -> PrintedAttrs {
    let lhs = layout(&conv.lhs, "b", "f");
    let rhs = layout(&conv.rhs, "i", "o");
    let out = layout(&conv.out, "b", "f");
    let n = conv.window.size.len();
    PrintedAttrs::default()
        .put("dims", format!("{lhs}x{rhs}->{out}"))
        .window(&conv.window)
        .per_dim("reversal", &conv.reversal, n, false)
        .put_unless(
            conv.feature_groups == 1,
            "feature_groups",
            conv.feature_groups,
        )
        .put_unless(conv.batch_groups == 1, "batch_groups", conv.batch_groups)
}

/// What each dimension is.
fn layout(layout: &ConvLayout, batch: &str, feature: &str) -> String {
    let mut roles = vec!["?".to_string(); layout.spatial.len() + 2];
    let spatial = layout.spatial.iter().enumerate();
    let named = [
        (layout.batch, batch.to_string()),
        (layout.feature, feature.to_string()),
    ];
    for (place, role) in spatial.map(|(i, &d)| (d, i.to_string())).chain(named) {
        if let Some(r) = roles.get_mut(place) {
            *r = role;
        }
    }
    bracketed(&roles)
}
