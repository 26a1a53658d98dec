//! refrain: the Keras Functional API in Rust.
//!
//! A layer is defined once and called wherever it is needed; all its calls share one set of weights. Siamese networks, shared
//! encoders, GANs, models with several inputs and outputs: declared, trained, and exchanged with Keras as `.keras` files.
//!
//! # A first program
//!
//! ```
//! use refrain::ndarray::Array2;
//! use refrain::prelude::*;
//!
//! fn main() -> refrain::Result<()> {
//!     let (left, right) = (input([4]), input([4]));
//!     let shared = Dense::new(16).activation(Activation::Relu);            // one layer …
//!     let distance = (shared.call(&left)? - shared.call(&right)?).abs();  // … two calls, one set of weights
//!     let same = Dense::new(1).activation(Activation::Sigmoid).call(&distance)?;
//!     let model = Model::new([&left, &right], &same)?;
//!     println!("{}", model.summary());
//!
//!     // Pairs that are equal (1) and pairs that are not (0), in turn.
//!     let y = Array2::from_shape_fn((400, 1), |(i, _)| (i % 2) as f32);
//!     let a = Array2::from_shape_fn((400, 4), |(i, j)| ((i * 31 + j * 17) % 97) as f32 / 97.0);
//!     let b = &a + (1.0 - &y) * 0.5;
//!
//!     model.compile(Adam::new(1e-2), Loss::BinaryCrossentropy).metrics([Metric::Accuracy]).run()?;
//!     model.fit([&a, &b], &y).epochs(3).batch_size(32).run()?;
//!     let scores = model.predict([&a, &b]).run()?.into_array()?;
//!     assert_eq!(scores.shape(), [400, 1]);
//!     Ok(())
//! }
//! ```
//!
//! Arrays are those of [`ndarray`]. What one version of it calls `Array2` another version does not know: use
//! `refrain::ndarray`, or depend on the same version.
//!
//! # Fast
//!
//! A plain `cargo run` compiles without optimisation, which computes 30 to 100 times slower. Use `cargo run --release`, or let
//! Cargo optimise the dependencies of your program and not the program itself, by these lines in its `Cargo.toml`:
//!
//! ```toml
//! [profile.dev.package."*"]
//! opt-level = 3
//! ```
//!
//! # Where things are
//!
//! | Keras | refrain |
//! |---|---|
//! | `keras.Input((10,), name="a")` | [`Input::new([10]).name("a").tensor()`](Input), or [`input([10])`](input()) |
//! | `keras.layers.Dense(32, activation="relu")` | [`layers::Dense::new(32).activation(Activation::Relu)`](layers::Dense); all of them in [`layers`] |
//! | `layer(x)`, `layer([a, b])`, `layer(query, value)` | [`layer.call(&x)?`](layers::Handle::call), `layer.call([&a, &b])?`, `layer.call((&query, &value))?` |
//! | `lstm(x, initial_state=[h, c])` | [`lstm.call_from(&x, [&h, &c])?`](layers::Lstm) |
//! | `layer(x, mask=m, flag=True)` | `layer.call(Inputs::new(&x).kwarg("mask", &m).option("flag", true))?`, see [`Inputs`] |
//! | `keras.ops.sum(x, axis=-1)`, `x + y`, `x[:, 0]` | [`ops::sum(&x, -1, false)`](ops::sum), `x + y`, [`x.slice((.., 0))`](Tensor::slice) |
//! | `keras.random.normal((2, 3), seed=1)` | [`random::normal([2, 3], 0.0, 1.0, DType::F32, 1)`](random::normal); inside a layer's `call`: `…, cx)` |
//! | `keras.Model([a, b], y)`, `keras.Sequential` | [`Model::new([&a, &b], &y)?`](Model::new), [`Sequential`] |
//! | `model.summary()`, `keras.utils.plot_model(model)` | [`println!("{}", model.summary())`](Model::summary), [`model.plot("model.svg")?`](Model::plot) |
//! | `model.compile("adam", "mse", metrics=["mae"])` | [`model.compile(Adam::default(), Loss::MeanSquaredError).metrics([Metric::MeanAbsoluteError]).run()?`](Model::compile) |
//! | `model.fit(x, y, epochs=5)`, `evaluate`, `predict` | [`model.fit(&x, &y).epochs(5).run()?`](Model::fit), [`evaluate`](Model::evaluate), [`predict`](Model::predict) |
//! | `model.train_on_batch(x, y)` | [`model.train_on_batch(&x, &y).run()?`](Model::train_on_batch) |
//! | `callbacks=[EarlyStopping(patience=3)]` | [`.callback(EarlyStopping::new("val_loss").patience(3))`](callbacks::EarlyStopping); all of them in [`callbacks`] |
//! | `model.save("m.keras")`, `keras.saving.load_model` | [`model.save("m.keras")?`](Model::save), [`load_model("m.keras")?`](load_model) |
//! | `"he_normal"`, `HeNormal(seed=1)` | [`Initializer::HeNormal`](initializers::Initializer), [`HeNormal::new().seed(1)`](initializers::HeNormal) |
//! | `keras.optimizers`, `losses`, `metrics`, `regularizers`, `constraints` | [`optimizers`], [`losses`], [`metrics`], [`regularizers`], [`constraints`] |
//! | `class Scale(keras.layers.Layer)` | [`impl Layer for Scale`](layers::Layer) |
//! | `class Focal(keras.losses.Loss)`, `class F1(keras.metrics.Metric)` | [`options!`](options), [`impl LossClass for Focal`](losses::LossClass), [`impl MetricClass for F1`](metrics::MetricClass) |
//! | `keras.utils.set_random_seed(1)` | [`initializers::set_random_seed(1)`](initializers::set_random_seed) |
//! | `KERAS_BACKEND=jax` | `REFRAIN_ENGINE=cpu`; engines of your own: [`engine`] |
//! | `keras.backend.clear_session()` | [`clear_session()`](clear_session) |
//!
//! The guide [from Keras to refrain and back](guide::from_keras) goes round once with a file, and lists what is supported and
//! what differs.
//!
//! # Errors and warnings
//!
//! What is wrong is an [`Error`]; what is only suspicious (a layer that destroys a mask, data with keys that the model does
//! not have) is a warning of the `tracing` crate under the target `refrain`. Nothing is printed unless the program has set
//! a subscriber, such as `tracing_subscriber::fmt::init()`, or calls [`on_warning`](on_warning()); but that the library was compiled without
//! optimisation is said on stderr, once, unless `REFRAIN_SLOW_BUILD_WARNING` is `0`.

pub mod activations;
pub mod callbacks;
mod config;
pub mod constraints;
pub mod data;
pub mod engine;
mod error;
pub mod guide;
pub mod initializers;
mod inputs;
mod lambda;
pub mod layers;
pub mod losses;
pub mod metrics;
mod models;
mod names;
pub mod objects;
mod on_warning;
pub mod ops;
pub mod optimizers;
pub mod prelude;
pub mod random;
pub mod regularizers;
pub mod saving;
mod structure;
mod tensor;
#[doc(hidden)]
pub mod testing;
mod trace;
pub mod training;
mod utils;
mod variable;
mod warnings;

pub use error::{Error, ErrorKind, Result};
pub use inputs::{Argument, Inputs};
pub use layers::{Input, input};
pub use models::{Model, Sequential, Summary, clone_model};
pub use names::clear_session;
pub use ndarray;
pub use objects::register;
pub use on_warning::on_warning;
pub use refrain_graph::{DType, Dim, Literal, Shape, Spec};
pub use saving::{load_model, model_from_json};
pub use structure::Structure;
pub use tensor::Tensor;
pub use variable::Variable;

/// The README's programs are run with those of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
