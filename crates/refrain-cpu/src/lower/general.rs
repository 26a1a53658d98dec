//! Convolutions of any rank and type of numbers, and work on lines: what has one general kernel.

use refrain_graph::{Conv, DType, Node, Reduction};

use super::conv::{kernel_order, order};
use super::index::ArrangedOutputs;
use super::{Lowerer, Lowering};
use crate::CompileError;
use crate::kernels::conv_general::{ConvSizes, GeneralConvPlan};
use crate::kernels::product::Factor;
use crate::library::Kernel;
use crate::sources::dims_of;
use crate::view::View;

/// Elements of scratch memory, if there is a kernel for the type.
fn scratch_of(plan: &GeneralConvPlan, dtype: DType) -> Option<usize> {
    fn of<T: Factor>(plan: &GeneralConvPlan) -> usize {
        plan.scratch_len::<T>()
    }
    Some(match dtype {
        DType::F32 => of::<f32>(plan),
        DType::F64 => of::<f64>(plan),
        DType::I32 => of::<i32>(plan),
        DType::I64 => of::<i64>(plan),
        DType::U32 => of::<u32>(plan),
        DType::U8 => of::<u8>(plan),
        DType::F16 | DType::BF16 | DType::Bool => return None,
    })
}

impl Lowerer<'_> {
    /// A convolution that is none of images in `f32` with channels last.
    pub(super) fn general_convolution(&mut self, node: Node, conv: &Conv) -> Lowering {
        let (lhs, rhs) = (self.graph.inputs(node)[0], self.graph.inputs(node)[1]);
        let output = self.graph.outputs(node)[0];
        let dtype = self.graph.spec(output).dtype;
        let refused = || self.no_kernel(node);
        let image = grouped_image(
            &self.view(lhs).transpose(&order(&conv.lhs)),
            conv.batch_groups,
        );
        let image = image.ok_or_else(refused)?;
        let axes = conv.rhs.spatial.iter().zip(&conv.reversal);
        let backwards: Vec<usize> = axes.filter(|(_, r)| **r).map(|(&d, _)| d).collect();
        let kernel = self
            .view(rhs)
            .reverse(&backwards)
            .transpose(&kernel_order(&conv.rhs));
        let groups = conv.feature_groups * conv.batch_groups;
        let kernel_dims = dims_of(self.graph, rhs);
        let (image_dims, positions) = (dims_of(self.graph, lhs), conv.lhs.spatial.iter());
        let sizes = ConvSizes {
            batch: image.dims[0],
            image: positions.map(|&d| image_dims[d]).collect(),
            groups,
            channels: kernel_dims[conv.rhs.batch],
            filters: kernel_dims[conv.rhs.feature] / groups,
        };
        let plan = GeneralConvPlan::new(sizes, &conv.window).map_err(|_| refused())?;
        let scratch = scratch_of(&plan, dtype).ok_or_else(refused)?;
        let flops = plan.multiply_adds().saturating_mul(2) as u64;
        self.out.flops = self.out.flops.saturating_add(flops);
        let note = format!(
            "general convolution {dtype} {:?} * {:?}",
            image.dims, kernel.dims
        );
        let reads = [self.arranged(lhs, image), self.arranged(rhs, kernel)];
        let made = ArrangedOutputs {
            outputs: &[output],
            to: &order(&conv.out),
            scratch,
        };
        self.call_arranged(
            Kernel::GeneralConv(Box::new(plan), dtype),
            &reads,
            made,
            note,
        );
        Ok(())
    }

    pub(super) fn sort(&mut self, node: Node, dim: usize, descending: bool) -> Lowering {
        let (len, dtype) = self.lines(node, dim);
        if i32::try_from(len).is_err() {
            let spec = self.graph.spec(self.graph.inputs(node)[0]);
            return Err(CompileError::TooLarge(format!("a position in {spec}")));
        }
        let kernel = Kernel::Sort {
            len,
            descending,
            dtype,
        };
        self.call_lines(node, dim, kernel);
        Ok(())
    }

    pub(super) fn cumulative(
        &mut self,
        node: Node,
        kind: Reduction,
        dim: usize,
        reverse: bool,
    ) -> Lowering {
        if matches!(kind, Reduction::And | Reduction::Or) {
            return Err(self.no_kernel(node));
        }
        let (len, dtype) = self.lines(node, dim);
        let kernel = Kernel::Cumulative {
            len,
            kind,
            reverse,
            dtype,
        };
        self.call_lines(node, dim, kernel);
        Ok(())
    }

    /// Elements of a line along a dimension of a node's operand, and their type.
    fn lines(&self, node: Node, dim: usize) -> (usize, DType) {
        let x = self.graph.inputs(node)[0];
        (dims_of(self.graph, x)[dim], self.graph.spec(x).dtype)
    }

    /// Adds a kernel of lines, which lie one after the other.
    fn call_lines(&mut self, node: Node, dim: usize, kernel: Kernel) {
        let x = self.graph.inputs(node)[0];
        let view = self.view(x);
        let mut to: Vec<usize> = (0..view.dims.len()).filter(|&d| d != dim).collect();
        to.push(dim);
        let reads = [self.arranged(x, view.transpose(&to))];
        let note = format!(
            "{} {} along {dim}",
            self.graph.op(node).name(),
            self.graph.spec(x)
        );
        let made = ArrangedOutputs {
            outputs: self.graph.outputs(node),
            to: &to,
            scratch: 0,
        };
        self.call_arranged(kernel, &reads, made, note);
    }
}

/// Images with groups of the batch as groups of features: the first images of all groups together, then the second ones.
fn grouped_image(image: &View, groups: usize) -> Option<View> {
    if groups == 1 {
        return Some(image.clone());
    }
    let (&batch, rest) = image.dims.split_first()?;
    let image = image.reshape(&[&[groups, batch / groups], rest].concat())?;
    let features = image.dims.len() - 1;
    let order: Vec<usize> = (1..features).chain([0, features]).collect();
    Some(image.transpose(&order))
}
