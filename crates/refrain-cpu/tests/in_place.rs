//! Values that are computed over the memory of others while those are still read.

mod common;

use common::check;
use refrain_cpu::{CompileOptions, Executable};
use refrain_graph::Graph;

/// Rounding errors of a few terms in `f32`.
const TOLERANCE: f64 = 1e-4;

/// Checks a program's results, and that one of its steps works in place.
fn check_in_place(text: &str) {
    let graph: Graph = text.parse().unwrap_or_else(|e| panic!("{e}"));
    check(&graph, 1, TOLERANCE);
    let exe = Executable::compile(&graph, &CompileOptions::default());
    let plan = exe.unwrap_or_else(|e| panic!("{e}")).explain();
    assert!(plan.contains("in place"), "{plan}");
}

/// Both sums are one pass, which writes %3 over %2: the sum of %2 reads it before that.
#[test]
fn sums_read_a_block_before_it_is_overwritten() {
    check_in_place(
        r#"graph {
  %0 = input "x" : f32[6,4]
  %1 = variable "w" : f32[4,4]
  %2 = dot_general %0, %1 {contracting=[1]x[0]} : f32[6,4]
  %3 = tanh %2 : f32[6,4]
  %4 = reduce %2 {kind=sum, dims=[0]} : f32[4]
  %5 = reduce %3 {kind=sum, dims=[0]} : f32[4]
  %6 = dot_general %3, %1 {contracting=[1]x[0]} : f32[6,4]
  return %4, %5, %6
}
"#,
    );
}

/// A variable's new value is written over the old one, which the pass also sums.
#[test]
fn a_variable_is_summed_before_it_is_updated() {
    check_in_place(
        r#"graph {
  %0 = variable "w" : f32[6,4]
  %1 = tanh %0 : f32[6,4]
  %2 = reduce %0 {kind=sum, dims=[0]} : f32[4]
  %3 = reduce %1 {kind=sum, dims=[0]} : f32[4]
  update %0 = %1
  return %2, %3
}
"#,
    );
}

/// The first power of %2 is %2 itself: it is stored elsewhere before %4 is written over it.
#[test]
fn an_input_is_stored_before_it_is_overwritten() {
    check_in_place(
        r#"graph {
  %0 = input "x" : f32[6,4]
  %1 = variable "w" : f32[4,4]
  %2 = dot_general %0, %1 {contracting=[1]x[0]} : f32[6,4]
  %3 = constant 1 : f32[6,4]
  %4 = tanh %2 : f32[6,4]
  %5 = power %2, %3 : f32[6,4]
  %6 = reduce %4 {kind=sum, dims=[0]} : f32[4]
  %7 = reduce %5 {kind=sum, dims=[0]} : f32[4]
  %8 = reduce %2 {kind=sum, dims=[0]} : f32[4]
  %9 = dot_general %4, %1 {contracting=[1]x[0]} : f32[6,4]
  return %5, %6, %7, %8, %9
}
"#,
    );
}
