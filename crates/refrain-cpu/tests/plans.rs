//! Plans say what is fused, what is computed in place, and how much memory a run takes.

mod common;

use common::models;
use common::retyped::retyped;
use refrain_cpu::{CompileError, CompileOptions, Executable, RunError, Workspace};
use refrain_graph::{
    BinaryOp, Conv, ConvLayout, DType, DotDims, Graph, Literal, Op, Reduction, Spec, Window, grad,
};

fn compiled(graph: models::Made<Graph>, options: &CompileOptions) -> Executable {
    let graph = graph.unwrap_or_else(|e| panic!("{e}"));
    Executable::compile(&graph, options).unwrap_or_else(|e| panic!("{e}"))
}

fn workspace(exe: &Executable) -> Workspace {
    exe.workspace().unwrap_or_else(|e| panic!("{e}"))
}

fn parsed(text: &str) -> Graph {
    text.parse().unwrap_or_else(|e| panic!("{e}"))
}

/// The steps, one line each: loop nests that run together are one step.
fn steps(exe: &Executable) -> Vec<String> {
    let text = exe.explain();
    let mut steps: Vec<String> = Vec::new();
    for line in text.lines().skip(1) {
        match steps.last_mut().filter(|_| line.starts_with("    ")) {
            Some(step) => step.push_str(line),
            None => steps.push(line.trim().to_string()),
        }
    }
    steps
}

#[test]
fn an_mlps_training_step_is_a_few_steps() {
    let exe = compiled(
        models::mlp(64, 100, &[128, 128], 10),
        &CompileOptions::default(),
    );
    let steps = steps(&exe);
    let count = |what: &str| steps.iter().filter(|s| s.contains(what)).count();
    // Three forward products, three for the weights, two for the inputs of layers.
    assert_eq!(count("dot 1 x"), 8, "{steps:#?}");
    // Bias and activation of both hidden layers happen inside the products.
    assert_eq!(count("then fused [64, 128] [add maximum]"), 2, "{steps:#?}");
    // All of Adam is one step, in place.
    assert_eq!(count("sqrt"), 1, "{steps:#?}");
    let adam = steps.last().cloned().unwrap_or_default();
    assert_eq!(adam.matches("sqrt").count(), 6, "{steps:#?}");
    assert!(adam.ends_with("in place"), "{steps:#?}");
    assert_eq!(count("copy"), 0, "{steps:#?}");
    assert!(steps.len() <= 14, "{steps:#?}");
}

/// The gradient of one large weight takes the memory of another's, since that has been applied by then.
#[test]
fn large_variables_are_updated_as_soon_as_their_gradients_are_there() {
    const UNITS: usize = 512;
    let graph = models::mlp(8, UNITS, &[UNITS, UNITS], 10);
    let exe = compiled(graph, &CompileOptions::default());
    let steps = steps(&exe);
    let count = |what: &str| steps.iter().filter(|s| s.contains(what)).count();
    // The last large weight's gradient comes last: its update runs with those of the small ones.
    assert_eq!(count("sqrt"), 2, "{steps:#?}");
    assert_eq!(count("copy"), 0, "{steps:#?}");
    let weight = UNITS * UNITS * size_of::<f32>();
    assert!(exe.peak_memory() < weight * 3 / 2, "{}", exe.explain());
    let graph = models::mlp(3, UNITS, &[UNITS], 4);
    common::check(&graph.unwrap_or_else(|e| panic!("{e}")), 1, 1e-3);
}

/// The first variable's update is known before the product that still reads its old value.
#[test]
fn an_update_waits_for_those_that_read_the_old_value() {
    let text = r#"graph {
  %x = input "x" : f32[8,512]
  %v = variable "v" : f32[512,512]
  %w = variable "w" : f32[512,512]
  %sum_h = dot_general %x, %v {contracting=[1]x[0]} : f32[8,512]
  %h = tanh %sum_h : f32[8,512]
  %g = dot_general %x, %h {contracting=[0]x[0]} : f32[512,512]
  %sum_y = dot_general %h, %w {contracting=[1]x[0]} : f32[8,512]
  %y = tanh %sum_y : f32[8,512]
  %sum_z = dot_general %y, %v {contracting=[1]x[0]} : f32[8,512]
  %z = tanh %sum_z : f32[8,512]
  %f = dot_general %h, %z {contracting=[0]x[0]} : f32[512,512]
  %s = subtract %w, %f : f32[512,512]
  %u = tanh %s : f32[512,512]
  %a = subtract %v, %g : f32[512,512]
  %t = tanh %a : f32[512,512]
  update %v = %t
  update %w = %u
  return %z
}
"#;
    let graph = parsed(text);
    let exe = compiled(Ok(graph.clone()), &CompileOptions::default());
    let steps = steps(&exe);
    let starts: Vec<&str> = steps.iter().map(|s| &s[..5]).collect();
    // Products of `h`, `g`, `y` and `z`, and only then the first update; then the second gradient and its update.
    let expected = [
        "dot 1", "dot 1", "dot 1", "dot 1", "fused", "dot 1", "fused",
    ];
    assert_eq!(starts, expected, "{steps:#?}");
    common::check(&graph, 1, 1e-3);
}

/// A weight of 16 bits that one product reads packed and another as a part of something larger is still converted.
#[test]
fn a_packed_weight_stays_where_a_whole_has_it_as_a_part() {
    let text = r#"graph {
  %x = input "x" : f32[1,64]
  %z = input "z" : f32[64,64]
  %w = variable "w" : bf16[64,64]
  %f = convert %w : f32[64,64]
  %y = dot_general %x, %f {contracting=[1]x[0]} : f32[1,64]
  %t = tanh %z : f32[64,64]
  %c = concatenate %f, %t {dim=0} : f32[128,64]
  %d = dot_general %x, %c {contracting=[1]x[1]} : f32[1,128]
  return %d, %y
}
"#;
    let graph = parsed(text);
    let plan = compiled(Ok(graph.clone()), &CompileOptions::default()).explain();
    assert!(plan.contains("packed"), "{plan}");
    common::check(&graph, 1, 1e-4);
}

/// Truth values and integers on the way between floats join the loop like any other arithmetic.
#[test]
fn conversions_there_and_back_stay_in_the_loop() {
    for between in ["i32", "u8", "bool", "f64"] {
        let text = format!(
            r#"graph {{
  %m = input "m" : {between}[8]
  %x = convert %m : f32[8]
  %n = negate %x : f32[8]
  %b = convert %n : {between}[8]
  %y = convert %b : f32[8]
  %r = subtract %x, %y : f32[8]
  return %r
}}
"#
        );
        let graph = parsed(&text);
        let steps = steps(&compiled(Ok(graph.clone()), &CompileOptions::default()));
        assert_eq!(steps.len(), 1, "{between}: {steps:#?}");
        common::check(&graph, 1, 0.0);
    }
}

#[test]
fn row_programs_are_one_pass_without_memory() {
    for graph in [
        models::softmax(&[50, 300]),
        models::layer_norm(&[50, 300], false),
    ] {
        let exe = compiled(graph, &CompileOptions::default());
        assert_eq!(steps(&exe).len(), 1, "{}", exe.explain());
        assert_eq!(exe.peak_memory(), 0, "{}", exe.explain());
    }
}

#[test]
fn sums_over_one_value_are_one_pass() {
    let exe = compiled(models::moments(&[20, 9, 9, 64]), &CompileOptions::default());
    assert_eq!(steps(&exe).len(), 1, "{}", exe.explain());
}

#[test]
fn an_lstm_step_copies_nothing() {
    let exe = compiled(models::lstm(4, 6, 5, 8, false), &CompileOptions::default());
    let steps = steps(&exe);
    let at = steps
        .iter()
        .position(|s| s.starts_with("scan"))
        .unwrap_or(0);
    let body = &steps[at + 1..];
    assert!(body.iter().all(|s| !s.starts_with("copy")), "{steps:#?}");
    assert_eq!(body.len(), 2, "{steps:#?}");
}

/// The cell's activation is computed again from the gates, which the backward pass reads anyway.
#[test]
fn an_lstm_keeps_six_arrays_for_its_backward_pass() {
    let (batch, steps, units) = (8, 40, 64);
    let memory = |steps| {
        let graph = models::lstm(batch, steps, 5, units, true);
        compiled(graph, &CompileOptions::default()).peak_memory()
    };
    // The products of the inputs for the four gates come on top while the forward pass runs, and its output.
    let step = batch * units * size_of::<f32>();
    let kept = (memory(2 * steps) - memory(steps)) as f64 / (step * steps) as f64;
    assert!((10.9..11.1).contains(&kept), "{kept}");
}

/// Convolutions over three dimensions and their gradients run on the kernels for two.
#[test]
fn convolutions_over_volumes_are_those_over_images() -> models::Made<()> {
    let mut b = models::B::new();
    let x = b.input("x", &[2, 6, 7, 8, 4]);
    let w = b.variable("w", &[3, 3, 3, 4, 8]);
    let layout = |batch, feature, first| ConvLayout {
        batch,
        feature,
        spatial: (first..first + 3).collect(),
    };
    let conv = Conv {
        window: Window {
            size: vec![3; 3],
            strides: vec![2; 3],
            padding: vec![(1, 1); 3],
            base_dilation: vec![1; 3],
            dilation: vec![1; 3],
        },
        reversal: vec![false; 3],
        lhs: layout(0, 4, 1),
        rhs: layout(3, 4, 0),
        out: layout(0, 4, 1),
        feature_groups: 1,
        batch_groups: 1,
    };
    let y = b.g.push(Op::Convolution(Box::new(conv)), &[x, w])?;
    let sum = b.reduce(Reduction::Sum, y, &[0, 1, 2, 3, 4])?;
    for gradient in grad::gradients(&mut b.g, sum, &[x, w])? {
        b.g.result(gradient);
    }
    b.g.result(y);
    let text = compiled(Ok(b.g), &CompileOptions::default()).explain();
    for name in ["convolution [", "input gradient", "kernel gradient"] {
        assert_eq!(text.matches(name).count(), 1, "{name}: {text}");
    }
    assert!(!text.contains("general"), "{text}");
    Ok(())
}

#[test]
fn convolutions_and_their_gradients_are_kernels() {
    let exe = compiled(models::convnet(2, 12, 16), &CompileOptions::default());
    let text = exe.explain();
    assert_eq!(text.matches("input gradient").count(), 3, "{text}");
    assert_eq!(text.matches("kernel gradient").count(), 4, "{text}");
    assert!(
        text.contains("], then fused [2, 12, 12, 16] [add maximum]"),
        "{text}"
    );
}

#[test]
fn memory_and_work_are_known_and_fusion_lowers_memory() {
    let fused = compiled(models::mlp(64, 100, &[128], 10), &CompileOptions::default());
    let options = CompileOptions {
        fuse: false,
        ..CompileOptions::default()
    };
    let plain = compiled(models::mlp(64, 100, &[128], 10), &options);
    assert!(fused.peak_memory() < plain.peak_memory());
    // Products of one training step: two forward, two for weights, one for the hidden layer.
    let products = 2 * (2 * 64 * 100 * 128 + 3 * 64 * 128 * 10);
    assert!(fused.flops() >= products, "{}", fused.flops());
    assert!(fused.flops() < products * 3 / 2, "{}", fused.flops());
}

#[test]
fn wrong_arrays_are_refused() {
    let exe = compiled(models::softmax(&[4, 5]), &CompileOptions::default());
    let mut ws = workspace(&exe);
    let good = [Literal::zeros([4, 5], DType::F32)];
    let bad = [Literal::zeros([4, 6], DType::F32)];
    let typed = [Literal::zeros([4, 5], DType::F64)];
    let mut out = good.clone();
    assert_eq!(exe.run(&mut ws, &good, &mut [], &mut out), Ok(()));
    assert!(matches!(
        exe.run(&mut ws, &[], &mut [], &mut out),
        Err(RunError::Count { .. })
    ));
    assert!(matches!(
        exe.run(&mut ws, &bad, &mut [], &mut out),
        Err(RunError::Spec { .. })
    ));
    assert!(matches!(
        exe.run(&mut ws, &typed, &mut [], &mut out),
        Err(RunError::Spec { .. })
    ));
    assert!(matches!(
        exe.run(&mut ws, &good, &mut [], &mut []),
        Err(RunError::Count { .. })
    ));
    let other = compiled(models::softmax(&[4, 5]), &CompileOptions::default());
    assert_eq!(
        other.run(&mut ws, &good, &mut [], &mut out),
        Err(RunError::Workspace)
    );
}

#[test]
fn shared_runs_refuse_updates_and_unknown_shapes_do_not_compile() {
    let mut g = Graph::new();
    let v = g.variable("v", Spec::new([3], DType::F32));
    let sum = g.push(Op::Binary(BinaryOp::Add), &[v, v]).unwrap_or(v);
    g.result(sum);
    let zeros = Literal::full([3], DType::F32, 2.0);
    let mut out = [Literal::zeros([3], DType::F32)];
    let reads = compiled(Ok(g.clone()), &CompileOptions::default());
    let ran = reads.run_shared(&mut workspace(&reads), &[], &[&zeros], &mut out, None);
    assert_eq!(ran, Ok(()));
    assert_eq!(out[0].values::<f32>(), Some(&[4.0f32; 3][..]));
    g.update(v, sum);
    let writes = compiled(Ok(g), &CompileOptions::default());
    let ran = writes.run_shared(&mut workspace(&writes), &[], &[&zeros], &mut out, None);
    assert_eq!(ran, Err(RunError::HasUpdates));
    let mut open = Graph::new();
    let x = open.input("x", Spec::new([None], DType::F32));
    open.result(x);
    let refused = Executable::compile(&open, &CompileOptions::default()).err();
    assert!(
        matches!(refused, Some(CompileError::UnknownShape(_))),
        "{refused:?}"
    );
}

#[test]
fn updates_that_exchange_variables_see_the_old_values() {
    let mut g = Graph::new();
    let spec = || Spec::new([4], DType::F32);
    let (a, b) = (g.variable("a", spec()), g.variable("b", spec()));
    g.update(a, b);
    g.update(b, a);
    let exe = compiled(Ok(g), &CompileOptions::default());
    let mut one = Literal::full([4], DType::F32, 1.0);
    let mut two = Literal::full([4], DType::F32, 2.0);
    let ran = exe.run(
        &mut workspace(&exe),
        &[],
        &mut [&mut one, &mut two],
        &mut [],
    );
    assert_eq!(ran, Ok(()));
    assert_eq!(one.values::<f32>(), Some(&[2.0f32; 4][..]));
    assert_eq!(two.values::<f32>(), Some(&[1.0f32; 4][..]));
}

/// A recurrence with a weight, a bias, a mask of rows and halves that are exchanged, over 8 steps of 48 rows.
const RECURRENCE: &str = r#"graph {
  %x = input "x" : f32[8,48,64]
  %h = input "h" : f32[48,64]
  %m = input "mask" : f32[48,64]
  %w = variable "w" : f32[64,64]
  %b = variable "b" : f32[64]
  %last, %all = scan %h, %x, %w, %b, %m {carries=1, sequences=1, length=8} body {
    %c = input "carry" : f32[48,64]
    %s = input "step" : f32[48,64]
    %k = input "weight" : f32[64,64]
    %o = input "bias" : f32[64]
    %n = input "mask" : f32[48,64]
    %p = multiply %c, %n : f32[48,64]
    %y = dot_general %p, %k {contracting=[1]x[0]} : f32[48,64]
    %0 = constant 0.05 : f32[]
    %1 = broadcast_in_dim %0 {dims=[]} : f32[48,64]
    %d = multiply %y, %1 : f32[48,64]
    %e = broadcast_in_dim %o {dims=[1]} : f32[48,64]
    %a = add %d, %e : f32[48,64]
    %z = add %a, %s : f32[48,64]
    %l = slice %z {starts=[0,0], limits=[48,32], strides=[1,1]} : f32[48,32]
    %g = slice %z {starts=[0,32], limits=[48,64], strides=[1,1]} : f32[48,32]
    %f = concatenate %g, %l {dim=1} : f32[48,64]
    %t = tanh %f : f32[48,64]
    return %t, %t
  } : f32[48,64], f32[8,48,64]
  return %last, %all
}
"#;

#[test]
fn loops_of_small_steps_run_in_parts_of_their_rows() {
    let graph = parsed(RECURRENCE);
    let exe = compiled(Ok(graph.clone()), &CompileOptions::default());
    assert!(
        exe.explain().contains("rows in 3 parts"),
        "{}",
        exe.explain()
    );
    common::check(&graph, 1, 1e-4);
    // A maximum over the rows ties them together.
    let tied = RECURRENCE.replace(
        "%z = add %a, %s",
        "%r = reduce %a {kind=max, dims=[0]} : f32[64]
    %q = broadcast_in_dim %r {dims=[1]} : f32[48,64]
    %z = add %q, %s",
    );
    let graph = parsed(&tied);
    let exe = compiled(Ok(graph.clone()), &CompileOptions::default());
    assert!(!exe.explain().contains("parts"), "{}", exe.explain());
    common::check(&graph, 1, 1e-4);
}

/// Two loops, the second of which goes on where the first ends, over the parts of one product: what the first has read is
/// free in the second.
#[test]
fn memory_of_a_sequence_is_free_behind_the_loop_that_reads_it() {
    let graph = parsed(TWO_LOOPS);
    let exe = compiled(Ok(graph.clone()), &CompileOptions::default());
    let sequence = 16 * 8 * 64 * size_of::<f32>();
    let loops = exe.explain().matches("scan 8 steps").count();
    assert_eq!(loops, 2, "{}", exe.explain());
    // Besides it there are some states, and the packed kernel for both products, each a quarter of it.
    assert!(exe.peak_memory() < 2 * sequence, "{}", exe.explain());
    common::check(&graph, 1, 1e-4);
}

const TWO_LOOPS: &str = r#"graph {
  %x = input "x" : f32[16,8,32]
  %h = input "h" : f32[8,64]
  %k = variable "kernel" : f32[32,64]
  %p = dot_general %x, %k {contracting=[2]x[0]} : f32[16,8,64]
  %a = slice %p {starts=[0,0,0], limits=[8,8,64], strides=[1,1,1]} : f32[8,8,64]
  %b = slice %p {starts=[8,0,0], limits=[16,8,64], strides=[1,1,1]} : f32[8,8,64]
  %l = scan %h, %a {carries=1, sequences=1, length=8} body {
    %c = input "carry" : f32[8,64]
    %s = input "step" : f32[8,64]
    %t = add %c, %s : f32[8,64]
    %u = tanh %t : f32[8,64]
    return %u
  } : f32[8,64]
  %m, %all = scan %l, %b {carries=1, sequences=1, length=8} body {
    %c = input "carry" : f32[8,64]
    %s = input "step" : f32[8,64]
    %t = add %c, %s : f32[8,64]
    %u = tanh %t : f32[8,64]
    return %u, %u
  } : f32[8,64], f32[8,8,64]
  %r = dot_general %all, %k {contracting=[2]x[1]} : f32[8,8,32]
  return %r
}
"#;

/// Batch normalization at inference and an activation: scale and shift are computed before the convolution, which then
/// applies them to its result.
#[test]
fn what_a_convolution_applies_is_computed_before_it() {
    let text = r#"graph {
  %x = input "x" : f32[2,8,8,16]
  %k = variable "kernel" : f32[3,3,16,32]
  %v = variable "variance" : f32[32]
  %b = variable "beta" : f32[32]
  %0 = constant 0.0 : f32[]
  %y = convolution %x, %k {dims=[b,0,1,f]x[0,1,i,o]->[b,0,1,f], size=[3,3], padding=[[1,1],[1,1]]} : f32[2,8,8,32]
  %a = abs %v : f32[32]
  %s = exponential %a : f32[32]
  %sb = broadcast_in_dim %s {dims=[3]} : f32[2,8,8,32]
  %bb = broadcast_in_dim %b {dims=[3]} : f32[2,8,8,32]
  %z = broadcast_in_dim %0 {dims=[]} : f32[2,8,8,32]
  %m = multiply %y, %sb : f32[2,8,8,32]
  %n = add %m, %bb : f32[2,8,8,32]
  %r = maximum %n, %z : f32[2,8,8,32]
  return %r
}
"#;
    let graph = parsed(text);
    let exe = compiled(Ok(graph.clone()), &CompileOptions::default());
    let steps = steps(&exe);
    assert_eq!(steps.len(), 2, "{steps:#?}");
    assert!(
        steps[1].contains("then fused [2, 8, 8, 32] [multiply add maximum]"),
        "{steps:#?}"
    );
    common::check(&graph, 1, 1e-4);
}

#[test]
fn a_softmax_joins_the_product_whose_rows_it_gets_whole() -> Result<(), Box<dyn std::error::Error>>
{
    let heads = |columns: usize| -> models::Made<Graph> {
        let mut b = models::B::new();
        let queries = b.input("queries", &[6, 100, 16]);
        let keys = b.input("keys", &[6, columns, 16]);
        let dims = DotDims {
            lhs_batch: vec![0],
            rhs_batch: vec![0],
            lhs_contracting: vec![2],
            rhs_contracting: vec![2],
        };
        let scores = b.g.push(Op::DotGeneral(dims), &[queries, keys])?;
        let probabilities = b.softmax(scores)?;
        b.g.result(probabilities);
        Ok(b.g)
    };
    for (columns, expected) in [(1, 2), (77, 1), (256, 1), (257, 2)] {
        let graph = heads(columns)?;
        let steps = steps(&compiled(Ok(graph.clone()), &CompileOptions::default()));
        assert_eq!(steps.len(), expected, "{columns} columns: {steps:#?}");
        common::check(&graph, 1, 1e-4);
    }
    Ok(())
}

#[test]
fn convolutions_of_three_by_three_go_winograds_way_unless_told_otherwise() {
    let text = r#"graph {
  %x = input "x" : f32[8,12,12,16]
  %k = variable "kernel" : f32[3,3,16,32]
  %y = convolution %x, %k {dims=[b,0,1,f]x[0,1,i,o]->[b,0,1,f], size=[3,3], padding=[[1,1],[1,1]]} : f32[8,12,12,32]
  return %y
}
"#;
    let graph = parsed(text);
    let plan = |winograd| {
        let options = CompileOptions {
            winograd,
            ..Default::default()
        };
        compiled(Ok(graph.clone()), &options).explain()
    };
    assert!(plan(true).contains("Winograd") && !plan(false).contains("Winograd"));
}

#[test]
fn programs_of_16_bits_have_the_steps_of_f32() -> models::Made<()> {
    let programs = [
        models::mlp(64, 100, &[128, 128], 10)?,
        models::convnet(8, 12, 16)?,
        models::layer_norm(&[64, 200], true)?,
        models::lstm(4, 6, 5, 8, true)?,
    ];
    for graph in programs {
        let all = |graph: &Graph| steps(&compiled(Ok(graph.clone()), &CompileOptions::default()));
        let wide = all(&graph);
        for dtype in [DType::BF16, DType::F16] {
            let narrow = all(&retyped(&graph, dtype)?);
            let converts = |step: &&String| step.contains("fused") && step.contains("convert");
            // Operands of products and convolutions are converted beforehand; what follows them is not a step of its own.
            let kernels =
                |steps: &[String]| steps.iter().filter(|s| s.contains("then fused")).count();
            assert!(kernels(&narrow) >= kernels(&wide), "{narrow:#?}\n{wide:#?}");
            assert!(narrow.iter().any(|s| converts(&s)), "{narrow:#?}");
        }
    }
    Ok(())
}

/// Weights of 16 bits that stay the same are converted once, when they are packed, and not in every run.
#[test]
fn lasting_weights_of_16_bits_are_not_converted_again() -> models::Made<()> {
    for graph in [
        models::mlp_predict(64, 100, &[128, 128], 10)?,
        models::conv_predict(2, 12, 16)?,
    ] {
        let exe = compiled(retyped(&graph, DType::BF16), &CompileOptions::default());
        for (value, _, name) in graph.params() {
            if !name.contains("kernel") {
                continue;
            }
            let dims = graph.spec(value).shape.known().unwrap_or_default();
            let converted = format!("fused {dims:?} [convert]");
            assert!(!exe.explain().contains(&converted), "{}", exe.explain());
        }
        assert!(exe.explain().contains("packed"), "{}", exe.explain());
    }
    Ok(())
}

/// What a training step keeps from its forward pass for its backward pass has 16 bits.
#[test]
fn values_of_16_bits_take_half_the_memory() -> models::Made<()> {
    let graph = models::layer_norm(&[512, 256], true)?;
    let memory = |dtype| {
        let graph = retyped(&graph, dtype);
        compiled(graph, &CompileOptions::default()).peak_memory()
    };
    let (wide, narrow) = (memory(DType::F32), memory(DType::BF16));
    assert!(narrow * 10 < wide * 6, "{narrow} bytes instead of {wide}");
    Ok(())
}

#[test]
fn what_no_machine_has_memory_for_gets_no_workspace() {
    let outcome = |size: usize| {
        let text = format!(
            "graph {{
  %x = input \"x\" : f32[1]
  %y = broadcast_in_dim %x {{dims=[0]}} : f32[{size}]
  return %y
}}"
        );
        let exe = compiled(Ok(parsed(&text)), &CompileOptions::default());
        exe.workspace().map(drop).map_err(|e| e.to_string())
    };
    assert_eq!(outcome(1 << 20), Ok(()));
    let refused = outcome(1 << 44).expect_err("more than any machine has");
    assert!(refused.starts_with("70368.7 GB of memory"), "{refused}");
}
