//! Options of layers under Keras's names, as JSON.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::error::{Error, ErrorKind, Result};
use crate::ops::to_number;

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

/// As much of a value as an error shows; of what is longer, class and name first.
pub(crate) fn shown(json: &Json) -> String {
    /// In characters.
    const MOST: usize = 60;
    let text = json.to_string();
    let Some((end, _)) = text.char_indices().nth(MOST) else {
        return text;
    };
    let part = format!("{}…", &text[..end]);
    let name = json["config"]["name"].as_str().filter(|n| n.len() <= MOST);
    match (
        json["class_name"].as_str().filter(|c| c.len() <= MOST),
        name,
    ) {
        (Some(class), Some(name)) => format!("{class} `{name}`: {part}"),
        (Some(class), None) => format!("{class}: {part}"),
        (None, _) => part,
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
    f64, "a number", |json| to_number(json).or_else(|| scalar_array(json));
    String, "a string", |json| json.as_str().map(str::to_owned);
}

/// Options that are one word of a few.
macro_rules! words {
    ($($t:ident, $expected:literal { $($variant:ident = $word:literal $(| $other:literal)*),* })*) => {$(
        impl $crate::layers::ConfigValue for $t {
            fn to_json(&self) -> serde_json::Value {
                serde_json::Value::from(match self { $($t::$variant => $word),* })
            }

            fn from_json(json: &serde_json::Value) -> $crate::Result<Self> {
                match json.as_str() {
                    $(Some($word $(| $other)*) => Ok($t::$variant),)*
                    _ => Err($crate::layers::unexpected($expected, json)),
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

/// The options of a layer as a table of its documentation.
macro_rules! options_table {
    () => {
        ""
    };
    ($( $field:ident : $ty:ty = $default:expr => $($doc:literal)* ; )+) => {
        concat!(
            "# Options\n\nEach is a method that takes the value and gives the layer; [`name`](crate::layers::Handle::name) and ",
            "[`dtype`](crate::layers::Handle::dtype) are methods of every layer.\n\n",
            "| method | takes | default | |\n|---|---|---|---|\n",
            $( "| `", stringify!($field), "` | `", stringify!($ty), "` | `", stringify!($default), "` |", $($doc,)* " |\n", )+
        )
    };
}

pub(crate) use options_table;

/// Declares a layer's options: the struct, Keras's defaults, a setter for each on the layer's handle, and reading and
/// writing under Keras's names (an option's name is Keras's key).
macro_rules! layer_options {
    (
        $(#[$meta:meta])*
        $alias:ident, $options:ident {
            $( $(#[doc = $field_doc:literal])* $field:ident : $ty:ty = $default:expr ),* $(,)?
        }
    ) => {
        #[doc = concat!("The options of [`", stringify!($alias), "`].")]
        #[doc(hidden)]
        #[derive(Clone, Debug)]
        pub struct $options {
            $( pub(crate) $field: $ty ),*
        }

        $(#[$meta])*
        #[doc = ""]
        #[doc = $crate::layers::options_table!($( $field: $ty = $default => $($field_doc)*; )*)]
        pub type $alias = $crate::layers::Handle<$options>;

        impl Default for $options {
            fn default() -> Self {
                $options { $( $field: $default ),* }
            }
        }

        #[allow(dead_code)]
        impl $options {
            pub(crate) fn to_config(&self) -> $crate::layers::Config {
                #[allow(unused_mut)]
                let mut config = $crate::layers::Config::new();
                $( config.insert(
                    stringify!($field).to_owned(),
                    $crate::layers::ConfigValue::to_json(&self.$field),
                ); )*
                config
            }

            /// Options that are missing have their defaults; options that are unknown are left alone.
            pub(crate) fn from_config(config: &$crate::layers::Config) -> $crate::Result<Self> {
                let _ = config;
                #[allow(unused_mut)]
                let mut options = $options::default();
                $( if let Some(json) = config.get(stringify!($field)) {
                    options.$field = $crate::layers::ConfigValue::from_json(json).map_err(|e| {
                        $crate::layers::in_option(e, stringify!($field))
                    })?;
                } )*
                Ok(options)
            }
        }

        impl $crate::layers::Handle<$options> {
            $(
                $(#[doc = $field_doc])*
                pub fn $field(self, $field: impl Into<$ty>) -> Self {
                    let value = $field.into();
                    self.edit(|options| options.$field = value)
                }
            )*
        }
    };
}

pub(crate) use layer_options;

/// Names the option in an error about its value.
pub(crate) fn in_option(error: Error, option: &str) -> Error {
    Error::new(ErrorKind::Config, format!("option `{option}`: {error}"))
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

    #[test]
    fn options_are_documented_with_their_defaults() {
        let table = options_table!(units: usize = 3 => " The size." " Of the output."; bias: Option<f64> = None => " A number.";);
        let rows: Vec<&str> = table
            .lines()
            .skip_while(|line| !line.starts_with("|--"))
            .skip(1)
            .collect();
        assert_eq!(
            rows,
            [
                "| `units` | `usize` | `3` | The size. Of the output. |",
                "| `bias` | `Option<f64>` | `None` | A number. |",
            ]
        );
        assert_eq!(options_table!(), "");
    }
}
