//! Added noise.

super::noise::noise_layer! {
    /// Adds normally distributed numbers while fitting.
    ///
    /// Input and output of any one shape. No weights.
    ///
    /// ```
    /// use refrain::layers::GaussianNoise;
    /// use refrain::input;
    /// let y = GaussianNoise::new(0.1).call(&input([10]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 10)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/regularization/gaussian_noise.py`.
    GaussianNoise, GaussianNoiseOptions, stddev: "Standard deviation of the noise, in `[0, 1]`.",
    {},
    validate: |_| Ok(()),
    ndim: None,
    call: |o: &GaussianNoiseOptions, cx, x: &Tensor| (x + noise::normal(cx, x, o.stddev)?).checked()
}
