//! Code that nobody's CPython wrote: damaged real code, and code made to cost time or memory.

#[path = "common/allocated.rs"]
mod allocated;

use std::time::{Duration, Instant};

use refrain::saving::Expression;
use refrain::testing::decode_lambda;
use refrain::{Tensor, input};
use serde_json::{Map, Value as Json, json};

/// The most that one decoding may have allocated at a time, in bytes: the limits on objects and parts, generously.
const MEMORY: usize = 4 << 20;

/// The longest that one decoding may take, on a busy machine.
const TIME: Duration = Duration::from_secs(5);

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn encoded(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut padded = [0; 4];
        padded[1..=group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes(padded);
        for i in 0..4 {
            let symbol = ALPHABET[(bits >> (18 - 6 * i) & 63) as usize];
            text.push(if i > group.len() { '=' } else { symbol as char });
        }
    }
    text
}

fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for group in text.trim_end_matches('=').as_bytes().chunks(4) {
        let value = |s: &u8| ALPHABET.iter().position(|a| a == s).expect("a symbol") as u32;
        let bits = group.iter().fold(0, |bits, s| bits << 6 | value(s)) << (6 * (4 - group.len()));
        bytes.extend(&bits.to_be_bytes()[1..group.len()]);
    }
    bytes
}

fn real_codes() -> Vec<Vec<u8>> {
    let golden: Json = serde_json::from_str(include_str!("golden/lambdas.json")).expect("JSON");
    let mut codes = Vec::new();
    for kind in ["known", "refused"] {
        for case in golden[kind].as_object().expect("cases").values() {
            let texts = case["codes"].as_object().expect("codes").keys();
            codes.extend(texts.map(|text| decoded(text)));
        }
    }
    codes
}

/// xorshift64*: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % limit.max(1)
    }
}

/// Some bytes changed, a piece cut off, repeated or removed, or counts made huge.
fn mutated(code: &[u8], others: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = code.to_vec();
    for _ in 0..=random.below(4) {
        let (at, end) = (random.below(bytes.len()), random.below(bytes.len() + 1));
        let range = at.min(end)..at.max(end);
        match random.below(6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(range)),
            2 => bytes.extend_from_within(range),
            3 => {
                let other = &others[random.below(others.len())];
                let tail = other.len().saturating_sub(random.below(other.len()));
                bytes.extend_from_slice(&other[tail..]);
            }
            4 => bytes.iter_mut().skip(at).take(4).for_each(|b| *b = 0x7F),
            _ => bytes
                .iter_mut()
                .skip(at)
                .take(1)
                .for_each(|b| *b = random.below(256) as u8),
        }
    }
    bytes
}

/// Decodes within the limits of time and memory; what comes out reads back from its text.
fn within_limits(bytes: &[u8], defaults: Json) -> Result<Expression, String> {
    let code = encoded(bytes);
    let config = json!({"code": code, "defaults": defaults, "closure": [2, 0.5]});
    let function = json!({"class_name": "__lambda__", "config": config});
    let start = Instant::now();
    let (result, most) = allocated::peak(|| decode_lambda(&function, &Map::new()));
    assert!(most <= MEMORY + 8 * bytes.len(), "{most} bytes for {code}");
    assert!(start.elapsed() <= TIME, "{:?} for {code}", start.elapsed());
    if let Ok(expression) = &result {
        let again = Expression::parse(&expression.to_string());
        assert_eq!(again.as_ref().ok(), Some(expression), "{code}");
    }
    result.map_err(|e| e.to_string())
}

/// Applies what was understood, which may fail but not panic, with inputs of the shapes that the real code takes.
fn applied(expression: &Expression, inputs: &[Tensor; 2]) -> usize {
    let [matrix, sequence] = inputs;
    let results = [
        expression.apply(matrix),
        expression.apply(sequence),
        expression.apply([matrix, matrix]),
        expression.apply([sequence, sequence]),
    ];
    results.iter().filter(|r| r.is_ok()).count()
}

fn damaged_code() {
    const COUNT: usize = 20_000;
    let codes = real_codes();
    let mut random = Random(0x5EED);
    let (mut understood, mut fitting) = (0, 0);
    let inputs = [input([3]), input([3, 4])];
    for i in 0..COUNT {
        let bytes = mutated(&codes[i % codes.len()], &codes, &mut random);
        if let Ok(expression) = within_limits(&bytes, json!([3])) {
            understood += 1;
            fitting += applied(&expression, &inputs);
        }
    }
    // Much of a code object (file name, lines) can change without changing its meaning.
    assert!(fitting > 0 && understood < COUNT, "{understood}, {fitting}");
    for code in codes.iter().step_by(17) {
        for end in 0..code.len() {
            assert!(within_limits(&code[..end], Json::Null).is_err());
        }
    }
}

/// A code object of CPython 3.8 with these constants and instructions.
fn code_object(constants: &[u8], code: &[u8]) -> Vec<u8> {
    let mut bytes = vec![b'c'];
    let numbers = [1i32, 0, 0, 1, 2, 0x43];
    numbers.iter().for_each(|n| bytes.extend(n.to_le_bytes()));
    bytes.push(b's');
    bytes.extend((code.len() as i32).to_le_bytes());
    bytes.extend(code);
    bytes.extend(constants);
    bytes.extend(b")\0)\x01z\x01x)\0)\0z\0z\0\0\0\0\0s\0\0\0\0");
    bytes
}

const RETURN_VALUE: [u8; 2] = [83, 0];
const LOAD_CONST: u8 = 100;
const LOAD_FAST: u8 = 124;
const BINARY_ADD: u8 = 23;
const BINARY_SUBSCR: u8 = 25;

fn code_made_to_cost() {
    // A sum with as many terms as there is room for.
    let mut long = vec![LOAD_FAST, 0];
    (0..4000).for_each(|_| long.extend([LOAD_FAST, 0, BINARY_ADD, 0]));
    long.extend(RETURN_VALUE);
    let error = within_limits(&code_object(b")\0", &long), Json::Null).unwrap_err();
    assert!(error.contains("levels"), "{error}");
    // Tuples of two references to the tuple before: a tree of 2^60 leaves.
    let mut doubled = b")\x01".to_vec();
    (0..60).for_each(|_| doubled.extend(b"\xa9\x02"));
    doubled.extend(b"N");
    for i in (0..60u32).rev() {
        doubled.push(b'r');
        doubled.extend(i.to_le_bytes());
    }
    let load = [
        &[LOAD_FAST, 0, LOAD_CONST, 0, BINARY_SUBSCR, 0],
        &RETURN_VALUE[..],
    ]
    .concat();
    assert!(within_limits(&code_object(&doubled, &load), Json::Null).is_err());
    // A wide tuple of references to a wide tuple, loaded again and again.
    let mut wide = b")\x02\xa9\xff".to_vec();
    wide.extend([b'N'; 255]);
    wide.push(b'(');
    wide.extend(60_000u32.to_le_bytes());
    (0..60_000).for_each(|_| wide.extend(b"r\0\0\0\0"));
    let mut loads: Vec<u8> = vec![LOAD_FAST, 0];
    (0..4000).for_each(|_| loads.extend([LOAD_CONST, 1, BINARY_SUBSCR, 0]));
    loads.extend(RETURN_VALUE);
    assert!(within_limits(&code_object(&wide, &loads), Json::Null).is_err());
    // Constants nested without end, and a count of two thousand million.
    let deep = [&b")\x01"[..], &b")\x01".repeat(100_000)].concat();
    assert!(within_limits(&code_object(&deep, &load), Json::Null).is_err());
    let huge = b"(\xff\xff\xff\x7f";
    assert!(within_limits(&code_object(huge, &load), Json::Null).is_err());
    // The same frame with honest contents is understood.
    let honest = within_limits(&code_object(b")\x01i\x01\0\0\0", &load), Json::Null);
    assert_eq!(honest.map(|e| e.to_string()).as_deref(), Ok("x[1]"));
}

fn texts_made_to_cost() {
    let start = Instant::now();
    for part in [
        "(", "[", "-", "x[", "x**", "abs(", "x+", "x,", "~", "1e", "x if ", "'", "\\",
    ] {
        for times in [10, 1000, 4000, 1_000_000] {
            let text = part.repeat(times);
            assert!(Expression::parse(&text).is_err(), "{part} {times} times");
            let _ = Expression::parse(&format!("{text}x"));
        }
    }
    let longest = vec!["x"; 100].join(" + ");
    assert_eq!(
        Expression::parse(&longest).expect("a sum").to_string(),
        longest
    );
    assert!(start.elapsed() < TIME, "{:?}", start.elapsed());
}

/// One test, because what is allocated is counted for the whole process.
#[test]
fn nothing_makes_the_decoder_panic_hang_or_fill_memory() {
    code_made_to_cost();
    texts_made_to_cost();
    damaged_code();
}
