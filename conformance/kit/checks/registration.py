"""Checks of registration (2.0b section 8.4; digest 4.1)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from conformance.kit.checks.flow import missing, since
from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.transcript import Message, Part, Side, Transcript

CREATE: Final = "oadrCreatePartyRegistration"
CREATED: Final = "oadrCreatedPartyRegistration"
FIRST: Final = "REQ-OADR20B-8.4-2"
"""The first registration carries no registrationID."""
METADATA_FIRST: Final = "REQ-OADR20B-R309-1"
"""Metadata goes before anything but oadrRequestEvent."""
SYNCHRONISED: Final = "REQ-OADR20B-R405-1"
"""After a new registration the VEN asks for the events once."""
UNREGISTERED: Final = "REQ-OADR20B-R517-1"
"""Nothing but registration is sent without a registration."""
PERSISTENT: Final = "REQ-OADR20B-8.4.1-1"
"""A registration keeps its ids until one side cancels it."""
_OPEN: Final = (
    "oadrQueryRegistration",
    CREATE,
    "oadrCancelPartyRegistration",
    "oadrCanceledPartyRegistration",
    "oadrResponse",
)
_SOON: Final = timedelta(minutes=1)


def given(transcript: Transcript, before: int) -> tuple[str, str]:
    """Return registrationID and venID as the suite gave them last."""
    for message in reversed(transcript.from_suite(CREATED)):
        if message.number < before and message.has("ei:registrationID") and not message.fault:
            return message.text("ei:registrationID"), message.text("ei:venID")
    return "", ""


def given_registration(transcript: Transcript, message: Message) -> str:
    """Return the registrationID in force when a message was sent (for ``flow.field``)."""
    return given(transcript, message.number)[0]


def given_ven(transcript: Transcript, message: Message) -> str:
    """Return the venID in force when a message was sent (for ``flow.field``)."""
    return given(transcript, message.number)[1]


def accepted(transcript: Transcript) -> list[Message]:
    """Return the suite's answers that made or renewed a registration."""
    return [
        m
        for m in transcript.delivered(CREATED)
        if m.code.startswith("2")
        and (request := transcript.request(m)) is not None
        and request.name == CREATE
    ]


def bootstraps() -> Check:
    """Demand that reports are registered right after a new registration, and the events asked for."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for answer in accepted(transcript):
            request = transcript.request(answer)
            if request is None or request.has("ei:registrationID"):
                continue
            later = [m for m in _requests(transcript) if m.number > answer.number]
            names = [m.name for m in later]
            first = next((m for m in later if m.name not in ("oadrRequestEvent", *_OPEN)), None)
            if first is not None and first.name != "oadrRegisterReport":
                yield wrong(METADATA_FIRST, first, "", "oadrRegisterReport first", first.name)
            elif first is None:
                yield missing(transcript, answer, METADATA_FIRST, "oadrRegisterReport", _SOON)
            if "oadrRequestEvent" not in names:
                yield missing(transcript, answer, SYNCHRONISED, "oadrRequestEvent", _SOON)

    return Check("registers reports first and asks for the events", judge)


def _requests(transcript: Transcript) -> list[Message]:
    return [m for m in transcript.from_device() if m.part is Part.REQUEST]


def silent_unregistered() -> Check:
    """Demand that nothing but registration is sent while no registration is in force."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        registered = False
        for message in transcript.messages:
            if message.sender is Side.SUITE:
                registered = _registered(transcript, message, now=registered)
            elif message.part is Part.REQUEST and not registered and message.name not in _OPEN:
                yield wrong(UNREGISTERED, message, "", "nothing but registration", message.name)

    return Check("sends nothing but registration while unregistered", judge)


def _registered(transcript: Transcript, message: Message, *, now: bool) -> bool:
    if message.name == CREATED and message.code.startswith("2"):
        request = transcript.request(message)
        return True if request is not None and request.name == CREATE else now
    if message.name == "oadrCanceledPartyRegistration" and message.code.startswith("2"):
        return False
    return now


def registers_without_ids(*, ven_id: str = "") -> Check:
    """Demand that the first registration has no registrationID, and a venID only if agreed beforehand."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        found = transcript.from_device(CREATE)
        for message in found[:1]:
            for path, wanted in (("ei:registrationID", ""), ("ei:venID", ven_id)):
                text = message.text(path)
                if text != wanted:
                    yield wrong(FIRST, message, path, wanted or "none", text or "none")

    return Check("registers without ids at first", judge)


def keeps_ids(after: str = "") -> Check:
    """Demand that every venID that the device names is the one that it was given."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        start = since(transcript, after)
        if start is None:
            return
        path = "ei:venID | pyld:eiRequestEvent/ei:venID | pyld:eiCreatedEvent/ei:venID"
        for message in _requests(transcript):
            wanted = given_ven(transcript, message)
            if message.number < start or not wanted or message.name in (CREATE, ""):
                continue
            for text in message.all(path):
                if text != wanted:
                    yield wrong(PERSISTENT, message, "ei:venID", wanted, text)

    return Check("keeps the venID that it was given", judge)
