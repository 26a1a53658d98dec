use crate::numeric::{Program, check, check_op};

const X: [(&str, &str); 1] = [("x", "f64[2,3,4]")];

#[test]
fn broadcast() {
    check_op(
        &[("x", "f64[2,1,3]")],
        "broadcast_in_dim %x {dims=[0,2,3]} : f64[2,4,5,3]",
    );
    check_op(
        &[("x", "f64[3]")],
        "broadcast_in_dim %x {dims=[1]} : f64[2,3]",
    );
    check_op(
        &[("x", "f64[]")],
        "broadcast_in_dim %x {dims=[]} : f64[2,3]",
    );
    check_op(
        &[("x", "f64[1,3]")],
        "broadcast_in_dim %x {dims=[0,1]} : f64[1,3]",
    );
}

#[test]
fn reshape_transpose_reverse() {
    check_op(&X, "reshape %x : f64[6,4]");
    check_op(&X, "transpose %x {permutation=[2,0,1]} : f64[4,2,3]");
    check_op(&X, "reverse %x {dims=[0,2]} : f64[2,3,4]");
}

#[test]
fn slice() {
    check_op(
        &X,
        "slice %x {starts=[0,1,0], limits=[2,3,4], strides=[1,1,3]} : f64[2,2,2]",
    );
    check_op(
        &X,
        "slice %x {starts=[1,0,1], limits=[2,3,4], strides=[2,2,2]} : f64[1,2,2]",
    );
}

#[test]
fn pad() {
    let inputs = [("x", "f64[3,4]"), ("v", "f64[]")];
    check_op(
        &inputs,
        "pad %x, %v {low=[1,0], high=[0,2], interior=[0,0]} : f64[4,6]",
    );
    check_op(
        &inputs,
        "pad %x, %v {low=[-1,2], high=[1,-3], interior=[2,1]} : f64[7,6]",
    );
    check_op(
        &inputs,
        "pad %x, %v {low=[-2,-1], high=[-1,-1], interior=[1,0]} : f64[2,2]",
    );
}

#[test]
fn concatenate() {
    check_op(
        &[("a", "f64[2,1]"), ("b", "f64[2,3]"), ("c", "f64[2,2]")],
        "concatenate %a, %b, %c, %a {dim=1} : f64[2,7]",
    );
}

/// Slices that cover their source give one concatenation, no padding.
#[test]
fn slices_side_by_side() {
    let text = "graph {
        %x = input \"x\" : f64[2,6]
        %a = slice %x {starts=[0,0], limits=[2,1], strides=[1,1]} : f64[2,1]
        %b = slice %x {starts=[0,1], limits=[2,4], strides=[1,1]} : f64[2,3]
        %c = slice %x {starts=[0,4], limits=[2,6], strides=[1,1]} : f64[2,2]
        %d = tanh %b : f64[2,3]
        return %c, %a, %d
      }";
    check(text);
    let printed = Program::of(text, 1).graph.to_string();
    assert!(printed.contains("concatenate"), "{printed}");
    let text = text.replace("return %c, %a, %d", "return %a, %d");
    check(&text);
}
