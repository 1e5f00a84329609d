"""Requirements: one normative sentence each, in our own words, with its clause and how binding and testable it is."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache

from conformance.engine.data import FOLDER, Model, load
from conformance.engine.errors import SuiteError


class Binding(StrEnum):
    """How binding a requirement is."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


class Requirement(Model):
    """One requirement."""

    id: str
    """``REQ-<doc>-<section>-<n>``, or ``RULE-2B-nnn`` for a rule that every message is held against."""
    clause: str
    """Clause address, e.g. ``oadr20b/r58`` (rule 58), ``oadr20b/9.1.5`` (section), ``oadr20b/t0392`` (test tool)."""
    level: Binding = Binding.MUST
    testability: str = "testable"
    """``testable``, ``inspect`` or ``untestable(reason)``."""
    text: str
    note: str = ""
    """Ruling of a laboratory, with its date, or how we read an ambiguous sentence."""


class RequirementFile(Model):
    """One file of requirements."""

    document: str
    edition: str
    requirements: tuple[Requirement, ...]


@cache
def requirements(profile: str) -> Mapping[str, Requirement]:
    """Return the requirements of a profile by id.

    Raises:
        SuiteError: a file is wrong, or an id stands twice.
    """
    found: dict[str, Requirement] = {}
    for path in sorted((FOLDER / profile / "requirements").glob("*.yaml")):
        for one in load(path, RequirementFile).requirements:
            if found.setdefault(one.id, one) is not one:
                raise SuiteError(f"{path}: requirement {one.id} stands twice")
    return found
