//! Images with a rectangle of others.

use refrain_graph::DType;

use super::mixing::{mixing, of_labels, order};
use super::moves::sizes;
use super::options::{Factor, UNIT};
use super::random_erasing::inside;
use crate::layers::preprocessing::images;
use crate::ops::{self, gather_axis};
use crate::random;

mixing! {
    /// Pastes a rectangle of another image of the batch into each, and mixes their labels by its size, while fitting.
    ///
    /// Input `(batch, rows, columns, channels)`, or a dict of such `images` and `labels` `(batch, classes)`, with channels first
    /// `(batch, channels, rows, columns)`; output of the same structure and shapes, images in the layer's type. One image stays. No
    /// weights. Masks end here.
    ///
    /// ```
    /// use refrain::layers::CutMix;
    /// use refrain::{Structure, input};
    /// let batch = Structure::dict([("images", input([28, 28, 3]).into()), ("labels", input([10]).into())]);
    /// let y = CutMix::new().factor((0.5, 1.0)).call(batch)?;
    /// assert_eq!(y.flatten()[0].shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/cut_mix.py`.
    CutMix, CutMixOptions {
        /// The concentration of the distribution of sizes, from 0 to 1: up to a number, or between two.
        factor: Factor = Factor::UpTo(1.0),
    }
}

impl Augmentation for CutMixOptions {
    fn check(&self) -> Result<()> {
        self.factor.check("factor", UNIT)
    }

    /// The order of the others, and the first and the last column and row of the rectangles.
    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        let samples = draws.x.shape().dim(0);
        let alpha = draws.numbers(vec![Some(1)], self.factor.range(UNIT))? + 1e-6;
        let one = Some(1);
        let share = random::beta(
            [samples, one, one, one],
            &alpha,
            &alpha,
            DType::F32,
            draws.cx,
        );
        let ratio = (1.0 - share).sqrt();
        let mut drawn = vec![order(draws.cx, samples)?];
        let [rows, columns] = sizes(draws.x, self.data_format)?;
        for size in [columns, rows] {
            let length = &ratio * size;
            let start = draws.each(UNIT)? * (size - &length);
            drawn.extend([start.clone(), start + length]);
        }
        Ok(drawn)
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        let axes = images::axes(x, self.data_format)?;
        let corners = [[&drawn[3], &drawn[4]], [&drawn[1], &drawn[2]]];
        let pasted = inside(x, axes, corners)?;
        ops::where_(pasted, gather_axis(x, &drawn[0], 0)?, x).checked()
    }
}

impl Mixing for CutMixOptions {
    fn shares(&self, x: &Tensor, drawn: &[Tensor]) -> Result<(Tensor, Tensor)> {
        let [rows, columns] = sizes(x, self.data_format)?;
        let size = (&drawn[2] - &drawn[1]) * (&drawn[4] - &drawn[3]);
        Ok((
            drawn[0].clone(),
            of_labels(&(1.0 - size / (rows * columns)))?,
        ))
    }
}
