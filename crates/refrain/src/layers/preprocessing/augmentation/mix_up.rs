//! Images that are mixed with others.

use refrain_graph::DType;

use super::mixing::{mixing, of_labels, order};
use crate::error::{Error, ErrorKind};
use crate::ops::{self, gather_axis};
use crate::random;

mixing! {
    /// Mixes each image of a batch with another, and their labels alike, in shares that are drawn for each, while fitting.
    ///
    /// Input `(batch, rows, columns, channels)`, or a dict of such `images` and `labels` `(batch, classes)`, with channels first
    /// `(batch, channels, rows, columns)`; output of the same structure and shapes, images in the layer's type. One image stays. No
    /// weights. Masks end here.
    ///
    /// ```
    /// use refrain::layers::MixUp;
    /// use refrain::{Structure, input};
    /// let batch = Structure::dict([("images", input([28, 28, 3]).into()), ("labels", input([10]).into())]);
    /// let y = MixUp::new().alpha(0.4).call(batch)?;
    /// assert_eq!(y.flatten()[1].shape().to_string(), "(None, 10)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/mix_up.py`.
    MixUp, MixUpOptions {
        /// The concentration of the shares' distribution: the larger, the more images are mixed half and half.
        alpha: f64 = 0.2,
    }
}

impl Augmentation for MixUpOptions {
    fn check(&self) -> Result<()> {
        match self.alpha > 0.0 && self.alpha.is_finite() {
            true => Ok(()),
            false => {
                let received = self.alpha.to_string();
                Err(Error::mismatch(
                    ErrorKind::Config,
                    "a positive `alpha`",
                    received,
                ))
            }
        }
    }

    /// The order of the others, and the shares.
    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        let samples = draws.x.shape().dim(0);
        let alpha = draws.numbers(vec![Some(1)], [self.alpha; 2])?;
        let one = Some(1);
        let shares = random::beta(
            [samples, one, one, one],
            &alpha,
            &alpha,
            DType::F32,
            draws.cx,
        );
        Ok(vec![order(draws.cx, samples)?, shares])
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        let share = ops::cast(&drawn[1], x.dtype());
        let others = gather_axis(x, &drawn[0], 0)?;
        (&share * x + (1.0 - &share) * others).checked()
    }
}

impl Mixing for MixUpOptions {
    fn shares(&self, _x: &Tensor, drawn: &[Tensor]) -> Result<(Tensor, Tensor)> {
        Ok((drawn[0].clone(), of_labels(&drawn[1])?))
    }
}
