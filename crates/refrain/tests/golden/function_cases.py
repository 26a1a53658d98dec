"""Models of functions of `keras.ops`, what they give, and gradients of a weighted sum."""

from golden import Store, jax, jnp, keras, np, write_json
from keras import ops


def weights(shape):
    """Numbers between -1 and 1 that differ from place to place."""
    return np.cos(0.7 * np.arange(np.prod(shape, dtype=int))).reshape(shape).astype("f")


class Cases:
    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.store, self.cases = Store(), []

    def waves(self, *shape):
        return self.rng.standard_normal(shape).astype("float32")

    def ints(self, *shape, low=-9, high=10):
        return self.rng.integers(low, high, shape).astype("int32")

    def save(self, name):
        write_json(f"{name}.json", self.cases)
        self.store.save(f"{name}.npz")

    def add(self, name, function, *arrays, gradient=True, batch=True):
        """`batch`: whether the first axis is one of samples, whose number is open. Arrays that differ in it are one sample each."""
        keras.utils.clear_session()
        arrays = [np.asarray(a) for a in arrays]
        arrays = [a.astype("float32") if a.dtype == np.float64 else a for a in arrays]
        arrays = [a.astype("int32") if a.dtype == np.int64 else a for a in arrays]

        together = len({a.shape[:1] for a in arrays}) == 1
        if not together:
            arrays, plain = [a[None] for a in arrays], function
            function = lambda *given: plain(*[ops.squeeze(a, 0) for a in given])

        def symbol(a):
            sizes = {"shape": a.shape[1:]} if batch else {"batch_shape": a.shape}
            return keras.Input(dtype=str(a.dtype), **sizes)

        inputs = [symbol(a) for a in arrays]
        outputs = function(*inputs)
        outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        model = keras.Model(inputs, outputs)
        floats = [i for i, a in enumerate(arrays) if a.dtype == np.float32]

        def run(given):
            full = [jnp.asarray(a) for a in arrays]
            for i, a in zip(floats, given):
                full[i] = a
            found = function(*full)
            return list(found) if isinstance(found, (list, tuple)) else [found]

        def score(given):
            found = [y for y in run(given) if jnp.issubdtype(y.dtype, jnp.floating)]
            return sum(jnp.sum(y * weights(y.shape)) for y in found)

        given = [jnp.asarray(arrays[i]) for i in floats]
        results = run(given)
        for i, a in enumerate(arrays):
            self.store.put(f"{name}/x{i}", a)
        for i, y in enumerate(results):
            self.store.put(f"{name}/y{i}", np.asarray(y))
        gradient = gradient and bool(floats) and any(y.dtype == jnp.float32 for y in results)
        if gradient:
            for i, g in zip(floats, jax.grad(score)(given)):
                self.store.put(f"{name}/g{i}", np.asarray(g))
        self.cases.append({"name": name, "model": model.to_json(), "gradient": gradient})
