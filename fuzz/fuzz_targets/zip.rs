//! Zip archives.

#![no_main]

use refrain::saving::Limits;
use refrain::testing::storage;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = storage::read_zip(data.to_vec(), &Limits::new());
});
