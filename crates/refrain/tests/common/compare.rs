//! Comparisons that say where two arrays differ most.

use refrain_graph::Literal;

/// Relative to the larger of the expected array's largest element and 1.
pub const OUTPUT_TOLERANCE: f64 = 1e-5;
/// Likewise, for gradients.
pub const GRADIENT_TOLERANCE: f64 = 1e-4;

/// Panics with what failed, if anything did.
#[track_caller]
pub fn none_failed(failures: impl IntoIterator<Item = String>) {
    let failures: Vec<String> = failures.into_iter().collect();
    let count = failures.len();
    assert!(
        failures.is_empty(),
        "{count} failures:\n{}",
        failures.join("\n")
    );
}

/// `Err` says how the arrays differ.
pub fn close(what: &str, got: &Literal, expected: &Literal, tolerance: f64) -> Result<(), String> {
    if got.dims() != expected.dims() {
        let (g, e) = (got.dims(), expected.dims());
        return Err(format!("{what}: expected shape {e:?}, got {g:?}"));
    }
    if got.dtype() != expected.dtype() {
        let (g, e) = (got.dtype(), expected.dtype());
        return Err(format!("{what}: expected type {e}, got {g}"));
    }
    let (got, expected) = (got.to_f64(), expected.to_f64());
    let finite = expected.iter().filter(|e| e.is_finite());
    let scale = finite.fold(1.0f64, |m, e| m.max(e.abs()));
    let error = |(g, e): (&f64, &f64)| match g == e || (g.is_nan() && e.is_nan()) {
        true => 0.0,
        false => (g - e).abs(),
    };
    let errors = got.iter().zip(&expected).map(error).enumerate();
    // A NaN on one side only counts as the largest error.
    let rank = |e: f64| if e.is_nan() { f64::INFINITY } else { e };
    let worst = errors.max_by(|a, b| rank(a.1).total_cmp(&rank(b.1)));
    match worst {
        Some((i, error)) if rank(error) > tolerance * scale => Err(format!(
            "{what}: at flat index {i} expected {}, got {} (tolerance {:e})",
            expected[i],
            got[i],
            tolerance * scale
        )),
        _ => Ok(()),
    }
}

/// `Err` says where the arrays differ.
pub fn equal(what: &str, got: &Literal, expected: &Literal) -> Result<(), String> {
    close(what, got, expected, 0.0)
}
