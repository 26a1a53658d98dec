//! Transfer learning: a model that was trained on many digits 0 to 4 is loaded from its file, cut behind its convolutions,
//! frozen, and given a new head, which learns the digits 5 to 9 from three images of each.

mod support;

use std::error::Error;
use std::io::Cursor;

use ndarray::{Array1, Array3, Array4, Axis};
use ndarray_npy::NpzReader;
use refrain::activations::Activation;
use refrain::layers::{Conv2D, Dense, Flatten, MaxPooling2D, Padding};
use refrain::losses::Loss;
use refrain::metrics::Metric;
use refrain::optimizers::Adam;
use refrain::{Model, Result, Sequential, load_model};
use support::Lcg;

/// 1,797 digits of 8×8 pixels: UCI Optical Recognition of Handwritten Digits (see `data/README.md`).
const DIGITS: &[u8] = include_bytes!("../data/digits.npz");
/// Images of each new digit to learn from.
const FEW: usize = 3;

/// Images and labels.
type Samples = (Array4<f32>, Array1<i32>);

/// Runs the demonstration.
pub fn main() -> Result<(), Box<dyn Error>> {
    refrain::initializers::set_random_seed(1);
    let (old, new) = digits()?;
    let base = classifier()?;
    train(&base, &old, 8)?;
    std::fs::create_dir_all("out")?;
    base.save("out/digits_0_to_4.keras")?;

    let base = load_model("out/digits_0_to_4.keras")?;
    let transferred = with_new_head(&base)?;
    println!("{}\n", transferred.summary());
    let (few, rest) = split(&new);
    train(&transferred, &few, 40)?;
    let scratch = classifier()?;
    train(&scratch, &few, 40)?;

    transferred.save("out/digits_5_to_9.keras")?;

    let images = few.1.len();
    println!("accuracy on new digits, learned from {images} images");
    for (what, model) in [
        ("with the old features", &transferred),
        ("from scratch", &scratch),
    ] {
        let scores = model.evaluate(&rest.0, &rest.1).run()?;
        println!("  {what:22} {:6.2} %", 100.0 * scores.get("accuracy")?);
    }
    Ok(())
}

/// A small network for five classes.
fn classifier() -> Result<Model> {
    let conv = |filters| {
        Conv2D::new(filters, 3)
            .padding(Padding::Same)
            .activation(Activation::Relu)
    };
    Sequential::new([8, 8, 1])
        .add(conv(16))
        .add(MaxPooling2D::new(2))
        .add(conv(32))
        .add(Flatten::new().name("features"))
        .add(Dense::new(64).activation(Activation::Relu))
        .add(Dense::new(5).activation(Activation::Softmax))
        .build()
}

/// The model up to `features`, frozen, and a new classifier on top.
fn with_new_head(base: &Model) -> Result<Model> {
    base.set_trainable(false);
    let features = base.get_layer("features")?.output()?;
    let head = Dense::new(5).name("head").activation(Activation::Softmax);
    Model::new(base.input(), &head.call(&features)?)
}

fn train(model: &Model, (images, labels): &Samples, epochs: usize) -> Result<()> {
    model
        .compile(Adam::new(2e-3), Loss::SparseCategoricalCrossentropy)
        .metrics([Metric::Accuracy])
        .run()?;
    model
        .fit(images, labels)
        .epochs(epochs)
        .batch_size(16)
        .seed(1)
        .run()?;
    Ok(())
}

/// The digits 0 to 4, and 5 to 9 with labels from 0; each in a random order.
fn digits() -> Result<(Samples, Samples), Box<dyn Error>> {
    let mut file = NpzReader::new(Cursor::new(DIGITS))?;
    let images: Array3<u8> = file.by_name("x.npy")?;
    let labels: Array1<u8> = file.by_name("y.npy")?;
    let mut order: Vec<usize> = (0..labels.len()).collect();
    Lcg::new(1).shuffle(&mut order);
    let images = images.mapv(|v| f32::from(v) / 16.0).insert_axis(Axis(3));
    let of = |first: u8| {
        let wanted = |&&i: &&usize| (first..first + 5).contains(&labels[i]);
        let rows: Vec<usize> = order.iter().filter(wanted).copied().collect();
        let numbers = rows.iter().map(|&i| i32::from(labels[i] - first));
        (images.select(Axis(0), &rows), numbers.collect())
    };
    Ok((of(0), of(5)))
}

/// The first few images of each digit, and the others.
fn split((images, labels): &Samples) -> (Samples, Samples) {
    let mut seen = [0; 5];
    let (few, rest): (Vec<usize>, Vec<usize>) = (0..labels.len()).partition(|&i| {
        let count = &mut seen[labels[i] as usize];
        *count += 1;
        *count <= FEW
    });
    let of = |rows: &[usize]| (images.select(Axis(0), rows), labels.select(Axis(0), rows));
    (of(&few), of(&rest))
}
