//! Alias analysis: which values a program really computes, and which are only views of those.

use cranelift_entity::SecondaryMap;
use refrain_graph::{Graph, Literal, Node, Op, Value, with_data};

use crate::CompileError;
use crate::view::View;

/// A value as a view of a root: a parameter, a constant, or an output of a node that computes something.
///
/// A constant with one value everywhere is a view of one element; counting is a view of the numbers along one dimension.
#[derive(Clone, Debug)]
pub struct Source {
    /// The value whose elements it has.
    pub root: Value,
    /// Where they lie in the root's buffer.
    pub view: View,
}

/// The sources of all values, and which nodes are needed.
pub struct Sources {
    of: SecondaryMap<Value, Option<Source>>,
    live: SecondaryMap<Node, bool>,
}

/// The dimensions of a value, which are all known.
pub fn dims_of(graph: &Graph, value: Value) -> Vec<usize> {
    graph.spec(value).shape.known().unwrap_or_default()
}

/// Whether all elements of a literal have the same bits.
pub fn is_splat(literal: &Literal) -> bool {
    fn same<T: Copy, B: PartialEq>(v: &[T], bits: impl Fn(T) -> B) -> bool {
        v.first()
            .is_some_and(|&first| v.iter().all(|&x| bits(x) == bits(first)))
    }
    match literal.data() {
        refrain_graph::Data::F32(v) => same(v, f32::to_bits),
        refrain_graph::Data::F64(v) => same(v, f64::to_bits),
        data => with_data!(data, v => same(v, |x| refrain_graph::Element::to_f64(x).to_bits())),
    }
}

/// Whether all values have a definite size that fits the address space.
pub fn check_shapes(graph: &Graph) -> Result<(), CompileError> {
    for value in graph.values() {
        let spec = graph.spec(value);
        if !spec.shape.is_known() {
            return Err(CompileError::UnknownShape(format!("{value}: {spec}")));
        }
        if spec.bytes().is_none_or(|b| b > isize::MAX as usize) {
            return Err(CompileError::TooLarge(format!("{value}: {spec}")));
        }
    }
    Ok(())
}

impl Sources {
    /// Finds them. All shapes must be known.
    pub fn find(graph: &Graph) -> Result<Sources, CompileError> {
        check_shapes(graph)?;
        let mut sources = Sources {
            of: SecondaryMap::new(),
            live: SecondaryMap::new(),
        };
        for value in graph.values() {
            let source = sources.source_of(graph, value);
            sources.of[value] = Some(source);
        }
        sources.mark(graph);
        Ok(sources)
    }

    /// A value's source.
    pub fn get(&self, value: Value) -> Source {
        self.of[value].clone().unwrap_or_else(|| Source {
            root: value,
            view: View::dense(&[]),
        })
    }

    /// Whether a node computes something that is needed.
    pub fn is_live(&self, node: Node) -> bool {
        self.live[node]
    }

    fn source_of(&self, graph: &Graph, value: Value) -> Source {
        let dims = dims_of(graph, value);
        let own = |view| Source { root: value, view };
        let Some((op, inputs)) = graph.op_of(value) else {
            return own(View::dense(&dims));
        };
        let input = |f: &dyn Fn(&View) -> Option<View>| {
            let Source { root, view } = self.get(inputs[0]);
            match f(&view) {
                Some(view) => Source { root, view },
                None => own(View::dense(&dims)),
            }
        };
        match op {
            Op::Constant(literal) if dims.is_empty() || is_splat(literal) => {
                own(View::dense(&[]).broadcast(&dims, &[]))
            }
            Op::Iota { dim, .. } => own(View::dense(&[dims[*dim]]).broadcast(&dims, &[*dim])),
            Op::BroadcastInDim { dims: to, .. } => input(&|v| Some(v.broadcast(&dims, to))),
            Op::Reshape(_) => input(&|v| v.reshape(&dims)),
            Op::Transpose(perm) => input(&|v| Some(v.transpose(perm))),
            Op::Slice {
                starts, strides, ..
            } => input(&|v| Some(v.slice(starts, &dims, strides))),
            Op::Reverse(axes) => input(&|v| Some(v.reverse(axes))),
            Op::StopGradient => input(&|v| Some(v.clone())),
            _ => own(View::dense(&dims)),
        }
    }

    /// Marks the nodes behind the program's roots.
    fn mark(&mut self, graph: &Graph) {
        let mut todo: Vec<Node> = graph
            .roots()
            .filter_map(|v| graph.node_of(self.get(v).root))
            .collect();
        while let Some(node) = todo.pop() {
            if std::mem::replace(&mut self.live[node], true) {
                continue;
            }
            let roots = graph.inputs(node).iter().map(|&v| self.get(v).root);
            todo.extend(roots.filter_map(|v| graph.node_of(v)));
        }
    }
}
