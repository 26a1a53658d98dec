"""Golden values of metrics with variables of their own, over several batches.

    pip install keras==3.15.1 jax
    KERAS_BACKEND=jax python make_metrics.py
"""

from golden import Store, keras, np, write_json

BATCH = 16


def data():
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 2, (50, 4)).astype(np.float32)
    # Better than guessing, and often exactly on a threshold.
    scores = np.clip(0.25 * labels + rng.uniform(0, 0.75, (50, 4)), 0, 1)
    scores = np.where(rng.uniform(size=(50, 4)) < 0.5, np.round(scores, 2), scores)
    scores[:3] = [[0, 1, 0, 0.05], [0, 0, 0, 0], [0.5, 0.5, 0.5, 0.5]]
    weights = rng.uniform(0, 2, 50).astype(np.float32)
    weights[4] = 0
    return {
        "labels": labels,
        "one_hot": np.eye(4, dtype=np.float32)[rng.integers(0, 4, 50)],
        "scores": scores.astype(np.float32),
        "logits": rng.normal(size=(50, 4)).astype(np.float32),
        "weights": weights,
    }


def metrics():
    m = keras.metrics
    for curve in ["ROC", "PR", "PRGAIN"]:
        for method in ["interpolation", "minoring", "majoring"]:
            yield m.AUC(curve=curve, summation_method=method), 1
    for options in [
        dict(num_thresholds=21),
        dict(thresholds=[0.8, 0.2, 0.35]),
        dict(thresholds=[0.25, 0.5, 0.75], curve="PR"),
        dict(label_weights=[1.0, 0.5, 2.0, 0.25]),
        dict(label_weights=[1.0, 0.5, 2.0, 0.25], thresholds=[0.3, 0.6]),
        dict(multi_label=True),
        dict(multi_label=True, num_labels=4, thresholds=[0.1, 0.35, 0.6], curve="PR"),
        dict(multi_label=True, label_weights=[1.0, 0.5, 2.0, 0.25], summation_method="minoring"),
        dict(multi_label=True, label_weights=[1.0, 0.5, 2.0, 0.25], curve="PR"),
        dict(from_logits=True),
    ]:
        yield m.AUC(**options), 4
    for average in [None, "micro", "macro", "weighted"]:
        for threshold in [None, 0.5]:
            yield m.F1Score(average=average, threshold=threshold), 4
        yield m.FBetaScore(average=average, beta=2.0, threshold=0.3), 4
    yield m.F1Score(threshold=0.4), 1
    for share in [m.Precision, m.Recall]:
        yield share(), 1
        for options in [
            dict(),
            dict(thresholds=0.3),
            dict(thresholds=[0.7, 0.2]),
            dict(thresholds=[0, 0.25, 0.5, 0.75, 1]),
            dict(top_k=2),
            dict(class_id=1),
            dict(top_k=2, class_id=3, thresholds=0.4),
        ]:
            yield share(**options), 4
    for count in [m.TruePositives, m.TrueNegatives, m.FalsePositives, m.FalseNegatives]:
        for options in [dict(), dict(thresholds=0.3), dict(thresholds=[0.7, 0.2]), dict(thresholds=[0, 0.5, 1])]:
            yield count(**options), 4
    for best in [m.SensitivityAtSpecificity, m.SpecificityAtSensitivity, m.PrecisionAtRecall, m.RecallAtPrecision]:
        for options in [dict(), dict(num_thresholds=20), dict(num_thresholds=1), dict(num_thresholds=2), dict(class_id=2)]:
            yield best(0.6, **options), 4
        yield best(0.999), 4
    yield m.LogCoshError(), 4
    yield m.RootMeanSquaredError(), 4
    for options in [
        dict(),
        dict(class_aggregation=None),
        dict(class_aggregation="variance_weighted_average"),
        dict(num_regressors=3),
        dict(num_regressors=1000),
    ]:
        yield m.R2Score(**options), 4


def total(metric, arrays, keys, width, weighted):
    """The result after all batches, as `evaluate` makes it."""
    y, p = (arrays[key][:, :width] for key in keys)
    for start in range(0, len(y), BATCH):
        batch = slice(start, start + BATCH)
        weights = arrays["weights"][batch] if weighted else None
        metric.update_state(y[batch], p[batch], sample_weight=weights)
    return np.squeeze(metric.result()).tolist()


def main():
    store, cases, arrays = Store(), [], data()
    for key, array in arrays.items():
        store.put(key, array)
    for metric, width in metrics():
        described = keras.saving.serialize_keras_object(metric)
        scores = "logits" if described["config"].get("from_logits") else "scores"
        one_hot = isinstance(metric, keras.metrics.FBetaScore) and metric.threshold is None
        keys = ["one_hot" if one_hot else "labels", scores]
        again = [type(metric).from_config(metric.get_config()) for _ in range(2)]
        values = [total(m, arrays, keys, width, w) for m, w in zip(again, [False, True])]
        cases.append({
            "metric": described,
            "arrays": keys,
            "width": width,
            "plain": values[0],
            "weighted": values[1],
        })
    store.save("stateful_metrics.npz")
    write_json("stateful_metrics.json", cases)


main()
