"""Documents of a good client, as elements that a script may still change: DER*, mirrors, readings, log events."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from conformance.kit.sep2.build import make, seconds
from conformance.kit.sep2.values import Content, watts
from conformance.kit.xml import Element

PEN: Final = "00040732"
"""Enterprise number at the end of what the suite names, in decimal digits (CSIP-AUS)."""
SITE: Final = "0003"
"""roleFlags of a mirror of the whole site."""
DEVICE: Final = "0049"
"""roleFlags of a mirror of the DER."""
ACTIVE: Final = ("W", 38, 37, 0)
REACTIVE: Final = ("var", 63, 37, 0)
VOLTAGE: Final = ("V", 29, 0, 128)
"""Name, unit of measure, kind and phase."""


def capability(*, aus: bool, **content: object) -> Element:
    """Return a DERCapability: PV with storage, 120 kW."""
    usual: Content = {
        "modesSupported": "00100080",
        "rtgMaxVA": watts(12000, 1),
        "rtgMaxW": watts(12000, 1),
        "type": 83,
        "aus:doeModesSupported": "0F" if aus else None,
    }
    return make("DERCapability", {**usual, **content}, aus=aus)


def settings(at: datetime, *, aus: bool, **content: object) -> Element:
    """Return DERSettings that fit the capability."""
    usual: Content = {
        "modesEnabled": "00100080",
        "setGradW": 27,
        "setMaxVA": watts(11000, 1),
        "setMaxW": watts(11000, 1),
        "updatedTime": seconds(at),
        "aus:doeModesEnabled": "0F" if aus else None,
    }
    return make("DERSettings", {**usual, **content}, aus=aus)


def status(at: datetime, *, connected: int = 7, mode: int = 2, **content: object) -> Element:
    """Return a DERStatus.

    Args:
        at: readingTime, and of its parts.
        connected: Bits of genConnectStatus.
        mode: operationalModeStatus.
        content: Elements beside these, or in their place.
    """
    usual: Content = {
        "alarmStatus": "00000000",
        "genConnectStatus": {"dateTime": seconds(at), "value": f"{connected:02X}"},
        "inverterStatus": {"dateTime": seconds(at), "value": 4},
        "operationalModeStatus": {"dateTime": seconds(at), "value": mode},
        "readingTime": seconds(at),
    }
    return make("DERStatus", {**usual, **content})


def log_event(at: datetime, number: int, code: int = 0) -> Element:
    """Return a LogEvent of the DER function set."""
    content = {
        "createdDateTime": seconds(at),
        "functionSet": 11,
        "logEventCode": code,
        "logEventID": number,
        "logEventPEN": 40732,
        "profileID": 2,
    }
    return make("LogEvent", content)


def mrid(*words: str) -> str:
    """Return the mRID of something of a client's: always the same for the same words."""
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:24].upper() + PEN


def reading_type(what: tuple[str, int, int, int], exponent: int = 0) -> Content:
    """Return a ReadingType of averages."""
    _, unit, kind, phase = what
    return {
        "accumulationBehaviour": 12,
        "commodity": 1,
        "dataQualifier": 2,
        "flowDirection": 1,
        "kind": kind,
        "phase": phase or None,
        "powerOfTenMultiplier": exponent,
        "uom": unit,
    }


def mirror(
    lfdi: str,
    *whats: tuple[str, int, int, int],
    role: str = SITE,
    exponent: int = 0,
    **content: object,
) -> Element:
    """Return a MirrorUsagePoint with the types of its readings.

    Args:
        lfdi: Whose meter it is.
        whats: What it reads; none: active power.
        role: roleFlags.
        exponent: Power of ten of its values.
        content: Elements beside these, or in their place.
    """
    rows = [
        {
            "mRID": mrid(lfdi, role, what[0]),
            "description": what[0],
            "ReadingType": reading_type(what, exponent),
        }
        for what in whats or (ACTIVE,)
    ]
    usual: Content = {
        "mRID": mrid(lfdi, role),
        "description": "suite",
        "roleFlags": role,
        "serviceCategoryKind": 0,
        "status": 1,
        "deviceLFDI": lfdi,
        "MirrorMeterReading": rows,
    }
    return make("MirrorUsagePoint", {**usual, **content})


def reading(
    lfdi: str, what: str, value: int, start: datetime, lasts: timedelta, *, role: str = SITE
) -> Element:
    """Return one average of a meter, as a MirrorMeterReading with a Reading alone."""
    period = {"duration": lasts, "start": seconds(start)}
    content = {
        "mRID": mrid(lfdi, role, what),
        "Reading": {"timePeriod": period, "value": value},
    }
    return make("MirrorMeterReading", content)


def reading_set(
    lfdi: str,
    what: str,
    values: Sequence[int],
    start: datetime,
    step: timedelta,
    *,
    role: str = SITE,
) -> Element:
    """Return several averages of a meter in one MirrorReadingSet; the same start is the same set."""
    rows = [
        {
            "timePeriod": {"duration": step, "start": seconds(start + n * step)},
            "value": value,
            "localID": f"{n:02X}",
        }
        for n, value in enumerate(values)
    ]
    whole: Mapping[str, object] = {
        "mRID": mrid(lfdi, role, what, str(seconds(start))),
        "timePeriod": {"duration": step * len(values), "start": seconds(start)},
        "Reading": rows,
    }
    return make("MirrorMeterReading", {"mRID": mrid(lfdi, role, what), "MirrorReadingSet": whole})
