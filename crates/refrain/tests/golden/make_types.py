"""What functions of `keras.ops` give for each element type: writes types.json.

    pip install keras==3.15.1 jax h5py
    KERAS_BACKEND=jax python make_types.py
"""

import math

from golden import jnp, keras, np, write_json
from keras import ops

INPUTS = {
    "bool": [[1, 1, 0, 0], [1, 0, 1, 0]],
    "uint8": [[0, 1, 2, 3, 7, 100, 200, 255], [3, 0, 2, 5, 2, 7, 200, 1]],
    "int32": [[-100, -7, -1, 0, 1, 2, 3, 9], [3, -2, -1, 5, -3, -2, 4, 2]],
    "float16": [[-7.5, -1, -0.3, 0, 0.25, 1, 2.5, 6.5], [2, -2, 0.5, 3, -0.5, 1, 2.5, -3]],
}
INPUTS["bfloat16"] = INPUTS["float16"]
UNARY = """abs arccos arccosh arcsin arcsinh arctan arctanh cbrt ceil cos cosh erf erfinv exp exp2 expm1 floor hard_sigmoid hard_silu
hard_tanh isfinite isinf isnan log log10 log1p log2 log_sigmoid logical_not mish negative reciprocal relu relu6 rsqrt selu sigmoid sign
silu sin sinh softplus softsign sparse_plus sparse_sigmoid sqrt square tan tanh tanh_shrink trunc angle conjugate copy deg2rad erfc
fabs i0 imag isneginf isposinf isreal rad2deg real signbit sinc celu elu gelu leaky_relu squareplus hard_shrink soft_shrink nan_to_num
bitwise_invert""".split()
BINARY = """add arctan2 divide divide_no_nan equal floor_divide fmax fmin fmod greater greater_equal heaviside hypot less less_equal
logaddexp logaddexp2 maximum minimum mod multiply not_equal power subtract true_divide logical_and logical_or logical_xor bitwise_and
bitwise_or bitwise_xor gcd lcm left_shift right_shift""".split()
REDUCTIONS = """all amax amin any logsumexp max mean median min nanmax nanmean nanmedian nanmin nanprod nanstd nansum nanvar prod ptp std sum
var""".split()
OTHERS = {
    "clip": lambda x: ops.clip(x, 0, 3),
    "clip_fraction": lambda x: ops.clip(x, 0.5, 3.5),
    "round": lambda x: ops.round(x, 1),
    "round_tens": lambda x: ops.round(x, -1),
    "threshold": lambda x: ops.threshold(x, 0.5, -1.0),
    "ldexp": lambda x: ops.ldexp(x, jnp.asarray([1, 2] * (x.size // 2))),
    "isclose": lambda x: ops.isclose(x, x + x),
    "average": lambda x: ops.average(x, -1),
    "diff": ops.diff,
    "trapezoid": ops.trapezoid,
    "trapezoid_infinite": lambda x: ops.trapezoid(1 / x),
    "trapezoid_points": lambda x: ops.trapezoid(x, x=[0.0, 0.5, 2.0, 1.0, 4.0, 4.5, -1.0, 3.0][: x.size]),
    "roll": lambda x: ops.roll(ops.reshape(x, (1, -1, 2)), (1, -3), (1, 2)),
    "roll_several": lambda x: ops.roll(ops.reshape(x, (1, -1, 2)), 1, (1, 2)),
    "roll_again": lambda x: ops.roll(x, (1, -3), 1),
    "softmax": ops.softmax,
    "log_softmax": ops.log_softmax,
    "cumsum": lambda x: ops.cumsum(x, -1),
    "cumprod": lambda x: ops.cumprod(x, -1),
    "argmax": lambda x: ops.argmax(x, -1),
    "sort": ops.sort,
    "quantile": lambda x: ops.quantile(x, 0.3, -1),
    "norm": lambda x: ops.norm(x, 2, -1),
    "count_nonzero": lambda x: ops.count_nonzero(x, -1),
}
# Where Keras's numbers are those of an overflow, or of sums that are rounded at each step.
OTHERWISE = {("softmax", "uint8"), ("cumsum", "float16"), ("cumsum", "bfloat16")}
cases = []


def numbers(y):
    values = [float(v) for v in np.asarray(y.astype("float32") if y.dtype != "int32" else y).ravel()]
    whole = lambda v: int(v) if v == int(v) and math.copysign(1, v) * v >= 0 and (v or math.copysign(1, v) > 0) else v
    return [whole(v) if math.isfinite(v) else str(v) for v in values]


def case(name, dtype, function, *arguments):
    """A function that Keras does not run for a type has no case."""
    try:
        y = function(*arguments)
    except Exception:
        return
    cases.append({"name": name, "of": dtype, "to": str(y.dtype), "values": numbers(y)})


def named(name):
    return getattr(ops, name, None) or getattr(keras.activations, name)


for dtype, (left, right) in INPUTS.items():
    a, b = jnp.asarray([left]).astype(dtype), jnp.asarray([right]).astype(dtype)
    for name in UNARY:
        case(name, dtype, named(name), a)
    for name in BINARY:
        case(name, dtype, named(name), a, b)
        case(f"{name} 2", dtype, named(name), a, 2)
        case(f"{name} 2.5", dtype, named(name), a, 2.5)
    for name in REDUCTIONS:
        case(name, dtype, named(name), a, -1)
    for name, function in OTHERS.items():
        if (name, dtype) not in OTHERWISE:
            case(name, dtype, function, a)

write_json("types.json", [{"inputs": INPUTS}, *cases])
