"""Lambda layers: functions of Python, whose bytecode is in the file."""

import sys

import keras
import numpy as np
from keras import layers as L
from keras import ops

# The versions whose bytecode refrain decodes.
PYTHONS = [(3, minor) for minor in range(8, 14)]


def towers():
    x, y = keras.Input((4,)), keras.Input((4,))
    shared = L.Dense(3, activation="tanh")
    return [x, y], [shared(x), shared(y)]


def on_one(function, **options):
    x = keras.Input((4,))
    return keras.Model(x, L.Dense(2)(L.Lambda(function, **options)(L.Dense(3)(x))))


def on_two(function):
    inputs, pair = towers()
    return keras.Model(inputs, L.Dense(1, activation="sigmoid")(L.Lambda(function)(pair)))


def called_twice():
    """One Lambda between the calls of a shared layer."""
    x = keras.Input((4,))
    shared, halve = L.Dense(4), L.Lambda(lambda t: t / 2, name="halve")
    return keras.Model(x, halve(shared(halve(shared(x)))))


def with_closure(factor):
    return on_one(lambda x: x * factor)


ACTIVATIONS = {
    "softmax": {"axis": 0},
    "log_softmax": {"axis": 0},
    "leaky_relu": {"negative_slope": 0.5},
    "elu": {"alpha": 0.5},
    "celu": {"alpha": 2.0},
    "relu": {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.2},
    "gelu": {"approximate": True},
    "glu": {"axis": 1},
    "hard_shrink": {"threshold": 0.3},
    "soft_shrink": {"threshold": 0.1},
    "squareplus": {"b": 1},
    "threshold": {"threshold": 0.0, "default_value": 7.0},
    "hard_sigmoid": {},
    "selu": {},
}


def named():
    """Keras's functions with arguments, on one layer each."""
    x = keras.Input((4,))
    hidden = L.Dense(4)(x)
    outputs = [L.Lambda(getattr(keras.activations, name), arguments=options)(hidden) for name, options in ACTIVATIONS.items()]
    return keras.Model(x, outputs)


def cases():
    """Name, model, and whether Keras can open it: a function that it decodes knows no module such as `ops`, and it refuses
    the defaults that it wrote."""
    yield "abs", on_one(lambda x: abs(x)), True
    yield "scaled", on_one(lambda x: x / 255 - 0.5), True
    yield "difference", on_two(lambda x: x[0] - x[1]), True
    yield "absolute_difference", on_two(lambda pair: abs(pair[0] - pair[1])), True
    yield "slices", on_one(lambda x: x[:, ::-1] * 2 + x[:, 1:2]), True
    yield "default", on_one(lambda x, power=2: x**power), False
    yield "arguments", on_one(lambda x, scale, shift=0.0: x * scale + shift, arguments={"scale": 3.0, "shift": -1.0}), False
    yield "named_arguments", named(), True
    yield "array_arguments", on_one(lambda x, w: x * w - 1.0, arguments={"w": np.array([1.0, 2.0, 4.0])}), True
    yield "matrix_arguments", on_one(lambda x, w: x @ w, arguments={"w": np.ones((3, 2), "float32") / 3}), True
    yield "integer_arguments", on_one(lambda x, w: x * w, arguments={"w": np.array([1, 2, 4])}), True
    yield "closure", with_closure(0.25), True
    yield "called_twice", called_twice(), True
    yield "ops_abs", on_two(lambda x: ops.abs(x[0] - x[1])), False
    yield "ops_mean", on_one(lambda x: ops.concatenate([x, ops.mean(x, axis=-1, keepdims=True)], axis=-1)), False
    yield "distance", on_two(
        lambda x: ops.sqrt(ops.maximum(ops.sum(ops.square(x[0] - x[1]), axis=1, keepdims=True), 1e-7))
    ), False


def build(zoo):
    if sys.version_info[:2] not in PYTHONS:
        print(f"no Lambda layers: refrain does not decode the bytecode of Python {sys.version_info[0]}.{sys.version_info[1]}")
        return
    keras.utils.clear_session(free_memory=False)
    for name, model, reloads in cases():
        name = f"lambda_{name}"
        if zoo.wants(name):
            zoo.add(name, model, keras_reloads=reloads, **{"lambda": True})
