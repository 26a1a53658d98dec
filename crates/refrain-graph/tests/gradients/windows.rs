use crate::numeric::{check_op, check_twice, op_text};

#[test]
fn reduce_window() {
    for kind in ["sum", "max", "min"] {
        for (attributes, y) in [
            ("size=[1,2,2], strides=[1,2,2]", "f64[2,2,3]"),
            ("size=[1,3,2], strides=[1,1,1]", "f64[2,3,5]"),
            (
                "size=[1,3,3], strides=[1,2,2], padding=[[0,0],[1,1],[0,1]]",
                "f64[2,3,3]",
            ),
            (
                "size=[2,2,2], strides=[1,3,2], padding=[[0,0],[0,0],[1,-1]]",
                "f64[1,2,3]",
            ),
        ] {
            check_op(
                &[("x", "f64[2,5,6]")],
                &format!("reduce_window %x {{kind={kind}, {attributes}}} : {y}"),
            );
        }
    }
}

#[test]
fn dilated_windowed_sums() {
    for (attributes, y) in [
        ("size=[3], dilation=[2]", "f64[2]"),
        (
            "size=[2], dilation=[2], strides=[2], padding=[[1,1]]",
            "f64[3]",
        ),
        ("size=[3], base_dilation=[2], strides=[2]", "f64[5]"),
        (
            "size=[2], base_dilation=[3], dilation=[2], strides=[3], padding=[[-1,2]]",
            "f64[5]",
        ),
    ] {
        check_op(
            &[("x", "f64[6]")],
            &format!("reduce_window %x {{kind=sum, {attributes}}} : {y}"),
        );
    }
}

#[test]
fn pooling_twice() {
    let x = [("x", "f64[1,4,5]"), ("s", "f64[1,2,2]")];
    let line = "select_and_scatter %x, %s {size=[1,2,2], strides=[1,2,2]} : f64[1,4,5]";
    check_op(&x, line);
    let padded = "select_and_scatter %x, %s {size=[1,3,3], strides=[1,2,3], padding=[[0,0],[0,1],[1,0]]} : f64[1,4,5]";
    check_op(&x, padded);
    let squares = op_text(
        &[("x 0.2 1", "f64[1,4,4]")],
        "multiply %x, %x : f64[1,4,4]
        %p = reduce_window %result {kind=max, size=[1,2,2], strides=[1,2,2]} : f64[1,2,2]",
    );
    check_twice(&squares.replace("return %result", "return %p"));
}
