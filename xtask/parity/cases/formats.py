"""The same model in every format that Keras 3 writes: folder, weights alone, shards, legacy HDF5, architecture alone."""

import keras
from keras import layers as L

from support import TRAIN_STEPS, rng_of

SHARD_GB = 6e-6  # six kilobytes: several shards


def nested():
    a = keras.Input((4,))
    inner = keras.Model(a, L.BatchNormalization()(L.Dense(16, activation="relu")(a)), name="inner")
    x, y = keras.Input((4,), name="x"), keras.Input((4,), name="y")
    shared = L.Dense(4, name="shared")
    merged = L.concatenate([inner(shared(x)), inner(y)])
    return keras.Model([x, y], [L.Dense(16)(L.Dense(32)(merged)), shared(y)])


def recurrent():
    source, target = keras.Input((5, 3)), keras.Input((4, 3))
    lstm = L.LSTM(4, return_sequences=True, return_state=True)
    _, h, c = lstm(source)
    decoded, _, _ = lstm(target, initial_state=[h, c])
    return keras.Model([source, target], L.Bidirectional(L.GRU(3))(decoded))


def indexed():
    x, y = keras.Input((4, 3)), keras.Input((4, 3))
    inner = keras.Model(y, y[..., 1:], name="inner")
    return keras.Model(x, L.Dense(2)(inner(x)[..., 0]))


def sequential():
    return keras.Sequential([keras.Input((6, 6, 1)), L.Conv2D(4, 3), L.BatchNormalization(), L.Flatten(), L.Dense(3)])


def bfloat():
    x = keras.Input((4,))
    return keras.Model(x, L.Dense(2)(L.Dense(4, dtype="bfloat16")(x)))


def train(model, name):
    """A compiled model whose optimizer has state: it goes into each format too."""
    rng = rng_of(name)
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=None)
    samples = lambda t: rng.standard_normal((TRAIN_STEPS, *t.shape[1:])).astype("float32")
    model.train_on_batch([samples(t) for t in model.inputs], [samples(t) for t in model.outputs])


def build(zoo):
    for name, function in {"nested": nested, "recurrent": recurrent, "indexed": indexed, "sequential": sequential, "bfloat": bfloat}.items():
        for compiled in (False, True):
            case = f"format_{name}" + ("_compiled" if compiled else "")
            if zoo.wants(case) and (not compiled or name == "nested"):
                add(zoo, case, function(), compiled)


def add(zoo, name, model, compiled):
    if compiled:
        train(model, name)
    files = {
        "folder": "unzipped", "weights": "all.weights.h5", "h5": "legacy.h5", "json": "architecture.json",
        "shards": "shards.weights.json",
    }
    # Keras writes bfloat16 into the legacy format and cannot read it from there.
    unreadable = ["refrain.h5"] if name == "format_bfloat" else []
    folder = zoo.add(name, model, weights=not compiled, files=files, unreadable=unreadable)
    # Before the legacy format, whose writing takes the optimizer out of what `compile` recorded.
    (folder / files["json"]).write_text(model.to_json())
    model.save(folder / files["folder"], zipped=False)
    model.save_weights(folder / files["weights"])
    model.save_weights(folder / files["shards"], max_shard_size=SHARD_GB)
    model.save(folder / files["h5"])
