"""Compares two HDF5 files as h5py sees them: `check_storage.py A B`. Chunks and compression may differ; nothing else may."""

import sys

import h5py
import numpy as np


def items(group, path=""):
    yield path or "/", group
    for name, item in group.items():
        if isinstance(item, h5py.Group):
            yield from items(item, f"{path}/{name}")
        else:
            yield f"{path}/{name}", item


def differences(a, b):
    left, right = dict(items(a)), dict(items(b))
    for path in sorted(set(left) ^ set(right)):
        yield f"{path}: only in {'the first' if path in left else 'the second'}"
    for path in sorted(set(left) & set(right)):
        x, y = left[path], right[path]
        if sorted(x.attrs) != sorted(y.attrs):
            yield f"{path}: attributes {sorted(x.attrs)} and {sorted(y.attrs)}"
            continue
        for name in x.attrs:
            p, q = x.attrs[name], y.attrs[name]
            if type(p) is not type(q) or not np.array_equal(p, q):
                yield f"{path}: attribute {name} is {p!r} and {q!r}"
        if isinstance(x, h5py.Dataset):
            if (x.dtype, x.shape) != (y.dtype, y.shape):
                yield f"{path}: {x.dtype}{x.shape} and {y.dtype}{y.shape}"
            elif x[()].tobytes() != y[()].tobytes():
                yield f"{path}: values differ"


def main(first, second):
    with h5py.File(first) as a, h5py.File(second) as b:
        found = list(differences(a, b))
    print("\n".join(found) or "equal")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
