"""Which events of an oadrDistributeEvent this VEN can take, and with which code it refuses the others.

Each rule returns the code of its refusal, or an empty text. Spec: OpenADR 2.0b section 8.7 and the rules named.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final
from urllib.parse import urlsplit

from lxml.etree import _Element as Element

from conformance.reference.ven2b.settings import Settings
from conformance.reference.wire2b import every, found, text, texts
from gateway.domain.errors import WireError
from gateway.domain.timespan import duration, instant

ACTIVE_PERIOD: Final = "ei:eiActivePeriod/xcal:properties"
SIGNALS: Final = "ei:eiEventSignals/ei:eiEventSignal"
BASELINE: Final = "ei:eiEventSignals/ei:eiEventBaseline"
INTERVALS: Final = "strm:intervals/ei:interval"
VALUE: Final = "ei:signalPayload/ei:payloadFloat/ei:value"
FOLLOWED: Final = frozenset(
    {
        ("SIMPLE", "level"),
        ("ELECTRICITY_PRICE", "price"),
        ("ELECTRICITY_PRICE", "priceRelative"),
        ("ELECTRICITY_PRICE", "priceMultiplier"),
        ("ENERGY_PRICE", "price"),
        ("ENERGY_PRICE", "priceRelative"),
        ("ENERGY_PRICE", "priceMultiplier"),
        ("DEMAND_CHARGE", "price"),
        ("DEMAND_CHARGE", "priceRelative"),
        ("DEMAND_CHARGE", "priceMultiplier"),
        ("BID_PRICE", "price"),
        ("BID_LOAD", "setpoint"),
        ("BID_ENERGY", "setpoint"),
        ("CHARGE_STATE", "setpoint"),
        ("CHARGE_STATE", "delta"),
        ("CHARGE_STATE", "multiplier"),
        ("LOAD_DISPATCH", "setpoint"),
        ("LOAD_DISPATCH", "delta"),
        ("LOAD_DISPATCH", "multiplier"),
        ("LOAD_DISPATCH", "level"),
        ("LOAD_CONTROL", "x-loadControlCapacity"),
        ("LOAD_CONTROL", "x-loadControlLevelOffset"),
        ("LOAD_CONTROL", "x-loadControlPercentOffset"),
        ("LOAD_CONTROL", "x-loadControlSetpoint"),
    }
)
"""Every pair of the standard's table 1."""
PRECEDENCE: Final = (
    "LOAD_DISPATCH",
    "LOAD_CONTROL",
    "CHARGE_STATE",
    "BID_LOAD",
    "BID_ENERGY",
    "BID_PRICE",
    "ELECTRICITY_PRICE",
    "ENERGY_PRICE",
    "DEMAND_CHARGE",
    "SIMPLE",
)
"""Which of several signals is followed: the one that says most exactly what to do."""
SIMPLE_LEVELS: Final = frozenset({0, 1, 2, 3})

Rule = Callable[[Element, Settings, str], str]
"""Judges an ei:eiEvent for a VEN with an id."""


def market_context(event: Element, settings: Settings, ven_id: str) -> str:
    """Refuse a program in which this VEN takes no part (rules 48, 512)."""
    context = text(event, "ei:eventDescriptor/ei:eiMarketContext/emix:marketContext")
    return "" if normal(context) in map(normal, settings.contexts) else "462"


def target(event: Element, settings: Settings, ven_id: str) -> str:
    """Refuse an event for others; no target means everybody (rules 22, 63)."""
    meant = found(event, "ei:eiTarget")
    if meant is None or not len(meant):
        return ""
    mine = {ven_id, settings.resource, *settings.groups}
    paths = ("ei:venID", "ei:resourceID", "ei:groupID", "ei:groupName", "ei:partyID")
    return "" if any(name in mine for path in paths for name in texts(meant, path)) else "462"


def one_ven(event: Element, settings: Settings, ven_id: str) -> str:
    """Refuse a target that names several VENs (rule 22)."""
    return "459" if len(every(event, "ei:eiTarget/ei:venID")) > 1 else ""


def notification(event: Element, settings: Settings, ven_id: str) -> str:
    """Refuse an active period without x-eiNotification (rule 105)."""
    return "459" if found(event, f"{ACTIVE_PERIOD}/ei:x-eiNotification") is None else ""


def signal_ids(event: Element, settings: Settings, ven_id: str) -> str:
    """Refuse two signals with one signalID (rule 8)."""
    ids = texts(event, f"{SIGNALS}/ei:signalID")
    return "459" if len(set(ids)) != len(ids) else ""


def interval_order(event: Element, settings: Settings, ven_id: str) -> str:
    """Refuse uids that do not count from zero (rule 102)."""
    for _, steps in _series(event):
        uids = [text(step, "xcal:uid/xcal:text") for step in steps]
        if uids != [str(number) for number in range(len(uids))]:
            return "450"
    return ""


def interval_start(event: Element, settings: Settings, ven_id: str) -> str:
    """Refuse intervals that state a start of their own (rule 103)."""
    starts = [found(step, "xcal:dtstart") for _, steps in _series(event) for step in steps]
    return "459" if any(start is not None for start in starts) else ""


def interval_sum(event: Element, settings: Settings, ven_id: str) -> str:
    """Refuse intervals that do not fill the active period, or the baseline's (rules 2 and 107)."""
    for whole, steps in _series(event):
        parts = [length(text(step, "xcal:duration/xcal:duration")) for step in steps]
        if sum(parts, timedelta(0)) != length(whole):
            return "459"
    return ""


def _series(event: Element) -> list[tuple[str, list[Element]]]:
    """Return the intervals of every signal, and of a baseline, each with the duration that they must fill."""
    active = text(event, f"{ACTIVE_PERIOD}/xcal:duration/xcal:duration")
    return [
        *((active, every(signal, INTERVALS)) for signal in every(event, SIGNALS)),
        *(
            (text(given, "xcal:duration/xcal:duration"), every(given, INTERVALS))
            for given in every(event, BASELINE)
        ),
    ]


def device_class(event: Element, settings: Settings, ven_id: str) -> str:
    """Refuse an event all of whose signals are for other classes of devices (rules 111 and 112)."""
    return "" if _for_us(event, settings) else "469"


def _for_us(event: Element, settings: Settings) -> bool:
    for signal in every(event, SIGNALS):
        classes = texts(signal, "ei:eiTarget/power:endDeviceAsset/power:mrid")
        if not classes or settings.device_class in classes:
            return True
    return False


def supported(event: Element, settings: Settings, ven_id: str) -> str:
    """Refuse an event any of whose signals cannot be followed (rule 109)."""
    pairs = {
        (text(signal, "ei:signalName"), text(signal, "ei:signalType"))
        for signal in every(event, SIGNALS)
    }
    return "" if pairs <= FOLLOWED else "460"


def simple_values(event: Element, settings: Settings, ven_id: str) -> str:
    """Refuse levels of SIMPLE other than 0 to 3 (rule 9)."""
    for signal in every(event, SIGNALS):
        if text(signal, "ei:signalName") != "SIMPLE":
            continue
        if any(number(text(step, VALUE)) not in SIMPLE_LEVELS for step in every(signal, INTERVALS)):
            return "454"
    return ""


def simple_unit(event: Element, settings: Settings, ven_id: str) -> str:
    """Refuse a unit with SIMPLE (rule 9)."""
    after = {"eiTarget", "signalName", "signalType", "signalID", "intervals", "currentValue"}
    for signal in every(event, SIGNALS):
        names = {child.tag.rpartition("}")[2] for child in signal}
        if text(signal, "ei:signalName") == "SIMPLE" and names - after:
            return "459"
    return ""


RULES: Final[tuple[Rule, ...]] = (
    market_context,
    target,
    device_class,
    one_ven,
    notification,
    signal_ids,
    interval_order,
    interval_start,
    interval_sum,
    supported,
    simple_values,
    simple_unit,
)


def refusal(event: Element, settings: Settings, ven_id: str) -> str:
    """Return the code of the first rule that refuses an event; ``200`` when none does."""
    try:
        for rule in RULES:
            if code := rule(event, settings, ven_id):
                return code
    except (WireError, InvalidOperation):
        return "454"
    return "200"


def followed(event: Element) -> Element:
    """Return the signal that is followed when there are several; they are at least one by the schema."""

    def rank(signal: Element) -> int:
        name = text(signal, "ei:signalName")
        return PRECEDENCE.index(name) if name in PRECEDENCE else len(PRECEDENCE)

    return min(every(event, SIGNALS), key=rank)


def normal(context: str) -> str:
    """Return a market context so that equal ones are equal texts (rule 512, RFC 3986 section 6.2.2)."""
    parts = urlsplit(context.strip())
    whole = parts._replace(scheme=parts.scheme.lower(), netloc=parts.netloc.lower())
    return whole.geturl().rstrip("/")


def length(words: str) -> timedelta:
    """Return a duration."""
    return duration(words)


def number(words: str) -> Decimal:
    """Return a payload value."""
    return Decimal(words)


def moment(words: str) -> datetime:
    """Return an instant; without a zone it is UTC."""
    return instant(words if words.endswith("Z") else words + "Z")
