//! Attributes of a primitive as they are written, and their reading as what the primitive needs.

use super::lex::{ParseError, Position};
use crate::{Dim, Window};

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Attr<'a> {
    /// Present without a value.
    Flag,
    /// `?`
    Unknown,
    Word(&'a str),
    Number(&'a str),
    List(Vec<Attr<'a>>),
    /// `[…]x[…]`, `[…]x[…]->[…]`
    Lists(Vec<Attr<'a>>),
}

/// The attributes of one primitive, taken one by one; what is left at the end does not belong.
pub(super) struct Attrs<'a> {
    /// Where the primitive begins: the place of what is missing.
    pub(super) at: Position,
    pub(super) entries: Vec<(&'a str, Position, Attr<'a>)>,
}

fn dim(attr: &Attr) -> Option<Dim> {
    match attr {
        Attr::Unknown => Some(None),
        _ => number(attr).map(Some),
    }
}

fn number<T: std::str::FromStr>(attr: &Attr) -> Option<T> {
    match attr {
        Attr::Number(text) => text.parse().ok(),
        _ => None,
    }
}

fn list<T>(attr: &Attr, of: impl Fn(&Attr) -> Option<T>) -> Option<Vec<T>> {
    match attr {
        Attr::List(items) => items.iter().map(of).collect(),
        _ => None,
    }
}

fn boolean(attr: &Attr) -> Option<bool> {
    match attr {
        Attr::Word(word) => word.parse().ok(),
        _ => None,
    }
}

fn pair(attr: &Attr) -> Option<(i64, i64)> {
    match list(attr, number)?.as_slice() {
        &[low, high] => Some((low, high)),
        _ => None,
    }
}

impl<'a> Attrs<'a> {
    /// Takes an attribute if it is there, read by `read`; `wanted` says what it should be.
    pub(super) fn optional<T>(
        &mut self,
        key: &str,
        wanted: &str,
        read: impl Fn(&Attr<'a>) -> Option<T>,
    ) -> Result<Option<T>, ParseError> {
        let Some(i) = self.entries.iter().position(|(k, ..)| *k == key) else {
            return Ok(None);
        };
        let (_, at, attr) = self.entries.remove(i);
        match read(&attr) {
            Some(value) => Ok(Some(value)),
            None => at.error(format!("expected `{key}` to be {wanted}")),
        }
    }

    fn required<T>(
        &mut self,
        key: &str,
        wanted: &str,
        read: impl Fn(&Attr<'a>) -> Option<T>,
    ) -> Result<T, ParseError> {
        match self.optional(key, wanted, read)? {
            Some(value) => Ok(value),
            None => self
                .at
                .error(format!("expected attribute `{key}`, {wanted}")),
        }
    }

    pub(super) fn flag(&mut self, key: &str) -> Result<bool, ParseError> {
        let flag = self.optional(key, "without a value", |a| {
            (*a == Attr::Flag).then_some(true)
        })?;
        Ok(flag.unwrap_or(false))
    }

    pub(super) fn size(&mut self, key: &str) -> Result<usize, ParseError> {
        self.required(key, "a number", number)
    }

    pub(super) fn size_or(&mut self, key: &str, default: usize) -> Result<usize, ParseError> {
        let given = self.optional(key, "a number", number)?;
        Ok(given.unwrap_or(default))
    }

    pub(super) fn dim(&mut self, key: &str) -> Result<Dim, ParseError> {
        self.required(key, "a number or `?`", dim)
    }

    pub(super) fn sizes(&mut self, key: &str) -> Result<Vec<usize>, ParseError> {
        self.required(key, "a list of numbers", |a| list(a, number))
    }

    pub(super) fn integers(&mut self, key: &str) -> Result<Vec<i64>, ParseError> {
        self.required(key, "a list of integers", |a| list(a, number))
    }

    pub(super) fn dims(&mut self, key: &str) -> Result<Vec<Dim>, ParseError> {
        self.required(key, "a list of numbers and `?`", |a| list(a, dim))
    }

    pub(super) fn dims_or(&mut self, key: &str, default: &[Dim]) -> Result<Vec<Dim>, ParseError> {
        let given = self.optional(key, "a list of numbers and `?`", |a| list(a, dim))?;
        Ok(given.unwrap_or_else(|| default.to_vec()))
    }

    pub(super) fn flags_or(&mut self, key: &str, count: usize) -> Result<Vec<bool>, ParseError> {
        let given = self.optional(key, "a list of true and false", |a| list(a, boolean))?;
        Ok(given.unwrap_or_else(|| vec![false; count]))
    }

    /// A member of a closed set of names.
    pub(super) fn name<T>(
        &mut self,
        key: &str,
        wanted: &str,
        from_name: impl Fn(&str) -> Option<T>,
    ) -> Result<T, ParseError> {
        self.required(key, wanted, |attr| match attr {
            Attr::Word(word) => from_name(word),
            _ => None,
        })
    }

    /// `key=[…]x[…]`, two empty lists if it is not there.
    pub(super) fn pair_of_sizes(
        &mut self,
        key: &str,
    ) -> Result<(Vec<usize>, Vec<usize>), ParseError> {
        let given = self.optional(
            key,
            "two lists of numbers, as in `[1]x[0]`",
            |attr| match attr {
                Attr::Lists(lists) => match lists.as_slice() {
                    [l, r] => Some((list(l, number)?, list(r, number)?)),
                    _ => None,
                },
                _ => None,
            },
        )?;
        Ok(given.unwrap_or_default())
    }

    /// The attributes of a window; dilations and padding that are not there are none.
    pub(super) fn window(&mut self) -> Result<Window, ParseError> {
        let size = self.sizes("size")?;
        let ones = |given: Option<Vec<usize>>| given.unwrap_or_else(|| vec![1; size.len()]);
        let sizes = |a: &Attr<'a>| list(a, number);
        let pairs = |a: &Attr<'a>| list(a, pair);
        let wanted = "a list of numbers";
        let padding = self.optional("padding", "a list of pairs, as in `[[1,1]]`", pairs)?;
        Ok(Window {
            strides: ones(self.optional("strides", wanted, sizes)?),
            padding: padding.unwrap_or_else(|| vec![(0, 0); size.len()]),
            base_dilation: ones(self.optional("base_dilation", wanted, sizes)?),
            dilation: ones(self.optional("dilation", wanted, sizes)?),
            size,
        })
    }

    /// Checks that nothing is left.
    pub(super) fn finish(self, op: &str) -> Result<(), ParseError> {
        match self.entries.first() {
            None => Ok(()),
            Some((key, at, _)) => {
                at.error(format!("expected no attribute `{key}` (again) in {op}"))
            }
        }
    }
}
