//! The commands, one a file, and what several of them share.

pub mod convert;
pub mod demo;
pub mod diff;
pub mod evaluate;
pub mod fit;
pub mod inspect;
pub mod plot;
pub mod predict;
pub mod summary;

mod callbacks;
mod compile;
mod given;
mod load;
mod model_file;
mod optimizer;

use serde_json::{Value as Json, json};

/// Values under names; JSON has no NaN and no infinity, which become `null`.
fn to_json<'n, V: Into<Json>>(values: impl IntoIterator<Item = (&'n str, V)>) -> Json {
    let values = values
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()));
    json!(values.collect::<serde_json::Map<_, _>>())
}

/// A logged value: a number, or the list that some metrics give.
fn number_or_list(values: &[f64]) -> Json {
    match values {
        [value] => json!(value),
        list => json!(list),
    }
}
