//! Groups of nodes to tapes.

use std::collections::HashMap;

use refrain_graph::{BinaryOp, DType, Node, Op, Spec, UnaryOp, Value};

use super::Lowerer;
use crate::CompileError;
use crate::fuse::{Group, ReductionPattern, pattern};
use crate::kernels::arena::MemoryRange;
use crate::kernels::nest::Extent;
use crate::sources::{Source, dims_of};
use crate::step::Step;
use crate::tape::{Geometry, Input, Instr, Output, Reg, Sum, Tape, compile_nest};
use crate::view::View;

impl Lowerer<'_> {
    /// Adds the loop nest of a group, or those of its nodes if they do not fit one.
    pub(super) fn group(&mut self, group: &Group) -> Result<(), CompileError> {
        self.note_widened(group);
        let mut tape = self.tape(group);
        let geometry = Geometry::of(&tape);
        if group.nodes.len() > 1 && !self.fits(&tape, &geometry) {
            return self.one_by_one(group);
        }
        for sum in &mut tape.sums {
            if geometry.parts() > 1 {
                let dtype = self.out.buffers[sum.buf].dtype;
                let bytes = geometry.batch * geometry.parts() * geometry.cols * dtype.size();
                sum.partial = Some(self.scratch(dtype, bytes));
            }
        }
        let of = |reg: Reg| tape.instrs[reg].1;
        let arithmetic = |(i, d): &&(Instr, DType)| {
            !matches!(i, Instr::Input(_) | Instr::Imm(_)) && !i.is_rounding(*d, of)
        };
        let ops = tape.instrs.iter().filter(arithmetic).count() + tape.sums.len();
        let flops = ops.saturating_mul(tape.numel()) as u64;
        self.out.flops = self.out.flops.saturating_add(flops);
        let note = self.describe(group);
        self.push(Step::Loops(vec![(tape, geometry)]), note);
        Ok(())
    }

    /// Whether a tape can become one nest. The memory of all buffers is the same here: every output then needs a register until
    /// the end of the block, which is the most scratch that it can need.
    fn fits(&self, tape: &Tape, geometry: &Geometry) -> bool {
        let memory = |buf| MemoryRange {
            slot: 0,
            offset: 0,
            bytes: self.out.buffers[buf].bytes,
        };
        compile_nest(tape, geometry, &memory, self.simd).is_some()
    }

    fn one_by_one(&mut self, group: &Group) -> Result<(), CompileError> {
        for &node in &group.nodes {
            let mut single = Group {
                nodes: vec![node],
                dims: dims_of(self.graph, self.graph.outputs(node)[0]),
                split: None,
                batch: None,
                scattered: false,
            };
            if let Op::Reduce { .. } = self.graph.op(node) {
                single = Group {
                    nodes: vec![node],
                    ..group.clone()
                };
            }
            self.group(&single)?;
        }
        Ok(())
    }

    fn describe(&self, group: &Group) -> String {
        let names: Vec<&str> = group
            .nodes
            .iter()
            .map(|&n| self.graph.op(n).name())
            .collect();
        format!("fused {:?} [{}]", group.dims, names.join(" "))
    }

    /// A tape over the group's index space, and the order of its dimensions if it is not theirs.
    fn empty_tape(&self, group: &Group) -> (TapeBuilder, Option<Vec<usize>>) {
        let mut builder = TapeBuilder {
            tape: Tape {
                dims: group.dims.clone(),
                batch: group.batch.unwrap_or(0),
                split: group.split.unwrap_or(0),
                ..Tape::default()
            },
            regs: HashMap::new(),
        };
        let mut permutation = None;
        if group.scattered
            && let Op::Reduce { dims, .. } = self.graph.op(group.nodes[0])
        {
            let kept = (0..group.dims.len()).filter(|d| !dims.contains(d));
            let order: Vec<usize> = kept.clone().chain(dims.iter().copied()).collect();
            builder.tape.dims = order.iter().map(|&d| group.dims[d]).collect();
            builder.tape.batch = kept.count();
            builder.tape.split = order.len();
            permutation = Some(order);
        }
        (builder, permutation)
    }

    fn tape(&mut self, group: &Group) -> Tape {
        let (mut builder, permutation) = self.empty_tape(group);
        for &node in &group.nodes {
            self.instruction(&mut builder, group, node, permutation.as_deref());
        }
        let mut tape = builder.tape;
        for &node in &group.nodes {
            let value = self.graph.outputs(node)[0];
            let Some(&reg) = builder.regs.get(&value) else {
                continue;
            };
            if self.leaves(value, &group.nodes) {
                let whole = dims_of(self.graph, value) == group.dims;
                let reduces = matches!(self.graph.op(node), Op::Reduce { .. });
                let extent = if whole && !reduces {
                    Extent::Full
                } else {
                    Extent::Row
                };
                tape.outputs.push(Output {
                    reg,
                    buf: self.buf(value),
                    extent,
                    view: None,
                });
            }
        }
        tape.drop_unused();
        if group.split.is_none() && !group.scattered {
            tape.choose_split();
        }
        tape
    }

    fn instruction(
        &mut self,
        b: &mut TapeBuilder,
        group: &Group,
        node: Node,
        perm: Option<&[usize]>,
    ) {
        let inputs = self.graph.inputs(node).to_vec();
        let output = self.graph.outputs(node)[0];
        let dtype = self.graph.spec(output).dtype;
        if let Op::Reduce { kind, dims } = self.graph.op(node) {
            let operand = self.register(b, inputs[0], &group.dims, perm);
            if let ReductionPattern::Rows { .. } = pattern(&group.dims, dims) {
                let reg = b.tape.push(Instr::ReduceRows(*kind, operand), dtype);
                b.regs.insert(output, reg);
            } else {
                let buf = self.buf(output);
                b.tape.sums.push(Sum {
                    kind: *kind,
                    reg: operand,
                    buf,
                    partial: None,
                });
            }
            return;
        }
        let whole = dims_of(self.graph, output) == group.dims;
        let rows = group.split.map(|s| group.dims[..s].to_vec());
        let dims = match rows {
            Some(rows) if !whole => rows,
            _ => group.dims.clone(),
        };
        let regs: Vec<Reg> = inputs
            .iter()
            .map(|&v| self.register(b, v, &dims, None))
            .collect();
        let instr = match self.graph.op(node) {
            Op::Unary(op) => Instr::Unary(*op, regs[0]),
            Op::Binary(op) => return b.binary(*op, regs[0], regs[1], dtype, output),
            Op::Compare(op) => Instr::Compare(*op, regs[0], regs[1]),
            Op::Select => Instr::Select(regs[0], regs[1], regs[2]),
            _ => {
                let reg = b.tape.converted(regs[0], dtype);
                b.regs.insert(output, reg);
                return;
            }
        };
        let reg = b.tape.push(instr, dtype);
        b.regs.insert(output, reg);
    }

    /// The register of a value, over `dims`: the whole index space or its rows.
    fn register(
        &mut self,
        b: &mut TapeBuilder,
        value: Value,
        dims: &[usize],
        perm: Option<&[usize]>,
    ) -> Reg {
        let Source { root, mut view } = self.sources.get(value);
        if let Some(&reg) = b.regs.get(&root) {
            return reg;
        }
        let spec = self.graph.spec(value);
        if let Some(bits) = self.splat(root, spec) {
            return b.tape.push(Instr::Imm(bits), spec.dtype);
        }
        if let Some(perm) = perm {
            view = view.transpose(perm);
        }
        let of_rows = perm.is_none() && view.dims != b.tape.dims;
        if of_rows {
            // Dimensions of size 1 behind the rows' own do not count.
            view = View {
                offset: view.offset,
                dims: view.dims[..dims.len()].to_vec(),
                strides: view.strides[..dims.len()].to_vec(),
            };
        }
        let buf = self.buf(root);
        b.tape.input(Input {
            buf,
            view,
            of_rows,
            dtype: spec.dtype,
        })
    }

    /// The bits of a constant that is the same everywhere.
    fn splat(&self, root: Value, spec: &Spec) -> Option<u64> {
        let Some((Op::Constant(literal), _)) = self.graph.op_of(root) else {
            return None;
        };
        let view = self.sources.get(root).view;
        if view.numel() == 0 || view.strides.iter().any(|&s| s != 0) {
            return None;
        }
        Some(first_bits(literal, spec.dtype))
    }
}

/// The first element in the first bytes of a word.
fn first_bits(literal: &refrain_graph::Literal, dtype: DType) -> u64 {
    use refrain_graph::Data;
    let mut bytes = [0u8; 8];
    macro_rules! put {
        ($v:expr) => {{
            let raw = $v[0].to_ne_bytes();
            bytes[..raw.len()].copy_from_slice(&raw);
        }};
    }
    debug_assert_eq!(literal.dtype(), dtype);
    match literal.data() {
        Data::F32(v) => put!(v),
        Data::F64(v) => put!(v),
        Data::F16(v) => put!(v),
        Data::BF16(v) => put!(v),
        Data::I32(v) => put!(v),
        Data::I64(v) => put!(v),
        Data::U8(v) => put!(v),
        Data::U32(v) => put!(v),
        Data::Bool(v) => bytes[0] = v[0] as u8,
    }
    u64::from_ne_bytes(bytes)
}

struct TapeBuilder {
    tape: Tape,
    regs: HashMap<Value, Reg>,
}

impl TapeBuilder {
    /// A binary instruction; powers with a small constant exponent become products and roots.
    fn binary(&mut self, op: BinaryOp, x: Reg, y: Reg, dtype: DType, output: Value) {
        let exponent = match (&self.tape.instrs[y], op) {
            (&(Instr::Imm(bits), DType::F32), BinaryOp::Power) => {
                let word = bits.to_ne_bytes();
                Some(f32::from_ne_bytes([word[0], word[1], word[2], word[3]]))
            }
            _ => None,
        };
        let instr = match exponent {
            Some(1.0) => {
                self.regs.insert(output, x);
                return;
            }
            Some(2.0) => Instr::Binary(BinaryOp::Multiply, x, x),
            Some(3.0) => {
                let square = self
                    .tape
                    .push(Instr::Binary(BinaryOp::Multiply, x, x), dtype);
                Instr::Binary(BinaryOp::Multiply, square, x)
            }
            Some(0.5) => Instr::Unary(UnaryOp::Sqrt, x),
            _ => Instr::Binary(op, x, y),
        };
        let reg = self.tape.push(instr, dtype);
        self.regs.insert(output, reg);
    }
}
