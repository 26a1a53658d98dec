//! Images mixed with changed ones.

use refrain_graph::DType;

use super::options::{Factor, UNIT, ValueRange};
use super::parts::{Parts, Strength, index};
use super::{Draws, augmentation};
use crate::error::{Error, ErrorKind};
use crate::layers::Interpolation;
use crate::ops::{self, prim};
use crate::random;
use crate::utils::sizes;

augmentation! {
    /// Mixes images with changed ones, the ends of chains of changes, while fitting. Chains and shares are drawn for all of a batch.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)` of 1 or 3 channels, with channels first
    /// `(batch, channels, rows, columns)`; output of the same shape, in the layer's type and, while fitting, in the range of values. No
    /// weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::AugMix};
    /// let layer = AugMix::new().num_chains(2_usize).chain_depth(1_usize).all_ops(false);
    /// assert_eq!(layer.call(&input([28, 28, 3]))?.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/aug_mix.py`.
    random AugMix(), AugMixOptions {
        /// The least and the largest value of a pixel.
        value_range: ValueRange = ValueRange::BYTES,
        /// How many chains.
        num_chains: usize = 3,
        /// How many changes a chain has; each may be none.
        chain_depth: usize = 3,
        /// How strong they are, from 0 to 1: up to a number, or between two.
        factor: Factor = Factor::UpTo(0.3),
        /// The concentration of the shares' distributions: the larger, the more alike are the shares.
        alpha: f64 = 1.0,
        /// Whether brightness, colours, contrast and sharpness are changed too.
        all_ops: bool = true,
        /// What lies between the pixels: `Bilinear` or `Nearest`.
        interpolation: Interpolation = Interpolation::Bilinear,
    }
}

impl AugMixOptions {
    fn parts(&self) -> Parts {
        let strength = Strength {
            factor: self.factor,
            value_range: self.value_range,
            interpolation: self.interpolation,
            data_format: self.data_format,
        };
        strength.parts(self.all_ops)
    }
}

impl Augmentation for AugMixOptions {
    fn check(&self) -> Result<()> {
        self.factor.check("factor", UNIT)?;
        self.value_range.check()?;
        if self.num_chains == 0 || self.alpha <= 0.0 || !self.alpha.is_finite() {
            return Err(Error::mismatch(
                ErrorKind::Config,
                "one chain or more, and a positive `alpha`",
                format!("{} and {}", self.num_chains, self.alpha),
            ));
        }
        let changes = sizes::times(self.num_chains, self.chain_depth)?;
        sizes::check_iterations("chain_depth", changes)?;
        self.parts().check()
    }

    /// The shares of the chains, the share of the images, and for each change its index and what all changes draw.
    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        let parts = self.parts();
        let alpha = draws.numbers(vec![Some(1)], [self.alpha; 2])?;
        let shares = random::log_gamma(&[Some(self.num_chains)].into(), &alpha, draws.cx.into());
        let mut drawn = vec![
            ops::softmax(&shares, 0),
            random::beta([Some(1)], &alpha, &alpha, DType::F32, draws.cx),
        ];
        for _ in 0..self.num_chains * self.chain_depth {
            drawn.push(index(draws, parts.len() + 1)?);
            drawn.extend(parts.draw(draws)?);
        }
        Ok(drawn)
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        let parts = self.parts();
        let mut changes = drawn[2..].chunks(1 + parts.draws());
        let mut mixed = prim::constant_like(x, 0.0)?;
        for chain in 0..self.num_chains as i64 {
            let mut y = x.clone();
            for change in changes.by_ref().take(self.chain_depth) {
                y = parts.changed(&y, &change[0], &change[1..])?;
            }
            mixed = mixed + y * ops::slice_axis(&drawn[0], 0, Some(chain), Some(chain + 1));
        }
        let y = &drawn[1] * x + (1.0 - &drawn[1]) * mixed;
        prim::convert(&self.value_range.clip(&y).checked()?, x.dtype())
    }
}
