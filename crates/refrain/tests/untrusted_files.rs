//! Ten thousand damaged files: no panic, and no more memory than the readers promise. Memory is counted for the whole process,
//! so this test is alone.

#[path = "common/allocated.rs"]
mod allocated;

use std::path::Path;

use refrain::saving::Limits;
use refrain::testing::storage;

const FILES: [&str; 11] = [
    "model.keras",
    "model.weights.h5",
    "compressed.h5",
    "half.weights.h5",
    "types.h5",
    "dense.h5",
    "chunks.h5",
    "block_latest.h5",
    "circle.h5",
    "folder/config.json",
    "arrays.safetensors",
];
const EACH: usize = 1_500;
/// What opening may take, as `Limits` promises: this many times the file, and 1 MiB.
const FACTOR: usize = 64;
const FREE: usize = 1 << 20;
/// JSON takes more.
const JSON_FACTOR: usize = 128;

/// Xorshift: the same damage in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

/// One to six changes: bytes, bits, runs of ones, numbers that may be offsets, copies, ends cut off.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(6) {
        let n = bytes.len();
        let at = random.below(n);
        let end = (at + 8).min(n);
        match random.below(12) {
            0 | 1 => bytes[at] = random.below(256) as u8,
            2 | 3 => bytes[at] ^= 1 << random.below(8),
            4 | 5 => bytes[at..end].fill(0xff),
            6 | 7 => {
                let number = random.below(n).to_le_bytes();
                bytes[at..end].copy_from_slice(&number[..end - at]);
            }
            8 | 9 => {
                let from = random.below(n - (end - at) + 1);
                bytes.copy_within(from..from + (end - at), at);
            }
            10 => bytes[at..end].fill(0),
            _ => bytes.truncate(at + 1),
        }
    }
}

fn read(name: &str, bytes: Vec<u8>, limits: &Limits) -> bool {
    if name.ends_with(".json") {
        storage::read_json(&bytes, limits).is_ok()
    } else if name.ends_with(".keras") {
        storage::read_zip(bytes, limits).is_ok()
    } else {
        storage::read_arrays(bytes, limits).is_ok()
    }
}

fn original(name: &str) -> Vec<u8> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/storage");
    if name.ends_with(".safetensors") {
        let weights = std::fs::read(fixtures.join("model.weights.h5")).unwrap();
        let arrays = storage::read_arrays(weights, &Limits::new()).unwrap();
        return storage::safetensors(&arrays, &[("a".into(), "b".into())].into()).unwrap();
    }
    std::fs::read(fixtures.join(name)).unwrap()
}

#[test]
fn damaged_files_are_errors_and_take_little_memory() {
    let limits = Limits::new();
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for name in FILES {
        let original = original(name);
        let factor = if name.ends_with(".json") {
            JSON_FACTOR
        } else {
            FACTOR
        };
        let allowed = factor * original.len() + FREE;
        let mut refused = 0;
        for i in 0..EACH {
            let mut bytes = original.clone();
            damage(&mut bytes, &mut random);
            let (is_read, taken) = allocated::peak(|| read(name, bytes, &limits));
            refused += usize::from(!is_read);
            assert!(
                taken <= allowed,
                "{name}, damage {i}: {taken} bytes, {allowed} allowed"
            );
        }
        assert!(
            refused > EACH / 10,
            "{name}: only {refused} of {EACH} were noticed"
        );
    }
}
