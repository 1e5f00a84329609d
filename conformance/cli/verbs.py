"""The verbs of the suite: each names its code as a string, imported when it is asked for; the others stay out."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from conformance.cli.ending import EXITS


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb of the command line."""

    help: str
    options: str
    """``module:function`` that gives a parser the verb's options."""
    act: str
    """``module:function`` that does it, from what was parsed, and returns the exit code."""
    exits: str = EXITS


def _of(module: str, name: str, told: str) -> Verb:
    place = f"conformance.cli.{module}"
    return Verb(told, f"{place}:add_{name}", f"{place}:run_{name}")


VERBS: Final[Mapping[str, Verb]] = {
    "serve": _of("serving", "serve", "play a utility by hand"),
    "list": _of("listing", "list", "plans, or the cases of one"),
    "pics": _of("listing", "pics", "write a PICS template"),
    "run": Verb(
        "play a plan against a device and judge it",
        "conformance.cli.judge:add_run",
        "conformance.cli.judge:run",
    ),
    "plan": _of("plans", "plan", "show, freeze or prepare for a plan"),
    "mutants": _of(
        "mutants", "mutants", "try the wrong devices: each must be found, for its reason"
    ),
    "peers": _of(
        "peers", "peers", "judge a foreign implementation and compare with what is expected of it"
    ),
    "rejudge": _of("runs", "rejudge", "judge a recorded run again"),
    "verify": _of("runs", "verify", "verify a sealed run, offline"),
    "schema": _of("runs", "schema", "the JSON Schema of what a run leaves behind"),
    "report": _of("runs", "report", "write the reports of a run anew"),
    "diff": _of("runs", "diff", "what two runs judge differently"),
    "soak": Verb(
        "attack the main job in every known way",
        "conformance.soak.__main__:add_options",
        "conformance.soak.__main__:soak",
        "Exit codes: 0 everything as it must be, 1 not, 4 usage or interrupted.",
    ),
}


def found(target: str) -> Any:
    """Import ``module:function``.

    ``Any``: functions of two kinds, which the table tells apart.
    """
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)
