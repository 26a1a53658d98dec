//! Products of two tensors along an axis of each.

use refrain_graph::{Dim, DotDims};

use super::base_merge::{listed, shapes};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::{Call, Layer, layer_methods, layer_options};
use crate::ops::{self, Axes, prim};
use crate::structure::Structure;
use crate::tensor::{Tensor, resolve_axis};

layer_options! {
    /// The dot products of two tensors, sample by sample, along one axis of each.
    ///
    /// Input: two tensors of rank 2 or more and one batch size. Output: the batch, the other axes of the first, the
    /// other axes of the second; `(batch, 1)` if there are no other axes. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::Dot};
    /// let (a, b) = (input([3, 5]), input([10, 3]));
    /// let y = Dot::new([1, 2]).call([&a, &b])?;
    /// assert_eq!(y.shape().to_string(), "(None, 5, 10)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/merging/dot.py`.
    Dot, DotOptions {
        /// Axis that the dot product sums over: one for both inputs, or a pair with one of each; not the batch axis 0.
        axes: Axes = Axes::from(-1),
        /// Whether vectors along the axes are L2-normalized first, so that the output is their cosine similarity.
        normalize: bool = false,
    }
}

impl Dot {
    /// A layer that sums over these axes.
    pub fn new(axes: impl Into<Axes>) -> Self {
        DotOptions {
            axes: axes.into(),
            ..DotOptions::default()
        }
        .into_layer()
    }
}

/// The dot products of two tensors, sample by sample; see [`Dot`].
pub fn dot(inputs: impl Into<Structure<Tensor>>, axes: impl Into<Axes>) -> Result<Tensor> {
    Dot::new(axes).call(Inputs::new(inputs))
}

impl Layer for DotOptions {
    type Output = Tensor;

    layer_methods!("Dot");

    fn validate(&self) -> Result<()> {
        match &self.axes {
            Axes::Only(axes) if matches!(axes.len(), 1 | 2) => Ok(()),
            axes => Err(Error::mismatch(
                ErrorKind::Config,
                "one axis, or one of each input",
                format!("{axes:?}"),
            )),
        }
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let xs = listed(inputs)?;
        let [a, b] = xs[..] else {
            let received = xs.len().to_string();
            return Err(Error::mismatch(
                ErrorKind::Structure,
                "exactly 2 input tensors",
                received,
            ));
        };
        let (i, j) = self.resolved(a, b)?;
        let prepared = |x: &Tensor, axis: usize| match self.normalize {
            true => ops::normalize(x, axis as i64, 2, None),
            false => x.clone(),
        };
        let dtype = prim::promote(a.dtype(), b.dtype());
        let (a, b) = (prim::convert(a, dtype)?, prim::convert(b, dtype)?);
        let dims = DotDims {
            lhs_batch: vec![0],
            rhs_batch: vec![0],
            lhs_contracting: vec![i],
            rhs_contracting: vec![j],
        };
        let product = ops::dot_general(&prepared(&a, i), &prepared(&b, j), dims)?;
        if product.rank() > 1 {
            return Ok(product);
        }
        let dims: Vec<Dim> = vec![product.dim(0), Some(1)];
        prim::reshape(&product, dims)
    }

    fn compute_mask(
        &self,
        _cx: &Call,
        _inputs: &Inputs,
        outputs: &[Tensor],
    ) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![None; outputs.len()])
    }

    fn supports_masking(&self) -> bool {
        true
    }
}

impl DotOptions {
    /// The axis of each input.
    fn resolved(&self, a: &Tensor, b: &Tensor) -> Result<(usize, usize)> {
        let axes = match &self.axes {
            Axes::Only(axes) => axes.clone(),
            Axes::All => Vec::new(),
        };
        let (i, j) = match axes[..] {
            [axis] => (axis, axis),
            [i, j] => (i, j),
            _ => return self.validate().map(|()| (0, 0)),
        };
        let (i, j) = (resolve_axis(i, a.rank())?, resolve_axis(j, b.rank())?);
        let refused = |expected: &str| {
            let received = format!("axes {i} and {j} of shapes {}", shapes(&[a, b]));
            let error = Error::mismatch(ErrorKind::Shape, expected, received);
            Err(error.hint("Choose other `axes`, or bring the inputs to fitting sizes first"))
        };
        if i == 0 || j == 0 {
            return refused("axes but the batch axis 0");
        }
        let (m, n) = (a.shape().dim(i), b.shape().dim(j));
        if m.is_some() && n.is_some() && m != n {
            return refused("axes of one size");
        }
        if let (Some(m), Some(n)) = (a.dim(0), b.dim(0))
            && m != n
        {
            return refused("inputs of one batch size");
        }
        Ok((i, j))
    }
}
