"""Recurrent layers, their wrappers and their masks."""

import keras
import numpy as np
from keras import layers as L

from support import BATCH, rng_of

STEPS, WIDTH, UNITS = 5, 3, 2
OPTIONS = {
    "plain": {},
    "sequences": {"return_sequences": True, "use_bias": False},
    "state": {"return_sequences": True, "return_state": True},
    "backwards": {"return_sequences": True, "go_backwards": True},
    "unrolled": {"unroll": True, "activation": "relu"},
    "dropout": {"dropout": 0.2, "recurrent_dropout": 0.1},
}
EXTRAS = {
    "lstm": (L.LSTM, {"no_forget_bias": {"unit_forget_bias": False, "recurrent_activation": "hard_sigmoid"}}),
    "gru": (L.GRU, {"reset_before": {"reset_after": False, "return_sequences": True}}),
    "simple_rnn": (L.SimpleRNN, {}),
}


def build(zoo):
    x = keras.Input((STEPS, WIDTH))
    for lower, (layer, extras) in EXTRAS.items():
        for option, options in {**OPTIONS, **extras}.items():
            name = f"rnn_{lower}_{option}"
            if zoo.wants(name):
                zoo.add(name, keras.Model(x, layer(UNITS, **options)(x)))
        if zoo.wants(f"rnn_{lower}_masked"):
            masked(zoo, lower, layer)
        if zoo.wants(f"rnn_{lower}_masked_states"):
            masked_states(zoo, lower, layer)
        if zoo.wants(f"rnn_{lower}_stateful"):
            stateful(zoo, lower, layer)
        if zoo.wants(f"rnn_{lower}_initial_state"):
            initial_state(zoo, lower, layer)
    bidirectional(zoo)
    time_distributed(zoo)
    attention_blocks(zoo)
    if zoo.wants("rnn_unknown_length"):
        free = keras.Input((None, WIDTH))
        zoo.add("rnn_unknown_length", keras.Model(free, L.GRU(UNITS)(L.LSTM(UNITS, return_sequences=True)(free))))


def masked(zoo, lower, layer):
    """A mask that Keras records as nodes of the graph, through Dense and a shared layer called on both branches."""
    ids = keras.Input((STEPS,), dtype="int32")
    x = L.Dense(WIDTH)(L.Embedding(6, WIDTH, mask_zero=True)(ids))
    shared = layer(UNITS, return_sequences=True)
    first = shared(x)
    second = shared(L.Dense(WIDTH)(first))
    outputs = [first, second, layer(UNITS)(second), L.GlobalAveragePooling1D()(first)]
    data = np.array([[1, 2, 3, 4, 5], [1, 2, 0, 0, 0], [0, 3, 0, 4, 0]], "int32")
    zoo.add(f"rnn_{lower}_masked", keras.Model(ids, outputs), [data])


def masked_states(zoo, lower, layer):
    """Beside initial states Keras uses a mask that it is given, and leaves the one of the sequence to later layers."""
    ids = keras.Input((STEPS,), dtype="int32")
    x = L.Embedding(6, WIDTH, mask_zero=True)(ids)
    given = [keras.Input((UNITS,)) for _ in range(2 if layer is L.LSTM else 1)]
    ignored = layer(UNITS, return_sequences=True)(x, initial_state=given)
    used = layer(UNITS, return_sequences=True)(x, initial_state=given, mask=keras.ops.not_equal(ids, 0))
    both = L.Bidirectional(layer(UNITS))(x, initial_state=[*given, *given])
    unrolled = layer(UNITS, return_sequences=True, unroll=True)(x, initial_state=given, mask=keras.ops.not_equal(ids, 0))
    data = np.array([[1, 2, 3, 4, 5], [1, 2, 0, 0, 0], [0, 3, 0, 4, 0]], "int32")
    states = [rng_of("states").standard_normal((BATCH, UNITS)).astype("float32") for _ in given]
    outputs = [ignored, L.GlobalAveragePooling1D()(ignored), used, both, unrolled]
    zoo.add(f"rnn_{lower}_masked_states", keras.Model([ids, *given], outputs), [data, *states])


def stateful(zoo, lower, layer):
    x = keras.Input(batch_shape=(BATCH, STEPS, WIDTH))
    zoo.add(f"rnn_{lower}_stateful", keras.Model(x, layer(UNITS, stateful=True)(x)), note="outputs of the first call")


def initial_state(zoo, lower, layer):
    """States as a keyword argument, as a positional one, and handed on from another call of the same layer."""
    x, y = keras.Input((STEPS, WIDTH)), keras.Input((4, WIDTH))
    count = 2 if layer is L.LSTM else 1
    given = [keras.Input((UNITS,)) for _ in range(count)]
    shared = layer(UNITS, return_sequences=True, return_state=True)
    _, *state = shared(x)
    by_keyword, *_ = shared(y, initial_state=state)
    by_position, *_ = layer(UNITS, return_sequences=True, return_state=True)(y, given)
    zoo.add(f"rnn_{lower}_initial_state", keras.Model([x, y, *given], [by_keyword, by_position]))


def bidirectional(zoo):
    x = keras.Input((STEPS, WIDTH))
    for mode in ("concat", "sum", "mul", "ave", None):
        name = f"rnn_bidirectional_{mode or 'list'}".lower()
        if zoo.wants(name):
            inner = L.GRU(UNITS, return_sequences=mode != "sum")
            zoo.add(name, keras.Model(x, L.Bidirectional(inner, merge_mode=mode)(x)))
    if zoo.wants("rnn_bidirectional_state"):
        outputs = L.Bidirectional(L.LSTM(UNITS, return_sequences=True, return_state=True))(x)
        zoo.add("rnn_bidirectional_state", keras.Model(x, list(outputs)))
    if zoo.wants("rnn_bidirectional_initial_state"):
        states = [keras.Input((UNITS,)) for _ in range(4)]
        outputs = L.Bidirectional(L.LSTM(UNITS))(x, initial_state=states)
        zoo.add("rnn_bidirectional_initial_state", keras.Model([x, *states], outputs))
    if zoo.wants("rnn_bidirectional_backward_layer"):
        layer = L.Bidirectional(
            L.LSTM(UNITS, return_sequences=True),
            backward_layer=L.GRU(UNITS + 1, return_sequences=True, go_backwards=True),
        )
        zoo.add("rnn_bidirectional_backward_layer", keras.Model(x, layer(x)))
    if zoo.wants("rnn_bidirectional_masked"):
        masked_x = L.Masking()(x)
        outputs = L.Bidirectional(L.LSTM(UNITS, return_sequences=True))(masked_x)
        outputs = [outputs, L.Bidirectional(L.SimpleRNN(UNITS))(outputs)]
        zoo.add("rnn_bidirectional_masked", keras.Model(x, outputs), [padded()])


def attention_blocks(zoo):
    """Attention takes the masks off its inputs: the second block runs without one, the layer behind both with it."""
    if zoo.wants("rnn_attention_blocks"):
        ids = keras.Input((STEPS,), dtype="int32")
        x = L.Embedding(6, 4, mask_zero=True)(ids)
        for _ in range(2):
            x = L.LayerNormalization()(L.Add()([x, L.MultiHeadAttention(2, 2)(x, x)]))
        data = np.array([[1, 2, 3, 4, 5], [1, 2, 0, 0, 0], [0, 3, 0, 4, 0]], "int32")
        zoo.add("rnn_attention_blocks", keras.Model(ids, [x, L.LSTM(UNITS)(x)]), [data])


def padded():
    """Sequences with zeroed steps at the end, in the middle and at the start."""
    x = rng_of("padded").standard_normal((BATCH, STEPS, WIDTH)).astype("float32")
    x[0, 3:] = x[1, 1] = x[2, 0] = 0
    return x


def time_distributed(zoo):
    if zoo.wants("rnn_time_distributed"):
        x = keras.Input((STEPS, WIDTH))
        zoo.add("rnn_time_distributed", keras.Model(x, L.TimeDistributed(L.Dense(2, activation="tanh"))(x)))
    if zoo.wants("rnn_time_distributed_conv"):
        x = keras.Input((2, 4, 4, 1))
        y = L.TimeDistributed(L.Flatten())(L.TimeDistributed(L.Conv2D(2, 3))(x))
        zoo.add("rnn_time_distributed_conv", keras.Model(x, y))
    if zoo.wants("rnn_time_distributed_model"):
        inner_x = keras.Input((WIDTH,))
        inner = keras.Model(inner_x, L.Dense(2)(L.Dense(4, activation="relu")(inner_x)))
        x = keras.Input((STEPS, WIDTH))
        zoo.add("rnn_time_distributed_model", keras.Model(x, L.TimeDistributed(inner)(x)))
    if zoo.wants("rnn_time_distributed_masked"):
        x = keras.Input((STEPS, WIDTH))
        y = L.TimeDistributed(L.Dense(2))(L.Masking()(x))
        zoo.add("rnn_time_distributed_masked", keras.Model(x, [y, L.LSTM(UNITS)(y)]), [padded()])
