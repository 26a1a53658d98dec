"""Models with arrays and flags among the arguments of calls, and what Keras computes with them.

    KERAS_BACKEND=jax python make_arguments.py            # Keras 3: arguments.json, arguments.npz
    python make_arguments.py --keras2                     # tf_keras: arguments_keras2.json, arguments_keras2.npz

Each entry holds the model as the text that `to_json` gives. Arrays: `<name>/x` the input, `<name>/w<i>` the weights, `<name>/y` the
prediction, `<name>/losses` those of three steps of SGD on `<name>/t`.
"""

import json
import os
import sys

KERAS2 = "--keras2" in sys.argv
if KERAS2:
    import tensorflow as tf
    import tf_keras as keras

    constant = tf.constant
else:
    from golden import keras

    constant = keras.ops.convert_to_tensor

import numpy as np

HERE = os.environ.get("GOLDEN_OUT", os.path.dirname(os.path.abspath(__file__)))
FILE = "arguments_keras2" if KERAS2 else "arguments"
BATCH, TIME, FEATURES = 2, 3, 4
layers = keras.layers
CASES = {}


def case(f):
    CASES[f.__name__] = f
    return f


def values(seed, *shape):
    return np.random.RandomState(seed).randn(*shape).astype("float32")


STEPS = np.array([[True, True, False]])
STEPS_EACH = np.array([[True, True, False], [True, False, False]])
CAUSAL = np.tril(np.ones((1, TIME, TIME), bool))


def states(n):
    return [constant(values(i, BATCH, 2)) for i in range(n)]


@case
def lstm_initial_state(x):
    return layers.LSTM(2)(x, initial_state=states(2))


@case
def gru_initial_state(x):
    return layers.GRU(2)(x, initial_state=states(1) if KERAS2 else states(1)[0])


@case
def simple_rnn_initial_state(x):
    return layers.SimpleRNN(2, return_sequences=True)(x, initial_state=states(1))


@case
def bidirectional_initial_state(x):
    return layers.Bidirectional(layers.LSTM(2))(x, initial_state=states(4))


@case
def lstm_mask_of_each(x):
    return layers.LSTM(2)(x, mask=constant(STEPS_EACH))


@case
def attention_mask(x):
    return layers.MultiHeadAttention(1, 2)(x, x, attention_mask=constant(CAUSAL))


@case
def attention_value(x):
    return layers.MultiHeadAttention(1, 2)(x, constant(values(1, BATCH, 5, FEATURES)))


@case
def softmax_mask(x):
    return layers.Softmax()(x, mask=constant(np.array([[True, True, False, True]])))


@case
def pooling_mask(x):
    return layers.GlobalAveragePooling1D()(x, mask=constant(STEPS_EACH))


@case
def dot_attention_masks(x):
    return layers.Attention()([x, x], mask=[constant(STEPS), constant(STEPS)])


@case
def dot_attention_value_mask(x):
    return layers.Attention()([x, x], mask=[None, constant(STEPS)])


@case
def additive_attention_query_mask(x):
    return layers.AdditiveAttention()([x, x], mask=[constant(STEPS), None])


@case
def attention_list(x):
    return layers.Attention()([x, constant(values(1, BATCH, 5, FEATURES))])


@case
def add_layer(x):
    return layers.Add()([x, constant(values(1, BATCH, TIME, FEATURES))])


@case
def concatenate_layer(x):
    return layers.Concatenate()([x, constant(values(1, BATCH, TIME, FEATURES))])


@case
def dot_layer(x):
    return layers.Dot(axes=1)([x, constant(values(1, BATCH, TIME, FEATURES))])


@case
def nested_model(x):
    a, b = keras.Input((TIME, FEATURES)), keras.Input((TIME, FEATURES))
    inner = keras.Model([a, b], layers.Dense(2)(layers.Multiply()([a, b])))
    return inner([x, constant(values(1, BATCH, TIME, FEATURES))])


@case
def operator_matmul(x):
    return x @ constant(values(1, FEATURES, 2))


@case
def operator_add(x):
    return x + values(1, FEATURES)


@case
def operator_multiply_integers(x):
    return x * constant(np.array([1, 2, 3, 4], "int32")) if not KERAS2 else x * np.array([1.0, 2, 3, 4], "float32")


if KERAS2:

    @case
    def add_layer_first(x):
        return layers.Add()([constant(values(1, BATCH, TIME, FEATURES)), x])

    @case
    def matmul_first(x):
        return tf.matmul(constant(values(1, TIME, TIME)), x)

    @case
    def operator_add_first(x):
        return constant(values(1, FEATURES)) + x

    @case
    def lstm_mask_beside_states(x):
        return layers.LSTM(2)(x, initial_state=[layers.Dense(2)(x[:, i]) for i in range(2)], mask=constant(STEPS_EACH))

    @case
    def normalization_as_in_prediction(x):
        return layers.Dense(2)(layers.BatchNormalization(momentum=0.5)(x, training=False))

    @case
    def normalization_as_in_fitting(x):
        return layers.BatchNormalization(momentum=0.5)(x, training=True)

    @case
    def stack_as_in_prediction(x):
        inner = keras.Sequential([keras.Input((TIME, FEATURES)), layers.BatchNormalization(), layers.Dropout(0.5)])
        return layers.Dense(2)(inner(x, training=False))

    @case
    def inner_flag_before_outer(x):
        a = keras.Input((TIME, FEATURES))
        inner = keras.Model(a, layers.BatchNormalization(momentum=0.5)(a, training=True))
        return layers.Dense(2)(inner(x, training=False))

    @case
    def concat(x):
        return tf.concat([x, constant(values(1, BATCH, TIME, FEATURES))], axis=-1)

else:
    ops = keras.ops

    @case
    def lstm_mask_of_all(x):
        return layers.LSTM(2)(x, mask=STEPS)

    @case
    def lstm_mask_unrolled(x):
        return layers.LSTM(2, unroll=True, return_sequences=True)(x, mask=STEPS)

    @case
    def lstm_mask_by_position(x):
        return layers.LSTM(2)(x, None, STEPS_EACH)

    @case
    def softmax_mask_by_position(x):
        return layers.Softmax()(x, x > 0)

    @case
    def normalization_mask(x):
        return layers.BatchNormalization()(x, mask=STEPS)

    @case
    def value_mask(x):
        return layers.MultiHeadAttention(2, 2)(x, x, value_mask=STEPS, use_causal_mask=True)

    @case
    def stack_of_layers_mask(x):
        return keras.Sequential([keras.Input((TIME, FEATURES)), layers.LSTM(2)])(x, mask=STEPS)

    @case
    def no_masks(x):
        masked = layers.Masking()(x)
        return layers.Attention()([masked, masked], mask=[None, None])

    @case
    def overridden_training(x):
        return layers.Dense(2)(layers.BatchNormalization(momentum=0.5)(x, training=False))

    @case
    def add_layer_float64(x):
        return layers.Add()([x, np.random.RandomState(1).randn(1, TIME, FEATURES)])

    @case
    def operator_add_float64(x):
        return x + np.array([1.0, 2.0, 3.0, 4.0])

    @case
    def matmul(x):
        return ops.matmul(x, values(1, FEATURES, 2))

    @case
    def matmul_first(x):
        return ops.matmul(values(1, 5, TIME), x)

    @case
    def einsum(x):
        return ops.einsum("btf,fg,bt->bg", x, values(1, FEATURES, 2), values(2, BATCH, TIME))

    @case
    def tensordot(x):
        return ops.tensordot(x, values(1, FEATURES, 2), axes=1)

    @case
    def dot(x):
        return ops.dot(x, values(1, FEATURES, 2))

    @case
    def outer(x):
        return ops.outer(x, values(1, 3))

    @case
    def take(x):
        return ops.take(x, np.array([0, 2, -1]), axis=1)

    @case
    def take_list(x):
        return ops.take(x, [0, 2], axis=2)

    @case
    def take_from(x):
        return ops.take(values(1, 7, 2), ops.cast(ops.abs(x) * 2, "int32"), axis=0)

    @case
    def take_along_axis(x):
        return ops.take_along_axis(x, np.array([[[0], [3], [1]]] * BATCH, "int32"), axis=2)

    @case
    def concatenate(x):
        return ops.concatenate([values(1, BATCH, TIME, 2), x], axis=-1)

    @case
    def stack(x):
        return ops.stack([x, values(1, BATCH, TIME, FEATURES)], axis=1)

    @case
    def where(x):
        return ops.where(x > 0, values(1, FEATURES), x)

    @case
    def where_condition(x):
        return ops.where(np.array([True, False, True, False]), x, 0.0)

    @case
    def maximum(x):
        return ops.maximum(x, constant(values(1, TIME, 1)))

    @case
    def power(x):
        return ops.power(ops.abs(x) + 1.0, np.array([1.0, 2.0, 0.5, 3.0], "float32"))

    @case
    def comparison(x):
        return ops.cast(ops.greater(x, values(1, FEATURES)), "float32") * x

    @case
    def infinities(x):
        return ops.minimum(x, np.array([0.0, np.inf, 1.0, np.inf], "float32"))

    @case
    def shared_with_constant(x):
        attention = layers.MultiHeadAttention(1, 2)
        return attention(x, values(1, BATCH, 5, FEATURES)) + attention(x, x)


# Masks that several tensors carry: of steps that are all 0 in one, all 9 in the other.


def masked_pair(x):
    return layers.Masking()(x), layers.Masking(9.0)(x)


def masked_case(name, f):
    CASES["masked_" + name] = f


for merging in ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"]:

    def of_both(x, merging=merging):
        return layers.LSTM(2)(getattr(layers, merging)()(list(masked_pair(x))))

    def of_one(x, merging=merging):
        return layers.LSTM(2)(getattr(layers, merging)()([masked_pair(x)[0], x]))

    def values_of_both(x, merging=merging):
        return layers.Flatten()(getattr(layers, merging)()(list(masked_pair(x))))

    masked_case(merging + "_of_both", of_both)
    masked_case(merging + "_of_one", of_one)
    masked_case(merging + "_values", values_of_both)


def attention_block(x):
    return layers.Add()([x, layers.MultiHeadAttention(1, 2)(x, x)])


masked_case("attention_block", lambda x: layers.LSTM(2)(attention_block(masked_pair(x)[0])))
masked_case("attention_blocks", lambda x: layers.LSTM(2)(attention_block(attention_block(masked_pair(x)[0]))))
masked_case("attention_blocks_alone", lambda x: layers.Dense(2, activation="tanh")(attention_block(attention_block(masked_pair(x)[0]))))


def masked_attentions(x):
    a, b = masked_pair(x)
    first = layers.MultiHeadAttention(1, 2)(a, b)
    return layers.Concatenate()([first, layers.MultiHeadAttention(1, 2)(b, a), a])


def merged_in_model(merging):
    pair = keras.Input((TIME, FEATURES)), keras.Input((TIME, FEATURES))
    return keras.Model(pair, getattr(layers, merging)()(list(pair)))


for merging in ["Add", "Maximum"]:
    masked_case("in_model_" + merging, lambda x, merging=merging: layers.LSTM(2)(merged_in_model(merging)(list(masked_pair(x)))))


def masked_nested(x):
    inner = keras.Input((TIME, FEATURES))
    block = keras.Model(inner, attention_block(inner))
    a = masked_pair(x)[0]
    return layers.LSTM(2)(layers.Add()([a, block(a)]))


masked_case("attentions", masked_attentions)
masked_case("nested", masked_nested)
if not KERAS2:
    masked_case("query_mask", lambda x: layers.MultiHeadAttention(1, 2)(masked_pair(x)[0], x, query_mask=x[..., 0] > 0))
    masked_case("query_mask_alone", lambda x: layers.LSTM(2)(layers.MultiHeadAttention(1, 2)(x, x, query_mask=x[..., 0] > 0)))
    masked_case("value_mask", lambda x: layers.MultiHeadAttention(1, 2)(masked_pair(x)[0], x, value_mask=x[..., 0] > 0))

# Calls that give what they were given: the object keeps its mask, in Keras 3 (on JAX) more of them than in Keras 2.


def same_case(name, f):
    masked_case("same_" + name, lambda x: layers.LSTM(2)(f(masked_pair(x)[0])))


def nested(layer):
    inner = keras.Input((TIME, FEATURES))
    return keras.Model(inner, layer(inner))


same_case("reshape_layer", layers.Reshape((TIME, FEATURES)))
same_case("reshape_open", layers.Reshape((-1, FEATURES)))
same_case("permute", layers.Permute((1, 2)))
same_case("cropping", layers.Cropping1D(0))
same_case("padding", layers.ZeroPadding1D(0))
same_case("activation", layers.Activation("linear"))
same_case("nested", lambda x: nested(layers.Reshape((TIME, FEATURES)))(x))
same_case("nested_activation", lambda x: nested(layers.Activation("linear"))(x))
same_case("stack", lambda x: keras.Sequential([keras.Input((TIME, FEATURES)), layers.Masking(), layers.Permute((1, 2)), layers.LSTM(2, return_sequences=True)])(x))
if KERAS2:
    same_case("cast", lambda x: tf.cast(x, tf.float32))
    same_case("identity", tf.identity)
    same_case("reshape", lambda x: tf.reshape(x, (-1, TIME, FEATURES)))
    same_case("transpose", lambda x: tf.transpose(x, (0, 1, 2)))
    same_case("merged_cast", lambda x: tf.cast(layers.Add()([x, layers.Masking(9.0)(x)]), tf.float32))
else:
    ops = keras.ops
    same_case("cast", lambda x: ops.cast(x, "float32"))
    same_case("cast_twice", lambda x: ops.cast(ops.cast(x, "float32"), "float32"))
    same_case("reshape", lambda x: ops.reshape(x, (-1, TIME, FEATURES)))
    same_case("transpose", lambda x: ops.transpose(x, (0, 1, 2)))
    same_case("swapaxes", lambda x: ops.swapaxes(x, 1, 1))
    same_case("squeeze", lambda x: ops.squeeze(x, axis=()))
    same_case("concatenate", lambda x: ops.concatenate([x], axis=1))
    same_case("slice", lambda x: x[:, 0:TIME])
    same_case("einsum", lambda x: ops.einsum("bij->bij", x))
    same_case("stop_gradient", ops.stop_gradient)
    same_case("pad", lambda x: ops.pad(x, [[0, 0], [0, 0], [0, 0]]))
    same_case("split", lambda x: ops.split(x, 1, axis=1)[0])
    same_case("power", lambda x: x**1)
    same_case("add_zero", lambda x: x + 0.0)
    same_case("tile", lambda x: ops.tile(x, (1, 1, 1)))


# Keras 2's TimeDistributed has the masks of the layer inside it, and batch statistics of all steps together.
masked_case("steps", lambda x: layers.LSTM(2)(layers.TimeDistributed(layers.Masking())(x)))
masked_case("steps_normalized", lambda x: layers.LSTM(2)(layers.TimeDistributed(layers.BatchNormalization())(masked_pair(x)[0])))


def attention_on_same(x):
    a = masked_pair(x)[0]
    same = layers.Activation("linear")(a)
    return layers.Concatenate()([layers.MultiHeadAttention(1, 2)(same, same), layers.LSTM(2, return_sequences=True)(a)])


masked_case("attention_on_same", attention_on_same)


# The explicit mask of a nested model's call stays on the tensor: calls that run later see it.


def explicit_mask(x, first, mask):
    a = masked_pair(x)[0] if mask else x
    inner = nested(layers.LSTM(2))
    later = layers.LSTM(2)(a)
    if first:
        later = layers.Dense(2)(layers.Dense(2)(later))
    return layers.Concatenate()([inner(a, mask=constant(STEPS_EACH)), later])


masked_case("explicit_later", lambda x: explicit_mask(x, False, True))
masked_case("explicit_before", lambda x: explicit_mask(x, True, True))
masked_case("explicit_alone", lambda x: explicit_mask(x, False, False))


# Penalties of outputs, which count in the losses of training.


def penalty_case(name, f):
    CASES["penalty_" + name] = lambda x: f(x, {"activity_regularizer": keras.regularizers.L1L2(0.02, 0.05)})


penalty_case("dense", lambda x, r: layers.Dense(2, **r)(x))
penalty_case("convolution", lambda x, r: layers.Conv1D(2, 2, **r)(x))
penalty_case("bidirectional", lambda x, r: layers.Bidirectional(layers.LSTM(2, return_sequences=True, **r))(x))
penalty_case("states", lambda x, r: layers.Add()(layers.LSTM(2, return_state=True, **r)(x)))
if not KERAS2:
    # Files of Keras 2 do not hold that of a merging layer, and the others count in another way there.
    penalty_case("merged", lambda x, r: layers.Dense(2)(layers.Add(**r)([x, layers.Dense(FEATURES)(x)])))
    penalty_case("attention", lambda x, r: layers.MultiHeadAttention(1, 2, **r)(x, x))
    penalty_case("attention_scores", lambda x, r: layers.MultiHeadAttention(1, 2, **r)(x, x, return_attention_scores=True)[0])
    penalty_case("time_distributed", lambda x, r: layers.TimeDistributed(layers.Dense(2, **r))(x))
    penalty_case("time_distributed_alone", lambda x, r: layers.Dense(2)(layers.TimeDistributed(layers.ActivityRegularization(0.1))(x)))

    def in_model(x, r):
        inner = keras.Input((FEATURES,))
        hidden = layers.ActivityRegularization(0.1)(layers.Dense(3, **r)(inner))
        return layers.TimeDistributed(keras.Model(inner, layers.Dense(2)(hidden)))(x)

    penalty_case("time_distributed_model", in_model)


def run(name, f, store):
    keras.utils.set_random_seed(0)
    x = keras.Input((TIME, FEATURES), name="x")
    model = keras.Model(x, f(x))
    data = values(100, BATCH, TIME, FEATURES)
    if name.startswith("masked"):
        data[0, 1], data[0, 2], data[1, 0] = 9, 0, 0
    weights = model.get_weights()
    store[f"{name}/x"] = data
    for i, weight in enumerate(weights):
        store[f"{name}/w{i}"] = weight
    predicted = model.predict_on_batch(data)
    store[f"{name}/y"] = np.asarray(predicted)
    entry = {"name": name, "model": model.to_json()}
    if weights:
        target = values(101, *predicted.shape)
        model.compile(keras.optimizers.SGD(0.1), "mse")
        losses = []
        for _ in range(3):
            loss = model.train_on_batch(data, target)
            losses.append(np.float32(loss))
        store[f"{name}/t"] = target
        store[f"{name}/losses"] = np.array(losses, "float32")
    return entry


def main():
    store, entries = {}, []
    for name, f in CASES.items():
        entries.append(run(name, f, store))
    store = {k: v.astype("int32") if v.dtype == np.int64 else v for k, v in store.items()}
    lines = [json.dumps(entry, separators=(",", ":")) for entry in entries]
    with open(os.path.join(HERE, FILE + ".json"), "w", encoding="utf-8") as out:
        out.write("[\n" + ",\n".join(lines) + "\n]\n")
    np.savez_compressed(os.path.join(HERE, FILE + ".npz"), **store)


main()
