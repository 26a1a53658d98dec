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


calls()
save("image_layers")
for part in [moves, elastic, crops]:
    part()
save_changes("image_moves")
