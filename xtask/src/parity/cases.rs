//! The cases of the zoo.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use refrain::saving::LoadOptions;
use refrain::{Literal, Model};
use serde_json::Value as Json;

use super::arrays::{arrays, difference, differences, numbered, rows};
use super::table::{Table, What};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Checks all cases below a folder, and writes beside each what Keras is to open.
pub fn check_all(zoo: &Path, only: Option<&str>, table: &mut Table) -> Result<()> {
    let wanted = |name: &str| only.is_none_or(|only| name.contains(only));
    for path in sorted(zoo)? {
        let name = name_of(&path);
        if path.join("case.json").exists() && wanted(&name) {
            check(&path, &name, table);
        }
    }
    let random = zoo.join("random");
    if !random.exists() {
        return Ok(());
    }
    for path in sorted(&random)? {
        let name = name_of(&path);
        let stem = name.strip_suffix(".keras");
        if let Some(stem) = stem.filter(|s| !s.ends_with(".refrain") && wanted(s)) {
            let copy = random.join(format!("{stem}.refrain.keras"));
            let data = random.join(format!("{stem}.npz"));
            table.add(stem, What::Predictions, text(predict(&path, &data, &data)));
            table.add(stem, What::Copies, text(copied(&path, &copy, &data, &data)));
        }
    }
    Ok(())
}

pub fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut paths = entries.map(|e| Ok(e?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

pub fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

pub fn text<T>(result: Result<T>) -> std::result::Result<T, String> {
    result.map_err(|e| e.to_string())
}

fn check(folder: &Path, name: &str, table: &mut Table) {
    let case = fs::read_to_string(folder.join("case.json")).unwrap_or_default();
    let case: Json = serde_json::from_str(&case).unwrap_or_default();
    if let Some(expected) = case["refused"].as_str() {
        table.add(
            name,
            What::Refusal,
            refused(&folder.join("model.keras"), expected),
        );
        return;
    }
    let (inputs, outputs) = (folder.join("inputs.npz"), folder.join("outputs.npz"));
    let file = folder.join("model.keras");
    table.add(
        name,
        What::Predictions,
        text(predict(&file, &inputs, &outputs)),
    );
    let copy = folder.join("refrain.keras");
    table.add(
        name,
        What::Copies,
        text(copied(&file, &copy, &inputs, &outputs)),
    );
    if case["files"].is_object() {
        table.add(name, What::Forms, text(forms(folder, &case["files"])));
    }
    if folder.join("losses.json").exists() {
        match train(folder) {
            Ok((losses, weights)) => {
                table.add(name, What::Losses, Ok(losses));
                table.add(name, What::Weights, Ok(weights));
            }
            Err(e) => table.add(name, What::Losses, Err(e.to_string())),
        }
    }
}

fn refused(file: &Path, expected: &str) -> std::result::Result<f64, String> {
    match LoadOptions::new().decode_lambdas(true).load(file) {
        Ok(_) => Err("the file was loaded".to_owned()),
        Err(e) if e.to_string().contains(expected) => Ok(0.0),
        Err(e) => Err(format!("the error lacks `{expected}`: {e}")),
    }
}

fn load(path: &Path) -> Result<Model> {
    Ok(LoadOptions::new().decode_lambdas(true).load(path)?)
}

fn outputs_of(model: &Model, inputs: &Path) -> Result<Vec<Literal>> {
    let inputs = numbered(inputs, "x")?;
    let predicted = model.predict_on_batch(arrays(&inputs))?;
    let outputs = (0..predicted.len()).map(|i| predicted.literal(i));
    Ok(outputs.collect::<refrain::Result<_>>()?)
}

pub fn predict(file: &Path, inputs: &Path, outputs: &Path) -> Result<f64> {
    differences(&outputs_of(&load(file)?, inputs)?, &numbered(outputs, "y")?)
}

/// Writes a copy and predicts with it.
pub fn copied(file: &Path, copy: &Path, inputs: &Path, outputs: &Path) -> Result<f64> {
    load(file)?.save(copy)?;
    predict(copy, inputs, outputs)
}

/// Reads the other forms in which Keras wrote the model, and writes them for Keras to read.
fn forms(folder: &Path, files: &Json) -> Result<f64> {
    let (inputs, outputs) = (folder.join("inputs.npz"), folder.join("outputs.npz"));
    let path = |key: &str| files[key].as_str().map(|file| folder.join(file));
    let missing = |key: &str| format!("the case has no `{key}`");
    let mut worst: f64 = 0.0;
    for key in ["folder", "h5"] {
        let file = path(key).ok_or_else(|| missing(key))?;
        let off = predict(&file, &inputs, &outputs).map_err(|e| format!("{key}: {e}"))?;
        worst = worst.max(off);
    }
    let json = path("json").ok_or_else(|| missing("json"))?;
    for key in ["weights", "shards"] {
        let model = load(&json)?;
        let file = path(key).ok_or_else(|| missing(key))?;
        model
            .load_weights(&file)
            .run()
            .map_err(|e| format!("{key}: {e}"))?;
        let off = differences(&outputs_of(&model, &inputs)?, &numbered(&outputs, "y")?)?;
        worst = worst.max(off);
    }
    let model = load(&folder.join("model.keras"))?;
    for name in ["refrain.h5", "refrain.json", "refrain.safetensors"] {
        model.save(folder.join(name))?;
    }
    model.save_weights(folder.join("refrain.weights.h5"))?;
    for name in ["refrain.h5", "refrain.safetensors"] {
        let off = predict(&folder.join(name), &inputs, &outputs);
        worst = worst.max(off.map_err(|e| format!("{name}: {e}"))?);
    }
    Ok(worst)
}

/// Trains on from the file; the largest differences of the losses and of the weights in the end.
fn train(folder: &Path) -> Result<(f64, f64)> {
    let model = load(&folder.join("model.keras"))?;
    let data = folder.join("data.npz");
    let all = ["x", "y", "w"].map(|prefix| numbered(&data, prefix));
    let [x, y, w] = all;
    let (x, y, w) = (x?, y?, w?);
    let json: Json = serde_json::from_str(&fs::read_to_string(folder.join("losses.json"))?)?;
    let batch = json["batch_size"]
        .as_u64()
        .ok_or("losses.json has no batch size")? as usize;
    let losses = json["losses"]
        .as_array()
        .ok_or("losses.json has no losses")?;
    let mut worst: f64 = 0.0;
    for (step, loss) in losses.iter().enumerate() {
        let part = |all: &[Literal]| -> Result<Vec<Literal>> {
            let rows = all.iter().map(|a| rows(a, step * batch, batch));
            Ok(rows.collect::<Option<_>>().ok_or("too few samples")?)
        };
        let (x, y, w) = (part(&x)?, part(&y)?, part(&w)?);
        model.reset_metrics()?;
        let mut run = model.train_on_batch(arrays(&x), arrays(&y));
        if !w.is_empty() {
            run = run.sample_weight(arrays(&w));
        }
        let got = run.run()?.loss();
        let loss = loss.as_f64().ok_or("a loss that is no number")?;
        worst = worst.max((got - loss).abs() / loss.abs().max(1.0));
    }
    model.save(folder.join("refrain_after.keras"))?;
    let after = numbered(&folder.join("after.npz"), "w")?;
    let weights = model.weights();
    let pairs = weights.iter().zip(&after);
    let mut off = pairs.map(|(got, expected)| difference(&got.value()?, expected));
    let off = off.try_fold(0.0, |worst: f64, d| Ok::<_, Box<dyn Error>>(worst.max(d?)))?;
    Ok((worst, off))
}
