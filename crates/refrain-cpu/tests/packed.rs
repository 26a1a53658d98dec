//! Weights that stay the same between runs are packed once, and again when they have changed.

mod common;

use common::models;
use refrain_cpu::{CompileOptions, Executable};
use refrain_graph::philox::Philox;
use refrain_graph::{Graph, Literal, ParamKind};

fn parse(text: &str) -> Graph {
    text.parse().unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn compiled(graph: &Graph) -> Executable {
    Executable::compile(graph, &CompileOptions::default()).unwrap_or_else(|e| panic!("{e}"))
}

/// A product with a weight as it lies, with a part of its rows, and with its transpose.
fn products(m: usize, k: usize, n: usize) -> Graph {
    let rest = k + 3;
    parse(&format!(
        "graph {{
  %w = variable \"w\" : f32[{rest},{n}]
  %t = variable \"t\" : f32[{n},{k}]
  %x = input \"x\" : f32[{m},{rest}]
  %a = dot_general %x, %w {{contracting=[1]x[0]}} : f32[{m},{n}]
  %v = slice %w {{starts=[2,0], limits=[{last},{n}], strides=[1,1]}} : f32[{k},{n}]
  %y = slice %x {{starts=[0,1], limits=[{m},{until}], strides=[1,1]}} : f32[{m},{k}]
  %b = dot_general %y, %v {{contracting=[1]x[0]}} : f32[{m},{n}]
  %c = dot_general %y, %t {{contracting=[1]x[1]}} : f32[{m},{n}]
  return %a, %b, %c
}}",
        last = k + 2,
        until = k + 1,
    ))
}

#[test]
fn packed_products_equal_the_interpreters() {
    for m in [1, 2, 8, 13, 25, 100] {
        for (k, n) in [(1, 2), (3, 17), (40, 130), (300, 33), (257, 259)] {
            let graph = products(m, k, n);
            let packed = compiled(&graph).explain().matches("packed").count();
            assert_eq!(packed, if m == 2 { 0 } else { 3 }, "{m} rows");
            common::check(&graph, (m * k + n) as u64, 1e-4);
        }
    }
}

/// A convolution of `channels` channels in `groups` groups into 32, with a bias and a maximum.
fn convolution(size: usize, side: usize, channels: usize, stride: usize, groups: usize) -> Graph {
    let (inner, pad, out) = (channels / groups, size / 2, side.div_ceil(stride));
    parse(&format!(
        "graph {{
  %x = input \"x\" : f32[2,{side},{side},{channels}]
  %k = variable \"kernel\" : f32[{size},{size},{inner},32]
  %b = variable \"bias\" : f32[32]
  %y = convolution %x, %k {{dims=[b,0,1,f]x[0,1,i,o]->[b,0,1,f], size=[{size},{size}], strides=[{stride},{stride}], \
         padding=[[{pad},{pad}],[{pad},{pad}]], feature_groups={groups}}} : f32[2,{out},{out},32]
  %c = broadcast_in_dim %b {{dims=[3]}} : f32[2,{out},{out},32]
  %r = maximum %y, %c : f32[2,{out},{out},32]
  return %r
}}"
    ))
}

#[test]
fn packed_convolutions_equal_the_interpreters() {
    // A Winograd convolution, a product, and the direct one: strided, in groups, of odd sizes.
    let shapes = [
        (3, 16, 16, 1, 1),
        (1, 9, 24, 1, 1),
        (3, 7, 3, 1, 1),
        (5, 11, 8, 2, 1),
        (3, 5, 8, 1, 4),
    ];
    for (size, side, channels, stride, groups) in shapes {
        let graph = convolution(size, side, channels, stride, groups);
        let text = compiled(&graph).explain();
        assert_eq!(text.matches("packed").count(), 1, "{text}");
        let winograd = text.contains("Winograd");
        assert_eq!(winograd, side == 16, "{text}");
        // Winograd's errors are below 1e-5 of the results' scale, which is some 50 here.
        let tolerance = if winograd { 5e-4 } else { 1e-4 };
        common::check(&graph, side as u64, tolerance);
    }
}

#[test]
fn a_loops_weights_are_packed_before_the_program() {
    for rows in [1, 16] {
        let graph = models::lstm(rows, 5, 12, 40, false).unwrap_or_else(|e| panic!("{e}"));
        let exe = compiled(&graph);
        assert!(exe.explain().contains("packed"), "{}", exe.explain());
        common::check(&graph, rows as u64, 1e-4);
    }
}

#[test]
fn a_program_that_changes_its_variables_packs_none() {
    let graph = models::mlp(16, 20, &[30], 10).unwrap_or_else(|e| panic!("{e}"));
    assert!(!compiled(&graph).explain().contains("packed"));
}

#[test]
fn weights_are_packed_again_for_another_version() {
    let graph = products(8, 40, 50);
    let exe = compiled(&graph);
    let mut rng = Philox::new(1);
    let inputs = common::literals(&mut rng, &graph, ParamKind::Input);
    let old = common::literals(&mut rng, &graph, ParamKind::Variable);
    let new = common::literals(&mut rng, &graph, ParamKind::Variable);
    let workspace = || exe.workspace().expect("memory");
    let (mut workspace, mut other) = (workspace(), workspace());
    let run = |workspace: &mut _, variables: &[Literal], version| {
        let specs = exe.output_specs().iter();
        let mut outputs: Vec<Literal> = specs
            .map(|s| Literal::zeros(s.shape.known().unwrap_or_default(), s.dtype))
            .collect();
        let variables: Vec<_> = variables.iter().collect();
        exe.run_shared(workspace, &inputs, &variables, &mut outputs, version)
            .unwrap_or_else(|e| panic!("{e}"));
        outputs
    };
    let first = run(&mut workspace, &old, Some(7));
    assert_eq!(run(&mut workspace, &old, Some(7)), first);
    let second = run(&mut workspace, &new, Some(8));
    assert_ne!(second, first);
    // Another workspace, and no version at all, know nothing of what was packed.
    assert_eq!(run(&mut other, &new, Some(7)), second);
    assert_eq!(run(&mut other, &old, None), first);
    assert_eq!(run(&mut other, &new, Some(7)), second);
    assert_eq!(run(&mut workspace, &old, Some(9)), first);
}
