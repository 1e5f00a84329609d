"""Rules about a VEN's answers and the times in its messages: 007, 008, 009 and 023."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.oadr20b.conditions import event_answers
from conformance.kit.transcript import Message, Part, Side, Transcript

_OK: Final = 200
_CODE: Final = ".//ei:eiResponse/ei:responseCode"
_CREATED_WINDOW: Final = timedelta(minutes=1)
_ANSWER_TIME: Final = timedelta(minutes=1)
_DISTRIBUTION: Final = "oadrDistributeEvent"
_ALWAYS: Final = "always"
_INTERRUPTED: Final = frozenset({"kill", "stop", "reset", "cancel_registration", "register"})
"""Driver methods after which an answer may rightly be missing."""


def rule_007(transcript: Transcript) -> Iterator[Finding]:
    """Answer with a success code what was not wrong."""
    for message in transcript.from_device():
        code = message.code
        if not code or code.startswith("2"):
            continue
        cause = _cause(transcript, message)
        if cause is not None and not cause.wrong:
            yield wrong("RULE-2B-007", message, _CODE, "2xx", code)


def _cause(transcript: Transcript, message: Message) -> Message | None:
    """Return the message of the suite that a device's message answers, if that can be told."""
    if message.part is Part.RESPONSE:
        return transcript.request(message)
    earlier = [m for m in transcript.from_suite() if m.number < message.number]
    request_id = message.text(".//ei:eiResponse/pyld:requestID")
    if message.name == "oadrCreatedEvent":
        found = [m for m in earlier if m.name == _DISTRIBUTION]
    else:
        found = [m for m in earlier if request_id and m.text("pyld:requestID") == request_id]
    return found[-1] if found else None


def rule_008(transcript: Transcript) -> Iterator[Finding]:
    """Stamp opts and metadata with the present time, to a minute."""
    seen: set[str] = set()
    for message in transcript.from_device():
        if message.name not in ("oadrCreateOpt", "oadrRegisterReport") or message.sha256 in seen:
            continue
        seen.add(message.sha256)
        for path in ("ei:createdDateTime", "oadr:oadrReport/ei:createdDateTime"):
            for text in message.all(path):
                at = _instant(text)
                late = at is None or abs(message.at - at) > _CREATED_WINDOW
                if late and not _disturbed(transcript, message):
                    expected = f"{message.at.isoformat()} to a minute"
                    slack = None if at is None else _CREATED_WINDOW
                    yield wrong("RULE-2B-008", message, path, expected, text, tolerance=slack)


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError:
        return None


def _disturbed(transcript: Transcript, message: Message) -> bool:
    """Say whether the line was harmed before a message: it may be one that had to wait."""
    down = transcript.mark("suite.down")
    return (down is not None and down.number < message.number) or any(
        m.fault or m.broken or (m.part is Part.RESPONSE and m.status != _OK)
        for m in transcript.from_suite()
        if m.number < message.number
    )


def rule_009(transcript: Transcript) -> Iterator[Finding]:
    """Number the intervals of a report without starts of their own from 0 in steps of 1 (rule 316)."""
    for message in transcript.from_device("oadrUpdateReport"):
        for place in range(1, len(message.elements("oadr:oadrReport")) + 1):
            base = f"oadr:oadrReport[{place}]/strm:intervals/ei:interval"
            count = len(message.elements(base))
            uids = message.all(f"{base}/xcal:uid/xcal:text")
            if message.has(f"{base}/xcal:dtstart"):
                continue
            wanted = [str(n) for n in range(count)]
            if uids != wanted:
                text = " ".join(uids) or "none"
                yield wrong("RULE-2B-009", message, f"{base}/xcal:uid", " ".join(wanted), text)


def rule_023(transcript: Transcript) -> Iterator[Finding]:
    """Answer every delivered event that asks for it, and none that does not (rules 12 and 62)."""
    brought = [m for m in transcript.delivered(_DISTRIBUTION) if not _refused(m)]
    asked = [(m.number, m.text("pyld:requestID"), tuple(events_in(m))) for m in brought]
    answers = event_answers(transcript)
    for one in answers:
        wishes = [
            wish
            for number, request_id, events in asked
            if number < one.message.number and request_id == one.request_id
            for event_id, _, wish in events
            if event_id == one.event_id
        ]
        if wishes and _ALWAYS not in wishes:
            yield wrong("RULE-2B-023", one.message, one.path, "no eventResponse", one.event_id)
    said = {(a.event_id, a.request_id) for a in answers}
    for message, (_, request_id, events) in zip(brought, asked, strict=True):
        if message.wrong or not _could_answer(transcript, message):
            continue
        for event_id, version, wish in events:
            if wish == _ALWAYS and (event_id, request_id) not in said:
                yield _unanswered(transcript, message, event_id, version)


def _refused(message: Message) -> bool:
    return bool(message.code) and not message.code.startswith("2")


def events_in(message: Message) -> Iterator[tuple[str, str, str]]:
    """Yield eventID, modificationNumber and oadrResponseRequired of the events of a distribution."""
    for place in range(1, len(message.elements("oadr:oadrEvent")) + 1):
        base = f"oadr:oadrEvent[{place}]"
        head = f"{base}/ei:eiEvent/ei:eventDescriptor"
        yield (
            message.text(f"{head}/ei:eventID"),
            message.text(f"{head}/ei:modificationNumber"),
            message.text(f"{base}/oadr:oadrResponseRequired"),
        )


def _could_answer(transcript: Transcript, message: Message) -> bool:
    """Say whether the device had the time, and nothing took it away."""
    ended = transcript.ended_at
    if ended is None or ended - message.at < _ANSWER_TIME:
        return False
    after = transcript.since(message.number)
    names = {m.name for m in after.messages}
    asked = {m.values.get("method", "") for m in after.all_marks("driver.asked")}
    gone = {"oadrCreatePartyRegistration", "oadrCancelPartyRegistration"} & names
    return not (gone or asked & _INTERRUPTED or after.mark("suite.down"))


def _unanswered(transcript: Transcript, message: Message, event_id: str, version: str) -> Finding:
    after = transcript.since(message.number)
    fine = all(
        not (m.fault or m.broken or (m.part is Part.RESPONSE and m.status != _OK))
        for m in after.messages
        if m.sender is Side.SUITE
    )
    return Finding(
        requirement="RULE-2B-023",
        message=message.number,
        expected=f"an eventResponse for {event_id} version {version}",
        observed="none",
        late=True,
        healthy=fine and _lived(transcript, message).healthy(message.at, message.at + _ANSWER_TIME),
    )


def _lived(transcript: Transcript, message: Message) -> Transcript:
    """Return where to look for a sign of life after a delivery; a push that was confirmed is one itself."""
    pushed = message.part is Part.REQUEST
    return transcript.since(message.number - 1 if pushed else message.number)


RULES: Final = (
    Check("RULE-2B-007", rule_007),
    Check("RULE-2B-008", rule_008),
    Check("RULE-2B-009", rule_009),
    Check("RULE-2B-023", rule_023),
)
