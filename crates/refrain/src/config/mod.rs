//! Options under Keras's names, as JSON: of layers, and of everything else that files describe by a class and its options.

mod dtype;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value as Json;

pub(crate) use dtype::{dtype_from_json, dtype_policy};

use crate::error::{Error, ErrorKind, Result};

/// Keras's `config.epsilon()`, unless a program sets another.
pub(crate) const EPSILON: f64 = 1e-7;

/// Options under Keras's names.
pub type Config = serde_json::Map<String, Json>;

/// A type that an option can have: how it reads and writes in Keras's JSON.
pub trait ConfigValue: Sized {
    /// As Keras writes it.
    fn to_json(&self) -> Json;
    /// From what Keras writes.
    fn from_json(json: &Json) -> Result<Self>;
}

/// An error that says what an option should have been.
pub(crate) fn unexpected(expected: &str, json: &Json) -> Error {
    Error::mismatch(ErrorKind::Config, expected, shown(json))
}

/// Refuses a negative option.
pub(crate) fn not_negative(option: &str, value: impl Into<Option<f64>>) -> Result<()> {
    match value.into().filter(|value| value.is_nan() || *value < 0.0) {
        None => Ok(()),
        Some(value) => Err(Error::mismatch(
            ErrorKind::Config,
            format!("`{option}` of at least 0"),
            value.to_string(),
        )),
    }
}

/// As much of a text as an error shows: 60 characters.
pub(crate) fn short(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

/// As much of a value as an error shows; of what is longer, class and name first.
pub(crate) fn shown(json: &Json) -> String {
    let text = json.to_string();
    let part = match short(&text) {
        Cow::Borrowed(_) => return text,
        Cow::Owned(part) => part,
    };
    let short_text = |json: &Json| Some(short(json.as_str()?).into_owned());
    match (
        short_text(&json["class_name"]),
        short_text(&json["config"]["name"]),
    ) {
        (Some(class), Some(name)) => format!("{class} `{name}`: {part}"),
        (Some(class), None) => format!("{class}: {part}"),
        (None, _) => part,
    }
}

/// A number as JSON, which has none for infinities; Python writes and reads these names.
pub(crate) fn number_to_json(number: f64) -> Json {
    match serde_json::Number::from_f64(number) {
        Some(n) => Json::Number(n),
        None if number.is_nan() => "NaN".into(),
        None if number > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    }
}

/// The number that [`number_to_json`] wrote.
pub(crate) fn number_from_json(json: &Json) -> Option<f64> {
    match json.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        _ => json.as_f64(),
    }
}

macro_rules! plain {
    ($($t:ty, $expected:literal, |$json:ident| $read:expr;)*) => {$(
        impl ConfigValue for $t {
            fn to_json(&self) -> Json { Json::from(self.clone()) }
            fn from_json($json: &Json) -> Result<Self> {
                $read.ok_or_else(|| unexpected($expected, $json))
            }
        }
    )*};
}

plain! {
    bool, "true or false", |json| json.as_bool().or_else(|| json.as_i64().map(|n| n != 0));
    i64, "an integer", |json| whole(json);
    u32, "a non-negative integer", |json| whole(json).and_then(|n| u32::try_from(n).ok());
    u64, "a non-negative integer", |json| json.as_u64();
    usize, "a non-negative integer", |json| json.as_u64().and_then(|n| usize::try_from(n).ok());
    f64, "a number", |json| number_from_json(json).or_else(|| scalar_array(json));
    String, "a string", |json| json.as_str().map(str::to_owned);
}

/// Options that are one word of a few.
macro_rules! words {
    ($($t:ident, $expected:literal { $($variant:ident = $word:literal $(| $other:literal)*),* })*) => {$(
        impl $crate::config::ConfigValue for $t {
            fn to_json(&self) -> serde_json::Value {
                serde_json::Value::from(match self { $($t::$variant => $word),* })
            }

            fn from_json(json: &serde_json::Value) -> $crate::Result<Self> {
                match json.as_str() {
                    $(Some($word $(| $other)*) => Ok($t::$variant),)*
                    _ => Err($crate::config::unexpected($expected, json)),
                }
            }
        }
    )*};
}
pub(crate) use words;

/// An integer, also one that is written as a float.
fn whole(json: &Json) -> Option<i64> {
    let float = || json.as_f64().filter(|f| f.fract() == 0.0);
    json.as_i64().or_else(|| float().map(|f| f as i64))
}

/// The number of an array without axes: some versions of Keras write numbers as such.
fn scalar_array(json: &Json) -> Option<f64> {
    let class = json["class_name"].as_str()?;
    let is_array = ["__numpy__", "__tensor__"].contains(&class);
    is_array.then(|| json["config"]["value"].as_f64()).flatten()
}

impl<T: ConfigValue> ConfigValue for Option<T> {
    fn to_json(&self) -> Json {
        self.as_ref().map_or(Json::Null, ConfigValue::to_json)
    }

    fn from_json(json: &Json) -> Result<Self> {
        match json {
            Json::Null => Ok(None),
            json => T::from_json(json).map(Some),
        }
    }
}

impl<T: ConfigValue> ConfigValue for Vec<T> {
    fn to_json(&self) -> Json {
        self.iter().map(ConfigValue::to_json).collect()
    }

    fn from_json(json: &Json) -> Result<Self> {
        let items = json.as_array().ok_or_else(|| unexpected("a list", json))?;
        items.iter().map(T::from_json).collect()
    }
}

impl<T: ConfigValue> ConfigValue for BTreeMap<String, T> {
    fn to_json(&self) -> Json {
        let items = self.iter();
        items.map(|(k, item)| (k.clone(), item.to_json())).collect()
    }

    fn from_json(json: &Json) -> Result<Self> {
        let items = json.as_object().ok_or_else(|| unexpected("a dict", json))?;
        let items = items.iter();
        items
            .map(|(k, item)| Ok((k.clone(), T::from_json(item)?)))
            .collect()
    }
}

/// One size for each dimension, or one for all.
impl<const N: usize> ConfigValue for Sizes<N> {
    fn to_json(&self) -> Json {
        self.0.to_vec().to_json()
    }

    fn from_json(json: &Json) -> Result<Self> {
        if let Json::Number(_) = json {
            return usize::from_json(json).map(Sizes::from);
        }
        let sizes = Vec::<usize>::from_json(json)?;
        let array = sizes.try_into();
        array
            .map(Sizes)
            .map_err(|_| unexpected(&format!("{N} sizes"), json))
    }
}

/// A size in each of `N` spatial dimensions. Made from one number (the same everywhere), an array or a tuple.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes<const N: usize>(pub [usize; N]);

impl<const N: usize> From<usize> for Sizes<N> {
    fn from(size: usize) -> Self {
        Sizes([size; N])
    }
}

impl<const N: usize> From<[usize; N]> for Sizes<N> {
    fn from(sizes: [usize; N]) -> Self {
        Sizes(sizes)
    }
}

impl From<(usize, usize)> for Sizes<2> {
    fn from(sizes: (usize, usize)) -> Self {
        Sizes(sizes.into())
    }
}

impl From<(usize, usize, usize)> for Sizes<3> {
    fn from(sizes: (usize, usize, usize)) -> Self {
        Sizes(sizes.into())
    }
}

/// Sizes that may be left out: a layer's option of this type says what counts then. Made from what [`Sizes`] are made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct OptionalSizes<const N: usize>(pub Option<Sizes<N>>);

impl<const N: usize, S: Into<Sizes<N>>> From<S> for OptionalSizes<N> {
    fn from(sizes: S) -> Self {
        OptionalSizes(Some(sizes.into()))
    }
}

impl<const N: usize> OptionalSizes<N> {
    /// The sizes, if they are given.
    pub(crate) fn as_slice(&self) -> Option<&[usize]> {
        self.0.as_ref().map(|sizes| &sizes.0[..])
    }
}

impl<const N: usize> ConfigValue for OptionalSizes<N> {
    fn to_json(&self) -> Json {
        self.0.to_json()
    }

    fn from_json(json: &Json) -> Result<Self> {
        Option::from_json(json).map(OptionalSizes)
    }
}

/// An option of a configuration, or its default: what [`options!`](crate::options) reads with.
///
/// # Errors
/// The option has a value of another type, or is missing and has no default.
#[inline(never)]
pub fn read_option<T: ConfigValue>(config: &Config, key: &str, default: Option<T>) -> Result<T> {
    let missing = |default: Option<T>| {
        default.ok_or_else(|| Error::new(ErrorKind::Config, format!("option `{key}` is missing")))
    };
    match config.get(key) {
        None => missing(default),
        Some(json) => match T::from_json(json) {
            Err(_) if json.is_null() => missing(default),
            read => read.map_err(|e| in_option(e, key)),
        },
    }
}

/// Writes an option into a configuration: what [`options!`](crate::options) writes with.
// A call for each option keeps the code of hundreds of classes small.
#[inline(never)]
pub fn write_option<T: ConfigValue>(config: &mut Config, key: &str, value: &T) {
    config.insert(key.to_owned(), value.to_json());
}

/// Replaces a value by a configuration's option, if it has it.
#[inline(never)]
pub(crate) fn replace_option<T: ConfigValue>(
    config: &Config,
    key: &str,
    value: &mut T,
) -> Result<()> {
    if let Some(json) = config.get(key) {
        *value = T::from_json(json).map_err(|e| in_option(e, key))?;
    }
    Ok(())
}

/// Names the option in an error about its value.
pub(crate) fn in_option(error: Error, option: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("option `{}`: {error}", short(option)),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::shown;

    #[test]
    fn long_values_are_shown_by_class_and_name() {
        assert_eq!(shown(&json!({ "a": 1 })), r#"{"a":1}"#);
        let config = json!({ "name": "auc", "thresholds": vec![0.5; 200] });
        let text = shown(&json!({ "class_name": "AUC", "config": config }));
        assert!(text.starts_with("AUC `auc`: {"), "{text}");
        assert!(text.chars().count() < 80 && text.ends_with('…'), "{text}");
        let text = shown(&json!("ä".repeat(100)));
        assert_eq!(text.chars().count(), 61);
    }
}
