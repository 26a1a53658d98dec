//! The kernel of a short-time Fourier transform.

use std::f64::consts::PI;

use refrain_graph::{DType, Literal};
use serde_json::Value as Json;

use super::{Initializer, InitializerClass, real, windows};
use crate::config::{ConfigValue, unexpected, words};
use crate::error::{Error, ErrorKind, Result};
use crate::options;

/// Which part of the complex waves an [`Stft`] makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StftSide {
    /// Cosines.
    Real,
    /// Sines, negated.
    Imag,
}

/// What an [`Stft`] divides its window by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StftScaling {
    /// The root of the sum of its squares.
    Density,
    /// The sum of its absolute values.
    Spectrum,
}

/// The window of an [`Stft`].
#[derive(Clone, Debug, PartialEq)]
pub enum StftWindow {
    /// A window of SciPy that needs no parameter, by any of its names there: `hann`, `hamming`, `blackman`, … The endings
    /// `_periodic` and `_symmetric` overrule the initializer's `periodic`.
    Named(String),
    /// The values themselves, as many as a frame is long.
    Values(Vec<f64>),
}

impl From<&str> for StftWindow {
    fn from(name: &str) -> Self {
        StftWindow::Named(name.to_owned())
    }
}

impl From<Vec<f64>> for StftWindow {
    fn from(values: Vec<f64>) -> Self {
        StftWindow::Values(values)
    }
}

impl StftWindow {
    fn values(&self, frame: usize, periodic: bool) -> Result<Vec<f64>> {
        match self {
            StftWindow::Named(name) => windows::named(name, frame, periodic),
            StftWindow::Values(values) if values.len() == frame => Ok(values.clone()),
            StftWindow::Values(values) => Err(Error::mismatch(
                ErrorKind::Config,
                format!("a window of {frame} values for the initializer STFT"),
                format!("{} values", values.len()),
            )),
        }
    }
}

impl ConfigValue for StftWindow {
    fn to_json(&self) -> Json {
        match self {
            StftWindow::Named(name) => Json::from(name.as_str()),
            StftWindow::Values(values) => values.to_json(),
        }
    }

    /// A name, or a list, tuple or array of Keras's.
    fn from_json(json: &Json) -> Result<Self> {
        match json {
            Json::String(name) => {
                windows::named(name, 1, false)?;
                Ok(StftWindow::Named(name.clone()))
            }
            Json::Array(_) => Vec::from_json(json).map(StftWindow::Values),
            _ => match json["class_name"].as_str() {
                Some("__numpy__" | "__tensor__") => Self::from_json_list(&json["config"]["value"]),
                Some("__tuple__") => Self::from_json_list(&json["items"]),
                _ => Err(unexpected("the name of a window, or its values", json)),
            },
        }
    }
}

impl StftWindow {
    fn from_json_list(json: &Json) -> Result<Self> {
        Vec::from_json(json).map(StftWindow::Values)
    }
}

words! {
    StftSide, "real or imag" { Real = "real", Imag = "imag" }
    StftScaling, "density, spectrum or null" { Density = "density", Spectrum = "spectrum" }
}

options! {
    /// The waves of a short-time Fourier transform under a window, for a kernel of shape (frame length, 1, frequencies).
    ///
    /// ```
    /// use refrain::DType;
    /// use refrain::initializers::{Initializer, Stft};
    /// let kernel = Initializer::from(Stft::new()).sample(&[128, 1, 65], DType::F32)?;
    /// assert_eq!(kernel.dims(), [128, 1, 65]);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub struct Stft as "STFT": Initializer {
        /// Which part of the complex exponentials the kernel holds: the real or the imaginary one.
        side: StftSide = StftSide::Real,
        /// Window function that frames are multiplied by; without one there is no scaling either.
        window: Option<StftWindow> = Some(StftWindow::from("hann")),
        /// Normalization of the window: of the power density or of the power spectrum.
        scaling: Option<StftScaling> = Some(StftScaling::Density),
        /// Whether a window given by name is periodic rather than symmetric.
        periodic: bool = false,
    }
}

impl InitializerClass for Stft {
    fn sample(&self, shape: &[usize], dtype: DType) -> Result<Literal> {
        real(shape, dtype, || self.values(shape))
    }
}

impl Stft {
    /// Waves of frequencies 0 to half the sampling rate under the window, for a kernel of shape (frame, 1, frequencies).
    fn values(&self, shape: &[usize]) -> Result<Vec<f64>> {
        let &[frame, 1, frequencies] = shape else {
            return Err(Error::mismatch(
                ErrorKind::Config,
                "a weight of shape (frame length, 1, frequencies) for the initializer STFT",
                format!("shape {shape:?}"),
            ));
        };
        let window = match &self.window {
            Some(window) => scaled(window.values(frame, self.periodic)?, self.scaling),
            None => vec![1.0; frame],
        };
        let length = 2 * frequencies.saturating_sub(1);
        if length == 0 || !window.iter().all(|w| w.is_finite()) {
            return Err(Error::mismatch(
                ErrorKind::Config,
                "at least 2 frequencies and a window that is not zero everywhere for the initializer STFT",
                format!("shape {shape:?}"),
            ));
        }
        let wave = |time: usize, frequency: usize| {
            // Whole turns are left out while the numbers are exact.
            let turns = (time * frequency % length) as f64 / length as f64;
            match self.side {
                StftSide::Real => (2.0 * PI * turns).cos(),
                StftSide::Imag => -(2.0 * PI * turns).sin(),
            }
        };
        let row = |(time, w): (usize, &f64)| {
            let w = *w;
            (0..frequencies).map(move |frequency| w * wave(time, frequency))
        };
        Ok(window.iter().enumerate().flat_map(row).collect())
    }
}

fn scaled(mut window: Vec<f64>, scaling: Option<StftScaling>) -> Vec<f64> {
    let by = match scaling {
        Some(StftScaling::Density) => window.iter().map(|w| w * w).sum::<f64>().sqrt(),
        Some(StftScaling::Spectrum) => window.iter().map(|w| w.abs()).sum(),
        None => 1.0,
    };
    window.iter_mut().for_each(|w| *w /= by);
    window
}
