//! Orthogonality penalties.

use super::{Regularizer, RegularizerClass};
use crate::config::words;
use crate::ops;
use crate::options;
use crate::tensor::Tensor;

/// What an [`OrthogonalRegularizer`] pulls towards right angles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrthogonalMode {
    /// The rows of a matrix.
    Rows,
    /// Its columns.
    Columns,
}

words! {
    OrthogonalMode, "rows or columns" { Rows = "rows", Columns = "columns" }
}

options! {
    /// `factor` times the mean absolute cosine between different rows (or columns) of a matrix.
    ///
    /// ```
    /// use refrain::{layers::Dense, regularizers::{OrthogonalMode, OrthogonalRegularizer}};
    /// let regularizer = OrthogonalRegularizer::new(0.01, OrthogonalMode::Columns);
    /// let layer = Dense::new(4).kernel_regularizer(regularizer);
    /// ```
    pub struct OrthogonalRegularizer: Regularizer [
        /// Regularization factor that the penalty is multiplied by.
        factor: f64 = 0.01,
        /// Whether the rows or the columns of the matrix are to be orthogonal.
        mode: OrthogonalMode = OrthogonalMode::Rows,
    ] {}
}

impl RegularizerClass for OrthogonalRegularizer {
    fn penalty(&self, x: &Tensor) -> Tensor {
        let x = match self.mode {
            OrthogonalMode::Rows => x.clone(),
            OrthogonalMode::Columns => ops::transpose(x, None),
        };
        let size = x.dim(0).unwrap_or(1) as f64;
        let normed = ops::l2_normalize(&x, 1);
        let cosines = ops::matmul(&normed, &ops::transpose(&normed, None));
        let total = ops::sum(&cosines.abs(), ops::Axes::All, false);
        let squares = ops::sum(&normed.square(), 1, false);
        let diagonal = ops::sum(&squares.abs(), ops::Axes::All, false);
        let pairs = (size * (size - 1.0) / 2.0).max(1.0);
        // As Keras: half of the matrix beside its diagonal, over the number of pairs.
        (total - diagonal) * (0.5 * self.factor / pairs)
    }
}
