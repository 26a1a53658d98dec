//! Architectures of models.

#![no_main]

use refrain::saving::{Limits, LoadOptions};

/// Weights are drawn: what takes long to draw is no finding.
const FEW_BYTES: u64 = 1 << 20;

libfuzzer_sys::fuzz_target!(|data: &str| {
    let limits = Limits::new().total_bytes(FEW_BYTES);
    let _ = LoadOptions::new().limits(limits).model_from_json(data);
});
