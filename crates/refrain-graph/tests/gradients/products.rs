use crate::numeric::{check_op, check_twice, op_text};

#[test]
fn dot_general() {
    for (a, b, line) in [
        (
            "f64[2,3]",
            "f64[3,4]",
            "dot_general %a, %b {contracting=[1]x[0]} : f64[2,4]",
        ),
        (
            "f64[3,2]",
            "f64[4,3]",
            "dot_general %a, %b {contracting=[0]x[1]} : f64[2,4]",
        ),
        (
            "f64[2,3,4]",
            "f64[2,4,5]",
            "dot_general %a, %b {batch=[0]x[0], contracting=[2]x[1]} : f64[2,3,5]",
        ),
        (
            "f64[3,2,4,2]",
            "f64[2,5,2,3]",
            "dot_general %a, %b {batch=[1,3]x[2,0], contracting=[0]x[3]} : f64[2,2,4,5]",
        ),
        (
            "f64[2,3,4]",
            "f64[4,5,3]",
            "dot_general %a, %b {contracting=[1,2]x[2,0]} : f64[2,5]",
        ),
        (
            "f64[2,3,4]",
            "f64[5,4,3]",
            "dot_general %a, %b {contracting=[2,1]x[1,2]} : f64[2,5]",
        ),
        ("f64[2,3]", "f64[4]", "dot_general %a, %b : f64[2,3,4]"),
        (
            "f64[3]",
            "f64[3]",
            "dot_general %a, %b {contracting=[0]x[0]} : f64[]",
        ),
    ] {
        check_op(&[("a", a), ("b", b)], line);
    }
    let inputs = [("a", "f64[2,3]"), ("b", "f64[3,2]")];
    check_twice(&op_text(
        &inputs,
        "dot_general %a, %b {contracting=[1]x[0]} : f64[2,2]",
    ));
}

fn conv(x: &str, w: &str, attributes: &str, y: &str) {
    check_op(
        &[("x", x), ("w", w)],
        &format!("convolution %x, %w {{{attributes}}} : {y}"),
    );
}

#[test]
fn convolution_1d_in_all_ways() {
    let dims = "dims=[b,0,f]x[0,i,o]->[b,0,f]";
    for n in [5usize, 6] {
        for (k, s, d, b, (low, high)) in [
            (3, 1, 1, 1, (0, 0)),
            (3, 2, 1, 1, (1, 1)),
            (2, 3, 2, 1, (2, 0)),
            (3, 1, 2, 2, (0, 3)),
            (3, 2, 1, 3, (4, 1)),
            (2, 2, 1, 1, (-1, 2)),
            (1, 2, 1, 1, (0, -1)),
            (2, 3, 3, 2, (1, 5)),
        ] {
            let padded = ((n - 1) * b + 1) as i64 + low + high;
            let out = (padded - ((k - 1) * d + 1)) / s + 1;
            for reversal in [false, true] {
                let attributes = format!(
                    "{dims}, size=[{k}], strides=[{s}], padding=[[{low},{high}]], \
                     base_dilation=[{b}], dilation=[{d}], reversal=[{reversal}]"
                );
                let (x, w) = (format!("f64[2,{n},2]"), format!("f64[{k},2,3]"));
                conv(&x, &w, &attributes, &format!("f64[2,{out},3]"));
            }
        }
    }
}

#[test]
fn convolution_in_other_layouts() {
    let attributes =
        "dims=[f,0,b,1]x[o,1,i,0]->[1,b,0,f], size=[2,3], strides=[2,1], padding=[[0,1],[1,0]]";
    conv("f64[2,5,3,4]", "f64[3,3,2,2]", attributes, "f64[3,3,3,3]");
}

#[test]
fn convolution_in_groups() {
    let dims =
        "dims=[b,0,1,f]x[0,1,i,o]->[b,0,1,f], size=[2,3], strides=[1,2], padding=[[1,0],[1,1]]";
    let grouped = format!("{dims}, feature_groups=2");
    conv("f64[2,3,4,4]", "f64[2,3,2,6]", &grouped, "f64[2,3,2,6]");
    let depthwise = format!("{dims}, feature_groups=3, dilation=[1,1]");
    conv("f64[2,3,4,3]", "f64[2,3,1,6]", &depthwise, "f64[2,3,2,6]");
    let batches = format!("{dims}, batch_groups=2");
    conv("f64[4,3,4,2]", "f64[2,3,2,4]", &batches, "f64[2,3,2,4]");
    let inputs = [("x", "f64[2,4,4]"), ("w", "f64[2,2,4]")];
    let line = "convolution %x, %w {dims=[b,0,f]x[0,i,o]->[b,0,f], size=[2], strides=[2], feature_groups=2} : f64[2,2,4]";
    check_twice(&op_text(&inputs, line));
}
