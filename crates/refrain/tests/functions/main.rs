//! Every function of `ops`: declared, in files, and back.

#[path = "../common/mod.rs"]
mod common;

mod doubles;
mod models;
mod read;
mod types;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::compare::none_failed;
use models::{SAMPLES, models};
use refrain::data::IntoArrays;
use refrain::{DType, Literal, Model, Result, Tensor, load_model, testing};

/// Functions that are made of others, or that no graph can hold.
const COMPOSED: [&str; 21] = [
    "arange",
    "bartlett",
    "blackman",
    "convert_to_tensor",
    "empty",
    "eye",
    "extract_patches_3d",
    "full",
    "geomspace",
    "hamming",
    "hanning",
    "identity",
    "kaiser",
    "l2_normalize",
    "linspace",
    "logspace",
    "ones",
    "scan",
    "slice_axis",
    "tri",
    "zeros",
];

/// Numbers for an input: small integers, or waves.
fn values(tensor: &Tensor) -> Literal {
    let shape = tensor.shape();
    let dims: Vec<usize> = shape.dims().iter().map(|d| d.unwrap_or(SAMPLES)).collect();
    let value = |i: usize| match tensor.dtype() == DType::I32 {
        true => (i * 7 % 4) as f64,
        false => (i as f64 * 0.7).sin(),
    };
    let values: Vec<f64> = (0..dims.iter().product()).map(value).collect();
    let literal = Literal::new(dims, values).expect("as many values");
    literal.convert(tensor.dtype())
}

fn predictions(model: &Model) -> Result<Vec<Literal>> {
    let inputs: Vec<Literal> = model.inputs().iter().map(values).collect();
    let predicted = model.predict_on_batch(inputs.iter().collect::<Vec<_>>().into_arrays())?;
    (0..predicted.len()).map(|i| predicted.literal(i)).collect()
}

/// The bits of the numbers, NaN among them.
fn bits(outputs: &[Literal]) -> Vec<(Vec<usize>, DType, Vec<u64>)> {
    let bits = |o: &Literal| o.to_f64().iter().map(|v| v.to_bits()).collect();
    let outputs = outputs.iter();
    outputs
        .map(|o| (o.dims().to_vec(), o.dtype(), bits(o)))
        .collect()
}

#[test]
fn every_public_function_is_declared() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ops");
    let mut plain = BTreeSet::new();
    let files = |folder| fs::read_dir(folder).expect("the sources");
    for file in files(source.join("image")).chain(files(source)) {
        let path = file.expect("a file").path();
        if path.is_dir() {
            continue;
        }
        let text = fs::read_to_string(path).expect("a text");
        // What stands in the tables is indented.
        let names = text.lines().filter_map(|line| line.strip_prefix("pub fn "));
        plain.extend(names.filter_map(|rest| Some(rest.split(['(', '<']).next()?.to_owned())));
    }
    assert_eq!(plain, COMPOSED.map(str::to_owned).into());
}

#[test]
fn every_function_has_a_model() {
    let declared = testing::functions().filter_map(|(_, name)| name);
    let wanted: BTreeSet<&str> = declared.chain(COMPOSED).filter(|n| *n != "scan").collect();
    let there: BTreeSet<&str> = models().iter().map(|(name, _)| *name).collect();
    assert_eq!(there, wanted);
    let classes: Vec<&str> = testing::functions().map(|(class, _)| class).collect();
    assert_eq!(classes.iter().collect::<BTreeSet<_>>().len(), classes.len());
}

#[test]
fn files_of_every_function_compute_the_same() -> Result<()> {
    let file = std::env::temp_dir().join(format!("refrain-functions-{}.keras", std::process::id()));
    let check = |make: &dyn Fn() -> Result<Model>| -> Result<bool> {
        let model = make()?;
        model.save(&file)?;
        Ok(bits(&predictions(&load_model(&file)?)?) == bits(&predictions(&model)?))
    };
    let misses = models()
        .into_iter()
        .filter_map(|(name, make)| match check(&*make) {
            Ok(true) => None,
            Ok(false) => Some(format!("{name}: other numbers")),
            Err(e) => Some(format!("{name}: {e}")),
        });
    let misses: Vec<String> = misses.collect();
    fs::remove_file(&file).ok();
    none_failed(misses);
    Ok(())
}
