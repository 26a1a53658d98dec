"""Names, orders and summaries of functional graphs as Keras makes them: writes structure.json.

    pip install keras==3.15.1 jax h5py
    KERAS_BACKEND=jax python make_structure.py

Graphs are lists of steps in a small neutral language (see README.md), from which another implementation can rebuild
them. The interpreter of the language is `build` below.
"""

import os
import random

from golden import keras, np, write_json

L = keras.layers

# The graph language -----------------------------------------------------------------------------

OPERATORS = {
    "add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b,
    "abs": lambda a: abs(a), "negative": lambda a: -a, "square": lambda a: keras.ops.square(a),
    "relu": lambda a: keras.ops.relu(a), "scale": lambda a: a * 2.0,
}


def build(steps):
    """Runs the steps in a fresh session; returns the tensors and layers by id, and the model ids in order."""
    keras.utils.clear_session()
    tensors, layers, models = {}, {}, []

    def bind(outputs, result):
        flat = keras.tree.flatten(result)
        assert len(flat) == len(outputs), (outputs, len(flat))
        tensors.update(zip(outputs, flat))

    for s in steps:
        kind = s["op"]
        if kind == "input":
            tensors[s["id"]] = keras.Input(tuple(s["shape"]), name=s.get("name"), dtype=s.get("dtype"))
        elif kind == "layer":
            config = dict(s["config"])
            if "wrapped" in s:
                layers[s["id"]] = getattr(L, s["class"])(layers[s["wrapped"]], **config)
            else:
                layers[s["id"]] = getattr(L, s["class"])(**config)
        elif kind == "call":
            args = [tensors[t] for t in s["inputs"]]
            extra = {}
            if "initial_state" in s:
                extra["initial_state"] = [tensors[t] for t in s["initial_state"]]
            as_list = s.get("list", False)
            result = layers[s["layer"]](args, **extra) if as_list else layers[s["layer"]](*args, **extra)
            bind(s["outputs"], result)
        elif kind == "operator":
            bind(s["outputs"], OPERATORS[s["kind"]](*[tensors[t] for t in s["inputs"]]))
        elif kind == "model":
            one = lambda ids: tensors[ids[0]] if len(ids) == 1 else [tensors[t] for t in ids]
            layers[s["id"]] = keras.Model(one(s["inputs"]), one(s["outputs"]), name=s.get("name"))
            models.append(s["id"])
        elif kind == "sequential":
            layers[s["id"]] = keras.Sequential([layers[l] for l in s["layers"]], name=s.get("name"))
            models.append(s["id"])
        elif kind == "trainable":
            layers[s["layer"]].trainable = s["value"]
        else:
            raise ValueError(kind)
    return tensors, layers, models


def history(tensor):
    h = tensor._keras_history
    return [h.operation.name, h.node_index, h.tensor_index]


def describe(model):
    """What another implementation has to agree with."""
    common = {
        "name": model.name,
        "layers": [l.name for l in model.layers],
        "weights": [w.path for w in model.weights],
        "trainable_weights": [w.path for w in model.trainable_weights],
        "non_trainable_weights": [w.path for w in model.non_trainable_weights],
        "parameters": model.count_params(),
    }
    if isinstance(model, keras.Sequential):
        return common
    own = {id(n) for nodes in model._nodes_by_depth.values() for n in nodes}
    depth_of = {id(n): d for d, nodes in model._nodes_by_depth.items() for n in nodes}
    operations = []
    for op in model._operations:
        calls = []
        for index, node in enumerate(op._inbound_nodes):
            if id(node) in own:
                calls.append({
                    "node": index,
                    "depth": depth_of[id(node)],
                    "inputs": [history(t) for t in node.input_tensors],
                    "output_shapes": [list(t.shape) for t in node.outputs],
                })
        operations.append({
            "name": op.name, "class_name": type(op).__name__, "is_layer": isinstance(op, keras.Layer), "calls": calls,
        })
    return common | {
        "operations": operations,
        "inputs": [history(t) for t in model.inputs],
        "outputs": [history(t) for t in model.outputs],
        "output_names": list(model.output_names),
    }


class Graph:
    """Writes steps with little noise."""

    def __init__(self):
        self.steps, self.counter = [], 0

    def fresh(self, prefix):
        self.counter += 1
        return f"{prefix}{self.counter}"

    def input(self, *shape, name=None, dtype=None):
        step = {"op": "input", "id": self.fresh("t"), "shape": list(shape)}
        if name:
            step["name"] = name
        if dtype:
            step["dtype"] = dtype
        self.steps.append(step)
        return step["id"]

    def layer(self, cls, wrapped=None, **config):
        step = {"op": "layer", "id": self.fresh("l"), "class": cls, "config": config}
        if wrapped:
            step["wrapped"] = wrapped
        self.steps.append(step)
        return step["id"]

    def call(self, layer, *inputs, outputs=1, initial_state=None, as_list=False):
        ids = [self.fresh("t") for _ in range(outputs)]
        step = {"op": "call", "layer": layer, "inputs": list(inputs), "outputs": ids}
        if as_list:
            step["list"] = True
        if initial_state:
            step["initial_state"] = list(initial_state)
        self.steps.append(step)
        return ids[0] if outputs == 1 else ids

    def merge(self, cls, *inputs, **config):
        return self.call(self.layer(cls, **config), *inputs, as_list=True)

    def dense(self, units, x, **config):
        return self.call(self.layer("Dense", units=units, **config), x)

    def op(self, kind, *inputs):
        out = self.fresh("t")
        self.steps.append({"op": "operator", "kind": kind, "inputs": list(inputs), "outputs": [out]})
        return out

    def model(self, inputs, outputs, name=None):
        as_ids = lambda v: list(v) if isinstance(v, (list, tuple)) else [v]
        step = {"op": "model", "id": self.fresh("m"), "inputs": as_ids(inputs), "outputs": as_ids(outputs)}
        if name:
            step["name"] = name
        self.steps.append(step)
        return step["id"]

    def sequential(self, layers, name=None):
        step = {"op": "sequential", "id": self.fresh("m"), "layers": list(layers)}
        if name:
            step["name"] = name
        self.steps.append(step)
        return step["id"]

    def trainable(self, layer, value):
        self.steps.append({"op": "trainable", "layer": layer, "value": value})


# Handmade graphs --------------------------------------------------------------------------------

HANDMADE = {}


def graph(fn):
    HANDMADE[fn.__name__] = fn
    return fn


@graph
def chain(g):
    i = g.input(4)
    g.model(i, g.dense(2, g.dense(3, i)))


@graph
def shared_dense(g):
    a, b = g.input(10, name="input_a"), g.input(10, name="input_b")
    d = g.layer("Dense", units=32, activation="relu")
    g.model([a, b], g.dense(1, g.merge("Concatenate", g.call(d, a), g.call(d, b)), activation="sigmoid"))


@graph
def siamese(g):
    a, b = g.input(28, 28, 1), g.input(28, 28, 1)
    one = g.layer("Conv2D", filters=32, kernel_size=3, activation="relu", padding="same")
    two = g.layer("Conv2D", filters=64, kernel_size=3, activation="relu", padding="same")
    left = g.call(g.layer("Flatten"), g.call(two, g.call(one, a)))
    right = g.call(g.layer("Flatten"), g.call(two, g.call(one, b)))
    g.model([a, b], g.dense(1, g.op("abs", g.merge("Subtract", left, right)), activation="sigmoid"))


@graph
def seq2seq(g):
    e, d = g.input(10, 20, name="encoder_in"), g.input(8, 20, name="decoder_in")
    lstm = g.layer("LSTM", units=64, return_sequences=True, return_state=True)
    _, h, c = g.call(lstm, e, outputs=3)
    y, _, _ = g.call(lstm, d, outputs=3, initial_state=[h, c])
    g.model([e, d], g.dense(20, y, activation="softmax"))


@graph
def diamond(g):
    i = g.input(4)
    h = g.dense(4, i)
    g.model(i, g.merge("Add", g.dense(4, h), g.dense(4, h), h))


@graph
def sharing_across_depths(g):
    i = g.input(4)
    d = g.layer("Dense", units=4)
    x = g.call(d, i)
    y = g.call(d, g.dense(4, x))
    g.model(i, g.merge("Add", x, y))


@graph
def abab(g):
    i = g.input(4)
    a, b = g.layer("Dense", units=4, name="A"), g.layer("Dense", units=4, name="B")
    g.model(i, g.call(a, g.call(b, g.call(a, g.call(b, i)))))


@graph
def outputs_at_different_depths(g):
    a, b = g.input(4, name="a"), g.input(3, name="b")
    h = g.dense(5, a)
    k = g.merge("Concatenate", h, b)
    g.model([a, b], [h, g.dense(2, k), k])


@graph
def input_order_against_use(g):
    a, b, c = g.input(4, name="a"), g.input(4, name="b"), g.input(4, name="c")
    g.model([a, b, c], g.merge("Concatenate", g.dense(2, c), g.dense(3, a), b))


@graph
def unused_input(g):
    a, b = g.input(4), g.input(4)
    g.model([a, b], g.dense(2, b))


@graph
def unused_branch(g):
    i = g.input(4)
    h = g.dense(4, i)
    g.dense(7, h)
    g.model(i, g.dense(2, h))


@graph
def calls_outside_the_model(g):
    a, b = g.input(4), g.input(4)
    d = g.layer("Dense", units=4)
    g.call(d, a)
    g.model(b, g.dense(2, g.call(d, b)))


@graph
def output_is_input(g):
    i = g.input(4)
    g.model(i, [i, g.dense(2, i)])


@graph
def same_output_twice(g):
    i = g.input(4)
    y = g.dense(2, i)
    g.model(i, [y, y])


@graph
def operators(g):
    a, b = g.input(4), g.input(4)
    s = g.op("add", a, b)
    t = g.op("add", s, g.op("scale", g.op("negative", b)))
    g.model([a, b], g.dense(2, g.merge("Add", t, g.op("square", g.op("relu", s)))))


@graph
def late_input(g):
    a = g.input(4, name="a")
    h = g.dense(4, g.dense(4, g.dense(4, a)))
    b = g.input(4, name="b")
    g.model([a, b], g.dense(1, g.merge("Multiply", h, b)))


@graph
def nested(g):
    i = g.input(4, name="inner_in")
    inner = g.model(i, g.dense(3, g.dense(5, i)), name="inner")
    a, b = g.input(4), g.input(4)
    g.model([a, b], g.dense(1, g.merge("Subtract", g.call(inner, a), g.call(inner, b))))


@graph
def nested_two_inputs_two_outputs(g):
    p, q = g.input(4), g.input(3)
    h = g.merge("Concatenate", p, q)
    inner = g.model([p, q], [g.dense(2, h), g.dense(3, h)])
    a, b = g.input(4), g.input(3)
    y, z = g.call(inner, a, b, outputs=2, as_list=True)
    g.model([b, a], [g.dense(1, z), y])


@graph
def nested_twice(g):
    i = g.input(4)
    inner = g.model(i, g.dense(4, i), name="inner")
    j = g.input(4)
    outer = g.model(j, g.dense(4, g.call(inner, g.call(inner, j))), name="outer")
    k = g.input(4)
    g.model(k, g.merge("Add", g.call(outer, k), g.call(inner, k)))


@graph
def submodel_shares_layers(g):
    a, b = g.input(4), g.input(4)
    d = g.layer("Dense", units=6)
    h = g.merge("Concatenate", g.call(d, a), g.call(d, b))
    z = g.dense(3, h)
    g.model([a, b], g.dense(1, z))
    g.model([a, b], [h, z])


@graph
def submodel_from_intermediate(g):
    i = g.input(4)
    h = g.dense(6, i, name="encode")
    z = g.dense(3, h, name="middle")
    o = g.dense(2, z, name="decode")
    g.model(i, o)
    g.model(h, o)


@graph
def sequential(g):
    layers = [g.layer("Dense", units=5, activation="relu"), g.layer("Dropout", rate=0.5), g.layer("Dense", units=2)]
    s = g.sequential(layers)
    i = g.input(4)
    g.model(i, g.call(s, i))


@graph
def frozen(g):
    i = g.input(4)
    d = g.layer("Dense", units=4)
    n = g.layer("BatchNormalization")
    h = g.call(n, g.call(d, i))
    g.trainable(d, False)
    g.model(i, g.dense(2, h))


@graph
def batch_norm_shared(g):
    a, b = g.input(4), g.input(4)
    n = g.layer("BatchNormalization")
    g.model([a, b], g.merge("Maximum", g.call(n, a), g.call(n, b)))


@graph
def bidirectional(g):
    i = g.input(5, 3)
    inner = g.layer("LSTM", units=4, return_sequences=True)
    h = g.call(g.layer("Bidirectional", wrapped=inner), i)
    h = g.call(g.layer("TimeDistributed", wrapped=g.layer("Dense", units=2)), h)
    g.model(i, g.call(g.layer("GRU", units=3), h))


@graph
def attention(g):
    i = g.input(6, dtype="int32")
    h = g.call(g.layer("Embedding", input_dim=10, output_dim=8), i)
    a = g.call(g.layer("MultiHeadAttention", num_heads=2, key_dim=4), h, h)
    h = g.call(g.layer("LayerNormalization"), g.merge("Add", h, a))
    g.model(i, g.dense(3, g.call(g.layer("GlobalAveragePooling1D"), h)))


@graph
def named_and_automatic(g):
    i = g.input(4)
    h = g.dense(4, g.dense(4, g.dense(4, i), name="dense_5"))
    g.model(i, g.dense(2, h, name="answer"), name="named")


@graph
def residual_blocks(g):
    i = g.input(8, 8, 3)
    x = g.call(g.layer("Conv2D", filters=4, kernel_size=3, padding="same"), i)
    for _ in range(2):
        y = g.call(g.layer("Conv2D", filters=4, kernel_size=3, padding="same"), x)
        y = g.call(g.layer("ReLU"), g.call(g.layer("BatchNormalization"), y))
        x = g.merge("Add", x, y)
    g.model(i, g.dense(10, g.call(g.layer("GlobalAveragePooling2D"), x), activation="softmax"))


# Random graphs ----------------------------------------------------------------------------------

WIDTH = 4
RANDOM_GRAPHS = 40


def random_graph(seed):
    """Shared layers, merges, operators and nested models over tensors of width 4."""
    r, g = random.Random(seed), Graph()
    inners = []
    for _ in range(r.choice([0, 0, 1, 2])):
        i = g.input(WIDTH)
        shared = g.layer("Dense", units=WIDTH)
        x = g.call(shared, i)
        if r.random() < 0.5:
            x = g.call(shared, x)
        if inners and r.random() < 0.5:
            x = g.call(r.choice(inners), x)
        inners.append(g.model(i, g.op("relu", x)))
    inputs = [g.input(WIDTH) for _ in range(r.randint(1, 3))]
    pool, shared = list(inputs), []
    for _ in range(r.randint(4, 16)):
        kind = r.random()
        # Later tensors are likelier, so that graphs become deep.
        pick = lambda: pool[max(r.randrange(len(pool)), r.randrange(len(pool)))]
        if kind < 0.25 or not shared:
            shared.append(g.layer(*[r.choice(["Dense", "Dense", "BatchNormalization"])]))
            if g.steps[-1]["class"] == "Dense":
                g.steps[-1]["config"] = {"units": WIDTH}
            pool.append(g.call(shared[-1], pick()))
        elif kind < 0.55:
            pool.append(g.call(r.choice(shared), pick()))
        elif kind < 0.75:
            parts = [pick() for _ in range(r.randint(2, 3))]
            pool.append(g.merge(r.choice(["Add", "Multiply", "Maximum"]), *parts))
        elif kind < 0.85:
            pool.append(g.dense(WIDTH, g.merge("Concatenate", pick(), pick())))
        elif kind < 0.93 or not inners:
            name = r.choice(["add", "multiply", "abs"])
            pool.append(g.op(name, pick()) if name == "abs" else g.op(name, pick(), pick()))
        else:
            pool.append(g.call(r.choice(inners), pick()))
    made = pool[len(inputs):]
    outputs = list(dict.fromkeys([made[-1]] + [r.choice(made) for _ in range(r.choice([0, 0, 1, 2]))]))
    g.model(inputs, outputs)
    return g.steps


def graphs():
    cases = []

    def add(name, steps):
        _, layers, models = build(steps)
        cases.append({"name": name, "steps": steps, "models": {m: describe(layers[m]) for m in models}})

    for name, fn in HANDMADE.items():
        g = Graph()
        fn(g)
        add(name, g.steps)
    for seed in range(RANDOM_GRAPHS):
        add(f"random_{seed}", random_graph(seed))
    return cases


# Names ------------------------------------------------------------------------------------------

MINIMAL = {
    "Dense": {"units": 2}, "Conv1D": {"filters": 2, "kernel_size": 2}, "Conv2D": {"filters": 2, "kernel_size": 2},
    "DepthwiseConv2D": {"kernel_size": 2}, "MaxPooling1D": {}, "MaxPooling2D": {}, "AveragePooling1D": {"pool_size": 2}, "AveragePooling2D": {"pool_size": 2},
    "GlobalAveragePooling1D": {}, "GlobalAveragePooling2D": {}, "GlobalMaxPooling1D": {}, "GlobalMaxPooling2D": {}, "Flatten": {},
    "Reshape": {"target_shape": [2]}, "Permute": {"dims": [1]}, "RepeatVector": {"n": 2}, "Dropout": {"rate": 0.5},
    "SpatialDropout1D": {"rate": 0.5}, "SpatialDropout2D": {"rate": 0.5}, "BatchNormalization": {}, "LayerNormalization": {},
    "Embedding": {"input_dim": 2, "output_dim": 2}, "Masking": {}, "LSTM": {"units": 2}, "GRU": {"units": 2}, "SimpleRNN": {"units": 2},
    "Add": {}, "Subtract": {}, "Multiply": {}, "Average": {}, "Maximum": {}, "Minimum": {}, "Concatenate": {}, "Dot": {"axes": 1},
    "Activation": {"activation": "relu"}, "ReLU": {}, "LeakyReLU": {}, "PReLU": {}, "ELU": {}, "Softmax": {}, "Rescaling": {"scale": 2.0},
    "MultiHeadAttention": {"num_heads": 1, "key_dim": 2},
}


def names():
    cases = []

    def sequence(label, created):
        """`created`: (class, name or None) in order; records the name that each layer gets."""
        keras.utils.clear_session()
        rows = []
        for cls, name in created:
            config = dict(MINIMAL[cls])
            if name:
                config["name"] = name
            layer = getattr(L, cls)(**config)
            rows.append({"class": cls, "config": config, "name": layer.name})
        cases.append({"label": label, "layers": rows})

    sequence("every class once", [(c, None) for c in MINIMAL])
    sequence("every class twice", [(c, None) for c in MINIMAL for _ in range(2)])
    sequence("counters are per class", [("Dense", None), ("Conv2D", None), ("Dense", None), ("Conv2D", None), ("Dense", None)])
    sequence("explicit names do not count", [("Dense", None), ("Dense", "dense_1"), ("Dense", None), ("Dense", "x"), ("Dense", None), ("Dense", "dense_7"), ("Dense", None)])
    keras.utils.clear_session()
    rows = []
    for cls in ["LSTM", "GRU", "SimpleRNN"]:
        inner = getattr(L, cls)(2)
        wrapper = L.Bidirectional(inner)
        rows.append({"class": "Bidirectional", "wrapped": cls, "inner": inner.name, "name": wrapper.name, "children": [wrapper.forward_layer.name, wrapper.backward_layer.name]})
    inner = L.Dense(2)
    rows.append({"class": "TimeDistributed", "wrapped": "Dense", "inner": inner.name, "name": L.TimeDistributed(inner).name, "children": []})
    cases.append({"label": "wrappers", "layers": rows})
    return cases


# Summaries --------------------------------------------------------------------------------------


def summary_graphs():
    out = {}
    for name in ["shared_dense", "siamese", "seq2seq", "nested", "nested_twice", "sequential", "frozen", "chain", "operators", "attention", "bidirectional", "batch_norm_shared"]:
        g = Graph()
        HANDMADE[name](g)
        out[name] = g.steps
    g = Graph()
    g.sequential([g.layer("Dense", units=5), g.layer("Dense", units=1)], name="unbuilt")
    out["sequential_unbuilt"] = g.steps
    g = Graph()
    i = g.input(4, name="a_rather_long_name_for_an_input_layer")
    h = g.dense(123456, i, name="another_quite_long_layer_name_that_wraps")
    g.model([i], g.dense(1, h), name="a_model")
    out["long_names"] = g.steps
    g = Graph()
    i = g.input(None, 3)
    h = g.call(g.layer("LSTM", units=300, return_sequences=True), i)
    g.model(i, g.call(g.layer("TimeDistributed", wrapped=g.layer("Dense", units=2)), h))
    out["unknown_length"] = g.steps
    return out


# Columns of the terminal, and the options. Keras leaves 4 columns free; at 124 every table has its full width.
VARIANTS = [
    (80, {}), (112, {}), (112, {"expand_nested": True}), (80, {"show_trainable": True}),
    (124, {"expand_nested": True, "show_trainable": True}), (112, {"line_length": 60}),
]


def summaries():
    cases = []
    for name, steps in summary_graphs().items():
        for columns, options in VARIANTS:
            os.environ["COLUMNS"] = str(columns)
            _, layers, models = build(steps)
            text = []
            layers[models[-1]].summary(print_fn=lambda s: text.append(s), **options)
            cases.append({"name": name, "steps": steps, "model": models[-1], "columns": columns, "options": options, "text": "\n".join(text)})
    os.environ["COLUMNS"] = "80"
    g = Graph()
    HANDMADE["shared_dense"](g)
    _, layers, models = build(g.steps)
    model = layers[models[-1]]
    model.compile("adam", "mean_squared_error")
    model.fit([np.zeros((2, 10)), np.zeros((2, 10))], np.zeros((2, 1)), verbose=0)
    text = []
    model.summary(print_fn=lambda s: text.append(s))
    cases.append({"name": "shared_dense_fitted", "steps": g.steps, "model": models[-1], "columns": 80, "options": {}, "fitted_with": "adam", "text": "\n".join(text)})
    return cases


# Keys of history and evaluate -------------------------------------------------------------------


def keys():
    cases = []

    def case(label, widths, compile_options, weighted=False):
        """One Dense per output, named as in `widths`; records the keys that fit and evaluate report."""
        keras.utils.clear_session()
        i = keras.Input((3,))
        outputs = [L.Dense(units, name=name, activation=activation)(i) for name, units, activation in widths]
        model = keras.Model(i, outputs if len(outputs) > 1 else outputs[0])
        model.compile(optimizer="sgd", **compile_options)
        x = np.zeros((4, 3), np.float32)
        y = [np.zeros((4, 1), np.float32) for _ in widths]
        y = y if len(y) > 1 else y[0]
        weight = [np.ones(4, np.float32) for _ in widths] if weighted else None
        if weighted and len(widths) == 1:
            weight = weight[0]
        history = model.fit(x, y, sample_weight=weight, validation_data=(x, y), verbose=0)
        logs = model.evaluate(x, y, verbose=0, return_dict=True)
        order = model._flatten_metrics_in_order({k: k for k in logs})
        cases.append({
            "label": label, "outputs": [{"name": n, "units": u, "activation": a} for n, u, a in widths], "compile": compile_options,
            "history": list(history.history), "evaluate_dict": list(logs), "evaluate_list": order if isinstance(order, list) else [order],
        })

    one, two = [("y", 1, None)], [("reg", 1, None), ("cls", 3, "softmax")]
    sparse = "sparse_categorical_crossentropy"
    case("loss only", one, {"loss": "mse"})
    case("two metrics", one, {"loss": "mse", "metrics": ["mse", "mae"]})
    case("long names", one, {"loss": "mean_squared_error", "metrics": ["mean_squared_error", "mean_absolute_error"]})
    case("a metric twice", one, {"loss": "mse", "metrics": ["mae", "mae"]})
    case("metric and weighted metric", one, {"loss": "mse", "metrics": ["mae"], "weighted_metrics": ["mae", "mse"]}, weighted=True)
    case("accuracy, one unit", [("y", 1, "sigmoid")], {"loss": "binary_crossentropy", "metrics": ["accuracy"]})
    case("acc, classes", [("y", 3, "softmax")], {"loss": sparse, "metrics": ["acc"]})
    case("two outputs, one loss", two, {"loss": "mse"})
    case("two outputs, losses in a list", two, {"loss": ["mse", sparse]})
    case("two outputs, losses by name", two, {"loss": {"reg": "mse", "cls": sparse}, "metrics": {"cls": ["accuracy"]}})
    case("two outputs, metrics in lists", two, {"loss": ["mse", sparse], "metrics": [["mae"], ["accuracy"]], "weighted_metrics": [[], ["accuracy"]]}, weighted=True)
    case("two outputs, a flat list of metrics", two, {"loss": ["mse", sparse], "metrics": ["mae", "accuracy"]})
    case("two outputs, one without loss", two, {"loss": [None, sparse], "metrics": [["mae"], []]})
    case("two outputs, loss weights", two, {"loss": ["mse", sparse], "loss_weights": [0.5, 2.0], "metrics": {"reg": ["mae", "mse"]}})
    three = [("c", 1, None), ("a", 1, None), ("b", 1, None)]
    case("three outputs, names out of order", three, {"loss": "mse", "metrics": {"b": ["mae"], "c": ["mae"]}})
    return cases


data = {"names": names(), "graphs": graphs(), "summaries": summaries(), "keys": keys()}
write_json("structure.json", data)
print({k: len(v) for k, v in data.items()})
