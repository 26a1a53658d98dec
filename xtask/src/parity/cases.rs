//! What is checked of one case.

use std::error::Error;
use std::path::Path;

use refrain::data::IntoArrays;
use refrain::saving::LoadOptions;
use refrain::{Literal, Model};
use serde_json::Value as Json;

use super::arrays::numbered;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Clone, Copy, Debug)]
pub enum What {
    Predict,
    Again,
    Losses,
    After,
}

impl What {
    pub fn tolerance(self) -> f64 {
        match self {
            What::Predict | What::Again => 1e-5,
            What::Losses | What::After => 1e-4,
        }
    }
}

pub fn check(folder: &Path) -> Vec<(What, Result<f64>)> {
    let mut all = vec![(What::Predict, predict(folder, "model.keras"))];
    if all[0].1.is_ok() {
        all.push((What::Again, again(folder)));
    }
    if folder.join("losses.json").exists() {
        match train(folder) {
            Ok((losses, after)) => {
                all.push((What::Losses, Ok(losses)));
                all.push((What::After, Ok(after)));
            }
            Err(e) => all.push((What::Losses, Err(e))),
        }
    }
    all
}

fn load(path: &Path) -> Result<Model> {
    Ok(LoadOptions::new().decode_lambdas(true).load(path)?)
}

fn predict(folder: &Path, file: &str) -> Result<f64> {
    let model = load(&folder.join(file))?;
    let inputs = numbered(&folder.join("inputs.npz"), "x")?;
    let outputs = numbered(&folder.join("outputs.npz"), "y")?;
    let refs: Vec<&Literal> = inputs.iter().collect();
    let predicted = model.predict_on_batch(refs)?;
    let mut worst: f64 = 0.0;
    for (i, expected) in outputs.iter().enumerate() {
        let got = predicted.literal(i)?;
        let d = difference(&got, expected)?;
        if d > 1e-5 {
            eprintln!(
                "{} y{i} {d}: {:?} / {:?}",
                folder.display(),
                &got.to_f64()[..got.numel().min(24)],
                &expected.to_f64()[..got.numel().min(24)]
            );
        }
        worst = worst.max(d);
    }
    Ok(worst)
}

/// The copy that refrain writes, read again.
fn again(folder: &Path) -> Result<f64> {
    let model = load(&folder.join("model.keras"))?;
    model.save(folder.join("refrain.keras"))?;
    predict(folder, "refrain.keras")
}

fn train(folder: &Path) -> Result<(f64, f64)> {
    let model = load(&folder.join("model.keras"))?;
    let data = folder.join("data.npz");
    let (x, y, w) = (
        numbered(&data, "x")?,
        numbered(&data, "y")?,
        numbered(&data, "w")?,
    );
    let json: Json = serde_json::from_str(&std::fs::read_to_string(folder.join("losses.json"))?)?;
    let batch = json["batch_size"].as_u64().ok_or("batch_size")? as usize;
    let mut worst: f64 = 0.0;
    for (step, loss) in json["losses"]
        .as_array()
        .ok_or("losses")?
        .iter()
        .enumerate()
    {
        let part = |all: &[Literal]| -> Vec<Literal> {
            all.iter().map(|a| rows(a, step * batch, batch)).collect()
        };
        let (x, y, w) = (part(&x), part(&y), part(&w));
        model.reset_metrics()?;
        let (x, y, w): (Vec<_>, Vec<_>, Vec<_>) =
            (x.iter().collect(), y.iter().collect(), w.iter().collect());
        let run = model.train_on_batch(x.into_arrays(), y.into_arrays());
        let run = if w.is_empty() {
            run
        } else {
            run.sample_weight(w.into_arrays())
        };
        let got = run.run()?.loss();
        let loss = loss.as_f64().ok_or("a loss")?;
        if std::env::var("SHOW").is_ok() {
            eprintln!("{step} {got} {loss}");
        }
        worst = worst.max((got - loss).abs() / loss.abs().max(1.0));
    }
    model.save(folder.join("refrain_after.keras"))?;
    let after = numbered(&folder.join("after.npz"), "w")?;
    let mut off: f64 = 0.0;
    for (got, expected) in model.weights().iter().zip(&after) {
        let d = difference(&got.value(), expected)?;
        if std::env::var("SHOW").is_ok() {
            eprintln!("{} {d}", got.path());
        }
        off = off.max(d);
    }
    Ok((worst, off))
}

fn rows(a: &Literal, start: usize, count: usize) -> Literal {
    let row: usize = a.dims()[1..].iter().product();
    let mut dims = a.dims().to_vec();
    dims[0] = count;
    macro_rules! attempt { ($($t:ty),*) => {$(
        if let Some(v) = a.values::<$t>() {
            return Literal::new(dims, v[start * row..(start + count) * row].to_vec()).expect("as many values");
        }
    )*}; }
    attempt!(f32, f64, i32, i64, u8, u32, bool);
    a.clone()
}

fn difference(got: &Literal, expected: &Literal) -> Result<f64> {
    if got.dims() != expected.dims() {
        return Err(format!("shape {:?} instead of {:?}", got.dims(), expected.dims()).into());
    }
    let pairs = got.to_f64().into_iter().zip(expected.to_f64());
    let worst = pairs.map(|(a, b)| {
        if a == b || (a.is_nan() && b.is_nan()) {
            0.0
        } else {
            (a - b).abs() / b.abs().max(1.0)
        }
    });
    Ok(worst.fold(
        0.0,
        |m: f64, d| if d.is_nan() { f64::INFINITY } else { m.max(d) },
    ))
}
pub fn dbg(folder: &Path) -> Result<()> {
    let model = LoadOptions::new()
        .compile(false)
        .load(folder.join("model.keras"))?;
    model
        .compile(
            refrain::optimizers::Sgd::new(1.0),
            refrain::losses::Loss::MeanSquaredError,
        )
        .run()?;
    let data = folder.join("data.npz");
    let (x, y) = (numbered(&data, "x")?, numbered(&data, "y")?);
    let before: Vec<Literal> = model.weights().iter().map(|w| w.value()).collect();
    model
        .train_on_batch(&rows(&x[0], 0, 4), &rows(&y[0], 0, 4))
        .run()?;
    let g = numbered(&folder.join("grad.npz"), "w")?;
    for ((w, b), g) in model.weights().iter().zip(&before).zip(&g) {
        let d: Vec<f64> = b
            .to_f64()
            .iter()
            .zip(w.value().to_f64())
            .map(|(a, b)| a - b)
            .collect();
        let worst = d
            .iter()
            .zip(g.to_f64())
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        println!(
            "{} {worst:.3e} {:?} {:?}",
            w.path(),
            &d[..d.len().min(4)],
            &g.to_f64()[..d.len().min(4)]
        );
    }
    Ok(())
}
