//! After the first run of a program nothing is allocated.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{literals, models, retyped::retyped};
use refrain_cpu::{CompileOptions, Executable};
use refrain_graph::philox::Philox;
use refrain_graph::{DType, Graph, Literal, Op, ParamKind, Reduction};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: passes everything on to the system's allocator.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::SeqCst);
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Runs before counting: each thread of the pool grows its own packing buffer when it first takes a task.
const WARM: usize = 200;
const RUNS: usize = 50;

fn allocations(graph: &Graph, threads: usize) -> usize {
    let options = CompileOptions {
        threads: Some(threads),
        ..CompileOptions::default()
    };
    let exe = Executable::compile(graph, &options).unwrap_or_else(|e| panic!("{e}"));
    let mut rng = Philox::new(1);
    let inputs = literals(&mut rng, graph, ParamKind::Input);
    let mut variables = literals(&mut rng, graph, ParamKind::Variable);
    let mut variables: Vec<&mut Literal> = variables.iter_mut().collect();
    let zeros =
        |s: &refrain_graph::Spec| Literal::zeros(s.shape.known().unwrap_or_default(), s.dtype);
    let mut outputs: Vec<Literal> = exe.output_specs().iter().map(zeros).collect();
    let mut ws = exe.workspace().unwrap_or_else(|e| panic!("{e}"));
    let warm = if threads == 1 { 1 } else { WARM };
    let mut run = |n: usize| {
        for _ in 0..n {
            exe.run(&mut ws, &inputs, &mut variables, &mut outputs)
                .unwrap_or_else(|e| panic!("{e}"));
        }
    };
    run(warm);
    let before = ALLOCATIONS.load(Ordering::SeqCst);
    run(RUNS);
    ALLOCATIONS.load(Ordering::SeqCst) - before
}

fn doubles(graph: models::Made<Graph>) -> models::Made<Graph> {
    retyped(&graph?, DType::F64)
}

/// Sorting and running sums.
fn lines() -> models::Made<Graph> {
    let mut b = models::B::new();
    let x = b.input("x", &[30, 40, 50]);
    let (dim, descending) = (1, true);
    let sorted = b.g.push_multi(Op::Sort { dim, descending }, &[x])?;
    for value in b.g.outputs(sorted).to_vec() {
        let (kind, reverse) = (Reduction::Sum, false);
        let sums = b.g.push(Op::Cumulative { kind, dim, reverse }, &[value])?;
        b.g.result(sums);
    }
    Ok(b.g)
}

/// One test only: others would allocate at the same time.
#[test]
fn runs_after_the_first_allocate_nothing() {
    let made = |g: models::Made<Graph>| g.unwrap_or_else(|e| panic!("{e}"));
    let programs = [
        ("mlp", made(models::mlp(16, 30, &[40], 10))),
        ("convnet", made(models::convnet(2, 12, 16))),
        ("lstm", made(models::lstm(4, 5, 6, 8, true))),
        ("layer norm", made(models::layer_norm(&[64, 300], true))),
        ("doubles", made(doubles(models::convnet(2, 12, 16)))),
        ("lines", made(lines())),
    ];
    for (name, graph) in &programs {
        for threads in [1, 2] {
            assert_eq!(
                allocations(graph, threads),
                0,
                "{name} on {threads} threads"
            );
        }
    }
}
