//! All axes but the batch as one.

use refrain_graph::Dim;

use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::{Call, DataFormat, InputSpec, Layer, Properties, layer_methods, layer_options};
use crate::ops::{self, prim};
use crate::tensor::Tensor;

layer_options! {
    /// All axes but the batch merged into one.
    ///
    /// Input `(batch, …)`, output `(batch, features)`. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::Flatten};
    /// let y = Flatten::new().call(&input([10, 64]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 640)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/reshaping/flatten.py`.
    Flatten, FlattenOptions {
        /// Where the channels are; with channels first they are moved last before flattening.
        data_format: DataFormat = DataFormat::ChannelsLast,
    }
}

impl Flatten {
    /// The layer.
    pub fn new() -> Self {
        FlattenOptions::default().into_layer()
    }
}

impl Default for Flatten {
    fn default() -> Self {
        Self::new()
    }
}

impl Layer for FlattenOptions {
    type Output = Tensor;

    layer_methods!("Flatten");

    fn properties(&self) -> Properties {
        Properties::reshaping()
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = inputs.one()?;
        InputSpec::new().min_ndim(1).check("Flatten", &x.spec())?;
        let x = match (self.data_format, x.rank()) {
            (DataFormat::ChannelsFirst, rank @ 3..) => {
                let perm: Vec<usize> = [0].into_iter().chain(2..rank).chain([1]).collect();
                prim::transpose(x, &perm)?
            }
            _ => x.clone(),
        };
        if x.rank() == 1 {
            let dims: Vec<Dim> = vec![x.dim(0), Some(1)];
            return prim::reshape(&x, dims);
        }
        ops::flatten_from(&x, 1)
    }
}
