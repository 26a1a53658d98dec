"""Functions of `keras.ops` and operators as nodes of the graph: one model a group, one output a function."""

import keras
import numpy as np
from keras import layers as L
from keras import ops

from support import BATCH, rng_of

UNARY = (
    "abs negative sign square sqrt rsqrt cbrt exp expm1 log log1p log2 log10 sin cos tan arcsin arccos arctan sinh cosh tanh "
    "arcsinh arctanh erf floor ceil round trunc reciprocal logical_not isnan isinf isfinite relu relu6 sigmoid silu softplus "
    "softsign gelu elu selu celu leaky_relu hard_sigmoid hard_silu hard_tanh log_sigmoid log_softmax softmax sparsemax "
    "sparse_plus sparse_sigmoid squareplus tanh_shrink soft_shrink hard_shrink glu stop_gradient ones_like zeros_like"
).split()
BINARY = (
    "add subtract multiply divide power mod floor_divide maximum minimum arctan2 equal not_equal less less_equal greater "
    "greater_equal logical_and logical_or logical_xor"
).split()
REDUCTIONS = "sum mean max min prod any all var std logsumexp argmax argmin".split()


def positive(x):
    """Keeps a function's argument inside its domain: (0.1, 0.9)."""
    return 0.1 + 0.8 * ops.sigmoid(x)


def unary(x):
    safe = positive(x)
    return {name: getattr(ops, name)(safe if name != "round" else 3.0 * x) for name in UNARY}


def binary(a, b):
    a, b = positive(a), positive(b)
    return {name: getattr(ops, name)(a, b) for name in BINARY}


def with_constants(x):
    return {
        "add": x + 1, "radd": 1 + x, "sub": x - 0.5, "rsub": 1 - x, "mul": x * 2.0, "rmul": 2 * x, "div": x / 4,
        "rdiv": 1.0 / positive(x), "pow": x**2, "rpow": 2.0**x, "mod": x % 2, "floordiv": x // 2, "neg": -x, "abs": abs(x),
        "array": x + np.arange(4, dtype="float32"), "maximum": ops.maximum(x, 0.1), "where": ops.where(x > 0, x, 0.0),
        "full_like": ops.full_like(x, 2.5), "cast": ops.cast(x > 0, "float32"), "cast_int": ops.cast(3 * x, "int32"),
    }


def comparisons(a, b):
    either = (a > 0) | (b > 0)
    return {
        "gt": a > b, "ge": a >= 0.5, "lt": a < b, "le": 0.5 <= b, "eq": ops.equal(a, b), "ne": a != 0, "and": (a > 0) & (b > 0),
        "or": either, "xor": (a > 0) ^ (b > 0), "not": ~either, "where": ops.where(either, a, b),
    }


def slices(x):
    """`x` has shape (None, 5, 4)."""
    return {
        "row": x[:, 0], "negative": x[:, -1], "range": x[:, 1:3], "step": x[:, ::2], "backwards": x[:, ::-1],
        "last": x[..., 0], "ellipsis": x[..., 1:], "newaxis": x[..., None], "two": x[:, 1, 2:], "leading": x[:, None],
        "batch": x[1:,],
    }


def reductions(x):
    outputs = {}
    for name in REDUCTIONS:
        function = getattr(ops, name)
        argument = x > 0 if name in ("any", "all") else x
        outputs[name] = function(argument, axis=1)
        outputs[f"{name}_keepdims"] = function(argument, axis=-1, keepdims=True)
        if not name.startswith("arg"):
            outputs[f"{name}_axes"] = function(argument, axis=(1, 2))
    outputs["moments_mean"], outputs["moments_variance"] = ops.moments(x, axes=[1])
    outputs["normalize"] = ops.normalize(x, axis=-1, order=2)
    return outputs


def shapes(x):
    """`x` has shape (None, 5, 4)."""
    return {
        "reshape": ops.reshape(x, (-1, 10, 2)), "transpose": ops.transpose(x, (0, 2, 1)), "swapaxes": ops.swapaxes(x, 1, 2),
        "moveaxis": ops.moveaxis(x, 1, -1), "expand_dims": ops.expand_dims(x, 1), "squeeze": ops.squeeze(x[:, :1], 1),
        "flip": ops.flip(x, axis=1), "roll": ops.roll(x, 2, axis=1), "repeat": ops.repeat(x, 2, axis=1),
        "tile": ops.tile(x, (1, 2, 1)), "pad": ops.pad(x, ((0, 0), (1, 2), (0, 1))),
        "pad_reflect": ops.pad(x, ((0, 0), (1, 1), (0, 0)), mode="reflect"), "tril": ops.tril(x), "triu": ops.triu(x, k=1),
        "split": ops.split(x, 2, axis=2)[1], "split_at": ops.split(x, [1, 3], axis=1)[1],
        "unstack": ops.unstack(x, axis=1)[2], "sort": ops.sort(x, axis=-1), "argsort": ops.argsort(x, axis=1),
        "top_k": ops.top_k(x, 2)[0], "top_k_indices": ops.top_k(x, 2)[1], "cumsum": ops.cumsum(x, axis=1),
        "cumprod": ops.cumprod(x, axis=2), "clip": ops.clip(x, -0.5, 0.5), "round": ops.round(x, decimals=1),
        "take": ops.take(x, np.array([0, 2], "int32"), axis=1), "one_hot": ops.one_hot(ops.argmax(x, axis=-1), 4),
        "take_along_axis": ops.take_along_axis(x, ops.argsort(x, axis=1), axis=1),
        "broadcast_to": ops.broadcast_to(ops.sum(x, axis=0, keepdims=True), (3, 5, 4)), "softmax_axis": ops.softmax(x, axis=1),
        "leaky_relu": ops.leaky_relu(x, negative_slope=0.1), "gelu": ops.gelu(x, approximate=False),
        "elu": ops.elu(x, alpha=0.5), "celu": ops.celu(x, alpha=0.5), "threshold": ops.threshold(x, 0.2, 0.3),
        "hard_shrink": ops.hard_shrink(x, threshold=0.3), "soft_shrink": ops.soft_shrink(x, threshold=0.3),
        "squareplus": ops.squareplus(x, b=2), "ravel": ops.ravel(x),
    }


def joins(x, y):
    """Both have shape (None, 5, 4)."""
    return {
        "concatenate": ops.concatenate([x, y], axis=1), "concatenate_last": ops.concatenate([x, x, y]),
        "stack": ops.stack([x, y], axis=1), "matmul": x @ ops.transpose(y, (0, 2, 1)), "dot": ops.dot(x, y[0, 0]),
        "matmul_vector": ops.matmul(x, y[0, 0]), "einsum": ops.einsum("bij,bkj->bik", x, y),
        "tensordot": ops.tensordot(x, y, axes=[[1, 2], [1, 2]]), "outer": ops.outer(x[0, 0], y[0, 1]),
        "keyword": ops.where(condition=x > y, x1=x, x2=y),
    }


def arguments(x):
    """Every argument away from its default. `x` has shape (None, 5, 4)."""
    places = np.array([3, 0, -1], "int32")
    whole = ops.cast(3 * x, "int32")
    outputs = {
        "take_flat": ops.take(x, places), "take_list": ops.take(x, [1, 2], axis=2), "repeat_flat": ops.repeat(x, 2),
        "roll_flat": ops.roll(x, 2), "sort_flat": ops.sort(x, axis=None), "argsort_flat": ops.argsort(x, axis=None),
        "argmax_flat": ops.argmax(x, keepdims=True), "argmin": ops.argmin(x, axis=1, keepdims=True),
        "cumsum_type": ops.cumsum(whole, axis=1, dtype="float32"), "cumprod_flat": ops.cumprod(x, dtype="float32"),
        "prod_type": ops.prod(whole, axis=1, keepdims=True, dtype="float32"), "max_initial": ops.max(x, axis=1, initial=0.5),
        "min_initial": ops.min(x, axis=(1, 2), keepdims=True, initial=-0.5), "amax": ops.amax(x, axis=1, keepdims=True),
        "amin": ops.amin(x, axis=1, keepdims=True), "count_nonzero": ops.count_nonzero(whole, axis=1),
        "one_hot": ops.one_hot(whole, 3, axis=1, dtype="int32"), "glu": ops.glu(x, axis=2), "sparsemax": ops.sparsemax(x, axis=1),
        "log_softmax": ops.log_softmax(x, axis=1), "softmax_axes": ops.softmax(x, axis=(1, 2)),
        "normalize": ops.normalize(x, axis=1, order=3, epsilon=0.1), "full_like": ops.full_like(x, 2, dtype="int32"),
        "zeros_like": ops.zeros_like(x, dtype="int32"), "ones_like": ops.ones_like(x, dtype="bool"), "tril": ops.tril(x, k=1),
        "convert": ops.convert_to_tensor(x, dtype="float16"), "pad_value": ops.pad(x, ((0, 0), (1, 2), (0, 1)), constant_values=3.0),
        "pad_one": ops.pad(x, 1, mode="symmetric"), "flip": ops.flip(x), "clip": ops.clip(x, -np.inf, 0.5),
        "transpose": ops.transpose(x), "squeeze": ops.squeeze(x[:, :1]), "moveaxis": ops.moveaxis(x, (1, 2), (2, 1)),
        "relu": keras.activations.relu(x, negative_slope=0.1, max_value=0.5, threshold=0.2),
        "tensordot": ops.tensordot(x, np.ones((4, 3), "float32"), axes=1), "exp2": ops.exp2(x), "erfinv": ops.erfinv(x / 9),
        "divide_no_nan": ops.divide_no_nan(x, ops.floor(x)), "true_divide": ops.true_divide(x, 3), "arccosh": ops.arccosh(2 + ops.abs(x)),
    }
    outputs["norm_of_all"] = ops.norm(x)
    outputs["moments_mean"], outputs["moments_variance"] = ops.moments(x, axes=[1, 2], keepdims=True)
    return outputs


def norms(x):
    """Along axes. `x` has shape (None, 5, 4)."""
    outputs = {"count_nonzero": ops.count_nonzero(ops.floor(x), axis=(1, 2))}

    def norm(name, **arguments):
        outputs[name] = ops.norm(x, **arguments)
        operation = outputs[name]._keras_history.operation
        # Keras 3.15 gives JAX the axes as a list, which JAX does not take.
        operation.axis = tuple(operation.axis)

    for order in (None, 0, 1, 2, 3, 2.5, -1, np.inf, -np.inf):
        norm(f"vectors_{order}", ord=order, axis=1, keepdims=True)
    for order in (None, "fro", 1, -1, np.inf, -np.inf):
        norm(f"matrices_{order}", ord=order, axis=(1, 2))
        norm(f"turned_{order}", ord=order, axis=(2, 1), keepdims=True)
    return outputs


def windows(image, series):
    """Convolutions and pools of (None, 7, 8, 4) and (None, 9, 4)."""

    def kernel(*shape):
        return rng_of("windows").standard_normal(shape).astype("float32")

    same = {"strides": (2, 1), "padding": "same"}
    first = {"strides": 2, "data_format": "channels_first"}
    one, two, pointwise = kernel(3, 2, 4, 6), kernel(3, 2, 4, 2), kernel(1, 1, 8, 5)
    outputs = {
        "conv": ops.conv(image, one), "conv_same": ops.conv(image, one, **same),
        "conv_dilated": ops.conv(image, one, dilation_rate=(1, 2)), "conv_first": ops.conv(image, kernel(3, 2, 7, 5), **first),
        "conv_series": ops.conv(series, kernel(3, 4, 5), strides=2, padding="same"),
        "depthwise": ops.depthwise_conv(image, two, strides=2, padding="same"),
        "depthwise_dilated": ops.depthwise_conv(image, two, dilation_rate=(1, 2)),
        "depthwise_first": ops.depthwise_conv(image, kernel(3, 2, 7, 2), **first),
        "separable": ops.separable_conv(image, two, pointwise, strides=2, padding="same"),
    }
    for pool in (ops.max_pool, ops.average_pool):
        name = pool.__name__
        # Without strides Keras 3.15 fails on JAX.
        outputs[name] = pool(image, 2, strides=2)
        outputs[f"{name}_same"] = pool(image, (2, 3), strides=(1, 2), padding="same")
        outputs[f"{name}_first"] = pool(image, (2, 3), strides=2, data_format="channels_first")
        outputs[f"{name}_series"] = pool(series, 3, strides=1)
    return outputs


def in_a_model(a, b):
    """Operators between layers, one of them called twice with an operator between its calls."""
    shared = L.Dense(4, activation="tanh")
    first = shared(a - b)
    second = shared(ops.abs(first) * 0.5 + a)
    return L.Dense(1)(ops.concatenate([first, second, (second - first) ** 2], axis=-1))


GROUPS = [
    ("unary", unary, [(4,)]),
    ("binary", binary, [(4,), (4,)]),
    ("constants", with_constants, [(4,)]),
    ("comparisons", comparisons, [(4,), (4,)]),
    ("slices", slices, [(5, 4)]),
    ("reductions", reductions, [(5, 4)]),
    ("shapes", shapes, [(5, 4)]),
    ("joins", joins, [(5, 4), (5, 4)]),
    ("arguments", arguments, [(5, 4)]),
    ("norms", norms, [(5, 4)]),
    ("windows", windows, [(7, 8, 4), (9, 4)]),
    ("in_a_model", in_a_model, [(4,), (4,)]),
]


# Keras 3.15 on JAX takes the axes and sizes in them as tuples only, and files have lists.
NOT_RELOADED = {"ops_norms", "ops_windows"}


def build(zoo):
    for name, function, inputs in GROUPS:
        name = f"ops_{name}"
        if not zoo.wants(name):
            continue
        tensors = [keras.Input(shape) for shape in inputs]
        model = keras.Model(tensors, function(*tensors))
        rng = rng_of(name)
        arrays = [rng.standard_normal((BATCH, *shape)).astype("float32") for shape in inputs]
        zoo.add(name, model, arrays, keras_reloads=name not in NOT_RELOADED)
