"""Checks about what a client mirrors: which quantities, under which types, for which periods, within which limits."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from math import inf, isfinite
from typing import Final

from conformance.kit.case import Observation
from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.averages import WATTS, Average, averages, kinds, within
from conformance.kit.sep2.reading import carried, posts
from conformance.kit.transcript import Transcript

_SLACK_W: Final = 50.0


def averages_seen(
    first: str, last: str, at_least: int = 1, *, role: str = "", uom: str = WATTS
) -> Observation:
    """Demand that readings came for periods between two instants, which the script marked (value ``at``)."""
    what = f"readings between {first} and {last}"
    return Observation(
        what, at_least, lambda t: len(within(t, averages(t, role, uom), first, last))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Of a power in W; of a site, import is positive, of a device what it draws."""

    least: float = -inf
    most: float = inf
    slack: float = 0.02
    """Part of a limit by which a meter, or what follows a load, may err."""

    def hold(self, watts: float) -> bool:
        """Say whether a power lies within."""
        return self.least - self._more(self.least) <= watts <= self.most + self._more(self.most)

    def _more(self, limit: float) -> float:
        return max(abs(limit) * self.slack, _SLACK_W) if isfinite(limit) else 0.0

    def __str__(self) -> str:
        """Return the words for a report."""
        return f"between {self.least:g} and {self.most:g} W"


def stays(role: str, bounds: Bounds, first: str, last: str, *, requirement: str) -> Check:
    """Demand that the power of every period between two instants lies within bounds.

    Args:
        role: roleFlags of the mirror, ``SITE`` or ``DEVICE``.
        bounds: See there.
        first: Mark whose value ``at`` is the first instant.
        last: Mark of the last one.
        requirement: That is cited.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for row in within(transcript, averages(transcript, role, WATTS), first, last):
            if not bounds.hold(row.value):
                yield _beside(row, requirement, str(bounds))

    return Check(f"power of {role} from {first} to {last} is {bounds}", judge)


def _beside(row: Average, requirement: str, told: str) -> Finding:
    shown = f"{row.value:g} W from {row.start.isoformat()} on"
    return wrong(requirement, row.message, "s:Reading/s:value", told, shown)


def mirrors(
    role: str, uom: str, *, requirement: str, kind: str = "", with_phase: bool = False
) -> Check:
    """Demand that a quantity is announced with its type and told.

    Args:
        role: roleFlags of the mirror.
        uom: Unit of measure.
        requirement: That is cited.
        kind: Of the ReadingType; empty: any.
        with_phase: A phase must be named.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        known = [k for k in kinds(transcript).values() if (k.role, k.uom) == (role, uom)]
        for one in known:
            if kind and one.kind != kind:
                yield wrong(requirement, one.message, "s:ReadingType/s:kind", kind, one.kind)
            if with_phase and one.phase in ("", "0"):
                yield wrong(requirement, one.message, "s:ReadingType/s:phase", "a phase", "none")
        if not known or not averages(transcript, role, uom):
            what = "reading" if known else "ReadingType"
            yield _absent(transcript, requirement, f"a {what} of {uom} from {role}")

    return Check(f"mirrors {uom} of {role}", judge)


def _absent(transcript: Transcript, requirement: str, expected: str) -> Finding:
    healthy = carried(transcript, transcript.began_at, transcript.ended_at)
    return Finding(
        requirement=requirement, expected=expected, observed="none", late=True, healthy=healthy
    )


def aligned(every: int, *, requirement: str, first: str = "", last: str = "") -> Check:
    """Demand that periods last as long as the post rate and begin on whole minutes.

    Args:
        every: postRate, seconds.
        requirement: That is cited.
        first: Mark whose value ``at`` is the first instant; empty: of the whole case.
        last: Mark of the last one.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        rows = averages(transcript)
        for row in within(transcript, rows, first, last) if first else rows:
            lasts, begins = row.lasts.total_seconds(), row.start.timestamp()
            if lasts != every:
                path = "s:Reading/s:timePeriod/s:duration"
                yield wrong(requirement, row.message, path, str(every), f"{lasts:g}")
            elif begins % 60:
                path = "s:Reading/s:timePeriod/s:start"
                yield wrong(requirement, row.message, path, "a whole minute", f"{begins:g}")

    return Check(f"periods of {every} s on whole minutes", judge)


def signed_by_pen(*, requirement: str) -> Check:
    """Demand that the mRIDs of mirrors end in eight decimal digits, an enterprise number (CSIP-AUS)."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for message in posts(transcript, "MirrorUsagePoint"):
            for mrid in message.all("descendant-or-self::*/s:mRID"):
                end = mrid[-8:]
                if not end.isdigit() or not int(end) or len(mrid) % 2 or mrid != mrid.upper():
                    expected = "upper-case hex with a decimal enterprise number at its end"
                    yield wrong(requirement, message, "s:mRID", expected, mrid)

    return Check("mRIDs of mirrors end in an enterprise number", judge)


def steady(
    role: str, every: int, *, requirement: str, first: str, last: str, gap: timedelta
) -> Check:
    """Demand that readings of power follow each other without a hole between two instants.

    Args:
        role: roleFlags of the mirror.
        every: postRate, seconds.
        requirement: That is cited.
        first: Mark whose value ``at`` is the first instant.
        last: Mark of the last one.
        gap: After ``first`` in which the client may learn of the rate.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        rows = within(transcript, averages(transcript, role, WATTS), first, last)
        new = [r for r in rows if r.lasts.total_seconds() == every]
        begins, ends = transcript.mark(first), transcript.mark(last)
        if begins is None or ends is None:
            return
        wanted = ((ends.at - begins.at) - gap) // timedelta(seconds=every) - 1
        if len(new) < wanted:
            yield _absent(
                transcript, requirement, f"{wanted} readings of {every} s ({len(new)} came)"
            )

    return Check(f"readings of {role} every {every} s", judge)
