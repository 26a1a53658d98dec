"""Models whose files hold more of training than the model itself needs: nested models that were compiled and trained by
themselves, and an optimizer that refrain does not have."""

import keras
from keras import layers as L

from support import rng_of

SAMPLES = 4


def train(model, name, *args, **options):
    """A model that has been compiled and trained a little by itself."""
    rng = rng_of(name)
    model.compile(*args, **options)
    samples = lambda t: rng.standard_normal((SAMPLES, *t.shape[1:])).astype("float32")
    model.train_on_batch([samples(t) for t in model.inputs], [samples(t) for t in model.outputs])
    return model


def gan():
    noise, x = keras.Input((3,)), keras.Input((3,))
    generator = keras.Model(noise, L.Dense(4, activation="tanh")(noise), name="generator")
    critic = keras.Sequential([keras.Input((4,)), L.Dense(1)], name="critic")
    train(generator, "generator", keras.optimizers.SGD(0.1, momentum=0.5), "mse", metrics=["mae"])
    train(critic, "critic", "adam", "mse", metrics=[keras.metrics.RootMeanSquaredError()])
    return keras.Model(x, critic(generator(x)))


def wrapped():
    inner = keras.Sequential([keras.Input((4,)), L.Dense(2)], name="inner")
    x = keras.Input((5, 4))
    return keras.Model(x, L.TimeDistributed(train(inner, "inner", "adam", "mse"))(x))


def adagrad():
    x = keras.Input((4,))
    return train(keras.Model(x, L.Dense(2)(x)), "adagrad", keras.optimizers.Adagrad(0.1), "mse", metrics=["mae"])


def build(zoo):
    for function in (gan, wrapped, adagrad):
        name = f"compiled_{function.__name__}"
        if zoo.wants(name):
            zoo.add(name, function())
