//! Loops: the body is a plan of its own; steps of sequences and of stacked outputs are parts of the whole.

use refrain_graph::{Node, Scan, Value};

use super::Lowerer;
use crate::CompileError;
use crate::compile::compile_graph;
use crate::kernels::pack::panels_len;
use crate::plan::{BufInfo, Draft, Home, ScanDraft};
use refrain_graph::DType;

impl Lowerer<'_> {
    pub(super) fn scan(&mut self, node: Node, scan: &Scan) -> Result<bool, CompileError> {
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
        let Some(length) = length.filter(|&n| n > 0) else {
            return Ok(false);
        };
        if !scan
            .body
            .params()
            .all(|(v, ..)| scan.body.spec(v).shape.is_known())
        {
            return Ok(false);
        }
        let varying = scan.carries + scan.sequences;
        let body = compile_graph(
            &scan.body,
            self.options,
            self.simd,
            varying..scan.body.params().len(),
        )?;
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
                .map(|&v| {
                    let (buf, offset) = self.dense(v);
                    (buf, offset, bytes(v))
                })
                .collect(),
            stacked: outputs[scan.carries..]
                .iter()
                .map(|&v| (self.buf(v), step_bytes(v)))
                .collect(),
            packed: body
                .packs
                .iter()
                .map(|p| {
                    self.room(panels_len(self.simd, p.sizes[0], p.sizes[1]) * size_of::<f32>())
                })
                .collect(),
            arena: self.room(body.arena),
            carry_bytes,
            body: self.out.bodies.len(),
        };
        let flops = body.flops.saturating_mul(length as u64);
        self.out.flops = self.out.flops.saturating_add(flops);
        self.out.bodies.push(body);
        let note = format!("scan {length} steps, {} carries", scan.carries);
        self.push(Draft::Scan(Box::new(draft)), note);
        Ok(true)
    }

    fn room(&mut self, bytes: usize) -> crate::plan::Buf {
        self.out.buffers.push(BufInfo {
            dtype: DType::U8,
            bytes,
            home: Home::Arena,
        })
    }
}
