//! Base64, as Python's `codecs` writes it: lines with line ends.

use crate::error::{Error, ErrorKind, Result};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The bytes of a text. White space counts for nothing; anything else out of place is an error.
pub(super) fn decode(text: &str) -> Result<Vec<u8>> {
    let bad = |why: &str| Error::new(ErrorKind::Config, format!("not base64: {why}"));
    let symbols = text.bytes().filter(|b| !b.is_ascii_whitespace());
    let symbols: Vec<u8> = symbols.collect();
    let padding = symbols.iter().rev().take_while(|&&b| b == b'=').count();
    if !symbols.len().is_multiple_of(4) || padding > 2 {
        return Err(bad("its length does not fit"));
    }
    let mut bytes = Vec::with_capacity(symbols.len() / 4 * 3);
    for group in symbols[..symbols.len() - padding].chunks(4) {
        let mut bits = 0u32;
        for symbol in group {
            let value = ALPHABET.iter().position(|s| s == symbol);
            let value = value.ok_or_else(|| bad("a symbol outside of its alphabet"))?;
            bits = bits << 6 | value as u32;
        }
        let missing = 4 - group.len();
        bits <<= 6 * missing;
        let [_, decoded @ ..] = bits.to_be_bytes();
        if decoded.iter().skip(3 - missing).any(|&b| b != 0) {
            return Err(bad("bits beyond its end"));
        }
        bytes.extend(decoded.into_iter().take(3 - missing));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_texts() {
        assert_eq!(decode("").unwrap(), b"");
        assert_eq!(decode("Zg==\n").unwrap(), b"f");
        assert_eq!(decode("Zm9v\nYmFy\n").unwrap(), b"foobar");
        assert_eq!(decode("Zm9vYmE=").unwrap(), b"fooba");
        for bad in ["Zg", "Zg=", "Zh==", "Z===", "Zg==Zg==", "Zm9*", "===="] {
            assert!(decode(bad).is_err(), "{bad}");
        }
    }
}
