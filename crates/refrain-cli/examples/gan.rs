//! A generative adversarial network: the discriminator belongs to its own model, where it learns, and to the combined
//! model, where it is frozen and only tells the generator how to do better.
//!
//! The data are points on a ring; the generator learns to put points there.

mod support;

use std::error::Error;

use ndarray::{Array2, Axis, concatenate as join};
use refrain::activations::Activation;
use refrain::layers::{Dense, LeakyRelu};
use refrain::losses::Loss;
use refrain::optimizers::Adam;
use refrain::{Model, Result, input};
use support::Lcg;

const NOISE: usize = 8;
const BATCH: usize = 128;
const STEPS: usize = 3000;
const RADIUS: f64 = 2.0;

/// Runs the demonstration.
pub fn main() -> Result<(), Box<dyn Error>> {
    refrain::initializers::set_random_seed(3);
    let (generator, discriminator) = (generator()?, discriminator()?);
    discriminator
        .compile(Adam::new(1e-3).beta_1(0.5), Loss::BinaryCrossentropy)
        .run()?;

    // Frozen for the combined model; the loop thaws it for its own steps.
    discriminator.set_trainable(false);
    let noise = input([NOISE]);
    let verdict = discriminator.call(&generator.call(&noise)?)?;
    let combined = Model::new(&noise, &verdict)?;
    combined
        .compile(Adam::new(1e-3).beta_1(0.5), Loss::BinaryCrossentropy)
        .run()?;
    println!(
        "{}\n",
        combined.summary().expand_nested(true).show_trainable(true)
    );

    let mut lcg = Lcg::new(7);
    let (real, unreal): (Array2<f32>, Array2<f32>) =
        (Array2::ones((BATCH, 1)), Array2::zeros((BATCH, 1)));
    let labels = join(Axis(0), &[real.view(), unreal.view()])?;
    println!(
        "{:>6} {:>14} {:>10} {:>22}",
        "step", "discriminator", "generator", "mean distance to ring"
    );
    for step in 1..=STEPS {
        let fake = generated(&generator, &mut lcg)?;
        let points = join(Axis(0), &[ring(&mut lcg).view(), fake.view()])?;
        discriminator.set_trainable(true);
        let judged = discriminator.train_on_batch(&points, &labels).run()?;
        discriminator.set_trainable(false);
        let fooled = combined
            .train_on_batch(normal(&mut lcg, NOISE), &real)
            .run()?;
        if step % (STEPS / 10) == 0 {
            let distance = distance_to_ring(&generated(&generator, &mut lcg)?);
            println!(
                "{step:>6} {:>14.3} {:>10.3} {distance:>22.3}",
                judged.loss(),
                fooled.loss()
            );
        }
    }
    Ok(())
}

fn generator() -> Result<Model> {
    let noise = input([NOISE]);
    let x = Dense::new(64).activation(Activation::Relu).call(&noise)?;
    let x = Dense::new(64).activation(Activation::Relu).call(&x)?;
    Model::with_name("generator", &noise, &Dense::new(2).call(&x)?)
}

fn discriminator() -> Result<Model> {
    let point = input([2]);
    let x = LeakyRelu::new().call(&Dense::new(64).call(&point)?)?;
    let x = LeakyRelu::new().call(&Dense::new(64).call(&x)?)?;
    Model::with_name(
        "discriminator",
        &point,
        &Dense::new(1).activation(Activation::Sigmoid).call(&x)?,
    )
}

fn generated(generator: &Model, lcg: &mut Lcg) -> Result<Array2<f32>> {
    let points = generator.predict_on_batch(normal(lcg, NOISE))?;
    Ok(points
        .into_array()?
        .into_dimensionality()
        .expect("points have two axes"))
}

fn unit(lcg: &mut Lcg) -> f64 {
    const STEPS: usize = 1 << 24;
    lcg.below(STEPS) as f64 / STEPS as f64
}

/// A batch of nearly normal numbers: sums of twelve uniform ones.
fn normal(lcg: &mut Lcg, columns: usize) -> Array2<f32> {
    Array2::from_shape_simple_fn((BATCH, columns), || {
        ((0..12).map(|_| unit(lcg)).sum::<f64>() - 6.0) as f32
    })
}

/// A batch of points on the ring.
fn ring(lcg: &mut Lcg) -> Array2<f32> {
    let mut points = Array2::zeros((BATCH, 2));
    for mut point in points.rows_mut() {
        let angle = std::f64::consts::TAU * unit(lcg);
        point[0] = (RADIUS * angle.cos()) as f32;
        point[1] = (RADIUS * angle.sin()) as f32;
    }
    points
}

fn distance_to_ring(points: &Array2<f32>) -> f64 {
    let distance =
        |p: ndarray::ArrayView1<f32>| (f64::from(p[0]).hypot(f64::from(p[1])) - RADIUS).abs();
    points.rows().into_iter().map(distance).sum::<f64>() / points.nrows() as f64
}
