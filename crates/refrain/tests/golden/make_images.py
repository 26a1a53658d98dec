"""Golden values of layers that change images: calls in images.json, and in image_changes.json what is made of drawn numbers.

    pip install keras==3.15.1 jax h5py
    KERAS_BACKEND=jax python make_images.py
"""

from golden import jnp, np
from image_cases import CHOICE, COLORS, FIRST, SHARES, change, each, save_changes
from layer_cases import L, case, ints, save, x


def calls():
    """As Keras builds and configures them: outside of fitting most give what they are given."""
    images, batch = x(3, 4, 2), x(2, 3, 4, 3)
    case("random_flip", lambda: L.RandomFlip(), batch)
    case("random_flip_options", lambda: L.RandomFlip("vertical", seed=3, data_format="channels_first"), images)
    case("random_brightness", lambda: L.RandomBrightness(0.2), batch)
    case("random_brightness_options", lambda: L.RandomBrightness((0.1, 0.3), value_range=(-1.0, 1.0), seed=3), images)
    case("random_contrast", lambda: L.RandomContrast(0.2), batch)
    case("random_contrast_options", lambda: L.RandomContrast((0.5, 0.1), (0.0, 1.0), seed=3, data_format="channels_first"), images)
    case("random_grayscale", lambda: L.RandomGrayscale(), batch)
    case("random_invert", lambda: L.RandomInvert(0.5, (0.0, 1.0), seed=3), batch)
    case("random_posterization", lambda: L.RandomPosterization(4), batch)
    case("random_posterization_options", lambda: L.RandomPosterization((2, 5), (0, 1), seed=3), images)
    case("random_saturation", lambda: L.RandomSaturation(0.5, seed=3), batch)
    case("random_hue", lambda: L.RandomHue((0.1, 0.2), (0, 1), seed=3), batch)
    case("random_color_jitter", lambda: L.RandomColorJitter(), batch)
    case("random_color_jitter_options", lambda: L.RandomColorJitter((0, 1), 0.2, (0.1, 0.2), 0.3, 0.4, seed=3), images)
    case("random_color_degeneration", lambda: L.RandomColorDegeneration(0.3), batch)
    case("random_sharpness", lambda: L.RandomSharpness((0.3, 0.6), seed=3), batch)
    case("random_erasing", lambda: L.RandomErasing(), batch)
    case("random_erasing_options", lambda: L.RandomErasing(0.5, 0.2, [1.0, 2.0, 3.0], (0, 9), seed=3), images)
    case("random_gaussian_blur", lambda: L.RandomGaussianBlur(), batch)
    case("random_gaussian_blur_options", lambda: L.RandomGaussianBlur(0.5, (3, 5), (0.2, 0.8), seed=3), images)
    case("solarization", lambda: L.Solarization(0.1, (0.2, 0.8), seed=3), batch)
    case("solarization_integers", lambda: L.Solarization(), ints(2, 3, 4, 3, high=256))
    numbers = ints(2, 3, 4, 3, high=200)
    case("auto_contrast", lambda: L.AutoContrast(), numbers)
    case("auto_contrast_training", lambda: L.AutoContrast((50, 250), data_format="channels_first"), numbers[0], training=True)
    case("equalization", lambda: L.Equalization(), batch)
    case("equalization_training", lambda: L.Equalization(), numbers, training=True)
    case("equalization_options", lambda: L.Equalization((0, 200), 16, data_format="channels_first"), numbers[0], training=True)


def flips():
    chosen = CHOICE.reshape(3, 1, 1, 1)
    for mode in ["horizontal", "vertical", "horizontal_and_vertical"]:
        change(f"flip_{mode}", L.RandomFlip(mode), COLORS, [chosen], {"flips": chosen})
    change("flip_first", L.RandomFlip("horizontal", data_format="channels_first"), FIRST, [chosen], {"flips": chosen})


def values():
    change("brightness", L.RandomBrightness(0.2), COLORS, [each(40, -60, 3)], {"rgb_delta": each(40, -60, 3)})
    factor = each(0.5, 1.0, 1.7)
    for name, images, options in [("contrast", COLORS, {}), ("contrast_first", FIRST, dict(data_format="channels_first")), ("contrast_shares", SHARES, dict(value_range=(0.0, 1.0)))]:
        change(name, L.RandomContrast(0.2, **options), images, [factor], {"contrast_factor": factor})
    chosen = CHOICE.reshape(3, 1, 1, 1)
    change("invert", L.RandomInvert(), COLORS, [chosen], {"apply_inversion": CHOICE})
    change("invert_shares", L.RandomInvert(value_range=(0.0, 1.0)), SHARES, [chosen], {"apply_inversion": CHOICE})
    bits = np.array([1, 4, 7])
    for name, images, options in [("posterization", COLORS, {}), ("posterization_range", SHARES * 2 - 1, dict(value_range=(-1, 1)))]:
        shift = {"shift_factor": jnp.array(bits, "uint8")}
        change(name, L.RandomPosterization(4, **options), images, [bits.reshape(3, 1, 1, 1)], shift)
    added, thresholds = each(0, 30, 60), each(10, 128, 200)
    for name, images, options in [("solarization", COLORS, {}), ("solarization_range", SHARES * 2 - 1, dict(value_range=(-1, 1)))]:
        change(name, L.Solarization(**options), images, [added, thresholds], {"additions": added, "thresholds": thresholds})


def colors():
    first = dict(data_format="channels_first")
    chosen = CHOICE.reshape(3, 1, 1, 1)
    change("grayscale", L.RandomGrayscale(), COLORS, [chosen], chosen)
    change("grayscale_first", L.RandomGrayscale(**first), FIRST, [chosen], chosen)
    change("grayscale_one", L.RandomGrayscale(), COLORS[..., :1], [chosen], chosen)
    factor = each(-0.4, 0.3, 1.0)
    change("degeneration", L.RandomColorDegeneration(0.5), COLORS, [factor], {"factor": factor})
    change("degeneration_first", L.RandomColorDegeneration(0.5, **first), FIRST, [factor], {"factor": factor})
    factor = each(-0.5, 0.6, 1.8)
    change("saturation", L.RandomSaturation(0.5), COLORS, [factor], {"factor": factor[:, 0, 0, 0]})
    change("saturation_shares", L.RandomSaturation(0.5, (0, 1)), SHARES, [factor], {"factor": factor[:, 0, 0, 0]})
    change("saturation_first", L.RandomSaturation(0.5, **first), FIRST, [factor], {"factor": factor[:, 0, 0, 0]})
    factor = each(-0.45, 0.0, 0.3)
    change("hue", L.RandomHue(0.5), COLORS, [factor], {"factor": factor[:, 0, 0, 0]})
    change("hue_range", L.RandomHue(0.5, (-1, 1)), SHARES * 2 - 1, [factor], {"factor": factor[:, 0, 0, 0]})
    change("hue_first", L.RandomHue(0.5, **first), FIRST, [factor], {"factor": factor[:, 0, 0, 0]})


def jitter(name, **parts):
    """Each part draws for itself: here it gets what is given."""
    layer = L.RandomColorJitter(**{f"{part}_factor": 0.5 for part in parts})
    keys = {"brightness": "rgb_delta", "contrast": "contrast_factor", "saturation": "factor", "hue": "factor"}
    for part, numbers in parts.items():
        given = {keys[part]: numbers[:, 0, 0, 0] if keys[part] == "factor" else numbers}
        getattr(layer, f"random_{part}").get_random_transformation = lambda *_, given=given, **__: dict(given)
    change(name, layer, COLORS, list(parts.values()), None)


def jitters():
    contrast, hue = each(0.5, 1.0, 1.7), each(-0.45, 0.0, 0.3)
    jitter("jitter", brightness=each(40, -60, 3), contrast=contrast, saturation=each(-0.5, 0.6, 1.8), hue=hue)
    jitter("jitter_of_two", contrast=contrast, hue=hue)


def pixels():
    first = dict(data_format="channels_first")
    factor = each(0.0, 0.4, 0.9)
    change("sharpness", L.RandomSharpness(0.5), COLORS, [factor], {"factor": factor[:, 0, 0, 0]})
    change("sharpness_first", L.RandomSharpness(0.5, **first), FIRST, [factor], {"factor": factor[:, 0, 0, 0]})
    sigma = np.array([0.3, 0.9], np.float32)
    chosen = CHOICE.reshape(3, 1, 1, 1)
    for name, images, options in [("blur", COLORS, {}), ("blur_oblong", COLORS, dict(kernel_size=(5, 3))), ("blur_first", FIRST, dict(kernel_size=(1, 3), **first))]:
        given = {"should_apply_blur": CHOICE, "blur_factor": sigma}
        change(name, L.RandomGaussianBlur(**options), images, [chosen, sigma], given)
    corners = [each(0.5, 1, 0), each(3.2, 4, 5), each(1, 0, 1.5), each(2.9, 4, 2)]
    noise = x(3, 4, 5, 3, scale=255)
    for name, images, options in [("erasing_number", COLORS, dict(fill_value=7.0)), ("erasing_colors", COLORS, dict(fill_value=[1.0, 20.0, 300.0])), ("erasing_noise", COLORS, {}), ("erasing_first", FIRST, dict(fill_value=7.0, **first))]:
        layer = L.RandomErasing(**options)
        mask = layer._generate_batch_mask(images.shape, [c[:, 0, 0, 0] for c in corners])
        # Keras on JAX does not take its own list of colours.
        fill = noise if layer.fill_value is None else np.full_like(images, options["fill_value"])
        fill = np.clip(fill, 0, 255)
        drawn = [chosen, *corners] + ([noise] if layer.fill_value is None else [])
        change(name, layer, images, drawn, {"apply_erasing": CHOICE, "batch_masks": mask, "fill_value": fill})


def whole():
    for name, images, options in [("contrast_auto", COLORS, {}), ("contrast_auto_range", SHARES * 2 - 1, dict(value_range=(-1, 1))), ("contrast_auto_flat", np.full((2, 3, 3, 1), 7, np.float32), {})]:
        change(name, L.AutoContrast(**options), images, [], None)
    many = np.round(np.random.default_rng(4).normal(120, 30, (2, 12, 10, 2))).clip(0, 255).astype(np.float32)
    many[..., 1] = 44
    for name, images, options in [("equalization", many, {}), ("equalization_bins", many, dict(bins=16)), ("equalization_range", many / 127.5 - 1, dict(value_range=(-1, 1)))]:
        change(name, L.Equalization(**options), images, [], None)


calls()
save("images")
for part in [flips, values, colors, jitters, pixels, whole]:
    part()
save_changes("image_changes")
