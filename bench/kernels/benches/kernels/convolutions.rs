//! Convolutions of images, and their gradients.

use criterion::Criterion;
use refrain_cpu::Pool;
use refrain_cpu::bench::{Conv2dShape, ConvPass, ConvPlan, DepthwisePlan, KernelGradientPlan};

use super::{data, group};

/// Images, their size, channels, filters, size of the kernel, stride.
const CONVOLUTIONS: [[usize; 6]; 7] = [
    [32, 28, 1, 32, 3, 1],
    [32, 28, 32, 64, 3, 1],
    [64, 32, 16, 16, 3, 1],
    [64, 16, 32, 64, 3, 2],
    [64, 8, 64, 64, 3, 1],
    [32, 32, 32, 64, 1, 1],
    [64, 32, 16, 32, 1, 2],
];

/// Images, their size, channels, stride.
const DEPTHWISE: [[usize; 4]; 3] = [[32, 32, 32, 1], [32, 32, 64, 2], [32, 16, 128, 1]];

fn shape([n, size, c, o, k, stride]: [usize; 6], groups: usize) -> Conv2dShape {
    let out = size.div_ceil(stride);
    let padding = ((out - 1) * stride + k).saturating_sub(size);
    Conv2dShape {
        n,
        h: size,
        w: size,
        c,
        kh: k,
        kw: k,
        o,
        stride_h: stride,
        stride_w: stride,
        dilation_h: 1,
        dilation_w: 1,
        pad_top: (padding / 2) as isize,
        pad_left: (padding / 2) as isize,
        groups,
        oh: out,
        ow: out,
    }
}

/// Input, kernel and output of a convolution.
struct Arrays {
    x: Vec<f32>,
    w: Vec<f32>,
    y: Vec<f32>,
}

impl Arrays {
    fn of(s: &Conv2dShape) -> Self {
        Arrays {
            x: data(s.n * s.h * s.w * s.c),
            w: data(s.kh * s.kw * s.c / s.groups * s.o),
            y: data(s.n * s.oh * s.ow * s.o),
        }
    }

    fn floats(&self) -> usize {
        self.x.len() + self.w.len() + self.y.len()
    }
}

/// Measures them.
pub fn run(criterion: &mut Criterion, pool: &Pool) {
    for sizes in CONVOLUTIONS {
        convolution(criterion, pool, sizes);
    }
    for [n, size, c, stride] in DEPTHWISE {
        depthwise(criterion, pool, [n, size, c, c, 3, stride]);
    }
}

fn convolution(criterion: &mut Criterion, pool: &Pool, sizes: [usize; 6]) {
    let [n, size, c, o, k, stride] = sizes;
    let shape = shape(sizes, 1);
    let Arrays {
        mut x,
        mut w,
        mut y,
    } = Arrays::of(&shape);
    let (flops, floats) = (
        2 * shape.multiply_adds() as u64,
        Arrays::of(&shape).floats(),
    );
    let mut measure = |pass: &str, run: &mut dyn FnMut()| {
        let name = format!("conv {n}x{size}x{size}x{c} to {o}, {k}x{k}, stride {stride}, {pass}");
        let mut group = group(criterion, name, flops, floats);
        group.bench_function("refrain", |bench| bench.iter(&mut *run));
        group.finish();
    };
    let plan = ConvPlan::forward(&shape).expect("a shape that fits itself");
    let mut scratch = vec![0f32; plan.scratch_len()];
    measure("forward", &mut || {
        plan.run(pool, &x, &w, &mut y, &mut scratch, None)
            .expect("the lengths fit");
    });
    let plan = KernelGradientPlan::new(&shape).expect("a shape that fits itself");
    let mut scratch = vec![0f32; plan.scratch_len()];
    measure("kernel gradient", &mut || {
        plan.run(pool, &x, &y, &mut w, &mut scratch)
            .expect("the lengths fit");
    });
    let plan = ConvPlan::input_gradient(&shape).expect("a shape that fits itself");
    let mut scratch = vec![0f32; plan.scratch_len()];
    measure("input gradient", &mut || {
        plan.run(pool, &y, &w, &mut x, &mut scratch, None)
            .expect("the lengths fit");
    });
}

fn depthwise(criterion: &mut Criterion, pool: &Pool, sizes: [usize; 6]) {
    let [n, size, c, _, k, stride] = sizes;
    let shape = shape(sizes, c);
    let Arrays {
        mut x,
        mut w,
        mut y,
    } = Arrays::of(&shape);
    let (flops, floats) = (
        2 * shape.multiply_adds() as u64,
        Arrays::of(&shape).floats(),
    );
    let mut measure =
        |pass: &str, plan: DepthwisePlan, run: &mut dyn FnMut(&DepthwisePlan, &mut [f32])| {
            let name = format!("depthwise {n}x{size}x{size}x{c}, {k}x{k}, stride {stride}, {pass}");
            let mut scratch = vec![0f32; plan.scratch_len()];
            let mut group = group(criterion, name, flops, floats);
            group.bench_function("refrain", |bench| bench.iter(|| run(&plan, &mut scratch)));
            group.finish();
        };
    let planned = |pass| DepthwisePlan::new(&shape, pass).expect("a shape that fits itself");
    measure(
        "forward",
        planned(ConvPass::Forward),
        &mut |plan, scratch| {
            plan.run(pool, &x, &w, &mut y, scratch)
                .expect("the lengths fit");
        },
    );
    measure(
        "kernel gradient",
        planned(ConvPass::KernelGradient),
        &mut |plan, scratch| {
            plan.run(pool, &x, &y, &mut w, scratch)
                .expect("the lengths fit");
        },
    );
    measure(
        "input gradient",
        planned(ConvPass::InputGradient),
        &mut |plan, scratch| {
            plan.run(pool, &y, &w, &mut x, scratch)
                .expect("the lengths fit");
        },
    );
}
