//! What `compile` recorded, as Keras's JSON.

use serde_json::Value as Json;

use super::config::{compile_from_json, compile_to_json};
use crate::config::unexpected;
use crate::error::Result;
use crate::models::Model;

impl Model {
    /// What [`compile`](Model::compile) recorded, as Keras's `get_compile_config` gives it; `{}` for a model that is not
    /// compiled.
    ///
    /// ```
    /// use refrain::{Model, input, layers::Dense, losses::Loss, optimizers::Adam};
    /// let x = input([4]);
    /// let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    /// model.compile(Adam::new(0.01), Loss::MeanSquaredError).run()?;
    /// assert_eq!(model.get_compile_config()["optimizer"]["class_name"], "Adam");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn get_compile_config(&self) -> Json {
        compile_to_json(self)
    }

    /// Compiles the model as Keras's `compile_from_config` does. Names stand for optimizers, losses and metrics with their
    /// defaults. Forgets the optimizer's state, not the weights.
    ///
    /// # Errors
    /// There is no optimizer, an entry is unknown, or names and numbers do not fit the model's outputs.
    ///
    /// ```
    /// use refrain::{Model, input, layers::Dense};
    /// let x = input([4]);
    /// let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    /// let config = r#"{"optimizer": "adam", "loss": "mse", "metrics": ["mae"]}"#;
    /// model.compile_from_config(&config.parse().unwrap())?;
    /// assert!(model.is_compiled());
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn compile_from_config(&self, config: &Json) -> Result<()> {
        if config["optimizer"].is_null() {
            let expected = "a compile configuration with an `optimizer`";
            return Err(unexpected(expected, config));
        }
        compile_from_json(self, config, true)
    }
}
