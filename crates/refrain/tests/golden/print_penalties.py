"""Prints the numbers of `tests/gradients.rs` for gradient penalties: the value, and of its gradients by the input and each
weight the first element and the sum of all sizes.

    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python print_penalties.py
"""

from golden import jax, jnp, keras, np

layers = keras.layers


def spread(shape, step, offset, period, shift):
    return (((np.arange(int(np.prod(shape))) * step + offset) % period) / period - shift).reshape(shape)


def show(name, *stack):
    model = keras.Sequential(stack)
    for k, weight in enumerate(model.weights):
        weight.assign(spread(weight.shape, 7, 3 * k + 1, 11, 0.45))
    others = [v.value for v in model.non_trainable_variables]
    x = jnp.asarray(spread((2, *model.input_shape[1:]), 5, 2, 13, 0.4))

    def score(x, weights):
        return jnp.sum(model.stateless_call(weights, others, x, training=False)[0])

    def penalty(weights, x):
        slope = jax.grad(score)(x, weights)
        norm = jnp.sqrt(jnp.sum(slope**2, axis=tuple(range(1, slope.ndim))) + 1e-12)
        return jnp.mean((norm - 1) ** 2)

    weights = [v.value for v in model.trainable_variables]
    value, (by_weights, by_x) = jax.value_and_grad(penalty, argnums=(0, 1))(weights, x)
    print(name, f"{float(value):.8f}")
    for gradient in [by_x, *by_weights]:
        print(f"    ({float(gradient.ravel()[0]):.8f}, {float(jnp.abs(gradient).sum()):.8f})")


keras.backend.set_floatx("float64")
show("dense", keras.Input((3,)), layers.Dense(4, activation="tanh"), layers.Dense(1))
show(
    "convolved",
    keras.Input((4, 4, 2)),
    layers.Conv2D(3, 2, activation="softplus"),
    layers.ZeroPadding2D(1),
    layers.MaxPooling2D(2),
    layers.LayerNormalization(),
    layers.Flatten(),
    layers.Dense(1),
)
show("recurrent", keras.Input((3, 2)), layers.LSTM(3), layers.Dense(1))
