"""Checks about what a client tells of itself: DERCapability, DERSettings, DERStatus."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.names import STARTED
from conformance.kit.sep2.reading import carried, puts, responses
from conformance.kit.transcript import Message, Transcript, between

PAIRS = (
    "MaxW",
    "MaxVA",
    "MaxVar",
    "MaxVarNeg",
    "MaxChargeRateW",
    "MaxDischargeRateW",
    "MaxWh",
    "MaxA",
)
"""rtg* and set* of these belong together."""


def puts_once(name: str, *, requirement: str, most: int = 1) -> Check:
    """Demand that a document is put, and not again without need."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        rows = puts(transcript, name)
        if not rows:
            healthy = carried(transcript, transcript.began_at, transcript.ended_at)
            yield Finding(
                requirement=requirement, expected=f"PUT of {name}", observed="none", late=True, healthy=healthy
            )  # fmt: skip
        for message in rows[most:]:
            yield wrong(requirement, message, "", f"{name} at most {most} times", "once more")

    return Check(f"puts {name} once", judge)


def scaled(message: Message, name: str) -> float | None:
    """Return a quantity of a document with its multiplier applied; None without it."""
    value = message.text(f"s:{name}/s:value")
    if not value:
        return None
    return int(value) * 10.0 ** int(message.text(f"s:{name}/s:multiplier") or 0)


def settings_fit(*, requirement: str) -> Check:
    """Demand that no setting exceeds its rating, and that no mode is enabled that is not supported."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        ratings, settings = puts(transcript, "DERCapability"), puts(transcript, "DERSettings")
        if not ratings:
            return
        for message in settings:
            for name in PAIRS:
                yield from _exceeds(message, ratings[-1], name, requirement)
            supported = int(ratings[-1].text("s:modesSupported") or "0", 16)
            enabled = int(message.text("s:modesEnabled") or "0", 16)
            if enabled & ~supported:
                yield wrong(
                    requirement,
                    message,
                    "s:modesEnabled",
                    f"within {supported:08X}",
                    f"{enabled:08X}",
                )

    return Check("settings are within ratings", judge)


def _exceeds(message: Message, rating: Message, name: str, requirement: str) -> Iterator[Finding]:
    most, own = scaled(rating, f"rtg{name}"), scaled(message, f"set{name}")
    if most is not None and own is not None and own > most:
        yield wrong(requirement, message, f"s:set{name}", f"at most {most:g}", f"{own:g}")


def puts_within(name: str, within: timedelta, mark: str, *, requirement: str) -> Check:
    """Demand that a document is put, and taken, in a time after a mark."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        begins = transcript.mark(mark)
        if begins is None:
            return
        rows = [m for m in puts(transcript, name) if m.number > begins.number]
        if not rows or rows[0].at - begins.at > within:
            until = begins.at + within
            yield Finding(
                requirement=requirement,
                expected=f"PUT of {name} within {within.total_seconds():g} s after {mark}",
                observed=f"at {rows[0].at}" if rows else "none",
                message=rows[0].number if rows else begins.number,
                late=True,
                healthy=carried(transcript, begins.at, until),
            )

    return Check(f"puts {name} within {within.total_seconds():g} s after {mark}", judge)


def puts_every(
    name: str, every: timedelta, *, requirement: str, after: str = "case.prepared"
) -> Check:
    """Demand that a document is put again and again, with no gap above half as much again as the postRate."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        mark = transcript.mark(after)
        rows = [m for m in puts(transcript, name) if mark is None or m.number > mark.number]
        ended = transcript.ended_at
        if not rows and mark is not None and ended is not None:
            told = f"{name} every {every.total_seconds():g} s"
            healthy = carried(transcript, mark.at, ended)
            yield Finding(
                requirement=requirement, expected=told, observed="none", message=mark.number, late=True, healthy=healthy
            )  # fmt: skip
        yield from gaps(transcript, rows, every, requirement, name)

    return Check(f"puts {name} every {every.total_seconds():g} s", judge)


def gaps(
    transcript: Transcript,
    rows: list[Message],
    every: timedelta,
    requirement: str,
    name: str,
    *,
    whole: bool = True,
) -> Iterator[Finding]:
    """Yield what comes later than half an interval after its time; ``whole``: up to the end of the record."""
    told = f"{name} every {every.total_seconds():g} s"
    for earlier, later in pairwise(rows):
        gap = between(earlier, later)
        if gap > every * 1.5:
            found, beyond = f"{gap.total_seconds():g} s", gap - every * 1.5
            yield wrong(requirement, later, "time", told, found, tolerance=every / 2, beyond=beyond)
    ended = transcript.ended_at
    if whole and rows and ended is not None and ended - rows[-1].at > every * 1.5:
        healthy = carried(transcript, rows[-1].at + timedelta(seconds=1), ended)
        yield Finding(
            requirement=requirement, expected=told, observed="none", message=rows[-1].number, late=True, healthy=healthy
        )  # fmt: skip


def has_fields(name: str, *paths: str, requirement: str) -> Check:
    """Demand that every document of a name that is put holds these."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for message in puts(transcript, name):
            for path in paths:
                if not message.has(path):
                    yield wrong(requirement, message, path, "a value", "none")

    return Check(f"{name} holds {', '.join(paths)}", judge)


def _last_before(transcript: Transcript, name: str, mark: str) -> Message | None:
    found = transcript.mark(mark)
    if found is None:
        return None
    rows = [m for m in puts(transcript, name) if m.number < found.number]
    return rows[-1] if rows else None


def says_field(name: str, path: str, mark: str, *, bit: int, on: bool, requirement: str) -> Check:
    """Demand that a bit of a hex field is set, or not, in the last document before a mark."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        message = _last_before(transcript, name, mark)
        if message is not None:
            text = message.text(path)
            if bool(int(text or "0", 16) >> bit & 1) is not on:
                yield wrong(
                    requirement,
                    message,
                    path,
                    f"bit {bit} {'set' if on else 'not set'}",
                    text or "none",
                )

    return Check(f"{name} says {'bit' if on else 'no bit'} {bit} before {mark}", judge)


def says_value(name: str, path: str, value: str, mark: str, *, requirement: str) -> Check:
    """Demand a value in the last document before a mark, or before the end where the script did not come so far."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        rows = puts(transcript, name)
        message = _last_before(transcript, name, mark) or (rows[-1] if rows else None)
        if message is not None and message.text(path) != value:
            yield wrong(requirement, message, path, value, message.text(path) or "none")

    return Check(f"{name} says {value} before {mark}", judge)


def coherent(control: str, bit: int, *, requirement: str) -> Check:
    """Demand that a mode whose control was started is told as supported and enabled."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        if not any(r.status == STARTED for r in responses(transcript, control)):
            return
        for name, path in (
            ("DERCapability", "s:modesSupported"),
            ("DERSettings", "s:modesEnabled"),
        ):
            for message in puts(transcript, name)[-1:]:
                text = message.text(path)
                if text and not int(text, 16) >> bit & 1:
                    yield wrong(requirement, message, path, f"bit {bit}", text)

    return Check(f"bit {bit} is told, as {control} was started", judge)
