//! The benchmark: eight models, trained and run by refrain and by Keras on its backends in the same run, and files of models.

mod files;
mod models;
mod peers;

use std::error::Error;
use std::time::Instant;

use models::{Case, Samples};
use refrain::Model;

/// Repeats of each measurement; the best counts, since other work on the machine only adds.
const REPEATS: usize = 3;
/// Calls with one sample in a repeat.
const ONE_SAMPLE_CALLS: usize = 200;

/// What `--models` calls the measurements of files.
const FILES: &str = "files";

/// Milliseconds of a model under one program.
#[derive(Clone, Debug)]
pub struct Timing {
    program: String,
    model: String,
    train: f64,
    predict: f64,
    one: f64,
}

impl Timing {
    /// Itself, with a line of progress, which is what a run that is cut short leaves.
    fn shown(self) -> Self {
        eprintln!(
            "{} on {}: train {:.4} ms, predict {:.4} ms, one sample {:.4} ms",
            self.model, self.program, self.train, self.predict, self.one
        );
        self
    }
}

/// What the command line asks for.
struct Plan {
    models: Vec<String>,
    /// Whether files are measured too.
    files: bool,
    backends: Vec<String>,
    quick: bool,
}

impl Plan {
    fn parse(arguments: &[String]) -> Result<Self, Box<dyn Error>> {
        let list = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        let mut plan = Plan {
            models: models::CASES.iter().map(|c| c.name.to_owned()).collect(),
            files: true,
            backends: list("jax,tensorflow,torch"),
            quick: false,
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--models" => {
                    plan.models = list(value()?);
                    plan.files = plan.models.iter().any(|name| name == FILES);
                    plan.models.retain(|name| name != FILES);
                }
                "--backends" => plan.backends = list(value()?),
                "--no-peers" => plan.backends.clear(),
                "--quick" => plan.quick = true,
                other => return Err(format!("unknown option {other}").into()),
            }
        }
        Ok(plan)
    }
}

/// Times everything and prints the tables.
pub fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    if let [option, path] = arguments
        && option == files::OPEN
    {
        return files::open(path);
    }
    let plan = Plan::parse(arguments)?;
    let python = match plan.backends.is_empty() {
        true => None,
        false => Some(peers::environment(&plan.backends)?),
    };
    let mut timings = Vec::new();
    for name in &plan.models {
        let case = models::CASES.iter().find(|c| c.name == name);
        let case = case.ok_or_else(|| format!("no model {name}"))?;
        timings.push(time(case, plan.quick)?.shown());
        for backend in &plan.backends {
            let python = python.as_deref().ok_or("no Python environment")?;
            let peers = peers::time(python, backend, name, plan.quick)?;
            timings.extend(peers.into_iter().map(Timing::shown));
        }
    }
    print(&plan, &timings);
    if plan.files {
        files::run(python.as_deref(), &plan.backends)?;
    }
    Ok(())
}

fn time(case: &Case, quick: bool) -> Result<Timing, Box<dyn Error>> {
    refrain::clear_session();
    refrain::initializers::set_random_seed(1);
    let steps = if quick {
        (case.steps * 3 / 10).max(4)
    } else {
        case.steps
    };
    let model = (case.build)()?;
    let batch = case.batch;
    let samples = (case.data)(batch * steps);
    let warm_up = samples.first(2 * batch);
    fit(&model, &warm_up, batch)?;
    let train = best(steps, || fit(&model, &samples, batch))?;
    predict(&model, &warm_up, batch)?;
    let predicting = best(steps, || predict(&model, &samples, batch))?;
    let sample = samples.first(1);
    model.predict_on_batch(sample.inputs())?;
    let one = best(ONE_SAMPLE_CALLS, || {
        for _ in 0..ONE_SAMPLE_CALLS {
            model.predict_on_batch(sample.inputs())?;
        }
        Ok(())
    })?;
    Ok(Timing {
        program: "refrain".to_owned(),
        model: case.name.to_owned(),
        train,
        predict: predicting,
        one,
    })
}

fn fit(model: &Model, samples: &Samples, batch: usize) -> refrain::Result<()> {
    let fitting = model.fit(samples.inputs(), samples.labels());
    fitting.batch_size(batch).shuffle(false).run().map(|_| ())
}

fn predict(model: &Model, samples: &Samples, batch: usize) -> refrain::Result<()> {
    model
        .predict(samples.inputs())
        .batch_size(batch)
        .run()
        .map(|_| ())
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

fn print(plan: &Plan, timings: &[Timing]) {
    if timings.is_empty() {
        return;
    }
    type Column = (&'static str, fn(&Timing) -> f64);
    let columns: [Column; 3] = [
        ("train step", |t| t.train),
        ("predict batch", |t| t.predict),
        ("one sample", |t| t.one),
    ];
    for (title, value) in columns {
        println!("\n{title}: milliseconds, and how many times faster refrain is");
        print!("{:14}{:>12}", "model", "refrain");
        plan.backends.iter().for_each(|b| print!("{b:>22}"));
        println!();
        for model in &plan.models {
            let of = |program: &str| {
                let timing = timings
                    .iter()
                    .find(|t| t.model == *model && t.program == program);
                timing.map(value)
            };
            let own = of("refrain").unwrap_or(f64::NAN);
            print!("{model:14}{own:12.4}");
            for backend in &plan.backends {
                match of(backend) {
                    Some(peer) => print!("{peer:12.4} ({:6.2}×)", peer / own),
                    None => print!("{:>22}", "-"),
                }
            }
            println!();
        }
    }
}
