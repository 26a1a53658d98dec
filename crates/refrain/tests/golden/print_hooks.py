"""Prints the calls of a callback's hooks that `tests/callbacks.rs` expects.

    KERAS_BACKEND=jax python print_hooks.py
"""

from golden import keras, np


def note(hook):
    def call(self, *arguments, logs=None):
        number = [a for a in arguments if isinstance(a, int)]
        given = next((a for a in arguments if isinstance(a, dict)), logs) or {}
        values = " ".join(f"{k}={np.round(np.asarray(v), 4).tolist()}" for k, v in given.items())
        print(hook, *number, values)

    return call


hooks = [f"on_{run}{part}_{end}" for run in ("train", "test", "predict") for part in ("", "_batch") for end in ("begin", "end")]
hooks += ["on_epoch_begin", "on_epoch_end"]
Prints = type("Prints", (keras.callbacks.Callback,), {hook: note(hook) for hook in hooks})

x = keras.Input((2,))
model = keras.Model(x, keras.layers.Dense(1, kernel_initializer="ones")(x))
model.compile(keras.optimizers.SGD(0.01), "mse", metrics=[keras.metrics.MeanAbsoluteError()])
start = model.get_weights()
x, y = np.arange(10, dtype="float32").reshape(5, 2) / 10, np.ones((5, 1), "float32")
quiet = {"batch_size": 2, "verbose": 0, "callbacks": [Prints()]}
model.fit(x, y, epochs=2, validation_data=(x[:3], y[:3]), validation_freq=2, shuffle=False, **quiet)
model.set_weights(start)
model.evaluate(x, y, **quiet)
model.predict(x, **quiet)
