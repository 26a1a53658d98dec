"""Golden predictions of a model of 16-bit floats: writes halves.json and halves.npz.

    pip install keras==3.15.1 jax h5py
    KERAS_BACKEND=jax python make_halves.py

Weights and inputs are numbers of the type, so nothing is rounded when they are read. NumPy has no bfloat16: all arrays are float32.
"""

import zlib

from golden import Store, jnp, keras, np, write_json

L = keras.layers
store = Store()


def exact(array, dtype):
    """The array rounded to the type, as float32."""
    return np.asarray(jnp.asarray(array, dtype).astype("float32"))


def build(dtype):
    image = keras.Input((8, 8, 3), dtype=dtype, name="image")
    y = L.Conv2D(16, 3, padding="same", activation="relu", dtype=dtype, name="conv")(image)
    y = L.Conv2D(16, 3, padding="same", activation="gelu", dtype=dtype, name="conv_of_channels")(y)
    y = L.MaxPooling2D(dtype=dtype, name="pool")(y)
    y = L.LayerNormalization(dtype=dtype, name="norm")(y)
    y = L.Flatten(dtype=dtype, name="flatten")(y)
    y = L.Dense(32, activation="tanh", dtype=dtype, name="dense")(y)
    y = L.Dense(5, dtype=dtype, name="logits")(y)
    layers = keras.Model(image, y).layers[1:]
    return keras.Model(image, [layer.output for layer in layers], name=dtype), layers


def case(dtype):
    model, layers = build(dtype)
    rng = np.random.default_rng(zlib.crc32(dtype.encode()))
    weights = []
    for weight in model.weights:
        fan_in = max(1, int(np.prod(weight.shape[:-1])))
        value = rng.standard_normal(tuple(weight.shape)) / np.sqrt(fan_in)
        value = exact(1 + value / 4 if weight.name == "gamma" else value, dtype)
        weight.assign(value)
        weights.append(store.put(f"{dtype}/{weight.path}", value))
    x = exact(rng.standard_normal((3, 8, 8, 3)), dtype)
    outputs = []
    for layer, y in zip(layers, model(jnp.asarray(x, dtype))):
        assert str(y.dtype) == dtype, y.dtype
        outputs.append({"name": layer.name, "output": store.put(f"{dtype}/{layer.name}/output", exact(y, dtype))})
    return {
        "dtype": dtype,
        "model": model.to_json(),
        "weights": weights,
        "input": store.put(f"{dtype}/input", x),
        "layers": outputs,
    }


write_json("halves.json", [case("bfloat16"), case("float16")])
store.save("halves.npz")
