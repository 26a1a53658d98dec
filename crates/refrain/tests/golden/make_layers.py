"""Golden outputs and gradients of every layer: writes layers.json and layers.npz.

    pip install keras==3.15.1 jax h5py
    KERAS_BACKEND=jax python make_layers.py
"""

from layer_cases import L, MASK5, MASK_DROPPED, Masked, case, ints, np, save, x


def dense():
    case("dense_rank2", lambda: L.Dense(3), x(4, 5))
    case("dense_rank3", lambda: L.Dense(3, activation="relu"), x(2, 4, 5))
    case("dense_rank4", lambda: L.Dense(3, activation="tanh"), x(2, 3, 2, 4))
    case("dense_no_bias", lambda: L.Dense(3, use_bias=False), x(4, 5))
    case("dense_masked", lambda: L.Dense(3), Masked(x(4, 5, 2), MASK5))
    for activation in ["sigmoid", "softmax", "elu", "gelu", "softplus"]:
        case(f"dense_{activation}", lambda: L.Dense(4, activation=activation), x(3, 5))


def einsum_dense():
    e = L.EinsumDense
    case("einsum_dense", lambda: e("ab,bc->ac", 4, bias_axes="c"), x(3, 5))
    case("einsum_dense_sequence", lambda: e("abc,cd->abd", (None, 4), activation="relu"), x(2, 3, 5))
    case("einsum_dense_two_axes", lambda: e("abc,cde->abde", (None, 2, 3), bias_axes="de"), x(2, 3, 4))
    case("einsum_dense_left", lambda: e("...x,xy->...y", 4, bias_axes="y"), x(2, 3, 5))
    case("einsum_dense_left_first_bias", lambda: e("...xz,zy->...xy", (3, 4), bias_axes="x"), x(2, 2, 3, 5))
    case("einsum_dense_right", lambda: e("ab...,bc->ac...", 4, bias_axes="c"), x(2, 3, 2, 2))
    case("einsum_dense_swapped", lambda: e("abc,bde->aecd", (6, 3, 2), bias_axes="ed"), x(2, 4, 3))
    case("einsum_dense_shared", lambda: e("abc,bc->abc", (3, 4)), x(2, 3, 4))


def convolution():
    case("conv1d_valid", lambda: L.Conv1D(4, 3), x(2, 9, 3))
    case("conv1d_same_stride2", lambda: L.Conv1D(4, 3, strides=2, padding="same"), x(2, 8, 3))
    case("conv1d_causal", lambda: L.Conv1D(4, 3, padding="causal"), x(2, 7, 3))
    case("conv1d_causal_dilated", lambda: L.Conv1D(2, 3, padding="causal", dilation_rate=2), x(2, 9, 3))
    case("conv1d_causal_stride2", lambda: L.Conv1D(2, 2, padding="causal", strides=2), x(2, 9, 3))
    case("conv1d_dilated_relu", lambda: L.Conv1D(4, 2, dilation_rate=3, activation="relu"), x(2, 9, 3))
    case("conv1d_groups", lambda: L.Conv1D(6, 3, groups=3), x(2, 6, 6))
    case("conv1d_no_bias_even", lambda: L.Conv1D(3, 4, padding="same", use_bias=False), x(2, 7, 2))
    case("conv1d_channels_first", lambda: L.Conv1D(4, 3, data_format="channels_first"), x(2, 3, 8))
    case("conv2d_valid", lambda: L.Conv2D(4, 3), x(2, 6, 5, 2))
    case("conv2d_same", lambda: L.Conv2D(4, 3, padding="same", activation="relu"), x(2, 5, 4, 2))
    case("conv2d_same_stride2", lambda: L.Conv2D(3, 3, strides=2, padding="same"), x(2, 6, 5, 2))
    case("conv2d_stride12_kernel23", lambda: L.Conv2D(3, (2, 3), strides=(1, 2)), x(2, 5, 7, 2))
    case("conv2d_even_same", lambda: L.Conv2D(3, 4, padding="same"), x(2, 5, 6, 2))
    case("conv2d_dilated", lambda: L.Conv2D(3, 3, dilation_rate=2, activation="tanh"), x(2, 7, 6, 2))
    case("conv2d_dilated_same", lambda: L.Conv2D(3, 3, dilation_rate=(1, 2), padding="same"), x(2, 5, 6, 2))
    case("conv2d_groups", lambda: L.Conv2D(4, 3, groups=2, padding="same"), x(2, 4, 4, 4))
    case("conv2d_1x1_no_bias", lambda: L.Conv2D(5, 1, use_bias=False), x(2, 3, 4, 3))
    case("conv2d_1x1_stride2", lambda: L.Conv2D(5, 1, strides=2), x(2, 5, 4, 3))
    case("conv2d_channels_first", lambda: L.Conv2D(3, 3, data_format="channels_first", padding="same"), x(2, 2, 5, 4))
    case("conv2d_one_channel", lambda: L.Conv2D(8, 3, padding="same", activation="relu"), x(2, 6, 6, 1))
    case("depthwise_conv2d", lambda: L.DepthwiseConv2D(3), x(2, 5, 6, 3))
    case("depthwise_conv2d_mult2", lambda: L.DepthwiseConv2D(3, depth_multiplier=2, padding="same", activation="relu"), x(2, 5, 4, 3))
    case("depthwise_conv2d_stride2", lambda: L.DepthwiseConv2D(3, strides=2, padding="same", use_bias=False), x(2, 6, 5, 3))
    case("depthwise_conv2d_mult2_stride2", lambda: L.DepthwiseConv2D(2, strides=2, depth_multiplier=2), x(2, 6, 6, 2))
    case("depthwise_conv2d_dilated", lambda: L.DepthwiseConv2D(3, dilation_rate=2, padding="same"), x(2, 5, 6, 2))
    case("depthwise_conv1d", lambda: L.DepthwiseConv1D(3), x(2, 7, 3))
    case("depthwise_conv1d_mult2", lambda: L.DepthwiseConv1D(3, depth_multiplier=2, padding="same", activation="relu"), x(2, 6, 3))
    case("depthwise_conv1d_stride2", lambda: L.DepthwiseConv1D(4, strides=2, padding="same", use_bias=False), x(2, 7, 2))
    case("depthwise_conv1d_dilated", lambda: L.DepthwiseConv1D(3, dilation_rate=2), x(2, 8, 2))
    case("depthwise_conv1d_channels_first", lambda: L.DepthwiseConv1D(3, data_format="channels_first"), x(2, 3, 7))
    case("separable_conv1d", lambda: L.SeparableConv1D(4, 3), x(2, 7, 3))
    case("separable_conv1d_mult2", lambda: L.SeparableConv1D(4, 3, depth_multiplier=2, padding="same", activation="tanh"), x(2, 6, 3))
    case("separable_conv1d_stride2", lambda: L.SeparableConv1D(3, 4, strides=2, padding="same", use_bias=False), x(2, 7, 2))
    case("separable_conv1d_dilated", lambda: L.SeparableConv1D(3, 3, dilation_rate=2), x(2, 8, 2))
    case("separable_conv1d_channels_first", lambda: L.SeparableConv1D(4, 3, data_format="channels_first"), x(2, 3, 7))
    case("separable_conv2d", lambda: L.SeparableConv2D(4, 3), x(2, 5, 6, 3))
    case("separable_conv2d_mult2", lambda: L.SeparableConv2D(4, (3, 2), depth_multiplier=2, padding="same", activation="relu"), x(2, 5, 4, 2))
    case("separable_conv2d_stride2", lambda: L.SeparableConv2D(3, 3, strides=2, padding="same", use_bias=False), x(2, 6, 5, 2))
    case("separable_conv2d_dilated", lambda: L.SeparableConv2D(3, 3, dilation_rate=2, padding="same"), x(2, 5, 6, 2))
    case("separable_conv2d_channels_first", lambda: L.SeparableConv2D(4, 3, data_format="channels_first"), x(2, 3, 5, 4))
    case("conv3d", lambda: L.Conv3D(3, 2), x(2, 3, 4, 3, 2))
    case("conv3d_same_stride", lambda: L.Conv3D(2, (2, 3, 1), strides=(1, 2, 2), padding="same", activation="relu"), x(2, 3, 4, 3, 2))
    case("conv3d_dilated_groups", lambda: L.Conv3D(4, 2, dilation_rate=(2, 1, 1), groups=2, use_bias=False), x(1, 4, 3, 3, 4))
    case("conv3d_channels_first", lambda: L.Conv3D(2, 2, data_format="channels_first"), x(2, 2, 3, 3, 2))


def transposed_convolution():
    t1, t2, t3 = L.Conv1DTranspose, L.Conv2DTranspose, L.Conv3DTranspose
    case("conv1d_transpose", lambda: t1(3, 3), x(2, 5, 2))
    case("conv1d_transpose_stride", lambda: t1(3, 2, strides=3), x(2, 4, 2))
    case("conv1d_transpose_same", lambda: t1(3, 4, strides=2, padding="same", activation="tanh"), x(2, 4, 2))
    case("conv1d_transpose_channels_first", lambda: t1(3, 3, strides=2, data_format="channels_first"), x(2, 2, 4))
    for padding in ["valid", "same"]:
        case(f"conv2d_transpose_{padding}", lambda: t2(3, 3, padding=padding), x(2, 3, 4, 2))
        case(f"conv2d_transpose_{padding}_stride2", lambda: t2(2, 3, strides=2, padding=padding), x(2, 3, 4, 2))
        case(f"conv2d_transpose_{padding}_rect", lambda: t2(2, (2, 5), strides=(3, 2), padding=padding), x(2, 3, 2, 2))
        case(f"conv2d_transpose_{padding}_output_padding", lambda: t2(2, 3, strides=2, padding=padding, output_padding=1), x(2, 3, 3, 2))
        case(f"conv2d_transpose_{padding}_no_output_padding", lambda: t2(2, (3, 4), strides=(2, 3), padding=padding, output_padding=(0, 2)), x(2, 3, 3, 2))
        case(f"conv2d_transpose_{padding}_dilated", lambda: t2(2, (3, 2), dilation_rate=2, padding=padding), x(2, 3, 4, 2))
    case("conv2d_transpose_kernel1", lambda: t2(2, 1, strides=2, padding="same", use_bias=False), x(2, 3, 2, 3))
    case("conv2d_transpose_channels_first", lambda: t2(3, 3, strides=2, padding="same", data_format="channels_first"), x(2, 2, 3, 4))
    case("conv3d_transpose", lambda: t3(2, 2, strides=(1, 2, 2), padding="same"), x(1, 2, 3, 2, 2))


def pooling():
    for kind in ["Max", "Average"]:
        low = kind.lower()
        one, two = getattr(L, f"{kind}Pooling1D"), getattr(L, f"{kind}Pooling2D")
        case(f"{low}_pooling1d", lambda: one(2), x(2, 7, 3))
        case(f"{low}_pooling1d_same", lambda: one(3, strides=2, padding="same"), x(2, 6, 3))
        case(f"{low}_pooling1d_overlap", lambda: one(3, strides=1), x(2, 7, 2))
        case(f"{low}_pooling1d_channels_first", lambda: one(2, data_format="channels_first"), x(2, 3, 7))
        case(f"{low}_pooling2d", lambda: two(2), x(2, 5, 6, 3))
        case(f"{low}_pooling2d_same", lambda: two(3, strides=2, padding="same"), x(2, 6, 5, 2))
        case(f"{low}_pooling2d_rect", lambda: two((2, 3), strides=(1, 2), padding="same"), x(2, 4, 5, 2))
        case(f"{low}_pooling2d_channels_first", lambda: two(2, data_format="channels_first"), x(2, 3, 4, 5))
        g1, g2 = getattr(L, f"Global{kind}Pooling1D"), getattr(L, f"Global{kind}Pooling2D")
        case(f"global_{low}_pooling1d", lambda: g1(), x(3, 5, 4))
        case(f"global_{low}_pooling1d_keepdims", lambda: g1(keepdims=True), x(3, 5, 4))
        case(f"global_{low}_pooling2d", lambda: g2(), x(2, 4, 5, 3))
        case(f"global_{low}_pooling2d_keepdims", lambda: g2(keepdims=True), x(2, 4, 5, 3))
        case(f"global_{low}_pooling2d_channels_first", lambda: g2(data_format="channels_first"), x(2, 3, 4, 5))
        three, g3 = getattr(L, f"{kind}Pooling3D"), getattr(L, f"Global{kind}Pooling3D")
        case(f"{low}_pooling3d", lambda: three(2), x(2, 3, 4, 2, 2))
        case(f"{low}_pooling3d_same", lambda: three((2, 3, 1), strides=(1, 2, 1), padding="same"), x(1, 3, 4, 2, 2))
        case(f"{low}_pooling3d_channels_first", lambda: three(2, data_format="channels_first"), x(2, 2, 2, 3, 4))
        case(f"global_{low}_pooling3d", lambda: g3(), x(2, 2, 3, 2, 3))
        case(f"global_{low}_pooling3d_channels_first", lambda: g3(data_format="channels_first", keepdims=True), x(2, 3, 2, 3, 2))
    case("global_average_pooling1d_masked", lambda: L.GlobalAveragePooling1D(), Masked(x(4, 5, 3), MASK5))


def reshaping():
    case("flatten", lambda: L.Flatten(), x(2, 3, 4, 2))
    case("flatten_rank1", lambda: L.Flatten(), x(5))
    case("flatten_channels_first", lambda: L.Flatten(data_format="channels_first"), x(2, 3, 4, 2))
    case("reshape", lambda: L.Reshape((4, 3)), x(2, 12))
    case("reshape_infer", lambda: L.Reshape((-1, 2)), x(2, 3, 4))
    case("permute", lambda: L.Permute((2, 1)), x(2, 3, 4))
    case("permute_rank4", lambda: L.Permute((3, 1, 2)), x(2, 3, 4, 2))
    case("repeat_vector", lambda: L.RepeatVector(3), x(2, 4))
    case("rescaling", lambda: L.Rescaling(1 / 127.5, offset=-1.0), x(2, 3, 4, scale=100.0))
    case("rescaling_list", lambda: L.Rescaling([0.5, 2.0, 3.0], offset=[1.0, 0.0, -1.0]), x(2, 3))
    case("zero_padding1d", lambda: L.ZeroPadding1D(2), x(2, 3, 2))
    case("zero_padding1d_uneven", lambda: L.ZeroPadding1D((0, 3)), x(2, 3, 2))
    case("zero_padding1d_channels_first", lambda: L.ZeroPadding1D((1, 2), data_format="channels_first"), x(2, 2, 3))
    case("zero_padding2d", lambda: L.ZeroPadding2D(1), x(2, 3, 2, 2))
    case("zero_padding2d_pair", lambda: L.ZeroPadding2D((1, 2)), x(2, 3, 2, 2))
    case("zero_padding2d_uneven", lambda: L.ZeroPadding2D(((0, 1), (2, 0))), x(2, 3, 2, 2))
    case("zero_padding2d_channels_first", lambda: L.ZeroPadding2D((1, 2), data_format="channels_first"), x(2, 2, 3, 2))
    case("cropping1d", lambda: L.Cropping1D(1), x(2, 5, 2))
    case("cropping1d_uneven", lambda: L.Cropping1D((0, 3)), x(2, 5, 2))
    case("cropping2d", lambda: L.Cropping2D(1), x(2, 4, 5, 2))
    case("cropping2d_uneven", lambda: L.Cropping2D(((0, 1), (2, 0))), x(2, 4, 5, 2))
    case("cropping2d_channels_first", lambda: L.Cropping2D((1, 2), data_format="channels_first"), x(2, 2, 4, 5))
    case("up_sampling1d", lambda: L.UpSampling1D(3), x(2, 3, 2))
    case("up_sampling2d", lambda: L.UpSampling2D(2), x(2, 3, 2, 2))
    case("up_sampling2d_rect", lambda: L.UpSampling2D((1, 3)), x(2, 3, 2, 2))
    case("up_sampling2d_channels_first", lambda: L.UpSampling2D((3, 2), data_format="channels_first"), x(2, 2, 3, 2))
    case("zero_padding3d", lambda: L.ZeroPadding3D(), x(1, 2, 1, 2, 2))
    case("zero_padding3d_uneven", lambda: L.ZeroPadding3D(((0, 1), (2, 0), (1, 1)), data_format="channels_first"), x(1, 2, 2, 1, 2))
    case("cropping3d", lambda: L.Cropping3D(), x(1, 3, 4, 3, 2))
    case("cropping3d_uneven", lambda: L.Cropping3D(((0, 1), (2, 0), (1, 1)), data_format="channels_first"), x(1, 2, 2, 3, 4))
    case("up_sampling3d", lambda: L.UpSampling3D(), x(1, 2, 2, 1, 2))
    case("up_sampling3d_uneven", lambda: L.UpSampling3D((1, 2, 3), data_format="channels_first"), x(1, 2, 2, 1, 2))


def regularization():
    case("dropout_inference", lambda: L.Dropout(0.5, seed=1), x(3, 4))
    case("dropout_masked_inference", lambda: L.Dropout(0.5, seed=1), Masked(x(4, 5, 2), MASK5))
    case("dropout_rate0_training", lambda: L.Dropout(0.0, seed=1), x(3, 4), training=True)
    case("spatial_dropout1d_inference", lambda: L.SpatialDropout1D(0.5, seed=1), x(2, 3, 4))
    case("spatial_dropout2d_inference", lambda: L.SpatialDropout2D(0.5, seed=1), x(2, 3, 2, 4))
    case("spatial_dropout3d_inference", lambda: L.SpatialDropout3D(0.5, seed=1), x(1, 2, 2, 2, 3))
    case("alpha_dropout_inference", lambda: L.AlphaDropout(0.5, seed=1), x(3, 4))
    case("alpha_dropout_rate0_training", lambda: L.AlphaDropout(0.0, noise_shape=(None, 1), seed=1), x(3, 4), training=True)
    case("gaussian_dropout_inference", lambda: L.GaussianDropout(0.5, seed=1), x(3, 4))
    case("gaussian_noise_masked_inference", lambda: L.GaussianNoise(0.5, seed=1), Masked(x(4, 5, 2), MASK5))
    case("activity_regularization", lambda: L.ActivityRegularization(l1=0.1, l2=0.2), x(3, 4))
    case("activity_regularization_masked", lambda: L.ActivityRegularization(l2=0.2), Masked(x(4, 5, 2), MASK5))


def normalization():
    for training in [False, True]:
        mode = "training" if training else "inference"
        bn = L.BatchNormalization
        case(f"batch_normalization_{mode}", lambda: bn(), x(6, 4), training=training)
        case(f"batch_normalization_rank4_{mode}", lambda: bn(momentum=0.9), x(3, 4, 2, 3), training=training)
        case(f"batch_normalization_rank3_{mode}", lambda: bn(momentum=0.5, epsilon=1e-5), x(3, 4, 3), training=training)
        case(f"batch_normalization_axis1_{mode}", lambda: bn(axis=1), x(3, 4, 2, 3), training=training)
        case(f"batch_normalization_no_center_{mode}", lambda: bn(center=False), x(6, 4), training=training)
        case(f"batch_normalization_no_scale_{mode}", lambda: bn(scale=False), x(6, 4), training=training)
        case(f"batch_normalization_plain_{mode}", lambda: bn(center=False, scale=False), x(6, 4), training=training)
        case(f"batch_normalization_masked_{mode}", lambda: bn(momentum=0.8), Masked(x(4, 5, 3), MASK5), training=training)
        case(f"batch_normalization_frozen_{mode}", lambda: bn(trainable=False), x(6, 4), training=training)
    ln = L.LayerNormalization
    case("layer_normalization", lambda: ln(), x(3, 4, 5))
    case("layer_normalization_axis1", lambda: ln(axis=1), x(3, 4, 5))
    case("layer_normalization_axes", lambda: ln(axis=[1, 2]), x(3, 4, 5))
    case("layer_normalization_axes_mixed", lambda: ln(axis=[1, 3]), x(2, 3, 2, 4))
    case("layer_normalization_no_center", lambda: ln(center=False, epsilon=1e-6), x(3, 5))
    case("layer_normalization_no_scale", lambda: ln(scale=False), x(3, 5))
    case("layer_normalization_plain", lambda: ln(scale=False, center=False), x(3, 5))
    case("layer_normalization_masked", lambda: ln(), Masked(x(4, 5, 3), MASK5))
    gn = L.GroupNormalization
    case("group_normalization", lambda: gn(2), x(3, 4, 6))
    case("group_normalization_rank2", lambda: gn(3, epsilon=1e-5), x(3, 6))
    case("group_normalization_rank4", lambda: gn(2), x(2, 3, 2, 4))
    case("group_normalization_axis1", lambda: gn(2, axis=1), x(2, 4, 3, 2))
    case("group_normalization_instance", lambda: gn(-1), x(2, 3, 2, 3))
    case("group_normalization_no_center", lambda: gn(2, center=False), x(3, 5, 4))
    case("group_normalization_no_scale", lambda: gn(2, scale=False), x(3, 5, 4))
    case("group_normalization_masked", lambda: gn(1), Masked(x(4, 5, 3), MASK5))
    rms = L.RMSNormalization
    case("rms_normalization", lambda: rms(), x(3, 4, 5))
    case("rms_normalization_axis1", lambda: rms(axis=1, epsilon=1e-3), x(3, 4))
    case("rms_normalization_axes", lambda: rms(axis=[1, 2]), x(3, 4, 5))
    case("rms_normalization_masked", lambda: rms(), Masked(x(4, 5, 3), MASK5))
    unit = L.UnitNormalization
    case("unit_normalization", lambda: unit(), x(3, 4, 5))
    case("unit_normalization_axis1", lambda: unit(axis=1), x(3, 4, 5))
    case("unit_normalization_axes", lambda: unit(axis=(1, 2)), x(3, 4, 5))
    case("unit_normalization_masked", lambda: unit(), Masked(x(4, 5, 3), MASK5))


def core():
    case("embedding", lambda: L.Embedding(6, 4), ints(3, 5, high=6))
    case("embedding_mask_zero", lambda: L.Embedding(6, 4, mask_zero=True), ints(4, 5, high=4))
    case("embedding_rank1", lambda: L.Embedding(6, 3), ints(7, high=6))
    padded = x(4, 5, 3) * MASK5[:, :, None].astype(np.float32)
    case("masking", lambda: L.Masking(), padded)
    case("masking_value", lambda: L.Masking(mask_value=-1.0), np.where(MASK5[:, :, None], x(4, 5, 2), -1.0).astype(np.float32))
    # A step is masked only where all its features equal the mask value.
    partly = padded.copy()
    partly[0, 0, 1] = 0.0
    case("masking_partial", lambda: L.Masking(), partly)
    case("identity", lambda: L.Identity(), x(3, 4))
    case("identity_masked", lambda: L.Identity(), Masked(x(4, 5, 2), MASK5))


def rnn():
    inputs = x(4, 5, 3)
    units = 4
    states = {"LSTM": 2, "GRU": 1, "SimpleRNN": 1}
    for kind, count in states.items():
        cls = getattr(L, kind)
        low = {"LSTM": "lstm", "GRU": "gru", "SimpleRNN": "simple_rnn"}[kind]
        initial = [x(4, units, seed=s + 1) for s in range(count)]
        variants = {
            "": ({}, inputs, {}),
            "_sequences": ({"return_sequences": True}, inputs, {}),
            "_state": ({"return_state": True}, inputs, {}),
            "_sequences_state": ({"return_sequences": True, "return_state": True}, inputs, {}),
            "_initial_state": ({"return_sequences": True, "return_state": True}, inputs, {"initial_state": initial}),
            "_initial_state_tensor": ({}, inputs, {"initial_state": initial[0] if count == 1 else initial}),
            "_backwards": ({"go_backwards": True}, inputs, {}),
            "_backwards_sequences": ({"go_backwards": True, "return_sequences": True, "return_state": True}, inputs, {}),
            "_masked": ({"return_state": True}, Masked(inputs, MASK5), {}),
            "_masked_sequences": ({"return_sequences": True, "return_state": True}, Masked(inputs, MASK5), {}),
            "_masked_backwards": ({"return_sequences": True, "return_state": True, "go_backwards": True}, Masked(inputs, MASK5), {}),
            "_masked_zero_output": ({"return_sequences": True, "zero_output_for_mask": True}, Masked(inputs, MASK5), {}),
            "_masked_initial_state": ({"return_sequences": True, "return_state": True}, Masked(inputs, MASK5), {"initial_state": initial}),
            "_mask_argument_initial_state": ({"return_sequences": True, "return_state": True}, inputs, {"initial_state": initial, "mask": MASK5}),
            "_mask_argument": ({"return_sequences": True}, inputs, {"mask": MASK5}),
            "_unroll": ({"return_sequences": True, "unroll": True}, inputs, {}),
            "_unroll_masked": ({"return_sequences": True, "return_state": True, "unroll": True}, Masked(inputs, MASK5), {}),
            "_unroll_backwards_masked": ({"return_sequences": True, "return_state": True, "unroll": True, "go_backwards": True}, Masked(inputs, MASK5), {}),
            "_no_bias": ({"use_bias": False}, inputs, {}),
            "_relu": ({"activation": "relu", "return_sequences": True}, inputs, {}),
            "_one_step": ({"return_sequences": True}, x(2, 1, 3), {}),
            "_batch1": ({}, x(1, 4, 3), {}),
        }
        if kind != "SimpleRNN":
            variants["_activations"] = ({"activation": "softsign", "recurrent_activation": "hard_sigmoid"}, inputs, {})
        if kind == "LSTM":
            variants["_no_unit_forget_bias"] = ({"unit_forget_bias": False}, inputs, {})
        for suffix, (options, first, kwargs) in variants.items():
            defect = MASK_DROPPED if suffix == "_masked_initial_state" else None
            case(f"{low}{suffix}", lambda: cls(units, seed=1, **options), first, defect=defect, **kwargs)
    for suffix, (options, first, kwargs) in {
        "": ({}, inputs, {}),
        "_sequences_masked": ({"return_sequences": True, "return_state": True}, Masked(inputs, MASK5), {}),
        "_no_bias": ({"use_bias": False, "return_sequences": True}, inputs, {}),
        "_initial_state": ({"return_sequences": True}, inputs, {"initial_state": [x(4, units, seed=1)]}),
        "_unroll": ({"unroll": True, "return_sequences": True}, inputs, {}),
    }.items():
        case(f"gru_reset_before{suffix}", lambda: L.GRU(units, seed=1, reset_after=False, **options), first, **kwargs)


def conv_lstm():
    inputs, options = x(4, 5, 4, 3, 2), {"seed": 1, "padding": "same"}
    first = x(4, 5, 2, 4, 3)
    initial = [x(4, 4, 3, 2, seed=s + 1) for s in range(2)]
    everything = {"return_sequences": True, "return_state": True}
    for suffix, (more, inputs, kwargs) in {
        "": ({}, inputs, {}),
        "_valid": ({"padding": "valid", "return_state": True}, inputs, {}),
        "_strides": ({"strides": (2, 1), **everything}, inputs, {}),
        "_dilated": ({"padding": "valid", "dilation_rate": (2, 1)}, inputs, {}),
        "_channels_first": ({"data_format": "channels_first", **everything}, first, {}),
        "_initial_state": (everything, inputs, {"initial_state": initial}),
        "_backwards": ({"go_backwards": True, **everything}, inputs, {}),
        # Keras fails on masks in loops that are not unrolled.
        "_unroll_masked": ({"unroll": True, **everything}, Masked(inputs, MASK5), {}),
        "_unroll_backwards_masked": ({"unroll": True, "go_backwards": True}, Masked(inputs, MASK5), {}),
        "_no_bias": ({"use_bias": False, "activation": "relu", "recurrent_activation": "hard_sigmoid"}, inputs, {}),
    }.items():
        case(f"conv_lstm2d{suffix}", lambda: L.ConvLSTM2D(2, 2, **{**options, **more}), inputs, **kwargs)
    case("conv_lstm1d", lambda: L.ConvLSTM1D(2, 3, **options, **everything), x(2, 3, 5, 2))
    case("conv_lstm3d", lambda: L.ConvLSTM3D(2, 2, **options), x(1, 3, 2, 3, 2, 2))


def wrappers():
    inputs = x(4, 5, 3)
    for mode in ["concat", "sum", "mul", "ave", None]:
        case(f"bidirectional_{mode}", lambda: L.Bidirectional(L.LSTM(3, seed=1), merge_mode=mode), inputs)
        case(
            f"bidirectional_{mode}_sequences",
            lambda: L.Bidirectional(L.LSTM(3, seed=1, return_sequences=True), merge_mode=mode), inputs,
        )
    case("bidirectional_state", lambda: L.Bidirectional(L.LSTM(3, seed=1, return_sequences=True, return_state=True)), inputs)
    case("bidirectional_gru_state", lambda: L.Bidirectional(L.GRU(3, seed=1, return_state=True)), inputs)
    case("bidirectional_none_state", lambda: L.Bidirectional(L.LSTM(3, seed=1, return_sequences=True, return_state=True), merge_mode=None), inputs)
    case("bidirectional_masked", lambda: L.Bidirectional(L.LSTM(3, seed=1)), Masked(inputs, MASK5))
    case("bidirectional_masked_sequences", lambda: L.Bidirectional(L.GRU(3, seed=1, return_sequences=True)), Masked(inputs, MASK5))
    case("bidirectional_none_masked", lambda: L.Bidirectional(L.GRU(3, seed=1, return_sequences=True), merge_mode=None), Masked(inputs, MASK5))
    case("bidirectional_simple_rnn", lambda: L.Bidirectional(L.SimpleRNN(3, seed=1)), inputs)
    case(
        "bidirectional_initial_state",
        lambda: L.Bidirectional(L.LSTM(3, seed=1, return_sequences=True, return_state=True)), inputs,
        initial_state=[x(4, 3, seed=s) for s in range(4)],
    )
    case(
        "bidirectional_backward_layer",
        lambda: L.Bidirectional(
            L.LSTM(3, seed=1, return_sequences=True),
            backward_layer=L.GRU(2, seed=1, return_sequences=True, go_backwards=True),
        ),
        inputs,
    )
    case("time_distributed_dense", lambda: L.TimeDistributed(L.Dense(4, activation="relu")), inputs)
    case("time_distributed_masked", lambda: L.TimeDistributed(L.Dense(4)), Masked(inputs, MASK5))
    case("time_distributed_conv2d", lambda: L.TimeDistributed(L.Conv2D(2, 3, padding="same")), x(2, 3, 4, 4, 2))
    case("time_distributed_flatten", lambda: L.TimeDistributed(L.Flatten()), x(2, 3, 2, 4))
    for training in [False, True]:
        mode = "training" if training else "inference"
        case(f"time_distributed_batch_normalization_{mode}", lambda: L.TimeDistributed(L.BatchNormalization()), inputs, training=training)


def merging():
    pair = [x(2, 3, 4, seed=1), x(2, 3, 4, seed=2)]
    three = [*pair, x(2, 3, 4, seed=3)]
    for kind in ["Add", "Multiply", "Average", "Maximum", "Minimum"]:
        cls, low = getattr(L, kind), kind.lower()
        case(low, lambda: cls(), pair)
        case(f"{low}_three", lambda: cls(), three)
        case(f"{low}_broadcast", lambda: cls(), [x(2, 3, 4, seed=1), x(2, 1, 4, seed=2)])
        case(f"{low}_ranks", lambda: cls(), [x(2, 4, seed=1), x(2, 3, 4, seed=2)])
    case("add_same_tensor_shape1", lambda: L.Add(), [x(2, 1, seed=1), x(2, 5, seed=2), x(2, 1, seed=3)])
    case("subtract", lambda: L.Subtract(), pair)
    case("subtract_broadcast", lambda: L.Subtract(), [x(2, 3, 1, seed=1), x(2, 3, 4, seed=2)])
    case("subtract_ranks", lambda: L.Subtract(), [x(2, 3, 4, seed=1), x(2, 4, seed=2)])
    other = MASK5[::-1].copy()
    case("add_masked", lambda: L.Add(), [Masked(x(4, 5, 2, seed=1), MASK5), Masked(x(4, 5, 2, seed=2), other)])
    case("multiply_masked", lambda: L.Multiply(), [Masked(x(4, 5, 2, seed=1), MASK5), Masked(x(4, 5, 2, seed=2), other)])
    case("maximum_half_masked", lambda: L.Maximum(), [Masked(x(4, 5, 2, seed=1), MASK5), x(4, 5, 2, seed=2)])
    case("concatenate", lambda: L.Concatenate(), [x(2, 3, 4, seed=1), x(2, 3, 2, seed=2)])
    case("concatenate_axis1", lambda: L.Concatenate(axis=1), [x(2, 3, 4, seed=1), x(2, 2, 4, seed=2), x(2, 1, 4, seed=3)])
    case("concatenate_axis_minus2", lambda: L.Concatenate(axis=-2), [x(2, 3, 4, seed=1), x(2, 2, 4, seed=2)])
    case("concatenate_masked", lambda: L.Concatenate(), [Masked(x(4, 5, 2, seed=1), MASK5), Masked(x(4, 5, 3, seed=2), other)])
    case("concatenate_axis1_masked", lambda: L.Concatenate(axis=1), [Masked(x(4, 5, 2, seed=1), MASK5), x(4, 3, 2, seed=2)])
    case("dot_vectors", lambda: L.Dot(axes=1), [x(3, 4, seed=1), x(3, 4, seed=2)])
    case("dot_vectors_normalized", lambda: L.Dot(axes=1, normalize=True), [x(3, 4, seed=1), x(3, 4, seed=2)])
    case("dot_axes_2_1", lambda: L.Dot(axes=(2, 1)), [x(2, 3, 4, seed=1), x(2, 4, 5, seed=2)])
    case("dot_axes_1_1", lambda: L.Dot(axes=(1, 1)), [x(2, 4, 3, seed=1), x(2, 4, 5, seed=2)])
    case("dot_axes_negative", lambda: L.Dot(axes=-1), [x(2, 3, 4, seed=1), x(2, 5, 4, seed=2)])
    case("dot_axes_normalized", lambda: L.Dot(axes=(2, 2), normalize=True), [x(2, 3, 4, seed=1), x(2, 5, 4, seed=2)])
    case("dot_rank3_rank2", lambda: L.Dot(axes=(2, 1)), [x(2, 3, 4, seed=1), x(2, 4, seed=2)])
    case("dot_rank4", lambda: L.Dot(axes=(3, 2)), [x(2, 3, 2, 4, seed=1), x(2, 5, 4, seed=2)])


# `threshold` is missing: it has two arguments without a default, so no layer can hold it by name.
ACTIVATIONS = [
    "celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu",
    "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6",
    "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus",
    "sparse_sigmoid", "sparsemax", "squareplus", "tanh", "tanh_shrink",
]


def activations():
    spread = np.random.default_rng(7).uniform(-8.0, 8.0, (4, 6)).astype(np.float32)
    for name in ACTIVATIONS:
        case(f"activation_{name}", lambda: L.Activation(name), spread)
    case("activation_softmax_rank3", lambda: L.Activation("softmax"), x(2, 3, 4, scale=2.0))
    case("activation_masked", lambda: L.Activation("tanh"), Masked(x(4, 5, 2), MASK5))
    case("relu", lambda: L.ReLU(), spread)
    case("relu_max_value", lambda: L.ReLU(max_value=3.0), spread)
    case("relu_negative_slope", lambda: L.ReLU(negative_slope=0.1), spread)
    case("relu_threshold", lambda: L.ReLU(threshold=1.5), spread)
    case("relu_all", lambda: L.ReLU(max_value=4.0, negative_slope=0.25, threshold=1.0), spread)
    case("leaky_relu", lambda: L.LeakyReLU(), spread)
    case("leaky_relu_slope", lambda: L.LeakyReLU(negative_slope=0.05), spread)
    case("p_relu", lambda: L.PReLU(), x(3, 4))
    case("p_relu_shared", lambda: L.PReLU(shared_axes=[1, 2]), x(2, 3, 4, 2))
    case("p_relu_shared1", lambda: L.PReLU(shared_axes=[1]), x(2, 3, 4))
    case("elu", lambda: L.ELU(), spread)
    case("elu_alpha", lambda: L.ELU(alpha=0.5), spread)
    case("softmax", lambda: L.Softmax(), x(3, 4))
    case("softmax_axis1", lambda: L.Softmax(axis=1), x(2, 3, 4))
    case("softmax_axes", lambda: L.Softmax(axis=(1, 2)), x(2, 3, 4))
    case("softmax_mask", lambda: L.Softmax(), x(4, 5), mask=MASK5)
    case("softmax_axes_mask", lambda: L.Softmax(axis=(-2, -1)), x(2, 4, 5), mask=np.stack([MASK5, MASK5[::-1]]))


def attention():
    mha = L.MultiHeadAttention
    query, value, key = x(2, 4, 6, seed=1), x(2, 5, 6, seed=2), x(2, 5, 6, seed=3)
    options = {"seed": 1}
    case("mha_self", lambda: mha(2, 3, **options), query, query.copy())
    case("mha_cross", lambda: mha(2, 3, **options), query, value)
    case("mha_cross_key", lambda: mha(2, 3, **options), query, value, key=key)
    # Keras's fused path on JAX fails where value_dim differs from key_dim (in 3.15.1); asking for
    # the scores, or a dropout that does nothing at inference, selects the plain path.
    case("mha_value_dim", lambda: mha(2, 3, value_dim=4, dropout=0.5, **options), query, value, key=key)
    case("mha_value_dim_scores", lambda: mha(2, 3, value_dim=4, **options), query, value, key=key, return_attention_scores=True)
    case("mha_no_bias", lambda: mha(2, 3, use_bias=False, **options), query, value)
    case("mha_output_shape", lambda: mha(2, 3, output_shape=5, **options), query, value)
    case("mha_one_head", lambda: mha(1, 4, **options), query, value)
    case("mha_widths", lambda: mha(3, 2, value_dim=5, dropout=0.5, **options), x(2, 4, 6), x(2, 3, 4), key=x(2, 3, 7))
    case("mha_causal", lambda: mha(2, 3, **options), query, query.copy(), use_causal_mask=True)
    case("mha_scores", lambda: mha(2, 3, **options), query, value, return_attention_scores=True)
    attend = np.random.default_rng(5).random((2, 4, 5)) < 0.6
    attend[:, :, 0] = True
    case("mha_attention_mask", lambda: mha(2, 3, **options), query, value, attention_mask=attend)
    case("mha_attention_mask_broadcast", lambda: mha(2, 3, **options), query, value, attention_mask=attend[:1, :1])
    case(
        "mha_attention_mask_scores", lambda: mha(2, 3, **options), query, value,
        attention_mask=attend, return_attention_scores=True,
    )
    q_mask = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], dtype=bool)
    v_mask = np.array([[1, 1, 1, 1, 0], [1, 1, 0, 0, 0]], dtype=bool)
    case("mha_query_mask", lambda: mha(2, 3, **options), Masked(query, q_mask), value)
    case("mha_value_mask", lambda: mha(2, 3, **options), query, Masked(value, v_mask))
    case("mha_all_masks", lambda: mha(2, 3, **options), Masked(query, q_mask), Masked(value, v_mask), key=Masked(key, v_mask))
    case("mha_masked_causal", lambda: mha(2, 3, **options), Masked(query, q_mask), Masked(query.copy(), q_mask), use_causal_mask=True)
    case("mha_axes", lambda: mha(2, 2, attention_axes=(1, 2), **options), x(2, 2, 3, 4, seed=1), x(2, 2, 2, 4, seed=2))
    case("mha_axis2_rank4", lambda: mha(2, 2, attention_axes=(2,), **options), x(2, 2, 3, 4, seed=1), x(2, 2, 2, 4, seed=2))
    case("mha_dropout_inference", lambda: mha(2, 3, dropout=0.5, **options), query, value)
    both = [Masked(query, q_mask), Masked(value, v_mask)]
    for low, cls in [("attention", L.Attention), ("additive_attention", L.AdditiveAttention)]:
        case(low, lambda: cls(), [query, value])
        case(f"{low}_key", lambda: cls(), [query, value, key])
        case(f"{low}_use_scale", lambda: cls(use_scale=low == "attention"), [query, value])
        case(f"{low}_scores", lambda: cls(), [query, value], return_attention_scores=True)
        case(f"{low}_causal", lambda: cls(), [query, query.copy()], use_causal_mask=True)
        case(f"{low}_query_mask", lambda: cls(), [Masked(query, q_mask), value])
        case(f"{low}_value_mask", lambda: cls(), [query, Masked(value, v_mask)])
        case(f"{low}_masks", lambda: cls(), both)
        case(f"{low}_masks_key_causal_scores", lambda: cls(), [*both, key], use_causal_mask=True, return_attention_scores=True)
        case(f"{low}_mask_argument", lambda: cls(), [query, value], mask=[q_mask, v_mask])
        case(f"{low}_dropout_inference", lambda: cls(dropout=0.5, seed=1), [query, value])
    case("attention_concat", lambda: L.Attention(score_mode="concat"), [query, value])
    case("attention_concat_use_scale", lambda: L.Attention(score_mode="concat", use_scale=True), [query, value, key])


for family in [
    dense, einsum_dense, convolution, transposed_convolution, pooling, reshaping, regularization, normalization, core, rnn, conv_lstm, wrappers,
    merging, activations, attention,
]:
    family()
save("layers")
