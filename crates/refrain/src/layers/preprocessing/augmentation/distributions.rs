//! Random numbers that are not uniform.

use refrain_graph::Dim;

use crate::error::Result;
use crate::layers::Call;
use crate::ops;
use crate::tensor::Tensor;

/// Logarithms of numbers of a gamma distribution, whose `alpha` is a vector of one number: by Marsaglia's and Tsang's method.
pub(super) fn log_gamma(cx: &Call, shape: &[Dim], alpha: &Tensor) -> Result<Tensor> {
    /// Of 20 numbers that are proposed 19 are taken or more.
    const PROPOSALS: usize = 8;
    /// Half a step of the uniform numbers: they are 0 too.
    const SMALLEST: f64 = 0.5 / (1u32 << 24) as f64;
    let uniform = || cx.random_uniform(shape.to_vec());
    let small = ops::less(alpha, 1.0);
    let d = ops::where_(&small, alpha + 1.0, alpha) - 1.0 / 3.0;
    let c = 1.0 / (&d * 9.0).sqrt();
    let mut value = d.log();
    for _ in 0..PROPOSALS {
        let normal = ops::uniform_to_normal(&uniform()?, 1.0)?;
        let root = &normal * &c + 1.0;
        let positive = ops::greater(&root, 0.0);
        let root = ops::where_(&positive, root, 1.0);
        let cube = root.square() * &root;
        let bound = normal.square() * 0.5 + &d * (1.0 - &cube + cube.log());
        let taken = ops::less(&ops::log(&uniform()?), bound);
        let proposal = (&d * cube).log();
        value = ops::where_(ops::logical_and(&positive, &taken), proposal, value);
    }
    let power = ops::log(&ops::maximum(uniform()?, SMALLEST)) / alpha;
    ops::where_(small, &value + power, &value).checked()
}

/// Numbers of a beta distribution whose two parameters are the same, a vector of one number.
pub(super) fn beta(cx: &Call, shape: &[Dim], alpha: &Tensor) -> Result<Tensor> {
    let (a, b) = (log_gamma(cx, shape, alpha)?, log_gamma(cx, shape, alpha)?);
    (a - b).sigmoid().checked()
}

/// The numbers below that of the samples, in any order.
pub(super) fn order(cx: &Call, samples: Dim) -> Result<Tensor> {
    ops::argsort(&cx.random_uniform(vec![samples])?, 0).checked()
}
