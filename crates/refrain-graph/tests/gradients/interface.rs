//! What `gradients` and `vjp` accept, refuse and promise.

use refrain_graph::{DType, Graph, Op, Spec, UnaryOp, Value, grad};

use crate::numeric::check;

fn parse(text: &str) -> (Graph, Value, Vec<Value>) {
    let graph: Graph = text.parse().unwrap();
    let params = graph.params().map(|(v, ..)| v).collect();
    let output = graph.results()[0];
    (graph, output, params)
}

#[test]
fn an_output_must_be_a_scalar_float() {
    for spec in [Spec::new([2], DType::F32), Spec::scalar(DType::I32)] {
        let mut graph = Graph::new();
        let x = graph.input("x", spec);
        let error = grad::gradients(&mut graph, x, &[x]).unwrap_err();
        assert!(error.to_string().contains("scalar float output"), "{error}");
    }
}

#[test]
fn shapes_must_be_known() {
    let (mut graph, output, params) = parse(
        "graph {
           %x = input \"x\" : f32[?]
           %y = tanh %x : f32[?]
           %s = reduce %y {kind=sum, dims=[0]} : f32[]
           return %s
         }",
    );
    let before = graph.clone();
    let error = grad::gradients(&mut graph, output, &params).unwrap_err();
    assert_eq!(error.op, Some("reduce"));
    assert!(error.to_string().contains("known shapes"), "{error}");
    assert_eq!(
        graph.params().len(),
        before.params().len(),
        "the graph is still there"
    );
}

#[test]
fn cotangents_must_fit_their_outputs() {
    let mut graph = Graph::new();
    let x = graph.input("x", Spec::new([2], DType::F32));
    let wrong = graph.input("g", Spec::new([3], DType::F32));
    let y = graph.push(Op::Unary(UnaryOp::Tanh), &[x]).unwrap();
    assert!(grad::vjp(&mut graph, &[(y, wrong)], &[x]).is_err());
}

#[test]
fn only_what_has_influence_is_differentiated() {
    let (mut graph, output, params) = parse(
        "graph {
           %x = input \"x\" : f32[]
           %y = input \"y\" : f32[]
           %a = tanh %x : f32[]
           %b = logistic %y : f32[]
           %unused = sine %x : f32[]
           %s = add %a, %b : f32[]
           return %s
         }",
    );
    let one = graph.op_of(output).unwrap().1[0];
    let found = grad::vjp(&mut graph, &[(output, one)], &params[..1]).unwrap();
    assert!(found[0].is_some());
    let text = graph.to_string();
    assert_eq!(text.matches("logistic").count(), 1, "{text}");
    assert_eq!(text.matches("sine").count(), 1, "{text}");
    let constants = text.matches("constant").count();
    assert_eq!(
        constants, 1,
        "only the 1 of 1 - tanh², nothing of logistic\n{text}"
    );
}

#[test]
fn gradients_carry_the_scope_of_what_they_differentiate() {
    let (mut graph, output, params) = parse(
        "graph {
           %x = input \"x\" : f32[]
           %a = tanh %x : f32[] @\"first\"
           %b = sine %a : f32[] @\"second\"
           return %b
         }",
    );
    let own = graph.nodes().len();
    grad::gradients(&mut graph, output, &params).unwrap();
    let label = |node| graph.scope(node).map(|s| graph.scope_label(s).to_owned());
    for node in graph.nodes().skip(own) {
        let expected = match graph.op(node).name() {
            "cosine" => "second",
            "subtract" => "first",
            _ => continue,
        };
        assert_eq!(label(node).as_deref(), Some(expected), "{graph}");
    }
}

/// Two layers called in turns on their own outputs: A(B(A(B(x)))).
#[test]
fn layers_called_in_turns() {
    check(
        "graph {
           %x = input \"x\" : f64[2,3]
           %a = input \"a\" : f64[3,3]
           %b = input \"b\" : f64[3,3]
           %1 = dot_general %x, %b {contracting=[1]x[0]} : f64[2,3]
           %2 = tanh %1 : f64[2,3]
           %3 = dot_general %2, %a {contracting=[1]x[0]} : f64[2,3]
           %4 = logistic %3 : f64[2,3]
           %5 = dot_general %4, %b {contracting=[1]x[0]} : f64[2,3]
           %6 = tanh %5 : f64[2,3]
           %7 = dot_general %6, %a {contracting=[1]x[0]} : f64[2,3]
           %8 = logistic %7 : f64[2,3]
           return %8
         }",
    );
}
