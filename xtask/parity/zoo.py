"""Builds the zoo: models of Keras with what Keras computes from them, for `cargo xtask parity`.

    python zoo.py OUT_DIR [ONLY] [--jobs 2]

Each case is a folder `OUT_DIR/NAME` with

- `case.json`: `name`, `compiled`, `keras_reloads` (whether Keras itself can open the file), and what else lies there;
  `lambda` where there is code of Python, and `refused`, a part of the error, where refrain does not load the model (only
  `model.keras` is there then);
- `model.keras`, `inputs.npz` (`x0`, `x1`, … in the order of `model.inputs`), `outputs.npz` (`y0`, … in flat order);
- for models to be trained on: `data.npz` (`x*`, `y*`, perhaps `w*`), `losses.json` (what each of the next 20 steps gives,
  unshuffled, step `i` on samples `i * batch_size` to `(i + 1) * batch_size`) and `after.npz` (`w0`, … in the order of
  `model.weights`, whose paths are in `losses.json`).

`OUT_DIR/random/` holds the random graphs: `NAME.keras` with `NAME.npz` (`x*` and `y*`) beside it.
`OUT_DIR/index.json` lists all cases. ONLY builds the cases whose name contains it. Everything follows from fixed seeds.
`OUT_DIR.compiled` keeps what XLA compiled, for a second run and for check.py; `--jobs 2` takes two processes.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time

from support import Zoo, keep_compiled

from cases import (
    cells, compiled, constants, formats, graphs, lambdas, layers, operators, random_graphs, recurrent, refused, training,
)

FAMILIES = [training, graphs, layers, recurrent, cells, operators, constants, formats, compiled, lambdas, refused, random_graphs]
# What a second process builds, for about as long as the first builds the rest.
SECOND = [layers, recurrent, cells, operators, constants, formats, compiled, lambdas, refused, random_graphs]


def build(out, families, only):
    keep_compiled(out)
    zoo = Zoo(out, only)
    for family in families:
        start, before = time.monotonic(), len(zoo.cases)
        family.build(zoo)
        name = family.__name__.rsplit(".", 1)[-1]
        print(f"{name}: {len(zoo.cases) - before} cases in {time.monotonic() - start:.1f} s", flush=True)


def write_index(out):
    """All cases that lie in the folder."""
    out.mkdir(parents=True, exist_ok=True)
    cases = [json.loads(path.read_text()) for path in sorted(out.glob("*/case.json"))]
    (out / "index.json").write_text(json.dumps(cases, indent=1) + "\n")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("only", nargs="?")
    parser.add_argument("--jobs", type=int, choices=(1, 2), default=1)
    parser.add_argument("--part", type=int, choices=(0, 1), help=argparse.SUPPRESS)
    return parser.parse_args()


def main(out, only, jobs, part):
    parts = [[f for f in FAMILIES if f not in SECOND], SECOND]
    if part is not None:
        build(out, parts[part], only)
        return 0
    if jobs == 1:
        build(out, FAMILIES, only)
        failed = 0
    else:
        command = [sys.executable, __file__, str(out), *([only] if only else []), "--part"]
        workers = [subprocess.Popen([*command, str(i)]) for i in range(len(parts))]
        failed = sum(worker.wait() != 0 for worker in workers)
    write_index(out)
    return 1 if failed else 0


if __name__ == "__main__":
    given = arguments()
    sys.exit(main(given.out, given.only, given.jobs, given.part))
