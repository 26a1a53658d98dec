//! HDF5 and safetensors files.

#![no_main]

use refrain::saving::Limits;
use refrain::testing::storage;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = storage::read_arrays(data.to_vec(), &Limits::new());
});
