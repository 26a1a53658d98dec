//! Another shape for each sample.

use refrain_graph::{Dim, Shape};

use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::{Call, Layer, Properties, layer_methods, layer_options};
use crate::ops::prim;
use crate::tensor::Tensor;

layer_options! {
    /// Each sample's elements in row-major order in another shape.
    ///
    /// Input `(batch, …)`, output `(batch, …target_shape)`. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::Reshape};
    /// let y = Reshape::new([-1, 2, 2]).call(&input([12]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 3, 2, 2)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/reshaping/reshape.py`.
    Reshape, ReshapeOptions {
        /// Shape of the output without the batch axis; one size may be -1 and is inferred from the others.
        target_shape: Vec<i64> = Vec::new(),
    }
}

impl Reshape {
    /// A layer that brings samples to this shape; one size may be -1.
    pub fn new(target_shape: impl Into<Vec<i64>>) -> Self {
        ReshapeOptions {
            target_shape: target_shape.into(),
        }
        .into_layer()
    }
}

impl Layer for ReshapeOptions {
    type Output = Tensor;

    layer_methods!("Reshape");

    fn properties(&self) -> Properties {
        Properties::reshaping()
    }

    fn validate(&self) -> Result<()> {
        let open = self.target_shape.iter().filter(|&&d| d == -1).count();
        if open <= 1 && self.target_shape.iter().all(|&d| d >= -1) {
            return Ok(());
        }
        let expected = "a target shape of sizes, one of which may be -1";
        let received = format!("{:?}", self.target_shape);
        Err(Error::mismatch(ErrorKind::Config, expected, received))
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = inputs.one()?;
        let shape = x.shape();
        let sample = Shape::from(shape.dims().get(1..).unwrap_or(&[])).numel();
        let mut dims: Vec<Dim> = vec![x.dim(0)];
        dims.extend(self.target_shape.iter().map(|&d| usize::try_from(d).ok()));
        let sizes = dims[1..].iter().flatten();
        let known = sizes.fold(1, |n: usize, &size| n.saturating_mul(size));
        let open = self.target_shape.contains(&-1);
        if let Some(n) = sample {
            let fits = if open {
                known > 0 && n % known == 0
            } else {
                n == known
            };
            if !fits {
                let expected = format!("samples with as many elements as {:?}", self.target_shape);
                let received = format!("shape {shape}");
                return Err(Error::mismatch(ErrorKind::Shape, expected, received));
            }
            let missing = n / known.max(1);
            dims[1..].iter_mut().for_each(|d| *d = d.or(Some(missing)));
        }
        prim::reshape(x, dims)
    }
}
