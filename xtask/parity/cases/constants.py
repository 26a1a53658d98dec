"""Arrays as arguments of layers and functions: NumPy's and the backend's."""

import keras
import numpy as np
from keras import layers as L
from keras import ops

from support import BATCH, rng_of

TIME, FEATURES, UNITS = 3, 4, 2
STEPS = np.array([[True, True, False], [True, False, False], [True, True, True]])


def values(name, *shape):
    return rng_of(name).standard_normal(shape).astype("float32")


def backend(name, *shape):
    return ops.convert_to_tensor(values(name, *shape))


def recurrent(x):
    states = [values(f"state{i}", BATCH, UNITS) for i in range(4)]
    return {
        "lstm": L.LSTM(UNITS)(x, initial_state=states[:2]),
        "gru": L.GRU(UNITS, return_sequences=True)(x, initial_state=backend("gru", BATCH, UNITS)),
        "bidirectional": L.Bidirectional(L.LSTM(UNITS))(x, initial_state=states),
        "mask": L.LSTM(UNITS)(x, mask=STEPS),
        "mask_of_all": L.SimpleRNN(UNITS)(x, mask=STEPS[:1]),
        "nested": keras.Sequential([keras.Input((TIME, FEATURES)), L.LSTM(UNITS)])(x, mask=STEPS[:1]),
    }


def attention(x):
    causal = np.tril(np.ones((1, TIME, TIME), bool))
    return {
        "mask": L.MultiHeadAttention(1, 2)(x, x, attention_mask=causal),
        "value": L.MultiHeadAttention(2, 2)(x, backend("value", BATCH, 5, FEATURES)),
        "masks": L.Attention()([x, x], mask=[STEPS, STEPS]),
        "value_mask": L.Attention()([x, x], mask=[None, STEPS]),
        "query_mask": L.AdditiveAttention()([x, x], mask=[STEPS[:1], None]),
        "list": L.Attention()([x, backend("list", BATCH, 5, FEATURES)]),
        "softmax": L.Softmax()(x, mask=np.array([[True, True, False, True]])),
        "pooling": L.GlobalAveragePooling1D()(x, mask=STEPS),
    }


def merging(x):
    a, b = keras.Input((TIME, FEATURES)), keras.Input((TIME, FEATURES))
    inner = keras.Model([a, b], L.Dense(UNITS)(L.Multiply()([a, b])))
    return {
        "add": L.Add()([x, values("add", BATCH, TIME, FEATURES)]),
        "concatenate": L.Concatenate()([x, backend("concatenate", BATCH, TIME, FEATURES)]),
        "dot": L.Dot(axes=1)([x, backend("dot", BATCH, TIME, FEATURES)]),
        "model": inner([x, backend("model", BATCH, TIME, FEATURES)]),
    }


def functions(x):
    return {
        "matmul": x @ backend("matmul", FEATURES, UNITS),
        "matmul_first": ops.matmul(values("first", 5, TIME), x),
        "einsum": ops.einsum("btf,fg->bg", x, values("einsum", FEATURES, UNITS)),
        "tensordot": ops.tensordot(x, values("tensordot", FEATURES, UNITS), axes=1),
        "outer": ops.outer(x, values("outer", 3)),
        "take": ops.take(values("take", 7, 2), ops.cast(ops.abs(x), "int32"), axis=0),
        "concatenate": ops.concatenate([values("joined", BATCH, TIME, 2), x], axis=-1),
        "where": ops.where(x > 0, values("where", FEATURES), x),
        "add": x + np.array([1.0, 2.0, 3.0, 4.0]),
        "maximum": ops.maximum(x, np.array([0.0, np.inf, -np.inf, 1.0], "float32")),
    }


GROUPS = [recurrent, attention, merging, functions]


def build(zoo):
    for group in GROUPS:
        name = f"constants_{group.__name__}"
        if zoo.wants(name):
            x = keras.Input((TIME, FEATURES))
            zoo.add(name, keras.Model(x, group(x)), [values(name, BATCH, TIME, FEATURES)])
