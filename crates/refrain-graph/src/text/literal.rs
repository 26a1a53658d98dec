//! Elements of constants in text, exact to the bit.

use half::{bf16, f16};

use crate::{DType, Data, Element, Literal, with_data};

/// A constant of more elements than this is printed as bytes, if they are not all the same.
const LONGEST_LIST: usize = 32;

/// An element that prints and parses.
trait TextElement: Element {
    /// The shortest text that [`TextElement::parse`] turns into the same bits, if there is one.
    fn print(self) -> Option<String>;
    fn parse(text: &str) -> Option<Self>;
    fn push_bytes(self, bytes: &mut Vec<u8>);
    /// From as many bytes as the type has.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

fn print_float(text: String) -> String {
    match text.strip_suffix(".0") {
        Some(whole) => whole.into(),
        None => text.to_lowercase(),
    }
}

macro_rules! float {
    ($($t:ty, $via:ty, $to:expr, $from:expr;)*) => {$(
        impl TextElement for $t {
            fn print(self) -> Option<String> {
                let wide: $via = $to(self);
                let text = print_float(format!("{wide:?}"));
                let again = Self::parse(&text)?;
                (again.to_bits() == self.to_bits()).then_some(text)
            }
            fn parse(text: &str) -> Option<Self> {
                text.parse::<$via>().ok().map($from)
            }
            fn push_bytes(self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }
            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::from_le_bytes)
            }
        }
    )*};
}

float! {
    f32, f32, |x| x, |x| x;
    f64, f64, |x| x, |x| x;
    f16, f32, f16::to_f32, f16::from_f32;
    bf16, f32, bf16::to_f32, bf16::from_f32;
}

macro_rules! integer {
    ($($t:ty)*) => {$(
        impl TextElement for $t {
            fn print(self) -> Option<String> {
                Some(self.to_string())
            }
            fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }
            fn push_bytes(self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }
            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::from_le_bytes)
            }
        }
    )*};
}

integer! { i32 i64 u8 u32 }

impl TextElement for bool {
    fn print(self) -> Option<String> {
        Some(self.to_string())
    }
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
    fn push_bytes(self, bytes: &mut Vec<u8>) {
        bytes.push(self.into());
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

/// Calls a function that is generic in the element type with a type known only at run time.
macro_rules! for_dtype {
    ($dtype:expr, $f:ident ( $($arg:expr),* )) => {
        match $dtype {
            DType::F32 => $f::<f32>($($arg),*),
            DType::F64 => $f::<f64>($($arg),*),
            DType::F16 => $f::<f16>($($arg),*),
            DType::BF16 => $f::<bf16>($($arg),*),
            DType::I32 => $f::<i32>($($arg),*),
            DType::I64 => $f::<i64>($($arg),*),
            DType::U8 => $f::<u8>($($arg),*),
            DType::U32 => $f::<u32>($($arg),*),
            DType::Bool => $f::<bool>($($arg),*),
        }
    };
}

/// Prints a constant's elements.
pub(super) fn print(literal: &Literal) -> String {
    with_data!(literal.data(), v => print_elements(v))
}

fn print_elements<T: TextElement>(values: &[T]) -> String {
    let bytes = |x: T| {
        let mut bytes = Vec::with_capacity(size_of::<T>());
        x.push_bytes(&mut bytes);
        bytes
    };
    let text = match values {
        [] => Some("[]".into()),
        [first, rest @ ..] => {
            let pattern = bytes(*first);
            if rest.iter().all(|&x| bytes(x) == pattern) {
                first.print()
            } else if values.len() <= LONGEST_LIST {
                let texts: Option<Vec<String>> = values.iter().map(|x| x.print()).collect();
                texts.map(|texts| format!("[{}]", texts.join(", ")))
            } else {
                None
            }
        }
    };
    text.unwrap_or_else(|| print_bytes(values))
}

fn print_bytes<T: TextElement>(values: &[T]) -> String {
    let mut bytes = Vec::with_capacity(size_of_val(values));
    values.iter().for_each(|x| x.push_bytes(&mut bytes));
    let digit = |d: u8| char::from_digit(d.into(), 16).unwrap_or('0');
    let digits = bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]);
    "0x".chars().chain(digits).collect()
}

/// Elements as they are written.
pub(super) enum Elements<'a> {
    /// One for all places.
    Fill(&'a str),
    /// One for each place.
    List(Vec<&'a str>),
    /// Bytes, as pairs of hexadecimal digits.
    Bytes(&'a str),
}

/// A constant with these elements, or what is wrong with them.
pub(super) fn parse(elements: &Elements, dims: &[usize], dtype: DType) -> Result<Literal, String> {
    let count = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    let count = count.ok_or("expected a constant that fits in memory")?;
    let data = for_dtype!(dtype, parse_elements(elements, count))?;
    Literal::from_data(dims, data)
        .ok_or_else(|| format!("expected the elements of a constant of shape {dims:?}"))
}

fn parse_elements<T: TextElement>(elements: &Elements, count: usize) -> Result<Data, String> {
    let one = |text: &str| {
        T::parse(text).ok_or_else(|| format!("expected an element of {}, got `{text}`", T::DTYPE))
    };
    let right_count = |got: usize| {
        if got == count {
            return Ok(());
        }
        Err(format!("expected {count} elements, got {got}"))
    };
    Ok(T::wrap(match elements {
        Elements::Fill(text) => vec![one(text)?; count],
        Elements::List(texts) => {
            right_count(texts.len())?;
            texts
                .iter()
                .map(|text| one(text))
                .collect::<Result<_, _>>()?
        }
        Elements::Bytes(digits) => {
            let bytes = parse_bytes(digits)?;
            let chunks = bytes.chunks_exact(T::DTYPE.size());
            if !chunks.remainder().is_empty() {
                return Err(format!("expected whole elements of {}", T::DTYPE));
            }
            right_count(chunks.len())?;
            let values: Option<_> = chunks.map(T::from_bytes).collect();
            values.ok_or("expected bytes 00 and 01 for bool")?
        }
    }))
}

fn parse_bytes(digits: &str) -> Result<Vec<u8>, String> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            let digit = |c: u8| char::from(c).to_digit(16);
            match *pair {
                [high, low] => digit(high).zip(digit(low)),
                _ => None,
            }
        })
        .map(|pair| pair.map(|(high, low)| (high << 4 | low) as u8))
        .collect::<Option<_>>()
        .ok_or_else(|| "expected pairs of hexadecimal digits".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<T: TextElement>(values: Vec<T>) -> String {
        let literal = Literal::new([values.len()], values).unwrap();
        let text = print(&literal);
        let elements = match (text.strip_prefix("0x"), text.strip_prefix('[')) {
            (Some(digits), _) => Elements::Bytes(digits),
            (_, Some("]")) => Elements::List(Vec::new()),
            (_, Some(list)) => Elements::List(list.trim_end_matches(']').split(", ").collect()),
            _ => Elements::Fill(&text),
        };
        let again = parse(&elements, literal.dims(), literal.dtype()).unwrap();
        let bytes = |l: &Literal| with_data!(l.data(), v => print_bytes(v));
        assert_eq!(bytes(&again), bytes(&literal), "{text}");
        text
    }

    #[test]
    fn elements_print_as_they_parse() {
        assert_eq!(
            round_trip(vec![1.5f32, -0.0, 0.0, 1e-30]),
            "[1.5, -0, 0, 1e-30]"
        );
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        assert_eq!(round_trip(vec![nan, inf, -inf]), "[nan, inf, -inf]");
        assert_eq!(round_trip(vec![0.0f64; 3]), "0");
        assert_eq!(round_trip::<f32>(vec![]), "[]");
        assert_eq!(
            round_trip(vec![i64::MIN, i64::MAX]),
            format!("[{}, {}]", i64::MIN, i64::MAX)
        );
        assert_eq!(round_trip(vec![true, false]), "[true, false]");
        assert_eq!(
            round_trip(vec![f16::NAN, f16::MIN_POSITIVE_SUBNORMAL]),
            "[nan, 5.9604645e-8]"
        );
        assert_eq!(round_trip((0..40u8).collect()).len(), 82);
    }

    #[test]
    fn every_half_keeps_its_bits() {
        for bits in 0..=u16::MAX {
            round_trip(vec![f16::from_bits(bits)]);
            round_trip(vec![bf16::from_bits(bits)]);
        }
    }

    #[test]
    fn unusual_nans_are_bytes() {
        assert_eq!(round_trip(vec![f32::from_bits(0x7fc0_0001)]), "0x0100c07f");
        assert_eq!(
            round_trip(vec![f32::from_bits(0xffc0_0000); 2]),
            "0x0000c0ff0000c0ff"
        );
    }
}
