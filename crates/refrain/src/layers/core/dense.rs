//! The fully connected layer.

use serde_json::Value as Json;

use crate::activations::Activation;
use crate::config::Config;
use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::inputs::Inputs;
use crate::layers::registry::QUANTIZATION;
use crate::layers::{Build, Call, InputSpec, Layer, Weight, layer_options};
use crate::ops;
use crate::regularizers::Regularizer;
use crate::tensor::Tensor;

layer_options! {
    /// A fully connected layer: `activation(x · kernel + bias)` over the last axis.
    ///
    /// Input `(batch, …, features)`, output `(batch, …, units)`. Weights: `kernel (features, units)`, `bias (units,)`.
    ///
    /// ```
    /// use refrain::activations::Activation;
    /// use refrain::{input, layers::Dense};
    /// use refrain::regularizers::Regularizer;
    /// let shared = Dense::new(32).activation(Activation::Relu).kernel_regularizer(Regularizer::l2(1e-4));
    /// let (left, right) = (input([10]), input([10]));
    /// let (a, b) = (shared.call(&left)?, shared.call(&right)?); // two calls, one set of weights
    /// assert_eq!(shared.count_params(), 10 * 32 + 32);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/core/dense.py`.
    Dense, DenseOptions {
        /// Number of units, the size of the output's last axis.
        units: usize = 0,
        /// Activation function of the output; linear by default.
        activation: Activation = Activation::Linear,
        /// Whether a bias is added before the activation.
        use_bias: bool = true,
        /// Initializer of the kernel.
        kernel_initializer: Initializer = Initializer::GlorotUniform,
        /// Initializer of the bias.
        bias_initializer: Initializer = Initializer::Zeros,
        /// Regularizer of the kernel, whose penalty is added to the loss.
        kernel_regularizer: Option<Regularizer> = None,
        /// Regularizer of the bias, whose penalty is added to the loss.
        bias_regularizer: Option<Regularizer> = None,
        /// Regularizer of the output, whose penalty per sample of the batch is added to the loss.
        activity_regularizer: Option<Regularizer> = None,
        /// Constraint on the kernel, applied after each step of the optimizer.
        kernel_constraint: Option<Constraint> = None,
        /// Constraint on the bias, applied after each step of the optimizer.
        bias_constraint: Option<Constraint> = None,
    }
}

impl Dense {
    /// A layer of this many units, linear, with a bias.
    pub fn new(units: usize) -> Self {
        DenseOptions {
            units,
            ..DenseOptions::default()
        }
        .into_layer()
    }
}

impl Layer for DenseOptions {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "Dense"
    }

    fn config(&self) -> Config {
        let mut config = self.to_config();
        // Keras writes this key only if it is set.
        config.retain(|key, value| key != "activity_regularizer" || !value.is_null());
        config.insert(QUANTIZATION.to_owned(), Json::Null);
        config
    }

    fn validate(&self) -> Result<()> {
        match self.units {
            0 => Err(Error::mismatch(
                ErrorKind::Config,
                "a positive number of units",
                "0",
            )),
            _ => Ok(()),
        }
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        InputSpec::new().min_ndim(2).check("Dense", &cx.spec()?)?;
        let features = cx.last_dim()?;
        cx.add_weight(
            Weight::new("kernel", [features, self.units])
                .initializer(&self.kernel_initializer)
                .regularizer(&self.kernel_regularizer)
                .constraint(&self.kernel_constraint),
        )?;
        if self.use_bias {
            cx.add_weight(
                Weight::new("bias", [self.units])
                    .initializer(&self.bias_initializer)
                    .regularizer(&self.bias_regularizer)
                    .constraint(&self.bias_constraint),
            )?;
        }
        cx.set_input_spec(InputSpec::new().min_ndim(2).axis(-1, features));
        Ok(())
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let mut y = ops::matmul(inputs.one()?, &cx.weight("kernel")?);
        if let Some(bias) = cx.optional_weight("bias")? {
            y = y + bias;
        }
        Ok(self.activation.apply(&y))
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn activity_regularizer(&self) -> Option<Regularizer> {
        self.activity_regularizer.clone()
    }
}
