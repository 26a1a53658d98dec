"""Graphs: the three models of the project, shared layers, nested models, structures of inputs and outputs."""

import keras
import numpy as np
from keras import layers as L
from keras import ops

from support import BATCH, rng_of

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def dense_model(name=None, width=4, units=4, x=None):
    x = keras.Input((width,)) if x is None else x
    return keras.Model(x, L.Dense(units)(L.Dense(5, activation="tanh")(x)), name=name)


def inputs(count=2, width=4):
    return [keras.Input((width,)) for _ in range(count)]


@case
def shared_dense():
    left, right = keras.Input((10,), name="left"), keras.Input((10,), name="right")
    shared = L.Dense(32, activation="relu")
    merged = L.concatenate([shared(left), shared(right)])
    return keras.Model([left, right], L.Dense(1, activation="sigmoid")(merged))


@case
def siamese():
    left, right = keras.Input((28, 28, 1)), keras.Input((28, 28, 1))
    first = L.Conv2D(32, 3, padding="same", activation="relu")
    second = L.Conv2D(64, 3, padding="same", activation="relu")
    towers = [L.Flatten()(second(first(side))) for side in (left, right)]
    return keras.Model([left, right], L.Dense(1, activation="sigmoid")(ops.abs(L.subtract(towers))))


@case
def shared_lstm():
    source, target = keras.Input((10, 20)), keras.Input((8, 20))
    lstm = L.LSTM(64, return_sequences=True, return_state=True)
    _, h, c = lstm(source)
    decoded, _, _ = lstm(target, initial_state=[h, c])
    return keras.Model([source, target], L.Dense(20, activation="softmax")(decoded))


@case
def abab():
    x = keras.Input((4,))
    a, b = L.Dense(4, activation="tanh", name="a"), L.Dense(4, activation="sigmoid", name="b")
    return keras.Model(x, a(b(a(b(x)))))


@case
def other_order():
    """The second call of `early` depends on a later layer; the first is used last."""
    x, y = inputs()
    early, late = L.Dense(4, name="early"), L.Dense(4, name="late")
    first = early(x)
    second = early(late(y))
    third = early(L.add([late(second), x]))
    return keras.Model([x, y], [third, second, first])


@case
def calls_outside():
    """Calls that do not belong to the model: node indices in the file are re-numbered."""
    x, y = inputs()
    shared = L.Dense(4, activation="relu")
    shared(y)
    used = shared(x)
    shared(used)
    return keras.Model(x, L.Dense(2)(shared(L.Dense(4)(used))))


@case
def nested_twice():
    x, y = inputs()
    inner = dense_model("inner")
    return keras.Model([x, y], L.Dense(1)(L.concatenate([inner(x), inner(y)])))


@case
def nested_in_nested():
    x, y = inputs()
    inner = dense_model("inner")
    a = keras.Input((4,))
    middle = keras.Model(a, L.add([inner(a), inner(inner(a))]), name="middle")
    return keras.Model([x, y], [middle(x), inner(middle(y))]), False


@case
def nested_chain():
    """A nested model that feeds itself."""
    x = keras.Input((4,))
    inner = dense_model("inner")
    return keras.Model(x, inner(inner(inner(x))))


@case
def nested_many_in_many_out():
    a, b = inputs()
    total, product = L.add([a, b]), L.multiply([a, b])
    inner = keras.Model([a, b], [L.Dense(3)(total), product, a], name="inner")
    x, y = inputs()
    first, second, third = inner([x, y])
    again = inner([second, third])
    return keras.Model([x, y], [again[0], first, L.concatenate(again[1:])])


@case
def nested_dicts():
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    inner = keras.Model({"a": a, "b": b}, {"sum": L.add([a, b]), "dense": L.Dense(3)(a)}, name="inner")
    x, y = inputs()
    first = inner({"a": x, "b": y})
    second = inner({"a": first["sum"], "b": x})
    return keras.Model([x, y], [second["dense"], second["sum"], first["dense"]])


@case
def sequential_in_functional():
    x, y = inputs()
    block = keras.Sequential([keras.Input((4,)), L.Dense(4, activation="relu"), L.BatchNormalization()], name="block")
    return keras.Model([x, y], L.subtract([block(x), block(block(y))]))


@case
def functional_in_sequential():
    inner = dense_model("inner")
    return keras.Sequential([keras.Input((4,)), L.Dense(4), inner, L.Dense(2), L.Activation("softmax")])


@case
def sequential():
    return keras.Sequential([keras.Input((6, 6, 1)), L.Conv2D(2, 3), L.MaxPooling2D(), L.Flatten(), L.Dense(3)])


@case
def sequential_without_input():
    model = keras.Sequential([L.Dense(4, activation="relu"), L.Dense(2)])
    model.build((None, 3))
    return model


@case
def sequential_in_sequential():
    """Called once: Keras writes a block that a Sequential repeats only once, and such a file does not hold the model."""
    block = keras.Sequential([keras.Input((4,)), L.Dense(5), L.Dense(4)])
    return keras.Sequential([keras.Input((4,)), block, L.ReLU(), L.Dense(1)])


@case
def layer_inside_and_outside():
    """A layer of a nested model that the outer model calls too."""
    x, y = inputs()
    shared = L.Dense(4, activation="tanh", name="shared")
    a = keras.Input((4,))
    inner = keras.Model(a, L.Dense(4)(shared(a)), name="inner")
    return keras.Model([x, y], [inner(x), shared(y)]), False


@case
def layer_in_two_nested_models():
    """Keras saves this one and cannot open it again."""
    x, y = inputs()
    shared = L.Dense(4, name="shared")
    a, b = inputs()
    first = keras.Model(a, L.Dense(3, name="first_dense")(shared(a)), name="first")
    second = keras.Model(b, shared(L.Dense(4, name="second_dense")(b)), name="second")
    return keras.Model([x, y], [first(x), second(y)]), False


@case
def model_in_two_nested_models():
    x, y = inputs()
    common = dense_model("common")
    a, b = inputs()
    first = keras.Model(a, common(L.Dense(4)(a)), name="first")
    second = keras.Model(b, L.Dense(2)(common(common(b))), name="second")
    return keras.Model([x, y], [first(x), second(first(y))]), False


@case
def extractor():
    """A sub-model that ends at intermediate tensors."""
    x, y = inputs()
    hidden = L.Dense(5, activation="relu")(L.concatenate([x, y]))
    keras.Model([x, y], L.Dense(1)(hidden))
    return keras.Model([x, y], [hidden, L.Dense(3)(hidden)])


@case
def from_intermediate():
    """A sub-model that starts at an intermediate tensor, inside the model it was cut from."""
    x = keras.Input((4,))
    hidden = L.Dense(5, activation="relu")(x)
    end = L.Dense(2)(L.Dense(5, activation="tanh")(hidden))
    tail = keras.Model(hidden, end, name="tail")
    y = keras.Input((4,))
    return keras.Model([x, y], [end, tail(L.Dense(5)(y))]), False


@case
def tail_alone():
    x = keras.Input((4,))
    hidden = L.Dense(5, activation="relu")(x)
    return keras.Model(hidden, L.Dense(2)(L.Dense(5, activation="tanh")(hidden)))


@case
def inputs_dict():
    tensors = {"zebra": keras.Input((3,), name="zebra"), "ant": keras.Input((2,), name="ant")}
    return keras.Model(tensors, {"z": L.Dense(2)(tensors["zebra"]), "a": L.concatenate(list(tensors.values()))})


@case
def inputs_tuple():
    x, y = inputs()
    return keras.Model((x, y), (L.add([x, y]), L.Dense(2)(x)))


@case
def inputs_nested():
    x, y, z = (keras.Input((3,), name=n) for n in "xyz")
    outputs = {"pair": [L.add([x, y]), L.Dense(2)(z)], "one": L.multiply([y, z])}
    return keras.Model({"first": [x, y], "second": z}, outputs)


@case
def inputs_one_in_list():
    x = keras.Input((4,))
    return keras.Model([x], [L.Dense(2)(x)])


@case
def inputs_integer():
    ids, flags, x = keras.Input((4,), dtype="int32"), keras.Input((4,), dtype="bool"), keras.Input((4,))
    embedded = L.Flatten()(L.Embedding(5, 2)(ids))
    return keras.Model([ids, flags, x], [L.Dense(2)(embedded), L.Dense(2)(ids), ops.where(flags, x, -x)])


@case
def inputs_unused():
    x, y, z = inputs(3)
    return keras.Model([x, y, z], L.Dense(2)(z))


@case
def inputs_pass_through():
    x, y = inputs()
    return keras.Model([x, y], [y, L.Dense(2)(x), x])


@case
def outputs_duplicate():
    x = keras.Input((4,))
    y = L.Dense(2)(x)
    return keras.Model(x, [y, y, L.Dense(2)(y), y])


@case
def explicit_names():
    """Explicit names that look like automatic ones, spaces, other alphabets."""
    x = keras.Input((4,), name="input_layer_3")
    y = L.Dense(4, name="dense_1")(x)
    y = L.Dense(4, name="dense")(y)
    y = L.Dense(4, name="übergang 2")(y)
    return keras.Model(x, L.Dense(2, name="dense_7")(y), name="a model")


@case
def keyword_tensors():
    query, value, key = keras.Input((5, 4)), keras.Input((3, 6)), keras.Input((3, 2))
    mask = keras.Input((5, 3), dtype="bool")
    first = L.MultiHeadAttention(2, 3)(query=query, value=value, key=key, attention_mask=mask)
    second = L.MultiHeadAttention(2, 2, output_shape=6, use_bias=False)(query, value, use_causal_mask=True)
    return keras.Model([query, value, key, mask], [first, second])


@case
def attention_scores():
    query, value = keras.Input((5, 4)), keras.Input((3, 4))
    layer = L.MultiHeadAttention(2, 3, value_dim=2)
    first, first_scores = layer(query, value, return_attention_scores=True)
    second, second_scores = layer(first, value, return_attention_scores=True)
    return keras.Model([query, value], [first, first_scores, second, second_scores])


@case
def attention_masked():
    """MultiHeadAttention deletes the masks of the tensors that it is called on, so the other layers have their own."""
    ids, others = keras.Input((5,), dtype="int32"), keras.Input((4,), dtype="int32")
    embedding = L.Embedding(6, 4, mask_zero=True)
    pair = lambda: [embedding(ids), embedding(others)]
    heads = L.MultiHeadAttention(2, 2)(*pair())
    attended = [heads, L.Attention()(pair()), L.AdditiveAttention()(pair())]
    data = [np.array([[1, 2, 0, 0, 0], [3, 1, 4, 0, 5], [2, 2, 2, 2, 2]], "int32"), np.array([[1, 0, 0, 0], [5, 4, 0, 2], [1, 2, 3, 4]], "int32")]
    used = [L.GRU(2)(L.Attention()(pair())), L.GlobalAveragePooling1D()(L.AdditiveAttention()(pair()))]
    return keras.Model([ids, others], [*attended, L.GlobalAveragePooling1D()(heads), *used]), True, data


@case
def attention_mask_arguments():
    """Without `query_mask` for MultiHeadAttention, which puts the tensor's own mask in its place."""
    query, value, key = keras.Input((5, 4)), keras.Input((3, 4)), keras.Input((3, 2))
    query_mask, value_mask, key_mask = (keras.Input((n,), dtype="bool") for n in (5, 3, 3))
    pairs = keras.Input((5, 3), dtype="bool")
    dot = L.Attention()([query, value], mask=[query_mask, value_mask])
    additive = L.AdditiveAttention()([query, value], mask=[query_mask, value_mask])
    heads = L.MultiHeadAttention(2, 2)(query, value, value_mask=value_mask)
    all_masks = L.MultiHeadAttention(2, 2)(query, value, key, value_mask=value_mask, key_mask=key_mask, attention_mask=pairs)
    rng = rng_of("mask arguments")
    data = [rng.standard_normal((BATCH, *shape)).astype("float32") for shape in ((5, 4), (3, 4), (3, 2))]
    data += [np.array([[1, 1, 0, 0, 0], [1, 0, 1, 0, 1], [1, 1, 1, 1, 1]], bool), np.array([[1, 0, 0], [1, 1, 1], [0, 1, 1]], bool)]
    data += [np.array([[1, 1, 1], [1, 1, 0], [0, 1, 0]], bool), rng.integers(0, 2, (BATCH, 5, 3)).astype(bool)]
    inputs = [query, value, key, query_mask, value_mask, key_mask, pairs]
    return keras.Model(inputs, [dot, additive, heads, all_masks]), True, data


@case
def masks_merged():
    """Masks through merging layers, pass-through layers and layers that end them."""
    x, y = keras.Input((5, 3)), keras.Input((5, 3))
    a, b = L.Masking()(x), L.Masking(mask_value=1.0)(y)
    added, joined = L.add([a, b]), L.concatenate([a, b])
    along = L.concatenate([a, y], axis=1)
    normal = L.BatchNormalization()(L.Dropout(0.2)(L.LayerNormalization()(a)))
    ended = L.Conv1D(2, 2)(b)
    outputs = [L.LSTM(2)(t) for t in (added, joined, along, normal, ended)]
    rng = rng_of("masks merged")
    data = [rng.standard_normal((BATCH, 5, 3)).astype("float32") for _ in range(2)]
    data[0][0, 2:] = data[0][1, 1] = 0
    data[1][1, 3:] = data[1][2, 0] = 1
    return keras.Model([x, y], [*outputs, L.GlobalAveragePooling1D()(normal)]), True, data


@case
def mask_argument():
    """A mask given by the user, computed by operators."""
    x = keras.Input((5, 3))
    keep = x[:, :, 0] > 0
    return keras.Model(x, [L.LSTM(2)(x, mask=keep), L.GlobalAveragePooling1D()(x, mask=keep), L.Softmax()(x, mask=x > 0)])


@case
def mask_into_nested():
    ids = keras.Input((5,), dtype="int32")
    x = keras.Input((5, 3))
    inner = keras.Model(x, L.LSTM(2)(x), name="inner")
    data = [np.array([[1, 2, 0, 0, 0], [3, 1, 4, 0, 5], [2, 2, 2, 2, 2]], "int32")]
    return keras.Model(ids, inner(L.Embedding(6, 3, mask_zero=True)(ids))), True, data


@case
def training_argument():
    """Flags that were given at the call."""
    x = keras.Input((4,))
    y = L.BatchNormalization()(L.Dropout(0.5)(x, training=False), training=False)
    return keras.Model(x, L.Dense(2)(y))


@case
def frozen_parts():
    x = keras.Input((4,))
    inner = dense_model("inner")
    inner.trainable = False
    frozen = L.BatchNormalization(trainable=False)
    return keras.Model(x, L.Dense(2)(frozen(inner(x))))


@case
def shared_batch_normalization():
    x, y = inputs()
    norm = L.BatchNormalization()
    return keras.Model([x, y], [norm(x), norm(L.Dense(4)(norm(y)))])


@case
def mixed_types():
    x = keras.Input((4,))
    half = L.Dense(4, dtype="float16", activation="relu")(x)
    return keras.Model(x, L.Dense(2, dtype="float32")(half))


@case
def deep_nesting():
    x = keras.Input((3,))
    model = keras.Model(x, L.Dense(3)(x), name="level0")
    for level in range(1, 5):
        x = keras.Input((3,))
        model = keras.Model(x, L.add([model(x), model(L.Dense(3)(x))]), name=f"level{level}")
    return model


@case
def resnet():
    x = keras.Input((8, 8, 2))
    y = L.ReLU()(L.BatchNormalization()(L.Conv2D(4, 3, padding="same", use_bias=False)(x)))
    for _ in range(2):
        z = L.BatchNormalization()(L.Conv2D(4, 3, padding="same")(y))
        y = L.ReLU()(L.add([y, z]))
    return keras.Model(x, L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D()(y)))


@case
def transformer():
    ids = keras.Input((6,), dtype="int32")
    x = L.Embedding(5, 4)(ids)
    x = L.LayerNormalization()(L.add([x, L.MultiHeadAttention(2, 2)(x, x)]))
    hidden = L.Dense(4)(L.Dense(8, activation="gelu")(x))
    x = L.LayerNormalization()(L.add([x, hidden]))
    return keras.Model(ids, L.Dense(3, activation="softmax")(L.GlobalAveragePooling1D()(x)))


def adjusted(zoo):
    """Inputs whose rank is off by one in the last axis: (N,) for (N, 1), and (N, 4, 1) for (N, 4)."""
    rng = rng_of("adjusted")
    x, y = keras.Input((1,)), keras.Input((4,))
    model = keras.Model([x, y], L.Dense(2)(L.concatenate([x, y])))
    arrays = [rng.standard_normal(s).astype("float32") for s in ((BATCH,), (BATCH, 4, 1))]
    zoo.add("graph_adjusted_ranks", model, arrays)


def build(zoo):
    for name, function in CASES.items():
        if not zoo.wants(f"graph_{name}"):
            continue
        keras.utils.clear_session(free_memory=False)
        made = function()
        model, reloads, arrays = (*made, None)[:3] if isinstance(made, tuple) else (made, True, None)
        zoo.add(f"graph_{name}", model, arrays, keras_reloads=reloads)
    if zoo.wants("graph_adjusted_ranks"):
        adjusted(zoo)
