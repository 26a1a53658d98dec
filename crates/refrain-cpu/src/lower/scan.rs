//! Loops: the body is a plan of its own; steps of sequences and of stacked outputs are parts of the whole.

use refrain_graph::passes::cut_rows;
use refrain_graph::{DType, Graph, Node, Op, Scan, Value};

use super::{Lowerer, Lowering};
use crate::CompileError;
use crate::compile::compile_graph;
use crate::kernels::arena::ALIGN;
use crate::plan::{Buf, BufInfo, Draft, Home, Pack, ScanDraft};
use crate::sources::dims_of;
use crate::view::View;

/// Multiply-adds of a step from which its products are spread over the threads by themselves.
const LARGE_STEP: usize = 1 << 20;
/// Rows of a part at least: fewer would leave registers of the products' tiles idle.
const PART_ROWS: usize = 16;
/// Multiply-adds of a part's step at least (some 0.3 µs): each part runs every step by itself.
const PART_WORK: usize = 1 << 15;
/// Parts at most.
const MAX_PARTS: usize = 16;

/// Parts into which the rows of a loop with small steps are cut: each then runs without waiting for the others at every
/// step. By shape alone.
fn parts(body: &Graph, length: usize) -> usize {
    let size = |v: Value| body.spec(v).shape.numel().unwrap_or(usize::MAX);
    let work = |node: Node| match body.op(node) {
        Op::DotGeneral(dims) => {
            let left = body.inputs(node)[0];
            let sizes = body.spec(left).shape.dims();
            let depth = dims.lhs_contracting.iter().map(|&d| sizes[d].unwrap_or(1));
            size(body.outputs(node)[0]).saturating_mul(depth.product())
        }
        _ => 0,
    };
    let largest = body.nodes().map(work).max().unwrap_or(0);
    let first = body
        .params()
        .next()
        .map(|(v, ..)| body.spec(v).shape.dims());
    let rows = first
        .and_then(|dims| dims.first().copied().flatten())
        .unwrap_or(0);
    if length < 2 || largest == 0 || largest > LARGE_STEP {
        return 1;
    }
    let fits = |parts: &usize| {
        rows.is_multiple_of(*parts) && rows / parts >= PART_ROWS && largest / parts >= PART_WORK
    };
    (1..=MAX_PARTS).rev().find(fits).unwrap_or(1)
}

impl Lowerer<'_> {
    pub(super) fn scan(&mut self, node: Node, scan: &Scan) -> Lowering {
        let inputs = self.graph.inputs(node).to_vec();
        let outputs = self.graph.outputs(node).to_vec();
        let bytes = |v: Value| self.graph.spec(v).bytes().unwrap_or(0);
        let length = scan.length.or_else(|| {
            let first = inputs.get(scan.carries)?;
            self.graph
                .spec(*first)
                .shape
                .dims()
                .first()
                .copied()
                .flatten()
        });
        let unknown = |what: &str| CompileError::UnknownShape(format!("{what} of a loop"));
        let length = length.ok_or_else(|| unknown("the length"))?;
        if length == 0 {
            return self.no_steps(&inputs[..scan.carries], &outputs);
        }
        if let Some((value, ..)) =
            (scan.body.params()).find(|p| !scan.body.spec(p.0).shape.is_known())
        {
            return Err(unknown(&format!(
                "{value}: {} in the body",
                scan.body.spec(value)
            )));
        }
        let varying = scan.carries + scan.sequences;
        let count = scan.body.params().len();
        let parts = parts(&scan.body, length);
        let cut = (parts > 1)
            .then(|| cut_rows(&scan.body, varying, parts))
            .flatten();
        let (graph, carries, parts) = match &cut {
            Some(cut) => (&cut.graph, cut.carries.clone(), parts),
            None => (&scan.body, vec![false; count], 1),
        };
        let lasting = (0..count).map(|param| param >= varying).collect();
        let mut body = compile_graph(graph, self.options, self.simd, lasting)?;
        body.parts = parts;
        let carry_bytes: Vec<usize> = outputs[..scan.carries].iter().map(|&v| bytes(v)).collect();
        let step_bytes = |v: Value| bytes(v) / length;
        let (carried, rest) = inputs.split_at(scan.carries);
        let (sequences, constants) = rest.split_at(scan.sequences);
        let draft = ScanDraft {
            length,
            reverse: scan.reverse,
            init: carried.iter().map(|&v| self.dense(v)).collect(),
            last: outputs[..scan.carries]
                .iter()
                .map(|&v| self.buf(v))
                .collect(),
            spare: carry_bytes.iter().map(|&b| self.room(b)).collect(),
            sequences: sequences
                .iter()
                .map(|&v| {
                    let (buf, offset) = self.dense(v);
                    (buf, offset, step_bytes(v))
                })
                .collect(),
            constants: constants
                .iter()
                .zip(&carries[varying..])
                .map(|(&v, &cut)| {
                    let (buf, offset) = self.dense(v);
                    (buf, offset, bytes(v), cut)
                })
                .collect(),
            stacked: outputs[scan.carries..]
                .iter()
                .map(|&v| (self.buf(v), step_bytes(v)))
                .collect(),
            packed: (body.packs.iter())
                .map(|pack| self.packed_constant(pack, constants[pack.param - varying]))
                .collect(),
            arena: self.room(body.arena.next_multiple_of(ALIGN) * parts),
            parts,
            carry_bytes,
            body: self.out.bodies.len(),
        };
        let flops = body.flops.saturating_mul((length * parts) as u64);
        self.out.flops = self.out.flops.saturating_add(flops);
        self.out.bodies.push(body);
        let cut = if parts > 1 {
            format!(", rows in {parts} parts")
        } else {
            String::new()
        };
        let note = format!("scan {length} steps, {} carries{cut}", scan.carries);
        self.push(Draft::Scan(Box::new(draft)), note);
        Ok(())
    }

    /// A loop that ends before it begins: its carries are what they were.
    fn no_steps(&mut self, first: &[Value], outputs: &[Value]) -> Lowering {
        for (&value, &output) in first.iter().zip(outputs) {
            let (src, out) = (self.operand(value), self.buf(output));
            let size = self.graph.spec(output).dtype.size();
            self.copy(src, out, View::dense(&dims_of(self.graph, output)), size);
        }
        Ok(())
    }

    /// A constant's packed matrix, and whether it is packed before the program runs.
    fn packed_constant(&mut self, pack: &Pack, constant: Value) -> (Buf, bool) {
        let (buf, first_byte) = self.dense(constant);
        let offset = first_byte / pack.dtype.size() + pack.offset;
        match self.pack(buf, offset, pack.layout.clone()) {
            Some(packed) => (packed, true),
            None => (self.room(pack.bytes(self.simd)), false),
        }
    }

    fn room(&mut self, bytes: usize) -> Buf {
        self.out.buffers.push(BufInfo {
            dtype: DType::U8,
            bytes,
            home: Home::Arena,
        })
    }
}
