//! Every kernel on random shapes, the odd ones too, at every SIMD level and with one and two threads, against the interpreter.
//!
//! A failure names its seed; `SEEDS=first..end` asks for others.

#[path = "../common/mod.rs"]
mod common;
mod halves;
mod lines;
mod lookups;
mod maps;
mod products;
mod windows;

use common::check;
use common::models::{B, Made};
use common::retyped::retyped;
use refrain_cpu::{CompileOptions, Executable};
use refrain_graph::philox::Philox;
use refrain_graph::{DType, Graph, Op, Reduction, Shape, Spec, UnaryOp, Value, grad};

/// One, primes, powers of two, and one more or less than widths of registers and tiles.
const SIZES: [usize; 16] = [1, 1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 31, 33, 64, 65, 97];

/// Writes a program of one kernel, and what belongs to it, of random shape.
struct Maker {
    b: B,
    rng: Philox,
    inputs: usize,
    /// The type of operands.
    dtype: DType,
}

impl Maker {
    fn new(seed: u64) -> Self {
        Maker {
            b: B::new(),
            rng: Philox::new(seed),
            inputs: 0,
            dtype: DType::F32,
        }
    }

    /// A number from 0 to `n`, exclusive.
    fn below(&mut self, n: usize) -> usize {
        self.rng.below(n as u64) as usize
    }

    fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// One of [`SIZES`] up to a limit.
    fn size(&mut self, most: usize) -> usize {
        let count = SIZES.iter().filter(|&&s| s <= most.max(1)).count();
        self.pick(&SIZES[..count])
    }

    /// Dimensions of at most so many elements.
    fn dims(&mut self, rank: usize, most: usize) -> Vec<usize> {
        let mut left = most;
        let mut dims: Vec<usize> = (0..rank)
            .map(|_| {
                let size = self.size(left);
                left /= size;
                size
            })
            .collect();
        self.rng.shuffle(&mut dims);
        dims
    }

    fn shuffled(&mut self, count: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..count).collect();
        self.rng.shuffle(&mut all);
        all
    }

    /// Some of `0..count`, in order.
    fn some_of(&mut self, count: usize) -> Vec<usize> {
        (0..count).filter(|_| self.once_in(2)).collect()
    }

    /// A new input or variable.
    fn param(&mut self, dims: &[usize], dtype: DType) -> Value {
        self.inputs += 1;
        let spec = Spec::new(Shape::from(dims), dtype);
        match self.once_in(2) {
            true => self.b.g.input(format!("x{}", self.inputs), spec),
            false => self.b.g.variable(format!("v{}", self.inputs), spec),
        }
    }

    /// A value of these dimensions that lies in memory as it is, turned, or with gaps.
    fn operand(&mut self, dims: &[usize]) -> Made<Value> {
        let rank = dims.len();
        match self.below(3) {
            0 => {
                let perm = self.shuffled(rank);
                let mut from = vec![0; rank];
                perm.iter().zip(dims).for_each(|(&p, &d)| from[p] = d);
                let x = self.param(&from, self.dtype);
                self.b.g.push(Op::Transpose(perm), &[x])
            }
            1 if rank > 0 => {
                let (at, stride) = (self.below(rank), 1 + self.below(2));
                let mut from = dims.to_vec();
                from[at] = from[at] * stride + 2;
                let mut starts = vec![0; rank];
                starts[at] = 1;
                let mut strides = vec![1; rank];
                strides[at] = stride;
                let mut limits: Vec<_> = dims.iter().map(|&d| Some(d)).collect();
                limits[at] = Some(1 + (dims[at] - 1) * stride + 1);
                let x = self.param(&from, self.dtype);
                let slice = Op::Slice {
                    starts,
                    limits,
                    strides,
                };
                self.b.g.push(slice, &[x])
            }
            _ => Ok(self.param(dims, self.dtype)),
        }
    }

    /// `y`, or with a bias along a dimension, a ReLU, another value added: what kernels finish their tiles with.
    fn finished(&mut self, mut y: Value, feature: Option<usize>) -> Made<Value> {
        let dims = self.b.dims(y);
        if let Some(at) = feature.filter(|_| !self.once_in(3)) {
            let bias = self.param(&[dims[at]], DType::F32);
            let bias = self.b.along(bias, at, y)?;
            y = self.b.add(y, bias)?;
        }
        if self.once_in(3) {
            let other = self.param(&dims, DType::F32);
            y = self.b.add(y, other)?;
        }
        match self.below(3) {
            0 => self.b.relu(y),
            1 if !dims.is_empty() => {
                // Bounded first, or rounding errors of the sums would count for much.
                let y = self.b.unary(UnaryOp::Tanh, y)?;
                self.b.softmax(y)
            }
            _ => Ok(y),
        }
    }

    /// Makes `y` a result, and the gradients of its sum, each element weighed.
    fn with_gradients(&mut self, y: Value, wrt: &[Value]) -> Made<()> {
        self.b.g.result(y);
        let dims = self.b.dims(y);
        let weights = self.param(&dims, DType::F32);
        let weighed = self.b.mul(y, weights)?;
        let all: Vec<usize> = (0..dims.len()).collect();
        let sum = self.b.reduce(Reduction::Sum, weighed, &all)?;
        for gradient in grad::gradients(&mut self.b.g, sum, wrt)? {
            self.b.g.result(gradient);
        }
        Ok(())
    }
}

/// Random programs of a family.
struct Family {
    make: fn(&mut Maker) -> Made<()>,
    programs: u64,
    /// What `f32` makes of the longest sums, for elements up to 2.
    tolerance: f64,
}

impl Family {
    fn check(&self) {
        for seed in common::seeds(0..self.programs) {
            check(&self.graph(seed), seed, self.tolerance);
        }
    }

    /// The programs of `f32` among a family's, with `f64` in its place.
    fn check_doubles(&self) {
        let mut compared = 0;
        for seed in common::seeds(0..self.programs) {
            // A few of other types have conversions that would now convert nothing.
            if let Ok(graph) = retyped(&self.graph(seed), DType::F64) {
                check(&graph, seed, self.tolerance);
                compared += 1;
            }
        }
        assert!(compared > 0, "no program was compared");
    }

    fn graph(&self, seed: u64) -> Graph {
        let mut maker = Maker::new(seed);
        (self.make)(&mut maker).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        maker.b.g
    }
}

/// Declares the families, each as a test, with what the plans of some of its programs must say.
macro_rules! families {
    ($($name:ident: $make:path, $programs:literal, $tolerance:literal, $reached:expr;)*) => {
        $(#[test]
        fn $name() {
            Family { make: $make, programs: $programs, tolerance: $tolerance }.check();
        })*

        #[test]
        fn every_kernel_is_reached() {
            $({
                let family = Family { make: $make, programs: $programs, tolerance: $tolerance };
                let plans: Vec<String> = (0..$programs).map(|seed| plan(&family.graph(seed))).collect();
                for said in $reached {
                    let some = plans.iter().any(|plan| plan.contains(said));
                    assert!(some, "no program of {} has {said:?}", stringify!($name));
                }
            })*
        }
    };
}

fn plan(graph: &Graph) -> String {
    let options = CompileOptions {
        threads: Some(2),
        ..CompileOptions::default()
    };
    let executable = Executable::compile(graph, &options).unwrap_or_else(|e| panic!("{e}"));
    executable.explain()
}

/// Declares the families whose programs are also compared with floats of 16 bits, with the units in the last place of a result's
/// largest number that are allowed.
macro_rules! halves {
    ($($name:ident: $make:path, $programs:literal, $units:literal;)*) => {
        $(#[test]
        fn $name() {
            Family { make: $make, programs: $programs, tolerance: 0.0 }.check_halves($units);
        })*
    };
}

halves! {
    products_of_halves: products::product, 100, 2.0;
    products_of_products_of_halves: products::gradients, 40, 2.0;
    loops_of_halves: products::recurrent, 20, 8.0;
    convolutions_of_halves: windows::convolution, 60, 2.0;
    convolutions_of_channels_of_halves: windows::channels, 30, 2.0;
    depthwise_convolutions_of_halves: windows::depthwise, 30, 2.0;
    pooling_of_halves: windows::pooling, 60, 2.0;
    lookups_of_halves: lookups::gather, 60, 0.0;
    scattering_of_halves: lookups::scatter, 60, 1.0;
    embeddings_of_halves: lookups::embedding, 20, 2.0;
    reductions_of_halves: maps::reduction, 100, 2.0;
    rows_of_halves: maps::rows, 40, 8.0;
    movement_of_halves: maps::movement, 100, 0.0;
}

/// Declares the families whose programs are also compared with `f64`.
macro_rules! doubles {
    ($($name:ident: $make:path, $programs:literal, $tolerance:literal;)*) => {
        $(#[test]
        fn $name() {
            Family { make: $make, programs: $programs, tolerance: $tolerance }.check_doubles();
        })*
    };
}

doubles! {
    products_of_doubles: products::product, 60, 1e-12;
    products_of_products_of_doubles: products::gradients, 40, 1e-11;
    loops_of_doubles: products::recurrent, 10, 1e-11;
    convolutions_of_doubles: windows::convolution, 80, 1e-11;
    convolutions_of_channels_of_doubles: windows::channels, 8, 1e-11;
    depthwise_convolutions_of_doubles: windows::depthwise, 20, 1e-11;
    pooling_of_doubles: windows::pooling, 60, 1e-12;
    lookups_of_doubles: lookups::gather, 40, 0.0;
    scattering_of_doubles: lookups::scatter, 60, 1e-13;
    embeddings_of_doubles: lookups::embedding, 20, 1e-12;
    reductions_of_doubles: maps::reduction, 60, 1e-12;
    rows_of_doubles: maps::rows, 20, 1e-11;
}

const NAMES: [&str; 3] = [
    "convolution [",
    "convolution's input gradient",
    "convolution's kernel gradient",
];

families! {
    products: products::product, 200, 1e-4, ["dot", "], then fused"];
    products_of_products: products::gradients, 60, 1e-3, ["dot"];
    loops: products::recurrent, 40, 2e-3, ["scan", "rows in 2 parts"];
    convolutions: windows::convolution, 120, 1e-3, [NAMES[0], NAMES[1], NAMES[2], "general convolution f32"];
    convolutions_of_channels: windows::channels, 60, 1e-3, ["Winograd", NAMES[0], NAMES[1], NAMES[2], ", then fused"];
    depthwise_convolutions: windows::depthwise, 60, 1e-3, NAMES;
    pooling: windows::pooling, 120, 1e-4, ["window", "select and scatter"];
    products_of_integers: products::integers, 60, 0.0, ["dot i32", "dot i64", "dot u8"];
    convolutions_of_integers: windows::integers, 60, 0.0, ["general convolution i32", "general convolution i64"];
    sorting: lines::sort, 120, 0.0, ["sort"];
    running_reductions: lines::cumulative, 120, 1e-6, ["cumulative"];
    lookups: lookups::gather, 120, 0.0, ["gather"];
    scattering: lookups::scatter, 120, 1e-5, ["scatter"];
    embeddings: lookups::embedding, 40, 1e-4, ["gather", "scatter"];
    random_bits: lookups::random_bits, 30, 0.0, ["random bits"];
    elementwise: maps::elementwise, 300, 1e-5, ["fused"];
    reductions: maps::reduction, 200, 1e-4, ["fused"];
    rows: maps::rows, 60, 1e-4, ["fused"];
    movement: maps::movement, 200, 0.0, ["copy"];
}
