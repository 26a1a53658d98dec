use refrain_graph::{Graph, Op};

use crate::numeric::{Program, check, check_twice};

/// An LSTM over `[time, batch, …]` sequences, with mask, shared kernel and bias as constants of the loop.
fn lstm(reverse: &str) -> String {
    format!(
        "graph {{
  %x = input \"x\" : f64[4,2,3]
  %h = input \"h\" : f64[2,2]
  %c = input \"c\" : f64[2,2]
  %mask = input \"mask -1 2\" : bool[4,2]
  %w = input \"w\" : f64[3,8]
  %u = input \"u\" : f64[2,8]
  %b = input \"b\" : f64[8]
  %hn, %cn, %hs = scan %h, %c, %x, %mask, %w, %u, %b {{carries=2, sequences=2, length=4{reverse}}} body {{
    %h = input \"h\" : f64[2,2]
    %c = input \"c\" : f64[2,2]
    %x = input \"x\" : f64[2,3]
    %mask = input \"mask\" : bool[2]
    %w = input \"w\" : f64[3,8]
    %u = input \"u\" : f64[2,8]
    %b = input \"b\" : f64[8]
    %xw = dot_general %x, %w {{contracting=[1]x[0]}} : f64[2,8]
    %hu = dot_general %h, %u {{contracting=[1]x[0]}} : f64[2,8]
    %s = add %xw, %hu : f64[2,8]
    %bb = broadcast_in_dim %b {{dims=[1]}} : f64[2,8]
    %z = add %s, %bb : f64[2,8]
    %zi = slice %z {{starts=[0,0], limits=[2,2], strides=[1,1]}} : f64[2,2]
    %zf = slice %z {{starts=[0,2], limits=[2,4], strides=[1,1]}} : f64[2,2]
    %zg = slice %z {{starts=[0,4], limits=[2,6], strides=[1,1]}} : f64[2,2]
    %zo = slice %z {{starts=[0,6], limits=[2,8], strides=[1,1]}} : f64[2,2]
    %i = logistic %zi : f64[2,2]
    %f = logistic %zf : f64[2,2]
    %g = tanh %zg : f64[2,2]
    %o = logistic %zo : f64[2,2]
    %fc = multiply %f, %c : f64[2,2]
    %ig = multiply %i, %g : f64[2,2]
    %c1 = add %fc, %ig : f64[2,2]
    %t = tanh %c1 : f64[2,2]
    %h1 = multiply %o, %t : f64[2,2]
    %m = broadcast_in_dim %mask {{dims=[0]}} : bool[2,2]
    %h2 = select %m, %h1, %h : f64[2,2]
    %c2 = select %m, %c1, %c : f64[2,2]
    return %h2, %c2, %h2
  }} : f64[2,2], f64[2,2], f64[4,2,2]
  return %hn, %cn, %hs
}}"
    )
}

fn scans(graph: &Graph) -> Vec<&refrain_graph::Scan> {
    let scan = |n| match graph.op(n) {
        Op::Scan(scan) => Some(&**scan),
        _ => None,
    };
    graph.nodes().filter_map(scan).collect()
}

fn products(graph: &Graph) -> usize {
    let is_product = |n: &refrain_graph::Node| matches!(graph.op(*n), Op::DotGeneral(_));
    graph.nodes().filter(is_product).count()
}

#[test]
fn lstm_in_both_directions() {
    check(&lstm(""));
    check(&lstm(", reverse"));
}

/// The backward loop has one product (of the carried state's cotangent); the kernels' are made once, outside.
#[test]
fn sums_over_steps_leave_the_loop() {
    let program = Program::of(&lstm(""), 1);
    let scans = scans(&program.graph);
    assert_eq!(scans.len(), 2, "{}", program.graph);
    let backward = scans[1];
    assert!(backward.reverse);
    assert_eq!(
        backward.carries, 2,
        "only the state's cotangents are carried"
    );
    assert_eq!(products(&backward.body), 1, "{}", backward.body);
    // w, u, x outside; the three weighted sums of the test, and their gradients.
    assert_eq!(products(&program.graph), 3 + 3 + 3, "{}", program.graph);
}

#[test]
fn only_the_last_output_is_used() {
    check(&lstm("").replace("return %hn, %cn, %hs\n", "return %cn\n"));
    check(&lstm("").replace("return %hn, %cn, %hs\n", "return %hs\n"));
}

/// What cannot be pulled out of the loop is carried: the constant enters nonlinearly.
#[test]
fn nonlinear_constants_are_carried() {
    check_twice(
        "graph {
  %h = input \"h\" : f64[2]
  %x = input \"x\" : f64[3,2]
  %k = input \"k 0.5 1\" : f64[2]
  %y, %ys = scan %h, %x, %k {carries=1, sequences=1, length=3} body {
    %h = input \"h\" : f64[2]
    %x = input \"x\" : f64[2]
    %k = input \"k\" : f64[2]
    %kx = multiply %k, %x : f64[2]
    %s = sine %kx : f64[2]
    %hk = multiply %h, %k : f64[2]
    %n = add %hk, %s : f64[2]
    %t = tanh %n : f64[2]
    return %t, %s
  } : f64[2], f64[3,2]
  return %y, %ys
}",
    );
}

/// The constant is sliced, transposed, scaled, and used twice, by a product with a per-step value on either side.
#[test]
fn totals_of_every_kind() {
    check(
        "graph {
  %h = input \"h\" : f64[2,2]
  %x = input \"x\" : f64[3,2,2]
  %u = input \"u\" : f64[2,4]
  %a = input \"a\" : f64[2]
  %y, %ys, %zs = scan %h, %x, %u, %a {carries=1, sequences=1, length=3} body {
    %h = input \"h\" : f64[2,2]
    %x = input \"x\" : f64[2,2]
    %u = input \"u\" : f64[2,4]
    %a = input \"a\" : f64[2]
    %u1 = slice %u {starts=[0,0], limits=[2,2], strides=[1,1]} : f64[2,2]
    %u2 = slice %u {starts=[0,2], limits=[2,4], strides=[1,1]} : f64[2,2]
    %ut = transpose %u1 {permutation=[1,0]} : f64[2,2]
    %p = dot_general %h, %ut {contracting=[1]x[0]} : f64[2,2]
    %q = dot_general %u2, %x {contracting=[1]x[0]} : f64[2,2]
    %bias = broadcast_in_dim %a {dims=[1]} : f64[2,2]
    %scaled = multiply %bias, %u2 : f64[2,2]
    %r = add %p, %q : f64[2,2]
    %s = add %r, %scaled : f64[2,2]
    %n = negate %s : f64[2,2]
    %t = tanh %n : f64[2,2]
    %z = dot_general %ut, %u2 {contracting=[1]x[0]} : f64[2,2]
    return %t, %q, %z
  } : f64[2,2], f64[3,2,2], f64[3,2,2]
  return %y, %ys, %zs
}",
    );
}

#[test]
fn loops_in_loops() {
    check(
        "graph {
  %h = input \"h\" : f64[2]
  %x = input \"x\" : f64[3,4,2]
  %k = input \"k\" : f64[2]
  %y, %ys = scan %h, %x, %k {carries=1, sequences=1, length=3} body {
    %h = input \"h\" : f64[2]
    %x = input \"x\" : f64[4,2]
    %k = input \"k\" : f64[2]
    %i, %is = scan %h, %x, %k {carries=1, sequences=1, length=4, reverse} body {
      %h = input \"h\" : f64[2]
      %x = input \"x\" : f64[2]
      %k = input \"k\" : f64[2]
      %kh = multiply %k, %h : f64[2]
      %s = add %kh, %x : f64[2]
      %t = tanh %s : f64[2]
      return %t, %kh
    } : f64[2], f64[4,2]
    %sum = reduce %is {kind=sum, dims=[0]} : f64[2]
    %o = multiply %sum, %i : f64[2]
    return %i, %o
  } : f64[2], f64[3,2]
  return %y, %ys
}",
    );
}

/// Carried values that are no floats, carries that nothing reads, results that are parameters.
#[test]
fn odd_bodies() {
    check(
        "graph {
  %h = input \"h\" : f64[2]
  %i = input \"i 0 1\" : i32[]
  %e = input \"e\" : f64[2]
  %k = input \"k\" : f64[2]
  %y, %n, %f, %ys, %ks = scan %h, %i, %e, %k {carries=3, sequences=0, length=4} body {
    %h = input \"h\" : f64[2]
    %i = input \"i\" : i32[]
    %e = input \"e\" : f64[2]
    %k = input \"k\" : f64[2]
    %one = constant 1 : i32[]
    %n = add %i, %one : i32[]
    %nf = convert %n : f64[]
    %nb = broadcast_in_dim %nf {dims=[]} : f64[2]
    %p = multiply %h, %nb : f64[2]
    %q = multiply %p, %k : f64[2]
    return %q, %n, %h, %h, %k
  } : f64[2], i32[], f64[2], f64[4,2], f64[4,2]
  return %y, %f, %ys, %ks
}",
    );
}

#[test]
fn second_order() {
    check_twice(
        "graph {
  %h = input \"h\" : f64[2,2]
  %x = input \"x\" : f64[3,2,2]
  %u = input \"u\" : f64[2,2]
  %y, %ys = scan %h, %x, %u {carries=1, sequences=1, length=3} body {
    %h = input \"h\" : f64[2,2]
    %x = input \"x\" : f64[2,2]
    %u = input \"u\" : f64[2,2]
    %p = dot_general %h, %u {contracting=[1]x[0]} : f64[2,2]
    %r = add %p, %x : f64[2,2]
    %t = tanh %r : f64[2,2]
    return %t, %t
  } : f64[2,2], f64[3,2,2]
  return %ys
}",
    );
}
