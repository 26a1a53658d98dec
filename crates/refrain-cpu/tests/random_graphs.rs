//! Random programs against the interpreter.

mod common;

use common::check;
use refrain_graph::philox::Philox;
use refrain_graph::{
    BinaryOp, Comparison, DType, DotDims, Graph, Literal, Op, Reduction, Shape, Spec, UnaryOp,
    Value,
};
use std::sync::Arc;

struct Maker {
    rng: Philox,
    graph: Graph,
    values: Vec<Value>,
}

impl Maker {
    fn below(&mut self, n: usize) -> usize {
        self.rng.below(n as u64) as usize
    }

    fn any(&mut self) -> Value {
        // Late values are likelier, so that chains grow.
        let n = self.values.len();
        let (a, b) = (self.below(n), self.below(n));
        self.values[a.max(b)]
    }

    fn any_of(&mut self, dtype: DType) -> Option<Value> {
        for _ in 0..8 {
            let v = self.any();
            if self.graph.spec(v).dtype == dtype {
                return Some(v);
            }
        }
        None
    }

    /// Whether a value has no rounding errors, so that functions with jumps may be applied to it.
    fn is_exact(&self, v: Value) -> bool {
        !self.graph.spec(v).dtype.is_float() || self.graph.node_of(v).is_none()
    }

    fn dims(&self, v: Value) -> Vec<usize> {
        self.graph.spec(v).shape.known().expect("known")
    }

    fn push(&mut self, op: Op, inputs: &[Value]) {
        if let Ok(node) = self.graph.push_multi(op, inputs) {
            let outputs = self.graph.outputs(node).to_vec();
            let fits = |v: &Value| {
                self.graph
                    .spec(*v)
                    .shape
                    .numel()
                    .is_some_and(|n| n <= 20_000)
            };
            self.values.extend(outputs.into_iter().filter(fits));
        }
    }

    /// A value of the shape of `like`, made of any other by broadcasting or slicing if that is possible.
    fn fitted(&mut self, like: Value) -> Value {
        let (dims, dtype) = (self.dims(like), self.graph.spec(like).dtype);
        for _ in 0..6 {
            let v = self.any();
            let from = self.dims(v);
            if self.graph.spec(v).dtype != dtype {
                continue;
            }
            if from == dims {
                return v;
            }
            if from.len() <= dims.len() {
                let first = dims.len() - from.len();
                let to: Vec<usize> = match self.below(2) {
                    0 => (0..from.len()).collect(),
                    _ => (first..dims.len()).collect(),
                };
                let fits = to.iter().zip(&from).all(|(&t, &d)| d == 1 || dims[t] == d);
                let op = Op::BroadcastInDim {
                    shape: Shape::from(dims.as_slice()),
                    dims: to,
                };
                if fits && let Ok(v) = self.graph.push(op, &[v]) {
                    self.values.push(v);
                    return v;
                }
            }
        }
        let value = self.rng.uniform() as f64 * 3.0 - 1.0;
        let one = Literal::full([], dtype, value.round());
        let one = self
            .graph
            .push(Op::Constant(Arc::new(one)), &[])
            .expect("a constant");
        let op = Op::BroadcastInDim {
            shape: Shape::from(dims.as_slice()),
            dims: vec![],
        };
        self.graph.push(op, &[one]).expect("a broadcast")
    }

    fn step(&mut self) {
        match self.below(16) {
            0..=2 => self.unary(),
            3..=6 => self.binary(),
            7 => self.compare_or_select(),
            8 | 9 => self.reduce(),
            10 => self.layout(),
            11 => self.slice_or_pad(),
            12 => self.dot(),
            13 => {
                let v = self.any();
                let to =
                    [DType::F32, DType::I32, DType::Bool, DType::U32, DType::F64][self.below(5)];
                let negative = to == DType::U32;
                let small = self.graph.spec(v).dtype;
                if (!negative || small == DType::Bool) && (to.is_float() || self.is_exact(v)) {
                    self.push(Op::Convert(to), &[v]);
                }
            }
            14 => {
                let v = self.any();
                let dims = self.dims(v);
                if !dims.is_empty() {
                    let dim = self.below(dims.len());
                    let other = self.fitted(v);
                    self.push(Op::Concatenate(dim), &[v, other, v]);
                }
            }
            _ => {
                let v = self.any();
                let shape = self.graph.spec(v).shape.clone();
                if shape.rank() > 0 {
                    let dim = self.below(shape.rank());
                    self.push(
                        Op::Iota {
                            shape,
                            dtype: DType::F32,
                            dim,
                        },
                        &[],
                    );
                }
            }
        }
    }

    fn unary(&mut self) {
        use UnaryOp::*;
        let Some(v) = self.any_of(DType::F32) else {
            return;
        };
        let smooth = if self.is_exact(v) { 10 } else { 7 };
        let op = [
            Abs, Negate, Tanh, Logistic, Erf, Sine, Atan, Sign, Floor, Ceil,
        ][self.below(smooth)];
        self.push(Op::Unary(op), &[v]);
    }

    fn binary(&mut self) {
        use BinaryOp::*;
        let v = self.any();
        let w = self.fitted(v);
        let op = match self.graph.spec(v).dtype {
            DType::Bool => [And, Or, Xor][self.below(3)],
            DType::F32 | DType::F64 => [Add, Subtract, Multiply, Maximum, Minimum][self.below(5)],
            _ => [Add, Subtract, Maximum, Minimum, Divide, Remainder, And, Xor][self.below(8)],
        };
        let clamped = self.graph.push(Op::Binary(op), &[v, w]);
        // Products of products would overflow after some steps.
        if let (Multiply, Ok(product)) = (op, &clamped) {
            if self.graph.spec(*product).dtype == DType::F32 {
                self.push(Op::Unary(UnaryOp::Tanh), &[*product]);
            }
        } else if let Ok(value) = clamped {
            self.values.push(value);
        }
    }

    fn compare_or_select(&mut self) {
        use Comparison::*;
        let v = self.any();
        let w = self.fitted(v);
        if !self.is_exact(v) {
            return;
        }
        let op = [Eq, Ne, Lt, Le, Gt, Ge][self.below(6)];
        let Ok(p) = self.graph.push(Op::Compare(op), &[v, w]) else {
            return;
        };
        self.values.push(p);
        let (a, b) = (self.fitted(v), self.fitted(w));
        self.push(Op::Select, &[p, a, b]);
    }

    fn reduce(&mut self) {
        let v = self.any();
        let rank = self.dims(v).len();
        let dims: Vec<usize> = (0..rank).filter(|_| self.below(2) == 0).collect();
        let kinds = match self.graph.spec(v).dtype {
            DType::Bool => [Reduction::And, Reduction::Or],
            _ => [Reduction::Sum, Reduction::Max],
        };
        let kind = kinds[self.below(2)];
        self.push(Op::Reduce { kind, dims }, &[v]);
    }

    fn layout(&mut self) {
        let v = self.any();
        let dims = self.dims(v);
        let rank = dims.len();
        match self.below(4) {
            0 if rank > 1 => {
                let mut perm: Vec<usize> = (0..rank).collect();
                self.rng.shuffle(&mut perm);
                self.push(Op::Transpose(perm), &[v]);
            }
            1 if rank > 0 => {
                let d = self.below(rank);
                self.push(Op::Reverse(vec![d]), &[v]);
            }
            2 => {
                let numel: usize = dims.iter().product();
                self.push(Op::Reshape(Shape::from([numel])), &[v]);
            }
            _ => {
                let mut dims = dims;
                let at = self.below(rank + 1);
                dims.insert(at, 1);
                self.push(Op::Reshape(Shape::from(dims)), &[v]);
            }
        }
    }

    fn slice_or_pad(&mut self) {
        let v = self.any();
        let (dims, dtype) = (self.dims(v), self.graph.spec(v).dtype);
        if self.below(2) == 0 {
            let starts: Vec<usize> = dims
                .iter()
                .map(|&d| self.rng.below(d as u64) as usize)
                .collect();
            let strides = dims
                .iter()
                .map(|_| 1 + self.rng.below(2) as usize)
                .collect();
            let limits = dims.iter().map(|&d| Some(d)).collect();
            self.push(
                Op::Slice {
                    starts,
                    limits,
                    strides,
                },
                &[v],
            );
        } else {
            let zero = Arc::new(Literal::zeros([], dtype));
            let zero = self
                .graph
                .push(Op::Constant(zero), &[])
                .expect("a constant");
            let mut edge = || {
                dims.iter()
                    .map(|_| self.rng.below(4) as i64 - 1)
                    .collect::<Vec<_>>()
            };
            let (low, high) = (edge(), edge());
            let interior = dims.iter().map(|_| self.rng.below(2) as usize).collect();
            self.push(
                Op::Pad {
                    low,
                    high,
                    interior,
                },
                &[v, zero],
            );
        }
        if let Some(&last) = self.values.last()
            && self.graph.spec(last).shape.numel() == Some(0)
        {
            self.values.pop();
        }
    }

    fn dot(&mut self) {
        let Some(a) = self.any_of(DType::F32) else {
            return;
        };
        let b = self.fitted(a);
        let rank = self.dims(a).len();
        if rank == 0 {
            return;
        }
        let c = self.below(rank);
        let batch: Vec<usize> = (0..rank)
            .filter(|&d| d != c && self.below(3) == 0)
            .collect();
        let dims = DotDims {
            lhs_batch: batch.clone(),
            rhs_batch: batch,
            lhs_contracting: vec![c],
            rhs_contracting: vec![c],
        };
        if let Ok(v) = self.graph.push(Op::DotGeneral(dims), &[a, b]) {
            self.push(Op::Unary(UnaryOp::Tanh), &[v]);
        }
    }
}

fn random_graph(seed: u64) -> Graph {
    let mut m = Maker {
        rng: Philox::new(seed),
        graph: Graph::new(),
        values: Vec::new(),
    };
    let shapes: [&[usize]; 7] = [&[], &[5], &[3, 5], &[4, 3, 5], &[2, 70], &[300, 7], &[1, 6]];
    for i in 0..4 {
        let dims = shapes[m.below(shapes.len())];
        let dtype = [DType::F32, DType::F32, DType::F32, DType::I32][m.below(4)];
        let spec = Spec::new(Shape::from(dims), dtype);
        let v = match i % 2 {
            0 => m.graph.input(format!("x{i}"), spec),
            _ => m.graph.variable(format!("v{i}"), spec),
        };
        m.values.push(v);
    }
    let steps = 5 + m.below(30);
    for _ in 0..steps {
        m.step();
    }
    for _ in 0..3 {
        let v = m.any();
        m.graph.result(v);
    }
    let last = *m.values.last().expect("some value");
    m.graph.result(last);
    let variables: Vec<Value> = m
        .graph
        .params_of(refrain_graph::ParamKind::Variable)
        .collect();
    for variable in variables {
        let new = m.fitted(variable);
        m.graph.update(variable, new);
    }
    m.graph
}

#[test]
fn random_programs_give_what_the_interpreter_gives() {
    // Chains of a few dozen f32 operations against f64 ones.
    const TOLERANCE: f64 = 2e-4;
    let only = std::env::var("SEED")
        .ok()
        .and_then(|s| s.parse::<u64>().ok());
    for seed in 0..400 {
        if only.is_none_or(|s| s == seed) {
            check(&random_graph(seed), seed, TOLERANCE);
        }
    }
}
