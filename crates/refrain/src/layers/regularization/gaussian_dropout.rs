//! Multiplied noise.

super::noise::noise_layer! {
    /// Multiplies by normally distributed numbers of mean 1 and variance `rate / (1 - rate)` while fitting.
    ///
    /// Input and output of any one shape. No weights.
    ///
    /// ```
    /// use refrain::layers::GaussianDropout;
    /// use refrain::input;
    /// let y = GaussianDropout::new(0.3).call(&input([10]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 10)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/regularization/gaussian_dropout.py`.
    GaussianDropout, GaussianDropoutOptions, rate: "Dropout rate, in `[0, 1)`: the noise has a standard deviation of `sqrt(rate / (1 - rate))`.",
    {},
    validate: |o: &GaussianDropoutOptions| noise::check_below_one(o.rate),
    ndim: None,
    call: |o: &GaussianDropoutOptions, cx, x: &Tensor| {
        let stddev = (o.rate / (1.0 - o.rate)).sqrt();
        (x * (noise::normal(cx, x, stddev)? + 1.0)).checked()
    }
}
