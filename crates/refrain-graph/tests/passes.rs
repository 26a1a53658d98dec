//! Passes: texts before and after with the number of primitives, and random graphs whose results must not change.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use refrain_graph::{
    BinaryOp, DType, Data, DotDims, Graph, GraphError, Literal, Op, Reduction, Spec, Value, grad,
    interp, passes, testing, verify,
};

/// Largest difference between results before and after, relative to the results' size where that is over 1.
const TOLERANCE: f64 = 1e-5;

type Run = fn(&Graph) -> Result<Graph, GraphError>;

fn pass(name: &str) -> Run {
    match name {
        "fold_constants" => passes::fold_constants,
        "simplify" => passes::simplify,
        "eliminate_common_subexpressions" => passes::eliminate_common_subexpressions,
        "remove_dead_code" => passes::remove_dead_code,
        "drop_stop_gradient" => passes::drop_stop_gradient,
        "remove_dead_code_in_loops" => passes::remove_dead_code_in_loops,
        "hoist_loop_invariants" => passes::hoist_loop_invariants,
        "batch_shared_calls" => passes::batch_shared_calls,
        "normalize_floats" => passes::normalize_floats,
        "convert_where_read" => passes::convert_where_read,
        "optimize" => |graph| passes::optimize(graph.clone()),
        _ => panic!("no pass {name}"),
    }
}

/// Runs the passes named in a line, then removes dead code.
fn run(names: &str, graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    for name in names.split_whitespace().chain(["remove_dead_code"]) {
        graph = pass(name)(&graph).unwrap_or_else(|e| panic!("{name}: {e}"));
        verify::verify(&graph).unwrap_or_else(|e| panic!("after {name}: {e}\n{graph}"));
    }
    graph
}

fn count(graph: &Graph, counts: &mut BTreeMap<&'static str, usize>) {
    for node in graph.nodes() {
        *counts.entry(graph.op(node).name()).or_default() += 1;
        if let Op::Scan(scan) = graph.op(node) {
            count(&scan.body, counts);
        }
    }
}

fn counts(graph: &Graph) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    count(graph, &mut counts);
    counts
}

fn parse(text: &str, file: &str) -> Graph {
    text.parse()
        .unwrap_or_else(|e| panic!("{file}: {e}\n{text}"))
}

fn assert_close(before: &[Literal], after: &[Literal], what: &dyn Fn() -> String) {
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(after) {
        assert_eq!(before.spec(), after.spec(), "{}", what());
        for (a, b) in before.to_f64().into_iter().zip(after.to_f64()) {
            let close = (a - b).abs() <= TOLERANCE * a.abs().max(1.0);
            let same = close || a == b || (a.is_nan() && b.is_nan());
            assert!(same, "{a} became {b}\n{}", what());
        }
    }
}

/// Runs both graphs on random values and compares results and updates.
fn assert_same(before: &Graph, after: &Graph, seed: u64) {
    let names =
        |g: &Graph| -> Vec<String> { g.params().map(|p| format!("{:?} {}", p.1, p.2)).collect() };
    assert_eq!(names(before), names(after), "parameters stay as they are");
    let (inputs, variables) = testing::random_values(before, seed);
    let evaluate = |graph: &Graph| {
        let run = interp::evaluate(graph, &inputs, &variables);
        run.unwrap_or_else(|e| panic!("seed {seed}: {e}\n{graph}"))
    };
    let (old, new) = (evaluate(before), evaluate(after));
    let what = || format!("seed {seed}\nbefore:\n{before}\nafter:\n{after}");
    assert_close(&old.results, &new.results, &what);
    assert_close(&old.updates, &new.updates, &what);
}

/// Each file holds examples: `; passes: NAMES` and what it is about, a graph, `; after`, and the graph that must come out
/// (the same parameters, results of the same values, the same number of each primitive).
#[test]
fn examples() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/passes");
    let mut examples = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        for example in text.split("; passes: ").skip(1) {
            let (names, graphs) = example.split_once('\n').unwrap();
            let (before, after) = graphs.split_once("; after").unwrap();
            let (before, expected) = (parse(before, &file), parse(after, &file));
            let found = run(names, &before);
            assert_eq!(
                counts(&found),
                counts(&expected),
                "{file}: {names}, got\n{found}"
            );
            assert_same(&before, &expected, 1);
            assert_same(&before, &found, 1);
            examples += 1;
        }
    }
    assert_eq!(examples, 42);
}

fn on_random_graphs(names: &str, seeds: std::ops::Range<u64>) -> (usize, usize) {
    let (mut before, mut after) = (0, 0);
    for seed in seeds {
        let graph = testing::random_graph(seed, 30).unwrap();
        verify::verify(&graph).unwrap();
        let optimised = run(names, &graph);
        assert_same(&graph, &optimised, seed);
        before += run("", &graph).nodes().len();
        after += optimised.nodes().len();
    }
    (before, after)
}

#[test]
fn each_pass_keeps_the_results() {
    for pass in passes::PIPELINE {
        for seed in 0..60 {
            let graph = testing::random_graph(seed, 30).unwrap();
            let optimised = pass
                .run(&graph)
                .unwrap_or_else(|e| panic!("{}: {e}", pass.name));
            verify::verify(&optimised).unwrap_or_else(|e| panic!("{}: {e}", pass.name));
            assert_same(&graph, &optimised, seed);
        }
    }
}

#[test]
fn all_passes_together_keep_the_results() {
    let (before, after) = on_random_graphs("optimize", 1000..1250);
    assert!(after < before, "{after} primitives of {before} are left");
}

/// Once optimised, there is nothing left to do.
#[test]
fn optimised_graphs_are_stable() {
    for seed in 0..60 {
        let graph = testing::random_graph(seed, 30).unwrap();
        let once = passes::optimize(graph).unwrap();
        let twice = passes::optimize(once.clone()).unwrap();
        assert_eq!(once.to_string(), twice.to_string(), "seed {seed}");
    }
}

#[test]
fn equal_zeros_of_different_sign_stay_apart() {
    let graph: Graph = "graph {
        %a = constant 0.0 : f32[]
        %b = constant -0.0 : f32[]
        return %a, %b
    }"
    .parse()
    .unwrap();
    let shared = run("eliminate_common_subexpressions", &graph);
    let results = interp::evaluate(&shared, &[], &[]).unwrap().results;
    let bits = |l: &Literal| match l.data() {
        Data::F32(v) => v[0].to_bits(),
        _ => panic!("f32 expected"),
    };
    assert_ne!(bits(&results[0]), bits(&results[1]));
}

/// A test of random graphs is worth something only if the passes find something to do in them.
#[test]
fn random_graphs_give_each_pass_work() {
    for pass in passes::PIPELINE.iter().skip(1) {
        let has_work = |seed: &u64| {
            let graph = testing::random_graph(*seed, 30).unwrap();
            // Nothing stops gradients in these, so this only numbers the values in the order of a copy.
            let graph = passes::drop_stop_gradient(&graph).unwrap();
            pass.run(&graph).unwrap() != graph
        };
        let worked = (0..60).filter(has_work).count();
        assert!(
            worked >= 20,
            "\"{}\" changed {worked} of 60 graphs",
            pass.name
        );
    }
}

/// The same graph with the gradients of the sum of its float results as results.
fn with_gradients(graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    let mut sum: Option<Value> = None;
    for result in graph.results().to_vec() {
        let dims = (0..graph.spec(result).shape.rank()).collect();
        let kind = Reduction::Sum;
        let part = graph.push(Op::Reduce { kind, dims }, &[result]).unwrap();
        sum = Some(match sum {
            Some(sum) => graph.push(Op::Binary(BinaryOp::Add), &[sum, part]).unwrap(),
            None => part,
        });
    }
    let params: Vec<Value> = graph.params().map(|(v, ..)| v).collect();
    let gradients = grad::gradients(&mut graph, sum.unwrap(), &params).unwrap();
    gradients.into_iter().for_each(|v| graph.result(v));
    graph
}

/// Batching before differentiation gives the same gradients, and so does optimising afterwards.
#[test]
fn gradients_stay_the_same() {
    for seed in 2000..2120 {
        let graph = testing::random_graph(seed, 20).unwrap();
        let plain = with_gradients(&graph);
        verify::verify(&plain).unwrap();
        assert_same(&plain, &run("optimize", &plain), seed);
        let batched = with_gradients(&run("batch_shared_calls", &graph));
        assert_same(&plain, &run("optimize", &batched), seed);
    }
}

/// What the clamped value answers leaves nothing that needs the value before it.
#[test]
fn masks_are_made_of_clamped_values() {
    let graph: Graph = "graph {
        %x = input \"x\" : f32[4]
        %0 = constant 0.0 : f32[]
        %z = broadcast_in_dim %0 {dims=[]} : f32[4]
        %n = compare %x, %z {direction=LE} : bool[4]
        %y = select %n, %z, %x : f32[4]
        return %y, %n
    }"
    .parse()
    .unwrap();
    let simple = passes::optimize(graph).unwrap();
    let (x, y) = (simple.values().next().unwrap(), simple.results()[0]);
    let mask = simple.node_of(simple.results()[1]).unwrap();
    assert_eq!(simple.inputs(mask)[0], y, "{simple}");
    let users = simple.nodes().filter(|&n| simple.inputs(n).contains(&x));
    assert_eq!(users.count(), 1, "{simple}");
}

/// A step of a recurrence: rows of the carry, the step and the mask, weights that all rows share.
const STEP: &str = "graph {
    %c = input \"carry\" : f32[6,4]
    %s = input \"step\" : f32[6,4]
    %w = input \"weights\" : f32[4,4]
    %m = input \"mask\" : f32[6,4]
    %y = dot_general %c, %w {contracting=[1]x[0]} : f32[6,4]
    %z = add %y, %s : f32[6,4]
    %0 = constant 2.0 : f32[]
    %2 = broadcast_in_dim %0 {dims=[]} : f32[6,4]
    %d = multiply %z, %2 : f32[6,4]
    %n = multiply %d, %m : f32[6,4]
    return %n
}";

#[test]
fn a_program_of_rows_is_cut_into_parts() {
    let graph: Graph = STEP.parse().unwrap();
    let cut = passes::cut_rows(&graph, 2, 3).expect("rows that do not know each other");
    assert_eq!(cut.carries, [true, true, false, true]);
    let expected: Graph = STEP.replace("f32[6,4]", "f32[2,4]").parse().unwrap();
    assert_eq!(cut.graph.to_string(), expected.to_string());
    let (inputs, _) = testing::random_values(&graph, 1);
    let whole = interp::evaluate(&graph, &inputs, &[]).unwrap().results[0].to_f64();
    let part = |of: &Literal, i: usize| {
        let values = of.to_f64()[8 * i..8 * (i + 1)].to_vec();
        Literal::new([2, 4], values).unwrap().convert(of.dtype())
    };
    for i in 0..3 {
        let inputs = inputs.iter().zip(&cut.carries);
        let inputs = inputs.map(|(x, &rows)| if rows { part(x, i) } else { x.clone() });
        let ran = interp::evaluate(&cut.graph, &inputs.collect::<Vec<_>>(), &[]).unwrap();
        assert_eq!(ran.results[0].to_f64(), whole[8 * i..8 * (i + 1)]);
    }
}

#[test]
fn rows_that_know_each_other_are_not_cut() {
    let graph: Graph = STEP.parse().unwrap();
    assert!(
        passes::cut_rows(&graph, 2, 4).is_none(),
        "6 rows have no 4 equal parts"
    );
    let tied = STEP.replace(
        "%z = add %y, %s",
        "%r = reduce %y {kind=sum, dims=[0]} : f32[4]
    %b = broadcast_in_dim %r {dims=[1]} : f32[6,4]
    %z = add %b, %s",
    );
    assert!(passes::cut_rows(&tied.parse().unwrap(), 2, 3).is_none());
}

/// Each step of a loop that was written out depends on the one before, which is seen without comparing all with all.
#[test]
fn a_long_chain_of_calls_is_left_as_it_is() {
    let mut graph = Graph::new();
    let spec = || Spec::new([2, 2], DType::F32);
    let (mut x, w) = (graph.input("x", spec()), graph.variable("w", spec()));
    let dims = DotDims {
        lhs_contracting: vec![1],
        rhs_contracting: vec![0],
        ..DotDims::default()
    };
    for _ in 0..20_000 {
        let product = graph.push(Op::DotGeneral(dims.clone()), &[x, w]);
        x = product.unwrap_or_else(|e| panic!("{e}"));
    }
    graph.result(x);
    assert_eq!(
        run("batch_shared_calls", &graph).to_string(),
        graph.to_string()
    );
}
