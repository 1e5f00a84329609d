"""What differs from profile to profile where a record is judged: names of cases, messages, general rules, digests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from conformance.kit.case import Case
from conformance.kit.checks.rules import names_of_rules, rules_for
from conformance.kit.finding import Check
from conformance.kit.schemas import schema_digest
from conformance.kit.sep2.message import Sep2Message
from conformance.kit.sep2.rules_by_role import names_of_rules as names_of_sep2
from conformance.kit.sep2.rules_by_role import rules_for as rules_of_sep2
from conformance.kit.sep2.tables import tables_digest
from conformance.kit.transcript import Message, Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One protocol as the suite judges it."""

    prefixes: tuple[str, ...]
    """First words of its cases' ids."""
    message: type[Message]
    """How a recorded message is read."""
    rules: Callable[[Case, Transcript], Sequence[Check]]
    """General rules that hold in a case."""
    rule_names: Callable[[str], Sequence[str]]
    """Their names, by the role as ids have it."""
    schemas: Callable[[], str]
    """Digest of the schemas that documents are judged by."""
    foreign: str
    """What parts of other profiles have in the names of their files."""
    peer: str
    """Folder of its scripted peer."""


PROFILES: Final[Mapping[str, Profile]] = {
    "oadr20b": Profile(
        prefixes=("OADR20B",),
        message=Message,
        rules=rules_for,
        rule_names=names_of_rules,
        schemas=schema_digest,
        foreign="sep2",
        peer="peers/script2b",
    ),
    "sep2": Profile(
        prefixes=("SEP2", "CSIP", "CSIPAUS"),
        message=Sep2Message,
        rules=rules_of_sep2,
        rule_names=names_of_sep2,
        schemas=tables_digest,
        foreign="2b",
        peer="peers/scriptsep2",
    ),
}
_OF_PREFIX: Final = {word: name for name, one in PROFILES.items() for word in one.prefixes}


def profile_name(case: str) -> str:
    """Return e.g. ``sep2`` from ``CSIP-CLI-EVT-014``; a word that nobody has stands for itself."""
    word = case.partition("-")[0]
    return _OF_PREFIX.get(word, word.lower())


def message_of(case: str) -> type[Message]:
    """Return how the messages of a case are read."""
    found = PROFILES.get(profile_name(case))
    return Message if found is None else found.message
