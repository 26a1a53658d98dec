"""The way back: opens in Keras what refrain wrote, for `cargo xtask parity`.

    python check.py DIR

DIR is what zoo.py wrote. Beside a case's `model.keras` refrain puts

- `refrain.keras`, its copy after loading: opened here, its outputs must be those of `outputs.npz`, its weights those of
  `model.keras` bit for bit, its architecture the same, and the next steps of training those of `losses.json`;
- `refrain_after.keras`, after the training steps: its weights must be those of `after.npz`;
- for cases with `files`: `refrain.h5` (outputs and weights), `refrain.weights.h5` (into the model of `architecture.json`),
  `refrain.json` (architecture) and `refrain.safetensors` (its header).

What `unreadable` in `case.json` names is not opened, and cases with `refused` are skipped.

`DIR/random/` may hold `NAME.refrain.keras` beside `NAME.keras` and `NAME.npz`. `DIR/rust_made/` may hold models that refrain
built: `NAME.keras` with `NAME.npz` (`x*` and `y*`; with `z*`, the outputs after a step of training, the model shares layers that
have to be one after loading, and `NAME.h5` is opened too). `DIR/keras2/` may hold `NAME.copy.keras`, refrain's copy of a file of Keras
2, with `NAME.npz`.

Prints a table and `N passed, M failed`; exits 1 when anything failed, or when nothing was there to check.
"""

import json
import pathlib
import sys
import traceback

from support import TRAIN_STEPS, Batches, call, keep_compiled

import h5py
import io
import keras
import numpy as np
import zipfile

import cases.cells  # registers cells of its own

from compare import config_differences

OUTPUT_TOLERANCE = 1e-5
TRAIN_TOLERANCE = 1e-4


class Table:
    """Rows of case, what, largest difference, verdict."""

    def __init__(self):
        self.passed = self.failed = 0

    def row(self, case, what, difference, good, detail=""):
        self.passed += good
        self.failed += not good
        shown = "-" if difference is None else f"{difference:.2e}"
        print(f"{case:<40} {what:<14} {shown:>9}  {'ok' if good else 'FAIL'}  {detail}".rstrip(), flush=True)

    def within(self, case, what, difference, tolerance):
        self.row(case, what, difference, bool(difference <= tolerance))

    def attempt(self, case, what, function, *arguments):
        """An error is a failed row, not the end of the run."""
        try:
            return function(*arguments)
        except Exception as error:
            last = traceback.format_exception_only(type(error), error)[-1].strip().splitlines()[0]
            self.row(case, what, None, False, last[:200])


def arrays(path, prefix):
    with np.load(path) as npz:
        names = sorted((n for n in npz.files if n.startswith(prefix)), key=lambda n: int(n[len(prefix):]))
        return [npz[n] for n in names]


def difference(expected, actual):
    """Largest absolute difference, relative where values are above 1; infinite where shapes or types of number differ."""
    if len(expected) != len(actual):
        return float("inf")
    worst = 0.0
    for e, a in zip(expected, actual):
        if e.shape != a.shape:
            return float("inf")
        e, a = np.asarray(e, np.float64), np.asarray(a, np.float64)
        if e.size:
            equal = (e == a) | (np.isnan(e) & np.isnan(a))
            apart = np.where(equal, 0.0, np.abs(e - a) / np.maximum(1.0, np.abs(e)))
            worst = max(worst, float(np.nan_to_num(apart, nan=np.inf).max()))
    return worst


def load(path, **options):
    # Lambda layers need leave: these files come from the zoo.
    return keras.saving.load_model(path, safe_mode=False, **options)


def members(path):
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("config.json")), archive.read("model.weights.h5")


def datasets(content):
    """Every dataset of an HDF5 file with type, shape and bytes."""
    found = {}

    def visit(name, thing):
        if isinstance(thing, h5py.Dataset):
            value = thing[()]
            found[name] = (thing.dtype.str, thing.shape, np.asarray(value).tobytes(), thing.attrs.get("dtype"))

    with h5py.File(io.BytesIO(content), "r") as file:
        file.visititems(visit)
    return found


def check_files(table, case, original, copy):
    """Same architecture, same weights bit for bit."""
    (config, weights), (copy_config, copy_weights) = members(original), members(copy)
    apart = config_differences(config, copy_config)
    table.row(case, "architecture", None, not apart, "; ".join(apart[:3]))
    # The optimizers of nested models are not those of the model.
    expected = {n: d for n, d in datasets(weights).items() if "/optimizer/" not in n}
    actual = datasets(copy_weights)
    wrong = sorted(n for n in expected.keys() | actual.keys() if expected.get(n) != actual.get(n))
    table.row(case, "weights", None, not wrong, ", ".join(wrong[:4]))


def check_outputs(table, case, path, x, y, whole=True):
    model = load(path)
    table.within(case, "outputs", difference(y, call(model, x, whole)), OUTPUT_TOLERANCE)
    return model


def check_training(table, case, folder, model):
    data, known = folder / "data.npz", json.loads((folder / "losses.json").read_text())
    batches = Batches(model, arrays(data, "x"), arrays(data, "y"), arrays(data, "w"), known["batch_size"])
    logs = [batches.train(model, step) for step in range(TRAIN_STEPS)]
    same_keys = all(log.keys() == expected.keys() for log, expected in zip(logs, known["logs"]))
    table.row(case, "metric names", None, same_keys, "" if same_keys else f"{list(logs[0])}")
    losses = [np.array([log["loss"] for log in logs])]
    table.within(case, "losses", difference([np.array(known["losses"])], losses), TRAIN_TOLERANCE)
    table.within(case, "weights after", difference(arrays(folder / "after.npz", "w"), values(model)), TRAIN_TOLERANCE)


def reloads(case):
    return case.get("keras_reloads", True)


def values(model):
    return [np.asarray(v.value) for v in model.weights]


def check_hdf5(table, case, folder, path):
    """The legacy format: Keras loads it, with the weights of `model.keras`."""
    # Keras 3.15 does not find its own losses by the names that such files have, so it loads without compiling.
    model, original = load(path, compile=False), load(folder / "model.keras")
    expected, actual = values(original), values(model)
    equal = len(expected) == len(actual) and all(np.array_equal(e, a) for e, a in zip(expected, actual))
    table.row(case, "h5 weights", None, equal)
    x, y = arrays(folder / "inputs.npz", "x"), arrays(folder / "outputs.npz", "y")
    table.within(case, "h5 outputs", difference(y, call(model, x)), OUTPUT_TOLERANCE)


def check_weights(table, case, folder, path):
    model = keras.models.model_from_json((folder / "architecture.json").read_text())
    model.load_weights(path)
    x, y = arrays(folder / "inputs.npz", "x"), arrays(folder / "outputs.npz", "y")
    table.within(case, "weights.h5", difference(y, call(model, x)), OUTPUT_TOLERANCE)


def check_json(table, case, folder, path):
    model = keras.models.model_from_json(path.read_text())
    expected = json.loads((folder / "architecture.json").read_text())
    apart = config_differences(expected, json.loads(path.read_text()))
    shapes = [tuple(v.shape) for v in model.weights] == [tuple(v.shape) for v in load(folder / "model.keras").weights]
    table.row(case, "json", None, shapes and not apart, "; ".join(apart[:3]))


def check_safetensors(table, case, folder, path):
    """Eight bytes of length, a JSON header, then the arrays one after another."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8:8 + size])
    header.pop("__metadata__", None)
    spans = sorted(tensor["data_offsets"] for tensor in header.values())
    joined = all(a[1] == b[0] for a, b in zip(spans, spans[1:]))
    whole = bool(spans) and spans[0][0] == 0 and joined and spans[-1][1] == len(content) - 8 - size
    shapes = sorted(tuple(v.shape) for v in load(folder / "model.keras").weights)
    named = sorted(tuple(tensor["shape"]) for tensor in header.values()) == shapes
    table.row(case, "safetensors", None, whole and named, "" if named else ", ".join(header))


FORMATS = {
    "refrain.h5": check_hdf5,
    "refrain.weights.h5": check_weights,
    "refrain.json": check_json,
    "refrain.safetensors": check_safetensors,
}


def check_case(table, folder):
    case = json.loads((folder / "case.json").read_text())
    if "refused" in case:
        return
    for file, check in FORMATS.items():
        if file in case.get("unreadable", ()):
            continue
        if "files" in case and (folder / file).exists():
            table.attempt(case["name"], file, check, table, case["name"], folder, folder / file)
    name, copy, after = case["name"], folder / "refrain.keras", folder / "refrain_after.keras"
    if copy.exists():
        table.attempt(name, "files", check_files, table, name, folder / "model.keras", copy)
        if reloads(case):
            x, y = arrays(folder / "inputs.npz", "x"), arrays(folder / "outputs.npz", "y")
            model = table.attempt(name, "outputs", check_outputs, table, name, copy, x, y)
            if model is not None and (folder / "losses.json").exists():
                table.attempt(name, "training", check_training, table, name, folder, model)
    if after.exists():
        table.attempt(name, "refrain trained", check_after, table, name, folder, after)


def check_after(table, case, folder, after):
    weights = values(load(after, compile=False))
    table.within(case, "refrain trained", difference(arrays(folder / "after.npz", "w"), weights), TRAIN_TOLERANCE)


def opens(path):
    try:
        load(path)
        return True
    except Exception:
        return False


def check_beside(table, path, original=None):
    """A file with `NAME.npz` beside it."""
    name = path.name.split(".")[0]
    npz = path.with_name(f"{name}.npz")
    if original is not None:
        table.attempt(name, "files", check_files, table, name, original, path)
        if not opens(original):
            # A layer of a nested model that is used elsewhere too: Keras stores it once and does not find it again.
            table.row(name, "outputs", None, True, "Keras does not open its own file either")
            return
    x, y = arrays(npz, "x"), arrays(npz, "y")
    table.attempt(name, "outputs", lambda: check_outputs(table, name, path, x, y, False))
    if arrays(npz, "z"):
        table.attempt(name, "shared", check_shared, table, path, x, y, arrays(npz, "z"))


def check_copy(table, copy):
    """What Keras 2 was compiled with may be known to its program only."""
    npz = copy.with_name(copy.name.replace(".copy.keras", ".npz"))
    outputs = call(load(copy, compile=False), arrays(npz, "x"), False)
    table.within(copy.name, "outputs", difference(arrays(npz, "y"), outputs), OUTPUT_TOLERANCE)


def check_shared(table, path, x, y, z):
    """Layers that are shared stay so: a step of training, then a file of Keras's own. Opens the legacy file too."""
    model = load(path)
    zeros = [np.zeros_like(a) for a in y]
    model.train_on_batch(x if len(x) > 1 else x[0], zeros if len(zeros) > 1 else zeros[0])
    table.within(path.stem, "after a step", difference(z, call(model, x, False)), TRAIN_TOLERANCE)
    again = path.parent.parent / f"{path.stem}.again.keras"
    model.save(again)
    saved = load(again)
    again.unlink()
    same = len(saved.weights) == len(model.weights)
    table.row(path.stem, "saved again", None, same and difference(call(model, x, False), call(saved, x, False)) == 0)
    legacy = load(path.with_suffix(".h5"), compile=False)
    same = len(legacy.weights) == len(model.weights)
    table.row(path.stem, "h5 weights", None, same)
    table.within(path.stem, "h5 outputs", difference(y, call(legacy, x, False)), OUTPUT_TOLERANCE)


def main(root):
    keep_compiled(root)
    root, table = pathlib.Path(root), Table()
    for case in sorted(root.glob("*/case.json")):
        check_case(table, case.parent)
    for copy in sorted((root / "random").glob("*.refrain.keras")):
        check_beside(table, copy, copy.with_name(copy.name.replace(".refrain.keras", ".keras")))
    for made in sorted((root / "rust_made").glob("*.keras")):
        check_beside(table, made)
    for copy in sorted((root / "keras2").glob("*.copy.keras")):
        table.attempt(copy.name, "outputs", check_copy, table, copy)
    print(f"{table.passed} passed, {table.failed} failed")
    return 1 if table.failed or not table.passed else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
