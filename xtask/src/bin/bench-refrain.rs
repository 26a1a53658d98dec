//! refrain's side of the benchmark: measures one model in this process.

use std::error::Error;
use std::time::Instant;

use refrain::Model;
use xtask::measured::Measured;
use xtask::memory;
use xtask::models::{self, Case, Samples};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// Repeats of each measurement; the best counts, since other work on the machine only adds.
const REPEATS: usize = 3;
/// Calls with one sample in a repeat: as many as take so many seconds, within bounds. The same in every program.
const ONE_SAMPLE_SECONDS: f64 = 0.5;
const ONE_SAMPLE_CALLS: (usize, usize) = (10, 200);
/// Least steps of a repeat.
const LEAST_STEPS: usize = 4;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, rest) = arguments.split_first().ok_or("no model")?;
    let quick = rest.iter().any(|word| word == "quick");
    println!("{}", measure(&models::case(name)?, quick)?.json());
    Ok(())
}

fn measure(case: &Case, quick: bool) -> Result<Measured> {
    refrain::initializers::set_random_seed(1);
    let steps = match quick {
        true => case.steps * 3 / 10,
        false => case.steps,
    };
    let (steps, batch) = (steps.max(LEAST_STEPS), case.size.batch);
    let samples = case.samples(batch * steps);
    let warm_up = || samples.first(2 * batch);
    memory::forget_peak()?;
    let model = case.build()?;
    let first_loss = fit(&model, &warm_up(), batch)?;
    let mut last_loss = f64::NAN;
    let train = best(steps, || {
        last_loss = fit(&model, &samples, batch)?;
        Ok(())
    })?;
    let peak = memory::peak()?;
    predict(&model, &warm_up(), batch)?;
    let predicting = best(steps, || predict(&model, &samples, batch))?;
    let sample = samples.first(1);
    model.predict_on_batch(sample.inputs())?;
    let start = Instant::now();
    model.predict_on_batch(sample.inputs())?;
    let calls = one_sample_calls(start.elapsed().as_secs_f64());
    let one = best(calls, || {
        for _ in 0..calls {
            model.predict_on_batch(sample.inputs())?;
        }
        Ok(())
    })?;
    Ok(Measured {
        train,
        predict: predicting,
        one,
        memory: peak as f64,
        params: trainable(&model),
        losses: (first_loss, last_loss),
        flops: Some(flops(&model, &warm_up(), batch)?),
        version: format!("refrain {}", env!("CARGO_PKG_VERSION")),
    })
}

fn one_sample_calls(seconds: f64) -> usize {
    let (least, most) = ONE_SAMPLE_CALLS;
    ((ONE_SAMPLE_SECONDS / seconds) as usize).clamp(least, most)
}

/// The loss that an epoch shows.
fn fit(model: &Model, samples: &Samples, batch: usize) -> refrain::Result<f64> {
    let fitting = model.fit(samples.inputs(), samples.labels());
    fitting.batch_size(batch).shuffle(false).run()?.last("loss")
}

fn predict(model: &Model, samples: &Samples, batch: usize) -> refrain::Result<()> {
    let predicting = model.predict(samples.inputs()).batch_size(batch);
    predicting.run().map(|_| ())
}

fn trainable(model: &Model) -> u64 {
    let weights = model.trainable_weights();
    weights.iter().map(|w| w.numel() as u64).sum()
}

fn flops(model: &Model, samples: &Samples, batch: usize) -> refrain::Result<(f64, f64)> {
    let fitting = model.fit(samples.inputs(), samples.labels());
    let train = fitting.batch_size(batch).plan()?.flops;
    let predicting = model.predict(samples.inputs()).batch_size(batch);
    Ok((train as f64, predicting.plan()?.flops as f64))
}

/// Milliseconds for one of `count` in the best repeat.
fn best(count: usize, mut run: impl FnMut() -> refrain::Result<()>) -> refrain::Result<f64> {
    let mut shortest = f64::INFINITY;
    for _ in 0..REPEATS {
        let start = Instant::now();
        run()?;
        shortest = shortest.min(start.elapsed().as_secs_f64() * 1e3 / count as f64);
    }
    Ok(shortest)
}
