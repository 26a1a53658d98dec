//! Programs of `f32` with another type of floats in its place.
#![allow(dead_code)]

use refrain_graph::passes::Rewriter;
use refrain_graph::{DType, Graph, GraphError, Op, Spec};

/// The same program with `dtype` wherever it has `f32`: parameters, constants, conversions, bodies of loops.
pub fn retyped(graph: &Graph, dtype: DType) -> Result<Graph, GraphError> {
    let to = |from: DType| if from == DType::F32 { dtype } else { from };
    let mut rewriter = Rewriter::without_params(graph);
    for (value, kind, name) in graph.params() {
        let spec = graph.spec(value);
        let spec = Spec::new(spec.shape.clone(), to(spec.dtype));
        let param = rewriter.new_graph_mut().param(kind, name, spec);
        rewriter.bind(value, param);
    }
    for node in graph.nodes() {
        let op = match graph.op(node).clone() {
            Op::Constant(literal) => Op::Constant(literal.convert(to(literal.dtype())).into()),
            Op::Iota { shape, dtype, dim } => Op::Iota {
                shape,
                dtype: to(dtype),
                dim,
            },
            Op::Convert(from) => Op::Convert(to(from)),
            Op::Scan(mut scan) => {
                scan.body = retyped(&scan.body, dtype)?;
                Op::Scan(scan)
            }
            op => op,
        };
        rewriter.copy_as(node, op)?;
    }
    rewriter.finish()
}
