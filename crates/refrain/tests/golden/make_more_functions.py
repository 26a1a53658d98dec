"""Golden values of further functions of `keras.ops`, in the form of those of `make_functions.py`.

    pip install keras==3.15.1 jax h5py
    KERAS_BACKEND=jax python make_more_functions.py
"""

from function_cases import Cases
from golden import keras, np
from keras import ops

NAN, INF = np.nan, np.inf
cases = Cases(seed=11)
case, waves, ints = cases.add, cases.waves, cases.ints

# Blocks.
for name in ["depth_to_space", "space_to_depth"]:
    function = getattr(ops, name)
    case(name, lambda x: [function(x, 2), function(x, 2, "channels_first")], waves(2, 4, 6, 4))
    case(f"{name}_int", lambda x: function(x, 3), ints(1, 3, 6, 9))
images = waves(2, 3, 7, 6)
case("unfold", lambda x: [
    ops.unfold(x, 2),
    ops.unfold(x, (3, 2), dilation=(1, 2), padding=(2, 1), stride=(2, 1)),
    ops.unfold(x, 3, stride=3),
], images)
case("fold", lambda x: ops.fold(x, (4, 3), 2), waves(2, 12, 6))
case("fold_apart", lambda x: ops.fold(x, (5, 8), (3, 2), dilation=(2, 1), padding=(1, 0), stride=(1, 2)), waves(2, 12, 12))
case("extract_sequences", lambda x: [
    ops.extract_sequences(x, 4, 3),
    ops.extract_sequences(x, 3, 1),
    ops.extract_sequences(x, 2, 5),
], waves(2, 3, 11))

# Transposed convolutions. Keras's own class confuses two arguments of a model.
kernels = [waves(3, 4, 5), waves(2, 3, 4, 5), waves(2, 3, 2, 4, 5)]
for rank, kernel in enumerate(kernels, 1):
    x = waves(2, *[5, 4, 3][:rank], 5)
    first = np.moveaxis(x, -1, 1)
    several = 2 if rank == 1 else (2, 3, 1)[:rank]
    case(f"conv_transpose{rank}", lambda x, k: [
        ops.conv_transpose(x, k),
        ops.conv_transpose(x, k, several, "same"),
        ops.conv_transpose(x, k, 3, "valid", output_padding=2),
        ops.conv_transpose(x, k, 2, "same", output_padding=1),
        ops.conv_transpose(x, k, 1, "same", dilation_rate=2),
    ], x, kernel, batch=False)
    case(f"conv_transpose{rank}_first", lambda x, k: ops.conv_transpose(x, k, 2, data_format="channels_first"), first, kernel, batch=False)

# Alignments.
logits, labels = waves(4, 7, 5), np.array([[1, 2, 2], [3, 1, 0], [4, 4, 4], [2, 0, 0]])
counts, steps = np.array([3, 2, 3, 1]), np.array([7, 5, 6, 1])
case("ctc_loss", ops.ctc_loss, labels, logits, counts, steps)
case("ctc_loss_blank", lambda *given: ops.ctc_loss(*given, mask_index=4), labels % 4, logits, counts, steps)
greedy = np.repeat(waves(3, 6, 4), 2, axis=1)
case("ctc_decode", lambda x, n: [*ops.ctc_decode(x, n), *ops.ctc_decode(x, n, merge_repeated=False, mask_index=2)],
     greedy, np.array([12, 7, 0]), gradient=False)
case("ctc_decode_last", lambda x, n: ops.ctc_decode(x, n, mask_index=None), greedy, np.array([12, 7, 3]), gradient=False)

# Orders, distinct elements, counts.
case("argpartition", lambda x: [ops.argpartition(x, 2), ops.argpartition(x, -3, axis=1)], waves(3, 4, 6))
case("argpartition_flat", lambda x: ops.argpartition(x, 5, axis=None), ints(3, 4, low=0, high=5), batch=False)
case("argpartition_uint8", lambda x: ops.argpartition(x, 1), np.array([[7, 0, 255, 3, 0], [1, 1, 1, 0, 2]], "uint8"))
case("argpartition_nan", lambda x: ops.argpartition(x, 2), np.array([[1.5, NAN, -2.0, INF, 0.0, -INF]]))
case("bincount", lambda x: ops.bincount(x, minlength=9), ints(3, 5, low=0, high=6), batch=False)
parts = np.arange(15.0).reshape(3, 5).astype("f")
# Keras writes weights in lists alone, and computes with arrays alone.
given = lambda x: parts.tolist() if isinstance(x, keras.KerasTensor) else parts
case("bincount_weights", lambda x: ops.bincount(x, weights=given(x), minlength=6), ints(3, 5, low=0, high=6), batch=False)
case("bincount_negative", lambda x: ops.bincount(x, minlength=8), np.array([-3, 2, 2, 0, 7, 7, 7]), batch=False)


def unique(size, **options):
    return lambda x: ops.unique(x, return_index=True, return_inverse=True, return_counts=True, size=size, **options)


repeated = ints(3, 5, low=-2, high=3)
case("unique", unique(7), repeated, batch=False)
case("unique_filled", unique(9, fill_value=-7), repeated, batch=False)
case("unique_cut", unique(3), repeated, batch=False)
case("unique_floats", unique(6), np.array([2.5, NAN, -0.0, 2.5, 0.0, NAN, -INF]), batch=False, gradient=False)
rows = np.array([[1, 2, 0], [0, 5, 1], [1, 2, 0], [1, 1, 7], [0, 5, 1]])
case("unique_rows", unique(4, axis=0, fill_value=9), rows, batch=False)
case("unique_columns", unique(3, axis=1), np.array([[1, 0, 1], [2, 2, 2]]), batch=False)
case("unique_alone", lambda x: ops.unique(x, size=4), repeated, batch=False)

# Correlations of vectors.
for name, m, n in [("", 9, 4), ("_short", 3, 8), ("_even", 6, 6)]:
    case(f"correlate{name}", lambda a, b: [ops.correlate(a, b, mode) for mode in ["valid", "same", "full"]],
         waves(m), waves(n), batch=False)
case("correlate_int", lambda a, b: ops.correlate(a, b, "full"), ints(5), ints(3), batch=False)

# Neighbours among floats.
near = np.array([[0.0, -0.0, 1.0, -1.0, 1e-45, -1e-45, 1.1754944e-38, 2.3509887e-38, 3.4028235e38, INF, -INF, NAN, 0.1, -3e20, 1e-30, 2.0, 5.0]])
for name, to in [("up", INF), ("down", -INF), ("zero", 0.0), ("same", None)]:
    case(f"nextafter_{name}", ops.nextafter, near, near if to is None else np.full_like(near, to), gradient=False)
case("nextafter_nan", ops.nextafter, np.array([[1.0, INF]]), np.array([[NAN, NAN]]), gradient=False)

# Patterns.
case("rearrange", lambda x: [
    ops.rearrange(x, "b (h p) (w q) c -> b (h w) (p q c)", p=2, q=3),
    ops.rearrange(x, "b h w c -> b c h w"),
    ops.rearrange(x, "b h w c -> b (c w) h"),
    ops.rearrange(x, "b (h p) w (c d) -> b d (p h c) w", h=2, c=2),
], waves(2, 4, 6, 4), batch=False)

cases.save("more_functions")
