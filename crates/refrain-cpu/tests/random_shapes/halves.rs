//! The same programs with floats of 16 bits.
//!
//! Elementwise operations must give the interpreter's bits where `f32` is exact enough, else its numbers within one unit in the
//! last place. What adds up may, besides, round at other places: the bound is some units of the largest number of a result.

use super::common::models::Made;
use super::common::{literals, oracle, retyped::retyped, run};
use super::{Family, Maker};
use refrain_cpu::{CompileOptions, SimdLevel};
use refrain_graph::{
    BinaryOp, Comparison, DType, Graph, Literal, Op, ParamKind, UnaryOp, Value, bf16, f16,
};

pub const HALVES: [DType; 2] = [DType::BF16, DType::F16];

/// The distance from 1 to the next larger number.
fn unit(dtype: DType) -> f64 {
    match dtype {
        DType::F16 => f16::EPSILON.to_f64(),
        DType::BF16 => bf16::EPSILON.to_f64(),
        _ => f64::from(f32::EPSILON),
    }
}

/// The ways to compile that count: as it is, and optimised at each level.
fn ways() -> Vec<CompileOptions> {
    let native = CompileOptions::default();
    let unfused = CompileOptions {
        fuse: false,
        optimize: false,
        ..native.clone()
    };
    let levels = SimdLevel::ALL.into_iter().filter(|l| l.is_available());
    let at_level = levels.map(|level| CompileOptions {
        simd: Some(level),
        ..native.clone()
    });
    std::iter::once(unfused).chain(at_level).collect()
}

/// Runs a program every way and shows each of its results and new variables, with the expected one, to `same`.
fn compare(graph: &Graph, seed: u64, same: impl Fn(&Literal, &Literal) -> Result<(), String>) {
    let mut rng = refrain_graph::philox::Philox::new(seed);
    let inputs = literals(&mut rng, graph, ParamKind::Input);
    let variables = literals(&mut rng, graph, ParamKind::Variable);
    let want = oracle(graph, &inputs, &variables);
    for options in ways() {
        let got = run(graph, &options, &inputs, &variables);
        let all = got.outputs.iter().chain(&got.variables);
        for (got, want) in all.zip(want.outputs.iter().chain(&want.variables)) {
            if let Err(what) = same(got, want) {
                panic!("seed {seed}, {options:?}: {what}\n{graph}");
            }
        }
    }
}

/// Within so many units of the largest finite number of the result.
fn within(units: f64) -> impl Fn(&Literal, &Literal) -> Result<(), String> {
    move |got, want| {
        if got.spec() != want.spec() {
            return Err(format!("{} instead of {}", got.spec(), want.spec()));
        }
        let (got, expected) = (got.to_f64(), want.to_f64());
        let finite = expected.iter().filter(|x| x.is_finite());
        let scale = finite.fold(0.0, |most: f64, x| most.max(x.abs()));
        let bound = match want.dtype().is_float() {
            true => units * unit(want.dtype()) * scale.max(unit(want.dtype())),
            false => 0.0,
        };
        for (i, (g, w)) in got.into_iter().zip(expected).enumerate() {
            let same = g == w || (g.is_nan() && w.is_nan()) || (g - w).abs() <= bound;
            if !same {
                return Err(format!("element {i} is {g}, expected {w} ± {bound}"));
            }
        }
        Ok(())
    }
}

impl Family {
    /// Compares the programs of `f32` among a family's, with 16 bits in its place.
    pub fn check_halves(&self, units: f64) {
        let mut compared = 0;
        for seed in super::common::seeds(0..self.programs) {
            let dtype = HALVES[seed as usize % HALVES.len()];
            let graph = retyped(&self.graph(seed), dtype);
            // A few of other types have conversions that would now convert nothing.
            let Ok(graph) = graph else { continue };
            compare(&graph, seed, within(units));
            compared += 1;
        }
        assert!(compared > 0, "no program was compared");
    }
}

/// How far two numbers of a type are apart, in numbers of that type between them.
fn steps(got: f64, want: f64, dtype: DType) -> i64 {
    let place = |x: f64| {
        let bits = match dtype {
            DType::F16 => f16::from_f64(x).to_bits(),
            _ => bf16::from_f64(x).to_bits(),
        };
        let size = i64::from(bits & 0x7fff);
        if bits & 0x8000 != 0 { -size } else { size }
    };
    (place(got) - place(want)).abs()
}

/// Numbers of every size: all bits are drawn.
fn any_number(maker: &mut Maker, dtype: DType) -> f64 {
    let bits = maker.below(1 << 16) as u16;
    match dtype {
        DType::F16 => f16::from_bits(bits).to_f64(),
        _ => bf16::from_bits(bits).to_f64(),
    }
}

/// Runs one operation on random numbers of all sizes and on others near 1.
fn each_size(op: Op, dtype: DType, operands: usize, most: i64) {
    const NUMBERS: usize = 4099;
    let name = op.name();
    let mut maker = Maker::new(operands as u64);
    let of_all_sizes = |maker: &mut Maker, i: usize| match i % 2 {
        0 => any_number(maker, dtype),
        _ => (maker.rng.uniform() as f64 - 0.5) * 8.0,
    };
    let params = (0..operands).map(|_| maker.param(&[NUMBERS], dtype));
    let params: Vec<Value> = params.collect();
    let made = maker.b.g.push(op, &params);
    let result = made.unwrap_or_else(|e| panic!("{name}: {e}"));
    maker.b.g.result(result);
    let graph = maker.b.g.clone();
    let mut literal = |_| {
        let numbers: Vec<f64> = (0..NUMBERS).map(|i| of_all_sizes(&mut maker, i)).collect();
        let literal = Literal::new([NUMBERS], numbers).expect("as many as it says");
        literal.convert(dtype)
    };
    let inputs: Vec<Literal> = graph
        .params_of(ParamKind::Input)
        .map(&mut literal)
        .collect();
    let variables: Vec<Literal> = graph
        .params_of(ParamKind::Variable)
        .map(&mut literal)
        .collect();
    let want = oracle(&graph, &inputs, &variables).outputs[0].to_f64();
    for options in ways() {
        let got = run(&graph, &options, &inputs, &variables).outputs[0].to_f64();
        for (i, (&g, &w)) in got.iter().zip(&want).enumerate() {
            let same = (g.is_nan() && w.is_nan()) || steps(g, w, dtype) <= most;
            let from: Vec<f64> = (inputs.iter().chain(&variables))
                .map(|l| l.to_f64()[i])
                .collect();
            assert!(same, "{options:?}: {name} of {from:?} is {g}, expected {w}");
        }
    }
}

#[test]
fn arithmetic_has_the_interpreters_bits() {
    use BinaryOp::{Add, Divide, Maximum, Minimum, Multiply, Subtract};
    for dtype in HALVES {
        for op in [Add, Subtract, Multiply, Divide, Maximum, Minimum] {
            each_size(Op::Binary(op), dtype, 2, 0);
        }
        for op in [
            UnaryOp::Sqrt,
            UnaryOp::Abs,
            UnaryOp::Negate,
            UnaryOp::Sign,
            UnaryOp::Floor,
            UnaryOp::Ceil,
            UnaryOp::RoundNearestEven,
        ] {
            each_size(Op::Unary(op), dtype, 1, 0);
        }
    }
}

#[test]
fn comparisons_and_conversions_are_exact() {
    for dtype in HALVES {
        for op in Comparison::ALL {
            each_size(Op::Compare(*op), dtype, 2, 0);
        }
        for to in [DType::F32, DType::F64, DType::Bool, DType::I32, DType::U8] {
            each_size(Op::Convert(to), dtype, 1, 0);
        }
        each_size(Op::Unary(UnaryOp::IsFinite), dtype, 1, 0);
    }
    for from in [DType::F32, DType::F64, DType::I32, DType::I64, DType::U32] {
        for to in HALVES {
            let mut maker = Maker::new(1);
            let x = maker.param(&[1000], from);
            let y = maker.b.g.push(Op::Convert(to), &[x]);
            let y = y.unwrap_or_else(|e| panic!("{e}"));
            maker.b.g.result(y);
            compare(&maker.b.g, 1, within(0.0));
        }
    }
}

#[test]
fn functions_are_within_a_unit_in_the_last_place() {
    for dtype in HALVES {
        for &op in UnaryOp::ALL {
            let other = [UnaryOp::Not, UnaryOp::IsFinite];
            if !other.contains(&op) {
                each_size(Op::Unary(op), dtype, 1, 1);
            }
        }
        for op in [BinaryOp::Power, BinaryOp::Remainder, BinaryOp::Atan2] {
            each_size(Op::Binary(op), dtype, 2, 1);
        }
    }
}

/// Chains of arithmetic, in which every rounding counts: none may be simplified away.
fn chain(maker: &mut Maker, dtype: DType) -> Made<()> {
    use BinaryOp::{Add, Divide, Maximum, Minimum, Multiply, Subtract};
    const LENGTH: usize = 24;
    let dims = maker.dims(2, 600);
    let mut values: Vec<Value> = (0..3).map(|_| maker.param(&dims, dtype)).collect();
    let vector = maker.param(&dims[1..], dtype);
    values.push(maker.b.along(vector, 1, values[0])?);
    values.push(maker.b.number(0.75, values[0])?);
    values.push(maker.b.number(-1.0, values[0])?);
    for i in 0..LENGTH {
        let [x, y] = [0; 2].map(|_| maker.pick(&values));
        let made = match maker.below(9) {
            0 => maker.b.unary(UnaryOp::Negate, x)?,
            1 => {
                let size = maker.b.unary(UnaryOp::Abs, x)?;
                maker.b.unary(UnaryOp::Sqrt, size)?
            }
            2 => {
                let larger = maker.b.g.push(Op::Compare(Comparison::Gt), &[x, y])?;
                maker.b.g.push(Op::Select, &[larger, y, x])?
            }
            _ => {
                let op = maker.pick(&[Add, Subtract, Multiply, Divide, Maximum, Minimum]);
                maker.b.binary(op, x, y)?
            }
        };
        values.push(made);
        if i % 8 == 7 {
            maker.b.g.result(made);
        }
    }
    Ok(())
}

#[test]
fn every_operation_of_a_chain_rounds() {
    const PROGRAMS: u64 = 150;
    for seed in super::common::seeds(0..PROGRAMS) {
        let mut maker = Maker::new(seed);
        let made = chain(&mut maker, HALVES[seed as usize % HALVES.len()]);
        made.unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        compare(&maker.b.g, seed, within(0.0));
    }
}
