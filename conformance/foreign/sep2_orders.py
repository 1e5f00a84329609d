"""Orders of a script (``kit.sep2.operator``) in the words of our 2030.5 server's operator: JSON of its interface."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from conformance.engine.errors import DriverMissingError
from conformance.kit.sep2.tables import tables
from conformance.kit.sep2.values import Content, Control, Curve, Price, Tariff
from gateway.domain.timespan import instant_text

Fields = dict[str, Any]
"""A document of the interface; ``Any``: whatever JSON holds."""
_CURVES: Final = frozenset(
    {
        "opModFreqWatt",
        "opModHFRTMayTrip",
        "opModHFRTMustTrip",
        "opModHVRTMayTrip",
        "opModHVRTMomentaryCessation",
        "opModHVRTMustTrip",
        "opModLFRTMayTrip",
        "opModLFRTMustTrip",
        "opModLVRTMayTrip",
        "opModLVRTMomentaryCessation",
        "opModLVRTMustTrip",
        "opModVoltVar",
        "opModVoltWatt",
        "opModWattPF",
        "opModWattVar",
    }
)
"""Modes whose value is a curve."""
_DAILY: Final = {"uom": 72, "powerOfTenMultiplier": 3}
"""What prices are per: kWh."""


def modes(base: Content | None, curves: Mapping[str, str]) -> Fields:
    """Return a DERControlBase.

    Args:
        base: As the script has it: names of CSIP-AUS begin with ``aus:``, a curve is its id.
        curves: Id of a curve -> its address.

    Raises:
        DriverMissingError: a curve that was never made.
    """
    found: Fields = {}
    for name, value in (base or {}).items():
        local = name.rpartition(":")[2]
        if local in _CURVES:
            if str(value) not in curves:
                raise DriverMissingError(f"no curve is called {value!r}")
            found[local] = {"href": curves[str(value)]}
        else:
            found[local] = value
    return found


def event_body(control: Control, program: str, curves: Mapping[str, str]) -> Fields:
    """Return the body of ``POST /v1/events``.

    Raises:
        DriverMissingError: the control is to be something that our server works out itself.
    """
    if control.status is not None or control.created is not None or control.wrong:
        raise DriverMissingError("creationTime and status of a control are the server's own")
    return {
        "program": program,
        "start": instant_text(control.start),
        "duration_s": round(control.lasts.total_seconds()),
        "modes": modes(control.base, curves),
        "randomize_start_s": control.random_start or 0,
        "randomize_duration_s": control.random_lasts or 0,
        "description": control.id,
        "category": int(control.category, 16) if control.category else None,
        "response_required": int(control.required or "00", 16),
        "mrid": control.mrid or None,
    }


def curve_body(curve: Curve) -> Fields:
    """Return the body of ``POST /v1/programs/{mrid}/curves``."""
    return {
        "curve": {
            "description": curve.id,
            "CurveData": [{"xvalue": x, "yvalue": y} for x, y in curve.points],
            "curveType": curve.type,
            "xMultiplier": 0,
            "yMultiplier": 0,
            "yRefType": 0,
            **curve.content,
        }
    }


def tariff_body(tariff: Tariff, fsas: list[str]) -> Fields:
    """Return the body of ``POST /v1/tariffs``."""
    return {
        "primacy": tariff.primacy,
        "fsas": fsas,
        "description": tariff.id,
        "currency": tariff.currency,
        "power_of_ten": tariff.exponent,
    }


def component_body(component: str) -> Fields:
    """Return the body of ``POST /v1/tariffs/{mrid}/components``."""
    return {"reading_type": dict(_DAILY), "description": component}


def price_body(price: Price, component: str) -> Fields:
    """Return the body of ``POST /v1/events``.

    Raises:
        DriverMissingError: as ``event_body``.
    """
    if price.status is not None or price.created is not None:
        raise DriverMissingError("creationTime and status of a price are the server's own")
    return {
        "program": component,
        "start": instant_text(price.start),
        "duration_s": round(price.lasts.total_seconds()),
        "prices": [{"consumptionBlock": 0, "price": price.price, "startValue": 0}],
        "description": price.id,
        "response_required": int(price.required or "00", 16),
    }


# --- back


def texts(kind: str, resource: Fields) -> dict[str, str]:
    """Return a resource as a script reads it: flat names, texts as they stand on the wire.

    Args:
        kind: Name of its type.
        resource: As the interface tells it: bit fields are numbers there.
    """
    return dict(_texts(kind, resource, ""))


def _texts(kind: str, resource: Fields, above: str) -> Iterator[tuple[str, str]]:
    parts = _parts(kind)
    for name, value in resource.items():
        type_name = parts.get(name, "")
        if isinstance(value, dict):
            yield from _texts(type_name, value, f"{above}{name}.")
        elif not isinstance(value, list):
            yield f"{above}{name}", _text(type_name, value)


def _text(type_name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    simple = tables().simples.get(type_name)
    if simple is not None and simple.kind == "hex" and isinstance(value, int):
        return f"{value:0{2 * simple.high}X}"
    return str(value)


@cache
def _parts(kind: str) -> Mapping[str, str]:
    shape = tables().shapes.get(kind)
    found = {part.name.rpartition("}")[2]: part.type for part in shape.parts} if shape else {}
    attributes = (
        {name: type_name for name, (type_name, _) in shape.attributes.items()} if shape else {}
    )
    return found | attributes


def numbered(rows: list[dict[str, str]]) -> dict[str, str]:
    """Return entries in one mapping, each with its place in front."""
    return {f"{place}.{key}": value for place, row in enumerate(rows) for key, value in row.items()}


def reading(row: Fields) -> dict[str, str]:
    """Return a value of a meter as a script reads it."""
    found = {
        "mRID": row["meter_reading"],
        "value": row["value"],
        "timePeriod.start": row["start"],
        "timePeriod.duration": row["duration"],
        "ReadingType.powerOfTenMultiplier": row["multiplier"],
        "ReadingType.uom": row["uom"],
    }
    return {name: str(value) for name, value in found.items() if value is not None}
