"""Same or different digit? Model 2 in Keras, on exactly the pairs of `cargo run --release --example siamese`.

    pip install keras==3.15.1 jax
    KERAS_BACKEND=jax python examples/keras/siamese.py [epochs] [seeds]

Prints the accuracy on held-out pairs for several seeds of the initial weights, their mean and spread.
"""

import os
import sys
import time

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from keras import layers, ops

from lcg import Lcg

DIGITS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../crates/refrain-cli/data/digits.npz")
SIDE = 28
TRAIN_IMAGES = 1437
TRAIN_PAIRS, TEST_PAIRS = 4000, 1000
ORDER_SEED, TRAIN_SEED, TEST_SEED = 1, 2, 3
BATCH = 32
EPOCHS = int(sys.argv[1]) if len(sys.argv) > 1 else 4
SEEDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5


def interpolation(source, target):
    """The matrix of a bilinear resize along one axis: half-pixel centres, clamped at the edges."""
    m = np.zeros((target, source))
    for i in range(target):
        x = min(max((i + 0.5) * source / target - 0.5, 0.0), source - 1.0)
        low = int(x)
        high = min(low + 1, source - 1)
        m[i, low] += 1.0 - (x - low)
        m[i, high] += x - low
    return m


def load():
    """Images of 28 x 28 x 1 in [0, 1] and their labels, in shuffled order."""
    with np.load(DIGITS) as data:
        x, y = data["x"].astype(np.float64) / 16.0, data["y"].astype(int)
    resize = interpolation(8, SIDE)
    images = np.einsum("ai,nij,bj->nab", resize, x, resize).astype(np.float32)[..., None]
    order = list(range(len(y)))
    Lcg(ORDER_SEED).shuffle(order)
    return images[order], y[order]


def make_pairs(images, labels, count, seed):
    """Pairs of images; even ones show the same digit (target 1), odd ones different digits (target 0)."""
    lcg, n = Lcg(seed), len(labels)
    left, right, same = [], [], []
    for i in range(count):
        want = i % 2 == 0
        a = lcg.below(n)
        b = lcg.below(n)
        while a == b or (labels[a] == labels[b]) != want:
            b = lcg.below(n)
        left.append(a)
        right.append(b)
        same.append([1.0 if want else 0.0])
    return [images[left], images[right]], np.array(same, np.float32)


def build():
    a, b = keras.Input((SIDE, SIDE, 1)), keras.Input((SIDE, SIDE, 1))
    one = layers.Conv2D(32, 3, activation="relu", padding="same")
    two = layers.Conv2D(64, 3, activation="relu", padding="same")
    left, right = layers.Flatten()(two(one(a))), layers.Flatten()(two(one(b)))
    distance = ops.abs(layers.Subtract()([left, right]))
    return keras.Model([a, b], layers.Dense(1, activation="sigmoid")(distance))


def main():
    images, labels = load()
    x, y = make_pairs(images[:TRAIN_IMAGES], labels[:TRAIN_IMAGES], TRAIN_PAIRS, TRAIN_SEED)
    x_test, y_test = make_pairs(images[TRAIN_IMAGES:], labels[TRAIN_IMAGES:], TEST_PAIRS, TEST_SEED)
    accuracies = []
    for seed in range(SEEDS):
        keras.utils.set_random_seed(seed)
        model = build()
        model.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy", metrics=["accuracy"])
        start = time.time()
        history = model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, validation_data=(x_test, y_test), verbose=0)
        print(f"seed {seed}: {time.time() - start:.0f} s, held-out accuracy by epoch", end=" ")
        print(" ".join(f"{v:.4f}" for v in history.history["val_accuracy"]), flush=True)
        accuracies.append(history.history["val_accuracy"])
    for epoch, column in enumerate(zip(*accuracies), 1):
        print(f"epoch {epoch}: mean {np.mean(column):.4f}, from {min(column):.4f} to {max(column):.4f}, standard deviation {np.std(column):.4f}")


if __name__ == "__main__":
    main()
