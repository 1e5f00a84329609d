"""``run.json``: what was decided before the first byte of a run."""

from typing import Final

from conformance.engine.data import Model
from conformance.engine.ixit import Ixit
from conformance.engine.pics import Pics
from conformance.engine.plans import Plan

RUN: Final = "run.json"
RUN_SCHEMA: Final = "gridgate-conformance-run/1"


class Environment(Model):
    """What the run was made with."""

    suite: str
    python: str
    system: str
    schemas_sha256: str
    kit_sha256: str = ""
    """Of the code that judged; empty: of an older suite."""


class RunFile(Model):
    """``run.json``: everything that was decided before the first byte."""

    schema_: str = RUN_SCHEMA
    plan: Plan
    seed: int
    time: str
    strict: bool
    certify: bool
    only: tuple[str, ...]
    shuffle: int | None = None
    """Seed of the order in which the cases were played; null: that of the plan."""
    started: str
    pics: Pics
    ixit: Ixit
    skips: dict[str, str]
    """Case -> why it is not played."""
    environment: Environment
