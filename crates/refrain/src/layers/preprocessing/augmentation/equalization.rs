//! Images whose values are as frequent as each other.

use refrain_graph::DType;

use super::options::{BYTES, ValueRange};
use super::{Draws, augmentation};
use crate::error::{Error, ErrorKind};
use crate::ops::{self, Axes, image::colors};

augmentation! {
    /// Spreads the values of each channel so that they are as frequent as each other in the batch, while fitting.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)`, with channels first `(batch, channels, rows,
    /// columns)`; output of the same shape, in the layer's type. A channel of one value stays. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::Equalization};
    /// let y = Equalization::new().bins(64usize).call(&input([28, 28, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/equalization.py`.
    Equalization(), EqualizationOptions {
        /// The least and the largest value of a pixel.
        value_range: ValueRange = ValueRange::BYTES,
        /// How many bins values are counted in.
        bins: usize = 256,
    }
}

/// Values of one range in another, rounded as Keras's here.
fn mapped(x: &Tensor, from: [f64; 2], to: [f64; 2]) -> Tensor {
    let scale = (to[1] - to[0]) / (from[1] - from[0]);
    x * scale + (to[0] - from[0] * scale)
}

impl EqualizationOptions {
    /// One channel of all images.
    fn equalized(&self, x: &Tensor) -> Tensor {
        let last = self.bins as f64 - 1.0;
        let bin = ops::cast(x * last / BYTES[1], DType::I32);
        let bin = ops::reshape(ops::clip(bin, 0.0, last), [-1, 1]);
        let one = ops::squeeze(ops::ones_like(&bin, None), 1);
        let counts = ops::scatter(&bin, &one, [self.bins]);
        let below = ops::cumsum(&counts, 0);
        let all = ops::max(&below, Axes::All, false);
        let first = ops::where_(ops::greater(&below, 0), &below, &all);
        let first = ops::min(&first, Axes::All, false);
        let others = ops::maximum(&(&all - &first), 1);
        let float = |x: &Tensor| ops::cast(x, DType::F32);
        let table = float(&((below - first) * 255)) / float(&others);
        let table = ops::clip(ops::round(&table, 0), BYTES[0], BYTES[1]);
        let places = ops::clip(x / BYTES[1] * last, 0.0, last);
        let equal = ops::take(&table, &ops::cast(places, DType::I32), 0);
        let one_value = ops::less_equal(&ops::count_nonzero(&counts, Axes::All), 1);
        ops::where_(&one_value, x, equal)
    }
}

impl Augmentation for EqualizationOptions {
    fn check(&self) -> Result<()> {
        self.value_range.check()?;
        match (1..=1 << 24).contains(&self.bins) {
            true => Ok(()),
            false => Err(Error::mismatch(
                ErrorKind::Config,
                "from 1 to 2^24 `bins`",
                self.bins.to_string(),
            )),
        }
    }

    fn draw(&self, _draws: &Draws) -> Result<Vec<Tensor>> {
        Ok(vec![])
    }

    fn transform(&self, x: &Tensor, _drawn: &[Tensor]) -> Result<Tensor> {
        let (axis, range) = (colors::axis(self.data_format), self.value_range.sorted());
        let Some(channels) = x.dim(axis) else {
            return Ok(x.clone());
        };
        // Bins are counted in `float32`, whatever the layer's type.
        let wide = ops::cast(x, DType::F32);
        let equalized = ops::split(mapped(&wide, range, BYTES), channels, axis)
            .iter()
            .map(|channel| self.equalized(channel))
            .collect::<Vec<_>>();
        let equalized = mapped(&ops::concatenate(equalized, axis), BYTES, range);
        ops::cast(equalized, x.dtype()).checked()
    }
}
