"""Values of functions of `keras.ops` in float64, which Keras on JAX does not compute: writes doubles.json.

    pip install keras==3.15.1 jax h5py scipy
    KERAS_BACKEND=jax python make_doubles.py

They are computed with longer numbers, by Python's `math` or by SciPy, and rounded once.
"""

import math

import scipy.special
from golden import np, write_json

wide = np.longdouble
x = np.array([-26.5, -12.5, -3.3, -1, -0.51, -1e-3, 0, 1e-8, 0.3, 0.97, 1.0001, 2.7, 7.99, 8.01, 21.7])
other = np.array([3.5, -12.5, 0.1, 2, 0.5, 1e-3, 0.7, 1, -0.3, 7, 4, -2.7, 1e-9, 5, 21.5])


def i0(x):
    """By its power series."""
    terms = np.cumprod([(x * x / 4) / (k * k) for k in range(1, 400)], axis=0, dtype=wide)
    return 1 + terms[::-1].sum(axis=0)


def each(function):
    return lambda x: np.array([function(v) for v in x.astype(float)], wide)


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))


UNARY = {
    "arccos": np.arccos, "arccosh": np.arccosh, "arcsin": np.arcsin, "arcsinh": np.arcsinh, "arctan": np.arctan, "arctanh": np.arctanh,
    "cbrt": np.cbrt, "cos": np.cos, "cosh": np.cosh, "deg2rad": np.deg2rad, "erf": each(math.erf), "erfc": each(math.erfc),
    "erfinv": each(scipy.special.erfinv), "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "i0": i0, "log": np.log, "log10": np.log10,
    "log1p": np.log1p, "log2": np.log2, "log_sigmoid": lambda x: -softplus(-x), "mish": lambda x: x * np.tanh(softplus(x)),
    "rad2deg": np.rad2deg, "reciprocal": np.reciprocal, "rsqrt": lambda x: 1 / np.sqrt(x), "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "silu": lambda x: x / (1 + np.exp(-x)), "sin": np.sin, "sinh": np.sinh, "softplus": softplus, "softsign": lambda x: x / (1 + abs(x)),
    "sqrt": np.sqrt, "tan": np.tan, "tanh": np.tanh,
}
BINARY = {"arctan2": np.arctan2, "divide": np.divide, "hypot": np.hypot, "logaddexp": np.logaddexp, "logaddexp2": np.logaddexp2, "power": np.power}
PARTS = [0.0, 0.1, 0.3, 0.83, 1.0]


def quantiles(method):
    return np.quantile(x.astype(wide), np.array(PARTS).astype(wide), method=method)


def numbers(values):
    """NaN and infinities as text."""
    values = [float(v) for v in np.asarray(values)]
    return [v if math.isfinite(v) else str(v) for v in values]


np.seterr(all="ignore")
unary = {name: numbers(function(x.astype(wide))) for name, function in UNARY.items()}
binary = {name: numbers(function(x.astype(wide), other.astype(wide))) for name, function in BINARY.items()}
quantile = {method: numbers(quantiles(method)) for method in ["linear", "midpoint", "lower"]}
write_json("doubles.json", {"x": numbers(x), "other": numbers(other), "parts": PARTS, "unary": unary, "binary": binary, "quantile": quantile})
