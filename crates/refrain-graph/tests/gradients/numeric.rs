//! Compares gradients with finite differences.

use refrain_graph::{DType, DotDims, Graph, Literal, Op, ParamKind, Value, grad, interp, verify};

/// Step of the central differences: their error is of the order of its square and of the rounding of f64 over it.
const STEP: f64 = 1e-5;

/// Largest difference allowed, relative to the gradient's size where that is over 1.
const TOLERANCE: f64 = 1e-6;

/// A sequence of numbers in 0..1 that looks random (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Values for a parameter. Its name may end with a range: `x 0.5 2`; else it is -1 to 1.
fn values(graph: &Graph, param: Value, name: &str, random: &mut Random) -> Literal {
    let words: Vec<&str> = name.split(' ').collect();
    let (low, high) = match words[..] {
        [_, low, high] => (low.parse().unwrap(), high.parse().unwrap()),
        _ => (-1.0, 1.0),
    };
    let spec = graph.spec(param);
    let dims = spec.shape.known().unwrap();
    let n: usize = dims.iter().product();
    let uniform: Vec<f64> = (0..n)
        .map(|_| low + (high - low) * random.uniform())
        .collect();
    let values = match spec.dtype {
        DType::F64 => uniform,
        DType::Bool => uniform.iter().map(|u| f64::from(*u > 0.0)).collect(),
        _ => uniform.iter().map(|u| u.floor()).collect(),
    };
    Literal::new(dims, values).unwrap().convert(spec.dtype)
}

/// The sum of all float results, each element times a weight of its own.
pub fn weighted_sum(graph: &mut Graph, random: &mut Random) -> Value {
    let mut sum = None;
    for result in graph.results().to_vec() {
        let spec = graph.spec(result).clone();
        if !spec.dtype.is_float() {
            continue;
        }
        let dims = spec.shape.known().unwrap();
        let n = dims.iter().product();
        let weights: Vec<f64> = (0..n).map(|_| 0.5 + random.uniform()).collect();
        let weights = Literal::new(dims.clone(), weights).unwrap();
        let weights = graph.push(Op::Constant(weights.into()), &[]).unwrap();
        let all: Vec<usize> = (0..dims.len()).collect();
        let dims = DotDims {
            lhs_contracting: all.clone(),
            rhs_contracting: all,
            ..DotDims::default()
        };
        let part = graph
            .push(Op::DotGeneral(dims), &[result, weights])
            .unwrap();
        sum = Some(match sum {
            None => part,
            Some(sum) => graph
                .push(Op::Binary(refrain_graph::BinaryOp::Add), &[sum, part])
                .unwrap(),
        });
    }
    sum.expect("a float result")
}

/// The same graph with these results instead of its own.
fn with_results(graph: &Graph, results: &[Value]) -> Graph {
    let mut rewriter = refrain_graph::passes::Rewriter::new(graph);
    for node in graph.nodes() {
        rewriter.copy(node).unwrap();
    }
    let results = rewriter.values(results).unwrap();
    let mut graph = rewriter.into_graph();
    results.into_iter().for_each(|v| graph.result(v));
    graph
}

/// A program whose results are a scalar and its gradients with respect to the float parameters, with values for these.
pub struct Program {
    pub graph: Graph,
    pub inputs: Vec<Literal>,
    pub wrt: Vec<usize>,
}

impl Program {
    /// Differentiates the weighted sum of the results of a graph given as text. All parameters are inputs.
    pub fn of(text: &str, seed: u64) -> Program {
        let mut random = Random(seed);
        let mut graph: Graph = text.parse().unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert!(graph.params().all(|(_, kind, _)| kind == ParamKind::Input));
        let params = graph.params();
        let inputs = params
            .map(|(v, _, name)| values(&graph, v, name, &mut random))
            .collect();
        let output = weighted_sum(&mut graph, &mut random);
        Program::differentiate(graph, output, inputs)
    }

    /// Differentiates the weighted sum of the gradients: second order.
    pub fn again(self, seed: u64) -> Program {
        let mut random = Random(seed);
        let gradients = self.graph.results()[1..].to_vec();
        let mut graph = with_results(&self.graph, &gradients);
        let output = weighted_sum(&mut graph, &mut random);
        Program::differentiate(graph, output, self.inputs)
    }

    fn differentiate(mut graph: Graph, output: Value, inputs: Vec<Literal>) -> Program {
        let params: Vec<Value> = graph.params().map(|(v, ..)| v).collect();
        let is_float = |&i: &usize| graph.spec(params[i]).dtype.is_float();
        let wrt: Vec<usize> = (0..params.len()).filter(is_float).collect();
        let values: Vec<Value> = wrt.iter().map(|&i| params[i]).collect();
        let gradients = grad::gradients(&mut graph, output, &values).unwrap();
        verify::verify(&graph).unwrap_or_else(|e| panic!("{e}\n{graph}"));
        let graph = with_results(&graph, &[&[output], &gradients[..]].concat());
        Program { graph, inputs, wrt }
    }

    pub fn run(&self, inputs: &[Literal]) -> Vec<Literal> {
        let run = interp::evaluate(&self.graph, inputs, &[]);
        run.unwrap_or_else(|e| panic!("{e}\n{}", self.graph))
            .results
    }

    /// Compares all gradients with central differences.
    pub fn check(&self) {
        let found = self.run(&self.inputs);
        for (&i, found) in self.wrt.iter().zip(&found[1..]) {
            assert_eq!(found.dims(), self.inputs[i].dims());
            for (j, found) in found.to_f64().into_iter().enumerate() {
                let at = |step: f64| {
                    let mut inputs = self.inputs.clone();
                    inputs[i].values_mut::<f64>().unwrap()[j] += step;
                    self.run(&inputs)[0].to_f64()[0]
                };
                let expected = (at(STEP) - at(-STEP)) / (2.0 * STEP);
                let difference = (found - expected).abs();
                assert!(
                    difference <= TOLERANCE * expected.abs().max(1.0),
                    "input {i}, element {j}: gradient {found}, differences give {expected}\n{}",
                    self.graph
                );
            }
        }
    }
}

/// Checks the gradients of all float inputs of a graph.
pub fn check(text: &str) {
    Program::of(text, 1).check();
}

/// Checks the gradients and the gradients of the gradients.
pub fn check_twice(text: &str) {
    let first = Program::of(text, 1);
    first.check();
    first.again(2).check();
}

/// Checks `graph { inputs; %y = line; return %y }`, where inputs are `name : spec` pairs.
pub fn check_op(inputs: &[(&str, &str)], line: &str) {
    check(&op_text(inputs, line));
}

/// The text of a graph of one primitive.
pub fn op_text(inputs: &[(&str, &str)], line: &str) -> String {
    let params = inputs.iter().enumerate().map(|(i, (name, spec))| {
        let value = name.split(' ').next().unwrap();
        let range = name.strip_prefix(value).unwrap();
        format!("  %{value} = input \"p{i}{range}\" : {spec}\n")
    });
    let params: String = params.collect();
    format!("graph {{\n{params}  %result = {line}\n  return %result\n}}\n")
}
