//! Training steps keep from the forward to the backward pass only what cannot be computed again cheaply.

mod common;

use common::models::Made;
use common::{blocks, check};
use refrain_cpu::{CompileOptions, Executable};
use refrain_graph::Graph;

/// Relative to what the interpreter says, over several normalised layers.
const TOLERANCE: f64 = 1e-3;

fn compiled(graph: Made<Graph>) -> Executable {
    let graph = graph.unwrap_or_else(|e| panic!("{e}"));
    Executable::compile(&graph, &CompileOptions::default()).unwrap_or_else(|e| panic!("{e}"))
}

/// How many arrays of `bytes` a further layer keeps.
fn kept_by_a_layer(bytes: usize, of_depth: impl Fn(usize) -> Made<Graph>) -> f64 {
    const DEPTHS: [usize; 2] = [4, 8];
    let [few, many] = DEPTHS.map(|depth| compiled(of_depth(depth)).peak_memory());
    many.saturating_sub(few) as f64 / (bytes * (DEPTHS[1] - DEPTHS[0])) as f64
}

#[test]
fn batch_normalization_and_clamp_keep_the_convolutions_result_and_their_own() {
    let (batch, side, channels) = (4, 16, 32);
    let bytes = batch * side * side * channels * size_of::<f32>();
    let kept = kept_by_a_layer(bytes, |depth| blocks::clamped(batch, side, channels, depth));
    // Not what was centred, nor what the clamp's lower bound left.
    assert!((1.9..2.2).contains(&kept), "{kept}");
}

#[test]
fn gelu_keeps_its_operand_and_its_result() {
    let (rows, features, hidden) = (256, 32, 512);
    let bytes = rows * hidden * size_of::<f32>();
    let kept = kept_by_a_layer(bytes, |depth| blocks::gelu(rows, features, hidden, depth));
    // The narrow layer behind it keeps a sixteenth; the weights' gradients take the memory of what is done with.
    assert!((1.9..2.3).contains(&kept), "{kept}");
}

#[test]
fn they_compute_what_the_interpreter_does() {
    for graph in [blocks::clamped(2, 5, 8, 3), blocks::gelu(9, 6, 33, 3)] {
        check(&graph.unwrap_or_else(|e| panic!("{e}")), 1, TOLERANCE);
    }
}
