"""Times the benchmark's models in Keras on one backend and prints one JSON object a line.

Usage: python bench_peers.py BACKEND MODEL[,MODEL...] [quick]

A model may say what is different: `mlp@width=512+batch=64`. Each object has: train_ms (one step of `fit` with Adam), predict_ms
(one batch through `predict`), one_ms (one sample through `predict_on_batch`), memory (most bytes of the process while it trained),
params (what training changes), losses (at first and at last) and version. A time is the best of three repeats: other work on the
machine only adds.
"""

import importlib.metadata
import json
import os
import sys
import time

backend, names = sys.argv[1], sys.argv[2].split(",")
share = 0.3 if len(sys.argv) > 3 else 1.0
os.environ["KERAS_BACKEND"] = backend
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
from keras import layers as L

rng = np.random.default_rng(1)


def normal(*shape):
    return rng.standard_normal(shape, dtype="float32")


def classes(n, k):
    return rng.integers(0, k, n).astype("int32")


def head(x, units=10):
    return L.Dense(units, activation="softmax")(x)


def shared_dense():
    left, right = keras.Input((10,)), keras.Input((10,))
    shared = L.Dense(32, activation="relu")
    merged = L.concatenate([shared(left), shared(right)])
    return keras.Model([left, right], L.Dense(1, activation="sigmoid")(merged)), "binary_crossentropy"


def siamese():
    left, right = keras.Input((28, 28, 1)), keras.Input((28, 28, 1))
    first = L.Conv2D(32, 3, padding="same", activation="relu")
    second = L.Conv2D(64, 3, padding="same", activation="relu")
    towers = [L.Flatten()(second(first(side))) for side in (left, right)]
    distance = keras.ops.abs(L.subtract(towers))
    return keras.Model([left, right], L.Dense(1, activation="sigmoid")(distance)), "binary_crossentropy"


def shared_lstm():
    source, target = keras.Input((10, 20)), keras.Input((8, 20))
    lstm = L.LSTM(64, return_sequences=True, return_state=True)
    _, h, c = lstm(source)
    decoded, _, _ = lstm(target, initial_state=[h, c])
    return keras.Model([source, target], head(decoded, 20)), "categorical_crossentropy"


def mlp(width, depth):
    x = inputs = keras.Input((784,))
    for _ in range(depth):
        x = L.Dense(width, activation="relu")(x)
    return keras.Model(inputs, head(x)), "sparse_categorical_crossentropy"


def normed(x, layer, activate=True, top=None):
    x = L.BatchNormalization()(layer(x))
    return L.ReLU(max_value=top)(x) if activate else x


def conv(filters, size=3, strides=1):
    padding = "same" if size == 3 else "valid"
    return L.Conv2D(filters, size, strides=strides, padding=padding, use_bias=False)


def resnet():
    inputs = keras.Input((32, 32, 3))
    x = normed(inputs, conv(16))
    for stage, filters in enumerate((16, 32, 64)):
        for block in range(3):
            strides = 2 if stage and not block else 1
            y = normed(normed(x, conv(filters, strides=strides)), conv(filters), activate=False)
            if strides == 2:
                x = normed(x, conv(filters, 1, 2), activate=False)
            x = L.ReLU()(L.add([x, y]))
    return keras.Model(inputs, head(L.GlobalAveragePooling2D()(x))), "sparse_categorical_crossentropy"


def transformer(width, depth, length):
    inputs = keras.Input((length,), dtype="int32")
    x = L.Embedding(1000, width)(inputs)
    for _ in range(depth):
        x = L.LayerNormalization()(L.add([x, L.MultiHeadAttention(width // 64, 64)(x, x)]))
        hidden = L.Dense(width)(L.Dense(4 * width, activation="gelu")(x))
        x = L.LayerNormalization()(L.add([x, hidden]))
    return keras.Model(inputs, head(L.GlobalAveragePooling1D()(x))), "sparse_categorical_crossentropy"


def lstm(width, depth, length):
    x = inputs = keras.Input((length, 64))
    for _ in range(depth - 1):
        x = L.LSTM(width, return_sequences=True)(x)
    return keras.Model(inputs, head(L.LSTM(width)(x))), "sparse_categorical_crossentropy"


def mobilenet():
    inputs = keras.Input((64, 64, 3))
    x = normed(inputs, conv(32, strides=2), top=6.0)
    for filters, strides in ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1)):
        depthwise = L.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)
        x = normed(normed(x, depthwise, top=6.0), conv(filters, 1), top=6.0)
    return keras.Model(inputs, head(L.GlobalAveragePooling2D()(x))), "sparse_categorical_crossentropy"


# Batch size, train steps a repeat, the data of `n` samples, and what can be varied.
PLANS = {
    "shared_dense": (shared_dense, 32, 2000, lambda n: ([normal(n, 10), normal(n, 10)], classes((n, 1), 2).astype("float32"))),
    "siamese": (siamese, 32, 40, lambda n: ([normal(n, 28, 28, 1), normal(n, 28, 28, 1)], classes((n, 1), 2).astype("float32"))),
    "shared_lstm": (shared_lstm, 32, 300, lambda n: ([normal(n, 10, 20), normal(n, 8, 20)], np.eye(20, dtype="float32")[classes((n, 8), 20)])),
    "mlp": (mlp, 128, 100, lambda n: (normal(n, 784), classes(n, 10)), dict(width=1024, depth=2)),
    "resnet": (resnet, 64, 15, lambda n: (normal(n, 32, 32, 3), classes(n, 10))),
    "transformer": (transformer, 16, 12, lambda n, length: (classes((n, length), 1000), classes(n, 10)), dict(width=256, depth=2, length=128)),
    "lstm": (lstm, 32, 12, lambda n, length: (normal(n, length, 64), classes(n, 10)), dict(width=256, depth=2, length=100)),
    "mobilenet": (mobilenet, 32, 25, lambda n: (normal(n, 64, 64, 3), classes(n, 10))),
}


def first(x, n):
    return [a[:n] for a in x] if isinstance(x, list) else x[:n]


def one_sample_calls(seconds):
    """Calls with one sample in a repeat: as many as take half a second, within bounds. The same in every program."""
    return min(max(int(0.5 / seconds), 10), 200)


def best(run, count, repeats=3):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) / count * 1e3)
    return min(times)


def plan(name):
    """The model, its loss, its batch size, the steps of a repeat, and what makes its data."""
    base, _, changes = name.partition("@")
    build, batch, steps, data, *sizes = PLANS[base]
    sizes = dict(sizes[0]) if sizes else {}
    for key, value in (change.split("=") for change in changes.split("+") if change):
        if key == "batch":
            batch = int(value)
        else:
            sizes[key] = int(value)
    length = {"length": sizes["length"]} if "length" in sizes else {}
    return *build(**sizes), batch, steps, lambda n: data(n, **length)


def memory_peak():
    """Most bytes of this process since the peak was forgotten, from Linux."""
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def forget_memory_peak():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def measure(name):
    keras.utils.set_random_seed(1)
    model, loss, batch, steps, data = plan(name)
    steps = max(4, int(steps * share))
    model.compile("adam", loss)
    x, y = data(batch * steps)
    options = dict(batch_size=batch, verbose=0)
    losses = []
    forget_memory_peak()

    def fit(x, y):
        losses.extend(model.fit(x, y, shuffle=False, **options).history["loss"])

    fit(first(x, 2 * batch), y[: 2 * batch])
    train = best(lambda: fit(x, y), steps)
    memory = memory_peak()
    model.predict(first(x, 2 * batch), **options)
    predict = best(lambda: model.predict(x, **options), steps)
    sample = first(x, 1)
    model.predict_on_batch(sample)
    start = time.perf_counter()
    model.predict_on_batch(sample)
    calls = one_sample_calls(time.perf_counter() - start)
    one = best(lambda: [model.predict_on_batch(sample) for _ in range(calls)], calls)
    params = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    return dict(train_ms=train, predict_ms=predict, one_ms=one, memory=memory, params=params, losses=[losses[0], losses[-1]])


def version():
    package = {"tensorflow": "tensorflow-cpu"}.get(backend, backend)
    return f"Keras {keras.__version__} on {backend} {importlib.metadata.version(package)}"


for name in names:
    print(json.dumps(measure(name) | dict(model=name, version=version())), flush=True)
