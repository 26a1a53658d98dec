//! Dropout.

use refrain_graph::Dim;

super::noise::noise_layer! {
    /// Sets elements to zero at a rate while fitting; the others are divided by `1 - rate`, so that the expected sum
    /// stays. Outside of fitting nothing changes.
    ///
    /// Input and output of any one shape. No weights. With a `noise_shape` elements that share a number share their
    /// fate: `[None, Some(1), None]` drops whole features of a sequence.
    ///
    /// ```
    /// use refrain::layers::Dropout;
    /// use refrain::input;
    /// let y = Dropout::new(0.5).seed(7u64).call(&input([10, 64]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 10, 64)");
    /// assert!(Dropout::new(1.5).call(&input([10])).is_err());
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/regularization/dropout.py`.
    Dropout, DropoutOptions, rate: "Fraction of the elements that is dropped, in `[0, 1]`.",
    {
        /// Shape of the binary dropout mask that is broadcast over the input: 1 shares it along an axis, `None` is the input's
        /// size. The input's shape by default.
        noise_shape: Option<Vec<Dim>> = None,
    },
    validate: |o: &DropoutOptions| noise::check_noise_shape(o.noise_shape.as_deref()),
    ndim: None,
    call: |o: &DropoutOptions, cx, x| noise::drop(cx, x, o.rate, o.noise_shape.as_deref())
}
