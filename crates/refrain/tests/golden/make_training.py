"""Golden values of what training is made of: losses, optimizers, metrics, initializers,
regularizers, constraints, and activation functions with arguments.

    pip install keras==3.15.1 jax h5py
    KERAS_BACKEND=jax python make_training.py
"""

import math

from golden import Store, config_of, jax, jnp, keras, np, write_json


def rng_for(*seed):
    return np.random.default_rng(list(seed))


def normal(*shape, seed=0, scale=1.0):
    return (rng_for(seed, *shape).standard_normal(shape) * scale).astype(np.float32)


def uniform(*shape, seed=0, low=0.0, high=1.0):
    return rng_for(seed, *shape).uniform(low, high, shape).astype(np.float32)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return (e / e.sum(-1, keepdims=True)).astype(np.float32)


def one_hot(ids, depth):
    return np.eye(depth, dtype=np.float32)[ids]


# Losses ---------------------------------------------------------------------------------------


def losses():
    store, cases = Store(), []
    weights5 = np.array([1.0, 0.5, 2.0, 0.0, 1.5], np.float32)

    def case(name, make, y_true, y_pred, sample_weight=None, mask=None):
        loss = make()
        cotangent = None

        def value(p):
            p = p * 1
            if mask is not None:
                keras.src.backend.common.masking.set_keras_mask(p, jnp.asarray(mask))
            return loss(jnp.asarray(y_true), p, sample_weight)

        result = np.asarray(value(jnp.asarray(y_pred)))
        if result.ndim:
            cotangent = normal(*result.shape, seed=99)
        grad = jax.grad(lambda p: jnp.sum(value(p) * (1.0 if cotangent is None else cotangent)))(
            jnp.asarray(y_pred)
        )
        assert np.all(np.isfinite(result)) and np.all(np.isfinite(grad)), name
        cases.append({
            "name": name,
            "class_name": type(loss).__name__,
            "config": config_of(loss),
            "y_true": store.put(f"{name}/y_true", y_true),
            "y_pred": store.put(f"{name}/y_pred", y_pred),
            "sample_weight": None if sample_weight is None else store.put(f"{name}/weight", sample_weight),
            "mask": None if mask is None else store.put(f"{name}/mask", mask),
            "value": store.put(f"{name}/value", result),
            "cotangent": None if cotangent is None else store.put(f"{name}/cotangent", cotangent),
            "grad": store.put(f"{name}/grad", grad),
        })

    K = keras.losses
    reductions = ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none"]

    def family(low, make, y_true, y_pred, weight):
        """All reductions, without and with sample weights."""
        for r in reductions:
            case(f"{low}_{r}", lambda: make(reduction=r), y_true, y_pred)
            case(f"{low}_{r}_weighted", lambda: make(reduction=r), y_true, y_pred, weight)

    ids = np.array([2, 0, 3, 1, 2], np.int32)
    logits = normal(5, 4, seed=1, scale=2.0)
    probs = softmax(logits)
    labels = one_hot(ids, 4)
    soft = softmax(normal(5, 4, seed=2))
    bits = (rng_for(3).random((5, 3)) < 0.5).astype(np.float32)
    bit_logits = normal(5, 3, seed=4, scale=2.0)
    bit_probs = (1 / (1 + np.exp(-bit_logits))).astype(np.float32)

    family("binary_crossentropy", K.BinaryCrossentropy, bits, bit_probs, weights5)
    family("categorical_crossentropy", K.CategoricalCrossentropy, labels, probs, weights5)
    family("sparse_categorical_crossentropy", K.SparseCategoricalCrossentropy, ids, probs, weights5)
    real, predicted = normal(5, 3, seed=5), normal(5, 3, seed=6)
    family("mean_squared_error", K.MeanSquaredError, real, predicted, weights5)
    family("mean_absolute_error", K.MeanAbsoluteError, real, predicted, weights5)
    family("huber", K.Huber, real, predicted * 2, weights5)

    for smoothing in [0.0, 0.1]:
        tag = f"_smoothing{smoothing}" if smoothing else ""
        case(f"binary_crossentropy_logits{tag}", lambda: K.BinaryCrossentropy(from_logits=True, label_smoothing=smoothing), bits, bit_logits)
        case(f"categorical_crossentropy_logits{tag}", lambda: K.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing), labels, logits)
        case(f"categorical_crossentropy_soft{tag}", lambda: K.CategoricalCrossentropy(label_smoothing=smoothing), soft, probs)
    case("binary_crossentropy_smoothing", lambda: K.BinaryCrossentropy(label_smoothing=0.2), bits, bit_probs)
    case("sparse_categorical_crossentropy_logits", lambda: K.SparseCategoricalCrossentropy(from_logits=True), ids, logits)
    case("sparse_categorical_crossentropy_logits_weighted", lambda: K.SparseCategoricalCrossentropy(from_logits=True), ids, logits, weights5)
    ignored = ids.copy()
    ignored[1] = 0
    case("sparse_categorical_crossentropy_ignore_class", lambda: K.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0), ignored, logits)
    case("categorical_crossentropy_unnormalized", lambda: K.CategoricalCrossentropy(), labels, (probs * 1.7).astype(np.float32))
    case("categorical_crossentropy_axis1", lambda: K.CategoricalCrossentropy(axis=1), np.moveaxis(labels[None], -1, 1).copy(), np.moveaxis(probs[None], -1, 1).copy())
    case("huber_delta", lambda: K.Huber(delta=0.4), real, predicted)

    signs = (bits * 2 - 1).astype(np.float32)
    counts = rng_for(12).integers(0, 6, (5, 3)).astype(np.float32)
    expected = uniform(5, 3, seed=13, low=0.2, high=5.0)
    family("hinge", K.Hinge, signs, predicted, weights5)
    case("hinge_bits", lambda: K.Hinge(), bits, predicted)
    case("squared_hinge", lambda: K.SquaredHinge(), signs, predicted, weights5)
    case("squared_hinge_bits", lambda: K.SquaredHinge(reduction="none"), bits, predicted)
    family("categorical_hinge", K.CategoricalHinge, labels, logits, weights5)
    case("log_cosh", lambda: K.LogCosh(), real, predicted, weights5)
    family("mean_absolute_percentage_error", K.MeanAbsolutePercentageError, real, predicted, weights5)
    case("mean_absolute_percentage_error_zero", lambda: K.MeanAbsolutePercentageError(), bits, predicted)
    family("mean_squared_logarithmic_error", K.MeanSquaredLogarithmicError, counts, expected, weights5)
    case("mean_squared_logarithmic_error_negative", lambda: K.MeanSquaredLogarithmicError(), real, predicted)
    family("cosine_similarity", K.CosineSimilarity, real, predicted, weights5)
    case("cosine_similarity_axis0", lambda: K.CosineSimilarity(axis=0, reduction="none"), real, predicted)
    case("cosine_similarity_zero", lambda: K.CosineSimilarity(), np.zeros_like(real), predicted)
    family("kl_divergence", K.KLDivergence, soft, probs, weights5)
    case("kl_divergence_sure", lambda: K.KLDivergence(reduction="none"), labels, probs)
    family("poisson", K.Poisson, counts, expected, weights5)
    family("binary_focal_crossentropy", K.BinaryFocalCrossentropy, bits, bit_probs, weights5)
    case("binary_focal_crossentropy_options", lambda: K.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.4, gamma=1.5, label_smoothing=0.1, from_logits=True, axis=0), bits, bit_logits)
    family("categorical_focal_crossentropy", K.CategoricalFocalCrossentropy, labels, probs, weights5)
    case("categorical_focal_crossentropy_options", lambda: K.CategoricalFocalCrossentropy(alpha=0.4, gamma=1.5, label_smoothing=0.1, from_logits=True), labels, logits)
    case("categorical_focal_crossentropy_axis1", lambda: K.CategoricalFocalCrossentropy(axis=1), np.moveaxis(labels[None], -1, 1).copy(), np.moveaxis(probs[None], -1, 1).copy())
    family("categorical_generalized_cross_entropy", K.CategoricalGeneralizedCrossEntropy, ids, probs, weights5)
    case("categorical_generalized_cross_entropy_q", lambda: K.CategoricalGeneralizedCrossEntropy(q=0.8), ids, probs)
    regions = (rng_for(14).random((4, 3, 3, 2)) < 0.5).astype(np.float32)
    region_probs = uniform(4, 3, 3, 2, seed=15, low=0.0, high=1.0)
    for name, cls in [("dice", K.Dice), ("tversky", K.Tversky)]:
        case(name, lambda: cls(), regions, region_probs)
        case(f"{name}_weighted", lambda: cls(axis=[1, 2, 3]), regions, region_probs, weights5[:4].copy())
        case(f"{name}_axis", lambda: cls(axis=(1, 2), reduction="none"), regions, region_probs)
        case(f"{name}_one_axis", lambda: cls(axis=-1, reduction="sum"), regions, region_probs)
    case("tversky_options", lambda: K.Tversky(alpha=0.2, beta=0.9), regions, region_probs)
    embeddings = normal(6, 4, seed=16)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    # The last label stands alone: it has no pair.
    identities = np.array([3, 100000, 3, -7, 100000, 12], np.int32)
    case("circle", lambda: K.Circle(), identities, embeddings)
    case("circle_none", lambda: K.Circle(gamma=16.0, margin=0.25, reduction="none"), identities, embeddings)
    case("circle_diagonal", lambda: K.Circle(gamma=4.0, remove_diagonal=False), identities[:, None].copy(), embeddings)
    case("circle_weighted", lambda: K.Circle(gamma=4.0), identities, embeddings, np.concatenate([weights5, weights5[:1]]))
    spoken = np.array([[1, 2, 2, 0], [3, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]], np.int32)
    case("ctc", lambda: K.CTC(), spoken, normal(4, 9, 5, seed=17))
    case("ctc_none", lambda: K.CTC(reduction="none"), spoken, normal(4, 9, 5, seed=18, scale=3.0))
    # Just as long as what must be said. (Shorter ones are impossible: their values, near 1e5, round away what gradients are.)
    case("ctc_short", lambda: K.CTC(reduction="none"), spoken, normal(4, 7, 5, seed=19))

    # Saturated predictions: probabilities are clipped to [1e-7, 1 - 1e-7], logits are not.
    edge = np.array([[0.0], [1.0], [0.0], [1.0], [0.5]], np.float32)
    edge_true = np.array([[1.0], [0.0], [0.0], [1.0], [1.0]], np.float32)
    case("binary_crossentropy_saturated", lambda: K.BinaryCrossentropy(reduction="none"), edge_true, edge)
    case("binary_crossentropy_logits_saturated", lambda: K.BinaryCrossentropy(from_logits=True, reduction="none"), edge_true, (edge * 200 - 100).astype(np.float32))
    sure = one_hot(np.array([0, 1, 2, 3, 0]), 4)
    case("categorical_crossentropy_saturated", lambda: K.CategoricalCrossentropy(reduction="none"), labels, sure)
    case("sparse_categorical_crossentropy_saturated", lambda: K.SparseCategoricalCrossentropy(reduction="none"), ids, sure)
    case("categorical_crossentropy_logits_saturated", lambda: K.CategoricalCrossentropy(from_logits=True, reduction="none"), labels, (sure * 50).astype(np.float32))

    # Ranks: (N,) with (N, 1) is one value a sample, never an (N, N) table.
    column, row = bit_probs[:, :1].copy(), bits[:, 0].copy()
    case("binary_crossentropy_row_column", lambda: K.BinaryCrossentropy(), row, column)
    case("binary_crossentropy_column_row", lambda: K.BinaryCrossentropy(), row[:, None].copy(), column[:, 0].copy())
    case("binary_crossentropy_row_row", lambda: K.BinaryCrossentropy(), row, column[:, 0].copy())
    case("mean_squared_error_row_column", lambda: K.MeanSquaredError(), real[:, 0].copy(), predicted[:, :1].copy())
    case("mean_squared_error_column_row", lambda: K.MeanSquaredError(reduction="none"), real[:, :1].copy(), predicted[:, 0].copy())
    case("mean_squared_error_row_column_weighted", lambda: K.MeanSquaredError(), real[:, 0].copy(), predicted[:, :1].copy(), weights5)
    case("mean_squared_error_row_column_weight_column", lambda: K.MeanSquaredError(), real[:, 0].copy(), predicted[:, :1].copy(), weights5[:, None].copy())
    case("mean_absolute_error_row_column", lambda: K.MeanAbsoluteError(), real[:, 0].copy(), predicted[:, :1].copy())
    case("huber_row_column", lambda: K.Huber(), real[:, 0].copy(), predicted[:, :1].copy())
    case("sparse_categorical_crossentropy_column", lambda: K.SparseCategoricalCrossentropy(), ids[:, None].copy(), probs)
    case("mean_squared_error_integer_labels", lambda: K.MeanSquaredError(), ids, predicted[:, :1].copy())

    # Sequences, with weights per sample or per step, and a mask on the prediction.
    steps_true, steps_pred = normal(3, 4, 2, seed=7), normal(3, 4, 2, seed=8)
    step_ids = rng_for(9).integers(0, 4, (3, 4)).astype(np.int32)
    step_probs = softmax(normal(3, 4, 4, seed=10))
    mask = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]], dtype=bool)
    per_sample, per_step = np.array([1.0, 0.5, 2.0], np.float32), uniform(3, 4, seed=11)
    for r in reductions:
        case(f"mean_squared_error_steps_{r}_masked", lambda: K.MeanSquaredError(reduction=r), steps_true, steps_pred, None, mask)
        case(f"mean_squared_error_steps_{r}_masked_weighted", lambda: K.MeanSquaredError(reduction=r), steps_true, steps_pred, per_step, mask)
    case("mean_squared_error_steps", lambda: K.MeanSquaredError(), steps_true, steps_pred)
    case("mean_squared_error_steps_weight_sample", lambda: K.MeanSquaredError(), steps_true, steps_pred, per_sample[:, None].copy())
    case("mean_squared_error_steps_weight_step", lambda: K.MeanSquaredError(), steps_true, steps_pred, per_step)
    case("sparse_categorical_crossentropy_steps_masked", lambda: K.SparseCategoricalCrossentropy(), step_ids, step_probs, None, mask)
    case("categorical_crossentropy_steps_masked", lambda: K.CategoricalCrossentropy(), one_hot(step_ids, 4), step_probs, None, mask)
    case("categorical_crossentropy_steps_masked_weight_step", lambda: K.CategoricalCrossentropy(), one_hot(step_ids, 4), step_probs, per_step, mask)
    store.save("losses.npz")
    write_json("losses.json", cases)
    return len(cases)


# Optimizers -----------------------------------------------------------------------------------

STEPS = 6


def optimizers():
    store, cases = Store(), []
    shapes = {"kernel": (3, 4), "bias": (4,), "gamma": (2, 2, 2)}
    start = {n: normal(*s, seed=1) for n, s in shapes.items()}
    grads = {n: normal(STEPS, *s, seed=2) for n, s in shapes.items()}
    # One step without any gradient and one large one, so that moments and clipping both show.
    for n in grads:
        grads[n][3] *= 0.0
        grads[n][4] *= 8.0
    shared = {
        "initial": [store.put(f"initial/{n}", v) for n, v in start.items()],
        "grads": [store.put(f"grads/{n}", v) for n, v in grads.items()],
    }
    # A matrix with more rows than columns, and one of an embedding.
    tall = {"tall": normal(5, 2, seed=3), "embeddings": normal(3, 2, seed=4)}
    tall_grads = {n: normal(STEPS, *v.shape, seed=5) for n, v in tall.items()}
    tall_shared = {
        "initial": [store.put(f"initial/{n}", v) for n, v in tall.items()],
        "grads": [store.put(f"grads/{n}", v) for n, v in tall_grads.items()],
    }

    def case(name, make, exclude=None, start=start, grads=grads, shared=shared):
        keras.utils.clear_session()
        optimizer = make()
        config = config_of(optimizer)
        variables = [keras.Variable(v, name=n) for n, v in start.items()]
        if exclude:
            optimizer.exclude_from_weight_decay(var_names=exclude)
        history = {n: [] for n in start}
        for step in range(STEPS):
            optimizer.apply([jnp.asarray(grads[n][step]) for n in start], variables)
            for v, n in zip(variables, start):
                history[n].append(np.asarray(v.value))
        entry = {
            "name": name,
            "class_name": type(optimizer).__name__,
            "config": config,
            "exclude_from_weight_decay": exclude or [],
            "variables": list(start),
            **shared,
            "after": [store.put(f"{name}/{n}", np.stack(h)) for n, h in history.items()],
            "optimizer_variables": [
                {"name": v.name, "path": v.path, "array": store.put(f"{name}/opt{i}", v.value)}
                for i, v in enumerate(optimizer.variables)
            ],
        }
        if optimizer.use_ema:
            optimizer.finalize_variable_values(variables)
            entry["finalized"] = [store.put(f"{name}/final{i}", v.value) for i, v in enumerate(variables)]
        cases.append(entry)

    O = keras.optimizers
    case("sgd", lambda: O.SGD())
    case("sgd_rate", lambda: O.SGD(0.3))
    case("sgd_momentum", lambda: O.SGD(0.1, momentum=0.9))
    case("sgd_nesterov", lambda: O.SGD(0.1, momentum=0.9, nesterov=True))
    case("sgd_nesterov_without_momentum", lambda: O.SGD(0.1, nesterov=True))
    case("rmsprop", lambda: O.RMSprop(0.01))
    case("rmsprop_centered", lambda: O.RMSprop(0.01, centered=True))
    case("rmsprop_momentum", lambda: O.RMSprop(0.01, momentum=0.5))
    case("rmsprop_centered_momentum", lambda: O.RMSprop(0.01, rho=0.8, epsilon=1e-3, centered=True, momentum=0.9))
    case("adam", lambda: O.Adam())
    case("adam_betas", lambda: O.Adam(0.05, beta_1=0.8, beta_2=0.95, epsilon=1e-3))
    case("adam_amsgrad", lambda: O.Adam(0.05, amsgrad=True))
    case("adamw", lambda: O.AdamW())
    case("adamw_decay", lambda: O.AdamW(0.05, weight_decay=0.1))
    case("adamw_amsgrad", lambda: O.AdamW(0.05, weight_decay=0.1, amsgrad=True))
    case("lion", lambda: O.Lion())
    case("lion_betas", lambda: O.Lion(0.05, beta_1=0.8, beta_2=0.9, weight_decay=0.1))
    case("lion_accumulation", lambda: O.Lion(0.05, gradient_accumulation_steps=2))
    case("nadam", lambda: O.Nadam())
    case("nadam_betas", lambda: O.Nadam(0.05, beta_1=0.8, beta_2=0.95, epsilon=1e-3, clipnorm=1.0))
    case("nadam_accumulation", lambda: O.Nadam(0.05, gradient_accumulation_steps=2))
    case("adamw_excluding", lambda: O.AdamW(0.05, weight_decay=0.5), exclude=["bias", "gamma"])
    case("adadelta", lambda: O.Adadelta())
    case("adadelta_rho", lambda: O.Adadelta(1.0, rho=0.8, epsilon=1e-3, weight_decay=0.1))
    case("adagrad", lambda: O.Adagrad())
    case("adagrad_zero", lambda: O.Adagrad(0.1, initial_accumulator_value=0.5, epsilon=1e-2, use_ema=True, ema_momentum=0.7))
    case("adamax", lambda: O.Adamax())
    case("adamax_betas", lambda: O.Adamax(0.05, beta_1=0.8, beta_2=0.95, epsilon=1e-3, gradient_accumulation_steps=2))
    case("adafactor", lambda: O.Adafactor())
    case("adafactor_options", lambda: O.Adafactor(0.5, beta_2_decay=-0.6, epsilon_1=1e-3, epsilon_2=0.2, clip_threshold=0.5, relative_step=False, weight_decay=0.1))
    case("adafactor_schedule", lambda: O.Adafactor(O.schedules.ExponentialDecay(0.9, 2, 0.5)))
    case("ftrl", lambda: O.Ftrl())
    case("ftrl_options", lambda: O.Ftrl(0.1, learning_rate_power=-0.3, initial_accumulator_value=0.2, l1_regularization_strength=0.3, l2_regularization_strength=0.1, l2_shrinkage_regularization_strength=0.05, beta=0.4))
    case("ftrl_constant", lambda: O.Ftrl(0.1, learning_rate_power=0.0))
    case("lamb", lambda: O.Lamb())
    case("lamb_betas", lambda: O.Lamb(0.05, beta_1=0.8, beta_2=0.95, epsilon=1e-3, weight_decay=0.1))
    case("muon", lambda: O.Muon())
    case("muon_options", lambda: O.Muon(0.05, adam_beta_1=0.8, adam_beta_2=0.95, adam_weight_decay=0.2, weight_decay=0.1, adam_lr_ratio=0.5, momentum=0.8, ns_steps=3, nesterov=False, rms_rate=None, muon_a=3.0, muon_b=-4.0, muon_c=2.0))
    case("muon_excluding", lambda: O.Muon(0.05, exclude_layers=["^ke[r-s]"], adam_weight_decay=None), exclude=["bias"])
    case("muon_tall", lambda: O.Muon(0.05), start=tall, grads=tall_grads, shared=tall_shared)
    case("muon_embeddings", lambda: O.Muon(0.05, exclude_embeddings=False), start=tall, grads=tall_grads, shared=tall_shared)
    case("schedule_free_adamw", lambda: O.ScheduleFreeAdamW())
    case("schedule_free_adamw_options", lambda: O.ScheduleFreeAdamW(0.05, beta_1=0.8, beta_2=0.95, epsilon=1e-3, warmup_steps=4, weight_decay=0.1))
    for kind in ["SGD", "RMSprop", "Adam", "AdamW"]:
        cls, low = getattr(O, kind), kind.lower()
        case(f"{low}_weight_decay", lambda: cls(0.05, weight_decay=0.2))
        case(f"{low}_clipnorm", lambda: cls(0.05, clipnorm=1.0))
        case(f"{low}_clipvalue", lambda: cls(0.05, clipvalue=0.5))
        case(f"{low}_global_clipnorm", lambda: cls(0.05, global_clipnorm=2.0))
        case(f"{low}_ema", lambda: cls(0.05, use_ema=True, ema_momentum=0.7))
        case(f"{low}_ema_overwrite", lambda: cls(0.05, use_ema=True, ema_momentum=0.7, ema_overwrite_frequency=2))
        case(f"{low}_accumulation", lambda: cls(0.05, gradient_accumulation_steps=2))
    case("sgd_all_together", lambda: O.SGD(0.05, momentum=0.9, weight_decay=0.1, clipnorm=1.0, use_ema=True, ema_momentum=0.5))
    case("adam_all_together", lambda: O.Adam(0.05, weight_decay=0.1, global_clipnorm=1.0, use_ema=True, ema_momentum=0.5, gradient_accumulation_steps=3))
    store.save("optimizers.npz")
    write_json("optimizers.json", cases)
    return len(cases)


# Metrics --------------------------------------------------------------------------------------


def metrics():
    store, cases = Store(), []

    def case(name, make, updates):
        """`updates`: tuples (y_true, y_pred, sample_weight) or, for Mean, (values, None, sample_weight)."""
        keras.utils.clear_session()
        metric = make()
        rows, results = [], []
        for i, (y_true, y_pred, weight, *mask) in enumerate(updates):
            mask = mask[0] if mask else None
            row = {"y_true": store.put(f"{name}/{i}/y_true", y_true)}
            if y_pred is None:
                metric.update_state(jnp.asarray(y_true), sample_weight=weight)
            else:
                row["y_pred"] = store.put(f"{name}/{i}/y_pred", y_pred)
                pred = jnp.asarray(y_pred) * 1
                if mask is not None:
                    keras.src.backend.common.masking.set_keras_mask(pred, jnp.asarray(mask))
                metric.update_state(jnp.asarray(y_true), pred, sample_weight=weight)
            row["sample_weight"] = None if weight is None else store.put(f"{name}/{i}/weight", weight)
            row["mask"] = None if mask is None else store.put(f"{name}/{i}/mask", mask)
            rows.append(row)
            results.append(float(metric.result()))
        cases.append({
            "name": name, "class_name": type(metric).__name__, "config": config_of(metric),
            "metric_name": metric.name, "updates": rows, "results": results,
        })

    M = keras.metrics
    weights = [np.array([1.0, 0.5, 2.0], np.float32), np.array([0.0, 3.0, 1.0], np.float32), None]
    sizes = [5, 3, 4]

    def three(make_true, make_pred, weighted):
        out = []
        for i, n in enumerate(sizes):
            w = uniform(n, seed=20 + i) if weighted else None
            out.append((make_true(n, i), make_pred(n, i), w))
        return out

    bits = lambda n, i: (rng_for(30, i).random((n, 2)) < 0.5).astype(np.float32)
    chance = lambda n, i: uniform(n, 2, seed=40 + i)
    ids = lambda n, i: rng_for(50, i).integers(0, 3, (n,)).astype(np.int32)
    probs = lambda n, i: softmax(normal(n, 3, seed=60 + i))
    reals = lambda n, i: normal(n, 2, seed=70 + i)
    guesses = lambda n, i: normal(n, 2, seed=80 + i)
    for weighted in [False, True]:
        tag = "_weighted" if weighted else ""
        case(f"accuracy{tag}", lambda: M.Accuracy(), three(ids, lambda n, i: ids(n, i + 5), weighted))
        case(f"binary_accuracy{tag}", lambda: M.BinaryAccuracy(), three(bits, chance, weighted))
        case(f"categorical_accuracy{tag}", lambda: M.CategoricalAccuracy(), three(lambda n, i: one_hot(ids(n, i), 3), probs, weighted))
        case(f"sparse_categorical_accuracy{tag}", lambda: M.SparseCategoricalAccuracy(), three(ids, probs, weighted))
        case(f"mean_absolute_error{tag}", lambda: M.MeanAbsoluteError(), three(reals, guesses, weighted))
        case(f"mean_squared_error{tag}", lambda: M.MeanSquaredError(), three(reals, guesses, weighted))
        case(f"hinge{tag}", lambda: M.Hinge(), three(bits, guesses, weighted))
        case(f"squared_hinge{tag}", lambda: M.SquaredHinge(), three(bits, guesses, weighted))
        case(f"categorical_hinge{tag}", lambda: M.CategoricalHinge(), three(lambda n, i: one_hot(ids(n, i), 3), probs, weighted))
        case(f"kl_divergence{tag}", lambda: M.KLDivergence(), three(probs, lambda n, i: probs(n, i + 5), weighted))
        case(f"poisson{tag}", lambda: M.Poisson(), three(lambda n, i: np.floor(chance(n, i) * 5), lambda n, i: uniform(n, 2, seed=90 + i, low=0.2, high=3.0), weighted))
        case(f"mean_absolute_percentage_error{tag}", lambda: M.MeanAbsolutePercentageError(), three(reals, guesses, weighted))
        case(f"mean_squared_logarithmic_error{tag}", lambda: M.MeanSquaredLogarithmicError(), three(bits, chance, weighted))
        case(f"cosine_similarity{tag}", lambda: M.CosineSimilarity(), three(reals, guesses, weighted))
        case(f"pearson_correlation{tag}", lambda: M.PearsonCorrelation(), three(probs, lambda n, i: probs(n, i + 5), weighted))
        case(f"concordance_correlation{tag}", lambda: M.ConcordanceCorrelation(), three(probs, lambda n, i: probs(n, i + 5), weighted))
        case(f"top_k_categorical_accuracy{tag}", lambda: M.TopKCategoricalAccuracy(k=2), three(lambda n, i: one_hot(ids(n, i), 3), probs, weighted))
        case(f"sparse_top_k_categorical_accuracy{tag}", lambda: M.SparseTopKCategoricalAccuracy(k=2), three(ids, probs, weighted))
        case(f"mean{tag}", lambda: M.Mean(), [(t[:, 0].copy(), None, w) for t, _, w in three(reals, guesses, weighted)])
    case("mean_rank2", lambda: M.Mean(), [(normal(3, 4, seed=1), None, weights[0]), (normal(2, 4, seed=2), None, None)])
    case("mean_scalar", lambda: M.Mean(), [(np.float32(1.5), None, None), (np.float32(4.0), None, np.float32(3.0))])
    case("binary_accuracy_threshold", lambda: M.BinaryAccuracy(threshold=0.8), three(bits, chance, False))
    case("binary_accuracy_edge", lambda: M.BinaryAccuracy(), [(np.array([[1.0], [0.0], [1.0]], np.float32), np.array([[0.5], [0.5], [0.6]], np.float32), None)])
    case("binary_accuracy_row_column", lambda: M.BinaryAccuracy(), [(np.array([1.0, 0.0, 1.0], np.float32), np.array([[0.7], [0.2], [0.1]], np.float32), weights[0])])
    case("sparse_categorical_accuracy_column", lambda: M.SparseCategoricalAccuracy(), [(ids(5, 0)[:, None].copy(), probs(5, 0), None)])
    ties = np.array([[0.4, 0.4, 0.2], [0.1, 0.45, 0.45]], np.float32)
    case("sparse_categorical_accuracy_ties", lambda: M.SparseCategoricalAccuracy(), [(np.array([0, 2], np.int32), ties, None)])
    case("sparse_top_k_categorical_accuracy_ties", lambda: M.SparseTopKCategoricalAccuracy(k=1), [(np.array([0, 2], np.int32), ties, None)])
    ranked = np.array([[2, 0, 1], [1, 2, 0], [0, 1, 2]], np.float32)
    case("sparse_top_k_categorical_accuracy_sorted", lambda: M.SparseTopKCategoricalAccuracy(k=2, from_sorted_ids=True), [(np.array([2, 0, 1], np.int32), ranked, None)])
    case("sparse_top_k_categorical_accuracy_column", lambda: M.SparseTopKCategoricalAccuracy(k=2), [(ids(5, 0)[:, None].copy(), probs(5, 0), None)])
    case("mean_squared_error_row_column", lambda: M.MeanSquaredError(), [(normal(4, seed=3), normal(4, 1, seed=4), None)])
    mask = np.array([[1, 1, 0, 0], [1, 1, 1, 0]], dtype=bool)
    steps = [(normal(2, 4, 3, seed=5), normal(2, 4, 3, seed=6), None, mask), (normal(2, 4, 3, seed=7), normal(2, 4, 3, seed=8), uniform(2, 4, seed=9), mask)]
    case("mean_squared_error_masked", lambda: M.MeanSquaredError(), steps)
    case("mean_absolute_error_masked_weight_sample", lambda: M.MeanAbsoluteError(), [(normal(2, 4, 3, seed=5), normal(2, 4, 3, seed=6), uniform(2, 1, seed=9), mask)])
    step_ids = rng_for(12).integers(0, 3, (2, 4)).astype(np.int32)
    case("sparse_categorical_accuracy_masked", lambda: M.SparseCategoricalAccuracy(), [(step_ids, softmax(normal(2, 4, 3, seed=13)), None, mask)])
    case("categorical_accuracy_steps", lambda: M.CategoricalAccuracy(), [(one_hot(step_ids, 3), softmax(normal(2, 4, 3, seed=13)), uniform(2, 4, seed=14))])
    case("mean_squared_error_steps_weight_sample", lambda: M.MeanSquaredError(), [(normal(2, 4, 3, seed=5), normal(2, 4, 3, seed=6), uniform(2, seed=9))])
    store.save("metrics.npz")
    write_json("metrics.json", cases)
    return len(cases)


# Initializers ---------------------------------------------------------------------------------

# Standard deviation of a standard normal cut at two sigma.
CUT_NORMAL_STD = 0.87962566103423978
MODES = {"fan_in": lambda i, o: i, "fan_out": lambda i, o: o, "fan_avg": lambda i, o: (i + o) / 2}
SCALED = {
    "GlorotUniform": (1.0, "fan_avg", "uniform"), "GlorotNormal": (1.0, "fan_avg", "truncated_normal"),
    "HeUniform": (2.0, "fan_in", "uniform"), "HeNormal": (2.0, "fan_in", "truncated_normal"),
    "LecunUniform": (1.0, "fan_in", "uniform"), "LecunNormal": (1.0, "fan_in", "truncated_normal"),
}


WINDOWS = [
    "barthann", "bartlett", "blackman", "blackmanharris", "bohman", "boxcar", "cosine", "exponential", "flattop", "hamming",
    "hann", "lanczos", "nuttall", "parzen", "taylor", "triang", "tukey",
]


def fans(shape, config):
    from keras.src.initializers.random_initializers import compute_fans

    return compute_fans(shape, config.get("input_axes"), config.get("output_axes"))


def initializers():
    cases = []

    def case(make, shape):
        init = make()
        config = config_of(init)
        kind = type(init).__name__
        sample = np.asarray(init(shape, dtype="float32")).astype(np.float64)
        entry = {"class_name": kind, "config": config, "shape": list(shape)}
        if kind in SCALED or kind == "VarianceScaling":
            scale, mode, distribution = SCALED.get(kind) or (config["scale"], config["mode"], config["distribution"])
            fan_in, fan_out = fans(shape, config)
            n = max(1.0, MODES[mode](fan_in, fan_out))
            std = math.sqrt(scale / n)
            entry |= {"fan_in": fan_in, "fan_out": fan_out}
            if distribution == "uniform":
                expected = {"distribution": "uniform", "low": -math.sqrt(3 * scale / n), "high": math.sqrt(3 * scale / n), "mean": 0.0, "std": std}
            elif distribution == "untruncated_normal":
                expected = {"distribution": "normal", "mean": 0.0, "std": std}
            else:
                cut = 2 * std / CUT_NORMAL_STD
                expected = {"distribution": "truncated_normal", "low": -cut, "high": cut, "mean": 0.0, "std": std}
        elif kind == "RandomNormal":
            expected = {"distribution": "normal", "mean": config["mean"], "std": config["stddev"]}
        elif kind == "TruncatedNormal":
            m, s = config["mean"], config["stddev"]
            expected = {"distribution": "truncated_normal", "low": m - 2 * s, "high": m + 2 * s, "mean": m, "std": s * CUT_NORMAL_STD}
        elif kind == "RandomUniform":
            low, high = config["minval"], config["maxval"]
            expected = {"distribution": "uniform", "low": low, "high": high, "mean": (low + high) / 2, "std": (high - low) / math.sqrt(12)}
        elif kind == "Orthogonal":
            rows, cols = math.prod(shape[:-1]), shape[-1]
            expected = {"distribution": "orthogonal", "gain": config["gain"], "orthonormal": "columns" if rows >= cols else "rows"}
            m = sample.reshape(rows, cols) / config["gain"]
            gram = m.T @ m if rows >= cols else m @ m.T
            assert np.allclose(gram, np.eye(min(rows, cols)), atol=1e-5)
        else:
            expected = {"distribution": "exact", "values": [float(v) for v in sample.ravel()]}
        # Keras's own sample must agree, else the expectation above is wrong.
        if "std" in expected:
            entry["keras_sample"] = {"mean": float(sample.mean()), "std": float(sample.std()), "min": float(sample.min()), "max": float(sample.max())}
            if sample.size >= 4000:
                assert abs(sample.std() / expected["std"] - 1) < 0.06, (kind, sample.std(), expected)
                assert abs(sample.mean() - expected["mean"]) < 6 * expected["std"] / math.sqrt(sample.size)
            if "low" in expected:
                slack = 1e-6 * max(1.0, abs(expected["high"]))
                assert expected["low"] - slack <= sample.min() and sample.max() <= expected["high"] + slack
        entry["expected"] = expected
        cases.append(entry)

    I = keras.initializers
    shapes = [(100, 50), (50, 100), (3, 3, 16, 32), (5, 8, 16), (3, 3, 300, 2), (4000,)]
    for kind in SCALED:
        for shape in shapes:
            case(lambda: getattr(I, kind)(seed=7), shape)
    for mode in MODES:
        for distribution in ["uniform", "truncated_normal", "untruncated_normal"]:
            case(lambda: I.VarianceScaling(2.5, mode, distribution, seed=7), (60, 90))
    case(lambda: I.VarianceScaling(seed=7), (80, 60))
    # Named axes, as einsum kernels give them: (features, heads, width).
    case(lambda: I.GlorotUniform(seed=7, input_axes=[0], output_axes=[1, 2]), (40, 8, 16))
    case(lambda: I.GlorotUniform(seed=7, input_axes=[0, 1], output_axes=[2]), (8, 16, 40))
    case(lambda: I.RandomNormal(seed=7), (80, 60))
    case(lambda: I.RandomNormal(mean=1.0, stddev=0.3, seed=7), (80, 60))
    case(lambda: I.TruncatedNormal(seed=7), (80, 60))
    case(lambda: I.TruncatedNormal(mean=-1.0, stddev=0.3, seed=7), (80, 60))
    case(lambda: I.RandomUniform(seed=7), (80, 60))
    case(lambda: I.RandomUniform(minval=0.5, maxval=2.0, seed=7), (80, 60))
    for shape in [(20, 20), (30, 12), (12, 30), (3, 3, 4, 8)]:
        case(lambda: I.Orthogonal(seed=7), shape)
    case(lambda: I.Orthogonal(gain=1.5, seed=7), (10, 6))
    case(lambda: I.Zeros(), (2, 3))
    case(lambda: I.Ones(), (2, 3))
    case(lambda: I.Constant(0.25), (2, 3))
    case(lambda: I.Identity(), (3, 3))
    case(lambda: I.Identity(gain=2.0), (2, 4))
    case(lambda: I.STFT(), (8, 1, 5))
    case(lambda: I.STFT("imag"), (8, 1, 5))
    case(lambda: I.STFT("real", "hamming", "spectrum", True), (6, 1, 5))
    case(lambda: I.STFT("imag", None, None), (6, 1, 4))
    # Each window that needs no parameter; an even number of samples, then an odd one behind the period.
    for window in WINDOWS:
        case(lambda: I.STFT("real", window, None), (6, 1, 2))
    for window in ["triang", "parzen", "lanczos", "taylor", "tukey"]:
        case(lambda: I.STFT("real", window, None, True), (6, 1, 2))
    case(lambda: I.STFT("real", "hann_periodic"), (6, 1, 2))
    case(lambda: I.STFT("real", [0.5, 1.0, -0.25], "spectrum"), (3, 1, 3))
    write_json("initializers.json", cases)
    return len(cases)


# Regularizers, constraints, activation functions ------------------------------------------------


def rules():
    store, regularizers, constraints, functions = Store(), [], [], []
    R, C, A = keras.regularizers, keras.constraints, keras.activations

    def regularizer(name, make, value):
        rule = make()
        loss, grad = jax.value_and_grad(lambda v: rule(v))(jnp.asarray(value))
        regularizers.append({
            "name": name, "class_name": type(rule).__name__, "config": {k: (float(v) if not isinstance(v, str) else v) for k, v in rule.get_config().items()},
            "input": store.put(f"{name}/input", value), "value": float(loss), "grad": store.put(f"{name}/grad", grad),
        })

    matrix, kernel = normal(4, 3, seed=1, scale=2.0), normal(3, 3, 2, 4, seed=2)
    for name, make in {
        "l1": lambda: R.L1(), "l1_factor": lambda: R.L1(0.3), "l2": lambda: R.L2(), "l2_factor": lambda: R.L2(0.3),
        "l1l2": lambda: R.L1L2(0.1, 0.2), "l1l2_l1": lambda: R.L1L2(l1=0.1), "orthogonal_rows": lambda: R.OrthogonalRegularizer(0.5),
        "orthogonal_columns": lambda: R.OrthogonalRegularizer(0.5, mode="columns"),
    }.items():
        regularizer(name, make, matrix)
        if "orthogonal" not in name:
            regularizer(f"{name}_kernel", make, kernel)

    def constraint(name, make, value):
        rule = make()
        constraints.append({
            "name": name, "class_name": type(rule).__name__, "config": config_of(rule),
            "input": store.put(f"{name}/input", value), "output": store.put(f"{name}/output", rule(jnp.asarray(value))),
        })

    constraint("non_neg", lambda: C.NonNeg(), matrix)
    for axis in [0, 1]:
        constraint(f"max_norm_axis{axis}", lambda: C.MaxNorm(1.5, axis=axis), matrix)
        constraint(f"min_max_norm_axis{axis}", lambda: C.MinMaxNorm(1.0, 2.0, axis=axis), matrix)
        constraint(f"unit_norm_axis{axis}", lambda: C.UnitNorm(axis=axis), matrix)
    constraint("max_norm_default", lambda: C.MaxNorm(), matrix)
    constraint("min_max_norm_rate", lambda: C.MinMaxNorm(0.5, 1.0, rate=0.3), matrix)
    constraint("max_norm_kernel", lambda: C.MaxNorm(1.0, axis=[0, 1, 2]), kernel)
    constraint("unit_norm_kernel", lambda: C.UnitNorm(axis=[0, 1, 2]), kernel)

    def function(name, base, value, **arguments):
        fn = getattr(A, base)
        out = fn(jnp.asarray(value), **arguments)
        cot = normal(*out.shape, seed=3)
        grad = jax.grad(lambda v: jnp.sum(fn(v, **arguments) * cot))(jnp.asarray(value))
        functions.append({
            "name": name, "function": base, "arguments": {k: list(v) if isinstance(v, tuple) else v for k, v in arguments.items()},
            "input": store.put(f"{name}/input", value), "output": store.put(f"{name}/output", out),
            "cotangent": store.put(f"{name}/cotangent", cot), "grad": store.put(f"{name}/grad", grad),
        })

    spread = uniform(4, 6, seed=4, low=-8.0, high=8.0)
    function("relu_arguments", "relu", spread, negative_slope=0.1, max_value=4.0, threshold=0.5)
    function("leaky_relu_slope", "leaky_relu", spread, negative_slope=0.05)
    function("elu_alpha", "elu", spread, alpha=0.5)
    function("celu_alpha", "celu", spread, alpha=2.0)
    function("gelu_approximate", "gelu", spread, approximate=True)
    function("glu_axis0", "glu", spread, axis=0)
    function("softmax_axis0", "softmax", spread, axis=0)
    function("softmax_axes", "softmax", spread, axis=(0, 1))
    function("log_softmax_axis0", "log_softmax", spread, axis=0)
    function("sparsemax_axis0", "sparsemax", (spread / 4).astype(np.float32), axis=0)
    function("squareplus_b", "squareplus", spread, b=1.0)
    function("soft_shrink_threshold", "soft_shrink", spread, threshold=2.0)
    function("hard_shrink_threshold", "hard_shrink", spread, threshold=2.0)
    function("threshold", "threshold", spread, threshold=1.0, default_value=-2.0)
    function("sigmoid_large", "sigmoid", (spread * 20).astype(np.float32))
    function("softplus_large", "softplus", (spread * 20).astype(np.float32))
    function("log_sigmoid_large", "log_sigmoid", (spread * 20).astype(np.float32))
    function("softmax_large", "softmax", (spread * 20).astype(np.float32))
    function("log_softmax_large", "log_softmax", (spread * 20).astype(np.float32))
    store.save("rules.npz")
    write_json("rules.json", {"regularizers": regularizers, "constraints": constraints, "activations": functions})
    return len(regularizers) + len(constraints) + len(functions)


for family in [losses, optimizers, metrics, initializers, rules]:
    print(family.__name__, family(), "cases")
