"""Golden values of functions of `keras.ops`: models of one function each, what they give, and gradients of a weighted sum.

    pip install keras==3.15.1 jax h5py
    KERAS_BACKEND=jax python make_functions.py
"""

from function_cases import Cases
from golden import np
from keras import ops

NAN, INF = np.nan, np.inf
cases = Cases(seed=3)
case, waves, ints, rng = cases.add, cases.waves, cases.ints, cases.rng


odd = np.array([[1.5, NAN, -2.0, INF, 0.0], [-INF, -0.0, 3.25, NAN, NAN]], "float32")
gaps = np.array([[1.5, NAN, -2.0, 4.0], [NAN] * 4, [-1.0, -0.5, 3.25, NAN]], "float32")
x = waves(3, 4, 6)

# Positions beyond the ends.
places = np.array([[0, -1, 3, 4, -4, -5, 9]] * 2)
for dtype in ["float32", "int32", "uint8", "uint32", "bool"]:
    values = (np.arange(1, 9).reshape(2, 4)).astype(dtype)
    case(f"take_{dtype}", lambda x, i: ops.take(x, i, axis=1), values, places)
    case(f"take_along_axis_{dtype}", lambda x, i: ops.take_along_axis(x, i, axis=1), values, places)
case("take_constant", lambda x: ops.take(x, np.array([0, -2, 6, -7]), axis=-1), x)
case("take_flat", lambda x, i: ops.take(x, i), x, places[:, :3] * 20, batch=False)
case("take_unsigned", lambda x, i: ops.take(x, i, axis=2), x, np.array([[0, 5], [6, 255], [1, 1]], "uint8"))
case("take_along_axis_flat", lambda x, i: ops.take_along_axis(x, i), x, np.array([0, 71, 72, -72, -73]), batch=False)
case("one_hot", lambda i: ops.one_hot(i, 4), places)

# Integers by zero, truth values, sums of small types, NaN among the largest.
a, b = np.array([[7, -7, 0, -(2**31)]]), np.array([[0, 0, 0, -1]])
case("floor_divide_zero", lambda a, b: [ops.floor_divide(a, b), ops.mod(a, b)], a, b)
for dtype in ["uint8", "uint32"]:
    u, v = np.array([[7, 0, 9, 5]], dtype), np.array([[0, 0, 2, 5]], dtype)
    case(f"floor_divide_zero_{dtype}", lambda a, b: [ops.floor_divide(a, b), ops.mod(a, b)], u, v)
    case(f"cumulative_{dtype}", lambda a, b: [ops.cumsum(a, 1), ops.cumprod(b, 1)], u * 40, v + 3)
t, f = np.array([[True, True, False, False]]), np.array([[True, False, True, False]])
for name in ["add", "multiply", "maximum", "minimum", "power", "floor_divide", "mod", "divide"]:
    case(f"{name}_bool", getattr(ops, name), t, f)
case("unary_bool", lambda a: [ops.abs(a), ops.square(a), ops.cumsum(a, 1)], t)
case("argmax_nan", lambda x: [ops.argmax(x, 1), ops.argmin(x, -1), ops.argmax(x, 1, keepdims=True)], odd)
case("float_floor_divide", lambda x, y: [ops.floor_divide(x, y), ops.mod(x, y)],
     np.repeat(odd, 5, 1), np.tile(np.array([0, -0.0, INF, -INF, -2.0], "float32"), (2, 5)), gradient=False)
case("sort_nan", lambda x: [ops.sort(x), ops.argsort(x)], odd)
case("top_k_nan", lambda x: ops.top_k(x, 3), odd)
case("softmax_axes", lambda x: [ops.softmax(x, [1, 2]), ops.log_softmax(x, (1, 2)), ops.log_softmax(x, (0, 1))], x)
for mode in ["edge", "wrap"]:
    case(f"pad_{mode}", lambda x: ops.pad(x, ((0, 0), (9, 1), (2, 14)), mode=mode), x)

# Elementwise.
grid = np.linspace(-4, 4, 30).reshape(3, 10)
for name in ["fabs", "deg2rad", "rad2deg", "sinc", "erfc", "i0", "angle"]:
    case(name, getattr(ops, name), grid)
case("erfc_far", ops.erfc, np.array([[0.5, 1, 2, 3, 5, 9, 12, -3, INF, NAN, 0]]), gradient=False)
case("i0_far", ops.i0, np.array([[0, 7.9, 8, 8.1, 20, -30]]))
for name in ["signbit", "isposinf", "isneginf", "isreal", "real", "imag", "conjugate", "copy", "nan_to_num"]:
    case(name, getattr(ops, name), np.abs(odd) if name == "signbit" else odd, gradient=False)
    case(f"{name}_int", getattr(ops, name), ints(2, 3))
case("signbit_numbers", ops.signbit, np.array([[0.0, -0.0, 1, -1, INF, -INF]]))
case("nan_to_num_given", lambda x: ops.nan_to_num(x, 1.5, 7.0, -8.0), odd)
case("elementwise_int", lambda x: [ops.fabs(x), ops.deg2rad(x), ops.sinc(x), ops.erfc(x), ops.angle(x)], ints(2, 3))
left, right = np.repeat(odd, 5, 1), np.tile(odd, (1, 5))
for name in ["fmax", "fmin", "fmod", "heaviside", "hypot", "logaddexp", "logaddexp2"]:
    case(name, getattr(ops, name), waves(3, 5), waves(3, 5))
    case(f"{name}_odd", getattr(ops, name), left, right, gradient=False)
    case(f"{name}_int", getattr(ops, name), ints(2, 5), ints(2, 5, low=1))
case("ldexp", ops.ldexp, waves(2, 4), np.array([[0, -3, 20, -130], [126, 2, 1, 0]]))
case("isclose", lambda a, b: [ops.isclose(a, b), ops.isclose(a, b, 0.1, 0.2, True), ops.allclose(a, b)], left, right + np.float32(0.1))
case("saturate_cast", lambda x: [ops.saturate_cast(x, d) for d in ["uint8", "int32", "bool"]], np.array([[-3, 0.7, 1e6, 300.6, 3e9]]))
case("saturate_cast_int", lambda x: [ops.saturate_cast(x, d) for d in ["uint8", "uint32", "bool"]], np.array([[-3, 7, 255, 100000, 256]]))
case("empty_like", lambda x: ops.empty_like(x, dtype="int32") * 0, x)

# Bits and divisors.
for name in ["bitwise_and", "bitwise_or", "bitwise_xor", "gcd", "lcm"]:
    case(name, getattr(ops, name), ints(4, 9, low=-40, high=60), ints(4, 9, low=-40, high=60))
    u, v = ints(4, 9, low=0, high=16).astype("uint8"), ints(4, 9, low=0, high=16).astype("uint8")
    case(f"{name}_uint8", getattr(ops, name), u, v)
case("gcd_far", ops.gcd, np.array([[1836311903, 2147483647]]), np.array([[1134903170, 2147483646]]))
shifts = np.array([[0, 1, 5, 31, 32, 40, -1]])
for name in ["left_shift", "right_shift", "bitwise_left_shift", "bitwise_right_shift"]:
    case(name, getattr(ops, name), np.array([[-77, 77, 1 << 30, -(2**31), 5, -5, -9]]), shifts)
    case(f"{name}_uint8", getattr(ops, name), np.array([[200, 7, 9]], "uint8"), np.array([[3, 8, 0]], "uint8"))
case("bitwise_invert", lambda x, b: [ops.bitwise_invert(x), ops.bitwise_not(x), ops.bitwise_invert(b)], ints(2, 3), t[:, :3].repeat(2, 0))

# Reductions without NaN.
for name in ["nansum", "nanprod", "nanmax", "nanmin", "nanmean", "nanvar", "nanstd"]:
    function = getattr(ops, name)
    many = lambda x: [function(x, 1), function(x, axis=(0, -1), keepdims=True), function(x)]
    case(name, many, gaps, gradient=False)
    case(f"{name}_numbers", many, x[:, :, 0])
    case(f"{name}_int", many, ints(2, 3))
for name in ["nanargmax", "nanargmin"]:
    function = getattr(ops, name)
    case(name, lambda x: [function(x, 1), function(x, axis=1, keepdims=True), function(x)], gaps)
for name in ["nancumsum", "nancumprod"]:
    function = getattr(ops, name)
    case(name, lambda x: [function(x, 1), function(x)], gaps)

# Order statistics.
methods = ["linear", "lower", "higher", "midpoint", "nearest"]
for name in ["quantile", "percentile", "nanquantile", "nanpercentile"]:
    function = getattr(ops, name)
    parts = np.array([0.0, 0.1, 0.5, 0.83, 1.0], "float32") * (100 if "perc" in name else 1)
    case(name, lambda x: [function(x, parts, axis=1, method=m) for m in methods], x)
    case(f"{name}_axes", lambda x: [function(x, 0.3, axis=(1, 2), keepdims=True), function(x, parts, axis=None, keepdims=True)], x)
    case(f"{name}_nan", lambda x: [function(x, parts, axis=1), function(x, parts)], gaps, gradient=False)
    case(f"{name}_int", lambda x: function(x, 0.4, axis=1), ints(2, 5))
for name in ["median", "nanmedian"]:
    function = getattr(ops, name)
    case(name, lambda x: [function(x, 1), function(x, axis=(1, 2), keepdims=True), function(x)], x)
    case(f"{name}_nan", lambda x: [function(x, 1), function(x)], gaps, gradient=False)
case("ptp", lambda x: [ops.ptp(x, 1), ops.ptp(x, axis=(0, 2), keepdims=True), ops.ptp(x)], x)
case("ptp_int", lambda x: ops.ptp(x, 1), ints(3, 4))
case("average", lambda x, w: [ops.average(x), ops.average(x, axis=1), ops.average(x, axis=1, weights=w), ops.average(x, weights=w)], x, np.abs(waves(3, 4, 6)) + 0.1)
case("average_vector", lambda x: ops.average(x, axis=2, weights=np.arange(1.0, 7.0, dtype="float32")), x)
case("average_int", lambda x: ops.average(x, axis=1), ints(2, 3))
case("diff", lambda x: [ops.diff(x), ops.diff(x, n=2, axis=1), ops.diff(x, n=0)], x)
case("diff_int", lambda x, b: [ops.diff(x, axis=1), ops.diff(b)], ints(2, 5), t.repeat(2, 0))
case("trapezoid", lambda x: [ops.trapezoid(x), ops.trapezoid(x, dx=0.5, axis=1)], x)
rising = np.array([-1.0, 0.0, 0.0, 2.5], "float32")
case("searchsorted", lambda x: [ops.searchsorted(rising, x), ops.searchsorted(rising, x, side="right")], np.array([[-2, -1, 0, 0.1, 2.5, 3, NAN, INF]]))
case("digitize", lambda x: [ops.digitize(x, rising), ops.digitize(x, rising[::-1].copy())], np.array([[-2, -1, 0, 0.1, 2.5, 3, INF]]))
case("corrcoef", ops.corrcoef, waves(3, 7), batch=False)
case("histogram", lambda x: [*ops.histogram(x, 5, (-1.0, 1.5)), *ops.histogram(x, 4)], x.ravel(), batch=False, gradient=False)

# Diagonals, products, turned arrays.
vector, matrix = np.arange(1.0, 5.0), waves(3, 5)
for k in [0, 2, -1]:
    case(f"diag_vector_{k}", lambda x: [ops.diag(x, k), ops.diagflat(x, k)], vector, batch=False)
    case(f"diag_matrix_{k}", lambda x: [ops.diag(x, k), ops.diagflat(x, k)], matrix, batch=False)
    case(f"diagonal_{k}", lambda x: [ops.diagonal(x, k, 1, 2), ops.diagonal(x, k, -1, -2), ops.trace(x, k, 1, 2)], x)
case("diagonal_of_samples", lambda x: [ops.diagonal(x), ops.diagonal(x, 1, 2, 0), ops.trace(x, 0, 2, 0)], x)
case("diagonal_int", lambda x, b: [ops.trace(x, axis1=1, axis2=2), ops.diagonal(b, axis1=1, axis2=2)], ints(2, 3, 3), ints(2, 3, 3) > 0)
case("kron", ops.kron, x, waves(2, 3), batch=False)
case("inner", ops.inner, x, waves(2, 5, 6), batch=False)
case("vdot", ops.vdot, matrix, waves(5, 3), batch=False)
case("vdot_int", lambda a, b: [ops.vdot(a, b), ops.inner(a, b)], ints(2, 3), ints(2, 3), batch=False)
case("cross", ops.cross, waves(3, 4, 3), waves(3, 1, 3))
case("cross_flat", lambda a, b, c: [ops.cross(a, b), ops.cross(a, c), ops.cross(c, a)], waves(3, 2), waves(3, 2), waves(3, 3))
case("cross_axes", lambda a, b: [ops.cross(a, b, axisa=1, axisb=2, axisc=0), ops.cross(a, a, axis=1)], waves(4, 3, 2), waves(4, 2, 3))
case("vander", lambda x: [ops.vander(x), ops.vander(x, 3, True), ops.vander(x, 6)], vector, batch=False)
case("vander_int", lambda x: ops.vander(x, 3), ints(4), batch=False)
case("rot90", lambda x: [ops.rot90(x, k, (1, 2)) for k in range(-1, 3)], x)
case("rot90_axes", lambda x: [ops.rot90(x, 1, (-1, 1)), ops.rot90(x)], x)
case("flips", lambda x: [ops.fliplr(x), ops.flipud(x)], x)
case("cdist", ops.cdist, waves(3, 4, 2), waves(3, 5, 2))

# Joined, cut, and grids.
case("stacks", lambda a, b: [ops.hstack([a, b]), ops.vstack([a, b]), ops.dstack([a, b])], x, waves(3, 4, 6))
case("stacks_matrix", lambda a, b: [ops.hstack([a, b]), ops.vstack([a, b]), ops.dstack([a, b])], matrix, waves(3, 5))
case("append", lambda a, b: [ops.append(a, b), ops.append(a, b, axis=-1)], x, ints(3, 4, 6))
case("splits", lambda x: [*ops.array_split(x, 4, axis=2), *ops.array_split(x, 3, axis=1), *ops.hsplit(x, 2), *ops.dsplit(x, [2, 3])], x)
case("splits_vector", lambda x: [*ops.hsplit(x, 2), *ops.array_split(x, 3)], vector, batch=False)
case("vsplit", lambda x: [*ops.vsplit(x, [1]), *ops.vsplit(x, 3)], matrix, batch=False)
case("meshgrid", lambda a, b, c: [*ops.meshgrid(a, b, c), *ops.meshgrid(a, b, c, indexing="ij"), *ops.meshgrid(a, b)], vector, waves(2), ints(3), batch=False)

# Constants.
case("filled", lambda x: [x + ops.zeros((6,)), x * ops.ones((4, 6)), x + ops.full((6,), 0.3), x + ops.eye(4, 6, 1), x + ops.eye(4, 6, -2), x * ops.identity(6)[:4], x + ops.tri(4, 6, -1), x + ops.tri(4, 6, 2)], x)
case("spaced", lambda x: [x + ops.arange(6), x + ops.arange(1.0, 2.5, 0.25), x + ops.linspace(-1, 2, 6), x + ops.linspace(0.1, 2, 6, endpoint=False), x + ops.logspace(-1, 2, 6), x + ops.logspace(0, 1, 6, endpoint=False, base=3.0), x + ops.geomspace(0.1, 20, 6), x + ops.geomspace(-3, -5, 6, endpoint=False)], x)
case("windows", lambda x: [x + getattr(ops, w)(6) for w in ["bartlett", "blackman", "hamming", "hanning"]] + [x + ops.kaiser(6, 8.6)], x)

# Normalizations, attention, cross-entropies.
w5, w6 = waves(4), waves(4)
case("batch_normalization", lambda x, m, v, s, o: [ops.batch_normalization(x, m, v, 1), ops.batch_normalization(x, m, v, -2, o, s, 0.1)], x, w5, np.abs(w6) + 0.1, waves(4), waves(4), batch=False)
case("layer_normalization", lambda x, g, b: [ops.layer_normalization(x), ops.layer_normalization(x, g, b), ops.layer_normalization(x, None, None, axis=[1, 2], epsilon=0.1)], x, waves(6), waves(6), batch=False)
case("layer_normalization_axis", lambda x, g, b: [ops.layer_normalization(x, g, b, axis=1), ops.layer_normalization(x, g, axis=-2)], x, waves(4), waves(4), batch=False)
case("rms_normalization", lambda x, s: [ops.rms_normalization(x), ops.rms_normalization(x, s, epsilon=0.1), ops.rms_normalization(x, axis=[1, 2])], x, waves(6), batch=False)
query, key, value = waves(3, 5, 2, 4), waves(3, 7, 2, 4), waves(3, 7, 2, 4)
seen = rng.integers(0, 3, (3, 1, 5, 7)) > 0
seen[0, 0, 2] = False
case("dot_product_attention", lambda q, k, v: [ops.dot_product_attention(q, k, v), ops.dot_product_attention(q, k, v, scale=0.3, is_causal=True)], query, key, value)
case("dot_product_attention_masked", lambda q, k, v, b, m: [ops.dot_product_attention(q, k, v, bias=b, mask=m), ops.dot_product_attention(q, k, v, mask=m, is_causal=True)], query, key, value, waves(3, 2, 5, 7), seen)
chances, wanted = np.abs(waves(3, 4, 6)) % 1, np.abs(waves(3, 4, 6)) % 1
chances[0, 0, :2] = 0.0, 1.0
case("binary_crossentropy", lambda y, p, z: [ops.binary_crossentropy(y, p), ops.binary_crossentropy(y, z, from_logits=True)], wanted, chances, x * 3)
case("categorical_crossentropy", lambda y, p, z: [ops.categorical_crossentropy(y, p), ops.categorical_crossentropy(y, z, from_logits=True, axis=1)], wanted, chances, x * 3)
case("sparse_categorical_crossentropy", lambda y, p, z: [ops.sparse_categorical_crossentropy(y, p), ops.sparse_categorical_crossentropy(y[..., None], z, from_logits=True)], ints(3, 4, low=-1, high=7), chances, x * 3)
case("psnr", lambda a, b: ops.psnr(a, b, 2.0), x, waves(3, 4, 6))

# Positions.
where = np.array([[0, 1], [2, -1], [2, 5], [3, 0], [0, 1], [-4, 2]])
case("scatter", lambda i, v: [ops.scatter(i, v, (3, 4)), ops.scatter(i[:, :1], v, (4,))], where, waves(6), batch=False)
case("scatter_rows", lambda i, v: ops.scatter(i, v, (5, 2)), np.array([[[0], [4]], [[-1], [7]]]), waves(2, 2, 2), batch=False)
single = np.array([[0, 1], [2, -1], [2, 5], [3, 0], [1, 2]])
for reduction in [None, "add", "max", "min", "mul"]:
    case(f"scatter_update_{reduction}", lambda x, i, v: ops.scatter_update(x, i, v, reduction), waves(3, 4), single if reduction is None else where, waves(5 if reduction is None else 6), batch=False, gradient=reduction in [None, "add"])
case("scatter_update_rows", lambda x, i, v: ops.scatter_update(x, i, v), waves(3, 4), np.array([[0], [-1], [9]]), waves(3, 4), batch=False)
case("slice", lambda x, i: [ops.slice(x, i, (2, 3)), ops.slice(x, (1, 1), (2, 2)), ops.slice(x, (-2, 3), (2, 2))], waves(3, 4), np.array([2, -1]), batch=False)
case("slice_update", lambda x, i, v: [ops.slice_update(x, i, v), ops.slice_update(x, (1, 1), v), ops.slice_update(x, (2, -1), v)], waves(3, 4), np.array([1, 7]), waves(2, 2), batch=False)
ids = np.array([0, 2, 2, 5, -1, 0, 7])
for name in ["segment_sum", "segment_prod", "segment_max", "segment_min"]:
    function = getattr(ops, name)
    case(name, lambda x, i: function(x, i, num_segments=6), waves(7, 3), ids, gradient=name == "segment_sum", batch=False)
    case(f"{name}_int", lambda x, i: function(x, i, num_segments=4), ints(7), ids, batch=False)
case("in_top_k", lambda t, p: [ops.in_top_k(t, p, 1), ops.in_top_k(t, p, 3)], np.array([0, 2, 9, -1, 1]), np.concatenate([waves(3, 4), [[1, NAN, 2, 2]], [[1, NAN, 2, 2]]]))
case("multi_hot", lambda i: [ops.multi_hot(i, 5), ops.multi_hot(i, 4, axis=1, dtype="int32")], ints(3, 4, low=-1, high=6))
case("isin", lambda x: [ops.isin(x, [1, 3, -2]), ops.isin(x, np.array([[0, 5]]), invert=True)], ints(3, 4))
case("select", lambda x: [ops.select([x < 0, x > 1], [-x, x * x], 0.5), ops.select([x < 1, x < 2], [x, x + 1])], x)
case("unravel_index", lambda i: ops.unravel_index(i, (2, 3, 4)), np.array([[0, 5, 23, 24, 100, -1, -24, -25]]))

# Keys and values whose heads several heads of the query share.
query, key, value = waves(2, 5, 6, 4), waves(2, 3, 2, 4), waves(2, 3, 2, 4)
case("dot_product_attention_grouped", lambda q, k, v, b: [ops.dot_product_attention(q, k, v), ops.dot_product_attention(q, k, v, bias=b, is_causal=True), ops.dot_product_attention(q, k[:, :, :1], v[:, :, :1])], query, key, value, waves(2, 6, 5, 3))

cases.save("functions")
