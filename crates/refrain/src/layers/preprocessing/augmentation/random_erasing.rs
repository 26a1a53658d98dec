//! Images with a rectangle that is painted over.

use super::options::{Factor, UNIT, ValueRange};
use super::{Draws, augmentation};
use crate::error::{Error, ErrorKind};
use crate::layers::Factors;
use crate::layers::preprocessing::images;
use crate::layers::regularization::noise;
use crate::ops::{self, prim};

augmentation! {
    /// Paints a rectangle of images over, with a probability that is drawn for each, while fitting.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)`, with channels first `(batch, channels, rows,
    /// columns)`; output of the same shape, in the layer's type. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::{Factors, RandomErasing}};
    /// let layer = RandomErasing::new().scale((0.1, 0.2)).fill_value(Factors::One(127.0));
    /// assert_eq!(layer.call(&input([28, 28, 3]))?.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/random_erasing.py`.
    random RandomErasing(), RandomErasingOptions {
        /// The probability, from 0 to 1: up to a number, or between two.
        factor: Factor = Factor::UpTo(1.0),
        /// The square of a side's share of the image's, from 0 to 1: up to a number, or between two.
        scale: Factor = Factor::Between(0.02, 0.33),
        /// The value of the rectangle, or one for each of three channels, which are last; by default noise.
        fill_value: Option<Factors> = None,
        /// The least and the largest value of the rectangle.
        value_range: ValueRange = ValueRange::BYTES,
    }
}

impl RandomErasingOptions {
    /// What is painted.
    fn fill(&self, x: &Tensor, noise: Option<&Tensor>) -> Result<Tensor> {
        let fill = match (&self.fill_value, noise) {
            (Some(fill), _) => prim::broadcast_to(&fill.like(x)?, &x.shape())?,
            (None, Some(noise)) => noise.clone(),
            (None, None) => prim::constant_like(x, 0.0)?,
        };
        Ok(self.value_range.clip(&fill))
    }
}

/// Which pixels lie in a rectangle, from the first to before the last row and column.
pub(super) fn inside(x: &Tensor, axes: [usize; 2], corners: [[&Tensor; 2]; 2]) -> Result<Tensor> {
    let parts = axes.into_iter().zip(corners).map(|(axis, [from, to])| {
        let mut shape = vec![Some(1); 4];
        shape[axis] = x.shape().dim(axis);
        let places = prim::iota(x, &shape.into(), x.dtype(), axis)?;
        let parts = [ops::greater_equal(&places, from), ops::less(&places, to)];
        ops::logical_and(&parts[0], &parts[1]).checked()
    });
    let parts = parts.collect::<Result<Vec<_>>>()?;
    ops::logical_and(&parts[0], &parts[1]).checked()
}

impl Augmentation for RandomErasingOptions {
    fn check(&self) -> Result<()> {
        self.factor.check("factor", UNIT)?;
        self.scale.check("scale", UNIT)?;
        self.value_range.check()?;
        match &self.fill_value {
            Some(Factors::Each(values)) if values.len() != 3 => Err(Error::mismatch(
                ErrorKind::Config,
                "a number or three numbers for option `fill_value`",
                format!("{values:?}"),
            )),
            _ => Ok(()),
        }
    }

    /// Whether to paint, the first and last column and row, and noise where it is wanted.
    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        let [rows, columns] = images::axes(draws.x, self.data_format)?;
        let mut drawn = vec![draws.chance(self.factor.range(UNIT))?];
        for axis in [columns, rows] {
            let size = draws.x.shape().dim(axis).unwrap_or(1) as f64;
            let length = draws.uniform(self.scale.range(UNIT))?.sqrt() * size;
            let start = draws.uniform(UNIT)? * (size - &length);
            drawn.extend([start.clone(), start + length]);
        }
        if self.fill_value.is_none() {
            drawn.push(noise::normal(draws.cx, draws.x, self.value_range.1)?);
        }
        Ok(drawn)
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        let axes = images::axes(x, self.data_format)?;
        let corners = [[&drawn[3], &drawn[4]], [&drawn[1], &drawn[2]]];
        let painted = ops::logical_and(&drawn[0], &inside(x, axes, corners)?);
        ops::where_(&painted, self.fill(x, drawn.get(5))?, x).checked()
    }
}
