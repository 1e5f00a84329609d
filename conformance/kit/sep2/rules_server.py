"""The general rules that every message of a 2030.5 server is held against, in every case."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Final

from lxml import etree

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.checks.identity import sfdi_of
from conformance.kit.sep2.names import MEDIA_TYPE, tag
from conformance.kit.sep2.reading import path_of, same_hex
from conformance.kit.sep2.serving import (
    FINE,
    Asked,
    asked,
    hex_number,
    links_with_kinds,
    orders,
    own_devices,
    served,
)
from conformance.kit.transcript import Message, Part, Side, Transcript
from conformance.kit.xml import Element, local_name

DRIFT: Final = timedelta(seconds=5)
"""Of Time, at most (CSIP-AUS server procedures)."""
_UPPER: Final = frozenset("0123456789ABCDEF")
_LFDI_DIGITS: Final = 40
_MRID_DIGITS: Final = 32
_SECONDS_END: Final = 500
_LATER: Final = 503
_REMOVING: Final = (
    "remove", "drop_assignment", "drop_program", "withdraw", "put_default", "set_enabled", "put_assignment",
    "put_program", "cancel", "stop", "kill", "start", "reset",
)  # fmt: skip
"""What an operator does that may take something from where a client was told that it lies."""
_PASSING: Final = frozenset({"DERControl", "TimeTariffInterval"})
"""Things that are gone when their time is over."""
_FROM_DEVICES: Final = frozenset(
    {
        "DERCapability", "DERSettings", "DERStatus", "DERAvailability", "DeviceInformation", "DeviceStatus",
        "PowerStatus", "Configuration", "ConnectionPoint",
    }
)  # fmt: skip
"""Documents that a device puts; before that nothing lies there."""
Key = Callable[[Element], tuple[int, ...]]


def _sent(transcript: Transcript) -> Iterator[Message]:
    for message in transcript.messages:
        if message.sender is Side.DEVICE and not message.broken:
            yield message


def _sound(transcript: Transcript) -> Iterator[Asked]:
    """Yield the exchanges in which the client was right."""
    for one in asked(transcript):
        if not one.request.wrong and one.answer is not None and not one.answer.broken:
            yield one


def rule_101(transcript: Transcript) -> Iterator[Finding]:
    """A document holds what its type allows: order, occurrence, bounds."""
    for message in _sent(transcript):
        faulty = message.name or message.header("Content-Type").startswith(MEDIA_TYPE)
        for fault in message.schema_faults[:1] if message.body.strip() and faulty else ():
            yield wrong("RULE-SEP2-101", message, "", "a valid document", fault)


def rule_102(transcript: Transcript) -> Iterator[Finding]:
    """What is served and told is application/sep+xml."""
    for message in _sent(transcript):
        told = message.status in FINE or message.part is Part.REQUEST
        if told and message.body.strip():
            found = message.header("Content-Type").partition(";")[0].strip().lower()
            if found != MEDIA_TYPE:
                yield wrong("RULE-SEP2-102", message, "Content-Type", MEDIA_TYPE, found or "none")


def rule_103(transcript: Transcript) -> Iterator[Finding]:
    """The numbers of a list are right: results are its members, and what s and l leave of all."""
    for message in _sent(transcript):
        for one in message.elements("descendant-or-self::*[@all and @results]"):
            members = sum(1 for _ in one.iterchildren(etree.Element))
            if one.get("results") != str(members):
                told = str(one.get("results"))
                yield wrong("RULE-SEP2-103", message, "@results", str(members), told)
    for asked_ in _sound(transcript):
        yield from _paged(asked_)


def _paged(one: Asked) -> Iterator[Finding]:
    answer = one.answer
    if answer is None or not answer.has("self::*[@all and @results]") or "a" in one.query:
        return
    numbers = {name: answer.text(f"@{name}") for name in ("all", "results")}
    start, limit = one.query.get("s", "0"), one.query.get("l", "")
    if not all(text.isdigit() for text in (*numbers.values(), start, limit or "0")):
        return  # of another rule
    left = max(int(numbers["all"]) - int(start), 0)
    most = min(left, int(limit)) if limit else left
    results = int(numbers["results"])
    if results > most:
        yield wrong("RULE-SEP2-103", answer, "@results", f"at most {most}", str(results))
    elif most and not results:
        yield wrong("RULE-SEP2-103", answer, "@results", f"some of the {left} that are left", "0")


def rule_104(transcript: Transcript) -> Iterator[Finding]:
    """An address that a client was told leads somewhere, as long as nothing was removed."""
    told: dict[tuple[str, str], tuple[int, str]] = {}
    gone = [order.mark.number for order in orders(transcript, *_REMOVING)]
    put: set[str] = set()
    for one in asked(transcript):
        number = one.request.number
        if one.request.method == "DELETE" and one.fine:
            gone.append(number)
        since, kind = told.get((one.client, one.path), (0, ""))
        if one.request.method == "PUT" and one.fine:
            put.add(one.path)
        lost = one.status in (404, 410) and since and not one.request.wrong
        excused = kind in _PASSING or (kind in _FROM_DEVICES and one.path not in put)
        if lost and not excused and not any(since < cut < number for cut in gone):
            answer = one.answer or one.request
            yield wrong(
                "RULE-SEP2-104", answer, "status", f"{kind}, as it was shown", str(one.status)
            )
        _learn(one, told)


def _learn(one: Asked, told: dict[tuple[str, str], tuple[int, str]]) -> None:
    answer = one.answer
    if answer is None or answer.status not in FINE:
        return
    for path, kind in links_with_kinds(answer.plain) if answer.payload is not None else ():
        told[one.client, path] = (answer.number, kind)
    where = answer.header("Location")
    if where:
        told[one.client, path_of(where)] = (answer.number, "created")


def rule_105(transcript: Transcript) -> Iterator[Finding]:
    """What lies at an address keeps its mRID."""
    known: dict[str, str] = {}
    for one in asked(transcript):
        if not one.fine or one.answer is None:
            continue
        for element in one.answer.elements("descendant-or-self::*[@href and s:mRID]"):
            where, mrid = element.get("href", ""), element.findtext(tag("mRID")) or ""
            before = known.setdefault(where, mrid)
            if not same_hex(before, mrid):
                yield wrong("RULE-SEP2-105", one.answer, "s:mRID", before, mrid)


def rule_106(transcript: Transcript) -> Iterator[Finding]:
    """What was created has an address: 201 comes with Location."""
    for one in asked(transcript):
        if one.answer is not None and one.status == 201 and not one.answer.header("Location"):
            yield wrong("RULE-SEP2-106", one.answer, "Location", "where it lies", "none")


def rule_107(transcript: Transcript) -> Iterator[Finding]:
    """A right request is answered whole, and not by an error of the server's own."""
    for one in asked(transcript):
        answer = one.answer
        if answer is None:
            continue
        if answer.broken:
            yield wrong("RULE-SEP2-107", answer, "", "a whole answer", answer.broken)
        later = one.status == _LATER and answer.header("Retry-After")
        if one.status >= _SECONDS_END and not later and not one.request.wrong:
            yield wrong("RULE-SEP2-107", answer, "status", "no error of its own", str(one.status))


def rule_108(transcript: Transcript) -> Iterator[Finding]:
    """405 says what is allowed."""
    for one in asked(transcript):
        if one.answer is not None and one.status == 405 and not one.answer.header("Allow"):
            yield wrong("RULE-SEP2-108", one.answer, "Allow", "the methods that are taken", "none")


def rule_109(transcript: Transcript) -> Iterator[Finding]:
    """A client is shown EndDevices of its own alone: itself, and what it manages."""
    for name in dict.fromkeys(one.client for one in asked(transcript)):
        own = own_devices(transcript, name)
        for one, device in served(transcript, "EndDevice", client=name):
            lfdi = device.findtext(tag("lFDI")) or "0"
            if one.answer is not None and hex_number(lfdi) not in own:
                yield wrong("RULE-SEP2-109", one.answer, "s:lFDI", f"one of {name}", lfdi)


def _number(element: Element, path: str) -> int:
    found = element.findtext("/".join(tag(step) for step in path.split("/"))) or "0"
    return int(found) if found.lstrip("-").isdigit() else 0


def _mrid(element: Element) -> int:
    found = element.findtext(tag("mRID")) or "0"
    return int(found, 16) if not set(found.upper()) - _UPPER else 0


_ORDERS: Final[Mapping[str, Key]] = {
    "DERControlList": lambda one: (
        _number(one, "interval/start"),
        -_number(one, "creationTime"),
        -_mrid(one),
    ),
    "DERProgramList": lambda one: (_number(one, "primacy"), -_mrid(one)),
    "FunctionSetAssignmentsList": lambda one: (-_mrid(one),),
}
"""Keys of lists, the first to the last."""


def rule_110(transcript: Transcript) -> Iterator[Finding]:
    """The members of a list stand in its order."""
    for message in _sent(transcript):
        for one in message.elements("descendant-or-self::*[@all and @results]"):
            kind = one.get(f"{{{_XSI}}}type", "").rpartition(":")[2] or local_name(one)
            key = _ORDERS.get(kind)
            rows = [key(member) for member in one.iterchildren(etree.Element)] if key else []
            for earlier, later in pairwise(rows):
                if later < earlier:
                    told = f"{later} after {earlier}"
                    yield wrong("RULE-SEP2-110", message, kind, "members in their order", told)
                    break


_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"


def rule_111(transcript: Transcript) -> Iterator[Finding]:
    """Identifiers are upper-case hex, an LFDI of 40 digits, and an SFDI is that of its LFDI."""
    for message in _sent(transcript):
        for one in message.elements("descendant-or-self::s:EndDevice[s:lFDI]"):
            lfdi, sfdi = one.findtext(tag("lFDI")) or "", one.findtext(tag("sFDI")) or ""
            if len(lfdi) != _LFDI_DIGITS or set(lfdi) - _UPPER:
                yield wrong("RULE-SEP2-111", message, "s:lFDI", "40 upper-case hex digits", lfdi)
            elif sfdi != str(sfdi_of(lfdi)):
                yield wrong("RULE-SEP2-111", message, "s:sFDI", str(sfdi_of(lfdi)), sfdi)
        for mrid in message.all("descendant-or-self::*/s:mRID"):
            if len(mrid) > _MRID_DIGITS or len(mrid) % 2 or set(mrid) - _UPPER:
                yield wrong(
                    "RULE-SEP2-111", message, "s:mRID", "upper-case hex of whole bytes", mrid
                )


def rule_112(transcript: Transcript) -> Iterator[Finding]:
    """Time is right to five seconds."""
    for one in asked(transcript, "GET", got="Time"):
        answer = one.answer
        told = answer.text("s:currentTime") if answer is not None else ""
        if answer is None or not told.lstrip("-").isdigit():
            continue
        off = timedelta(seconds=abs(int(told) - answer.at.timestamp()))
        if off > DRIFT + timedelta(seconds=1):  # whole seconds are told
            right = str(round(answer.at.timestamp()))
            yield wrong(
                "RULE-SEP2-112", answer, "s:currentTime", right, told, tolerance=DRIFT, beyond=off - DRIFT
            )  # fmt: skip


def rule_113(transcript: Transcript) -> Iterator[Finding]:
    """Every member of a list says where it lies."""
    for one in asked(transcript, "GET"):
        if one.answer is None or not one.fine:
            continue
        for member in one.answer.elements("self::*[@all and @results]/*[not(@href)]"):
            yield wrong("RULE-SEP2-113", one.answer, local_name(member), "an href", "none")


RULES: Final = tuple(
    Check(f"RULE-SEP2-{number}", judge)
    for number, judge in enumerate(
        (
            rule_101, rule_102, rule_103, rule_104, rule_105, rule_106, rule_107, rule_108, rule_109, rule_110,
            rule_111, rule_112, rule_113,
        ),
        101,
    )
)  # fmt: skip
