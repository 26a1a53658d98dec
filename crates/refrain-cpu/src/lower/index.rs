//! Windows, gathers and scatters: calls of ready-made kernels.

use refrain_graph::{DType, GatherDims, Node, Reduction, ScatterDims, ScatterKind, Value, Window};

use super::{Lowerer, Lowering};
use crate::buffer::{Buf, BufferRange, BufferView, Storage};
use crate::kernels::pooling::WindowPlan;
use crate::kernels::slices::SlicePlan;
use crate::library::{Kernel, is_number};
use crate::sources::dims_of;
use crate::step::{Call, Step};
use crate::view::View;

/// What a kernel makes that writes dimensions in an order of its own.
pub(super) struct ArrangedOutputs<'a> {
    /// The values.
    pub outputs: &'a [Value],
    /// Their dimensions as the kernel writes them.
    pub to: &'a [usize],
    /// Elements of scratch memory.
    pub scratch: usize,
}

impl Lowerer<'_> {
    /// Adds a call and, where dimensions come in another order, copies of what it makes. Scratch memory is of the first output's type.
    pub(super) fn call_arranged(
        &mut self,
        kernel: Kernel,
        reads: &[BufferRange],
        made: ArrangedOutputs<'_>,
        note: String,
    ) {
        let direct = made.to.iter().copied().eq(0..made.to.len());
        let target = |lowerer: &mut Self, &value: &Value| match direct {
            true => lowerer.buf(value),
            false => lowerer.buffer(lowerer.graph.spec(value), Storage::Arena),
        };
        let targets: Vec<Buf> = made.outputs.iter().map(|v| target(self, v)).collect();
        let mut writes = targets.clone();
        if made.scratch > 0 {
            let dtype = self.graph.spec(made.outputs[0]).dtype;
            writes.push(self.scratch(dtype, made.scratch * dtype.size()));
        }
        self.call(kernel, reads, &writes, note);
        for (&value, buf) in made.outputs.iter().zip(targets).filter(|_| !direct) {
            let (out, size) = (self.buf(value), self.graph.spec(value).dtype.size());
            let view = View::dense(&dims_of(self.graph, value)).transpose(made.to);
            let src = BufferView {
                buf,
                view: View::dense(&view.dims),
            };
            self.copy(src, out, view, size);
        }
    }

    /// Adds a call that reads and writes one or two operands.
    pub(super) fn call(
        &mut self,
        kernel: Kernel,
        reads: &[BufferRange],
        writes: &[Buf],
        note: String,
    ) {
        let write = |i| writes.get(i).map(|&buf: &Buf| self.whole(buf));
        let call = Call {
            kernel,
            reads: [reads.first().copied(), reads.get(1).copied()],
            writes: [write(0), write(1)],
            epilogue: None,
        };
        self.push(Step::Call(Box::new(call)), note);
    }

    pub(super) fn reduce_window(
        &mut self,
        node: Node,
        kind: Reduction,
        window: &Window,
    ) -> Lowering {
        let (input, output) = (self.graph.inputs(node)[0], self.graph.outputs(node)[0]);
        let dtype = self.graph.spec(input).dtype;
        let plan = WindowPlan::new(&dims_of(self.graph, input), window);
        let plan = plan.map_err(|_| self.no_kernel(node))?;
        if !is_number(dtype) || matches!(kind, Reduction::And | Reduction::Or) {
            return Err(self.no_kernel(node));
        }
        let places = self.graph.spec(output).shape.numel().unwrap_or(0);
        let work = window.size.iter().fold(places, |n, &w| n.saturating_mul(w));
        self.out.flops = self.out.flops.saturating_add(work as u64);
        let (read, write) = (self.dense(input), self.buf(output));
        let note = format!("window {:?} {}", window.size, self.graph.spec(input));
        self.call(
            Kernel::Window(Box::new(plan), kind, dtype),
            &[read],
            &[write],
            note,
        );
        Ok(())
    }

    pub(super) fn select_and_scatter(&mut self, node: Node, window: &Window) -> Lowering {
        let (operand, source) = (self.graph.inputs(node)[0], self.graph.inputs(node)[1]);
        let output = self.graph.outputs(node)[0];
        let dtype = self.graph.spec(operand).dtype;
        let plan = WindowPlan::new(&dims_of(self.graph, operand), window);
        let plan = plan.map_err(|_| self.no_kernel(node))?;
        if !is_number(dtype) {
            return Err(self.no_kernel(node));
        }
        let reads = [self.dense(operand), self.dense(source)];
        let write = self.buf(output);
        let note = format!(
            "select and scatter {:?} {}",
            window.size,
            self.graph.spec(operand)
        );
        self.call(
            Kernel::SelectAndScatter(Box::new(plan), dtype),
            &reads,
            &[write],
            note,
        );
        Ok(())
    }

    pub(super) fn gather(&mut self, node: Node, dims: &GatherDims) -> Lowering {
        let (operand, indices) = (self.graph.inputs(node)[0], self.graph.inputs(node)[1]);
        let output = self.graph.outputs(node)[0];
        let plan = SlicePlan::gather(
            &dims_of(self.graph, operand),
            &dims_of(self.graph, indices),
            dims,
        );
        let plan = plan.map_err(|_| self.no_kernel(node))?;
        let (index, size) = (
            self.graph.spec(indices).dtype,
            self.graph.spec(operand).dtype.size(),
        );
        if !index.is_integer() {
            return Err(self.no_kernel(node));
        }
        let reads = [self.dense(operand), self.dense(indices)];
        let write = self.buf(output);
        let note = format!("gather {}", self.graph.spec(output));
        self.call(
            Kernel::Gather {
                plan: Box::new(plan),
                indices: index,
                size,
            },
            &reads,
            &[write],
            note,
        );
        Ok(())
    }

    pub(super) fn scatter(
        &mut self,
        node: Node,
        dims: &ScatterDims,
        kind: ScatterKind,
    ) -> Lowering {
        let &[operand, indices, updates] = self.graph.inputs(node) else {
            return Err(self.no_kernel(node));
        };
        let output = self.graph.outputs(node)[0];
        let shapes = [operand, indices, updates].map(|v| dims_of(self.graph, v));
        let plan = SlicePlan::scatter(&shapes[0], &shapes[1], &shapes[2], dims);
        let plan = plan.map_err(|_| self.no_kernel(node))?;
        let index = self.graph.spec(indices).dtype;
        let dtype = match (kind, self.graph.spec(operand).dtype) {
            // Truth values are moved as the bytes that they are.
            (ScatterKind::Set, DType::Bool) => DType::U8,
            (_, dtype) => dtype,
        };
        if !index.is_integer() || !is_number(dtype) {
            return Err(self.no_kernel(node));
        }
        let reads = [self.dense(indices), self.dense(updates)];
        let (src, out) = (self.operand(operand), self.buf(output));
        self.copy(src, out, View::dense(&shapes[0]), dtype.size());
        let note = format!(
            "scatter {} into {}",
            self.graph.spec(updates),
            self.graph.spec(output)
        );
        self.call(
            Kernel::Scatter {
                plan: Box::new(plan),
                kind,
                indices: index,
                dtype,
            },
            &reads,
            &[out],
            note,
        );
        Ok(())
    }
}
