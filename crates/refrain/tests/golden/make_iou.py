"""Golden values of intersections over union, over several batches.

    pip install keras==3.15.1 jax
    KERAS_BACKEND=jax python make_iou.py
"""

from golden import Store, keras, np, write_json

BATCH = 8


def data():
    rng = np.random.default_rng(7)
    classes = rng.integers(-1, 4, (20, 1)).astype(np.int32)
    guesses = np.where(rng.uniform(size=(20, 1)) < 0.6, np.maximum(classes, 0), rng.integers(0, 5, (20, 1)))
    pixels = rng.integers(0, 3, (20, 5)).astype(np.int32)
    return {
        "classes": classes,
        "guesses": (guesses + rng.uniform(0, 0.9, (20, 1))).astype(np.float32),
        "scores": rng.normal(size=(20, 4)).astype(np.float32),
        "one_hot": np.eye(4, dtype=np.float32)[rng.integers(0, 4, 20)],
        "labels": rng.integers(0, 2, (20, 3)).astype(np.float32),
        "shares": np.round(rng.uniform(size=(20, 3)), 1).astype(np.float32),
        "pixels": pixels,
        "maps": rng.normal(size=(20, 3, 5)).astype(np.float32),
        "whole": rng.integers(0, 4, 20).astype(np.float32),
        "parts": rng.uniform(0, 2, 20).astype(np.float32),
    }


def metrics():
    """A metric, its targets and predictions, and the axis that the classes are moved from."""
    m = keras.metrics
    for options in [dict(), dict(ignore_class=2), dict(dtype="float32"), dict(ignore_class=-1, dtype="float32")]:
        yield m.MeanIoU(4, **options), "classes", "guesses", -1
        yield m.IoU(4, [0, 3], sparse_y_pred=False, **options), "classes", "scores", -1
        yield m.OneHotIoU(4, [1, 1, 2], **options), "one_hot", "scores", -1
        yield m.OneHotMeanIoU(4, **options), "one_hot", "scores", -1
    yield m.IoU(4, [2], sparse_y_true=False), "one_hot", "guesses", -1
    yield m.OneHotMeanIoU(4, sparse_y_pred=True), "one_hot", "guesses", -1
    yield m.MeanIoU(3, sparse_y_pred=False), "pixels", "maps", 1
    for options in [dict(), dict(target_class_ids=[1], threshold=0.3), dict(target_class_ids=(0,), threshold=0.8)]:
        yield m.BinaryIoU(**options), "labels", "shares", -1


def total(metric, y, p, weights):
    for start in range(0, len(y), BATCH):
        batch = slice(start, start + BATCH)
        metric.update_state(y[batch], p[batch], sample_weight=None if weights is None else weights[batch])
    return float(metric.result())


def main():
    store, cases, arrays = Store(), [], data()
    for key, array in arrays.items():
        store.put(key, array)
    for metric, y_key, p_key, axis in metrics():
        described = keras.saving.serialize_keras_object(metric)
        again = lambda: type(metric).from_config(metric.get_config())
        y, p = arrays[y_key], arrays[p_key]
        one_each = y.size // (4 if y_key == "one_hot" else 1) == len(y)
        if axis != -1:
            # Keras's results want the last axis, whatever its updates took.
            described["config"]["axis"] = axis
            p = np.moveaxis(p, axis, -1)
        values = [total(again(), y, p, arrays.get(w)) if one_each or w is None else None for w in [None, "whole", "parts"]]
        cases.append({"metric": described, "arrays": [y_key, p_key], "plain": values[0], "whole": values[1], "parts": values[2]})
    store.save("iou.npz")
    write_json("iou.json", cases)


main()
