//! Sizes that users choose: whether they can be computed with, and whether there is memory for them.

use refrain_graph::{Shape, memory};

use crate::error::{Error, ErrorKind, Result};

/// Most steps of a sequence that are written out: each becomes primitives of its own, and programs of millions of
/// primitives are of no use.
const MOST_STEPS: usize = 1 << 14;

/// Refuses an array that does not fit in memory. Dimensions of 0 count as 1, so that no product of some of the
/// dimensions overflows either.
pub(crate) fn check_memory(what: &str, dims: &[usize], element: usize) -> Result<()> {
    let product = dims
        .iter()
        .try_fold(element, |n, &d| n.checked_mul(d.max(1)));
    let refused = match product.map(memory::check) {
        Some(Ok(())) => return Ok(()),
        Some(Err(error)) => format!(": {error}"),
        None => String::new(),
    };
    let received = format!("shape {}{refused}", Shape::from(dims));
    let expected = format!("{what} that fits in memory");
    Err(Error::mismatch(ErrorKind::Memory, expected, received).hint("Make it smaller"))
}

fn too_large(received: String) -> Error {
    Error::mismatch(ErrorKind::Config, "a size below 2^63", received)
        .hint("No array has as many elements")
}

/// A size as the signed number that paddings are counted in.
pub(crate) fn signed(size: usize) -> Result<i64> {
    i64::try_from(size).map_err(|_| too_large(size.to_string()))
}

/// The largest size, stride or dilation of a window: no axis is longer, and products with positions do not overflow.
pub(crate) const LARGEST_STEP: usize = i32::MAX as usize;

/// The product of two sizes.
pub(crate) fn times(a: usize, b: usize) -> Result<usize> {
    a.checked_mul(b)
        .ok_or_else(|| too_large(format!("{a} times {b}")))
}

/// Refuses to write out so many steps of a sequence one by one, or none.
pub(crate) fn check_steps(steps: usize) -> Result<()> {
    if (1..=MOST_STEPS).contains(&steps) {
        return Ok(());
    }
    let expected = format!("a sequence of 1 to {MOST_STEPS} steps to write out step by step");
    Err(
        Error::mismatch(ErrorKind::Shape, expected, steps.to_string())
            .hint("Leave `unroll` off, or use another length"),
    )
}

/// Refuses to write out so many iterations of an algorithm, an option of this name.
pub(crate) fn check_iterations(option: &str, iterations: usize) -> Result<()> {
    match (1..=MOST_STEPS).contains(&iterations) {
        true => Ok(()),
        false => Err(Error::mismatch(
            ErrorKind::Config,
            format!("1 to {MOST_STEPS} for option `{option}`"),
            iterations.to_string(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_no_machine_has_are_refused() {
        assert!(check_memory("a weight", &[3, 4], 4).is_ok());
        assert!(check_memory("a weight", &[0], 4).is_ok());
        for dims in [
            &[usize::MAX][..],
            &[1 << 40, 1 << 40],
            &[0, usize::MAX, 2],
            &[1 << 62],
        ] {
            let error = check_memory("a weight", dims, 4)
                .expect_err("too large")
                .to_string();
            assert!(
                error.starts_with("expected a weight that fits in memory"),
                "{error}"
            );
        }
    }
}
