//! A tour of the functional API: several inputs and outputs, nested models, feature extraction, layers of your own.

use std::error::Error;

use ndarray::{Array1, Array2};
use refrain::activations::Activation;
use refrain::data::Arrays;
use refrain::layers::{
    Call, Dense, Dropout, Embedding, GlobalAveragePooling1D, Layer, concatenate,
};
use refrain::losses::Loss;
use refrain::metrics::Metric;
use refrain::optimizers::RmsProp;
use refrain::{DType, Input, Inputs, Model, Result, Tensor, input, ops};

/// Runs the demonstration.
pub fn main() -> Result<(), Box<dyn Error>> {
    refrain::initializers::set_random_seed(1);
    tickets()?;
    nested()?;
    own_layer()?;
    Ok(())
}

/// Support tickets: from the words of the title and a vector of tags to a priority and a department.
fn tickets() -> Result<()> {
    println!("== several inputs and outputs ==");
    let title = Input::new([12]).name("title").dtype(DType::I32).tensor();
    let tags = Input::new([4]).name("tags").tensor();
    let words = Embedding::new(100, 16).call(&title)?;
    let text = GlobalAveragePooling1D::new().call(&words)?;
    let merged = concatenate([&text, &tags])?;
    let hidden = Dense::new(32).activation(Activation::Relu).call(&merged)?;
    let hidden = Dropout::new(0.1).call(&hidden)?;
    let priority = Dense::new(1)
        .name("priority")
        .activation(Activation::Sigmoid)
        .call(&hidden)?;
    let department = Dense::new(3)
        .name("department")
        .activation(Activation::Softmax)
        .call(&hidden)?;
    let model = Model::new(
        [("title", &title), ("tags", &tags)],
        [("priority", &priority), ("department", &department)],
    )?;
    println!("{}\n", model.summary());

    // The first word tells the department; the tags tell the priority.
    let n = 1024;
    let titles = Array2::from_shape_fn((n, 12), |(i, j)| ((i * 7 + j * j * 3) % 97) as i32);
    let tags = Array2::from_shape_fn((n, 4), |(i, j)| (((i * 31 + j * 17) % 13) as f32) / 13.0);
    let departments = Array1::from_shape_fn(n, |i| titles[[i, 0]] % 3);
    let priorities = Array2::from_shape_fn((n, 1), |(i, _)| f32::from(tags.row(i).sum() > 2.0));
    model
        .compile(
            RmsProp::new(3e-3),
            [
                ("priority", Loss::BinaryCrossentropy),
                ("department", Loss::SparseCategoricalCrossentropy),
            ],
        )
        .loss_weights([("priority", 0.5), ("department", 1.0)])
        .metrics([("department", Metric::Accuracy)])
        .run()?;
    let inputs = [
        ("title", Arrays::new(&titles)),
        ("tags", Arrays::new(&tags)),
    ];
    let labels = [
        ("priority", Arrays::new(&priorities)),
        ("department", Arrays::new(&departments)),
    ];
    let history = model.fit(inputs, labels).epochs(20).run()?;
    for (key, values) in history.iter() {
        println!(
            "  {key:24} {:.4} → {:.4}",
            values[0],
            values[values.len() - 1]
        );
    }
    Ok(())
}

/// A model called twice inside another, and a look at what it computes inside.
fn nested() -> Result<()> {
    println!("\n== nested models and feature extraction ==");
    let x = input([16]);
    let code = Dense::new(4).activation(Activation::Tanh).call(&x)?;
    let encoder = Model::with_name("encoder", &x, &code)?;

    let (a, b) = (input([16]), input([16]));
    let (code_a, code_b) = (encoder.call(&a)?, encoder.call(&b)?);
    let similarity = ops::exp(&-ops::sum(&(&code_a - &code_b).square(), -1, true));
    let twins = Model::new([&a, &b], &similarity)?;
    println!("{}", twins.summary().expand_nested(true));
    println!("the encoder's weights count once: {}", twins.count_params());

    let features = Model::new([&a, &b], [&code_a, &code_b, &similarity])?;
    let (left, right) = (
        Array2::from_elem((1, 16), 0.5f32),
        Array2::from_elem((1, 16), -0.5f32),
    );
    let outputs = features.predict([&left, &right]).run()?;
    println!(
        "codes {:.3} and {:.3}, similarity {:.3}",
        outputs.get(0)?,
        outputs.get(1)?,
        outputs.get(2)?
    );
    Ok(())
}

/// Mixes its input with its mirror image.
#[derive(Clone)]
struct Mirror {
    share: f64,
}

impl Layer for Mirror {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "Mirror"
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = inputs.one()?;
        Ok(x * (1.0 - self.share) + ops::flip(x, -1) * self.share)
    }
}

fn own_layer() -> Result<()> {
    println!("\n== a layer of your own ==");
    let x = input([4]);
    let model = Model::new(&x, &Mirror { share: 0.25 }.into_layer().call(&x)?)?;
    let y = model
        .predict(&ndarray::array![[1.0f32, 2.0, 3.0, 4.0]])
        .run()?;
    println!("mirror of [1, 2, 3, 4]: {}", y.get(0)?);
    Ok(())
}
