//! A layer.

use refrain::initializers::Initializer;
use refrain::layers::{Build, Call, Config, ConfigValue, Layer, Weight};
use refrain::objects::read_option;
use refrain::regularizers::Regularizer;
use refrain::{Inputs, Result, Tensor};

/// A learned mixture of the input's features and their squares.
#[derive(Clone)]
pub struct Mixture {
    /// Initializer of the weights.
    pub initializer: Initializer,
    /// Regularizer of the weights.
    pub regularizer: Option<Regularizer>,
}

impl Mixture {
    /// From Keras's configuration.
    ///
    /// # Errors
    /// An option is missing, or has a value of another type.
    pub fn from_config(config: &Config) -> Result<Self> {
        Ok(Mixture {
            initializer: read_option(config, "initializer", None)?,
            regularizer: read_option(config, "regularizer", None)?,
        })
    }
}

impl Layer for Mixture {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "extending>Mixture"
    }

    fn config(&self) -> Config {
        let entries = [
            ("initializer", self.initializer.to_json()),
            ("regularizer", self.regularizer.to_json()),
        ];
        entries
            .map(|(key, json)| (key.to_owned(), json))
            .into_iter()
            .collect()
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        let features = cx.last_dim()?;
        let weight = Weight::new("share", [features])
            .initializer(&self.initializer)
            .regularizer(&self.regularizer);
        cx.add_weight(weight)
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let (x, share) = (inputs.one()?, cx.weight("share")?);
        Ok(x * (1.0 - &share) + x.square() * share)
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}
