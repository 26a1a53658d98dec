//! Models in files: Keras's `.keras`, `.weights.h5` and legacy `.h5`, `.safetensors`, and JSON of architectures.
//!
//! ```
//! use refrain::layers::Dense;
//! use refrain::{Model, input, load_model};
//!
//! let x = input([4]);
//! let model = Model::new(&x, &Dense::new(2).call(&x)?)?;
//! let path = std::env::temp_dir().join(format!("refrain-doc-{}.keras", std::process::id()));
//! model.save(&path)?; // Keras opens it: keras.saving.load_model("….keras")
//! let again = load_model(&path)?;
//! assert_eq!(again.weights()[0].value()?, model.weights()[0].value()?);
//! # std::fs::remove_file(&path).ok();
//! # Ok::<(), refrain::Error>(())
//! ```
//!
//! Files are untrusted: nothing in them is executed, and [`Limits`] bound what they can ask for. A file is written whole or
//! not at all. A weight without a place, or a place without a weight, is an error.

mod compile_config;
pub(crate) mod config;
mod for_keras;
mod inspect;
mod load;
mod load_weights;
mod model_file;
mod open;
mod options;
mod save;
mod weights;

pub use crate::lambda::Expression;
pub use inspect::{Inspection, inspect};
pub use load::{load_model, model_from_json};
pub use load_weights::LoadWeights;
pub use model_file::{ModelFile, StoredWeight};
pub use options::LoadOptions;
pub use refrain_storage::Limits;
pub use save::{check_target, write_file};
pub use weights::{Placed, WeightsReport};

/// The version of Keras whose files are written.
pub(crate) const KERAS_VERSION: &str = "3.15.1";
