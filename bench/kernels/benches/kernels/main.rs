//! refrain-cpu's kernels with one thread, products beside the crate `gemm`. A group's name says its shape; `bench_operators.py`
//! reads it to measure PyTorch on the same.

mod convolutions;
mod programs;

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use refrain_cpu::Pool;
use refrain_cpu::bench::{Matrix, Product, Right, pack_right, packed_len};

/// Time of a measurement: enough for ten of the slowest kernels.
const MEASURE: Duration = Duration::from_millis(1500);
const WARM_UP: Duration = Duration::from_millis(300);
const SAMPLES: usize = 20;

/// How the operands of a product lie.
#[derive(Clone, Copy)]
enum Operands {
    /// Both row by row.
    Rows,
    /// The left one column by column, as in gradients of weights.
    LeftTurned,
    /// The right one column by column, as in gradients of inputs.
    RightTurned,
    /// The right one arranged beforehand, as weights can be.
    RightPacked,
}

/// Rows, inner size, columns: square, tall, flat, odd, one row; the gradients of a dense layer; weights that stay the same.
const PRODUCTS: [([usize; 3], Operands); 13] = [
    ([64, 64, 64], Operands::Rows),
    ([256, 256, 256], Operands::Rows),
    ([1024, 1024, 1024], Operands::Rows),
    ([25088, 288, 64], Operands::Rows),
    ([288, 25088, 64], Operands::Rows),
    ([128, 784, 1024], Operands::Rows),
    ([123, 457, 89], Operands::Rows),
    ([32, 256, 1024], Operands::Rows),
    ([1, 1024, 1024], Operands::Rows),
    ([784, 128, 1024], Operands::LeftTurned),
    ([128, 1024, 784], Operands::RightTurned),
    ([128, 784, 1024], Operands::RightPacked),
    ([1, 1024, 1024], Operands::RightPacked),
];

/// Numbers between -1 and 1.
pub fn data(len: usize) -> Vec<f32> {
    (0..len)
        .map(|i| ((i * 7919) % 1000) as f32 / 500.0 - 1.0)
        .collect()
}

/// A group for a kernel that does so many operations on so many floats.
pub fn group<'c>(
    criterion: &'c mut Criterion,
    name: String,
    flops: u64,
    floats: usize,
) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::ElementsAndBytes {
        elements: flops,
        bytes: (floats * size_of::<f32>()) as u64,
    });
    group
}

fn products(criterion: &mut Criterion, pool: &Pool) {
    for (sizes, operands) in PRODUCTS {
        product(criterion, pool, sizes, operands);
    }
}

fn product(criterion: &mut Criterion, pool: &Pool, [m, k, n]: [usize; 3], operands: Operands) {
    let (a, b, mut c) = (data(m * k), data(k * n), vec![0f32; m * n]);
    let (left, right, lie) = match operands {
        Operands::Rows => (Matrix::row_major(&a, k), Matrix::row_major(&b, n), ""),
        Operands::LeftTurned => (
            Matrix::strided(&a, 1, m),
            Matrix::row_major(&b, n),
            ", left turned",
        ),
        Operands::RightTurned => (
            Matrix::row_major(&a, k),
            Matrix::strided(&b, 1, k),
            ", right turned",
        ),
        Operands::RightPacked => (
            Matrix::row_major(&a, k),
            Matrix::row_major(&b, n),
            ", right packed",
        ),
    };
    let (flops, floats) = (2 * m * n * k, m * k + k * n + m * n);
    let mut group = group(
        criterion,
        format!("product {m}x{k}x{n}{lie}"),
        flops as u64,
        floats,
    );
    let mut packed = vec![0f32; packed_len(pool, k, n)];
    pack_right(pool, &right, k, n, &mut packed).expect("the lengths fit");
    let own = match operands {
        Operands::RightPacked => Right::Packed(&packed),
        _ => Right::Matrix(right),
    };
    let mut scratch = vec![0f32; Product::scratch_len(1, m, n, k)];
    let product = Product::new(m, n, k, left, own);
    group.bench_function("refrain", |bench| {
        bench.iter(|| {
            product
                .run(pool, &mut c, &mut scratch)
                .expect("the lengths fit")
        });
    });
    group.bench_function("gemm", |bench| {
        // SAFETY: the matrices have these sizes and strides.
        bench.iter(|| unsafe {
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
                0f32,
                1f32,
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
        });
    });
    group.finish();
}

fn main() {
    let pool = Pool::new(1);
    let criterion = Criterion::default()
        .measurement_time(MEASURE)
        .warm_up_time(WARM_UP);
    let mut criterion = criterion.sample_size(SAMPLES).configure_from_args();
    products(&mut criterion, &pool);
    convolutions::run(&mut criterion, &pool);
    programs::run(&mut criterion);
    criterion.final_summary();
}
