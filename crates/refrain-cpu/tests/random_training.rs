//! Random training steps against the interpreter: layers whose values are read by sums, products and elementwise work
//! at once, so that what is computed in place is still needed elsewhere.

mod common;

use common::models::{B, Made};
use common::{check, literals, oracle};
use refrain_graph::philox::Philox;
use refrain_graph::{
    DotDims, Graph, Literal, Op, ParamKind, Reduction, Shape, UnaryOp, Value, grad,
};

/// Sums and normalisations of `f32` one behind the other, and their gradients; what is read from the wrong memory is
/// off by whole numbers.
const TOLERANCE: f64 = 1e-2;
/// Seeds of a run of the tests; `SEEDS=first..end` asks for others.
const SEEDS: std::ops::Range<u64> = 0..60;
/// Batch, time and features: blocks of several rows, of parts of a row, and sums in several parts.
const SHAPES: [[usize; 3]; 8] = [
    [2, 3, 4],
    [4, 5, 8],
    [1, 6, 5],
    [3, 1, 7],
    [5, 7, 1],
    [16, 20, 8],
    [2, 3, 300],
    [24, 30, 16],
];

struct Net {
    b: B,
    rng: Philox,
    dims: [usize; 3],
    /// All of the shape `dims`.
    values: Vec<Value>,
    weights: Vec<Value>,
    /// Values of variables that are not trained.
    moving: Vec<(Value, Value)>,
}

impl Net {
    fn below(&mut self, n: usize) -> usize {
        self.rng.below(n as u64) as usize
    }

    /// A value: often the last, so that chains grow; late ones are likelier.
    fn any(&mut self) -> Value {
        let n = self.values.len();
        if self.below(2) == 0 {
            return self.values[n - 1];
        }
        let (i, j) = (self.below(n), self.below(n));
        self.values[i.max(j)]
    }

    fn weight(&mut self, dims: &[usize]) -> Value {
        let name = format!("w{}", self.weights.len());
        let weight = self.b.variable(&name, dims);
        self.weights.push(weight);
        weight
    }

    fn activation(&mut self, x: Value) -> Made<Value> {
        let op = [UnaryOp::Tanh, UnaryOp::Logistic, UnaryOp::Erf][self.below(3)];
        self.b.unary(op, x)
    }

    /// `x` as a matrix times a new kernel, with a bias.
    fn dense(&mut self, x: Value) -> Made<Value> {
        let (features, units) = (self.b.dims(x)[2], self.dims[2]);
        let kernel = self.weight(&[features, units]);
        let kernel = self.b.scale(kernel, 0.5 / features as f64)?;
        let y = self.b.dot(x, kernel)?;
        let bias = self.weight(&[units]);
        let bias = self.b.along(bias, 2, y)?;
        self.b.add(y, bias)
    }

    fn layer_norm(&mut self, x: Value) -> Made<Value> {
        let (gamma, beta) = (self.weight(&[self.dims[2]]), self.weight(&[self.dims[2]]));
        self.b.layer_norm(x, gamma, beta)
    }

    fn mean(&mut self, x: Value, axes: &[usize]) -> Made<Value> {
        let count: usize = axes.iter().map(|&a| self.dims[a]).product();
        let sum = self.b.reduce(Reduction::Sum, x, axes)?;
        self.b.scale(sum, 1.0 / count as f64)
    }

    fn batch_norm(&mut self, x: Value) -> Made<Value> {
        let mean = self.mean(x, &[0, 1])?;
        let squares = self.b.mul(x, x)?;
        let squares = self.mean(squares, &[0, 1])?;
        let square = self.b.mul(mean, mean)?;
        let variance = self.b.sub(squares, square)?;
        let positive = self.b.unary(UnaryOp::Abs, variance)?;
        let epsilon = self.b.number(0.1, variance)?;
        let above = self.b.add(positive, epsilon)?;
        let scale = self.b.unary(UnaryOp::Rsqrt, above)?;
        let name = format!("moving{}", self.moving.len());
        let moving = self.b.variable(&name, &[self.dims[2]]);
        let (old, new) = (self.b.scale(moving, 0.9)?, self.b.scale(mean, 0.1)?);
        let new = self.b.add(old, new)?;
        self.moving.push((moving, new));
        let mean = self.b.along(mean, 2, x)?;
        let centred = self.b.sub(x, mean)?;
        let scale = self.b.along(scale, 2, x)?;
        self.b.mul(centred, scale)
    }

    /// What remains of some axes, repeated along them again.
    fn pooled(&mut self, x: Value) -> Made<Value> {
        let axes: Vec<usize> = (0..3).filter(|_| self.below(2) == 0).collect();
        let pooled = self.mean(x, &axes)?;
        let pooled = self.activation(pooled)?;
        if self.below(2) == 0 {
            self.b.g.result(pooled);
        }
        let kept = (0..3).filter(|a| !axes.contains(a)).collect();
        let shape = Shape::from(self.dims);
        self.b
            .g
            .push(Op::BroadcastInDim { shape, dims: kept }, &[pooled])
    }

    fn attention(&mut self, x: Value) -> Made<Value> {
        let (y, z) = (self.any(), self.any());
        let product = |lhs: usize, rhs: usize| DotDims {
            lhs_batch: vec![0],
            rhs_batch: vec![0],
            lhs_contracting: vec![lhs],
            rhs_contracting: vec![rhs],
        };
        let scores = self.b.g.push(Op::DotGeneral(product(2, 2)), &[x, y])?;
        let scores = self.b.scale(scores, 1.0 / self.dims[2] as f64)?;
        let weights = self.b.softmax(scores)?;
        self.b.g.push(Op::DotGeneral(product(2, 1)), &[weights, z])
    }

    fn conv(&mut self, x: Value) -> Made<Value> {
        let [batch, time, features] = self.dims;
        let image = Op::Reshape(Shape::from([batch, time, 1, features]));
        let image = self.b.g.push(image, &[x])?;
        let kernel = self.weight(&[3, 3, features, features]);
        let kernel = self.b.scale(kernel, 0.1 / features as f64)?;
        let y = self.b.conv(image, kernel, 1, true)?;
        self.b.g.push(Op::Reshape(Shape::from(self.dims)), &[y])
    }

    /// A weight along one axis, added or multiplied.
    fn affine(&mut self, x: Value) -> Made<Value> {
        let axis = self.below(3);
        let weight = self.weight(&[self.dims[axis]]);
        let there = self.b.along(weight, axis, x)?;
        match self.below(2) {
            0 => self.b.add(x, there),
            _ => self.b.mul(x, there),
        }
    }

    fn step(&mut self) -> Made<()> {
        let x = self.any();
        let small = self.dims[2] <= 16;
        let y = match self.below(14) {
            0 | 1 if small => self.dense(x)?,
            2 | 3 => {
                let y = self.any();
                self.b.add(x, y)?
            }
            4 | 5 => self.layer_norm(x)?,
            6 => self.batch_norm(x)?,
            7 => self.activation(x)?,
            8 => {
                let (y, z) = (self.any(), self.any());
                let gate = self.b.unary(UnaryOp::Logistic, y)?;
                let open = self.b.mul(gate, z)?;
                self.b.sub(x, open)?
            }
            9 => {
                let pooled = self.pooled(x)?;
                self.b.add(x, pooled)?
            }
            10 => self.attention(x)?,
            11 if small => {
                let y = self.any();
                let both = self.b.g.push(Op::Concatenate(2), &[x, y])?;
                self.dense(both)?
            }
            12 if small => self.conv(x)?,
            _ => self.affine(x)?,
        };
        // Bare, scaled or bounded: a bare one's gradient is read from memory by all that it flows to.
        let y = match self.below(5) {
            0 => self.activation(y)?,
            1 => self.b.scale(y, 0.7)?,
            _ => y,
        };
        self.values.push(y);
        Ok(())
    }

    /// Mean squares of some values, and one step of gradient descent.
    fn train(mut self) -> Made<Graph> {
        let last = self.values[self.values.len() - 1];
        let mut loss = None;
        for value in [last, self.any(), self.any()] {
            let squares = self.b.mul(value, value)?;
            let mean = self.mean(squares, &[0, 1, 2])?;
            loss = Some(match loss {
                None => mean,
                Some(loss) => self.b.add(loss, mean)?,
            });
        }
        let loss = loss.expect("three terms");
        let gradients = grad::gradients(&mut self.b.g, loss, &self.weights)?;
        let momentum = self.below(2) == 0;
        for (i, (&weight, gradient)) in self.weights.iter().zip(gradients).enumerate() {
            let mut step = gradient;
            if momentum {
                let dims = self.b.dims(weight);
                let velocity = self.b.variable(&format!("velocity{i}"), &dims);
                let old = self.b.scale(velocity, 0.9)?;
                step = self.b.add(old, gradient)?;
                self.b.g.update(velocity, step);
            }
            let new = self.b.sub(weight, step)?;
            self.b.g.update(weight, new);
        }
        for &(variable, new) in &self.moving {
            self.b.g.update(variable, new);
        }
        self.b.g.result(loss);
        self.b.g.result(last);
        Ok(self.b.g)
    }
}

fn random_training(seed: u64) -> Made<Graph> {
    let mut net = Net {
        b: B::new(),
        rng: Philox::new(seed),
        dims: [0; 3],
        values: Vec::new(),
        weights: Vec::new(),
        moving: Vec::new(),
    };
    net.dims = SHAPES[net.below(SHAPES.len())];
    for name in ["x", "y"] {
        let input = net.b.input(name, &net.dims);
        net.values.push(input);
    }
    let first = net.affine(net.values[0])?;
    net.values.push(first);
    for _ in 0..4 + net.below(10) {
        net.step()?;
    }
    net.train()
}

/// Whether rounding errors grow beyond what the comparison allows: normalisations of values that hardly differ.
fn is_ill_conditioned(graph: &Graph, seed: u64) -> bool {
    /// Some ten roundings of `f32`.
    const NUDGE: f64 = 1e-6;
    const SHARE: f64 = 0.1;
    let mut rng = Philox::new(seed);
    let inputs = literals(&mut rng, graph, ParamKind::Input);
    let variables = literals(&mut rng, graph, ParamKind::Variable);
    let mut nudged = |literals: &[Literal]| -> Vec<Literal> {
        let nudge = |l: &Literal| {
            let sign = |x: f64| {
                x * if rng.below(2) == 0 {
                    1.0 - NUDGE
                } else {
                    1.0 + NUDGE
                }
            };
            let values: Vec<f64> = l.to_f64().into_iter().map(sign).collect();
            let moved = Literal::new(l.dims(), values).expect("as many values");
            moved.convert(l.dtype())
        };
        literals.iter().map(nudge).collect()
    };
    let (near_inputs, near_variables) = (nudged(&inputs), nudged(&variables));
    let (ran, near) = (
        oracle(graph, &inputs, &variables),
        oracle(graph, &near_inputs, &near_variables),
    );
    let all = |r: &common::Ran| -> Vec<f64> {
        let literals = r.outputs.iter().chain(&r.variables);
        literals.flat_map(Literal::to_f64).collect()
    };
    let pairs = all(&ran).into_iter().zip(all(&near));
    // Not a number is far as well.
    !pairs
        .into_iter()
        .all(|(a, b)| (a - b).abs() <= SHARE * TOLERANCE * a.abs().max(1.0))
}

#[test]
fn random_training_steps_give_what_the_interpreter_gives() {
    let (mut checked, mut made) = (0, 0);
    for seed in common::seeds(SEEDS) {
        let graph = random_training(seed).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        made += 1;
        if !is_ill_conditioned(&graph, seed) {
            check(&graph, seed, TOLERANCE);
            checked += 1;
        }
    }
    assert!(checked * 2 > made, "only {checked} of {made} were checked");
}
