//! The fully connected layer.

use crate::activations::Activation;
use crate::config::Config;
use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::inputs::Inputs;
use crate::layers::registry::unquantized;
use crate::layers::{Build, Call, InputSpec, Layer, Weight, weighted_options};
use crate::ops;
use crate::regularizers::Regularizer;
use crate::tensor::Tensor;

weighted_options! {
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
    }
    weights {
        kernel, "the kernel": kernel_initializer = GlorotUniform, kernel_regularizer, kernel_constraint;
        bias, "the bias": bias_initializer = Zeros, bias_regularizer, bias_constraint;
    }
    outputs { activity_regularizer, "the output" }
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
        unquantized(config)
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
        cx.add_weight(Weight::new("kernel", [features, self.units]).rules(self.kernel()))?;
        if self.use_bias {
            cx.add_weight(Weight::new("bias", [self.units]).rules(self.bias()))?;
        }
        cx.set_input_spec(InputSpec::new().min_ndim(2).axis(-1, features));
        Ok(())
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let y = ops::matmul(inputs.one()?, &cx.weight("kernel")?);
        Ok(self.activation.apply(&cx.add_bias(y, "bias")?))
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
