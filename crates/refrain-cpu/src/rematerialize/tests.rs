use refrain_graph::{Graph, Literal, ParamKind, interp};

use super::rematerialize;

/// A product, what is subtracted from it, and a chain of products over which both are kept.
const KEPT: &str = r#"graph {
  %x = input "x" : f32[64,64]
  %w = variable "w" : f32[64,64]
  %m = variable "mean" : f32[64]
  %y = dot_general %x, %w {contracting=[1]x[0]} : f32[64,64]
  %b = broadcast_in_dim %m {dims=[1]} : f32[64,64]
  %c = subtract %y, %b : f32[64,64]
  %t = tanh %c : f32[64,64]
  %d = dot_general %t, %w {contracting=[1]x[0]} : f32[64,64]
  %e = dot_general %d, %w {contracting=[1]x[0]} : f32[64,64]
  %g = multiply %e, %y : f32[64,64]
  %h = multiply %g, %c : f32[64,64]
  return %h
}
"#;

fn parsed(text: &str) -> Graph {
    text.parse().unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// The text with replacements, before and after.
fn after(changes: &[(&str, &str)]) -> (Graph, Option<Graph>) {
    let mut text = KEPT.to_string();
    for (from, to) in changes {
        assert!(text.contains(from), "{from} in {text}");
        text = text.replace(from, to);
    }
    let graph = parsed(&text);
    let again = rematerialize(&graph).unwrap_or_else(|e| panic!("{e}"));
    (graph, again)
}

fn results(graph: &Graph) -> Vec<Literal> {
    let of = |kind| {
        let params = graph.params_of(kind).map(|v| {
            let dims = graph.spec(v).shape.known().unwrap_or_default();
            let n: usize = dims.iter().product();
            let values = (0..n).map(|i| ((i * 37) % 101) as f32 / 101.0 - 0.5);
            Literal::new(dims, values.collect::<Vec<f32>>()).unwrap_or_else(|| panic!("{n} values"))
        });
        params.collect::<Vec<Literal>>()
    };
    let run = interp::evaluate(graph, &of(ParamKind::Input), &of(ParamKind::Variable));
    run.unwrap_or_else(|e| panic!("{e}")).results
}

#[test]
fn a_value_that_comes_from_a_kept_one_is_computed_where_it_is_read() {
    let (graph, again) = after(&[]);
    let expected = KEPT.replace(
        "  %h = multiply %g, %c",
        "  %a = subtract %y, %b : f32[64,64]\n  %h = multiply %g, %a",
    );
    let again = again.unwrap_or_else(|| panic!("nothing is computed again"));
    assert_eq!(again.to_string(), parsed(&expected).to_string());
    assert_eq!(results(&again), results(&graph));
}

#[test]
fn what_lies_between_comes_along() {
    let (graph, again) = after(&[
        (
            "%t = tanh %c",
            "%n = negate %c : f32[64,64]\n  %t = tanh %n",
        ),
        ("%h = multiply %g, %c", "%h = multiply %g, %n"),
    ]);
    let text = again.as_ref().map(Graph::to_string).unwrap_or_default();
    assert_eq!(text.matches("negate").count(), 2, "{text}");
    assert_eq!(text.matches("subtract").count(), 2, "{text}");
    assert_eq!(again.map(|g| results(&g)), Some(results(&graph)));
}

#[test]
fn small_values_are_kept_for_it() {
    // The mean of a row is not needed late by itself.
    let (_, again) = after(&[(
        "%b = broadcast_in_dim %m {dims=[1]}",
        "%s = reduce %y {kind=sum, dims=[1]} : f32[64]\n  %b = broadcast_in_dim %s {dims=[0]}",
    )]);
    let text = again.as_ref().map(Graph::to_string).unwrap_or_default();
    assert_eq!(text.matches("subtract").count(), 2, "{text}");
    assert_eq!(text.matches("reduce").count(), 1, "{text}");
}

#[test]
fn nothing_is_computed_again_that_must_be_kept_anyway_or_costs() {
    let cases: [(&str, &[(&str, &str)]); 6] = [
        ("a result", &[("return %h", "return %h, %c")]),
        ("expensive", &[("subtract %y", "power %y")]),
        (
            "read late by a product",
            &[("%e = dot_general %d", "%e = dot_general %c")],
        ),
        (
            "from a value that is not kept",
            &[("multiply %e, %y", "multiply %e, %e")],
        ),
        (
            "from a variable that changes before",
            &[
                ("%d = dot", "%n = negate %m : f32[64]\n  %d = dot"),
                ("return %h", "update %m = %n\n  return %h"),
            ],
        ),
        (
            "read only before the peak",
            &[("%h = multiply %g, %c", "%h = multiply %g, %e")],
        ),
    ];
    for (name, changes) in cases {
        let (_, again) = after(changes);
        assert!(
            again.is_none(),
            "{name}: {}",
            again.map(|g| g.to_string()).unwrap_or_default()
        );
    }
}
