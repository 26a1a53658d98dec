//! One Dense layer for two inputs: how layers share weights, what happens if the inputs do not fit, and both cures.

use std::error::Error;

use ndarray::{Array1, Array2, Axis, concatenate as join};
use refrain::activations::Activation;
use refrain::layers::{Dense, concatenate};
use refrain::losses::Loss;
use refrain::metrics::Metric;
use refrain::optimizers::Adam;
use refrain::{Model, Result, Tensor, input};

/// Runs the demonstration.
pub fn main() -> Result<(), Box<dyn Error>> {
    refrain::initializers::set_random_seed(1);
    let model = shared()?;
    println!("{}\n", model.summary());

    println!("The same with a second input of 15 features:");
    match too_wide() {
        Ok(_) => println!("  no error?"),
        Err(error) => println!("  {error}\n"),
    }
    let (left, right) = (input([10]), input([15]));
    let cures = [
        ("a Dense in front of each", bridged(&left, &right)?),
        ("two layers", separate(&left, &right)?),
    ];
    for (name, model) in &cures {
        println!("{name}: {} weights", model.count_params());
    }

    // The label says whether the left features sum to more than the right ones.
    let (x_left, x_right) = (noise(2000, 10, 1), noise(2000, 10, 2));
    let labels =
        (x_left.sum_axis(Axis(1)) - x_right.sum_axis(Axis(1))).mapv(|d| f32::from(d > 0.0));
    model
        .compile(Adam::new(1e-2), Loss::BinaryCrossentropy)
        .metrics([Metric::Accuracy])
        .run()?;
    let history = model
        .fit([&x_left, &x_right], labels.insert_axis(Axis(1)))
        .epochs(10)
        .validation_split(0.2)
        .run()?;
    let accuracy = history.last("val_accuracy")?;
    println!(
        "\naccuracy on held-out samples after 10 epochs: {:.1} %",
        100.0 * accuracy
    );
    Ok(())
}

/// One layer called on both inputs.
fn shared() -> Result<Model> {
    let (left, right) = (input([10]), input([10]));
    let shared = Dense::new(32).activation(Activation::Relu);
    let merged = concatenate([shared.call(&left)?, shared.call(&right)?])?;
    let output = Dense::new(1)
        .activation(Activation::Sigmoid)
        .call(&merged)?;
    Model::new([&left, &right], &output)
}

/// Published tutorials show this as if it worked: the weights were built for 10 features.
fn too_wide() -> Result<Tensor> {
    let shared = Dense::new(32).activation(Activation::Relu);
    shared.call(input([10]))?;
    shared.call(input([15]))
}

/// First cure: bring both inputs to one width.
fn bridged(left: &Tensor, right: &Tensor) -> Result<Model> {
    let shared = Dense::new(32).activation(Activation::Relu);
    let (a, b) = (Dense::new(12).call(left)?, Dense::new(12).call(right)?);
    let merged = concatenate([shared.call(&a)?, shared.call(&b)?])?;
    Model::new(
        [left, right],
        &Dense::new(1)
            .activation(Activation::Sigmoid)
            .call(&merged)?,
    )
}

/// Second cure: two layers, nothing shared.
fn separate(left: &Tensor, right: &Tensor) -> Result<Model> {
    let relu = |units| Dense::new(units).activation(Activation::Relu);
    let merged = concatenate([relu(32).call(left)?, relu(32).call(right)?])?;
    Model::new(
        [left, right],
        &Dense::new(1)
            .activation(Activation::Sigmoid)
            .call(&merged)?,
    )
}

/// Numbers between -1 and 1 that are the same in every run.
fn noise(rows: usize, columns: usize, seed: u64) -> Array2<f32> {
    let parts: Vec<Array1<f32>> = (0..rows)
        .map(|r| {
            let phase = (r as f32 + 1.0) * 12.9898 + seed as f32 * 78.233;
            Array1::from_shape_fn(columns, |c| {
                ((phase * (c as f32 + 1.7)).sin() * 43758.547).fract()
            })
        })
        .collect();
    let views: Vec<_> = parts
        .iter()
        .map(|p| p.view().insert_axis(Axis(0)))
        .collect();
    join(Axis(0), &views).expect("rows of one length")
}
