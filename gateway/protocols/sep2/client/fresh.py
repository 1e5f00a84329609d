"""Whether what a notification brought is newer than what is known: an old one that comes late must change nothing.

Notifications may be repeated and overtake each other, and those of 2018 bear no date. So what they bring counts at once
only where it can be nothing but newer; everything else is a hint to look.

Spec: IEEE 2030.5-2018 clause 8.9; version SHALL grow with every change (IEEE 2030.5 VersionType).
"""

from collections.abc import Iterable
from dataclasses import replace
from enum import Enum, auto
from typing import Final

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.links import MEMBERS, members_of, total_of
from gateway.protocols.sep2.client.mirror import Node

VERSIONS: Final = 1 << 16
_CANCELLED: Final = frozenset({2, 3})
_LINKS: Final[dict[type[object], tuple[str, ...]]] = {}


class Verdict(Enum):
    """What a notification says beside what is known."""

    SAME = auto()
    NEWER = auto()
    NEWER_IF_TRUE = auto()
    """It counts at once, and is looked at as well: it may be an old one that came late."""
    DOUBTFUL = auto()
    """It says less, or something else: a look decides."""


def judge(node: Node, found: sep.Resource, members: Iterable[sep.Resource], at: int) -> Verdict:
    """Compare what came with what is known.

    Args:
        node: What is known.
        found: What came, of the node's kind.
        members: Those of a list that concern us.
        at: The server's time, seconds.
    """
    if node.read_at is None or node.value is None:
        return Verdict.DOUBTFUL
    if node.kind not in MEMBERS:
        return _single(node.value, found)
    whole = len(members_of(found)) == total_of(found)
    if not whole or not node.complete or _rate(node.value) != _rate(found):
        return Verdict.DOUBTFUL
    return _listed(node.members, tuple(members), at)


def _single(known: sep.Resource, found: sep.Resource) -> Verdict:
    if bare(known) == bare(found):
        return Verdict.SAME
    return Verdict.NEWER if _later(known, found) else Verdict.DOUBTFUL


def _listed(known: tuple[sep.Resource, ...], found: tuple[sep.Resource, ...], at: int) -> Verdict:
    before = {member.href or "": member for member in known}
    verdict = Verdict.SAME
    if not before.keys() <= {member.href or "" for member in found}:
        return Verdict.DOUBTFUL
    for member in found:
        old = before.get(member.href or "")
        if old is not None:
            one = _single(old, member)
        elif isinstance(member, sep.Event):
            # One that is over may have been listed once, and be forgotten by both sides.
            one = Verdict.NEWER if _last_second(member) > at else Verdict.DOUBTFUL
        else:
            one = Verdict.NEWER_IF_TRUE
        if one is Verdict.DOUBTFUL:
            return one
        verdict = max(verdict, one, key=_weight)
    return verdict


def _weight(verdict: Verdict) -> int:
    return verdict.value


def _later(known: sep.Resource, found: sep.Resource) -> bool:
    """Say whether one resource is a later state of another, by its version or by the time that it bears."""
    if type(known) is not type(found):
        return False
    ahead = (_version(found) - _version(known)) % VERSIONS
    if ahead:
        return ahead < VERSIONS // 2
    return _dated(found) > _dated(known)


def _version(one: sep.Resource) -> int:
    return getattr(one, "version", None) or 0


def _dated(one: sep.Resource) -> int:
    match one:
        case sep.Event():
            return one.event_status.date_time
        case sep.EndDevice():
            return one.changed_time
        case _:
            return 0


def _last_second(event: sep.Event) -> int:
    end = event.interval.start + event.interval.duration
    if isinstance(event, sep.RandomizableEvent):
        end += max(0, event.randomize_start or 0) + max(0, event.randomize_duration or 0)
    return end


def _rate(one: sep.Resource) -> object:
    return getattr(one, "poll_rate", None)


def missed(known: Iterable[sep.Resource], found: Iterable[sep.Resource]) -> bool:
    """Say whether a poll found what a notification should have told: something new, changed or cancelled.

    What time alone makes of an event does not count, since servers differ in whether they tell it.
    """
    return bool(_signs(found) - _signs(known)) or bool(_things(known) - _things(found))


def _signs(members: Iterable[sep.Resource]) -> frozenset[object]:
    return frozenset(_sign(member) for member in members)


def _sign(member: sep.Resource) -> object:
    if isinstance(member, sep.Event):
        return member.mrid, member.event_status.current_status in _CANCELLED
    return bare(member)


def _things(members: Iterable[sep.Resource]) -> frozenset[object]:
    return frozenset(m.href for m in members if not isinstance(m, sep.Event))


def bare(one: sep.Resource) -> sep.Resource:
    """Return a resource without what its links say of lists elsewhere, whose changes are told there."""
    told: dict[str, sep.ListLink] = {}
    for name in _links(type(one)):
        link: sep.ListLink | None = getattr(one, name)
        if link is not None:
            told[name] = replace(link, all=None)
    return replace(one, **told) if told else one  # type: ignore[arg-type] # by name


def _links(kind: type[sep.Resource]) -> tuple[str, ...]:
    found = _LINKS.get(kind)
    if found is None:
        names = kind.__dataclass_fields__
        found = _LINKS[kind] = tuple(name for name in names if name.endswith("_list_link"))
    return found
