//! Training steps of small models, written with primitives.
#![allow(dead_code)]

use refrain_graph::{
    BinaryOp, Comparison, Conv, ConvLayout, DType, DotDims, Graph, GraphError, Literal, Op,
    Reduction, Scan, Shape, Spec, UnaryOp, Value, Window, grad,
};
use std::sync::Arc;

pub type Made<T> = Result<T, GraphError>;

/// Writes primitives shortly.
pub struct B {
    pub g: Graph,
}

impl B {
    pub fn new() -> B {
        B { g: Graph::new() }
    }

    pub fn dims(&self, v: Value) -> Vec<usize> {
        self.g.spec(v).shape.known().unwrap_or_default()
    }

    pub fn input(&mut self, name: &str, dims: &[usize]) -> Value {
        self.g.input(name, Spec::new(Shape::from(dims), DType::F32))
    }

    pub fn variable(&mut self, name: &str, dims: &[usize]) -> Value {
        self.g
            .variable(name, Spec::new(Shape::from(dims), DType::F32))
    }

    /// A number in the shape of `like`.
    pub fn number(&mut self, value: f64, like: Value) -> Made<Value> {
        let one = Literal::full([], self.g.spec(like).dtype, value);
        let one = self.g.push(Op::Constant(Arc::new(one)), &[])?;
        let shape = self.g.spec(like).shape.clone();
        self.g.push(
            Op::BroadcastInDim {
                shape,
                dims: vec![],
            },
            &[one],
        )
    }

    pub fn unary(&mut self, op: UnaryOp, x: Value) -> Made<Value> {
        self.g.push(Op::Unary(op), &[x])
    }

    pub fn binary(&mut self, op: BinaryOp, x: Value, y: Value) -> Made<Value> {
        self.g.push(Op::Binary(op), &[x, y])
    }

    pub fn add(&mut self, x: Value, y: Value) -> Made<Value> {
        self.binary(BinaryOp::Add, x, y)
    }

    pub fn mul(&mut self, x: Value, y: Value) -> Made<Value> {
        self.binary(BinaryOp::Multiply, x, y)
    }

    pub fn sub(&mut self, x: Value, y: Value) -> Made<Value> {
        self.binary(BinaryOp::Subtract, x, y)
    }

    pub fn scale(&mut self, x: Value, by: f64) -> Made<Value> {
        let by = self.number(by, x)?;
        self.mul(x, by)
    }

    pub fn relu(&mut self, x: Value) -> Made<Value> {
        let zero = self.number(0.0, x)?;
        self.binary(BinaryOp::Maximum, x, zero)
    }

    pub fn reduce(&mut self, kind: Reduction, x: Value, dims: &[usize]) -> Made<Value> {
        self.g.push(
            Op::Reduce {
                kind,
                dims: dims.to_vec(),
            },
            &[x],
        )
    }

    /// A vector along dimension `dim` of the shape of `like`.
    pub fn along(&mut self, vector: Value, dim: usize, like: Value) -> Made<Value> {
        let shape = self.g.spec(like).shape.clone();
        self.g.push(
            Op::BroadcastInDim {
                shape,
                dims: vec![dim],
            },
            &[vector],
        )
    }

    /// A value without its last dimension, repeated along it.
    pub fn repeat_rows(&mut self, rows: Value, like: Value) -> Made<Value> {
        let shape = self.g.spec(like).shape.clone();
        let dims = (0..shape.rank() - 1).collect();
        self.g.push(Op::BroadcastInDim { shape, dims }, &[rows])
    }

    pub fn dot(&mut self, x: Value, y: Value) -> Made<Value> {
        let last = self.g.spec(x).shape.rank() - 1;
        let dims = DotDims {
            lhs_contracting: vec![last],
            rhs_contracting: vec![0],
            ..DotDims::default()
        };
        self.g.push(Op::DotGeneral(dims), &[x, y])
    }

    pub fn dense(&mut self, name: &str, x: Value, units: usize) -> Made<(Value, [Value; 2])> {
        let rank = self.g.spec(x).shape.rank();
        let features = self.dims(x)[rank - 1];
        let kernel = self.variable(&format!("{name}/kernel"), &[features, units]);
        let bias = self.variable(&format!("{name}/bias"), &[units]);
        let y = self.dot(x, kernel)?;
        let bias_there = self.along(bias, rank - 1, y)?;
        Ok((self.add(y, bias_there)?, [kernel, bias]))
    }

    pub fn softmax(&mut self, x: Value) -> Made<Value> {
        let last = self.g.spec(x).shape.rank() - 1;
        let max = self.reduce(Reduction::Max, x, &[last])?;
        let max = self.repeat_rows(max, x)?;
        let shifted = self.sub(x, max)?;
        let e = self.unary(UnaryOp::Exponential, shifted)?;
        let sum = self.reduce(Reduction::Sum, e, &[last])?;
        let sum = self.repeat_rows(sum, x)?;
        self.binary(BinaryOp::Divide, e, sum)
    }

    pub fn layer_norm(&mut self, x: Value, gamma: Value, beta: Value) -> Made<Value> {
        let rank = self.g.spec(x).shape.rank();
        let n = self.dims(x)[rank - 1] as f64;
        let mean = self.reduce(Reduction::Sum, x, &[rank - 1])?;
        let mean = self.scale(mean, 1.0 / n)?;
        let there = self.repeat_rows(mean, x)?;
        let centred = self.sub(x, there)?;
        let squares = self.mul(centred, centred)?;
        let variance = self.reduce(Reduction::Sum, squares, &[rank - 1])?;
        let variance = self.scale(variance, 1.0 / n)?;
        let epsilon = self.number(1e-3, variance)?;
        let variance = self.add(variance, epsilon)?;
        let scale = self.unary(UnaryOp::Rsqrt, variance)?;
        let scale = self.repeat_rows(scale, x)?;
        let y = self.mul(centred, scale)?;
        let gamma = self.along(gamma, rank - 1, x)?;
        let beta = self.along(beta, rank - 1, x)?;
        let y = self.mul(y, gamma)?;
        self.add(y, beta)
    }

    /// Mean of the cross-entropy of logits with one-hot labels.
    pub fn cross_entropy(&mut self, logits: Value, labels: Value) -> Made<Value> {
        let max = self.reduce(Reduction::Max, logits, &[1])?;
        let max = self.repeat_rows(max, logits)?;
        let shifted = self.sub(logits, max)?;
        let e = self.unary(UnaryOp::Exponential, shifted)?;
        let sum = self.reduce(Reduction::Sum, e, &[1])?;
        let log = self.unary(UnaryOp::Log, sum)?;
        let log = self.repeat_rows(log, logits)?;
        let log_p = self.sub(shifted, log)?;
        let picked = self.mul(log_p, labels)?;
        let total = self.reduce(Reduction::Sum, picked, &[0, 1])?;
        let batch = self.dims(logits)[0] as f64;
        self.scale(total, -1.0 / batch)
    }

    /// Adam's update of a variable.
    pub fn adam(&mut self, variable: Value, gradient: Value, rate: Value) -> Made<()> {
        let dims = self.dims(variable);
        let m = self.variable("m", &dims);
        let v = self.variable("v", &dims);
        let by = |b: &mut B, x: Value, c: f64| b.scale(x, c);
        let (old, new) = (by(self, m, 0.9)?, by(self, gradient, 0.1)?);
        let m_new = self.add(old, new)?;
        let square = self.mul(gradient, gradient)?;
        let (old, new) = (by(self, v, 0.999)?, by(self, square, 0.001)?);
        let v_new = self.add(old, new)?;
        let root = self.unary(UnaryOp::Sqrt, v_new)?;
        let epsilon = self.number(1e-7, root)?;
        let below = self.add(root, epsilon)?;
        let direction = self.binary(BinaryOp::Divide, m_new, below)?;
        let shape = self.g.spec(variable).shape.clone();
        let rate = self.g.push(
            Op::BroadcastInDim {
                shape,
                dims: vec![],
            },
            &[rate],
        )?;
        let step = self.mul(direction, rate)?;
        let w_new = self.sub(variable, step)?;
        self.g.update(m, m_new);
        self.g.update(v, v_new);
        self.g.update(variable, w_new);
        Ok(())
    }

    /// Gradients of `loss`, and Adam's updates of the weights.
    pub fn train(mut self, loss: Value, weights: &[Value]) -> Made<Graph> {
        let gradients = grad::gradients(&mut self.g, loss, weights)?;
        let rate = self.variable("rate", &[]);
        for (&w, g) in weights.iter().zip(gradients) {
            self.adam(w, g, rate)?;
        }
        self.g.result(loss);
        Ok(self.g)
    }

    pub fn conv(&mut self, x: Value, kernel: Value, stride: usize, same: bool) -> Made<Value> {
        let k = self.dims(kernel);
        let pad = if same {
            ((k[0] as i64 - 1) / 2, k[0] as i64 / 2)
        } else {
            (0, 0)
        };
        let conv = Conv {
            window: Window {
                size: vec![k[0], k[1]],
                strides: vec![stride; 2],
                padding: vec![pad; 2],
                base_dilation: vec![1; 2],
                dilation: vec![1; 2],
            },
            reversal: vec![false; 2],
            lhs: ConvLayout {
                batch: 0,
                feature: 3,
                spatial: vec![1, 2],
            },
            rhs: ConvLayout {
                batch: 2,
                feature: 3,
                spatial: vec![0, 1],
            },
            out: ConvLayout {
                batch: 0,
                feature: 3,
                spatial: vec![1, 2],
            },
            feature_groups: self.dims(x)[3] / k[2],
            batch_groups: 1,
        };
        self.g.push(Op::Convolution(Box::new(conv)), &[x, kernel])
    }

    pub fn max_pool(&mut self, x: Value) -> Made<Value> {
        let window = Window {
            size: vec![1, 2, 2, 1],
            strides: vec![1, 2, 2, 1],
            padding: vec![(0, 0); 4],
            base_dilation: vec![1; 4],
            dilation: vec![1; 4],
        };
        self.g.push(
            Op::ReduceWindow {
                kind: Reduction::Max,
                window,
            },
            &[x],
        )
    }

    pub fn slice_last(&mut self, x: Value, from: usize, to: usize) -> Made<Value> {
        let dims = self.dims(x);
        let mut starts = vec![0; dims.len()];
        let mut limits: Vec<_> = dims.iter().map(|&d| Some(d)).collect();
        starts[dims.len() - 1] = from;
        limits[dims.len() - 1] = Some(to);
        let strides = vec![1; dims.len()];
        self.g.push(
            Op::Slice {
                starts,
                limits,
                strides,
            },
            &[x],
        )
    }
}

/// An MLP with ReLU, cross-entropy and Adam.
pub fn mlp(batch: usize, features: usize, hidden: &[usize], classes: usize) -> Made<Graph> {
    let mut b = B::new();
    let x = b.input("x", &[batch, features]);
    let labels = b.input("labels", &[batch, classes]);
    let (mut h, mut weights) = (x, vec![]);
    for (i, &units) in hidden.iter().enumerate() {
        let (y, w) = b.dense(&format!("dense_{i}"), h, units)?;
        h = b.relu(y)?;
        weights.extend(w);
    }
    let (logits, w) = b.dense("logits", h, classes)?;
    weights.extend(w);
    let loss = b.cross_entropy(logits, labels)?;
    b.train(loss, &weights)
}

/// The forward pass of an MLP with ReLU.
pub fn mlp_predict(batch: usize, features: usize, hidden: &[usize], classes: usize) -> Made<Graph> {
    let mut b = B::new();
    let mut h = b.input("x", &[batch, features]);
    for (i, &units) in hidden.iter().enumerate() {
        let (y, _) = b.dense(&format!("dense_{i}"), h, units)?;
        h = b.relu(y)?;
    }
    let (y, _) = b.dense("logits", h, classes)?;
    let y = b.softmax(y)?;
    b.g.result(y);
    Ok(b.g)
}

/// Two convolutions of 3×3 with bias and ReLU.
pub fn conv_predict(batch: usize, side: usize, channels: usize) -> Made<Graph> {
    let mut b = B::new();
    let mut y = b.input("x", &[batch, side, side, channels]);
    for i in 0..2 {
        let kernel = b.variable(&format!("kernel_{i}"), &[3, 3, channels, channels]);
        let bias = b.variable(&format!("bias_{i}"), &[channels]);
        y = b.conv(y, kernel, 1, true)?;
        let there = b.along(bias, 3, y)?;
        y = b.add(y, there)?;
        y = b.relu(y)?;
    }
    b.g.result(y);
    Ok(b.g)
}

/// Convolutions, one of them depthwise, one with strides, and pooling.
pub fn convnet(batch: usize, side: usize, channels: usize) -> Made<Graph> {
    let mut b = B::new();
    let x = b.input("x", &[batch, side, side, 3]);
    let labels = b.input("labels", &[batch, 10]);
    let kernels = [
        b.variable("k1", &[3, 3, 3, channels]),
        b.variable("k2", &[3, 3, 1, channels]),
        b.variable("k3", &[2, 2, channels, 2 * channels]),
        b.variable("k4", &[1, 1, 2 * channels, channels]),
    ];
    let bias = b.variable("bias", &[channels]);
    let y = b.conv(x, kernels[0], 1, true)?;
    let there = b.along(bias, 3, y)?;
    let y = b.add(y, there)?;
    let y = b.relu(y)?;
    let y = b.max_pool(y)?;
    let y = b.conv(y, kernels[1], 1, true)?;
    let y = b.unary(UnaryOp::Tanh, y)?;
    let y = b.conv(y, kernels[2], 2, false)?;
    let y = b.conv(y, kernels[3], 1, false)?;
    let y = b.relu(y)?;
    let numel: usize = b.dims(y)[1..].iter().product();
    let flat = b.g.push(Op::Reshape(Shape::from([batch, numel])), &[y])?;
    let (logits, dense) = b.dense("logits", flat, 10)?;
    let loss = b.cross_entropy(logits, labels)?;
    let mut weights = kernels.to_vec();
    weights.push(bias);
    weights.extend(dense);
    b.train(loss, &weights)
}

/// The body of an LSTM whose input projection is done: carries `h`, `c`; sequence `z`; constant `u`.
fn lstm_body(batch: usize, units: usize) -> Made<Graph> {
    let mut b = B::new();
    let (h, c) = (b.input("h", &[batch, units]), b.input("c", &[batch, units]));
    let z = b.input("z", &[batch, 4 * units]);
    let u = b.input("u", &[units, 4 * units]);
    let hu = b.dot(h, u)?;
    let z = b.add(z, hu)?;
    let mut gates = vec![];
    for i in 0..4 {
        let gate = b.slice_last(z, i * units, (i + 1) * units)?;
        let op = if i == 2 {
            UnaryOp::Tanh
        } else {
            UnaryOp::Logistic
        };
        gates.push(b.unary(op, gate)?);
    }
    let kept = b.mul(gates[1], c)?;
    let new = b.mul(gates[0], gates[2])?;
    let c = b.add(kept, new)?;
    let squashed = b.unary(UnaryOp::Tanh, c)?;
    let h = b.mul(gates[3], squashed)?;
    b.g.result(h);
    b.g.result(c);
    b.g.result(h);
    Ok(b.g)
}

/// An LSTM over `[steps, batch, features]` with the mean of its outputs' squares as loss.
pub fn lstm(batch: usize, steps: usize, features: usize, units: usize, train: bool) -> Made<Graph> {
    let mut b = B::new();
    let x = b.input("x", &[steps, batch, features]);
    let w = b.variable("kernel", &[features, 4 * units]);
    let u = b.variable("recurrent_kernel", &[units, 4 * units]);
    let bias = b.variable("bias", &[4 * units]);
    let z = b.dot(x, w)?;
    let there = b.along(bias, 2, z)?;
    let z = b.add(z, there)?;
    let zero = Arc::new(Literal::zeros([batch, units], DType::F32));
    let zero = b.g.push(Op::Constant(zero), &[])?;
    let scan = Scan {
        body: lstm_body(batch, units)?,
        carries: 2,
        sequences: 1,
        reverse: false,
        length: Some(steps),
    };
    let node =
        b.g.push_multi(Op::Scan(Box::new(scan)), &[zero, zero, z, u])?;
    let outputs = b.g.outputs(node).to_vec();
    if !train {
        outputs.into_iter().for_each(|v| b.g.result(v));
        return Ok(b.g);
    }
    let squares = b.mul(outputs[2], outputs[2])?;
    let sum = b.reduce(Reduction::Sum, squares, &[0, 1, 2])?;
    let loss = b.scale(sum, 1.0 / (batch * steps) as f64)?;
    b.train(loss, &[w, u, bias])
}

/// Softmax over the last dimension.
pub fn softmax(dims: &[usize]) -> Made<Graph> {
    let mut b = B::new();
    let x = b.input("x", dims);
    let y = b.softmax(x)?;
    b.g.result(y);
    Ok(b.g)
}

/// Layer normalisation over the last dimension, and its gradients.
pub fn layer_norm(dims: &[usize], train: bool) -> Made<Graph> {
    let mut b = B::new();
    let x = b.input("x", dims);
    let n = dims[dims.len() - 1];
    let (gamma, beta) = (b.variable("gamma", &[n]), b.variable("beta", &[n]));
    let y = b.layer_norm(x, gamma, beta)?;
    if !train {
        b.g.result(y);
        return Ok(b.g);
    }
    let cubes = b.mul(y, y)?;
    let cubes = b.mul(cubes, y)?;
    let all: Vec<usize> = (0..dims.len()).collect();
    let loss = b.reduce(Reduction::Sum, cubes, &all)?;
    let loss = b.scale(loss, 1.0 / dims.iter().product::<usize>() as f64)?;
    b.train(loss, &[gamma, beta])
}

/// Batch normalisation's statistics over all but the last dimension.
pub fn moments(dims: &[usize]) -> Made<Graph> {
    let mut b = B::new();
    let x = b.input("x", dims);
    let outer: Vec<usize> = (0..dims.len() - 1).collect();
    let sum = b.reduce(Reduction::Sum, x, &outer)?;
    let squares = b.mul(x, x)?;
    let sum_squares = b.reduce(Reduction::Sum, squares, &outer)?;
    b.g.result(sum);
    b.g.result(sum_squares);
    Ok(b.g)
}

/// Adam over parameters of one shape.
pub fn adam(dims: &[usize]) -> Made<Graph> {
    let mut b = B::new();
    let gradient = b.input("gradient", dims);
    let w = b.variable("w", dims);
    let rate = b.variable("rate", &[]);
    b.adam(w, gradient, rate)?;
    Ok(b.g)
}

/// Labels' positions as a mask, as a sparse loss makes it.
pub fn one_hot(batch: usize, classes: usize) -> Made<Graph> {
    let mut b = B::new();
    let labels = b.g.input("labels", Spec::new([batch], DType::I32));
    let shape = Shape::from([batch, classes]);
    let there = b.g.push(
        Op::BroadcastInDim {
            shape: shape.clone(),
            dims: vec![0],
        },
        &[labels],
    )?;
    let counts = b.g.push(
        Op::Iota {
            shape,
            dtype: DType::I32,
            dim: 1,
        },
        &[],
    )?;
    let hot = b.g.push(Op::Compare(Comparison::Eq), &[there, counts])?;
    let hot = b.g.push(Op::Convert(DType::F32), &[hot])?;
    b.g.result(hot);
    Ok(b.g)
}
