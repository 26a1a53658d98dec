"""Shared helpers of the golden scripts: array store, Keras serialisation, one layer case."""

import json
import os

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import keras
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.environ.get("GOLDEN_OUT", HERE)  # where the files go
KERAS_VERSION = "3.15.1"

if keras.__version__ != KERAS_VERSION or keras.backend.backend() != "jax":
    raise SystemExit(f"golden data is made with Keras {KERAS_VERSION} on JAX")


class Store:
    """Named arrays that end up in one .npz; equal arrays are not merged."""

    def __init__(self):
        self.arrays = {}

    def put(self, key, value):
        value = np.asarray(value)
        if value.dtype == np.float64:
            value = value.astype(np.float32)
        if value.dtype == np.int64:
            value = value.astype(np.int32)
        assert key not in self.arrays, key
        self.arrays[key] = np.array(value, order="C")
        return key

    def save(self, file_name):
        np.savez_compressed(os.path.join(OUT, file_name), **self.arrays)


def write_json(file_name, data):
    """One line per element of the top level, so that diffs stay readable."""

    def check(x):
        if isinstance(x, float):
            assert np.isfinite(x), x
        elif isinstance(x, dict):
            for v in x.values():
                check(v)
        elif isinstance(x, list):
            for v in x:
                check(v)

    check(data)
    text = lambda x: json.dumps(x, separators=(",", ":"), ensure_ascii=False)
    with open(os.path.join(OUT, file_name), "w", encoding="utf-8") as f:
        if isinstance(data, list):
            f.write("[\n" + ",\n".join(text(c) for c in data) + "\n]\n")
        else:
            f.write("{\n")
            f.write(",\n".join(text(k) + ":" + text(v) for k, v in data.items()))
            f.write("\n}\n")


def clean(config):
    """Drops `shared_object_id`: it is a Python address and differs from run to run."""
    if isinstance(config, dict):
        return {k: clean(v) for k, v in config.items() if k != "shared_object_id"}
    if isinstance(config, (list, tuple)):
        return [clean(v) for v in config]
    if isinstance(config, np.generic):
        return config.item()
    return config


def config_of(thing):
    return clean(keras.saving.serialize_keras_object(thing))["config"]


def relative(path):
    return path.split("/", 1)[1] if "/" in path else path


def random_weight(rng, variable):
    """Values for which every weight matters: no zeros, variances positive."""
    name, shape = variable.name, tuple(variable.shape)
    if name in ("moving_variance", "variance"):
        return rng.uniform(0.5, 2.0, shape).astype(np.float32)
    if name == "gamma":
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    if name == "alpha":
        return rng.uniform(0.1, 0.4, shape).astype(np.float32)
    return (rng.standard_normal(shape) * 0.5).astype(np.float32)


def is_float(value):
    return np.issubdtype(np.asarray(value).dtype, np.floating)


def set_mask(x, mask):
    keras.src.backend.common.masking.set_keras_mask(x, mask)
    return x


def get_mask(x):
    return keras.src.backend.common.masking.get_keras_mask(x)
