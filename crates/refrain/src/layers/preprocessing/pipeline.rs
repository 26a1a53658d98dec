//! Layers one after the other as one layer.

use serde_json::Value as Json;

use crate::config::{Config, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::restoring::Restoring;
use crate::layers::{AnyLayer, Build, Call, Handle, Layer, Properties, serialized};
use crate::names::Members;
use crate::structure::Structure;
use crate::tensor::Tensor;

/// The options of [`Pipeline`].
#[doc(hidden)]
#[derive(Clone)]
pub struct PipelineOptions {
    layers: Vec<AnyLayer>,
}

/// Layers that prepare data, one after the other: each gets the output of the one before.
///
/// Input and output are those of the first and of the last layer.
///
/// ```
/// use refrain::input;
/// use refrain::layers::{AutoContrast, Pipeline, RandomZoom};
/// let layer = Pipeline::new([AutoContrast::new().any(), RandomZoom::new(0.2).any()]);
/// let y = layer.call(&input([28, 28, 3]))?;
/// assert_eq!(y.flatten()[0].shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// Source: `keras/src/layers/preprocessing/pipeline.py`.
pub type Pipeline = Handle<PipelineOptions>;

impl Pipeline {
    /// These layers; no layers are an error of the first call.
    pub fn new<L: Into<AnyLayer>>(layers: impl IntoIterator<Item = L>) -> Self {
        let layers = layers.into_iter().map(Into::into).collect();
        PipelineOptions { layers }.into_layer()
    }
}

impl PipelineOptions {
    pub(crate) fn from_config(config: &Config, context: &Restoring) -> Result<Self> {
        let json = config.get("layers").unwrap_or(&Json::Null);
        let layers = json
            .as_array()
            .ok_or_else(|| unexpected("a list of layers", json))?;
        let layers = layers
            .iter()
            .map(|layer| serialized::from_json(layer, context));
        Ok(PipelineOptions {
            layers: layers.collect::<Result<_>>()?,
        })
    }

    /// Goes through the layers with the input of each.
    fn each(
        &self,
        inputs: &Inputs,
        mut f: impl FnMut(&AnyLayer, &Structure<Tensor>) -> Result<()>,
    ) -> Result<Structure<Tensor>> {
        let mut layers = self.layers.iter();
        layers.try_fold(inputs.first()?.clone(), |x, layer| {
            f(layer, &x)?;
            layer.call_structure(&Inputs::new(x))
        })
    }
}

impl Layer for PipelineOptions {
    type Output = Structure<Tensor>;

    fn class_name(&self) -> &str {
        "Pipeline"
    }

    fn config(&self) -> Config {
        let layers: Json = self.layers.iter().map(serialized::to_json).collect();
        Config::from_iter([("layers".to_owned(), layers)])
    }

    fn properties(&self) -> Properties {
        Properties {
            own_options: &["dtype"],
            plain_config: true,
            ..Properties::default()
        }
    }

    fn validate(&self) -> Result<()> {
        match self.layers.is_empty() {
            true => Err(Error::mismatch(
                ErrorKind::Config,
                "one layer or more",
                "none",
            )),
            false => Ok(()),
        }
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        let inputs = cx.inputs().clone();
        self.each(&inputs, |layer, x| cx.build_sublayer(layer, x.clone()))?;
        Ok(())
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Structure<Tensor>> {
        self.each(inputs, |_, _| Ok(()))
    }

    fn casts_inputs(&self) -> bool {
        false
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn sublayers(&self) -> Vec<(String, AnyLayer)> {
        let mut members = Members::default();
        let layers = self.layers.iter();
        let named = layers.map(|layer| {
            let name = members.next(layer.class_name(), 1);
            (format!("layers/{name}"), layer.clone())
        });
        named.collect()
    }

    fn duplicate(&self) -> Option<Self> {
        let layers = self.layers.iter().map(|layer| layer.fresh_copy().ok());
        Some(PipelineOptions {
            layers: layers.collect::<Option<_>>()?,
        })
    }
}
