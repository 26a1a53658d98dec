"""Lambdas of one expression: their code as CPython 3.8 to 3.13 marshal it, and what they compute.

Run it once under each CPython (it adds that version's code to lambdas.json), then with `--values` where TensorFlow and
Keras 3.15.1 are installed (it adds inputs and outputs):

    for version in 3.8 3.9 3.10 3.11 3.12 3.13; do python$version make_lambdas.py; done
    KERAS_BACKEND=tensorflow python make_lambdas.py --values

No lambda of REFUSED is ever called.
"""

import base64
import json
import marshal
import pathlib
import sys

FILE = pathlib.Path(__file__).resolve().with_name("lambdas.json")

# Source, inputs by name, and where there are any the layer's `arguments`.
KNOWN = [
    ("lambda x: x", "a"),
    ("lambda x: abs(x)", "a"),
    ("lambda x: -x", "a"),
    ("lambda x: 1 - x", "a"),
    ("lambda x: x / 255", "a"),
    ("lambda x: x / 255.0 - 0.5", "a"),
    ("lambda x: (x - 127.5) / 127.5", "a"),
    ("lambda x: x * 2.0 + 1.0", "a"),
    ("lambda x: x ** 2", "a"),
    ("lambda x: x ** -1", "p"),
    ("lambda x: (x + 1) ** 0.5", "p"),
    ("lambda x: 2.0 ** x", "a"),
    ("lambda x: x % 1.5", "p"),
    ("lambda x: x // 0.7", "p"),
    ("lambda x: x * 1e-7", "a"),
    ("lambda x: x + 123456789012", "a"),
    ("lambda x: x[0] - x[1]", "ab"),
    ("lambda x: x[0] * x[1] + x[-1]", "ab"),
    ("lambda tensors: abs(tensors[0] - tensors[1])", "ab"),
    ("lambda x: x[1:][0]", "ab"),
    ("lambda x: x[:, 0]", "a"),
    ("lambda x: x[:, -1, :]", "t"),
    ("lambda x: x[:, 1:]", "t"),
    ("lambda x: x[:, ::2]", "t"),
    ("lambda x: x[:, ::-1]", "t"),
    ("lambda x: x[..., 0]", "t"),
    ("lambda x: x[..., :2]", "t"),
    ("lambda x: x[:, None]", "a"),
    ("lambda x: x[:, tf.newaxis, :]", "a"),
    ("lambda x: x[:, 0:2, 1:3]", "t"),
    ("lambda x: x > 0", "a"),
    ("lambda x: (x >= -0.5) & (x < 0.5)", "a"),
    ("lambda x: ~(x > 0)", "a"),
    ("lambda x: x[0] @ x[1]", "tu"),
    ("lambda x: K.abs(x[0] - x[1])", "ab"),
    ("lambda x: K.sum(x, axis=1)", "t"),
    ("lambda x: K.sum(x, axis=1, keepdims=True)", "t"),
    ("lambda x: K.sum(K.square(x[0] - x[1]), axis=1, keepdims=True)", "ab"),
    ("lambda x: K.sqrt(K.maximum(K.sum(K.square(x[0] - x[1]), axis=1, keepdims=True), K.epsilon()))", "ab"),
    ("lambda x: K.sqrt(x)", "a"),
    ("lambda x: K.exp(-K.sum(K.abs(x[0] - x[1]), axis=1, keepdims=True))", "ab"),
    ("lambda x: K.l2_normalize(x, axis=1)", "a"),
    ("lambda x: K.l2_normalize(x, axis=-1)", "t"),
    ("lambda x: K.mean(x, axis=1)", "t"),
    ("lambda x: K.mean(x, axis=[1, 2])", "t"),
    ("lambda x: K.max(x, axis=1, keepdims=False)", "t"),
    ("lambda x: K.min(x, axis=-1)", "t"),
    ("lambda x: K.prod(x, axis=-1)", "t"),
    ("lambda x: K.std(x, axis=1)", "t"),
    ("lambda x: K.var(x, axis=1, keepdims=True)", "t"),
    ("lambda x: K.clip(x, 0, 1)", "a"),
    ("lambda x: K.clip(x, -0.5, None)", "a"),
    ("lambda x: K.dot(x[0], x[1])", "av"),
    ("lambda x: K.batch_dot(x[0], x[1], axes=1)", "ab"),
    ("lambda x: K.batch_dot(x[0], x[1], axes=[2, 1])", "tu"),
    ("lambda x: K.batch_dot(x[0], x[1])", "tu"),
    ("lambda x: K.batch_dot(x[0], x[1], axes=(1, 2))", "tu"),
    ("lambda x: K.expand_dims(x)", "a"),
    ("lambda x: K.expand_dims(x, axis=1)", "a"),
    ("lambda x: K.squeeze(x, 1)", "s1"),
    ("lambda x: K.concatenate([x[0], x[1]], axis=-1)", "ab"),
    ("lambda x: K.concatenate(x, axis=1)", "ab"),
    ("lambda x: K.stack([x[0], x[1]], axis=1)", "ab"),
    ("lambda x: K.stack(x)", "ab"),
    ("lambda x: K.reshape(x, (-1, 6))", "t"),
    ("lambda x: K.reshape(x, [-1, 2, 3, 2])", "t"),
    ("lambda x: K.permute_dimensions(x, (0, 2, 1))", "t"),
    ("lambda x: K.transpose(x)", "a"),
    ("lambda x: K.batch_flatten(x)", "t"),
    ("lambda x: K.flatten(x)", "t"),
    ("lambda x: K.softmax(x, axis=1)", "t"),
    ("lambda x: K.sigmoid(x) * K.tanh(x)", "a"),
    ("lambda x: K.hard_sigmoid(x * 3)", "a"),
    ("lambda x: K.relu(x, alpha=0.1)", "a"),
    ("lambda x: K.relu(x, max_value=6)", "w"),
    ("lambda x: K.relu(x, 0.1, 1.0, 0.2)", "a"),
    ("lambda x: K.elu(x, 0.5)", "a"),
    ("lambda x: K.cast(x > 0, 'float32')", "a"),
    ("lambda x: K.cast(x, K.floatx()) / 2", "i"),
    ("lambda x: K.cast(K.argmax(x), 'float32')", "a"),
    ("lambda x: K.one_hot(K.cast(x, 'int32'), 5)", "i"),
    ("lambda x: K.repeat(x, 3)", "a"),
    ("lambda x: K.repeat_elements(x, 2, axis=1)", "a"),
    ("lambda x: K.tile(x, [1, 2])", "a"),
    ("lambda x: K.reverse(x, axes=1)", "t"),
    ("lambda x: K.cumsum(x, axis=1)", "t"),
    ("lambda x: K.round(x * 10)", "a"),
    ("lambda x: K.pow(x, 3) + K.log(K.exp(x))", "a"),
    ("lambda x: x / K.sqrt(K.constant(2.0))", "a"),
    ("lambda x: K.gather(x, [0, 2])", "a"),
    ("lambda x: backend.square(x)", "a"),
    ("lambda x: keras.backend.sum(x, 1)", "t"),
    ("lambda x: tf.keras.backend.mean(x, axis=-1, keepdims=True)", "t"),
    ("lambda x: tf.abs(x[0] - x[1])", "ab"),
    ("lambda x: tf.math.abs(x)", "a"),
    ("lambda x: tf.sqrt(x)", "p"),
    ("lambda x: tf.reduce_sum(x, axis=1, keepdims=True)", "t"),
    ("lambda x: tf.reduce_sum(tf.square(x[0] - x[1]), axis=-1)", "ab"),
    ("lambda x: tf.reduce_mean(x, axis=[1, 2], name='pool')", "t"),
    ("lambda x: tf.reduce_max(x, axis=1)", "t"),
    ("lambda x: tf.math.reduce_std(x, axis=1)", "t"),
    ("lambda x: tf.reduce_logsumexp(x, axis=-1)", "t"),
    ("lambda x: tf.nn.relu(x)", "a"),
    ("lambda x: tf.nn.relu6(x)", "w"),
    ("lambda x: tf.nn.leaky_relu(x)", "a"),
    ("lambda x: tf.nn.leaky_relu(x, alpha=0.01)", "a"),
    ("lambda x: tf.nn.gelu(x)", "a"),
    ("lambda x: tf.nn.swish(x)", "a"),
    ("lambda x: tf.nn.softmax(x)", "a"),
    ("lambda x: tf.nn.l2_normalize(x, axis=1)", "a"),
    ("lambda x: tf.math.l2_normalize(x, axis=-1, epsilon=0.5)", "t"),
    ("lambda x: tf.linalg.norm(x, axis=1)", "t"),
    ("lambda x: tf.norm(x[0] - x[1], ord=1, axis=1, keepdims=True)", "ab"),
    ("lambda x: tf.expand_dims(x, axis=-1)", "a"),
    ("lambda x: tf.squeeze(x, axis=1)", "s1"),
    ("lambda x: tf.concat([x[0], x[1]], axis=1)", "ab"),
    ("lambda x: tf.concat(x, -1)", "ab"),
    ("lambda x: tf.stack(x, axis=1)", "ab"),
    ("lambda x: tf.transpose(x, [0, 2, 1])", "t"),
    ("lambda x: tf.transpose(x, perm=(2, 0, 1))", "t"),
    ("lambda x: tf.reshape(x, [-1, 3, 2, 2])", "t"),
    ("lambda x: tf.reshape(x, (-1, 4))", "t"),
    ("lambda x: tf.cast(x, tf.float32)", "i"),
    ("lambda x: tf.cast(x, 'float32') / 255.0", "i"),
    ("lambda x: tf.where(x > 0, x, 0.0)", "a"),
    ("lambda x: tf.where(x[0] > x[1], x[0], x[1] * 2)", "ab"),
    ("lambda x: tf.one_hot(x, depth=4)", "i"),
    ("lambda x: tf.clip_by_value(x, -1.0, 1.0)", "w"),
    ("lambda x: tf.tile(x, [1, 3])", "a"),
    ("lambda x: tf.split(x, 2, axis=2)[1]", "t"),
    ("lambda x: tf.gather(x, [1, 0], axis=1)", "t"),
    ("lambda x: tf.matmul(x[0], x[1], transpose_b=True)", "ts"),
    ("lambda x: tf.einsum('bij,bjk->bik', x[0], x[1])", "tu"),
    ("lambda x: tf.tensordot(x[0], x[1], axes=1)", "av"),
    ("lambda x: tf.math.divide_no_nan(x[0], x[1])", "az"),
    ("lambda x: tf.math.squared_difference(x[0], x[1])", "ab"),
    ("lambda x: tf.add_n(x)", "ab"),
    ("lambda x: tf.maximum(0.0, x)", "a"),
    ("lambda x: tf.math.log1p(tf.math.expm1(x))", "a"),
    ("lambda x: tf.argmax(x, axis=1)", "t"),
    ("lambda x: tf.cumsum(x, axis=1)", "t"),
    ("lambda x: tf.reverse(x, axis=[1])", "t"),
    ("lambda x: tf.math.sin(x) + tf.cos(x)", "a"),
    ("lambda x: tf.identity(x)", "a"),
    ("lambda x: ops.abs(x)", "a"),
    ("lambda x: ops.abs(x[0] - x[1])", "ab"),
    ("lambda x: ops.sqrt(x)", "p"),
    ("lambda x: ops.sum(x, axis=1)", "t"),
    ("lambda x: ops.sum(ops.square(x[0] - x[1]), axis=1, keepdims=True)", "ab"),
    ("lambda x: ops.concatenate([x[0], x[1]])", "ab"),
    ("lambda x: ops.concatenate([x[0], x[1]], axis=-1)", "ab"),
    ("lambda x: ops.mean(x, axis=(1, 2))", "t"),
    ("lambda x: ops.expand_dims(x, -1)", "a"),
    ("lambda x: ops.normalize(x, axis=-1)", "a"),
    ("lambda x: ops.norm(x, axis=-1)", "t"),
    ("lambda x: ops.norm(x, 1, 1, True)", "t"),
    ("lambda x: ops.where(ops.greater(x, 0.1), x, 0.1)", "a"),
    ("lambda x: ops.cast(x, 'float32')", "i"),
    ("lambda x: ops.one_hot(x, 4)", "i"),
    ("lambda x: ops.hard_sigmoid(x)", "a"),
    ("lambda x: ops.gelu(x)", "a"),
    ("lambda x: ops.gelu(x, approximate=False)", "a"),
    ("lambda x: ops.take(x, 1, axis=1)", "t"),
    ("lambda x: ops.argmax(x, axis=-1)", "t"),
    ("lambda x: ops.softmax(x, axis=(1, 2))", "t"),
    ("lambda x: ops.matmul(x[0], ops.transpose(x[1], (0, 2, 1)))", "ts"),
    ("lambda x: ops.einsum('ij,ij->i', x[0], x[1])", "ab"),
    ("lambda x: ops.repeat(x, 2, axis=1)", "a"),
    ("lambda x: ops.roll(x, 1, axis=1)", "a"),
    ("lambda x: keras.ops.mean(x, axis=-1, keepdims=True)", "t"),
    ("lambda x, p=2: x ** p", "a"),
    ("lambda x, p=2, q=0.5: x * p + q", "a", {"q": 3}),
    ("lambda x, axis, keepdims=True: K.sum(x, axis=axis, keepdims=keepdims)", "t", {"axis": [1, 2]}),
    ("lambda x, start, size: x[:, start:start + size]", "t", {"start": 1, "size": 2}),
    ("(lambda alpha: lambda x: x * alpha)(0.25)", "a"),
    ("(lambda n, alpha: lambda x: K.reshape(x * alpha, (-1, n)) + n)(6, 2)", "t"),
    ("(lambda k: lambda x, p=3: x[:, :k] ** p)(2)", "a"),
]

REFUSED = [
    ("lambda x: __import__('os').system('true')", "`__import__`"),
    ("lambda x: open('f').read()", "`open`"),
    ("lambda x: exec('pass')", "`exec`"),
    ("lambda x: eval('x')", "`eval`"),
    ("lambda x: getattr(tf, 'abs')(x)", "`getattr`"),
    ("lambda x: os.system('true')", "`os`"),
    ("lambda x: np.abs(x)", "`np`"),
    ("lambda x: sum(x)", "`sum`"),
    ("lambda x: max(x, 0)", "`max`"),
    ("lambda x: len(x) * x", "`len`"),
    ("lambda x: print(x) or x", "`print`"),
    ("lambda x: my_function(x)", "`my_function`"),
    ("lambda x: x.shape", "`shape`"),
    ("lambda x: x.__class__.__mro__", "`__class__`"),
    ("lambda x: x.reshape(-1)", "`reshape`"),
    ("lambda x: tf.io.read_file('f')", "`tf.io`"),
    ("lambda x: tf.py_function(x, [], 'float32')", "`tf.py_function`"),
    ("lambda x: K.eval(x)", "`K.eval`"),
    ("lambda x: keras.models.load_model('f')", "`keras.models`"),
    ("lambda x: tf", "module `tf`"),
    ("lambda x: abs", "function `abs`"),
    ("lambda x: x if x else -x", "instruction "),
    ("lambda x: x and 1", "instruction "),
    ("lambda x: x or 1", "instruction "),
    ("lambda x: not x", "instruction "),
    ("lambda x: 0 < x < 1", "instruction "),
    ("lambda x: x in (1, 2)", "instruction "),
    ("lambda x: x is None", "instruction "),
    ("lambda x: [y for y in x]", None),
    ("lambda x: {y: 1 for y in x}", None),
    ("lambda x: tf.add_n(y for y in x)", None),
    ("lambda x: (lambda y: y)(x)", None),
    ("lambda x: lambda: x", None),
    ("lambda x: tf.add(*x)", None),
    ("lambda x: tf.add(**x)", None),
    ("lambda x: [*x]", None),
    ("lambda x: f'{x}'", "instruction "),
    ("lambda x: {'a': x}", "instruction "),
    ("lambda x: {x}", "instruction "),
    ("lambda x: (y := x) + y", "instruction "),
    ("lambda x: x << 1", "instruction "),
    ("lambda x: x + 1j", "complex"),
    ("lambda x: x + b'a'", "bytes"),
    ("lambda x: x + 123456789012345678901234567890", "an integer"),
    ("lambda *x: x", "plain parameters"),
    ("lambda x, **k: x", "plain parameters"),
    ("lambda x, *, k=1: x * k", "plain parameters"),
    ("lambda: 1", "plain parameters"),
    ("lambda x, p: x * p", "`p`"),
    ("lambda x, training=None: x", "`training`"),
    ("lambda x, mask=None: x", "`mask`"),
    ("lambda x: (yield x)", None),
    ("(lambda f: lambda x: f(x))(1)", "a value is called"),
]


def compiled(source):
    return eval(compile(source, "", "eval"), {})


def add_codes(data, version):
    """What Keras keeps of a lambda: its code in base64 (with the versions that give it), defaults, values of the closure."""
    for kind, rows in (("known", KNOWN), ("refused", REFUSED)):
        cases = data.setdefault(kind, {})
        for source, *_ in rows:
            function = compiled(source)
            case = cases.setdefault(source, {"codes": {}})
            code = base64.b64encode(marshal.dumps(function.__code__)).decode()
            versions = case["codes"].get(code, "").split()
            case["codes"][code] = " ".join(versions + [version])
            case["defaults"] = function.__defaults__
            cells = function.__closure__
            case["closure"] = [c.cell_contents for c in cells] if cells else None


def arrays():
    import numpy as np

    random = np.random.default_rng(7)

    def normal(*shape):
        return random.normal(size=shape).round(2).astype("float32")

    return {
        "a": normal(4, 3),
        "b": normal(4, 3),
        "p": np.abs(normal(4, 3)) + np.float32(0.25),
        "v": normal(3, 2),
        "w": normal(4, 3) * 8,
        "z": normal(4, 3) * np.array([0, 1, 1], "float32"),
        "t": normal(2, 3, 4),
        "s": normal(2, 3, 4),
        "u": normal(2, 4, 3),
        "1": normal(4, 1, 3),
        "i": np.array([[0, 1, 2], [3, 2, 1]], "int32"),
    }


def plain(array):
    values = [float(f"{v:.9g}") for v in array.astype("float32").ravel()]
    return {"shape": list(array.shape), "dtype": str(array.dtype), "values": values}


def add_values(data):
    import types

    import keras
    import numpy as np
    import tensorflow as tf

    backend = tf.keras.backend
    both = types.SimpleNamespace(ops=keras.ops, backend=backend)
    modules = {"K": backend, "backend": backend, "tf": tf, "ops": keras.ops, "keras": both}
    inputs = arrays()
    data["arrays"] = {name: plain(array) for name, array in inputs.items()}
    for source, names, *arguments in KNOWN:
        names = ["1"] if names == "s1" else list(names)
        function = eval(source, dict(modules))
        tensors = [tf.constant(inputs[name]) for name in names]
        arguments = arguments[0] if arguments else {}
        output = function(tensors if len(tensors) > 1 else tensors[0], **arguments)
        case = data["known"][source]
        case.update(inputs=names, arguments=arguments, output=plain(np.asarray(output)))
    for source, reason in REFUSED:
        data["refused"][source]["reason"] = reason


def main():
    data = json.loads(FILE.read_text()) if FILE.exists() else {}
    if "--values" in sys.argv:
        add_values(data)
    else:
        add_codes(data, "%d.%d" % sys.version_info[:2])
    lines = []
    for kind in ("known", "refused"):
        cases = [json.dumps(k) + ": " + json.dumps(v, separators=(",", ":")) for k, v in data[kind].items()]
        lines.append(json.dumps(kind) + ": {\n" + ",\n".join(cases) + "\n}")
    lines.append('"arrays": ' + json.dumps(data.get("arrays", {}), separators=(",", ":")))
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


main()
