//! Arithmetic on graph values, so that the tables of gradients read as formulas.

use std::cell::{Cell, Ref, RefCell};
use std::ops::{Add, Div, Mul, Neg, Sub};
use std::sync::Arc;

use crate::{
    BinaryOp, Comparison, DType, DotDims, Graph, GraphError, Literal, Node, Op, Reduction, Scope,
    Shape, Spec, UnaryOp, Value,
};

/// Holds a graph while terms add nodes to it. The first failure is kept and ends all further work.
pub(crate) struct Builder {
    graph: RefCell<Graph>,
    error: Cell<Option<GraphError>>,
}

impl Builder {
    pub(crate) fn new(graph: Graph) -> Self {
        Builder {
            graph: RefCell::new(graph),
            error: Cell::new(None),
        }
    }

    /// The graph, and the first failure if there was one.
    pub(crate) fn finish(self) -> (Graph, Option<GraphError>) {
        (self.graph.into_inner(), self.error.into_inner())
    }

    pub(crate) fn graph(&self) -> Ref<'_, Graph> {
        self.graph.borrow()
    }

    pub(crate) fn term(&self, value: Value) -> Term<'_> {
        Term {
            builder: self,
            value,
        }
    }

    pub(crate) fn set_scope(&self, scope: Option<Scope>) -> Option<Scope> {
        self.graph.borrow_mut().set_scope(scope)
    }

    pub(crate) fn extend_node(&self, node: Node, op: Op) -> Result<(), GraphError> {
        self.graph.borrow_mut().extend_node(node, op)
    }

    /// Adds a node with any number of outputs.
    pub(crate) fn push_multi(&self, op: Op, inputs: &[Value]) -> Result<Vec<Value>, GraphError> {
        let mut graph = self.graph.borrow_mut();
        let node = graph.push_multi(op, inputs)?;
        Ok(graph.outputs(node).to_vec())
    }

    /// Adds a node with one output. After a failure gives a value that stands for nothing.
    pub(crate) fn push(&self, op: Op, inputs: &[Value]) -> Term<'_> {
        let failed = self.error.take();
        let outcome = match failed {
            Some(error) => Err(error),
            None => self.graph.borrow_mut().push(op, inputs),
        };
        let fallback = inputs.first().copied();
        let value = outcome.unwrap_or_else(|error| {
            self.error.set(Some(error));
            fallback.unwrap_or_else(|| Value::from_u32(0))
        });
        self.term(value)
    }

    pub(crate) fn constant(&self, literal: Literal) -> Term<'_> {
        self.push(Op::Constant(Arc::new(literal)), &[])
    }

    /// A tensor of one value, as a broadcast scalar.
    pub(crate) fn full(&self, spec: &Spec, value: f64) -> Term<'_> {
        let scalar = self.constant(Literal::full([], spec.dtype, value));
        match spec.shape.rank() {
            0 => scalar,
            _ => {
                let shape = spec.shape.clone();
                scalar.op(Op::BroadcastInDim {
                    shape,
                    dims: vec![],
                })
            }
        }
    }

    /// Positions `0, 1, …` along `dim`.
    pub(crate) fn iota(&self, dims: &[usize], dtype: DType, dim: usize) -> Term<'_> {
        let shape = Shape::from(dims);
        self.push(Op::Iota { shape, dtype, dim }, &[])
    }
}

/// A value of the builder's graph.
#[derive(Clone, Copy)]
pub(crate) struct Term<'b> {
    builder: &'b Builder,
    pub(crate) value: Value,
}

impl<'b> Term<'b> {
    pub(crate) fn builder(self) -> &'b Builder {
        self.builder
    }

    pub(crate) fn spec(self) -> Spec {
        self.builder.graph().spec(self.value).clone()
    }

    pub(crate) fn dtype(self) -> DType {
        self.builder.graph().spec(self.value).dtype
    }

    /// The dimensions, known since gradients are only made for known shapes.
    pub(crate) fn dims(self) -> Vec<usize> {
        let graph = self.builder.graph();
        graph.spec(self.value).shape.known().unwrap_or_default()
    }

    pub(crate) fn rank(self) -> usize {
        self.builder.graph().spec(self.value).shape.rank()
    }

    pub(crate) fn op(self, op: Op) -> Term<'b> {
        self.builder.push(op, &[self.value])
    }

    pub(crate) fn op2(self, op: Op, other: Term<'b>) -> Term<'b> {
        self.builder.push(op, &[self.value, other.value])
    }

    /// A tensor of this spec filled with `value`.
    pub(crate) fn like(self, value: f64) -> Term<'b> {
        self.builder.full(&self.spec(), value)
    }

    pub(crate) fn unary(self, op: UnaryOp) -> Term<'b> {
        self.op(Op::Unary(op))
    }

    pub(crate) fn exp(self) -> Term<'b> {
        self.unary(UnaryOp::Exponential)
    }

    pub(crate) fn rsqrt(self) -> Term<'b> {
        self.unary(UnaryOp::Rsqrt)
    }

    pub(crate) fn binary(self, op: BinaryOp, other: Term<'b>) -> Term<'b> {
        self.op2(Op::Binary(op), other)
    }

    pub(crate) fn compare(self, how: Comparison, other: Term<'b>) -> Term<'b> {
        self.op2(Op::Compare(how), other)
    }

    /// `on_true` where this is true, else `on_false`.
    pub(crate) fn select(self, on_true: Term<'b>, on_false: Term<'b>) -> Term<'b> {
        let inputs = [self.value, on_true.value, on_false.value];
        self.builder.push(Op::Select, &inputs)
    }

    pub(crate) fn convert(self, dtype: DType) -> Term<'b> {
        if self.dtype() == dtype {
            return self;
        }
        self.op(Op::Convert(dtype))
    }

    pub(crate) fn reshape(self, dims: &[usize]) -> Term<'b> {
        if self.dims() == dims {
            return self;
        }
        self.op(Op::Reshape(Shape::from(dims)))
    }

    pub(crate) fn transpose(self, perm: &[usize]) -> Term<'b> {
        if perm.iter().enumerate().all(|(i, &p)| i == p) {
            return self;
        }
        self.op(Op::Transpose(perm.to_vec()))
    }

    /// Input dimension `i` becomes dimension `places[i]` of the result.
    pub(crate) fn broadcast(self, dims: &[usize], places: &[usize]) -> Term<'b> {
        if self.dims() == dims {
            return self;
        }
        let shape = Shape::from(dims);
        let dims = places.to_vec();
        self.op(Op::BroadcastInDim { shape, dims })
    }

    pub(crate) fn reduce(self, kind: Reduction, dims: &[usize]) -> Term<'b> {
        if dims.is_empty() {
            return self;
        }
        let dims = dims.to_vec();
        self.op(Op::Reduce { kind, dims })
    }

    pub(crate) fn sum(self, dims: &[usize]) -> Term<'b> {
        self.reduce(Reduction::Sum, dims)
    }

    pub(crate) fn sum_all(self) -> Term<'b> {
        let dims: Vec<usize> = (0..self.rank()).collect();
        self.sum(&dims)
    }

    pub(crate) fn reverse(self, dims: &[usize]) -> Term<'b> {
        if dims.is_empty() {
            return self;
        }
        self.op(Op::Reverse(dims.to_vec()))
    }

    pub(crate) fn slice(self, starts: &[usize], limits: &[usize], strides: &[usize]) -> Term<'b> {
        self.op(Op::Slice {
            starts: starts.to_vec(),
            limits: limits.iter().map(|&l| Some(l)).collect(),
            strides: strides.to_vec(),
        })
    }

    /// Elements `start..limit` along one dimension.
    pub(crate) fn slice_dim(self, dim: usize, start: usize, limit: usize) -> Term<'b> {
        let mut limits = self.dims();
        let mut starts = vec![0; limits.len()];
        (starts[dim], limits[dim]) = (start, limit);
        self.slice(&starts, &limits, &vec![1; starts.len()])
    }

    pub(crate) fn pad(self, value: f64, low: &[i64], high: &[i64], interior: &[usize]) -> Term<'b> {
        let nothing = low.iter().chain(high).all(|&n| n == 0) && interior.iter().all(|&n| n == 0);
        if nothing {
            return self;
        }
        let scalar = Literal::full([], self.dtype(), value);
        let op = Op::Pad {
            low: low.to_vec(),
            high: high.to_vec(),
            interior: interior.to_vec(),
        };
        self.op2(op, self.builder.constant(scalar))
    }

    pub(crate) fn dot(self, dims: DotDims, other: Term<'b>) -> Term<'b> {
        self.op2(Op::DotGeneral(dims), other)
    }
}

impl<'b> Neg for Term<'b> {
    type Output = Term<'b>;
    fn neg(self) -> Term<'b> {
        self.unary(UnaryOp::Negate)
    }
}

macro_rules! arithmetic {
    ($($trait:ident $method:ident $op:ident;)*) => {$(
        impl<'b> $trait for Term<'b> {
            type Output = Term<'b>;
            fn $method(self, other: Term<'b>) -> Term<'b> {
                self.binary(BinaryOp::$op, other)
            }
        }
        impl<'b> $trait<f64> for Term<'b> {
            type Output = Term<'b>;
            fn $method(self, other: f64) -> Term<'b> {
                self.binary(BinaryOp::$op, self.like(other))
            }
        }
        impl<'b> $trait<Term<'b>> for f64 {
            type Output = Term<'b>;
            fn $method(self, other: Term<'b>) -> Term<'b> {
                other.like(self).binary(BinaryOp::$op, other)
            }
        }
    )*};
}

arithmetic! {
    Add add Add;
    Sub sub Subtract;
    Mul mul Multiply;
    Div div Divide;
}
