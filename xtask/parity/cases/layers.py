"""Every layer class, alone in a model, in one or more configurations."""

import keras
from keras import layers as L

VOLUME = (4, 5, 6, 2)
IMAGE = (6, 7, 4)
PICTURE = (6, 7, 3)
SEQUENCE = (5, 4)


def rows():
    """Name, layer, shapes of the inputs (an `int` shape is given as `("int", shape)`)."""
    yield "activation", L.Activation("tanh"), [(4,)]
    yield "activity_regularization", L.ActivityRegularization(l1=0.1, l2=0.2), [(4,)]
    yield "alpha_dropout", L.AlphaDropout(0.3, noise_shape=None), [(4,)]
    yield "dropout", L.Dropout(0.3, seed=7), [(4,)]
    yield "dropout_noise_shape", L.Dropout(0.3, noise_shape=(None, 1, 4)), [SEQUENCE]
    yield "gaussian_dropout", L.GaussianDropout(0.3), [(4,)]
    yield "gaussian_noise", L.GaussianNoise(0.3), [(4,)]
    yield "spatial_dropout1d", L.SpatialDropout1D(0.3), [SEQUENCE]
    yield "spatial_dropout2d", L.SpatialDropout2D(0.3), [IMAGE]
    yield "spatial_dropout3d", L.SpatialDropout3D(0.3), [VOLUME]
    yield "einsum_dense", L.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de"), [SEQUENCE]
    yield "einsum_dense_ellipsis", L.EinsumDense("...x,xy->...y", 3, activation="tanh"), [IMAGE]
    yield "identity", L.Identity(), [(4,)]
    yield "rescaling", L.Rescaling(1 / 255, offset=-0.5), [IMAGE]
    yield "masking", L.Masking(mask_value=0.0), [SEQUENCE]
    yield from core()
    yield from activations()
    yield from convolutions()
    yield from pooling()
    yield from normalization()
    yield from reshaping()
    yield from merging()
    yield from attention()
    yield from images()


def images():
    """Layers that change images while fitting, at inference; and one that always does. Keras makes no model with Equalization."""
    yield "image_aug_mix", L.AugMix((0, 1), 2, 2, 0.2, 0.5, False, "nearest", 3), [PICTURE]
    yield "image_auto_contrast", L.AutoContrast(value_range=(0, 1)), [PICTURE]
    yield "image_brightness", L.RandomBrightness(0.2, value_range=(0, 1), seed=1), [PICTURE]
    yield "image_color_degeneration", L.RandomColorDegeneration(0.3, seed=2), [PICTURE]
    yield "image_color_jitter", L.RandomColorJitter(
        value_range=(0, 1), brightness_factor=0.1, contrast_factor=0.2, saturation_factor=0.3, hue_factor=0.1, seed=3
    ), [PICTURE]
    yield "image_contrast", L.RandomContrast(0.2, value_range=(0, 1)), [PICTURE]
    yield "image_cut_mix", L.CutMix((0.2, 0.5), seed=3), [PICTURE]
    yield "image_elastic", L.RandomElasticTransform(0.5, (0.1, 0.3), fill_mode="mirror", value_range=(0, 1)), [PICTURE]
    yield "image_erasing", L.RandomErasing(0.5, scale=(0.1, 0.2), fill_value=0.5), [PICTURE]
    yield "image_flip", L.RandomFlip("vertical", seed=4), [PICTURE]
    yield "image_gaussian_blur", L.RandomGaussianBlur(0.5, kernel_size=(3, 5), sigma=0.5), [PICTURE]
    yield "image_grayscale", L.RandomGrayscale(0.3), [PICTURE]
    yield "image_hue", L.RandomHue(0.3, value_range=(0, 1)), [PICTURE]
    yield "image_invert", L.RandomInvert(0.4, value_range=(0, 1)), [PICTURE]
    yield "image_mix_up", L.MixUp(0.3), [PICTURE]
    yield "image_perspective", L.RandomPerspective(0.4, 0.2), [PICTURE]
    yield "image_posterization", L.RandomPosterization(3, value_range=(0, 1)), [PICTURE]
    yield "image_pipeline", L.Pipeline([L.RandomFlip(seed=3), L.Rescaling(0.5)]), [PICTURE]
    yield "image_rand_augment", L.RandAugment((0, 1), 3, 0.2, seed=3), [PICTURE]
    yield "image_rotation", L.RandomRotation((-0.1, 0.2), fill_mode="wrap"), [PICTURE]
    yield "image_saturation", L.RandomSaturation((0.2, 0.6), value_range=(0, 1)), [PICTURE]
    yield "image_sharpness", L.RandomSharpness(0.4, value_range=(0, 1)), [PICTURE]
    yield "image_shear", L.RandomShear((0.1, 0.2), 0, seed=5), [PICTURE]
    yield "image_solarization", L.Solarization(threshold_factor=0.4, value_range=(0, 1)), [PICTURE]
    yield "image_translation", L.RandomTranslation(0.2, (0, 0.3), "constant", fill_value=0.5), [PICTURE]
    yield "image_zoom", L.RandomZoom(0.2, interpolation="nearest"), [PICTURE]


def core():
    yield "dense", L.Dense(3), [(4,)]
    yield "dense_options", L.Dense(
        3, activation="relu", use_bias=False, kernel_initializer=keras.initializers.HeNormal(seed=3),
        kernel_regularizer=keras.regularizers.L1L2(0.01, 0.02), kernel_constraint=keras.constraints.MaxNorm(2.0),
        activity_regularizer="l2",
    ), [(4,)]
    yield "dense_rank3", L.Dense(3, bias_regularizer="l1", bias_constraint="non_neg"), [SEQUENCE]
    yield "dense_bfloat16", L.Dense(3, dtype="bfloat16"), [(4,)]
    yield "dense_float16", L.Dense(3, dtype="float16"), [(4,)]
    yield "dense_frozen", L.Dense(3, trainable=False), [(4,)]
    yield "embedding", L.Embedding(6, 3), [("int", (5,))]
    yield "embedding_mask_zero", L.Embedding(6, 3, mask_zero=True, embeddings_constraint="unit_norm"), [("int", (5,))]


def activations():
    yield "elu", L.ELU(alpha=0.7), [(4,)]
    yield "leaky_relu", L.LeakyReLU(negative_slope=0.1), [(4,)]
    yield "prelu", L.PReLU(), [(4,)]
    yield "prelu_shared_axes", L.PReLU(shared_axes=[1, 2]), [IMAGE]
    yield "relu", L.ReLU(), [(4,)]
    yield "relu_options", L.ReLU(max_value=1.5, negative_slope=0.2, threshold=0.1), [(4,)]
    yield "softmax", L.Softmax(axis=1), [SEQUENCE]
    # Layers that stand for functions.
    yield "dense_leaky_relu", L.Dense(3, activation=L.LeakyReLU(negative_slope=0.1)), [(4,)]
    yield "dense_relu", L.Dense(3, activation=L.ReLU(max_value=1.5, negative_slope=0.2, threshold=0.1)), [(4,)]
    yield "conv2d_elu", L.Conv2D(3, 2, activation=L.ELU(alpha=0.7)), [IMAGE]
    yield "dense_softmax", L.Dense(3, activation=L.Softmax(axis=1)), [SEQUENCE]
    yield "activation_leaky_relu", L.Activation(L.LeakyReLU()), [(4,)]
    yield "softmax_axes", L.Softmax(axis=[1, 2]), [SEQUENCE]


def convolutions():
    yield "conv1d", L.Conv1D(3, 2), [SEQUENCE]
    yield "conv1d_causal", L.Conv1D(3, 2, padding="causal", dilation_rate=2, activation="tanh"), [SEQUENCE]
    yield "conv1d_same", L.Conv1D(2, 3, strides=2, padding="same", use_bias=False), [SEQUENCE]
    yield "conv2d", L.Conv2D(3, 3), [IMAGE]
    yield "conv2d_same", L.Conv2D(4, (3, 2), strides=(2, 1), padding="same", groups=2, activation="relu"), [IMAGE]
    yield "conv2d_dilated", L.Conv2D(2, 2, dilation_rate=(2, 3), use_bias=False), [IMAGE]
    yield "conv3d", L.Conv3D(3, (2, 3, 2), strides=(1, 2, 1), padding="same", activation="relu"), [VOLUME]
    yield "conv1d_transpose", L.Conv1DTranspose(3, 2, strides=2), [SEQUENCE]
    yield "conv2d_transpose", L.Conv2DTranspose(3, 3, strides=2, padding="same", output_padding=1), [IMAGE]
    yield "conv2d_transpose_dilated", L.Conv2DTranspose(2, (3, 2), dilation_rate=2, use_bias=False), [IMAGE]
    yield "conv3d_transpose", L.Conv3DTranspose(2, 2, strides=(1, 2, 2)), [VOLUME]
    yield "conv_lstm1d", L.ConvLSTM1D(2, 3, padding="same", return_sequences=True), [IMAGE]
    yield "conv_lstm2d", L.ConvLSTM2D(2, 2, strides=(2, 1), dropout=0.2, recurrent_dropout=0.1), [VOLUME]
    yield "conv_lstm3d", L.ConvLSTM3D(2, 2, padding="same", go_backwards=True), [(3, *VOLUME)]
    yield "depthwise_conv1d", L.DepthwiseConv1D(3, depth_multiplier=2), [SEQUENCE]
    yield "depthwise_conv2d", L.DepthwiseConv2D(3, padding="same", depth_multiplier=2, activation="relu"), [IMAGE]
    yield "depthwise_conv2d_strides", L.DepthwiseConv2D(2, strides=2, use_bias=False), [IMAGE]
    yield "separable_conv1d", L.SeparableConv1D(3, 2, depth_multiplier=2, padding="same"), [SEQUENCE]
    yield "separable_conv2d", L.SeparableConv2D(3, 2, strides=2, depth_multiplier=2, activation="relu"), [IMAGE]


def pooling():
    for kind in ("Average", "Max"):
        lower = kind.lower()
        pool1d, pool2d = getattr(L, f"{kind}Pooling1D"), getattr(L, f"{kind}Pooling2D")
        yield f"{lower}_pooling1d", pool1d(2), [SEQUENCE]
        yield f"{lower}_pooling1d_same", pool1d(3, strides=2, padding="same"), [SEQUENCE]
        yield f"{lower}_pooling2d", pool2d(2), [IMAGE]
        yield f"{lower}_pooling2d_same", pool2d((3, 2), strides=(1, 2), padding="same"), [IMAGE]
        global1d, global2d = getattr(L, f"Global{kind}Pooling1D"), getattr(L, f"Global{kind}Pooling2D")
        yield f"global_{lower}_pooling1d", global1d(keepdims=True), [SEQUENCE]
        yield f"global_{lower}_pooling2d", global2d(), [IMAGE]


def normalization():
    yield "batch_normalization", L.BatchNormalization(), [(4,)]
    yield "batch_normalization_options", L.BatchNormalization(
        axis=1, momentum=0.9, epsilon=1e-2, center=False, scale=False
    ), [IMAGE]
    yield "group_normalization", L.GroupNormalization(groups=2), [IMAGE]
    yield "group_normalization_instance", L.GroupNormalization(groups=-1, center=False), [IMAGE]
    yield "layer_normalization", L.LayerNormalization(), [SEQUENCE]
    yield "layer_normalization_axes", L.LayerNormalization(axis=[1, 2], epsilon=1e-2, center=False), [SEQUENCE]
    yield "rms_normalization", L.RMSNormalization(), [SEQUENCE]
    yield "unit_normalization", L.UnitNormalization(axis=1), [SEQUENCE]


def reshaping():
    yield "cropping1d", L.Cropping1D((1, 2)), [SEQUENCE]
    yield "cropping2d", L.Cropping2D(((1, 2), (0, 1))), [IMAGE]
    yield "flatten", L.Flatten(), [IMAGE]
    yield "permute", L.Permute((3, 1, 2)), [IMAGE]
    yield "repeat_vector", L.RepeatVector(3), [(4,)]
    yield "reshape", L.Reshape((2, -1)), [(6, 4)]
    yield "up_sampling1d", L.UpSampling1D(2), [SEQUENCE]
    yield "cropping3d", L.Cropping3D((1, 0, 2)), [VOLUME]
    yield "up_sampling3d", L.UpSampling3D((1, 2, 3)), [VOLUME]
    yield "zero_padding3d", L.ZeroPadding3D((1, 0, 2)), [VOLUME]
    yield "up_sampling2d", L.UpSampling2D((2, 3)), [IMAGE]
    yield "zero_padding1d", L.ZeroPadding1D((1, 2)), [SEQUENCE]
    yield "zero_padding2d", L.ZeroPadding2D(((1, 2), (0, 1))), [IMAGE]


def merging():
    for kind in ("Add", "Average", "Maximum", "Minimum", "Multiply"):
        yield kind.lower(), getattr(L, kind)(), [(4,), (4,), (4,)]
    yield "add_broadcast", L.Add(), [SEQUENCE, (1, 4)]
    yield "subtract", L.Subtract(), [(4,), (4,)]
    yield "concatenate", L.Concatenate(), [(4,), (3,)]
    yield "concatenate_axis", L.Concatenate(axis=1), [(2, 4), (3, 4)]
    yield "dot", L.Dot(axes=1), [(4,), (4,)]
    yield "dot_axes", L.Dot(axes=(2, 1), normalize=True), [(5, 4), (4, 3)]


def attention():
    yield "attention", L.Attention(), [(5, 4), (3, 4)]
    yield "attention_scaled", L.Attention(use_scale=True, score_mode="concat"), [(5, 4), (3, 4), (3, 4)]
    yield "additive_attention", L.AdditiveAttention(), [(5, 4), (3, 4)]
    yield "additive_attention_plain", L.AdditiveAttention(use_scale=False), [(5, 4), (3, 4)]


FUNCTIONS = (
    "celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_tanh leaky_relu linear log_sigmoid log_softmax "
    "mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus sparse_sigmoid sparsemax "
    "squareplus tanh tanh_shrink"
).split()


def input_of(shape):
    if shape[0] == "int":
        return keras.Input(shape[1], dtype="int32")
    return keras.Input(shape)


def build(zoo):
    for name, layer, shapes in rows():
        name = f"layer_{name}"
        if not zoo.wants(name):
            continue
        keras.utils.clear_session(free_memory=False)
        inputs = [input_of(s) for s in shapes]
        outputs = layer(inputs if len(inputs) > 1 else inputs[0])
        zoo.add(name, keras.Model(inputs if len(inputs) > 1 else inputs[0], outputs))
    if zoo.wants("layer_activation_functions"):
        x = keras.Input((4,))
        outputs = {name: L.Activation(name, name=f"act_{name}")(x) for name in FUNCTIONS}
        outputs["dense"] = L.Dense(2, activation="hard_silu")(x)
        zoo.add("layer_activation_functions", keras.Model(x, outputs))
