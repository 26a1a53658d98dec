//! Times compiled programs and prints their plans: `cargo run --release --example plan_bench [NAME] [--plan]`.

#[path = "../tests/common/models.rs"]
mod models;

use std::time::Instant;

use refrain_cpu::{CompileOptions, Executable};
use refrain_graph::{DType, Graph, Literal, ParamKind, Spec};

/// Runs before the clock starts, and rounds of which the best counts.
const WARM: usize = 3;
const ROUNDS: usize = 20;

/// A name and what makes its graph.
type Program = (&'static str, fn() -> models::Made<Graph>);

fn literal(spec: &Spec, seed: usize) -> Literal {
    let dims = spec.shape.known().unwrap_or_default();
    let n: usize = dims.iter().product();
    let value = |i: usize| ((i * 7919 + seed * 104_729) % 1009) as f64 / 1009.0 * 0.2 - 0.1;
    let values: Vec<f64> = (0..n)
        .map(|i| {
            if spec.dtype == DType::I32 {
                (i % 10) as f64
            } else {
                value(i)
            }
        })
        .collect();
    Literal::new(dims, values)
        .map_or_else(|| Literal::zeros([], spec.dtype), |l| l.convert(spec.dtype))
}

fn time(name: &str, graph: models::Made<Graph>, plan: bool) {
    let graph = graph.unwrap_or_else(|e| panic!("{name}: {e}"));
    let started = Instant::now();
    let exe = Executable::compile(&graph, &CompileOptions::default())
        .unwrap_or_else(|e| panic!("{name}: {e}"));
    let compiled = started.elapsed();
    let of = |kind| {
        graph
            .params_of(kind)
            .enumerate()
            .map(|(i, v)| literal(graph.spec(v), i))
            .collect::<Vec<_>>()
    };
    let inputs = of(ParamKind::Input);
    let mut variables: Vec<Literal> = of(ParamKind::Variable);
    for v in &mut variables {
        if v.dims().is_empty() {
            *v = Literal::scalar(1e-3f32);
        }
    }
    let mut outputs: Vec<Literal> = exe.output_specs().iter().map(|s| literal(s, 0)).collect();
    let mut ws = exe.workspace();
    let mut best = f64::INFINITY;
    for round in 0..WARM + ROUNDS {
        let mut refs: Vec<&mut Literal> = variables.iter_mut().collect();
        let started = Instant::now();
        exe.run(&mut ws, &inputs, &mut refs, &mut outputs)
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        if round >= WARM {
            best = best.min(started.elapsed().as_secs_f64());
        }
    }
    println!(
        "{name:28} {:9.3} ms   {:7.1} GFLOP/s   {:8.2} MB   compiled in {:.1} ms",
        best * 1e3,
        exe.flops() as f64 / best / 1e9,
        exe.peak_memory() as f64 / 1e6,
        compiled.as_secs_f64() * 1e3
    );
    if plan {
        println!("{}", exe.explain());
    }
}

fn main() {
    let plan = std::env::args().any(|a| a == "--plan");
    let only = std::env::args().nth(1).filter(|a| !a.starts_with("--"));
    let programs: [Program; 12] = [
        ("mlp 784-1024-1024-10 b128", || {
            models::mlp(128, 784, &[1024, 1024], 10)
        }),
        ("lstm forward 32x100x256", || {
            models::lstm(32, 100, 128, 256, false)
        }),
        ("lstm train 32x100x256", || {
            models::lstm(32, 100, 128, 256, true)
        }),
        ("lstm train 32x10x64", || models::lstm(32, 10, 20, 64, true)),
        ("softmax 8192x1000", || models::softmax(&[8192, 1000])),
        ("softmax 65536x128", || models::softmax(&[65_536, 128])),
        ("softmax 200000x10", || models::softmax(&[200_000, 10])),
        ("layer norm 8192x512", || {
            models::layer_norm(&[8192, 512], false)
        }),
        ("layer norm train 8192x512", || {
            models::layer_norm(&[8192, 512], true)
        }),
        ("moments 32x56x56x64", || models::moments(&[32, 56, 56, 64])),
        ("adam 2M", || models::adam(&[2_000_000])),
        ("convnet b32 28x28x32", || models::convnet(32, 28, 32)),
    ];
    for (name, graph) in programs {
        if only.as_ref().is_none_or(|o| name.contains(o.as_str())) {
            time(name, graph(), plan);
        }
    }
}
