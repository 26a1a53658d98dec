"""Golden values of layers that move pixels or mix images: calls in image_layers.json, and in image_moves.json what is made of drawn
numbers.

    pip install keras==3.15.1 jax h5py
    KERAS_BACKEND=jax python make_image_layers.py
"""

from golden import jax, jnp, np
from image_cases import CHOICE, COLORS, FIRST, change, each, save_changes
from layer_cases import L, case, ints, save, x

LAYOUT = dict(data_format="channels_first")


def calls():
    """As Keras builds and configures them: outside of fitting most give what they are given."""
    images, batch = x(3, 4, 2), x(2, 3, 4, 3)
    case("random_translation", lambda: L.RandomTranslation(0.2, (-0.1, 0.3)), batch)
    case("random_translation_options", lambda: L.RandomTranslation((0.1, 0.2), 0.1, "constant", "nearest", 3, 0.5, **LAYOUT), images)
    case("random_zoom", lambda: L.RandomZoom(0.2), batch)
    case("random_zoom_options", lambda: L.RandomZoom((-0.2, 0.1), 0.3, "wrap", "nearest", 3, 0.5, **LAYOUT), images)
    case("random_rotation", lambda: L.RandomRotation(0.2), batch)
    case("random_rotation_options", lambda: L.RandomRotation((-0.2, 0.5), "nearest", "nearest", 3, 0.5, **LAYOUT), images)
    case("random_shear", lambda: L.RandomShear((0.1, 0.2)), batch)
    case("random_shear_options", lambda: L.RandomShear(0.1, 0.2, "nearest", "constant", 0.5, seed=3, **LAYOUT), images)
    case("random_perspective", lambda: L.RandomPerspective(), batch)
    case("random_perspective_options", lambda: L.RandomPerspective((0.1, 0.5), 0.3, "nearest", 0.5, 3, **LAYOUT), images)
    case("random_elastic_transform", lambda: L.RandomElasticTransform(), batch)
    case("random_elastic_transform_options", lambda: L.RandomElasticTransform(0.5, (0.1, 0.3), "nearest", "mirror", 0.5, (0, 1), 3, **LAYOUT), images)
    # Images of another size stay outside of fitting, whatever the shape says that Keras counts on.
    case("random_crop", lambda: L.RandomCrop(3, 4, seed=3), batch)
    case("random_crop_small", lambda: L.RandomCrop(4, 3, seed=3, **LAYOUT), images, training=True)
    case("rand_augment", lambda: L.RandAugment(), batch)
    case("rand_augment_options", lambda: L.RandAugment((0, 1), 3, (0.1, 0.2), "nearest", 3, **LAYOUT), images)
    case("aug_mix", lambda: L.AugMix(), batch)
    case("aug_mix_options", lambda: L.AugMix((0, 1), 2, 1, 0.2, 0.5, False, "nearest", 3, **LAYOUT), images)
    case("mix_up", lambda: L.MixUp(), batch)
    case("mix_up_options", lambda: L.MixUp(0.5, "channels_first", 3), batch)
    case("cut_mix", lambda: L.CutMix(), batch)
    case("cut_mix_options", lambda: L.CutMix((0.2, 0.5), 3, **LAYOUT), batch)
    case("clahe_options", lambda: L.ContrastLimitedAdaptiveHistogramEqualization((0, 1), 2.0, (2, 3), **LAYOUT), images)
    case("max_num_bounding_boxes", lambda: L.MaxNumBoundingBoxes(3, bounding_box_format="xyxy"), batch)
    case("pipeline", lambda: L.Pipeline([L.RandomFlip(seed=3), L.CenterCrop(2, 3)]), batch)


def moves():
    apart = [each(0.7, -2.3, 1.9), each(-1.2, 0.4, 3.6)]
    translations = {"translations": np.concatenate([apart[1].reshape(3, 1), apart[0].reshape(3, 1)], 1)}
    for name, images, options in [("translation", COLORS, {}), ("translation_wrap", COLORS, dict(fill_mode="wrap", interpolation="nearest")), ("translation_first", FIRST, dict(fill_mode="constant", fill_value=9.0, **LAYOUT))]:
        change(name, L.RandomTranslation(0.2, 0.2, **options), images, apart, translations)
    zooms = [each(0.6, 1.3, 1.9), each(1.4, 0.3, 0.9)]
    given = {"height_zoom": zooms[0].reshape(3, 1), "width_zoom": zooms[1].reshape(3, 1)}
    for name, images, options in [("zoom", COLORS, {}), ("zoom_nearest", COLORS, dict(fill_mode="nearest")), ("zoom_first", FIRST, dict(fill_mode="constant", **LAYOUT))]:
        change(name, L.RandomZoom(0.2, **options), images, zooms, given)
    angle = np.array([33.3, -71.1, 171.7], np.float32)
    for name, images, options in [("rotation", COLORS, {}), ("rotation_wrap", COLORS, dict(fill_mode="wrap")), ("rotation_first", FIRST, dict(fill_mode="constant", fill_value=5.0, **LAYOUT))]:
        layer = L.RandomRotation(0.2, **options)
        zero, one = jnp.zeros(3), jnp.ones(3)
        matrix = layer._compute_affine_matrix(0.5, 0.5, jnp.array(angle), zero, zero, one, zero, zero, 4, 5)
        change(name, layer, images, [each(*angle)], {"rotation_matrix": matrix})
    shears = [each(0.3, -0.7, 0.9), each(-0.2, 0.6, 0.1)]
    given = {"shear_factor": np.concatenate([s.reshape(3, 1) for s in shears], 1)}
    for name, images, options in [("shear", COLORS, {}), ("shear_first", FIRST, dict(fill_mode="nearest", **LAYOUT))]:
        change(name, L.RandomShear((0.1, 0.2), **options), images, shears, given)
    grown = np.random.default_rng(6).uniform(-0.3, 0.3, (3, 4, 2)).astype(np.float32)
    start = np.array([[[0, 0], [4, 0], [0, 3], [4, 3]]] * 3, np.float32)
    given = {"apply_perspective": CHOICE, "start_points": start, "end_points": start + start * grown}
    chosen = CHOICE.reshape(3, 1, 1, 1)
    for name, images, options in [("perspective", COLORS, {}), ("perspective_first", FIRST, dict(fill_value=9.0, **LAYOUT))]:
        change(name, L.RandomPerspective(**options), images, [chosen, grown], given)


def elastic():
    """What is drawn inside the function comes from its seed."""
    many = np.random.default_rng(7).uniform(0, 255, (3, 20, 22, 1)).astype(np.float32)
    noise = np.asarray(jax.random.normal(jnp.array([3, 0], "uint32"), (3, 20, 22), "float32"))
    chosen = CHOICE.reshape(3, 1, 1, 1)
    given = {"apply_transform": CHOICE, "distortion_factor": 0.9, "seed": 3}
    drawn = [chosen, np.array([0.9], np.float32), noise]
    change("elastic", L.RandomElasticTransform(**LAYOUT), np.moveaxis(many, -1, 1).copy(), drawn, given)


def crops():
    places = [np.array([1], np.int32), np.array([2], np.int32)]
    change("crop", L.RandomCrop(3, 2, seed=1), COLORS, places, (1, 2))
    change("crop_first", L.RandomCrop(3, 2, seed=1, **LAYOUT), FIRST, places, (1, 2))
    for name, images, size, options in [("crop_small", COLORS, (5, 7), {}), ("crop_wide", COLORS, (2, 7), {}), ("crop_equal", COLORS, (4, 3), {}), ("crop_high", FIRST, (7, 2), LAYOUT)]:
        layer = L.RandomCrop(*size, seed=1, **options)
        change(name, layer, images, [], layer.get_random_transformation(images))


ANGLE = np.array([33.3, -71.1, 171.7], np.float32)
CHANGES = {
    "random_shear": [each(0.3, -0.7, 0.9), each(-0.2, 0.6, 0.1)],
    "random_translation": [each(0.7, -1.3, 1.9), each(-1.2, 0.4, 2.6)],
    "random_rotation": [each(*ANGLE)],
    "random_brightness": [each(40, -60, 3)],
    "random_color_degeneration": [each(0.4, 0.3, 1.0)],
    "random_contrast": [each(0.5, 1.0, 1.7)],
    "random_sharpness": [each(0.1, 0.4, 0.9)],
    "random_posterization": [np.array([1, 4, 7]).reshape(3, 1, 1, 1)],
    "solarization": [each(0, 30, 60), each(10, 128, 200)],
    "auto_contrast": [],
    "equalization": [],
}


def given_changes(layer):
    """What is drawn, as Keras wants it."""
    flat = {name: [np.ravel(d) for d in drawn] for name, drawn in CHANGES.items()}
    zero, one = jnp.zeros(3), jnp.ones(3)
    pair = lambda a, b: np.stack([a, b], 1)
    return {
        "random_shear": {"shear_factor": pair(*flat["random_shear"])},
        "random_translation": {"translations": pair(*flat["random_translation"][::-1])},
        "random_rotation": {"rotation_matrix": layer.random_rotation._compute_affine_matrix(0.5, 0.5, jnp.array(ANGLE), zero, zero, one, zero, zero, 4, 5)},
        "random_brightness": {"rgb_delta": CHANGES["random_brightness"][0]},
        "random_color_degeneration": {"factor": CHANGES["random_color_degeneration"][0]},
        "random_contrast": {"contrast_factor": CHANGES["random_contrast"][0]},
        "random_sharpness": {"factor": flat["random_sharpness"][0]},
        "random_posterization": {"shift_factor": jnp.array(flat["random_posterization"][0], "uint8")},
        "solarization": {"additions": CHANGES["solarization"][0], "thresholds": CHANGES["solarization"][1]},
        "auto_contrast": None,
        "equalization": None,
    }


def several():
    drawn = sum(CHANGES.values(), [])
    for i, chosen in enumerate([[0, 7, 3, 1, 10, 6], [2, 8, 5, 4, 9, 2]]):
        layer = L.RandAugment(num_ops=6)
        given = {"transforms": given_changes(layer), "layer_idxes": jnp.array(chosen)}
        change(f"rand_augment_{i}", layer, COLORS, [np.array(chosen, np.int32), *drawn], given)
    layer = L.AugMix(num_chains=3, chain_depth=1, all_ops=False)
    own = ["random_shear", "random_translation", "random_rotation", "random_posterization", "solarization", "auto_contrast", "equalization"]
    drawn = sum([CHANGES[name] for name in own], [])
    chains, shares, share = [[1], [7], [4]], np.array([0.3, 0.5, 0.2], np.float32), np.array([0.4], np.float32)
    named = [[{"layer_name": own[i], "transformation": given_changes(layer)[own[i]]} for i in chain if i < 7] for chain in chains]
    given = {"chain_mixing_weights": shares, "weight_sample": share[0], "chain_transforms": named}
    change("aug_mix", layer, COLORS, [shares, share, *[d for chain in chains for i in chain for d in [np.array([i], np.int32), *drawn]]], given)


def mixed():
    order, share = np.array([2, 0, 1], np.int32), each(0.2, 1.0, 0.7)
    for name, images, options in [("mix_up", COLORS, {}), ("mix_up_first", FIRST, LAYOUT)]:
        change(name, L.MixUp(**options), images, [order, share], {"mix_weight": np.ravel(share), "permutation_order": order})
    corners = [each(0.5, 1, 0), each(3.2, 4, 5), each(1, 0, 1.5), each(2.9, 4, 2)]
    for name, images, options in [("cut_mix", COLORS, {}), ("cut_mix_first", FIRST, LAYOUT)]:
        layer = L.CutMix(**options)
        mask, _ = layer._generate_batch_mask(images.shape, [c[:, 0, 0, 0] for c in corners])
        change(name, layer, images, [order, *corners], {"permutation_order": order, "batch_masks": mask, "mix_weight": None})
    many = np.random.default_rng(8).normal(120, 40, (2, 9, 11, 2)).astype(np.float32)
    Clahe = L.ContrastLimitedAdaptiveHistogramEqualization
    for name, images, options in [("clahe", many, dict(tile_grid_size=(3, 4))), ("clahe_tiles", many, dict(clip_limit=1.5, tile_grid_size=(4, 4), value_range=(-50, 300))), ("clahe_all", many, dict(clip_limit=0, tile_grid_size=(3, 11))), ("clahe_first", np.moveaxis(many, -1, 1).copy(), dict(tile_grid_size=(2, 3), **LAYOUT))]:
        change(name, Clahe(**options), images, [], None)


calls()
save("image_layers")
for part in [moves, elastic, crops, several, mixed]:
    part()
save_changes("image_moves")
