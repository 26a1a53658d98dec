//! Softmax as a layer.

use refrain_graph::DType;

use crate::activations;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::{Call, Layer, Properties, layer_methods, layer_options};
use crate::ops::{self, Axes, prim};
use crate::tensor::Tensor;

layer_options! {
    /// Softmax over one axis or several. Elements that a mask drops get probability 0.
    ///
    /// Input and output of any one shape; a mask (the keyword `mask`, or the one that the input carries) that can be repeated to
    /// that shape. No weights. Masks pass.
    ///
    /// ```
    /// use refrain::{input, layers::Softmax};
    /// let y = Softmax::new().axis(-1).call(&input([4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/activations/softmax.py`.
    Softmax, SoftmaxOptions {
        /// Axis or axes along which the outputs are normalized to sum to 1.
        axis: Axes = Axes::from(-1),
    }
}

impl Softmax {
    /// A layer over the last axis.
    pub fn new() -> Self {
        SoftmaxOptions::default().into_layer()
    }
}

impl Default for Softmax {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Softmax> for activations::Activation {
    /// The function of the layer, for `Dense::new(4).activation(layer)`.
    fn from(layer: Softmax) -> Self {
        let function = activations::Softmax::new(layer.options().axis.clone());
        function
            .name(layer.get_name().to_owned())
            .dtype(layer.any().dtype())
            .into()
    }
}

impl Layer for SoftmaxOptions {
    type Output = Tensor;

    layer_methods!("Softmax");

    fn properties(&self) -> Properties {
        Properties {
            arguments: &["inputs", "mask"],
            ..Properties::default()
        }
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = &cx.floats(inputs.one()?)?;
        let Some(mask) = inputs.mask_at(1) else {
            return Ok(ops::softmax(x, self.axis.clone()));
        };
        let mask = truth(&mask)?;
        let fits = prim::broadcast_shapes(&mask.shape(), &x.shape());
        if mask.rank() > x.rank() || fits.is_err() {
            let expected = format!("a mask that can be repeated to {}", x.shape());
            let received = format!("shape {}", mask.shape());
            return Err(Error::mismatch(ErrorKind::Shape, expected, received));
        }
        let lowest = prim::constant_like(x, large_negative(x.dtype()))?;
        let probabilities = ops::softmax(&prim::select(&mask, x, &lowest)?, self.axis.clone());
        // Where everything is masked, softmax alone would be uniform.
        prim::select(&mask, &probabilities, &prim::constant_like(x, 0.0)?)
    }

    fn supports_masking(&self) -> bool {
        true
    }
}

/// A logit whose exponential is 0, in the range of the type.
fn large_negative(dtype: DType) -> f64 {
    match dtype {
        DType::F16 => -3e4,
        _ => -1e9,
    }
}

/// Numbers above one half are true.
fn truth(mask: &Tensor) -> Result<Tensor> {
    if mask.dtype() == DType::Bool {
        return Ok(mask.clone());
    }
    let kept = ops::greater(mask, 0.5);
    kept.check()?;
    Ok(kept)
}
