"""Rules about whom a VTN speaks to, and whether its answers fit: 005 to 007 (sections 8.4 and 8.7)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.transcript import Message, Part, Side, Transcript, between

_OK: Final = 200
_CODE: Final = ".//ei:eiResponse/ei:responseCode"
_CREATED: Final = "oadrCreatedPartyRegistration"
_CANCELED: Final = "oadrCanceledPartyRegistration"
_ON_ITS_WAY: Final = timedelta(seconds=5)
"""What crossed the end of the registration on the line is forgiven."""


def given_ids(transcript: Transcript, before: int) -> set[str]:
    """Return the venIDs that the device had given out before a place in the history."""
    made = (m for m in transcript.from_device(_CREATED) if m.number <= before)
    return {m.text("ei:venID") for m in made} - {""}


def rule_005(transcript: Transcript) -> Iterator[Finding]:
    """Keep one vtnID, and name the VEN by the id that it was given, case included."""
    vtn_id = ""
    for message in transcript.from_device():
        found = message.text("ei:vtnID")
        vtn_id = vtn_id or found
        if found and found != vtn_id:
            yield wrong("RULE-2B-005", message, "ei:vtnID", vtn_id, found)
        named = message.text("ei:venID")
        if named and named not in _known(transcript, message):
            wanted = " or ".join(sorted(_known(transcript, message))) or "none"
            yield wrong("RULE-2B-005", message, "ei:venID", wanted, named)


def _known(transcript: Transcript, message: Message) -> set[str]:
    """Return the ids by which a message may name a VEN: given out, or repeated from what it answers."""
    request = transcript.request(message) if message.part is Part.RESPONSE else None
    repeated = {request.text("ei:venID")} if request is not None else set()
    return given_ids(transcript, message.number) | repeated


def rule_006(transcript: Transcript) -> Iterator[Finding]:
    """Push nothing to a VEN without a registration in force."""
    open_: set[str] = set()
    ended: Message | None = None
    for message in transcript.messages:
        if message.name == _CREATED and message.code.startswith("2"):
            open_ |= {message.text("ei:venID")} - {""}
        elif message.name == _CANCELED and message.code.startswith("2"):
            gone = message.text("ei:venID") or _asked(transcript, message)
            open_.discard(gone)
            ended = message
        elif message.sender is Side.DEVICE and message.part is Part.REQUEST and not open_:
            crossed = ended is not None and between(ended, message) <= _ON_ITS_WAY
            if not crossed:
                yield wrong("RULE-2B-006", message, "", "no push without a registration", "one")


def _asked(transcript: Transcript, message: Message) -> str:
    request = transcript.request(message)
    return request.text("ei:venID") if request is not None else ""


def rule_007(transcript: Transcript) -> Iterator[Finding]:
    """Answer with status 200 and a success code what was not wrong."""
    for message in transcript.from_device():
        request = transcript.request(message) if message.part is Part.RESPONSE else None
        if request is None or request.wrong or request.fault or message.broken:
            continue
        if message.status != _OK:
            yield wrong("RULE-2B-007", message, "status", "200", str(message.status))
        elif message.code and not message.code.startswith("2"):
            yield wrong("RULE-2B-007", message, _CODE, "2xx", message.code)


RULES: Final = (
    Check("RULE-2B-005", rule_005),
    Check("RULE-2B-006", rule_006),
    Check("RULE-2B-007", rule_007),
)
