//! Windows over a frame, under the names that SciPy gives them. Sources: Harris 1978, Nuttall 1981, Doerry 2017 (Taylor).

use std::f64::consts::PI;

use crate::error::{Error, ErrorKind, Result};

/// How a window is made from its length.
type Make = fn(usize) -> Vec<f64>;

/// Windows without parameters, or whose parameters have defaults.
const WINDOWS: [(&[&str], Make); 17] = [
    (&["barthann", "brthan", "bth"], barthann),
    (&["bartlett", "bart", "brt"], bartlett),
    (&["blackman", "black", "blk"], |n| cosines(n, &BLACKMAN)),
    (&["blackmanharris", "blackharr", "bkh"], |n| {
        cosines(n, &BLACKMAN_HARRIS)
    }),
    (&["bohman", "bman", "bmn"], bohman),
    (&["boxcar", "box", "ones", "rect", "rectangular"], |n| {
        vec![1.0; n]
    }),
    (&["cosine", "halfcosine"], cosine),
    (&["exponential", "poisson"], exponential),
    (&["flattop", "flat", "flt"], |n| cosines(n, &FLATTOP)),
    (&["hamming", "hamm", "ham"], |n| cosines(n, &HAMMING)),
    (&["hann", "han"], |n| cosines(n, &HANN)),
    (&["lanczos", "sinc"], lanczos),
    (&["nuttall", "nutl", "nut"], |n| cosines(n, &NUTTALL)),
    (&["parzen", "parz", "par"], parzen),
    (&["taylor", "taylorwin"], taylor),
    (&["triangle", "triang", "tri"], triangle),
    (&["tukey", "tuk"], tukey),
];

/// Constant, slope and cosine of the Bartlett-Hann window, as published.
const BARTLETT_HANN: [f64; 3] = [0.62, 0.48, 0.38];

/// Coefficients of sums of cosines, as published.
const BLACKMAN: [f64; 3] = [0.42, 0.50, 0.08];
const BLACKMAN_HARRIS: [f64; 4] = [0.35875, 0.48829, 0.14128, 0.01168];
const FLATTOP: [f64; 5] = [
    0.215_578_95,
    0.416_631_58,
    0.277_263_158,
    0.083_578_947,
    0.006_947_368,
];
const HAMMING: [f64; 2] = [0.54, 0.46];
const HANN: [f64; 2] = [0.5, 0.5];
const NUTTALL: [f64; 4] = [0.363_581_9, 0.489_177_5, 0.136_599_5, 0.010_641_1];

/// Side lobes of nearly equal level of SciPy's Taylor window, and how far they lie below the main one, in dB.
const TAYLOR_LOBES: usize = 4;
const TAYLOR_LEVEL: f64 = 30.0;

/// Share of a Tukey window that is tapered, in SciPy.
const TUKEY_TAPER: f64 = 0.5;

/// A window of this name and length: symmetric, or one period.
pub(super) fn named(name: &str, length: usize, periodic: bool) -> Result<Vec<f64>> {
    let (plain, periodic) = match (
        name.strip_suffix("_symmetric"),
        name.strip_suffix("_periodic"),
    ) {
        (Some(plain), _) => (plain, false),
        (_, Some(plain)) => (plain, true),
        _ => (name, periodic),
    };
    let found = WINDOWS.iter().find(|(names, _)| names.contains(&plain));
    let (_, make) = found.ok_or_else(|| unknown(name))?;
    Ok(match length {
        0 | 1 => vec![1.0; length],
        _ if periodic => {
            let mut window = make(length + 1);
            window.truncate(length);
            window
        }
        _ => make(length),
    })
}

fn unknown(name: &str) -> Error {
    let names: Vec<&str> = WINDOWS
        .iter()
        .filter_map(|(names, _)| names.first().copied())
        .collect();
    Error::mismatch(
        ErrorKind::Config,
        format!(
            "a window of SciPy without parameters ({})",
            names.join(", ")
        ),
        format!("`{name}`"),
    )
    .hint("Give the values of any other window themselves")
}

/// From −1 at the first sample to 1 at the last.
fn positions(n: usize) -> impl Iterator<Item = f64> {
    let last = (n - 1) as f64;
    (0..n).map(move |i| (2.0 * i as f64 - last) / last)
}

fn cosines(n: usize, coefficients: &[f64]) -> Vec<f64> {
    let value = |x: f64| {
        let terms = coefficients.iter().enumerate();
        terms.map(|(k, a)| a * (k as f64 * PI * x).cos()).sum()
    };
    positions(n).map(value).collect()
}

fn barthann(n: usize) -> Vec<f64> {
    let [constant, slope, cosine] = BARTLETT_HANN;
    let value = |x: f64| constant - slope * x.abs() / 2.0 + cosine * (PI * x).cos();
    positions(n).map(value).collect()
}

fn bartlett(n: usize) -> Vec<f64> {
    positions(n).map(|x| 1.0 - x.abs()).collect()
}

fn bohman(n: usize) -> Vec<f64> {
    let value = |x: f64| match x.abs() {
        // Rounding would leave the ends a little off zero.
        1.0 => 0.0,
        x => (1.0 - x) * (PI * x).cos() + (PI * x).sin() / PI,
    };
    positions(n).map(value).collect()
}

fn cosine(n: usize) -> Vec<f64> {
    let value = |i: usize| (PI / n as f64 * (i as f64 + 0.5)).sin();
    (0..n).map(value).collect()
}

fn exponential(n: usize) -> Vec<f64> {
    let half = (n - 1) as f64 / 2.0;
    positions(n).map(|x| (-(half * x).abs()).exp()).collect()
}

fn lanczos(n: usize) -> Vec<f64> {
    let sinc = |x: f64| match x {
        0.0 => 1.0,
        x => (PI * x).sin() / (PI * x),
    };
    positions(n).map(sinc).collect()
}

fn parzen(n: usize) -> Vec<f64> {
    let (half, quarter) = (n as f64 / 2.0, (n - 1) as f64 / 4.0);
    let value = |x: f64| {
        let distance = x.abs() * (n - 1) as f64 / 2.0;
        let x = distance / half;
        match distance <= quarter {
            true => 1.0 - 6.0 * x.powi(2) + 6.0 * x.powi(3),
            false => 2.0 * (1.0 - x).powi(3),
        }
    };
    positions(n).map(value).collect()
}

fn taylor(n: usize) -> Vec<f64> {
    let a2 = (10f64.powf(TAYLOR_LEVEL / 20.0).acosh() / PI).powi(2);
    let lobes = TAYLOR_LOBES as f64;
    let stretch = lobes.powi(2) / (a2 + (lobes - 0.5).powi(2));
    let all = || (1..TAYLOR_LOBES).map(|m| m as f64);
    let coefficient = |m: f64| {
        let zeros = all().map(|k| 1.0 - m * m / stretch / (a2 + (k - 0.5).powi(2)));
        let others = all().filter(|&k| k != m).map(|k| 1.0 - m * m / (k * k));
        let sign = if m as usize % 2 == 1 { 1.0 } else { -1.0 };
        sign * zeros.product::<f64>() / (2.0 * others.product::<f64>())
    };
    let coefficients: Vec<f64> = all().map(coefficient).collect();
    let at = |i: f64| {
        let phase = 2.0 * PI * (i - n as f64 / 2.0 + 0.5) / n as f64;
        let terms = all().zip(&coefficients).map(|(m, c)| c * (m * phase).cos());
        1.0 + 2.0 * terms.sum::<f64>()
    };
    let middle = at((n - 1) as f64 / 2.0);
    (0..n).map(|i| at(i as f64) / middle).collect()
}

fn triangle(n: usize) -> Vec<f64> {
    let half_base = n.div_ceil(2) as f64;
    let half = (n - 1) as f64 / 2.0;
    positions(n)
        .map(|x| 1.0 - half * x.abs() / half_base)
        .collect()
}

fn tukey(n: usize) -> Vec<f64> {
    let last = (n - 1) as f64;
    let width = (TUKEY_TAPER * last / 2.0).floor() as usize;
    let value = |i: usize| {
        // The taper is the same at both ends.
        let from_end = i.min(n - 1 - i);
        match from_end <= width {
            true => 0.5 * (1.0 + (PI * (2.0 * from_end as f64 / TUKEY_TAPER / last - 1.0)).cos()),
            false => 1.0,
        }
    };
    (0..n).map(value).collect()
}
