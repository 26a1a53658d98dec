"""Cells, the layers that run them, and cells that are not Keras's own."""

import pathlib
import sys

import keras
import numpy as np
from keras import layers as L

sys.path.append(str(pathlib.Path(__file__).parents[3] / "crates/refrain/tests/golden"))
from own_cells import CountingCell, MinimalRNNCell

from support import TRAIN_STEPS, rng_of

STEPS, WIDTH = 5, 3


def alone():
    """Calls of cells themselves."""
    x, h, c = keras.Input((WIDTH,)), keras.Input((2,)), keras.Input((2,))
    y, (h_next, c_next) = L.LSTMCell(2)(x, [h, c])
    z, state = L.GRUCell(2)(y, [h_next])
    return keras.Model([x, h, c], [c_next, z, L.SimpleRNNCell(2)(z, state)[0]])


def stacked():
    """States of one loop, which another goes on from."""
    x = keras.Input((None, WIDTH))
    cells = lambda: [L.LSTMCell(2), L.GRUCell(4, reset_after=False), L.SimpleRNNCell(2)]
    y, *states = L.RNN(cells(), return_state=True)(x)
    z = L.RNN(cells(), return_sequences=True, go_backwards=True)(x, initial_state=states)
    return keras.Model(x, [y, z, *keras.tree.flatten(states)])


def own():
    x = keras.Input((STEPS, WIDTH))
    masked = L.Masking()(x)
    y = L.Bidirectional(L.RNN(MinimalRNNCell(2, scale=2.0), return_sequences=True))(masked)
    z, *states = L.RNN(CountingCell(3), return_state=True, unroll=True)(masked)
    return keras.Model(x, [y, z, *states, L.TimeDistributed(L.Dense(2))(y)])


def build(zoo):
    for name, function in {"alone": alone, "stacked": stacked, "own": own}.items():
        if zoo.wants(f"cells_{name}"):
            zoo.add(f"cells_{name}", function())
    if zoo.wants("cells_trained"):
        x = keras.Input((STEPS, WIDTH))
        model = keras.Model(x, L.Dense(1)(L.RNN([L.LSTMCell(3), CountingCell(2)])(x)))
        model.compile(keras.optimizers.Adam(0.01), "mse")
        rng = rng_of("cells_trained")
        samples = lambda *shape: rng.standard_normal((4 * TRAIN_STEPS, *shape)).astype("float32")
        zoo.train("cells_trained", model, [samples(STEPS, WIDTH)], [samples(1)])
