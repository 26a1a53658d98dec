//! Dropout for self-normalizing networks.

use refrain_graph::Dim;

use crate::ops::prim;

/// Where SELU's negative side ends: `-alpha · scale` of `keras.activations.selu`.
const SATURATION: f64 = -1.673_263_242_354_377_2 * 1.050_700_987_355_480_5;

/// Sets elements to SELU's lowest value, then brings mean and variance back.
fn alpha_drop(o: &AlphaDropoutOptions, cx: &Call, x: &Tensor) -> Result<Tensor> {
    let shape = noise::noise_shape(x, o.noise_shape.as_deref())?;
    let keep = noise::keep(cx, shape, o.rate)?;
    let keep = prim::broadcast_to(&keep, &x.shape())?;
    let dropped = prim::select(&keep, x, &prim::constant_like(x, SATURATION)?)?;
    let factor = ((1.0 - o.rate) * (1.0 + o.rate * SATURATION * SATURATION)).powf(-0.5);
    let offset = -factor * SATURATION * o.rate;
    (dropped * factor + offset).checked()
}

super::noise::noise_layer! {
    /// Dropout that keeps mean and variance: dropped elements take SELU's lowest value, and all are then scaled and
    /// shifted. Goes with the activation SELU.
    ///
    /// Input and output of any one shape. No weights.
    ///
    /// ```
    /// use refrain::layers::AlphaDropout;
    /// use refrain::input;
    /// let y = AlphaDropout::new(0.1).call(&input([10]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 10)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/regularization/alpha_dropout.py`.
    AlphaDropout, AlphaDropoutOptions, rate: "Fraction of the elements that is dropped, in `[0, 1)`.",
    {
        /// Shape of the binary dropout mask that is broadcast over the input: 1 shares it along an axis, `None` is the input's
        /// size. The input's shape by default.
        noise_shape: Option<Vec<Dim>> = None,
    },
    validate: |o: &AlphaDropoutOptions| {
        noise::check_below_one(o.rate)?;
        noise::check_noise_shape(o.noise_shape.as_deref())
    },
    ndim: None,
    call: alpha_drop
}
