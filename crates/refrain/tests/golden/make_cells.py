"""Golden outputs and gradients of cells, and of layers that run them: writes cells.json and cells.npz.

    pip install keras==3.15.1 jax h5py
    KERAS_BACKEND=jax python make_cells.py
"""

import json

from golden import clean, jnp, keras, np, random_weight, write_json
from layer_cases import MASK5, L, Masked, case, cases, store, x
from own_cells import CountingCell, MinimalRNNCell


def cells():
    inputs, h, c = x(4, 3), x(4, 4, seed=1), x(4, 4, seed=2)
    case("lstm_cell", lambda: L.LSTMCell(4, seed=1), inputs, [h, c])
    case("lstm_cell_options", lambda: L.LSTMCell(4, seed=1, unit_forget_bias=False, activation="relu", recurrent_activation="hard_sigmoid"), inputs, [h, c])
    case("gru_cell", lambda: L.GRUCell(4, seed=1), inputs, [h])
    case("gru_cell_tensor", lambda: L.GRUCell(4, seed=1), inputs, h)
    case("gru_cell_reset_before", lambda: L.GRUCell(4, seed=1, reset_after=False, use_bias=False), inputs, [h])
    case("simple_rnn_cell", lambda: L.SimpleRNNCell(4, seed=1, kernel_regularizer="l2", bias_constraint="non_neg"), inputs, [h])
    stack = lambda: L.StackedRNNCells([L.LSTMCell(4, seed=1), L.GRUCell(2, seed=1)])
    case("stacked_rnn_cells", stack, inputs, [[h, c], [x(4, 2)]])


def loops():
    inputs, everything = x(4, 5, 3), {"return_sequences": True, "return_state": True}
    masked = Masked(inputs, MASK5)
    stack = lambda: [L.LSTMCell(4, seed=1), L.SimpleRNNCell(2, seed=1), L.GRUCell(3, seed=1)]
    nested = [[x(4, 4, seed=1), x(4, 4, seed=2)], [x(4, 2, seed=1)], [x(4, 3, seed=1)]]
    kinds = {
        "lstm_cell": (lambda: L.LSTMCell(4, seed=1), [x(4, 4, seed=1), x(4, 4, seed=2)]),
        "gru_cell": (lambda: L.GRUCell(4, seed=1), [x(4, 4, seed=1)]),
        "simple_rnn_cell": (lambda: L.SimpleRNNCell(4, seed=1), x(4, 4, seed=1)),
        "stack": (stack, nested),
        "minimal": (lambda: MinimalRNNCell(4), x(4, 4, seed=1)),
        "scaled": (lambda: MinimalRNNCell(4, scale=2.0), [x(4, 4, seed=1)]),
        "counting": (lambda: CountingCell(4), [x(4, 4, seed=1), x(4, 1, seed=2)]),
    }
    for kind, (cell, initial) in kinds.items():
        variants = {
            "": ({}, inputs, {}),
            "_initial_state": (everything, inputs, {"initial_state": initial}),
            "_backwards": ({"go_backwards": True, **everything}, inputs, {}),
            "_unroll_masked": ({"unroll": True, **everything}, masked, {}),
            "_masked_zero_output": ({"zero_output_for_mask": True, **everything}, masked, {}),
        }
        if kind != "counting":  # whose output is not like its first state, which masked steps give
            variants["_masked"] = (everything, masked, {})
            variants["_masked_backwards"] = ({"go_backwards": True}, masked, {})
        for suffix, (options, first, kwargs) in variants.items():
            if suffix == "_masked_zero_output" and kind not in ("stack", "scaled", "counting"):
                continue
            case(f"rnn_{kind}{suffix}", lambda: L.RNN(cell(), **options), first, **kwargs)
    both = lambda cell, **options: L.Bidirectional(L.RNN(cell, **options))
    case("bidirectional_rnn", lambda: both(MinimalRNNCell(3), return_sequences=True), masked)
    case("bidirectional_rnn_state", lambda: both(L.LSTMCell(3, seed=1), **everything), inputs)
    case("time_distributed_rnn", lambda: L.TimeDistributed(L.RNN(L.GRUCell(3, seed=1))), x(2, 3, 4, 2))


def model(name, make, batches, targets=None):
    """Predictions for each batch in turn; or after each step of training on the first."""
    keras.utils.clear_session()
    rng = np.random.default_rng(len(name))
    made = make()
    for w in made.weights:
        w.assign(random_weight(rng, w))
    for layer in made.layers:
        if getattr(layer, "stateful", False):  # what the states begin with is made of the weights
            initial = keras.tree.flatten(layer.get_initial_state(len(batches[0])))
            for v, s in zip(keras.tree.flatten(layer.states), initial):
                v.assign(s)
    entry = {
        "model": clean(json.loads(made.to_json())),
        "weights": [store.put(f"{name}/w{i}", w.value) for i, w in enumerate(made.weights)],
        "inputs": [store.put(f"{name}/in{i}", b) for i, b in enumerate(batches)],
    }
    if targets is None:
        outputs = [made(jnp.asarray(b)) for b in batches]
    else:
        entry["targets"] = store.put(f"{name}/targets", targets)
        made.compile(keras.optimizers.SGD(0.1), "mse")
        outputs = []
        for _ in range(3):
            made.train_on_batch(batches[0], targets)
            outputs.append(made(jnp.asarray(batches[0])))
    entry["outputs"] = [store.put(f"{name}/out{i}", o) for i, o in enumerate(outputs)]
    return entry


def trained():
    inputs = keras.Input((None, 3))
    y = L.Masking()(inputs)
    y = L.RNN([L.LSTMCell(4), MinimalRNNCell(3), L.GRUCell(3)], return_sequences=True)(y)
    y, *state = L.RNN(CountingCell(2), return_state=True, zero_output_for_mask=True)(y)
    y = L.Dense(2)(L.concatenate([y, *state]))
    return keras.Model(inputs, y)


def stateful():
    inputs = keras.Input(batch_shape=(2, 3, 2))
    y = L.RNN([L.LSTMCell(3), L.GRUCell(2)], stateful=True, return_sequences=True)(inputs)
    return keras.Model(inputs, L.RNN(CountingCell(2), stateful=True)(y))


cells()
loops()
padded = x(4, 5, 3) * MASK5[:, :, None].astype(np.float32)
models = {
    "trained": model("trained", trained, [padded], x(4, 2, seed=3)),
    "stateful": model("stateful", stateful, [x(2, 3, 2, seed=s) for s in range(3)]),
}
store.save("cells.npz")
write_json("cells.json", {"layers": cases, "models": models})
print(len(cases), "layer cases,", len(models), "models,", len(store.arrays), "arrays")
