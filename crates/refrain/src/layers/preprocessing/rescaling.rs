//! Another scale of values.

use refrain_graph::Literal;
use serde_json::Value as Json;

use crate::config::{ConfigValue, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::{Inputs, MaskRule};
use crate::layers::{Call, Layer, Properties, layer_methods, layer_options};
use crate::ops::prim;
use crate::tensor::Tensor;

layer_options! {
    /// `input · scale + offset`, as floats: images from 0 … 255 to 0 … 1 with scale 1/255.
    ///
    /// Input and output of any one shape; integers become the layer's type. No weights. Masks pass.
    ///
    /// ```
    /// use refrain::{input, layers::Rescaling};
    /// let y = Rescaling::new(1.0 / 127.5).offset(-1.0).call(&input([28, 28, 1]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 1)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/rescaling.py`.
    Rescaling, RescalingOptions {
        /// Factor of the inputs: one number, or one for each channel. `1 / 255` brings bytes to `[0, 1]`.
        scale: Factors = Factors::One(1.0),
        /// Number added after scaling: one, or one for each channel.
        offset: Factors = Factors::One(0.0),
    }
}

impl Rescaling {
    /// A layer with this factor and no offset.
    pub fn new(scale: impl Into<Factors>) -> Self {
        RescalingOptions {
            scale: scale.into(),
            ..RescalingOptions::default()
        }
        .into_layer()
    }
}

impl Layer for RescalingOptions {
    type Output = Tensor;

    layer_methods!("Rescaling");

    fn properties(&self) -> Properties {
        Properties {
            keras2_masks: MaskRule::Lost,
            ..Properties::default()
        }
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = prim::convert(inputs.one()?, cx.layer.dtype())?;
        Ok(&x * self.scale.like(&x)? + self.offset.like(&x)?)
    }

    fn supports_masking(&self) -> bool {
        true
    }
}

/// One number, or one for each element of the last axis.
#[derive(Clone, Debug, PartialEq)]
pub enum Factors {
    /// The same everywhere.
    One(f64),
    /// One for each channel.
    Each(Vec<f64>),
}

impl From<f64> for Factors {
    fn from(factor: f64) -> Self {
        Factors::One(factor)
    }
}

impl From<Vec<f64>> for Factors {
    fn from(factors: Vec<f64>) -> Self {
        Factors::Each(factors)
    }
}

impl<const N: usize> From<[f64; N]> for Factors {
    fn from(factors: [f64; N]) -> Self {
        Factors::Each(factors.to_vec())
    }
}

impl ConfigValue for Factors {
    fn to_json(&self) -> Json {
        match self {
            Factors::One(factor) => (*factor).into(),
            Factors::Each(factors) => factors.clone().into(),
        }
    }

    /// A number, a list, or Keras's form of a NumPy array.
    fn from_json(json: &Json) -> Result<Self> {
        let array = json.get("config").and_then(|c| c.get("value"));
        match array.unwrap_or(json) {
            Json::Array(items) => {
                let factors: Option<Vec<f64>> = items.iter().map(Json::as_f64).collect();
                let factors = factors.ok_or_else(|| unexpected("a list of numbers", json))?;
                Ok(Factors::Each(factors))
            }
            number => match number.as_f64() {
                Some(factor) => Ok(Factors::One(factor)),
                None => Err(unexpected("a number or a list of numbers", json)),
            },
        }
    }
}

impl Factors {
    /// As a constant beside a tensor, of its type.
    pub(super) fn like(&self, x: &Tensor) -> Result<Tensor> {
        let (dims, values) = match self {
            Factors::One(factor) => (vec![], vec![*factor]),
            Factors::Each(factors) => (vec![factors.len()], factors.clone()),
        };
        let literal = Literal::new(dims, values);
        let literal =
            literal.ok_or_else(|| Error::new(ErrorKind::Internal, "factors of another number"))?;
        let trace = &x.expect_traced()?.trace;
        Ok(trace.constant(literal.convert(x.dtype())))
    }
}
