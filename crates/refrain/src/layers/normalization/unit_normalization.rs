//! Normalization to unit length.

use refrain_graph::{BinaryOp, Reduction, UnaryOp};

use super::moments::AxisList;
use crate::config::Config;
use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::{Call, Layer, layer_options};
use crate::ops::{self, prim};
use crate::tensor::Tensor;

layer_options! {
    /// Division by the Euclidean norm along some axes.
    ///
    /// Input and output of any one shape. No weights.
    ///
    /// ```
    /// use refrain::layers::UnitNormalization;
    /// use refrain::input;
    /// let y = UnitNormalization::new().axis(1).call(&input([10, 64]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 10, 64)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/normalization/unit_normalization.py`.
    UnitNormalization, UnitNormalizationOptions {
        /// Axis or axes along which vectors get an L2 norm of 1.
        axis: AxisList = AxisList::from(-1),
    }
}

impl UnitNormalization {
    /// A layer over the last axis.
    pub fn new() -> Self {
        UnitNormalizationOptions::default().into_layer()
    }
}

impl Default for UnitNormalization {
    fn default() -> Self {
        Self::new()
    }
}

impl Layer for UnitNormalizationOptions {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "UnitNormalization"
    }

    fn config(&self) -> Config {
        let mut config = self.to_config();
        // Unlike the other normalizations, Keras's keeps a single axis a number.
        if let [axis] = self.axis.0[..] {
            config.insert("axis".to_owned(), axis.into());
        }
        config
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        /// Norms smaller than the inverse of this count as it.
        const LARGEST_FACTOR: f64 = 1e12;
        let x = &cx.floats(inputs.one()?)?;
        let axes = self.axis.resolve(x.rank())?;
        let square = prim::binary(BinaryOp::Multiply, x, x)?;
        let norm = ops::reduce(&square, Reduction::Sum, &axes, true)?;
        let factor = prim::unary(UnaryOp::Rsqrt, &norm)?;
        let largest = prim::constant_like(x, LARGEST_FACTOR)?;
        let factor = prim::binary(BinaryOp::Minimum, &factor, &largest)?;
        prim::binary(BinaryOp::Multiply, x, &factor)
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
