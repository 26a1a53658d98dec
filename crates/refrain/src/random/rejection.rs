//! Distributions that are drawn by rejection, in as many rounds as leave nothing to chance.

use refrain_graph::Shape;

use super::draws::Draws;
use crate::error::Result;
use crate::ops::{
    self, ScanOptions, greater, less, less_equal, logical_and, logical_or, prim, scan, where_,
};
use crate::tensor::Tensor;

/// Rounds of rejection: at least 85 % are accepted in each.
const ROUNDS: usize = 24;

/// Values that are drawn again and again until they are accepted: `propose` gives one and whether it is.
fn accepted(
    first: &Tensor,
    sequences: &[Tensor],
    propose: impl FnOnce(&[Tensor]) -> (Tensor, Tensor),
) -> Result<Tensor> {
    let open = prim::full(first, &first.shape(), refrain_graph::DType::Bool, 1.0)?;
    let carries = [first.clone(), open];
    let (mut last, _) = scan(
        &carries,
        sequences,
        ScanOptions::default(),
        |before, drawn| {
            let (value, accepts) = propose(drawn);
            let taken = logical_and(&before[1], &accepts);
            let open = logical_and(&before[1], accepts.logical_not());
            Ok((
                vec![where_(taken, value, &before[0]).checked()?, open.checked()?],
                vec![],
            ))
        },
    )?;
    Ok(last.swap_remove(0))
}

/// So many draws of a shape.
fn rounds(rounds: usize, shape: &Shape) -> Shape {
    [&[Some(rounds)], shape.dims()].concat().into()
}

/// Logarithms, of scale 1 (Marsaglia, Tsang, 2000): of a small `alpha` the numbers themselves are too small for `f32`.
pub(super) fn log_gamma(draws: &Draws, shape: &Shape, alpha: &Tensor) -> Result<Tensor> {
    let alpha = prim::broadcast_to(alpha, shape)?;
    let small = less(&alpha, 1).checked()?;
    // Small ones as larger ones times a power of a uniform number.
    let raised = where_(&small, &alpha + 1, &alpha);
    let d = (raised - 1.0 / 3.0).checked()?;
    let c = (1.0 / (&d * 9).sqrt()).checked()?;
    let sequences = [
        draws.normal(&rounds(ROUNDS, shape))?,
        draws.open_uniform(&rounds(ROUNDS, shape))?,
    ];
    let found = accepted(&d, &sequences, |drawn| {
        let (x, u) = (&drawn[0], &drawn[1]);
        let root = x * &c + 1;
        let positive = greater(&root, 0);
        let v = where_(&positive, &root * &root * &root, 1);
        let bound = x.square() * 0.5 + &d - &d * &v + &d * v.log();
        (&d * &v, logical_and(&positive, less(u.log(), bound)))
    })?;
    let power = draws.open_uniform(shape)?.log() / where_(&small, &alpha, 1);
    (where_(&small, power, 0) + found.log()).checked()
}

/// Below this expected number, failures between successes are drawn instead.
const FEW: f64 = 10.0;

pub(super) fn binomial(
    draws: &Draws,
    shape: &Shape,
    count: &Tensor,
    chance: &Tensor,
) -> Result<Tensor> {
    let (n, p) = (
        prim::broadcast_to(count, shape)?,
        prim::broadcast_to(chance, shape)?,
    );
    // Of what is rarer.
    let often = greater(&p, 0.5).checked()?;
    let q = where_(&often, 1.0 - &p, &p).checked()?;
    let few = less(&n * &q, FEW).checked()?;
    let rare = by_waiting(draws, shape, &n, &q)?;
    let many = by_rejection(
        draws,
        shape,
        &where_(&few, 2.0 * FEW, &n).checked()?,
        &where_(&few, 0.5, &q).checked()?,
    )?;
    let found = where_(&few, rare, many);
    let found = where_(&often, &n - &found, &found);
    let undefined = logical_or(logical_or(less(&n, 0), less(&p, 0)), greater(&p, 1));
    where_(undefined, f64::NAN, found).checked()
}

/// Trials up to each success are counted until there are more than `n`.
fn by_waiting(draws: &Draws, shape: &Shape, n: &Tensor, q: &Tensor) -> Result<Tensor> {
    /// More successes than [`FEW`] expected ones ever have.
    const MOST: usize = 64;
    let zero = prim::full(n, shape, n.dtype(), 0.0)?;
    let rate = (-q).log1p().checked()?;
    let carries = [zero.clone(), zero];
    let uniform = draws.open_uniform(&rounds(MOST, shape))?;
    let (mut last, _) = scan(
        &carries,
        &[uniform],
        ScanOptions::default(),
        |before, drawn| {
            let trials = &before[0] + (drawn[0].log() / &rate).ceil();
            let successes = where_(less_equal(&trials, n), &before[1] + 1, &before[1]);
            Ok((vec![trials.checked()?, successes.checked()?], vec![]))
        },
    )?;
    let found = last.swap_remove(1);
    where_(less_equal(q, 0), 0, found).checked()
}

/// Transformed rejection with squeeze (Hörmann, 1993), for at least [`FEW`] expected successes.
fn by_rejection(draws: &Draws, shape: &Shape, n: &Tensor, q: &Tensor) -> Result<Tensor> {
    let stddev = (n * q * (1.0 - q)).sqrt();
    let b = &stddev * 2.53 + 1.15;
    let a = &b * 0.0248 + q * 0.01 - 0.0873;
    let c = n * q + 0.5;
    let squeeze = 0.92 - 4.2 / &b;
    let odds = q / (1.0 - q);
    let alpha = (2.83 + 5.1 / &b) * &stddev;
    let mode = ((n + 1) * q).floor().checked()?;
    let sequences = [
        draws.open_uniform(&rounds(ROUNDS, shape))?,
        draws.open_uniform(&rounds(ROUNDS, shape))?,
    ];
    accepted(&mode, &sequences, |drawn| {
        let (u, v) = (&drawn[0] - 0.5, &drawn[1]);
        let us = 0.5 - u.abs();
        let k = ((&a * 2 / &us + &b) * u + &c).floor();
        let inside = logical_and(ops::greater_equal(&k, 0), less_equal(&k, n));
        let k = where_(&inside, k, &mode);
        let at_once = logical_and(ops::greater_equal(&us, 0.07), less_equal(v, &squeeze));
        let left = (v * &alpha / (&a / us.square() + &b)).log();
        let (others, rest) = (n - &mode + 1, n - &k + 1);
        let right = (&mode + 0.5) * ((&mode + 1) / (&odds * &others)).log()
            + (n + 1) * (&others / &rest).log()
            + (&k + 0.5) * (&odds * &rest / (&k + 1)).log()
            + tail(&mode)
            + tail(&(n - &mode))
            - tail(&k)
            - tail(&(n - &k));
        let accepts = logical_or(at_once, less_equal(left, right));
        (k, logical_and(inside, accepts))
    })
}

/// What Stirling's formula leaves of the logarithm of a factorial.
fn tail(k: &Tensor) -> Tensor {
    let next = k + 1;
    let square = next.square();
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / 1680.0 / &square) / &square) / &square)
        / next
}
