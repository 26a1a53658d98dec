//! Units to steps over buffers.

mod conv;
mod dot;
mod epilogue;
mod general;
mod group;
mod index;
mod layout;
mod pack;
mod scan;
mod schedule;

pub(crate) use epilogue::geometries;

use std::collections::HashMap;

use refrain_graph::{DType, Graph, Literal, Node, Op, Reduction, Spec, Value, with_data};

use crate::buffer::{Buf, BufInfo, BufferRange, BufferView, Buffers, Storage};
use crate::compile::Plan;
use crate::fuse::{Unit, units};
use crate::kernels::arena::{ALIGN, bytes_of_literal};
use crate::kernels::copy::CopyPlan;
use crate::library::Kernel;
use crate::packing::Pack;
use crate::plan::{Update, settle_updates};
use crate::simd::Simd;
use crate::slots::{CONSTANTS, PARAMS};
use crate::sources::{Source, Sources, dims_of};
use crate::step::{Noted, Step, Virtual};
use crate::tape::Output;
use crate::view::View;
use crate::{CompileError, CompileOptions};

/// A program as steps over buffers.
pub struct Lowered {
    /// The steps, with a line of text each.
    pub steps: Vec<Noted<Virtual>>,
    /// The buffers.
    pub buffers: Buffers,
    /// The constants' bytes.
    pub constants: Vec<u8>,
    /// Loops' bodies.
    pub bodies: Vec<Plan>,
    /// Floating-point operations.
    pub flops: u64,
    /// Parameters that products read packed, and the packed matrices; their slots come after the outputs'.
    pub packs: Vec<(Pack, Buf)>,
}

/// Whether the steps of a primitive have been added.
type Lowering = Result<(), CompileError>;

/// Outputs of a loop nest up to which it stores a value twice; its operands are limited.
const MAX_STORES: usize = 8;

/// What is known while a graph is lowered.
pub(crate) struct Lowerer<'a> {
    pub graph: &'a Graph,
    pub sources: &'a Sources,
    pub options: &'a CompileOptions,
    pub simd: Simd,
    /// For each parameter, whether it stays the same in many runs.
    pub lasting: Vec<bool>,
    pub out: Lowered,
    bufs: HashMap<Value, Buf>,
    dense: HashMap<Value, BufferRange>,
    /// 16-bit parameters in `f32`, by the buffers that hold them so.
    widened: HashMap<Buf, pack::Widened>,
    /// Live nodes that read each root.
    users: HashMap<Value, Vec<Node>>,
    /// Roots that results and updates need.
    kept: std::collections::HashSet<Value>,
}

/// Lowers a graph whose shapes are known.
pub(crate) fn lower(
    graph: &Graph,
    options: &CompileOptions,
    simd: Simd,
    lasting: Vec<bool>,
) -> Result<Lowered, CompileError> {
    let sources = Sources::find(graph)?;
    let mut lowerer = Lowerer {
        graph,
        sources: &sources,
        options,
        simd,
        lasting,
        out: Lowered {
            steps: Vec::new(),
            buffers: Buffers::new(),
            constants: Vec::new(),
            bodies: Vec::new(),
            flops: 0,
            packs: Vec::new(),
        },
        bufs: HashMap::new(),
        dense: HashMap::new(),
        widened: HashMap::new(),
        users: HashMap::new(),
        kept: graph.roots().map(|v| sources.get(v).root).collect(),
    };
    lowerer.find_users();
    lowerer.bind_params();
    for unit in units(graph, &sources, options.fuse) {
        match unit {
            Unit::Loop(group) => lowerer.group(&group)?,
            Unit::Node(node) => lowerer.node(node)?,
        }
    }
    lowerer.drop_packed();
    if options.fuse {
        let updates = graph.updates().iter();
        let updates: Vec<(Buf, Buf)> = updates
            .map(|&(old, new)| (lowerer.buf(old), lowerer.buf(sources.get(new).root)))
            .collect();
        let late: Vec<Buf> = updates.iter().map(|&(_, new)| new).collect();
        epilogue::fuse_epilogues(&mut lowerer.out.steps, &lowerer.out.buffers, &late);
        schedule::schedule_updates(&mut lowerer.out.steps, &lowerer.out.buffers, &updates);
    }
    lowerer.finish()?;
    Ok(lowerer.out)
}

impl Lowerer<'_> {
    fn find_users(&mut self) {
        for node in self.graph.nodes().filter(|&n| self.sources.is_live(n)) {
            for &input in self.graph.inputs(node) {
                self.users
                    .entry(self.sources.get(input).root)
                    .or_default()
                    .push(node);
            }
        }
    }

    fn bind_params(&mut self) {
        for (i, (value, _, _)) in self.graph.params().enumerate() {
            let buf = self.buffer(self.graph.spec(value), Storage::Slot(PARAMS + i as u32, 0));
            self.bufs.insert(value, buf);
        }
    }

    /// A new buffer for a tensor.
    pub fn buffer(&mut self, spec: &Spec, storage: Storage) -> Buf {
        let bytes = spec.bytes().unwrap_or(0);
        self.out.buffers.push(BufInfo {
            dtype: spec.dtype,
            bytes,
            storage,
        })
    }

    /// A new buffer in the arena.
    pub fn scratch(&mut self, dtype: DType, bytes: usize) -> Buf {
        self.out.buffers.push(BufInfo {
            dtype,
            bytes,
            storage: Storage::Arena,
        })
    }

    /// All bytes of a buffer.
    pub fn whole(&self, buf: Buf) -> BufferRange {
        BufferRange {
            buf,
            offset: 0,
            bytes: self.out.buffers[buf].bytes,
        }
    }

    /// The bytes of a buffer from the first element of a view on.
    pub fn rest(&self, view: &BufferView) -> BufferRange {
        let info = &self.out.buffers[view.buf];
        let offset = view.view.offset * info.dtype.size();
        BufferRange {
            buf: view.buf,
            offset,
            bytes: info.bytes - offset,
        }
    }

    /// Adds a step.
    pub fn push(&mut self, step: Step<Virtual>, note: String) {
        self.out.steps.push((step, note));
    }

    /// A constant's buffer.
    fn constant(&mut self, literal: &Literal) -> Buf {
        let constants = &mut self.out.constants;
        constants.resize(constants.len().next_multiple_of(ALIGN), 0);
        let storage = Storage::Slot(CONSTANTS, constants.len());
        constants.extend(bytes_of_literal(literal));
        self.buffer(&literal.spec(), storage)
    }

    /// The buffer of a root.
    pub fn buf(&mut self, root: Value) -> Buf {
        if let Some(&buf) = self.bufs.get(&root) {
            return buf;
        }
        let buf = match self.graph.op_of(root) {
            Some((Op::Constant(literal), _)) => {
                let view = self.sources.get(root).view;
                let splat = view.numel() > 0 && view.strides.iter().all(|&s| s == 0);
                match splat.then(|| first_of(literal)) {
                    Some(one) => self.constant(&one),
                    None => self.constant(literal),
                }
            }
            Some((Op::Iota { dtype, dim, .. }, _)) => {
                let n = dims_of(self.graph, root)[*dim];
                let counts = Literal::new([n], (0..n as i64).collect::<Vec<i64>>());
                let counts = counts.unwrap_or_else(|| Literal::zeros([0], *dtype));
                self.constant(&counts.convert(*dtype))
            }
            _ => self.buffer(self.graph.spec(root), Storage::Arena),
        };
        self.bufs.insert(root, buf);
        buf
    }

    /// A value as a view of a buffer.
    pub fn operand(&mut self, value: Value) -> BufferView {
        let Source { root, view } = self.sources.get(value);
        BufferView {
            buf: self.buf(root),
            view,
        }
    }

    /// A value whose elements lie side by side. Copies if they do not.
    pub fn dense(&mut self, value: Value) -> BufferRange {
        if let Some(&dense) = self.dense.get(&value) {
            return dense;
        }
        let dense = self.arranged(value, self.view(value));
        self.dense.insert(value, dense);
        dense
    }

    /// Adds a copy.
    pub fn copy(&mut self, src: BufferView, dst: Buf, view: View, size: usize) {
        if view.numel() == 0 {
            return;
        }
        let note = format!(
            "copy {:?} strides {:?} -> {:?}",
            src.view.dims, src.view.strides, view.strides
        );
        let plan = CopyPlan::new(&src.view, &view);
        let src = self.whole(src.buf);
        self.call(Kernel::Copy { plan, size }, &[src], &[dst], note);
    }

    fn node(&mut self, node: Node) -> Lowering {
        let outputs = self.graph.outputs(node);
        let is_empty = |&v: &Value| self.graph.spec(v).shape.numel() == Some(0);
        if outputs.iter().all(is_empty) {
            return Ok(());
        }
        match self.graph.op(node) {
            Op::DotGeneral(dims) => self.dot(node, dims),
            Op::Reshape(_) => self.materialize(node),
            Op::Pad { low, interior, .. } => self.pad(node, low, interior),
            Op::Concatenate(dim) => self.concatenate(node, *dim),
            Op::Convolution(conv) => self.convolution(node, conv),
            // There is a loop but for reductions of nothing.
            Op::Reduce { kind, .. } if self.reads_nothing(node) => self.identity(*kind, outputs[0]),
            Op::ReduceWindow { kind, .. } if self.reads_nothing(node) => {
                self.identity(*kind, outputs[0])
            }
            Op::ReduceWindow { kind, window } => self.reduce_window(node, *kind, window),
            Op::SelectAndScatter { window } => self.select_and_scatter(node, window),
            Op::Gather(dims) => self.gather(node, dims),
            Op::Scatter { dims, kind } => self.scatter(node, dims, *kind),
            Op::RngBitGenerator(_) => self.random(node),
            Op::Scan(scan) => self.scan(node, scan),
            Op::Sort { dim, descending } => self.sort(node, *dim, *descending),
            Op::Cumulative { kind, dim, reverse } => self.cumulative(node, *kind, *dim, *reverse),
            // These are loops (`fuse`), or views and values that are known (`sources`).
            Op::Unary(_)
            | Op::Binary(_)
            | Op::Compare(_)
            | Op::Select
            | Op::Convert(_)
            | Op::Reduce { .. }
            | Op::Constant(_)
            | Op::Iota { .. }
            | Op::BroadcastInDim { .. }
            | Op::Transpose(_)
            | Op::Slice { .. }
            | Op::Reverse(_)
            | Op::StopGradient => Err(self.no_kernel(node)),
        }
    }

    /// Whether a node's first operand has no elements.
    fn reads_nothing(&self, node: Node) -> bool {
        let operand = self.graph.inputs(node).first();
        operand.is_some_and(|&v| self.graph.spec(v).shape.numel() == Some(0))
    }

    /// What a primitive is told whose types or sizes have no kernel.
    fn no_kernel(&self, node: Node) -> CompileError {
        let inputs = self.graph.inputs(node).iter();
        let inputs: Vec<String> = inputs.map(|&v| self.graph.spec(v).to_string()).collect();
        CompileError::NoKernel(format!(
            "{} of {}",
            self.graph.op(node).name(),
            inputs.join(", ")
        ))
    }

    /// What a reduction of nothing gives.
    fn identity(&mut self, kind: Reduction, output: Value) -> Lowering {
        let number = match kind {
            Reduction::Sum | Reduction::Or => 0.0,
            Reduction::Product | Reduction::And => 1.0,
            Reduction::Max => f64::NEG_INFINITY,
            Reduction::Min => f64::INFINITY,
        };
        self.fill_with(number, output)
    }

    /// A reshape that strides cannot say.
    fn materialize(&mut self, node: Node) -> Lowering {
        let input = self.graph.inputs(node)[0];
        let (src, dst) = (self.operand(input), self.buf(self.graph.outputs(node)[0]));
        let dims = dims_of(self.graph, input);
        self.copy(
            src,
            dst,
            View::dense(&dims),
            self.graph.spec(input).dtype.size(),
        );
        Ok(())
    }

    fn random(&mut self, node: Node) -> Lowering {
        let state = self.dense(self.graph.inputs(node)[0]);
        let outputs = self.graph.outputs(node);
        let (next, bits) = (self.buf(outputs[0]), self.buf(outputs[1]));
        let note = format!("random bits {}", self.graph.spec(outputs[1]));
        self.call(Kernel::RandomBits, &[state], &[next, bits], note);
        Ok(())
    }

    /// Puts results and new values of variables where the caller wants them.
    fn finish(&mut self) -> Result<(), CompileError> {
        let first = PARAMS + self.graph.params().len() as u32;
        let results = self.graph.results().to_vec();
        for (slot, value) in (first..).zip(results) {
            let source = self.sources.get(value);
            let buf = self.buf(source.root);
            let info = &mut self.out.buffers[buf];
            let whole =
                source.view.is_identity() && self.graph.spec(value).bytes() == Some(info.bytes);
            if whole && info.storage == Storage::Arena {
                self.out.buffers[buf].storage = Storage::Slot(slot, 0);
            } else if !(whole && self.store_twice(buf, slot)) {
                self.copy_out(value, slot);
            }
        }
        self.updates();
        Ok(())
    }

    /// The step that makes a buffer, if one step makes all of it.
    pub fn only_maker(&self, buf: Buf) -> Option<usize> {
        let mut makers = self.out.steps.iter().enumerate().filter(|(_, (step, _))| {
            let mut writes = false;
            step.visit(&mut |b, write| writes |= write && b == buf);
            writes
        });
        let first = makers.next();
        first.filter(|_| makers.next().is_none()).map(|(i, _)| i)
    }

    /// Lets the loop nest that makes a buffer write it to a slot too.
    fn store_twice(&mut self, buf: Buf, slot: u32) -> bool {
        if !self.options.fuse {
            return false;
        }
        let info = BufInfo {
            storage: Storage::Slot(slot, 0),
            ..self.out.buffers[buf].clone()
        };
        if let Some(maker) = self.only_maker(buf) {
            for tape in self.out.steps[maker].0.tapes_mut() {
                let made = tape
                    .outputs
                    .iter()
                    .find(|o| o.buf == buf && o.view.is_none())
                    .cloned();
                if let Some(output) = made.filter(|_| tape.outputs.len() < MAX_STORES) {
                    let copy = self.out.buffers.push(info);
                    tape.outputs.push(Output {
                        buf: copy,
                        ..output
                    });
                    return true;
                }
            }
        }
        false
    }

    fn copy_out(&mut self, value: Value, slot: u32) {
        let src = self.operand(value);
        let spec = self.graph.spec(value).clone();
        let dst = self.buffer(&spec, Storage::Slot(slot, 0));
        let dims = dims_of(self.graph, value);
        self.copy(src, dst, View::dense(&dims), spec.dtype.size());
    }

    /// A copy of a value, to be written to a slot once nothing reads that any more.
    fn saved(&mut self, slot: u32, value: Value) -> (u32, Buf, Spec) {
        let spec = self.graph.spec(value).clone();
        let (src, buf) = (self.operand(value), self.buffer(&spec, Storage::Arena));
        let dims = dims_of(self.graph, value);
        self.copy(src, buf, View::dense(&dims), spec.dtype.size());
        (slot, buf, spec)
    }

    fn updates(&mut self) {
        let slots: HashMap<Value, u32> = self
            .graph
            .params()
            .zip(PARAMS..)
            .map(|((v, ..), s)| (v, s))
            .collect();
        let (mut in_place, mut copied) = (Vec::new(), Vec::new());
        for &(variable, value) in self.graph.updates() {
            let source = self.sources.get(value);
            let slot = slots[&variable];
            if source.root == variable && source.view.is_identity() {
                continue;
            }
            if source.view.is_identity() && self.graph.node_of(source.root).is_some() {
                let (old, new) = (self.buf(variable), self.buf(source.root));
                let whole = Some(self.out.buffers[new].bytes) == self.graph.spec(value).bytes();
                if whole {
                    let update = Update {
                        variable: old,
                        slot,
                        value: new,
                    };
                    in_place.push((update, value));
                    continue;
                }
            }
            copied.push((slot, value));
        }
        // New values that are views of parameters are saved first: the parameter may be updated itself.
        let saved = copied
            .into_iter()
            .map(|(slot, value)| self.saved(slot, value));
        let mut saved: Vec<_> = saved.collect();
        let candidates: Vec<_> = in_place.iter().map(|(u, _)| *u).collect();
        let left = settle_updates(&self.out.steps, &mut self.out.buffers, &candidates);
        for (update, value) in in_place {
            if left.contains(&update) {
                saved.push((update.slot, update.value, self.graph.spec(value).clone()));
            }
        }
        for (slot, buf, spec) in saved {
            self.write_saved(slot, buf, &spec);
        }
    }

    /// Writes what has been saved to its slot.
    fn write_saved(&mut self, slot: u32, buf: Buf, spec: &Spec) {
        let dims = spec.shape.known().unwrap_or_default();
        let dst = self.buffer(spec, Storage::Slot(slot, 0));
        let src = BufferView {
            buf,
            view: View::dense(&dims),
        };
        self.copy(src, dst, View::dense(&dims), spec.dtype.size());
    }

    /// Whether a root's value is read by a node that is not in this sorted list, or by the program's caller.
    pub fn leaves(&self, root: Value, members: &[Node]) -> bool {
        let outside = |n: &Node| members.binary_search(n).is_err();
        self.kept.contains(&root) || self.users.get(&root).is_some_and(|u| u.iter().any(outside))
    }
}

/// The first element of a literal as a literal of one.
fn first_of(literal: &Literal) -> Literal {
    let one = with_data!(literal.data(), v => Literal::new([1], v[..1].to_vec()));
    one.unwrap_or_else(|| literal.clone())
}
