"""Rules about delivered reports: 038 to 040."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from conformance.kit.checks.rules2b.metadata import DESCRIPTION, REPORT
from conformance.kit.finding import Finding, wrong
from conformance.kit.oadr20b.times import at, lasting
from conformance.kit.transcript import Message, Transcript

INTERVAL: Final = "strm:intervals/ei:interval"
START: Final = "xcal:dtstart/xcal:date-time"
LENGTH: Final = "xcal:duration/xcal:duration"
_QUALITY_STEMS: Final = {
    "No Quality - No Value": (),
    "No New Value - Previous Value Used": (),
    "Quality Bad - ": (
        "Non Specific",
        "Configuration Error",
        "Not Connected",
        "Device Failure",
        "Sensor Failure",
        "Last Known Value",
        "Comm Failure",
        "Out of Service",
    ),
    "Quality Uncertain - ": (
        "Non Specific",
        "Last Usable Value",
        "Sensor Not Accurate",
        "EU Units Exceeded",
        "Sub Normal",
    ),
    "Quality Good - ": ("Non Specific", "Local Override"),
    "Quality Limit - ": ("Field/Not", "Field/Low", "Field/High", "Field/Constant"),
}
QUALITIES: Final = frozenset(
    stem + rest for stem, rests in _QUALITY_STEMS.items() for rest in (rests or ("",))
)
"""Every oadrDataQuality."""


def updates(transcript: Transcript) -> Iterator[tuple[Message, str]]:
    """Yield every delivered report with its path."""
    for message in transcript.from_device("oadrUpdateReport"):
        for place in range(1, len(message.elements(REPORT)) + 1):
            yield message, f"{REPORT}[{place}]"


def rule_038(transcript: Transcript) -> Iterator[Finding]:
    """A delivery has values and no metadata, and is of the specifier that was asked for."""
    for message, report in updates(transcript):
        if message.elements(f"{report}/{DESCRIPTION}"):
            yield wrong("RULE-2B-038", message, f"{report}/{DESCRIPTION}", "none", "one")
        name = message.text(f"{report}/ei:reportName")
        if not name or name.startswith("METADATA_"):
            path = f"{report}/ei:reportName"
            yield wrong("RULE-2B-038", message, path, "a name without METADATA_", name or "none")
        if not message.elements(f"{report}/strm:intervals"):
            yield wrong("RULE-2B-038", message, f"{report}/strm:intervals", "values", "none")
        yield from _specifier(transcript, message, report)
        for found in message.all(f"{report}//oadr:oadrDataQuality"):
            if found not in QUALITIES:
                path = f"{report}//oadr:oadrDataQuality"
                yield wrong("RULE-2B-038", message, path, "a quality of the standard", found)


def _specifier(transcript: Transcript, message: Message, report: str) -> Iterator[Finding]:
    asked = message.text(f"{report}/ei:reportRequestID")
    path = f".//oadr:oadrReportRequest[ei:reportRequestID='{asked}']//ei:reportSpecifierID"
    wanted = {x for m in transcript.from_suite() if m.number < message.number for x in m.all(path)}
    found = message.text(f"{report}/ei:reportSpecifierID")
    if asked and "'" not in asked and wanted and found not in wanted:
        text = " or ".join(sorted(wanted))
        yield wrong("RULE-2B-038", message, f"{report}/ei:reportSpecifierID", text, found)


def rule_039(transcript: Transcript) -> Iterator[Finding]:
    """Starts and lengths of a delivery fit each other: all or none, first start, span, uids (rule 316)."""
    for message, report in updates(transcript):
        count = len(message.elements(f"{report}/{INTERVAL}"))
        for name in ("xcal:dtstart", "xcal:duration"):
            having = len(message.elements(f"{report}/{INTERVAL}/{name}"))
            if having not in (0, count):
                path = f"{report}/{INTERVAL}/{name}"
                yield wrong("RULE-2B-039", message, path, f"in none or all {count}", str(having))
        yield from _whole(message, report)
        yield from _uids(message, report, count)


def _whole(message: Message, report: str) -> Iterator[Finding]:
    starts = message.all(f"{report}/{INTERVAL}/{START}")
    stated = message.text(f"{report}/{START}")
    if starts and stated and at(starts[0]) != at(stated):
        yield wrong("RULE-2B-039", message, f"{report}/{START}", starts[0], stated)
    whole = lasting(message.text(f"{report}/{LENGTH}"))
    steps = [lasting(x) for x in message.all(f"{report}/{INTERVAL}/{LENGTH}")]
    first, last = _ends(starts)
    if whole is None or first is None or last is None or not steps or steps[-1] is None:
        return
    span: timedelta = last + steps[-1] - first
    if whole != span:
        text, found = f"{span.total_seconds():g} s", f"{whole.total_seconds():g} s"
        yield wrong("RULE-2B-039", message, f"{report}/{LENGTH}", text, found)


def _ends(starts: list[str]) -> tuple[datetime | None, datetime | None]:
    return (at(starts[0]), at(starts[-1])) if starts else (None, None)


def _uids(message: Message, report: str, count: int) -> Iterator[Finding]:
    path = f"{report}/{INTERVAL}/xcal:uid/xcal:text"
    found = message.all(path)
    needed = not message.elements(f"{report}/{INTERVAL}/xcal:dtstart")
    if (needed or found) and found != [str(x) for x in range(count)]:
        yield wrong("RULE-2B-039", message, path, f"0 to {count - 1}", " ".join(found) or "none")


def rule_040(transcript: Transcript) -> Iterator[Finding]:
    """Each part of oadrLoadControlState stands in all values of a report or in none."""
    state = "oadr:oadrReportPayload/oadr:oadrPayloadResourceStatus"
    parts = ("oadrCapacity", "oadrLevelOffset", "oadrPercentOffset", "oadrSetPoint")
    for message, report in updates(transcript):
        all_states = f"{report}/{INTERVAL}/{state}"
        count = len(message.elements(all_states))
        for name in ("", *(f"/oadr:{part}" for part in parts)):
            path = f"{all_states}/oadr:oadrLoadControlState{name}"
            having = len(message.elements(path))
            if having not in (0, count):
                yield wrong("RULE-2B-040", message, path, f"in none or all {count}", str(having))
