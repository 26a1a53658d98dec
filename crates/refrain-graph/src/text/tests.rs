//! Properties of the text form as a whole, and messages of its errors.

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::parse_unchecked;
use crate::infer::tests::{op, sound_layout, spec};
use crate::{Graph, Op, ParamKind, Spec, Value};

#[derive(Clone, Debug)]
enum Statement {
    Param(bool, String, Spec),
    Node(Op, Vec<Index>, Vec<Spec>, Option<String>),
}

/// Specs of results as far as a primitive decides them itself.
fn results(op: &Op, mut specs: Vec<Spec>) -> Vec<Spec> {
    match op {
        Op::Constant(literal) => specs = vec![literal.spec()],
        Op::Iota { shape, dtype, .. } => specs = vec![Spec::new(shape.clone(), *dtype)],
        Op::Convert(dtype) => specs[0].dtype = *dtype,
        Op::RngBitGenerator(_) => specs.push(specs[0].clone()),
        _ => {}
    }
    specs
}

fn statement(bodies: BoxedStrategy<Graph>) -> impl Strategy<Value = Statement> {
    let label = proptest::option::of(prop_oneof![Just("dense".to_string()), ".*"]);
    let inputs = vec(any::<Index>(), 0..4);
    prop_oneof![
        1 => (any::<bool>(), ".*", spec()).prop_map(|(v, name, spec)| Statement::Param(v, name, spec)),
        3 => (op(bodies, sound_layout()), inputs, vec(spec(), 1..3), label).prop_map(
            |(op, inputs, specs, label)| {
                let specs = results(&op, specs);
                Statement::Node(op, inputs, specs, label)
            }
        ),
    ]
}

fn build(statements: Vec<Statement>, results: Vec<Index>, updates: Vec<(Index, Index)>) -> Graph {
    let mut graph = Graph::new();
    let mut scopes = HashMap::new();
    for statement in statements {
        let values: Vec<Value> = graph.values().collect();
        match statement {
            Statement::Param(variable, name, spec) => {
                let kind = match variable {
                    true => ParamKind::Variable,
                    false => ParamKind::Input,
                };
                graph.param(kind, name, spec);
            }
            Statement::Node(op, inputs, specs, label) => {
                let inputs = inputs.iter().filter(|_| !values.is_empty());
                let inputs: Vec<Value> = inputs.map(|i| *i.get(&values)).collect();
                let scope = label.map(|label| {
                    let known = scopes.get(&label).copied();
                    let scope = known.unwrap_or_else(|| graph.add_scope(label.clone()));
                    scopes.insert(label, scope);
                    scope
                });
                graph.set_scope(scope);
                graph.push_unchecked(op, &inputs, specs);
            }
        }
    }
    graph.set_scope(None);
    let values: Vec<Value> = graph.values().collect();
    if !values.is_empty() {
        results.iter().for_each(|i| graph.result(*i.get(&values)));
        for (variable, value) in updates {
            graph.update(*variable.get(&values), *value.get(&values));
        }
    }
    graph
}

/// Graphs of any statements, sound or not, with bodies inside bodies to this depth.
fn graph(depth: usize) -> BoxedStrategy<Graph> {
    let bodies = match depth {
        0 => Just(Graph::new()).boxed(),
        _ => graph(depth - 1),
    };
    let pairs = vec(any::<(Index, Index)>(), 0..2);
    (
        vec(statement(bodies), 0..6),
        vec(any::<Index>(), 0..3),
        pairs,
    )
        .prop_map(|(statements, results, updates)| build(statements, results, updates))
        .boxed()
}

/// A change of a text: where, how many characters go, what comes.
type Edit = (Index, usize, String);

fn edit() -> impl Strategy<Value = Edit> {
    let pieces = "[%@{}\\[\\]=:,;?\"x0-9-]|->|body|0x|\\\\u\\{|nan|é|input|return|%0|f32\\[";
    let come = prop_oneof![Just(String::new()), pieces.prop_map(String::from), ".{0,3}"];
    (any::<Index>(), 0..5usize, come)
}

fn edited(text: &str, edits: &[Edit]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for (at, gone, come) in edits {
        let at = at.index(chars.len() + 1);
        let end = (at + gone).min(chars.len());
        chars.splice(at..end, come.chars());
    }
    chars.into_iter().collect()
}

const SAMPLE: &str = r#"graph {
  %0 = input "x" : f32[8,?,10]
  %1 = variable "conv/\"kernel\"" : f32[3,10,32]
  %2 = constant [1.5, -0, nan] : f32[3]
  %3 = constant 0x0100c07f : f32[]
  %4 = convolution %0, %1 {dims=[b,0,f]x[0,i,o]->[b,0,f], size=[3], padding=[[-1,1]], reversal=[true]} : f32[8,?,32]
  %5 = variable "rnn/kernel" : f32[10,32]
  %6, %7 = scan %5, %0 {carries=1, sequences=1, length=?, reverse} body {
    %0 = input "h" : f32[10,32]
    %1 = input "step" : f32[?,10]
    %2 = dot_general %1, %0 {contracting=[1]x[0]} : f32[?,32]
    return %0, %2
  } : f32[10,32], f32[8,?,32] @"rnn, call 2"
  update %5 = %6
  return %7, %4
}
"#;

proptest! {
    #[test]
    fn what_is_printed_parses_to_the_same(graph in graph(2)) {
        let text = graph.to_string();
        let again = parse_unchecked(&text);
        prop_assert!(again.is_ok(), "{}\n{:?}", text, again);
        let again = again.unwrap().graph;
        prop_assert_eq!(&again.to_string(), &text);
        prop_assert_eq!(format!("{again:?}"), format!("{graph:?}"));
    }

    #[test]
    fn broken_text_gets_an_answer(
        text in prop_oneof![Just(SAMPLE.to_string()), graph(1).prop_map(|g| g.to_string())],
        edits in vec(edit(), 1..4),
    ) {
        let broken = edited(&text, &edits);
        match broken.parse::<Graph>() {
            Ok(graph) => prop_assert_eq!(graph.to_string().parse::<Graph>().map(|g| g.to_string()), Ok(graph.to_string())),
            Err(error) => prop_assert!(error.message.contains("expected"), "{}", error),
        }
    }
}

#[track_caller]
fn refused(text: &str, message: &str) {
    let error = text.parse::<Graph>().unwrap_err();
    assert_eq!(error.to_string(), message, "{text}");
}

#[test]
fn the_sample_is_printed_as_it_is_written() {
    let graph: Graph = SAMPLE.parse().unwrap();
    assert_eq!(graph.to_string(), SAMPLE);
    assert_eq!(parse_unchecked(SAMPLE).unwrap().lines, [4, 5, 6, 8]);
}

#[test]
fn errors_name_line_and_column() {
    refused("", "line 1, column 1: expected `graph`, got the end");
    refused(
        "graph {\n  return\n} x",
        "line 3, column 3: expected the end, got `x`",
    );
    refused(
        "graph {\n  return %é\n}",
        "line 2, column 10: expected a name after `%`",
    );
    let one = |statement: &str| {
        format!("graph {{\n  %x = input \"x\" : f32[2]\n  {statement}\n  return\n}}")
    };
    for (statement, message) in [
        (
            "%y = tanh %z : f32[2]",
            "line 3, column 13: expected a defined value, got %z",
        ),
        (
            "%x = tanh %x : f32[2]",
            "line 3, column 3: expected one definition of %x, got a second",
        ),
        (
            "%y = tan %x : f33[2]",
            "line 3, column 17: expected an element type, got `f33`",
        ),
        (
            "%y = tang %x : f32[2]",
            "line 3, column 8: expected a primitive, got `tang`",
        ),
        (
            "%y = input x : f32[2]",
            "line 3, column 14: expected the parameter's name in quotes, got `x`",
        ),
        (
            "%y = sort %x {dim=0} : f32[2], i32[2]",
            "line 3, column 8: expected 1 specs of results, got 2",
        ),
        (
            "%y = reverse %x {dims=0} : f32[2]",
            "line 3, column 20: expected `dims` to be a list of numbers",
        ),
        (
            "%y = reverse %x : f32[2]",
            "line 3, column 8: expected attribute `dims`, a list of numbers",
        ),
        (
            "%y = tanh %x {dim=0} : f32[2]",
            "line 3, column 17: expected no attribute `dim` (again) in tanh",
        ),
        (
            "%y = tanh %x body { return } : f32[2]",
            "line 3, column 8: expected no body after tanh",
        ),
        (
            "%y = constant [1, 2] : f32[3]",
            "line 3, column 8: expected 3 elements, got 2",
        ),
        (
            "%y = constant 300 : u8[]",
            "line 3, column 8: expected an element of u8, got `300`",
        ),
        (
            "%y = constant 0x0 : u8[1]",
            "line 3, column 8: expected pairs of hexadecimal digits",
        ),
        (
            "%y = constant 0x02 : bool[1]",
            "line 3, column 8: expected bytes 00 and 01 for bool",
        ),
        (
            "%y = constant 0 : f32[?]",
            "line 3, column 8: expected a constant of known shape, got f32[?]",
        ),
        (
            "%y = input \"\\q\" : f32[2]",
            "line 3, column 15: expected one of \\\" \\\\ \\' \\n \\r \\t \\0 \\u{…}",
        ),
        (
            "%y = tanh %x : f32[3]",
            "n0 (tanh): line 3: expected results (f32[2]), got (f32[3])",
        ),
    ] {
        refused(&one(statement), message);
    }
    refused(
        &one("%y = constant 1 : f32[1000000000,1000000000]"),
        "line 3, column 8: expected constants of at most 1073741824 bytes, got f32[1000000000,1000000000]",
    );
}

#[test]
fn bodies_are_nested_only_so_deep() {
    let nested = |depth: usize| {
        let open =
            "graph { %0 = scan {carries=0, sequences=0, length=1} body { ".replace("graph { ", "");
        let close = "return %0 } : f32[1] ";
        let inner = "%0 = constant 0 : f32[1] ";
        format!(
            "graph {{ {}{inner}{}return }}",
            open.repeat(depth),
            close.repeat(depth)
        )
    };
    let at_limit = nested(32);
    assert!(parse_unchecked(&at_limit).is_ok());
    let error = parse_unchecked(&nested(100_000)).unwrap_err().to_string();
    assert!(
        error.contains("expected at most 32 nested bodies"),
        "{error}"
    );
}

#[test]
fn names_and_line_breaks_are_free() {
    let text = "graph{%in=input\"x\":f32[2]%a.1=tanh%in:f32[2];and so on\nreturn%a.1}";
    let graph: Graph = text.parse().unwrap();
    let printed = "graph {\n  %0 = input \"x\" : f32[2]\n  %1 = tanh %0 : f32[2]\n  return %1\n}\n";
    assert_eq!(graph.to_string(), printed);
}
