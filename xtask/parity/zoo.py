"""Builds the zoo: models of Keras with what Keras computes from them, for `cargo xtask parity`.

    python zoo.py OUT_DIR [ONLY]

Each case is a folder `OUT_DIR/NAME` with

- `case.json`: `name`, `compiled`, `keras_reloads` (whether Keras itself can open the file), and what else lies there;
- `model.keras`, `inputs.npz` (`x0`, `x1`, … in the order of `model.inputs`), `outputs.npz` (`y0`, … in flat order);
- for models to be trained on: `data.npz` (`x*`, `y*`, perhaps `w*`), `losses.json` (what each of the next 20 steps gives,
  unshuffled, step `i` on samples `i * batch_size` to `(i + 1) * batch_size`) and `after.npz` (`w0`, … in the order of
  `model.weights`, whose paths are in `losses.json`).

`OUT_DIR/random/` holds the random graphs: `NAME.keras` with `NAME.npz` (`x*` and `y*`) beside it.
`OUT_DIR/index.json` lists all cases. ONLY builds the cases whose name contains it. Everything follows from fixed seeds.
"""

import json
import sys
import time

from support import Zoo

from cases import formats, graphs, lambdas, layers, operators, random_graphs, recurrent, refused, training

FAMILIES = [layers, recurrent, graphs, operators, training, formats, lambdas, refused, random_graphs]


def main(out, only=None):
    zoo = Zoo(out, only)
    for family in FAMILIES:
        start, before = time.monotonic(), len(zoo.cases)
        family.build(zoo)
        name = family.__name__.rsplit(".", 1)[-1]
        print(f"{name}: {len(zoo.cases) - before} cases in {time.monotonic() - start:.1f} s", flush=True)
    zoo.out.mkdir(parents=True, exist_ok=True)
    (zoo.out / "index.json").write_text(json.dumps(zoo.cases, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:3])
