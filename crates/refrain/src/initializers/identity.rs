//! The identity matrix.

use refrain_graph::{DType, Literal};

use super::random::matrix_needed;
use super::{Initializer, InitializerClass, computed};
use crate::error::Result;
use crate::options;

options! {
    /// The identity matrix times `gain`.
    ///
    /// ```
    /// use refrain::{DType, initializers::{Identity, Initializer}};
    /// let matrix = Initializer::from(Identity::new(2.0)).sample(&[2, 2], DType::F32)?;
    /// assert_eq!(matrix.to_f64(), [2.0, 0.0, 0.0, 2.0]);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub struct Identity: Initializer [
        /// Factor that the matrix is multiplied by.
        gain: f64 = 1.0,
    ] {}
}

impl InitializerClass for Identity {
    fn sample(&self, shape: &[usize], dtype: DType) -> Result<Literal> {
        let &[rows, columns] = shape else {
            return Err(matrix_needed("Identity", shape));
        };
        let element = |i: usize| match i / columns == i % columns {
            true => self.gain,
            false => 0.0,
        };
        computed(shape, dtype, || {
            Ok((0..rows * columns).map(element).collect())
        })
    }
}
