//! Convolutions, brought to images with channels last. Gradients arrive as convolutions with dilated operands, reversed
//! kernels and exchanged roles, and are recognised by that.

use refrain_graph::{Conv, ConvLayout, DType, Node, Value};

use super::Lowerer;
use super::pack::worthwhile;
use crate::kernels::conv::{Conv2dShape, ConvPlan};
use crate::kernels::conv_kernel::KernelGradientPlan;
use crate::kernels::depthwise::DepthwisePlan;
use crate::library::Kernel;
use crate::plan::{Buf, BufInfo, Home, PackLayout, Ref};
use crate::sources::dims_of;
use crate::view::View;

/// Sizes along the one or two spatial dimensions; height is 1 if there is one.
type Pair = [usize; 2];

/// Results of one of Winograd's tiles.
const WINOGRAD_TILE: usize = 16;

/// A convolution in canonical form, ready to be planned.
struct Canonical {
    shape: Conv2dShape,
    pass: Pass,
    left: (Buf, usize),
    right: (Buf, usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Forward,
    InputGradient,
    KernelGradient,
}

fn pair(spatial: &[usize], alone: usize) -> Pair {
    match *spatial {
        [w] => [alone, w],
        [h, w] => [h, w],
        _ => [alone, alone],
    }
}

/// Batch, spatial and feature dimensions in this order.
fn order(layout: &ConvLayout) -> Vec<usize> {
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
fn kernel_order(layout: &ConvLayout) -> Vec<usize> {
    let mut order = layout.spatial.clone();
    order.extend([layout.batch, layout.feature]);
    order
}

impl Lowerer<'_> {
    pub(super) fn convolution(&mut self, node: Node, conv: &Conv) -> bool {
        let output = self.graph.outputs(node)[0];
        let (lhs, rhs) = (self.graph.inputs(node)[0], self.graph.inputs(node)[1]);
        let dims = [lhs, rhs, output].map(|v| dims_of(self.graph, v));
        let spec = self.graph.spec(output).clone();
        let supported =
            (1..=2).contains(&conv.lhs.spatial.len()) && !dims.iter().any(|d| d.contains(&0));
        if spec.dtype != DType::F32 || !supported {
            return false;
        }
        let view = self.sources.get(lhs).view;
        let contiguous = |order: &[usize]| view.transpose(order).is_contiguous();
        let exchanged = contiguous(&swapped_order(&conv.lhs)) && !contiguous(&order(&conv.lhs));
        let plain = conv.window.base_dilation.iter().all(|&d| d == 1);
        let found = if plain && conv.feature_groups == 1 && (exchanged || conv.batch_groups > 1) {
            self.kernel_gradient(conv, lhs, rhs, &dims)
        } else if conv.batch_groups > 1 {
            None
        } else if plain && !conv.reversal.iter().all(|&r| r) {
            self.forward(conv, lhs, rhs, &dims)
        } else {
            self.input_gradient(conv, lhs, rhs, &dims)
        };
        let Some(canonical) = found else { return false };
        let to = match canonical.pass {
            Pass::KernelGradient => kernel_order(&conv.out),
            _ => order(&conv.out),
        };
        self.call_conv(&canonical, output, &to)
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
        let left = self.arranged(lhs, |v| v.transpose(&order(&conv.lhs)));
        let right = self.arranged(rhs, |v| {
            v.reverse(&backwards).transpose(&kernel_order(&conv.rhs))
        });
        Some(Canonical {
            shape,
            pass: Pass::Forward,
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
        let forwards = (0..k.len())
            .filter(|&i| !conv.reversal[i])
            .map(|i| conv.rhs.spatial[i]);
        let forwards: Vec<usize> = forwards.collect();
        // The kernel's output features are the image's channels, group by group: [k, groups, c / groups, o / groups].
        let order = {
            let mut order = conv.rhs.spatial.clone();
            order.extend([conv.rhs.feature, conv.rhs.batch]);
            order
        };
        let rank = k.len();
        let mut grouped = k.clone();
        grouped.extend([groups, c / groups, o / groups]);
        let mut flat = k.clone();
        flat.extend([c / groups, o]);
        let mut swap: Vec<usize> = (0..rank).collect();
        swap.extend([rank + 1, rank, rank + 2]);
        let left = self.arranged(lhs, |v| v.transpose(&self::order(&conv.lhs)));
        let mut fits = true;
        let right = self.arranged(rhs, |v| {
            let v = v.reverse(&forwards).transpose(&order);
            match v.reshape(&grouped) {
                Some(v) => v.transpose(&swap),
                None => {
                    fits = false;
                    v
                }
            }
        });
        fits.then_some(Canonical {
            shape,
            pass: Pass::InputGradient,
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
        let left = self.arranged(lhs, |v| v.transpose(&swapped_order(&conv.lhs)));
        let right = self.arranged(rhs, |v| v.transpose(&order(&conv.rhs)));
        Some(Canonical {
            shape,
            pass: Pass::KernelGradient,
            left,
            right,
        })
    }

    /// A value's elements side by side in another order.
    fn arranged(&mut self, value: Value, f: impl FnOnce(&View) -> View) -> (Buf, usize) {
        let Ref { buf, view } = self.operand(value);
        let view = f(&view);
        let dtype = self.graph.spec(value).dtype;
        if view.is_contiguous() {
            return (buf, view.offset * dtype.size());
        }
        let bytes = view.numel() * dtype.size();
        let copy = self.out.buffers.push(BufInfo {
            dtype,
            bytes,
            home: Home::Arena,
        });
        let dense = View::dense(&view.dims);
        self.copy(Ref { buf, view }, copy, dense, dtype.size());
        (copy, 0)
    }

    /// Adds the step; `to` are the output's dimensions in the order in which the kernel writes them.
    fn call_conv(&mut self, canonical: &Canonical, output: Value, to: &[usize]) -> bool {
        let Canonical {
            shape,
            pass,
            left,
            right,
        } = canonical;
        let depthwise = shape.groups > 1 && shape.groups == shape.c;
        let winograd = self.options.winograd;
        let convolve = |p: ConvPlan| if winograd { p.with_winograd() } else { p };
        let gradient = |p: KernelGradientPlan| if winograd { p.with_winograd() } else { p };
        let kernel = match (pass, depthwise) {
            (Pass::Forward, true) => {
                DepthwisePlan::forward(shape).map(|p| Kernel::Depthwise(Box::new(p)))
            }
            (Pass::InputGradient, true) => {
                DepthwisePlan::input_gradient(shape).map(|p| Kernel::Depthwise(Box::new(p)))
            }
            (Pass::KernelGradient, true) => {
                DepthwisePlan::kernel_gradient(shape).map(|p| Kernel::Depthwise(Box::new(p)))
            }
            (Pass::Forward, false) => {
                ConvPlan::forward(shape).map(|p| Kernel::Conv(Box::new(convolve(p)), shape.o))
            }
            (Pass::InputGradient, false) => ConvPlan::input_gradient(shape)
                .map(|p| Kernel::Conv(Box::new(convolve(p)), shape.c)),
            (Pass::KernelGradient, false) => {
                KernelGradientPlan::new(shape).map(|p| Kernel::ConvGradient(Box::new(gradient(p))))
            }
        };
        let Ok(kernel) = kernel else { return false };
        let (kernel, right) = self.packed_kernel(kernel, *right, shape);
        let scratch = match &kernel {
            Kernel::Conv(plan, _) => plan.scratch_len(),
            Kernel::ConvGradient(plan) => plan.scratch_len(),
            Kernel::Depthwise(plan) => plan.scratch_len(),
            _ => 0,
        };
        let out = self.buf(output);
        let direct = to.iter().copied().eq(0..to.len());
        let spec = self.graph.spec(output).clone();
        let target = if direct {
            out
        } else {
            self.buffer(&spec, Home::Arena)
        };
        let mut writes = vec![target];
        if scratch > 0 {
            let bytes = scratch * size_of::<f32>();
            writes.push(self.out.buffers.push(BufInfo {
                dtype: DType::F32,
                bytes,
                home: Home::Arena,
            }));
        }
        let flops = 2 * shape.multiply_adds() as u64;
        self.out.flops = self.out.flops.saturating_add(flops);
        let way = match &kernel {
            Kernel::Conv(plan, _) | Kernel::PackedConv(plan, _) if plan.is_winograd() => {
                ", Winograd"
            }
            Kernel::ConvGradient(plan) if plan.is_winograd() => ", Winograd",
            _ => "",
        };
        let packed = match &kernel {
            Kernel::PackedConv(..) => ", packed",
            _ => "",
        };
        let name = match pass {
            Pass::Forward => "convolution",
            Pass::InputGradient => "convolution's input gradient",
            Pass::KernelGradient => "convolution's kernel gradient",
        };
        let s = shape;
        let note = format!(
            "{name} [{}, {}, {}, {}] * [{}, {}, {}, {}]{way}{packed}",
            s.n,
            s.h,
            s.w,
            s.c,
            s.kh,
            s.kw,
            s.c / s.groups,
            s.o
        );
        self.call(kernel, vec![*left, right], writes, note);
        if !direct {
            let dims = dims_of(self.graph, output);
            let view = View::dense(&dims).transpose(to);
            let src = Ref {
                buf: target,
                view: View::dense(&view.dims),
            };
            self.copy(src, out, view, spec.dtype.size());
        }
        true
    }
}

impl Lowerer<'_> {
    /// The kernel as it is packed before the program runs, if that pays.
    fn packed_kernel(
        &mut self,
        kernel: Kernel,
        right: (Buf, usize),
        shape: &Conv2dShape,
    ) -> (Kernel, (Buf, usize)) {
        let Kernel::Conv(plan, channels) = kernel else {
            return (kernel, right);
        };
        let pixels = shape.n * shape.oh * shape.ow;
        let rows = match plan.is_winograd() {
            true => pixels / WINOGRAD_TILE,
            false => pixels,
        };
        let first = right.1 / size_of::<f32>();
        let layout = || PackLayout::Kernel(plan.clone());
        match worthwhile(rows).then(|| self.pack(right.0, first, layout())) {
            Some(Some(packed)) => (Kernel::PackedConv(plan, channels), (packed, 0)),
            _ => (Kernel::Conv(plan, channels), right),
        }
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
