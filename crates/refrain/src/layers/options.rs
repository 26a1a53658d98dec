//! Options that layers of several families have.

use serde_json::Value as Json;

use crate::config::{ConfigValue, unexpected, words};
use crate::error::Result;

/// Where the channels are in a tensor of images or sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum DataFormat {
    /// `(batch, …, channels)`.
    #[default]
    ChannelsLast,
    /// `(batch, channels, …)`.
    ChannelsFirst,
}

impl DataFormat {
    /// The first of the spatial axes.
    pub(crate) fn first_spatial_axis(self) -> usize {
        match self {
            DataFormat::ChannelsLast => 1,
            DataFormat::ChannelsFirst => 2,
        }
    }
}

impl ConfigValue for DataFormat {
    fn to_json(&self) -> Json {
        match self {
            DataFormat::ChannelsLast => "channels_last".into(),
            DataFormat::ChannelsFirst => "channels_first".into(),
        }
    }

    fn from_json(json: &Json) -> Result<Self> {
        match json.as_str() {
            None if json.is_null() => Ok(DataFormat::default()),
            Some("channels_last") => Ok(DataFormat::ChannelsLast),
            Some("channels_first") => Ok(DataFormat::ChannelsFirst),
            _ => Err(unexpected("channels_last or channels_first", json)),
        }
    }
}

/// What lies between the pixels of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Interpolation {
    /// Straight lines.
    #[default]
    Bilinear,
    /// The nearest pixel.
    Nearest,
    /// Cubic curves.
    Bicubic,
    /// Lanczos's kernel over 3 pixels to each side.
    Lanczos3,
    /// Lanczos's kernel over 5 pixels to each side.
    Lanczos5,
}

words! {
    Interpolation, "bilinear, nearest, bicubic, lanczos3 or lanczos5" {
        Bilinear = "bilinear", Nearest = "nearest", Bicubic = "bicubic", Lanczos3 = "lanczos3", Lanczos5 = "lanczos5"
    }
}

/// What lies beyond the edges of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum FillMode {
    /// One value: `k k k | a b c | k k k`.
    #[default]
    Constant,
    /// The nearest pixel: `a a a | a b c | c c c`.
    Nearest,
    /// The image again: `a b c | a b c | a b c`.
    Wrap,
    /// The image mirrored in its last pixel: `b c b | a b c | b a b`.
    Mirror,
    /// The image mirrored beyond its last pixel: `c b a | a b c | c b a`.
    Reflect,
}

words! {
    FillMode, "constant, nearest, wrap, mirror or reflect" {
        Constant = "constant", Nearest = "nearest", Wrap = "wrap", Mirror = "mirror", Reflect = "reflect"
    }
}

/// What a window does at the edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Padding {
    /// Stays inside.
    #[default]
    Valid,
    /// Zeros are added on both sides (the odd one at the end), so that at stride 1 the size stays.
    Same,
    /// Zeros are added in front only, so that no output sees a later input. One-dimensional convolutions only.
    Causal,
}

impl Padding {
    /// Elements added before and after an axis of this size. An unknown size counts as one that needs none.
    pub(crate) fn amounts(
        self,
        size: Option<usize>,
        window: usize,
        stride: usize,
        dilation: usize,
    ) -> (usize, usize) {
        let reach = dilation.saturating_mul(window.saturating_sub(1));
        match (self, size) {
            (Padding::Valid, _) | (Padding::Same, None | Some(0)) => (0, 0),
            (Padding::Causal, _) => (reach, 0),
            (Padding::Same, Some(size)) => {
                let last_start = (size - 1) / stride.max(1) * stride;
                let end = last_start.saturating_add(reach).saturating_add(1);
                let total = end.saturating_sub(size);
                (total / 2, total - total / 2)
            }
        }
    }
}

impl ConfigValue for Padding {
    fn to_json(&self) -> Json {
        match self {
            Padding::Valid => "valid".into(),
            Padding::Same => "same".into(),
            Padding::Causal => "causal".into(),
        }
    }

    fn from_json(json: &Json) -> Result<Self> {
        match json.as_str().map(str::to_lowercase).as_deref() {
            Some("valid") => Ok(Padding::Valid),
            Some("same") => Ok(Padding::Same),
            Some("causal") => Ok(Padding::Causal),
            _ => Err(unexpected("valid, same or causal", json)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_puts_the_odd_element_at_the_end() {
        assert_eq!(Padding::Same.amounts(Some(6), 3, 2, 1), (0, 1));
        assert_eq!(Padding::Same.amounts(Some(6), 4, 1, 1), (1, 2));
        assert_eq!(Padding::Same.amounts(Some(6), 3, 1, 2), (2, 2));
        assert_eq!(Padding::Same.amounts(Some(5), 1, 2, 1), (0, 0));
    }

    #[test]
    fn causal_padding_is_in_front() {
        assert_eq!(Padding::Causal.amounts(Some(6), 3, 1, 2), (4, 0));
    }
}
