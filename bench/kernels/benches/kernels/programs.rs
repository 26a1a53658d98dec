//! What the compiler fuses: maps, sums, softmax, layer normalization, pooling.

use std::sync::Arc;

use criterion::Criterion;
use refrain_cpu::{CompileOptions, Executable};
use refrain_graph::{
    BinaryOp, DType, Graph, GraphError, Literal, Op, Reduction, Shape, Spec, UnaryOp, Value, Window,
};

use super::{data, group};

type Made<T> = Result<T, GraphError>;

/// Writes a program of one input.
struct Writer {
    graph: Graph,
    x: Value,
}

impl Writer {
    fn new(dims: &[usize]) -> Self {
        let mut graph = Graph::new();
        let x = graph.input("x", Spec::new(Shape::from(dims), DType::F32));
        Writer { graph, x }
    }

    fn unary(&mut self, op: UnaryOp, x: Value) -> Made<Value> {
        self.graph.push(Op::Unary(op), &[x])
    }

    fn binary(&mut self, op: BinaryOp, x: Value, y: Value) -> Made<Value> {
        self.graph.push(Op::Binary(op), &[x, y])
    }

    fn number(&mut self, value: f64) -> Made<Value> {
        let number = Literal::full([], DType::F32, value);
        let number = self.graph.push(Op::Constant(Arc::new(number)), &[])?;
        self.broadcast(number, vec![])
    }

    /// A value in the shape of the input.
    fn broadcast(&mut self, value: Value, dims: Vec<usize>) -> Made<Value> {
        let shape = self.graph.spec(self.x).shape.clone();
        self.graph
            .push(Op::BroadcastInDim { shape, dims }, &[value])
    }

    fn reduce(&mut self, kind: Reduction, x: Value, dim: usize) -> Made<Value> {
        self.graph.push(
            Op::Reduce {
                kind,
                dims: vec![dim],
            },
            &[x],
        )
    }

    /// A reduction of each row, repeated along it.
    fn of_rows(&mut self, kind: Reduction, x: Value) -> Made<Value> {
        let reduced = self.reduce(kind, x, 1)?;
        self.broadcast(reduced, vec![0])
    }

    fn softmax(&mut self) -> Made<Value> {
        let greatest = self.of_rows(Reduction::Max, self.x)?;
        let shifted = self.binary(BinaryOp::Subtract, self.x, greatest)?;
        let exponentials = self.unary(UnaryOp::Exponential, shifted)?;
        let sum = self.of_rows(Reduction::Sum, exponentials)?;
        self.binary(BinaryOp::Divide, exponentials, sum)
    }

    fn layer_norm(&mut self, columns: usize) -> Made<Value> {
        let share = self.number(1.0 / columns as f64)?;
        let sum = self.of_rows(Reduction::Sum, self.x)?;
        let mean = self.binary(BinaryOp::Multiply, sum, share)?;
        let centred = self.binary(BinaryOp::Subtract, self.x, mean)?;
        let squares = self.binary(BinaryOp::Multiply, centred, centred)?;
        let sum = self.of_rows(Reduction::Sum, squares)?;
        let variance = self.binary(BinaryOp::Multiply, sum, share)?;
        let epsilon = self.number(1e-3)?;
        let variance = self.binary(BinaryOp::Add, variance, epsilon)?;
        let scale = self.unary(UnaryOp::Rsqrt, variance)?;
        self.binary(BinaryOp::Multiply, centred, scale)
    }

    fn max_pool(&mut self) -> Made<Value> {
        let window = Window {
            size: vec![1, 2, 2, 1],
            strides: vec![1, 2, 2, 1],
            padding: vec![(0, 0); 4],
            base_dilation: vec![1; 4],
            dilation: vec![1; 4],
        };
        let kind = Reduction::Max;
        self.graph
            .push(Op::ReduceWindow { kind, window }, &[self.x])
    }
}

/// Measures what `write` makes of an input of these dimensions.
fn measure(
    criterion: &mut Criterion,
    name: &str,
    dims: &[usize],
    write: impl FnOnce(&mut Writer) -> Made<Value>,
) {
    let mut writer = Writer::new(dims);
    let result = write(&mut writer).expect("shapes that fit");
    writer.graph.result(result);
    let options = CompileOptions {
        threads: Some(1),
        ..CompileOptions::default()
    };
    let program = Executable::compile(&writer.graph, &options).expect("a program that compiles");
    let mut workspace = program.workspace().expect("memory for a run");
    let count = dims.iter().product();
    let input = Literal::new(dims, data(count)).expect("as many values as the dimensions say");
    let (inputs, variables): (_, [&Literal; 0]) = ([input], []);
    let outputs = program.output_specs().iter();
    let mut outputs: Vec<Literal> = outputs
        .map(|spec| Literal::zeros(spec.shape.known().unwrap_or_default(), spec.dtype))
        .collect();
    let written: usize = outputs.iter().map(Literal::numel).sum();
    let shape: Vec<String> = dims.iter().map(usize::to_string).collect();
    let name = format!("{name} {}", shape.join("x"));
    let mut group = group(criterion, name, program.flops(), count + written);
    group.bench_function("refrain", |bench| {
        bench.iter(|| {
            program
                .run_shared(&mut workspace, &inputs, &variables, &mut outputs, None)
                .expect("inputs that fit")
        });
    });
    group.finish();
}

/// Measures them.
pub fn run(criterion: &mut Criterion) {
    const MAP: [usize; 2] = [1024, 1024];
    let maps = [
        ("exp", UnaryOp::Exponential),
        ("tanh", UnaryOp::Tanh),
        ("erf", UnaryOp::Erf),
        ("logistic", UnaryOp::Logistic),
    ];
    for (name, op) in maps {
        measure(criterion, name, &MAP, |w| w.unary(op, w.x));
    }
    measure(criterion, "sum of rows", &MAP, |w| {
        w.reduce(Reduction::Sum, w.x, 1)
    });
    measure(criterion, "sum of columns", &MAP, |w| {
        w.reduce(Reduction::Sum, w.x, 0)
    });
    for dims in [[8192, 1000], [65536, 128]] {
        measure(criterion, "softmax", &dims, Writer::softmax);
    }
    measure(criterion, "layer norm", &[8192, 512], |w| w.layer_norm(512));
    measure(
        criterion,
        "max pool 2x2 of",
        &[64, 32, 32, 64],
        Writer::max_pool,
    );
}
