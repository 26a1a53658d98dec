//! Sizes under a sliding window, for pooling and convolutions.

use super::check;
use crate::{Dim, Window};

/// Checks that a window over `rank` dimensions has sound attributes.
pub(super) fn well_formed(window: &Window, rank: usize) -> Result<(), String> {
    check::length("window sizes", window.size.len(), rank)?;
    check::length("window strides", window.strides.len(), rank)?;
    check::length("window paddings", window.padding.len(), rank)?;
    check::length("base dilations", window.base_dilation.len(), rank)?;
    check::length("window dilations", window.dilation.len(), rank)?;
    check::positive("window sizes", &window.size)?;
    check::positive("window strides", &window.strides)?;
    check::positive("base dilations", &window.base_dilation)?;
    check::positive("window dilations", &window.dilation)
}

/// Elements from the first to the last of `n` elements that are `dilation` apart.
fn dilated(n: usize, dilation: usize) -> Option<i128> {
    match n.checked_sub(1) {
        None => Some(0),
        Some(gaps) => (gaps as i128).checked_mul(dilation as i128)?.checked_add(1),
    }
}

/// Number of places of a well-formed window along its dimension `i` on a base of `n` elements.
pub(super) fn places(window: &Window, i: usize, n: Dim) -> Result<Dim, String> {
    let Some(n) = n else {
        return Ok(None);
    };
    let (low, high) = window.padding[i];
    let padded = dilated(n, window.base_dilation[i])
        .and_then(|n| n.checked_add(low as i128)?.checked_add(high as i128));
    let padded = check::size(
        &format!("a padded size under dimension {i} of the window"),
        padded,
    )?;
    let reach = dilated(window.size[i], window.dilation[i]);
    let reach = check::size(&format!("an extent of the window in dimension {i}"), reach)?;
    Ok(Some(match padded.checked_sub(reach) {
        None => 0,
        Some(left) => left / window.strides[i] + 1,
    }))
}
