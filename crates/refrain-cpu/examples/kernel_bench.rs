//! Measures kernels: `cargo run --release -p refrain-cpu --example kernel_bench [part of a name]`.

#![allow(missing_docs)]

use refrain_cpu::Pool;
use refrain_cpu::kernels::conv::{Conv2dShape, ConvPlan};
use refrain_cpu::kernels::conv_kernel::KernelGradientPlan;
use refrain_cpu::kernels::depthwise::DepthwisePlan;
use refrain_cpu::kernels::gemm::{Product, Right, pack_right, packed_len};
use refrain_cpu::kernels::pack::Matrix;
use std::time::Instant;

/// Least time measured per kernel, seconds.
const MEASURE: f64 = 0.2;

fn data(len: usize) -> Vec<f32> {
    (0..len)
        .map(|i| ((i * 7919) % 1000) as f32 / 500.0 - 1.0)
        .collect()
}

struct Bench {
    filter: Option<String>,
    pool: Pool,
}

impl Bench {
    /// Prints the best time and the rate.
    fn measure(&self, name: &str, flops: f64, mut body: impl FnMut(&Pool)) {
        if self
            .filter
            .as_ref()
            .is_some_and(|f| !name.contains(f.as_str()))
        {
            return;
        }
        body(&self.pool);
        let (mut best, begin) = (f64::INFINITY, Instant::now());
        while begin.elapsed().as_secs_f64() < MEASURE {
            let start = Instant::now();
            body(&self.pool);
            best = best.min(start.elapsed().as_secs_f64());
        }
        println!(
            "{name:<44} {:>10.1} µs {:>8.1} GFLOP/s",
            best * 1e6,
            flops / best / 1e9
        );
    }

    fn conv(&self, n: usize, size: usize, c: usize, k: usize, o: usize, stride: usize) {
        let out = size.div_ceil(stride);
        let pad = (((out - 1) * stride + k).saturating_sub(size) / 2) as isize;
        let shape = Conv2dShape {
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
            pad_top: pad,
            pad_left: pad,
            groups: 1,
            oh: out,
            ow: out,
        };
        let (mut x, mut w, mut y) = (
            data(n * size * size * c),
            data(k * k * c * o),
            data(n * out * out * o),
        );
        let flops = 2.0 * shape.multiply_adds() as f64;
        let name = format!("conv {n}x{size}x{size}x{c}->{o} {k}x{k}/{stride}");
        let forward = ConvPlan::forward(&shape).unwrap();
        let mut scratch = vec![0.0; forward.scratch_len()];
        self.measure(&format!("{name} forward"), flops, |pool| {
            forward
                .run(pool, &x, &w, &mut y, &mut scratch, None)
                .unwrap();
        });
        let plan = KernelGradientPlan::new(&shape).unwrap();
        let mut scratch = vec![0.0; plan.scratch_len()];
        self.measure(&format!("{name} kernel grad"), flops, |pool| {
            plan.run(pool, &x, &y, &mut w, &mut scratch).unwrap();
        });
        let plan = ConvPlan::input_gradient(&shape).unwrap();
        let mut scratch = vec![0.0; plan.scratch_len()];
        self.measure(&format!("{name} input grad"), flops, |pool| {
            plan.run(pool, &y, &w, &mut x, &mut scratch, None).unwrap();
        });
    }

    fn depthwise(&self, n: usize, size: usize, c: usize, stride: usize) {
        let out = size.div_ceil(stride);
        let shape = Conv2dShape {
            n,
            h: size,
            w: size,
            c,
            kh: 3,
            kw: 3,
            o: c,
            stride_h: stride,
            stride_w: stride,
            dilation_h: 1,
            dilation_w: 1,
            pad_top: (stride == 1).into(),
            pad_left: (stride == 1).into(),
            groups: c,
            oh: out,
            ow: out,
        };
        let (mut x, mut w, mut y) = (
            data(n * size * size * c),
            data(9 * c),
            data(n * out * out * c),
        );
        let flops = 2.0 * shape.multiply_adds() as f64;
        let name = format!("depthwise {n}x{size}x{size}x{c} 3x3/{stride}");
        let plan = DepthwisePlan::forward(&shape).unwrap();
        let mut scratch = vec![0.0; plan.scratch_len()];
        self.measure(&format!("{name} forward"), flops, |pool| {
            plan.run(pool, &x, &w, &mut y, &mut scratch).unwrap();
        });
        let plan = DepthwisePlan::kernel_gradient(&shape).unwrap();
        let mut scratch = vec![0.0; plan.scratch_len()];
        self.measure(&format!("{name} kernel grad"), flops, |pool| {
            plan.run(pool, &x, &y, &mut w, &mut scratch).unwrap();
        });
        let plan = DepthwisePlan::input_gradient(&shape).unwrap();
        let mut scratch = vec![0.0; plan.scratch_len()];
        self.measure(&format!("{name} input grad"), flops, |pool| {
            plan.run(pool, &y, &w, &mut x, &mut scratch).unwrap();
        });
    }

    fn gemm(&self, m: usize, n: usize, k: usize, ta: bool, tb: bool) {
        let (a, b) = (data(m * k), data(k * n));
        let mut c = vec![0.0; m * n];
        let flops = 2.0 * (m * n * k) as f64;
        let name = format!(
            "gemm {m}x{n}x{k}{}{}",
            if ta { " At" } else { "" },
            if tb { " Bt" } else { "" }
        );
        let left = if ta {
            Matrix::strided(&a, 1, m)
        } else {
            Matrix::row_major(&a, k)
        };
        let right = if tb {
            Matrix::strided(&b, 1, k)
        } else {
            Matrix::row_major(&b, n)
        };
        let mut scratch = vec![0.0; Product::scratch_len(1, m, n, k)];
        let product = Product::new(m, n, k, left, Right::Matrix(right));
        self.measure(&name, flops, |pool| {
            product.run(pool, &mut c, &mut scratch).unwrap()
        });
        let mut packed = vec![0.0; packed_len(&self.pool, k, n)];
        pack_right(&self.pool, &right, k, n, &mut packed).unwrap();
        let product = Product::new(m, n, k, left, Right::Packed(&packed));
        self.measure(&format!("{name} packed"), flops, |pool| {
            product.run(pool, &mut c, &mut scratch).unwrap()
        });
        self.measure(&format!("{name} crate"), flops, |_| {
            // SAFETY: the matrices have these sizes and strides.
            #[allow(unsafe_code)]
            unsafe {
                gemm::gemm(
                    m,
                    n,
                    k,
                    c.as_mut_ptr(),
                    1,
                    n as isize,
                    false,
                    a.as_ptr(),
                    left.col_stride as isize,
                    left.row_stride as isize,
                    b.as_ptr(),
                    right.col_stride as isize,
                    right.row_stride as isize,
                    0.0,
                    1.0,
                    false,
                    false,
                    false,
                    gemm::Parallelism::None,
                );
            }
        });
    }
}

fn main() {
    let bench = Bench {
        filter: std::env::args().nth(1),
        pool: Pool::new(
            std::env::var("REFRAIN_NUM_THREADS")
                .ok()
                .and_then(|s| s.parse().ok())
                .unwrap_or(1),
        ),
    };
    println!(
        "{} threads, {}",
        bench.pool.threads(),
        bench.pool.simd().level()
    );
    bench.measure("pool 2 empty tasks", 0.0, |pool| pool.run(2, &|_| {}));
    for (n, size, c, k, o, stride) in [
        (32, 28, 1, 3, 32, 1),
        (32, 28, 32, 3, 64, 1),
        (64, 32, 3, 3, 16, 1),
        (64, 32, 16, 3, 16, 1),
        (64, 32, 16, 3, 32, 2),
        (64, 16, 32, 3, 32, 1),
        (64, 16, 32, 3, 64, 2),
        (64, 8, 64, 3, 64, 1),
        (64, 32, 16, 1, 32, 2),
        (32, 14, 256, 1, 256, 1),
        (8, 14, 256, 3, 256, 1),
        (8, 112, 3, 7, 64, 2),
    ] {
        bench.conv(n, size, c, k, o, stride);
    }
    for (size, c, stride) in [(112, 32, 1), (56, 128, 1), (56, 128, 2), (14, 512, 1)] {
        bench.depthwise(32, size, c, stride);
    }
    for (m, n, k) in [
        (1024, 1024, 1024),
        (25088, 64, 288),
        (25088, 32, 288),
        (4096, 16, 144),
        (32, 1024, 1024),
        (32, 128, 784),
        (128, 10, 128),
        (784, 128, 32),
        (288, 64, 25088),
        (32, 256, 64),
        (1, 1024, 1024),
        (4, 256, 256),
        (64, 64, 64),
        (8, 8, 8),
    ] {
        bench.gemm(m, n, k, false, false);
    }
    for (m, n, k) in [
        (784, 128, 32),
        (32, 784, 128),
        (512, 512, 512),
        (288, 64, 25088),
    ] {
        bench.gemm(m, n, k, true, false);
        bench.gemm(m, n, k, false, true);
    }
}
