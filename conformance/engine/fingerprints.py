"""What a case does, as a digest: a frozen plan notices a case that was changed without a new version.

The digest is over the script's text and everything that decides a verdict; title, purpose and the list of wrong
devices may change. What checks do inside is code of the kit, which has a digest of its own.
"""

import hashlib
import inspect
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from conformance import kit
from conformance.engine.profiles import PROFILES
from conformance.kit.case import Case

_PLACE: Final = re.compile(" at 0x[0-9a-f]+")
"""Where something lies in memory."""


def case_digest(case: Case) -> str:
    """Return the SHA-256 of what a case does."""
    fields = {
        "applies_if": case.applies_if,
        "checks": [check.name for check in case.checks],
        "facts": case.facts,
        "faults": case.faults,
        "maturity": case.maturity,
        "modes": case.modes,
        "needs": case.needs,
        "observations": [(seen.what, seen.at_least) for seen in case.observations],
        "requirements": case.requirements,
        "script": inspect.getsource(case.play),
        "severity": case.severity,
        "start": case.start,
        "suspends": case.suspends,
        "timing": repr(case.timing),
        "values": list(_values(case)),
    }
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def _values(case: Case) -> Iterator[str]:
    """Yield what a script that was made of a form was given; functions by their names."""
    for cell in getattr(case.play, "__closure__", None) or ():
        yield _PLACE.sub("", repr(cell.cell_contents))


@cache
def kit_digest(profile: str) -> str:
    """Return the SHA-256 over the kit: everything that a verdict is reached with, beside the cases.

    Args:
        profile: That is judged; what the kit has for others is left out.
    """
    folder, foreign = Path(next(iter(kit.__path__))), PROFILES[profile].foreign
    rows = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.py"))
        if not any(foreign in part for part in path.relative_to(folder).parts)
    }
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()
