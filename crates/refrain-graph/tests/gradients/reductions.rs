use crate::numeric::{Program, check, check_op, check_twice, op_text};

const X: [(&str, &str); 1] = [("x", "f64[2,3,4]")];

#[test]
fn reduce() {
    for kind in ["sum", "max", "min", "product"] {
        check_op(
            &X,
            &format!("reduce %x {{kind={kind}, dims=[1]}} : f64[2,4]"),
        );
        check_op(
            &X,
            &format!("reduce %x {{kind={kind}, dims=[0,2]}} : f64[3]"),
        );
        check_op(
            &X,
            &format!("reduce %x {{kind={kind}, dims=[0,1,2]}} : f64[]"),
        );
    }
    check_twice(&op_text(
        &[("x", "f64[2,3]")],
        "reduce %x {kind=product, dims=[1]} : f64[2]",
    ));
}

#[test]
fn products_with_zeros() {
    let with_zeros = |line: &str| {
        format!(
            "graph {{
               %x = input \"x\" : f64[4]
               %mask = constant [1, 0, 1, 1] : f64[4]
               %z = multiply %x, %mask : f64[4]
               %offset = input \"offset 0 0\" : f64[4]
               %s = add %z, %offset : f64[4]
               %y = {line}
               return %y
             }}"
        )
    };
    check(&with_zeros("reduce %s {kind=product, dims=[0]} : f64[]"));
    check(&with_zeros("cumulative %s {kind=product, dim=0} : f64[4]"));
}

#[test]
fn equal_extremes_share_the_gradient() {
    let text = op_text(
        &[("x 1 1", "f64[4]")],
        "reduce %x {kind=max, dims=[0]} : f64[]",
    );
    let program = Program::of(&text, 1);
    let run = program.run(&program.inputs);
    assert_eq!(run[1].to_f64(), vec![run[0].to_f64()[0] / 4.0; 4]);
}

#[test]
fn cumulative() {
    for kind in ["sum", "max", "min", "product"] {
        for reverse in ["", ", reverse"] {
            for dim in 0..3 {
                check_op(
                    &X,
                    &format!("cumulative %x {{kind={kind}, dim={dim}{reverse}}} : f64[2,3,4]"),
                );
            }
        }
    }
}

#[test]
fn sort() {
    for dim in 0..3 {
        for descending in ["", ", descending"] {
            check(&format!(
                "graph {{
                   %x = input \"x\" : f64[2,3,4]
                   %y, %i = sort %x {{dim={dim}{descending}}} : f64[2,3,4], i32[2,3,4]
                   return %y, %i
                 }}"
            ));
        }
    }
}
