//! The changes that layers of several choose among.

use refrain_graph::DType;

use super::auto_contrast::AutoContrastOptions;
use super::equalization::EqualizationOptions;
use super::options::{Factor, UNIT, ValueRange};
use super::random_brightness::RandomBrightnessOptions;
use super::random_color_degeneration::RandomColorDegenerationOptions;
use super::random_contrast::RandomContrastOptions;
use super::random_posterization::RandomPosterizationOptions;
use super::random_rotation::RandomRotationOptions;
use super::random_sharpness::RandomSharpnessOptions;
use super::random_shear::RandomShearOptions;
use super::random_translation::RandomTranslationOptions;
use super::solarization::SolarizationOptions;
use super::{Augmentation, Draws};
use crate::error::Result;
use crate::layers::{DataFormat, Interpolation};
use crate::ops::{self, prim};
use crate::tensor::Tensor;

/// What they have in common.
pub(super) struct Strength {
    pub(super) factor: Factor,
    pub(super) value_range: ValueRange,
    pub(super) interpolation: Interpolation,
    pub(super) data_format: DataFormat,
}

/// Changes, each with how many tensors it draws.
pub(super) struct Parts(Vec<(Box<dyn Augmentation>, usize)>);

macro_rules! part {
    ($strength:ident, $count:literal, $options:ident { $($field:ident: $value:expr),* }) => {{
        #[allow(clippy::needless_update, reason = "some have no further options")]
        let options = $options {
            $($field: $value,)*
            data_format: $strength.data_format,
            ..$options::default()
        };
        (Box::new(options) as Box<dyn Augmentation>, $count)
    }};
}

impl Strength {
    /// Those that move pixels, then, if wanted, those that change shades, then those that give pixels values of other kinds.
    pub(super) fn parts(&self, shades: bool) -> Parts {
        let [low, high] = self.factor.range(UNIT);
        let (factor, value_range) = (Factor::Between(low, high), self.value_range);
        let interpolation = self.interpolation;
        let bits = Factor::UpTo((8.0 * high).floor().max(1.0));
        let moves = vec![
            part!(
                self,
                2,
                RandomShearOptions {
                    x_factor: factor,
                    y_factor: factor,
                    interpolation: interpolation
                }
            ),
            part!(
                self,
                2,
                RandomTranslationOptions {
                    height_factor: factor,
                    width_factor: factor,
                    interpolation: interpolation
                }
            ),
            part!(
                self,
                1,
                RandomRotationOptions {
                    factor: factor,
                    interpolation: interpolation
                }
            ),
        ];
        let of_shades = vec![
            part!(
                self,
                1,
                RandomBrightnessOptions {
                    factor: factor,
                    value_range: value_range
                }
            ),
            part!(
                self,
                1,
                RandomColorDegenerationOptions {
                    factor: factor,
                    value_range: value_range
                }
            ),
            part!(
                self,
                1,
                RandomContrastOptions {
                    factor: factor,
                    value_range: value_range
                }
            ),
            part!(
                self,
                1,
                RandomSharpnessOptions {
                    factor: factor,
                    value_range: value_range
                }
            ),
        ];
        let values = vec![
            part!(
                self,
                1,
                RandomPosterizationOptions {
                    factor: bits,
                    value_range: value_range
                }
            ),
            part!(
                self,
                2,
                SolarizationOptions {
                    addition_factor: factor,
                    threshold_factor: factor,
                    value_range: value_range
                }
            ),
            part!(
                self,
                0,
                AutoContrastOptions {
                    value_range: value_range
                }
            ),
            part!(
                self,
                0,
                EqualizationOptions {
                    value_range: value_range
                }
            ),
        ];
        let of_shades = if shades { of_shades } else { vec![] };
        Parts(moves.into_iter().chain(of_shades).chain(values).collect())
    }
}

impl Parts {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many tensors all of them draw.
    pub(super) fn draws(&self) -> usize {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// Refuses options that make no sense.
    pub(super) fn check(&self) -> Result<()> {
        self.0.iter().try_for_each(|(part, _)| part.check())
    }

    /// What all of them draw, side by side.
    pub(super) fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        let drawn = self.0.iter().map(|(part, _)| part.draw(draws));
        Ok(drawn.collect::<Result<Vec<_>>>()?.concat())
    }

    /// The images changed by the part of an index, a vector of one number; by an index beyond the parts not at all.
    pub(super) fn changed(
        &self,
        x: &Tensor,
        index: &Tensor,
        mut drawn: &[Tensor],
    ) -> Result<Tensor> {
        let mut y = x.clone();
        for (i, (part, count)) in self.0.iter().enumerate() {
            let (own, others) = drawn.split_at_checked(*count).unwrap_or((drawn, &[]));
            let changed = prim::convert(&part.transform(x, own)?, x.dtype())?;
            y = ops::where_(ops::equal(index, i as i64), changed, y).checked()?;
            drawn = others;
        }
        Ok(y)
    }
}

/// An index below a number for all images, a vector of one number.
pub(super) fn index(draws: &Draws, below: usize) -> Result<Tensor> {
    let place = draws.numbers(vec![Some(1)], [0.0, below as f64])?;
    ops::cast(
        ops::clip(place.floor(), 0.0, below as f64 - 1.0),
        DType::I32,
    )
    .checked()
}
