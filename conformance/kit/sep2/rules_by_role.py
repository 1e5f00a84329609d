"""The general rules that hold for every message of 2030.5, by the role of the device."""

from collections.abc import Mapping, Sequence
from typing import Final

from conformance.kit.case import Case
from conformance.kit.finding import Check
from conformance.kit.sep2.rules import RULES
from conformance.kit.sep2.rules_server import RULES as RULES_OF_SERVERS
from conformance.kit.transcript import Transcript

BY_ROLE: Final[Mapping[str, Sequence[Check]]] = {"CLI": RULES, "SRV": RULES_OF_SERVERS}


def rules_for(case: Case, _: Transcript) -> Sequence[Check]:
    """Return the rules that a case's device is held against."""
    return BY_ROLE[case.id.split("-")[1]]


def names_of_rules(role: str) -> Sequence[str]:
    """Return the names of all general rules of a role, e.g. ``SRV``."""
    return [rule.name for rule in BY_ROLE[role]]
