//! Random graphs and values for tests of this crate and of compilers of its graphs. No part of the public interface.

use std::sync::Arc;

use crate::{
    BinaryOp, Comparison, Conv, ConvLayout, DType, DotDims, GatherDims, Graph, GraphError, Literal,
    Op, ParamKind, Reduction, Scan, Shape, Spec, UnaryOp, Value, Window,
};

/// Largest number of elements of a random graph's values.
const MAX_ELEMENTS: usize = 600;

/// Numbers that look random (splitmix64), the same for the same seed.
pub struct Random(u64);

impl Random {
    /// A sequence of its own for each seed.
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `end`, exclusive.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// A number from -1 to 1.
    pub fn number(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

/// A sound graph of f32 values of known shapes, with shared weights, moves that cancel, loops, and an update. About
/// `size` primitives.
///
/// # Errors
/// Never, unless the generator is wrong.
pub fn random_graph(seed: u64, size: usize) -> Result<Graph, GraphError> {
    let mut generator = Generator {
        graph: Graph::new(),
        random: Random::new(seed),
        values: vec![],
        weights: vec![],
    };
    for (i, dims) in [vec![4, 6], vec![2, 6], vec![3, 5, 4], vec![2, 5, 4]]
        .into_iter()
        .enumerate()
    {
        let spec = Spec::new(dims, DType::F32);
        let value = generator.graph.input(format!("input_{i}"), spec);
        generator.values.push(value);
    }
    let state = generator
        .graph
        .variable("state", Spec::new([4, 6], DType::F32));
    generator.values.push(state);
    generator.add_constants()?;
    for _ in 0..size {
        generator.step()?;
    }
    let Generator {
        mut graph,
        mut random,
        values,
        ..
    } = generator;
    for _ in 0..3 {
        graph.result(random.pick(&values[values.len() / 2..]));
    }
    graph.result(values[values.len() - 1]);
    let mut same = values
        .iter()
        .rev()
        .filter(|&&v| graph.spec(v) == graph.spec(state));
    if let Some(&new) = same.next() {
        graph.update(state, new);
    }
    Ok(graph)
}

/// Values from -1 to 1 (0 and 1 for integers) for the inputs and the variables of a graph of known shapes.
pub fn random_values(graph: &Graph, seed: u64) -> (Vec<Literal>, Vec<Literal>) {
    let mut random = Random::new(seed);
    let mut of = |kind: ParamKind| {
        let values: Vec<Value> = graph.params_of(kind).collect();
        let literal = |v: Value| random_literal(graph.spec(v), &mut random);
        values.into_iter().filter_map(literal).collect()
    };
    (of(ParamKind::Input), of(ParamKind::Variable))
}

fn random_literal(spec: &Spec, random: &mut Random) -> Option<Literal> {
    let dims = spec.shape.known()?;
    let count: usize = dims.iter().product();
    let number = |_| match spec.dtype.is_float() {
        true => random.number(),
        false => random.below(2) as f64,
    };
    let values: Vec<f64> = (0..count).map(number).collect();
    Some(Literal::new(dims, values)?.convert(spec.dtype))
}

struct Generator {
    graph: Graph,
    random: Random,
    /// The f32 values so far.
    values: Vec<Value>,
    /// Kernels and tables, to be used again.
    weights: Vec<Value>,
}

impl Generator {
    fn dims(&self, value: Value) -> Vec<usize> {
        self.graph.spec(value).shape.known().unwrap_or_default()
    }

    fn add(&mut self, op: Op, inputs: &[Value]) -> Result<Value, GraphError> {
        self.graph.push(op, inputs)
    }

    /// Values that are known before the graph runs.
    fn add_constants(&mut self) -> Result<(), GraphError> {
        let spec = Spec::new([4, 6], DType::F32);
        if let Some(literal) = random_literal(&spec, &mut self.random) {
            let value = self.add(Op::Constant(Arc::new(literal)), &[])?;
            self.values.push(value);
        }
        let filled = self.filled(&[3, 5, 4], 0.5)?;
        self.values.push(filled);
        Ok(())
    }

    /// A recent value, or any.
    fn any(&mut self) -> Value {
        let recent = self.values.len().saturating_sub(6);
        match self.random.below(3) {
            0 => self.random.pick(&self.values),
            _ => self.random.pick(&self.values[recent..]),
        }
    }

    fn filled(&mut self, dims: &[usize], value: f64) -> Result<Value, GraphError> {
        let scalar = Literal::full([], DType::F32, value);
        let scalar = self.add(Op::Constant(Arc::new(scalar)), &[])?;
        if dims.is_empty() {
            return Ok(scalar);
        }
        let shape = Shape::from(dims);
        self.add(
            Op::BroadcastInDim {
                shape,
                dims: vec![],
            },
            &[scalar],
        )
    }

    /// A value of the same shape: another one, a filled one, or the same.
    fn partner(&mut self, x: Value) -> Result<Value, GraphError> {
        let dims = self.dims(x);
        let alike = self
            .values
            .iter()
            .copied()
            .filter(|&v| self.dims(v) == dims);
        let alike: Vec<Value> = alike.collect();
        match self.random.below(3) {
            0 => {
                let value = self.random.pick(&[0.0, 1.0, 2.0, 0.5, -1.0, 3.0]);
                self.filled(&dims, value)
            }
            _ => Ok(self.random.pick(&alike)),
        }
    }

    /// A weight of these dimensions, often one that was used before.
    fn weight(&mut self, dims: &[usize]) -> Result<Value, GraphError> {
        let known = self
            .weights
            .iter()
            .copied()
            .filter(|&w| self.dims(w) == dims);
        let known: Vec<Value> = known.collect();
        if !known.is_empty() && self.random.below(4) > 0 {
            return Ok(self.random.pick(&known));
        }
        let spec = Spec::new(dims, DType::F32);
        let weight = match self.random.below(3) {
            0 => match random_literal(&spec, &mut self.random) {
                Some(literal) => self.add(Op::Constant(Arc::new(literal)), &[])?,
                None => return Err(GraphError::new("a weight of unknown shape")),
            },
            _ => {
                let name = format!("weight_{}", self.weights.len());
                self.graph.variable(name, spec)
            }
        };
        self.weights.push(weight);
        Ok(weight)
    }

    fn step(&mut self) -> Result<(), GraphError> {
        let x = self.any();
        let made = match self.random.below(14) {
            0..=2 => self.elementwise(x)?,
            3 => self.choose(x)?,
            4 | 5 => self.moved(x)?,
            6 => self.cut(x)?,
            7 => self.joined(x)?,
            8 => self.reduced(x)?,
            9 => self.product(x)?,
            10 => self.windowed(x)?,
            11 => self.looked_up(x)?,
            12 => self.towers(x)?,
            _ => self.looped(x)?,
        };
        let dims = self.dims(made);
        let count: usize = dims.iter().product();
        if count > 0 && count <= MAX_ELEMENTS && dims.len() <= 4 {
            self.values.push(made);
        }
        Ok(())
    }

    fn elementwise(&mut self, x: Value) -> Result<Value, GraphError> {
        use UnaryOp::{Abs, Exponential, Logistic, Negate, Sine, Tanh};
        match self.random.below(4) {
            0 | 1 => {
                let op = self
                    .random
                    .pick(&[Abs, Negate, Tanh, Logistic, Sine, Negate]);
                self.add(Op::Unary(op), &[x])
            }
            2 => {
                let squashed = self.add(Op::Unary(Tanh), &[x])?;
                self.add(Op::Unary(Exponential), &[squashed])
            }
            _ => {
                use BinaryOp::{Add, Maximum, Minimum, Multiply, Subtract};
                let op = self
                    .random
                    .pick(&[Add, Maximum, Minimum, Multiply, Subtract]);
                let other = self.partner(x)?;
                let combined = self.add(Op::Binary(op), &[x, other])?;
                let bounded = self.add(Op::Unary(Tanh), &[combined])?;
                Ok(self.random.pick(&[combined, bounded, bounded]))
            }
        }
    }

    fn choose(&mut self, x: Value) -> Result<Value, GraphError> {
        let other = self.partner(x)?;
        match self.random.below(3) {
            0 => {
                let wide = self.add(Op::Convert(DType::F64), &[x])?;
                self.add(Op::Convert(DType::F32), &[wide])
            }
            1 => {
                let (dims, divisor) = (self.dims(x), self.random.pick(&[2.0, 4.0, 3.0]));
                let divisor = self.filled(&dims, divisor)?;
                self.add(Op::Binary(BinaryOp::Divide), &[x, divisor])
            }
            _ => {
                let greater = self.add(Op::Compare(Comparison::Gt), &[x, other])?;
                let less = self.add(Op::Unary(UnaryOp::Not), &[greater])?;
                let predicate = self.random.pick(&[greater, less]);
                self.add(Op::Select, &[predicate, x, other])
            }
        }
    }

    fn moved(&mut self, x: Value) -> Result<Value, GraphError> {
        let dims = self.dims(x);
        let count: usize = dims.iter().product();
        let rank = dims.len();
        match self.random.below(5) {
            0 => {
                let first = dims.first().copied().unwrap_or(1);
                let flat = vec![first, count / first];
                let shapes = [vec![count], flat, vec![1, count], dims];
                let shape = self.random.pick(&shapes);
                self.add(Op::Reshape(Shape::from(shape)), &[x])
            }
            1 | 2 => {
                let mut perm: Vec<usize> = (0..rank).collect();
                for i in (1..rank).rev() {
                    perm.swap(i, self.random.below(i + 1));
                }
                self.add(Op::Transpose(perm), &[x])
            }
            3 => {
                let kept = (0..rank).filter(|_| self.random.below(2) == 0).collect();
                self.add(Op::Reverse(kept), &[x])
            }
            _ => {
                let new = self.random.below(rank + 1);
                let places = (0..rank).map(|d| d + usize::from(d >= new)).collect();
                let mut shape = dims;
                shape.insert(new, 2);
                let shape = Shape::from(shape);
                self.add(
                    Op::BroadcastInDim {
                        shape,
                        dims: places,
                    },
                    &[x],
                )
            }
        }
    }

    fn cut(&mut self, x: Value) -> Result<Value, GraphError> {
        let dims = self.dims(x);
        if self.random.below(3) == 0 {
            let edge = |random: &mut Random| random.below(2) as i64;
            let low: Vec<i64> = dims.iter().map(|_| edge(&mut self.random)).collect();
            let high: Vec<i64> = dims.iter().map(|_| edge(&mut self.random)).collect();
            let value = self.filled(&[], 0.0)?;
            let interior = vec![0; dims.len()];
            return self.add(
                Op::Pad {
                    low,
                    high,
                    interior,
                },
                &[x, value],
            );
        }
        let starts: Vec<usize> = dims.iter().map(|&n| self.random.below(n.min(2))).collect();
        let limit =
            |(&n, &start): (&usize, &usize)| Some(n - self.random.below((n - start).min(2)));
        let limits = dims.iter().zip(&starts).map(limit).collect();
        let strides = dims.iter().map(|_| 1 + self.random.below(4) / 3).collect();
        self.add(
            Op::Slice {
                starts,
                limits,
                strides,
            },
            &[x],
        )
    }

    fn joined(&mut self, x: Value) -> Result<Value, GraphError> {
        let dims = self.dims(x);
        if dims.is_empty() {
            return Ok(x);
        }
        let dim = self.random.below(dims.len());
        let other = self.partner(x)?;
        let both = self.add(Op::Concatenate(dim), &[x, other])?;
        if self.random.below(2) == 0 {
            return Ok(both);
        }
        let mut starts = vec![0; dims.len()];
        let mut limits: Vec<_> = dims.iter().map(|&n| Some(n)).collect();
        (starts[dim], limits[dim]) = (dims[dim], Some(2 * dims[dim]));
        let strides = vec![1; dims.len()];
        self.add(
            Op::Slice {
                starts,
                limits,
                strides,
            },
            &[both],
        )
    }

    fn reduced(&mut self, x: Value) -> Result<Value, GraphError> {
        let rank = self.dims(x).len();
        let kind = self
            .random
            .pick(&[Reduction::Sum, Reduction::Max, Reduction::Min]);
        if rank > 0 && self.random.below(3) == 0 {
            let (dim, reverse) = (self.random.below(rank), self.random.below(2) == 0);
            return self.add(Op::Cumulative { kind, dim, reverse }, &[x]);
        }
        let dims = (0..rank).filter(|_| self.random.below(2) == 0).collect();
        self.add(Op::Reduce { kind, dims }, &[x])
    }

    /// Two calls of the same two layers, on values that differ at most in their number of rows.
    fn towers(&mut self, x: Value) -> Result<Value, GraphError> {
        let dims = self.dims(x);
        if dims.len() < 2 {
            return self.product(x);
        }
        let fits = |v: &Value| self.dims(*v).len() > 1 && self.dims(*v)[1..] == dims[1..];
        let others: Vec<Value> = self.values.iter().copied().filter(fits).collect();
        let other = self.random.pick(&others);
        let first = self.weight(&[dims[dims.len() - 1], 4])?;
        let second = self.weight(&[4, 4])?;
        let bias = self.weight(&[4])?;
        let mut ends = vec![];
        for input in [x, other] {
            let hidden = self.dense(input, first, bias)?;
            ends.push(self.dense(hidden, second, bias)?);
        }
        self.add(Op::Concatenate(0), &[ends[1], ends[0]])
    }

    /// A product with a weight, as a layer makes it: bias and activation behind it.
    fn product(&mut self, x: Value) -> Result<Value, GraphError> {
        let dims = self.dims(x);
        let Some(&features) = dims.last() else {
            return Ok(x);
        };
        let units = self.random.pick(&[4, 6]);
        let kernel = self.weight(&[features, units])?;
        let bias = self.weight(&[units])?;
        self.dense(x, kernel, bias)
    }

    fn dense(&mut self, x: Value, kernel: Value, bias: Value) -> Result<Value, GraphError> {
        let last = self.dims(x).len() - 1;
        let contraction = DotDims {
            lhs_contracting: vec![last],
            rhs_contracting: vec![0],
            ..DotDims::default()
        };
        let product = self.add(Op::DotGeneral(contraction), &[x, kernel])?;
        let shape = self.graph.spec(product).shape.clone();
        let dims = vec![last];
        let bias = self.add(Op::BroadcastInDim { shape, dims }, &[bias])?;
        let sum = self.add(Op::Binary(BinaryOp::Add), &[product, bias])?;
        self.add(Op::Unary(UnaryOp::Tanh), &[sum])
    }

    /// A convolution or a pooling over `[batch, steps, features]`.
    fn windowed(&mut self, x: Value) -> Result<Value, GraphError> {
        let &[_, steps, features] = &self.dims(x)[..] else {
            return self.product(x);
        };
        let size = 2.min(steps);
        let window = |rank: usize, size: Vec<usize>, strides: Vec<usize>| Window {
            size,
            strides,
            padding: vec![(0, 0); rank],
            base_dilation: vec![1; rank],
            dilation: vec![1; rank],
        };
        if self.random.below(2) == 0 {
            let kind = self.random.pick(&[Reduction::Sum, Reduction::Max]);
            let window = window(3, vec![1, size, 1], vec![1, 2, 1]);
            return self.add(Op::ReduceWindow { kind, window }, &[x]);
        }
        let kernel = self.weight(&[size, features, 4])?;
        let layout = |batch, feature, step| ConvLayout {
            batch,
            feature,
            spatial: vec![step],
        };
        let conv = Conv {
            window: window(1, vec![size], vec![1]),
            reversal: vec![false],
            lhs: layout(0, 2, 1),
            rhs: layout(1, 2, 0),
            out: layout(0, 2, 1),
            feature_groups: 1,
            batch_groups: 1,
        };
        let conv = self.add(Op::Convolution(Box::new(conv)), &[x, kernel])?;
        self.add(Op::Unary(UnaryOp::Tanh), &[conv])
    }

    /// Rows of a table, at places that a value says.
    fn looked_up(&mut self, x: Value) -> Result<Value, GraphError> {
        let rank = self.dims(x).len();
        let table = self.weight(&[7, 3])?;
        let dims = self.dims(x);
        let three = self.filled(&dims, 3.0)?;
        let scaled = self.add(Op::Binary(BinaryOp::Multiply), &[x, three])?;
        let places = self.add(Op::Convert(DType::I32), &[scaled])?;
        let dims = GatherDims {
            offset_dims: vec![rank],
            collapsed_slice_dims: vec![0],
            start_index_map: vec![0],
            index_vector_dim: rank,
            slice_sizes: vec![Some(1), Some(3)],
        };
        self.add(Op::Gather(Box::new(dims)), &[table, places])
    }

    /// A simple recurrent layer over the second dimension of `[batch, steps, features]`, with things in it that need not
    /// be.
    fn looped(&mut self, x: Value) -> Result<Value, GraphError> {
        let &[batch, steps, features] = &self.dims(x)[..] else {
            return self.elementwise(x);
        };
        let units = 4;
        let sequence = self.add(Op::Transpose(vec![1, 0, 2]), &[x])?;
        let first = self.filled(&[batch, units], 0.0)?;
        let kernel = self.weight(&[features, units])?;
        let recurrent = self.weight(&[units, units])?;
        let scan = Scan {
            body: recurrent_step(batch, features, units)?,
            carries: 2,
            sequences: 1,
            reverse: self.random.below(2) == 0,
            length: Some(steps),
        };
        let inputs = [first, first, sequence, kernel, recurrent];
        let node = self.graph.push_multi(Op::Scan(Box::new(scan)), &inputs)?;
        let outputs = self.graph.outputs(node).to_vec();
        let outputs = &outputs[..3];
        Ok(self.random.pick(outputs))
    }
}

/// `h' = tanh(x·kernel + h·recurrent²)`, with a carry that stays as it is, and a stacked output.
fn recurrent_step(batch: usize, features: usize, units: usize) -> Result<Graph, GraphError> {
    let mut body = Graph::new();
    let mut param = |name: &str, dims: [usize; 2]| body.input(name, Spec::new(dims, DType::F32));
    let state = param("state", [batch, units]);
    let fixed = param("fixed", [batch, units]);
    let step = param("step", [batch, features]);
    let kernel = param("kernel", [features, units]);
    let recurrent = param("recurrent", [units, units]);
    let product = || {
        Op::DotGeneral(DotDims {
            lhs_contracting: vec![1],
            rhs_contracting: vec![0],
            ..DotDims::default()
        })
    };
    let squared = body.push(product(), &[recurrent, recurrent])?;
    let from_step = body.push(product(), &[step, kernel])?;
    let from_state = body.push(product(), &[state, squared])?;
    let sum = body.push(Op::Binary(BinaryOp::Add), &[from_step, from_state])?;
    let shifted = body.push(Op::Binary(BinaryOp::Add), &[sum, fixed])?;
    let next = body.push(Op::Unary(UnaryOp::Tanh), &[shifted])?;
    for result in [next, fixed, next, step] {
        body.result(result);
    }
    Ok(body)
}
