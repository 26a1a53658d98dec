//! Each pass finds its work in the model that it was made for, written with layers.

use std::collections::BTreeMap;
use std::sync::Arc;

use refrain_graph::passes::{self, PIPELINE};
use refrain_graph::{Graph, Op, Spec};

use super::{BatchSpecs, Mode, StepProgram};
use crate::activations::Activation;
use crate::layers::*;
use crate::losses::Loss;
use crate::models::Model;
use crate::ops::{self, ScanOptions};
use crate::optimizers::Adam;
use crate::{DType, Input, Result, Tensor, input};

/// How often each primitive occurs, in the bodies of loops too.
type Counts = BTreeMap<&'static str, usize>;

fn count(graph: &Graph, counts: &mut Counts) {
    for node in graph.nodes() {
        *counts.entry(graph.op(node).name()).or_default() += 1;
        if let Op::Scan(scan) = graph.op(node) {
            count(&scan.body, counts);
        }
    }
}

fn counts(graph: &Graph) -> Counts {
    let mut counts = Counts::new();
    count(graph, &mut counts);
    counts
}

/// The program as it is before a pass is its turn in the first round, and after it.
fn around(pass: &str, graph: &Graph) -> [Counts; 2] {
    let at = PIPELINE.iter().position(|p| p.name == pass);
    let at = at.unwrap_or_else(|| panic!("no pass {pass:?}"));
    let run = |graph: Graph, pass: &passes::Pass| pass.run(&graph).expect("a sound graph");
    let before = PIPELINE[..at].iter().fold(graph.clone(), run);
    let after = run(before.clone(), &PIPELINE[at]);
    let swept = |graph: &Graph| passes::remove_dead_code(graph).expect("a sound graph");
    [counts(&swept(&before)), counts(&swept(&after))]
}

fn specs(shapes: &[&[usize]]) -> Vec<Option<Spec>> {
    let spec = |shape: &&[usize]| Some(Spec::new(*shape, DType::F32));
    shapes.iter().map(spec).collect()
}

fn predicting(model: &Model, x: &[&[usize]]) -> Result<Arc<StepProgram>> {
    model.predict_step_of(BatchSpecs {
        x: specs(x),
        y: vec![],
        w: vec![],
    })
}

fn training(model: &Model, loss: Loss, x: &[&[usize]], y: &[usize]) -> Result<Arc<StepProgram>> {
    model.compile(Adam::new(1e-3), loss).run()?;
    let compiled = model.compiled();
    let specs = BatchSpecs {
        x: specs(x),
        y: specs(&[y]),
        w: vec![None],
    };
    model.loss_step(&compiled.expect("just compiled"), Mode::Train, specs)
}

fn siamese() -> Result<Model> {
    let (left, right) = (input([12, 12, 1]), input([12, 12, 1]));
    let conv = |filters| {
        Conv2D::new(filters, 3)
            .padding(Padding::Same)
            .activation(Activation::Relu)
    };
    let (first, second) = (conv(16), conv(32));
    let tower = |x: &Tensor| Flatten::new().call(&second.call(&first.call(x)?)?);
    let distance = ops::abs(&subtract([tower(&left)?, tower(&right)?])?);
    let output = Dense::new(1).activation(Activation::Sigmoid);
    Model::new([&left, &right], &output.call(&distance)?)
}

fn mlp() -> Result<Model> {
    let x = input([20]);
    let hidden = Dense::new(32).activation(Activation::Relu).call(&x)?;
    Model::new(
        [&x],
        &Dense::new(4)
            .activation(Activation::Softmax)
            .call(&hidden)?,
    )
}

fn lstm() -> Result<Model> {
    let (source, target) = (input([10, 20]), input([8, 20]));
    let lstm = Lstm::new(64).return_sequences(true).return_state(true);
    let encoded = lstm.call(&source)?;
    let decoded = lstm.call_from(&target, &encoded.state)?;
    let output = Dense::new(20).activation(Activation::Softmax);
    Model::new([&source, &target], &output.call(&decoded)?)
}

fn transformer() -> Result<Model> {
    let x = Input::new([16]).dtype(DType::F32).tensor();
    let y = Embedding::new(50, 32).call(&x)?;
    let attended = MultiHeadAttention::new(2, 16).call(&y)?;
    let y = LayerNormalization::new().call(&add([&y, &attended])?)?;
    let hidden = Dense::new(64).activation(Activation::Gelu).call(&y)?;
    Model::new([&x], &GlobalAveragePooling1D::new().call(&hidden)?)
}

/// A recurrence as a user writes one: everything is inside the loop, the product of the inputs with weights that stay the same too,
/// and an output that nothing needs.
fn users_loop(x: &Tensor) -> Result<Tensor> {
    let first = ops::sum(x, 1, false);
    let weights = ops::matmul(&ops::transpose(&first, None), &first);
    let steps = ops::transpose(x, Some(&[1, 0, 2]));
    let state = ops::zeros_like(&first, None);
    let (last, _) = ops::scan(
        &[state],
        &[steps],
        ScanOptions::default(),
        |states, steps| {
            let next = ops::tanh(&(&states[0] + ops::matmul(&steps[0], &weights)));
            Ok((vec![next.clone()], vec![next]))
        },
    )?;
    Ok(last[0].clone())
}

fn recurrent() -> Result<Model> {
    let layer = Lambda::new(|x: &Tensor| users_loop(x).expect("a loop of fitting shapes"));
    let x = input([10, 20]);
    Model::new([&x], &layer.call(&x)?)
}

fn trained_mlp() -> Result<Arc<StepProgram>> {
    training(&mlp()?, Loss::CategoricalCrossentropy, &[&[8, 20]], &[8, 4])
}

/// What a pass does to the number of some primitive, before and after.
fn found(pass: &str, step: &StepProgram, name: &str) -> [usize; 2] {
    around(pass, step.program.graph()).map(|counts| counts.get(name).copied().unwrap_or(0))
}

#[test]
fn softmax_with_cross_entropy_leaves_nothing_that_stops_gradients() -> Result<()> {
    let pass = "stop-gradient removal";
    assert_eq!(found(pass, &*trained_mlp()?, "stop_gradient"), [1, 0]);
    Ok(())
}

#[test]
fn the_means_weight_of_a_loss_is_computed_once_and_for_all() -> Result<()> {
    let pass = "constant folding";
    let [before, after] = found(pass, &*trained_mlp()?, "divide");
    assert!(after < before, "{after} of {before}");
    Ok(())
}

#[test]
fn a_relu_and_its_gradients_mask_are_no_selections() -> Result<()> {
    let images: &[&[usize]] = &[&[4, 12, 12, 1], &[4, 12, 12, 1]];
    let predicting = predicting(&siamese()?, images)?;
    assert_eq!(
        found("algebraic simplification", &predicting, "select"),
        [4, 0]
    );
    assert_eq!(
        found("algebraic simplification", &predicting, "compare"),
        [4, 0]
    );
    Ok(())
}

#[test]
fn the_steps_of_adam_are_raised_to_powers_once_for_all_weights() -> Result<()> {
    let step = trained_mlp()?;
    assert_eq!(
        found("common subexpression elimination", &step, "power"),
        [8, 2]
    );
    Ok(())
}

#[test]
fn both_towers_of_a_siamese_network_are_one() -> Result<()> {
    let pass = "batching of shared calls";
    let images: &[&[usize]] = &[&[4, 12, 12, 1], &[4, 12, 12, 1]];
    let step = predicting(&siamese()?, images)?;
    assert_eq!(found(pass, &step, "convolution"), [4, 2]);
    let step = training(&siamese()?, Loss::BinaryCrossentropy, images, &[4, 1])?;
    let [before, after] = found(pass, &step, "convolution");
    assert!(
        after + 3 <= before,
        "forward twice, and a gradient: {after} of {before}"
    );
    let step = predicting(&lstm()?, &[&[32, 10, 20], &[32, 8, 20]])?;
    assert_eq!(found(pass, &step, "dot_general"), [5, 4]);
    Ok(())
}

#[test]
fn what_a_users_loop_repeats_leaves_it() -> Result<()> {
    let step = predicting(&recurrent()?, &[&[32, 10, 20]])?;
    let scan = |graph: &Graph| {
        let mut scans = graph.nodes().filter_map(|node| match graph.op(node) {
            Op::Scan(scan) => Some((graph.outputs(node).len(), counts(&scan.body))),
            _ => None,
        });
        scans.next_back().expect("a loop")
    };
    let (outputs, body) = scan(step.program.graph());
    assert_eq!((outputs, body.get("dot_general")), (2, Some(&1)));
    let graph = passes::optimize(step.program.graph().clone())?;
    let (outputs, body) = scan(&graph);
    assert_eq!((outputs, body.get("dot_general")), (1, None), "{graph}");
    Ok(())
}

#[test]
fn gradients_that_nothing_uses_are_dropped() -> Result<()> {
    let step = trained_mlp()?;
    let graph = step.program.graph();
    let swept = passes::remove_dead_code(graph)?;
    assert!(swept.nodes().len() < graph.nodes().len());
    Ok(())
}

/// Bias, activation and the mask of its gradient are part of convolutions and products, all of the optimizer is one step, 3×3
/// convolutions of enough channels are Winograd convolutions, and loops are cut by rows.
#[test]
fn kernels_finish_what_follows_them() -> Result<()> {
    let images: &[&[usize]] = &[&[4, 12, 12, 1], &[4, 12, 12, 1]];
    let step = training(&siamese()?, Loss::BinaryCrossentropy, images, &[4, 1])?;
    let plan = step.program.explain();
    let finished = "* [3, 3, 16, 32], Winograd, then fused [8, 12, 12, 32] [add maximum compare]";
    assert!(plan.contains(finished), "{plan}");
    let plan = trained_mlp()?.program.explain();
    assert!(
        plan.contains("[20, 32], then fused [8, 32] [add maximum]"),
        "{plan}"
    );
    let optimizer = plan
        .split("\nfused")
        .filter(|step| step.contains("sqrt add divide subtract"));
    assert_eq!(optimizer.count(), 1, "{plan}");
    let step = predicting(&lstm()?, &[&[32, 10, 20], &[32, 8, 20]])?;
    let plan = step.program.explain();
    assert_eq!(plan.matches("rows in 2 parts").count(), 2, "{plan}");
    let gates =
        "fused [16, 64] [logistic logistic tanh logistic multiply multiply add tanh multiply]";
    assert_eq!(plan.matches(gates).count(), 2, "{plan}");
    Ok(())
}

/// Programs of 16 bits compile, which they do not where a primitive has no kernel.
#[test]
fn models_of_16_bits_have_kernels_for_everything() -> Result<()> {
    for dtype in [DType::BF16, DType::F16] {
        let image = Input::new([8, 8, 3]).dtype(dtype).tensor();
        let conv = Conv2D::new(16, 3).activation(Activation::Relu);
        let y = conv.dtype(dtype).call(&image)?;
        let y = MaxPooling2D::new(2).dtype(dtype).call(&y)?;
        let y = LayerNormalization::new().dtype(dtype).call(&y)?;
        let y = Flatten::new().dtype(dtype).call(&y)?;
        let last = Dropout::new(0.5).dtype(dtype).call(&y)?;
        let y = Dense::new(4).activation(Activation::Softmax);
        let model = Model::new(&image, &y.dtype(dtype).call(&last)?)?;
        let images: &[&[usize]] = &[&[4, 8, 8, 3]];
        predicting(&model, images)?;
        training(&model, Loss::CategoricalCrossentropy, images, &[4, 4])?;
    }
    Ok(())
}

#[test]
fn softmax_and_normalization_are_one_pass_over_rows() -> Result<()> {
    let step = predicting(&transformer()?, &[&[4, 16]])?;
    let plan = step.program.explain();
    let softmax = "fused [4, 2, 16, 16] [reduce subtract exponential reduce divide]";
    assert!(plan.contains(softmax), "{plan}");
    assert_eq!(plan.matches("rsqrt").count(), 1, "{plan}");
    Ok(())
}
