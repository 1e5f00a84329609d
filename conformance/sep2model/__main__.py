"""``python -m conformance.sep2model [--check]``: write the generated modules, or say whether they are current."""

import argparse
import sys
from pathlib import Path
from typing import Final

from conformance.sep2model import merge, render
from gateway.protocols.sep2 import notation

ROOT: Final = Path(__file__).parents[2]
TABLES: Final = ROOT / "schemas" / "sep2"
TARGET: Final = ROOT / "gateway" / "protocols" / "sep2" / "_generated"


def editions() -> tuple[notation.Edition, notation.Edition, notation.Edition]:
    """Read the type tables: 2018, 2023, CSIP-AUS."""
    first, second, aus = (
        notation.read((TABLES / f"{name}.txt").read_text(encoding="utf-8"))
        for name in ("edition2018", "edition2023", "csip_aus")
    )
    return first, second, aus


def texts() -> dict[str, str]:
    """Return what the generated modules have to hold, by file name."""
    told = editions()
    simples = merge.simples(told)
    structs = merge.structs(*told)
    return {
        "model.py": render.model(structs, simples),
        "rows.py": render.rows(structs, simples),
    }


def main() -> int:
    """Write or check the modules; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m conformance.sep2model", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if one is stale")
    given = parser.parse_args()
    wanted = texts()
    if given.check:
        return int(any((TARGET / n).read_text(encoding="utf-8") != t for n, t in wanted.items()))
    for name, text in wanted.items():
        (TARGET / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
