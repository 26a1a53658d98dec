//! What a command that cannot do its work says.

use std::fmt;
use std::io;

/// A `Result` with a [`Failure`].
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a command ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// One line: what, where, what to do.
    Message(String),
    /// Whoever read the output has closed it and wants no more.
    Closed,
}

impl Failure {
    /// What went wrong, without a full stop.
    pub fn new(what: impl Into<String>) -> Self {
        Failure::Message(what.into())
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(self, what: &str) -> Self {
        self.map(|text| format!("{}. {what}", unended(&text)))
    }

    /// Says where it went wrong.
    #[must_use]
    pub fn at(self, place: impl fmt::Display) -> Self {
        let place = place.to_string();
        self.map(|text| match text.contains(&place) {
            true => text,
            false => format!("{place}: {text}"),
        })
    }

    /// What the operating system said about a file.
    pub(crate) fn io(doing: &str, path: &std::path::Path, e: &io::Error) -> Self {
        Failure::new(format!("{doing} `{}` failed: {e}", path.display()))
    }

    fn map(self, change: impl FnOnce(String) -> String) -> Self {
        match self {
            Failure::Message(text) => Failure::Message(change(text)),
            Failure::Closed => Failure::Closed,
        }
    }
}

/// One line that ends in a full stop.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Message(text) => {
                let words: Vec<&str> = text.split_whitespace().collect();
                write!(f, "{}.", unended(&words.join(" ")))
            }
            Failure::Closed => f.write_str("the output was closed."),
        }
    }
}

fn unended(text: &str) -> &str {
    text.strip_suffix('.').unwrap_or(text)
}

impl std::error::Error for Failure {}

impl From<refrain::Error> for Failure {
    fn from(e: refrain::Error) -> Self {
        Failure::new(e.to_string())
    }
}

impl From<refrain_storage::Error> for Failure {
    fn from(e: refrain_storage::Error) -> Self {
        Failure::new(e.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line() {
        let failure = Failure::new("it\n  failed.")
            .hint("Try again")
            .at("`a.npz`");
        assert_eq!(failure.to_string(), "`a.npz`: it failed. Try again.");
    }
}
