//! Images seen from elsewhere.

use refrain_graph::DType;

use super::sampling::{Sampling, warp};
use super::{apply, on_batch, places};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::FillMode;
use crate::ops::definition::{OpResult, operations};
use crate::ops::{self, prim, tensor_argument};
use crate::tensor::Tensor;

operations! { TABLE in table {
    /// Images whose points at `start_points` come to lie at `end_points`, four of each: `(4, 2)` or `(batch, 4, 2)`, as `(x, y)`.
    ///
    /// Beyond the edges lies the fill value: another fill mode is an error, and so are points of other shapes. The result has the
    /// shape and the type of the images.
    ///
    /// ```
    /// use refrain::{Input, input, ops::image::{Sampling, perspective_transform}};
    /// let (from, to) = (input([4, 2]), input([4, 2]));
    /// let y = perspective_transform(&input([64, 80, 3]), &from, &to, Sampling::default());
    /// assert_eq!(y.shape().to_string(), "(None, 64, 80, 3)");
    /// ```
    pub fn perspective_transform(images: &Tensor, start_points: &Tensor, end_points: &Tensor, sampling: Sampling) -> Tensor {
        |op| Tensor::from_result(check_mode(&sampling).and_then(|()| {
            apply(op, [images, start_points, end_points], sampling.to_config())
        }))
    }
    "ops.image" / "PerspectiveTransform" as
    "perspective_transform(images, start_points, end_points, interpolation='bilinear', fill_value=0, data_format=None)"
    [Tensor, Tensor, Tensor, Text, Number, Plain] => perspective_transform_call;
}}

fn check_mode(how: &Sampling) -> Result<()> {
    match how.fill_mode {
        FillMode::Constant => Ok(()),
        other => Err(Error::mismatch(
            ErrorKind::Config,
            "fill mode `constant`",
            format!("{other:?}"),
        )),
    }
}

fn perspective_transform_call(inputs: &Inputs, config: &Config) -> OpResult {
    let x = tensor_argument(inputs, 0, "images")?;
    let start = tensor_argument(inputs, 1, "start_points")?;
    let end = tensor_argument(inputs, 2, "end_points")?;
    for points in [&start, &end] {
        let four = points.dim(-2) == Some(4) && points.dim(-1) == Some(2);
        if !matches!(points.rank(), 2 | 3) || !four || start.rank() != end.rank() {
            return Err(Error::mismatch(
                ErrorKind::Shape,
                "points of shape (4, 2) or (batch, 4, 2)",
                format!("shapes {} and {}", start.shape(), end.shape()),
            ));
        }
    }
    Ok(projected(&x, &start, &end, &Sampling::from_config(config)?)?.into())
}

/// [`perspective_transform`] on traced tensors.
pub(crate) fn projected(
    x: &Tensor,
    start: &Tensor,
    end: &Tensor,
    how: &Sampling,
) -> Result<Tensor> {
    let [a, b, c] = homography(&corners(start)?, &corners(end)?);
    on_batch(x, how.data_format, |x| {
        let (row, column) = (places(x, 1, 3, DType::F32)?, places(x, 2, 3, DType::F32)?);
        let line = |[i, j, k]: &[Tensor; 3]| &column * i + &row * j + k;
        let depth = line(&c);
        warp(x, [line(&b) / &depth, line(&a) / &depth], how)
    })
}

/// The coordinates of four points, each a number or `(batch, 1, 1)`. In double precision: differences of products follow.
fn corners(points: &Tensor) -> Result<[[Tensor; 2]; 4]> {
    let points = prim::convert(&prim::convert(points, DType::F32)?, DType::F64)?;
    let coordinate = |i: usize, j: usize| {
        let number = points.slice((ops::Index::Ellipsis, i, j));
        match points.rank() {
            2 => number,
            _ => ops::expand_dims(number, [-1, -2]),
        }
    };
    Ok([0, 1, 2, 3].map(|i| [0, 1].map(|j| coordinate(i, j))))
}

/// A matrix of three rows.
type Matrix = [[Tensor; 3]; 3];

/// What takes `(x, y, 1)` at the end to where it was at the start, up to a factor; its last number is 1.
fn homography(start: &[[Tensor; 2]; 4], end: &[[Tensor; 2]; 4]) -> Matrix {
    let (from, to) = (of_square(start), adjugate(&of_square(end)));
    let product = [0, 1, 2].map(|i| {
        [0, 1, 2].map(|j: usize| {
            let [a, b, c] = [0, 1, 2].map(|k: usize| &from[i as usize][k] * &to[k][j]);
            a + b + c
        })
    });
    let last = &product[2][2];
    product.each_ref().map(|row| {
        row.each_ref()
            .map(|number| ops::cast(number / last, DType::F32))
    })
}

/// What takes the corners `(0, 0)`, `(1, 0)`, `(0, 1)`, `(1, 1)` of the unit square to four points, up to a factor.
fn of_square([[x0, y0], [x1, y1], [x2, y2], [x3, y3]]: &[[Tensor; 2]; 4]) -> Matrix {
    let [dx1, dx2, sx] = [x1 - x3, x2 - x3, x0 - x1 + x3 - x2];
    let [dy1, dy2, sy] = [y1 - y3, y2 - y3, y0 - y1 + y3 - y2];
    let scale = &dx1 * &dy2 - &dx2 * &dy1;
    let g = &sx * dy2 - dx2 * &sy;
    let h = dx1 * sy - sx * dy1;
    [
        [
            (x1 - x0) * &scale + &g * x1,
            (x2 - x0) * &scale + &h * x2,
            x0 * &scale,
        ],
        [
            (y1 - y0) * &scale + &g * y1,
            (y2 - y0) * &scale + &h * y2,
            y0 * &scale,
        ],
        [g, h, scale],
    ]
}

/// The inverse of a matrix, up to a factor.
fn adjugate(m: &Matrix) -> Matrix {
    let next = |i: usize| (i + 1) % 3;
    let other = |i: usize| (i + 2) % 3;
    [0, 1, 2].map(|i| {
        [0, 1, 2].map(|j| {
            &m[next(j)][next(i)] * &m[other(j)][other(i)]
                - &m[next(j)][other(i)] * &m[other(j)][next(i)]
        })
    })
}
