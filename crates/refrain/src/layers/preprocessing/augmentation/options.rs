//! Ranges that numbers are drawn from, and that pixels lie in.

use serde_json::Value as Json;

use crate::config::{ConfigValue, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::ops;
use crate::tensor::Tensor;

/// The range of bytes.
pub(super) const BYTES: [f64; 2] = [0.0, 255.0];

/// Factors from 0 to 1.
pub(super) const UNIT: [f64; 2] = [0.0, 1.0];
/// Factors from -1 to 1.
pub(super) const SIGNED: [f64; 2] = [-1.0, 1.0];

/// Where a factor is drawn: up to a number, or between two.
///
/// ```
/// use refrain::layers::RandomBrightness;
/// let both_ways = RandomBrightness::new(0.2);
/// let brighter = RandomBrightness::new((0.1, 0.2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Factor {
    /// Between the negative number, or the least that the layer takes, and the number.
    UpTo(f64),
    /// Between two numbers.
    Between(f64, f64),
}

impl Factor {
    /// The least and the largest, of a layer that takes factors between these bounds.
    pub(super) fn range(self, [least, _]: [f64; 2]) -> [f64; 2] {
        match self {
            Factor::UpTo(factor) => [(-factor.abs()).max(least), factor.abs()],
            Factor::Between(a, b) => [a.min(b), a.max(b)],
        }
    }

    /// Refuses what is out of the bounds.
    pub(super) fn check(self, option: &str, [least, most]: [f64; 2]) -> Result<()> {
        let fits = match self {
            Factor::UpTo(factor) => (least..=most).contains(&factor),
            Factor::Between(a, b) => a <= most && b >= least && (b - a).is_finite(),
        };
        self.expect(fits, option, [least, most])
    }

    /// Refuses it if any of its numbers is out of the bounds.
    pub(super) fn check_both(self, option: &str, [least, most]: [f64; 2]) -> Result<()> {
        let bounds = least..=most;
        let fits = match self {
            Factor::UpTo(factor) => bounds.contains(&factor),
            Factor::Between(a, b) => bounds.contains(&a) && bounds.contains(&b),
        };
        self.expect(fits, option, [least, most])
    }

    fn expect(self, fits: bool, option: &str, [least, most]: [f64; 2]) -> Result<()> {
        match fits {
            true => Ok(()),
            false => Err(Error::mismatch(
                ErrorKind::Config,
                format!("a number or two numbers from {least} to {most} for option `{option}`"),
                format!("{self:?}"),
            )),
        }
    }
}

impl From<f64> for Factor {
    fn from(factor: f64) -> Self {
        Factor::UpTo(factor)
    }
}

impl From<(f64, f64)> for Factor {
    fn from((low, high): (f64, f64)) -> Self {
        Factor::Between(low, high)
    }
}

/// Two numbers of a list.
fn pair(json: &Json) -> Result<[f64; 2]> {
    let numbers = Vec::<f64>::from_json(json)?;
    <[f64; 2]>::try_from(numbers).map_err(|_| unexpected("two numbers", json))
}

impl ConfigValue for Factor {
    fn to_json(&self) -> Json {
        match *self {
            Factor::UpTo(factor) => factor.into(),
            Factor::Between(low, high) => vec![low, high].into(),
        }
    }

    fn from_json(json: &Json) -> Result<Self> {
        match json {
            Json::Array(_) => pair(json).map(|[low, high]| Factor::Between(low, high)),
            json => f64::from_json(json).map(Factor::UpTo),
        }
    }
}

/// The least and the largest value of a pixel.
///
/// ```
/// use refrain::layers::RandomInvert;
/// let of_shares = RandomInvert::new().value_range((0.0, 1.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValueRange(pub f64, pub f64);

impl ValueRange {
    /// From 0 to 255.
    pub(super) const BYTES: ValueRange = ValueRange(BYTES[0], BYTES[1]);

    /// The lower one first.
    pub(super) fn sorted(self) -> [f64; 2] {
        [self.0.min(self.1), self.0.max(self.1)]
    }

    pub(super) fn clip(self, x: &Tensor) -> Tensor {
        ops::clip(x, self.sorted()[0], self.sorted()[1])
    }

    /// Refuses a range without an extent.
    pub(super) fn check(self) -> Result<()> {
        let [low, high] = self.sorted();
        match low < high && low.is_finite() && high.is_finite() {
            true => Ok(()),
            false => Err(Error::mismatch(
                ErrorKind::Config,
                "two different numbers for option `value_range`",
                format!("({}, {})", self.0, self.1),
            )),
        }
    }
}

impl From<(f64, f64)> for ValueRange {
    fn from((low, high): (f64, f64)) -> Self {
        ValueRange(low, high)
    }
}

impl ConfigValue for ValueRange {
    fn to_json(&self) -> Json {
        vec![self.0, self.1].into()
    }

    fn from_json(json: &Json) -> Result<Self> {
        pair(json).map(|[low, high]| ValueRange(low, high))
    }
}

/// Values of one range in another.
pub(super) fn scaled(x: &Tensor, from: [f64; 2], to: [f64; 2]) -> Tensor {
    match from == to {
        true => x.clone(),
        false => (x - from[0]) / (from[1] - from[0]) * (to[1] - to[0]) + to[0],
    }
}
