"""Golden training runs of whole models: writes models.json and models.npz.

    pip install keras==3.15.1 jax h5py
    KERAS_BACKEND=jax python make_models.py

Cross-entropies are computed from logits. A model that ends in a softmax or sigmoid is therefore built here with a
linear last layer (the same weights) and a loss with from_logits=True: Keras on JAX would clip the probabilities,
where Keras on TensorFlow, and any stable implementation, uses the logits. `output_activations` says which activation
the model really ends in; `predictions` have it applied. Binary accuracy is taken at logit 0, which is probability 0.5.
"""

import zlib

from golden import Store, clean, config_of, jax, jnp, keras, np, random_weight, write_json

L, K, O, M = keras.layers, keras.losses, keras.optimizers, keras.metrics
store, cases = Store(), []


def rng_for(*seed):
    return np.random.default_rng(list(seed))


def normal(*shape, seed=0):
    return rng_for(seed, *shape).standard_normal(shape).astype(np.float32)


def ids(*shape, high, seed=0):
    return rng_for(seed, *shape).integers(0, high, shape).astype(np.int32)


def sixteenths(*shape, seed=0):
    """Images with values k/16, half of them 0: exact in float32 and small on disk."""
    values = rng_for(seed, *shape).integers(-16, 17, shape)
    return (np.maximum(values, 0) / 16).astype(np.float32)


def apply_activation(x, name):
    x = np.asarray(x, np.float64)
    if name == "softmax":
        x = np.exp(x - x.max(-1, keepdims=True))
        x = x / x.sum(-1, keepdims=True)
    if name == "sigmoid":
        x = 1 / (1 + np.exp(-x))
    return x.astype(np.float32)


def by_formula(index, shape, scale):
    """w[i] = scale * sin(0.7 i + index), i counting in row-major order, computed in float64."""
    n = int(np.prod(shape))
    return (scale * np.sin(np.arange(n, dtype=np.float64) * 0.7 + index)).astype(np.float32).reshape(shape)


def set_initial(name, model, scales):
    """Assigns the initial weights and returns their description."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    entries = []
    for i, w in enumerate(model.weights):
        entry = {"path": w.path, "shape": list(w.shape), "trainable": any(w is t for t in model.trainable_weights)}
        if scales:
            w.assign(by_formula(i, tuple(w.shape), scales[i]))
            entry["formula"] = {"scale": scales[i], "offset": float(i)}
        else:
            w.assign(random_weight(rng, w))
            entry["array"] = store.put(f"{name}/initial{i}", w.value)
        entries.append(entry)
    return entries


def put_all(name, role, arrays):
    if arrays is None:
        return None
    arrays = arrays if isinstance(arrays, (list, tuple)) else [arrays]
    return [None if a is None else store.put(f"{name}/{role}{i}", a) for i, a in enumerate(arrays)]


def train(
    name, build, x, y, optimizer, loss, *, epochs, batch_size, activations=(None,), scales=None,
    sample_weight=None, class_weight=None, validation_split=0.0, loss_weights=None, metrics=None,
    weighted_metrics=None, evaluate=True, note="",
):
    keras.utils.clear_session()
    model = build()
    initial = set_initial(name, model, scales)
    model.compile(
        optimizer=optimizer(), loss=loss, loss_weights=loss_weights, metrics=metrics,
        weighted_metrics=weighted_metrics,
    )
    optimizer_config = {"class_name": type(model.optimizer).__name__, "config": config_of(model.optimizer)}
    history = model.fit(
        x, y, epochs=epochs, batch_size=batch_size, shuffle=False, verbose=0, sample_weight=sample_weight,
        class_weight=class_weight, validation_split=validation_split,
    )
    evaluation = None
    if evaluate:
        flags = {"batch_size": batch_size, "verbose": 0, "sample_weight": sample_weight}
        as_list = model.evaluate(x, y, **flags)
        evaluation = {
            "list": [float(v) for v in as_list] if isinstance(as_list, list) else float(as_list),
            "dict": {k: float(v) for k, v in model.evaluate(x, y, return_dict=True, **flags).items()},
        }
    predicted = model.predict(x, batch_size=batch_size, verbose=0)
    predicted = predicted if isinstance(predicted, list) else [predicted]
    predicted = [apply_activation(p, a) for p, a in zip(predicted, activations)]
    for values in history.history.values():
        assert np.all(np.isfinite(values)), name
    cases.append({
        "name": name,
        "note": note,
        "layers": [{"name": l.name, "class_name": type(l).__name__, "config": config_of(l)} for l in model.layers],
        "output_activations": list(activations),
        "optimizer": optimizer_config,
        "loss": [clean(keras.saving.serialize_keras_object(v)) if not isinstance(v, str) else v for v in (loss if isinstance(loss, list) else [loss])],
        "loss_weights": loss_weights,
        "inputs": put_all(name, "x", x),
        "targets": put_all(name, "y", y),
        "sample_weight": put_all(name, "sample_weight", sample_weight),
        "class_weight": None if class_weight is None else {str(k): v for k, v in class_weight.items()},
        "validation_split": validation_split,
        "epochs": epochs,
        "batch_size": batch_size,
        "initial": initial,
        "history": {k: [float(v) for v in values] for k, values in history.history.items()},
        "evaluate": evaluation,
        "final": put_all(name, "final", [w.value for w in model.weights]),
        "predictions": put_all(name, "prediction", predicted),
    })
    first, last = history.history["loss"][0], history.history["loss"][-1]
    print(f"{name:24s} {model.count_params():6d} parameters, loss {first:.5f} -> {last:.5f}")


def binary_logits():
    return K.BinaryCrossentropy(from_logits=True)


def binary_accuracy():
    return M.BinaryAccuracy(threshold=0.0, name="accuracy")


# The three models ------------------------------------------------------------------------------


def shared_dense():
    def build():
        a, b = keras.Input((10,), name="input_a"), keras.Input((10,), name="input_b")
        shared = L.Dense(32, activation="relu")
        return keras.Model([a, b], L.Dense(1)(L.concatenate([shared(a), shared(b)])))

    y = (rng_for(1).random((10, 1)) < 0.5).astype(np.float32)
    train(
        "shared_dense", build, [normal(10, 10, seed=1), normal(10, 10, seed=2)], y, lambda: O.Adam(), binary_logits(),
        epochs=25, batch_size=5, activations=["sigmoid"], metrics=[binary_accuracy()],
        note="Two inputs of 10 features through one Dense(32, relu), concatenated, Dense(1, sigmoid).",
    )


def siamese():
    def build():
        a, b = keras.Input((28, 28, 1)), keras.Input((28, 28, 1))
        one = L.Conv2D(32, 3, activation="relu", padding="same")
        two = L.Conv2D(64, 3, activation="relu", padding="same")
        left, right = L.Flatten()(two(one(a))), L.Flatten()(two(one(b)))
        return keras.Model([a, b], L.Dense(1)(keras.ops.abs(L.Subtract()([left, right]))))

    y = np.array([[1], [0], [0], [1]], np.float32)
    train(
        "siamese", build, [sixteenths(4, 28, 28, 1, seed=1), sixteenths(4, 28, 28, 1, seed=2)], y, lambda: O.Adam(), binary_logits(),
        epochs=25, batch_size=2, activations=["sigmoid"], scales=[0.25, 0.05, 0.06, 0.05, 0.008, 0.05], metrics=[binary_accuracy()],
        note="Two 28x28x1 images through one Conv2D(32, 3, relu, same) and one Conv2D(64, 3, relu, same), each branch its own Flatten, Subtract, abs, Dense(1, sigmoid).",
    )


def seq2seq():
    def build():
        e, d = keras.Input((10, 20), name="encoder_in"), keras.Input((8, 20), name="decoder_in")
        lstm = L.LSTM(64, return_sequences=True, return_state=True)
        _, h, c = lstm(e)
        y, _, _ = lstm(d, initial_state=[h, c])
        return keras.Model([e, d], L.Dense(20)(y))

    eye = np.eye(20, dtype=np.float32)
    train(
        "seq2seq", build, [eye[ids(10, 10, high=20, seed=1)], eye[ids(10, 8, high=20, seed=2)]], eye[ids(10, 8, high=20, seed=3)],
        lambda: O.Adam(), K.CategoricalCrossentropy(from_logits=True), epochs=25, batch_size=5, activations=["softmax"],
        scales=[0.3, 0.2, 0.2, 0.3, 0.1], metrics=["accuracy"],
        note="(10, 20) and (8, 20) through one LSTM(64, return_sequences, return_state), the second call from the first one's states, Dense(20, softmax).",
    )


# Sharing ---------------------------------------------------------------------------------------


def nested_sharing():
    """y = A(B(A(B(x)))): the gradient of each weight, and the part that each call contributes."""
    name = "abab"
    weights = {
        "A/kernel": normal(4, 4, seed=1) * 0.6, "A/bias": normal(4, seed=2) * 0.3,
        "B/kernel": normal(4, 4, seed=3) * 0.6, "B/bias": normal(4, seed=4) * 0.3,
    }
    x, cotangent = normal(5, 4, seed=5), normal(5, 4, seed=6)
    keras.utils.clear_session()
    a, b = L.Dense(4, activation="tanh", name="A"), L.Dense(4, activation="sigmoid", name="B")
    inputs = keras.Input((4,))
    model = keras.Model(inputs, a(b(a(b(inputs)))))
    for w in model.weights:
        w.assign(weights[w.path])

    def run(values, x):
        out, _ = model.stateless_call(values, [], x)
        return jnp.sum(out * cotangent), out

    (_, out), (grads, x_grad) = jax.value_and_grad(run, argnums=(0, 1), has_aux=True)([w.value for w in model.weights], jnp.asarray(x))

    def unshared(calls, x):
        for layer, (kernel, bias) in zip("BABA", calls):
            x = (jnp.tanh if layer == "A" else jax.nn.sigmoid)(x @ kernel + bias)
        return jnp.sum(x * cotangent)

    calls = [(jnp.asarray(weights[f"{l}/kernel"]), jnp.asarray(weights[f"{l}/bias"])) for l in "BABA"]
    parts = jax.grad(unshared)(calls, jnp.asarray(x))
    for w, g in zip(model.weights, grads):
        i = 0 if w.name == "kernel" else 1
        total = sum(np.asarray(p[i]) for l, p in zip("BABA", parts) if l == w.path[0])
        assert np.allclose(total, g, atol=1e-5), w.path
    return {
        "name": name,
        "note": "A: Dense(4, tanh), B: Dense(4, sigmoid); gradients of sum(output * cotangent). call_grads: (kernel, bias) of each call in the order B, A, B, A.",
        "input": store.put(f"{name}/x", x), "cotangent": store.put(f"{name}/cotangent", cotangent),
        "output": store.put(f"{name}/output", out), "input_grad": store.put(f"{name}/x_grad", x_grad),
        "weights": [
            {"path": w.path, "array": store.put(f"{name}/w{i}", w.value), "grad": store.put(f"{name}/g{i}", g)}
            for i, (w, g) in enumerate(zip(model.weights, grads))
        ],
        "call_grads": [[store.put(f"{name}/call{i}_{j}", v) for j, v in enumerate(p)] for i, p in enumerate(parts)],
    }


# What compile and fit can do -------------------------------------------------------------------


def two_outputs():
    def build():
        i = keras.Input((5,), name="features")
        h = L.Dense(6, activation="tanh", name="trunk")(i)
        return keras.Model(i, [L.Dense(1, name="reg")(h), L.Dense(3, name="cls")(h)])

    weights = [rng_for(8, i).uniform(0.2, 2.0, 10).astype(np.float32) for i in range(2)]
    sparse = K.SparseCategoricalCrossentropy(from_logits=True)
    flags = dict(
        epochs=4, batch_size=4, activations=[None, "softmax"], loss_weights=[0.7, 1.3],
        metrics=[["mae"], ["accuracy"]], weighted_metrics=[[], ["accuracy"]],
    )
    x, y = normal(10, 5, seed=1), [normal(10, 1, seed=2), ids(10, 1, high=3, seed=3)]
    note = "Dense(6, tanh) `trunk`, then Dense(1) `reg` (MSE) and Dense(3, softmax) `cls` (sparse cross-entropy)."
    train("two_outputs", build, x, y, lambda: O.SGD(0.1), ["mean_squared_error", sparse], note=note, **flags)
    train("two_outputs_weighted", build, x, y, lambda: O.SGD(0.1), ["mean_squared_error", sparse], sample_weight=weights, note=note, **flags)


def classifier(units=3):
    def build():
        i = keras.Input((5,))
        return keras.Model(i, L.Dense(units)(L.Dense(6, activation="relu")(i)))

    return build


def class_weight():
    train(
        "class_weight", classifier(), normal(10, 5, seed=1), ids(10, 1, high=3, seed=2), lambda: O.SGD(0.1),
        K.SparseCategoricalCrossentropy(from_logits=True), epochs=4, batch_size=4, activations=["softmax"],
        class_weight={0: 0.5, 2: 3.0}, metrics=["accuracy"], weighted_metrics=["accuracy"],
        note="Dense(6, relu), Dense(3, softmax). Class 1 has the default weight 1. `evaluate` is without weights.",
    )


def sample_weight():
    train(
        "sample_weight", classifier(), normal(10, 5, seed=1), np.eye(3, dtype=np.float32)[ids(10, high=3, seed=2)], lambda: O.SGD(0.1),
        K.CategoricalCrossentropy(from_logits=True), epochs=4, batch_size=4, activations=["softmax"],
        sample_weight=rng_for(4).uniform(0.0, 2.0, 10).astype(np.float32), metrics=["accuracy"], weighted_metrics=["accuracy"],
        note="Dense(6, relu), Dense(3, softmax); the last batch has two samples.",
    )


def validation():
    train(
        "validation_split", classifier(1), normal(12, 5, seed=1), normal(12, 1, seed=2), lambda: O.SGD(0.05), "mean_squared_error",
        epochs=3, batch_size=4, validation_split=0.25, metrics=["mae"],
        note="Dense(6, relu), Dense(1); 9 samples to train on, 3 to validate.",
    )


def masked_loss():
    def build():
        i = keras.Input((6, 4))
        return keras.Model(i, L.Dense(3)(L.LSTM(5, return_sequences=True)(L.Masking()(i))))

    x = normal(8, 6, 4, seed=1)
    for row, length in enumerate([6, 3, 5, 1, 6, 2, 4, 3]):
        x[row, length:] = 0.0
    train(
        "masked_loss", build, x, ids(8, 6, high=3, seed=2), lambda: O.Adam(0.01), K.SparseCategoricalCrossentropy(from_logits=True),
        epochs=10, batch_size=4, activations=["softmax"], metrics=["accuracy"],
        note="Masking, LSTM(5, return_sequences), Dense(3, softmax); loss and accuracy over the unmasked steps.",
    )


def batch_norm():
    def build():
        i = keras.Input((5,))
        h = L.Activation("relu")(L.BatchNormalization()(L.Dense(6, use_bias=False)(i)))
        return keras.Model(i, L.Dense(1)(h))

    def shared():
        a, b = keras.Input((5,)), keras.Input((5,))
        dense, norm = L.Dense(6, activation="tanh"), L.BatchNormalization(momentum=0.8)
        return keras.Model([a, b], L.Dense(1)(L.subtract([norm(dense(a)), norm(dense(b))])))

    x, z, y = normal(10, 5, seed=1), normal(10, 5, seed=2) + 1.0, normal(10, 1, seed=3)
    train(
        "batch_norm", build, x, y, lambda: O.SGD(0.05), "mean_squared_error", epochs=5, batch_size=5,
        note="Dense(6, no bias), BatchNormalization, relu, Dense(1).",
    )
    train(
        "batch_norm_shared", shared, [x, z], y, lambda: O.SGD(0.05), "mean_squared_error", epochs=5, batch_size=5,
        note="One Dense(6, tanh) and one BatchNormalization(momentum 0.8) on two inputs, subtract, Dense(1): the statistics move once a call.",
    )


def frozen():
    def build():
        i = keras.Input((5,))
        h = L.Dense(6, activation="tanh", trainable=False, name="frozen_dense")(i)
        h = L.BatchNormalization(trainable=False, name="frozen_norm")(h)
        return keras.Model(i, L.Dense(1, name="head")(L.Dense(4, activation="tanh", name="middle")(h)))

    train(
        "frozen", build, normal(10, 5, seed=1), normal(10, 1, seed=2), lambda: O.Adam(0.01), "mean_squared_error", epochs=5, batch_size=5,
        note="Dense(6, tanh) and BatchNormalization with trainable=False, Dense(4, tanh), Dense(1): frozen weights and statistics stay.",
    )


def regularized():
    def build():
        R = keras.regularizers
        a, b = keras.Input((5,)), keras.Input((5,))
        shared = L.Dense(
            6, activation="tanh", kernel_regularizer=R.L2(0.05), bias_regularizer=R.L1(0.02), activity_regularizer=R.L2(0.03),
        )
        head = L.Dense(1, kernel_regularizer=R.L1L2(0.01, 0.02))
        return keras.Model([a, b], head(L.concatenate([shared(a), shared(b)])))

    train(
        "regularized", build, [normal(10, 5, seed=1), normal(10, 5, seed=2)], normal(10, 1, seed=3), lambda: O.SGD(0.05), "mean_squared_error",
        epochs=5, batch_size=4, metrics=["mse"],
        note="One Dense(6, tanh) on two inputs with kernel L2(0.05), bias L1(0.02), activity L2(0.03); concatenate; Dense(1) with kernel L1L2(0.01, 0.02). The activity counts at each call, the weights once; the last batch has two samples.",
    )


def constrained():
    def build():
        C = keras.constraints
        i = keras.Input((5,))
        h = L.Dense(6, activation="tanh", kernel_constraint=C.MaxNorm(0.8), bias_constraint=C.NonNeg())(i)
        return keras.Model(i, L.Dense(1, kernel_constraint=C.UnitNorm())(h))

    train(
        "constrained", build, normal(10, 5, seed=1), normal(10, 1, seed=2), lambda: O.SGD(0.1), "mean_squared_error", epochs=5, batch_size=5,
        note="Dense(6, tanh) with kernel MaxNorm(0.8), bias NonNeg; Dense(1) with kernel UnitNorm.",
    )


def optimizers():
    for name, make in {
        "adam": lambda: O.Adam(0.02), "rmsprop": lambda: O.RMSprop(0.01, momentum=0.5), "adamw": lambda: O.AdamW(0.02, weight_decay=0.1),
        "sgd": lambda: O.SGD(0.05, momentum=0.9, nesterov=True), "adam_clipped": lambda: O.Adam(0.02, global_clipnorm=0.5),
        "adam_ema": lambda: O.Adam(0.02, use_ema=True, ema_momentum=0.8),
    }.items():
        train(
            f"optimizer_{name}", classifier(2), normal(10, 5, seed=1), normal(10, 2, seed=2), make, "mean_squared_error", epochs=10, batch_size=5,
            evaluate=False, note="Dense(6, relu), Dense(2), 20 steps.",
        )


# Other layers in training ------------------------------------------------------------------------


def more_models():
    def text():
        i = keras.Input((7,), dtype="int32")
        h = L.Bidirectional(L.GRU(4))(L.Embedding(12, 6, mask_zero=True)(i))
        return keras.Model(i, L.Dense(1)(h))

    words = ids(10, 7, high=12, seed=1)
    words[:, 5:] *= ids(10, 2, high=2, seed=2)
    y = (rng_for(3).random((10, 1)) < 0.5).astype(np.float32)
    train(
        "text", text, words, y, lambda: O.Adam(0.01), binary_logits(), epochs=10, batch_size=5, activations=["sigmoid"], metrics=[binary_accuracy()],
        note="Embedding(12, 6, mask_zero), Bidirectional(GRU(4)), Dense(1, sigmoid).",
    )

    def convolutional():
        i = keras.Input((8, 8, 2))
        h = L.MaxPooling2D()(L.Activation("relu")(L.BatchNormalization()(L.Conv2D(4, 3, padding="same", use_bias=False)(i))))
        h = L.Conv2D(5, 3, strides=2, padding="same", activation="relu")(L.DepthwiseConv2D(3, padding="same")(h))
        return keras.Model(i, L.Dense(3)(L.GlobalAveragePooling2D()(h)))

    train(
        "convolutional", convolutional, normal(8, 8, 8, 2, seed=1), ids(8, high=3, seed=2), lambda: O.SGD(0.05, momentum=0.9),
        K.SparseCategoricalCrossentropy(from_logits=True), epochs=5, batch_size=4, activations=["softmax"], metrics=["accuracy"],
        note="Conv2D(4, 3, same, no bias), BatchNormalization, relu, MaxPooling2D, DepthwiseConv2D(3, same), Conv2D(5, 3, stride 2, same, relu), GlobalAveragePooling2D, Dense(3, softmax).",
    )

    def transformer():
        i = keras.Input((5,), dtype="int32")
        h = L.Embedding(9, 8)(i)
        h = L.LayerNormalization()(L.add([h, L.MultiHeadAttention(2, 4)(h, h)]))
        g = L.Dense(8)(L.Dense(12, activation="gelu")(h))
        return keras.Model(i, L.Dense(3)(L.GlobalAveragePooling1D()(L.LayerNormalization()(L.add([h, g])))))

    train(
        "transformer", transformer, ids(10, 5, high=9, seed=1), ids(10, high=3, seed=2), lambda: O.Adam(0.01),
        K.SparseCategoricalCrossentropy(from_logits=True), epochs=10, batch_size=5, activations=["softmax"], metrics=["accuracy"],
        note="Embedding(9, 8), h + MultiHeadAttention(2, 4)(h, h), LayerNormalization, Dense(12, gelu), Dense(8), add, LayerNormalization, GlobalAveragePooling1D, Dense(3, softmax).",
    )

    def nested():
        i = keras.Input((4,), name="inner_in")
        inner = keras.Model(i, L.Dense(3, activation="tanh")(L.Dense(5, activation="tanh")(i)), name="inner")
        a, b = keras.Input((4,)), keras.Input((4,))
        return keras.Model([a, b], L.Dense(1)(L.concatenate([inner(a), inner(b), inner(L.Dense(4)(b))])))

    train(
        "nested", nested, [normal(10, 4, seed=1), normal(10, 4, seed=2)], normal(10, 1, seed=3), lambda: O.Adam(0.01), "mean_squared_error",
        epochs=10, batch_size=5, note="An inner model Dense(5, tanh), Dense(3, tanh) called on a, b and Dense(4)(b); concatenate; Dense(1).",
    )


def stateful():
    """A stateful LSTM's outputs over successive batches, and after its states are reset."""
    out = []
    for kind in ["LSTM", "GRU", "SimpleRNN"]:
        keras.utils.clear_session()
        name = f"stateful_{kind.lower()}"
        layer = getattr(L, kind)(3, stateful=True, return_sequences=True)
        i = keras.Input(batch_shape=(2, 4, 3))
        model = keras.Model(i, layer(i))
        weights = set_initial(name, model, None)
        batches = [normal(2, 4, 3, seed=s) for s in range(3)]
        # Called directly: `predict_on_batch` on JAX forgets the states.
        outputs = [np.asarray(model(b)) for b in batches]
        layer.reset_state()
        outputs.append(np.asarray(model(batches[0])))
        assert np.allclose(outputs[0], outputs[3]) and not np.allclose(outputs[0], model(batches[0]))
        out.append({
            "name": name, "class_name": kind, "config": config_of(layer),
            "note": "The three inputs in turn, then a reset, then the first again: four outputs.",
            "weights": weights, "inputs": put_all(name, "x", batches), "outputs": put_all(name, "out", outputs),
        })
    return out


for model in [
    shared_dense, siamese, seq2seq, two_outputs, class_weight, sample_weight, validation, masked_loss, batch_norm, frozen,
    regularized, constrained, optimizers, more_models,
]:
    model()
data = {"training": cases, "sharing": [nested_sharing()], "stateful": stateful()}
store.save("models.npz")
write_json("models.json", data)
