"""What the reference client tells about itself: capability, settings, status, availability, readings, alarms.

Spec: IEEE 2030.5-2018 clauses 10.10.4 and 10.11; CSIP Implementation Guide clause 6.3.5.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from conformance.reference.sep2client.aus import operating
from conformance.reference.sep2client.memory import Program
from conformance.reference.sep2client.settings import Settings
from conformance.reference.sep2client.wire import Child, document, seconds

_BITS: Final[Mapping[str, int]] = {
    "opModConnect": 2, "opModEnergize": 3, "opModFixedPFAbsorbW": 4, "opModFixedPFInjectW": 5, "opModFixedVar": 6,
    "opModFixedW": 7, "opModFreqDroop": 8, "opModFreqWatt": 9, "opModHFRTMayTrip": 10, "opModHFRTMustTrip": 11,
    "opModHVRTMayTrip": 12, "opModHVRTMomentaryCessation": 13, "opModHVRTMustTrip": 14, "opModLFRTMayTrip": 15,
    "opModLFRTMustTrip": 16, "opModLVRTMayTrip": 17, "opModLVRTMomentaryCessation": 18, "opModLVRTMustTrip": 19,
    "opModMaxLimW": 20, "opModTargetVar": 21, "opModTargetW": 22, "opModVoltVar": 23, "opModVoltWatt": 24,
    "opModWattPF": 25, "opModWattVar": 26,
}  # fmt: skip
"""DERControlType; charge and discharge are bits 0 and 1."""
_CHARGES, _DISCHARGES = 1, 2
_DOE_ALL: Final = "0F"
_VPP_ALL: Final = "01"
_LEAST_PART: Final = 10
"""A storage keeps one part in so many."""
_PV_AND_STORAGE: Final = 83
_PEN: Final = "00009F1C"
_LARGEST: Final = 32767
_MULTIPLIER: Final = 1
"""Power is told in tens of watts: 120 kW is more than an Int16 of watts."""
_DEVICE_MIRROR: Final = "0049"
_QUANTITIES: Final = (("W", 38, 0), ("var", 63, 0), ("V", 29, 0))
"""Name, unit of measure and multiplier of what is mirrored."""
_GRAD_W: Final = 100


def _power(watts: float) -> tuple[Child, ...]:
    multiplier, value = 0, watts
    while abs(value) > _LARGEST:
        multiplier, value = multiplier + 1, value / 10
    return ("multiplier", multiplier), ("value", int(value))


def _energy(name: str, wh: float) -> list[Child]:
    """Return an energy of the storage; without one: nothing."""
    return [(name, _power(wh))] if wh else []


def capability(settings: Settings) -> bytes:
    """Return DERCapability."""
    bits = _CHARGES | _DISCHARGES
    for mode in settings.modes:
        bits |= 1 << _BITS[mode]
    power = _power(settings.max_w)
    children: list[Child] = [
        ("modesSupported", f"{bits:08X}"),
        ("rtgMaxChargeRateW", power),
        ("rtgMaxDischargeRateW", power),
        ("rtgMaxVA", power),
        ("rtgMaxVar", power),
        ("rtgMaxW", power),
        *_energy("rtgMaxWh", settings.storage_wh),
        ("type", _PV_AND_STORAGE),
    ]
    if settings.csip_aus:
        children.append(("aus:doeModesSupported", _DOE_ALL))
    if settings.storage_wh:
        children.append(("beta:vppModesSupported", _VPP_ALL))
    return document("DERCapability", *children)


def der_settings(settings: Settings, program: Program | None, now: datetime) -> bytes:
    """Return DERSettings; a default's setGradW takes the place of our own."""
    bits = _CHARGES | _DISCHARGES
    for mode in settings.modes:
        bits |= 1 << _BITS[mode]
    power = _power(settings.max_w)
    told = program.settings if program is not None else {}
    children: list[Child] = [
        ("modesEnabled", f"{bits:08X}"),
        ("setGradW", told.get("setGradW", _GRAD_W)),
        ("setMaxChargeRateW", power),
        ("setMaxDischargeRateW", power),
        ("setMaxVA", power),
        ("setMaxVar", power),
        ("setMaxW", power),
        *_energy("setMaxWh", settings.storage_wh),
    ]
    if "setSoftGradW" in told:
        children.append(("setSoftGradW", told["setSoftGradW"]))
    children.append(("updatedTime", seconds(now)))
    if settings.csip_aus:
        children.append(("aus:doeModesEnabled", _DOE_ALL))
    if settings.storage_wh:
        children.append(("beta:vppModesEnabled", _VPP_ALL))
    children += _energy("beta:setMinWh", settings.storage_wh / _LEAST_PART)
    return document("DERSettings", *children)


def status(
    in_force: Mapping[str, str], alarms: int, now: datetime, *, closed: bool | None = None
) -> bytes:
    """Return DERStatus; ``closed``: of CSIP-AUS, whether its switch is."""
    at = seconds(now)
    connected = in_force.get("opModConnect") != "false" and closed is not False
    energized = in_force.get("opModEnergize") != "false"
    works = connected and energized
    mode = (2 if works else 1) if closed is None else operating(in_force, closed=closed)
    return document(
        "DERStatus",
        ("alarmStatus", f"{alarms:08X}"),
        (
            "genConnectStatus",
            (("dateTime", at), ("value", "07" if works else "06" if energized else "00")),
        ),
        ("inverterStatus", (("dateTime", at), ("value", 4 if works else 1))),
        ("operationalModeStatus", (("dateTime", at), ("value", mode))),
        ("readingTime", at),
    )


def availability(settings: Settings, now: datetime) -> bytes:
    """Return DERAvailability."""
    return document(
        "DERAvailability",
        ("availabilityDuration", 3600),
        ("readingTime", seconds(now)),
        ("statWAvail", _power(settings.max_w)),
    )


def mrid(*words: str) -> str:
    """Return the mRID of something of ours: always the same for the same words."""
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:24].upper() + _PEN


def mirror(lfdi: str) -> bytes:
    """Return the MirrorUsagePoint of an EndDevice, with the types of its readings."""
    readings: list[Child] = [
        (
            "MirrorMeterReading",
            (
                ("mRID", mrid(lfdi, name)),
                ("description", name),
                (
                    "ReadingType",
                    (
                        ("accumulationBehaviour", 12),
                        ("commodity", 1),
                        ("dataQualifier", 2),
                        ("flowDirection", 1),
                        ("kind", 37),
                        ("powerOfTenMultiplier", multiplier),
                        ("uom", unit),
                    ),
                ),
            ),
        )
        for name, unit, multiplier in _QUANTITIES
    ]
    return document(
        "MirrorUsagePoint",
        ("mRID", mrid(lfdi, "mirror")),
        ("description", "device"),
        ("roleFlags", _DEVICE_MIRROR),
        ("serviceCategoryKind", 0),
        ("status", 1),
        ("deviceLFDI", lfdi),
        *readings,
    )


def reading(lfdi: str, name: str, value: int, start: datetime, lasts: int) -> bytes:
    """Return one average, under the mRID that its type was told with."""
    period = (("duration", lasts), ("start", seconds(start)))
    return document(
        "MirrorMeterReading",
        ("mRID", mrid(lfdi, name)),
        ("Reading", (("qualityFlags", "0001"), ("timePeriod", period), ("value", value))),
    )


def alarm(code: int, number: int, now: datetime) -> bytes:
    """Return a LogEvent of the DER function set."""
    return document(
        "LogEvent",
        ("createdDateTime", seconds(now)),
        ("functionSet", 11),
        ("logEventCode", code),
        ("logEventID", number),
        ("logEventPEN", 40732),
        ("profileID", 2),
    )


def response(lfdi: str, mrid_: str, code: int, at: datetime, *, priced: bool) -> bytes:
    """Return a Response to a DERControl, or to a price."""
    return document(
        "PriceResponse" if priced else "DERControlResponse",
        ("createdDateTime", seconds(at)),
        ("endDeviceLFDI", lfdi),
        ("status", code),
        ("subject", mrid_),
    )
