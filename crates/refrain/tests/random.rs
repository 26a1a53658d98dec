//! Distributions of random numbers: their moments and limits, and that seeds repeat them.

use ndarray::{Array2, array};
use refrain::layers::{Build, Call, Layer};
use refrain::random::{self, SeedGenerator};
use refrain::{DType, Inputs, Model, Result, Tensor, input, ops};

const COUNT: usize = 20_000;

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.check().expect("numbers");
    tensor.value().expect("a constant").to_f64()
}

/// Whether mean and variance are what they should be, as far as chance allows: `fourth` is the fourth central moment in variances².
fn check(name: &str, tensor: &Tensor, mean: f64, variance: f64, fourth: f64) {
    let numbers = values(tensor);
    assert_eq!(numbers.len(), COUNT, "{name}");
    let count = COUNT as f64;
    let found = numbers.iter().sum::<f64>() / count;
    let spread = numbers.iter().map(|n| (n - found).powi(2)).sum::<f64>() / count;
    let (of_mean, of_variance) = (
        (variance / count).sqrt(),
        variance * ((fourth - 1.0) / count).sqrt(),
    );
    assert!(
        (found - mean).abs() <= 4.0 * of_mean,
        "{name}: mean {found}, not {mean}"
    );
    assert!(
        (spread - variance).abs() <= 4.0 * of_variance,
        "{name}: variance {spread}, not {variance}"
    );
}

fn within(name: &str, tensor: &Tensor, limits: std::ops::RangeInclusive<f64>) {
    let outside = values(tensor).into_iter().find(|n| !limits.contains(n));
    assert!(outside.is_none(), "{name}: {outside:?}");
}

#[test]
fn floats_have_their_moments_and_limits() {
    let shape = [COUNT];
    check(
        "normal",
        &random::normal(shape, 2.0, 3.0, DType::F32, 1),
        2.0,
        9.0,
        3.0,
    );
    let uniform = random::uniform(shape, -1.0, 3.0, DType::F32, 2);
    check("uniform", &uniform, 1.0, 16.0 / 12.0, 1.8);
    within("uniform", &uniform, -1.0..=3.0);
    let truncated = random::truncated_normal(shape, 1.0, 2.0, DType::F32, 3);
    check("truncated_normal", &truncated, 1.0, 4.0 * 0.773_741, 2.2);
    within("truncated_normal", &truncated, -3.0..=5.0);
    for alpha in [0.3, 1.0, 7.5] {
        let gamma = random::gamma(shape, alpha, DType::F32, 4);
        check("gamma", &gamma, alpha, alpha, 3.0 + 6.0 / alpha);
        within("gamma", &gamma, 0.0..=f64::MAX);
    }
    let (a, b) = (2.0, 5.0);
    let variance = a * b / ((a + b) * (a + b) * (a + b + 1.0));
    check(
        "beta",
        &random::beta(shape, a, b, DType::F32, 5),
        a / (a + b),
        variance,
        3.0,
    );
    // Of a gamma distribution such numbers are too small for `f32`.
    let small = 0.002;
    check(
        "beta",
        &random::beta(shape, small, small, DType::F32, 6),
        0.5,
        0.25 / (2.0 * small + 1.0),
        3.0 - 6.0 / (2.0 * small + 3.0),
    );
    assert_eq!(
        random::normal([2], 0.0, 1.0, DType::F16, 1).dtype(),
        DType::F16
    );
}

#[test]
fn counts_have_their_moments_and_limits() {
    let shape = [COUNT];
    for (n, p) in [(10, 0.3), (10, 0.9), (100, 0.5), (1000, 0.02), (1000, 0.97)] {
        let found = random::binomial(shape, n, p, DType::F32, 6);
        let (n, name) = (f64::from(n), format!("binomial {n} {p}"));
        let variance = n * p * (1.0 - p);
        check(
            &name,
            &found,
            n * p,
            variance,
            3.0 + (1.0 - 6.0 * p * (1.0 - p)) / variance,
        );
        within(&name, &found, 0.0..=n);
        assert!(values(&found).iter().all(|n| n.fract() == 0.0), "{name}");
    }
    assert!(
        values(&random::binomial([3], 5, 0.0, DType::F32, 6))
            .iter()
            .all(|&n| n == 0.0)
    );
    assert!(
        values(&random::binomial([3], 5, 1.0, DType::F32, 6))
            .iter()
            .all(|&n| n == 5.0)
    );
    let dice = random::randint(shape, -2, 4, DType::I32, 7);
    check("randint", &dice, 0.5, 35.0 / 12.0, 1.73);
    within("randint", &dice, -2.0..=3.0);
    let logits = ops::convert_to_tensor(&array![[0.0_f32, f32::NEG_INFINITY, 3_f32.ln()]]);
    let classes = random::categorical(&logits, COUNT, DType::I32, 8);
    check("categorical", &classes, 1.5, 0.75, 7.0 / 3.0);
    assert!(values(&classes).iter().all(|&class| class != 1.0));
}

#[test]
fn parameters_may_be_tensors() {
    let alpha = ops::convert_to_tensor(&array![1.0_f32, 100.0]);
    let found = values(&random::gamma([500, 2], &alpha, DType::F32, 9));
    let mean = |column: usize| found.iter().skip(column).step_by(2).sum::<f64>() / 500.0;
    assert!((mean(0) - 1.0).abs() < 0.2 && (mean(1) - 100.0).abs() < 2.0);
}

#[test]
fn elements_are_shuffled_and_dropped() {
    let x = ops::arange(0.0, 100.0, 1.0, DType::F32);
    let shuffled = values(&random::shuffle(&x, 0, 1));
    assert_ne!(shuffled, values(&x));
    let mut sorted = shuffled.clone();
    sorted.sort_by(f64::total_cmp);
    assert_eq!(sorted, values(&x));
    let ones = ops::ones([COUNT / 4, 4], DType::F32);
    check(
        "dropout",
        &random::dropout(&ones, 0.25, None, 2),
        1.0,
        1.0 / 3.0,
        7.0 / 3.0,
    );
    let rows = values(&random::dropout(&ones, 0.5, Some(&[None, Some(1)]), 2));
    assert!(rows.chunks(4).all(|row| row.iter().all(|n| *n == row[0])));
}

#[test]
fn seeds_repeat_numbers_and_generators_do_not() {
    let draw = |seed: u64| values(&random::normal([8], 0.0, 1.0, DType::F32, seed));
    assert_eq!(draw(3), draw(3));
    assert_ne!(draw(3), draw(4));
    let draws = |generator: &SeedGenerator| {
        [(); 2].map(|()| values(&random::normal([8], 0.0, 1.0, DType::F32, generator)))
    };
    let [first, second] = draws(&SeedGenerator::new(Some(5)));
    assert_ne!(first, second);
    assert_eq!(draws(&SeedGenerator::new(Some(5))), [first, second]);
}

/// Adds numbers that differ from step to step.
#[derive(Clone)]
struct Noise;

impl Layer for Noise {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "Noise"
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        cx.add_seed(Some(1));
        Ok(())
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = inputs.one()?;
        let noise = random::gamma(x.shape(), x.abs() + 1, DType::F32, cx);
        (x + noise + random::shuffle(x, 1, cx)).checked()
    }
}

#[test]
fn layers_draw_in_their_calls() -> Result<()> {
    let x = input([6]);
    let model = Model::new(&x, &Noise.into_layer().call(&x)?)?;
    let data = Array2::<f32>::ones((3, 6));
    let draw = || model.predict(&data).run()?.into_array();
    let (first, second) = (draw()?, draw()?);
    assert!(first.iter().all(|y| *y >= 2.0));
    assert_ne!(first, second);
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused() {
    let logits = ops::ones([3], DType::F32);
    assert!(
        random::normal([2], 0.0, 1.0, DType::I32, 1)
            .check()
            .is_err()
    );
    assert!(random::randint([2], 3, 3, DType::I32, 1).check().is_err());
    assert!(random::randint([2], 0, 3, DType::F32, 1).check().is_err());
    assert!(
        random::categorical(&logits, 2, DType::I32, 1)
            .check()
            .is_err()
    );
    assert!(random::shuffle(&logits, 1, 1).check().is_err());
    assert!(random::dropout(&logits, 1.0, None, 1).check().is_err());
    assert!(
        random::normal(vec![None, Some(2)], 0.0, 1.0, DType::F32, 1)
            .check()
            .is_err()
    );
    assert!(
        random::gamma([2], &input([2]), DType::F32, 1)
            .check()
            .is_err()
    );
}
