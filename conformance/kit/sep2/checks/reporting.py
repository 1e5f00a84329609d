"""Checks about what a client tells of itself: DERCapability, DERSettings, DERStatus."""

from collections.abc import Iterator
from datetime import timedelta

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.reading import puts
from conformance.kit.transcript import Message, Transcript

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
            ended, began = transcript.ended_at, transcript.began_at
            healthy = began is not None and ended is not None and transcript.healthy(began, ended)
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
                healthy=transcript.healthy(begins.at, until),
            )

    return Check(f"puts {name} within {within.total_seconds():g} s after {mark}", judge)
