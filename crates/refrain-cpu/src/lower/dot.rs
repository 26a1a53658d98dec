//! Products of matrices: strides say how operands lie, so that transposes are not copied.

use refrain_graph::{DType, DotDims, Node, Value};

use super::pack::worthwhile;
use super::{Lowerer, Lowering};
use crate::buffer::{BufferRange, BufferView, Storage};
use crate::kernels::dot::{DotPlan, Strides};
use crate::kernels::gemm::Product;
use crate::kernels::product::{ProductPlan, ProductSizes};
use crate::library::{Kernel, is_number};
use crate::packing::PackLayout;
use crate::sources::dims_of;
use crate::view::{View, collapse};

/// One side of a product: a view whose outer and contracted dimensions each have one stride, and its batch one or two.
struct DotOperand {
    operand: BufferRange,
    batch: usize,
    inner: (usize, usize),
    free: usize,
    depth: usize,
}

/// The one stride of some dimensions, if there is one that `usize` can say.
fn stride(view: &View, axes: &[usize]) -> Option<usize> {
    let dims: Vec<usize> = axes.iter().map(|&a| view.dims[a]).collect();
    let strides: Vec<isize> = axes.iter().map(|&a| view.strides[a]).collect();
    if dims.iter().all(|&d| d == 1) {
        return Some(0);
    }
    let (dims, strides) = collapse(&dims, &strides);
    (dims.len() == 1)
        .then_some(strides[0])
        .and_then(|s| usize::try_from(s).ok())
}

impl DotOperand {
    fn strides(&self, row: usize, col: usize) -> Strides {
        Strides {
            batch: self.batch,
            inner: self.inner,
            row,
            col,
        }
    }
}

/// The strides of the outer and the inner batch, with the matrices of an inner one.
fn batch_strides(view: &View, axes: &[usize]) -> Option<(usize, (usize, usize))> {
    if let Some(one) = stride(view, axes) {
        return Some((one, (1, 0)));
    }
    (1..axes.len()).find_map(|split| {
        let (outer, inner) = axes.split_at(split);
        let count = inner.iter().map(|&a| view.dims[a]).product();
        Some((stride(view, outer)?, (count, stride(view, inner)?)))
    })
}

impl Lowerer<'_> {
    pub(super) fn dot(&mut self, node: Node, d: &DotDims) -> Lowering {
        let (lhs, rhs) = (self.graph.inputs(node)[0], self.graph.inputs(node)[1]);
        let output = self.graph.outputs(node)[0];
        let spec = self.graph.spec(output).clone();
        let (ld, rd) = (dims_of(self.graph, lhs), dims_of(self.graph, rhs));
        let size =
            |dims: &[usize], axes: &[usize]| axes.iter().map(|&a| dims[a]).product::<usize>();
        let (lf, rf) = (
            free(ld.len(), &d.lhs_batch, &d.lhs_contracting),
            free(rd.len(), &d.rhs_batch, &d.rhs_contracting),
        );
        let sizes = [
            size(&ld, &d.lhs_batch),
            size(&ld, &lf),
            size(&rd, &rf),
            size(&ld, &d.lhs_contracting),
        ];
        let [batch, m, n, k] = sizes;
        let flops = 2 * (batch * m * n * k) as u64;
        self.out.flops = self.out.flops.saturating_add(flops);
        if k == 0 {
            return self.fill_with(0.0, output);
        }
        if spec.dtype != DType::F32 {
            return self.plain_dot(node, d, [&lf, &rf], sizes);
        }
        let left = self.side(lhs, &d.lhs_batch, &lf, &d.lhs_contracting);
        let right = self.side(rhs, &d.rhs_batch, &rf, &d.rhs_contracting);
        let scratch = Product::scratch_len(batch, m, n, k);
        let packed = self.packed(&right, sizes);
        let out = self.buf(output);
        let mut writes = vec![out];
        if scratch > 0 && packed.is_none() {
            writes.push(self.scratch(DType::F32, scratch * size_of::<f32>()));
        }
        let plan = DotPlan {
            sizes,
            lhs: left.strides(left.free, left.depth),
            rhs: match packed {
                Some(_) => None,
                None => Some(right.strides(right.depth, right.free)),
            },
        };
        let how = if packed.is_some() { " packed" } else { "" };
        let note = format!("dot {batch} x [{m}, {k}] [{k}, {n}]{how}");
        let reads = [left.operand, packed.unwrap_or(right.operand)];
        self.call(Kernel::Dot(plan), &reads, &writes, note);
        Ok(())
    }

    /// A product of another type than `f32`. `free` are the operands' own dimensions.
    fn plain_dot(
        &mut self,
        node: Node,
        d: &DotDims,
        free: [&[usize]; 2],
        [count, rows, cols, depth]: [usize; 4],
    ) -> Lowering {
        let (lhs, rhs) = (self.graph.inputs(node)[0], self.graph.inputs(node)[1]);
        let output = self.graph.outputs(node)[0];
        let dtype = self.graph.spec(output).dtype;
        if !is_number(dtype) {
            return Err(self.no_kernel(node));
        }
        let left = [&d.lhs_batch, free[0], &d.lhs_contracting].concat();
        let right = [&d.rhs_batch, &d.rhs_contracting, free[1]].concat();
        let left = self.arranged(lhs, self.view(lhs).transpose(&left));
        let right = self.arranged(rhs, self.view(rhs).transpose(&right));
        let sizes = ProductSizes { rows, cols, depth };
        let out = self.buf(output);
        let note = format!("dot {dtype} {count} x [{rows}, {depth}] [{depth}, {cols}]");
        let kernel = Kernel::Product(ProductPlan { count, sizes }, dtype);
        self.call(kernel, &[left, right], &[out], note);
        Ok(())
    }

    /// The packed matrix of a right-hand side that is the same in every run.
    fn packed(&mut self, right: &DotOperand, [batch, m, n, k]: [usize; 4]) -> Option<BufferRange> {
        let split = Product::splits_depth(batch, m, n, k);
        if batch != 1 || n == 1 || split || !worthwhile(m) {
            return None;
        }
        let layout = PackLayout::Matrix {
            strides: [right.depth, right.free],
            sizes: [k, n],
        };
        self.pack(right.operand, layout)
    }

    /// An operand with one stride per group of dimensions; copied if it has none.
    fn side(
        &mut self,
        value: Value,
        batch: &[usize],
        free: &[usize],
        depth: &[usize],
    ) -> DotOperand {
        let operand = self.operand(value);
        let strides = |v: &View| {
            Some((
                batch_strides(v, batch)?,
                stride(v, free)?,
                stride(v, depth)?,
            ))
        };
        if let Some(((outer, inner), f, k)) = strides(&operand.view) {
            return DotOperand {
                operand: self.rest(&operand),
                batch: outer,
                inner,
                free: f,
                depth: k,
            };
        }
        let dims = dims_of(self.graph, value);
        let order: Vec<usize> = [batch, free, depth].concat();
        let spec = self.graph.spec(value).clone();
        let buf = self.buffer(&spec, Storage::Arena);
        let view = operand.view.transpose(&order);
        let dense = View::dense(&view.dims);
        self.copy(
            BufferView {
                buf: operand.buf,
                view,
            },
            buf,
            dense,
            spec.dtype.size(),
        );
        let count = |axes: &[usize]| axes.iter().map(|&a| dims[a]).product::<usize>();
        let (f, k) = (count(free), count(depth));
        DotOperand {
            operand: self.whole(buf),
            batch: f * k,
            inner: (1, 0),
            free: k,
            depth: 1,
        }
    }
}

/// The dimensions that are neither batch nor contracted.
fn free(rank: usize, batch: &[usize], contracting: &[usize]) -> Vec<usize> {
    (0..rank)
        .filter(|d| !batch.contains(d) && !contracting.contains(d))
        .collect()
}
