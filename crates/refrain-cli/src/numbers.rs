//! Numbers as arguments, each refused with what it should be.

use std::num::{IntErrorKind, ParseIntError};
use std::str::FromStr;

fn number<T: FromStr>(text: &str, is: impl Fn(&T) -> bool, expected: &str) -> Result<T, String> {
    let number = text.parse().ok().filter(is);
    number.ok_or_else(|| format!("expected {expected}"))
}

fn integer<T: FromStr<Err = ParseIntError>>(
    text: &str,
    is: impl Fn(&T) -> bool,
    expected: &str,
) -> Result<T, String> {
    match text.parse::<T>() {
        Err(e) if *e.kind() == IntErrorKind::PosOverflow => {
            Err("the number is too large".to_owned())
        }
        _ => number(text, is, expected),
    }
}

/// How many of something there are.
pub fn count(text: &str) -> Result<usize, String> {
    integer(text, |n| *n >= 1, "a whole number of 1 or more")
}

/// How many of something, perhaps none, there are.
pub fn whole(text: &str) -> Result<usize, String> {
    integer(text, |_| true, "a whole number of 0 or more")
}

/// What random numbers depend on.
pub fn seed(text: &str) -> Result<u64, String> {
    integer(text, |_| true, "a whole number of 0 or more")
}

/// A part of something.
pub fn fraction(text: &str) -> Result<f64, String> {
    let is = |f: &f64| (0.0..1.0).contains(f);
    number(text, is, "a number of 0 or more and less than 1")
}

/// A learning rate.
pub fn rate(text: &str) -> Result<f64, String> {
    let is = |f: &f64| f.is_finite() && *f >= 0.0;
    number(text, is, "a number of 0 or more")
}

/// Any number.
pub fn finite(text: &str) -> Result<f64, String> {
    number(text, |f: &f64| f.is_finite(), "a number")
}

/// How much a class counts: `1=5`.
pub fn class_weight(text: &str) -> Result<(i64, f64), String> {
    let pair = text.split_once('=');
    let pair = pair.and_then(|(class, weight)| Some((class.parse().ok()?, rate(weight).ok()?)));
    pair.ok_or_else(|| {
        "expected the number of a class and its weight, for example 0=1,1=5".to_owned()
    })
}
