"""``python -m conformance.bench NAME [--json]``: run one bench and print its figures."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from typing import Final

from conformance.bench import (
    decode2b,
    hostile,
    isolation,
    report2b,
    sep2client,
    sep2fleet,
    sep2server,
    vtn2b,
)
from conformance.bench.intake import measure as intake
from conformance.bench.poll2b import measure as poll2b

BENCHES: Final[Mapping[str, Callable[[], dict[str, object]]]] = {
    "decode2b": decode2b.measure,
    "hostile": hostile.measure,
    "intake": intake.measure,
    "isolation": isolation.measure,
    "poll2b": poll2b.measure,
    "report2b": report2b.measure,
    "sep2client": sep2client.measure,
    "sep2fleet": sep2fleet.measure,
    "sep2server": sep2server.measure,
    "vtn2b": vtn2b.measure,
}
"""Every bench by name; each returns one JSON document."""


def main(
    arguments: list[str] | None = None,
    benches: Mapping[str, Callable[[], Mapping[str, object]]] = BENCHES,
) -> int:
    """Run the bench that is named; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m conformance.bench", description=__doc__)
    parser.add_argument("name", choices=sorted(benches))
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    chosen = parser.parse_args(arguments)
    figures = benches[chosen.name]()
    text = json.dumps(figures) if chosen.json else "\n".join(lines(figures))
    sys.stdout.write(f"{text}\n")
    return 0


def lines(figures: Mapping[str, object], path: str = "") -> list[str]:
    """Lay nested figures out as ``path value`` lines."""
    found: list[str] = []
    for name, value in figures.items():
        here = f"{path}.{name}" if path else name
        if isinstance(value, dict):
            found.extend(lines(value, here))
        else:
            found.append(f"{here:<28} {value}")
    return found


if __name__ == "__main__":
    sys.exit(main())
