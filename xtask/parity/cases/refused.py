"""Files that refrain does not load: `refused` in `case.json` is what its error must say."""

import keras
from keras import layers as L

WIDTH = 4


@keras.saving.register_keras_serializable(package="zoo", name="Doubled")
class Doubled(L.Layer):
    """A layer that only Python knows."""

    def call(self, x):
        return x * 2.0


@keras.saving.register_keras_serializable(package="zoo", name="own_loss")
def own_loss(y_true, y_pred):
    return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


@keras.saving.register_keras_serializable(package="zoo", name="gelu")
def gelu(x):
    """A function with a name of Keras's."""
    return x * 2.0


@keras.saving.register_keras_serializable()
def silu(x):
    return x * 3.0


@keras.saving.register_keras_serializable(package="zoo", name="Zeros")
class Zeros(keras.initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return keras.ops.ones(shape, dtype)


class ReLU(L.Layer):
    """A class of the program itself, which is not registered."""

    def call(self, x):
        return x * 2.0


# As of the program that is run.
ReLU.__module__ = "__main__"


def over(layer, shape=(WIDTH,), **options):
    x = keras.Input(shape, **options)
    return keras.Model(x, layer(x))


def quantized():
    model = over(L.Dense(2, name="small"))
    model.get_layer("small").quantize("int8")
    return model


CASES = {
    "mixed_float16": (lambda: over(L.Dense(2, dtype="mixed_float16")), "mixed_float16"),
    "mixed_bfloat16": (lambda: over(L.Dense(2, dtype="mixed_bfloat16")), "mixed_bfloat16"),
    "lambda_with_a_loop": (lambda: over(L.Lambda(lambda x: [x * i for i in (1.0, 2.0)][1])), "the Python code is not decoded"),
    "lambda_of_an_unknown_function": (lambda: over(L.Lambda(lambda x: own_loss(x, x))), "own_loss"),
    "quantized": (quantized, "quantiz"),
    "sparse_input": (lambda: over(L.Dense(2), sparse=True), "sparse"),
    "custom_layer": (lambda: over(Doubled()), "Doubled"),
    "custom_activation": (lambda: over(L.Dense(2, activation=gelu)), "zoo>gelu"),
    "custom_activation_layer": (lambda: over(L.Activation(silu)), "Custom>silu"),
    "custom_function_in_lambda": (lambda: over(L.Lambda(silu)), "Custom>silu"),
    "custom_initializer": (lambda: over(L.Dense(2, kernel_initializer=Zeros())), "zoo>Zeros"),
    "unregistered_layer": (lambda: over(ReLU()), "no layer class `ReLU`"),
}


def build(zoo):
    keras.utils.clear_session(free_memory=False)
    for name, (function, message) in CASES.items():
        name = f"refused_{name}"
        if zoo.wants(name):
            zoo.refuse(name, function(), message, **({"lambda": True} if "lambda" in name else {}))
