//! Times compiled programs and prints their plans: `cargo run --release --example plan_bench [NAME] [--plan] [--bf16] [--f16]`.
//! With a type of 16 bits each program runs in it and in `f32`, round by round in turn.

#[path = "../tests/common/models.rs"]
mod models;
#[path = "../tests/common/retyped.rs"]
mod retyped;

use std::time::Instant;

use refrain_cpu::{CompileOptions, Executable, RunError, Workspace};
use refrain_graph::{DType, Graph, GraphError, Literal, ParamKind, Spec};

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

/// A compiled program with what it reads and writes.
struct Ready {
    exe: Executable,
    ws: Workspace,
    inputs: Vec<Literal>,
    variables: Vec<Literal>,
    outputs: Vec<Literal>,
    compiled: f64,
    best: f64,
}

impl Ready {
    fn new(graph: &Graph) -> models::Made<Ready> {
        let started = Instant::now();
        let exe = Executable::compile(graph, &CompileOptions::default())
            .map_err(|e| GraphError::new(e.to_string()))?;
        let compiled = started.elapsed().as_secs_f64();
        let of = |kind| {
            graph
                .params_of(kind)
                .enumerate()
                .map(|(i, v)| literal(graph.spec(v), i))
                .collect::<Vec<_>>()
        };
        let (inputs, mut variables) = (of(ParamKind::Input), of(ParamKind::Variable));
        for v in &mut variables {
            if v.dims().is_empty() {
                *v = Literal::full([], v.dtype(), 1e-3);
            }
        }
        Ok(Ready {
            ws: exe
                .workspace()
                .map_err(|e| GraphError::new(e.to_string()))?,
            outputs: exe.output_specs().iter().map(|s| literal(s, 0)).collect(),
            exe,
            inputs,
            variables,
            compiled,
            best: f64::INFINITY,
        })
    }

    /// Runs once. A program without updates keeps its weights packed.
    fn run(&mut self, counts: bool) -> Result<(), RunError> {
        let started = Instant::now();
        let shared: Vec<&Literal> = self.variables.iter().collect();
        let (ws, outputs) = (&mut self.ws, &mut self.outputs);
        let ran = self
            .exe
            .run_shared(ws, &self.inputs, &shared, outputs, Some(1));
        if let Err(RunError::HasUpdates) = ran {
            let mut refs: Vec<&mut Literal> = self.variables.iter_mut().collect();
            self.exe.run(ws, &self.inputs, &mut refs, outputs)?;
        } else {
            ran?;
        }
        if counts {
            self.best = self.best.min(started.elapsed().as_secs_f64());
        }
        Ok(())
    }

    fn report(&self, name: &str, plan: bool) {
        println!(
            "{name:28} {:9.3} ms   {:7.1} GFLOP/s   {:8.2} MB   compiled in {:.1} ms",
            self.best * 1e3,
            self.exe.flops() as f64 / self.best / 1e9,
            self.exe.peak_memory() as f64 / 1e6,
            self.compiled * 1e3
        );
        if plan {
            println!("{}", self.exe.explain());
        }
    }
}

fn time(name: &str, graph: models::Made<Graph>, types: &[DType], plan: bool) {
    let ready = |dtype: DType| {
        let graph = retyped::retyped(graph.as_ref().map_err(Clone::clone)?, dtype)?;
        Ready::new(&graph)
    };
    let mut programs: Vec<(DType, Ready)> = Vec::new();
    for &dtype in types {
        let ready = ready(dtype).unwrap_or_else(|e| panic!("{name}: {e}"));
        programs.push((dtype, ready));
    }
    for round in 0..WARM + ROUNDS {
        for (_, ready) in &mut programs {
            ready
                .run(round >= WARM)
                .unwrap_or_else(|e| panic!("{name}: {e}"));
        }
    }
    for (dtype, ready) in &programs {
        ready.report(&format!("{name} {dtype}"), plan);
    }
}

fn main() {
    let plan = std::env::args().any(|a| a == "--plan");
    let mut types = vec![DType::F32];
    types.extend(
        std::env::args()
            .any(|a| a == "--bf16")
            .then_some(DType::BF16),
    );
    types.extend(std::env::args().any(|a| a == "--f16").then_some(DType::F16));
    let only = std::env::args().nth(1).filter(|a| !a.starts_with("--"));
    let programs: [Program; 15] = [
        ("mlp 784-1024-1024-10 b128", || {
            models::mlp(128, 784, &[1024, 1024], 10)
        }),
        ("mlp predict b128", || {
            models::mlp_predict(128, 784, &[1024, 1024], 10)
        }),
        ("conv predict 3x3", || models::conv_predict(16, 32, 32)),
        ("conv predict 3x3 of 24", || {
            models::conv_predict(16, 32, 24)
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
            time(name, graph(), &types, plan);
        }
    }
}
