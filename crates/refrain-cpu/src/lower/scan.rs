//! Loops: the body is a plan of its own; steps of sequences and of stacked outputs are parts of the whole.

use refrain_graph::passes::cut_rows;
use refrain_graph::{DType, Graph, Node, Op, Scan, Value};

use super::{Lowerer, Lowering};
use crate::CompileError;
use crate::buffer::BufferRange;
use crate::compile::{Plan, compile_graph};
use crate::kernels::arena::ALIGN;
use crate::packing::Pack;
use crate::sources::dims_of;
use crate::step::{Carry, LoopConstant, LoopPack, ScanLoop, Step, Stepwise};
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
        let unknown = |what: &str| CompileError::UnknownShape(format!("{what} of a loop"));
        let sequence = self.graph.inputs(node).get(scan.carries);
        let steps = |&v: &Value| self.graph.spec(v).shape.dims().first().copied().flatten();
        let length = scan.length.or_else(|| sequence.and_then(steps));
        let length = length.ok_or_else(|| unknown("the length"))?;
        if length == 0 {
            return self.no_steps(node, scan.carries);
        }
        let spec = |value: Value| scan.body.spec(value);
        let mut params = scan.body.params().map(|(value, ..)| value);
        if let Some(value) = params.find(|&value| !spec(value).shape.is_known()) {
            return Err(unknown(&format!("{value}: {} in the body", spec(value))));
        }
        let varying = scan.carries + scan.sequences;
        let count = scan.body.params().len();
        let parts = parts(&scan.body, length);
        let cut = (parts > 1)
            .then(|| cut_rows(&scan.body, varying, parts))
            .flatten();
        let (graph, cuts, parts) = match &cut {
            Some(cut) => (&cut.graph, cut.carries.clone(), parts),
            None => (&scan.body, vec![false; count], 1),
        };
        let lasting = (0..count).map(|param| param >= varying).collect();
        let mut body = compile_graph(graph, self.options, self.simd, lasting)?;
        body.parts = parts;
        // The whole memory of a loop in parts is bound at once, both ranges of each carry beside its first value.
        body.slots += scan.carries;
        let flops = body.flops.saturating_mul((length * parts) as u64);
        self.out.flops = self.out.flops.saturating_add(flops);
        let step = self.loop_over(node, scan, &body, length, &cuts[varying..]);
        self.out.bodies.push(body);
        let cut = match parts {
            1 => String::new(),
            _ => format!(", rows in {parts} parts"),
        };
        let note = format!("scan {length} steps, {} carries{cut}", scan.carries);
        self.push(Step::Scan(Box::new(step)), note);
        Ok(())
    }

    /// The loop over a body that comes next; `cuts` tells of each constant whether its rows are cut.
    fn loop_over(
        &mut self,
        node: Node,
        scan: &Scan,
        body: &Plan,
        length: usize,
        cuts: &[bool],
    ) -> ScanLoop<BufferRange> {
        let graph = self.graph;
        let bytes = |v: Value| graph.spec(v).bytes().unwrap_or(0);
        let (init, rest) = graph.inputs(node).split_at(scan.carries);
        let (sequences, constants) = rest.split_at(scan.sequences);
        let (last, stacked) = graph.outputs(node).split_at(scan.carries);
        let carries = init.iter().zip(last).map(|(&init, &last)| Carry {
            init: self.dense(init),
            last: self.result(last),
            spare: self.bytes(bytes(last)),
        });
        let carries = carries.collect();
        let sequences = sequences.iter().map(|&v| Stepwise {
            memory: self.dense(v),
            step: bytes(v) / length,
        });
        let sequences = sequences.collect();
        let read = constants.iter().zip(cuts).map(|(&v, &cut)| LoopConstant {
            memory: self.dense(v),
            cut,
        });
        let read = read.collect();
        let stacked = stacked.iter().map(|&v| Stepwise {
            memory: self.result(v),
            step: bytes(v) / length,
        });
        let stacked = stacked.collect();
        let first = scan.carries + scan.sequences;
        let packs = body.packs.iter();
        let packed = packs.map(|pack| self.packed_constant(pack, constants[pack.param - first]));
        ScanLoop {
            length,
            reverse: scan.reverse,
            carries,
            sequences,
            constants: read,
            stacked,
            packed: packed.collect(),
            arena: self.bytes(body.arena.next_multiple_of(ALIGN) * body.parts),
            parts: body.parts,
            body: self.out.bodies.len(),
        }
    }

    /// A loop that ends before it begins: its carries are what they were.
    fn no_steps(&mut self, node: Node, carries: usize) -> Lowering {
        let graph = self.graph;
        let first = &graph.inputs(node)[..carries];
        for (&value, &output) in first.iter().zip(graph.outputs(node)) {
            let (src, out) = (self.operand(value), self.buf(output));
            let size = graph.spec(output).dtype.size();
            self.copy(src, out, View::dense(&dims_of(graph, output)), size);
        }
        Ok(())
    }

    /// A constant's packed matrix.
    fn packed_constant(&mut self, pack: &Pack, constant: Value) -> LoopPack<BufferRange> {
        let mut from = self.dense(constant);
        from.offset += pack.offset * pack.dtype.size();
        let before = self.pack(from, pack.layout.clone());
        LoopPack {
            packed: before.unwrap_or_else(|| self.bytes(pack.bytes(self.simd))),
            before: before.is_some(),
        }
    }

    /// The memory of an output.
    fn result(&mut self, value: Value) -> BufferRange {
        let buf = self.buf(value);
        self.whole(buf)
    }

    /// Scratch memory.
    fn bytes(&mut self, bytes: usize) -> BufferRange {
        let buf = self.scratch(DType::U8, bytes);
        self.whole(buf)
    }
}
