//! What the tests of whole programs share: inputs, and the comparison with the interpreter.
#![allow(dead_code)]

pub mod blocks;
pub mod models;
pub mod retyped;

use refrain_cpu::{CompileOptions, Executable, SimdLevel};
use refrain_graph::philox::Philox;
use refrain_graph::{DType, Graph, Literal, ParamKind, Spec, Value, interp};

/// The seeds that `SEEDS=first..end` asks for, or these.
pub fn seeds(usual: std::ops::Range<u64>) -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("SEEDS") else {
        return usual;
    };
    let (first, end) = text.split_once("..").expect("SEEDS=first..end");
    let number = |s: &str| s.parse::<u64>().expect("a number");
    number(first)..number(end)
}

/// A literal of small numbers that fits a spec.
pub fn literal(rng: &mut Philox, spec: &Spec) -> Literal {
    let dims = spec.shape.known().expect("known shape");
    let n: usize = dims.iter().product();
    let values: Vec<f64> = (0..n)
        .map(|_| match spec.dtype {
            DType::Bool => rng.below(2) as f64,
            d if d.is_float() => (rng.uniform() as f64 - 0.5) * 4.0,
            _ => rng.below(7) as f64,
        })
        .collect();
    Literal::new(dims, values)
        .expect("as many as the shape says")
        .convert(spec.dtype)
}

/// Literals for the parameters of a kind.
pub fn literals(rng: &mut Philox, graph: &Graph, kind: ParamKind) -> Vec<Literal> {
    graph
        .params_of(kind)
        .map(|v| literal(rng, graph.spec(v)))
        .collect()
}

/// Everything a run gives: outputs, and the variables after it.
pub struct Ran {
    pub outputs: Vec<Literal>,
    pub variables: Vec<Literal>,
}

/// Compiles and runs a graph.
pub fn run(
    graph: &Graph,
    options: &CompileOptions,
    inputs: &[Literal],
    variables: &[Literal],
) -> Ran {
    let exe = Executable::compile(graph, options).unwrap_or_else(|e| panic!("{e}"));
    let mut ws = exe.workspace().unwrap_or_else(|e| panic!("{e}"));
    let zeros = |s: &Spec| Literal::zeros(s.shape.known().unwrap_or_default(), s.dtype);
    let mut outputs: Vec<Literal> = exe.output_specs().iter().map(zeros).collect();
    let mut variables = variables.to_vec();
    if graph.updates().is_empty() {
        // The second run finds weights laid out by the first.
        let shared: Vec<&Literal> = variables.iter().collect();
        for _ in 0..2 {
            exe.run_shared(&mut ws, inputs, &shared, &mut outputs, Some(1))
                .unwrap_or_else(|e| panic!("{e}\n{}", exe.explain()));
        }
        return Ran { outputs, variables };
    }
    let mut refs: Vec<&mut Literal> = variables.iter_mut().collect();
    exe.run(&mut ws, inputs, &mut refs, &mut outputs)
        .unwrap_or_else(|e| panic!("{e}\n{}", exe.explain()));
    Ran { outputs, variables }
}

/// What the interpreter gives.
pub fn oracle(graph: &Graph, inputs: &[Literal], variables: &[Literal]) -> Ran {
    let run = interp::evaluate(graph, inputs, variables).unwrap_or_else(|e| panic!("{e}"));
    let params: Vec<Value> = graph.params_of(ParamKind::Variable).collect();
    let mut variables = variables.to_vec();
    for (&(variable, _), new) in graph.updates().iter().zip(run.updates) {
        let at = params
            .iter()
            .position(|&p| p == variable)
            .expect("a variable");
        variables[at] = new;
    }
    Ran {
        outputs: run.results,
        variables,
    }
}

/// Whether two literals agree: integers exactly, floats within `tolerance` of the larger of 1 and their size.
pub fn assert_close(got: &Literal, want: &Literal, tolerance: f64, what: &str) {
    assert_eq!(got.spec(), want.spec(), "{what}");
    for (i, (g, w)) in got.to_f64().into_iter().zip(want.to_f64()).enumerate() {
        assert!(
            near(g, w, want.dtype(), tolerance),
            "{what}: element {i} is {g}, expected {w}"
        );
    }
}

/// Compares every way of compiling with the interpreter, and the ways' bits among the numbers of threads.
pub fn check(graph: &Graph, seed: u64, tolerance: f64) {
    let mut rng = Philox::new(seed);
    let inputs = literals(&mut rng, graph, ParamKind::Input);
    let variables = literals(&mut rng, graph, ParamKind::Variable);
    let want = oracle(graph, &inputs, &variables);
    let levels = SimdLevel::ALL.into_iter().filter(|l| l.is_available());
    let native = CompileOptions::default();
    let unfused = CompileOptions {
        fuse: false,
        optimize: false,
        ..native.clone()
    };
    let unoptimized = CompileOptions {
        optimize: false,
        ..native.clone()
    };
    let at_level = |level| CompileOptions {
        simd: Some(level),
        ..native.clone()
    };
    for options in [unfused, unoptimized]
        .into_iter()
        .chain(levels.map(at_level))
    {
        let of = |threads| {
            let options = CompileOptions {
                threads: Some(threads),
                ..options.clone()
            };
            run(graph, &options, &inputs, &variables)
        };
        let (one, two) = (of(1), of(2));
        let text = || {
            let exe = Executable::compile(graph, &options);
            exe.map(|e| e.explain()).unwrap_or_default()
        };
        let all = |r: &Ran| {
            r.outputs
                .iter()
                .chain(&r.variables)
                .cloned()
                .collect::<Vec<_>>()
        };
        for (i, ((a, b), w)) in all(&one).iter().zip(all(&two)).zip(all(&want)).enumerate() {
            let bits = |l: &Literal| l.to_f64().into_iter().map(f64::to_bits).collect::<Vec<_>>();
            assert!(
                bits(a) == bits(&b),
                "seed {seed}, {options:?}: result {i} depends on threads"
            );
            let what = format!("seed {seed}, {options:?}, result {i}");
            if !is_close(a, &w, tolerance) {
                println!("{}", text());
            }
            assert_close(a, &w, tolerance, &what);
        }
    }
}

fn is_close(got: &Literal, want: &Literal, tolerance: f64) -> bool {
    let pairs = got.to_f64().into_iter().zip(want.to_f64());
    got.spec() == want.spec()
        && pairs
            .into_iter()
            .all(|(g, w)| near(g, w, want.dtype(), tolerance))
}

fn near(g: f64, w: f64, dtype: DType, tolerance: f64) -> bool {
    let same = g == w || (g.is_nan() && w.is_nan());
    same || (dtype.is_float() && (g - w).abs() <= tolerance * w.abs().max(1.0))
}
