"""Golden values of functions of `keras.ops.image`, in the form of functions.json.

    pip install keras==3.15.1 jax h5py
    KERAS_BACKEND=jax python make_image_ops.py
"""

from function_cases import Cases
from golden import np
from keras import ops

I = ops.image
cases = Cases(seed=5)
case, rng = cases.add, cases.rng
FIRST = "channels_first"
MODES = ["constant", "nearest", "wrap", "mirror", "reflect"]


def shares(*shape):
    return rng.uniform(0, 1, shape).astype("float32")


images, first, one = shares(2, 4, 5, 3), shares(2, 2, 5, 4), shares(4, 5, 1)
numbers = rng.integers(0, 256, (2, 4, 5, 3)).astype("uint8")

# Turned, sheared and moved, far over the edges; the last numbers are those that move channels.
turned = np.array([[0.9, 0.37, -2.21, -0.41, 1.13, 3.13, 0, 0], [2.1, 0.13, -9.3, 0.21, -1.7, 11.4, 0, 0]], "float32")
by_channel = turned + np.array([0, 0, 0, 0, 0, 0, 0.63, -1.17], "float32")
for mode in ["constant", "nearest"]:
    case(f"affine_{mode}", lambda x, t: [
        I.affine_transform(x, t, fill_mode=mode, fill_value=0.3),
        I.affine_transform(x, t, "nearest", mode, 0.3),
    ], images, turned)
case("affine_first", lambda x, t: I.affine_transform(x, t, fill_mode="reflect", data_format=FIRST), first, turned)
case("affine_channels", lambda x, t: I.affine_transform(x, t, fill_mode="mirror"), images, by_channel)
case("affine_one", lambda x, t: I.affine_transform(x, t), one, turned[0], batch=False)
case("affine_bytes", lambda x, t: [I.affine_transform(x, t, fill_mode="wrap"), I.affine_transform(x, t, fill_value=7)], numbers, turned, gradient=False)

# Coordinates, halves and negative ones among them.
far = rng.uniform(-9, 12, (2, 4, 3)).astype("float32")
halves = np.array([[-1.5, -0.5, 0.5, 1.5, 2.5, 3.5], [2.0, 1.0, 0.0, -1.0, 3.0, -2.0]], "float32")
for mode in MODES:
    case(f"coordinates_{mode}", lambda x, c: [
        I.map_coordinates(x, c, 1, mode, 0.3), I.map_coordinates(x, c, 0, mode, 0.3),
    ], shares(4, 5), far, batch=False)
for mode in ["constant", "reflect"]:
    case(f"halves_{mode}", lambda x, c: I.map_coordinates(x, c, 0, mode), shares(4, 5), halves, batch=False, gradient=False)
case("coordinates_ints", lambda x, c: [I.map_coordinates(x, c, 1, "nearest"), I.map_coordinates(x, c, 0, "wrap")], rng.integers(-9, 9, (4, 3)).astype("int32"), far, batch=False, gradient=False)
case("coordinates_whole", lambda x, c: [I.map_coordinates(x, c, order, "reflect") for order in [0, 1]], shares(4, 3), rng.integers(-9, 9, (2, 7)).astype("int32"), batch=False)
case("coordinates_volume", lambda x, c: I.map_coordinates(x, c, 1, "wrap"), shares(2, 3, 4), rng.uniform(-3, 6, (3, 5)).astype("float32"), batch=False)

# Corners, the upper ones first; the second image is seen from behind.
start = np.array([[[0, 0], [5, 0], [0, 4], [5, 4]]] * 2, "float32")
end = np.array([[[0.3, 0.4], [5.2, -0.7], [-0.4, 4.4], [4.1, 4.6]], [[4.7, 0.2], [0.4, 0.3], [5.3, 3.7], [-0.6, 4.2]]], "float32")
case("perspective", lambda x, s, e: [I.perspective_transform(x, s, e), I.perspective_transform(x, s, e, "nearest", 0.4)], images, start, end, gradient=False)
case("perspective_first", lambda x, s, e: I.perspective_transform(x, s, e, data_format=FIRST), first, start, end)
case("perspective_one", lambda x, s, e: I.perspective_transform(x, s, e), one, start[0], end[0], batch=False, gradient=False)

# Edges.
case("pad_images", lambda x: [
    I.pad_images(x, top_padding=1, bottom_padding=2, left_padding=0, right_padding=3),
    I.pad_images(x, top_padding=1, target_height=9, left_padding=2, target_width=8),
    I.pad_images(x, bottom_padding=1, target_height=9, right_padding=2, target_width=9),
], images)
case("crop_images", lambda x: [
    I.crop_images(x, top_cropping=1, bottom_cropping=2, left_cropping=0, right_cropping=3),
    I.crop_images(x, top_cropping=1, target_height=3, left_cropping=2, target_width=3),
    I.crop_images(x, bottom_cropping=1, target_height=2, right_cropping=2, target_width=1),
], images)
case("edges_first", lambda x: [
    I.pad_images(x, 1, 2, 3, 1, data_format=FIRST), I.crop_images(x, 1, 0, 2, 1, data_format=FIRST),
], first)
case("edges_one", lambda x: [I.pad_images(x, 1, 2, 3, 1), I.crop_images(x, 1, 0, 2, 1)], one, batch=False)

# Patches.
case("patches", lambda x: [
    I.extract_patches(x, 2), I.extract_patches(x, (3, 2), (1, 2)), I.extract_patches(x, 2, 1, 2),
    I.extract_patches(x, (2, 3), 2, padding="same"), I.extract_patches(x, 3, 1, 2, "same"),
], images)
case("patches_first", lambda x: I.extract_patches(x, (3, 2), padding="same", data_format=FIRST), first)
case("patches_one", lambda x: I.extract_patches(x, 2), one, batch=False)
case("patches_3d", lambda x: [I.extract_patches_3d(x, 2), I.extract_patches(x, (1, 2, 3), (1, 1, 2), padding="same")], shares(2, 3, 4, 3, 2))
case("patches_3d_first", lambda x: I.extract_patches_3d(x, (2, 1, 3), data_format=FIRST), shares(1, 2, 3, 2, 4))

# Colours, gray and black among them.
colors = images.copy()
colors[0, 0], colors[0, 1, 1], colors[1, 2, :, 1] = 0.4, 0, colors[1, 2, :, 0]
case("colors", lambda x: [I.rgb_to_grayscale(x), I.rgb_to_hsv(x), I.hsv_to_rgb(x)], colors, gradient=False)
moved = np.moveaxis(colors, -1, 1).copy()
case("colors_first", lambda x: [I.rgb_to_grayscale(x, FIRST), I.rgb_to_hsv(x, FIRST), I.hsv_to_rgb(x, FIRST)], moved)
case("gray_bytes", I.rgb_to_grayscale, numbers)
case("gray_one", I.rgb_to_grayscale, one, batch=False)

# Neighbours.
case("gaussian_blur", lambda x: [I.gaussian_blur(x, data_format="channels_last"), I.gaussian_blur(x, (5, 2), (0.7, 2.3), "channels_last")], images)
case("gaussian_blur_first", lambda x: I.gaussian_blur(x, (3, 5), (1.3, 0.4), FIRST), first)
case("gaussian_blur_one", lambda x: I.gaussian_blur(x, data_format="channels_last"), one, batch=False)
case("sobel_edges", I.sobel_edges, images)
case("sobel_edges_first", lambda x: I.sobel_edges(x, FIRST), first)
a, b = shares(2, 12, 13, 2), shares(2, 12, 13, 2)
case("ssim", lambda a, b: [I.ssim(a, b), I.ssim(a, b, 2.0, 4, 0.9, 0.02, 0.05)], a, b)
case("ssim_first", lambda a, b: I.ssim(a, b, filter_size=3, data_format=FIRST), first, shares(2, 2, 5, 4))
case("ssim_one", lambda a, b: I.ssim(a, b, filter_size=3), one, shares(4, 5, 1), batch=False)

# Resampled.
scale, shift = np.array([1.7, 0.45], "float32"), np.array([-1.3, 0.8], "float32")
for method in ["linear", "cubic", "lanczos3", "lanczos5"]:
    case(f"scale_{method}", lambda x, s, t: [
        I.scale_and_translate(x, (2, 7, 5, 3), s, t, (1, 2), method),
        I.scale_and_translate(x, (2, 4, 6, 3), s, t, (-2, 1), method, antialias=False),
    ] if method != "cubic" else [I.scale_and_translate(x, (2, 7, 5, 3), s, t, (1, 2), method)], images, scale, shift, batch=False)

cases.save("image_ops")
