//! The language: what is read, what it prints, what it gives, what it refuses.

use super::Expression;
use crate::error::Result;
use crate::layers::{Call, Layer};
use crate::tensor::Tensor;
use crate::testing;
use crate::{Inputs, input};
use refrain_graph::{DType, Literal, Spec, interp};

fn parse(text: &str) -> Expression {
    Expression::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// An expression as a layer.
struct Applied(Expression);

impl Layer for Applied {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "Lambda"
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        self.0.apply(inputs.first()?)
    }
}

/// The result for a matrix of floats.
fn values(text: &str, rows: &[[f32; 2]]) -> Result<Vec<f64>> {
    let layer = Applied(parse(text)).into_layer().any();
    let spec = Spec::new([rows.len(), 2], DType::F32);
    let symbol = testing::symbolic((spec.clone(), None));
    let mut program = testing::trace(&layer, &Inputs::new(&symbol), &[(spec, None)], false)?;
    program.graph.result(program.outputs[0]);
    let literal = Literal::new([rows.len(), 2], rows.concat()).expect("two columns");
    let ran = interp::evaluate(&program.graph, &[literal], &[])?;
    Ok(ran.results[0].to_f64())
}

#[test]
fn texts_print_in_one_form_that_reads_back() {
    for (text, printed) in [
        ("x/255", "x / 255"),
        ("((x))", "x"),
        ("-x**2", "-x ** 2"),
        ("(-x)**2", "(-x) ** 2"),
        ("(-2)**x", "(-2) ** x"),
        ("2**-x", "2 ** -x"),
        ("x**x**x", "x ** x ** x"),
        ("(x**x)**x", "(x ** x) ** x"),
        ("x-(x-x)", "x - (x - x)"),
        ("(x-x)-x", "x - x - x"),
        ("x*(x+1)", "x * (x + 1)"),
        ("- -1", "1"),
        ("x - -1", "x - -1"),
        ("(x>0)&(x<1)", "(x > 0) & (x < 1)"),
        ("x&x==x", "x & x == x"),
        ("(x==x)==x", "(x == x) == x"),
        ("x[ :,0 ]", "x[:, 0]"),
        ("x[(slice)]", ""),
        ("x[:,-1,:]", "x[:, -1, :]"),
        ("x[...,::-1]", "x[..., ::-1]"),
        ("x[None:2:None]", "x[:2]"),
        ("x[0,]", "x[0,]"),
        ("x[(0, 1)]", "x[0, 1]"),
        ("x[()]", "x[()]"),
        ("x['a'][0]", "x['a'][0]"),
        ("1_000 + 1.5e3", "1000 + 1500.0"),
        ("x * 1e-7", "x * 1e-7"),
        ("x * 1e999", "x * 1e999"),
        ("x + -0.0", "x + -0.0"),
        ("sum( x , axis = ( 1, ) )", "sum(x, axis=(1,))"),
        ("sum(x, axis=[1, -1,],)", "sum(x, axis=[1, -1])"),
        ("ops.abs(x)", "abs(x)"),
        ("keras.ops.abs(x)", "abs(x)"),
        ("tf.math.abs(x)", "tf.abs(x)"),
        ("tensorflow.nn.relu(x)", "tf.relu(x)"),
        ("tf.keras.backend.sqrt(x)", "K.sqrt(x)"),
        ("tf.cast(x, tf.float32)", "tf.cast(x, 'float32')"),
        ("x[:, tf.newaxis]", "x[:, None]"),
        ("einsum(\"i'\\\\\", x)", "einsum('i\\'\\\\', x)"),
        ("abs(True) + ~x", "abs(True) + ~x"),
    ] {
        if printed.is_empty() {
            assert!(Expression::parse(text).is_err(), "{text}");
            continue;
        }
        assert_eq!(parse(text).to_string(), printed);
        assert_eq!(parse(printed), parse(text));
    }
}

#[test]
fn wrong_texts_say_where_and_what() {
    for (text, expected) in [
        (
            "",
            "character 1 of the expression: expected a value, got the end",
        ),
        (
            "x +",
            "character 4 of the expression: expected a value, got the end",
        ),
        (
            "x y",
            "character 3 of the expression: expected an operator or the end, got `y`",
        ),
        (
            "x ? 1",
            "character 3 of the expression: `?` means nothing here",
        ),
        ("(x", "expected `,` or `)`, got the end"),
        ("(,)", "expected a value, got `,`"),
        ("x[", "expected a value, got the end"),
        ("x[]", "expected an index, got `]`"),
        ("x[1:2:3:4]", "expected `]`, got `:`"),
        (
            "absolut(x)",
            "no function is named `absolut`. The nearest names are `absolute`",
        ),
        ("tf.reduce_summ(x)", "`tf.reduce_sum`"),
        ("K.reduce_sum(x)", "`tf.reduce_sum`"),
        ("np.abs(x)", "no function is named `np.abs`"),
        (
            "y + 1",
            "character 1 of the expression: no value is named `y`. The layer's input is `x`",
        ),
        ("x.shape", "neither attributes nor methods"),
        ("x.sum()", "no function is named `x.sum`"),
        ("x(1)", "no function is named `x`"),
        ("abs(x)(x)", "only functions can be called"),
        ("abs()", "argument `x` is missing. The function is `abs(x)`"),
        ("abs(x, x)", "2 arguments are too many"),
        ("sum(x, x=x)", "two values for argument `x`"),
        ("sum(x, axes=1)", "no argument is named `axes`"),
        (
            "sum(axis=1, x)",
            "an argument without a name after one with a name",
        ),
        ("0 < x < 1", "chained comparisons"),
        ("x if x else x", "`if` is not part of expressions"),
        ("x, x", "several results"),
        ("'abc", "a string without an end"),
        ("'\\q'", "an unknown escape"),
        ("99999999999999999999", "not a number that fits 64 bits"),
        ("1x", "not a number"),
        ("x = 1", "expected an operator or the end, got `=`"),
        ("lambda x: x", "no value is named `lambda`"),
    ] {
        let error = Expression::parse(text).expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn names_mean_what_their_modules_mean() -> Result<()> {
    let rows = [[-4.0, 9.0]];
    assert_eq!(values("K.sqrt(x)", &rows)?, [0.0, 3.0]);
    assert!(values("sqrt(x)", &rows)?[0].is_nan());
    assert!(values("tf.sqrt(x)", &rows)?[0].is_nan());
    let rows = [[1.0, 2.0], [3.0, 4.0]];
    assert_eq!(values("concatenate([x, -x])", &rows)?.len(), 8);
    assert_eq!(
        values("concatenate([x, -x])", &rows)?[..4],
        [1.0, 2.0, 3.0, 4.0]
    );
    assert_eq!(
        values("K.concatenate([x, -x])", &rows)?[..4],
        [1.0, 2.0, -1.0, -2.0]
    );
    assert!((values("hard_sigmoid(x)", &rows)?[0] - 4.0 / 6.0).abs() < 1e-6);
    assert!((values("K.hard_sigmoid(x)", &rows)?[0] - 0.7).abs() < 1e-6);
    Ok(())
}

#[test]
fn numbers_are_computed_as_in_python() -> Result<()> {
    for (text, expected) in [
        ("7 // 2", 3.0),
        ("-7 // 2", -4.0),
        ("7 % -3", -2.0),
        ("-7.5 % 2", 0.5),
        ("-7.5 // 2", -4.0),
        ("7 / 2", 3.5),
        ("2 ** 10", 1024.0),
        ("2 ** -1", 0.5),
        ("9 ** 0.5", 3.0),
        ("True + 1", 2.0),
        ("-(1 + 2)", -3.0),
        ("K.sqrt(4.0)", 2.0),
    ] {
        let text = format!("x * 0 + ({text})");
        assert_eq!(values(&text, &[[1.0, 1.0]])?, [expected; 2], "{text}");
    }
    for text in [
        "1 / 0",
        "9 ** 99",
        "(-1.0) ** 0.5",
        "1 // 0.0",
        "'a' + 1",
        "0 ** -1",
    ] {
        let text = format!("x + ({text})");
        assert!(values(&text, &[[1.0, 1.0]]).is_err(), "{text}");
    }
    Ok(())
}

#[test]
fn lists_are_picked_from_and_not_computed_with() -> Result<()> {
    let (a, b) = (input([3]), input([3]));
    let both = || [&a, &b];
    assert!(parse("x[0] + x[-1]").apply(both()).is_ok());
    assert!(parse("concatenate(x[::-1], axis=1)").apply(both()).is_ok());
    assert!(
        parse("x['b'] - x['a']")
            .apply([("a", &a), ("b", &b)])
            .is_ok()
    );
    for (text, expected) in [
        ("x", "one tensor"),
        ("x + 1", "Pick one of several inputs: `x[0]`"),
        ("abs(x)", "Pick one of several inputs: `x[0]`"),
        ("x[2]", "a place in a list of 2 values"),
        ("x['a']", "an index of a list"),
        ("1", "one tensor"),
        ("x[0][0, 0, 0]", "at most 2 indices"),
    ] {
        let error = parse(text).apply(both()).expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    let error = parse("x['c']").apply([("a", &a), ("b", &b)]).unwrap_err();
    assert!(error.to_string().contains("one of the keys a, b"));
    Ok(())
}

#[test]
fn arguments_that_do_not_fit_are_errors() {
    let x = input([3, 4]);
    let biggest = i64::MIN;
    for text in [
        "sum(x, axis=3)",
        "sum(x, axis='a')",
        "sum(x, axis=1, keepdims=2)",
        "reshape(x, (-1, -1))",
        "reshape(x, (-1, -5))",
        "reshape(x, (4000000000, 4))",
        "reshape(x, (100000, 100000))",
        "tile(x, [1, 100000, 100000])",
        "repeat(x, 9999999999, axis=1)",
        "one_hot(x, -1)",
        "cast(x, 'float33')",
        "x[:, 5]",
        "x[:, ::0]",
        "x[:, 1.5]",
        "x[:, [0, 1]]",
        "split(x, 5, axis=2)[0]",
        "split(x, 0, axis=2)[0]",
        "norm(x, 2)",
        "norm(x, 'nuc', axis=1)",
        "K.dot(x, K.constant(1.0))",
        "K.batch_dot(x, x, axes=0)",
        "K.mean(x > 0)",
        "where(x > 0, x, 'a')",
        "einsum('ij', x)",
        "~x",
        "x & x",
        "x @ x",
        "tile(tile(tile(x, 2000000000), 2000000000), 2000000000)",
        "repeat(one_hot(cast(x, 'int32'), 2000000000), 2000000000, axis=1)",
        "concatenate([], axis=1)",
        "K.repeat(x, 2)",
        &format!("x[:, {biggest}:]"),
        &format!("roll(x, {biggest}, 1)"),
        &format!("sum(x, axis={biggest})"),
    ] {
        let applied = Expression::parse(text).and_then(|e| e.apply(&x));
        assert!(applied.is_err(), "{text}: {applied:?}");
    }
}
