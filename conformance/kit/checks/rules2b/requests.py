"""Rules about requests for reports: 033 to 037 and 041."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from conformance.kit.checks.rules2b.metadata import DESCRIPTION, ITEMS, REPORT
from conformance.kit.finding import Finding, wrong
from conformance.kit.oadr20b.times import lasting
from conformance.kit.transcript import Message, Transcript

REQUEST: Final = "oadr:oadrReportRequest"
METADATA: Final = "METADATA"
_SPECIFIER: Final = "ei:reportSpecifier/ei:reportSpecifierID"
_GRANULARITY: Final = "ei:reportSpecifier/xcal:granularity/xcal:duration"
_BACK: Final = "ei:reportSpecifier/ei:reportBackDuration/xcal:duration"
_INTERVAL: Final = "ei:reportSpecifier/ei:reportInterval/xcal:properties"
_NOTHING: Final = timedelta(0)


def _requests(transcript: Transcript) -> Iterator[tuple[Message, str]]:
    """Yield every request of the device with its path."""
    for name in ("oadrCreateReport", "oadrRegisteredReport"):
        for message in transcript.from_device(name):
            for place in range(1, len(message.elements(REQUEST)) + 1):
                yield message, f"{REQUEST}[{place}]"


def _rhythm(message: Message, request: str) -> tuple[timedelta | None, timedelta | None]:
    return (
        lasting(message.text(f"{request}/{_GRANULARITY}")),
        lasting(message.text(f"{request}/{_BACK}")),
    )


def _offered(transcript: Transcript, specifier: str, before: int) -> tuple[str, timedelta | None]:
    """Return name and shortest period of what the suite offers under a specifier."""
    found: tuple[str, timedelta | None] = ("", None)
    for offer in transcript.from_suite("oadrRegisterReport"):
        report = f"{REPORT}[ei:reportSpecifierID='{specifier}']"
        if offer.number < before and offer.elements(report):
            least = offer.text(f"{report}/{DESCRIPTION}/oadr:oadrSamplingRate/oadr:oadrMinPeriod")
            found = offer.text(f"{report}/ei:reportName"), lasting(least)
    return found


def rule_033(transcript: Transcript) -> Iterator[Finding]:
    """A request names data points only: readingType x-notApplicable and no unit."""
    for message, request in _requests(transcript):
        points = f"{request}/ei:reportSpecifier/ei:specifierPayload"
        for found in message.all(f"{points}/ei:readingType"):
            if found != "x-notApplicable":
                path = f"{points}/ei:readingType"
                yield wrong("RULE-2B-033", message, path, "x-notApplicable", found)
        if message.elements(f"{points}/{ITEMS}"):
            yield wrong("RULE-2B-033", message, f"{points}/itemBase", "none", "one")


def rule_034(transcript: Transcript) -> Iterator[Finding]:
    """Granularity lies between the shortest period on offer and the delivery period (rule 317)."""
    for message, request in _requests(transcript):
        granularity, back = _rhythm(message, request)
        if not granularity or not back:
            continue
        specifier = message.text(f"{request}/{_SPECIFIER}")
        least = _offered(transcript, specifier, message.number)[1] or _NOTHING
        if not least <= granularity <= back:
            text = f"{least.total_seconds():g} to {back.total_seconds():g} s"
            path = f"{request}/{_GRANULARITY}"
            yield wrong("RULE-2B-034", message, path, text, f"{granularity.total_seconds():g} s")


def rule_035(transcript: Transcript) -> Iterator[Finding]:
    """A periodic request for values says from when and how long (rule 324)."""
    for message, request in _requests(transcript):
        back = _rhythm(message, request)[1]
        if not back or message.text(f"{request}/{_SPECIFIER}") == METADATA:
            continue
        for name in ("xcal:dtstart", "xcal:duration"):
            if not message.elements(f"{request}/{_INTERVAL}/{name}"):
                path = f"{request}/{_INTERVAL}/{name}"
                yield wrong("RULE-2B-035", message, path, "one in a periodic request", "none")


def rule_036(transcript: Transcript) -> Iterator[Finding]:
    """History is asked for as it was recorded: granularity and reportBackDuration zero."""
    for message, request in _requests(transcript):
        specifier = message.text(f"{request}/{_SPECIFIER}")
        if "HISTORY" not in _offered(transcript, specifier, message.number)[0]:
            continue
        if any(_rhythm(message, request)):
            path = f"{request}/{_GRANULARITY}"
            yield wrong("RULE-2B-036", message, path, "zero, and no reportBackDuration", "more")


def rule_037(transcript: Transcript) -> Iterator[Finding]:
    """A reportRequestID is not 0 and stands for one request."""
    seen: dict[str, str] = {}
    for message, request in _requests(transcript):
        path = f"{request}/ei:reportRequestID"
        found = message.text(path)
        body = " ".join(message.all(f"{request}//*"))
        if found in ("", "0"):
            yield wrong("RULE-2B-037", message, path, "an id other than 0", found or "none")
        elif seen.setdefault(found, body) != body:
            yield wrong("RULE-2B-037", message, path, "an id not used before", found)


def rule_041(transcript: Transcript) -> Iterator[Finding]:
    """A cancellation inside oadrUpdatedReport names reports of the update that it answers (rule 328)."""
    for message in transcript.from_device("oadrUpdatedReport"):
        path = "oadr:oadrCancelReport/ei:reportRequestID"
        update = transcript.request(message)
        if update is None or update.name != "oadrUpdateReport":
            continue
        brought = update.all(f"{REPORT}/ei:reportRequestID")
        for found in message.all(path):
            if found not in brought:
                yield wrong("RULE-2B-041", message, path, " or ".join(brought) or "none", found)
