"""Rules about the registration of reports: 027 to 032."""

from collections.abc import Iterator
from typing import Final

from conformance.kit.checks.rules2b.registration import judges_ven
from conformance.kit.finding import Finding, wrong
from conformance.kit.oadr20b.times import lasting
from conformance.kit.transcript import Message, Transcript

REPORT: Final = "oadr:oadrReport"
DESCRIPTION: Final = "oadr:oadrReportDescription"
ITEMS: Final = (
    "*[self::power:powerReal or self::power:powerReactive or self::power:powerApparent"
    " or self::power:energyReal or self::power:energyReactive or self::power:energyApparent"
    " or self::power:voltage or self::oadr:pulseCount or self::oadr:current or self::oadr:frequency"
    " or self::oadr:temperature or self::oadr:Therm or self::oadr:customUnit"
    " or self::oadr:currency or self::oadr:currencyPerKW or self::oadr:currencyPerKWh"
    " or self::oadr:currencyPerThm or self::oadr:oadrGBDataDescription]"
)
NAMES: Final = {
    "METADATA_TELEMETRY_USAGE": ("usage", "Direct Read", True),
    "METADATA_HISTORY_USAGE": ("usage", "Direct Read", True),
    "METADATA_TELEMETRY_STATUS": ("x-resourceStatus", "x-notApplicable", False),
}
"""reportName -> reportType, readingType, whether it has a unit (rule 331)."""


def _reports(transcript: Transcript) -> Iterator[tuple[Message, str]]:
    """Yield every report of a registration with its path."""
    for message in transcript.from_device("oadrRegisterReport"):
        for place in range(1, len(message.elements(REPORT)) + 1):
            yield message, f"{REPORT}[{place}]"


def _points(transcript: Transcript) -> Iterator[tuple[Message, str, str]]:
    """Yield every data point with the path of its report and its own."""
    for message, report in _reports(transcript):
        for place in range(1, len(message.elements(f"{report}/{DESCRIPTION}")) + 1):
            yield message, report, f"{report}/{DESCRIPTION}[{place}]"


def rule_027(transcript: Transcript) -> Iterator[Finding]:
    """Metadata carries no values: neither dtstart nor intervals nor eiReportID."""
    for message, report in _reports(transcript):
        for name in ("xcal:dtstart", "strm:intervals", "ei:eiReportID"):
            if message.elements(f"{report}/{name}"):
                yield wrong("RULE-2B-027", message, f"{report}/{name}", "none", "one")


def rule_028(transcript: Transcript) -> Iterator[Finding]:
    """The reportRequestID of metadata is 0, or that of the request for it."""
    for message, report in _reports(transcript):
        allowed = {"0", message.text("ei:reportRequestID")} - {""}
        found = message.text(f"{report}/ei:reportRequestID")
        if found not in allowed:
            path, text = f"{report}/ei:reportRequestID", " or ".join(sorted(allowed))
            yield wrong("RULE-2B-028", message, path, text, found or "none")
    for message in transcript.from_device("oadrRegisterReport"):
        given = message.text("ei:reportRequestID")
        if given not in ("", "0") and given not in _wanted(transcript, message.number):
            yield wrong("RULE-2B-028", message, "ei:reportRequestID", "the id of a request", given)


def _wanted(transcript: Transcript, before: int) -> set[str]:
    asking = [m for m in transcript.from_suite() if m.number < before]
    return {x for m in asking for x in m.all(".//oadr:oadrReportRequest/ei:reportRequestID")}


def rule_029(transcript: Transcript) -> Iterator[Finding]:
    """A reportSpecifierID stands once in a registration, an rID once in a report."""
    for message in transcript.from_device("oadrRegisterReport"):
        yield from _twice(message, f"{REPORT}/ei:reportSpecifierID")
    for message, report in _reports(transcript):
        yield from _twice(message, f"{report}/{DESCRIPTION}/ei:rID")


def _twice(message: Message, path: str) -> Iterator[Finding]:
    found = message.all(path)
    for name in sorted({x for x in found if found.count(x) > 1}):
        yield wrong("RULE-2B-029", message, path, f"{name} once", f"{found.count(name)} times")


def rule_030(transcript: Transcript) -> Iterator[Finding]:
    """Report name, report type, reading type and unit of the well-known reports go together (rule 331)."""
    for message, report, point in _points(transcript):
        known = NAMES.get(message.text(f"{report}/ei:reportName"))
        if known is None:
            continue
        kind, reading, unit = known
        for name, wanted in (("ei:reportType", kind), ("ei:readingType", reading)):
            found = message.text(f"{point}/{name}")
            if found != wanted:
                yield wrong("RULE-2B-030", message, f"{point}/{name}", wanted, found or "none")
        has = bool(message.elements(f"{point}/{ITEMS}"))
        if has != unit:
            words = ("a unit", "none") if unit else ("no unit", "one")
            yield wrong("RULE-2B-030", message, f"{point}/itemBase", *words)


def rule_031(transcript: Transcript) -> Iterator[Finding]:
    """Telemetry says how fast it can be sampled, min not above max; history says nothing of it."""
    for message, report, point in _points(transcript):
        name = message.text(f"{report}/ei:reportName")
        path = f"{point}/oadr:oadrSamplingRate"
        has = bool(message.elements(path))
        if name.startswith("METADATA_TELEMETRY") and not has:
            yield wrong("RULE-2B-031", message, path, "a sampling rate", "none")
        elif name.startswith("METADATA_HISTORY") and has:
            yield wrong("RULE-2B-031", message, path, "none for history", "one")
        elif has:
            low = message.text(f"{path}/oadr:oadrMinPeriod")
            high = message.text(f"{path}/oadr:oadrMaxPeriod")
            least, most = lasting(low), lasting(high)
            if least is None or most is None or least > most:
                yield wrong("RULE-2B-031", message, path, "min ≤ max", f"{low} and {high}")


def rule_032(transcript: Transcript) -> Iterator[Finding]:
    """A VEN registers TELEMETRY_USAGE and TELEMETRY_STATUS (rule 510)."""
    if not judges_ven(transcript):
        return
    for message in transcript.from_device("oadrRegisterReport"):
        found = set(message.all(f"{REPORT}/ei:reportName"))
        for name in ("METADATA_TELEMETRY_USAGE", "METADATA_TELEMETRY_STATUS"):
            if name not in found:
                text = " ".join(sorted(found)) or "none"
                yield wrong("RULE-2B-032", message, f"{REPORT}/ei:reportName", name, text)
