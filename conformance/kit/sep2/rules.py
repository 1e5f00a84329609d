"""The general rules that every message of a 2030.5 client is held against, in every case."""

from collections.abc import Iterator
from typing import Final

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.message import Sep2Message
from conformance.kit.sep2.names import MEDIA_TYPE
from conformance.kit.sep2.reading import (
    entry,
    links_in,
    own_lfdi,
    path_of,
    responses,
    same_hex,
)
from conformance.kit.transcript import Message, Part, Side, Transcript

_UPPER: Final = frozenset("0123456789ABCDEF")
_QUERY: Final = frozenset({"s", "l", "a"})
_LFDI_DIGITS: Final = 40
_EVENTS: Final = (
    "DERControlList", "DERControl", "TimeTariffIntervalList", "TimeTariffInterval", "Notification"
)  # fmt: skip
_RECEIVED: Final = 1
_USER: Final = (4, 5, 8, 9)


def _sent(transcript: Transcript) -> Iterator[Message]:
    for message in transcript.messages:
        if message.sender is Side.DEVICE and not message.broken:
            yield message


def _requests(transcript: Transcript) -> Iterator[Message]:
    return (m for m in _sent(transcript) if m.part is Part.REQUEST)


def rule_001(transcript: Transcript) -> Iterator[Finding]:
    """A document holds what its type allows: order, occurrence, bounds."""
    for message in _sent(transcript):
        if message.body.strip() and (message.part is Part.REQUEST or _is_document(message)):
            for fault in message.schema_faults[:1]:
                yield wrong("RULE-SEP2-001", message, "", "a valid document", fault)


def _is_document(message: Message) -> bool:
    """Say whether an answer holds, by its own words, a document of 2030.5; of a refusal it may be any text."""
    return message.header("Content-Type").partition(";")[0].strip().lower() == MEDIA_TYPE


def rule_002(transcript: Transcript) -> Iterator[Finding]:
    """Bodies are application/sep+xml, and nothing else is asked for."""
    for message in _requests(transcript):
        if message.body.strip():
            found = message.header("Content-Type").partition(";")[0].strip().lower()
            if found != MEDIA_TYPE:
                yield wrong("RULE-SEP2-002", message, "Content-Type", MEDIA_TYPE, found or "none")
        accept = message.header("Accept").lower()
        if message.method == "GET" and MEDIA_TYPE not in accept:
            yield wrong("RULE-SEP2-002", message, "Accept", MEDIA_TYPE, accept or "none")


def rule_003(transcript: Transcript) -> Iterator[Finding]:
    """Every request names its host, in HTTP/1.1."""
    for message in _requests(transcript):
        if not message.header("Host"):
            yield wrong("RULE-SEP2-003", message, "Host", "a header", "none")
        if not message.start.endswith("HTTP/1.1"):
            yield wrong("RULE-SEP2-003", message, "version", "HTTP/1.1", message.start[-8:])


def rule_004(transcript: Transcript) -> Iterator[Finding]:
    """Only what a link led to is asked for (GEN.004, GEN.025)."""
    known = {entry(transcript)}
    for message in transcript.messages:
        if message.sender is Side.SUITE:
            if message.body:
                known.update(path for path, _ in links_in(message.body))
            if where := message.header("Location"):
                known.add(path_of(where))
        elif message.part is Part.REQUEST and not message.broken:
            path = message.path.partition("?")[0]
            if path not in known:
                yield wrong("RULE-SEP2-004", message, "path", "a path that a link showed", path)


def rule_005(transcript: Transcript) -> Iterator[Finding]:
    """Lists are asked for by s, l and a, and these are whole numbers."""
    for message in _requests(transcript):
        if not isinstance(message, Sep2Message):
            continue
        for name, value in message.query.items():
            if name not in _QUERY or not value.isdigit():
                yield wrong("RULE-SEP2-005", message, "query", "s, l, a", f"{name}={value}")


def rule_006(transcript: Transcript) -> Iterator[Finding]:
    """No Response is sent a second time once it was accepted."""
    taken: set[tuple[int, int, int]] = set()
    for row in responses(transcript):
        try:
            key = (int(row.mrid, 16), int(row.lfdi, 16), row.status)
        except ValueError:
            continue
        if key in taken:
            yield wrong("RULE-SEP2-006", row.message, "s:status", "once", f"{row.status} again")
        if row.accepted:
            taken.add(key)


def rule_007(transcript: Transcript) -> Iterator[Finding]:
    """A Response goes to the replyTo of its event, and is asked for by responseRequired (table 27)."""
    asked: dict[str, tuple[str, int]] = {}
    for message in transcript.messages:
        if message.sender is Side.SUITE and message.name in _EVENTS:
            _learn(message, asked)
        elif message.part is Part.REQUEST and message.text("s:subject"):
            yield from _asked_for(message, asked)


def _learn(message: Message, asked: dict[str, tuple[str, int]]) -> None:
    rows = "descendant-or-self::s:DERControl | descendant-or-self::s:TimeTariffInterval"
    for one in message.elements(rows):
        mrid = one.findtext("{*}mRID") or ""
        bits = one.get("responseRequired", "00")
        asked[mrid.upper()] = (path_of(one.get("replyTo", "")), int(bits, 16))


def _asked_for(message: Message, asked: dict[str, tuple[str, int]]) -> Iterator[Finding]:
    found = asked.get(message.text("s:subject").upper())
    if found is None:
        subject = message.text("s:subject")
        yield wrong("RULE-SEP2-007", message, "s:subject", "an event that was served", subject)
        return
    where, bits = found
    status = int(message.text("s:status") or 0)
    wanted = (
        0b110
        if status in _USER
        else 0b001
        if status == _RECEIVED
        else 0b110
        if status == 11
        else 0b010
    )
    if not bits & wanted:
        yield wrong("RULE-SEP2-007", message, "s:status", f"what {bits:02X} asks for", str(status))
    elif message.path.partition("?")[0] != where:
        yield wrong("RULE-SEP2-007", message, "path", where, message.path)


def rule_008(transcript: Transcript) -> Iterator[Finding]:
    """A Response names an EndDevice that is the client's own or one that it manages."""
    own = [own_lfdi(transcript)]
    for message in transcript.messages:
        if message.sender is Side.SUITE and message.name in ("EndDeviceList", "EndDevice"):
            own += message.all("descendant-or-self::s:EndDevice/s:lFDI")
        elif message.part is Part.REQUEST and message.text("s:endDeviceLFDI"):
            found = message.text("s:endDeviceLFDI")
            if not any(same_hex(found, lfdi) for lfdi in own):
                yield wrong("RULE-SEP2-008", message, "s:endDeviceLFDI", "a known LFDI", found)


def rule_009(transcript: Transcript) -> Iterator[Finding]:
    """Identifiers are written in upper case; an LFDI has 40 digits."""
    for message in _requests(transcript):
        for path in ("s:endDeviceLFDI", "s:deviceLFDI", "s:lFDI"):
            found = message.text(path)
            if found and (len(found) != _LFDI_DIGITS or set(found) - _UPPER):
                yield wrong("RULE-SEP2-009", message, path, "40 upper-case hex digits", found)
        for found in message.all("descendant-or-self::*/s:mRID | s:subject"):
            if set(found) - _UPPER:
                yield wrong("RULE-SEP2-009", message, "s:mRID", "upper-case hex", found)


def rule_010(transcript: Transcript) -> Iterator[Finding]:
    """Nothing is put, posted or deleted where the resource does not take it."""
    for message in _requests(transcript):
        answer = transcript.answer(message)
        if answer is not None and answer.status in (400, 405, 415) and not answer.wrong:
            told = f"answered by {answer.status}"
            yield wrong("RULE-SEP2-010", message, "method", "one that the resource takes", told)


RULES: Final = (
    Check("RULE-SEP2-001", rule_001),
    Check("RULE-SEP2-002", rule_002),
    Check("RULE-SEP2-003", rule_003),
    Check("RULE-SEP2-004", rule_004),
    Check("RULE-SEP2-005", rule_005),
    Check("RULE-SEP2-006", rule_006),
    Check("RULE-SEP2-007", rule_007),
    Check("RULE-SEP2-008", rule_008),
    Check("RULE-SEP2-009", rule_009),
    Check("RULE-SEP2-010", rule_010),
)
