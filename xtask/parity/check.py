"""The way back: opens in Keras what refrain wrote, for `cargo xtask parity`.

    python check.py DIR

DIR is what zoo.py wrote. Beside a case's `model.keras` refrain puts

- `refrain.keras`, its copy after loading: opened here, its outputs must be those of `outputs.npz`, its weights those of
  `model.keras` bit for bit, its architecture the same, and the next steps of training those of `losses.json`;
- `refrain_after.keras`, after the training steps: its weights must be those of `after.npz`.

`DIR/random/` may hold `NAME.refrain.keras` beside `NAME.keras` and `NAME.npz`. `DIR/rust_made/` may hold models that refrain
built: `NAME.keras` with `NAME.npz` (`x*` and `y*`).

Prints a table and `N passed, M failed`; exits 1 when anything failed, or when nothing was there to check.
"""

import json
import pathlib
import sys
import traceback

from support import TRAIN_STEPS, Batches, call

import h5py
import io
import keras
import numpy as np
import zipfile

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


def load(path):
    return keras.saving.load_model(path)


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
    expected, actual = datasets(weights), datasets(copy_weights)
    wrong = sorted(n for n in expected.keys() | actual.keys() if expected.get(n) != actual.get(n))
    table.row(case, "weights", None, not wrong, ", ".join(wrong[:4]))


def check_outputs(table, case, path, x, y):
    model = load(path)
    table.within(case, "outputs", difference(y, call(model, x)), OUTPUT_TOLERANCE)
    return model


def check_training(table, case, folder, model):
    data, known = folder / "data.npz", json.loads((folder / "losses.json").read_text())
    batches = Batches(model, arrays(data, "x"), arrays(data, "y"), arrays(data, "w"), known["batch_size"])
    logs = [batches.train(model, step) for step in range(TRAIN_STEPS)]
    same_keys = all(log.keys() == expected.keys() for log, expected in zip(logs, known["logs"]))
    table.row(case, "metric names", None, same_keys, "" if same_keys else f"{list(logs[0])}")
    losses = [np.array([log["loss"] for log in logs])]
    table.within(case, "losses", difference([np.array(known["losses"])], losses), TRAIN_TOLERANCE)
    after = [np.asarray(v.value) for v in model.weights]
    table.within(case, "weights after", difference(arrays(folder / "after.npz", "w"), after), TRAIN_TOLERANCE)


def reloads(case):
    return case.get("keras_reloads", True)


def check_case(table, folder):
    case = json.loads((folder / "case.json").read_text())
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
    weights = [np.asarray(v.value) for v in load(after).weights]
    table.within(case, "refrain trained", difference(arrays(folder / "after.npz", "w"), weights), TRAIN_TOLERANCE)


def check_beside(table, path, original=None):
    """A file with `NAME.npz` beside it."""
    name = path.name.split(".")[0]
    npz = path.with_name(f"{name}.npz")
    if original is not None:
        table.attempt(name, "files", check_files, table, name, original, path)
    table.attempt(name, "outputs", lambda: check_outputs(table, name, path, arrays(npz, "x"), arrays(npz, "y")))


def main(root):
    root, table = pathlib.Path(root), Table()
    for case in sorted(root.glob("*/case.json")):
        check_case(table, case.parent)
    for copy in sorted((root / "random").glob("*.refrain.keras")):
        check_beside(table, copy, copy.with_name(copy.name.replace(".refrain.keras", ".keras")))
    for made in sorted((root / "rust_made").glob("*.keras")):
        check_beside(table, made)
    print(f"{table.passed} passed, {table.failed} failed")
    return 1 if table.failed or not table.passed else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
