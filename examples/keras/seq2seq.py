"""Adding numbers written as characters: model 3 in Keras, on exactly the data of the Rust example.

    pip install keras==3.15.1 jax
    KERAS_BACKEND=jax python examples/keras/seq2seq.py [seeds]

Prints how many held-out sums greedy decoding gets exactly right. The recipe is in README.md beside this file.
"""

import os
import sys
import time

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from keras import layers

from lcg import Lcg

ALPHABET = "0123456789+ <>"  # space pads, < starts an answer, > ends it
SYMBOLS = 20  # width of the one-hot vectors; the last six are unused
QUESTION, ANSWER = 10, 8
LIMIT = 1000
TRAIN, TEST = 20000, 1000
DATA_SEED = 1
BATCH = 64
# Learning rate and epochs; every stage starts a new Adam.
STAGES = [(5e-3, 20), (1e-3, 6), (2e-4, 4)]
SEEDS = int(sys.argv[1]) if len(sys.argv) > 1 else 3


def question(a, b):
    """Both numbers with their last digit first: carries then run in reading order."""
    return f"{str(a)[::-1]}+{str(b)[::-1]}".ljust(QUESTION)


def answer(a, b):
    return f"{str(a + b)[::-1]}>".ljust(ANSWER)


def one_hot(texts):
    ids = np.array([[ALPHABET.index(c) for c in t] for t in texts])
    return np.eye(SYMBOLS, dtype=np.float32)[ids]


def sums(count):
    """Distinct pairs of numbers below LIMIT, in the order they are drawn."""
    lcg, seen, pairs = Lcg(DATA_SEED), set(), []
    while len(pairs) < count:
        a, b = lcg.below(LIMIT), lcg.below(LIMIT)
        if (a, b) not in seen:
            seen.add((a, b))
            pairs.append((a, b))
    return pairs


def build():
    """The training model, and the two that decode with the same layers."""
    encoder_in, decoder_in = keras.Input((QUESTION, SYMBOLS)), keras.Input((ANSWER, SYMBOLS))
    lstm = layers.LSTM(64, return_sequences=True, return_state=True)
    dense = layers.Dense(SYMBOLS, activation="softmax")
    _, h, c = lstm(encoder_in)
    steps, _, _ = lstm(decoder_in, initial_state=[h, c])
    model = keras.Model([encoder_in, decoder_in], dense(steps))
    encoder = keras.Model(encoder_in, [h, c])
    symbol, h_in, c_in = keras.Input((1, SYMBOLS)), keras.Input((64,)), keras.Input((64,))
    step, h_out, c_out = lstm(symbol, initial_state=[h_in, c_in])
    return model, encoder, keras.Model([symbol, h_in, c_in], [dense(step), h_out, c_out])


def decode(encoder, decoder, questions):
    """Greedy decoding: each step's likeliest symbol is the next step's input."""
    h, c = encoder.predict(questions, verbose=0, batch_size=1000)
    symbol = one_hot(["<"] * len(questions))
    out = []
    for _ in range(ANSWER):
        probabilities, h, c = decoder.predict([symbol, h, c], verbose=0, batch_size=1000)
        ids = probabilities[:, 0].argmax(-1)
        out.append(ids)
        symbol = np.eye(SYMBOLS, dtype=np.float32)[ids][:, None]
    texts = ["".join(ALPHABET[i] if i < len(ALPHABET) else "?" for i in row) for row in np.stack(out, 1)]
    return [t.split(">")[0] for t in texts]


def main():
    pairs = sums(TRAIN + TEST)
    questions = one_hot([question(a, b) for a, b in pairs])
    answers = [answer(a, b) for a, b in pairs]
    targets, fed = one_hot(answers), one_hot(["<" + t[:-1] for t in answers])
    x, y = [questions[:TRAIN], fed[:TRAIN]], targets[:TRAIN]
    wanted = [t.split(">")[0] for t in answers[TRAIN:]]
    results = []
    for seed in range(SEEDS):
        keras.utils.set_random_seed(seed)
        model, encoder, decoder = build()
        start = time.time()
        for rate, epochs in STAGES:
            model.compile(keras.optimizers.Adam(rate), "categorical_crossentropy", metrics=["accuracy"])
            history = model.fit(x, y, batch_size=BATCH, epochs=epochs, verbose=0)
            got = decode(encoder, decoder, questions[TRAIN:])
            exact = float(np.mean([g == w for g, w in zip(got, wanted)]))
            print(f"seed {seed}: {time.time() - start:.0f} s, rate {rate}, loss {history.history['loss'][-1]:.4f}, exact {exact:.3f}", flush=True)
        results.append(exact)
    print(f"exact answers: mean {np.mean(results):.4f}, from {min(results):.4f} to {max(results):.4f}")


if __name__ == "__main__":
    main()
