//! What layers that change the sizes of images share.

use crate::error::{Error, ErrorKind, Result};
use crate::layers::Interpolation;
pub(super) use crate::ops::image::axes;
use crate::ops::image::resize::{Resampling, pick, resize};
use crate::ops::slice_traced;
use crate::tensor::Tensor;
use crate::utils::sizes;

/// The sizes along the axes, if they are known.
pub(super) fn sizes_along(x: &Tensor, axes: [usize; 2]) -> Option<[usize; 2]> {
    let shape = x.shape();
    Some([shape.dim(axes[0])?, shape.dim(axes[1])?])
}

/// So many elements along an axis from a place on.
pub(super) fn part(x: &Tensor, axis: usize, start: usize, size: usize) -> Result<Tensor> {
    slice_traced(x, axis, start, Some(start.saturating_add(size)))
}

/// Any image of a size, where that of the input is not known yet.
pub(super) fn of_size(x: &Tensor, axes: [usize; 2], size: [usize; 2]) -> Result<Tensor> {
    let mut axes = axes.iter().zip(size);
    axes.try_fold(x.clone(), |x, (&axis, size)| {
        sizes::check_memory("an image", &[size], 4)?;
        pick(&x, axis, vec![0; size])
    })
}

/// The sizes of an image in the ratio of others: with its columns, and with its rows.
pub(super) fn in_ratio([height, width]: [usize; 2], [rows, columns]: [usize; 2]) -> [usize; 2] {
    let scaled = |a: usize, b: usize, c: usize| (a as f64 * b as f64 / c as f64) as usize;
    [scaled(width, rows, columns), scaled(height, columns, rows)]
}

/// The largest part in the middle that has the ratio of a size.
pub(super) fn crop_to_ratio(x: &Tensor, axes: [usize; 2], size: [usize; 2]) -> Result<Tensor> {
    let Some(given) = sizes_along(x, axes) else {
        return Ok(x.clone());
    };
    let wanted = in_ratio(given, size);
    let mut x = x.clone();
    for ((axis, given), wanted) in axes.into_iter().zip(given).zip(wanted) {
        let kept = given.min(wanted).max(1);
        x = part(&x, axis, given.saturating_sub(kept) / 2, kept)?;
    }
    Ok(x)
}

/// Samples of an image at another size.
pub(super) fn resized(
    x: &Tensor,
    axes: [usize; 2],
    size: [usize; 2],
    (interpolation, antialias): (Interpolation, bool),
) -> Result<Tensor> {
    let how = Resampling {
        interpolation,
        antialias,
    };
    resize(x, &[(axes[0], size[0]), (axes[1], size[1])], how)
}

/// Refuses sizes of 0.
pub(super) fn check_size(size: [usize; 2]) -> Result<()> {
    match size.contains(&0) {
        true => Err(Error::mismatch(
            ErrorKind::Config,
            "a positive `height` and `width`",
            format!("{size:?}"),
        )),
        false => Ok(()),
    }
}
