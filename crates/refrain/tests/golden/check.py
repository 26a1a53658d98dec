"""Computes the golden values anew with the installed Keras and compares them with the committed ones.

    pip install keras==3.15.1 jax h5py
    KERAS_BACKEND=jax python check.py

Names, configurations, orders and texts must be equal; numbers may differ in their last digits, as processors do.
"""

import glob
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = ["make_layers.py", "make_more_layers.py", "make_cells.py", "make_training.py", "make_models.py", "make_structure.py", "make_halves.py", "make_gradients.py", "make_arguments.py", "make_metrics.py", "make_iou.py", "make_images.py", "make_functions.py", "make_more_functions.py", "make_image_ops.py", "make_image_layers.py", "make_doubles.py", "make_types.py"]
# Made by `make_lambdas.py`, which needs six versions of Python, and with tf_keras.
ELSEWHERE = {"lambdas.json", "arguments_keras2.json", "arguments_keras2.npz"}
# Training runs repeat rounding differences many times; single calls do not.
RELATIVE, ABSOLUTE = 1e-4, 1e-5
# One unit in the last place of bfloat16 near 1.
HALVES = 2**-7
# Weights that are rounding alone were 1.6e-4 apart on two processors.
ROUNDING = 1e-3


def close(a, b, relative=RELATIVE, absolute=ABSOLUTE):
    return np.allclose(a, b, rtol=relative, atol=absolute, equal_nan=True)


def same(a, b):
    """Whether two JSON values agree, numbers but for rounding."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) or isinstance(b, float):
        return isinstance(a, (int, float)) and isinstance(b, (int, float)) and bool(close(a, b))
    return a == b


def rounding():
    """Weights that are rounding scaled up by Adam, which no two processors share: attention does not depend on its keys' bias."""
    with open(os.path.join(HERE, "models.json"), encoding="utf-8") as file:
        cases = json.load(file)["training"]
    finals = [pair for case in cases for pair in zip(case["initial"], case["final"])]
    return {key for weight, key in finals if weight["path"].endswith("key/bias")}


def differences(name, folder):
    """What differs between a committed file and its new version."""
    old, new = os.path.join(HERE, name), os.path.join(folder, name)
    if name.endswith(".json"):
        with open(old, encoding="utf-8") as a, open(new, encoding="utf-8") as b:
            if not same(json.load(a), json.load(b)):
                yield name
        return
    with np.load(old) as a, np.load(new) as b:
        for key in sorted(set(a.files) ^ set(b.files)):
            yield f"{name}: {key} is in one version only"
        noise = rounding()
        for key in sorted(set(a.files) & set(b.files)):
            tolerances = (HALVES, HALVES) if name.startswith("halves") else (RELATIVE, ABSOLUTE)
            tolerances = (ROUNDING, ROUNDING) if key in noise else tolerances
            if a[key].shape != b[key].shape or not close(a[key].astype(float), b[key].astype(float), *tolerances):
                yield f"{name}: {key}"


def main():
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, GOLDEN_OUT=folder)
        for script in SCRIPTS:
            subprocess.run([sys.executable, os.path.join(HERE, script)], check=True, env=environment, stdout=subprocess.DEVNULL)
        names = sorted(os.path.basename(p) for p in glob.glob(os.path.join(folder, "*")))
        committed = sorted(os.path.basename(p) for e in ("json", "npz") for p in glob.glob(os.path.join(HERE, f"*.{e}")))
        bad = [f"{n}: made or committed only" for n in sorted((set(names) ^ set(committed)) - ELSEWHERE)]
        for name in sorted(set(names) & set(committed)):
            bad.extend(differences(name, folder))
    for line in bad:
        print(line)
    print(f"{len(names)} golden files compared with Keras, {len(bad)} differences")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
