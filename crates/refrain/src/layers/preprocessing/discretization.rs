//! Numbers as the bins that they are in.

use ndarray::{ArrayBase, Data, Dimension};
use refrain_graph::{Comparison, DType, Literal, Reduction, UnaryOp};

use super::categorical::{OutputMode, encode};
use super::quantiles::boundaries;
use crate::data::Sample;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::{Call, Layer, Properties, layer_methods, layer_options};
use crate::ops::{prim, reduce};
use crate::tensor::Tensor;

layer_options! {
    /// The numbers of the bins that values are in, or vectors of them.
    ///
    /// Input `(batch, …)`, output of the same shape, integers: how many of the `bin_boundaries` a value has reached. Other output
    /// modes give vectors as a [`CategoryEncoding`](super::CategoryEncoding) does. The boundaries are in ascending order (or all in
    /// descending order), or [`adapt`](Self::adapt) finds them. No weights. Masks end here.
    ///
    /// ```
    /// use ndarray::array;
    /// use refrain::{input, layers::{Discretization, OutputMode}};
    /// let layer = Discretization::new([0.0, 0.5, 1.0]);
    /// assert_eq!(layer.call(&input([4]))?.dtype(), refrain::DType::I32);
    ///
    /// let quartiles = Discretization::with_bins(4).adapt(&array![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0_f32])?;
    /// let y = quartiles.output_mode(OutputMode::OneHot).call(&input([4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 4, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/discretization.py`.
    Discretization, DiscretizationOptions {
        /// The values that bins begin at.
        bin_boundaries: Option<Vec<f64>> = None,
        /// Number of bins that `adapt` looks for.
        num_bins: Option<usize> = None,
        /// How far the part of the data below a boundary may be from what it should be.
        epsilon: f64 = 0.01,
        /// What the layer gives.
        output_mode: OutputMode = OutputMode::Int,
        /// Keras's option for sparse tensors, which do not exist here.
        sparse: bool = false,
    }
}

impl Discretization {
    /// A layer of bins that begin at these values, the first below them all.
    pub fn new(bin_boundaries: impl Into<Vec<f64>>) -> Self {
        DiscretizationOptions {
            bin_boundaries: Some(bin_boundaries.into()),
            ..DiscretizationOptions::default()
        }
        .into_layer()
    }

    /// A layer of so many bins, which [`adapt`](Self::adapt) gives their boundaries.
    pub fn with_bins(num_bins: usize) -> Self {
        DiscretizationOptions {
            num_bins: Some(num_bins),
            ..DiscretizationOptions::default()
        }
        .into_layer()
    }

    /// The layer with boundaries between which about equal parts of the data are. Data of few values may have fewer bins.
    ///
    /// # Errors
    /// The layer has no `num_bins`, or the data are empty.
    pub fn adapt<T: Sample, S: Data<Elem = T>, D: Dimension>(
        self,
        data: &ArrayBase<S, D>,
    ) -> Result<Self> {
        let options = self.options();
        options.check()?;
        let bins = options.num_bins.ok_or_else(|| {
            Error::mismatch(
                ErrorKind::Config,
                "option `num_bins` to adapt to data",
                "none",
            )
        })?;
        let values = Literal::new(vec![data.len()], data.iter().copied().collect::<Vec<T>>());
        let values = values.map(|values| values.convert(DType::F32));
        let values = values
            .as_ref()
            .and_then(Literal::values::<f32>)
            .unwrap_or_default();
        let found = boundaries(values, bins, options.epsilon)?;
        Ok(self.edit(|options| options.bin_boundaries = Some(found)))
    }
}

impl DiscretizationOptions {
    /// Refuses options that make no sense, whether or not there are boundaries.
    fn check(&self) -> Result<()> {
        let error = |expected: &str, received: String| {
            Err(Error::mismatch(ErrorKind::Config, expected, received))
        };
        if self.sparse {
            return error(
                "`sparse` to be false, as there are no sparse tensors",
                "true".to_owned(),
            );
        }
        if !(self.epsilon > 0.0 && self.epsilon <= 1.0) {
            return error(
                "a number above 0 and at most 1 for option `epsilon`",
                self.epsilon.to_string(),
            );
        }
        if self.num_bins.is_none() && self.bin_boundaries.is_none() {
            return error(
                "option `num_bins` or `bin_boundaries`",
                "neither".to_owned(),
            );
        }
        let found = self.bin_boundaries.as_deref().unwrap_or_default();
        match found.is_sorted() || found.is_sorted_by(|a, b| a >= b) {
            true => Ok(()),
            false => error("boundaries of bins in order", format!("{found:?}")),
        }
    }
}

impl Layer for DiscretizationOptions {
    type Output = Tensor;

    layer_methods!("Discretization");

    fn properties(&self) -> Properties {
        Properties {
            plain_config: true,
            ..Properties::default()
        }
    }

    fn validate(&self) -> Result<()> {
        self.check()?;
        match self.bin_boundaries {
            Some(_) => Ok(()),
            None => Err(
                Error::mismatch(ErrorKind::State, "boundaries of bins", "none")
                    .hint("Give `bin_boundaries`, or call `adapt` before the layer is used"),
            ),
        }
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = &cx.floats(inputs.one()?)?;
        let found = self.bin_boundaries.clone().unwrap_or_default();
        let descending = found.first() > found.last();
        let depth = found.len() + 1;
        let literal = Literal::new(vec![found.len()], found);
        let literal = literal
            .ok_or_else(|| Error::new(ErrorKind::Internal, "boundaries of another number"))?;
        let found = cx.constant(literal.convert(DType::F32));
        let mut dims = x.shape().dims().to_vec();
        dims.push(Some(1));
        let column = prim::reshape(x, dims)?;
        let below = prim::compare(Comparison::Lt, &column, &found)?;
        let reached = match descending {
            true => below,
            // A value that is no number is above all others.
            false => prim::unary(UnaryOp::Not, &below)?,
        };
        let reached = prim::convert(&reached, DType::I32)?;
        let bins = reduce(&reached, Reduction::Sum, &[x.rank()], false)?;
        encode(&bins, self.output_mode, depth, cx.layer.dtype(), None)
    }
}
