//! Convolutions, brought to images with channels last. Gradients arrive as convolutions with dilated operands, reversed
//! kernels and exchanged roles, and are recognised by that.

use refrain_graph::{Conv, ConvLayout, DType, Node, Value};

use super::index::ArrangedOutputs;
use super::pack::worthwhile;
use super::{Lowerer, Lowering};
use crate::buffer::BufferRange;
use crate::kernels::conv::ConvPlan;
use crate::kernels::conv_kernel::KernelGradientPlan;
use crate::kernels::conv_shape::{Conv2dShape, ConvPass};
use crate::kernels::depthwise::DepthwisePlan;
use crate::library::Kernel;
use crate::packing::PackLayout;
use crate::sources::dims_of;
use crate::view::View;

/// Sizes along the one or two spatial dimensions; height is 1 if there is one.
type Pair = [usize; 2];

/// Results of one of Winograd's tiles.
const WINOGRAD_TILE: usize = 16;

/// A convolution in canonical form, ready to be planned.
struct Canonical {
    shape: Conv2dShape,
    pass: ConvPass,
    left: BufferRange,
    right: BufferRange,
}

fn pair(spatial: &[usize], alone: usize) -> Pair {
    match *spatial {
        [w] => [alone, w],
        [h, w] => [h, w],
        _ => [alone, alone],
    }
}

/// Batch, spatial and feature dimensions in this order.
pub(super) fn order(layout: &ConvLayout) -> Vec<usize> {
    let mut order = vec![layout.batch];
    order.extend(&layout.spatial);
    order.push(layout.feature);
    order
}

/// Feature, spatial and batch dimensions in this order.
fn swapped_order(layout: &ConvLayout) -> Vec<usize> {
    let mut order = vec![layout.feature];
    order.extend(&layout.spatial);
    order.push(layout.batch);
    order
}

/// Spatial, input and output feature dimensions of a kernel in this order.
pub(super) fn kernel_order(layout: &ConvLayout) -> Vec<usize> {
    let mut order = layout.spatial.clone();
    order.extend([layout.batch, layout.feature]);
    order
}

impl Lowerer<'_> {
    pub(super) fn convolution(&mut self, node: Node, conv: &Conv) -> Lowering {
        let output = self.graph.outputs(node)[0];
        let (lhs, rhs) = (self.graph.inputs(node)[0], self.graph.inputs(node)[1]);
        let dims = [lhs, rhs, output].map(|v| dims_of(self.graph, v));
        if [lhs, rhs]
            .iter()
            .any(|&v| dims_of(self.graph, v).contains(&0))
        {
            return self.fill_with(0.0, output);
        }
        let fast = self.graph.spec(output).dtype == DType::F32 && conv.lhs.spatial.len() <= 2;
        let canonical = fast
            .then(|| self.canonical(conv, lhs, rhs, &dims))
            .flatten();
        let planned = canonical.and_then(|c| Some((plan(&c, self.options.winograd)?, c)));
        match planned {
            Some((kernel, canonical)) => {
                self.call_conv(kernel, &canonical, conv, output);
                Ok(())
            }
            None => self.general_convolution(node, conv),
        }
    }

    /// The pass over images with channels last that a convolution is, if it is one.
    fn canonical(
        &mut self,
        conv: &Conv,
        lhs: Value,
        rhs: Value,
        dims: &[Vec<usize>; 3],
    ) -> Option<Canonical> {
        let view = self.sources.get(lhs).view;
        let contiguous = |order: &[usize]| view.transpose(order).is_contiguous();
        let exchanged = contiguous(&swapped_order(&conv.lhs)) && !contiguous(&order(&conv.lhs));
        let plain = conv.window.base_dilation.iter().all(|&d| d == 1);
        let strided = conv.window.strides.iter().any(|&s| s != 1);
        if plain && conv.feature_groups == 1 && (exchanged || conv.batch_groups > 1) {
            self.kernel_gradient(conv, lhs, rhs, dims)
        } else if conv.batch_groups > 1 {
            None
        } else if plain && (strided || !conv.reversal.iter().all(|&r| r)) {
            self.forward(conv, lhs, rhs, dims)
        } else {
            self.input_gradient(conv, lhs, rhs, dims)
        }
    }

    fn forward(
        &mut self,
        conv: &Conv,
        lhs: Value,
        rhs: Value,
        dims: &[Vec<usize>; 3],
    ) -> Option<Canonical> {
        let w = &conv.window;
        let at = |d: &[usize], axes: &[usize]| axes.iter().map(|&a| d[a]).collect::<Vec<_>>();
        let [x, k, y] = [
            at(&dims[0], &conv.lhs.spatial),
            at(&dims[1], &conv.rhs.spatial),
            at(&dims[2], &conv.out.spatial),
        ];
        let shape = Conv2dShape {
            n: dims[0][conv.lhs.batch],
            c: dims[0][conv.lhs.feature],
            o: dims[1][conv.rhs.feature],
            groups: conv.feature_groups,
            ..spatial(
                &x,
                &k,
                &y,
                &w.strides,
                &w.dilation,
                w.padding.iter().map(|p| p.0),
            )?
        };
        let backwards = (0..k.len())
            .filter(|&i| conv.reversal[i])
            .map(|i| conv.rhs.spatial[i]);
        let backwards: Vec<usize> = backwards.collect();
        let left = self.arranged(lhs, self.view(lhs).transpose(&order(&conv.lhs)));
        let right = self.view(rhs).reverse(&backwards);
        let right = self.arranged(rhs, right.transpose(&kernel_order(&conv.rhs)));
        Some(Canonical {
            shape,
            pass: ConvPass::Forward,
            left,
            right,
        })
    }

    /// The gradient of an image: the result's gradient, dilated by the strides, with the kernel read backwards.
    fn input_gradient(
        &mut self,
        conv: &Conv,
        lhs: Value,
        rhs: Value,
        dims: &[Vec<usize>; 3],
    ) -> Option<Canonical> {
        let w = &conv.window;
        if w.strides.iter().any(|&s| s != 1) {
            return None;
        }
        let at = |d: &[usize], axes: &[usize]| axes.iter().map(|&a| d[a]).collect::<Vec<_>>();
        let [y, k, x] = [
            at(&dims[0], &conv.lhs.spatial),
            at(&dims[1], &conv.rhs.spatial),
            at(&dims[2], &conv.out.spatial),
        ];
        let groups = conv.feature_groups;
        let padding = (0..k.len()).map(|i| ((k[i] - 1) * w.dilation[i]) as i64 - w.padding[i].0);
        let (c, o) = (dims[2][conv.out.feature], dims[0][conv.lhs.feature]);
        let shape = Conv2dShape {
            n: dims[0][conv.lhs.batch],
            c,
            o,
            groups,
            ..spatial(&x, &k, &y, &w.base_dilation, &w.dilation, padding)?
        };
        let right = backwards_kernel(self.view(rhs), conv, &k, [groups, c / groups, o / groups])?;
        let right = self.arranged(rhs, right);
        let left = self.arranged(lhs, self.view(lhs).transpose(&self::order(&conv.lhs)));
        Some(Canonical {
            shape,
            pass: ConvPass::InputGradient,
            left,
            right,
        })
    }

    /// The gradient of a kernel: batch and features have changed roles.
    fn kernel_gradient(
        &mut self,
        conv: &Conv,
        lhs: Value,
        rhs: Value,
        dims: &[Vec<usize>; 3],
    ) -> Option<Canonical> {
        let w = &conv.window;
        if conv.reversal.iter().any(|&r| r) {
            return None;
        }
        let at = |d: &[usize], axes: &[usize]| axes.iter().map(|&a| d[a]).collect::<Vec<_>>();
        let [x, y, k] = [
            at(&dims[0], &conv.lhs.spatial),
            at(&dims[1], &conv.rhs.spatial),
            at(&dims[2], &conv.out.spatial),
        ];
        let shape = Conv2dShape {
            n: dims[0][conv.lhs.feature],
            c: dims[0][conv.lhs.batch],
            o: dims[1][conv.rhs.feature],
            groups: conv.batch_groups,
            ..spatial(
                &x,
                &k,
                &y,
                &w.dilation,
                &w.strides,
                w.padding.iter().map(|p| p.0),
            )?
        };
        let left = self.arranged(lhs, self.view(lhs).transpose(&swapped_order(&conv.lhs)));
        let right = self.arranged(rhs, self.view(rhs).transpose(&order(&conv.rhs)));
        Some(Canonical {
            shape,
            pass: ConvPass::KernelGradient,
            left,
            right,
        })
    }

    /// Adds the step of a convolution and, if need be, the copy of its result.
    fn call_conv(&mut self, kernel: Kernel, canonical: &Canonical, conv: &Conv, output: Value) {
        let Canonical {
            shape: s,
            pass,
            left,
            right,
        } = canonical;
        let (kernel, right) = self.packed_kernel(kernel, *right, s);
        let scratch = match &kernel {
            Kernel::Conv {
                plan,
                packed: false,
                ..
            } => plan.scratch_len(),
            Kernel::ConvGradient(plan) => plan.scratch_len(),
            Kernel::Depthwise(plan) => plan.scratch_len(),
            _ => 0,
        };
        let flops = 2 * s.multiply_adds() as u64;
        self.out.flops = self.out.flops.saturating_add(flops);
        let way = match &kernel {
            Kernel::Conv { plan, .. } if plan.is_winograd() => ", Winograd",
            Kernel::ConvGradient(plan) if plan.is_winograd() => ", Winograd",
            _ => "",
        };
        let packed = match &kernel {
            Kernel::Conv { packed: true, .. } => ", packed",
            _ => "",
        };
        let (name, to) = match pass {
            ConvPass::Forward => ("convolution", order(&conv.out)),
            ConvPass::InputGradient => ("convolution's input gradient", order(&conv.out)),
            ConvPass::KernelGradient => ("convolution's kernel gradient", kernel_order(&conv.out)),
        };
        let image = [s.n, s.h, s.w, s.c];
        let window = [s.kh, s.kw, s.c / s.groups, s.o];
        let note = format!("{name} {image:?} * {window:?}{way}{packed}");
        let made = ArrangedOutputs {
            outputs: &[output],
            to: &to,
            scratch,
        };
        self.call_arranged(kernel, &[*left, right], made, note);
    }
}

/// The kernel of a pass, if its shape makes sense.
fn plan(canonical: &Canonical, winograd: bool) -> Option<Kernel> {
    let Canonical { shape, pass, .. } = canonical;
    let depthwise = shape.groups > 1 && shape.groups == shape.c;
    let conv_kernel = |p: ConvPlan, channels| Kernel::Conv {
        plan: Box::new(if winograd { p.with_winograd() } else { p }),
        channels,
        packed: false,
    };
    let gradient = |p: KernelGradientPlan| Box::new(if winograd { p.with_winograd() } else { p });
    let depthwise_kernel = |p: DepthwisePlan| Kernel::Depthwise(Box::new(p));
    let kernel = match (pass, depthwise) {
        (_, true) => DepthwisePlan::new(shape, *pass).map(depthwise_kernel),
        (ConvPass::Forward, false) => ConvPlan::forward(shape).map(|p| conv_kernel(p, shape.o)),
        (ConvPass::InputGradient, false) => {
            ConvPlan::input_gradient(shape).map(|p| conv_kernel(p, shape.c))
        }
        (ConvPass::KernelGradient, false) => {
            KernelGradientPlan::new(shape).map(|p| Kernel::ConvGradient(gradient(p)))
        }
    };
    kernel.ok()
}

impl Lowerer<'_> {
    /// The kernel as it is packed before the program runs, if that pays.
    fn packed_kernel(
        &mut self,
        kernel: Kernel,
        right: BufferRange,
        shape: &Conv2dShape,
    ) -> (Kernel, BufferRange) {
        let Kernel::Conv { plan, channels, .. } = kernel else {
            return (kernel, right);
        };
        let pixels = shape.n * shape.oh * shape.ow;
        let rows = match plan.is_winograd() {
            true => pixels / WINOGRAD_TILE,
            false => pixels,
        };
        let layout = || PackLayout::Kernel(plan.clone());
        let packed = worthwhile(rows)
            .then(|| self.pack(right, layout()))
            .flatten();
        let kernel = Kernel::Conv {
            plan,
            channels,
            packed: packed.is_some(),
        };
        (kernel, packed.unwrap_or(right))
    }
}

/// The spatial part of a shape.
fn spatial(
    image: &[usize],
    kernel: &[usize],
    result: &[usize],
    strides: &[usize],
    dilation: &[usize],
    padding: impl Iterator<Item = i64>,
) -> Option<Conv2dShape> {
    let padding: Vec<isize> = padding
        .map(isize::try_from)
        .collect::<Result<_, _>>()
        .ok()?;
    let [h, w] = pair(image, 1);
    let [kh, kw] = pair(kernel, 1);
    let [oh, ow] = pair(result, 1);
    let [stride_h, stride_w] = pair(strides, 1);
    let [dilation_h, dilation_w] = pair(dilation, 1);
    let (pad_top, pad_left) = match *padding {
        [left] => (0, left),
        [top, left] => (top, left),
        _ => return None,
    };
    Some(Conv2dShape {
        n: 0,
        h,
        w,
        c: 0,
        kh,
        kw,
        o: 0,
        stride_h,
        stride_w,
        dilation_h,
        dilation_w,
        pad_top,
        pad_left,
        groups: 1,
        oh,
        ow,
    })
}

/// A kernel read backwards, of these sizes and `[groups, channels, filters]`. Its output features are the image's channels, group
/// by group.
fn backwards_kernel(
    kernel: View,
    conv: &Conv,
    sizes: &[usize],
    groups: [usize; 3],
) -> Option<View> {
    let rank = sizes.len();
    let forwards = (0..rank).filter(|&i| !conv.reversal[i]);
    let forwards: Vec<usize> = forwards.map(|i| conv.rhs.spatial[i]).collect();
    let order = [&conv.rhs.spatial[..], &[conv.rhs.feature, conv.rhs.batch]].concat();
    let mut swap: Vec<usize> = (0..rank).collect();
    swap.extend([rank + 1, rank, rank + 2]);
    let kernel = kernel.reverse(&forwards).transpose(&order);
    Some(kernel.reshape(&[sizes, &groups].concat())?.transpose(&swap))
}
