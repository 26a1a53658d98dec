"""What the benchmark of files measures of Keras on one backend.

Usage: python bench_files.py BACKEND open MODEL.keras
       python bench_files.py BACKEND predict MODEL.keras INPUTS.npz OUTPUT.npz

`open` prints a JSON object: the seconds of `keras.saving.load_model`, the bytes of the model's weights, and by how many bytes
the process's memory grew at its peak. `predict` writes a model's outputs, as a program of a user would; its time is taken from
outside.
"""

import os
import sys

backend, task, path = sys.argv[1:4]
os.environ["KERAS_BACKEND"] = backend
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np


def memory(field):
    """Bytes of this process, from Linux."""
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith(field))
    return int(line.split()[1]) * 1024


def open_model():
    import json
    import time

    before = memory("VmRSS")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # forgets the peak so far
    start = time.perf_counter()
    model = keras.saving.load_model(path)
    seconds = time.perf_counter() - start
    weights = sum(int(np.prod(w.shape)) * np.dtype(w.dtype).itemsize for w in model.weights)
    print(json.dumps(dict(seconds=seconds, weights=weights, grown=memory("VmHWM") - before)))


def predict():
    inputs, output = sys.argv[4:]
    model = keras.saving.load_model(path)
    with np.load(inputs) as arrays:
        x = [arrays[name] for name in sorted(arrays)]
    np.savez(output, y0=model.predict(x, verbose=0))


{"open": open_model, "predict": predict}[task]()
