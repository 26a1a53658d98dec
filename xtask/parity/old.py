"""Makes the files of older Keras versions that `crates/refrain/tests/fixtures/keras` holds.

    python old.py OUT_DIR [NAME,NAME...]
    python old.py --losses DIR

Run once in an environment of each version (see the README beside the fixtures); never in the checks, which read the
committed files. `KERAS_MODULE` names the package: `keras` (the default), `tf_keras` or `tensorflow.keras`. Everything works
with Python 3.8 and each Keras from 2.4 on.

Writes OUT_DIR/VERSION/NAME.keras (from Keras 2.12 on), legacy.zip with NAME.h5, and expected.npz with, for each model,
`NAME/x*`, `NAME/y*` (what it predicts), and for compiled ones `NAME/t0` (targets) and `NAME/losses`: five more steps of
training on `x*` and `t0`.

`--losses` computes the losses in DIR/expected.npz anew with the Keras that runs it, from the archives in DIR: for files of
a version whose own training is at fault.
"""

import importlib
import os
import pathlib
import sys
import zipfile

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np

keras = importlib.import_module(os.environ.get("KERAS_MODULE", "keras"))
L = keras.layers
VERSION = tuple(int(part) for part in keras.__version__.split("-")[0].split(".")[:2])
KERAS_3 = VERSION >= (3, 0) and keras.__name__ != "tf_keras"
BATCH, WARMUP, STEPS = 4, 3, 5
AS_WRITTEN = "3.15.1"  # the version of which one archive stays as Keras wrote it
AS_WRITTEN_NAME = "shared_dense"

if KERAS_3:
    maths = keras.ops
else:
    import tensorflow as maths


def shared_dense():
    left, right = L.Input((3,), name="left"), L.Input((3,), name="right")
    shared = L.Dense(4, activation="relu")
    merged = L.concatenate([shared(left), shared(right)])
    model = keras.Model([left, right], L.Dense(1, activation="sigmoid")(merged))
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    return model


def siamese():
    """An operator of the backend between layers."""
    left, right = L.Input((6, 6, 1)), L.Input((6, 6, 1))
    first = L.Conv2D(2, 3, padding="same", activation="relu")
    second = L.Conv2D(3, 3, padding="same", activation="relu")
    towers = [L.Flatten()(second(first(side))) for side in (left, right)]
    return keras.Model([left, right], L.Dense(1, activation="sigmoid")(maths.abs(L.subtract(towers))))


def shared_lstm():
    """The second call starts from the first one's state."""
    source, target = L.Input((5, 3)), L.Input((4, 3))
    lstm = L.LSTM(4, return_sequences=True, return_state=True)
    _, h, c = lstm(source)
    decoded, _, _ = lstm(target, initial_state=[h, c])
    model = keras.Model([source, target], L.Dense(3, activation="softmax")(decoded))
    model.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy")
    return model


def nested():
    """A nested model with trained BatchNormalization called twice; Keras 3 also shares a layer with the outer model.

    Keras 2 cannot write that: both models' entries are one object in its file, with the nested model's nodes.
    """
    a = L.Input((4,))
    shared = L.Dense(4, activation="tanh", name="shared")
    inside = shared if KERAS_3 else L.Dense(4, activation="tanh", name="inside")
    inner = keras.Model(a, L.BatchNormalization()(inside(a)), name="inner")
    x, y = L.Input((4,)), L.Input((4,))
    model = keras.Model([x, y], L.Dense(2)(L.add([inner(x), inner(shared(y))])))
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    return model


def sequential():
    model = keras.Sequential(
        [
            L.Input((6, 6, 2)), L.Conv2D(3, 3), L.BatchNormalization(), L.ReLU(max_value=2.0), L.MaxPooling2D(),
            L.Flatten(), L.Dropout(0.2), L.Dense(3, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), keras.losses.CategoricalCrossentropy())
    return model


def masked():
    ids = L.Input((5,), dtype="int32")
    x = L.Embedding(6, 3, mask_zero=True)(ids)
    y = L.Bidirectional(L.LSTM(2, return_sequences=True))(x)
    z = L.GRU(3)(L.Dropout(0.1)(y))
    return keras.Model(ids, [z, L.SimpleRNN(2)(x)])


def operators():
    x, y = L.Input((4,)), L.Input((3, 4))
    z = 1.0 - x * 2.0 + y[:, 0]
    joined = maths.concat([z, y[:, -1, :]], axis=-1) if not KERAS_3 else maths.concatenate([z, y[:, -1, :]], axis=-1)
    mean = maths.reduce_mean(y, axis=1) if not KERAS_3 else maths.mean(y, axis=1)
    return keras.Model([x, y], [L.Dense(2)(joined), mean / 3.0, maths.abs(-z)])


def kinds():
    """Layers whose weights lie in sub-layers."""
    x = L.Input((5, 4))
    y = L.LayerNormalization()(L.MultiHeadAttention(2, 3)(x, x))
    y = L.TimeDistributed(L.Dense(4, activation="relu"))(y)
    y = L.SeparableConv1D(3, 2)(L.PReLU()(y))
    return keras.Model(x, L.Dense(2)(L.GlobalAveragePooling1D()(y)))


MODELS = [shared_dense, siamese, shared_lstm, nested, sequential, masked, operators, kinds]


def normal(seed, shape):
    return np.random.RandomState(seed).standard_normal(shape).astype("float32")


def data_of(tensor, seed):
    shape = (BATCH,) + tuple(tensor.shape[1:])
    if "int" in str(tensor.dtype):
        return np.random.RandomState(seed).randint(0, 5, shape).astype("int32")
    return normal(seed, shape)


def targets_of(model, name):
    shape = tuple(model.outputs[0].shape[1:])
    rng = np.random.RandomState(9)
    if name == "shared_dense":
        return rng.randint(0, 2, (BATCH,) + shape).astype("float32")
    if name in ("shared_lstm", "sequential"):
        return np.eye(shape[-1], dtype="float32")[rng.randint(0, shape[-1], (BATCH,) + shape[:-1])]
    return normal(9, (BATCH,) + shape)


def set_weights(model):
    """`0.5 sin(0.7 i + k)` for element `i` of weight `k`; scales and variances are kept positive."""
    values = []
    for k, (variable, old) in enumerate(zip(model.weights, model.get_weights())):
        value = 0.5 * np.sin(0.7 * np.arange(old.size) + k).reshape(old.shape)
        positive = any(word in variable.name for word in ("gamma", "variance"))
        values.append((1.0 + value if positive else value).astype(old.dtype))
    model.set_weights(values)


def flat(outputs):
    return outputs if isinstance(outputs, (list, tuple)) else [outputs]


def deflate(path):
    """Compresses the members, which Keras stores as they are: the fixtures stay small, and the reader meets both."""
    with zipfile.ZipFile(str(path)) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(str(path), "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for info, content in members:
            archive.writestr(zipfile.ZipInfo(info.filename, info.date_time), content, zipfile.ZIP_DEFLATED, 9)


def pack_legacy(folder):
    """Moves the HDF5 files, mostly padding, into `legacy.zip`."""
    with zipfile.ZipFile(str(folder / "legacy.zip"), "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(folder.iterdir()):
            if path.suffix == ".h5" or path.stem.endswith("_is_hdf5"):
                archive.writestr(zipfile.ZipInfo(path.name), path.read_bytes(), zipfile.ZIP_DEFLATED, 9)
                path.unlink()


def make(function, folder, expected):
    name = function.__name__
    keras.backend.clear_session()
    model = function()
    set_weights(model)
    x = [data_of(t, seed) for seed, t in enumerate(model.inputs)]
    compiled = getattr(model, "optimizer", None) is not None
    feed = x if len(x) > 1 else x[0]
    if compiled:
        # Dropout would make the losses random.
        for layer in model.layers:
            if isinstance(layer, L.Dropout):
                layer.rate = 0.0
        targets = targets_of(model, name)
        model.fit(feed, targets, epochs=WARMUP, batch_size=BATCH, shuffle=False, verbose=0)
    # The archive first: Keras 3 takes the optimizer out of the model's compile configuration when it writes HDF5.
    if VERSION >= (2, 12):
        # Keras 2.12 takes `.keras` for HDF5 unless it is told.
        options = {"save_format": "keras_v3"} if VERSION == (2, 12) else {}
        path = folder / (name + ".keras")
        model.save(str(path), **options)
        if name != AS_WRITTEN_NAME or keras.__version__ != AS_WRITTEN:
            deflate(path)
    # Keras 3.0 fails on nested sub-layers there: "name already exists".
    if not (VERSION == (3, 0) and name in ("masked", "kinds")):
        model.save(str(folder / (name + ".h5")))
    if VERSION == (2, 12) and name == "shared_dense":
        model.save(str(folder / (name + "_is_hdf5.keras")))
    for i, array in enumerate(x):
        expected["%s/x%d" % (name, i)] = array
    for i, array in enumerate(flat(model.predict(feed, verbose=0))):
        expected["%s/y%d" % (name, i)] = np.asarray(array)
    if compiled:
        expected[name + "/t0"] = targets
        expected[name + "/losses"] = losses_of(model, feed, targets)


def losses_of(model, x, targets):
    history = model.fit(x, targets, epochs=STEPS, batch_size=BATCH, shuffle=False, verbose=0)
    return np.array(history.history["loss"], "float32")


def compute_losses(folder):
    path = pathlib.Path(folder) / "expected.npz"
    with np.load(path) as npz:
        expected = {name: npz[name] for name in npz.files}
    for key in [name for name in expected if name.endswith("/losses")]:
        name = key.split("/")[0]
        model = keras.saving.load_model(pathlib.Path(folder) / (name + ".keras"))
        x = [expected["%s/x%d" % (name, i)] for i in range(len(model.inputs))]
        losses = losses_of(model, x if len(x) > 1 else x[0], expected[name + "/t0"])
        print(name, "differs by", np.abs(losses - expected[key]).max())
        expected[key] = losses
    np.savez_compressed(path, **expected)


def main(out, only=None):
    suffix = "-tf_keras" if keras.__name__ == "tf_keras" else ""
    folder = pathlib.Path(out) / (keras.__version__.split("-")[0] + suffix)
    folder.mkdir(parents=True, exist_ok=True)
    expected = {}
    for function in MODELS:
        if only is None or function.__name__ in only.split(","):
            make(function, folder, expected)
    np.savez_compressed(folder / "expected.npz", **expected)
    pack_legacy(folder)
    print(folder.name, sorted(p.name for p in folder.iterdir()))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if sys.argv[1] == "--losses":
        compute_losses(sys.argv[2])
    else:
        main(*sys.argv[1:3])
