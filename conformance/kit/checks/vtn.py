"""Checks of what a VTN answers and of what it distributes, asked for by marks of the script."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.transcript import Message, Part, Side, Transcript

EVENT: Final = "oadr:oadrEvent"
EVENT_ID: Final = "oadr:oadrEvent/ei:eiEvent/ei:eventDescriptor/ei:eventID"
CODE: Final = ".//ei:eiResponse/ei:responseCode"
_REQUEST_ID: Final = "oadr:oadrReportRequest/ei:reportRequestID"
_OK: Final = 200


def of_event(event_id: str) -> str:
    """Return the XPath of an event in a distribution."""
    return f"{EVENT}[ei:eiEvent/ei:eventDescriptor/ei:eventID='{event_id}']"


def _asked(transcript: Transcript, request: str, after: str) -> list[Message]:
    mark = transcript.mark(after)
    start = mark.number if mark is not None else 0
    return [
        m
        for m in transcript.from_suite(request)
        if m.part is Part.REQUEST and m.number > start and not m.fault
    ]


def replies(
    request: str,
    answer: str,
    *codes: str,
    requirement: str,
    after: str = "case.prepared",
) -> Check:
    """Demand by which message and code the requests of a name are answered.

    Args:
        request: Name of the suite's messages.
        answer: Name of the answer; empty: an empty body.
        codes: Of the first, the second … answer; the last one holds for all others. One digit stands for its class.
        requirement: Cited.
        after: Mark from which on requests count.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for place, asked in enumerate(_asked(transcript, request, after)):
            code = codes[min(place, len(codes) - 1)] if codes else ""
            yield from _judged(transcript, asked, answer, code, requirement)

    return Check(f"answers {request} by {answer or 'nothing'} {' '.join(codes)}".strip(), judge)


def _judged(
    transcript: Transcript, asked: Message, answer: str, code: str, requirement: str
) -> Iterator[Finding]:
    found = transcript.answer(asked)
    if found is None or found.broken:
        yield _absent(transcript, asked, requirement, answer or "an answer")
    elif found.status != _OK or found.name != answer:
        observed = found.name or f"status {found.status}, {len(found.body)} bytes"
        yield wrong(
            requirement, found, "", f"{answer or 'an empty body'} with status 200", observed
        )
    elif code and not found.code.startswith(code):
        yield wrong(requirement, found, CODE, code, found.code or "none")


def _absent(transcript: Transcript, after: Message, requirement: str, what: str) -> Finding:
    ended = transcript.ended_at or after.at
    return Finding(
        requirement=requirement,
        message=after.number,
        expected=what,
        observed="none",
        late=True,
        healthy=transcript.healthy(after.at, ended),
    )


def refuses_body(*statuses: int, requirement: str) -> Check:
    """Demand that whatever was posted as wrong on purpose is refused by one of these statuses (section 9.1.5)."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for asked in transcript.from_suite():
            found = transcript.answer(asked) if asked.wrong else None
            if found is not None and found.status not in statuses:
                text = " or ".join(str(status) for status in statuses)
                yield wrong(requirement, found, "status", text, str(found.status))

    return Check(f"refuses by {' '.join(str(status) for status in statuses)}", judge)


def echoes(request: str, answer: str, *paths: str, requirement: str) -> Check:
    """Demand that an answer repeats fields of what it answers.

    Args:
        request: Name of the suite's message.
        answer: Name of the device's.
        paths: Fields of both, or pairs ``field of the answer=field of the request``.
        requirement: Cited.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for asked in _asked(transcript, request, "case.prepared"):
            found = transcript.answer(asked)
            if found is None or found.name != answer:
                continue
            for pair in paths:
                mine, _, theirs = pair.partition("=")
                wanted, got = asked.text(theirs or mine), found.text(mine)
                if wanted != got:
                    yield wrong(requirement, found, mine, wanted, got or "none")

    return Check(f"repeats {' '.join(paths)}", judge)


def keeps(mark: str, name: str, *paths: str, requirement: str) -> Check:
    """Demand that fields of the device's first message of a name after a mark say what its last one before it said."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        here, found = transcript.mark(mark), seen_after(transcript, mark, name)
        if here is None or found is None:
            return
        before = [m for m in transcript.from_device(name) if m.number < here.number]
        for path in paths if before else ():
            wanted, got = before[-1].text(path), found.text(path)
            if wanted != got:
                yield wrong(requirement, found, path, wanted or "none", got or "none")

    return Check(f"keeps {' '.join(paths)} after {mark}", judge)


def seen_after(transcript: Transcript, mark: str, name: str, until: str = "") -> Message | None:
    """Return the device's first message of a name after a mark, perhaps before another mark."""
    here = transcript.mark(mark)
    if here is None:
        return None
    found = next((m for m in transcript.from_device(name) if m.number > here.number), None)
    end = transcript.mark(until) if until else None
    return None if found is not None and end is not None and found.number > end.number else found


def sends_after(mark: str, name: str, *, requirement: str, until: str = "") -> Check:
    """Demand that the device sends a message of a name after a mark, before the end or another mark."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        here = transcript.mark(mark)
        if here is not None and seen_after(transcript, mark, name, until) is None:
            ended = transcript.ended_at or here.at
            yield Finding(
                requirement=requirement,
                message=here.number,
                expected=name,
                observed="none",
                late=True,
                healthy=transcript.since(here.number).healthy(here.at, ended),
            )

    return Check(f"sends {name} after {mark}", judge)


def shows(
    mark: str, path: str, *values: str, requirement: str, name: str = "oadrDistributeEvent"
) -> Check:
    """Demand what a field says in the first message of a name after a mark; several values: a list in this order."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        found = seen_after(transcript, mark, name)
        if found is not None and found.all(path) != list(values):
            text = " ".join(found.all(path)) or "none"
            yield wrong(requirement, found, path, " ".join(values) or "none", text)

    return Check(f"shows {path} after {mark}", judge)


def names_request(mark: str, path: str, place: int, *, requirement: str, name: str) -> Check:
    """Demand that the first message of a name after a mark names one of the reports asked for before, and no other.

    Args:
        mark: After which the message comes.
        path: Where the message names reportRequestIDs.
        place: Of the request among those that the device has sent, from 0; it chooses the ids itself.
        requirement: Cited.
        name: Of the message.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        here, found = transcript.mark(mark), seen_after(transcript, mark, name)
        if here is None or found is None:
            return
        before = [m for m in transcript.from_device("oadrCreateReport") if m.number < here.number]
        asked = list(dict.fromkeys(x for m in before for x in m.all(_REQUEST_ID)))
        if place < len(asked) and found.all(path) != [asked[place]]:
            yield wrong(requirement, found, path, asked[place], " ".join(found.all(path)) or "none")

    return Check(f"names request {place + 1} in {path} after {mark}", judge)


def says(mark: str, key: str, value: str, *, requirement: str) -> Check:
    """Demand what the operator of the device told the script, which wrote it into a mark."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for found in transcript.all_marks(mark):
            if found.values.get(key, "") != value:
                yield Finding(
                    requirement=requirement,
                    message=found.number,
                    path=key,
                    expected=value,
                    observed=found.values.get(key, "") or "none",
                )

    return Check(f"says {key} {value}", judge)


def lists(mark: str, *event_ids: str, requirement: str) -> Check:
    """Demand which events the first distribution after a mark lists, in this order."""
    return shows(mark, EVENT_ID, *event_ids, requirement=requirement)


def never_lists(*event_ids: str, requirement: str) -> Check:
    """Demand that no distribution of the device lists these events."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for found in transcript.from_device("oadrDistributeEvent"):
            for name in found.all(EVENT_ID):
                if name in event_ids:
                    yield wrong(requirement, found, EVENT_ID, f"no event {name}", name)

    return Check(f"never lists {' '.join(event_ids)}", judge)


def counts(name: str, times: int, *, requirement: str, mark: str = "", path: str = "") -> Check:
    """Demand how many messages of a name the device sends after a mark, or how many of them hold a path."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        here = transcript.mark(mark) if mark else None
        if mark and here is None:
            return
        start = here.number if here is not None else 0
        found = [m for m in transcript.from_device(name) if m.number > start]
        found = [m for m in found if not path or m.has(path)]
        if len(found) > times:
            yield wrong(requirement, found[times], path, f"{times} {name}", str(len(found)))
        elif len(found) < times:
            yield Finding(
                requirement=requirement,
                message=start or None,
                expected=f"{times} {name}",
                observed=str(len(found)),
                late=True,
                healthy=any(e.delivered for e in transcript.exchanges()),
            )

    return Check(f"sends {times} {name}" + (f" after {mark}" if mark else ""), judge)


def order_of(names: Sequence[str], *, requirement: str, mark: str) -> Check:
    """Demand that the device's messages after a mark come in this order, whatever else comes between."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        here = transcript.mark(mark)
        if here is None:
            return
        found = [m for m in transcript.from_device() if m.number > here.number and m.name in names]
        got = [name for name, _ in groupby(m.name for m in found)]
        if got != list(names):
            first = found[0].number if found else here.number
            text = ", ".join(got) or "none"
            yield Finding(
                requirement=requirement,
                message=first,
                expected=", ".join(names),
                observed=text,
                late=len(got) < len(names),
                healthy=transcript.since(here.number).healthy(
                    here.at, transcript.ended_at or here.at
                ),
            )

    return Check(f"sends {', '.join(names)} in this order", judge)


def has_header(mark: str, name: str, value: str, *, requirement: str) -> Check:
    """Demand what a header of the device's first message after a mark says; empty: that there is none."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        here = transcript.mark(mark)
        later = [m for m in transcript.from_device() if here and m.number > here.number]
        if later and later[0].header(name).lower() != value:
            yield wrong(
                requirement, later[0], name, value or "none", later[0].header(name) or "none"
            )

    return Check(f"says {name}: {value or 'nothing'} after {mark}", judge)


def uses_suite(*ciphers: str, requirement: str) -> Check:
    """Demand that every connection of the suite is TLS 1.2 with one of these suites and a certificate of the device."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for one in transcript.connections:
            if one.opened_by is not Side.SUITE or "error" in one.tls:
                continue
            found = f"{one.tls.get('version', 'plain')} {one.tls.get('cipher', '')}".strip()
            if found not in {f"TLSv1.2 {cipher}" for cipher in ciphers}:
                yield Finding(
                    requirement=requirement,
                    expected=f"TLSv1.2 with {' or '.join(ciphers)}",
                    observed=found,
                )

    return Check("speaks TLS 1.2 with a suite of the profile", judge)
