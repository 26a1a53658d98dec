use crate::numeric::{Program, check, check_op, check_twice, op_text};

#[test]
fn unary() {
    let everywhere = [
        "abs",
        "negate",
        "exponential",
        "exponential_minus_one",
        "logistic",
        "tanh",
        "sine",
        "cosine",
        "tan",
        "atan",
        "sinh",
        "cosh",
        "asinh",
        "erf",
    ];
    for op in everywhere {
        check_op(&[("x", "f64[5]")], &format!("{op} %x : f64[5]"));
    }
    for op in ["asin", "acos", "atanh", "erf_inv"] {
        check_op(&[("x -0.9 0.9", "f64[5]")], &format!("{op} %x : f64[5]"));
    }
    for op in ["log", "log_plus_one", "sqrt", "rsqrt", "cbrt"] {
        check_op(&[("x 0.5 3", "f64[5]")], &format!("{op} %x : f64[5]"));
    }
    check_op(&[("x -3 -1", "f64[4]")], "cbrt %x : f64[4]");
    check_op(&[("x 1.2 3", "f64[5]")], "acosh %x : f64[5]");
}

#[test]
fn steps_have_no_gradient() {
    for op in ["sign", "floor", "ceil", "round_nearest_even"] {
        let program = Program::of(
            &op_text(&[("x", "f64[5]")], &format!("{op} %x : f64[5]")),
            1,
        );
        assert_eq!(program.run(&program.inputs)[1].to_f64(), [0.0; 5]);
    }
}

#[test]
fn binary() {
    for op in ["add", "subtract", "multiply", "maximum", "minimum", "atan2"] {
        check_op(
            &[("a", "f64[6]"), ("b", "f64[6]")],
            &format!("{op} %a, %b : f64[6]"),
        );
    }
    for op in ["divide", "power"] {
        let inputs = [("a 0.5 2", "f64[6]"), ("b 0.5 2", "f64[6]")];
        check_op(&inputs, &format!("{op} %a, %b : f64[6]"));
    }
    check_op(
        &[("a 5.1 5.9", "f64[6]"), ("b 2.1 2.4", "f64[6]")],
        "remainder %a, %b : f64[6]",
    );
    check_op(
        &[("a -5.9 -5.1", "f64[6]"), ("b 2.1 2.4", "f64[6]")],
        "remainder %a, %b : f64[6]",
    );
}

#[test]
fn powers_of_zero() {
    let program = Program::of(
        "graph {
           %z = input \"z 0 0\" : f64[3]
           %b = constant [0, 1, 2] : f64[3]
           %y = power %z, %b : f64[3]
           return %y
         }",
        1,
    );
    let gradient = program.run(&program.inputs)[1].to_f64();
    assert_eq!((gradient[0], gradient[2]), (0.0, 0.0));
    assert!(gradient[1] > 0.0);
}

#[test]
fn ties_share_the_gradient() {
    let text = op_text(
        &[("a 1 1", "f64[1]"), ("b 1 1", "f64[1]")],
        "maximum %a, %b : f64[1]",
    );
    let program = Program::of(&text, 1);
    let run = program.run(&program.inputs);
    assert_eq!(run[1], run[2]);
    assert_eq!(run[1].to_f64()[0] * 2.0, run[0].to_f64()[0]);
}

#[test]
fn select_and_convert() {
    check_op(
        &[("p", "bool[6]"), ("a", "f64[6]"), ("b", "f64[6]")],
        "select %p, %a, %b : f64[6]",
    );
    let program = Program::of(
        "graph {
           %x = input \"x\" : f64[3]
           %single = convert %x : f32[3]
           %y = convert %single : f64[3]
           return %y
         }",
        1,
    );
    assert!(
        program.run(&program.inputs)[1]
            .to_f64()
            .iter()
            .all(|g| *g >= 0.5)
    );
}

#[test]
fn stop_gradient_stops() {
    let program = Program::of(
        "graph {
           %x = input \"x\" : f64[3]
           %s = stop_gradient %x : f64[3]
           %y = multiply %s, %x : f64[3]
           return %y
         }",
        1,
    );
    let run = program.run(&program.inputs);
    let dot: f64 = run[1]
        .to_f64()
        .iter()
        .zip(program.inputs[0].to_f64())
        .map(|(g, x)| g * x)
        .sum();
    assert!(
        (dot - run[0].to_f64()[0]).abs() < 1e-12,
        "the gradient is that of a product by a constant"
    );
}

#[test]
fn uses_add_up() {
    check(
        "graph {
           %x = input \"x\" : f64[3]
           %w = input \"w\" : f64[3]
           %unused = input \"unused\" : f64[2]
           %a = multiply %x, %w : f64[3]
           %b = tanh %a : f64[3]
           %c = multiply %b, %w : f64[3]
           %d = multiply %c, %c : f64[3]
           return %d, %b
         }",
    );
}

#[test]
fn second_order() {
    for op in ["tanh", "logistic", "exponential", "sine", "erf", "sinh"] {
        check_twice(&op_text(&[("x", "f64[4]")], &format!("{op} %x : f64[4]")));
    }
    for op in ["divide", "power", "atan2", "multiply"] {
        let inputs = [("a 0.5 2", "f64[4]"), ("b 0.5 2", "f64[4]")];
        check_twice(&op_text(&inputs, &format!("{op} %a, %b : f64[4]")));
    }
}
