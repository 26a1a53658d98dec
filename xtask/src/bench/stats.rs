//! What is made of several measurements of the same thing.

/// The middle value; between the two in the middle if their number is even. None of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

/// The least and the greatest.
pub fn range(values: &[f64]) -> Option<(f64, f64)> {
    let least = values.iter().copied().reduce(f64::min)?;
    let greatest = values.iter().copied().reduce(f64::max)?;
    Some((least, greatest))
}

/// How far apart the values are, as a share of their median.
pub fn spread(values: &[f64]) -> Option<f64> {
    let (least, greatest) = range(values)?;
    Some((greatest - least) / median(values)?)
}

/// The mean of ratios. None of nothing.
pub fn geometric_mean(values: &[f64]) -> Option<f64> {
    let logarithms: f64 = values.iter().map(|value| value.ln()).sum();
    match values.len() {
        0 => None,
        n => Some((logarithms / n as f64).exp()),
    }
}

/// How many times more a peer takes than refrain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// Of the medians.
    pub value: f64,
    /// The least and the greatest of the rounds, each a pair that ran one after the other.
    pub rounds: (f64, f64),
}

impl Ratio {
    /// Of measurements, one of each program for each round.
    pub fn of(peer: &[f64], own: &[f64]) -> Option<Ratio> {
        let pairs: Vec<f64> = peer.iter().zip(own).map(|(peer, own)| peer / own).collect();
        Some(Ratio {
            value: median(peer)? / median(own)?,
            rounds: range(&pairs)?,
        })
    }
}

/// The exponent `e` of `y = c · x^e`, by least squares of the logarithms. None if all `x` are equal.
pub fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    let logs: Vec<_> = points.iter().map(|&(x, y)| (x.ln(), y.ln())).collect();
    let n = logs.len() as f64;
    let mean_x = logs.iter().map(|p| p.0).sum::<f64>() / n;
    let mean_y = logs.iter().map(|p| p.1).sum::<f64>() / n;
    let covariance: f64 = logs.iter().map(|p| (p.0 - mean_x) * (p.1 - mean_y)).sum();
    let variance: f64 = logs.iter().map(|p| (p.0 - mean_x).powi(2)).sum();
    (variance > 0.0).then(|| covariance / variance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn spreads() {
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[2.0]), Some(0.0));
        assert_eq!(spread(&[9.0, 10.0, 12.0]), Some(0.3));
    }

    #[test]
    fn geometric_means() {
        assert_eq!(geometric_mean(&[]), None);
        let mean = geometric_mean(&[0.5, 4.0, 4.0]).unwrap();
        assert!((mean - 2.0).abs() < 1e-12, "{mean}");
    }

    #[test]
    fn ratios_pair_the_rounds() {
        let ratio = Ratio::of(&[10.0, 30.0, 20.0], &[1.0, 2.0, 4.0]).unwrap();
        assert_eq!(ratio.value, 10.0);
        assert_eq!(ratio.rounds, (5.0, 15.0));
        assert_eq!(Ratio::of(&[], &[1.0]), None);
        assert_eq!(Ratio::of(&[1.0], &[]), None);
    }

    #[test]
    fn exponents() {
        let square: Vec<_> = [1.0, 2.0, 5.0].map(|x: f64| (x, 3.0 * x * x)).to_vec();
        assert!((exponent(&square).unwrap() - 2.0).abs() < 1e-12);
        assert_eq!(exponent(&[(2.0, 1.0), (2.0, 3.0)]), None);
        assert_eq!(exponent(&[]), None);
    }
}
