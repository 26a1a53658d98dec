//! Parts of images.

use refrain_graph::DType;

use super::{Draws, augmentation};
use crate::layers::Interpolation;
use crate::layers::preprocessing::images;
use crate::ops::{self, gather_axis, prim};

augmentation! {
    /// A part of images, at a place that is drawn for all of a batch, while fitting.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)`, with channels first `(batch, channels, rows,
    /// columns)`; output with `height` rows and `width` columns, in the layer's type. Of images that have not more rows and more
    /// columns than that a part from the middle, resized. No weights. Masks end here.
    ///
    /// As in Keras 3.15 images stay as they are outside of fitting, although a model counts on the part: one that is not made
    /// for any size of images can be fitted, but predicts only what has the size already.
    ///
    /// ```
    /// use refrain::{input, layers::RandomCrop};
    /// let y = RandomCrop::new(24_usize, 20_usize).call(&input([28, 28, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 24, 20, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/random_crop.py`.
    random RandomCrop(height: usize, width: usize), RandomCropOptions {
        /// Rows of the part.
        height: usize = 0,
        /// Columns of the part.
        width: usize = 0,
    }
}

impl RandomCropOptions {
    /// How many rows and columns more there are than in the part, if both are.
    fn rest(&self, x: &Tensor) -> Result<Option<[usize; 2]>> {
        let axes = images::axes(x, self.data_format)?;
        Ok(images::sizes_along(x, axes).and_then(|[rows, columns]| {
            let more = |size: usize, part: usize| size.checked_sub(part).filter(|&rest| rest > 0);
            Some([more(rows, self.height)?, more(columns, self.width)?])
        }))
    }

    /// A part from the middle, resized.
    fn middle(&self, x: &Tensor) -> Result<Tensor> {
        let (axes, size) = (
            images::axes(x, self.data_format)?,
            [self.height, self.width],
        );
        let Some(given) = images::sizes_along(x, axes) else {
            return images::of_size(x, axes, size);
        };
        let mut part = x.clone();
        for (i, wanted) in images::in_ratio(given, size).into_iter().enumerate() {
            let start = (given[i] - given[i].min(wanted).max(1)) / 2;
            part = images::part(&part, axes[i], start, size[i].min(given[i] - start))?;
        }
        images::resized(&part, axes, size, (Interpolation::Bilinear, false))
    }
}

impl Augmentation for RandomCropOptions {
    fn check(&self) -> Result<()> {
        images::check_size([self.height, self.width])
    }

    /// The first row and column, if there is a choice.
    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        let rest = self.rest(draws.x)?;
        let drawn = rest.into_iter().flatten().map(|rest| {
            let place = draws.numbers(vec![Some(1)], [0.0, rest as f64 + 1.0])?;
            ops::cast(ops::clip(place.floor(), 0.0, rest as f64), DType::I32).checked()
        });
        drawn.collect()
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        if self.rest(x)?.is_none() {
            return self.middle(x);
        }
        let axes = images::axes(x, self.data_format)?.into_iter();
        let mut parts = axes.zip([self.height, self.width]).zip(drawn);
        parts.try_fold(x.clone(), |x, ((axis, size), first)| {
            let places = prim::iota(&x, &[size].into(), DType::I32, 0)? + first;
            gather_axis(&x, &places.checked()?, axis)
        })
    }

    /// A batch of a number that is not known yet is one of a model that is being made.
    fn unchanged(&self, x: &Tensor) -> Result<Tensor> {
        match x.shape().dim(0) {
            None => images::of_size(
                x,
                images::axes(x, self.data_format)?,
                [self.height, self.width],
            ),
            Some(_) => Ok(x.clone()),
        }
    }
}
