"""Cases of layers: one call of a layer with weights, outputs, masks and gradients."""

import zlib

from golden import (
    Store, clean, config_of, get_mask, is_float, jax, jnp, keras, np, random_weight, relative,
    set_mask, write_json,
)

L = keras.layers
store = Store()
cases = []


class Masked:
    """A call argument that carries a Keras mask."""

    def __init__(self, value, mask):
        self.value, self.mask = value, np.asarray(mask, dtype=bool)


def is_leaf(x):
    return isinstance(x, (np.ndarray, Masked))


def walk(x, visit):
    """Rebuilds a call argument with `visit` applied to its tensor leaves."""
    if is_leaf(x):
        return visit(x)
    if isinstance(x, (list, tuple)):
        return [walk(v, visit) for v in x]
    if isinstance(x, dict):
        return {k: walk(v, visit) for k, v in x.items()}
    return x


# Keras fills in a carried mask only for calls with one tensor argument.
MASK_DROPPED = "the mask that the input carries is not used, as initial_state is a second tensor argument"


def case(name, make, inputs, *rest, training=False, defect=None, **kwargs):
    """Records one call `make()(inputs, *rest, **kwargs)`: weights, outputs, masks, gradients."""
    keras.utils.clear_session()
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    layer = make()
    leaves = []

    def describe(leaf):
        value = leaf.value if isinstance(leaf, Masked) else leaf
        i = len(leaves)
        entry = {"array": store.put(f"{name}/in{i}", value), "dtype": str(value.dtype), "grad": None}
        if isinstance(leaf, Masked):
            entry["mask"] = store.put(f"{name}/in{i}_mask", leaf.mask)
        leaves.append((value, leaf.mask if isinstance(leaf, Masked) else None, entry))
        return entry

    call = walk([inputs, list(rest), kwargs], describe)

    def arguments(values):
        feed = iter(zip(values, leaves))

        def bind(_):
            value, (_, mask, _) = next(feed)
            return value if mask is None else set_mask(value, jnp.asarray(mask))

        return walk([inputs, list(rest), kwargs], bind)

    takes_training = layer._call_has_training_arg

    def run(values):
        first, others, named = arguments(values)
        if takes_training:
            named["training"] = training
        return layer(first, *others, **named)

    constants = [jnp.array(v) for v, _, _ in leaves]
    run(constants)
    for w in layer.weights:
        w.assign(random_weight(rng, w))
    if isinstance(layer, L.Normalization):
        layer.finalize_state()  # it computes with copies of its weights
    initial = [np.asarray(w.value) for w in layer.weights]
    trainable = [np.asarray(w.value) for w in layer.trainable_variables]
    frozen = [np.asarray(w.value) for w in layer.non_trainable_variables]

    fresh = [jnp.array(v) for v, _, _ in leaves]
    outputs = run(fresh)
    flat = keras.tree.flatten(outputs)
    mask = get_mask(flat[0])
    updated = [np.asarray(w.value) for w in layer.weights]
    cotangents = [
        rng.standard_normal(o.shape).astype(np.float32) if is_float(o) else None for o in flat
    ]
    float_at = [i for i, (v, _, _) in enumerate(leaves) if is_float(v)]

    def loss(weights, floats):
        values = [jnp.array(v) for v, _, _ in leaves]
        for i, v in zip(float_at, floats):
            # A fresh tracer for each use, as a mask sticks to the tensor object.
            values[i] = v * 1
        # `stateless_call` would skip `__call__`, and with it the masks that the inputs carry.
        state = list(zip(layer.trainable_variables, weights))
        state += [(v, jnp.array(w)) for v, w in zip(layer.non_trainable_variables, frozen)]
        with keras.StatelessScope(state_mapping=state):
            out = run(values)
        flat_out = keras.tree.flatten(out)
        return sum((jnp.sum(o * c) for o, c in zip(flat_out, cotangents) if c is not None), jnp.float32(0))

    value, (weight_grads, input_grads) = jax.value_and_grad(loss, argnums=(0, 1))(
        [jnp.array(w) for w in trainable], [jnp.array(leaves[i][0]) for i in float_at]
    )
    direct = sum(np.sum(np.asarray(o) * c) for o, c in zip(flat, cotangents) if c is not None)
    scale = sum(np.sum(np.abs(np.asarray(o) * c)) for o, c in zip(flat, cotangents) if c is not None)
    assert abs(value - direct) <= 1e-5 * scale, f"{name}: the differentiated call is another call"
    for i, g in zip(float_at, input_grads):
        assert np.all(np.isfinite(g)), name
        leaves[i][2]["grad"] = store.put(f"{name}/in{i}_grad", g)

    trainable_ids = {id(w) for w in layer.trainable_variables}
    entry = {
        "name": name,
        "class_name": keras.saving.serialize_keras_object(layer)["class_name"],
        "config": config_of(layer),
        "inputs": call[0],
        "args_rest": call[1],
        "kwargs": clean(call[2]),
        "training": training,
        "weights": [
            {
                "path": relative(w.path),
                "array": store.put(f"{name}/w{i}", v),
                "trainable": id(w) in trainable_ids,
            }
            for i, (w, v) in enumerate(zip(layer.weights, initial))
        ],
        "outputs": [store.put(f"{name}/out{i}", o) for i, o in enumerate(flat)],
        "cotangents": [
            None if c is None else store.put(f"{name}/cot{i}", c) for i, c in enumerate(cotangents)
        ],
        "input_grads": [e["grad"] for _, _, e in leaves],
        "weight_grads": [store.put(f"{name}/wg{i}", g) for i, g in enumerate(weight_grads)],
    }
    if any(not np.array_equal(a, b) for a, b in zip(initial, updated)):
        entry["updated_weights"] = [store.put(f"{name}/upd{i}", v) for i, v in enumerate(updated)]
    if defect:
        entry["keras_defect"] = defect
    if mask is not None:
        entry["output_mask"] = store.put(f"{name}/out_mask", mask)
    for o in flat:
        assert np.all(np.isfinite(np.asarray(o))), name
    cases.append(entry)


def x(*shape, seed=0, scale=1.0):
    rng = np.random.default_rng([seed, *shape])
    return (rng.standard_normal(shape) * scale).astype(np.float32)


def ints(*shape, high, seed=0):
    return np.random.default_rng([seed, *shape]).integers(0, high, shape).astype(np.int32)


# Rows: all steps, padding at the end, padding at the start with a hole, one step only.
MASK5 = np.array(
    [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [0, 1, 0, 1, 1], [0, 0, 1, 0, 0]], dtype=bool
)


def save(name):
    store.save(f"{name}.npz")
    write_json(f"{name}.json", cases)
    print(len(cases), "layer cases,", len(store.arrays), "arrays")
