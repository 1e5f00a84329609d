"""Checks of a VEN on a bad line: it goes on, repeats what is to be repeated, and nothing else (2.0b section 9.1)."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Final

from conformance.kit.case import Observation
from conformance.kit.checks.flow import since
from conformance.kit.finding import PATIENCE, Check, Finding, wrong
from conformance.kit.transcript import Exchange, Message, Part, Side, Transcript, between

GOES_ON: Final = "REQ-OADR20B-9.1.4-1"
"""A failed exchange ends neither the registration nor the conversation."""
REPEATED: Final = "REQ-OADR20B-9.1.4-2"
"""What may have been lost is sent again with the same requestID."""
NOT_REPEATED: Final = "REQ-OADR20B-9.1.5-1"
"""What was refused by 404 or 406 is not sent again unchanged."""
PAUSES: Final = "REQ-OADR20B-9.1.7-1"
"""Pauses between tries begin at one second and double, each within a tenth."""
STATUS: Final = "REQ-OADR20B-9.1.5-2"
"""Each refusal of a request has its status."""
HANDSHAKE: Final = "REQ-OADR20B-9.2-1"
"""Nothing is said to a peer whose certificate is not right."""
SERVED: Final = "REQ-OADR20B-9.2-2"
"""An endpoint serves nobody whose certificate is not right."""
_REFUSED: Final = 400
_SLACK: Final = 0.15
_SECOND: Final = timedelta(seconds=1)
_HIGHEST_DOUBLING: Final = 32


def goes_on(after: str = "again", *, requirement: str = GOES_ON) -> Check:
    """Demand that the device exchanges something well after a mark, which the script sets with the line whole again.

    The script marks ``watched`` when it has waited for that long enough.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        start = since(transcript, after)
        if start is None or transcript.mark("watched") is None:
            return
        if not any(e.delivered and e.request.number > start for e in transcript.exchanges()):
            yield Finding(
                requirement=requirement,
                expected="an exchange with the line whole again",
                observed="none",
                late=True,
                healthy=bool(transcript.from_device()),
            )

    return Check(f"goes on after {after}", judge)


def failed(transcript: Transcript, name: str) -> list[Exchange]:
    """Return the device's requests of a name that were not answered well."""
    return [
        e for e in transcript.exchanges(Side.DEVICE) if e.request.name == name and not e.delivered
    ]


def repeats(name: str, *, requirement: str = REPEATED) -> Check:
    """Demand that a request whose answer was lost or refused for now is sent again, byte by byte the same."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        if transcript.mark("watched") is None:
            return
        for lost in failed(transcript, name):
            later = [
                m
                for m in transcript.from_device(name)
                if m.part is Part.REQUEST and m.number > lost.request.number
            ]
            if not any(_same(lost.request, m) for m in later):
                changed = bool(later)
                yield Finding(
                    requirement=requirement,
                    message=later[0].number if changed else lost.request.number,
                    path="pyld:requestID",
                    expected=f"{name} once more with the same requestID",
                    observed="one with another" if changed else "none",
                    late=not changed,
                    healthy=any(
                        e.delivered and e.request.number > lost.request.number
                        for e in transcript.exchanges()
                    ),
                )

    return Check(f"repeats {name}", judge)


def _same(one: Message, other: Message) -> bool:
    ids = ".//pyld:requestID"
    return one.sha256 == other.sha256 or (one.has(ids) and one.all(ids) == other.all(ids) != [""])


def never_repeats(name: str) -> Check:
    """Demand that what was refused for good is not sent again unchanged."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for refused in failed(transcript, name):
            for message in transcript.from_device(name):
                if (
                    message.number > refused.request.number
                    and message.sha256 == refused.request.sha256
                ):
                    status = refused.response.status if refused.response else 0
                    text = f"not again what was refused by {status}"
                    yield wrong(NOT_REPEATED, message, "", text, "the same bytes")
                    return

    return Check(f"does not repeat a refused {name}", judge)


def backs_off(name: str) -> Check:
    """Demand pauses of 1, 2, 4 … seconds between tries, up to half a minute; later they may stay as they are."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        tries = failed(transcript, name)
        nominal = 1
        for earlier, later in pairwise(tries):
            gap = between(earlier.response or earlier.request, later.request)
            least, most = nominal * (1 - _SLACK), nominal * (1 + _SLACK)
            if nominal > _HIGHEST_DOUBLING:
                least, most = _HIGHEST_DOUBLING * (1 - _SLACK), float("inf")
            seconds = gap / _SECOND
            if not least <= seconds <= most + 0.5:
                text = f"the next try after about {min(nominal, _HIGHEST_DOUBLING)} s"
                slack = timedelta(seconds=min(nominal, _HIGHEST_DOUBLING) * _SLACK)
                seen = f"{seconds:.1f} s"
                beyond = max(least - seconds, seconds - most - 0.5) * _SECOND
                yield wrong(PAUSES, later.request, "", text, seen, tolerance=slack, beyond=beyond)
            nominal *= 2

    return Check(f"pauses between tries of {name} double", judge)


def refuses(wrongness: str, *statuses: int, requirement: str = STATUS) -> Check:
    """Demand a status for a push that was wrong in a certain way.

    Args:
        wrongness: The ``wrong`` of the push.
        statuses: Allowed ones.
        requirement: Cited.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for request in pushed(transcript, wrongness):
            answer = transcript.answer(request)
            if answer is not None and answer.status not in statuses:
                text = " or ".join(str(x) for x in statuses)
                yield wrong(requirement, answer, "status", text, str(answer.status))

    return Check(f"refuses {wrongness}", judge)


def pushed(transcript: Transcript, wrongness: str) -> list[Message]:
    """Return the suite's requests that were wrong in a certain way."""
    return [m for m in transcript.from_suite() if m.part is Part.REQUEST and m.wrong == wrongness]


def says_nothing_to_strangers() -> Check:
    """Demand that no request is sent over a connection on which the suite showed a wrong identity."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        struck = {
            mark.values.get("connection", ""): mark.values.get("fault", "")
            for mark in transcript.all_marks("suite.fault")
        }
        for message in transcript.from_device():
            fault = struck.get(str(message.connection), "")
            if fault.startswith("tls_"):
                yield wrong(HANDSHAKE, message, "", f"nothing after {fault}", message.name)

    return Check("says nothing to a peer that is not right", judge)


def uses_tls(*suites: str) -> Check:
    """Demand TLS 1.2 by one of the profile's suites, with a client certificate, on every connection of the device."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for one in transcript.connections:
            if one.opened_by is not Side.DEVICE or not one.tls:
                continue
            if "error" in one.tls:
                yield _untrue(one.number, "a whole handshake", one.tls["error"])
            elif one.tls.get("version") != "TLSv1.2" or one.tls.get("cipher") not in suites:
                found = f"{one.tls.get('version')} {one.tls.get('cipher')}"
                yield _untrue(one.number, f"TLSv1.2 with {' or '.join(suites)}", found)
            elif "peer_sha256" not in one.tls:
                yield _untrue(one.number, "a client certificate", "none")

    return Check("uses TLS as the profile wants", judge)


def _untrue(connection: int, expected: str, observed: str) -> Finding:
    return Finding(
        requirement="REQ-OADR20B-R67-1",
        path=f"connection {connection}",
        expected=expected,
        observed=observed,
    )


def sends_once(name: str, *, requirement: str) -> Check:
    """Demand that no message is sent again while its answer is only slow."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        seen: set[tuple[str, str]] = set()
        for message in transcript.from_device(name):
            key = (message.sha256, message.text("pyld:requestID"))
            if message.part is Part.REQUEST and key in seen:
                text = "the same once more"
                yield wrong(requirement, message, "", f"{name} once", text, tolerance=PATIENCE)
            seen.add(key)

    return Check(f"sends {name} once", judge)


def turns_away(wrongness: str) -> Check:
    """Demand that nobody who shows a wrong certificate is served: no handshake, or a refusal."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for request in pushed(transcript, wrongness):
            answer = transcript.answer(request)
            if answer is not None and answer.status < _REFUSED:
                yield wrong(SERVED, answer, "status", "no answer, or a refusal", str(answer.status))

    return Check(f"turns away {wrongness}", judge)


def stranger_came(wrongness: str) -> Observation:
    """Demand that somebody with a wrong certificate knocked."""

    def count(transcript: Transcript) -> int:
        failed = len(transcript.all_marks("suite.unreachable"))
        return failed + len(pushed(transcript, wrongness))

    return Observation(f"a push with {wrongness}", 1, count)


def refusal_seen(wrongness: str) -> Observation:
    """Demand that a push which was wrong in a certain way had an answer."""

    def count(transcript: Transcript) -> int:
        return sum(1 for m in pushed(transcript, wrongness) if transcript.answer(m) is not None)

    return Observation(f"answer to {wrongness}", 1, count)


def strangers_met(at_least: int = 1) -> Observation:
    """Demand that the device met a wrong identity of the suite so often."""

    def count(transcript: Transcript) -> int:
        found = transcript.all_marks("suite.fault")
        return sum(1 for m in found if m.values.get("fault", "").startswith("tls_"))

    return Observation("handshakes with a wrong identity", at_least, count)
