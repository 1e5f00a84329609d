"""What CSIP-AUS adds to what the reference client tells: registration, connection point, mirrors, demand response.

Spec: CSIP-AUS (SA TS 5573) and its client procedures ALL-02, ALL-03, ALL-06, DRL-01, DRG-01.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from conformance.reference.sep2client.settings import Settings
from conformance.reference.sep2client.wire import Child, document, seconds

_PEN: Final = "00040732"
"""Decimal digits, where IEEE 2030.5 has a binary number."""
SITE, DEVICE = "site", "device"
_ROLES: Final[Mapping[str, str]] = {SITE: "0003", DEVICE: "0049"}
QUANTITIES: Final = (("W", 38, 37, 0), ("var", 63, 37, 0), ("V", 29, 0, 128))
"""Name, unit of measure, kind and phase of what is mirrored."""
STORED: Final = ("Wh", 72, 12, 0)
"""Of a device with a storage, beside them."""
OPERATIONAL, OFF, DISCONNECTED = 2, 1, 100
_LOADS: Final = ((1, 101), (5000, 102), (7500, 103), (10000, 104))
_GENERATIONS: Final = ((0, 105), (5000, 106), (7500, 107), (10000, 108))
"""Up to so many hundredths of a percent -> operationalModeStatus."""


def end_device(settings: Settings, now: datetime) -> bytes:
    """Return the EndDevice by which the client registers itself."""
    number = int(settings.lfdi[:9], 16)
    return document(
        "EndDevice",
        ("deviceCategory", f"{settings.category:08X}"),
        ("lFDI", settings.lfdi),
        ("sFDI", number * 10 + -sum(map(int, str(number))) % 10),
        ("changedTime", seconds(now)),
    )


def connection_point(settings: Settings) -> bytes:
    """Return the ConnectionPoint, which names the meter."""
    return document("aus:ConnectionPoint", ("aus:connectionPointId", settings.nmi))


def operating(in_force: Mapping[str, str], *, closed: bool) -> int:
    """Return operationalModeStatus; a device for demand response says by it what it was told."""
    if in_force.get("opModConnect") == "false":
        return DISCONNECTED
    if not closed or in_force.get("opModEnergize") == "false":
        return OFF
    if "opModFixedW" not in in_force:
        return OPERATIONAL
    told = int(in_force["opModFixedW"])
    steps = _LOADS if told < 0 else _GENERATIONS
    return next(code for most, code in steps if abs(told) <= most)


def mrid(*words: str) -> str:
    """Return the mRID of something of ours: always the same for the same words."""
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:24].upper() + _PEN


def mirror(lfdi: str, where: str, *, stored: bool = False) -> bytes:
    """Return the MirrorUsagePoint of the site or the device, with the types of its readings."""
    quantities = (*QUANTITIES, STORED) if stored and where == DEVICE else QUANTITIES
    readings: list[Child] = [
        (
            "MirrorMeterReading",
            (
                ("mRID", mrid(lfdi, where, name)),
                ("description", f"{where} {name}"),
                ("ReadingType", _type(where, unit, kind, phase)),
            ),
        )
        for name, unit, kind, phase in quantities
    ]
    return document(
        "MirrorUsagePoint",
        ("mRID", mrid(lfdi, where)),
        ("description", where),
        ("roleFlags", _ROLES[where]),
        ("serviceCategoryKind", 0),
        ("status", 1),
        ("deviceLFDI", lfdi),
        *readings,
    )


def _type(where: str, unit: int, kind: int, phase: int) -> tuple[Child, ...]:
    """Return a ReadingType: the site's power is import positive, the device's what it delivers."""
    return (
        ("accumulationBehaviour", 12),
        ("commodity", 1),
        ("dataQualifier", 2),
        ("flowDirection", 1 if where == SITE else 19),
        ("kind", kind),
        *((("phase", phase),) if phase else ()),
        ("powerOfTenMultiplier", 0),
        ("uom", unit),
    )


def reading(lfdi: str, where: str, name: str, value: float, period: tuple[Child, ...]) -> Child:
    """Return one average, under the mRID that its type was told with."""
    told = ("timePeriod", period), ("value", round(value))
    return "MirrorMeterReading", (("mRID", mrid(lfdi, where, name)), ("Reading", told))


def readings(
    lfdi: str, where: str, values: Mapping[str, float], start: datetime, lasts: int
) -> bytes:
    """Return the averages of a period, all of one mirror."""
    period = (("duration", lasts), ("start", seconds(start)))
    rows = [reading(lfdi, where, name, value, period) for name, value in values.items()]
    size = str(len(rows))
    return document("MirrorMeterReadingList", *rows, attributes={"all": size, "results": size})
