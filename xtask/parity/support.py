"""Shared helpers of the parity scripts: Keras on JAX, deterministic values, and the folder of one case."""

import json
import logging
import os
import pathlib
import shutil
import warnings
import zlib

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# The models are tiny and run a few times: compiling them is what takes the time.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")

import jax
import keras
import numpy as np

# Keras warns of what the zoo does on purpose.
warnings.filterwarnings("ignore")
logging.getLogger("absl").setLevel(logging.ERROR)

KERAS_VERSION = "3.15.1"
TRAIN_STEPS = 20
BATCH = 3
ANY_LENGTH = 5  # stands in for unknown dimensions other than the batch's

if keras.__version__ != KERAS_VERSION or keras.backend.backend() != "jax":
    raise SystemExit(f"the zoo is made with Keras {KERAS_VERSION} on JAX")


def rng_of(name):
    """A generator that depends on the case's name alone."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def random_weight(rng, variable):
    """Values for which every weight matters: no zeros, variances and scales positive."""
    name, shape = variable.name, tuple(variable.shape)
    if name == "moving_variance":
        return rng.uniform(0.5, 2.0, shape)
    if name in ("gamma", "scale"):
        return rng.uniform(0.5, 1.5, shape)
    return rng.standard_normal(shape) * 0.5


def set_weights(model, rng):
    for variable in model.weights:
        if np.issubdtype(np.dtype(variable.dtype), np.floating):
            variable.assign(random_weight(rng, variable).astype(variable.dtype))


def random_input(tensor, rng, batch=BATCH, high=5):
    shape = [ANY_LENGTH if d is None else d for d in tensor.shape]
    shape[0] = tensor.shape[0] or batch
    if tensor.dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if "int" in tensor.dtype:
        return rng.integers(0, high, shape).astype(tensor.dtype)
    return rng.standard_normal(shape).astype(tensor.dtype)


def flat(outputs):
    """Arrays in flat order; bfloat16, which an .npz cannot hold, and float16 as float32."""
    arrays = [np.asarray(o) for o in keras.tree.flatten(outputs)]
    return [a.astype("float32") if a.dtype.name in ("bfloat16", "float16") else a for a in arrays]


def named(prefix, arrays):
    return {f"{prefix}{i}": np.asarray(a) for i, a in enumerate(arrays)}


def structured(model, arrays):
    """Flat inputs in the structure that the model was made with."""
    return keras.tree.pack_sequence_as(model._inputs_struct, list(arrays))


def call(model, arrays, whole=True):
    """Outputs in flat order. `whole` compiles the model as one program: one by one, operations of ever other shapes take
    several times as long; those of the random graphs, with their few shapes, are known after some models."""
    arrays = [keras.ops.convert_to_tensor(a) for a in arrays]
    x = arrays[0] if isinstance(model, keras.Sequential) else structured(model, arrays)
    if not whole:
        return flat(model(x, training=False))
    run = jax.jit(lambda trained, other, x: model.stateless_call(trained, other, x, training=False)[0])
    values = [[v.value for v in group] for group in (model.trainable_variables, model.non_trainable_variables)]
    return flat(run(*values, x))


def keep_compiled(zoo):
    """Keeps what XLA compiles beside the zoo: models come back as the same programs, in the zoo and in the checks."""
    zoo = pathlib.Path(zoo).resolve()
    jax.config.update("jax_compilation_cache_dir", str(zoo.with_name(f"{zoo.name}.compiled")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


class Zoo:
    """Writes cases below one folder and remembers them for the index."""

    def __init__(self, out, only=None):
        self.out = pathlib.Path(out)
        self.only = only
        self.cases = []

    def wants(self, name):
        return self.only is None or self.only in name

    def folder(self, name):
        folder = self.out / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def note(self, name, **facts):
        """Writes `case.json`: what lies in the folder and what Keras itself can do with it."""
        facts = {"name": name, **facts}
        self.cases.append(facts)
        (self.folder(name) / "case.json").write_text(json.dumps(facts, indent=1) + "\n")

    def add(self, name, model, inputs=None, *, weights=True, **facts):
        """Saves a model with inputs and outputs."""
        rng = rng_of(name)
        if weights:
            set_weights(model, rng)
        if inputs is None:
            inputs = [random_input(t, rng) for t in model.inputs]
        shutil.rmtree(self.out / name, ignore_errors=True)
        folder = self.folder(name)
        model.save(folder / "model.keras")
        np.savez(folder / "inputs.npz", **named("x", inputs))
        np.savez(folder / "outputs.npz", **named("y", call(model, inputs)))
        facts.setdefault("keras_reloads", True)
        self.note(name, compiled=bool(getattr(model, "compiled", False)), **facts)
        return folder

    def refuse(self, name, model, message, **facts):
        """Saves a model that refrain does not load; its error holds `message`."""
        shutil.rmtree(self.out / name, ignore_errors=True)
        model.save(self.folder(name) / "model.keras")
        self.note(name, compiled=bool(model.compiled), refused=message, **facts)

    def train(self, name, model, x, y, w=None, *, batch_size=4, warmup=3, **facts):
        """Saves a compiled model after some steps, and what Keras does in the next `TRAIN_STEPS` from that file.

        `x`, `y` and `w` are lists in flat order; each holds `TRAIN_STEPS * batch_size` samples. Warm-up steps use the
        first batches. Step `i` trains on samples `i * batch_size` to `(i + 1) * batch_size`.
        """
        rng = rng_of(name)
        set_weights(model, rng)
        batches = Batches(model, x, y, w, batch_size)
        for step in range(warmup):
            batches.train(model, step)
        folder = self.add(name, model, [a[:BATCH] for a in x], weights=False, trained_steps=warmup, **facts)
        data = {**named("x", x), **named("y", y), **named("w", w or [])}
        np.savez(folder / "data.npz", **data)
        again = keras.saving.load_model(folder / "model.keras")
        logs = [batches.train(again, step) for step in range(TRAIN_STEPS)]
        np.savez(folder / "after.npz", **named("w", [v.value for v in again.weights]))
        losses = {
            "batch_size": batch_size,
            "losses": [log["loss"] for log in logs],
            "logs": logs,
            "weights": [v.path for v in again.weights],
        }
        (folder / "losses.json").write_text(json.dumps(losses, indent=1) + "\n")


class Batches:
    """Batches of flat arrays in the structures that a model takes and gives."""

    def __init__(self, model, x, y, w, batch_size):
        self.x, self.y, self.w, self.batch_size = x, y, w, batch_size
        counts = {len(a) for a in [*x, *y, *(w or [])]}
        assert counts == {TRAIN_STEPS * batch_size}, counts

    def train(self, model, step):
        """One step; gives the step's own loss and metrics, not the running means."""
        part = slice(step * self.batch_size, (step + 1) * self.batch_size)
        x = [a[part] for a in self.x]
        x = x[0] if isinstance(model, keras.Sequential) else structured(model, x)
        outputs = getattr(model, "_outputs_struct", None)
        pack = lambda arrays: (
            arrays[0][part]
            if outputs is None or len(arrays) == 1
            else keras.tree.pack_sequence_as(outputs, [a[part] for a in arrays])
        )
        model.reset_metrics()
        weights = pack(self.w) if self.w else None
        logs = model.train_on_batch(x, pack(self.y), sample_weight=weights, return_dict=True)
        return {key: float(value) for key, value in logs.items()}
