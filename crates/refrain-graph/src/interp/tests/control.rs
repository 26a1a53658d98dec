use super::{assert_values, eval_all, lit};
use crate::interp::{evaluate, evaluate_all, evaluate_op, first_non_finite};
use crate::{
    BinaryOp, DType, Dim, Graph, Literal, Op, ParamKind, Scan, Shape, Spec, UnaryOp, philox,
};

fn scalar() -> Spec {
    Spec::scalar(DType::F32)
}

/// `carry' = carry * factor + x`, and `carry'` is stacked too.
fn horner(reverse: bool, length: Dim) -> Op {
    let mut body = Graph::new();
    let carry = body.input("carry", scalar());
    let x = body.input("x", scalar());
    let factor = body.input("factor", scalar());
    let scaled = body.push(Op::Binary(BinaryOp::Multiply), &[carry, factor]);
    let next = body.push(Op::Binary(BinaryOp::Add), &[scaled.unwrap(), x]);
    body.result(next.clone().unwrap());
    body.result(next.unwrap());
    Op::Scan(Box::new(Scan {
        body,
        carries: 1,
        sequences: 1,
        reverse,
        length,
    }))
}

#[test]
fn scan_carries_and_stacks_in_both_directions() {
    let (start, factor) = (Literal::scalar(1f32), Literal::scalar(10f32));
    let xs = lit(&[3], &[2f32, 3.0, 4.0]);
    let forward = eval_all(&horner(false, None), &[&start, &xs, &factor]);
    assert_values(&forward[0], &[], &[1234.]);
    assert_values(&forward[1], &[3], &[12., 123., 1234.]);
    let backward = eval_all(&horner(true, Some(3)), &[&start, &xs, &factor]);
    assert_values(&backward[0], &[], &[1432.]);
    assert_values(&backward[1], &[3], &[1432., 143., 14.]);
}

#[test]
fn scan_of_no_steps_keeps_its_carries() {
    let (start, factor) = (Literal::scalar(1f32), Literal::scalar(10f32));
    let none = eval_all(
        &horner(false, None),
        &[&start, &lit::<f32>(&[0], &[]), &factor],
    );
    assert_values(&none[0], &[], &[1.]);
    assert_values(&none[1], &[0], &[]);
}

#[test]
fn scan_without_sequences_runs_its_length() {
    let mut body = Graph::new();
    let x = body.input("x", Spec::new([None], DType::I64));
    let doubled = body.push(Op::Binary(BinaryOp::Add), &[x, x]).unwrap();
    body.result(doubled);
    let op = Op::Scan(Box::new(Scan {
        body,
        carries: 1,
        sequences: 0,
        reverse: false,
        length: Some(10),
    }));
    let out = eval_all(&op, &[&lit(&[2], &[1i64, 3])]);
    assert_eq!(out, [lit(&[2], &[1024i64, 3072])]);
}

#[test]
fn an_error_in_a_body_names_both_places() {
    let mut body = Graph::new();
    let x = body.input("x", Spec::new([None], DType::F32));
    let y = body.input("y", Spec::new([None], DType::F32));
    let sum = body.push(Op::Binary(BinaryOp::Add), &[x, y]).unwrap();
    body.result(sum);
    let op = Op::Scan(Box::new(Scan {
        body,
        carries: 1,
        sequences: 0,
        reverse: false,
        length: Some(1),
    }));
    let (two, three) = (lit(&[2], &[0f32; 2]), lit(&[3], &[0f32; 3]));
    let message = evaluate_op(&op, &[&two, &three]).unwrap_err().to_string();
    assert!(
        message.starts_with("scan: step 0, in the body: n0 (add): "),
        "{message}"
    );
}

#[test]
fn random_bits_advance_the_state() {
    let state = lit(&[4], &[1u32, 2, u32::MAX, 0]);
    let out = eval_all(&Op::RngBitGenerator(Shape::from([2, 3])), &[&state]);
    let (bits, next) = philox::random_bits([1, 2, u32::MAX, 0], 6);
    assert_eq!(out, [lit(&[4], &next), lit(&[2, 3], &bits)]);
    assert_eq!(next, [1, 2, 1, 1]);
}

#[test]
fn stop_gradient_passes_its_input_on() {
    let x = lit(&[2], &[1f32, 2.0]);
    assert_eq!(eval_all(&Op::StopGradient, &[&x]), [x]);
}

/// `y = log(x) * w`, and `w` becomes `y`'s negative.
fn graph() -> Graph {
    let mut g = Graph::new();
    let w = g.variable("w", Spec::new([2], DType::F32));
    let x = g.input("x", Spec::new([None], DType::F32));
    let log = g.push(Op::Unary(UnaryOp::Log), &[x]).unwrap();
    let y = g.push(Op::Binary(BinaryOp::Multiply), &[log, w]).unwrap();
    let negative = g.push(Op::Unary(UnaryOp::Negate), &[y]).unwrap();
    g.result(y);
    g.update(w, negative);
    g
}

#[test]
fn evaluate_gives_results_and_updates() {
    let run = evaluate(
        &graph(),
        &[lit(&[2], &[1f32, 1.0])],
        &[lit(&[2], &[3f32, 4.0])],
    );
    let run = run.unwrap();
    assert_eq!(run.results, [lit(&[2], &[0f32, 0.0])]);
    assert_eq!(run.updates, [lit(&[2], &[-0f32, -0.0])]);
}

#[test]
fn evaluate_all_keeps_every_value() {
    let g = graph();
    let x = lit(&[2], &[1f32, 1.0]);
    let trace = evaluate_all(&g, std::slice::from_ref(&x), &[lit(&[2], &[3f32, 4.0])]).unwrap();
    let input = g.params_of(ParamKind::Input).next().unwrap();
    assert_eq!(trace.get(input), Ok(&x));
    assert!(g.values().all(|v| trace.get(v).is_ok()));
}

#[test]
fn literals_that_do_not_fit_are_refused_by_name() {
    let (x, w) = (lit(&[2], &[1f32, 1.0]), lit(&[2], &[3f32, 4.0]));
    let message = |inputs: [&Literal; 1], variables: &[&Literal]| {
        let (inputs, variables) = (inputs.map(Literal::clone), variables.iter());
        let variables: Vec<Literal> = variables.map(|&v| v.clone()).collect();
        evaluate(&graph(), &inputs, &variables)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(message([&x], &[]), "expected 1 variables, got 0");
    assert_eq!(message([&x], &[&w, &w]), "expected 1 variables, got 2");
    assert_eq!(
        message([&x], &[&lit(&[3], &[0f32; 3])]),
        "variable \"w\": expected f32[2], got f32[3]"
    );
    assert_eq!(
        message([&lit(&[2], &[1i32, 1])], &[&w]),
        "input \"x\": expected f32[?], got i32[2]"
    );
    // The graph could not know this; the node that finds out is named.
    let late = message([&lit(&[3], &[1f32; 3])], &[&w]);
    assert!(late.starts_with("n1 (multiply): "), "{late}");
}

#[test]
fn a_reshape_that_stays_open_names_its_node() {
    let mut g = Graph::new();
    let x = g.input("x", Spec::new([None, None], DType::F32));
    let open = Shape::from([None, None]);
    let y = g.push(Op::Reshape(open), &[x]).unwrap();
    g.result(y);
    let error = evaluate(&g, &[lit(&[2, 3], &[0f32; 6])], &[]).unwrap_err();
    assert_eq!(error.node, g.node_of(y));
    let mut g = Graph::new();
    let x = g.input("x", Spec::new([None, None], DType::F32));
    let y = g
        .push(Op::Reshape(Shape::from([None, Some(2)])), &[x])
        .unwrap();
    g.result(y);
    let run = evaluate(&g, &[lit(&[2, 3], &[0f32; 6])], &[]).unwrap();
    assert_eq!(run.results[0].dims(), [3, 2]);
}

#[test]
fn the_first_node_that_leaves_the_finite_is_found() {
    let g = graph();
    let first = |x: [f32; 2], w: [f32; 2]| {
        let node = first_non_finite(&g, &[lit(&[2], &x)], &[lit(&[2], &w)]).unwrap();
        node.map(|n| g.op(n).name())
    };
    assert_eq!(first([1.0, 2.0], [1.0, 1.0]), None);
    assert_eq!(first([1.0, 0.0], [1.0, 1.0]), Some("log"));
    assert_eq!(first([1.0, -1.0], [1.0, 1.0]), Some("log"));
    // An infinity that came in is no one's fault; the NaN made of it is the product's.
    assert_eq!(first([1.0, 2.0], [f32::INFINITY, 1.0]), Some("multiply"));
    assert_eq!(first([2.0, 2.0], [f32::INFINITY, 1.0]), None);
    assert_eq!(first([f32::NAN, 2.0], [1.0, 1.0]), None);
}

#[test]
fn a_constant_is_meant_as_it_is() {
    let mut g = Graph::new();
    let low = Op::Constant(std::sync::Arc::new(Literal::scalar(f32::NEG_INFINITY)));
    let low = g.push(low, &[]).unwrap();
    let zero = g.push(Op::Unary(UnaryOp::Exponential), &[low]).unwrap();
    g.result(zero);
    assert_eq!(first_non_finite(&g, &[], &[]), Ok(None));
    let nan = g
        .push(Op::Binary(BinaryOp::Multiply), &[zero, low])
        .unwrap();
    assert_eq!(first_non_finite(&g, &[], &[]), Ok(g.node_of(nan)));
}
