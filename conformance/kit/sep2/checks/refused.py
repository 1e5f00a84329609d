"""Checks about TLS identities that a server must take, or must not."""

from collections.abc import Iterator, Sequence

from conformance.kit.case import Observation
from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.checks.answers import within
from conformance.kit.sep2.reading import mark_at
from conformance.kit.transcript import Connection, Mark, Transcript


def _during(transcript: Transcript, part: str) -> Sequence[tuple[Mark, Connection]]:
    """Return the connections that the suite's clients made in a part, with the mark of each."""
    begins, ends = mark_at(transcript, part).number, transcript.mark(f"{part}.over")
    known = {one.number: one for one in transcript.connections}
    found = []
    for mark in transcript.all_marks("suite.client"):
        connection = known.get(int(mark.values["connection"]))
        inside = mark.number > begins and (ends is None or mark.number < ends.number)
        if inside and connection is not None:
            found.append((mark, connection))
    return found


def tried(part: str, at_least: int = 1) -> Observation:
    """Demand that connections were tried in a part."""
    return Observation(f"tries in {part}", at_least, lambda t: len(_during(t, part)))


def agrees(part: str, version: str, suite: str, *, requirement: str) -> Check:
    """Demand that the connections of a part are made, by this version and cipher suite."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for mark, one in _during(transcript, part):
            seen = (one.tls.get("version", ""), one.tls.get("cipher", ""))
            if seen != (version, suite):
                yield Finding(
                    requirement=requirement,
                    expected=f"{version} {suite}",
                    observed=" ".join(seen).strip() or one.tls.get("error", "no handshake"),
                    message=mark.number,
                    path=f"connection {one.number}",
                )

    return Check(f"{part} agrees on {version} with {suite}", judge)


def lets_nobody_in(part: str, *, requirement: str) -> Check:
    """Refuse that anything is served in a part: the identity that the client shows is a wrong one."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for one in within(transcript, part):
            if one.answer is not None and one.answer.status < 400:
                seen = f"{one.answer.status} with {one.name or 'nothing'}"
                yield wrong(requirement, one.answer, "connection", "nothing is served", seen)

    return Check(f"serves nothing in {part}", judge)
