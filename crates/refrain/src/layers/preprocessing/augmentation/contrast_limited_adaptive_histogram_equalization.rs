//! Images whose values are equally frequent, tile by tile.

use refrain_graph::{DType, Literal};

use super::options::{BYTES, ValueRange, scaled};
use super::{Draws, augmentation};
use crate::config::Sizes;
use crate::error::{Error, ErrorKind};
use crate::ops::image::resize::pick;
use crate::ops::{self, gather_axis, prim, slice_traced};
use crate::utils::sizes;

augmentation! {
    /// Makes the values of each channel equally frequent in each tile of an image, up to a limit, while fitting and outside of it.
    /// Between the middles of tiles their maps are interpolated.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)`, with channels first `(batch, channels, rows,
    /// columns)`; output of the same shape, in the layer's type. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::ContrastLimitedAdaptiveHistogramEqualization};
    /// let layer = ContrastLimitedAdaptiveHistogramEqualization::new().clip_limit(2.0).tile_grid_size((4, 5));
    /// assert_eq!(layer.call(&input([28, 28, 3]))?.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/clahe.py`.
    ContrastLimitedAdaptiveHistogramEqualization(), ContrastLimitedAdaptiveHistogramEqualizationOptions {
        /// The least and the largest value of a pixel.
        value_range: ValueRange = ValueRange::BYTES,
        /// How often a value counts at most, in times of the mean; 0 is no limit.
        clip_limit: f64 = 4.0,
        /// How many tiles there are along rows and columns.
        tile_grid_size: Sizes<2> = Sizes([8, 8]),
    }
}

/// How many values a byte has.
const VALUES: usize = 256;

/// How tiles lie along one axis.
struct Along {
    tiles: usize,
    /// Pixels of a tile.
    size: usize,
}

impl Along {
    fn new(pixels: usize, tiles: usize) -> Self {
        Along {
            tiles,
            size: pixels.div_ceil(tiles),
        }
    }

    fn pixels(&self) -> usize {
        self.tiles * self.size
    }

    /// The tile of each pixel.
    fn own(&self) -> Vec<i32> {
        (0..self.pixels()).map(|i| (i / self.size) as i32).collect()
    }

    /// The tiles before and behind each pixel, and the share of the one behind.
    fn beside(&self) -> (Vec<i32>, Vec<i32>, Vec<f32>) {
        let size = self.size as f32;
        let places = (0..self.pixels()).map(|i| (i as f32 - size / 2.0) / size + 1.0);
        let tile = |place: f32| (place as i32 - 1).clamp(0, self.tiles as i32 - 1);
        let found = places.map(|place| {
            let before = place.floor();
            (tile(before), tile(before + 1.0), place - before)
        });
        let found: Vec<_> = found.collect();
        (
            found.iter().map(|f| f.0).collect(),
            found.iter().map(|f| f.1).collect(),
            found.iter().map(|f| f.2).collect(),
        )
    }
}

/// Numbers along an axis of images, as a constant of rank 4.
fn along<T: refrain_graph::Element>(x: &Tensor, axis: usize, numbers: Vec<T>) -> Result<Tensor> {
    let mut dims = [1; 4];
    dims[axis] = numbers.len();
    let literal = Literal::new(dims, numbers);
    let literal =
        literal.ok_or_else(|| Error::new(ErrorKind::Internal, "numbers of another count"))?;
    Ok(x.expect_traced()?.trace.constant(literal))
}

impl ContrastLimitedAdaptiveHistogramEqualizationOptions {
    /// Images `(batch, rows, columns, channels)` of bytes as floats.
    fn equalized(&self, x: &Tensor) -> Result<Tensor> {
        let sizes = [0, 1, 2, 3].map(|axis| x.shape().dim(axis));
        let [Some(samples), Some(rows), Some(columns), Some(channels)] = sizes else {
            return Ok(x.clone());
        };
        let [down, across] = self.tile_grid_size.0;
        let maps = [samples, down, across, channels, VALUES];
        sizes::check_memory("maps of tiles", &maps, 4)?;
        let places = maps.iter().fold(1_usize, |all, &n| all.saturating_mul(n));
        if i32::try_from(places).is_err() {
            let received = format!("{maps:?}");
            return Err(Error::mismatch(
                ErrorKind::Shape,
                "maps of less than 2^31 values",
                received,
            ));
        }
        let grid = [Along::new(rows, down), Along::new(columns, across)];
        let padded = mirrored(
            &mirrored(x, 1, rows, grid[0].pixels())?,
            2,
            columns,
            grid[1].pixels(),
        )?;
        let value = prim::convert(
            &ops::clip(&padded, BYTES[0], BYTES[1]).checked()?,
            DType::I32,
        )?;
        // Where the map of a tile has the value of each pixel.
        let place = |rows: Vec<i32>, columns: Vec<i32>| -> Result<Tensor> {
            let sample = along(&value, 0, (0..samples as i32).collect())? * down as i64;
            let tile =
                (sample + along(&value, 1, rows)?) * across as i64 + along(&value, 2, columns)?;
            let map = tile * channels as i64 + along(&value, 3, (0..channels as i32).collect())?;
            (map * VALUES as i64 + &value).checked()
        };
        let own = ops::reshape(&place(grid[0].own(), grid[1].own())?, [-1, 1]);
        let one = ops::squeeze(ops::ones_like(&own, Some(DType::F32)), 1);
        let counts = ops::scatter(&own, &one, [places]);
        let map = self.map(
            &ops::reshape(&counts, [-1, VALUES as i64]),
            grid[0].size * grid[1].size,
        );
        let map = ops::reshape(&map, [-1]).checked()?;
        let at = |rows: &[i32], columns: &[i32]| {
            gather_axis(&map, &place(rows.to_vec(), columns.to_vec())?, 0)
        };
        let ((above, below, low), (left, right, share)) = (grid[0].beside(), grid[1].beside());
        let (low, share) = (along(x, 1, low)?, along(x, 2, share)?);
        let between = |rows: &[i32]| -> Result<Tensor> {
            Ok(at(rows, &left)? * (1.0 - &share) + at(rows, &right)? * &share)
        };
        let y = between(&above)? * (1.0 - &low) + between(&below)? * &low;
        slice_traced(
            &slice_traced(&y.checked()?, 1, 0, Some(rows))?,
            2,
            0,
            Some(columns),
        )
    }

    /// What each value of each tile becomes, from how often it is there, among so many pixels.
    fn map(&self, counts: &Tensor, pixels: usize) -> Tensor {
        let pixels = pixels as f64;
        let counts = match self.clip_limit > 0.0 {
            true => {
                let clipped = ops::clip(counts, 0.0, self.clip_limit * pixels / VALUES as f64);
                let excess = ops::sum(counts - &clipped, -1, true);
                clipped + excess / VALUES as f64
            }
            false => counts.clone(),
        };
        let below = ops::cumsum(&counts, -1);
        let first = ops::min(&below, -1, true);
        let others = pixels - &first;
        let others = ops::where_(ops::equal(&others, 0.0), 1.0, others);
        ops::clip((below - first) * 255.0 / others, BYTES[0], BYTES[1])
    }
}

/// Rows or columns mirrored beyond the last one, to so many in all.
fn mirrored(x: &Tensor, axis: usize, size: usize, all: usize) -> Result<Tensor> {
    if size == all {
        return Ok(x.clone());
    }
    let place = |i: usize| match i % (2 * size) {
        i if i < size => i,
        i => 2 * size - 1 - i,
    };
    pick(x, axis, (0..all).map(place).collect())
}

impl Augmentation for ContrastLimitedAdaptiveHistogramEqualizationOptions {
    fn check(&self) -> Result<()> {
        self.value_range.check()?;
        match self.tile_grid_size.0.contains(&0) || !self.clip_limit.is_finite() {
            true => Err(Error::mismatch(
                ErrorKind::Config,
                "a positive `tile_grid_size` and a finite `clip_limit`",
                format!("{:?} and {}", self.tile_grid_size.0, self.clip_limit),
            )),
            false => Ok(()),
        }
    }

    fn draw(&self, _draws: &Draws) -> Result<Vec<Tensor>> {
        Ok(vec![])
    }

    fn transform(&self, x: &Tensor, _drawn: &[Tensor]) -> Result<Tensor> {
        let range = [self.value_range.0, self.value_range.1];
        let y = ops::channels_last(x, self.data_format, |x| {
            let wide = prim::convert(x, DType::F32)?;
            let y = self.equalized(&scaled(&wide, range, BYTES))?;
            scaled(&y, BYTES, range).checked()
        })?;
        prim::convert(&y, x.dtype())
    }

    fn always(&self) -> bool {
        true
    }

    fn keeps_integers(&self) -> bool {
        true
    }
}
