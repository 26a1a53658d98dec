"""The guide as its reader would follow it: Python blocks in Keras, shell blocks with the `refrain` command, in one folder.

    python guide.py GUIDE.md FOLDER_OF_REFRAIN [FIXTURES]

Blocks are run in order; a shell block must end with 0, or with the N of the `# exit code N` in it. FIXTURES is a folder where
everything that the Python blocks write is kept: the plain tests run the shell blocks with these files.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXIT_CODE = re.compile(r"# exit code (\d+)")


def blocks(text):
    """Language, first line and code of each block that is run."""
    for found in BLOCK.finditer(text):
        yield found[1], text.count("\n", 0, found.start(2)), found[2]


def run_python(code, name, line, names):
    """Line numbers of errors are those of the guide."""
    exec(compile("\n" * line + code, name, "exec"), names)


def run_shell(code, name, line, folder):
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    found = EXIT_CODE.search(code)
    expected = int(found[1]) if found else 0
    ended = subprocess.run(["sh", "-euc", code], env={**os.environ, "PATH": path})
    if ended.returncode != expected:
        sys.exit(f"{name}:{line + 1}: ended with {ended.returncode} instead of {expected}:\n{code}")


def snapshot():
    return {path: path.stat().st_mtime_ns for path in pathlib.Path().iterdir()}


def keep(before, fixtures):
    for path, time in snapshot().items():
        if before.get(path) != time:
            shutil.copy(path, fixtures / path.name)


def main(guide, folder, fixtures=None):
    guide, folder = pathlib.Path(guide), pathlib.Path(folder).resolve()
    fixtures = fixtures and pathlib.Path(fixtures).resolve()
    text, names, count = guide.read_text(encoding="utf-8"), {"__name__": "guide"}, 0
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        for language, line, code in blocks(text):
            count += 1
            print(f"{guide.name}:{line + 1}: {language}", flush=True)
            if language == "sh":
                run_shell(code, guide.name, line, folder)
                continue
            before = snapshot()
            run_python(code, guide.name, line, names)
            if fixtures:
                keep(before, fixtures)
        os.chdir("/")
    print(f"{count} blocks of {guide.name} ran")
    return 0 if count else 1


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
