"""Golden outputs and gradients of further layers: writes more_layers.json and more_layers.npz.

    pip install keras==3.15.1 jax h5py
    KERAS_BACKEND=jax python make_more_layers.py
"""

from layer_cases import L, MASK5, Masked, case, ints, np, save, x


def group_query_attention():
    gqa = L.GroupQueryAttention
    query, value, key = x(2, 4, 6, seed=1), x(2, 5, 6, seed=2), x(2, 5, 3, seed=3)
    case("gqa_self", lambda: gqa(3, 4, 2), query, query.copy())
    case("gqa_key", lambda: gqa(3, 4, 2), query, value, key=key)
    case("gqa_one_group", lambda: gqa(3, 4, 1), query, value)
    case("gqa_all_groups", lambda: gqa(3, 2, 2), query, value)
    case("gqa_no_bias", lambda: gqa(3, 4, 2, use_bias=False), query, value)
    case("gqa_gate", lambda: gqa(3, 4, 2, use_gate=True), query, value)
    case("gqa_window", lambda: gqa(3, 4, 2, sliding_window=2), query, value)
    case("gqa_causal", lambda: gqa(3, 4, 2), query, query.copy(), use_causal_mask=True)
    case("gqa_causal_window_scores", lambda: gqa(3, 4, 2, sliding_window=2), query, value, use_causal_mask=True, return_attention_scores=True)
    case("gqa_causal_dropout_inference", lambda: gqa(3, 4, 2, dropout=0.5, seed=1), query, value, use_causal_mask=True)
    attend = np.random.default_rng(5).random((2, 4, 5)) < 0.6
    attend[:, :, 0] = True
    case("gqa_attention_mask", lambda: gqa(3, 4, 2), query, value, attention_mask=attend)
    q_mask = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], dtype=bool)
    v_mask = np.array([[1, 1, 1, 1, 0], [1, 1, 0, 0, 0]], dtype=bool)
    case("gqa_query_mask", lambda: gqa(3, 4, 2), Masked(query, q_mask), value)
    case("gqa_query_mask_argument", lambda: gqa(3, 4, 2), query, value, query_mask=q_mask)
    case("gqa_all_masks", lambda: gqa(3, 4, 2), Masked(query, q_mask), Masked(value, v_mask), key=Masked(key, v_mask))
    arguments = {"value_mask": v_mask, "key_mask": np.roll(v_mask, 1, axis=1)}
    case("gqa_mask_arguments", lambda: gqa(3, 4, 2), query, Masked(value, ~v_mask), key=key, **arguments)
    case("gqa_query_mask_argument_over", lambda: gqa(3, 4, 2), Masked(query, q_mask), value, query_mask=np.roll(q_mask, 1, axis=1))
    case("mha_mask_arguments", lambda: L.MultiHeadAttention(2, 3), query, Masked(value, ~v_mask), key=key, **arguments)


def reversible_embedding():
    e = L.ReversibleEmbedding
    ids, vectors = ints(4, 5, high=7), x(4, 5, 3)
    case("reversible_embedding", lambda: e(7, 3), ids)
    case("reversible_embedding_mask_zero", lambda: e(7, 3, mask_zero=True), ids)
    case("reversible_embedding_reverse", lambda: e(7, 3), vectors, reverse=True)
    case("reversible_embedding_untied", lambda: e(7, 3, tie_weights=False), vectors, reverse=True)
    case("reversible_embedding_untied_forward", lambda: e(7, 3, tie_weights=False), ids)
    case("reversible_embedding_cap", lambda: e(7, 3, logit_soft_cap=0.5), vectors, reverse=True)
    case("reversible_embedding_reverse_dtype", lambda: e(7, 3, reverse_dtype="float32"), vectors, reverse=True)
    case("reversible_embedding_masked_reverse", lambda: e(7, 3, mask_zero=True), Masked(vectors, MASK5), reverse=True)


def spectral_normalization():
    s = L.SpectralNormalization

    def frozen():
        layer = s(L.Dense(3))
        layer.trainable = False
        return layer

    case("spectral_dense", lambda: s(L.Dense(3)), x(4, 5))
    case("spectral_dense_training", lambda: s(L.Dense(3)), x(4, 5), training=True)
    case("spectral_dense_iterations", lambda: s(L.Dense(3), power_iterations=3), x(4, 5), training=True)
    case("spectral_conv_training", lambda: s(L.Conv2D(4, 2)), x(2, 4, 5, 3), training=True)
    case("spectral_frozen_training", frozen, x(4, 5), training=True)
    case("spectral_embedding", lambda: s(L.Embedding(7, 3)), ints(4, 5, high=7), training=True)
    case("spectral_masked", lambda: s(L.Dense(3)), Masked(x(4, 5, 2), MASK5))


def adaptive_pooling():
    for kind in ["Average", "Max"]:
        layers = [getattr(L, f"Adaptive{kind}Pooling{n}D") for n in (1, 2, 3)]
        low = kind.lower()
        for name, n, shape, size in [
            ("1d", 1, (2, 7, 3), 4), ("1d_divisor", 1, (2, 8, 3), 4), ("1d_one", 1, (2, 7, 3), 1),
            ("1d_larger", 1, (2, 3, 2), 5), ("2d", 2, (2, 7, 5, 3), (3, 2)), ("2d_square", 2, (2, 5, 6, 2), 3),
            ("3d", 3, (2, 4, 5, 3, 2), (3, 2, 2)),
        ]:
            cls = layers[n - 1]
            case(f"adaptive_{low}_{name}", lambda: cls(size), x(*shape))
            first = (shape[0], shape[-1], *shape[1:-1])
            if name in ("1d", "2d", "3d"):
                case(f"adaptive_{low}_{name}_first", lambda: cls(size, data_format="channels_first"), x(*first))
    case("adaptive_average_1d_integers", lambda: L.AdaptiveAveragePooling1D(2), ints(2, 5, 3, high=9))
    case("adaptive_max_1d_masked", lambda: L.AdaptiveMaxPooling1D(2), Masked(x(4, 5, 2), MASK5))


def normalization():
    n = L.Normalization
    one_two = np.array([[1.0, 2.0, 3.0], [0.5, 1.5, 2.5]])
    case("normalization", lambda: n(), x(4, 3))
    case("normalization_invert", lambda: n(invert=True), x(4, 3))
    case("normalization_axis_1", lambda: n(axis=1), x(4, 3, 2))
    case("normalization_axes", lambda: n(axis=(1, -1)), x(4, 2, 2, 3))
    case("normalization_all", lambda: n(axis=None), x(4, 3))
    case("normalization_numbers", lambda: n(axis=None, mean=2.0, variance=4.0), x(4, 3))
    case("normalization_given", lambda: n(mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 0.25]), x(4, 2, 3))
    case("normalization_given_invert", lambda: n(mean=1.0, variance=0.0, invert=True), x(4, 3))
    case("normalization_given_zero", lambda: n(mean=[0.0, 1.0, 2.0], variance=[0.0, 0.0, 1.0]), x(4, 3))
    case("normalization_given_axes", lambda: n(axis=(1, 3), mean=one_two, variance=one_two), x(4, 2, 2, 3))
    case("normalization_given_last_axis", lambda: n(axis=(1, 3), mean=one_two[0], variance=one_two[1]), x(4, 2, 2, 3))
    case("normalization_integers", lambda: n(axis=None, mean=2.0, variance=4.0), ints(4, 3, high=9))
    case("normalization_masked", lambda: n(), Masked(x(4, 5, 2), MASK5))


def categories():
    d, c = L.Discretization, L.CategoryEncoding
    values = np.array([[-1.0, 0.0, 0.4, 1.0], [0.5, 7.0, -0.1, 0.9]], dtype=np.float32)
    bounds = [0.0, 0.5, 1.0]
    case("discretization", lambda: d(bounds), values)
    case("discretization_descending", lambda: d(bounds[::-1]), values)
    case("discretization_integers", lambda: d([1.0, 3.0]), ints(3, 4, high=6))
    case("discretization_rank3", lambda: d(bounds), x(2, 3, 2))
    for mode in ["one_hot", "multi_hot", "count"]:
        case(f"discretization_{mode}", lambda: d(bounds, output_mode=mode), values)
        case(f"discretization_{mode}_column", lambda: d(bounds, output_mode=mode), values[:, :1])
        case(f"category_{mode}", lambda: c(5, output_mode=mode), ints(3, 4, high=5))
        case(f"category_{mode}_column", lambda: c(5, output_mode=mode), ints(3, 1, high=5))
        case(f"category_{mode}_outside", lambda: c(3, output_mode=mode), ints(3, 4, high=6) - 1)
        case(f"category_{mode}_floats", lambda: c(4, output_mode=mode), np.array([[0.0, 1.0], [3.0, 2.0]], dtype=np.float32))
    case("category_count_weights", lambda: c(5, output_mode="count"), ints(3, 4, high=5), count_weights=x(3, 4))
    case("category_one_hot_rank3", lambda: c(5, output_mode="one_hot"), ints(2, 3, 2, high=5))


def images():
    r = L.Resizing
    image = x(2, 5, 7, 3)
    for name in ["bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"]:
        case(f"resizing_{name}", lambda: r(8, 4, interpolation=name), image)
        case(f"resizing_{name}_antialias", lambda: r(3, 9, interpolation=name, antialias=True), image)
        if name != "nearest":
            case(f"up_sampling2d_{name}", lambda: L.UpSampling2D((2, 3), interpolation=name), x(2, 3, 4, 2))
    case("resizing_first", lambda: r(3, 4, data_format="channels_first"), x(2, 3, 5, 7))
    case("resizing_same", lambda: r(5, 7), image)
    case("resizing_crop", lambda: r(4, 3, crop_to_aspect_ratio=True), image)
    case("resizing_crop_rows", lambda: r(2, 9, crop_to_aspect_ratio=True), image)
    case("resizing_pad", lambda: r(6, 6, pad_to_aspect_ratio=True, fill_value=0.5), image)
    case("resizing_pad_columns", lambda: r(3, 9, pad_to_aspect_ratio=True), image)
    case("resizing_pad_first", lambda: r(6, 6, pad_to_aspect_ratio=True, data_format="channels_first"), x(2, 3, 5, 7))
    case("resizing_integers", lambda: r(8, 4), ints(2, 5, 7, 3, high=256))
    case("resizing_integers_nearest", lambda: r(8, 4, interpolation="nearest"), ints(2, 5, 7, 3, high=256))
    case("up_sampling2d_bilinear_first", lambda: L.UpSampling2D(2, interpolation="bilinear", data_format="channels_first"), x(2, 2, 3, 4))
    case("center_crop", lambda: L.CenterCrop(3, 4), image)
    case("center_crop_first", lambda: L.CenterCrop(2, 3, data_format="channels_first"), x(2, 3, 5, 7))
    case("center_crop_same", lambda: L.CenterCrop(5, 7), image)
    case("center_crop_larger", lambda: L.CenterCrop(6, 4), image)
    case("center_crop_larger_first", lambda: L.CenterCrop(4, 9, data_format="channels_first"), x(2, 3, 5, 7))
    case("center_crop_integers", lambda: L.CenterCrop(3, 4), ints(2, 5, 7, 3, high=256))


for family in [
    group_query_attention, reversible_embedding, spectral_normalization, adaptive_pooling, normalization, categories, images,
]:
    family()
save("more_layers")
