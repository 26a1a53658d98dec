//! What the programs of all libraries have in common: the plans of the models, their data, and what is measured and printed.

use std::fs;
use std::time::Instant;

/// Repeats of each measurement; the best counts, since other work on the machine only adds.
const REPEATS: usize = 3;
/// Calls with one sample in a repeat: as many as take so many seconds, within bounds. The same in every program.
const ONE_SAMPLE_SECONDS: f64 = 0.5;
const ONE_SAMPLE_CALLS: (usize, usize) = (10, 200);
/// Least steps of a repeat.
const LEAST_STEPS: usize = 2;
/// Seconds of steps in a repeat, so that a slow program does not hold up a round.
const REPEAT_SECONDS: f64 = 4.0;

/// A model with what is measured on it.
#[derive(Clone, Copy)]
pub struct Plan {
    /// What it is called.
    pub name: &'static str,
    /// Samples of a batch.
    pub batch: usize,
    /// Train steps in a repeat.
    pub steps: usize,
    /// Numbers of a sample, for each input; for the model of words none.
    pub inputs: &'static [usize],
    /// Words of a sample.
    pub words: usize,
    /// Labels of a sample.
    pub labels: usize,
    /// Classes of a label.
    pub classes: usize,
}

/// How many different words there are.
pub const WORDS: usize = 1000;

const fn plan(
    name: &'static str,
    (batch, steps): (usize, usize),
    inputs: &'static [usize],
    words: usize,
    (labels, classes): (usize, usize),
) -> Plan {
    Plan {
        name,
        batch,
        steps,
        inputs,
        words,
        labels,
        classes,
    }
}

/// The benchmark's models.
pub const PLANS: [Plan; 8] = [
    plan("shared_dense", (32, 2000), &[10, 10], 0, (1, 2)),
    plan("siamese", (32, 40), &[28 * 28, 28 * 28], 0, (1, 2)),
    plan("shared_lstm", (32, 300), &[10 * 20, 8 * 20], 0, (8, 20)),
    plan("mlp", (128, 100), &[784], 0, (1, 10)),
    plan("resnet", (64, 15), &[3 * 32 * 32], 0, (1, 10)),
    plan("transformer", (16, 12), &[], 128, (1, 10)),
    plan("lstm", (32, 12), &[100 * 64], 0, (1, 10)),
    plan("mobilenet", (32, 25), &[3 * 64 * 64], 0, (1, 10)),
];

/// Samples as plain numbers.
pub struct Samples {
    /// How many.
    pub count: usize,
    /// Each input, sample by sample.
    pub inputs: Vec<Vec<f32>>,
    /// Words, sample by sample.
    pub words: Vec<u32>,
    /// Labels, sample by sample.
    pub labels: Vec<u32>,
}

/// Numbers from a fixed sequence.
struct Numbers(u64);

impl Numbers {
    fn uniform(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f32 {
        // The sum of twelve uniform numbers has variance 1.
        (0..12).map(|_| self.uniform()).sum::<f64>() as f32 - 6.0
    }

    fn class(&mut self, classes: usize) -> u32 {
        (self.uniform() * classes as f64) as u32
    }

    fn samples(&mut self, plan: &Plan, count: usize) -> Samples {
        let inputs = plan.inputs.iter();
        let inputs = inputs.map(|n| (0..n * count).map(|_| self.normal()).collect());
        Samples {
            inputs: inputs.collect(),
            words: (0..plan.words * count).map(|_| self.class(WORDS)).collect(),
            labels: (0..plan.labels * count)
                .map(|_| self.class(plan.classes))
                .collect(),
            count,
        }
    }
}

/// A model in a library, with its optimizer.
pub trait Peer {
    /// Samples as the library has them.
    type Batch;
    /// Makes them; outside of all that is timed, in the library's favour.
    fn batch(&self, samples: &Samples) -> Self::Batch;
    /// A step with Adam; returns the loss.
    fn train(&mut self, batch: &Self::Batch) -> f32;
    /// Probabilities.
    fn predict(&mut self, batch: &Self::Batch) -> Vec<f32>;
    /// Numbers that training changes.
    fn params(&self) -> usize;
}

/// The plan that the command line names, and whether it wants fewer steps.
pub fn arguments() -> (Plan, bool) {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let plan = words
        .first()
        .and_then(|name| PLANS.iter().find(|plan| plan.name == name.as_str()));
    match plan {
        Some(plan) => (*plan, words.iter().any(|word| word == "quick")),
        None => {
            eprintln!(
                "usage: PROGRAM MODEL [quick]; a model is one of {:?}",
                PLANS.map(|plan| plan.name)
            );
            std::process::exit(2);
        }
    }
}

/// Measures, and prints a line of JSON.
pub fn measure<P: Peer>((plan, quick): (Plan, bool), version: &str, build: impl FnOnce() -> P) {
    let mut steps = if quick {
        plan.steps * 3 / 10
    } else {
        plan.steps
    };
    let mut numbers = Numbers(1);
    let batches: Vec<Samples> = (0..steps)
        .map(|_| numbers.samples(&plan, plan.batch))
        .collect();
    let one = numbers.samples(&plan, 1);
    forget_memory_peak();
    let mut peer = build();
    let batches: Vec<P::Batch> = batches
        .into_iter()
        .map(|samples| peer.batch(&samples))
        .collect();
    let first_loss = peer.train(&batches[0]);
    let start = Instant::now();
    let mut loss = peer.train(&batches[1]);
    let affordable = REPEAT_SECONDS / start.elapsed().as_secs_f64();
    steps = steps.min(affordable as usize).max(LEAST_STEPS);
    let batches = &batches[..steps];
    let train = best(steps, || {
        let losses: f32 = batches.iter().map(|batch| peer.train(batch)).sum();
        loss = losses / steps as f32;
    });
    let memory = memory_peak();
    peer.predict(&batches[0]);
    let predict = best(steps, || {
        batches.iter().for_each(|batch| drop(peer.predict(batch)))
    });
    let one = peer.batch(&one);
    check(&plan, &peer.predict(&one));
    let start = Instant::now();
    drop(peer.predict(&one));
    let calls = one_sample_calls(start.elapsed().as_secs_f64());
    let one = best(calls, || (0..calls).for_each(|_| drop(peer.predict(&one))));
    let line = serde_json::json!({
        "model": plan.name, "train_ms": train, "predict_ms": predict, "one_ms": one, "memory": memory,
        "params": peer.params(), "losses": [first_loss, loss], "version": version,
    });
    println!("{line}");
}

fn one_sample_calls(seconds: f64) -> usize {
    let (least, most) = ONE_SAMPLE_CALLS;
    ((ONE_SAMPLE_SECONDS / seconds) as usize).clamp(least, most)
}

/// Probabilities of one sample must be as many as there are, and sum up to 1 for each label.
fn check(plan: &Plan, probabilities: &[f32]) {
    /// What sums of single-precision numbers may be off.
    const TOLERANCE: f32 = 1e-3;
    let (count, total) = match plan.classes {
        2 => (plan.labels, None),
        classes => (plan.labels * classes, Some(plan.labels as f32)),
    };
    assert_eq!(probabilities.len(), count, "probabilities of a sample");
    let sum: f32 = probabilities.iter().sum();
    assert!(
        total.is_none_or(|total| (sum - total).abs() < TOLERANCE),
        "probabilities sum up to {sum}"
    );
}

/// Milliseconds for one of `count` in the best repeat.
fn best(count: usize, mut run: impl FnMut()) -> f64 {
    let repeat = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64() * 1e3 / count as f64
    };
    (0..REPEATS).map(repeat).fold(f64::INFINITY, f64::min)
}

fn forget_memory_peak() {
    fs::write("/proc/self/clear_refs", "5").expect("Linux lets a process forget its peak");
}

/// Most bytes of this process since then.
fn memory_peak() -> u64 {
    const KIB: u64 = 1024;
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells of a process");
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    number.expect("a number of kB") * KIB
}
