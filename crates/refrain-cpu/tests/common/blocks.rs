//! Training steps of blocks of layers whose values have several readers, written with primitives.

use refrain_graph::{
    BinaryOp, DType, DotDims, Graph, Literal, Op, Reduction, Scan, Shape, UnaryOp, Value, grad,
};
use std::sync::Arc;

use super::models::{B, Made};

/// Mean of all squares.
fn mean_square(b: &mut B, x: Value) -> Made<Value> {
    let dims = b.dims(x);
    let all: Vec<usize> = (0..dims.len()).collect();
    let squares = b.mul(x, x)?;
    let sum = b.reduce(Reduction::Sum, squares, &all)?;
    b.scale(sum, 1.0 / dims.iter().product::<usize>() as f64)
}

/// One step of gradient descent with rate 1, so that changes are gradients.
fn descend(mut b: B, loss: Value, weights: &[Value]) -> Made<Graph> {
    let gradients = grad::gradients(&mut b.g, loss, weights)?;
    for (&weight, gradient) in weights.iter().zip(gradients) {
        let new = b.sub(weight, gradient)?;
        b.g.update(weight, new);
    }
    b.g.result(loss);
    Ok(b.g)
}

fn product(lhs: &[usize], rhs: &[usize], batch: &[usize]) -> Op {
    Op::DotGeneral(DotDims {
        lhs_batch: batch.to_vec(),
        rhs_batch: batch.to_vec(),
        lhs_contracting: lhs.to_vec(),
        rhs_contracting: rhs.to_vec(),
    })
}

/// Attention in several heads with biases, a residual sum, layer normalisation, a dense layer and a pooled head.
pub fn attention(batch: usize, time: usize, heads: usize, depth: usize) -> Made<Graph> {
    let mut b = B::new();
    let features = heads * depth;
    let x = b.input("x", &[batch, time, features]);
    let mut weights = Vec::new();
    let mut parts = Vec::new();
    for name in ["query", "key", "value"] {
        let kernel = b.variable(&format!("{name}/kernel"), &[features, features]);
        let bias = b.variable(&format!("{name}/bias"), &[features]);
        let small = b.scale(kernel, 1.0 / features as f64)?;
        let y = b.dot(x, small)?;
        let there = b.along(bias, 2, y)?;
        let y = b.add(y, there)?;
        let split = Op::Reshape(Shape::from([batch, time, heads, depth]));
        let y = b.g.push(split, &[y])?;
        parts.push(b.g.push(Op::Transpose(vec![0, 2, 1, 3]), &[y])?);
        weights.extend([kernel, bias]);
    }
    let scores = b.g.push(product(&[3], &[3], &[0, 1]), &parts[..2])?;
    let scores = b.scale(scores, 1.0 / (depth as f64).sqrt())?;
    let shares = b.softmax(scores)?;
    let mixed =
        b.g.push(product(&[3], &[2], &[0, 1]), &[shares, parts[2]])?;
    let mixed = b.g.push(Op::Transpose(vec![0, 2, 1, 3]), &[mixed])?;
    let joined = Op::Reshape(Shape::from([batch, time, features]));
    let mixed = b.g.push(joined, &[mixed])?;
    let (y, dense) = b.dense("output", mixed, features)?;
    weights.extend(dense);
    let y = b.add(x, y)?;
    let (gamma, beta) = (
        b.variable("gamma", &[features]),
        b.variable("beta", &[features]),
    );
    weights.extend([gamma, beta]);
    let y = b.layer_norm(y, gamma, beta)?;
    let (z, dense) = b.dense("wide", y, 2 * features)?;
    weights.extend(dense);
    let z = b.unary(UnaryOp::Erf, z)?;
    let pooled = b.reduce(Reduction::Sum, z, &[1])?;
    let pooled = b.scale(pooled, 1.0 / time as f64)?;
    let (out, dense) = b.dense("head", pooled, 3)?;
    weights.extend(dense);
    let loss = mean_square(&mut b, out)?;
    descend(b, loss, &weights)
}

/// Batch normalisation of an image with its moving mean's new value.
fn batch_norm(b: &mut B, name: &str, x: Value) -> Made<(Value, [Value; 2])> {
    let dims = b.dims(x);
    let (outer, channels) = ([0, 1, 2], dims[3]);
    let count = dims[..3].iter().product::<usize>() as f64;
    let gamma = b.variable(&format!("{name}/gamma"), &[channels]);
    let beta = b.variable(&format!("{name}/beta"), &[channels]);
    let moving = b.variable(&format!("{name}/moving_mean"), &[channels]);
    let sum = b.reduce(Reduction::Sum, x, &outer)?;
    let mean = b.scale(sum, 1.0 / count)?;
    let there = b.along(mean, 3, x)?;
    let centred = b.sub(x, there)?;
    let squares = b.mul(centred, centred)?;
    let sum = b.reduce(Reduction::Sum, squares, &outer)?;
    let variance = b.scale(sum, 1.0 / count)?;
    let epsilon = b.number(1e-2, variance)?;
    let variance = b.add(variance, epsilon)?;
    let scale = b.unary(UnaryOp::Rsqrt, variance)?;
    let scale = b.mul(scale, gamma)?;
    let scale = b.along(scale, 3, x)?;
    let y = b.mul(centred, scale)?;
    let there = b.along(beta, 3, x)?;
    let (old, new) = (b.scale(moving, 0.99)?, b.scale(mean, 0.01)?);
    let new = b.add(old, new)?;
    b.g.update(moving, new);
    Ok((b.add(y, there)?, [gamma, beta]))
}

/// Two convolutions with biases and batch normalisation beside a residual path, and a pooled head.
pub fn residual(batch: usize, side: usize, channels: usize) -> Made<Graph> {
    let mut b = B::new();
    let x = b.input("x", &[batch, side, side, channels]);
    let mut weights = Vec::new();
    let mut y = x;
    for name in ["first", "second"] {
        let kernel = b.variable(&format!("{name}/kernel"), &[3, 3, channels, channels]);
        let bias = b.variable(&format!("{name}/bias"), &[channels]);
        let small = b.scale(kernel, 0.3 / channels as f64)?;
        let z = b.conv(y, small, 1, true)?;
        let there = b.along(bias, 3, z)?;
        let z = b.add(z, there)?;
        let (z, norm) = batch_norm(&mut b, name, z)?;
        weights.extend([kernel, bias]);
        weights.extend(norm);
        y = match name {
            "first" => b.unary(UnaryOp::Tanh, z)?,
            _ => b.add(x, z)?,
        };
    }
    let y = b.unary(UnaryOp::Tanh, y)?;
    let pooled = b.reduce(Reduction::Sum, y, &[1, 2])?;
    let pooled = b.scale(pooled, 1.0 / (side * side) as f64)?;
    let (out, dense) = b.dense("head", pooled, 5)?;
    weights.extend(dense);
    let loss = mean_square(&mut b, out)?;
    descend(b, loss, &weights)
}

/// Pointwise convolutions, each with batch normalisation and an activation that is cut off below and above.
pub fn clamped(batch: usize, side: usize, channels: usize, depth: usize) -> Made<Graph> {
    let mut b = B::new();
    let mut y = b.input("x", &[batch, side, side, channels]);
    let mut weights = Vec::new();
    for i in 0..depth {
        let kernel = b.variable(&format!("kernel_{i}"), &[1, 1, channels, channels]);
        let small = b.scale(kernel, 1.0 / channels as f64)?;
        let z = b.conv(y, small, 1, true)?;
        let (z, norm) = batch_norm(&mut b, &format!("norm_{i}"), z)?;
        let z = b.relu(z)?;
        let most = b.number(6.0, z)?;
        y = b.binary(BinaryOp::Minimum, z, most)?;
        weights.push(kernel);
        weights.extend(norm);
    }
    let loss = mean_square(&mut b, y)?;
    descend(b, loss, &weights)
}

/// Dense layers with the exact GELU between them.
pub fn gelu(rows: usize, features: usize, hidden: usize, depth: usize) -> Made<Graph> {
    let mut b = B::new();
    let mut y = b.input("x", &[rows, features]);
    let mut weights = Vec::new();
    for i in 0..depth {
        let (z, inner) = b.dense(&format!("inner_{i}"), y, hidden)?;
        let scaled = b.scale(z, std::f64::consts::FRAC_1_SQRT_2)?;
        let erf = b.unary(UnaryOp::Erf, scaled)?;
        let one = b.number(1.0, erf)?;
        let share = b.add(erf, one)?;
        let share = b.scale(share, 0.5)?;
        let z = b.mul(z, share)?;
        let (z, outer) = b.dense(&format!("outer_{i}"), z, features)?;
        weights.extend(inner.into_iter().chain(outer));
        y = z;
    }
    let loss = mean_square(&mut b, y)?;
    descend(b, loss, &weights)
}

/// The body of a GRU that resets after the product: carry `h`; sequence `z`; constants `u` and its bias.
fn gru_body(batch: usize, units: usize) -> Made<Graph> {
    let mut b = B::new();
    let h = b.input("h", &[batch, units]);
    let z = b.input("z", &[batch, 3 * units]);
    let u = b.input("u", &[units, 3 * units]);
    let bias = b.input("bias", &[3 * units]);
    let hu = b.dot(h, u)?;
    let there = b.along(bias, 1, hu)?;
    let hu = b.add(hu, there)?;
    let part = |b: &mut B, i: usize| -> Made<(Value, Value)> {
        let (from, to) = (i * units, (i + 1) * units);
        Ok((b.slice_last(z, from, to)?, b.slice_last(hu, from, to)?))
    };
    let mut gates = Vec::new();
    for i in 0..2 {
        let (own, inner) = part(&mut b, i)?;
        let sum = b.add(own, inner)?;
        gates.push(b.unary(UnaryOp::Logistic, sum)?);
    }
    let (own, inner) = part(&mut b, 2)?;
    let inner = b.mul(gates[1], inner)?;
    let sum = b.add(own, inner)?;
    let candidate = b.unary(UnaryOp::Tanh, sum)?;
    let difference = b.sub(h, candidate)?;
    let kept = b.mul(gates[0], difference)?;
    let h = b.add(candidate, kept)?;
    b.g.result(h);
    b.g.result(h);
    Ok(b.g)
}

/// A GRU in both directions over `[steps, batch, features]`, its outputs side by side.
pub fn bidirectional(batch: usize, steps: usize, features: usize, units: usize) -> Made<Graph> {
    let mut b = B::new();
    let x = b.input("x", &[steps, batch, features]);
    let (mut weights, mut outputs) = (Vec::new(), Vec::new());
    for (name, reverse) in [("forward", false), ("backward", true)] {
        let (z, dense) = b.dense(name, x, 3 * units)?;
        let u = b.variable(&format!("{name}/recurrent_kernel"), &[units, 3 * units]);
        let bias = b.variable(&format!("{name}/recurrent_bias"), &[3 * units]);
        weights.extend(dense);
        weights.extend([u, bias]);
        let zero = Arc::new(Literal::zeros([batch, units], DType::F32));
        let zero = b.g.push(Op::Constant(zero), &[])?;
        let scan = Scan {
            body: gru_body(batch, units)?,
            carries: 1,
            sequences: 1,
            reverse,
            length: Some(steps),
        };
        let inputs = [zero, z, u, bias];
        let node = b.g.push_multi(Op::Scan(Box::new(scan)), &inputs)?;
        outputs.push(b.g.outputs(node)[1]);
    }
    let both = b.g.push(Op::Concatenate(2), &outputs)?;
    let (out, dense) = b.dense("head", both, 3)?;
    weights.extend(dense);
    let loss = mean_square(&mut b, out)?;
    descend(b, loss, &weights)
}

/// A block of a dense layer and a normalisation that is called on two inputs and on what it made of the first.
pub fn shared(batch: usize, features: usize) -> Made<Graph> {
    let mut b = B::new();
    let inputs = [
        b.input("x", &[batch, features]),
        b.input("y", &[batch, features]),
    ];
    let kernel = b.variable("kernel", &[features, features]);
    let bias = b.variable("bias", &[features]);
    let (gamma, beta) = (
        b.variable("gamma", &[features]),
        b.variable("beta", &[features]),
    );
    let block = |b: &mut B, x: Value| -> Made<Value> {
        let y = b.dot(x, kernel)?;
        let there = b.along(bias, 1, y)?;
        let y = b.add(y, there)?;
        let y = b.add(x, y)?;
        b.layer_norm(y, gamma, beta)
    };
    let first = block(&mut b, inputs[0])?;
    let second = block(&mut b, inputs[1])?;
    let nested = block(&mut b, first)?;
    let both = b.g.push(Op::Concatenate(1), &[nested, second])?;
    let (out, head) = b.dense("head", both, 3)?;
    let loss = mean_square(&mut b, out)?;
    b.g.result(first);
    descend(b, loss, &[kernel, bias, gamma, beta, head[0], head[1]])
}
