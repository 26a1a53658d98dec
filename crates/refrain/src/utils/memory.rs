//! Whether memory can be had, asked before it is needed: an allocation that fails can only abort the process.

use crate::error::{Error, ErrorKind, Result};

/// The largest array that is made, in bytes. No machine has as much; some systems promise it all the same.
const LARGEST: usize = 1 << 44;

/// Refuses an array that does not fit in memory. Dimensions of 0 count as 1, so that no product of some of the
/// dimensions overflows either.
pub(crate) fn check(what: &str, dims: &[usize], element: usize) -> Result<()> {
    let product = dims
        .iter()
        .try_fold(element, |n, &d| n.checked_mul(d.max(1)));
    let bytes = product.filter(|&b| b <= LARGEST && available(b));
    let Some(_) = bytes else {
        return Err(Error::mismatch(
            ErrorKind::Config,
            format!("{what} that fits in memory"),
            format!("shape {}", refrain_graph::Shape::from(dims)),
        )
        .hint("Make it smaller"));
    };
    Ok(())
}

/// Whether the system would give as many bytes now.
pub(crate) fn available(bytes: usize) -> bool {
    Vec::<u8>::new().try_reserve_exact(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_no_machine_has_are_refused() {
        assert!(check("a weight", &[3, 4], 4).is_ok());
        assert!(check("a weight", &[0], 4).is_ok());
        for dims in [
            &[usize::MAX][..],
            &[1 << 40, 1 << 40],
            &[0, usize::MAX, 2],
            &[1 << 62],
        ] {
            let error = check("a weight", dims, 4)
                .expect_err("too large")
                .to_string();
            assert!(
                error.starts_with("expected a weight that fits in memory"),
                "{error}"
            );
        }
    }
}
