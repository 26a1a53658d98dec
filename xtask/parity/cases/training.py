"""Compiled models: every optimizer with its state, losses and metrics in every form, and what 20 more steps give."""

import keras
import numpy as np
from keras import layers as L
from keras import losses, metrics, optimizers
from keras.optimizers import schedules

from support import TRAIN_STEPS, rng_of

BATCH_SIZE = 4
SAMPLES = TRAIN_STEPS * BATCH_SIZE

OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(0.05),
    "sgd_momentum": lambda: optimizers.SGD(0.02, momentum=0.9),
    "sgd_nesterov": lambda: optimizers.SGD(0.02, momentum=0.9, nesterov=True, weight_decay=0.01),
    "rmsprop": lambda: optimizers.RMSprop(0.01),
    "rmsprop_centered": lambda: optimizers.RMSprop(0.01, rho=0.8, momentum=0.5, centered=True),
    "adam": lambda: optimizers.Adam(0.01),
    "adam_options": lambda: optimizers.Adam(0.01, beta_1=0.8, beta_2=0.95, epsilon=1e-3),
    "adam_amsgrad": lambda: optimizers.Adam(0.01, amsgrad=True, weight_decay=0.02),
    "adamw": lambda: optimizers.AdamW(0.01),
    "adam_clipnorm": lambda: optimizers.Adam(0.01, clipnorm=0.1),
    "adam_clipvalue": lambda: optimizers.Adam(0.01, clipvalue=0.05),
    "sgd_global_clipnorm": lambda: optimizers.SGD(0.05, global_clipnorm=0.2),
    "adam_ema": lambda: optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=4),
    "sgd_ema": lambda: optimizers.SGD(0.02, momentum=0.9, use_ema=True),
    "adam_accumulation": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=3),
    "adam_ema_accumulation": lambda: optimizers.Adam(0.01, use_ema=True, amsgrad=True, gradient_accumulation_steps=2),
    "sgd_exponential": lambda: optimizers.SGD(schedules.ExponentialDecay(0.1, 5, 0.7, staircase=True)),
    "adam_cosine": lambda: optimizers.Adam(schedules.CosineDecay(0.001, 15, alpha=0.1, warmup_target=0.02, warmup_steps=5)),
    "adam_piecewise": lambda: optimizers.Adam(schedules.PiecewiseConstantDecay([5, 10], [0.02, 0.01, 0.001])),
    "sgd_polynomial": lambda: optimizers.SGD(schedules.PolynomialDecay(0.1, 8, 0.01, power=2.0, cycle=True)),
    "rmsprop_inverse_time": lambda: optimizers.RMSprop(schedules.InverseTimeDecay(0.02, 4, 0.5)),
    "adam_named": lambda: optimizers.Adam(0.01, name="my_adam"),
}

LOSSES = {
    "mse": ("mse", ["mae"], "real"),
    "mean_absolute_error": ("mean_absolute_error", ["mse", metrics.MeanAbsoluteError(name="error")], "real"),
    "huber": (losses.Huber(delta=0.5, reduction="sum"), None, "real"),
    "mse_mean": (losses.MeanSquaredError(reduction="mean_with_sample_weight", name="own"), ["mean_squared_error"], "real"),
    "binary": ("binary_crossentropy", ["accuracy"], "binary"),
    "binary_logits": (losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1), [metrics.BinaryAccuracy(threshold=0.3)], "binary"),
    "categorical": ("categorical_crossentropy", ["acc", metrics.CategoricalAccuracy()], "classes"),
    "categorical_logits": (losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), ["categorical_accuracy"], "classes"),
    "sparse": ("sparse_categorical_crossentropy", ["accuracy", metrics.SparseCategoricalAccuracy(name="exact")], "sparse"),
    "sparse_ignored": (losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0), None, "sparse"),
}


def small(outputs, activation=None):
    """Shared layers and BatchNormalization, so that state of every kind is in the file."""
    x, y = keras.Input((4,)), keras.Input((4,))
    shared = L.Dense(5, activation="tanh")
    merged = L.BatchNormalization()(L.concatenate([shared(x), shared(y)]))
    return keras.Model([x, y], L.Dense(outputs, activation=activation)(merged))


def normal(rng, *shape):
    return rng.standard_normal((SAMPLES, *shape)).astype("float32")


def targets(rng, kind):
    if kind == "real":
        return normal(rng, 3)
    if kind == "binary":
        return rng.integers(0, 2, (SAMPLES, 1)).astype("float32")
    sparse = rng.integers(0, 3, SAMPLES).astype("int32")
    return np.eye(3, dtype="float32")[sparse] if kind == "classes" else sparse


def build(zoo):
    keras.utils.clear_session(free_memory=False)
    for name, optimizer in OPTIMIZERS.items():
        name = f"train_{name}"
        if zoo.wants(name):
            rng = rng_of(name)
            model = small(3)
            model.compile(optimizer(), "mse")
            zoo.train(name, model, [normal(rng, 4), normal(rng, 4)], [normal(rng, 3)])
    for name, (loss, watched, kind) in LOSSES.items():
        name = f"train_loss_{name}"
        if zoo.wants(name):
            by_loss(zoo, name, loss, watched, kind)
    for function in (fresh, several_outputs, several_outputs_lists, dict_outputs, weighted, regularized, frozen, recurrent,
                     convolutional, masked, attention, nested, sequential, unrolled):
        if zoo.wants(f"train_{function.__name__}"):
            function(zoo, f"train_{function.__name__}", rng_of(function.__name__))


def by_loss(zoo, name, loss, watched, kind):
    rng = rng_of(name)
    logits = getattr(loss, "get_config", dict)().get("from_logits", False) if not isinstance(loss, str) else False
    activation = None if logits or kind == "real" else "sigmoid" if kind == "binary" else "softmax"
    model = small(1 if kind == "binary" else 3, activation)
    model.compile(optimizers.SGD(0.05), loss, metrics=watched)
    zoo.train(name, model, [normal(rng, 4), normal(rng, 4)], [targets(rng, kind)])


def fresh(zoo, name, rng):
    """Compiled and never trained: the optimizer has only its step and its rate."""
    model = small(3)
    model.compile("adam", "mse", metrics=["mae"])
    zoo.train(name, model, [normal(rng, 4), normal(rng, 4)], [normal(rng, 3)], warmup=0)


def two_outputs():
    x = keras.Input((4,))
    hidden = L.Dense(5, activation="relu")(x)
    return x, L.Dense(1, activation="sigmoid", name="yes")(hidden), L.Dense(3, name="value")(hidden)


def several_outputs(zoo, name, rng):
    x, yes, value = two_outputs()
    model = keras.Model(x, [yes, value])
    model.compile(
        optimizers.Adam(0.01), {"yes": "binary_crossentropy", "value": losses.Huber()}, loss_weights={"yes": 0.3, "value": 2.0},
        metrics={"yes": ["accuracy"], "value": ["mae", "mse"]},
    )
    zoo.train(name, model, [normal(rng, 4)], [targets(rng, "binary"), normal(rng, 3)])


def several_outputs_lists(zoo, name, rng):
    x, yes, value = two_outputs()
    model = keras.Model(x, [yes, value, L.Dense(2)(value)])
    model.compile(
        optimizers.RMSprop(0.01), [losses.BinaryCrossentropy(), "mse", "mae"], loss_weights=[1.0, 0.5, 0.1],
        metrics=[["accuracy"], ["mae"], []],
    )
    zoo.train(name, model, [normal(rng, 4)], [targets(rng, "binary"), normal(rng, 3), normal(rng, 2)])


def dict_outputs(zoo, name, rng):
    x, yes, value = two_outputs()
    model = keras.Model({"x": x}, {"b": yes, "a": value})
    model.compile(optimizers.Adam(0.01), {"a": "mse", "b": "binary_crossentropy"}, metrics={"a": ["mae"]})
    zoo.train(name, model, [normal(rng, 4)], [normal(rng, 3), targets(rng, "binary")])


def weighted(zoo, name, rng):
    """Sample weights, and metrics that use them."""
    model = small(3)
    model.compile(optimizers.Adam(0.01), "mse", metrics=["mae"], weighted_metrics=["mse"])
    weights = rng.uniform(0.1, 2.0, SAMPLES).astype("float32")
    zoo.train(name, model, [normal(rng, 4), normal(rng, 4)], [normal(rng, 3)], [weights])


def regularized(zoo, name, rng):
    x = keras.Input((4,))
    y = L.Dense(5, kernel_regularizer=keras.regularizers.L2(0.05), activity_regularizer="l1", kernel_constraint="non_neg")(x)
    shared = L.Dense(5, bias_regularizer="l1", kernel_constraint=keras.constraints.MaxNorm(1.0, axis=0))
    model = keras.Model(x, L.Dense(3)(L.ActivityRegularization(l2=0.1)(shared(shared(y)))))
    model.compile(optimizers.SGD(0.05), "mse")
    zoo.train(name, model, [normal(rng, 4)], [normal(rng, 3)])


def frozen(zoo, name, rng):
    """A frozen layer in the middle: no slots for its weights."""
    x = keras.Input((4,))
    hidden = L.BatchNormalization(trainable=False)(L.Dense(5, activation="tanh", trainable=False)(L.Dense(4)(x)))
    model = keras.Model(x, L.Dense(3)(hidden))
    model.compile(optimizers.Adam(0.01), "mse")
    zoo.train(name, model, [normal(rng, 4)], [normal(rng, 3)])


def recurrent(zoo, name, rng):
    """The project's encoder and decoder in small."""
    source, target = keras.Input((5, 3)), keras.Input((4, 3))
    lstm = L.LSTM(4, return_sequences=True, return_state=True)
    _, h, c = lstm(source)
    decoded, _, _ = lstm(target, initial_state=[h, c])
    model = keras.Model([source, target], L.Dense(3, activation="softmax")(decoded))
    model.compile(optimizers.Adam(0.01), "categorical_crossentropy", metrics=["accuracy"])
    classes = np.eye(3, dtype="float32")[rng.integers(0, 3, (SAMPLES, 4))]
    zoo.train(name, model, [normal(rng, 5, 3), normal(rng, 4, 3)], [classes])


def convolutional(zoo, name, rng):
    """The project's siamese network in small. The second layer has no bias: it would cancel in the subtraction where both
    sides are active, and Adam makes a gradient that is only rounding large."""
    left, right = keras.Input((6, 6, 1)), keras.Input((6, 6, 1))
    first = L.Conv2D(2, 3, padding="same", activation="relu")
    second = L.Conv2D(3, 3, padding="same", activation="relu", use_bias=False)
    towers = [L.Flatten()(L.MaxPooling2D()(second(first(side)))) for side in (left, right)]
    model = keras.Model([left, right], L.Dense(1, activation="sigmoid")(keras.ops.abs(L.subtract(towers))))
    model.compile(optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    zoo.train(name, model, [normal(rng, 6, 6, 1), normal(rng, 6, 6, 1)], [targets(rng, "binary")])


def masked(zoo, name, rng):
    """The mask reaches the loss and the metrics."""
    ids = keras.Input((5,), dtype="int32")
    x = L.GRU(4, return_sequences=True)(L.Embedding(6, 3, mask_zero=True)(ids))
    model = keras.Model(ids, L.Dense(3, activation="softmax")(x))
    model.compile(optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"], weighted_metrics=["accuracy"])
    data = rng.integers(1, 6, (SAMPLES, 5)).astype("int32")
    data[np.arange(5) >= rng.integers(1, 6, (SAMPLES, 1))] = 0
    zoo.train(name, model, [data], [rng.integers(0, 3, (SAMPLES, 5)).astype("int32")])


def attention(zoo, name, rng):
    """Without biases: the key's has no influence, so its gradient is rounding, which Adam makes large."""
    x = keras.Input((5, 4))
    y = L.LayerNormalization()(L.add([x, L.MultiHeadAttention(2, 2, use_bias=False)(x, x)]))
    model = keras.Model(x, L.Dense(2)(L.GlobalAveragePooling1D()(L.Dense(4, activation="gelu")(y))))
    model.compile(optimizers.AdamW(0.01), "mse")
    zoo.train(name, model, [normal(rng, 5, 4)], [normal(rng, 2)])


def nested(zoo, name, rng):
    """Slots of a nested model's weights follow the order of the outer model."""
    a = keras.Input((4,))
    inner = keras.Model(a, L.BatchNormalization()(L.Dense(4, activation="relu")(a)), name="inner")
    x, y = keras.Input((4,)), keras.Input((4,))
    shared = L.Dense(4)
    model = keras.Model([x, y], L.Dense(3)(L.subtract([inner(shared(x)), shared(inner(y))])))
    model.compile(optimizers.Adam(0.01), "mse")
    zoo.train(name, model, [normal(rng, 4), normal(rng, 4)], [normal(rng, 3)])


def sequential(zoo, name, rng):
    model = keras.Sequential([keras.Input((4,)), L.Dense(5, activation="relu"), L.BatchNormalization(), L.Dense(3)])
    model.compile(optimizers.Adam(0.01), "mse", metrics=["mae"])
    zoo.train(name, model, [normal(rng, 4)], [normal(rng, 3)])


def unrolled(zoo, name, rng):
    x = keras.Input((4, 3))
    y = L.Bidirectional(L.SimpleRNN(3, return_sequences=True, unroll=True))(x)
    model = keras.Model(x, L.Dense(2)(L.GRU(3, reset_after=False, unroll=True)(y)))
    model.compile(optimizers.RMSprop(0.01), "mse")
    zoo.train(name, model, [normal(rng, 4, 3)], [normal(rng, 2)])
