//! Whole training steps against the interpreter.

mod common;

use common::{blocks, check, literals, models};
use refrain_graph::philox::Philox;
use refrain_graph::{Graph, Op, ParamKind, interp, testing};

/// Products of up to a few hundred terms in `f32`, and what Adam makes of small gradients' rounding errors: a gradient
/// near zero decides the direction of the whole first step, so inputs are not near zero.
const TOLERANCE: f64 = 2e-3;

fn made(graph: models::Made<Graph>) -> Graph {
    graph.unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn an_mlp_trains() {
    check(&made(models::mlp(9, 20, &[33, 17], 10)), 1, TOLERANCE);
}

#[test]
fn a_convolutional_network_trains() {
    check(&made(models::convnet(3, 12, 8)), 2, TOLERANCE);
}

#[test]
fn an_lstm_runs_and_trains() {
    check(&made(models::lstm(3, 7, 5, 6, false)), 3, TOLERANCE);
    check(&made(models::lstm(3, 7, 5, 6, true)), 4, TOLERANCE);
}

#[test]
fn rows_and_columns_are_reduced() {
    for dims in [&[7, 10][..], &[3, 5, 1000], &[2, 6000], &[40, 3]] {
        check(&made(models::softmax(dims)), 5, 1e-5);
        check(&made(models::layer_norm(dims, false)), 6, TOLERANCE);
        check(&made(models::layer_norm(dims, true)), 7, TOLERANCE);
        check(&made(models::moments(dims)), 8, 1e-4);
    }
    check(&made(models::moments(&[20, 30, 30, 16])), 8, 1e-4);
    check(&made(models::one_hot(50, 10)), 9, 0.0);
}

#[test]
fn blocks_of_layers_train() {
    for (batch, time, heads, depth) in [(4, 5, 2, 4), (16, 24, 4, 8)] {
        let graph = made(blocks::attention(batch, time, heads, depth));
        check(&graph, 10, TOLERANCE);
    }
    check(&made(blocks::residual(2, 6, 3)), 11, TOLERANCE);
    check(&made(blocks::residual(4, 16, 8)), 12, TOLERANCE);
    check(&made(blocks::bidirectional(3, 7, 5, 4)), 13, TOLERANCE);
    check(&made(blocks::bidirectional(20, 6, 9, 16)), 14, TOLERANCE);
    check(&made(blocks::shared(6, 8)), 15, TOLERANCE);
    check(&made(blocks::shared(64, 40)), 16, TOLERANCE);
}

/// Whether a rounding error could decide between two whole numbers: then there is no close result.
fn has_jumps(graph: &Graph, seed: u64) -> bool {
    const NEAR: f64 = 1e-3;
    let mut rng = Philox::new(seed);
    let inputs = literals(&mut rng, graph, ParamKind::Input);
    let variables = literals(&mut rng, graph, ParamKind::Variable);
    let trace = interp::evaluate_all(graph, &inputs, &variables).unwrap_or_else(|e| panic!("{e}"));
    graph.nodes().any(|n| {
        let rounds = matches!(graph.op(n), Op::Convert(to) if to.is_integer());
        let value = trace.get(
            graph
                .inputs(n)
                .first()
                .copied()
                .unwrap_or(graph.outputs(n)[0]),
        );
        let values = value.map(|l| l.to_f64()).unwrap_or_default();
        rounds && values.iter().any(|x| (x - x.round()).abs() < NEAR)
    })
}

#[test]
fn random_networks_give_what_the_interpreter_gives() {
    let mut checked = 0;
    for seed in 0..150 {
        let graph = made(testing::random_graph(seed, 30));
        if !has_jumps(&graph, seed) {
            check(&graph, seed, TOLERANCE);
            checked += 1;
        }
    }
    assert!(checked >= 50, "only {checked} graphs without jumps");
}
