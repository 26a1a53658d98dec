//! Six steps of every optimizer and option against Keras, and schedules by their formulas.

use refrain_graph::{DType, Literal, Spec};
use serde_json::Value as Json;

use super::{
    CosineDecay, CosineDecayRestarts, ExponentialDecay, InverseTimeDecay, Optimizer,
    OptimizerState, PiecewiseConstantDecay, PolynomialDecay, Schedule,
};
use crate::data::golden::{Golden, assert_close};
use crate::error::Result;
use crate::trace::Trace;
use crate::training::Program;
use crate::variable::Variable;

/// Row `i` of a literal of f32.
fn row(all: &Literal, i: usize) -> Literal {
    let dims = all.dims()[1..].to_vec();
    let n: usize = dims.iter().product();
    let values = all.values::<f32>().expect("f32")[i * n..(i + 1) * n].to_vec();
    Literal::new(dims, values).expect("a row")
}

fn keys(case: &Json, field: &str) -> Vec<Json> {
    case[field].as_array().cloned().unwrap_or_default()
}

fn check(golden: &mut Golden, case: &Json) -> Result<()> {
    let name = case["name"].as_str().unwrap_or_default();
    let mut optimizer = Optimizer::from_config(case)?;
    let excluded = keys(case, "exclude_from_weight_decay");
    let excluded = excluded.iter().filter_map(Json::as_str).map(str::to_owned);
    optimizer.exclude_from_weight_decay(excluded)?;
    optimizer.validate()?;
    let names = keys(case, "variables");
    let mut weights = Vec::new();
    for (name, key) in names.iter().zip(keys(case, "initial")) {
        let name = name.as_str().expect("a name");
        weights.push(Variable::new(
            name,
            name.to_owned(),
            golden.array(&key),
            true,
        ));
    }
    let grads: Vec<Literal> = keys(case, "grads")
        .iter()
        .map(|k| golden.array(k))
        .collect();
    let after: Vec<Literal> = keys(case, "after")
        .iter()
        .map(|k| golden.array(k))
        .collect();

    let mut state = OptimizerState::new(&optimizer);
    state.build(&weights)?;
    let trace = Trace::new(true);
    let inputs = weights
        .iter()
        .map(|w| trace.input(w.name(), w.spec().clone()));
    let inputs: Vec<_> = inputs.collect();
    optimizer.apply(&trace, &state, &weights, &inputs)?;
    let program = Program::new(trace.finish())?;
    let mut buffers = program.buffers()?;
    for step in 0..grads[0].dims()[0] {
        buffers.inputs = grads.iter().map(|g| row(g, step)).collect();
        program.run(&mut buffers)?;
        for (weight, after) in weights.iter().zip(&after) {
            let what = format!("{name}: `{}` after step {step}", weight.name());
            assert_close(&what, &weight.value()?, &row(after, step), 1e-5);
        }
    }
    let variables = state.variables();
    let expected = keys(case, "optimizer_variables");
    let names: Vec<&str> = variables.iter().map(Variable::name).collect();
    let expected_names: Vec<&str> = expected.iter().filter_map(|v| v["name"].as_str()).collect();
    assert_eq!(names.len(), expected_names.len(), "{name}");
    for (own, keras) in names.iter().zip(expected_names) {
        // Keras names what it names by itself `variable`, and Adafactor's means as their weights.
        let weights = keys(case, "variables");
        let is_named_as_weight = case["class_name"] == "Adafactor"
            && weights.contains(&keras.into())
            && [format!("{keras}_rows"), format!("{keras}_columns")].contains(&own.to_string());
        assert!(
            *own == keras || keras == "variable" || is_named_as_weight,
            "{name}: {own}, {keras}"
        );
    }
    for (variable, expected) in variables.iter().zip(&expected) {
        let what = format!("{name}: {}", variable.path());
        assert_close(
            &what,
            &variable.value()?,
            &golden.array(&expected["array"]),
            1e-5,
        );
    }
    state.finalize()?;
    for (weight, key) in weights.iter().zip(keys(case, "finalized")) {
        assert_close(
            &format!("{name}: finalized"),
            &weight.value()?,
            &golden.array(&key),
            1e-5,
        );
    }
    Ok(())
}

#[test]
fn optimizers_step_as_those_of_keras() {
    let mut golden = Golden::open("optimizers");
    let cases = golden.cases.as_array().cloned().unwrap_or_default();
    assert!(cases.len() > 40, "{} cases", cases.len());
    for case in &cases {
        check(&mut golden, case).unwrap_or_else(|e| panic!("{}: {e}", case["name"]));
    }
}

/// The rate of a schedule after some steps.
fn rate(schedule: impl Into<Schedule>, step: i32) -> Result<f64> {
    let schedule = schedule.into();
    schedule.validate()?;
    let trace = Trace::new(true);
    let input = trace.input("step", Spec::scalar(DType::I32));
    let value = schedule.rate(&input)?.expect_traced()?.value;
    trace.with_graph(|g| g.result(value));
    let program = Program::new(trace.finish())?;
    let mut buffers = program.buffers()?;
    buffers.inputs = vec![Literal::scalar(step)];
    program.run_shared(&mut buffers)?;
    Ok(buffers.outputs()?[0].to_f64()[0])
}

#[track_caller]
fn assert_rate(schedule: impl Into<Schedule>, step: i32, expected: f64) {
    let got = rate(schedule, step).expect("a rate");
    assert!(
        (got - expected).abs() < 1e-6,
        "step {step}: {got}, expected {expected}"
    );
}

#[test]
fn schedules_follow_their_formulas() {
    let exponential = ExponentialDecay::new(0.1, 10.0, 0.5);
    assert_rate(exponential.clone(), 0, 0.1);
    assert_rate(exponential.clone(), 5, 0.1 * 0.5f64.sqrt());
    assert_rate(exponential.staircase(true), 15, 0.05);
    assert_rate(InverseTimeDecay::new(0.1, 10.0, 2.0), 5, 0.05);
    let cosine = CosineDecay::new(0.1, 10.0).alpha(0.1);
    assert_rate(cosine.clone(), 5, 0.055);
    assert_rate(cosine.clone(), 99, 0.01);
    let warmed = CosineDecay::new(0.0, 10.0)
        .warmup_target(Some(0.2))
        .warmup_steps(4.0);
    assert_rate(warmed.clone(), 1, 0.05);
    assert_rate(warmed.clone(), 4, 0.2);
    assert_rate(warmed, 9, 0.1);
    // Values of Keras; 10, 30 and 70 begin a period.
    let restarts = CosineDecayRestarts::new(0.1, 10.0);
    for (step, expected) in [
        (3, 0.0793893),
        (10, 0.1),
        (29, 0.0006156),
        (30, 0.1),
        (70, 0.1),
    ] {
        assert_rate(restarts.clone(), step, expected);
    }
    let even = restarts.clone().t_mul(1.0).m_mul(0.5).alpha(0.1);
    assert_rate(even.clone(), 12, 0.0507029);
    assert_rate(even, 70, 0.0107031);
    assert_rate(restarts.t_mul(1.5).m_mul(0.8), 31, 0.0534122);
    let steps = PiecewiseConstantDecay::new(vec![2.0, 5.0], vec![1.0, 0.5, 0.25]);
    for (step, expected) in [(0, 1.0), (2, 1.0), (3, 0.5), (5, 0.5), (6, 0.25)] {
        assert_rate(steps.clone(), step, expected);
    }
    let polynomial = PolynomialDecay::new(0.1, 10.0)
        .end_learning_rate(0.02)
        .power(2.0);
    assert_rate(polynomial.clone(), 5, 0.08 * 0.25 + 0.02);
    assert_rate(polynomial.clone(), 50, 0.02);
    assert_rate(polynomial.cycle(true), 15, 0.08 * 0.0625 + 0.02);
}

#[test]
fn schedules_without_sense_are_refused() {
    assert!(rate(ExponentialDecay::new(0.1, 0.0, 0.5), 0).is_err());
    assert!(rate(PiecewiseConstantDecay::new(vec![1.0], vec![1.0]), 0).is_err());
}

#[test]
fn configurations_are_read_as_they_are_written() -> Result<()> {
    let adam: Optimizer = super::AdamW::new(CosineDecay::new(0.1, 7.0))
        .clipnorm(2.0)
        .into();
    assert_eq!(Optimizer::from_config(&adam.to_config())?, adam);
    Ok(())
}

#[test]
fn every_name_is_that_of_an_optimizer() -> Result<()> {
    for name in Optimizer::names() {
        let read = Optimizer::from_config(&name.to_lowercase().into())?;
        assert_eq!(read.class_name(), name);
    }
    Ok(())
}

#[test]
fn rates_of_decay_that_make_no_moments_are_refused() {
    let refused: [(Optimizer, &str); 9] = [
        (super::Adam::default().beta_1(1.0).into(), "beta_1"),
        (super::AdamW::default().beta_2(1.0).into(), "beta_2"),
        (super::Adamax::default().beta_1(-0.1).into(), "beta_1"),
        (super::Nadam::default().beta_2(1.5).into(), "beta_2"),
        (super::Lamb::default().beta_1(f64::NAN).into(), "beta_1"),
        (super::Lion::default().beta_2(1.5).into(), "beta_2"),
        (
            super::Muon::default().adam_beta_2(1.0).into(),
            "adam_beta_2",
        ),
        (super::RmsProp::default().rho(1.5).into(), "rho"),
        (
            super::ScheduleFreeAdamW::default().beta_2(1.0).into(),
            "beta_2",
        ),
    ];
    for (optimizer, option) in refused {
        let error = optimizer.validate().expect_err(option).to_string();
        assert!(error.contains(option), "{error}");
    }
    assert!(
        Optimizer::from(super::Adam::default().beta_1(0.0))
            .validate()
            .is_ok()
    );
    assert!(
        Optimizer::from(super::Lion::default().beta_1(1.0))
            .validate()
            .is_ok()
    );
}

#[test]
fn two_ways_of_clipping_are_refused() {
    let both: Optimizer = super::Sgd::new(0.1).clipnorm(1.0).clipvalue(1.0).into();
    assert!(both.validate().is_err());
}
