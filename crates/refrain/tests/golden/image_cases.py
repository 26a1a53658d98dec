"""Cases of layers that change images: what they make of images and of drawn numbers."""

from golden import Store, clean, config_of, jnp, np, write_json

COLORS = np.random.default_rng(3).uniform(0, 255, (3, 4, 5, 3)).astype(np.float32)
# Gray, black and equal colours among them.
COLORS[0, 0] = 90
COLORS[1, 1] = [0, 0, 0]
COLORS[2, 2, :, 1] = COLORS[2, 2, :, 0]
SHARES = COLORS / 255
FIRST = np.ascontiguousarray(np.moveaxis(COLORS, -1, 1))
CHOICE = np.array([True, False, True])


def each(*values):
    """A number for each image."""
    return np.array(values, np.float32).reshape(-1, 1, 1, 1)


store, changes = Store(), []


def change(name, layer, images, drawn, given):
    """What a layer makes of images and of drawn numbers; `given` are those as Keras wants them."""
    inputs = [store.put(f"{name}/x{i}", value) for i, value in enumerate([images, *drawn])]
    output = np.asarray(layer.transform_images(jnp.array(images), given))
    assert np.all(np.isfinite(output)), name
    changes.append({
        "name": name,
        "class_name": type(layer).__name__,
        "config": clean(config_of(layer)),
        "inputs": inputs,
        "output": store.put(f"{name}/y", output),
    })


def save_changes(name):
    store.save(f"{name}.npz")
    write_json(f"{name}.json", changes)
