//! Whole training steps against the interpreter.

mod common;

use common::{check, models};
use refrain_graph::{Graph, Op, testing};

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
fn random_networks_give_what_the_interpreter_gives() {
    for seed in 0..150 {
        let graph = made(testing::random_graph(seed, 30));
        // Where a rounding error decides between two whole numbers there is no close result.
        let whole = |n| matches!(graph.op(n), Op::Convert(to) if to.is_integer());
        if !graph.nodes().any(whole) {
            check(&graph, seed, TOLERANCE);
        }
    }
}
