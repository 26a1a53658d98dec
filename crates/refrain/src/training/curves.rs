//! Pictures of a training's history.

use std::fmt::Write;
use std::path::Path;

use super::History;
use crate::error::{Error, ErrorKind, Result};
use crate::utils::svg::{escaped, write};

/// Lengths in SVG user units (pixels at scale 1).
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 40.0;
/// About how many ticks an axis has.
const TICKS: usize = 5;

const STYLE: &str = "text{font:11px sans-serif;fill:#1c2733}.t{font-size:13px;font-weight:bold}.grid{stroke:#e3e8ee}\
.axis{stroke:#5c6b7a}.fit{fill:none;stroke:#2f6fb3;stroke-width:1.8}.val{fill:none;stroke:#d0762a;stroke-width:1.8;stroke-dasharray:5 3}\
.fitdot{fill:#2f6fb3}.valdot{fill:#d0762a}";

/// One quantity over the epochs, with its validation twin.
struct Chart<'a> {
    name: &'a str,
    fit: &'a [f64],
    validation: Option<&'a [f64]>,
}

impl History {
    /// The curves as a picture in SVG: a chart for the loss and for each metric, training and validation together.
    ///
    /// ```
    /// # use refrain::{Model, input, layers::Dense, losses::Loss, optimizers::Sgd};
    /// # let x = input([1]);
    /// # let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    /// # model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    /// # let data = ndarray::Array2::<f32>::ones((8, 1));
    /// let history = model.fit(&data, &data).epochs(3).run()?;
    /// assert!(history.to_svg().starts_with("<svg"));
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn to_svg(&self) -> String {
        let charts: Vec<Chart> = self.charts();
        let width = WIDTH * charts.len().max(1) as f64;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{HEIGHT:.0}\" viewBox=\"0 0 {width:.0} \
             {HEIGHT:.0}\">\n<style>{STYLE}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
        );
        for (i, chart) in charts.iter().enumerate() {
            chart.draw(WIDTH * i as f64, self.epochs(), &mut out);
        }
        out.push_str("</svg>\n");
        out
    }

    /// Writes the curves to an `.svg` file.
    ///
    /// # Errors
    /// Another extension, or the file cannot be written.
    pub fn plot(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        if path.extension().is_none_or(|e| e != "svg") {
            let received = path.display().to_string();
            return Err(Error::mismatch(
                ErrorKind::Io,
                "a path ending in .svg",
                received,
            ));
        }
        write(path, &self.to_svg())
    }

    /// The loss first, then the metrics by name.
    fn charts(&self) -> Vec<Chart<'_>> {
        let mut charts: Vec<Chart> = self
            .iter()
            .filter(|(name, _)| !name.starts_with("val_"))
            .map(|(name, fit)| Chart {
                name,
                fit,
                validation: self.get(&format!("val_{name}")).ok(),
            })
            .collect();
        charts.sort_by_key(|c| c.name != "loss");
        charts
    }
}

impl Chart<'_> {
    // Writing to a `String` cannot fail.
    fn draw(&self, x0: f64, epochs: &[usize], out: &mut String) {
        let (low, high) = self.range();
        let last = epochs.len().max(2) - 1;
        let x = |i: usize| x0 + LEFT + (WIDTH - LEFT - RIGHT) * i as f64 / last as f64;
        let y = |v: f64| TOP + (HEIGHT - TOP - BOTTOM) * (high - v) / (high - low);
        let (left, right, bottom) = (x(0), x(last), HEIGHT - BOTTOM);
        let _ = writeln!(
            out,
            "<text class=\"t\" x=\"{left:.1}\" y=\"18\">{}</text>",
            escaped(self.name)
        );
        for v in ticks(low, high) {
            let _ = writeln!(
                out,
                "<line class=\"grid\" x1=\"{left:.1}\" y1=\"{0:.1}\" x2=\"{right:.1}\" y2=\"{0:.1}\"/>\
                 <text x=\"{1:.1}\" y=\"{2:.1}\" text-anchor=\"end\">{3}</text>",
                y(v),
                left - 6.0,
                y(v) + 4.0,
                label(v, high - low)
            );
        }
        for i in marked(epochs.len()) {
            let _ = writeln!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                x(i),
                bottom + 16.0,
                epochs[i] + 1
            );
        }
        let _ = writeln!(
            out,
            "<path class=\"axis\" fill=\"none\" d=\"M{left:.1} {TOP:.1}V{bottom:.1}H{right:.1}\"/>\
             <text x=\"{right:.1}\" y=\"{:.1}\" text-anchor=\"end\">epoch</text>",
            bottom + 32.0
        );
        curve(self.fit, "fit", &x, &y, out);
        if let Some(validation) = self.validation {
            curve(validation, "val", &x, &y, out);
            let _ = writeln!(
                out,
                "<line class=\"fit\" x1=\"{0:.1}\" y1=\"14\" x2=\"{1:.1}\" y2=\"14\"/><text x=\"{2:.1}\" y=\"18\">training</text>\
                 <line class=\"val\" x1=\"{3:.1}\" y1=\"14\" x2=\"{4:.1}\" y2=\"14\"/><text x=\"{5:.1}\" y=\"18\">validation</text>",
                right - 170.0,
                right - 150.0,
                right - 146.0,
                right - 90.0,
                right - 70.0,
                right - 66.0
            );
        }
    }

    /// The smallest and largest finite value, a little apart.
    fn range(&self) -> (f64, f64) {
        let values = self.fit.iter().chain(self.validation.unwrap_or_default());
        let finite = values.copied().filter(|v| v.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
            (l.min(v), h.max(v))
        });
        match high - low {
            d if d > 0.0 => (low - 0.04 * d, high + 0.04 * d),
            _ if low.is_finite() => (low - 0.5, low + 0.5),
            _ => (0.0, 1.0),
        }
    }
}

/// A line through the finite values, each marked; what is not finite leaves a gap.
fn curve(
    values: &[f64],
    class: &str,
    x: &dyn Fn(usize) -> f64,
    y: &dyn Fn(f64) -> f64,
    out: &mut String,
) {
    let mut path = String::new();
    let mut pen = 'M';
    for (i, &v) in values.iter().enumerate() {
        if !v.is_finite() {
            pen = 'M';
            continue;
        }
        let _ = write!(path, "{pen}{:.1} {:.1}", x(i), y(v));
        let _ = writeln!(
            out,
            "<circle class=\"{class}dot\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.2\"/>",
            x(i),
            y(v)
        );
        pen = 'L';
    }
    if !path.is_empty() {
        let _ = writeln!(out, "<path class=\"{class}\" d=\"{path}\"/>");
    }
}

/// The positions of the epochs that are marked on the axis: at even distances, and the last one, which what would stand too
/// near to it makes room for.
fn marked(epochs: usize) -> Vec<usize> {
    let step = epochs.div_ceil(TICKS).max(1);
    let last = epochs.saturating_sub(1);
    let even = (0..last).step_by(step);
    let apart = even.filter(|i| 2 * (last - i) > step);
    apart.chain((epochs > 0).then_some(last)).collect()
}

/// Round values between two limits: steps of 1, 2 or 5 times a power of ten.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let rough = (high - low) / TICKS as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|m| m * power)
        .into_iter()
        .find(|s| *s >= rough);
    let step = step.unwrap_or(rough);
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

/// A tick's number with as many digits as the range needs.
fn label(value: f64, range: f64) -> String {
    let digits = (1.0 - range.log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(
            ticks(0.0, 1.0),
            [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]
        );
        assert_eq!(ticks(-3.0, 7.0), [-2.0, 0.0, 2.0, 4.0, 6.0]);
        assert_eq!(label(0.6000000000000001, 1.0), "0.6");
    }

    #[test]
    fn the_last_epoch_is_marked() {
        assert_eq!(marked(0), [0; 0]);
        assert_eq!(marked(1), [0]);
        assert_eq!(marked(4), [0, 1, 2, 3]);
        assert_eq!(marked(10), [0, 2, 4, 6, 9]);
        assert_eq!(marked(100), [0, 20, 40, 60, 80, 99]);
        for epochs in 1..200 {
            let marked = marked(epochs);
            assert_eq!(marked.last(), Some(&(epochs - 1)));
            assert!(marked.len() <= TICKS + 1 && marked.is_sorted());
        }
    }

    #[test]
    fn curves_leave_gaps_where_values_are_not_finite() {
        let mut out = String::new();
        curve(
            &[1.0, f64::NAN, 3.0],
            "fit",
            &|i| i as f64,
            &|v| v,
            &mut out,
        );
        assert!(out.contains("d=\"M0.0 1.0M2.0 3.0\""), "{out}");
    }
}
