"""Rules about who a VEN says it is, and whether it may speak: 005, 006 and 046 (sections 8.4 and 9.2)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.transcript import Message, Part, Side, Transcript, between

_ID_PATHS: Final = (
    "ei:venID",
    "pyld:eiRequestEvent/ei:venID",
    "pyld:eiCreatedEvent/ei:venID",
)
_REGISTRATION: Final = frozenset(
    {
        "oadrQueryRegistration",
        "oadrCreatePartyRegistration",
        "oadrCancelPartyRegistration",
        "oadrCanceledPartyRegistration",
        "oadrResponse",
    }
)
"""What a VEN may say without a registration, or with ids that repeat what it was asked."""
_CREATE: Final = "oadrCreatePartyRegistration"
_CREATED: Final = "oadrCreatedPartyRegistration"
_UNKNOWN: Final = "463"
_ON_ITS_WAY: Final = timedelta(seconds=5)
"""What crossed the end of the registration on the line is forgiven."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a registration gave to the device."""

    registration_id: str
    ven_id: str
    by: Message


def _registered_by(transcript: Transcript, message: Message) -> Given | None:
    """Return what a message of the suite gave to the device, None if it registered nothing."""
    if message.name != _CREATED or message.sender is not Side.SUITE or message.fault:
        return None
    request = transcript.request(message)
    given = message.text("ei:registrationID")
    if request is None or request.name != _CREATE or not given or not message.code.startswith("2"):
        return None
    return Given(registration_id=given, ven_id=message.text("ei:venID"), by=message)


def spoken(transcript: Transcript) -> Iterator[tuple[Message, Given | None]]:
    """Yield what the device sent with the registration that it had last been given."""
    given: Given | None = None
    for message in transcript.messages:
        given = _registered_by(transcript, message) or given
        if message.sender is Side.DEVICE and not message.broken and message.name:
            yield message, given


def rule_005(transcript: Transcript) -> Iterator[Finding]:
    """Name itself by the venID that it was given, case included, in every message that has one."""
    for message, given in spoken(transcript):
        if given is None or message.name in _REGISTRATION:
            continue
        for path in _ID_PATHS:
            for found in message.all(path):
                if found != given.ven_id:
                    yield wrong("RULE-2B-005", message, path, given.ven_id, found)
        if message.service == "EiReport" and not message.has("ei:venID"):
            yield wrong("RULE-2B-005", message, "ei:venID", given.ven_id, "none")


def rule_006(transcript: Transcript) -> Iterator[Finding]:
    """Send nothing but registration messages without a registration in force."""
    ended: Message | None = None
    worked = False
    for message in transcript.messages:
        if _registered_by(transcript, message) is not None:
            ended, worked = None, True
        elif _ends(message):
            ended = message
        elif message.sender is Side.DEVICE and message.part is Part.REQUEST:
            if message.broken or not message.name or message.name in _REGISTRATION:
                continue
            answer = transcript.answer(message)
            code = answer.code if answer is not None else ""
            crossed = ended is not None and between(ended, message) <= _ON_ITS_WAY
            if (ended is not None and not crossed) or (not worked and code == _UNKNOWN):
                yield wrong(
                    "RULE-2B-006", message, "", "no such message without a registration", "one"
                )
            worked = worked or code == "200"


def _ends(message: Message) -> bool:
    """Say whether a message confirms the end of the registration."""
    return message.name == "oadrCanceledPartyRegistration" and message.code.startswith("2")


def rule_046(transcript: Transcript) -> Iterator[Finding]:
    """Give registrationID and venID as a pair that it was given together."""
    for message, given in spoken(transcript):
        if given is None or message.name not in (_CREATE, "oadrCancelPartyRegistration"):
            continue
        found = message.text("ei:registrationID")
        if found and found != given.registration_id:
            path = "ei:registrationID"
            yield wrong("RULE-2B-046", message, path, given.registration_id, found)
        ven_id = message.text("ei:venID")
        if found and ven_id and ven_id != given.ven_id:
            yield wrong("RULE-2B-046", message, "ei:venID", given.ven_id, ven_id)
        if found and not ven_id and message.name == _CREATE:
            yield wrong("RULE-2B-046", message, "ei:venID", given.ven_id, "none")


RULES: Final = (
    Check("RULE-2B-005", rule_005),
    Check("RULE-2B-006", rule_006),
    Check("RULE-2B-046", rule_046),
)
