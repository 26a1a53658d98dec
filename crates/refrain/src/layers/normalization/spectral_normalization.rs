//! Kernels of spectral norm 1.

use refrain_graph::{Comparison, Reduction};

use crate::config::{Config, ConfigValue, read_option, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::TruncatedNormal;
use crate::inputs::Inputs;
use crate::layers::layer::Outputs;
use crate::layers::restoring::Restoring;
use crate::layers::{
    AnyLayer, Build, Call, Handle, InputSpec, Layer, Properties, Weight, serialized,
};
use crate::ops::{self, Axes, prim};
use crate::tensor::Tensor;
use crate::utils::sizes;

/// The options of a [`SpectralNormalization`].
#[doc(hidden)]
#[derive(Clone)]
pub struct SpectralNormalizationOptions {
    layer: AnyLayer,
    power_iterations: usize,
}

/// A layer whose kernel is divided by its spectral norm, its largest singular value, in each call that fits.
///
/// The layer is any that has a weight `kernel` or `embeddings`; input and output are its own, the output in the type of the input.
/// The norm is estimated by power iteration from `vector_u`. A call that fits computes with the divided kernel; what the optimizer then
/// changes is the kernel itself, as in Keras on JAX, and other calls compute with that. The divided kernel of a frozen layer is kept. A
/// kernel of zeros stays. Weights: those of the layer, and `vector_u (1, last axis of the kernel)`, which is not trained.
///
/// ```
/// use refrain::input;
/// use refrain::layers::{Conv2D, SpectralNormalization};
/// let layer = SpectralNormalization::new(Conv2D::new(8, 3)).power_iterations(2usize);
/// assert_eq!(layer.call(&input([10, 10, 1]))?.shape().to_string(), "(None, 8, 8, 8)");
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// Source: `keras/src/layers/normalization/spectral_normalization.py`; Miyato et al., "Spectral Normalization for Generative
/// Adversarial Networks", 2018.
///
/// # Options
///
/// | method | takes | default | |
/// |---|---|---|---|
/// | `power_iterations` | `usize` | `1` | How often the power iteration goes on in each call. |
pub type SpectralNormalization = Handle<SpectralNormalizationOptions>;

impl SpectralNormalization {
    /// A layer with a normalized kernel.
    pub fn new(layer: impl Into<AnyLayer>) -> Self {
        SpectralNormalizationOptions {
            layer: layer.into(),
            power_iterations: 1,
        }
        .into_layer()
    }

    /// How often the power iteration goes on in each call.
    pub fn power_iterations(self, iterations: impl Into<usize>) -> Self {
        let iterations = iterations.into();
        self.edit(|options| options.power_iterations = iterations)
    }
}

/// The names that the weight can have in the layer.
const NORMALIZED: [&str; 2] = ["kernel", "embeddings"];

/// The name that it has here.
const KERNEL: &str = "kernel";

/// The start of the power iteration.
const VECTOR: &str = "vector_u";

impl SpectralNormalizationOptions {
    pub(crate) fn from_config(config: &Config, context: &Restoring) -> Result<Self> {
        let json = config
            .get("layer")
            .ok_or_else(|| unexpected("a layer", &serde_json::Value::Null))?;
        Ok(SpectralNormalizationOptions {
            layer: serialized::from_json(json, context)?,
            power_iterations: read_option(config, "power_iterations", Some(1))?,
        })
    }

    /// Divides the kernel by its norm and takes the power iteration further.
    fn normalize(&self, cx: &Call) -> Result<()> {
        let (kernel, start) = (cx.weight(KERNEL)?, cx.weight(VECTOR)?);
        let width = start.dim(-1);
        let matrix = ops::reshape(&kernel, [-1, width.map_or(-1, |w| w as i64)]).checked()?;
        let turned = ops::transpose(&matrix, None);
        let unit = |x: &Tensor| ops::normalize(x, Axes::All, 2, None).checked();
        let (mut u, mut v) = (start.clone(), start.clone());
        for _ in 0..self.power_iterations {
            v = unit(&ops::matmul(&u, &turned))?;
            u = unit(&ops::matmul(&v, &matrix))?;
        }
        let (u, v) = (ops::stop_gradient(&u), ops::stop_gradient(&v));
        let sigma = ops::matmul(&ops::matmul(&v, &matrix), &ops::transpose(&u, None)).checked()?;
        let zero = prim::constant_like(&kernel, 0.0)?;
        let nonzero = prim::compare(Comparison::Ne, &kernel, &zero)?;
        let axes: Vec<usize> = (0..kernel.rank()).collect();
        let any = ops::reduce(&nonzero, Reduction::Or, &axes, false)?;
        let sigma = prim::reshape(&sigma, Vec::<usize>::new())?;
        let one = prim::constant_like(&sigma, 1.0)?;
        let norm = prim::select(&any, &sigma, &one)?;
        cx.assign(VECTOR, &prim::select(&any, &u.checked()?, &start)?)?;
        cx.assign(KERNEL, &(&kernel / norm).checked()?)
    }
}

impl Layer for SpectralNormalizationOptions {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "SpectralNormalization"
    }

    fn properties(&self) -> Properties {
        Properties {
            arguments: &["inputs", "training"],
            ..Properties::default()
        }
    }

    fn config(&self) -> Config {
        let mut config = Config::new();
        config.insert("layer".to_owned(), serialized::to_json(&self.layer));
        config.insert(
            "power_iterations".to_owned(),
            self.power_iterations.to_json(),
        );
        config
    }

    fn validate(&self) -> Result<()> {
        sizes::check_iterations("power_iterations", self.power_iterations)
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        let inputs = Inputs::new(cx.inputs().first()?.clone());
        cx.build_sublayer(&self.layer, inputs)?;
        let found = NORMALIZED
            .iter()
            .find_map(|name| self.layer.variable(name).ok());
        let kernel = found.ok_or_else(|| {
            let received = format!("`{}` ({})", self.layer.get_name(), self.layer.class_name());
            let expected = "a layer with a weight `kernel` or `embeddings`";
            Error::mismatch(ErrorKind::Config, expected, received)
        })?;
        let width = kernel.shape().last().copied().unwrap_or(1);
        let vector = Weight::new(VECTOR, [1, width])
            .dtype(kernel.dtype())
            .initializer(&TruncatedNormal::new(0.0, 0.02).into())
            .trainable(false);
        cx.share_weight(KERNEL, kernel);
        cx.add_weight(vector)?;
        let spec = InputSpec::new().min_ndim(1);
        let size = cx.spec()?.shape.dims().last().copied().flatten();
        cx.set_input_spec(size.map_or(spec.clone(), |size| spec.axis(-1, size)));
        Ok(())
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = inputs.one()?;
        if cx.training() {
            self.normalize(cx)?;
        }
        let y = self.layer.call_structure(&Inputs::new(x))?;
        prim::convert(&Tensor::from_structure(y)?, x.dtype())
    }

    /// The mask that the layer's own output has.
    fn compute_mask(
        &self,
        _cx: &Call,
        _inputs: &Inputs,
        outputs: &[Tensor],
    ) -> Result<Vec<Option<Tensor>>> {
        Ok(outputs.iter().map(Tensor::mask).collect())
    }

    fn sublayers(&self) -> Vec<(String, AnyLayer)> {
        vec![("layer".to_owned(), self.layer.clone())]
    }

    fn duplicate(&self) -> Option<Self> {
        let layer = self.layer.fresh_copy().ok()?;
        Some(SpectralNormalizationOptions { layer, ..*self })
    }
}
