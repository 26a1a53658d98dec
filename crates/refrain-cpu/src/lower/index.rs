//! Windows, gathers and scatters: calls of ready-made kernels.

use refrain_graph::{DType, GatherDims, Node, Reduction, ScatterDims, ScatterKind, Window};

use super::Lowerer;
use crate::kernels::pooling::WindowPlan;
use crate::kernels::slices::SlicePlan;
use crate::library::{Kernel, is_number};
use crate::plan::{Buf, Draft};
use crate::sources::dims_of;
use crate::view::View;

impl Lowerer<'_> {
    /// Adds a call; `reads` are buffers and first bytes.
    pub(super) fn call(
        &mut self,
        kernel: Kernel,
        reads: Vec<(Buf, usize)>,
        writes: Vec<Buf>,
        note: String,
    ) {
        self.push(
            Draft::Call {
                kernel: Box::new(kernel),
                reads,
                writes,
                finish: None,
            },
            note,
        );
    }

    pub(super) fn reduce_window(&mut self, node: Node, kind: Reduction, window: &Window) -> bool {
        let (input, output) = (self.graph.inputs(node)[0], self.graph.outputs(node)[0]);
        let dtype = self.graph.spec(input).dtype;
        let Ok(plan) = WindowPlan::new(&dims_of(self.graph, input), window) else {
            return false;
        };
        if !is_number(dtype) || matches!(kind, Reduction::And | Reduction::Or) {
            return false;
        }
        let places = self.graph.spec(output).shape.numel().unwrap_or(0);
        let work = window.size.iter().fold(places, |n, &w| n.saturating_mul(w));
        self.out.flops = self.out.flops.saturating_add(work as u64);
        let (read, write) = (self.dense(input), self.buf(output));
        let note = format!("window {:?} {}", window.size, self.graph.spec(input));
        self.call(
            Kernel::Window(Box::new(plan), kind, dtype),
            vec![read],
            vec![write],
            note,
        );
        true
    }

    pub(super) fn select_and_scatter(&mut self, node: Node, window: &Window) -> bool {
        let (operand, source) = (self.graph.inputs(node)[0], self.graph.inputs(node)[1]);
        let output = self.graph.outputs(node)[0];
        let dtype = self.graph.spec(operand).dtype;
        let Ok(plan) = WindowPlan::new(&dims_of(self.graph, operand), window) else {
            return false;
        };
        if !is_number(dtype) {
            return false;
        }
        let reads = vec![self.dense(operand), self.dense(source)];
        let write = self.buf(output);
        let note = format!(
            "select and scatter {:?} {}",
            window.size,
            self.graph.spec(operand)
        );
        self.call(
            Kernel::SelectAndScatter(Box::new(plan), dtype),
            reads,
            vec![write],
            note,
        );
        true
    }

    pub(super) fn gather(&mut self, node: Node, dims: &GatherDims) -> bool {
        let (operand, indices) = (self.graph.inputs(node)[0], self.graph.inputs(node)[1]);
        let output = self.graph.outputs(node)[0];
        let plan = SlicePlan::gather(
            &dims_of(self.graph, operand),
            &dims_of(self.graph, indices),
            dims,
        );
        let Ok(plan) = plan else { return false };
        let (index, size) = (
            self.graph.spec(indices).dtype,
            self.graph.spec(operand).dtype.size(),
        );
        if !is_index(index) {
            return false;
        }
        let reads = vec![self.dense(operand), self.dense(indices)];
        let write = self.buf(output);
        let note = format!("gather {}", self.graph.spec(output));
        self.call(
            Kernel::Gather(Box::new(plan), index, size),
            reads,
            vec![write],
            note,
        );
        true
    }

    pub(super) fn scatter(&mut self, node: Node, dims: &ScatterDims, kind: ScatterKind) -> bool {
        let &[operand, indices, updates] = self.graph.inputs(node) else {
            return false;
        };
        let output = self.graph.outputs(node)[0];
        let shapes = [operand, indices, updates].map(|v| dims_of(self.graph, v));
        let Ok(plan) = SlicePlan::scatter(&shapes[0], &shapes[1], &shapes[2], dims) else {
            return false;
        };
        let (index, dtype) = (
            self.graph.spec(indices).dtype,
            self.graph.spec(operand).dtype,
        );
        let in_order = kind != ScatterKind::Set || comes_in_order(&shapes[0], &shapes[2], dims);
        if !is_index(index) || !is_number(dtype) || !in_order {
            return false;
        }
        let reads = vec![self.dense(indices), self.dense(updates)];
        let (src, out) = (self.operand(operand), self.buf(output));
        self.copy(src, out, View::dense(&shapes[0]), dtype.size());
        let note = format!(
            "scatter {} into {}",
            self.graph.spec(updates),
            self.graph.spec(output)
        );
        self.call(
            Kernel::Scatter(Box::new(plan), kind, index, dtype),
            reads,
            vec![out],
            note,
        );
        true
    }
}

fn is_index(dtype: DType) -> bool {
    matches!(dtype, DType::I32 | DType::I64 | DType::U32 | DType::U8)
}

/// Whether updates of one place come in row-major order if they are taken window by window: where all dimensions inside windows are
/// the last, or where windows are one element wide along whatever the indices address, so that they meet at the same offset only.
fn comes_in_order(operand: &[usize], updates: &[usize], dims: &ScatterDims) -> bool {
    let inside = &dims.update_window_dims;
    let first = updates.len() - inside.len();
    let kept = (0..operand.len()).filter(|d| !dims.inserted_window_dims.contains(d));
    let narrow = |(d, &at): (usize, &usize)| {
        !dims.scatter_dims_to_operand_dims.contains(&d) || updates[at] == 1
    };
    inside.iter().all(|&at| at >= first) || kept.zip(inside).all(narrow)
}
