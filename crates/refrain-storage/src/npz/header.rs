//! The text before an array's values: element type, order, shape.

use std::io::Read;

use crate::{Error, Result};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Bytes of the text before an array's values: NumPy itself reads no longer ones unless it trusts the file.
const LONGEST_HEADER: usize = 10_000;
/// NumPy arrays have at most this many axes.
const MOST_AXES: usize = 64;
/// Values begin at a multiple of this many bytes.
const ALIGNMENT: usize = 64;

/// What is known of an array before its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// NumPy's code of the element type: `<f4`.
    pub(super) descr: String,
    pub(super) fortran: bool,
    pub(super) shape: Vec<usize>,
}

impl Header {
    /// Reads up to the first value.
    pub(super) fn read(source: &mut dyn Read) -> Result<Self> {
        let start: [u8; 8] = bytes(source)?;
        if !start.starts_with(MAGIC) {
            return Err(Error::damaged("it does not begin as NumPy's arrays do"));
        }
        let length = match start[6] {
            1 => usize::from(u16::from_le_bytes(bytes(source)?)),
            2 | 3 => u32::from_le_bytes(bytes(source)?) as usize,
            version => {
                let text =
                    format!("it has version {version} of NumPy's format; versions 1 to 3 are read");
                return Err(Error::damaged(text));
            }
        };
        if length > LONGEST_HEADER {
            let text = format!("its header has {length} bytes, more than {LONGEST_HEADER}");
            return Err(Error::damaged(text));
        }
        let mut text = vec![0; length];
        source.read_exact(&mut text).map_err(cut)?;
        let header = std::str::from_utf8(&text).ok().and_then(parse);
        header.ok_or_else(|| {
            let text = String::from_utf8_lossy(&text);
            Error::damaged(format!(
                "its header is not one of NumPy's: {}",
                text.trim_end()
            ))
        })
    }

    /// The bytes before the first value.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let sizes: Vec<String> = self.shape.iter().map(|size| format!("{size},")).collect();
        let shape = match &sizes[..] {
            [] | [_] => sizes.concat(),
            _ => sizes.join(" ").trim_end_matches(',').to_owned(),
        };
        let order = if self.fortran { "True" } else { "False" };
        let descr = &self.descr;
        let mut text =
            format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}), }}");
        let before = MAGIC.len() + 4;
        let end = (before + text.len() + 1).next_multiple_of(ALIGNMENT);
        text.push_str(&" ".repeat(end - before - text.len() - 1));
        text.push('\n');
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        let mut out = MAGIC.to_vec();
        out.extend([1, 0]);
        out.extend(length.to_le_bytes());
        out.extend(text.into_bytes());
        out
    }
}

fn bytes<const N: usize>(source: &mut dyn Read) -> Result<[u8; N]> {
    let mut out = [0; N];
    source.read_exact(&mut out).map_err(cut)?;
    Ok(out)
}

/// What reading an array that ends too early is answered with.
pub(super) fn cut(e: std::io::Error) -> Error {
    match e.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            Error::damaged("it ends too early: the file is cut off")
        }
        _ => Error::damaged(format!("reading it failed: {e}")),
    }
}

/// A Python dict of exactly the keys that NumPy writes, in any order.
fn parse(text: &str) -> Option<Header> {
    let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    while !rest.is_empty() {
        let (key, after) = quoted(rest)?;
        rest = after.trim_start().strip_prefix(':')?.trim_start();
        rest = match key {
            "descr" => {
                let (value, after) = described(rest)?;
                descr = Some(value);
                after
            }
            "fortran_order" => {
                let (value, after) = truth(rest)?;
                fortran = Some(value);
                after
            }
            "shape" => {
                let (inside, after) = rest.strip_prefix('(')?.split_once(')')?;
                shape = Some(sizes(inside)?);
                after
            }
            _ => return None,
        };
        rest = rest.trim_start();
        rest = rest.strip_prefix(',').map_or(rest, str::trim_start);
    }
    Some(Header {
        descr: descr?,
        fortran: fortran?,
        shape: shape?,
    })
}

fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(quote)
}

/// A code such as `'<f4'`; the list that describes a record is kept as its text, to be named in an error.
fn described(text: &str) -> Option<(String, &str)> {
    if let Some((code, after)) = quoted(text) {
        return Some((code.to_owned(), after));
    }
    let end = text.rfind(']')?;
    text.starts_with('[')
        .then(|| (text[..=end].to_owned(), &text[end + 1..]))
}

fn truth(text: &str) -> Option<(bool, &str)> {
    let yes = text.strip_prefix("True").map(|after| (true, after));
    yes.or_else(|| text.strip_prefix("False").map(|after| (false, after)))
}

fn sizes(text: &str) -> Option<Vec<usize>> {
    let parts = text.trim().trim_end_matches(',').split(',');
    let parts = parts.map(str::trim).filter(|part| !part.is_empty());
    // Python 2 wrote long numbers as `3L`.
    let sizes: Option<Vec<usize>> = parts
        .map(|part| part.trim_end_matches('L').parse().ok())
        .collect();
    sizes.filter(|sizes| sizes.len() <= MOST_AXES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(descr: &str, fortran: bool, shape: &[usize]) -> Header {
        Header {
            descr: descr.to_owned(),
            fortran,
            shape: shape.to_vec(),
        }
    }

    #[test]
    fn headers_of_numpy_are_read() {
        let read = |text: &str| parse(text).unwrap();
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n";
        assert_eq!(read(text), header("<f4", false, &[2, 3]));
        let text = "{'shape': (7,), 'fortran_order': True, 'descr': '|b1'}\n";
        assert_eq!(read(text), header("|b1", true, &[7]));
        let text = "{'descr': [('a', '<f4'), ('b', '<i4')], 'fortran_order': False, 'shape': ()}";
        assert_eq!(read(text).descr, "[('a', '<f4'), ('b', '<i4')]");
    }

    #[test]
    fn other_texts_are_not() {
        for text in [
            "",
            "{",
            "{}",
            "{'descr': '<f4'}",
            "{'a': 1}",
            "{'shape': (-1,)",
            "((((((",
            "{'descr': 'é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for shape in [&[][..], &[5], &[2, 3], &[1, 2, 3, 4]] {
            let written = header("<f4", false, shape);
            let bytes = written.to_bytes();
            assert_eq!(bytes.len() % ALIGNMENT, 0);
            assert_eq!(Header::read(&mut &bytes[..]).unwrap(), written);
        }
    }
}
