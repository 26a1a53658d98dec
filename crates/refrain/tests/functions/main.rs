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
const COMPOSED: [&str; 23] = [
    "arange",
    "associative_scan",
    "bartlett",
    "blackman",
    "cond",
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
    "slice_axis",
    "switch",
    "tri",
    "zeros",
];

/// Functions of functions, which work inside of calls alone.
const INSIDE: [&str; 6] = [
    "fori_loop",
    "jvp",
    "map",
    "scan",
    "vectorized_map",
    "while_loop",
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
    let known = COMPOSED
        .iter()
        .chain(&INSIDE)
        .map(|name| (*name).to_owned());
    assert_eq!(plain, known.collect());
}

#[test]
fn every_function_has_a_model() {
    let declared = testing::functions().filter_map(|(_, name)| name);
    let wanted: BTreeSet<&str> = declared.chain(COMPOSED).collect();
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

#[test]
fn what_does_not_fit_is_refused() {
    use refrain::layers::DataFormat::{ChannelsFirst, ChannelsLast};
    use refrain::ops::{self, BlockOptions, ConvOptions, CorrelateMode};
    let images = refrain::input([4, 6, 3]);
    let kernel = ops::ones([2, 2, 5, 4], DType::F32);
    let vector = refrain::input(refrain::Shape::scalar());
    let numbers = ops::cast(refrain::input([4]), DType::I32);
    let refused = [
        ("block size", ops::depth_to_space(&images, 1, ChannelsLast)),
        ("channels", ops::depth_to_space(&images, 2, ChannelsLast)),
        ("rows", ops::space_to_depth(&images, 4, ChannelsLast)),
        ("columns", ops::space_to_depth(&images, 2, ChannelsFirst)),
        (
            "rank of images",
            ops::unfold(&vector, BlockOptions::new([2])),
        ),
        ("large blocks", ops::unfold(&images, BlockOptions::new([9]))),
        (
            "blocks of 2 axes",
            ops::unfold(&images, BlockOptions::new([1, 2, 1])),
        ),
        (
            "rank of blocks",
            ops::fold(&images, [4], BlockOptions::new([2])),
        ),
        (
            "number of blocks",
            ops::fold(refrain::input([8, 7]), [4], BlockOptions::new([2])),
        ),
        ("short signals", ops::extract_sequences(&images, 4, 1)),
        ("stride", ops::extract_sequences(&images, 2, 0)),
        (
            "kernel",
            ops::conv_transpose(&images, &kernel, ConvOptions::default(), None),
        ),
        (
            "length",
            ops::correlate(&vector, &vector, CorrelateMode::Full),
        ),
        ("place", ops::argpartition(&images, 3, -1)),
        ("floats", ops::bincount(&images, None, 4)),
        ("no length", ops::bincount(&numbers, None, 0)),
        ("axis", ops::unique(&images, Some(4), 2, None).values),
        ("sides", ops::rearrange(&images, "b h w c", &[])),
        ("axes", ops::rearrange(&images, "b h w -> b w h", &[])),
        ("left out", ops::rearrange(&images, "b h w c -> b h w", &[])),
        (
            "ellipsis",
            ops::rearrange(&images, "b ... c -> b c ...", &[]),
        ),
        (
            "sizes",
            ops::rearrange(&images, "b (h p) w c -> b h p w c", &[("p", 3)]),
        ),
        (
            "two open",
            ops::rearrange(&images, "b (h p) w c -> b h p w c", &[]),
        ),
        (
            "unknown size",
            ops::rearrange(&images, "b h w c -> b w h c", &[("q", 3)]),
        ),
        (
            "labels",
            ops::ctc_loss(&images, &images, &vector, &vector, 0),
        ),
    ];
    for (what, tensor) in refused {
        assert!(tensor.check().is_err(), "{what}");
    }
}
