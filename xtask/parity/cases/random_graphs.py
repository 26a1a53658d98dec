"""Random functional graphs: layers called one to four times, merges, operators, nested models. No dropout, so all is exact."""

import time

import keras
import numpy as np
from keras import layers as L
from keras import ops

from support import BATCH, call, named, set_weights

COUNT = 300
WIDTHS = (2, 4, 6)
FIRST_SEED = 1000
FUNCTIONS = ("relu", "tanh", "sigmoid", "softplus", "elu", "gelu", "softmax", None)
UNARY = (
    lambda x: x * 2.0, lambda x: 1 - x, lambda x: x + 0.5, ops.abs, lambda x: -x, ops.tanh, lambda x: x[:, ::-1],
    lambda x: ops.maximum(x, 0.0), lambda x: ops.where(x > 0, x, 0.1 * x), lambda x: x / 3.0,
)
BINARY = (
    lambda a, b: L.add([a, b]), lambda a, b: L.subtract([a, b]), lambda a, b: L.maximum([a, b]), lambda a, b: L.average([a, b]),
    lambda a, b: a + b, lambda a, b: a - b, lambda a, b: 0.3 * (a * b), ops.minimum,
)


class Builder:
    """Grows a graph from a pool of tensors of shape (None, width)."""

    def __init__(self, rng, nested=()):
        self.rng = rng
        self.shared = {}  # width -> layers that take it
        self.nested = list(nested)

    def pick(self, items):
        return items[self.rng.integers(len(items))]

    def width(self):
        return int(self.pick(WIDTHS))

    def inputs(self, count):
        return [keras.Input((self.width(),)) for _ in range(count)]

    def dense(self, x):
        """A layer that was called before, three times of four, when there is one."""
        known = self.shared.setdefault(x.shape[-1], [])
        if known and self.rng.random() < 0.75:
            return self.pick(known)(x)
        layer = self.new_layer()
        known.append(layer)
        return layer(x)

    def new_layer(self):
        kind = self.rng.integers(4)
        if kind == 0:
            return L.BatchNormalization()
        if kind == 1:
            return L.LayerNormalization()
        return L.Dense(self.width(), activation=self.pick(FUNCTIONS), use_bias=bool(self.rng.integers(2)))

    def fit_width(self, x, width):
        return x if x.shape[-1] == width else self.dense_to(x, width)

    def dense_to(self, x, width):
        return L.Dense(width)(x)

    def step(self, pool):
        x = self.pick(pool)
        kind = self.rng.integers(6 if self.nested else 5)
        if kind <= 1:
            return [self.dense(x)]
        if kind == 2:
            return [self.pick(UNARY)(x)]
        if kind == 3:
            return [self.pick(BINARY)(x, self.fit_width(self.pick(pool), x.shape[-1]))]
        if kind == 4:
            other = self.pick(pool)
            return [self.dense_to(L.concatenate([x, other]), self.width())]
        model = self.pick(self.nested)
        arguments = [self.fit_width(self.pick(pool), t.shape[-1]) for t in model.inputs]
        return keras.tree.flatten(model(arguments if len(arguments) > 1 else arguments[0]))

    def model(self, inputs, steps, name=None):
        pool = list(inputs)
        for _ in range(steps):
            pool += self.step(pool)
        outputs = pool[-int(self.rng.integers(1, 3)):]
        return keras.Model(inputs if len(inputs) > 1 else inputs[0], outputs if len(outputs) > 1 else outputs[0], name=name)


def nested_models(rng):
    """None, one, or two, the second perhaps with the first inside."""
    models = []
    for index in range(rng.integers(3)):
        builder = Builder(rng, models)
        models.append(builder.model(builder.inputs(int(rng.integers(1, 3))), int(rng.integers(1, 4)), f"nested_{index}"))
    return models


def random_graph(seed):
    keras.utils.clear_session(free_memory=False)
    rng = np.random.default_rng(seed)
    builder = Builder(rng, nested_models(rng))
    return builder.model(builder.inputs(int(rng.integers(1, 4))), int(rng.integers(3, 13))), rng


def build(zoo, count=COUNT):
    folder = zoo.out / "random"
    start = time.monotonic()
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        name = f"random_{seed}"
        if not zoo.wants(name):
            continue
        folder.mkdir(parents=True, exist_ok=True)
        model, rng = random_graph(seed)
        set_weights(model, rng)
        x = [rng.standard_normal((BATCH, t.shape[-1])).astype("float32") for t in model.inputs]
        model.save(folder / f"{name}.keras")
        np.savez(folder / f"{name}.npz", **named("x", x), **named("y", call(model, x, whole=False)))
    if folder.exists():
        print(f"random graphs: {count} in {time.monotonic() - start:.1f} s")
