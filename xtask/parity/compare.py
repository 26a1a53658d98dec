"""Compares two `config.json` of one model, apart from what may differ.

What may differ, and why:

- `shared_object_id`: a Python address, other at each save; readers take it as a hint.
- `training` and `mask` in a node's keyword arguments when null, and `training` when false: Keras records what it filled in
  itself at the call, depending on how the call was written; it fills in the same again.
- `build_config` of functions, of models and of layers without weights: Keras does not need it to build them. Of others
  the shapes are compared, but not the batch's size.
- `__numpy__` and `__tensor__`: both hold an array. Infinities in it may be texts.
- `module` of a user's class: the Python file that it stands in; readers find the class by its registered name.
- `compile_config` of nested models: refrain keeps that of the outermost model.
- The batch's size and other unknown dimensions in the `shape` of a `__keras_tensor__`: the loader computes them anew.
"""

import numpy as np

WEIGHTLESS_KEYS = ("shared_object_id",)
FILLED_IN = {"training": (None, False), "mask": (None,)}


def normal_shape(shape):
    """A shape with its batch's size free, in nested structures too."""
    if isinstance(shape, list) and shape and all(d is None or isinstance(d, int) for d in shape):
        return [None, *shape[1:]]
    if isinstance(shape, list):
        return [normal_shape(s) for s in shape]
    if isinstance(shape, dict):
        return {k: normal_shape(s) for k, s in shape.items()}
    return shape


def without_filled_in(kwargs):
    return {k: v for k, v in kwargs.items() if not (k in FILLED_IN and any(v is x for x in FILLED_IN[k]))}


def normal(value, outermost=False):
    if isinstance(value, list):
        return [normal(v) for v in value]
    if not isinstance(value, dict):
        return value
    value = {k: v for k, v in value.items() if k not in WEIGHTLESS_KEYS}
    if value.get("class_name") == "__keras_tensor__":
        return {"tensor": value["config"]["keras_history"]}
    if value.get("class_name") in ("__numpy__", "__tensor__"):
        config = value["config"]
        return {"array": np.array(config["value"], config["dtype"]).tolist(), "dtype": config["dtype"]}
    if not outermost:
        value.pop("compile_config", None)
    if value.get("registered_name") and not str(value.get("module")).startswith("keras"):
        value.pop("module", None)
    if set(value) == {"args", "kwargs"}:
        value["kwargs"] = without_filled_in(value["kwargs"])
    if "build_config" in value:
        value["build_config"] = normal_shape(value["build_config"])
    return {k: normal(v) for k, v in value.items()}


def differences(a, b, path=""):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            here = f"{path}.{key}" if path else key
            if key not in b:
                yield from missing(here, a[key], "missing")
            elif key not in a:
                yield from missing(here, b[key], "not in the original")
            else:
                yield from differences(a[key], b[key], here)
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for index, (x, y) in enumerate(zip(a, b)):
            yield from differences(x, y, f"{path}[{index}]")
    elif type(a) is not type(b) and not (is_number(a) and is_number(b)) or a != b:
        yield f"{path}: {short(a)} became {short(b)}"


def missing(path, value, how):
    # Keras builds functions, models and layers without weights from nothing; see above.
    if path.rsplit(".", 1)[-1] != "build_config":
        yield f"{path}: {how}"


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def short(value):
    text = repr(value)
    return text if len(text) < 60 else text[:57] + "..."


def config_differences(original, copy):
    """What differs, one line each; empty when the architectures are the same."""
    return list(differences(normal(original, True), normal(copy, True)))
