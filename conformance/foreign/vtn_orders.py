"""From the suite's orders to the JSON that our VTN's operator would write (docs/conformance/play-the-utility.md)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from conformance.engine.errors import DriverMissingError

Fields = Mapping[str, Any]
_MONEY: Final = {"oadr:currencyPerKWh": "/kWh", "oadr:currencyPerKW": "/kW", "oadr:currency": ""}
_NONE: Final = "none"


def unit_of(given: Fields | None) -> str:
    """Return a unit as operators write it: ``kW``, ``USD/kWh``; empty for none."""
    if given is None:
        return ""
    scale = "" if given["scale"] == _NONE else given["scale"]
    return f"{scale}{given['units']}{_MONEY.get(given['name'], '')}"


def event_body(given: Fields, context: str) -> dict[str, Any]:
    """Return the body of ``PUT /v1/events/…``: the event as it is to be.

    Args:
        given: Fields of ``kit.oadr20b.event.Event``.
        context: Market context unless the event names one.
    """
    target, baseline = given["target"], given["baseline"]
    body = {
        "market_context": given["context"] or context,
        "start": given["start"],
        "signals": [_signal(one) for one in given["signals"]],
        "baseline": _baseline(baseline) if baseline else None,
        "target": {
            "groups": target["group_ids"],
            "resources": target["resource_ids"],
            "parties": target["party_ids"],
        },
        "priority": given["priority"],
        "notification": given["notification"] or "PT0S",
        "ramp_up": given["ramp_up"],
        "recovery": given["recovery"],
        "randomise": given["start_after"],
        "test_event": given["test"],
        "response_required": "always" if given["required"] else "never",
        "comment": given["comment"] or "",
    }
    return {name: value for name, value in body.items() if value is not None}


def _signal(given: Fields) -> dict[str, Any]:
    return {
        "name": given["name"],
        "type": given["type"],
        "unit": unit_of(given["unit"]),
        "id": given["id"],
        "intervals": _steps(given["steps"]),
        "device_classes": [given["device_class"]] if given["device_class"] else [],
    }


def _steps(given: Sequence[Fields]) -> list[dict[str, Any]]:
    return [{"duration": step["lasts"], "value": step["value"]} for step in given]


def _baseline(given: Fields) -> dict[str, Any]:
    return {
        "id": given["id"],
        "name": given["name"],
        "start": given["start"],
        "unit": unit_of(given["unit"]),
        "intervals": _steps(given["steps"]),
    }


def wish_body(given: Fields, ven: Fields | None, *, piggyback: bool = False) -> dict[str, Any]:
    """Return one wish of ``POST /v1/reports``.

    Args:
        given: Fields of ``kit.oadr20b.report.ReportRequest``.
        ven: The VEN as our VTN shows it: what it offers tells the report's name; None: of whoever offers it.
        piggyback: Ask in the answer to the VEN's metadata.

    Raises:
        DriverMissingError: the VEN offers nothing under that reportSpecifierID.
    """
    metadata = given["specifier"] == "METADATA"
    body = {
        "id": given["id"],
        "ven": ven["ven_id"] if ven is not None else "",
        "name": "METADATA" if metadata else _name(given["specifier"], ven),
        "data_points": [] if metadata else given["points"],
        "granularity": given["granularity"],
        "back": given["back"],
        "start": given["start"],
        "lasts": given["lasts"] if given["start"] else None,
        "piggyback": piggyback,
    }
    return {name: value for name, value in body.items() if value is not None}


def _name(specifier: str, ven: Fields | None) -> str:
    for offer in ven["offers"] if ven is not None else ():
        if offer["report_specifier_id"] == specifier:
            name: str = offer["report_name"]
            return name.removeprefix("METADATA_")
    raise DriverMissingError(f"the VEN offers no report {specifier!r}")


def wish_of(request_id: str, wishes: Sequence[Fields]) -> str:
    """Return the id of the wish behind a reportRequestID, or of the wish that is called so.

    Raises:
        DriverMissingError: there is none.
    """
    for wish in wishes:
        ids = [request["report_request_id"] for request in wish["requests"]]
        if request_id in (wish["id"], *ids):
            found: str = wish["id"]
            return found
    raise DriverMissingError(f"no report is wanted under {request_id!r}")


def state_of(deliveries: Sequence[Fields], answers: Sequence[Fields]) -> dict[str, str]:
    """Return ``opt.<event>``, the opt that counts now, and ``code.<event>``, the code of the last answer."""
    codes = {f"code.{one['event_id']}": one["code"] for one in answers}
    opts = {f"opt.{one['event_id']}": one["opt"] for one in deliveries if one["opt"]}
    return codes | opts
