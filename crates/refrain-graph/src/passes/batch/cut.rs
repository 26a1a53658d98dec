//! Cutting a program into several that do the same for some of its rows each.

use super::rows::{for_rows, row_wise};
use crate::passes::Rewriter;
use crate::{Dim, Graph, Node, Op, ParamKind, Value};

/// A program for fewer rows.
#[derive(Clone, Debug)]
pub struct Cut {
    /// The program.
    pub graph: Graph,
    /// For each parameter, whether it has the rows (else it is the same for all).
    pub carries: Vec<bool>,
}

/// The program for one of `parts` equal parts of its rows, if it treats each row by itself: the leading dimension of the
/// first `varying` parameters and of all results. Further parameters may have the rows or be the same for all.
pub fn cut_rows(graph: &Graph, varying: usize, parts: usize) -> Option<Cut> {
    let first = graph.params().next()?.0;
    let rows = leading(graph, first)?;
    if parts == 0 || !rows.is_multiple_of(parts) || !graph.updates().is_empty() {
        return None;
    }
    let mut carries: Vec<bool> = (0..graph.params().len()).map(|i| i < varying).collect();
    // Each round finds at least one more parameter that has the rows.
    for _ in 0..=graph.params().len() {
        let mut cutter = Cutter {
            rows,
            part: rows / parts,
            cut: vec![false; graph.values().count()],
        };
        match cutter.run(graph, &carries) {
            Ok(graph) => return Some(Cut { graph, carries }),
            Err(Some(param)) => carries[param] = true,
            Err(None) => return None,
        }
    }
    None
}

fn leading(graph: &Graph, value: Value) -> Dim {
    graph.spec(value).shape.dims().first().copied().flatten()
}

struct Cutter {
    rows: usize,
    part: usize,
    /// Values that have the part's rows.
    cut: Vec<bool>,
}

/// Why there is no cut: a parameter that must have the rows, or something else.
type Obstacle = Option<usize>;

impl Cutter {
    fn run(&mut self, graph: &Graph, carries: &[bool]) -> Result<Graph, Obstacle> {
        let mut rewriter = Rewriter::without_params(graph);
        for ((value, kind, name), &carried) in graph.params().zip(carries) {
            let mut spec = graph.spec(value).clone();
            if carried {
                let Some(first) = spec.shape.dims_mut().first_mut() else {
                    return Err(None);
                };
                if *first != Some(self.rows) || kind != ParamKind::Input {
                    return Err(None);
                }
                *first = Some(self.part);
            }
            let param = rewriter.new_graph_mut().param(kind, name, spec);
            rewriter.bind(value, param);
            self.cut[value.as_u32() as usize] = carried;
        }
        for node in graph.nodes() {
            self.node(graph, node, &mut rewriter)?;
        }
        if !graph.results().iter().all(|&v| self.is_cut(v)) {
            return Err(None);
        }
        rewriter.finish().map_err(|_| None)
    }

    fn is_cut(&self, value: Value) -> bool {
        self.cut[value.as_u32() as usize]
    }

    fn node(&mut self, graph: &Graph, node: Node, rewriter: &mut Rewriter) -> Result<(), Obstacle> {
        let (op, inputs, outputs) = (graph.op(node), graph.inputs(node), graph.outputs(node));
        let repeats_rows = match op {
            Op::BroadcastInDim { dims, .. } => {
                !dims.contains(&0) && leading(graph, outputs[0]) == Some(self.rows)
            }
            _ => false,
        };
        let any_cut = inputs.iter().any(|&v| self.is_cut(v));
        if !repeats_rows && !any_cut {
            return rewriter.copy(node).map_err(|_| None);
        }
        if repeats_rows && any_cut {
            return Err(None);
        }
        let mut op = op.clone();
        if !repeats_rows {
            let rows = row_wise(graph, node).ok_or(None)?;
            for (&input, &carried) in inputs.iter().zip(&rows.carries) {
                if carried && !self.is_cut(input) {
                    return Err(graph.params().position(|(v, ..)| v == input));
                }
                if !carried && self.is_cut(input) {
                    return Err(None);
                }
            }
            op = rows.op;
        }
        rewriter
            .copy_as(node, for_rows(&op, self.part))
            .map_err(|_| None)?;
        self.cut[outputs[0].as_u32() as usize] = true;
        Ok(())
    }
}
