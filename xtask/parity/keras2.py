"""Models of Keras 2, made and computed by tf_keras, for `cargo xtask parity`.

    python keras2.py OUT_DIR [ONLY]

Writes `OUT_DIR/NAME.h5` or `OUT_DIR/NAME.keras` with `NAME.npz` beside it: inputs `x0`, … in the order of `model.inputs`, and
`y0`, …, what the model predicts from them.
"""

import os
import pathlib
import sys
import zlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
import tf_keras as keras

L = keras.layers
K = keras.backend
BATCH, TIME, FEATURES = 3, 5, 4
CASES = {}


def case(*forms):
    """A function that makes a model, which is saved in these forms."""

    def keep(function):
        CASES[function.__name__] = (function, forms or ("h5",))
        return function

    return keep


def rng_of(name):
    return np.random.RandomState(zlib.crc32(name.encode()) % 2**31)


def values(name, *shape):
    return tf.constant(rng_of(name).standard_normal(shape).astype("float32"))


def sequence():
    return keras.Input((TIME, FEATURES), name="x")


def masked():
    """Sequences with masked steps, the first among them."""
    ids = keras.Input((TIME,), dtype="int32", name="ids")
    return ids, L.Embedding(5, FEATURES, mask_zero=True)(ids)


@case("h5", "keras")
def gan():
    """A discriminator that was compiled by itself and is frozen in another model."""
    real = keras.Input((6,))
    discriminator = keras.Model(real, L.Dense(1, activation="sigmoid")(L.Dense(8, activation="relu")(real)), name="discriminator")
    discriminator.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    discriminator.train_on_batch(np.ones((4, 6), "float32"), np.ones((4, 1), "float32"))
    discriminator.trainable = False
    noise = keras.Input((3,))
    generator = keras.Sequential([L.Dense(8, activation="relu", input_shape=(3,)), L.Dense(6)], name="generator")
    model = keras.Model(noise, discriminator(generator(noise)))
    model.compile(keras.optimizers.RMSprop(0.01), "binary_crossentropy")
    model.train_on_batch(np.ones((4, 3), "float32"), np.ones((4, 1), "float32"))
    return model


@case()
def target_network():
    """Two submodels that are equal in names, options and weights, as after syncing."""

    def network(name):
        x = keras.Input((4,))
        return keras.Model(x, L.Dense(2, name="out")(L.Dense(8, activation="relu", name="hidden")(x)), name=name)

    online, target = network("online"), network("target")
    target.set_weights(online.get_weights())
    now, later = keras.Input((4,)), keras.Input((4,))
    return keras.Model([now, later], [online(now), target(later)])


@case()
def autoencoder():
    x = keras.Input((6,))
    encoder = keras.Model(x, L.Dense(2, activation="tanh")(x), name="encoder")
    code = keras.Input((2,))
    decoder = keras.Model(code, L.Dense(6)(code), name="decoder")
    for part in (encoder, decoder):
        part.compile("sgd", "mse")
    model = keras.Model(x, decoder(encoder(x)))
    model.compile(keras.optimizers.legacy.Adam(0.01), lambda y, p: K.mean(K.square(y - p)))
    model.train_on_batch(np.ones((4, 6), "float32"), np.ones((4, 6), "float32"))
    return model


@case("h5", "keras")
def sequence_to_sequence():
    """The decoder's mask counts beside its initial states."""
    source, embedded = masked()
    _, h, c = L.LSTM(4, return_state=True)(embedded)
    target = keras.Input((TIME,), dtype="int32", name="target")
    decoder = L.LSTM(4, return_sequences=True)
    steps = decoder(L.Embedding(5, 3, mask_zero=True)(target), initial_state=[h, c])
    return keras.Model([source, target], L.TimeDistributed(L.Dense(2))(steps))


@case()
def masked_states():
    ids, x = masked()
    state = keras.Input((4,), name="state")
    gru = L.GRU(4, return_sequences=True)(x, initial_state=state)
    both = L.Bidirectional(L.LSTM(3, return_sequences=True))(x)
    rnn = L.SimpleRNN(4)(x, initial_state=state)
    return keras.Model([ids, state], [gru, both, rnn])


@case("h5", "keras")
def masked_merges():
    """A step counts where it counts in all masked inputs."""
    ids, x = masked()
    others = keras.Input((TIME,), dtype="int32", name="others")
    y = L.Embedding(5, FEATURES, mask_zero=True)(others)
    plain = L.Embedding(5, FEATURES)(others)
    outputs = [L.LSTM(3)(L.Add()([x, y])), L.GRU(3)(L.Concatenate()([plain, x])), L.SimpleRNN(3)(L.Average()([plain, x, y]))]
    return keras.Model([ids, others], [*outputs, L.Bidirectional(L.LSTM(2))(L.Subtract()([x, plain]))])


@case()
def masked_attention():
    ids, x = masked()
    y = L.Attention()([x, x])
    z = L.AdditiveAttention()([x, x])
    return keras.Model(ids, [L.LSTM(3)(y), L.LSTM(3)(z), L.GlobalAveragePooling1D()(y)])


@case()
def constant_states():
    x = sequence()
    states = [values(f"state{i}", BATCH, 2) for i in range(4)]
    return keras.Model(x, [L.LSTM(2)(x, initial_state=states[:2]), L.Bidirectional(L.LSTM(2))(x, initial_state=states)])


@case()
def constant_masks():
    x = sequence()
    mask = tf.constant(rng_of("mask").randint(0, 2, (BATCH, TIME)).astype(bool))
    causal = tf.constant(np.tril(np.ones((1, TIME, TIME), bool)))
    outputs = [
        L.LSTM(2)(x, mask=mask),
        L.GlobalAveragePooling1D()(x, mask=mask),
        L.Attention()([x, x], mask=[None, mask]),
        L.MultiHeadAttention(2, 2)(x, x, attention_mask=causal),
        L.MultiHeadAttention(1, 2)(x, values("memory", BATCH, 7, FEATURES)),
    ]
    return keras.Model(x, outputs)


@case()
def constant_operands():
    x = sequence()
    outputs = [
        x @ values("matmul", FEATURES, 2),
        tf.matmul(values("first", 2, TIME), x),
        values("add", FEATURES) + x,
        L.Add()([x, values("sum", BATCH, TIME, FEATURES)]),
        tf.concat([values("joined", BATCH, TIME, 2), x], axis=-1),
        tf.where(x > 0, x, values("where", FEATURES)),
    ]
    return keras.Model(x, outputs)


@case()
def functions():
    x = sequence()
    first, second = tf.split(x, 2, axis=-1)
    outputs = [
        tf.nn.l2_normalize(x, axis=-1),
        tf.nn.gelu(x),
        tf.one_hot(tf.argmax(x, axis=-1), 4),
        tf.clip_by_value(x, -0.5, 0.5),
        tf.tile(first, [1, 1, 2]) - second[..., :1],
        tf.gather(x, [0, 2], axis=1),
        tf.cumsum(x, axis=1),
        tf.cast(tf.logical_and(x > -0.5, tf.logical_not(x > 0.5)), "float32"),
        K.sqrt(K.abs(x) + 1.0),
    ]
    return keras.Model(x, outputs)


@case("h5", "keras")
def gather_with_batches():
    """Elements at other positions in each sample, as the values of actions are picked."""
    x, steps = sequence(), keras.Input((3,), dtype="int32", name="steps")
    values_of_actions, action = L.Dense(5)(x[:, 0]), steps[:, 0]
    outputs = [
        tf.gather(values_of_actions, action, axis=1, batch_dims=1),
        tf.gather(x, steps, batch_dims=1),
        tf.gather(x, steps % FEATURES, axis=-1, batch_dims=-1),
        tf.gather(x, tf.stack([steps, steps // 2], axis=1), axis=1, batch_dims=1),
    ]
    return keras.Model([x, steps], outputs)


@case("h5", "keras")
def lambdas():
    x = keras.Input((4,), name="x")
    scaled = L.Lambda(lambda t: t * 2.0 + 1.0, output_shape=(4,))(x)
    both = L.Lambda(lambda t: abs(t[0] - t[1]))([scaled, x])
    return keras.Model(x, L.Dense(2)(both))


@case()
def normalization_as_in_prediction():
    x = keras.Input((4,), name="x")
    inner = keras.Sequential([L.Dense(3, input_shape=(4,)), L.BatchNormalization(), L.Dropout(0.5)])
    model = keras.Model(x, L.Dense(1)(inner(x, training=False)))
    model.compile("sgd", "mse")
    model.train_on_batch(np.ones((4, 4), "float32"), np.ones((4, 1), "float32"))
    return model


@case()
def slashes():
    """Names as DenseNet has them."""
    x = keras.Input((8, 8, 3), name="x")
    y = L.Conv2D(4, 3, use_bias=False, name="conv1/conv")(x)
    y = L.Activation("relu", name="conv1/relu")(L.BatchNormalization(name="conv1/bn")(y))
    return keras.Model(x, L.Dense(2)(L.GlobalAveragePooling2D()(y)))


@case()
def unknown_training():
    """Compiled with what only Python knows."""

    def score(y, p):
        return K.mean(y * p)

    x = keras.Input((4,), name="x")
    model = keras.Model(x, L.Dense(1)(x))
    model.compile(keras.optimizers.RMSprop(0.01, momentum=0.5), lambda y, p: K.mean(y - p), metrics=[score])
    model.train_on_batch(np.ones((4, 4), "float32"), np.ones((4, 1), "float32"))
    return model


def random_input(tensor, rng):
    shape = [BATCH, *tensor.shape[1:]]
    if tensor.dtype.is_integer:
        ids = rng.randint(1, 5, shape)
        ids[0, 0] = ids[1, -2:] = 0
        return ids.astype("int32")
    return rng.standard_normal(shape).astype("float32")


def main(out, only):
    out.mkdir(parents=True, exist_ok=True)
    for name, (make, forms) in CASES.items():
        if only not in name:
            continue
        keras.utils.set_random_seed(zlib.crc32(name.encode()) % 2**31)
        model = make()
        rng = rng_of(name)
        inputs = [random_input(t, rng) for t in model.inputs]
        outputs = tf.nest.flatten(model(inputs, training=False))
        arrays = {f"x{i}": x for i, x in enumerate(inputs)}
        arrays.update({f"y{i}": np.asarray(y) for i, y in enumerate(outputs)})
        np.savez(out / f"{name}.npz", **arrays)
        for form in forms:
            model.save(out / f"{name}.{form}")
        print(name, flush=True)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
