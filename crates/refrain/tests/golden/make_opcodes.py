"""The opcodes of CPython's versions in one table, which decoding of lambdas reads.

Run it once under each CPython from 3.8 to 3.13, oldest first; each run adds its column:

    rm ../../src/lambda/opcodes.txt
    for version in 3.8 3.9 3.10 3.11 3.12 3.13; do python$version make_opcodes.py; done

A line is an opcode's name, and for each version its number, after `+` the number of cache entries that follow it, or `-`.
"""

import opcode
import pathlib

FILE = pathlib.Path(__file__).resolve().parents[2] / "src/lambda/opcodes.txt"
BYTE = 256  # Opcodes beyond it are the compiler's own.


def caches(name, number):
    """3.11 and 3.12 keep the numbers of entries by opcode, 3.13 by name."""
    entries = getattr(opcode, "_inline_cache_entries", {})
    count = entries.get(name, 0) if isinstance(entries, dict) else entries[number]
    return "+%d" % count if count else ""


def main():
    lines = FILE.read_text().splitlines() if FILE.exists() else []
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    columns = max(map(len, rows.values()), default=0)
    for name, number in opcode.opmap.items():
        if number < BYTE and name != "CACHE" and not name.startswith("INSTRUMENTED"):
            cells = rows.setdefault(name, ["-"] * columns)
            cells.append("%d%s" % (number, caches(name, number)))
    for cells in rows.values():
        cells += ["-"] * (columns + 1 - len(cells))
    text = "".join(" ".join([name] + rows[name]) + "\n" for name in sorted(rows))
    FILE.write_text(text)


main()
