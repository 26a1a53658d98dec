//! File names with the epoch and logged values in them, as Python formats them.

use crate::error::{Error, ErrorKind, Result};
use crate::training::Logs;

/// `weights-{epoch:02d}-{val_loss:.2f}.keras` with the epoch (from 1) and the values of the logs put in.
pub(super) fn file_name(template: &str, epoch: usize, logs: &Logs) -> Result<String> {
    let mut name = String::new();
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        name.push_str(&rest[..start]);
        let field = &rest[start + 1..];
        let end = field.find('}').ok_or_else(|| {
            let message = format!("`{template}` has a `{{` without a `}}`");
            Error::new(ErrorKind::Config, message)
        })?;
        let (key, format) = field[..end].split_once(':').unwrap_or((&field[..end], ""));
        let text = match key {
            "epoch" => integer(epoch + 1, format),
            key => real(logs.get(key)?, format),
        };
        name.push_str(&text.ok_or_else(|| {
            let expected = "a format such as `{epoch:02d}` or `{val_loss:.2f}`";
            Error::mismatch(
                ErrorKind::Config,
                expected,
                format!("`{{{}}}`", &field[..end]),
            )
        })?);
        rest = &field[end + 1..];
    }
    name.push_str(rest);
    Ok(name)
}

/// The logged values that a template names.
pub(super) fn names(template: &str) -> impl Iterator<Item = &str> {
    let fields = template.split('{').skip(1);
    let fields = fields.filter_map(|field| field.split_once('}'));
    let keys = fields.map(|(field, _)| field.split_once(':').map_or(field, |(key, _)| key));
    keys.filter(|&key| key != "epoch")
}

/// Digits beyond which a width or a precision is a mistake.
const MOST_DIGITS: usize = 30;

fn digits(text: &str) -> Option<usize> {
    let digits = if text.is_empty() {
        Some(0)
    } else {
        text.parse().ok()
    };
    digits.filter(|&n| n <= MOST_DIGITS)
}

/// `d`, `3d`, `03d` or nothing.
fn integer(value: usize, format: &str) -> Option<String> {
    let width = format.strip_suffix('d').unwrap_or(format);
    let width_digits = digits(width)?;
    Some(match width.starts_with('0') {
        true => format!("{value:0width_digits$}"),
        false => format!("{value:width_digits$}"),
    })
}

/// `.2f`, `f` (six decimals, as in Python) or nothing.
fn real(value: f64, format: &str) -> Option<String> {
    if format.is_empty() {
        return Some(value.to_string());
    }
    let precision = match format.strip_suffix('f')?.strip_prefix('.') {
        Some(precision) => digits(precision)?,
        None if format == "f" => 6,
        None => return None,
    };
    Some(format!("{value:.precision$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_formatted_as_in_python() {
        let mut logs = Logs::default();
        logs.set("val_loss", 0.123_456);
        let name = |template| file_name(template, 4, &logs);
        assert_eq!(name("m.keras").unwrap(), "m.keras");
        assert_eq!(
            name("m-{epoch:02d}-{val_loss:.2f}.keras").unwrap(),
            "m-05-0.12.keras"
        );
        assert_eq!(name("{epoch}{epoch:3d}").unwrap(), "5  5");
        assert_eq!(name("{val_loss:f}").unwrap(), "0.123456");
        let named: Vec<&str> = names("m-{epoch:02d}-{val_loss:.2f}-{loss}.{").collect();
        assert_eq!(named, ["val_loss", "loss"]);
        assert!(name("{loss}").unwrap_err().to_string().contains("loss"));
        assert!(name("{epoch:x}").is_err());
        assert!(name("{epoch:99d}").is_err());
        assert!(name("{epoch").is_err());
    }
}
