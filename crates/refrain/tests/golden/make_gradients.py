"""Golden gradients: of a loss with respect to inputs and weights, and of a class's score with respect to the input and to
an inner tensor (what Grad-CAM is made of).

    pip install keras==3.15.1 jax h5py
    KERAS_BACKEND=jax python make_gradients.py
"""

from golden import Store, jax, jnp, keras, np, write_json

keras.utils.set_random_seed(0)
rng = np.random.default_rng(7)
x = rng.standard_normal((3, 6, 6, 2)).astype(np.float32)
y = np.array([0, 3, 1], np.int32)
sample_weight = np.array([1.0, 0.5, 2.0], np.float32)

image = keras.Input((6, 6, 2))
features = keras.layers.Conv2D(
    3, 3, activation="tanh", kernel_regularizer=keras.regularizers.L2(0.01)
)(image)
normalized = keras.layers.BatchNormalization()(features)
pooled = keras.layers.GlobalAveragePooling2D()(normalized)
scores = keras.layers.Dense(4, activation="softmax")(pooled)
model = keras.Model(image, scores)
for weight in model.weights:
    noise = rng.standard_normal(weight.shape) * 0.3
    positive = "variance" in weight.path or "gamma" in weight.path
    weight.assign((1 + np.abs(noise) if positive else noise).astype(np.float32))
model.compile("sgd", keras.losses.SparseCategoricalCrossentropy())

store = Store()
store.put("x", x)
store.put("y", y)
store.put("sample_weight", sample_weight)
for i, weight in enumerate(model.weights):
    store.put(f"weight_{i}", np.asarray(weight.value))


def loss(trainable, inputs, training):
    others = [v.value for v in model.non_trainable_variables]
    predictions, _, penalties = model.stateless_call(
        trainable, others, inputs, training=training, return_losses=True
    )
    value = keras.losses.SparseCategoricalCrossentropy()(y, predictions, sample_weight)
    return value + sum(penalties)


trainable = [v.value for v in model.trainable_variables]
values = {}
for mode, training in [("inference", False), ("training", True)]:
    value, (by_weight, by_input) = jax.value_and_grad(loss, argnums=(0, 1))(
        trainable, jnp.asarray(x), training
    )
    values[mode] = float(value)
    store.put(f"{mode}_input", np.asarray(by_input))
    for i, gradient in enumerate(by_weight):
        store.put(f"{mode}_weight_{i}", np.asarray(gradient))

CLASS = 2
to_features = keras.Model(image, features)
from_features = keras.Model(features, scores)
score = lambda inputs: jnp.sum(model(inputs)[:, CLASS])
score_of_features = lambda inner: jnp.sum(from_features(inner)[:, CLASS])
values["score"] = float(score(x))
store.put("score_input", np.asarray(jax.grad(score)(jnp.asarray(x))))
store.put("score_features", np.asarray(jax.grad(score_of_features)(to_features(x))))

write_json("gradients.json", {"class": CLASS, "values": values})
store.save("gradients.npz")
