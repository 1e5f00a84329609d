"""The general rules that hold for every message, by profile and role: which apply to a case."""

from collections.abc import Sequence

from conformance.kit.case import Case
from conformance.kit.checks.rules2b.registry import BY_ROLE as RULES_2B
from conformance.kit.finding import Check
from conformance.kit.transcript import Transcript


def rules_for(case: Case, transcript: Transcript) -> Sequence[Check]:
    """Return the rules that a case's device is held against."""
    profile, role, *_ = case.id.split("-")
    return RULES_2B[role] if profile == "OADR20B" else ()


def names_of_rules(role: str) -> Sequence[str]:
    """Return the names of all general rules of a role, e.g. ``VEN``."""
    return [rule.name for rule in RULES_2B[role]]
