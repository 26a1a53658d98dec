//! Preconditions that many primitives share, each with its message.

use crate::{DType, Dim, Shape, Spec};

/// Exactly `N` inputs.
pub(super) fn arity<'a, const N: usize>(inputs: &[&'a Spec]) -> Result<[&'a Spec; N], String> {
    inputs
        .try_into()
        .map_err(|_| format!("expected {N} inputs, got {}", inputs.len()))
}

/// An element type that satisfies `ok`; `wanted` says which those are.
pub(super) fn dtype(
    what: &str,
    dtype: DType,
    wanted: &str,
    ok: impl Fn(DType) -> bool,
) -> Result<(), String> {
    if ok(dtype) {
        return Ok(());
    }
    Err(format!("expected {what} of {wanted}, got {dtype}"))
}

/// Any type but `bool`.
pub(super) fn numeric(what: &str, of: DType) -> Result<(), String> {
    dtype(what, of, "a numeric type", |d| d != DType::Bool)
}

/// Two element types that must be one.
pub(super) fn same_dtype(what: &str, expected: DType, got: DType) -> Result<(), String> {
    dtype(what, got, &format!("type {expected}"), |d| d == expected)
}

/// Two shapes that must be one; the result knows what either knows.
pub(super) fn merge(what: &str, expected: &Shape, got: &Shape) -> Result<Shape, String> {
    expected
        .merge(got)
        .ok_or_else(|| format!("expected {what} of shape {expected}, got {got}"))
}

/// Two sizes that must be one; the result is known if either is.
pub(super) fn merge_dim(what: &str, expected: Dim, got: Dim) -> Result<Dim, String> {
    match (expected, got) {
        (Some(e), Some(g)) if e != g => Err(format!("expected {what} of size {e}, got {g}")),
        _ => Ok(expected.or(got)),
    }
}

/// A dimension below the rank.
pub(super) fn axis(what: &str, axis: usize, rank: usize) -> Result<(), String> {
    if axis < rank {
        return Ok(());
    }
    Err(format!("expected {what} below the rank {rank}, got {axis}"))
}

/// A list of this length.
pub(super) fn length(what: &str, got: usize, expected: usize) -> Result<(), String> {
    if got == expected {
        return Ok(());
    }
    Err(format!("expected {expected} {what}, got {got}"))
}

/// Dimensions below the rank, none twice.
pub(super) fn distinct(what: &str, dims: &[usize], rank: usize) -> Result<(), String> {
    let mut seen = vec![false; rank];
    for &d in dims {
        match seen.get_mut(d) {
            None => return Err(format!("expected {what} below {rank}, got {d} in {dims:?}")),
            Some(true) => {
                return Err(format!(
                    "expected distinct {what}, got {d} twice in {dims:?}"
                ));
            }
            Some(seen) => *seen = true,
        }
    }
    Ok(())
}

/// Dimensions below the rank, each greater than the one before.
pub(super) fn increasing(what: &str, dims: &[usize], rank: usize) -> Result<(), String> {
    if dims.windows(2).any(|w| w[0] >= w[1]) {
        return Err(format!("expected increasing {what}, got {dims:?}"));
    }
    distinct(what, dims, rank)
}

/// Entries of at least 1.
pub(super) fn positive(what: &str, values: &[usize]) -> Result<(), String> {
    if values.contains(&0) {
        return Err(format!("expected {what} of at least 1, got {values:?}"));
    }
    Ok(())
}

/// A computed size that must be a size.
pub(super) fn size(what: &str, computed: Option<i128>) -> Result<usize, String> {
    let computed = computed.ok_or_else(|| format!("expected {what} to fit, got an overflow"))?;
    if computed < 0 {
        return Err(format!("expected {what} of at least 0, got {computed}"));
    }
    usize::try_from(computed).map_err(|_| format!("expected {what} to fit, got {computed}"))
}

/// Outputs whose bytes can be addressed, as far as their shapes are known.
pub(super) fn addressable(specs: Vec<Spec>) -> Result<Vec<Spec>, String> {
    for spec in &specs {
        let fits = spec.bytes().is_some_and(|b| b <= isize::MAX as usize);
        if spec.shape.is_known() && !fits {
            return Err(format!(
                "expected a result that fits in memory, got {spec}, which is too large to address"
            ));
        }
    }
    Ok(specs)
}
