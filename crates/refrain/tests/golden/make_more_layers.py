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


group_query_attention()
save("more_layers")
