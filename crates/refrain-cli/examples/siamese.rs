//! A Siamese network on real hand-written digits: do two images show the same digit?
//!
//! Both images go through the same two convolutions; the absolute difference of what they give decides. The digits are
//! split by image, so that no image of the test pairs was seen in training. `examples/keras/siamese.py` trains the same
//! model in Keras on exactly the same pairs.
//!
//! Given a path (`cargo run --release --example siamese -- siamese.keras`), it saves the model there and the test pairs beside
//! it, as `pairs.npz`.

mod support;

use std::error::Error;
use std::fs::File;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ndarray::{Array1, Array2, Array3, Array4, Axis, s};
use ndarray_npy::{NpzReader, NpzWriter};
use refrain::activations::Activation;
use refrain::layers::{Conv2D, Dense, Flatten, Lambda, Padding, subtract};
use refrain::losses::Loss;
use refrain::metrics::Metric;
use refrain::optimizers::Adam;
use refrain::{Model, input, ops};
use support::Lcg;

/// 1,797 digits of 8×8 pixels: UCI Optical Recognition of Handwritten Digits (see `data/README.md`).
const DIGITS: &[u8] = include_bytes!("../data/digits.npz");
const TRAIN_IMAGES: usize = 1437;
const TRAIN_PAIRS: usize = 4000;
const TEST_PAIRS: usize = 1000;
const EPOCHS: usize = 4;
/// Held-out accuracy of Keras on the same pairs after the same epochs: the mean of five seeds from 81.6 % to 88.7 %, and how
/// it was measured (`examples/keras/README.md`).
const KERAS_ACCURACY: f64 = 0.855;
const KERAS_MEASURED: &str = "measured before, in November 2026: Keras 3.15.1 on TensorFlow 2.21, mean of 5 seeds from 81.6 to 88.7 %";

fn main() -> Result<(), Box<dyn Error>> {
    run(std::env::args_os().nth(1).map(PathBuf::from).as_deref())
}

/// Runs the demonstration, and saves the model and the test pairs if a path is given.
pub fn run(save: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let (images, labels) = digits()?;
    let mut order: Vec<usize> = (0..labels.len()).collect();
    Lcg::new(1).shuffle(&mut order);
    let (train, test) = order.split_at(TRAIN_IMAGES);
    let (left, right, same) = pairs(&images, &labels, train, TRAIN_PAIRS, 2);
    let (test_left, test_right, test_same) = pairs(&images, &labels, test, TEST_PAIRS, 3);

    refrain::initializers::set_random_seed(1);
    let (a, b) = (input([28, 28, 1]), input([28, 28, 1]));
    let conv1 = Conv2D::new(32, 3)
        .activation(Activation::Relu)
        .padding(Padding::Same);
    let conv2 = Conv2D::new(64, 3)
        .activation(Activation::Relu)
        .padding(Padding::Same);
    let features_a = Flatten::new().call(&conv2.call(&conv1.call(&a)?)?)?;
    let features_b = Flatten::new().call(&conv2.call(&conv1.call(&b)?)?)?;
    let difference = subtract([&features_a, &features_b])?;
    let decide = Dense::new(1).activation(Activation::Sigmoid);
    let model = Model::new([&a, &b], &decide.call(ops::abs(&difference))?)?;
    println!("{}", model.summary());

    // The absolute value may as well be a layer: the same calls before and after it, the same weights.
    let distance = Lambda::new(ops::abs).name("distance").call(&difference)?;
    let with_lambda = Model::new([&a, &b], &decide.call(&distance)?)?;

    model
        .compile(Adam::new(1e-3), Loss::BinaryCrossentropy)
        .metrics([Metric::Accuracy])
        .run()?;
    let history = model
        .fit([&left, &right], &same)
        .epochs(EPOCHS)
        .batch_size(32)
        .seed(1)
        .validation_data([&test_left, &test_right], &test_same)
        .run()?;
    let result = model
        .evaluate([&test_left, &test_right], &test_same)
        .run()?;

    let first = s![..32, .., .., ..];
    let few = [test_left.slice(first), test_right.slice(first)];
    println!("\naccuracy on {TEST_PAIRS} pairs of images never seen in training");
    println!("  refrain  {:6.2} %", 100.0 * result.get("accuracy")?);
    println!(
        "  Keras    {:6.2} % ({KERAS_MEASURED})",
        100.0 * KERAS_ACCURACY
    );
    let by_ops = model.predict(few).run()?.into_array()?;
    let by_lambda = with_lambda.predict(few).run()?.into_array()?;
    println!(
        "with a Lambda for `ops::abs`: {} weights, {} predictions",
        with_lambda.count_params(),
        if by_ops == by_lambda {
            "the same"
        } else {
            "other"
        }
    );
    std::fs::create_dir_all("out")?;
    history.plot("out/siamese_curves.svg")?;
    model.plot("out/siamese_model.svg")?;
    println!("wrote out/siamese_curves.svg and out/siamese_model.svg");
    if let Some(path) = save {
        model.save(path)?;
        let pairs = path.with_file_name("pairs.npz");
        save_pairs(&pairs, &test_left, &test_right, &test_same)?;
        println!("wrote {} and {}", path.display(), pairs.display());
    }
    println!("{:.0} s in all", started.elapsed().as_secs_f64());
    Ok(())
}

/// Writes pairs under the names by which the `refrain` command finds them.
fn save_pairs(
    path: &Path,
    left: &Array4<f32>,
    right: &Array4<f32>,
    same: &Array2<f32>,
) -> Result<(), Box<dyn Error>> {
    let mut file = NpzWriter::new_compressed(File::create(path)?);
    file.add_array("x0", left)?;
    file.add_array("x1", right)?;
    file.add_array("y0", same)?;
    file.finish()?;
    Ok(())
}

/// The 8×8 digits scaled to 28×28 with values from 0 to 1, and their labels.
fn digits() -> Result<(Array3<f32>, Vec<usize>), Box<dyn Error>> {
    let mut file = NpzReader::new(Cursor::new(DIGITS))?;
    let small: Array3<u8> = file.by_name("x.npy")?;
    let labels: Array1<u8> = file.by_name("y.npy")?;
    let mut images = Array3::zeros((small.len_of(Axis(0)), 28, 28));
    for (image, mut scaled) in small.outer_iter().zip(images.outer_iter_mut()) {
        for ((row, column), value) in scaled.indexed_iter_mut() {
            let (r, c) = (source(row), source(column));
            let at = |r: usize, c: usize| f32::from(image[[r, c]]);
            let top = at(r.0, c.0) * (1.0 - c.2) + at(r.0, c.1) * c.2;
            let bottom = at(r.1, c.0) * (1.0 - c.2) + at(r.1, c.1) * c.2;
            *value = (top * (1.0 - r.2) + bottom * r.2) / 16.0;
        }
    }
    Ok((images, labels.iter().map(|&l| usize::from(l)).collect()))
}

/// The two source pixels of a pixel and the share of the second: bilinear with half-pixel centres.
fn source(pixel: usize) -> (usize, usize, f32) {
    let position = ((pixel as f32 + 0.5) * 8.0 / 28.0 - 0.5).clamp(0.0, 7.0);
    let first = position.floor() as usize;
    (first, (first + 1).min(7), position - position.floor())
}

/// Pairs of images in turn of the same digit (1) and of different digits (0).
fn pairs(
    images: &Array3<f32>,
    labels: &[usize],
    from: &[usize],
    count: usize,
    seed: u64,
) -> (Array4<f32>, Array4<f32>, Array2<f32>) {
    let mut lcg = Lcg::new(seed);
    let mut left = Array4::zeros((count, 28, 28, 1));
    let mut right = Array4::zeros((count, 28, 28, 1));
    let mut same = Array2::zeros((count, 1));
    for i in 0..count {
        let wanted = i % 2 == 0;
        let anchor = lcg.below(from.len());
        let partner = loop {
            let candidate = lcg.below(from.len());
            let equal = labels[from[candidate]] == labels[from[anchor]];
            if equal == wanted && candidate != anchor {
                break candidate;
            }
        };
        left.slice_mut(s![i, .., .., 0])
            .assign(&images.index_axis(Axis(0), from[anchor]));
        right
            .slice_mut(s![i, .., .., 0])
            .assign(&images.index_axis(Axis(0), from[partner]));
        same[[i, 0]] = if wanted { 1.0 } else { 0.0 };
    }
    (left, right, same)
}
